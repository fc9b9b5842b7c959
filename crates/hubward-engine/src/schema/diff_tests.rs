use hubward_core::PropertyOption;
use hubward_core::declared::{DeclaredGroup, DeclaredOption, fields_of};
use hubward_hubspot::{PropertyGroup, Schema};
use proptest::prelude::*;

use super::*;
use crate::schema::change::ChangeKind;

fn diff(types: &[DeclaredType], present: &Present) -> Difference {
    super::diff(&DeclaredSchema { types: types.to_vec(), ..DeclaredSchema::default() }, present)
}

fn at(line: u32) -> Location {
    Location { file: "hubward.yml".to_owned(), line, column: 1 }
}

fn property(name: &str, type_: &str) -> DeclaredProperty {
    DeclaredProperty {
        name: name.to_owned(),
        label: name.to_owned(),
        type_: PropertyType::from_name(type_),
        field_type: fields_of(type_)[0].to_owned(),
        group: None,
        description: None,
        options: Vec::new(),
        unique: false,
        at: at(9),
    }
}

fn options(values: &[&str]) -> Vec<DeclaredOption> {
    values
        .iter()
        .map(|value| DeclaredOption { value: (*value).to_owned(), label: (*value).to_owned(), at: at(9) })
        .collect()
}

fn section(name: &str) -> DeclaredType {
    DeclaredType {
        name: name.to_owned(),
        object: None,
        groups: Vec::new(),
        properties: Vec::new(),
        labels: Vec::new(),
        at: at(2),
    }
}

fn machine(associated: &[&str]) -> DeclaredType {
    let object = DeclaredObject {
        singular: "Machine".to_owned(),
        plural: "Machines".to_owned(),
        description: None,
        primary: "serial".to_owned(),
        secondary: Vec::new(),
        required: vec!["serial".to_owned()],
        searchable: Vec::new(),
        associated: associated.iter().map(|name| ((*name).to_owned(), at(3))).collect(),
        at: at(2),
    };
    let properties = vec![property("serial", "string"), property("power", "number")];
    DeclaredType { object: Some(object), properties, ..section("machine") }
}

fn label(to: &str, text: &str, inverse: Option<&str>) -> DeclaredLabel {
    DeclaredLabel {
        to: to.to_owned(),
        name: text.to_lowercase(),
        label: text.to_owned(),
        inverse: inverse.map(str::to_owned),
        at: at(12),
    }
}

fn held(property: &DeclaredProperty) -> PropertyDef {
    PropertyDef {
        name: property.name.clone(),
        label: property.label.clone(),
        type_: property.type_.clone(),
        field_type: property.field_type.clone(),
        group: property.group.clone().unwrap_or_default(),
        options: property
            .options
            .iter()
            .map(|option| PropertyOption { label: option.label.clone(), value: option.value.clone(), hidden: false })
            .collect(),
        external_options: false,
        referenced_object_type: None,
        has_unique_value: property.unique,
        calculated: false,
        read_only_value: false,
        hubspot_defined: false,
    }
}

/// An account with the standard types and nothing of its own.
fn account() -> Present {
    let mut present = Present::default();
    for (id, group) in [("0-1", "contactinformation"), ("0-2", "companyinformation")] {
        let groups = vec![PropertyGroup { name: group.to_owned(), label: group.to_owned() }];
        present.types.insert(id.to_owned(), PresentType { groups, properties: Vec::new() });
    }
    present
}

/// The account after HubSpot made the changes.
fn made(present: &Present, changes: &[Change]) -> Present {
    let mut present = present.clone();
    let key = |target: &Target, present: &Present| match target {
        Target::Known(object) => object.id.clone(),
        Target::Event(name) => name.clone(),
        Target::New(name) => {
            existing(name, &present.schemas).map_or_else(String::new, |schema| schema.object_type_id.clone())
        }
    };
    // The types first: groups of a new one stand before it in the plan.
    for change in changes {
        if let Work::Object { declared, .. } = &change.work {
            let object = declared.object.as_ref().expect("only custom types are made");
            let id = format!("2-{}", present.schemas.len() + 1);
            present.schemas.push(Schema {
                object_type_id: id.clone(),
                name: declared.name.clone(),
                singular: object.singular.clone(),
                plural: object.plural.clone(),
                primary_display_property: Some(object.primary.clone()),
                required_properties: object.required.clone(),
                searchable_properties: object.searchable.clone(),
                ..Schema::default()
            });
            let name = format!("{}_information", declared.name);
            let groups = vec![PropertyGroup { name: name.clone(), label: name }];
            let properties = declared.founding().into_iter().map(held).collect();
            present.types.insert(id, PresentType { groups, properties });
        }
    }
    for change in changes {
        let own = key(&change.target, &present);
        match &change.work {
            Work::Object { .. } => {}
            Work::Label { to, label } => {
                let other = key(to, &present);
                let inverse = label.inverse.as_ref().unwrap_or(&label.label).clone();
                present.labels.entry((own.clone(), other.clone())).or_default().push(label.label.clone());
                present.labels.entry((other, own)).or_default().push(inverse);
            }
            work => {
                let type_ = present.types.entry(own).or_default();
                match work {
                    Work::Group(group) => {
                        type_.groups.push(PropertyGroup { name: group.name.clone(), label: group.label.clone() });
                    }
                    Work::Property(property) => type_.properties.push(held(property)),
                    Work::Options { property, add } => {
                        let known = type_.properties.iter_mut().find(|known| known.name == *property);
                        let known = known.expect("options are added to what is there");
                        known.options.extend(add.iter().map(|option| PropertyOption {
                            label: option.label.clone(),
                            value: option.value.clone(),
                            hidden: false,
                        }));
                    }
                    _ => {}
                }
            }
        }
    }
    present
}

fn shown(found: &Difference) -> Vec<String> {
    found
        .changes
        .iter()
        .map(|change| format!("{} {} {}", change.kind().name(), change.object(), change.name()))
        .collect()
}

fn messages(found: &Difference) -> String {
    found.problems.iter().map(|problem| problem.message.as_str()).collect::<Vec<_>>().join("\n")
}

#[test]
fn everything_is_shown_in_the_order_in_which_it_is_made() {
    let mut contacts = section("contacts");
    contacts.groups = vec![DeclaredGroup { name: "shop".to_owned(), label: "Shop".to_owned(), at: at(4) }];
    let mut plan = property("plan", "enumeration");
    plan.options = options(&["gold", "silver"]);
    plan.group = Some("shop".to_owned());
    contacts.properties = vec![property("customer_no", "string"), plan.clone()];
    contacts.labels = vec![label("machine", "Owner", Some("Owned by"))];
    let mut present = account();
    let mut poorer = plan;
    poorer.options.truncate(1);
    present.types.get_mut("0-1").expect("contacts").properties.push(held(&poorer));
    let found = diff(&[contacts, machine(&["contacts"])], &present);
    assert_eq!(messages(&found), "");
    assert_eq!(
        shown(&found),
        [
            "group contacts shop",
            "object machine machine",
            "property contacts customer_no",
            "property machine power",
            "options contacts plan",
            "label contacts owner",
        ]
    );
    let [.., options, label] = found.changes.as_slice() else { panic!("six changes") };
    assert_eq!(options.detail(), "add silver");
    assert_eq!(label.detail(), "\"Owner\" to machine, inverse \"Owned by\"");
    let groups: Vec<Option<&str>> = found
        .changes
        .iter()
        .filter_map(|change| match &change.work {
            Work::Property(property) => Some(property.group.as_deref()),
            _ => None,
        })
        .collect();
    assert_eq!(groups, [Some("contactinformation"), Some("machine_information")]);
}

#[test]
fn what_cannot_be_made_so_is_a_problem_at_its_line() {
    let mut present = account();
    let contacts = present.types.get_mut("0-1").expect("contacts");
    contacts.properties.push(held(&property("size", "number")));
    contacts.properties.push(held(&property("customer_no", "string")));
    let mut owner = held(&property("owner", "enumeration"));
    owner.external_options = true;
    contacts.properties.push(owner);
    let mut declared = section("contacts");
    let mut unique = property("customer_no", "string");
    unique.unique = true;
    let mut lost = property("lost", "string");
    lost.group = Some("shopp".to_owned());
    let mut external = property("owner", "enumeration");
    external.options = options(&["1"]);
    declared.properties = vec![property("size", "string"), unique, external, lost];
    let found = diff(&[declared, section("nothing"), section("0-1")], &present);
    assert_eq!(found.changes, []);
    let told: Vec<&str> = found.problems.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(
        told,
        [
            "size of contacts has the type number in the account, and the project declares string",
            "customer_no of contacts is in the account without unique values, and the project declares it unique",
            "the options of owner of contacts are kept elsewhere by HubSpot and cannot be declared",
            "contacts have no property group \"shopp\"",
            "the account has no object type \"nothing\"",
            "contacts are declared twice, also in hubward.yml on line 2",
        ]
    );
    assert!(found.problems.iter().all(|problem| problem.at.line > 0 && problem.help.is_some()));
}

#[test]
fn a_custom_type_with_another_primary_property_is_a_problem_and_other_labels_are_a_note() {
    let mut present = account();
    present.schemas.push(Schema {
        object_type_id: "2-7".to_owned(),
        name: "machine".to_owned(),
        singular: "Device".to_owned(),
        plural: "Machines".to_owned(),
        primary_display_property: Some("number".to_owned()),
        required_properties: vec!["serial".to_owned()],
        ..Schema::default()
    });
    let found = diff(&[machine(&[])], &present);
    assert!(messages(&found).contains("\"number\""), "{}", messages(&found));
    assert_eq!(found.notes, ["machine: the singular label is another in the account; left as it is"]);
}

#[test]
fn types_that_others_are_associated_to_are_made_first_and_a_circle_is_refused() {
    let other = |name: &str, associated: &[&str]| DeclaredType { name: name.to_owned(), ..machine(associated) };
    let found = diff(&[other("visit", &["engine", "contacts"]), other("engine", &[])], &account());
    assert_eq!(messages(&found), "");
    let objects: Vec<&str> =
        found.changes.iter().filter(|change| change.kind() == ChangeKind::Object).map(Change::name).collect();
    assert_eq!(objects, ["engine", "visit"]);

    let circle = diff(&[other("visit", &["engine"]), other("engine", &["visit"])], &account());
    assert!(messages(&circle).contains("visit, engine"), "{}", messages(&circle));
    let own = diff(&[other("visit", &["visit"])], &account());
    assert!(messages(&own).contains("itself"), "{}", messages(&own));
}

#[test]
fn a_label_declared_from_both_ends_is_made_once() {
    let mut contacts = section("contacts");
    contacts.labels = vec![label("companies", "Billing contact", Some("Billed by"))];
    let mut companies = section("companies");
    companies.labels = vec![label("contacts", "Billed by", Some("Billing contact"))];
    let found = diff(&[contacts.clone(), companies], &account());
    assert_eq!(shown(&found), ["label contacts billing contact"]);

    let mut present = account();
    present.labels.insert(("0-1".to_owned(), "0-2".to_owned()), vec!["Billing contact".to_owned()]);
    present.labels.insert(("0-2".to_owned(), "0-1".to_owned()), vec!["Billing contact".to_owned()]);
    let found = diff(&[contacts], &present);
    assert!(messages(&found).contains("without the inverse"), "{}", messages(&found));
}

prop_compose! {
    fn some_property()(
        name in prop::sample::select(vec!["a", "b", "c", "d"]),
        type_ in prop::sample::select(vec!["string", "number", "bool", "date", "datetime", "enumeration"]),
        values in prop::sample::subsequence(vec!["x", "y", "z"], 1..=3),
        unique in any::<bool>(),
        grouped in any::<bool>(),
    ) -> DeclaredProperty {
        let mut made = property(name, type_);
        if type_ == "enumeration" {
            made.options = options(&values);
        }
        made.unique = unique;
        made.group = grouped.then(|| "shop".to_owned());
        made
    }
}

/// Each name once.
fn once(properties: Vec<DeclaredProperty>) -> Vec<DeclaredProperty> {
    let mut seen = HashSet::new();
    properties.into_iter().filter(|property| seen.insert(property.name.clone())).collect()
}

prop_compose! {
    fn some_declaration()(
        contact_properties in prop::collection::vec(some_property(), 0..4),
        company_properties in prop::collection::vec(some_property(), 0..4),
        machine_properties in prop::collection::vec(some_property(), 0..4),
        labels in prop::collection::vec(
            (prop::sample::select(vec!["companies", "machine", "contacts"]), "[KL]", prop::option::of("[MN]")), 0..4
        ),
        associated in prop::sample::subsequence(vec!["contacts", "companies"], 0..=2),
        with_machine in any::<bool>(),
    ) -> Vec<DeclaredType> {
        let shop = || vec![DeclaredGroup { name: "shop".to_owned(), label: "Shop".to_owned(), at: at(4) }];
        let mut contacts = DeclaredType { groups: shop(), properties: once(contact_properties), ..section("contacts") };
        for (to, text, inverse) in &labels {
            if (*to != "machine" || with_machine) && contacts.labels.iter().all(|known| known.to != *to || known.label != *text) {
                contacts.labels.push(label(to, text, inverse.as_deref()));
            }
        }
        let companies = DeclaredType { groups: shop(), properties: once(company_properties), ..section("company") };
        let mut all = vec![contacts, companies];
        if with_machine {
            let mut custom = machine(&associated);
            custom.groups = shop();
            custom.properties.extend(once(machine_properties));
            all.push(custom);
        }
        all
    }
}

/// The account once a declaration has been applied; one that contradicts it makes nothing.
fn applied(present: &Present, declared: &[DeclaredType]) -> Present {
    let found = diff(declared, present);
    if found.problems.is_empty() { made(present, &found.changes) } else { present.clone() }
}

proptest! {
    #[test]
    fn after_the_changes_are_made_nothing_is_missing(declared in some_declaration(), earlier in some_declaration()) {
        let before = applied(&account(), &earlier);
        let first = diff(&declared, &before);
        prop_assume!(first.problems.is_empty());
        let after = made(&before, &first.changes);
        let second = diff(&declared, &after);
        prop_assert_eq!(shown(&second), Vec::<String>::new());
        prop_assert_eq!(messages(&second), "");
        for section in &declared {
            let target = resolve(&section.name, &declared, &after.schemas).expect("every type is there now");
            let has = after.types.get(&target.key());
            for property in &section.properties {
                let found = has.and_then(|has| has.properties.iter().find(|known| known.name == property.name));
                prop_assert_eq!(found.map(|known| &known.type_), Some(&property.type_));
            }
        }
        // What was there is there still.
        for (key, had) in &before.types {
            for known in &had.properties {
                let now = after.types[key].properties.iter().find(|now| now.name == known.name).expect("nothing goes");
                prop_assert!(known.options.iter().all(|option| now.options.contains(option)));
            }
        }
    }
}
