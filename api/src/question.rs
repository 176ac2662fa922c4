//! Questions: what a request's parameters ask.

use std::{collections::BTreeMap, time::Duration};

use schemas::{
    app::AppId,
    cuboid::{self, Cuboid},
    dimension::Dimension,
    metric::{KNOWN, Metric, known},
    query::{Filter, RollupQuery, RollupRow, Windows},
    time::{MINUTES_PER_HOUR, Minute, MinuteRange, Resolution, Timestamp},
    unit::Unit,
};

use crate::{
    ApiState, KnownApp,
    answer::{Asked, At},
    error::{ApiError, Unsampled, near},
    params::Params,
};

/// Windows that one answer may have.
const WINDOWS_MAX: u32 = 5_000;
/// Windows that the server aims at when the caller names no step.
const WINDOWS_AIM: u32 = 240;
/// Steps that the server chooses from, in minutes.
const STEPS: [u32; 9] = [1, 5, 10, 30, 60, 120, 360, 720, 1_440];
/// Quantiles that one answer may have.
const QUANTILES_MAX: usize = 20;

/// The parameters that every question about a metric has, for the OpenAPI document.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it documents what Scope reads")]
pub(crate) struct ScopeParams {
    /// The app's id.
    app: String,
    /// Such as LCP.
    metric: String,
    /// Needed only where clients sent several units under one name: ms, score, bytes, count or per_second.
    unit: Option<String>,
    /// RFC 3339, seconds since 1970, now, or now-1h, which is the default.
    from: Option<String>,
    /// As from; now by default.
    to: Option<String>,
    /// dimension:value, repeatable; several of one dimension are alternatives.
    filter: Option<Vec<String>>,
}

/// What every question about a metric has.
pub(crate) struct Scope {
    pub(crate) app: KnownApp,
    pub(crate) metric: Metric,
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
    pub(crate) filters: Vec<Filter>,
    now: Timestamp,
    minutes_kept: Duration,
}

/// A window's width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) minutes: u32,
    pub(crate) resolution: Resolution,
}

impl Step {
    pub(crate) const fn seconds(self) -> u32 {
        self.minutes * 60
    }

    pub(crate) const fn resolution_name(self) -> &'static str {
        match self.resolution {
            Resolution::Minute => "minute",
            Resolution::Hour => "hour",
        }
    }
}

impl ApiState {
    /// The app that the parameter `app` names.
    pub(crate) fn app(&self, params: &mut Params) -> Result<&KnownApp, ApiError> {
        let id = params.required("app", "GET /api/v1/apps lists them")?;
        self.apps.get(id.as_str()).ok_or_else(|| ApiError::UnknownApp(id.clone(), near(&id, self.apps.keys().map(AppId::as_str))))
    }

    /// The range of the parameters `from` and `to`.
    pub(crate) fn range(&self, params: &mut Params, default: Duration) -> Result<(Timestamp, Timestamp), ApiError> {
        let now = self.now();
        let to = params.time("to", now, now)?;
        let from = params.time("from", to.minus(default), now)?;
        if from >= to {
            return Err(ApiError::invalid("from", "the range ends before it begins", "from lies before to"));
        }
        Ok((from, to))
    }

    /// What every question about a metric has.
    pub(crate) async fn scope(&self, params: &mut Params) -> Result<Scope, ApiError> {
        let app = self.app(params)?.clone();
        let (from, to) = self.range(params, Duration::from_secs(3_600))?;
        let filters = filters(&params.all("filter"), &app)?;
        let name = params.required("metric", "GET /api/v1/metrics lists them")?;
        let unit = params.optional("unit")?;
        let metric = self.metric(&app, &name, unit.as_deref()).await?;
        Ok(Scope { app, metric, from, to, filters, now: self.now(), minutes_kept: self.retention.minutes })
    }

    /// The metric called `name`. Where clients sent several units under one name: the one asked for,
    /// else the declared or known one, else the one seen last.
    async fn metric(&self, app: &KnownApp, name: &str, unit: Option<&str>) -> Result<Metric, ApiError> {
        let entries = self.store.metrics(&app.app.id).await?;
        let declared = app.metrics.iter().map(|(name, unit)| Metric { name: name.clone(), unit: *unit });
        if let Some(unit) = unit {
            let unit = Unit::ALL.into_iter().find(|known| known.name() == unit).ok_or_else(|| {
                let names: Vec<_> = Unit::ALL.iter().map(|unit| unit.name()).collect();
                ApiError::invalid("unit", format!("`{unit}` is no unit"), format!("one of {}", names.join(", ")))
            })?;
            let found = entries
                .iter()
                .map(|entry| entry.metric.clone())
                .chain(declared)
                .find(|metric| metric.name.as_str() == name && metric.unit == unit);
            return found.ok_or_else(|| unknown_metric(app, name, entries.iter().map(|entry| entry.metric.name.as_str())));
        }
        let fixed =
            known(name).and_then(|known| Some(Metric { name: schemas::metric::MetricName::new(known.name).ok()?, unit: known.unit }));
        let seen = entries
            .iter()
            .filter(|entry| entry.metric.name.as_str() == name)
            .max_by_key(|entry| entry.last_hour)
            .map(|entry| entry.metric.clone());
        let found = fixed.or_else(|| declared.into_iter().find(|metric| metric.name.as_str() == name)).or(seen);
        found.ok_or_else(|| unknown_metric(app, name, entries.iter().map(|entry| entry.metric.name.as_str())))
    }

    /// Asks the store.
    pub(crate) async fn ask(&self, query: &RollupQuery) -> Result<Vec<RollupRow>, ApiError> {
        Ok(self.store.rollups(query).await?)
    }
}

fn unknown_metric<'a>(app: &KnownApp, metric: &str, known: impl Iterator<Item = &'a str>) -> ApiError {
    let names: Vec<&str> = known.chain(KNOWN.iter().map(|metric| metric.name)).collect();
    ApiError::UnknownMetric { app: app.app.id.to_string(), metric: metric.to_owned(), near: near(metric, names) }
}

/// The dimension called `name`, if the app can be asked about it.
pub(crate) fn dimension(name: &str, app: &KnownApp) -> Result<Dimension, ApiError> {
    let dimensions = app.app.dimensions();
    let found = dimensions.iter().find(|dimension| dimension.name() == name).cloned();
    found.ok_or_else(|| ApiError::UnknownDimension(name.to_owned(), near(name, dimensions.iter().map(Dimension::name))))
}

/// Filters as `dimension:value`; several of one dimension are alternatives.
fn filters(given: &[String], app: &KnownApp) -> Result<Vec<Filter>, ApiError> {
    let mut filters: Vec<Filter> = Vec::new();
    for text in given {
        let (name, value) = text.split_once(':').ok_or_else(|| {
            ApiError::invalid(
                "filter",
                format!("`{text}` has no `:`"),
                "filter=browser:Chrome, and filter=browser: for those that said nothing",
            )
        })?;
        let dimension = dimension(name, app)?;
        match filters.iter_mut().find(|filter| filter.dimension == dimension) {
            Some(filter) => filter.values.push(value.to_owned()),
            None => filters.push(Filter { dimension, values: vec![value.to_owned()] }),
        }
    }
    if let Some(filter) = filters.iter().find(|filter| filter.dimension == Dimension::Experiment && filter.values.len() > 1) {
        let hint = "ask about one experiment at a time, or group_by=experiment";
        return Err(ApiError::invalid(
            "filter",
            format!("a page view that is in two of {} would count twice", filter.values.join(", ")),
            hint,
        ));
    }
    Ok(filters)
}

impl Scope {
    /// The cuboid that answers about the filters and `also`, if there is one.
    pub(crate) fn cuboid(&self, also: Option<&Dimension>) -> Option<Cuboid> {
        cuboid::covering(&self.app.app.cuboids, &self.wanted(also)).cloned()
    }

    /// Why there is no answer about the filters and `also`: no cuboid has them together, and samples can't tell either.
    pub(crate) fn not_together(&self, also: Option<&Dimension>, unsampled: Unsampled) -> ApiError {
        let (wanted, cuboids) = (self.wanted(also), &self.app.app.cuboids);
        // Those first that have the most of what was asked about.
        let shared = |cuboid: &Cuboid| wanted.iter().filter(|dimension| cuboid.position(dimension).is_some()).count();
        let mut near: Vec<&Cuboid> = cuboids.iter().filter(|cuboid| shared(cuboid) > 0).collect();
        near.sort_by_key(|cuboid| std::cmp::Reverse(shared(cuboid)));
        ApiError::NotTogether {
            asked: wanted.iter().map(ToString::to_string).collect(),
            together: near.iter().map(ToString::to_string).collect(),
            unsampled,
        }
    }

    /// The dimensions that are asked about together.
    fn wanted(&self, also: Option<&Dimension>) -> Vec<Dimension> {
        let mut wanted: Vec<Dimension> = self.filters.iter().map(|filter| filter.dimension.clone()).collect();
        wanted.extend(also.filter(|dimension| self.filters.iter().all(|filter| filter.dimension != **dimension)).cloned());
        wanted
    }

    /// The windows that the parameter `step` asks for, with the range rounded to them.
    pub(crate) fn step(&self, params: &mut Params) -> Result<(Step, MinuteRange), ApiError> {
        let asked = params.optional("step")?.map(|text| parse_step(&text)).transpose()?;
        let exact = MinuteRange::covering(self.from, self.to);
        let by_hour_only = self.begins_before_minutes().is_some();
        let minutes = match asked {
            Some(minutes) if by_hour_only && minutes % MINUTES_PER_HOUR != 0 => {
                let kept = humantime::format_duration(self.minutes_kept);
                let hint = format!("rollups of a minute are kept for {kept}: use step=1h or a multiple, or a later from");
                return Err(ApiError::invalid("step", "the range begins before the first rollup of a minute", hint));
            }
            Some(minutes) => minutes,
            None => STEPS
                .into_iter()
                .filter(|minutes| !by_hour_only || minutes % MINUTES_PER_HOUR == 0)
                .find(|minutes| exact.len() / minutes <= WINDOWS_AIM)
                .unwrap_or(STEPS[STEPS.len() - 1]),
        };
        if exact.len() / minutes > WINDOWS_MAX {
            return Err(ApiError::invalid(
                "step",
                format!("the range has more than {WINDOWS_MAX} windows of this width"),
                "use a wider step or a shorter range",
            ));
        }
        let resolution = if minutes % MINUTES_PER_HOUR == 0 { Resolution::Hour } else { Resolution::Minute };
        Ok((Step { minutes, resolution }, rounded(exact, minutes)))
    }

    /// For how long rollups of a minute, and samples, are kept, when the range begins before that.
    pub(crate) fn begins_before_minutes(&self) -> Option<Duration> {
        (self.from < self.now.minus(self.minutes_kept)).then_some(self.minutes_kept)
    }

    /// Whether rollups of a minute are still kept from `minute` on.
    pub(crate) fn keeps_minutes_of(&self, minute: Minute) -> bool {
        minute.start() >= self.now.minus(self.minutes_kept)
    }

    /// The range as one window, rounded to what is kept of it.
    pub(crate) fn whole(&self) -> MinuteRange {
        let exact = MinuteRange::covering(self.from, self.to);
        if self.begins_before_minutes().is_some() { MinuteRange::new(exact.start.hour().first_minute(), exact.end) } else { exact }
    }

    /// The question to the store.
    pub(crate) fn query(&self, cuboid: &Cuboid, range: MinuteRange, windows: Windows, group_by: Option<Dimension>) -> RollupQuery {
        RollupQuery {
            app: self.app.app.id.clone(),
            metric: self.metric.clone(),
            cuboid: cuboid.clone(),
            range,
            windows,
            filters: self.filters.clone(),
            group_by,
        }
    }

    /// What was asked, for the answer; which cuboid or samples answer, is left to who knows.
    pub(crate) fn asked(&self, range: MinuteRange, source: &'static str) -> Asked {
        let names = |filter: &Filter| (filter.dimension.name().to_owned(), filter.values.clone());
        Asked {
            app: self.app.app.id.to_string(),
            metric: self.metric.name.to_string(),
            unit: self.metric.unit.name(),
            from: At(range.start.start()),
            to: At(range.end.start()),
            filter: self.filters.iter().map(names).collect::<BTreeMap<_, _>>(),
            cuboid: Vec::new(),
            source,
            sampled: None,
        }
    }
}

fn rounded(range: MinuteRange, minutes: u32) -> MinuteRange {
    MinuteRange::new(Minute(range.start.0 / minutes * minutes), Minute(range.end.0.div_ceil(minutes) * minutes))
}

/// A step such as `60s`, `10m` or `1h`, in minutes.
fn parse_step(text: &str) -> Result<u32, ApiError> {
    let invalid = |what: &str| ApiError::invalid("step", format!("`{text}` {what}"), "whole minutes, such as 60s, 10m or 1h");
    let seconds = match text.parse::<u64>() {
        Ok(seconds) => seconds,
        Err(_) => humantime::parse_duration(text).map_err(|_| invalid("is no length of time"))?.as_secs(),
    };
    match u32::try_from(seconds / 60) {
        Ok(minutes) if minutes > 0 && seconds % 60 == 0 => Ok(minutes),
        _ => Err(invalid("is not a number of whole minutes")),
    }
}

/// The quantiles that the parameter asks for, in [0, 1].
pub(crate) fn quantiles(params: &mut Params) -> Result<Vec<f64>, ApiError> {
    let Some(text) = params.optional("quantiles")? else { return Ok(vec![0.5, 0.75, 0.95]) };
    let parse = |text: &str| text.trim().parse::<f64>().ok().filter(|q| (0.0..=1.0).contains(q));
    let quantiles: Option<Vec<f64>> = text.split(',').map(parse).collect();
    match quantiles {
        Some(quantiles) if quantiles.len() <= QUANTILES_MAX => Ok(quantiles),
        _ => Err(ApiError::invalid(
            "quantiles",
            format!("`{text}` is no list of at most {QUANTILES_MAX} numbers in [0, 1]"),
            "quantiles=0.5,0.75,0.95",
        )),
    }
}

#[cfg(test)]
mod tests {
    use schemas::{app::App, metric::MetricName};

    use super::*;

    const NOW: Timestamp = Timestamp::from_ms(1_763_719_230_000);

    fn scope(ago: Duration, filters_given: &[&str]) -> Result<Scope, ApiError> {
        let app = KnownApp { app: App::new(AppId::new("shop").unwrap(), Vec::new()), key: "k".into(), metrics: BTreeMap::new() };
        let given: Vec<String> = filters_given.iter().map(|text| (*text).to_owned()).collect();
        Ok(Scope {
            filters: filters(&given, &app)?,
            app,
            metric: Metric { name: MetricName::new("LCP").unwrap(), unit: Unit::Duration },
            from: NOW.minus(ago),
            to: NOW,
            now: NOW,
            minutes_kept: Duration::from_secs(8 * 86_400),
        })
    }

    fn step(ago: Duration, query: &str) -> Result<(u32, Resolution), ApiError> {
        let (step, range) = scope(ago, &[]).unwrap().step(&mut Params::of_query(Some(query)))?;
        assert!(range.start.0 % step.minutes == 0 && range.end.0 % step.minutes == 0);
        assert!(range.start.start() <= NOW.minus(ago) && NOW <= range.end.start());
        Ok((step.minutes, step.resolution))
    }

    const HOUR: Duration = Duration::from_secs(3_600);

    #[test]
    fn the_step_is_the_one_asked_for_or_fits_the_range() {
        assert_eq!(step(HOUR, "").unwrap(), (1, Resolution::Minute));
        assert_eq!(step(24 * HOUR, "").unwrap(), (10, Resolution::Minute));
        assert_eq!(step(24 * HOUR, "step=60s").unwrap(), (1, Resolution::Minute));
        assert_eq!(step(24 * HOUR, "step=2h").unwrap(), (120, Resolution::Hour));
        assert_eq!(step(21 * 24 * HOUR, "").unwrap(), (360, Resolution::Hour));
        for (ago, query) in
            [(HOUR, "step=90s"), (HOUR, "step=soon"), (HOUR, "step=0"), (21 * 24 * HOUR, "step=10m"), (7 * 24 * HOUR, "step=1m")]
        {
            assert!(step(ago, query).is_err(), "{query}");
        }
    }

    #[test]
    fn filters_of_one_dimension_are_alternatives() {
        let scope = scope(HOUR, &["browser:Chrome", "route:/a:b", "browser:"]).unwrap();
        assert_eq!(scope.filters[0].values, ["Chrome", ""]);
        assert_eq!(scope.filters[1].values, ["/a:b"]);
        assert_eq!(scope.cuboid(None).unwrap().to_string(), "route,browser");
    }

    #[test]
    fn what_can_not_be_asked_together_says_what_can() {
        let scope_of_both = scope(HOUR, &["browser:Chrome", "country:BR"]).unwrap();
        assert_eq!(scope_of_both.cuboid(Some(&Dimension::Route)), None);
        let error = scope_of_both.not_together(Some(&Dimension::Route), Unsampled::NoneKept);
        let ApiError::NotTogether { together, .. } = error else { panic!("another error") };
        assert!(together.contains(&"route,country,device".to_owned()) && together.contains(&"route,browser".to_owned()), "{together:?}");
        assert!(
            matches!(scope(HOUR, &["browsr:Chrome"]), Err(ApiError::UnknownDimension(_, near)) if near.contains(&"browser".to_owned()))
        );
        assert!(scope(HOUR, &["experiment:a", "experiment:b"]).is_err());
        assert!(scope(HOUR, &["browser"]).is_err());
    }
}
