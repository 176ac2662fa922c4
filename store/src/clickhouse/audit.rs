//! Comparing the tables with the list of applied batches.
//!
//! Reads are no snapshot, and batches are written meanwhile. A batch is listed after it is in all tables, so
//! each sum of a table is at least what the list said before the sum was taken. And it is at most what the list says
//! once the batches that were on their way have arrived. Only what is outside of both bounds is a difference.

use std::{collections::BTreeMap, time::Duration};

use schemas::{
    fate::FateKind,
    time::{Hour, MINUTES_PER_HOUR, Minute, MinuteRange},
};

use super::{
    Inner, bound, named,
    rows::{CountOut, CoverOut},
};
use crate::{Audit, StoreError};

/// The kind under which the list has the events of the total cuboid.
pub(super) const SAMPLES: &str = "samples";
/// The kinds under which they are counted in the two tables of rollups.
const MINUTES: &str = "minutes";
const HOURS: &str = "hours";
/// How far the clocks that events are received by may be ahead of the server's.
const SKEW: u32 = MINUTES_PER_HOUR;
/// How long to wait for batches on their way, after each comparison that shows a difference.
const PAUSES: [Duration; 4] = [Duration::from_millis(250), Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2)];

/// Events by kind and hour.
pub(super) type Counts<K> = BTreeMap<(K, Hour), u64>;

impl Inner {
    /// Compares the whole hours that `range` touches.
    pub(super) async fn audit(&self, range: MinuteRange) -> Result<Audit, StoreError> {
        let range = self.comparable(range).await?;
        let least = self.listed(range).await?;
        let covers = self.covers(range).await?;
        let counted = self.counted(range).await?;
        let mut audit = compare(&least, &counted, &self.listed(range).await?);
        for pause in PAUSES {
            if audit == Differences::default() {
                break;
            }
            tokio::time::sleep(pause).await;
            audit = compare(&least, &counted, &self.listed(range).await?);
        }
        Ok(Audit {
            range,
            events: least.iter().filter(|((kind, _), _)| kind == SAMPLES).map(|(_, events)| events).sum(),
            batches: covers.iter().map(|cover| cover.batches).sum(),
            minutes: audit.minutes,
            hours: audit.hours,
            fates: audit.fates,
            missing: covers.iter().map(|cover| cover.missing).sum(),
            repeated: covers.iter().map(|cover| cover.repeated).sum(),
            ends: covers.iter().filter(|cover| cover.log == self.config.log).map(|cover| (cover.log_partition, cover.end)).collect(),
        })
    }

    /// The whole hours of `range` that the tables still have in full. An event is received after it happened,
    /// so the list, which is kept for longer than minutes are, has every batch that counts in them.
    async fn comparable(&self, range: MinuteRange) -> Result<MinuteRange, StoreError> {
        let now = self.in_time("asking for the server's time", self.ask("select toUnixTimestamp(now())").fetch_one::<u32>()).await?;
        let retention = u32::try_from(self.config.minute_retention.as_secs() / 60).unwrap_or(u32::MAX);
        let kept = Minute(now / 60).minus(retention).plus(SKEW + MINUTES_PER_HOUR).hour().first_minute();
        let start = range.start.hour().first_minute().max(kept);
        Ok(MinuteRange::new(start, range.end.plus(MINUTES_PER_HOUR - 1).hour().first_minute().max(start)))
    }

    /// What the list says that there should be.
    async fn listed(&self, range: MinuteRange) -> Result<Counts<String>, StoreError> {
        let sql = "select toString(kind) as kind, toUnixTimestamp(hour) as hour, sum(events) as events \
                   from ? final array join counts.kind as kind, counts.hour as hour, counts.events as events \
                   where at >= toDateTime(?, 'UTC') and hour >= toDateTime(?, 'UTC') and hour < toDateTime(?, 'UTC') group by kind, hour";
        let table = self.table("applied");
        let query = self.ask(sql).bind(named(&table)).bind(bound(range.start.minus(SKEW))).bind(bound(range.start)).bind(bound(range.end));
        Ok(by_hour(self.all("reading what was applied", query).await?))
    }

    /// What the tables have.
    async fn counted(&self, range: MinuteRange) -> Result<Counts<String>, StoreError> {
        let rollups = |kind: &str| {
            format!(
                "select '{kind}' as kind, toUnixTimestamp(toStartOfHour(time)) as hour, sum(samples) as events from ? \
                 where cuboid = '' and time >= toDateTime(?, 'UTC') and time < toDateTime(?, 'UTC') group by hour"
            )
        };
        let sql = format!(
            "{} union all {} union all \
             select toString(kind) as kind, toUnixTimestamp(toStartOfHour(minute)) as hour, sum(fates.events) as events from ? as fates \
             where minute >= toDateTime(?, 'UTC') and minute < toDateTime(?, 'UTC') group by kind, hour",
            rollups(MINUTES),
            rollups(HOURS)
        );
        let tables = ["rollup_minute", "rollup_hour", "fates"].map(|table| self.table(table));
        let query =
            tables.iter().fold(self.ask(&sql), |query, table| query.bind(named(table)).bind(bound(range.start)).bind(bound(range.end)));
        Ok(by_hour(self.all("counting events", query).await?))
    }

    /// How the batches that may count in `range` cover the log. A partition's batches are written one after
    /// another, so that one is listed only after those before it.
    async fn covers(&self, range: MinuteRange) -> Result<Vec<CoverOut>, StoreError> {
        let sql = "select toString(log) as log, log_partition, count() as batches, max(end_offset) as end, \
                   toUInt64(sum(if(start_offset > reached, start_offset - reached, 0))) as missing, \
                   toUInt64(sum(if(start_offset < reached, least(end_offset, reached) - start_offset, 0))) as repeated \
                   from (select log, log_partition, start_offset, end_offset, \
                       max(end_offset) over (partition by log, log_partition order by start_offset, end_offset \
                           rows between unbounded preceding and 1 preceding) as before, \
                       row_number() over (partition by log, log_partition order by start_offset, end_offset) as place, \
                       if(place = 1, start_offset, before) as reached \
                       from (select distinct log, log_partition, start_offset, end_offset from ? where at >= toDateTime(?, 'UTC'))) \
                   group by log, log_partition";
        let table = self.table("applied");
        let query = self.ask(sql).bind(named(&table)).bind(bound(range.start.minus(SKEW)));
        self.all("reading which records were applied", query).await
    }
}

fn by_hour(rows: Vec<CountOut>) -> Counts<String> {
    rows.into_iter().map(|row| ((row.kind, Minute(row.hour / 60).hour()), row.events)).collect()
}

/// Events that are too many or too few.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Differences {
    minutes: u64,
    hours: u64,
    fates: u64,
}

/// What of `counted` is less than `least` or more than `most`.
fn compare(least: &Counts<String>, counted: &Counts<String>, most: &Counts<String>) -> Differences {
    let of = |counts: &Counts<String>, kind: &str, hour| counts.get(&(kind.to_owned(), hour)).copied().unwrap_or(0);
    let sum = |listed: &str, table: &str| {
        let keys = [(least, listed), (counted, table), (most, listed)];
        let hours = keys.into_iter().flat_map(|(counts, kind)| counts.keys().filter(move |(own, _)| own == kind).map(|(_, hour)| *hour));
        let hours: std::collections::BTreeSet<Hour> = hours.collect();
        let difference = |hour| {
            let is = of(counted, table, hour);
            of(least, listed, hour).saturating_sub(is) + is.saturating_sub(of(most, listed, hour))
        };
        hours.into_iter().map(difference).sum::<u64>()
    };
    let fates = FateKind::ALL.into_iter().map(|kind| sum(kind.name(), kind.name())).sum();
    Differences { minutes: sum(SAMPLES, MINUTES), hours: sum(SAMPLES, HOURS), fates }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(of: &[(&str, u32, u64)]) -> Counts<String> {
        of.iter().map(|(kind, hour, events)| (((*kind).to_owned(), Hour(*hour)), *events)).collect()
    }

    #[test]
    fn what_lies_between_the_bounds_is_no_difference() {
        let least = counts(&[("samples", 1, 10), ("rolled_up", 1, 10)]);
        let most = counts(&[("samples", 1, 15), ("samples", 2, 3), ("rolled_up", 1, 15)]);
        let within = counts(&[("minutes", 1, 10), ("hours", 1, 15), ("minutes", 2, 2), ("rolled_up", 1, 12)]);
        assert_eq!(compare(&least, &within, &most), Differences::default());
        let outside =
            counts(&[("minutes", 1, 7), ("hours", 1, 16), ("hours", 2, 4), ("hours", 3, 5), ("rolled_up", 1, 15), ("too_late", 9, 2)]);
        assert_eq!(compare(&least, &outside, &most), Differences { minutes: 3, hours: 1 + 1 + 5, fates: 2 });
    }
}
