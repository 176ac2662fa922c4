//! The law that every count must obey: what the generator knows that was acknowledged, is what the API
//! says that was counted.

use std::{collections::BTreeMap, fmt::Write as _};

use generator::{FLOODED, Truth, truth::Fates};
use schemas::{
    cuboid::Cuboid,
    dimension::Dimension,
    time::{Hour, MINUTES_PER_HOUR, Minute, MinuteRange},
};

use crate::api::{Api, Count};

/// Windows that one answer may have.
const WINDOWS_MAX: u32 = 5_000;
/// How many differences are told.
const TOLD_MAX: usize = 10;

/// Fails unless what [`compared`] compares is equal. Returns how many counts were compared.
pub async fn assert_conserved(api: &Api, truth: &Truth) -> usize {
    let (compared, wrong) = compared(api, truth).await;
    assert!(wrong.is_empty(), "counted is not what is true (samples and weighted):\n{wrong}");
    compared
}

/// Whether the API's counts are the true ones, per metric, minute and value of each dimension that the truth
/// counts by, and its fates those that the truth leaves possible: how many counts were compared, and what is
/// wrong, a line each.
pub async fn compared(api: &Api, truth: &Truth) -> (usize, String) {
    assert_eq!((truth.account.surprises, truth.account.ambiguous), (0, 0), "{:#?}", truth.account);
    assert!(truth.account.unknown.is_empty(), "beacons of unknown fate: {:#?}", truth.account.unknown);
    let range = truth.range().unwrap();
    let mut compared = 0;
    let mut wrong = String::new();
    for (metric, _) in truth.metrics() {
        for cuboid in truth.cuboids() {
            let expected = expected(truth, metric, cuboid);
            let counted = counted(api, metric, cuboid, range).await;
            compared += expected.len();
            for key in expected.keys().chain(counted.keys()) {
                let (is, should) = (counted.get(key), expected.get(key));
                if is != should && wrong.lines().count() < TOLD_MAX {
                    writeln!(wrong, "{metric} by `{cuboid}` {key:?}: {is:?} instead of {should:?}").unwrap();
                }
            }
        }
    }
    compare_fates(api, truth, &mut wrong).await;
    compared += compare_strata(api, truth, range, &mut wrong).await;
    (compared, wrong)
}

/// What samples stand for, by the hour: how many beacons were accepted with events of its minutes. Returns how many
/// hours were compared.
async fn compare_strata(api: &Api, truth: &Truth, range: MinuteRange, wrong: &mut String) -> usize {
    let hours = range.start.hour().0..=range.end.hour().0;
    let compared = hours.clone().count();
    for hour in hours.map(|hour| Hour(hour).first_minute()) {
        let (from, to) = (hour.start().to_string(), hour.plus(MINUTES_PER_HOUR).start().to_string());
        let answer = api.get("samples", &[("metric", "LCP"), ("from", &from), ("to", &to), ("limit", "1")]).await;
        let is = answer["sampled"]["beacons"].as_u64().unwrap();
        let should: u64 = truth.account.beacons.range(hour..hour.plus(MINUTES_PER_HOUR)).map(|(_, beacons)| beacons).sum();
        if is != should {
            writeln!(wrong, "samples of the hour from {from}: they stand for {is} beacons instead of {should}").unwrap();
        }
    }
    compared
}

/// What the truth says, by the value of the cuboid's last dimension and the minute.
fn expected(truth: &Truth, metric: &str, cuboid: &Cuboid) -> BTreeMap<(String, Minute), Count> {
    let rows = truth.rows();
    let mine = rows.iter().filter(|row| &*row.metric == metric && row.by == *cuboid);
    let mut counts: BTreeMap<_, Count> = BTreeMap::new();
    for row in mine {
        let value = row.values.last().map_or_else(String::new, ToString::to_string);
        let arm_of_nothing = is_arm(cuboid) && row.values[0].is_empty();
        if !arm_of_nothing {
            counts.insert((value, row.minute), (row.tally.samples, row.tally.count));
        }
    }
    counts
}

async fn counted(api: &Api, metric: &str, cuboid: &Cuboid, range: MinuteRange) -> BTreeMap<(String, Minute), Count> {
    let by = cuboid.dimensions().last().map(ToString::to_string);
    let mut counts: BTreeMap<_, Count> = BTreeMap::new();
    let mut from = range.start;
    while from < range.end {
        let to = from.plus(WINDOWS_MAX).min(range.end);
        for ((value, minute), (samples, n)) in api.minutes(metric, by.as_deref(), from, to).await {
            // The truth knows the addresses that scanners flood an app with as one.
            let value = if value.starts_with("/wp-") { FLOODED.to_owned() } else { value };
            let count = counts.entry((value, minute)).or_default();
            *count = (count.0 + samples, count.1 + n);
        }
        from = to;
    }
    counts
}

fn is_arm(cuboid: &Cuboid) -> bool {
    cuboid.dimensions().last() == Some(&Dimension::Arm)
}

/// Fates are counted by when beacons were received, and whoever asks about all time gets all of them. Attempts
/// without an answer may have been stored and count as duplicates, or as rejected twice.
async fn compare_fates(api: &Api, truth: &Truth, wrong: &mut String) {
    let answer = api.get("outcomes", &[("from", "now-24h")]).await;
    let Fates { rolled_up, too_late, duplicate, rejected } = &truth.account.fates;
    let uncertain = &truth.account.uncertain;
    let counted = |name: &str| answer[name].as_u64().unwrap();
    let mut check = |name: &str, is: u64, least: u64, most: u64| {
        if !(least..=most).contains(&is) {
            writeln!(wrong, "fate {name}: {is} is not in [{least}, {most}]").unwrap();
        }
    };
    check("rolled_up", counted("rolled_up"), *rolled_up, *rolled_up);
    check("too_late", counted("too_late"), *too_late, *too_late);
    check("duplicate", counted("duplicate"), *duplicate, duplicate + uncertain.duplicate);
    let told: BTreeMap<&str, u64> = answer["reasons"]
        .as_array()
        .unwrap()
        .iter()
        .map(|reason| (reason["reason"].as_str().unwrap(), reason["count"].as_u64().unwrap()))
        .collect();
    for (reason, count) in rejected {
        let most = count + uncertain.rejected.get(reason).unwrap_or(&0);
        check(reason.name(), told.get(reason.name()).copied().unwrap_or_default(), *count, most);
    }
}
