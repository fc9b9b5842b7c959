//! Owner properties: the owner's id, never the user's (api.md 3.4); an e-mail address is looked up.

use std::collections::{HashMap, HashSet};

use super::{Refusal, quoted};
use crate::Value;
use crate::row::{trim_decimal, value_text};
use crate::suggest::nearest;

/// The account's owners.
#[derive(Clone, Debug, Default)]
pub struct Owners {
    known: bool,
    ids: HashSet<String>,
    by_email: HashMap<String, String>,
}

impl Owners {
    /// The owners could not be read (a missing scope, offline): ids pass unchecked, addresses cannot be looked up.
    #[must_use]
    pub fn unknown() -> Self {
        Self::default()
    }

    /// All owners of the account, as (id, e-mail address).
    #[must_use]
    pub fn known(owners: impl IntoIterator<Item = (String, Option<String>)>) -> Self {
        let mut all = Self { known: true, ..Self::default() };
        for (id, email) in owners {
            if let Some(email) = email {
                all.by_email.insert(email.trim().to_lowercase(), id.clone());
            }
            all.ids.insert(id);
        }
        all
    }

    /// Whether the owners have been read.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.known
    }

    /// The id of the owner with this address, whatever its letter case.
    #[must_use]
    pub fn id_of(&self, email: &str) -> Option<&str> {
        self.by_email.get(&email.trim().to_lowercase()).map(String::as_str)
    }
}

pub(super) fn owner(value: &Value, owners: &Owners) -> Result<String, Refusal> {
    let text = value_text(value);
    let text = match value {
        Value::Decimal(_) => trim_decimal(&text),
        _ => text.trim(),
    };
    let unknown = |text: String| Refusal::new("UNKNOWN_OWNER", text);
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        if owners.known && !owners.ids.contains(text) {
            return Err(unknown(format!(
                "no owner of this account has the id {text}; owner ids are not user ids, `hubward describe owners` lists them"
            )));
        }
        return Ok(text.to_owned());
    }
    if !text.contains('@') {
        return Err(unknown(format!("{:?} is neither an owner id nor an e-mail address", quoted(value))));
    }
    if !owners.known {
        return Err(unknown(format!(
            "the owner {text:?} cannot be looked up: the account's owners could not be read; give the token the scope crm.objects.owners.read or send owner ids"
        )));
    }
    match owners.id_of(text) {
        Some(id) => Ok(id.to_owned()),
        None => {
            let hint = nearest(text, owners.by_email.keys().map(String::as_str))
                .map_or_else(String::new, |near| format!("; did you mean {near:?}?"));
            Err(unknown(format!("no owner of this account has the e-mail address {text:?}{hint}")))
        }
    }
}
