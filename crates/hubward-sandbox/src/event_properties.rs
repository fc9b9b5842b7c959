//! Owns the properties of custom events: HubSpot's own, what a definition may hold, and the form of names (api.md 9.2, 9.3).

use std::collections::HashSet;

use serde::Deserialize;

use crate::answers::Refusal;
use crate::property::{Choice, Hints, Kind, Property, PropertyCreate};

/// Properties of an event beside HubSpot's own `[DOC-DEF]`.
pub(crate) const MOST_CUSTOM_PROPERTIES: usize = 50;

/// Characters of a name, of an event or of its property `[DOC-DEF]`.
pub(crate) const MOST_NAME: usize = 50;

const GROUP: &str = "custom_event_properties";

const DEFAULTS: &[(&str, Kind)] = &[
    ("hs_asset_description", Kind::String),
    ("hs_asset_type", Kind::String),
    ("hs_browser", Kind::String),
    ("hs_campaign_id", Kind::String),
    ("hs_city", Kind::String),
    ("hs_country", Kind::String),
    ("hs_device_name", Kind::String),
    ("hs_device_type", Kind::String),
    ("hs_element_class", Kind::String),
    ("hs_element_id", Kind::String),
    ("hs_element_text", Kind::String),
    ("hs_language", Kind::String),
    ("hs_link_href", Kind::String),
    ("hs_operating_system", Kind::String),
    ("hs_operating_version", Kind::String),
    ("hs_page_content_type", Kind::String),
    ("hs_page_id", Kind::String),
    ("hs_page_title", Kind::String),
    ("hs_page_url", Kind::String),
    ("hs_parent_module_id", Kind::String),
    ("hs_referrer", Kind::String),
    ("hs_region", Kind::String),
    ("hs_screen_height", Kind::Number),
    ("hs_screen_width", Kind::Number),
    ("hs_touchpoint_source", Kind::String),
    ("hs_tracking_name", Kind::String),
    ("hs_user_agent", Kind::String),
    ("hs_utm_campaign", Kind::String),
    ("hs_utm_content", Kind::String),
    ("hs_utm_medium", Kind::String),
    ("hs_utm_source", Kind::String),
    ("hs_utm_term", Kind::String),
];

/// HubSpot's body of one property of an event.
#[derive(Debug, Deserialize)]
pub(crate) struct EventPropertyInput {
    name: Option<String>,
    label: Option<String>,
    #[serde(rename = "type")]
    kind: Option<Kind>,
    description: Option<String>,
    options: Option<Vec<Choice>>,
}

pub(crate) fn taken(what: &str, name: &str) -> Refusal {
    let message = format!("{what} '{name}' already exists.");
    Refusal::new(409, "OBJECT_ALREADY_EXISTS", message).context("name", vec![name.to_owned()])
}

/// A name starts with a letter and holds lower-case letters, digits and underscores, 50 at most `[DOC-DEF]`.
pub(crate) fn good_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.len() <= MOST_NAME
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

pub(crate) fn check_name(what: &str, name: &str) -> Result<(), Refusal> {
    if good_name(name) {
        return Ok(());
    }
    Err(Refusal::validation(format!(
        "{what} {name:?} must start with a letter, hold only lower-case letters, digits and underscores, and have at most {MOST_NAME} characters"
    )))
}

/// The name that HubSpot makes of a label.
pub(crate) fn name_of(label: &str, free: impl Fn(&str) -> bool) -> String {
    let mut name = String::new();
    for c in label.chars() {
        match c.to_ascii_lowercase() {
            c if c.is_ascii_lowercase() || (c.is_ascii_digit() && !name.is_empty()) => name.push(c),
            _ if name.is_empty() || name.ends_with('_') => {}
            _ => name.push('_'),
        }
    }
    name.truncate(MOST_NAME - 4);
    let mut name = name.trim_end_matches('_').to_owned();
    if name.is_empty() {
        "event".clone_into(&mut name);
    }
    if free(&name) {
        return name;
    }
    let numbered = (2..=999).map(|n| format!("{name}_{n}"));
    numbered.into_iter().find(|name| free(name)).unwrap_or(name)
}

/// A property as it will be kept; `existing` are the names that are taken.
pub(crate) fn property(
    input: EventPropertyInput,
    existing: &impl Fn(&str) -> bool,
    now_ms: i64,
) -> Result<Property, Refusal> {
    let label = input.label.filter(|label| !label.trim().is_empty());
    let label = label.ok_or_else(|| Refusal::validation("A property of an event needs a label"))?;
    let name = input.name.unwrap_or_else(|| name_of(&label, |name| !existing(name)));
    check_name("The property name", &name)?;
    let kind = input.kind.ok_or_else(|| Refusal::validation(format!("The property {name} needs a type")))?;
    if !matches!(kind, Kind::String | Kind::Number | Kind::Enumeration | Kind::Datetime | Kind::Bool | Kind::Date) {
        return Err(Refusal::validation(format!(
            "The property {name} is of a type that events do not have; use string, number, enumeration, datetime, bool or date"
        )));
    }
    let options = input.options.unwrap_or_default();
    check_options(&name, kind, &options)?;
    if existing(&name) {
        return Err(taken("A property named", &name));
    }
    Ok(made(name, label, kind, input.description, options, now_ms))
}

/// An enumeration has options, each value once.
pub(crate) fn check_options(name: &str, kind: Kind, options: &[Choice]) -> Result<(), Refusal> {
    if kind == Kind::Enumeration && options.is_empty() {
        return Err(Refusal::validation(format!("The enumeration {name} needs options")));
    }
    let mut values = HashSet::new();
    match options.iter().find(|choice| !values.insert(choice.value.as_str())) {
        Some(choice) => {
            Err(Refusal::validation(format!("The option {:?} of the property {name} is there twice", choice.value)))
        }
        None => Ok(()),
    }
}

fn made(
    name: String,
    label: String,
    kind: Kind,
    description: Option<String>,
    options: Vec<Choice>,
    now_ms: i64,
) -> Property {
    let create = PropertyCreate {
        name,
        label: Some(label),
        kind: Some(kind),
        field_type: None,
        group_name: Some(GROUP.to_owned()),
        description,
        options: Some(options),
        display_order: None,
        hidden: None,
        form_field: None,
        has_unique_value: None,
        external_options: None,
        referenced_object_type: None,
        data_sensitivity: None,
        calculation_formula: None,
        hints: Hints::default(),
        modification_metadata: None,
    };
    Property::from_create(create, now_ms)
}

fn default_property(name: &str, kind: Kind, now_ms: i64) -> Property {
    let words = name.trim_start_matches("hs_").replace('_', " ");
    let mut property = made(name.to_owned(), words, kind, None, Vec::new(), now_ms);
    property.hubspot_defined = true;
    property
}

pub(crate) fn too_many() -> Refusal {
    Refusal::validation(format!("An event may have at most {MOST_CUSTOM_PROPERTIES} custom properties"))
}

/// HubSpot's own properties, which `includeDefaultProperties` brings along.
pub(crate) fn defaults(now_ms: i64) -> Vec<Property> {
    DEFAULTS.iter().map(|(name, kind)| default_property(name, *kind, now_ms)).collect()
}

#[cfg(test)]
mod tests {
    use super::{MOST_NAME, good_name, name_of};

    #[test]
    fn a_name_made_of_a_label_is_a_good_one_and_free() {
        assert_eq!(name_of("My event label", |_| true), "my_event_label");
        assert_eq!(name_of("  2nd: Log-In! ", |_| true), "nd_log_in");
        assert_eq!(name_of("登録", |_| true), "event");
        assert_eq!(name_of("Login", |name| name != "login" && name != "login_2"), "login_3");
        assert!(good_name(&name_of(&"x".repeat(80), |name| name.len() > MOST_NAME - 3)));
    }
}
