//! Questions to a store about rollups, and its answers.

use serde::{Deserialize, Serialize};

use crate::{
    app::AppId,
    cuboid::Cuboid,
    dimension::Dimension,
    metric::Metric,
    rollup::Rollup,
    time::{Minute, MinuteRange, Resolution},
};

/// Keeps the groups whose value of `dimension` is one of `values`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Filter {
    pub dimension: Dimension,
    pub values: Vec<String>,
}

/// Rollups of one metric, merged over the groups that pass the filters, into windows and by the
/// values of one dimension.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RollupQuery {
    pub app: AppId,
    pub metric: Metric,
    /// The cuboid that answers; has every filtered dimension and the grouped one.
    pub cuboid: Cuboid,
    pub range: MinuteRange,
    pub windows: Windows,
    /// All must pass; one for each dimension at most.
    pub filters: Vec<Filter>,
    pub group_by: Option<Dimension>,
}

/// Into which windows an answer is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Windows {
    /// The whole range as one. Answered from hour rollups where they cover it exactly.
    Whole,
    /// Windows of `minutes` (at least 1), aligned to the epoch, from rollups of `resolution`, whose
    /// width divides `minutes`.
    Step { minutes: u32, resolution: Resolution },
}

/// One merged rollup of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollupRow {
    /// The value of the dimension grouped by; empty when none was.
    pub value: Box<str>,
    /// Where its window starts; for [`Windows::Whole`] the range's start.
    pub window: Minute,
    pub rollup: Rollup,
}

impl Windows {
    /// The start of the window that contains `minute`.
    pub fn start_of(self, minute: Minute, range: MinuteRange) -> Minute {
        match self {
            Self::Whole => range.start,
            Self::Step { minutes, .. } => Minute(minute.0 / minutes * minutes),
        }
    }
}

/// A metric that an app has rollups of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricEntry {
    pub metric: Metric,
    /// The last hour that has a value.
    pub last_hour: crate::time::Hour,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_aligned_to_the_epoch() {
        let range = MinuteRange::new(Minute(7), Minute(30));
        assert_eq!(Windows::Step { minutes: 5, resolution: Resolution::Minute }.start_of(Minute(9), range), Minute(5));
        assert_eq!(Windows::Whole.start_of(Minute(9), range), Minute(7));
    }
}
