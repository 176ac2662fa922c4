//! Bare objects of the web-vitals library, as a page without our script sends them.

use std::{borrow::Cow, sync::Arc};

use schemas::beacon::WebVital;

use super::{body::web_vitals_id, context::Context};
use crate::{draw::Draw, page::measurement::Measurement, traffic::Traffic};

/// One or several objects in one body. They carry no time: each counts when it is received.
#[derive(Debug)]
pub(crate) struct Bare {
    /// Of the `Idempotency-Key` header.
    pub(crate) id: String,
    pub(crate) context: Arc<Context>,
    pub(crate) reports: Vec<Report>,
    url: String,
}

/// One object.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) measurement: Measurement,
    /// The earlier value of the same id that it corrects. The intake keeps the first one.
    pub(crate) corrects: Option<f64>,
}

/// The names that the web-vitals library has.
const VITALS: [&str; 5] = ["LCP", "INP", "CLS", "FCP", "TTFB"];

impl Bare {
    /// The web vitals among `measurements` as bare objects; `None` when there are none. One in five has a
    /// second report of CLS or INP, as the library sends when the value grew.
    pub(crate) fn draw(context: &Context, measurements: &[Measurement], traffic: &Traffic, draw: &mut Draw) -> Option<Self> {
        let mut reports: Vec<_> = measurements
            .iter()
            .filter(|measurement| VITALS.contains(&measurement.metric))
            .map(|measurement| Report { measurement: measurement.clone(), corrects: None })
            .collect();
        // After a first report of nothing, the second one looks like a first.
        let grew = reports.iter().find(|report| matches!(report.measurement.metric, "CLS" | "INP") && report.measurement.value > 0.0);
        if let Some(report) = grew.filter(|_| draw.chance(0.2)) {
            let first = &report.measurement;
            let mut later = Measurement::new(first.metric, (first.value * 2.0 + 1.0).ceil(), first.at);
            later.id = first.id;
            reports.push(Report { corrects: Some(first.value), measurement: later });
        }
        // Nothing but the address is told about the page; the intake makes the route from it.
        let context = Context {
            sends_route: false,
            release: Cow::Borrowed(""),
            connection: Cow::Borrowed(""),
            plan: Cow::Borrowed(""),
            arm: Cow::Borrowed(""),
            ..context.clone()
        };
        let url = format!("{}{}", traffic.origin, context.path);
        let bare = Self { id: format!("w-{:016x}", draw.bits()), context: Arc::new(context), reports, url };
        (!bare.reports.is_empty()).then_some(bare)
    }

    /// An object, or an array of them.
    pub(crate) fn body(&self) -> Vec<u8> {
        let vitals: Vec<_> = self.reports.iter().map(|report| self.vital(report)).collect();
        let body = match vitals.as_slice() {
            [only] => serde_json::to_vec(only),
            several => serde_json::to_vec(several),
        };
        body.expect("numbers are finite and memory doesn't fail")
    }

    fn vital<'a>(&'a self, report: &'a Report) -> WebVital<'a> {
        let measurement = &report.measurement;
        WebVital {
            name: Some(measurement.metric.into()),
            value: Some(measurement.value),
            delta: Some(measurement.value - report.corrects.unwrap_or(0.0)),
            id: measurement.id.map(|id| web_vitals_id(self.context.started, id).into()),
            navigation_type: Some((&*self.context.navigation_type).into()),
            navigation_url: Some(self.url.as_str().into()),
            attribution: measurement.attribution,
        }
    }
}
