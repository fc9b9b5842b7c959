//! Enumeration properties: exact internal values, one or several (api.md 3.4, 3.7 `INVALID_OPTION`).

use super::{Refusal, boolean, quoted};
use crate::row::{parse_json, trim_decimal, value_text};
use crate::suggest::nearest;
use crate::{PropertyDef, PropertyOption, Value};

/// One option.
pub(super) fn single(value: &Value, property: &PropertyDef) -> Result<String, Refusal> {
    match value {
        Value::List(items) => match items.as_slice() {
            [] => Ok(String::new()),
            [only] if !only.is_null() => item(only, property),
            _ => Err(Refusal::new(
                "INVALID_OPTION",
                format!(
                    "{} values for a property that holds one; send one of them or make the property a multiple checkbox",
                    items.len()
                ),
            )),
        },
        _ => item(value, property),
    }
}

/// Any number of options, joined by `;`. A list gives its items; a text is taken apart at `;`, never at commas (options
/// may hold commas); a text that is a JSON array counts as a list, because not every database has lists. A leading `;`
/// (append instead of overwrite) is kept.
pub(super) fn several(value: &Value, property: &PropertyDef) -> Result<String, Refusal> {
    let mut chosen: Vec<String> = Vec::new();
    let mut append = false;
    match value {
        Value::List(items) => choose(items, property, &mut chosen)?,
        Value::Text(text) => {
            if is_option(property, text) {
                return Ok(text.clone());
            }
            if let Some(Value::List(items)) = json_array(text) {
                choose(&items, property, &mut chosen)?;
            } else {
                append = text.trim_start().starts_with(';');
                for part in text.split(';') {
                    if !part.trim().is_empty() {
                        add(&mut chosen, part_of_text(part, property)?);
                    }
                }
                if chosen.is_empty() {
                    return Err(Refusal::new(
                        "INVALID_OPTION",
                        format!("{:?} names no option; an empty text clears the property", quoted(value)),
                    ));
                }
            }
        }
        _ => add(&mut chosen, item(value, property)?),
    }
    let joined = chosen.join(";");
    Ok(if append { append_form(&joined) } else { joined })
}

/// The form of a multiple-checkbox value that adds to what is there: `;A;B` (api.md 3.4). The empty text stays empty.
#[must_use]
pub fn append_form(text: &str) -> String {
    if text.is_empty() || text.starts_with(';') { text.to_owned() } else { format!(";{text}") }
}

fn choose(items: &[Value], property: &PropertyDef, chosen: &mut Vec<String>) -> Result<(), Refusal> {
    for value in items {
        if value.is_null() {
            continue;
        }
        let text = item(value, property)?;
        if text.contains(';') {
            return Err(Refusal::new(
                "INVALID_OPTION",
                format!("the item {text:?} holds a semicolon, which separates options"),
            ));
        }
        if !text.is_empty() {
            add(chosen, text);
        }
    }
    Ok(())
}

fn add(chosen: &mut Vec<String>, text: String) {
    if !chosen.contains(&text) {
        chosen.push(text);
    }
}

fn json_array(text: &str) -> Option<Value> {
    text.trim_start().starts_with('[').then(|| parse_json(text)).filter(|value| matches!(value, Value::List(_)))
}

fn part_of_text(part: &str, property: &PropertyDef) -> Result<String, Refusal> {
    // "A; B": the blank belongs to the list, unless an option really begins with one.
    let trimmed = part.trim();
    if !is_option(property, part) && (is_option(property, trimmed) || unchecked(property)) {
        return Ok(trimmed.to_owned());
    }
    item(&Value::Text(part.to_owned()), property)
}

/// HubSpot has told us nothing about the options: they live elsewhere, or there are none.
fn unchecked(property: &PropertyDef) -> bool {
    property.external_options || property.options.is_empty()
}

fn is_option(property: &PropertyDef, text: &str) -> bool {
    property.options.iter().any(|option| option.value == text)
}

/// One option's internal value.
fn item(value: &Value, property: &PropertyDef) -> Result<String, Refusal> {
    let text = value_text(value);
    if unchecked(property) || is_option(property, &text) {
        return Ok(text);
    }
    if let Value::Decimal(decimal) = value {
        let trimmed = trim_decimal(decimal);
        if is_option(property, trimmed) {
            return Ok(trimmed.to_owned());
        }
    }
    // An enumeration of `true` and `false` is a checkbox by another name.
    let yes_no = property.options.len() == 2 && is_option(property, "true") && is_option(property, "false");
    if yes_no && let Some(flag) = boolean::read(value) {
        return Ok(flag.to_string());
    }
    Err(Refusal::new(
        "INVALID_OPTION",
        format!("{:?} is not one of the options of {}{}", quoted(value), property.name, hint(&text, property)),
    ))
}

/// How many internal values a reason lists where nothing better can be said.
const MAX_LISTED: usize = 8;

fn hint(text: &str, property: &PropertyDef) -> String {
    let same = |left: &str, right: &str| left.to_lowercase() == right.to_lowercase();
    let wanted = text.trim();
    for option in &property.options {
        if same(&option.value, wanted) {
            let how = if option.value == wanted {
                "the value has blanks around it"
            } else {
                "internal values are case-sensitive"
            };
            return format!("; did you mean {:?}? {how}", option.value);
        }
    }
    for option in &property.options {
        if same(&option.label, wanted) {
            return format!(
                "; it is the label of an option whose internal value is {:?}: send the internal value",
                option.value
            );
        }
    }
    if property.is_multi() && wanted.contains(',') && wanted.split(',').all(|part| is_option(property, part.trim())) {
        return "; several options are separated by semicolons, not commas".to_owned();
    }
    if let Some(near) = nearest(wanted, property.options.iter().map(|option| option.value.as_str())) {
        return format!("; did you mean {near:?}?");
    }
    list(&property.options)
}

fn list(options: &[PropertyOption]) -> String {
    let mut listed: Vec<String> = Vec::new();
    for option in options.iter().take(MAX_LISTED) {
        listed.push(format!("{:?}", option.value));
    }
    let more =
        if options.len() > MAX_LISTED { format!(" and {} more", options.len() - MAX_LISTED) } else { String::new() };
    format!("; its internal values are {}{more}", listed.join(", "))
}
