//! Owns an admin's rules on what must have a value, as `load` gives them (api.md 3.8), and the one type that needs an
//! association to begin with.
//!
//! Three forms: required when a record is created, required always (it can't be emptied either), and required when another
//! property has one of some values. 2026-09 enforces them on writes; v3 and 2026-03 ignore them `[CL-VALID]`, except that
//! no version empties a property that is always required.

use serde::Deserialize;

use crate::account::{Account, TypeAt};
use crate::answers::Refusal;
use crate::associations::New;

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

/// A lead begins with an association to a contact `[DOC-OBJ]`: so the batch upsert, which takes none, creates no leads. The
/// text is ours.
pub(crate) fn association_needed(account: &Account, type_at: TypeAt, links: &[New]) -> Result<(), Refusal> {
    if account.types[type_at].id != "0-136" || !account.settings.leads_need_association {
        return Ok(());
    }
    if links.iter().any(|link| account.types[link.to.0].id == "0-1") {
        return Ok(());
    }
    Err(Refusal::validation("A lead must be associated with an existing contact when it is created"))
}
