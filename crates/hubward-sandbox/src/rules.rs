//! Owns an admin's validation rules as `load` gives them, and what a schema requires (api.md 3.8).
//!
//! Three forms: required when a record is created, required always (it can't be emptied either), and required when another
//! property has one of some values. 2026-09 enforces them on writes; v3 and 2026-03 ignore them `[CL-VALID]`, except that
//! no version empties a property that is always required.

use serde::Deserialize;

/// When a property must have a value.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE", tag = "type")]
pub(crate) enum When {
    /// `{"type":"REQUIRED_ON_CREATE"}`
    RequiredOnCreate,
    /// `{"type":"REQUIRED"}`
    Required,
    /// `{"type":"CONDITIONAL_REQUIRED","when":{"property":"country","values":["DE"]}}`; without `values` any value counts.
    ConditionalRequired { when: Condition },
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Condition {
    pub(crate) property: String,
    #[serde(default)]
    pub(crate) values: Vec<String>,
}

/// One entry of `load.rules`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Rule {
    pub(crate) property: String,
    #[serde(flatten)]
    pub(crate) when: When,
}
