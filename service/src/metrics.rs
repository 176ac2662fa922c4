//! Self-metrics: what the process says of itself at `/metrics`.
//!
//! Each crate lists its own in its `metrics.rs`, with meaning, labels and when to alert, and calls
//! [`describe`] for them. Names are `icarus_<stage>_<what>_<unit>[_total]`, in base units.

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// What a self-metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// A self-metric: its name and what it means.
#[derive(Debug, Clone, Copy)]
pub struct SelfMetric {
    pub name: &'static str,
    pub kind: Kind,
    /// What it counts or measures, its labels, and when to be alarmed.
    pub help: &'static str,
}

/// Upper bounds of the buckets of durations, in seconds.
const SECONDS: [f64; 13] = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

/// Collects self-metrics and renders them for Prometheus.
#[derive(Debug, Clone)]
pub struct Recorder(PrometheusHandle);

impl Recorder {
    /// The recorder of this process; the first call makes it, every call returns the same.
    #[expect(clippy::missing_panics_doc, reason = "the panics are on constants and on a set-once cell")]
    pub fn global() -> Self {
        static GLOBAL: std::sync::OnceLock<PrometheusHandle> = std::sync::OnceLock::new();
        let handle = GLOBAL.get_or_init(|| {
            PrometheusBuilder::new()
                .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &SECONDS)
                .expect("the bounds are constant and not empty")
                .install_recorder()
                .expect("no other recorder is installed in this process")
        });
        Self(handle.clone())
    }

    /// All self-metrics in Prometheus's text format.
    pub fn render(&self) -> String {
        self.0.run_upkeep();
        self.0.render()
    }
}

/// Makes the meaning of `metrics` part of what `/metrics` says.
pub fn describe(metrics: &[SelfMetric]) {
    for metric in metrics {
        match metric.kind {
            Kind::Counter => metrics::describe_counter!(metric.name, metric.help),
            Kind::Gauge => metrics::describe_gauge!(metric.name, metric.help),
            Kind::Histogram => metrics::describe_histogram!(metric.name, metric.help),
        }
    }
}
