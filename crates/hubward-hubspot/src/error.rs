//! What went wrong, in HubSpot's own words and in ours.
//!
//! One type for a refused request, for one entry of a mixed batch answer (`207`) and for a broken connection. Deciding what
//! to do about it is the table in `hubward_core::verdict`; the texts for a person are here.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use hubward_core::ErrorKind;

/// One property that HubSpot refused, with the value where HubSpot quotes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PropertyIssue {
    /// HubSpot's internal name; empty when HubSpot did not name it.
    pub property: String,
    /// `INVALID_OPTION`, `PROPERTY_DOESNT_EXIST`, … (api.md 3.7); empty when HubSpot gave none.
    pub code: String,
    pub message: String,
    pub value: Option<String>,
}

/// Everything an error answer told us. Every field may be missing in HubSpot's body (api.md 2.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorDetail {
    pub kind: ErrorKind,
    /// None when there was no answer.
    pub status: Option<u16>,
    /// HubSpot's own words, or ours when there was no answer or it had no words.
    pub message: String,
    pub category: Option<String>,
    pub sub_category: Option<String>,
    pub correlation_id: Option<String>,
    /// One entry for each refused property value, of every record in the request.
    pub issues: Vec<PropertyIssue>,
    /// The record that already has the unique value.
    pub existing_id: Option<String>,
    /// The record ids or keys that the error speaks of.
    pub ids: Vec<String>,
    /// The trace ids of the inputs that the error speaks of.
    pub trace_ids: Vec<String>,
    pub required_scopes: Vec<String>,
    /// Required properties that the write would have emptied.
    pub cleared: Vec<String>,
    /// How long HubSpot asked us to wait.
    pub retry_after: Option<Duration>,
    /// How many times the request was sent.
    pub attempts: u32,
}

/// A failed request, or one failed part of a batch. Its fields are those of [`ErrorDetail`], reached by dereference; the
/// detail is boxed so that a `Result` stays small.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError(Box<ErrorDetail>);

impl ApiError {
    /// An error with a kind and a text, and nothing else known.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(ErrorDetail {
            kind,
            status: None,
            message: message.into(),
            category: None,
            sub_category: None,
            correlation_id: None,
            issues: Vec::new(),
            existing_id: None,
            ids: Vec::new(),
            trace_ids: Vec::new(),
            required_scopes: Vec::new(),
            cleared: Vec::new(),
            retry_after: None,
            attempts: 0,
        }))
    }

    /// The detail by value.
    #[must_use]
    pub fn into_detail(self) -> ErrorDetail {
        *self.0
    }

    /// What a person must do, where a person must act; `None` when the rows or HubSpot are at fault.
    #[must_use]
    pub fn remedy(&self) -> Option<String> {
        let text = match self.kind {
            ErrorKind::GrantRefused => self.grant_remedy().to_owned(),
            ErrorKind::InvalidToken => {
                "HubSpot does not know the token: check that it was copied whole and not revoked or rotated, and that \
                 base_url is right for the account's region (api-eu1.hubapi.com for accounts in the EU)"
                    .to_owned()
            }
            ErrorKind::ExpiredToken => {
                "the access token has run out: use a private-app token or service key, or give client_id, client_secret \
                 and refresh_token so that it can be renewed"
                    .to_owned()
            }
            ErrorKind::MissingScope if self.required_scopes.is_empty() => {
                "the token lacks a scope: grant the app the scopes this project needs, install it again, and use the new \
                 token if it changed"
                    .to_owned()
            }
            ErrorKind::MissingScope => format!(
                "the token lacks a scope: grant the app {} in HubSpot, install it again, and use the new token if it \
                 changed",
                self.required_scopes.join(", ")
            ),
            ErrorKind::MissingPermission => {
                "the token has the scope, but the HubSpot user behind it lacks the right: give this user the permission \
                 in HubSpot (Settings, Users & Teams), or connect as a user who has it"
                    .to_owned()
            }
            ErrorKind::NotInEdition => {
                "the account's subscription does not include this feature: upgrade the edition (custom objects, for one, \
                 need Enterprise) or take it out of the project"
                    .to_owned()
            }
            ErrorKind::Forbidden => {
                "HubSpot forbids this without naming the cause: check the token's scopes, the rights of its user, and \
                 that the account's edition includes the feature"
                    .to_owned()
            }
            ErrorKind::NoSuchPath => {
                "HubSpot does not have this path: check base_url and api_version".to_owned()
            }
            ErrorKind::UnknownObjectType => {
                "HubSpot does not know the object type: use its internal name or its type id (`describe` lists them), and \
                 check that the token may read its schema"
                    .to_owned()
            }
            ErrorKind::NonUniqueKey => {
                "the match property is not unique in HubSpot: match by a property made with unique values, by a \
                 contact's email, or by the record id"
                    .to_owned()
            }
            ErrorKind::DailyLimit => {
                "the account's daily API calls are used up: run again after midnight in the account's time zone, lower \
                 what other tools use, or buy more calls"
                    .to_owned()
            }
            ErrorKind::MonthlyLimit => {
                "what HubSpot takes of the account in a month is used up (30 million events, for one): run again next month, \
                 or send less"
                    .to_owned()
            }
            ErrorKind::Migrating => {
                "HubSpot is moving the account to another data centre; this can take a day: run again later".to_owned()
            }
            ErrorKind::NotSent if self.status.is_some() => {
                "HubSpot could not renew the access token just now, and nothing was sent: run again later".to_owned()
            }
            ErrorKind::NotSent => {
                "no connection to HubSpot could be made: check base_url, the network, and any proxy".to_owned()
            }
            ErrorKind::Malformed => {
                "HubSpot could not read the request, which is a fault of this program: please report it with the \
                 correlation id"
                    .to_owned()
            }
            ErrorKind::Validation
            | ErrorKind::DuplicateIds
            | ErrorKind::Conflict
            | ErrorKind::NotFound
            | ErrorKind::BurstLimit
            | ErrorKind::SecondlyLimit
            | ErrorKind::Locked
            | ErrorKind::Server
            | ErrorKind::Unknown
            | ErrorKind::Unreadable
            | ErrorKind::Other => return None,
        };
        Some(text)
    }

    /// Whether HubSpot lets us in no more until a person gives other credentials: whoever goes on by itself pauses.
    #[must_use]
    pub fn needs_authorisation(&self) -> bool {
        matches!(self.kind, ErrorKind::GrantRefused | ErrorKind::InvalidToken | ErrorKind::ExpiredToken)
    }

    /// By what the token endpoint said; its bodies have a status such as `BAD_REFRESH_TOKEN` (api.md 10.2).
    fn grant_remedy(&self) -> &'static str {
        match self.category.as_deref() {
            Some("BAD_REFRESH_TOKEN") => {
                "the refresh token was revoked, or the app taken out of the account: install the app again and put the new \
                 refresh_token in place of the old one"
            }
            Some("BAD_CLIENT_ID") => "HubSpot knows no app of this client_id: copy it from the app's page in HubSpot",
            Some("BAD_CLIENT_SECRET") => {
                "client_secret is not the one of this app: copy it from the app's page in HubSpot, and again if it was \
                 rotated there"
            }
            _ => {
                "HubSpot does not renew the OAuth access token: check client_id, client_secret and refresh_token, and that \
                 the app is still installed in the account"
            }
        }
    }
}

impl Deref for ApiError {
    type Target = ErrorDetail;
    fn deref(&self) -> &ErrorDetail {
        &self.0
    }
}

impl DerefMut for ApiError {
    fn deref_mut(&mut self) -> &mut ErrorDetail {
        &mut self.0
    }
}

impl From<ErrorDetail> for ApiError {
    fn from(detail: ErrorDetail) -> Self {
        Self(Box::new(detail))
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ApiError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_of_a_refusal_has_its_own_remedy() {
        let kinds = [
            ErrorKind::InvalidToken,
            ErrorKind::GrantRefused,
            ErrorKind::ExpiredToken,
            ErrorKind::MissingScope,
            ErrorKind::MissingPermission,
            ErrorKind::NotInEdition,
            ErrorKind::Forbidden,
            ErrorKind::NoSuchPath,
            ErrorKind::DailyLimit,
            ErrorKind::MonthlyLimit,
        ];
        let mut texts: Vec<String> =
            kinds.iter().map(|kind| ApiError::new(*kind, "no").remedy().expect("a person must act")).collect();
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), kinds.len());
        assert_eq!(ApiError::new(ErrorKind::Validation, "no").remedy(), None);
    }

    #[test]
    fn a_missing_scope_is_named_in_its_remedy() {
        let mut error = ApiError::new(ErrorKind::MissingScope, "no");
        error.required_scopes = vec!["crm.objects.contacts.write".to_owned()];
        let remedy = error.remedy().expect("a person must act");
        assert!(remedy.contains("crm.objects.contacts.write"), "{remedy}");
    }
}
