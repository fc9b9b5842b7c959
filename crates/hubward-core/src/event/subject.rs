//! Whose event it is: the identifiers that a row has for its record (api.md 9.2).

use crate::convert::email::email;
use crate::convert::quoted;
use crate::mapping::{ColumnRef, Row};
use crate::row::key_text;
use crate::spec::ContactKey;
use crate::{Reason, Value};

/// The columns that name an event's record.
#[derive(Debug)]
pub(super) enum SubjectRule {
    Contact(Vec<(ContactKey, ColumnRef)>),
    Record(ColumnRef),
}

/// What a row says of its record; at least one is there. HubSpot takes the first of id, e-mail and user token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Subject {
    pub(super) object_id: Option<String>,
    pub(super) email: Option<String>,
    pub(super) utk: Option<String>,
}

impl SubjectRule {
    /// # Errors
    /// An identifier that is none (`INVALID_ID`, `INVALID_EMAIL`), whatever else the row has: it is not for us to say whose
    /// event it is. `MISSING_SUBJECT` where the row has none.
    pub(super) fn read(&self, row: &Row<'_>) -> Result<Subject, Reason> {
        let mut subject = Subject::default();
        match self {
            Self::Record(column) => subject.object_id = record_id(&row.column_value(column)?)?,
            Self::Contact(keys) => {
                for (by, column) in keys {
                    let value = row.column_value(column)?;
                    match by {
                        ContactKey::Id => subject.object_id = record_id(&value)?,
                        ContactKey::Email => subject.email = address(&value)?,
                        ContactKey::Utk => subject.utk = token(&value),
                    }
                }
            }
        }
        if subject == Subject::default() {
            return Err(Reason::new("MISSING_SUBJECT", format!("{} empty: the event is nobody's", self.named())));
        }
        Ok(subject)
    }

    fn named(&self) -> String {
        match self {
            Self::Record(column) => format!("column {} is", column.name()),
            Self::Contact(keys) => match keys.as_slice() {
                [(_, column)] => format!("column {} is", column.name()),
                many => {
                    let names: Vec<&str> = many.iter().map(|(_, column)| column.name()).collect();
                    format!("columns {} are", names.join(", "))
                }
            },
        }
    }
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Text(text) => text.trim().is_empty(),
        _ => false,
    }
}

/// A record id is a whole number above zero (api.md 2.2).
fn record_id(value: &Value) -> Result<Option<String>, Reason> {
    if is_blank(value) {
        return Ok(None);
    }
    // The text of keys: 42, 42.0 and '42' are one id.
    let text = key_text(std::slice::from_ref(value)).unwrap_or_default();
    let digits = text.trim();
    match digits.parse::<u64>() {
        Ok(id) if id > 0 && !digits.starts_with('+') => Ok(Some(id.to_string())),
        _ => {
            let text = quoted(value);
            let reason =
                Reason::new("INVALID_ID", format!("{text:?} is not a record id: record ids are whole numbers"));
            Err(reason.on("objectId", Some(text)))
        }
    }
}

/// Trimmed and in lower case, as HubSpot stores the addresses of contacts (api.md 3.5, inferred).
fn address(value: &Value) -> Result<Option<String>, Reason> {
    if is_blank(value) {
        return Ok(None);
    }
    match email(value) {
        Ok(address) if address.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) => Ok(Some(address)),
        Ok(address) => Ok(Some(address.to_lowercase())),
        Err(refusal) => Err(refusal.about("email", value)),
    }
}

fn token(value: &Value) -> Option<String> {
    let text = key_text(std::slice::from_ref(value))?;
    let token = text.trim();
    (!token.is_empty()).then(|| token.to_owned())
}
