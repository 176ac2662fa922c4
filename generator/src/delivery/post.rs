//! From a page view to its deliveries: when each is sent, and what is unusual about it.

use std::{sync::Arc, time::Duration};

use schemas::time::Timestamp;

use super::{
    Content, Delivery, Kind, OwnBeacon,
    bare::Bare,
    hostile::{self, Hostility, Refused},
};
use crate::{
    draw::Draw,
    page::{
        measurement::{MARGIN_MS, Measurement, aligned},
        view::{Part, View},
    },
    traffic::Traffic,
};

/// The metric of all events of hostile beacons, an own one of the shop: how long the page was blocked.
pub const LONG_TASK: &str = "long_task";

const MINUTE_MS: i64 = 60_000;

/// Hands each delivery of `view` to `send`, numbered from `number`; the first without one.
pub(crate) fn of(view: View, traffic: &Arc<Traffic>, draw: &mut Draw, send: &mut impl FnMut(Delivery)) {
    let rates = &traffic.rates;
    let is_bot = view.context.visitor.agent.bot;
    let sent = view.first.sent;
    // Robots have enough wrong with them.
    if draw.chance(rates.hostile) && !is_bot {
        send(hostile(&view, traffic, draw));
    }
    if draw.chance(rates.bare) && !is_bot {
        if let Some(bare) = Bare::draw(&view.context, &view.first.measurements, traffic, draw) {
            send(delivery(Kind::Bare, in_mid_minute(sent), Content::Bare(bare), traffic));
        }
        return;
    }
    for part in [Some(view.first), view.second].into_iter().flatten() {
        let Part { sent, mut measurements } = part;
        let (kind, at) = match draw.unit() {
            _ if is_bot => (Kind::Bot, sent),
            of_all if of_all < rates.too_late => {
                move_back(&mut measurements, too_late_by(traffic, draw));
                (Kind::TooLate, sent)
            }
            of_all if of_all < rates.too_late + rates.late => (Kind::Late, sent.plus(delay(traffic, draw))),
            _ => (Kind::Beacon, sent),
        };
        let id = format!("b-{:016x}{:08x}", draw.bits(), draw.bits() >> 32);
        let content = OwnBeacon { id, context: Arc::clone(&view.context), measurements, broken: Vec::new() };
        let mut first = delivery(kind, at, Content::Beacon(content), traffic);
        // A beacon that comes again too late might count as either, so only the others do.
        first.will_repeat = matches!(kind, Kind::Beacon | Kind::Late) && draw.chance(rates.repeated);
        let again = first.will_repeat.then(|| {
            let at = first.at.plus(Duration::from_secs_f64(draw.exponential(90.0).clamp(1.0, 600.0)));
            Delivery { at, kind: Kind::Repeat, will_repeat: false, ..first.clone() }
        });
        send(first);
        again.into_iter().for_each(&mut *send);
    }
}

fn delivery(kind: Kind, at: Timestamp, content: Content, traffic: &Arc<Traffic>) -> Delivery {
    let (content, traffic) = (Arc::new(content), Arc::clone(traffic));
    Delivery { at, number: 0, kind, made_at: at, will_repeat: false, shift_ms: 0, content, traffic }
}

fn hostile(view: &View, traffic: &Arc<Traffic>, draw: &mut Draw) -> Delivery {
    let sent = view.first.sent;
    let happened = aligned(sent, sent);
    let hostility = Hostility::draw(draw);
    let (context, task) = (&view.context, Measurement::new(LONG_TASK, (draw.log_normal(90.0, 0.5) * 10.0).round() / 10.0, happened));
    let (context, measurements, broken) = match hostility {
        Hostility::BrokenEvents => ((**context).clone(), vec![task.clone(), task], hostile::broken_events()),
        Hostility::TooManyEvents => ((**context).clone(), hostile::too_many(happened), Vec::new()),
        Hostility::Markup => (context.with_markup(), vec![task], Vec::new()),
        Hostility::Flood => (context.flooded(draw), vec![task], Vec::new()),
        _ => {
            let refused = Refused { hostility, context: Arc::clone(context) };
            return delivery(Kind::Hostile(hostility), sent, Content::Refused(refused), traffic);
        }
    };
    let id = format!("h-{:016x}", draw.bits());
    let content = OwnBeacon { id, context: Arc::new(context), measurements, broken };
    delivery(Kind::Hostile(hostility), sent, Content::Beacon(content), traffic)
}

/// How late a late beacon is: ten minutes in the median, with a long tail up to what the app allows.
fn delay(traffic: &Traffic, draw: &mut Draw) -> Duration {
    let lateness = traffic.lateness_max.as_secs_f64();
    // What was measured before the page was hidden is older still.
    let max = lateness - (lateness / 2.0).min(2_700.0);
    let drawn = draw.log_normal(600.0, 2.0);
    Duration::from_secs_f64(if drawn < max { drawn } else { max * draw.unit() })
}

/// How much earlier than it would have the page view of a beacon happened that comes too late.
fn too_late_by(traffic: &Traffic, draw: &mut Draw) -> i64 {
    let beyond = 3_600.0 + draw.exponential(86_400.0).min(10.0 * 86_400.0);
    let minutes = (traffic.lateness_max.as_secs_f64() + beyond) / 60.0;
    minutes.ceil() as i64 * MINUTE_MS
}

fn move_back(measurements: &mut [Measurement], by_ms: i64) {
    for measurement in measurements {
        measurement.at = Timestamp::from_ms(measurement.at.as_ms() - by_ms);
    }
}

/// The next time not before `at` that lies between the 10th and the 30th second of a minute: what
/// counts when it is received must not arrive at a minute's end.
fn in_mid_minute(at: Timestamp) -> Timestamp {
    let start = at.minute().start().as_ms();
    let moved = start + MARGIN_MS / 2 + (at.as_ms() - start) / 3;
    Timestamp::from_ms(if moved < at.as_ms() { moved + MINUTE_MS } else { moved })
}
