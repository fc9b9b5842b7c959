//! Owns the way of a request through the account: route, fault, token, limit, scope, work, log.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response};
use serde_json::Value;

use crate::account::Account;
use crate::answers::{self, Refusal, Reply};
use crate::auth::{self, Auth, Grant, Need};
use crate::call::Call;
use crate::clock::Clock;
use crate::faults::{self, Deed, Fault, Reset};
use crate::limits::{Limits, Meter, Told};
use crate::load::LoadError;
use crate::log::{Entry, Log};
use crate::random::SplitMix;
use crate::route::{self, Lost, Operation, Routed};
use crate::{
    account_info, association_api, association_labels, association_limits, association_reads, auto_company, batch,
    consent, control, event_definition_api, event_reads, event_send, introspection, limits_tracking, list_api,
    list_memberships, list_search, load, merge, oauth, objects, owners, pipeline_api, properties, property_groups,
    schema_api, search, secrets, validation_api,
};

/// The token that has every scope.
pub const TOKEN: &str = "pat-na1-sandbox";

/// HubSpot's subscription, as far as limits and features go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tier {
    /// Free and Starter.
    Free,
    /// Professional.
    #[default]
    Professional,
    /// Enterprise.
    Enterprise,
    /// Enterprise with the API limit increase.
    Addon,
    /// A marketplace app's OAuth token on an Enterprise account.
    OAuth,
    /// No limits at all.
    Unlimited,
}

const TIERS: [(&str, Tier); 6] = [
    ("free", Tier::Free),
    ("professional", Tier::Professional),
    ("enterprise", Tier::Enterprise),
    ("addon", Tier::Addon),
    ("oauth", Tier::OAuth),
    ("unlimited", Tier::Unlimited),
];

/// A tier that does not exist.
#[derive(Debug, thiserror::Error)]
#[error("unknown tier {0:?}; use free, professional, enterprise, addon, oauth or unlimited")]
pub struct UnknownTier(String);

impl FromStr for Tier {
    type Err = UnknownTier;

    fn from_str(text: &str) -> Result<Tier, UnknownTier> {
        let found = TIERS.iter().find(|(name, _)| *name == text);
        found.map(|(_, tier)| *tier).ok_or_else(|| UnknownTier(text.to_owned()))
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = TIERS.iter().find(|(_, tier)| tier == self);
        f.write_str(found.map_or("unlimited", |(name, _)| name))
    }
}

/// What an account begins with.
#[derive(Debug, Clone)]
pub struct SandboxConfig {
    /// Limits and features.
    pub tier: Tier,
    /// How long every answer takes beyond its work.
    pub latency: Duration,
    /// Rules order of results, index lag and record ids.
    pub seed: u64,
    /// The account's id.
    pub portal_id: u64,
    /// The account's wall time when it begins.
    pub started_at: jiff::Timestamp,
    /// Least and most milliseconds until search shows a write.
    pub search_lag_ms: (u64, u64),
}

impl SandboxConfig {
    /// An account of the default tier with search lag as HubSpot's; `started_at` is the caller's to say.
    pub fn new(started_at: jiff::Timestamp) -> SandboxConfig {
        SandboxConfig {
            tier: Tier::default(),
            latency: Duration::ZERO,
            seed: 0,
            portal_id: 1_234_567,
            started_at,
            search_lag_ms: (5_000, 30_000),
        }
    }
}

/// The connection is closed without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the connection is cut by a scripted fault")]
pub struct Cut;

/// A HubSpot account. Clones are the same account.
#[derive(Clone)]
pub struct Sandbox {
    inner: Arc<Inner>,
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox").field("config", &self.inner.config).finish_non_exhaustive()
    }
}

pub(crate) struct Inner {
    pub(crate) config: SandboxConfig,
    pub(crate) clock: Clock,
    account: Mutex<Account>,
    auth: Mutex<Auth>,
    meter: Mutex<Meter>,
    faults: Mutex<Vec<Fault>>,
    log: Mutex<Log>,
    correlation: Mutex<SplitMix>,
}

const UNPOISONED: &str = "no handler panics while it holds a lock";

impl Inner {
    pub(crate) fn account(&self) -> MutexGuard<'_, Account> {
        let mut account = self.account.lock().expect(UNPOISONED);
        if !account.new_contacts.is_empty() {
            auto_company::catch_up(&mut account, self.clock.now_ms());
        }
        account.lists.convert_due(self.clock.now_ms());
        account
    }

    pub(crate) fn auth(&self) -> MutexGuard<'_, Auth> {
        self.auth.lock().expect(UNPOISONED)
    }

    pub(crate) fn meter(&self) -> MutexGuard<'_, Meter> {
        self.meter.lock().expect(UNPOISONED)
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, Vec<Fault>> {
        self.faults.lock().expect(UNPOISONED)
    }

    pub(crate) fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().expect(UNPOISONED)
    }

    /// An empty account, limits and tokens of the tier, no faults, an empty log. The clock goes on.
    pub(crate) fn reset(&self) {
        let config = &self.config;
        *self.account() =
            Account::new(config.portal_id, config.tier, config.seed, config.search_lag_ms, self.clock.now_ms());
        *self.auth() = Auth::new(config.tier);
        *self.meter() = fresh_meter(config.tier);
        self.faults().clear();
        *self.log() = Log::default();
    }
}

/// The account's time zone (api.md 10.4).
pub(crate) const TIME_ZONE: &str = "US/Eastern";

fn fresh_meter(tier: Tier) -> Meter {
    Meter::new(Limits::of(tier), crate::limits::time_zone(TIME_ZONE))
}

impl Sandbox {
    /// A new, empty account whose time begins now.
    pub fn new(config: SandboxConfig) -> Sandbox {
        let clock = Clock::new(config.started_at);
        let account = Account::new(config.portal_id, config.tier, config.seed, config.search_lag_ms, clock.now_ms());
        let inner = Inner {
            clock,
            account: Mutex::new(account),
            auth: Mutex::new(Auth::new(config.tier)),
            meter: Mutex::new(fresh_meter(config.tier)),
            faults: Mutex::new(Vec::new()),
            log: Mutex::new(Log::default()),
            correlation: Mutex::new(SplitMix::new(config.seed ^ 0x00C0_FFEE)),
            config,
        };
        Sandbox { inner: Arc::new(inner) }
    }

    /// Puts properties, schemas, records, owners and more into the account, as `POST /_sandbox/load` does; the crate's
    /// documentation lists the keys.
    ///
    /// # Errors
    /// Names the field that is wrong. What stood before it in the document is loaded.
    pub fn load(&self, document: &Value) -> Result<(), LoadError> {
        load::load(&self.inner, document)
    }

    /// One request, over no socket.
    ///
    /// # Errors
    /// [`Cut`] when a scripted fault closes the connection without an answer.
    pub async fn handle(
        &self,
        method: &Method,
        path_and_query: &str,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<Response<Bytes>, Cut> {
        let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        if path.starts_with("/_sandbox") {
            return Ok(control::answer(&self.inner, method, path, &route::pairs(query), &body));
        }
        let inner = &*self.inner;
        let now_ms = inner.clock.now_ms();
        let ms = inner.clock.elapsed_ms();
        let routed = route::route(method.as_str(), path);
        let kind = routed.as_ref().map_or("unknown", |routed| routed.kind);
        inner.log().arrived(routed.as_ref().ok().map(|routed| routed.budget), ms);
        let deed = faults::strike(&mut inner.faults(), method.as_str(), path, kind, now_ms);
        let request = Request { path, query, headers, body: &body, now_ms };
        let mut response = inner.answer(&request, routed, deed.as_ref());
        let delay_ms = deed.as_ref().map_or(0, |deed| deed.delay_ms);
        let wait = inner.config.latency + Duration::from_millis(delay_ms);
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        let cut = deed.as_ref().is_some_and(|deed| deed.reset.is_some());
        if let Some(deed) = &deed
            && deed.drop_result > 0
        {
            let shortened = deed.shorten(response.body().to_vec());
            *response.body_mut() = Bytes::from(shortened);
        }
        let mut entry = Entry {
            ms,
            method: method.to_string(),
            path: path_and_query.to_owned(),
            kind,
            status: (!cut).then(|| response.status().as_u16()),
            fault: deed.as_ref().map(Deed::name),
            body,
            answer: if cut { Bytes::new() } else { response.body().clone() },
        };
        // a path that nobody serves may have been meant for a token call
        if kind == "oauth" || path.starts_with("/oauth/") {
            entry.path = secrets::hide_in_path(path_and_query);
            entry.body = secrets::hide_in_body(&entry.body);
            entry.answer = secrets::hide_in_body(&entry.answer);
        }
        inner.log().add(entry);
        if cut { Err(Cut) } else { Ok(response) }
    }
}

struct Request<'a> {
    path: &'a str,
    query: &'a str,
    headers: &'a HeaderMap,
    body: &'a Bytes,
    now_ms: i64,
}

impl Inner {
    /// Does the work, or what a fault makes of it.
    fn answer(&self, request: &Request<'_>, routed: Result<Routed, Lost>, deed: Option<&Deed>) -> Response<Bytes> {
        let status = deed.and_then(|deed| deed.status.filter(|_| !deed.applied));
        if let (Some(status), Some(deed)) = (status, deed) {
            return self.respond(Err(deed.refusal(status)), &Told::default());
        }
        if deed.is_some_and(|deed| deed.reset == Some(Reset::Before)) {
            // nothing is done and nothing will be sent
            return Response::new(Bytes::new());
        }
        let (outcome, told) = self.work(request, routed);
        let applied = deed.and_then(|deed| deed.status.filter(|_| deed.applied));
        match (applied, deed) {
            (Some(status), Some(deed)) => self.respond(Err(deed.refusal(status)), &Told::default()),
            _ => self.respond(outcome, &told),
        }
    }

    fn work(&self, request: &Request<'_>, routed: Result<Routed, Lost>) -> (Result<Reply, Refusal>, Told) {
        let routed = match routed {
            Ok(routed) => routed,
            Err(Lost::NoSuchPath) => return (Err(Refusal::not_found()), Told::default()),
            Err(Lost::NotThatMethod) => {
                return (Err(Refusal::bare(405, "HTTP 405 Method Not Allowed")), Told::default());
            }
        };
        let mut grant: Option<Arc<Grant>> = None;
        let mut told = Told::default();
        if routed.need != Need::Anyone {
            let found = match self.auth().authenticate(request.headers, request.now_ms) {
                Ok(found) => found,
                Err(refusal) => return (Err(refusal), told),
            };
            let (verdict, more) = self.meter().draw(routed.budget, &found, request.now_ms);
            told = more;
            let allowed = verdict.and_then(|()| auth::authorize(&self.account(), &found, &routed));
            if let Err(refusal) = allowed {
                return (Err(refusal), told);
            }
            grant = Some(found);
        }
        let query = route::pairs(request.query);
        let call = Call {
            inner: self,
            routed: &routed,
            path: request.path,
            query: &query,
            body: request.body,
            now_ms: request.now_ms,
            grant,
        };
        if wrong_form(request, &routed) {
            return (Err(Refusal::bare(415, "HTTP 415 Unsupported Media Type")), told);
        }
        (dispatch(&call), told)
    }

    fn respond(&self, outcome: Result<Reply, Refusal>, told: &Told) -> Response<Bytes> {
        let correlation = self.correlation.lock().expect(UNPOISONED).correlation_id();
        let mut retry_after_s = None;
        let mut location = None;
        let mut content_type = answers::JSON;
        let (status, body) = match outcome {
            Ok(reply) => {
                location = reply.location;
                content_type = reply.content_type;
                (reply.status, reply.body)
            }
            Err(refusal) => {
                let mut out = Vec::with_capacity(512);
                refusal.write(&mut out, Some(&correlation));
                retry_after_s = refusal.body().retry_after_s;
                (refusal.body().status, out)
            }
        };
        let empty = body.is_empty();
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = http::StatusCode::from_u16(status).expect("statuses are between 200 and 599");
        let headers = response.headers_mut();
        if !empty {
            headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        if let Ok(value) = HeaderValue::from_str(&correlation) {
            headers.insert("x-hubspot-correlation-id", value);
        }
        if let Some(seconds) = retry_after_s {
            headers.insert(http::header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(value) = location.and_then(|location| HeaderValue::from_str(&location).ok()) {
            headers.insert(http::header::LOCATION, value);
        }
        told.write(headers);
        response
    }
}

/// A body in another form than the operation takes is 415: OAuth takes forms, everything else JSON.
fn wrong_form(request: &Request<'_>, routed: &Routed) -> bool {
    if request.body.is_empty() {
        return false;
    }
    let form = routed.kind == "oauth" && routed.operation != Operation::TokenInfo;
    let wanted = if form { "application/x-www-form-urlencoded" } else { "application/json" };
    match request.headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) {
        Some(kind) => !kind.to_ascii_lowercase().starts_with(wanted),
        None => false,
    }
}

fn dispatch(call: &Call<'_>) -> Result<Reply, Refusal> {
    match call.routed.operation {
        Operation::BatchCreate => batch::create(call),
        Operation::BatchRead => batch::read(call),
        Operation::BatchUpdate => batch::update(call),
        Operation::BatchUpsert => batch::upsert(call),
        Operation::BatchArchive => batch::archive(call),
        Operation::Search => search::search(call),
        Operation::Merge => merge::merge(call),
        Operation::GdprDelete => merge::gdpr_delete(call),
        Operation::List => objects::list(call),
        Operation::Create => objects::create(call),
        Operation::Read => objects::read(call),
        Operation::Update => objects::update(call),
        Operation::Archive => objects::archive(call),
        Operation::AssociateDefaultOne => association_api::one_default(call),
        Operation::AssociateOne => association_api::one_typed(call),
        Operation::DissociateOne => association_api::one_remove(call),
        Operation::AssociationsOf => association_reads::of_one(call),
        Operation::AssociateBatch => association_api::batch_create(call),
        Operation::AssociateDefault => association_api::batch_default(call),
        Operation::DissociateBatch => association_api::batch_archive(call),
        Operation::DissociateLabels => association_api::labels_archive(call),
        Operation::AssociationsRead => association_reads::batch_read(call),
        Operation::HighUsage => association_limits::high_usage(call),
        Operation::LabelList => association_labels::list(call),
        Operation::LabelCreate => association_labels::create(call),
        Operation::LabelUpdate => association_labels::update(call),
        Operation::LabelDelete => association_labels::delete(call),
        Operation::LimitsAll => association_limits::all(call),
        Operation::LimitsOfPair => association_limits::of_pair(call),
        Operation::LimitsCreate => association_limits::create(call),
        Operation::LimitsUpdate => association_limits::update(call),
        Operation::LimitsPurge => association_limits::purge(call),
        Operation::EventSend => event_send::one(call),
        Operation::EventSendBatch => event_send::batch(call),
        Operation::EventDefinitionList => event_definition_api::list(call),
        Operation::EventDefinitionCreate => event_definition_api::create(call),
        Operation::EventDefinitionRead => event_definition_api::read(call),
        Operation::EventDefinitionUpdate => event_definition_api::update(call),
        Operation::EventDefinitionDelete => event_definition_api::delete(call),
        Operation::EventPropertyCreate => event_definition_api::property_create(call),
        Operation::EventPropertyUpdate => event_definition_api::property_update(call),
        Operation::EventPropertyDelete => event_definition_api::property_delete(call),
        Operation::EventReadList => event_reads::list(call),
        Operation::EventTypes => event_reads::types(call),
        Operation::GroupList => property_groups::list(call),
        Operation::GroupCreate => property_groups::create(call),
        Operation::GroupRead => property_groups::read(call),
        Operation::GroupUpdate => property_groups::update(call),
        Operation::GroupArchive => property_groups::archive(call),
        Operation::PropertyBatchCreate => properties::batch_create(call),
        Operation::PropertyBatchRead => properties::batch_read(call),
        Operation::PropertyBatchArchive => properties::batch_archive(call),
        Operation::PropertyList => properties::list(call),
        Operation::PropertyCreate => properties::create(call),
        Operation::PropertyRead => properties::read(call),
        Operation::PropertyUpdate => properties::update(call),
        Operation::PropertyArchive => properties::archive(call),
        Operation::ValidationList => validation_api::list(call),
        Operation::ValidationsOf => validation_api::of_property(call),
        Operation::ValidationRead => validation_api::read(call),
        Operation::ValidationSet => validation_api::set(call),
        Operation::LimitProperties => limits_tracking::of_custom_properties(call),
        Operation::LimitTypes => limits_tracking::of_custom_types(call),
        Operation::SchemaBatchRead => schema_api::batch_read(call),
        Operation::SchemaAssociate => schema_api::association_create(call),
        Operation::SchemaDissociate => schema_api::association_delete(call),
        Operation::SchemaList => schema_api::list(call),
        Operation::SchemaCreate => schema_api::create(call),
        Operation::SchemaRead => schema_api::read(call),
        Operation::SchemaUpdate => schema_api::update(call),
        Operation::SchemaArchive => schema_api::archive(call),
        Operation::StageList => pipeline_api::stages(call),
        Operation::StageCreate => pipeline_api::stage_create(call),
        Operation::StageRead => pipeline_api::stage_read(call),
        Operation::StageAudit | Operation::PipelineAudit => pipeline_api::audit(call),
        Operation::StageUpdate => pipeline_api::stage_update(call),
        Operation::StageReplace => pipeline_api::stage_replace(call),
        Operation::StageDelete => pipeline_api::stage_delete(call),
        Operation::PipelineUpdate => pipeline_api::update(call),
        Operation::PipelineReplace => pipeline_api::replace(call),
        Operation::PipelineDelete => pipeline_api::delete(call),
        Operation::PipelineList => pipeline_api::list(call),
        Operation::PipelineCreate => pipeline_api::create(call),
        Operation::PipelineRead => pipeline_api::read(call),
        Operation::OwnerList => owners::list(call),
        Operation::OwnerRead => owners::read(call),
        Operation::ListCreate => list_api::create(call),
        Operation::ListSeveral => list_api::several(call),
        Operation::ListSearch => list_search::search(call),
        Operation::ListAll => list_search::all(call),
        Operation::ListOfLegacy => list_api::legacy_one(call),
        Operation::ListsOfLegacy => list_api::legacy_batch(call),
        Operation::ListByName => list_api::by_name(call),
        Operation::ListsOfRecord => list_memberships::of_record(call),
        Operation::ListsOfRecords => list_memberships::of_records(call),
        Operation::ListRead => list_api::read(call),
        Operation::ListDelete => list_api::delete(call),
        Operation::ListRestore => list_api::restore(call),
        Operation::ListRename => list_api::rename(call),
        Operation::ListRefilter => list_api::refilter(call),
        Operation::ListConversionRead => list_api::conversion_read(call),
        Operation::ListConversionSet => list_api::conversion_set(call),
        Operation::ListConversionCancel => list_api::conversion_cancel(call),
        Operation::ListMembers => list_memberships::page_by_id(call),
        Operation::ListClear => list_memberships::clear(call),
        Operation::ListJoinOrder => list_memberships::page_by_time(call),
        Operation::ListAdd => list_memberships::add(call),
        Operation::ListRemove => list_memberships::remove(call),
        Operation::ListAddAndRemove => list_memberships::add_and_remove(call),
        Operation::ListAddFrom => list_memberships::add_from(call),
        Operation::AccountDetails => account_info::details(call),
        Operation::AccountUsage => account_info::usage(call),
        Operation::TokenInfo => introspection::private_app(call),
        Operation::ConsentPage => consent::page(call),
        Operation::Consent => consent::decide(call),
        Operation::OAuthToken => oauth::token(call),
        Operation::OAuthIntrospect => introspection::introspect(call),
        Operation::OAuthRevoke => oauth::revoke(call),
        Operation::OAuthAccessToken => introspection::access_token(call),
        Operation::OAuthRefreshToken => introspection::refresh_token(call),
        Operation::Uninstall => oauth::uninstall(call),
        Operation::OAuthRefreshTokenDelete => oauth::refresh_token_delete(call),
    }
}
