//! The pages of the imagined shop, how heavy each is, and where people go from it.

use std::sync::LazyLock;

use serde_json::value::RawValue;

use crate::draw::Draw;

/// A page of the shop.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// Such as `/product/:id`.
    pub template: &'static str,
    /// What stands in the address in place of `:id`: a number below this; 0 where there is none.
    ids: u64,
    /// Its share of first pages, relative to the others'.
    entries: f64,
    /// How likely each route, in [`ROUTES`]' order, is the next page, relative to the others.
    next: [f64; 9],
    /// The median time that the server takes when the page is in no cache, in milliseconds.
    pub server_ms: f64,
    /// The share that a cache answers, in [0, 1].
    pub cached: f64,
    /// Kilobytes of its document.
    pub document_kb: f64,
    /// Kilobytes of its largest image; 0 when the largest content is text.
    pub image_kb: f64,
    /// How much script runs, relative to the home page.
    pub script: f64,
    /// The share of page views with an interaction, in [0, 1].
    pub interacts: f64,
    /// Mean errors of a page view.
    pub errors: f64,
    /// Median seconds that people stay.
    pub stay_s: f64,
    /// The element that is the largest content.
    target: &'static str,
}

/// The pages of the shop.
#[rustfmt::skip]
pub const ROUTES: [Route; 9] = [
    route("/",           0,          40.0, [ 4.0, 30.0, 38.0,  2.0, 0.0, 6.0, 2.0,  8.0,  4.0], 160.0, 0.85, 48.0, 210.0, 1.0, 0.45, 0.006, 14.0, "main > img.hero"),
    route("/search",     0,          14.0, [ 6.0, 28.0, 56.0,  3.0, 0.0, 1.0, 0.0,  4.0,  1.0], 420.0, 0.20, 36.0,  60.0, 1.3, 0.85, 0.010, 18.0, "ul.results img"),
    route("/product/:id",9_000,      34.0, [ 8.0, 18.0, 38.0, 24.0, 0.0, 2.0, 0.0,  6.0,  3.0], 240.0, 0.65, 52.0, 160.0, 1.2, 0.70, 0.008, 26.0, "figure > img.photo"),
    route("/cart",       0,           2.0, [ 6.0,  6.0, 16.0, 10.0,52.0, 3.0, 0.0,  2.0,  3.0], 300.0, 0.05, 28.0,  30.0, 1.2, 0.90, 0.012, 20.0, "section.lines"),
    route("/checkout",   0,           1.0, [10.0,  2.0,  6.0, 12.0,30.0, 8.0,24.0,  1.0,  5.0], 380.0, 0.02, 34.0,  20.0, 1.7, 0.95, 0.018, 45.0, "form#payment"),
    route("/account",    0,           3.0, [14.0,  8.0, 12.0,  6.0, 2.0,18.0,30.0,  4.0,  6.0], 280.0, 0.05, 30.0,   0.0, 1.1, 0.75, 0.009, 20.0, "h1"),
    route("/orders/:id", 90_000_000,  2.0, [20.0,  8.0, 14.0,  2.0, 0.0,26.0,14.0,  4.0, 10.0], 340.0, 0.03, 26.0,  24.0, 1.0, 0.55, 0.008, 16.0, "table.order"),
    route("/assistant",  0,           2.0, [ 8.0, 12.0, 34.0,  6.0, 0.0, 3.0, 2.0, 30.0,  4.0], 260.0, 0.30, 24.0,   0.0, 1.5, 0.98, 0.014, 60.0, "div.answer"),
    route("/help",       0,           2.0, [16.0, 12.0, 14.0,  2.0, 0.0,10.0, 8.0, 16.0, 18.0], 140.0, 0.90, 22.0,   0.0, 0.7, 0.35, 0.003, 32.0, "article > p"),
];

/// The route with the assistant, whose answers stream.
pub const ASSISTANT: &str = "/assistant";

#[rustfmt::skip]
#[expect(clippy::too_many_arguments, reason = "a row of the table above")]
const fn route(
    template: &'static str, ids: u64, entries: f64, next: [f64; 9], server_ms: f64, cached: f64, document_kb: f64, image_kb: f64, script: f64,
    interacts: f64, errors: f64, stay_s: f64, target: &'static str,
) -> Route {
    Route { template, ids, entries, next, server_ms, cached, document_kb, image_kb, script, interacts, errors, stay_s, target }
}

/// Where a route stands in [`ROUTES`].
pub(crate) type RouteIndex = usize;

/// The first page of a visit.
pub(crate) fn entry(draw: &mut Draw) -> RouteIndex {
    *draw.pick(&[0, 1, 2, 3, 4, 5, 6, 7, 8], |route: &RouteIndex| ROUTES[*route].entries)
}

/// The page after `route`.
pub(crate) fn next(route: RouteIndex, draw: &mut Draw) -> RouteIndex {
    *draw.pick(&[0, 1, 2, 3, 4, 5, 6, 7, 8], |next: &RouteIndex| ROUTES[route].next[*next])
}

/// What the browser tells of the largest content of `route` and of the interaction with it.
pub(crate) struct Attributions {
    pub(crate) lcp: Box<RawValue>,
    pub(crate) inp: Box<RawValue>,
}

pub(crate) fn attributions(route: RouteIndex) -> &'static Attributions {
    static ALL: LazyLock<Vec<Attributions>> = LazyLock::new(|| {
        let raw = |value: serde_json::Value| serde_json::value::to_raw_value(&value).expect("a JSON value is JSON");
        let of = |route: &Route| Attributions {
            lcp: raw(serde_json::json!({ "target": route.target })),
            inp: raw(serde_json::json!({ "interactionTarget": "button", "interactionType": "pointer" })),
        };
        ROUTES.iter().map(of).collect()
    });
    &ALL[route]
}

impl Route {
    /// A path of it, such as `/product/4711`.
    pub(crate) fn path(&self, draw: &mut Draw) -> String {
        if self.ids == 0 { self.template.to_owned() } else { self.template.replace(":id", &(1 + draw.below(self.ids)).to_string()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_follow_the_template_with_a_number_in_place_of_the_id() {
        let mut draw = Draw::new(1, &[]);
        for route in &ROUTES {
            let path = route.path(&mut draw);
            let collapsed: Vec<_> = path.split('/').map(|part| if part.parse::<u64>().is_ok() { ":id" } else { part }).collect();
            assert_eq!(collapsed.join("/"), route.template);
        }
    }
}
