//! Names that records, object types and kinds of association go by within a window.

use hubward_core::association::Kind;
use hubward_core::object_types;
use hubward_engine::door::AssociationType;

use crate::actions::{Find, RecordIntent, SearchField};

/// HubSpot's kinds without a label, by the object types of both ends (api.md 7.5): associating by default adds a pair of this
/// kind and takes no label off it, while naming the kind would.
const UNLABELLED: [(&str, &str, u64); 22] = [
    ("contacts", "companies", 279),
    ("companies", "contacts", 280),
    ("contacts", "deals", 4),
    ("deals", "contacts", 3),
    ("contacts", "tickets", 15),
    ("tickets", "contacts", 16),
    ("companies", "deals", 342),
    ("deals", "companies", 341),
    ("companies", "tickets", 340),
    ("tickets", "companies", 339),
    ("deals", "tickets", 27),
    ("tickets", "deals", 28),
    ("contacts", "contacts", 449),
    ("companies", "companies", 450),
    ("deals", "deals", 451),
    ("tickets", "tickets", 452),
    ("deals", "line_items", 19),
    ("line_items", "deals", 20),
    ("notes", "contacts", 202),
    ("contacts", "notes", 201),
    ("notes", "companies", 190),
    ("companies", "notes", 189),
];

pub(super) fn is_contact(object: &str) -> bool {
    object_types::same(object, "contacts")
}

/// An object type by one name, as far as names tell.
pub(super) fn folded(object: &str) -> String {
    object_types::standard(object).map_or_else(|| object.trim().to_lowercase(), |(plural, _)| plural.to_owned())
}

/// What binds a pair, as it is sent: nothing for HubSpot's kind without a label.
pub(super) fn types_of(from: &str, to: &str, kind: &Kind) -> Vec<AssociationType> {
    let unlabelled = kind.category == "HUBSPOT_DEFINED" && UNLABELLED.contains(&(from, to, kind.type_id));
    if unlabelled { Vec::new() } else { vec![typed(kind)] }
}

pub(super) fn typed(kind: &Kind) -> AssociationType {
    AssociationType { category: kind.category.clone(), type_id: kind.type_id }
}

/// The record that an intent is about, as one text: intents of the same text never travel side by side. None where every
/// event makes a record of its own.
pub(super) fn record_name(intent: &RecordIntent) -> Option<String> {
    find_name(&intent.object, &intent.find)
}

pub(super) fn find_name(object: &str, find: &Find) -> Option<String> {
    let object = folded(object);
    let text = |fields: &[SearchField]| -> String {
        let parts: Vec<String> =
            fields.iter().map(|field| format!("{}={}", field.property, field.value.to_lowercase())).collect();
        parts.join("\u{1}")
    };
    match find {
        Find::Unique { property, value } => Some(format!("{object}/{property}={value}")),
        Find::Id(id) => Some(format!("{object}/id={id}")),
        Find::Group { value, .. } => Some(format!("{object}/{}={value}", crate::actions::GROUP_ID)),
        Find::Fields(fields) if fields.is_empty() => None,
        Find::Fields(fields) => Some(format!("{object}/{}", text(fields))),
    }
}
