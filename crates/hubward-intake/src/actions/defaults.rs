//! The default mapping of each action: what a field that a mapping leaves out gets.

use hubward_core::spec::Action;
use serde_json::{Map, Value, json};

/// The default mapping of an action, as JSON with directives.
#[must_use]
pub fn default_mapping(action: Action) -> Map<String, Value> {
    let mapping = match action {
        Action::SendCustomBehavioralEvent => json!({
            "occurredAt": path("timestamp"),
            "email": either("properties.email", "context.traits.email"),
        }),
        Action::UpsertContact => json!({
            "email": path("traits.email"),
            "company": path("traits.company"),
            "firstname": either("traits.first_name", "traits.firstName"),
            "lastname": either("traits.last_name", "traits.lastName"),
            "phone": path("traits.phone"),
            "address": path("traits.address.street"),
            "city": path("traits.address.city"),
            "state": path("traits.address.state"),
            "country": path("traits.address.country"),
            "zip": either("traits.address.postalCode", "traits.address.postal_code"),
            "website": path("traits.website"),
            "enable_batching": false,
        }),
        Action::UpsertCompany => json!({
            "groupid": either("groupId", "context.groupId"),
            "createNewCompany": true,
            "associateContact": true,
            "name": path("traits.name"),
            "description": path("traits.description"),
            "address": path("traits.address.street"),
            "city": path("traits.address.city"),
            "state": path("traits.address.state"),
            "zip": either("traits.address.postalCode", "traits.address.postal_code"),
            "domain": path("traits.website"),
            "phone": path("traits.phone"),
            "numberofemployees": path("traits.employees"),
            "industry": path("traits.industry"),
        }),
        Action::UpsertCustomObjectRecord => json!({ "createNewCustomRecord": true }),
        Action::UpsertObject => json!({
            "association_sync_mode": "upsert",
            "list_details": { "connected_to_engage_audience": false, "should_create_list": true },
            "enable_batching": true,
            "batch_size": 100,
            "batch_keys": ["list_details"],
            "timestamp": path("timestamp"),
            "traits_or_props": either("properties", "traits"),
            "computation_key": path("context.personas.computation_key"),
            "computation_class": path("context.personas.computation_class"),
        }),
        Action::CustomEvent => json!({ "occurred_at": path("timestamp") }),
    };
    match mapping {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// The mapping with the defaults of the fields that it leaves out; of `list_details`, an object with defaults of its own,
/// also of the members. A field that is null has no default.
pub(super) fn filled(action: Action, fields: &Map<String, Value>) -> Map<String, Value> {
    let mut filled = fields.clone();
    for (name, default) in default_mapping(action) {
        match (filled.get_mut(&name), default) {
            (None, default) => {
                filled.insert(name, default);
            }
            (Some(Value::Object(given)), Value::Object(default)) if name == "list_details" && !is_directive(given) => {
                for (name, value) in default {
                    given.entry(name).or_insert(value);
                }
            }
            (Some(_), _) => {}
        }
    }
    filled
}

/// Whether an object of a mapping is a directive.
pub(super) fn is_directive(object: &Map<String, Value>) -> bool {
    object.keys().any(|name| name.starts_with('@'))
}

fn path(path: &str) -> Value {
    json!({ "@path": format!("$.{path}") })
}

fn either(first: &str, second: &str) -> Value {
    json!({ "@if": { "exists": path(first), "then": path(first), "else": path(second) } })
}
