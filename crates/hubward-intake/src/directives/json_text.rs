//! `@json`: values as JSON text and back, as JavaScript's `JSON` writes and reads it.

use std::fmt::{self, Write};

use serde_json::Value;

use super::budget::Budget;
use super::error::ResolveError;
use super::js::{Js, Members, number_text};

/// The JSON text of a value; undefined if the value is.
pub(super) fn encode(value: &Js, budget: &mut Budget) -> Result<Js, ResolveError> {
    if *value == Js::Undefined {
        return Ok(Js::Undefined);
    }
    let mut text = budget.text();
    write(value, &mut text)?;
    budget.finish(text).map(Js::Text)
}

/// What a text that is JSON says; anything else as it is. Text that is nested deeper than 128 stays text.
pub(super) fn decode(value: Js, budget: &mut Budget) -> Result<Js, ResolveError> {
    let Js::Text(text) = &value else { return Ok(value) };
    match serde_json::from_str::<Value>(text) {
        Ok(decoded) => budget.copy(&Js::from_json(&decoded)),
        Err(_) => Ok(value),
    }
}

fn write(value: &Js, text: &mut impl Write) -> fmt::Result {
    match value {
        Js::Undefined | Js::Null => text.write_str("null"),
        Js::Bool(flag) => write!(text, "{flag}"),
        Js::Number(number) => text.write_str(&number_text(number)),
        Js::Text(own) => write_quoted(own, text),
        Js::Array(items) => {
            text.write_char('[')?;
            for (position, item) in items.iter().enumerate() {
                if position > 0 {
                    text.write_char(',')?;
                }
                write(item, text)?;
            }
            text.write_char(']')
        }
        Js::Object(members) => {
            text.write_char('{')?;
            let mut first = true;
            for (name, value) in in_order(members) {
                if *value == Js::Undefined {
                    continue;
                }
                if !first {
                    text.write_char(',')?;
                }
                first = false;
                write_quoted(name, text)?;
                text.write_char(':')?;
                write(value, text)?;
            }
            text.write_char('}')
        }
    }
}

fn write_quoted(own: &str, text: &mut impl Write) -> fmt::Result {
    let quoted = serde_json::to_string(own).expect("a text is JSON");
    text.write_str(&quoted)
}

/// Members in JavaScript's order: names that are whole numbers first, by size; then the others as they came.
fn in_order(members: &Members) -> Vec<(&str, &Js)> {
    let mut ordered: Vec<(&str, &Js)> = members.iter().map(|(name, value)| (name.as_str(), value)).collect();
    ordered.sort_by_key(|(name, _)| (whole(name).is_none(), whole(name)));
    ordered
}

fn whole(name: &str) -> Option<u32> {
    let number: u32 = name.parse().ok()?;
    (number != u32::MAX && number.to_string() == name).then_some(number)
}
