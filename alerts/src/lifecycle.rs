//! The life-cycle of an alert: pending when flagged, firing when the same series is flagged again,
//! resolved when it has not been flagged for a while.

use std::collections::{BTreeMap, BTreeSet};

use schemas::{
    alert::{Alert, AlertChange, AlertState, Delivery},
    app::AppId,
    flag::Flag,
    series::Series,
    time::{Minute, MinuteRange, Timestamp},
};

/// When an alert changes its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// An alert fires when one series is flagged in at least this many ...
    pub firing_flagged: u32,
    /// ... of this many minutes.
    pub firing_of_minutes: u32,
    /// It is resolved after this many minutes without a flag.
    pub resolved_after_minutes: u32,
    /// Whether anybody is to be told.
    pub tell: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self { firing_flagged: 2, firing_of_minutes: 3, resolved_after_minutes: 5, tell: true }
    }
}

impl Policy {
    /// The minutes of flags that deciding about `minute` takes.
    pub fn looks_at(&self, minute: Minute) -> MinuteRange {
        MinuteRange::new(minute.plus(1).minus(self.firing_of_minutes), minute.plus(1))
    }

    const fn delivery(&self) -> Delivery {
        if self.tell { Delivery::Due } else { Delivery::NotNeeded }
    }
}

/// What `minute` makes of an app's open alert, if there is one: the alert as it is now when it changed,
/// or a new one with number `next_id`. `flags` are those of [`Policy::looks_at`], `now` is when it is
/// decided.
pub fn advance(
    policy: &Policy,
    app: &AppId,
    open: Option<Alert>,
    next_id: u64,
    minute: Minute,
    flags: &[Flag],
    now: Timestamp,
) -> Option<Alert> {
    let of_minute: Vec<&Flag> = flags.iter().filter(|flag| flag.minute() == minute).collect();
    match (open, most_telling(&of_minute)) {
        (None, None) => None,
        (None, Some(lead)) => {
            let alert = opened(app, next_id, minute, lead, now);
            Some(flagged(policy, alert, minute, &of_minute, flags, now))
        }
        (Some(alert), Some(_)) => Some(flagged(policy, alert, minute, &of_minute, flags, now)),
        (Some(alert), None) => quiet(policy, alert, minute, now),
    }
}

fn opened(app: &AppId, id: u64, minute: Minute, lead: &Flag, now: Timestamp) -> Alert {
    Alert {
        id,
        app: app.clone(),
        state: AlertState::Pending,
        // A flag's window began before its minute: so did what happened.
        began: lead.window.start,
        last_flagged: minute,
        minutes_flagged: 0,
        lead: lead.clone(),
        series_max: 0,
        changes: vec![AlertChange { state: AlertState::Pending, at: now, delivery: Delivery::NotNeeded }],
    }
}

/// A flagged minute.
fn flagged(policy: &Policy, mut alert: Alert, minute: Minute, of_minute: &[&Flag], lately: &[Flag], now: Timestamp) -> Alert {
    alert.last_flagged = alert.last_flagged.max(minute);
    alert.minutes_flagged += 1;
    let series: BTreeSet<&Series> = of_minute.iter().map(|flag| &flag.series).collect();
    alert.series_max = alert.series_max.max(u32::try_from(series.len()).unwrap_or(u32::MAX));
    if let Some(lead) = most_telling(of_minute)
        && telling(lead) > telling(&alert.lead)
    {
        alert.lead = lead.clone();
    }
    if alert.state == AlertState::Pending && lasts(policy, lately) {
        change(&mut alert, AlertState::Firing, now, policy.delivery());
    }
    alert
}

/// A minute without a flag: `None` when nothing changes.
fn quiet(policy: &Policy, mut alert: Alert, minute: Minute, now: Timestamp) -> Option<Alert> {
    if minute.0 < alert.last_flagged.0 + policy.resolved_after_minutes {
        return None;
    }
    // What nobody was told of ends untold.
    let delivery = if alert.state == AlertState::Firing { policy.delivery() } else { Delivery::NotNeeded };
    change(&mut alert, AlertState::Resolved, now, delivery);
    Some(alert)
}

fn change(alert: &mut Alert, state: AlertState, at: Timestamp, delivery: Delivery) {
    alert.state = state;
    alert.changes.push(AlertChange { state, at, delivery });
}

/// Whether one series is flagged in enough of the last minutes.
fn lasts(policy: &Policy, lately: &[Flag]) -> bool {
    let mut minutes: BTreeMap<&Series, BTreeSet<Minute>> = BTreeMap::new();
    for flag in lately {
        minutes.entry(&flag.series).or_default().insert(flag.minute());
    }
    minutes.values().any(|flagged| flagged.len() >= policy.firing_flagged as usize)
}

fn most_telling<'a>(flags: &[&'a Flag]) -> Option<&'a Flag> {
    flags.iter().copied().max_by(|a, b| telling(a).total_cmp(&telling(b)))
}

/// How much a flag tells: the more the less probable it is, and the larger its effect. A slice that
/// holds much else beside what is wrong has a smaller effect than the slice that is wrong.
fn telling(flag: &Flag) -> f64 {
    -flag.p_value.max(1e-300).ln() * flag.effect.min(3.0)
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};
    use schemas::{
        flag::Rule,
        metric::{Metric, MetricName},
        series::Group,
        unit::Unit,
    };

    use super::*;

    fn app() -> AppId {
        AppId::new("shop").unwrap()
    }

    fn flag(minute: u32, route: &str, effect: f64, p_value: f64) -> Flag {
        let group = Group { app: app(), cuboid: "route".parse().unwrap(), values: [route.into()].into() };
        Flag {
            series: Series { metric: Metric { name: MetricName::new("LCP").unwrap(), unit: Unit::Duration }, group },
            window: MinuteRange::new(Minute(minute - 1), Minute(minute + 1)),
            rule: Rule::Shift,
            observed: 2.0,
            expected: 1.0,
            effect,
            n: 100,
            p_value,
        }
    }

    /// Lets the minutes 100.. go by, in each of which the given routes are flagged, and gives all alerts.
    fn run(minutes: &[&[&str]]) -> Vec<Alert> {
        let policy = Policy::default();
        let all: Vec<Flag> =
            minutes.iter().zip(100..).flat_map(|(routes, minute)| routes.iter().map(move |route| flag(minute, route, 1.0, 1e-9))).collect();
        let mut alerts: Vec<Alert> = Vec::new();
        for minute in (100..).map(Minute).take(minutes.len()) {
            let open = alerts.last().filter(|alert| alert.state != AlertState::Resolved).cloned();
            let looked_at: Vec<Flag> = all.iter().filter(|flag| policy.looks_at(minute).contains(flag.minute())).cloned().collect();
            let was_open = open.is_some();
            if let Some(alert) = advance(&policy, &app(), open, alerts.len() as u64 + 1, minute, &looked_at, minute.end()) {
                if was_open {
                    alerts.pop();
                }
                alerts.push(alert);
            }
        }
        alerts
    }

    fn states(alert: &Alert) -> Vec<(AlertState, u32)> {
        alert.changes.iter().map(|change| (change.state, change.at.minute().0 - 101)).collect()
    }

    #[test]
    fn it_is_pending_then_firing_then_resolved() {
        let alerts = run(&[&[], &["/"], &["/"], &["/"], &[], &[], &[], &[], &[], &[]]);
        assert_eq!(alerts.len(), 1);
        assert_eq!(states(&alerts[0]), [(AlertState::Pending, 1), (AlertState::Firing, 2), (AlertState::Resolved, 8)]);
        assert_eq!((alerts[0].began, alerts[0].last_flagged, alerts[0].minutes_flagged), (Minute(100), Minute(103), 3));
        let deliveries: Vec<_> = alerts[0].changes.iter().map(|change| change.delivery).collect();
        assert_eq!(deliveries, [Delivery::NotNeeded, Delivery::Due, Delivery::Due]);
    }

    #[test]
    fn two_of_three_minutes_fire_and_two_different_series_do_not() {
        assert_eq!(states(&run(&[&["/"], &[], &["/"]])[0])[1], (AlertState::Firing, 2));
        assert_eq!(run(&[&["/"], &["/x"], &["/y"]])[0].state, AlertState::Pending);
        assert_eq!(run(&[&["/"], &[], &[], &["/"]])[0].state, AlertState::Pending);
    }

    #[test]
    fn what_never_fired_ends_untold() {
        let alert = &run(&[&["/"], &[], &[], &[], &[], &[]])[0];
        assert_eq!(alert.state, AlertState::Resolved);
        assert!(alert.changes.iter().all(|change| change.delivery == Delivery::NotNeeded));
    }

    #[test]
    fn overlapping_flags_are_one_alert_and_later_ones_another() {
        let alerts = run(&[&["/"], &["/", "/x"], &["/x"], &[], &["/x"], &[], &[], &[], &[], &[], &["/"]]);
        assert_eq!(alerts.iter().map(|alert| alert.id).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(alerts[0].series_max, 2);
    }

    #[test]
    fn the_headline_is_the_slice_that_is_wrong_not_the_one_that_holds_it() {
        let flags = [flag(100, "/checkout", 1.0, 1e-12), flag(100, "everything", 0.16, 1e-20)];
        let alert = advance(&Policy::default(), &app(), None, 1, Minute(100), &flags, Minute(101).start()).unwrap();
        assert_eq!(&*alert.lead.series.group.values[0], "/checkout");
    }

    proptest! {
        #[test]
        fn at_most_one_alert_is_open_and_states_only_go_forward(minutes in vec(vec(0usize..3, 0..3), 0..60)) {
            let routes = ["/", "/x", "/y"];
            let minutes: Vec<Vec<&str>> = minutes.iter().map(|minute| minute.iter().map(|at| routes[*at]).collect()).collect();
            let minutes: Vec<&[&str]> = minutes.iter().map(Vec::as_slice).collect();
            let alerts = run(&minutes);
            prop_assert!(alerts.iter().rev().skip(1).all(|alert| alert.state == AlertState::Resolved));
            for alert in &alerts {
                prop_assert!(alert.changes.windows(2).all(|pair| pair[0].state < pair[1].state && pair[0].at <= pair[1].at));
                prop_assert_eq!(alert.changes.last().map(|change| change.state), Some(alert.state));
            }
            let flagged = minutes.iter().filter(|minute| !minute.is_empty()).count();
            prop_assert_eq!(alerts.iter().map(|alert| alert.minutes_flagged as usize).sum::<usize>(), flagged);
        }
    }
}
