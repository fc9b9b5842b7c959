//! Intents on one record, merged and one after the other: the same in the end.

use std::collections::{BTreeMap, BTreeSet};

use hubward_core::association::Kind;
use hubward_intake::actions::{Find, Link, ListWish, NewProperty, OnFound, Origin, RecordIntent, User, Wish};
use proptest::prelude::*;
use serde_json::{Value, json};

/// What hangs on a record, as far as intents tell.
#[derive(Clone, Debug, Default, PartialEq)]
struct Record {
    properties: BTreeMap<String, Value>,
    associations: BTreeSet<String>,
    lists: BTreeSet<String>,
}

impl Record {
    fn take(&mut self, intent: &RecordIntent) {
        for (name, wish) in intent.properties.iter().chain(&intent.sensitive) {
            self.properties.insert(name.clone(), wish.value.clone());
        }
        let named = |link: &Link| format!("{}|{:?}|{:?}", link.object, link.kind, link.find);
        for link in &intent.associations {
            self.associations.insert(named(link));
        }
        for link in &intent.dissociations {
            self.associations.remove(&named(link));
        }
        for list in &intent.lists {
            if list.member {
                self.lists.insert(list.name.clone());
            } else {
                self.lists.remove(&list.name);
            }
        }
    }
}

fn link() -> impl Strategy<Value = Link> {
    (0_u64..3, 0..3_u8, any::<bool>()).prop_map(|(type_id, to, create)| Link {
        object: "company".to_owned(),
        kind: Kind { category: "USER_DEFINED".to_owned(), type_id },
        find: Find::Unique { property: "domain".to_owned(), value: format!("d{to}") },
        create,
    })
}

prop_compose! {
    fn intent()(
        properties in prop::collection::vec(("[a-c]", prop_oneof![Just(json!("")), (0..3).prop_map(Value::from)], any::<bool>()), 0..4),
        associations in prop::collection::vec(link(), 0..3),
        dissociations in prop::collection::vec(link(), 0..3),
        lists in prop::collection::vec(("[a-b]", any::<bool>()), 0..2),
        user in "[u-v]",
    ) -> RecordIntent {
        let find = Find::Unique { property: "email".to_owned(), value: "a@x.com".to_owned() };
        let mut intent = RecordIntent::new("contacts", find);
        for (name, value, sensitive) in properties {
            let wish = Wish { value, origin: Origin::Mapping };
            // An action never asks for one property twice.
            if !intent.properties.contains_key(&name) && !intent.sensitive.contains_key(&name) {
                if sensitive { &mut intent.sensitive } else { &mut intent.properties }.insert(name, wish);
            }
        }
        let same = |one: &Link, two: &Link| one.kind == two.kind && one.find == two.find;
        for link in associations {
            if !intent.associations.iter().any(|known| same(known, &link)) {
                intent.associations.push(link);
            }
        }
        for mut link in dissociations {
            link.create = false;
            // One event that asks for both has no order between them.
            let both = intent.associations.iter().chain(&intent.dissociations).any(|known| same(known, &link));
            if !both {
                intent.dissociations.push(link);
            }
        }
        for (name, member) in lists {
            if intent.lists.iter().all(|known| known.name != name) {
                intent.lists.push(ListWish { name, member, create: true });
            }
        }
        intent.users = vec![User { user_id: Some(user), anonymous_id: None }];
        intent
    }
}

proptest! {
    #[test]
    fn merged_intents_leave_what_they_leave_one_after_the_other(
        intents in prop::collection::vec(intent(), 1..6),
        before in intent(),
    ) {
        let mut apart = Record::default();
        apart.take(&before);
        let mut merged = apart.clone();
        for intent in &intents {
            apart.take(intent);
        }
        let one = intents.iter().cloned().reduce(RecordIntent::then).expect("at least one");
        merged.take(&one);
        prop_assert_eq!(&merged, &apart);
        for list in [&one.associations, &one.dissociations] {
            let distinct: BTreeSet<String> = list.iter().map(|link| format!("{:?}{:?}", link.kind, link.find)).collect();
            prop_assert_eq!(distinct.len(), list.len());
        }
        let users: BTreeSet<_> = intents.iter().flat_map(|intent| &intent.users).filter_map(|user| user.user_id.clone()).collect();
        prop_assert_eq!(one.users.len(), users.len());
    }

    #[test]
    fn it_does_not_matter_where_merging_begins(intents in prop::collection::vec(intent(), 3)) {
        let [a, b, c]: [RecordIntent; 3] = intents.try_into().expect("three");
        let left = a.clone().then(b.clone()).then(c.clone());
        let right = a.then(b.then(c));
        let (mut one, mut two) = (Record::default(), Record::default());
        one.take(&left);
        two.take(&right);
        prop_assert_eq!(one, two);
    }
}

#[test]
fn a_record_that_exists_is_left_alone_by_the_later_intent_too() {
    let find = Find::Unique { property: "email".to_owned(), value: "a@x.com".to_owned() };
    let mut first = RecordIntent { on_found: OnFound::Leave, ..RecordIntent::new("contacts", find) };
    let mut second = first.clone();
    first.properties.insert("a".to_owned(), Wish { value: json!(1), origin: Origin::Mapping });
    second.properties.insert("a".to_owned(), Wish { value: json!(2), origin: Origin::Mapping });
    assert_eq!(first.clone().then(second).properties, first.properties);
}

#[test]
fn names_of_one_type_and_records_of_one_key_are_the_same() {
    let find = Find::Unique { property: "email".to_owned(), value: "a@x.com".to_owned() };
    let key = |object: &str| RecordIntent::new(object, find.clone()).key();
    assert_eq!(key("contact"), key("Contacts"));
    assert_eq!(key("0-1"), key("contacts"));
    assert_ne!(key("contact"), key("company"));
    let add = RecordIntent { on_found: OnFound::Leave, ..RecordIntent::new("contact", find.clone()) };
    assert_ne!(add.key(), key("contact"));
}

#[test]
fn a_property_that_is_made_gets_the_type_that_holds_all_its_values() {
    let of = |values: Value| NewProperty::of(values.as_array().expect("a list"));
    assert_eq!(of(json!([1, 2.5])), NewProperty::Number);
    assert_eq!(of(json!(["12"])), NewProperty::Text, "leading zeros would be lost");
    assert_eq!(of(json!([true, "FALSE"])), NewProperty::Flag);
    assert_eq!(of(json!(["2026-01-01", ""])), NewProperty::Date);
    assert_eq!(of(json!(["2026-01-01T00:00:00Z", "2026-01-01"])), NewProperty::DateTime);
    assert_eq!(of(json!(["2026-13-01"])), NewProperty::Text);
    assert_eq!(of(json!([{ "a": 1 }])), NewProperty::Text);
    assert_eq!(of(json!([1, "x"])), NewProperty::Text);
    assert_eq!(of(json!(["", null])), NewProperty::Text);
}
