//! The intake's way: decode, authorise, validate, enrich, publish.

use std::{num::NonZeroU64, sync::Arc};

use bytes::Bytes;
use event_log::{EventLog, Partition};
use schemas::{
    app::AppId,
    beacon::{Beacon, RawEvent, Text},
    fate::DiscardReason,
    record,
    time::Timestamp,
};

use crate::{
    agent::{Agent, Agents},
    config::{AppPolicy, Config},
    decode::{Decoded, decode},
    enrich::{Context, Edge},
    error::Refusal,
    validate::{self, Rejected, Times, ValidEvent},
};

/// The greatest sampling weight.
const WEIGHT_MAX: f64 = 10_000.0;

/// A request, as far as the intake looks at it.
#[derive(Debug, Default)]
pub struct Request<'a> {
    pub body: &'a [u8],
    /// From the URL; what the beacon says itself comes first.
    pub app: Option<&'a str>,
    pub key: Option<&'a str>,
    pub origin: Option<&'a str>,
    pub user_agent: &'a str,
    pub referer: &'a str,
    pub idempotency_key: Option<&'a str>,
    /// Names the request, and its beacon if that doesn't name itself.
    pub arrival: Option<NonZeroU64>,
    pub edge: Edge,
    pub received: Timestamp,
}

/// A beacon whose events can be kept: a record and where it belongs.
#[derive(Debug, Clone, PartialEq)]
pub struct Accepted {
    pub app: AppId,
    pub partition: Partition,
    pub record: Bytes,
    pub receipt: Receipt,
}

/// What the client is told.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "the client is to be told what became of its events"]
pub struct Receipt {
    /// How many events are kept.
    pub accepted: usize,
    /// The others.
    pub rejected: Vec<Rejected>,
}

/// A refusal, and the app that it concerns if that is known.
#[derive(Debug)]
pub struct Refused {
    pub app: Option<AppId>,
    pub refusal: Refusal,
}

/// Takes beacons.
#[derive(Clone)]
pub struct Intake {
    config: Arc<Config>,
    agents: Arc<Agents>,
    log: Arc<dyn EventLog>,
}

impl std::fmt::Debug for Intake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Intake").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Intake {
    /// One that writes to `log`.
    pub fn new(config: Arc<Config>, log: Arc<dyn EventLog>) -> Self {
        Self { config, agents: Arc::new(Agents::new()), log }
    }

    /// How it is configured.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Takes a beacon: returns once its record is durable.
    ///
    /// # Errors
    /// When the request is refused as a whole; nothing of it was kept then, unless the log could not
    /// say (`not_kept`): the client sends it again, and the copy is recognised by its id.
    pub async fn take(&self, request: &Request<'_>) -> Result<(AppId, Receipt), Refused> {
        let accepted = self.accept(request)?;
        self.publish(accepted).await
    }

    /// What a request becomes. Pure: the same request becomes the same record.
    ///
    /// # Errors
    /// When the request is refused as a whole.
    pub fn accept(&self, request: &Request<'_>) -> Result<Accepted, Refused> {
        let decoded = decode(request.body).map_err(|refusal| self.refused(request.app, refusal))?;
        let app = self.authorise(&decoded, request)?;
        let agent = self.agents.read(request.user_agent);
        let standing = match &decoded {
            Decoded::Ours(beacon) => ours(beacon, app, request, self.config.events_max),
            Decoded::Vitals(vitals) => Ok(bare(vitals, app, request.referer, self.config.events_max)),
        };
        let (mut context, mut events, mut rejected) = standing.map_err(|refusal| Refused { app: Some(app.id.clone()), refusal })?;
        if context.beacon_id.is_empty() {
            context.beacon_id = request.idempotency_key.unwrap_or_default().as_bytes().into();
        }
        if agent.bot && app.reject_bots {
            let bot = |index| Rejected { index, reason: DiscardReason::Bot, detail: "the user agent is a known robot's".to_owned() };
            rejected = (0..events.len() + rejected.len()).map(bot).collect();
            events.clear();
        }
        Ok(self.place(app, &agent, context, request, &events, rejected))
    }

    /// Writes an accepted beacon to the log; returns once it is durable.
    ///
    /// # Errors
    /// When the log can't keep it.
    pub async fn publish(&self, accepted: Accepted) -> Result<(AppId, Receipt), Refused> {
        let Accepted { app, partition, record, receipt } = accepted;
        match self.log.append(partition, record).await {
            Ok(_) => Ok((app, receipt)),
            Err(error) => Err(Refused { app: Some(app), refusal: Refusal::NotKept(error) }),
        }
    }

    /// The app of a request whose key and origin are right.
    fn authorise(&self, decoded: &Decoded<'_>, request: &Request<'_>) -> Result<&AppPolicy, Refused> {
        let (own_app, own_key) = match decoded {
            Decoded::Ours(beacon) => (beacon.app.as_ref(), beacon.key.as_ref()),
            Decoded::Vitals(_) => (None, None),
        };
        let id = own_app.map(Text::as_str).or(request.app).ok_or(Refused { app: None, refusal: Refusal::MissingApp })?;
        let app =
            self.config.apps.get(id).ok_or_else(|| Refused { app: None, refusal: Refusal::UnknownApp(id.chars().take(64).collect()) })?;
        let refused = |refusal| Err(Refused { app: Some(app.id.clone()), refusal });
        if own_key.map(Text::as_str).or(request.key) != Some(&app.key) {
            return refused(Refusal::WrongKey(id.to_owned()));
        }
        match request.origin {
            Some(origin) if !app.origins.allow(origin) => {
                refused(Refusal::OriginNotAllowed { app: id.to_owned(), origin: origin.chars().take(200).collect() })
            }
            _ => Ok(app),
        }
    }

    fn refused(&self, app: Option<&str>, refusal: Refusal) -> Refused {
        Refused { app: app.and_then(|id| self.config.apps.get(id)).map(|app| app.id.clone()), refusal }
    }

    /// The record of a beacon, in the partition where a copy of it would be, too.
    fn place(
        &self,
        app: &AppPolicy,
        agent: &Agent,
        mut context: Context<'_>,
        request: &Request<'_>,
        events: &[ValidEvent<'_>],
        rejected: Vec<Rejected>,
    ) -> Accepted {
        let body_hash;
        let id: &[u8] = if context.beacon_id.is_empty() {
            body_hash = xxhash_rust::xxh3::xxh3_64(request.body).to_le_bytes();
            &body_hash
        } else {
            &context.beacon_id
        };
        let partition = record::partition(app.id.as_str(), &context.route, id, self.log.partitions(), self.config.route_spread);
        context.arrival = request.arrival.map_or(0, NonZeroU64::get);
        if context.beacon_id.is_empty() && context.arrival != 0 {
            context.beacon_id = context.arrival.to_be_bytes().to_vec().into();
        }
        let record = context.record(app, agent, &request.edge, request.received, events, &rejected);
        Accepted { app: app.id.clone(), partition: Partition(partition), record, receipt: Receipt { accepted: events.len(), rejected } }
    }
}

type Standing<'a> = (Context<'a>, Vec<ValidEvent<'a>>, Vec<Rejected>);

/// Our own beacon.
fn ours<'a>(
    beacon: &'a Beacon<'a, RawEvent<'a>>,
    app: &'a AppPolicy,
    request: &Request<'_>,
    events_max: usize,
) -> Result<Standing<'a>, Refusal> {
    let weight = weight(beacon.weight)?;
    let sent_ms = match &beacon.sent_at {
        None => None,
        Some(sent) => Some(
            sent.as_ms().ok_or_else(|| Refusal::InvalidBeacon("`sent_at` is neither milliseconds since 1970 nor RFC 3339".to_owned()))?,
        ),
    };
    let times = Times { received: request.received, sent_ms };
    let (mut events, mut rejected) = (Vec::new(), Vec::new());
    for (index, raw) in beacon.events.iter().flatten().enumerate() {
        match within(index, events_max).and_then(|()| validate::event(raw, app, times)) {
            Ok(event) => events.push(event),
            Err((reason, detail)) => rejected.push(Rejected { index, reason, detail }),
        }
    }
    let mut context = Context::of_beacon(beacon, app, weight);
    if context.beacon_id.len() > validate::ID_BYTES_MAX {
        return Err(Refusal::InvalidBeacon(format!("`id` has more than {} bytes", validate::ID_BYTES_MAX)));
    }
    if context.route.is_empty() && !request.referer.is_empty() {
        context.route = app.routes.route(crate::route::path_of(request.referer)).into_owned().into();
    }
    Ok((context, events, rejected))
}

/// Bare web-vitals objects.
fn bare<'a>(vitals: &[RawEvent<'a>], app: &'a AppPolicy, referer: &'a str, events_max: usize) -> Standing<'a> {
    let (mut events, mut given, mut rejected) = (Vec::new(), Vec::new(), Vec::new());
    for (index, raw) in vitals.iter().enumerate() {
        match within(index, events_max).and_then(|()| validate::vital(raw, app)) {
            Ok((event, vital)) => {
                events.push(event);
                given.push(vital);
            }
            Err((reason, detail)) => rejected.push(Rejected { index, reason, detail }),
        }
    }
    (Context::of_vitals(&given, referer, app), events, rejected)
}

fn within(index: usize, events_max: usize) -> Result<(), (DiscardReason, String)> {
    if index < events_max { Ok(()) } else { Err((DiscardReason::TooManyEvents, format!("a beacon may have {events_max} events"))) }
}

fn weight(given: Option<f64>) -> Result<u32, Refusal> {
    match given {
        None => Ok(1),
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number in [1, 10000]")]
        Some(weight) if (1.0..=WEIGHT_MAX).contains(&weight) && weight.fract() == 0.0 => Ok(weight as u32),
        Some(weight) => Err(Refusal::InvalidBeacon(format!("`weight` is a whole number in [1, {WEIGHT_MAX}], not {weight}"))),
    }
}
