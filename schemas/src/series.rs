//! Groups and series: one value for each dimension of a cuboid, and with a metric the series.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{app::AppId, cuboid::Cuboid, dimension::Dimension, metric::Metric};

/// A slice of an app's users: one value for each dimension of a cuboid.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Group {
    pub app: AppId,
    pub cuboid: Cuboid,
    /// As many as the cuboid has dimensions, in its order.
    pub values: Box<[Box<str>]>,
}

impl Group {
    /// All users of `app`.
    pub fn total(app: AppId) -> Self {
        Self { app, cuboid: Cuboid::default(), values: Box::default() }
    }

    /// Its value of `dimension`; `None` when the cuboid lacks it.
    pub fn value(&self, dimension: &Dimension) -> Option<&str> {
        self.cuboid.position(dimension).map(|at| self.values[at].as_ref())
    }

    /// Its dimensions with their values.
    pub fn slice(&self) -> impl Iterator<Item = (&Dimension, &str)> {
        self.cuboid.dimensions().iter().zip(self.values.iter().map(AsRef::as_ref))
    }
}

/// A metric of a group: what has one rollup a window.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Series {
    pub metric: Metric,
    pub group: Group,
}

impl fmt::Display for Series {
    /// `shop LCP{route=/checkout,browser=Safari}`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{{", self.group.app, self.metric.name)?;
        for (i, (dimension, value)) in self.group.slice().enumerate() {
            write!(f, "{}{dimension}={value}", if i > 0 { "," } else { "" })?;
        }
        f.write_str("}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{metric::MetricName, unit::Unit};

    #[test]
    fn a_series_prints_its_slice() {
        let group = Group {
            app: AppId::new("shop").unwrap(),
            cuboid: "browser,route".parse().unwrap(),
            values: ["/checkout".into(), "Safari".into()].into(),
        };
        assert_eq!(group.value(&Dimension::Browser), Some("Safari"));
        assert_eq!(group.value(&Dimension::Os), None);
        let series = Series { metric: Metric { name: MetricName::new("LCP").unwrap(), unit: Unit::Duration }, group };
        assert_eq!(series.to_string(), "shop LCP{route=/checkout,browser=Safari}");
    }
}
