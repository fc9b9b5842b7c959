//! Properties from the free objects of a mapping: their values, their names, and where the names come from.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::defaults::is_directive;
use super::intent::{Origin, Warning, Wish, Wishes};
use super::names::property_name;
use super::payload::{Payload, text};

/// The names that a field's mapping spells out itself. All others come from the event.
#[derive(Debug, Default)]
pub(super) struct SpeltOut(HashSet<String>);

impl SpeltOut {
    /// `mapping` is what stands under the field.
    pub(super) fn of(mapping: Option<&Value>) -> Self {
        let mut names = HashSet::new();
        if let Some(mapping) = mapping {
            collect(mapping, &mut names);
        }
        Self(names)
    }

    fn origin(&self, name: &str) -> Origin {
        if self.0.contains(name) { Origin::Mapping } else { Origin::Event }
    }
}

fn collect(mapping: &Value, names: &mut HashSet<String>) {
    let Value::Object(members) = mapping else { return };
    if !is_directive(members) {
        names.extend(members.keys().cloned());
        return;
    }
    for (name, argument) in members {
        match name.as_str() {
            "@literal" | "@excludeWhenNull" => collect(argument, names),
            "@merge" => argument
                .get("objects")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .for_each(|one| collect(one, names)),
            "@if" => {
                ["then", "else"].iter().filter_map(|branch| argument.get(branch)).for_each(|one| collect(one, names))
            }
            _ => {}
        }
    }
}

/// How the values of a free object are brought to what a property gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As the event has them; names too. Lists are joined with `;`, objects become JSON.
    Flat,
    /// The names normalised, lists and objects left for the property's type to decide.
    Normalised,
}

/// What a free field asks for.
pub(super) struct Found {
    pub(super) wishes: Wishes,
    pub(super) warnings: Vec<Warning>,
    /// Names spelt out by the mapping that no property can have.
    pub(super) impossible: Vec<String>,
}

/// The properties of a free field. Texts lose the blanks around them; nulls are left out.
pub(super) fn found(payload: &Payload, field: &str, form: Form, spelt_out: &SpeltOut) -> Found {
    let mut found = Found { wishes: Wishes::new(), warnings: Vec::new(), impossible: Vec::new() };
    let mut warn = |field: String, message: String| found.warnings.push(Warning { field, message });
    for (given, value) in payload.free(field) {
        let origin = spelt_out.origin(given);
        let name = match form {
            Form::Flat => Some(given.trim().to_owned()).filter(|name| !name.is_empty()),
            Form::Normalised => property_name(given),
        };
        let Some(name) = name else {
            match origin {
                Origin::Mapping => found.impossible.push(given.clone()),
                Origin::Event => warn(
                    format!("{field}.{given}"),
                    "no property can have this name, so it is left out; names begin with a letter".to_owned(),
                ),
            }
            continue;
        };
        let wish = Wish { value: formed(value, form), origin };
        if let Some(before) = found.wishes.get(&name)
            && before.value != wish.value
        {
            warn(
                format!("{field}.{given}"),
                format!("another key is written to {name} too; this one, the later, is taken"),
            );
        }
        found.wishes.insert(name, wish);
    }
    found
}

fn formed(value: &Value, form: Form) -> Value {
    match value {
        Value::String(text) => Value::String(text.trim().to_owned()),
        Value::Array(items) if form == Form::Flat => Value::String(joined(items)),
        Value::Object(_) if form == Form::Flat => Value::String(value.to_string()),
        other => other.clone(),
    }
}

fn joined(items: &[Value]) -> String {
    let texts: Vec<String> = items
        .iter()
        .map(|item| match item {
            Value::Null => String::new(),
            Value::Array(_) | Value::Object(_) => item.to_string(),
            item => text(item).unwrap_or_default(),
        })
        .collect();
    texts.join(";")
}

/// The named fields that are properties of the same name.
pub(super) fn named(payload: &Payload, names: &[&'static str]) -> Wishes {
    let mut wishes = Wishes::new();
    for name in names {
        if let Some(value) = payload.value(name) {
            wishes.insert((*name).to_owned(), Wish { value: value.clone(), origin: Origin::Mapping });
        }
    }
    wishes
}

/// Takes the property out that the record is found by: it has its value by that. A value that differs is warned of.
pub(super) fn without_key(wishes: &mut Wishes, field: &str, key: &str, key_value: &str, warnings: &mut Vec<Warning>) {
    let Some(wish) = wishes.shift_remove(key) else { return };
    let given = text(&wish.value).unwrap_or_else(|| wish.value.to_string());
    let same = if key == "email" { given.trim().to_lowercase() == key_value } else { given.trim() == key_value };
    if !same && !given.is_empty() {
        let message = format!("the record is found by {key}, so that it keeps the value it is found by");
        warnings.push(Warning { field: format!("{field}.{key}"), message });
    }
}

/// The members of a mapping's field that are spelt out, for checks of the mapping itself.
pub(super) fn plain(mapping: &Value) -> Option<&Map<String, Value>> {
    mapping.as_object().filter(|members| !is_directive(members))
}
