//! The metrics of one app by number.

use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use schemas::{
    metric::{Metric, MetricName},
    unit::Unit,
};

use super::cells::{METRICS_MAX, MetricId};

/// What metrics beyond the bound are counted as, one for each unit.
const OVERFLOW: &str = "other.metrics";

/// An app's metrics in the order in which they were first seen; the first are the overflow ones.
#[derive(Debug)]
pub(super) struct Metrics {
    by_unit: [HashMap<Box<str>, MetricId, FixedState>; Unit::ALL.len()],
    names: Vec<Arc<Metric>>,
}

impl Default for Metrics {
    fn default() -> Self {
        let overflow = |unit| Arc::new(Metric { name: MetricName::new(OVERFLOW).expect("the name is well-formed"), unit });
        Self { by_unit: Default::default(), names: Unit::ALL.map(overflow).into() }
    }
}

impl Metrics {
    /// The number of a metric: below [`METRICS_MAX`].
    #[inline]
    pub(super) fn id(&mut self, name: &str, unit: Unit) -> MetricId {
        match self.by_unit[unit as usize].get(name) {
            Some(id) => *id,
            None => self.add(name, unit),
        }
    }

    /// All metrics, by number.
    pub(super) fn names(&self) -> &[Arc<Metric>] {
        &self.names
    }

    #[cold]
    fn add(&mut self, name: &str, unit: Unit) -> MetricId {
        let overflow = unit as MetricId;
        let (Ok(next), Ok(parsed)) = (MetricId::try_from(self.names.len()), MetricName::new(name)) else { return overflow };
        if usize::from(next) >= METRICS_MAX {
            return overflow;
        }
        self.names.push(Arc::new(Metric { name: parsed, unit }));
        self.by_unit[unit as usize].insert(name.into(), next);
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_beyond_the_bound_share_one_of_their_unit() {
        let mut metrics = Metrics::default();
        let first = metrics.id("LCP", Unit::Duration);
        assert_ne!(first, metrics.id("LCP", Unit::Bytes), "one name in two units is two metrics");
        for i in 0..2 * METRICS_MAX {
            metrics.id(&format!("m{i}"), Unit::Bytes);
        }
        assert_eq!(metrics.names().len(), METRICS_MAX);
        let late = metrics.id("late", Unit::Score);
        assert_eq!((metrics.names()[usize::from(late)].name.as_str(), metrics.names()[usize::from(late)].unit), (OVERFLOW, Unit::Score));
        assert_eq!(metrics.id("LCP", Unit::Duration), first);
    }
}
