//! Where an answer comes from: the rollups of a cuboid, or, where none has what was asked about together, samples.

use schemas::{
    cuboid::Cuboid,
    dimension::{Dimension, OTHER},
    query::{Filter, RollupRow, Windows},
    sample::StrataQuery,
    time::MinuteRange,
};

use crate::{
    ApiState,
    answer::{Asked, Sampled},
    error::{ApiError, Unsampled},
    question::{Scope, Step},
    sampled::{self, Drawn, Wanted},
};

/// What answers a scope in a range.
pub(crate) struct Source<'a> {
    state: &'a ApiState,
    scope: &'a Scope,
    range: MinuteRange,
    kind: Kind,
}

enum Kind {
    Rollups(Cuboid),
    Samples(Drawn),
}

impl<'a> Source<'a> {
    /// What can answer about the scope's filters and `also`.
    pub(crate) async fn of(
        state: &'a ApiState,
        scope: &'a Scope,
        range: MinuteRange,
        also: Option<&Dimension>,
    ) -> Result<Source<'a>, ApiError> {
        let kind = match scope.cuboid(also) {
            Some(cuboid) => Kind::Rollups(cuboid),
            None => Kind::Samples(instead(state, scope, range, also).await?),
        };
        Ok(Self { state, scope, range, kind })
    }

    /// What it says of the scope's metric, by value and window, both rising.
    pub(crate) async fn rows(&self, windows: Windows, group_by: Option<Dimension>) -> Result<Vec<RollupRow>, ApiError> {
        match &self.kind {
            Kind::Rollups(cuboid) => self.state.ask(&self.scope.query(cuboid, self.range, windows, group_by)).await,
            Kind::Samples(drawn) => Ok(drawn.rows(&Wanted {
                metric: &self.scope.metric,
                range: self.range,
                windows,
                filters: &self.scope.filters,
                group_by: group_by.as_ref(),
            })),
        }
    }

    /// How many values pass the filters, each page view once.
    pub(crate) async fn everyone(&self) -> Result<u64, ApiError> {
        let rows = match &self.kind {
            // Not from its own cuboid: that may be one of experiments, where a page view stands more than once.
            Kind::Rollups(_) => {
                let source = Self::of(self.state, self.scope, self.range, None).await?;
                source.rows(Windows::Whole, None).await?
            }
            Kind::Samples(_) => self.rows(Windows::Whole, None).await?,
        };
        Ok(rows.iter().map(|row| row.rollup.count()).sum())
    }

    /// What was asked and what answers, for the answer.
    pub(crate) fn asked(&self) -> Asked {
        match &self.kind {
            Kind::Rollups(cuboid) => {
                Asked { cuboid: cuboid.dimensions().iter().map(ToString::to_string).collect(), ..self.scope.asked(self.range, "rollups") }
            }
            Kind::Samples(drawn) => asked_of(drawn, self.scope, self.range),
        }
    }

    /// The width of what answers: samples know the minute of their events.
    pub(crate) const fn resolution_name(&self, step: Step) -> &'static str {
        match self.kind {
            Kind::Rollups(_) => step.resolution_name(),
            Kind::Samples(_) => "minute",
        }
    }
}

/// What was asked of samples, for the answer.
pub(crate) fn asked_of(drawn: &Drawn, scope: &Scope, range: MinuteRange) -> Asked {
    let sampled = Sampled { beacons: drawn.beacons(), samples: drawn.samples().len() };
    Asked { sampled: Some(sampled), ..scope.asked(range, "samples") }
}

/// Reads the samples that can tell of the scope's filters: of the strata of its routes, and of the less frequent ones'.
pub(crate) async fn draw(state: &ApiState, scope: &Scope, range: MinuteRange) -> Result<Drawn, ApiError> {
    let query = StrataQuery { app: scope.app.app.id.clone(), range, routes: routes(&scope.filters) };
    let strata = state.store.strata(&query).await?;
    let slots = sampled::slots(&strata).ok_or_else(|| {
        let hint = "use a shorter range, or a filter such as filter=route:/";
        ApiError::invalid("from", "the range has more sampled beacons than one answer reads", hint)
    })?;
    let samples = if strata.is_empty() { Vec::new() } else { state.store.samples(&query, slots).await? };
    Ok(Drawn::new(strata, samples, slots))
}

/// The samples that answer where no cuboid can, if there are any.
async fn instead(state: &ApiState, scope: &Scope, range: MinuteRange, also: Option<&Dimension>) -> Result<Drawn, ApiError> {
    let refused = |unsampled| Err(scope.not_together(also, unsampled));
    let folded = |filter: &&Filter| filter.dimension != Dimension::Route && filter.values.iter().any(|value| value == OTHER);
    if let Some(filter) = scope.filters.iter().find(folded) {
        return refused(Unsampled::Folded(filter.dimension.clone()));
    }
    if let Some(kept) = scope.begins_before_minutes() {
        return refused(Unsampled::BeforeRetention(kept));
    }
    let drawn = draw(state, scope, range).await?;
    if drawn.beacons() == 0 {
        // No beacon of these routes is an answer, too, where samples are kept of others.
        let any = StrataQuery { app: scope.app.app.id.clone(), range, routes: None };
        if state.store.strata(&any).await?.is_empty() {
            return refused(Unsampled::NoneKept);
        }
    }
    Ok(drawn)
}

/// The routes of the strata in which beacons can be that pass the filters; `None` for all.
fn routes(filters: &[Filter]) -> Option<Vec<String>> {
    let mut routes = filters.iter().find(|filter| filter.dimension == Dimension::Route)?.values.clone();
    routes.push(OTHER.to_owned());
    routes.sort_unstable();
    routes.dedup();
    Some(routes)
}
