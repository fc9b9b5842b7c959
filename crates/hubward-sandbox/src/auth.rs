//! Owns who calls and what they may: bearer tokens, scopes, rights of the user behind a token, features of the edition.
//!
//! Each is refused in its own way, since each has another remedy: a missing scope is `MISSING_SCOPES`, a missing right of the
//! user and a feature outside the account's subscription are `FORBIDDEN` with a `subCategory` of their own. No capture of
//! the last two is known to us; their texts are ours.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde::Deserialize;

use crate::account::Account;
use crate::answers::{Detail, Refusal};
use crate::apps::{AppInput, Apps};
use crate::clock::iso;
use crate::route::{Routed, Version};
use crate::{TOKEN, Tier};

/// What an operation needs of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    ObjectRead,
    ObjectWrite,
    ObjectDelete,
    SchemaRead,
    SchemaWrite,
    CustomSchemaRead,
    CustomSchemaWrite,
    AssociationWrite,
    Owners,
    ListRead,
    /// Reading as well as writing: HubSpot's documents ask for both `[SPEC]`.
    ListWrite,
    ListCreate,
    EventSend,
    EventDefinitions,
    EventReads,
    /// Any scope of records or of their schemas.
    AnyRecords,
    /// Any scope of custom objects.
    CustomAny,
    /// A token, but no scope.
    Nothing,
    /// Not even a token.
    Anyone,
}

/// What kind of token it is; it decides limits and headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TokenKind {
    PrivateApp,
    ServiceKey,
    #[serde(alias = "oauth")]
    Oauth,
    UserOauth,
}

impl TokenKind {
    pub(crate) fn is_oauth(self) -> bool {
        matches!(self, TokenKind::Oauth | TokenKind::UserOauth)
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Grant {
    pub(crate) kind: TokenKind,
    /// `None`: every scope.
    pub(crate) scopes: Option<HashSet<String>>,
    /// Rights that the user behind the token lacks: `contacts.write`, `associations.edit`.
    pub(crate) denied: HashSet<String>,
    /// Whose burst budget it draws from.
    pub(crate) app: String,
    pub(crate) expires_ms: Option<i64>,
    /// The installation that it was made for; none for tokens that stand by themselves.
    pub(crate) install: Option<u64>,
}

impl Grant {
    fn everything(kind: TokenKind, app: &str) -> Grant {
        Grant { kind, scopes: None, denied: HashSet::new(), app: app.to_owned(), expires_ms: None, install: None }
    }

    /// 2026-09 checks the right to edit associations for user-level tokens `[CL-VALID]`.
    pub(crate) fn lacks_associations(&self, version: Version) -> bool {
        version.enforces() && self.kind == TokenKind::UserOauth && self.denied.contains("associations.edit")
    }

    fn has_any(&self, scopes: &[String]) -> bool {
        self.scopes.as_ref().is_none_or(|own| scopes.iter().any(|scope| own.contains(scope)))
    }

    pub(crate) fn shown_scopes(&self) -> Vec<String> {
        shown(self.scopes.as_ref())
    }
}

/// Scopes by name, sorted; `None` stands for all.
pub(crate) fn shown(scopes: Option<&HashSet<String>>) -> Vec<String> {
    let Some(scopes) = scopes else {
        return all_scopes();
    };
    let mut scopes: Vec<String> = scopes.iter().cloned().collect();
    scopes.sort_unstable();
    scopes
}

fn all_scopes() -> Vec<String> {
    let mut all =
        vec!["oauth".to_owned(), "tickets".to_owned(), "crm.objects.owners.read".to_owned(), "crm.import".to_owned()];
    let words = crate::standard::types().map(|one| one.plural).filter(|word| *word != "tickets").chain(["custom"]);
    for word in words {
        for verb in ["read", "write"] {
            all.push(format!("crm.objects.{word}.{verb}"));
            all.push(format!("crm.schemas.{word}.{verb}"));
        }
    }
    all.extend(["crm.lists.read", "crm.lists.write", "analytics.behavioral_events.send"].map(str::to_owned));
    all.push("behavioral_events.event_definitions.read_write".to_owned());
    all.sort_unstable();
    all
}

/// One entry of `load.tokens`.
#[derive(Debug, Deserialize)]
pub(crate) struct TokenInput {
    pub(crate) token: String,
    pub(crate) kind: TokenKind,
    #[serde(default)]
    pub(crate) scopes: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) denied_permissions: Vec<String>,
}

/// The tokens and apps of an account.
#[derive(Debug)]
pub(crate) struct Auth {
    pub(crate) grants: HashMap<String, Arc<Grant>>,
    pub(crate) apps: Apps,
}

impl Auth {
    pub(crate) fn new(tier: Tier) -> Auth {
        let kind = if tier == Tier::OAuth { TokenKind::Oauth } else { TokenKind::PrivateApp };
        let mut grants = HashMap::new();
        grants.insert(TOKEN.to_owned(), Arc::new(Grant::everything(kind, TOKEN)));
        let mut apps = Apps::default();
        apps.put(AppInput {
            client_id: "sandbox-client".to_owned(),
            client_secret: "sandbox-secret".to_owned(),
            refresh_token: Some("sandbox-refresh".to_owned()),
            code: Some("sandbox-code".to_owned()),
            app_id: Some(1),
            redirect_uris: Vec::new(),
            scopes: None,
            user_level: false,
            denied_permissions: Vec::new(),
            revoked: false,
        });
        Auth { grants, apps }
    }

    pub(crate) fn load(&mut self, input: TokenInput) {
        let grant = Grant {
            kind: input.kind,
            scopes: input.scopes.map(|scopes| scopes.into_iter().collect()),
            denied: input.denied_permissions.into_iter().collect(),
            app: input.token.clone(),
            expires_ms: None,
            install: None,
        };
        self.grants.insert(input.token, Arc::new(grant));
    }

    /// The grant of a request's `Authorization` header.
    pub(crate) fn authenticate(&self, headers: &http::HeaderMap, now_ms: i64) -> Result<Arc<Grant>, Refusal> {
        let missing = || {
            Refusal::new(
                401,
                "INVALID_AUTHENTICATION",
                "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview",
            )
        };
        let header =
            headers.get(http::header::AUTHORIZATION).and_then(|value| value.to_str().ok()).ok_or_else(missing)?;
        let (scheme, token) = header.split_once(' ').ok_or_else(missing)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(missing());
        }
        let grant = self.grants.get(token.trim()).ok_or_else(missing)?;
        match grant.expires_ms {
            Some(at) if at <= now_ms => Err(expired(at)),
            _ => Ok(Arc::clone(grant)),
        }
    }
}

fn expired(at_ms: i64) -> Refusal {
    let message = format!("The OAuth token used to make this call expired at {}.", iso(at_ms));
    Refusal::new(401, "EXPIRED_AUTHENTICATION", message).context("expire time", vec![iso(at_ms)])
}

/// Refuses what the token, its user or the account's edition does not allow.
pub(crate) fn authorize(account: &Account, grant: &Grant, routed: &Routed) -> Result<(), Refusal> {
    match routed.need {
        Need::Nothing | Need::Anyone => Ok(()),
        Need::Owners => scopes(grant, vec!["crm.objects.owners.read".to_owned()]),
        Need::ListRead => scopes(grant, vec!["crm.lists.read".to_owned()]),
        Need::ListCreate => scopes(grant, vec!["crm.lists.write".to_owned()]),
        Need::ListWrite => {
            scopes(grant, vec!["crm.lists.write".to_owned()])?;
            scopes(grant, vec!["crm.lists.read".to_owned()])
        }
        Need::EventSend | Need::EventDefinitions => {
            let least = if account.settings.events_need_enterprise { Tier::Enterprise } else { Tier::Professional };
            edition(account, least, "Custom events")?;
            let send = routed.need == Need::EventSend;
            let scope = if send {
                "analytics.behavioral_events.send"
            } else {
                "behavioral_events.event_definitions.read_write"
            };
            scopes(grant, vec![scope.to_owned()])
        }
        Need::EventReads if account.settings.event_reads_need_enterprise => {
            edition(account, Tier::Enterprise, "Reads of event occurrences")
        }
        Need::EventReads => Ok(()),
        Need::AnyRecords => any_scope(grant, is_of_records),
        Need::CustomAny => any_scope(grant, |scope| is_of_records(scope) && scope.contains(".custom.")),
        Need::CustomSchemaRead => {
            schema_scopes(grant, &["crm.schemas.custom.read", "crm.objects.custom.read"], "custom-object-read")
        }
        Need::CustomSchemaWrite => {
            edition(account, Tier::Enterprise, CUSTOM_OBJECTS)?;
            schema_scopes(grant, &["crm.schemas.custom.write"], "custom-object-write")
        }
        need => {
            let Some(name) = routed.params.first() else {
                return Ok(());
            };
            objects(account, grant, need, name)?;
            match routed.other_type() {
                // an association is written to both records, and tells of both
                Some(other) => objects(account, grant, need, other),
                None => Ok(()),
            }
        }
    }
}

fn is_of_records(scope: &str) -> bool {
    scope == "tickets"
        || (scope.starts_with("crm.objects.") && !scope.contains(".owners."))
        || scope.starts_with("crm.schemas.")
}

fn objects(account: &Account, grant: &Grant, need: Need, name: &str) -> Result<(), Refusal> {
    // an unknown type is refused by the operation itself
    let Some(type_at) = account.find(name) else {
        return Ok(());
    };
    let object_type = &account.types[type_at];
    let word = object_type.scope_word();
    // Below Enterprise no custom type can be made; one that is there was loaded, as what is left of a better edition. Only
    // the free edition refuses its records too.
    if object_type.schema.is_some() && account.tier == Tier::Free {
        edition(account, Tier::Enterprise, CUSTOM_OBJECTS)?;
    }
    let (area, verb, right) = match need {
        Need::ObjectRead => ("objects", "read", "read"),
        Need::ObjectDelete => ("objects", "write", "delete"),
        Need::SchemaRead => ("schemas", "read", "read"),
        Need::SchemaWrite => ("schemas", "write", "settings"),
        _ => ("objects", "write", "write"),
    };
    let mut any = vec![format!("crm.{area}.{word}.{verb}")];
    if need == Need::SchemaRead {
        any.push(format!("crm.objects.{word}.read"));
    }
    if word == "tickets" {
        any = vec!["tickets".to_owned()];
    }
    scopes(grant, any)?;
    if grant.denied.contains(&format!("{}.{right}", object_type.plural)) {
        let message = format!("The user does not have permission to {right} {}.", object_type.plural);
        return Err(Refusal::new(403, "FORBIDDEN", message).sub_category("USER_PERMISSION"));
    }
    Ok(())
}

/// Custom objects need Enterprise (api.md 6.1).
const CUSTOM_OBJECTS: &str = "Custom objects";

/// Refuses a feature that needs a better edition than the account's; `least` is Professional or Enterprise.
fn edition(account: &Account, least: Tier, feature: &str) -> Result<(), Refusal> {
    let edition = match account.tier {
        Tier::Free => "Free",
        Tier::Professional if least == Tier::Enterprise => "Professional",
        _ => return Ok(()),
    };
    let least = if least == Tier::Enterprise { "an Enterprise" } else { "a Professional or Enterprise" };
    let message = format!(
        "{feature} are not available in this account's subscription ({edition}). They require {least} subscription."
    );
    Err(Refusal::new(403, "FORBIDDEN", message).sub_category("SUBSCRIPTION_TIER"))
}

/// Refuses unless one of the token's scopes is such a one; names those that would do.
fn any_scope(grant: &Grant, such: fn(&str) -> bool) -> Result<(), Refusal> {
    match &grant.scopes {
        Some(own) if !own.iter().any(|scope| such(scope)) => {
            scopes(grant, all_scopes().into_iter().filter(|scope| such(scope)).collect())
        }
        _ => Ok(()),
    }
}

fn scopes(grant: &Grant, any: Vec<String>) -> Result<(), Refusal> {
    if grant.has_any(&any) {
        return Ok(());
    }
    let message = "This app hasn't been granted all required scopes to make this call. Read more about required scopes here: https://developers.hubspot.com/scopes.";
    let detail = Detail {
        message: "One or more of the following scopes are required.".to_owned(),
        code: None,
        context: vec![("requiredGranularScopes", any)],
    };
    Err(Refusal::new(403, "MISSING_SCOPES", message).error(detail).with(|body| body.scopes_link = true))
}

/// The schemas API refuses in another shape `[LIVE-AMP]`.
fn schema_scopes(grant: &Grant, any: &[&str], shown: &str) -> Result<(), Refusal> {
    let any: Vec<String> = any.iter().map(|scope| (*scope).to_owned()).collect();
    if grant.has_any(&any) {
        return Ok(());
    }
    let mut names = vec![shown.to_owned()];
    names.extend(any);
    Err(Refusal::new(403, "MISSING_SCOPES", "One or more of the following scopes are required.")
        .context("requiredGranularScopes", names)
        .context("links", vec!["https://developers.hubspot.com/scopes".to_owned()]))
}
