//! From a value to what a HubSpot property accepts, or the reason why it cannot be (api.md 3.4, 3.7).
//!
//! Every refusal here would be a refusal by HubSpot, found before anything is sent. Left to the caller: what NULL means
//! ([`crate::mapping`]), whether the property may be written at all, and reading the account's owners.

mod boolean;
mod choice;
pub(crate) mod date;
pub(crate) mod email;
mod matching;
mod number;
mod owner;
mod stored;

#[cfg(test)]
pub(crate) mod tests;

use crate::row::value_text;
use crate::spec::Conversion;
use crate::{PropertyDef, PropertyType, Reason, Value};

pub use choice::append_form;
pub use date::{to_civil_date, to_utc};
pub use email::email_address;
pub use matching::fold_match_value;
pub use owner::Owners;
pub use stored::holds;

/// A string property holds at most this many characters, counted in UTF-16 units as HubSpot's Java does (api.md 3.4
/// `[DOC-PROP]`; that the count is in UTF-16 units is our reading).
pub const MAX_TEXT_UTF16: usize = 65_536;

/// How much of a guilty value a reason quotes.
const MAX_QUOTED_CHARS: usize = 300;

/// What a conversion needs to know about the account.
#[derive(Clone, Copy, Debug)]
pub struct ConvertContext<'a> {
    pub owners: &'a Owners,
    /// The API version turns dates of other formats into its own instead of refusing them (2026-09, api.md 3.8). We
    /// convert all the same, and only mention it where a date is beyond us.
    pub version_normalises_dates: bool,
}

/// A converted value. `Text("")` clears the property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Converted {
    Null,
    Text(String),
}

/// Converts a value to the text that `property` accepts. The empty text passes for every type and clears; NULL passes as
/// NULL. Types that this version does not know get the value's text.
///
/// # Errors
/// The reason why the value cannot be written, naming property and value: `INVALID_NUMBER`, `INVALID_BOOLEAN`,
/// `INVALID_OPTION`, `INVALID_DATE`, `INVALID_EMAIL`, `UNKNOWN_OWNER`, `VALUE_TOO_LONG`.
pub fn convert(
    value: &Value,
    property: &PropertyDef,
    conversion: Conversion,
    ctx: &ConvertContext<'_>,
) -> Result<Converted, Reason> {
    match value {
        Value::Null => return Ok(Converted::Null),
        Value::Text(text) if text.is_empty() => return Ok(Converted::Text(String::new())),
        _ => {}
    }
    let converted = match conversion {
        Conversion::Raw => Ok(value_text(value)),
        Conversion::Date => date::date(value, ctx),
        Conversion::DateTime => date::datetime(value, ctx),
        Conversion::Auto => auto(value, property, ctx),
    };
    match converted {
        Ok(text) => check_length(&text).map(|()| Converted::Text(text)).map_err(|refusal| refusal.on(value, property)),
        Err(refusal) => Err(refusal.on(value, property)),
    }
}

/// Whether a text that is not longer than [`MAX_TEXT_UTF16`] bytes is converted into itself.
pub(crate) fn keeps_text(property: &PropertyDef, conversion: Conversion) -> bool {
    match conversion {
        Conversion::Raw => true,
        Conversion::Date | Conversion::DateTime => false,
        Conversion::Auto => {
            let text = match &property.type_ {
                PropertyType::String => property.name != "email",
                PropertyType::PhoneNumber | PropertyType::Other(_) => true,
                _ => false,
            };
            text && !property.is_owner()
        }
    }
}

fn auto(value: &Value, property: &PropertyDef, ctx: &ConvertContext<'_>) -> Result<String, Refusal> {
    if property.is_owner() {
        return owner::owner(value, ctx.owners);
    }
    match &property.type_ {
        PropertyType::Number => number::number(value),
        PropertyType::Bool => boolean::boolean(value),
        PropertyType::Enumeration if property.is_multi() => choice::several(value, property),
        PropertyType::Enumeration => choice::single(value, property),
        PropertyType::Date => date::date(value, ctx),
        PropertyType::DateTime => date::datetime(value, ctx),
        PropertyType::String if property.name == "email" => email::email(value),
        PropertyType::String | PropertyType::PhoneNumber | PropertyType::Other(_) => Ok(value_text(value)),
    }
}

fn check_length(text: &str) -> Result<(), Refusal> {
    // A text has at most as many UTF-16 units as bytes.
    if text.len() <= MAX_TEXT_UTF16 {
        return Ok(());
    }
    let units = text.encode_utf16().count();
    if units <= MAX_TEXT_UTF16 {
        return Ok(());
    }
    Err(Refusal::new(
        "VALUE_TOO_LONG",
        format!("the text has {units} characters, HubSpot takes at most {MAX_TEXT_UTF16}: shorten it in the model"),
    ))
}

/// Why a value cannot be converted, before it is known of which property.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    category: &'static str,
    text: String,
}

impl Refusal {
    /// The refusal as a reason that names what the value was for.
    pub(crate) fn about(self, what: &str, value: &Value) -> Reason {
        Reason::new(self.category, self.text).on(what, Some(quoted(value)))
    }

    pub(crate) fn new(category: &'static str, text: impl Into<String>) -> Self {
        Self { category, text: text.into() }
    }

    fn on(self, value: &Value, property: &PropertyDef) -> Reason {
        Reason::new(self.category, self.text).on(&property.name, Some(quoted(value)))
    }
}

/// The text of a guilty value for a reason, cut where it is long.
pub(crate) fn quoted(value: &Value) -> String {
    let text = value_text(value);
    match text.char_indices().nth(MAX_QUOTED_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
