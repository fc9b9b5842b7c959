//! What an action gets of an event, once the directives are resolved: empties removed, values checked and brought to their
//! fields' types. The same for one event and for many.
//!
//! Missing and null are the same: nothing. The empty text clears a property; where a field is no property but names
//! something (an address, an id, a time, a flag), it is nothing too.

use hubward_core::convert::email_address;
use hubward_core::event::occurred_at;
use serde_json::{Map, Value};

use super::fields::{Field, Holds};
use super::intent::Refusal;

/// How much of a guilty value a refusal quotes, in characters.
const SHOWN_MAX: usize = 300;

/// The checked fields of an action, or of an object in one. No null is in it.
#[derive(Clone, Debug, Default)]
pub(super) struct Payload(Map<String, Value>);

impl Payload {
    /// # Errors
    /// Every field that is missing or holds what it cannot.
    pub(super) fn read(fields: &[Field], resolved: &Map<String, Value>) -> Result<Self, Vec<Refusal>> {
        let mut refusals = Vec::new();
        let payload = object(fields, resolved, "", &mut refusals);
        if refusals.is_empty() { Ok(Self(payload)) } else { Err(refusals) }
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        self.0.get(name).and_then(Value::as_bool)
    }

    pub(super) fn id(&self, name: &str) -> Option<u64> {
        self.0.get(name).and_then(Value::as_u64)
    }

    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// The object of a field; an empty one where it is missing.
    pub(super) fn object(&self, name: &str) -> Self {
        match self.0.get(name) {
            Some(Value::Object(members)) => Self(members.clone()),
            _ => Self::default(),
        }
    }

    pub(super) fn list(&self, name: &str) -> Vec<Self> {
        let items = self.0.get(name).and_then(Value::as_array);
        let objects = items.into_iter().flatten().map(|item| item.as_object().cloned().unwrap_or_default());
        objects.map(Self).collect()
    }

    /// The names and values of a free object, null left out.
    pub(super) fn free(&self, name: &str) -> impl Iterator<Item = (&String, &Value)> {
        self.0.get(name).and_then(Value::as_object).into_iter().flatten()
    }
}

/// The fields that there are; what is not among `fields` is left out.
fn object(
    fields: &[Field],
    given: &Map<String, Value>,
    above: &str,
    refusals: &mut Vec<Refusal>,
) -> Map<String, Value> {
    let mut kept = Map::new();
    for field in fields {
        let path = join(above, field.name);
        let value = given.get(field.name).filter(|value| !value.is_null());
        let read = value.map_or(Ok(None), |value| read(field.holds, value, &path));
        match read {
            Ok(Some(value)) => {
                kept.insert(field.name.to_owned(), value);
            }
            Ok(None) if field.required => {
                let message = format!("`{path}` is required, and the event gives it no value");
                refusals.push(Refusal { code: "MISSING_FIELD", field: path, value: None, message });
            }
            Ok(None) => {}
            Err(found) => refusals.extend(found),
        }
    }
    kept
}

fn join(above: &str, name: impl std::fmt::Display) -> String {
    if above.is_empty() { name.to_string() } else { format!("{above}.{name}") }
}

/// The value as the field holds it; None where it is nothing. The value is not null.
///
/// # Errors
/// That it is of another kind.
pub(super) fn read(holds: Holds, value: &Value, path: &str) -> Result<Option<Value>, Vec<Refusal>> {
    let refuse = |code, wanted: &str| {
        let message = format!("`{path}` must be {wanted}, and it is {}", kind_name(value));
        Err(vec![Refusal { code, field: path.to_owned(), value: Some(shown(value)), message }])
    };
    match holds {
        Holds::Any => Ok(Some(value.clone())),
        Holds::Text => match text(value) {
            Some(text) => Ok(Some(Value::String(text.trim().to_owned()))),
            None => refuse("INVALID_FIELD", "a text"),
        },
        Holds::Name => match text(value) {
            Some(text) => Ok(not_blank(&text).map(Value::from)),
            None => refuse("INVALID_FIELD", "a text"),
        },
        Holds::Email => match text(value) {
            Some(text) => address(&text, path),
            None => refuse("INVALID_EMAIL", "an e-mail address"),
        },
        Holds::Flag => match value {
            Value::Bool(_) => Ok(Some(value.clone())),
            Value::String(text) if text.trim().is_empty() => Ok(None),
            _ => flag(value).map_or_else(|| refuse("INVALID_FIELD", "true or false"), |flag| Ok(Some(flag.into()))),
        },
        Holds::Whole => match value {
            Value::String(text) if text.trim().is_empty() => Ok(Some(Value::from(""))),
            _ => whole(value).map_or_else(|| refuse("INVALID_FIELD", "a whole number"), |number| Ok(Some(number))),
        },
        Holds::Id => match value {
            Value::String(text) if text.trim().is_empty() => Ok(None),
            _ => match record_id(value) {
                Some(id) => Ok(Some(id.into())),
                None => refuse("INVALID_ID", "a record id, which is a whole number above zero"),
            },
        },
        Holds::Time => time(value, path),
        Holds::Word(words) => match text(value).as_deref().and_then(not_blank) {
            None if value.is_string() => Ok(None),
            Some(word) if words.contains(&word) => Ok(Some(word.into())),
            _ => refuse("INVALID_FIELD", &words.join(" or ")),
        },
        Holds::Object(fields) => match value {
            Value::Object(members) => {
                let mut refusals = Vec::new();
                let members = object(fields, members, path, &mut refusals);
                if refusals.is_empty() { Ok(Some(Value::Object(members))) } else { Err(refusals) }
            }
            _ if is_empty_text(value) => Ok(None),
            _ => refuse("INVALID_FIELD", "an object"),
        },
        Holds::List(fields) => list(fields, value, path),
        Holds::Free => match value {
            Value::Object(members) => {
                let members = members.iter().filter(|(_, value)| !value.is_null());
                Ok(Some(Value::Object(members.map(|(name, value)| (name.clone(), value.clone())).collect())))
            }
            _ if is_empty_text(value) => Ok(None),
            _ => refuse("INVALID_FIELD", "an object"),
        },
    }
}

fn list(fields: &'static [Field], value: &Value, path: &str) -> Result<Option<Value>, Vec<Refusal>> {
    // An object counts as a list of one, as it does for `@arrayPath`.
    let items = match value {
        Value::Array(items) => items.as_slice(),
        Value::Object(_) => std::slice::from_ref(value),
        _ if is_empty_text(value) => return Ok(None),
        _ => {
            let message = format!("`{path}` must be a list of objects, and it is {}", kind_name(value));
            let value = Some(shown(value));
            return Err(vec![Refusal { code: "INVALID_FIELD", field: path.to_owned(), value, message }]);
        }
    };
    let mut refusals = Vec::new();
    let mut kept = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        if item.is_null() {
            continue;
        }
        match read(Holds::Object(fields), item, &join(path, index)) {
            Ok(item) => kept.extend(item),
            Err(found) => refusals.extend(found),
        }
    }
    if refusals.is_empty() { Ok(Some(Value::Array(kept))) } else { Err(refusals) }
}

/// An address in lower case, without blanks around it; None for the empty text.
pub(super) fn address(text: &str, path: &str) -> Result<Option<Value>, Vec<Refusal>> {
    let Some(text) = not_blank(text) else { return Ok(None) };
    match email_address(text) {
        Ok(address) => Ok(Some(Value::String(address.to_lowercase()))),
        Err(fault) => {
            let value = cut(text);
            let message = format!("`{path}` must be an e-mail address, and {value:?} is none: {fault}");
            Err(vec![Refusal { code: "INVALID_EMAIL", field: path.to_owned(), value: Some(value), message }])
        }
    }
}

fn time(value: &Value, path: &str) -> Result<Option<Value>, Vec<Refusal>> {
    let read = match value {
        Value::String(text) => hubward_core::Value::Text(text.clone()),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => hubward_core::Value::Int(number),
            (None, number) => hubward_core::Value::Float(number.unwrap_or(f64::NAN)),
        },
        other => hubward_core::Value::Text(shown(other)),
    };
    occurred_at(&read).map(|time| time.map(Value::String)).map_err(|_| {
        let value = shown(value);
        let message = format!(
            "`{path}` must be a time, and {value:?} is none; ISO 8601 (2026-02-28T03:30:17Z), seconds and milliseconds \
             since 1970 are understood"
        );
        vec![Refusal { code: "INVALID_TIME", field: path.to_owned(), value: Some(value), message }]
    })
}

/// The text of a text, a number or a flag.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The flag that a value says; numbers and texts too, as the original's schema has it.
pub(super) fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        },
        Value::Number(number) => match number.as_f64() {
            Some(1.0) => Some(true),
            Some(0.0) => Some(false),
            _ => None,
        },
        _ => None,
    }
}

fn whole(value: &Value) -> Option<Value> {
    let number = match value {
        Value::Number(number) => number.clone(),
        Value::String(text) => serde_json::from_str(text.trim()).ok()?,
        _ => return None,
    };
    if number.is_i64() || number.is_u64() {
        return Some(Value::Number(number));
    }
    let float = number.as_f64()?;
    // Exact: whole doubles in this range are whole numbers of 64 bits.
    (float.fract() == 0.0 && float.abs() < 9e15).then(|| Value::from(float as i64))
}

/// A whole number above zero, as a number or as text.
pub(super) fn record_id(value: &Value) -> Option<u64> {
    let id = match value {
        Value::String(text) => {
            let digits = text.trim();
            digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
        }
        Value::Number(_) => whole(value)?.as_u64(),
        _ => None,
    };
    id.filter(|id| *id > 0)
}

/// The text without blanks around it, if anything is left.
pub(super) fn not_blank(text: &str) -> Option<&str> {
    let text = text.trim();
    (!text.is_empty()).then_some(text)
}

fn is_empty_text(value: &Value) -> bool {
    value.as_str().is_some_and(str::is_empty)
}

/// What a value is, for a message.
fn kind_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "another text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// A guilty value for a refusal.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => cut(text),
        other => cut(&other.to_string()),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
