//! Strata and samples: rows in, and questions. A slot may have several samples until the server merges them, so each
//! question chooses among them.

use clickhouse::query::Query;
use schemas::{
    metric::{Metric, MetricName},
    sample::{Rank, Sample, SampledBeacon, SampledEvent, StrataQuery, Stratum},
    time::{Minute, Timestamp},
    unit::Unit,
};

use super::{
    Inner, bound, named,
    rows::{SampleIn, SampleOut, StratumIn, StratumOut},
    seconds,
};
use crate::StoreError;

/// What every question asks for.
const ASKED: &str = "app = ? and minute >= toDateTime(?, 'UTC') and minute < toDateTime(?, 'UTC')";

impl Inner {
    /// The strata asked about, by minute and route.
    pub(super) async fn strata(&self, query: &StrataQuery) -> Result<Vec<Stratum>, StoreError> {
        if asks_for_nothing(query) {
            return Ok(Vec::new());
        }
        let sql = format!(
            "select toUInt32(intDiv(toUnixTimestamp(minute), 60)) as minute_number, route, sum(beacons) as beacons_total from ? \
             where {ASKED}{} group by minute, route order by minute, route",
            of_routes(query)
        );
        let table = self.table("strata");
        let rows: Vec<StratumOut> = self.all("reading strata", bind(self.ask(&sql).bind(named(&table)), query)).await?;
        let stratum = |row: StratumOut| Stratum {
            app: query.app.clone(),
            minute: Minute(row.minute_number),
            route: row.route.into(),
            beacons: row.beacons_total,
        };
        Ok(rows.into_iter().map(stratum).collect())
    }

    /// The samples of those strata in slots below `slots`, by minute, route and slot.
    pub(super) async fn samples(&self, query: &StrataQuery, slots: u16) -> Result<Vec<Sample>, StoreError> {
        if asks_for_nothing(query) || slots == 0 {
            return Ok(Vec::new());
        }
        let sql = format!(
            "select toUInt32(intDiv(toUnixTimestamp(minute), 60)) as minute_number, route, rank, received, weight, dimensions, experiments, \
             view_id, session_id, url, `events.metric`, `events.unit`, `events.value`, `events.age_ms`, `events.attribution` from ? \
             where {ASKED}{} and slot < ? order by minute, route, slot, rank desc limit 1 by minute, route, slot",
            of_routes(query)
        );
        let table = self.table("samples");
        let rows: Vec<SampleOut> = self.all("reading samples", bind(self.ask(&sql).bind(named(&table)), query).bind(slots)).await?;
        rows.into_iter().map(|row| sample(query, row)).collect()
    }
}

/// Whether it can have no answer; the server needs to know no empty lists.
fn asks_for_nothing(query: &StrataQuery) -> bool {
    query.range.is_empty() || query.routes.as_ref().is_some_and(Vec::is_empty)
}

fn of_routes(query: &StrataQuery) -> &'static str {
    if query.routes.is_some() { " and route in ?" } else { "" }
}

/// Binds what every question has.
fn bind(ask: Query, query: &StrataQuery) -> Query {
    let ask = ask.bind(query.app.as_str()).bind(bound(query.range.start)).bind(bound(query.range.end));
    match &query.routes {
        Some(routes) => ask.bind(routes),
        None => ask,
    }
}

pub(super) fn stratum_row(stratum: &Stratum) -> Result<StratumIn<'_>, StoreError> {
    Ok(StratumIn { app: stratum.app.as_str(), route: &stratum.route, minute: seconds(stratum.minute)?, beacons: stratum.beacons })
}

pub(super) fn sample_row(sample: &Sample) -> Result<SampleIn<'_>, StoreError> {
    let beacon = &sample.beacon;
    let events = &beacon.events;
    Ok(SampleIn {
        app: sample.app.as_str(),
        slot: sample.rank.slot(),
        minute: seconds(sample.minute)?,
        route: &sample.route,
        rank: sample.rank.0,
        received: beacon.received.as_ms(),
        weight: beacon.weight,
        dimensions: beacon.dimensions.iter().map(|(dimension, value)| (dimension.name(), &**value)).collect(),
        experiments: beacon.experiments.iter().map(|(name, arm)| (&**name, &**arm)).collect(),
        view_id: &beacon.view_id,
        session_id: &beacon.session_id,
        url: &beacon.url,
        metrics: events.iter().map(|event| event.metric.name.as_str()).collect(),
        units: events.iter().map(|event| event.metric.unit.name()).collect(),
        values: events.iter().map(|event| event.value).collect(),
        ages_ms: events.iter().map(|event| event.age_ms).collect(),
        attributions: events.iter().map(|event| &*event.attribution).collect(),
    })
}

fn sample(query: &StrataQuery, row: SampleOut) -> Result<Sample, StoreError> {
    let unreadable = || StoreError::Corrupt("a sample in ClickHouse has a name or unit that is none".to_owned());
    let dimension = |(name, value): (String, String)| Some((name.parse().ok()?, value.into()));
    let dimensions = row.dimensions.into_iter().map(dimension).collect::<Option<_>>().ok_or_else(unreadable)?;
    // The five arrays are one nested column: the server keeps them at one length.
    let names = row.metrics.iter().zip(&row.units);
    let values = row.values.into_iter().zip(row.ages_ms).zip(row.attributions);
    let events = names.zip(values).map(|((name, unit), ((value, age_ms), attribution))| event(name, unit, value, age_ms, attribution));
    let events = events.collect::<Option<_>>().ok_or_else(unreadable)?;
    Ok(Sample {
        app: query.app.clone(),
        minute: Minute(row.minute_number),
        route: row.route.into(),
        rank: Rank(row.rank),
        beacon: SampledBeacon {
            received: Timestamp::from_ms(row.received),
            weight: row.weight,
            dimensions,
            experiments: row.experiments.into_iter().map(|(name, arm)| (name.into(), arm.into())).collect(),
            view_id: row.view_id.into(),
            session_id: row.session_id.into(),
            url: row.url.into(),
            events,
        },
    })
}

/// An event of a sample; `None` when its metric's name or unit is none.
fn event(name: &str, unit: &str, value: u64, age_ms: u64, attribution: String) -> Option<SampledEvent> {
    let metric = Metric { name: MetricName::new(name).ok()?, unit: Unit::ALL.into_iter().find(|known| known.name() == unit)? };
    Some(SampledEvent { metric, value, age_ms, attribution: attribution.into() })
}
