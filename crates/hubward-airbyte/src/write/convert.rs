//! From a record's `data` to what HubSpot accepts of it, or the reason why it does not.

use std::fmt;
use std::sync::Arc;

use hubward_core::{PropertyType, Reason};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::catalog::is_airbytes;
use crate::text::Text;
use crate::write::prepare::{Key, Prepared};

/// One record as it will be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// What its record is known by, in the form in which HubSpot compares it; none for a record that is only made.
    pub(crate) key: Option<Arc<str>>,
    /// As it is sent.
    pub(crate) match_value: String,
    pub(crate) record_id: Option<u64>,
    pub(crate) properties: Vec<(Arc<str>, String)>,
}

/// Why a record is invalid, and of which key it is as far as that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) key: String,
    pub(crate) reason: Reason,
}

impl Prepared {
    /// Reads the text of a `data` object. Only what the stream declares is written; null is not written.
    ///
    /// # Errors
    /// Why the record is invalid: the first reason that is met.
    pub(crate) fn row(&self, data: &str) -> Result<Row, Box<Refused>> {
        let mut read =
            Read { prepared: self, match_text: None, properties: Vec::with_capacity(self.columns.len()), why: None };
        let mut deserializer = serde_json::Deserializer::from_str(data);
        if let Err(error) = (&mut read).deserialize(&mut deserializer) {
            let reason = Reason::new("UNREADABLE_DATA", format!("its data cannot be read: {error}"));
            return Err(Box::new(Refused { key: String::new(), reason }));
        }
        let Read { match_text, properties, why, .. } = read;
        let key = match_text.clone().unwrap_or_default();
        let row = match why {
            Some(reason) => Err(reason),
            None => self.keyed(match_text, properties),
        };
        row.map_err(|reason| Box::new(Refused { key, reason }))
    }

    fn keyed(&self, match_text: Option<String>, properties: Vec<(Arc<str>, String)>) -> Result<Row, Reason> {
        let missing = |name: &str| {
            Reason::new("MISSING_KEY", format!("it has no {name}, by which its record would be found")).on(name, None)
        };
        match &self.key {
            Key::None => Ok(Row { key: None, match_value: String::new(), record_id: None, properties }),
            Key::Id => {
                let text = match_text.ok_or_else(|| missing(crate::discover::RECORD_ID))?;
                let id: u64 = text.trim().parse().map_err(|_| {
                    Reason::new("INVALID_RECORD_ID", "a record id is a whole number")
                        .on(crate::discover::RECORD_ID, Some(text.clone()))
                })?;
                Ok(Row {
                    key: Some(Arc::from(id.to_string())),
                    match_value: id.to_string(),
                    record_id: Some(id),
                    properties,
                })
            }
            Key::Property(name, type_) => {
                let Some(text) = match_text.filter(|text| !text.trim().is_empty()) else {
                    if self.keyless.is_some() {
                        return Ok(Row { key: None, match_value: String::new(), record_id: None, properties });
                    }
                    return Err(missing(name));
                };
                // Blanks around it are not sent: two spellings of one key must be known as one.
                let folded = hubward_core::convert::fold_match_value(name, type_, text.trim());
                Ok(Row { key: Some(Arc::from(folded)), match_value: text, record_id: None, properties })
            }
        }
    }

    fn column(&self, name: &str) -> Option<Arc<str>> {
        if let Some(known) = self.columns.get(name) {
            return Some(Arc::clone(known));
        }
        let open = !self.declared && !is_airbytes(name) && !crate::dead_letter::REASONS.contains(&name);
        open.then(|| Arc::from(name))
    }

    /// The text of the key's value.
    fn match_text(&self, name: &str, value: &Value) -> Result<Option<String>, Reason> {
        match (&self.key, value) {
            (_, Value::Null) => Ok(None),
            (Key::Id, Value::String(text)) => Ok(Some(text.clone())),
            (Key::Id, other) => Ok(Some(other.to_string())),
            _ => self.catalogue.convert(name, value),
        }
    }
}

struct Read<'p> {
    prepared: &'p Prepared,
    match_text: Option<String>,
    properties: Vec<(Arc<str>, String)>,
    why: Option<Reason>,
}

impl<'de> DeserializeSeed<'de> for &mut Read<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for &mut Read<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<Text<'de>>()? {
            let is_key = self.prepared.key.name() == Some(&*name);
            let column = if is_key { None } else { self.prepared.column(&name) };
            if !is_key && (self.why.is_some() || column.is_none()) {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let converted = match (value_of(&name, map.next_value::<&'de RawValue>()?.get()), &column) {
                (Ok(Value::Null), _) => continue,
                (Ok(value), None) => self.prepared.match_text(&name, &value),
                (Ok(value), Some(column)) => self.prepared.catalogue.convert(column, &value),
                (Err(reason), _) => Err(reason),
            };
            match (converted, column) {
                (Ok(Some(text)), Some(column)) => self.properties.push((column, text)),
                (Ok(text), None) => self.match_text = text,
                (Ok(None), Some(_)) => {}
                (Err(reason), _) => self.why = self.why.take().or(Some(reason)),
            }
        }
        Ok(())
    }
}

/// The value of a JSON text. A number that a double cannot hold as it is spelled stays a text of its digits.
///
/// # Errors
/// It is JSON that says nothing: half a character, or a number beyond every number's range. It is never taken for null,
/// which would leave it out without a word.
fn value_of(name: &str, json: &str) -> Result<Value, Reason> {
    let value: Value = serde_json::from_str(json).map_err(|error| {
        Reason::new("UNREADABLE_VALUE", format!("its value of {name} cannot be read: {error}")).on(name, None)
    })?;
    match &value {
        Value::Number(number) if number.is_f64() && !json.contains(['e', 'E']) => {
            let said = number.to_string();
            let same = said.trim_end_matches(".0") == trim_zeros(json);
            Ok(if same { value } else { Value::String(trim_zeros(json).to_owned()) })
        }
        _ => Ok(value),
    }
}

fn trim_zeros(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

/// The type that a match property's values are compared by.
pub(crate) fn type_of(property: Option<&hubward_core::PropertyDef>) -> PropertyType {
    property.map_or(PropertyType::String, |property| property.type_.clone())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_keep_what_they_say() {
        let read = |json: &str| value_of("n", json).expect("a value");
        assert_eq!(read("1.50"), json!(1.5));
        assert_eq!(read("2.0"), json!(2.0));
        assert_eq!(read("9007199254740993"), json!(9_007_199_254_740_993_u64));
        assert_eq!(read("12345678901234567890.125"), json!("12345678901234567890.125"));
        assert_eq!(read("123456789012345678901234567890"), json!("123456789012345678901234567890"));
        assert_eq!(read("0.1234567890123456789"), json!("0.1234567890123456789"));
        assert_eq!(read("1e3"), json!(1000.0));
        assert_eq!(read("\"1.0\""), json!("1.0"));
    }

    #[test]
    fn what_cannot_be_read_is_no_null() {
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        for json in [r#""half \ud83d""#, "1e999", deep.as_str()] {
            let reason = value_of("city", json).expect_err(json);
            assert_eq!(reason.category.as_deref(), Some("UNREADABLE_VALUE"));
            assert_eq!(reason.property.as_deref(), Some("city"));
        }
        assert_eq!(value_of("city", "null").expect("a value"), json!(null));
    }
}
