//! Dimensions: the keys that users are sliced by.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// What a value becomes when its dimension has too many of them.
pub const OTHER: &str = "__other__";
/// How long a value may be, in bytes; a longer one is cut at a character's end.
pub const VALUE_BYTES_MAX: usize = 200;
/// How many dimensions of its own an app may have.
pub const CUSTOM_MAX: usize = 8;

/// A key to filter or group on. An empty value means that the beacon said nothing about it.
///
/// The order of the variants is the canonical order within a cuboid.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Dimension {
    /// The page's template, such as `/product/:id`.
    Route,
    /// ISO 3166-1 alpha-2, such as `BR`.
    Country,
    Region,
    /// The autonomous system, such as `AS28573`.
    Network,
    /// The browser's family, such as `Chrome`.
    Browser,
    /// Family and major version, such as `Chrome 151`.
    BrowserVersion,
    /// The operating system and its major version, such as `iOS 26`.
    Os,
    /// `desktop`, `mobile`, `tablet`, `tv` or `other`.
    Device,
    /// The effective connection type, such as `4g`.
    Connection,
    /// The app's own version.
    Release,
    /// How the page was reached: `navigate`, `reload`, `back-forward`, `prerender` ...
    NavigationType,
    /// The name of an experiment. A page view counts once for each that it is in.
    Experiment,
    /// The arm of that experiment.
    Arm,
    /// One that the app's configuration names.
    Custom(DimensionName),
}

/// The name of an app's own dimension: 1 to 32 characters of `a-z 0-9 _`, the first a letter, and
/// not the name of a built-in one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DimensionName(Box<str>);

/// A text that can't name a dimension.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` can't name a dimension: use 1 to 32 characters of a-z 0-9 _, the first a letter")]
pub struct DimensionNameError(String);

const BUILT_IN: [(&str, Dimension); 13] = [
    ("route", Dimension::Route),
    ("country", Dimension::Country),
    ("region", Dimension::Region),
    ("network", Dimension::Network),
    ("browser", Dimension::Browser),
    ("browser_version", Dimension::BrowserVersion),
    ("os", Dimension::Os),
    ("device", Dimension::Device),
    ("connection", Dimension::Connection),
    ("release", Dimension::Release),
    ("navigation_type", Dimension::NavigationType),
    ("experiment", Dimension::Experiment),
    ("arm", Dimension::Arm),
];

impl Dimension {
    /// The dimensions that every app has, in canonical order.
    pub fn built_in() -> impl Iterator<Item = Self> {
        BUILT_IN.into_iter().map(|(_, dimension)| dimension)
    }

    /// Its name in configuration, queries and answers.
    pub fn name(&self) -> &str {
        match self {
            Self::Custom(name) => name.as_str(),
            built_in => {
                BUILT_IN.iter().find(|(_, dimension)| dimension == built_in).expect("every built-in dimension stands in the list").0
            }
        }
    }
}

impl FromStr for Dimension {
    type Err = DimensionNameError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match BUILT_IN.iter().find(|(built_in, _)| *built_in == name) {
            Some((_, dimension)) => Ok(dimension.clone()),
            None => DimensionName::new(name).map(Self::Custom),
        }
    }
}

impl TryFrom<String> for Dimension {
    type Error = DimensionNameError;
    fn try_from(name: String) -> Result<Self, DimensionNameError> {
        name.parse()
    }
}

impl From<Dimension> for String {
    fn from(dimension: Dimension) -> Self {
        dimension.name().to_owned()
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl DimensionName {
    /// Takes `name` if an app may call a dimension so.
    ///
    /// # Errors
    /// When it is empty, too long, has other characters, or names a built-in dimension.
    pub fn new(name: &str) -> Result<Self, DimensionNameError> {
        let known = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        let built_in = BUILT_IN.iter().any(|(built_in, _)| *built_in == name);
        match name.as_bytes() {
            [first, rest @ ..] if first.is_ascii_lowercase() && rest.len() < 32 && rest.iter().all(|b| known(*b)) && !built_in => {
                Ok(Self(name.into()))
            }
            _ => Err(DimensionNameError(name.to_owned())),
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for DimensionName {
    type Error = DimensionNameError;
    fn try_from(name: String) -> Result<Self, DimensionNameError> {
        Self::new(&name)
    }
}

impl From<DimensionName> for String {
    fn from(name: DimensionName) -> Self {
        name.0.into()
    }
}

/// `value` without what would harm a page or a key: control characters become spaces, the ends are
/// trimmed, and past [`VALUE_BYTES_MAX`] it is cut at a character's end. Borrows when nothing changes.
pub fn clean_value(value: &str) -> std::borrow::Cow<'_, str> {
    let trimmed = value.trim();
    let mut end = trimmed.len().min(VALUE_BYTES_MAX);
    while !trimmed.is_char_boundary(end) {
        end -= 1;
    }
    let cut = &trimmed[..end];
    if cut.contains(char::is_control) { cut.replace(char::is_control, " ").into() } else { cut.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dimension_is_read_back_from_its_name() {
        for dimension in Dimension::built_in().chain([Dimension::Custom(DimensionName::new("plan").unwrap())]) {
            assert_eq!(dimension.name().parse::<Dimension>().unwrap(), dimension);
        }
    }

    #[test]
    fn an_apps_dimension_may_not_take_a_built_in_name() {
        assert!(DimensionName::new("route").is_err());
        assert!(DimensionName::new("Plan").is_err());
        assert!(DimensionName::new("").is_err());
    }

    #[test]
    fn values_are_cleaned() {
        assert_eq!(clean_value(" a\nb "), "a b");
        assert_eq!(clean_value(&"é".repeat(200)).len(), VALUE_BYTES_MAX);
        assert!(matches!(clean_value("/checkout"), std::borrow::Cow::Borrowed(_)));
    }
}
