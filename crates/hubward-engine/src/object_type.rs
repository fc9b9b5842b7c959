//! From what a project calls an object type to the one that paths and the ledger use.

use hubward_core::Required;
use hubward_core::suggest::nearest;
use hubward_hubspot::Schema;

use crate::error::EngineError;

/// A resolved object type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectType {
    /// As it stands in paths: `contacts`, or `2-123456` for a custom object.
    pub path: String,
    /// HubSpot's type id, `0-1`.
    pub id: String,
    /// For people: `contacts`, or the custom object's plural label.
    pub name: String,
    /// Properties that HubSpot requires when a record is created.
    pub required: Vec<String>,
}

/// HubSpot's standard types: singular, plural, type id (api.md 3.4).
const STANDARD: [(&str, &str, &str); 31] = [
    ("contact", "contacts", "0-1"),
    ("company", "companies", "0-2"),
    ("deal", "deals", "0-3"),
    ("ticket", "tickets", "0-5"),
    ("product", "products", "0-7"),
    ("line_item", "line_items", "0-8"),
    ("quote", "quotes", "0-14"),
    ("communication", "communications", "0-18"),
    ("feedback_submission", "feedback_submissions", "0-19"),
    ("task", "tasks", "0-27"),
    ("note", "notes", "0-46"),
    ("meeting", "meetings", "0-47"),
    ("call", "calls", "0-48"),
    ("email", "emails", "0-49"),
    ("invoice", "invoices", "0-53"),
    ("marketing_event", "marketing_events", "0-54"),
    ("subscription", "subscriptions", "0-69"),
    ("goal_target", "goal_targets", "0-74"),
    ("discount", "discounts", "0-84"),
    ("fee", "fees", "0-85"),
    ("tax", "taxes", "0-86"),
    ("commerce_payment", "commerce_payments", "0-101"),
    ("user", "users", "0-115"),
    ("postal_mail", "postal_mail", "0-116"),
    ("order", "orders", "0-123"),
    ("lead", "leads", "0-136"),
    ("cart", "carts", "0-142"),
    ("service", "services", "0-162"),
    ("course", "courses", "0-410"),
    ("listing", "listings", "0-420"),
    ("appointment", "appointments", "0-421"),
];

/// The standard type of this name or id, if it is one.
#[must_use]
pub fn standard(name: &str) -> Option<ObjectType> {
    let folded = name.trim().to_lowercase().replace(' ', "_");
    STANDARD.iter().find(|(singular, plural, id)| folded == *singular || folded == *plural || folded == *id).map(
        |(_, plural, id)| ObjectType {
            path: (*plural).to_owned(),
            id: (*id).to_owned(),
            name: (*plural).to_owned(),
            required: Required::standard(id).all_of,
        },
    )
}

/// Names of the standard types, plural.
pub fn standard_names() -> impl Iterator<Item = &'static str> {
    STANDARD.iter().map(|(_, plural, _)| *plural)
}

/// A custom type by type id, fully qualified name, name or label.
pub(crate) fn custom(name: &str, schemas: &[Schema]) -> Result<ObjectType, EngineError> {
    let wanted = name.trim().to_lowercase();
    let hits: Vec<&Schema> = schemas
        .iter()
        .filter(|schema| !schema.archived)
        .filter(|schema| {
            [&schema.object_type_id, &schema.fully_qualified_name, &schema.name, &schema.singular, &schema.plural]
                .iter()
                .any(|known| known.to_lowercase() == wanted)
        })
        .collect();
    match hits.as_slice() {
        [schema] => Ok(ObjectType {
            path: schema.object_type_id.clone(),
            id: schema.object_type_id.clone(),
            name: if schema.plural.is_empty() { schema.name.clone() } else { schema.plural.clone() },
            required: schema.required_properties.clone(),
        }),
        [] => {
            let known: Vec<&str> = STANDARD
                .iter()
                .map(|(_, plural, _)| *plural)
                .chain(schemas.iter().map(|schema| schema.name.as_str()))
                .collect();
            let error = EngineError::new("unknown-object-type", format!("the account has no object type {name:?}"));
            Err(match nearest(name, known.iter().copied()) {
                Some(near) => {
                    error.help(format!("did you mean {near:?}? `hubward describe` lists what the account has"))
                }
                None => error.help("`hubward describe` lists what the account has"),
            })
        }
        many => {
            let ids: Vec<&str> = many.iter().map(|schema| schema.object_type_id.as_str()).collect();
            Err(EngineError::new("ambiguous-object-type", format!("{name:?} names {} object types", many.len()))
                .help(format!("use one of the type ids {}", ids.join(", "))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_types_are_known_by_singular_plural_label_and_id() {
        for name in ["contact", "contacts", "Contacts", "0-1"] {
            assert_eq!(standard(name).map(|found| found.path), Some("contacts".to_owned()), "{name}");
        }
        assert_eq!(standard("Line items").map(|found| found.id), Some("0-8".to_owned()));
        assert_eq!(standard("invoicez"), None);
    }

    fn schema(id: &str, name: &str, singular: &str, plural: &str) -> Schema {
        Schema {
            object_type_id: id.to_owned(),
            name: name.to_owned(),
            fully_qualified_name: format!("p123_{name}"),
            singular: singular.to_owned(),
            plural: plural.to_owned(),
            required_properties: vec!["serial".to_owned()],
            ..Schema::default()
        }
    }

    #[test]
    fn custom_types_are_known_by_id_names_and_labels() {
        let schemas = [schema("2-1", "machine", "Maschine", "Maschinen"), schema("2-2", "visit", "Visit", "Visits")];
        for name in ["2-1", "machine", "p123_machine", "Maschine", " maschinen "] {
            let found = custom(name, &schemas).expect("known");
            assert_eq!((found.path.as_str(), found.name.as_str()), ("2-1", "Maschinen"), "{name}");
            assert_eq!(found.required, ["serial"]);
        }
        let error = custom("machin", &schemas).expect_err("unknown");
        assert!(error.code == "unknown-object-type" && error.help.unwrap_or_default().contains("machine"));
    }

    #[test]
    fn a_name_of_two_types_is_refused_with_their_ids_and_an_archived_type_has_none() {
        let mut schemas = [schema("2-1", "machine", "Device", "Devices"), schema("2-2", "device", "Gadget", "Gadgets")];
        let error = custom("device", &schemas).expect_err("ambiguous");
        assert_eq!(error.code, "ambiguous-object-type");
        assert!(error.help.unwrap_or_default().contains("2-1, 2-2"));
        schemas[1].archived = true;
        assert_eq!(custom("device", &schemas).expect("one is left").id, "2-1");
    }
}
