//! The stream of deliveries of a span of time, in the order in which they are sent.
//!
//! Visits begin minute by minute, each with a seed of its own made of the minute, the country and a
//! number. A page view belongs to the span that it starts in, so two adjacent spans have exactly
//! the page views of the whole.

use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
    ops::Range,
    sync::Arc,
    time::Duration,
};

use schemas::time::{Minute, Timestamp};

use crate::{
    cycle,
    delivery::{Delivery, post},
    draw::{Draw, mix},
    page::{
        effect::Course,
        view::{Step, View},
    },
    population::{
        country::{COUNTRIES, Country},
        route::{self, ROUTES, RouteIndex},
        visitor::Visitor,
    },
    traffic::{Traffic, TrafficError},
};

/// The chance that a visit goes on after a page.
const GOES_ON: f64 = 0.72;
/// The most pages of a visit.
const PAGES_MAX: u32 = 15;
/// No page of a visit starts later than this after its first.
const VISIT_MAX: Duration = Duration::from_secs(3_600);

/// What each draw of a page view is for; keeps them apart.
const STEP: u64 = 1;
const VIEW: u64 = 2;
const POST: u64 = 3;

/// The deliveries of the page views that start in a span.
#[derive(Debug)]
pub struct Stream {
    traffic: Arc<Traffic>,
    course: Course,
    span: Range<Timestamp>,
    /// The first minute whose visits have not begun.
    minute: Minute,
    /// What is to come, the earliest first.
    due: BinaryHeap<Reverse<Due>>,
    /// How many entries `due` ever had: what is due at the same time comes in this order.
    entries: u64,
    deliveries: u64,
    page_views: u64,
    page_views_max: u64,
}

#[derive(Debug)]
struct Due {
    at: Timestamp,
    entry: u64,
    what: What,
}

#[derive(Debug)]
enum What {
    View(Box<Visit>),
    Send(Box<Delivery>),
}

/// A visit, before its next page.
#[derive(Debug)]
struct Visit {
    visitor: Arc<Visitor>,
    seed: u64,
    began: Timestamp,
    pages: u32,
    route: RouteIndex,
}

impl Stream {
    /// The deliveries of the page views that start in `span`. Relative times of the scenario are
    /// relative to `reference`. They go on past the span's end until the last late one is sent.
    ///
    /// # Errors
    /// When an option is out of its range.
    pub fn new(traffic: Traffic, span: Range<Timestamp>, reference: Timestamp) -> Result<Self, TrafficError> {
        traffic.check()?;
        Ok(Self {
            course: Course::new(traffic.scenario.clone(), reference),
            traffic: Arc::new(traffic),
            // Visits that began before the span still have pages in it.
            minute: span.start.minus(VISIT_MAX).minute(),
            span,
            due: BinaryHeap::new(),
            entries: 0,
            deliveries: 0,
            page_views: 0,
            page_views_max: u64::MAX,
        })
    }

    /// The same with the first `page_views` of its page views only.
    #[must_use]
    pub fn at_most(self, page_views: u64) -> Self {
        Self { page_views_max: page_views, ..self }
    }

    /// How many page views the deliveries so far came from.
    pub fn page_views(&self) -> u64 {
        self.page_views
    }

    /// Begins the visits of the next minute.
    fn begin_visits(&mut self) {
        let minute = self.minute;
        self.minute = minute.plus(1);
        let total: f64 = COUNTRIES.iter().map(|country| country.weight).sum();
        let visits = self.traffic.page_views_per_minute / f64::from(self.traffic.weight) / mean_pages();
        for (i, country) in COUNTRIES.iter().enumerate() {
            let volume = if self.traffic.cycles { cycle::volume(minute.start(), country.utc_offset_min) } else { 1.0 };
            let mut draw = Draw::new(self.traffic.seed, &[u64::from(minute.0), i as u64]);
            for _ in 0..draw.poisson(visits * volume * country.weight / total) {
                let began = minute.start().plus(Duration::from_millis(draw.below(60_000)));
                let seed = draw.bits();
                self.begin_visit(country, began, seed);
            }
        }
    }

    fn begin_visit(&mut self, country: &'static Country, began: Timestamp, seed: u64) {
        let mut draw = Draw::new(seed, &[]);
        let visitor = Visitor::draw(country, began, self.traffic.rates.bots, &mut draw);
        let visit = Visit { visitor, seed, began, pages: 0, route: route::entry(&mut draw) };
        self.push(began, What::View(Box::new(visit)));
    }

    /// Makes the page view of `visit` that starts at `start`, if it lies in the span, and plans the next.
    fn view(&mut self, mut visit: Box<Visit>, start: Timestamp) {
        let seed = mix(visit.seed, &[u64::from(visit.pages)]);
        let mut draw = Draw::new(seed, &[STEP]);
        let stay = Duration::from_secs_f64(draw.log_normal(ROUTES[visit.route].stay_s, 0.9).clamp(2.0, 900.0));
        let step = Step { route: visit.route, first: visit.pages == 0, start, stay, seed };
        if self.span.contains(&start) && self.page_views < self.page_views_max {
            self.send(&visit.visitor, &step);
        }
        visit.pages += 1;
        visit.route = route::next(visit.route, &mut draw);
        let (next, goes_on) = (start.plus(stay), draw.chance(GOES_ON));
        if goes_on && visit.pages < PAGES_MAX && next.since(visit.began) < VISIT_MAX && next < self.span.end {
            self.push(next, What::View(visit));
        }
    }

    fn send(&mut self, visitor: &Arc<Visitor>, step: &Step) {
        let traffic = Arc::clone(&self.traffic);
        let view = View::draw(visitor, step, &self.course, &traffic, &mut Draw::new(step.seed, &[VIEW]));
        self.page_views += 1;
        post::of(view, &traffic, &mut Draw::new(step.seed, &[POST]), &mut |mut delivery| {
            if delivery.kind != crate::Kind::Repeat {
                self.deliveries += 1;
            }
            delivery.number = self.deliveries;
            self.push(delivery.at, What::Send(Box::new(delivery)));
        });
    }

    fn push(&mut self, at: Timestamp, what: What) {
        self.entries += 1;
        self.due.push(Reverse(Due { at, entry: self.entries, what }));
    }
}

impl Iterator for Stream {
    type Item = Delivery;

    fn next(&mut self) -> Option<Delivery> {
        loop {
            let to_begin = self.minute.start() < self.span.end && self.page_views < self.page_views_max;
            let due = self.due.peek().map(|Reverse(due)| due.at);
            if to_begin && due.is_none_or(|due| due >= self.minute.start()) {
                self.begin_visits();
                continue;
            }
            let Reverse(due) = self.due.pop()?;
            match due.what {
                What::Send(delivery) => return Some(*delivery),
                What::View(visit) => self.view(visit, due.at),
            }
        }
    }
}

/// The mean number of pages of a visit.
fn mean_pages() -> f64 {
    (1.0 - GOES_ON.powi(PAGES_MAX as i32)) / (1.0 - GOES_ON)
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.entry).cmp(&(other.at, other.entry))
    }
}
