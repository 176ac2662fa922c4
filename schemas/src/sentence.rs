//! Sentences: what a colleague would say of a flag or an alert.

use crate::{
    alert::{Alert, AlertState},
    dimension::Dimension,
    flag::{Flag, Rule},
    metric,
    unit::Unit,
};

/// What happened, for whom, how much, and how sure. Such as `LCP is 78 % slower for route /checkout,
/// browser Safari: 4.12 s instead of 2.31 s (n = 1,234)`.
pub fn of_flag(flag: &Flag) -> String {
    let name = match flag.series.metric.name.as_str() {
        metric::ERROR => "errors",
        metric::PAGE_VIEW => "page views",
        other => other,
    };
    let slice: Vec<String> =
        flag.series.group.slice().map(|(dimension, value)| format!("{dimension} {}", shown(dimension, value))).collect();
    let whom = if slice.is_empty() { "everyone".to_owned() } else { slice.join(", ") };
    let (unit, percent) = (flag.series.metric.unit, percent(flag.effect));
    match flag.rule {
        Rule::Shift if unit == Unit::Duration => {
            format!(
                "{name} is {percent} slower for {whom}: typically {} instead of {} (n = {})",
                value(flag.observed, unit),
                value(flag.expected, unit),
                count(flag.n)
            )
        }
        Rule::Shift => {
            format!(
                "{name} is {percent} higher for {whom}: typically {} instead of {} (n = {})",
                value(flag.observed, unit),
                value(flag.expected, unit),
                count(flag.n)
            )
        }
        Rule::Tail => format!(
            "{name} is {} more often for {whom}: {} % are beyond the usual 90th percentile instead of {} % (n = {})",
            if unit == Unit::Duration { "slow" } else { "high" },
            short(flag.observed * 100.0),
            short(flag.expected * 100.0),
            count(flag.n)
        ),
        Rule::Count => format!(
            "{percent} more {name} for {whom}: {} in {} min instead of {}",
            short(flag.observed),
            flag.window.len(),
            short(flag.expected)
        ),
    }
}

/// The sentence of an alert: that of its most telling flag, in the past when it is over.
pub fn of_alert(alert: &Alert) -> String {
    let sentence = of_flag(&alert.lead);
    match alert.state {
        AlertState::Pending | AlertState::Firing => sentence,
        AlertState::Resolved => format!("Over: {sentence}"),
    }
}

fn shown<'a>(dimension: &Dimension, value: &'a str) -> &'a str {
    match (dimension, value) {
        (_, "") => "(not known)",
        (_, crate::dimension::OTHER) => "(other)",
        (_, value) => value,
    }
}

fn percent(effect: f64) -> String {
    if effect >= 2.0 { format!("{}×", short(effect + 1.0)) } else { format!("{} %", short(effect * 100.0)) }
}

fn value(shown: f64, unit: Unit) -> String {
    match unit {
        Unit::Duration if shown >= 1_000.0 => format!("{} s", short(shown / 1_000.0)),
        Unit::Duration => format!("{} ms", short(shown)),
        Unit::Score => format!("{shown:.3}"),
        Unit::Bytes if shown >= 1e6 => format!("{} MB", short(shown / 1e6)),
        Unit::Bytes if shown >= 1e3 => format!("{} kB", short(shown / 1e3)),
        Unit::Bytes => format!("{} bytes", short(shown)),
        Unit::Count => short(shown),
        Unit::Rate => format!("{} a second", short(shown)),
    }
}

/// Three significant digits, no exponent.
fn short(number: f64) -> String {
    match number.abs() {
        small if small < 10.0 => format!("{number:.2}"),
        small if small < 100.0 => format!("{number:.1}"),
        _ => format!("{number:.0}"),
    }
}

/// With commas between thousands.
fn count(n: u64) -> String {
    let digits = n.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap_or_default()).collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use crate::{
        app::AppId,
        metric::{Metric, MetricName},
        series::{Group, Series},
        time::{Minute, MinuteRange},
    };

    use super::*;

    fn flag(rule: Rule, metric: &str, unit: Unit) -> Flag {
        let group = Group {
            app: AppId::new("shop").unwrap(),
            cuboid: "route,browser".parse().unwrap(),
            values: ["/checkout".into(), "".into()].into(),
        };
        Flag {
            series: Series { metric: Metric { name: MetricName::new(metric).unwrap(), unit }, group },
            window: MinuteRange::new(Minute(0), Minute(5)),
            rule,
            observed: 4_120.0,
            expected: 2_310.0,
            effect: 0.7835,
            n: 1_234_567,
            p_value: 1e-9,
        }
    }

    #[test]
    fn a_sentence_says_what_for_whom_how_much_and_from_how_many() {
        assert_eq!(
            of_flag(&flag(Rule::Shift, "LCP", Unit::Duration)),
            "LCP is 78.3 % slower for route /checkout, browser (not known): typically 4.12 s instead of 2.31 s (n = 1,234,567)"
        );
        let tail = Flag { observed: 0.712, expected: 0.0987, n: 66, ..flag(Rule::Tail, "LCP", Unit::Duration) };
        assert_eq!(
            of_flag(&tail),
            "LCP is slow more often for route /checkout, browser (not known): 71.2 % are beyond the usual 90th percentile \
             instead of 9.87 % (n = 66)"
        );
        let errors = Flag { observed: 120.0, expected: 20.0, effect: 5.0, ..flag(Rule::Count, "error", Unit::Count) };
        assert_eq!(of_flag(&errors), "6.00× more errors for route /checkout, browser (not known): 120 in 5 min instead of 20.0");
        let everyone = Flag { series: Series { group: Group::total(AppId::new("shop").unwrap()), ..errors.series.clone() }, ..errors };
        assert!(of_flag(&everyone).contains("for everyone"));
    }
}
