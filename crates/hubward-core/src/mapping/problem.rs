//! What is wrong with a mapping, for `check`.

use crate::spec::Location;
use crate::suggest::nearest;

/// One fault of a mapping, found before any row is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappingProblem {
    pub at: Location,
    /// `unknown-property`, `read-only-property`, `unknown-column`, `bad-template`, `invalid-value`, `match-by-id`,
    /// `duplicate-property`, `append-not-multi`, `unknown-event`, `ambiguous-event`, `event-object`.
    pub code: &'static str,
    pub message: String,
    /// What to do; empty where the message says it all.
    pub help: String,
}

impl MappingProblem {
    pub(crate) fn new(at: &Location, code: &'static str, message: String, help: String) -> Self {
        Self { at: at.clone(), code, message, help }
    }

    pub(super) fn unknown_property<'a>(at: &Location, name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let help = nearest(name, known).map_or_else(
            || "create it in HubSpot, or see `hubward describe` for the properties that exist".to_owned(),
            |near| format!("did you mean {near}?"),
        );
        Self::new(at, "unknown-property", format!("the object type has no property {name}"), help)
    }

    pub(super) fn unknown_column<'a>(at: &Location, name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let known: Vec<&str> = known.into_iter().collect();
        let help = nearest(name, known.iter().copied()).map_or_else(
            || format!("the model's columns are {}", listed(&known)),
            |near| format!("did you mean {near}?"),
        );
        Self::new(at, "unknown-column", format!("the model has no column {name}"), help)
    }
}

/// How many columns a message lists.
const MAX_LISTED: usize = 20;

fn listed(names: &[&str]) -> String {
    let mut text = names.iter().take(MAX_LISTED).copied().collect::<Vec<_>>().join(", ");
    if names.len() > MAX_LISTED {
        text.push_str(&format!(" and {} more", names.len() - MAX_LISTED));
    }
    text
}
