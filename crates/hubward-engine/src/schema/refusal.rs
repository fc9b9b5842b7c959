//! What a refusal means for the thing that was to be made, for those after it, and for the person who asked.

use hubward_core::{ErrorKind, Verdict};
use hubward_hubspot::ApiError;

use super::change::{Change, Target, Work};
use super::{EVENT_SCOPE, scopes_of_target};
use crate::error::EngineError;

/// Whether what was asked for may be there although the answer was no success.
pub(crate) fn doubtful(error: &ApiError) -> bool {
    matches!(error.kind, ErrorKind::Conflict | ErrorKind::Unknown | ErrorKind::Server | ErrorKind::Unreadable)
}

/// Whether a part of the batch may go through where the whole did not.
pub(super) fn divides(error: &ApiError) -> bool {
    matches!(error.kind, ErrorKind::Malformed | ErrorKind::Conflict)
        || matches!(error.kind.verdict(true), Verdict::FixRows)
}

/// Why nothing else needs to be tried after this failure, where that is so.
pub(super) fn ends_all(error: &ApiError) -> Option<String> {
    let why = match error.kind {
        // These speak of the one thing that was asked for, or of its object type.
        ErrorKind::Malformed
        | ErrorKind::NoSuchPath
        | ErrorKind::UnknownObjectType
        | ErrorKind::NonUniqueKey
        | ErrorKind::MissingScope
        | ErrorKind::MissingPermission
        | ErrorKind::NotInEdition
        | ErrorKind::Forbidden => return None,
        ErrorKind::Server | ErrorKind::Unknown | ErrorKind::NotSent => "HubSpot did not answer",
        _ if error.kind.verdict(true) == Verdict::Stop => "HubSpot refused the request before it",
        _ => return None,
    };
    Some(why.to_owned())
}

/// HubSpot's refusal with what to do about it.
pub(super) fn explain(change: &Change, error: ApiError) -> EngineError {
    let limit = error.status == Some(437) || error.message.contains("association types are allowed");
    let lost = matches!(error.kind, ErrorKind::Unknown | ErrorKind::Server | ErrorKind::Unreadable);
    let unnamed_scope = error.kind == ErrorKind::MissingScope && error.required_scopes.is_empty();
    let lower = error.message.to_lowercase();
    let name_taken = error.kind == ErrorKind::Conflict || lower.contains("already exists");
    let full = ["limit", "maximum", "at most"].iter().any(|word| lower.contains(word));
    if matches!(change.target, Target::Event(_)) && !lost {
        return explain_event(change, error, name_taken, full);
    }
    let error = EngineError::from(error).at(&change.at);
    let error = EngineError { code: if lost { "schema-unknown" } else { "schema-refused" }, ..error };
    if limit {
        // Documented: 10 labels for a pair; seen: 50 (api.md 7.3).
        error.help("HubSpot allows no more labels between these two object types: remove one in HubSpot first")
    } else if lost {
        error.help("it may have been made all the same: run `hubward apply-schema` again in two minutes")
    } else if let Some(scope) = scopes_of_target(&change.target).filter(|_| unnamed_scope) {
        error.help(format!("the token lacks a scope: grant the app {scope} in HubSpot"))
    } else if name_taken {
        error.help("something of this name is there and is another (a label may have been given another text in HubSpot): declare it as it is there, or choose another name")
    } else if full {
        error.help("the account has as many as HubSpot allows: 1,000 custom properties and 10 unique ones for an object type, and custom object types by contract")
    } else {
        error
    }
}

fn explain_event(change: &Change, error: ApiError, name_taken: bool, full: bool) -> EngineError {
    let deleted = error.message.to_lowercase().contains("delete");
    let error = EngineError { code: "schema-refused", ..event_refused(error) }.at(&change.at);
    if matches!(change.work, Work::Event { .. }) && (name_taken || deleted) {
        error.help(
            "HubSpot never gives the name of a deleted event again: choose another name, here and in the syncs that send \
             it; if the event is there, run `hubward apply-schema` again to see what it lacks",
        )
    } else if full {
        error.help("HubSpot allows 500 events in an account, and 50 properties of its own for each")
    } else {
        error
    }
}

/// HubSpot's refusal to tell or to change anything about custom events, with what to do about it (api.md 9.2, 9.3).
#[must_use]
pub fn event_refused(error: ApiError) -> EngineError {
    let help = match error.kind {
        ErrorKind::NotInEdition => Some(
            "the account's subscription has no custom events (they come with Enterprise; some of HubSpot's pages say \
             Professional): upgrade it, or take the events out of the project"
                .to_owned(),
        ),
        ErrorKind::MissingScope if error.required_scopes.is_empty() => {
            Some(format!("the token lacks a scope: grant the app {EVENT_SCOPE} in HubSpot"))
        }
        _ => None,
    };
    let error = EngineError::from(error);
    EngineError { help: help.or(error.help.clone()), ..error }
}
