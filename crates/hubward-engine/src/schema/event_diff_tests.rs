use hubward_core::PropertyOption;
use hubward_core::declared::{DeclaredOption, DeclaredSchema};
use hubward_core::spec::Location;

use super::*;
use crate::schema::change::ChangeKind;
use crate::schema::diff::{Difference, diff};
use crate::schema::present::Present;

fn at(line: u32) -> Location {
    Location { file: "hubward.yml".to_owned(), line, column: 1 }
}

fn property(name: &str, type_: &str, options: &[&str]) -> DeclaredEventProperty {
    let option = |value: &&str| DeclaredOption { value: (*value).to_owned(), label: (*value).to_owned(), at: at(7) };
    DeclaredEventProperty {
        name: name.to_owned(),
        label: name.to_owned(),
        type_: PropertyType::from_name(type_),
        description: None,
        options: options.iter().map(option).collect(),
        at: at(6),
    }
}

fn event(name: &str, object: &str, properties: Vec<DeclaredEventProperty>) -> DeclaredEvent {
    DeclaredEvent {
        name: name.to_owned(),
        label: "Ordered".to_owned(),
        description: None,
        object: object.to_owned(),
        object_at: at(4),
        properties,
        default_properties: true,
        at: at(3),
    }
}

fn ordered() -> DeclaredEvent {
    event(
        "ordered",
        "contacts",
        vec![property("amount", "number", &[]), property("channel", "enumeration", &["web", "shop"])],
    )
}

fn held(property: &DeclaredEventProperty) -> PropertyDef {
    PropertyDef {
        name: property.name.clone(),
        label: property.label.clone(),
        type_: property.type_.clone(),
        field_type: String::new(),
        group: String::new(),
        options: property
            .options
            .iter()
            .map(|option| PropertyOption { label: option.label.clone(), value: option.value.clone(), hidden: false })
            .collect(),
        external_options: false,
        referenced_object_type: None,
        has_unique_value: false,
        calculated: false,
        read_only_value: false,
        hubspot_defined: false,
    }
}

fn known(declared: &DeclaredEvent, word: &str) -> EventDefinition {
    EventDefinition {
        name: declared.name.clone(),
        full_name: format!("pe1_{}", declared.name),
        label: declared.label.clone(),
        primary_object: word.to_owned(),
        object_type_id: Some("6-1".to_owned()),
        properties: declared.properties.iter().map(held).collect(),
    }
}

fn account(events: Vec<EventDefinition>) -> Present {
    let schema = |id: &str, name: &str| Schema {
        object_type_id: id.to_owned(),
        name: name.to_owned(),
        fully_qualified_name: format!("p1_{name}"),
        singular: name.to_uppercase(),
        plural: format!("{name}s"),
        ..Schema::default()
    };
    Present { events, schemas: vec![schema("2-1", "machine"), schema("2-2", "visit")], ..Present::default() }
}

fn compare(events: &[DeclaredEvent], present: &Present) -> Difference {
    diff(&DeclaredSchema { events: events.to_vec(), ..DeclaredSchema::default() }, present)
}

fn lines(found: &Difference) -> Vec<String> {
    let line = |change: &crate::schema::Change| {
        format!("{} {}.{}: {}", change.kind().name(), change.object(), change.name(), change.detail())
    };
    found.changes.iter().map(line).collect()
}

#[test]
fn an_event_that_is_not_there_is_made_whole_with_hubspots_word_for_its_object() {
    let mut bare = event("left", "2-1", Vec::new());
    bare.default_properties = false;
    let found = compare(&[ordered(), bare], &account(Vec::new()));
    assert_eq!(
        lines(&found),
        [
            "event contacts.ordered: \"Ordered\", of contacts, with amount (number), channel (enumeration, options web, shop)",
            "event machines.left: \"Ordered\", of machines, without HubSpot's own properties",
        ]
    );
    let words: Vec<&str> = found
        .changes
        .iter()
        .filter_map(|change| match &change.work {
            Work::Event { primary, .. } => Some(primary.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(words, ["CONTACT", "machine"]);
    assert!(found.problems.is_empty() && found.notes.is_empty());
}

#[test]
fn an_event_that_is_there_as_declared_lacks_nothing_under_every_name_of_its_object() {
    for (object, word) in [
        ("contacts", "CONTACT"),
        ("Contact", "0-1"),
        ("machine", "machine"),
        ("machine", "p1_machine"),
        ("MACHINE", "2-1"),
        ("2-1", "MACHINES"),
    ] {
        let declared = event("ordered", object, vec![property("amount", "number", &[])]);
        let found = compare(std::slice::from_ref(&declared), &account(vec![known(&declared, word)]));
        assert!(found.changes.is_empty() && found.problems.is_empty(), "{object} {word}: {found:?}");
        assert_eq!(found.notes, [""; 0], "{object} {word}");
    }
}

#[test]
fn missing_properties_and_options_are_added_and_a_label_is_left() {
    let declared = ordered();
    let mut there = known(&declared, "CONTACT");
    there.properties.remove(0);
    there.properties[0].options.remove(1);
    there.label = "Bought".to_owned();
    let found = compare(&[declared], &account(vec![there]));
    assert_eq!(
        lines(&found),
        ["event_property ordered.amount: \"amount\", number", "event_options ordered.channel: add shop"]
    );
    assert_eq!(found.notes, ["event ordered: it has the label \"Bought\" in the account; left as it is"]);
    let kinds: Vec<ChangeKind> = found.changes.iter().map(crate::schema::Change::kind).collect();
    assert_eq!(kinds, [ChangeKind::EventProperty, ChangeKind::EventOptions]);
}

#[test]
fn what_hubspot_never_changes_is_a_conflict_at_its_line() {
    let declared = event("ordered", "contacts", vec![property("amount", "number", &[])]);
    for word in ["DEAL", "machine", "invoice"] {
        let found = compare(std::slice::from_ref(&declared), &account(vec![known(&declared, word)]));
        assert_eq!((found.changes.len(), found.problems.len(), found.problems[0].at.line), (0, 1, 4), "{word}");
    }
    let visit = event("ordered", "visit", Vec::new());
    for word in ["machine", "CONTACT"] {
        let found = compare(std::slice::from_ref(&visit), &account(vec![known(&visit, word)]));
        assert_eq!(found.problems.len(), 1, "{word}");
    }

    let mut there = known(&declared, "CONTACT");
    there.properties[0].type_ = PropertyType::String;
    let found = compare(std::slice::from_ref(&declared), &account(vec![there]));
    assert_eq!((found.problems[0].code, found.problems[0].at.line), ("schema-conflict", 6));
    assert!(found.problems[0].message.contains("has the type string in the account"), "{:?}", found.problems);

    let wrong = event("ordered", "invoices", Vec::new());
    assert_eq!(compare(&[wrong], &account(Vec::new())).problems[0].at.line, 4);
    let unknown = event("ordered", "spaceship", Vec::new());
    assert_eq!(compare(&[unknown], &account(Vec::new())).problems[0].code, "unknown-object-type");
}

#[test]
fn a_word_for_the_object_that_nobody_knows_is_told_and_stops_nothing() {
    let declared = event("ordered", "machine", vec![property("amount", "number", &[])]);
    let mut there = known(&declared, "CUSTOM");
    there.properties.clear();
    let found = compare(&[declared], &account(vec![there]));
    assert_eq!((found.changes.len(), found.problems.len(), found.notes.len()), (1, 0, 1));
}

#[test]
fn more_properties_than_an_event_may_have_are_refused_before_anything_is_made() {
    let mut there = known(&event("ordered", "contacts", Vec::new()), "CONTACT");
    for at in 0..49 {
        there.properties.push(held(&property(&format!("p{at}"), "string", &[])));
    }
    there.properties.push(held(&property("hs_city", "string", &[])));
    let one = event("ordered", "contacts", vec![property("x", "string", &[])]);
    assert!(compare(&[one], &account(vec![there.clone()])).problems.is_empty(), "HubSpot's own do not count");
    let two = event("ordered", "contacts", vec![property("x", "string", &[]), property("y", "string", &[])]);
    let found = compare(&[two], &account(vec![there]));
    assert!(found.problems[0].message.contains("49 properties"), "{:?}", found.problems);
}

#[test]
fn options_of_hubspots_own_property_cannot_be_added_and_a_bool_may_be_kept_as_two_options() {
    let own = event("ordered", "contacts", vec![property("hs_language", "enumeration", &["de", "xx"])]);
    let mut there = known(&own, "CONTACT");
    there.properties[0].options.remove(1);
    let found = compare(&[own], &account(vec![there]));
    assert_eq!((found.changes.len(), found.problems.len()), (0, 1));

    let gift = event("ordered", "contacts", vec![property("gift", "bool", &[])]);
    let as_options = event("ordered", "contacts", vec![property("gift", "enumeration", &["true", "false"])]);
    let found = compare(std::slice::from_ref(&gift), &account(vec![known(&as_options, "CONTACT")]));
    assert!(found.changes.is_empty() && found.problems.is_empty(), "{found:?}");
    let other = event("ordered", "contacts", vec![property("gift", "enumeration", &["a", "b"])]);
    assert_eq!(compare(&[gift], &account(vec![known(&other, "CONTACT")])).problems.len(), 1);
}
