//! What the account shall have: `schema:` in `hubward.yml` and in `schema/*.yml`.

use hubward_core::declared::fields_of;
use hubward_project::json_schema;

use crate::{BASE, loaded, places, shown};

const CONTACTS: &str = "\
schema:
  contacts:
    groups: { shop: Shop }
    properties:
      plan: { label: Plan, type: enumeration, field: radio, group: shop, options: { gold: Gold, silver: Silver } }
      customer_no: { type: string, unique: true, description: Our own number }
      vip: bool
      sizes: { type: enumeration, field: checkbox, options: [S, M, L] }
    labels:
      companies:
        - { name: billing, label: Billing contact, inverse: Billed by }
        - { name: buyer, label: Buyer }
";

const MACHINE: &str = "\
schema:
  machine:
    object:
      singular: Machine
      plural: Machines
      primary: serial
      required: [serial]
      searchable: serial
      associated: [contacts]
    properties:
      serial: { type: string, unique: true }
      power: number
";

#[test]
fn a_declaration_is_read_with_its_defaults() {
    let project = loaded(&[("hubward.yml", &format!("{BASE}{CONTACTS}")), ("schema/machine.yml", MACHINE)]).project;
    let [contacts, machine] = project.schema.types.as_slice() else { panic!("two types") };
    assert_eq!(contacts.name, "contacts");
    assert_eq!((contacts.groups[0].name.as_str(), contacts.groups[0].label.as_str()), ("shop", "Shop"));
    let seen: Vec<(&str, &str, &str, &str, bool)> = contacts
        .properties
        .iter()
        .map(|one| (one.name.as_str(), one.label.as_str(), one.type_.name(), one.field_type.as_str(), one.unique))
        .collect();
    assert_eq!(
        seen,
        [
            ("plan", "Plan", "enumeration", "radio", false),
            ("customer_no", "Customer no", "string", "text", true),
            ("vip", "Vip", "bool", "booleancheckbox", false),
            ("sizes", "Sizes", "enumeration", "checkbox", false),
        ]
    );
    let options = |at: usize| -> Vec<(&str, &str)> {
        contacts.properties[at].options.iter().map(|one| (one.value.as_str(), one.label.as_str())).collect()
    };
    assert_eq!(options(0), [("gold", "Gold"), ("silver", "Silver")]);
    assert_eq!(options(2), [("true", "Yes"), ("false", "No")]);
    assert_eq!(options(3), [("S", "S"), ("M", "M"), ("L", "L")]);
    assert_eq!(contacts.properties[1].description.as_deref(), Some("Our own number"));
    let labels: Vec<(&str, &str, &str, Option<&str>)> = contacts
        .labels
        .iter()
        .map(|one| (one.to.as_str(), one.name.as_str(), one.label.as_str(), one.inverse.as_deref()))
        .collect();
    assert_eq!(
        labels,
        [("companies", "billing", "Billing contact", Some("Billed by")), ("companies", "buyer", "Buyer", None)]
    );
    assert_eq!((machine.at.file.as_str(), machine.at.line), ("schema/machine.yml", 2));
    let object = machine.object.as_ref().expect("a custom type");
    assert_eq!((object.primary.as_str(), object.searchable.as_slice()), ("serial", &["serial".to_owned()][..]));
    assert_eq!(object.associated[0].0, "contacts");
    let founding: Vec<&str> = machine.founding().into_iter().map(|one| one.name.as_str()).collect();
    assert_eq!(founding, ["serial"]);
}

#[test]
fn every_mistake_of_a_declaration_is_told_at_its_place() {
    let wrong = "\
schema:
  contacts:
    groups: { Shop: Shop }
    properties:
      Plan: string
      a: { type: enumeration }
      b: { type: string, field: select }
      c: { type: number, options: [1] }
      d: { type: bool, options: { yes: Yes, no: No } }
      e: text
      f: { field: text }
      g:
      h: { type: enumeration, options: { \"x;y\": XY } }
      i: { type: string, unique: yes }
    labels:
      companies: { name: billing }
      deals:
        - { name: 1st, label: First }
        - { name: main, label: Main }
        - { name: main, label: Other }
  my-machine:
    object: { singular: Machine, plural: Machines, primary: serail, required: [power] }
    properties:
      serial: string
      power: { type: number, group: shop }
    groups: { shop: Shop }
";
    assert_eq!(
        places(&[("hubward.yml", BASE), ("schema/s.yml", wrong)]),
        [
            "bad-name schema/s.yml:3:15",
            "bad-name schema/s.yml:5:7",
            "schema-property schema/s.yml:6:7",
            "schema-property schema/s.yml:7:33",
            "schema-property schema/s.yml:8:35",
            "schema-property schema/s.yml:9:33",
            "unknown-value schema/s.yml:10:10",
            "missing-key schema/s.yml:11:10",
            "empty-value schema/s.yml:12:7",
            "schema-property schema/s.yml:13:42",
            "wrong-type schema/s.yml:14:34",
            "wrong-type schema/s.yml:16:18",
            "bad-name schema/s.yml:18:19",
            "duplicate-name schema/s.yml:20:19",
            "bad-name schema/s.yml:21:3",
            "schema-object schema/s.yml:22:61",
            "schema-object schema/s.yml:22:80",
        ]
    );
}

const EVENTS: &str = "\
schema:
  events:
    order_placed:
      label: Order placed
      description: Somebody bought something
      object: Deal
      properties:
        amount: number
        channel: { type: enumeration, label: Where, options: { web: Web shop, shop: Shop } }
        gift: { type: bool, description: Wrapped }
      default_properties: false
    signed_up:
";

#[test]
fn events_are_read_with_their_defaults_and_may_stand_in_several_files() {
    let other = "schema: { events: { left: { properties: { at: datetime } } } }\n";
    let given = [("hubward.yml", BASE), ("schema/a.yml", EVENTS), ("schema/b.yml", other)];
    let schema = loaded(&given).project.schema;
    assert!(schema.types.is_empty() && !schema.is_empty());
    let seen: Vec<String> = schema
        .events
        .iter()
        .map(|one| {
            let (object, description) = (&one.object, one.description.as_deref().unwrap_or("-"));
            format!("{}|{}|{description}|{object}|{}|{}", one.name, one.label, one.default_properties, one.at.line)
        })
        .collect();
    assert_eq!(
        seen,
        [
            "order_placed|Order placed|Somebody bought something|Deal|false|3",
            "signed_up|Signed up|-|contacts|true|12",
            "left|Left|-|contacts|true|1",
        ]
    );
    let properties: Vec<(&str, &str, &str, usize, Option<&str>)> = schema.events[0]
        .properties
        .iter()
        .map(|one| {
            let (name, label) = (one.name.as_str(), one.label.as_str());
            (name, label, one.type_.name(), one.options.len(), one.description.as_deref())
        })
        .collect();
    assert_eq!(
        properties,
        [
            ("amount", "Amount", "number", 0, None),
            ("channel", "Where", "enumeration", 2, None),
            ("gift", "Gift", "bool", 0, Some("Wrapped")),
        ]
    );
    assert_eq!(schema.event("left").map(|one| one.properties[0].type_.name()), Some("datetime"));
}

#[test]
fn every_mistake_of_an_event_is_told_at_its_place() {
    let many: String = (0..51).map(|at| format!("p{at}: string, ")).collect();
    let wrong = format!(
        "\
schema:
  events:
    Order: {{}}
    {long}: {{}}
    a: {{ label: {label} }}
    b: {{ object: invoices }}
    c: {{ unique: true }}
    d:
      properties:
        Amount: number
        x: {{ type: enumeration }}
        y: {{ type: bool, options: [true, false] }}
        z: {{ type: string, group: shop }}
        w: {{ type: string, label: {label} }}
        v:
        u: text
    e: {{ properties: {{ {many} }} }}
    f: {{ properties: [a] }}
    g: {{ default_properties: maybe }}
",
        long = "e".repeat(51),
        label = "l".repeat(101)
    );
    assert_eq!(
        places(&[("hubward.yml", BASE), ("schema/s.yml", &wrong)]),
        [
            "bad-name schema/s.yml:3:5",
            "bad-name schema/s.yml:4:5",
            "schema-event schema/s.yml:5:17",
            "schema-event schema/s.yml:6:18",
            "unknown-key schema/s.yml:7:10",
            "bad-name schema/s.yml:10:9",
            "schema-property schema/s.yml:11:9",
            "schema-property schema/s.yml:12:35",
            "unknown-key schema/s.yml:13:28",
            "schema-event schema/s.yml:14:35",
            "empty-value schema/s.yml:15:9",
            "unknown-value schema/s.yml:16:12",
            "schema-event schema/s.yml:17:22",
            "wrong-type schema/s.yml:18:22",
            "wrong-type schema/s.yml:19:30",
        ]
    );
    assert_eq!(
        shown(&[
            ("hubward.yml", BASE),
            ("schema/a.yml", EVENTS),
            ("schema/b.yml", "schema: { events: { signed_up: } }\n")
        ]),
        "\
error[duplicate-name]: the event `signed_up` is declared twice; first in schema/a.yml on line 12
  --> schema/b.yml:1:21
   |
 1 | schema: { events: { signed_up: } }
   |                     ^^^^^^^^^
   |
  ::: schema/a.yml:12:5
   |
12 |     signed_up:
   |     --------- first declared here
   |
   = help: write everything of one event in one place
"
    );
}

#[test]
fn a_type_is_declared_in_one_place_and_events_stand_beside_the_types() {
    let text = format!("{BASE}{CONTACTS}");
    assert_eq!(
        shown(&[("hubward.yml", &text), ("schema/more.yml", "schema:\n  Contacts: { events: {} }\n")]),
        "\
error[duplicate-name]: the object type `Contacts` is declared twice; first in hubward.yml on line 11
  --> schema/more.yml:2:3
   |
 2 |   Contacts: { events: {} }
   |   ^^^^^^^^
   |
  ::: hubward.yml:11:3
   |
11 |   contacts:
   |   -------- first declared here
   |
   = help: write everything of one object type in one place

error[unknown-key]: an object type of the schema has no key `events`
 --> schema/more.yml:2:15
  |
2 |   Contacts: { events: {} }
  |               ^^^^^^
  |
  = help: known keys: `object`, `groups`, `properties`, `labels`
"
    );
    assert_eq!(places(&[("hubward.yml", BASE), ("schema/none.yml", "")]), ["empty-file schema/none.yml:1:1"]);
}

#[test]
fn the_types_and_fields_of_the_json_schema_are_those_that_hubspot_takes() {
    let schema = json_schema();
    let words = |key: &str| -> Vec<String> {
        let form = &schema["$defs"]["declared_property"]["properties"][key];
        let listed = form.pointer("/anyOf/0/enum").or_else(|| form.pointer("/anyOf/0/anyOf/0/enum"));
        serde_json::from_value(listed.cloned().expect("words")).expect("texts")
    };
    let fields = words("field");
    for type_ in words("type") {
        assert!(!fields_of(&type_).is_empty(), "{type_}");
        assert!(fields_of(&type_).iter().all(|field| fields.iter().any(|known| known == field)), "{type_}");
    }
}
