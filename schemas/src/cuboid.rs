//! Cuboids: the sets of dimensions for which rollups are kept.
//!
//! Keeping every combination of every dimension would multiply; a short list of sets adds. Each
//! event counts once in each cuboid, so that totals agree whichever answers.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::dimension::{Dimension, DimensionName, DimensionNameError};

/// How many dimensions a cuboid may have.
pub const DIMENSIONS_MAX: usize = 4;
/// How many cuboids an app may have.
pub const CUBOIDS_MAX: usize = 24;

/// A set of at most [`DIMENSIONS_MAX`] dimensions, in canonical order. The empty set is the total.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cuboid(Box<[Dimension]>);

/// Dimensions that make no cuboid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CuboidError {
    #[error(transparent)]
    Dimension(#[from] DimensionNameError),
    #[error("a cuboid has at most {DIMENSIONS_MAX} dimensions, this one has {0}")]
    TooMany(usize),
    #[error("dimension {0} stands twice in a cuboid")]
    Repeated(Dimension),
    #[error("a cuboid with `arm` needs `experiment` beside it: an arm's name alone says nothing")]
    ArmAlone,
}

impl Cuboid {
    /// The cuboid of `dimensions`, in whatever order they come.
    ///
    /// # Errors
    /// When there are too many, one is repeated, or `arm` comes without `experiment`.
    pub fn new(dimensions: impl IntoIterator<Item = Dimension>) -> Result<Self, CuboidError> {
        let mut sorted: Vec<_> = dimensions.into_iter().collect();
        sorted.sort();
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(CuboidError::Repeated(pair[0].clone()));
        }
        if sorted.len() > DIMENSIONS_MAX {
            return Err(CuboidError::TooMany(sorted.len()));
        }
        if sorted.contains(&Dimension::Arm) && !sorted.contains(&Dimension::Experiment) {
            return Err(CuboidError::ArmAlone);
        }
        Ok(Self(sorted.into()))
    }

    /// Its dimensions, in canonical order.
    pub fn dimensions(&self) -> &[Dimension] {
        &self.0
    }

    /// Where `dimension` stands in it.
    pub fn position(&self, dimension: &Dimension) -> Option<usize> {
        self.0.iter().position(|own| own == dimension)
    }

    /// Whether it has all of `wanted`, and so can answer a question about them. A cuboid with the
    /// experiment answers only questions that name the experiment, because a page view counts in
    /// it once for each experiment it is in.
    pub fn answers(&self, wanted: &[Dimension]) -> bool {
        let repeats = self.position(&Dimension::Experiment).is_some() && !wanted.contains(&Dimension::Experiment);
        !repeats && wanted.iter().all(|dimension| self.position(dimension).is_some())
    }
}

impl fmt::Display for Cuboid {
    /// The names of its dimensions with commas between them; empty for the total.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, dimension) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            f.write_str(dimension.name())?;
        }
        Ok(())
    }
}

impl FromStr for Cuboid {
    type Err = CuboidError;

    fn from_str(names: &str) -> Result<Self, CuboidError> {
        let dimensions: Result<Vec<Dimension>, _> =
            names.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::parse).collect();
        Self::new(dimensions?)
    }
}

impl TryFrom<String> for Cuboid {
    type Error = CuboidError;
    fn try_from(names: String) -> Result<Self, CuboidError> {
        names.parse()
    }
}

impl From<Cuboid> for String {
    fn from(cuboid: Cuboid) -> Self {
        cuboid.to_string()
    }
}

/// The cuboids of an app whose configuration names none: the sets that people ask about together,
/// and each custom dimension with the device.
pub fn defaults(custom: &[DimensionName]) -> Vec<Cuboid> {
    use Dimension::{Arm, Browser, BrowserVersion, Connection, Country, Custom, Device, Experiment, Network, Os, Release, Route};
    let built_in: [&[Dimension]; 7] = [
        &[],
        &[Route, Device, Country],
        // Front ends break for one browser on one page more often than anywhere else.
        &[Route, Browser],
        &[Browser, BrowserVersion, Os],
        &[Release, Route, Device],
        &[Network, Country, Connection],
        &[Experiment, Arm, Device],
    ];
    let own = custom.iter().map(|name| vec![Custom(name.clone()), Device]);
    built_in
        .into_iter()
        .map(<[Dimension]>::to_vec)
        .chain(own)
        .map(|dimensions| Cuboid::new(dimensions).expect("the defaults are few and distinct"))
        .collect()
}

/// The smallest of `cuboids` that can answer a question about `wanted`; the first of equals.
pub fn covering<'a>(cuboids: &'a [Cuboid], wanted: &[Dimension]) -> Option<&'a Cuboid> {
    cuboids.iter().filter(|cuboid| cuboid.answers(wanted)).min_by_key(|cuboid| cuboid.dimensions().len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cuboid(names: &str) -> Cuboid {
        names.parse().unwrap()
    }

    #[test]
    fn a_cuboid_reads_the_same_in_any_order_and_prints_canonically() {
        assert_eq!(cuboid("device, route"), cuboid("route,device"));
        assert_eq!(cuboid("plan,route").to_string(), "route,plan");
        assert_eq!(cuboid("").to_string(), "");
    }

    #[test]
    fn sets_that_make_no_cuboid_are_refused() {
        assert_eq!("arm,device".parse::<Cuboid>(), Err(CuboidError::ArmAlone));
        assert_eq!("os,os".parse::<Cuboid>(), Err(CuboidError::Repeated(Dimension::Os)));
        assert_eq!("route,country,region,network,browser".parse::<Cuboid>(), Err(CuboidError::TooMany(5)));
    }

    #[test]
    fn the_smallest_covering_cuboid_answers_and_experiments_only_when_named() {
        let cuboids = defaults(&[DimensionName::new("plan").unwrap()]);
        let answer = |names: &str| covering(&cuboids, cuboid(names).dimensions()).map(ToString::to_string);
        assert_eq!(answer("").as_deref(), Some(""));
        assert_eq!(answer("route,browser").as_deref(), Some("route,browser"));
        assert_eq!(answer("plan").as_deref(), Some("device,plan"));
        assert_eq!(answer("device").as_deref(), Some("device,plan"));
        assert_eq!(answer("experiment").as_deref(), Some("device,experiment,arm"));
        assert_eq!(answer("route,plan"), None);
        let only_experiments = [cuboid("experiment,arm,device")];
        assert_eq!(covering(&only_experiments, cuboid("device").dimensions()), None);
    }
}
