use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray};

use super::{EventDef, EventMapping, MappedEvent, PROPERTIES_MAX, SubjectType};
use crate::convert::tests::property;
use crate::convert::{ConvertContext, Owners};
use crate::mapping::MappingProblem;
use crate::spec::{
    ContactColumn, ContactKey, Conversion, EventName, EventSubject, EventSync, Location, MapEntry, MapSource, WriteRule,
};
use crate::{PropertyType, Reason, Value};

fn at(line: u32) -> Location {
    Location { file: "syncs/orders.yml".to_owned(), line, column: 3 }
}

fn event(name: &str, label: &str, object: &str) -> EventDef {
    let properties = vec![
        property("amount", PropertyType::Number),
        property("placed_on", PropertyType::DateTime),
        property("note", PropertyType::String),
        property("hs_page_url", PropertyType::String),
    ];
    EventDef {
        full_name: Arc::from(format!("pe1_{name}")),
        name: name.to_owned(),
        label: label.to_owned(),
        primary_object: object.to_owned(),
        properties,
    }
}

fn account() -> Vec<EventDef> {
    let mut refund = event("refund", "Refund", "CONTACT");
    refund.properties.push(property("why", PropertyType::String));
    vec![
        event("order_placed", "Order placed", "CONTACT"),
        refund,
        event("visit", "Twice", "CONTACT"),
        event("visited", "Twice", "CONTACT"),
        event("deal_won", "Deal won", "DEAL"),
    ]
}

fn contacts() -> SubjectType {
    SubjectType { name: "contacts".to_owned(), names: vec!["contacts".to_owned(), "0-1".to_owned()] }
}

fn key(by: ContactKey, column: &str) -> ContactColumn {
    ContactColumn { by, column: column.to_owned(), at: at(4) }
}

fn entry(property: &str, column: &str) -> MapEntry {
    MapEntry {
        property: property.to_owned(),
        source: MapSource::Column(column.to_owned()),
        conversion: Conversion::Auto,
        write: WriteRule::Always,
        force: false,
        at: at(9),
    }
}

fn sync(event: EventName) -> EventSync {
    EventSync {
        name: "orders".to_owned(),
        model: "orders".to_owned(),
        event,
        occurred_at: Some("at".to_owned()),
        subject: EventSubject::Contact {
            keys: vec![key(ContactKey::Id, "cid"), key(ContactKey::Email, "email"), key(ContactKey::Utk, "utk")],
        },
        map: vec![entry("note", "note"), entry("amount", "amount")],
        after: Vec::new(),
        at: at(1),
    }
}

fn fixed(name: &str) -> EventSync {
    sync(EventName::Name { name: name.to_owned(), at: at(2) })
}

fn by_column() -> EventSync {
    sync(EventName::Column { column: "name".to_owned(), at: at(2) })
}

/// One row: name, at, cid, email, utk, note, amount.
fn batch(texts: [Option<&str>; 6], amount: Option<f64>) -> RecordBatch {
    let names = ["name", "at", "cid", "email", "utk", "note"];
    let mut columns: Vec<(&str, ArrayRef)> = Vec::new();
    for (name, text) in names.into_iter().zip(texts) {
        columns.push((name, Arc::new(StringArray::from(vec![text]))));
    }
    columns.push(("amount", Arc::new(Float64Array::from(vec![amount]))));
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true)))
        .expect("a batch")
}

fn ann(name: Option<&str>) -> RecordBatch {
    batch([name, Some("2026-11-20"), None, Some(" Ann@Example.com "), None, Some("hi")], Some(12.5))
}

fn compile(sync: &EventSync) -> Result<EventMapping, Vec<MappingProblem>> {
    EventMapping::compile(sync, account(), contacts(), &ann(None).schema())
}

fn map(sync: &EventSync, batch: &RecordBatch) -> Result<MappedEvent, Vec<Reason>> {
    let owners = Owners::unknown();
    let ctx = ConvertContext { owners: &owners, version_normalises_dates: false };
    compile(sync).expect("it compiles").row(batch, 0, &ctx)
}

fn codes(problems: &[MappingProblem]) -> Vec<&'static str> {
    problems.iter().map(|problem| problem.code).collect()
}

fn category(result: Result<MappedEvent, Vec<Reason>>) -> String {
    let reasons = result.expect_err("refused");
    assert_eq!(reasons.len(), 1, "{reasons:?}");
    reasons[0].category.clone().unwrap_or_default()
}

#[test]
fn an_event_is_known_by_its_full_name_its_short_name_and_its_label() {
    for name in ["pe1_order_placed", "order_placed", "Order placed", "order PLACED", "PE1_Order_Placed"] {
        let mapped = map(&fixed(name), &ann(None)).expect("mapped");
        assert_eq!(mapped.event.as_ref(), "pe1_order_placed", "{name}");
        assert_eq!(map(&by_column(), &ann(Some(name))).expect("mapped"), mapped);
    }
}

#[test]
fn a_row_becomes_one_occurrence() {
    let mapped = map(&fixed("order_placed"), &ann(None)).expect("mapped");
    let expected = MappedEvent {
        event: Arc::from("pe1_order_placed"),
        object_id: None,
        email: Some("ann@example.com".to_owned()),
        utk: None,
        occurred_at: Some("2026-11-20T00:00:00.000Z".to_owned()),
        properties: vec![(Arc::from("amount"), "12.5".to_owned()), (Arc::from("note"), "hi".to_owned())],
    };
    assert_eq!(mapped, expected);
}

#[test]
fn null_and_empty_text_leave_a_property_and_the_time_out() {
    for nothing in [None, Some("")] {
        let row = batch([None, nothing, Some("42"), nothing, nothing, nothing], None);
        let mapped = map(&fixed("order_placed"), &row).expect("mapped");
        assert_eq!((mapped.occurred_at, mapped.properties.len()), (None, 0));
        assert_eq!((mapped.object_id.as_deref(), mapped.email, mapped.utk), (Some("42"), None, None));
    }
}

#[test]
fn a_name_that_means_no_event_is_told_with_the_nearest() {
    let problems = compile(&fixed("order_placd")).expect_err("refused");
    assert_eq!(codes(&problems), ["unknown-event"]);
    assert!(problems[0].help.contains("order_placed") && problems[0].help.contains("apply-schema"), "{problems:?}");
    assert_eq!(problems[0].at.line, 2);
    assert_eq!(codes(&compile(&fixed("Twice")).expect_err("refused")), ["ambiguous-event"]);
    assert_eq!(codes(&compile(&fixed("deal_won")).expect_err("refused")), ["event-object"]);
    assert_eq!(category(map(&by_column(), &ann(Some("order_placd")))), "UNKNOWN_EVENT");
    assert_eq!(category(map(&by_column(), &ann(Some("twice")))), "AMBIGUOUS_EVENT");
    assert_eq!(category(map(&by_column(), &ann(Some("Deal won")))), "EVENT_OBJECT");
    assert_eq!(category(map(&by_column(), &ann(None))), "MISSING_EVENT");
}

#[test]
fn everything_that_is_wrong_is_told_at_once_with_its_place() {
    let mut wrong = fixed("nothing");
    wrong.occurred_at = Some("when".to_owned());
    wrong.map = vec![entry("note", "notes"), entry("note", "note")];
    let problems = compile(&wrong).expect_err("refused");
    assert_eq!(codes(&problems), ["unknown-event", "unknown-column", "unknown-column"]);
    let mut wrong = fixed("order_placed");
    wrong.map = vec![entry("Note", "note"), entry("note", "note"), entry("note", "at"), entry("why", "note")];
    let number = MapSource::Value(Value::Text("many".to_owned()));
    wrong.map.push(MapEntry { source: number, ..entry("amount", "amount") });
    let problems = compile(&wrong).expect_err("refused");
    assert_eq!(
        codes(&problems),
        ["unknown-property", "duplicate-property", "unknown-property", "invalid-value"],
        "{problems:?}"
    );
    assert!(problems.iter().all(|problem| problem.at.line == 9));
}

#[test]
fn a_property_that_only_some_events_have_is_null_for_the_others() {
    let mut sync = by_column();
    sync.map = vec![entry("why", "note")];
    assert_eq!(map(&sync, &ann(Some("refund"))).expect("mapped").properties.len(), 1);
    assert_eq!(category(map(&sync, &ann(Some("order_placed")))), "PROPERTY_DOESNT_EXIST");
    let silent = batch([Some("order_placed"), None, Some("1"), None, None, None], None);
    assert!(map(&sync, &silent).expect("mapped").properties.is_empty());
    sync.map = vec![entry("whatever", "note")];
    assert_eq!(codes(&compile(&sync).expect_err("refused")), ["unknown-property"]);
}

#[test]
fn identifiers_are_checked_and_a_row_without_any_is_nobodys() {
    let with = |cid, email, utk| map(&fixed("order_placed"), &batch([None, None, cid, email, utk, None], None));
    let all = with(Some(" 007 "), Some("a@b.example"), Some(" f00 ")).expect("mapped");
    assert_eq!(all.object_id.as_deref(), Some("7"));
    assert_eq!((all.email.as_deref(), all.utk.as_deref()), (Some("a@b.example"), Some("f00")));
    assert_eq!(with(None, None, Some("f00")).expect("mapped").utk.as_deref(), Some("f00"));
    assert_eq!(category(with(None, Some("nobody"), Some("f00"))), "INVALID_EMAIL");
    assert_eq!(category(with(Some("1"), Some("nobody"), None)), "INVALID_EMAIL");
    for id in ["4.5", "-1", "0", "+1", "abc", "99999999999999999999"] {
        assert_eq!(category(with(Some(id), None, None)), "INVALID_ID", "{id}");
    }
    assert_eq!(category(with(None, Some(" "), None)), "MISSING_SUBJECT");
}

#[test]
fn events_of_other_records_name_them_by_id() {
    let mut sync = fixed("Deal won");
    sync.subject = EventSubject::Record { object: "deals".to_owned(), column: "cid".to_owned(), at: at(3) };
    let deals = SubjectType { name: "deals".to_owned(), names: vec!["deals".to_owned(), "0-3".to_owned()] };
    let row = batch([None, None, Some("9"), None, None, None], None);
    let mapping = EventMapping::compile(&sync, account(), deals.clone(), &row.schema()).expect("it compiles");
    let owners = Owners::unknown();
    let ctx = ConvertContext { owners: &owners, version_normalises_dates: false };
    assert_eq!(mapping.row(&row, 0, &ctx).expect("mapped").object_id.as_deref(), Some("9"));
    sync.event = EventName::Name { name: "refund".to_owned(), at: at(2) };
    let problems = EventMapping::compile(&sync, account(), deals, &row.schema()).expect_err("refused");
    assert_eq!(codes(&problems), ["event-object"]);
}

#[test]
fn values_have_their_limits() {
    let note = |chars: usize| {
        let text = "é".repeat(chars);
        map(&fixed("order_placed"), &batch([None, None, Some("1"), None, None, Some(&text)], None))
    };
    assert!(note(256).is_ok());
    assert_eq!(category(note(257)), "VALUE_TOO_LONG");
    let mut address = fixed("order_placed");
    address.map = vec![entry("hs_page_url", "note")];
    let url = |chars: usize| {
        let text = "u".repeat(chars);
        map(&address, &batch([None, None, Some("1"), None, None, Some(&text)], None))
    };
    assert!(url(1_024).is_ok());
    assert_eq!(category(url(1_025)), "VALUE_TOO_LONG");
    let row = batch([None, Some("soon"), Some("1"), None, None, None], None);
    assert_eq!(category(map(&fixed("order_placed"), &row)), "INVALID_TIME");
}

#[test]
fn an_occurrence_takes_fifty_properties_and_nulls_are_none() {
    let mut rich = event("rich", "Rich", "CONTACT");
    let mut sync = fixed("rich");
    sync.map.clear();
    for number in 0..=PROPERTIES_MAX {
        let name = format!("p{number}");
        rich.properties.push(property(&name, PropertyType::String));
        // The first comes from a column that may be NULL.
        sync.map.push(entry(&name, if number == 0 { "note" } else { "cid" }));
    }
    let row = |note| batch([None, None, Some("1"), None, None, note], None);
    let mapping = EventMapping::compile(&sync, vec![rich], contacts(), &row(None).schema()).expect("it compiles");
    let owners = Owners::unknown();
    let ctx = ConvertContext { owners: &owners, version_normalises_dates: false };
    assert_eq!(mapping.row(&row(None), 0, &ctx).expect("mapped").properties.len(), PROPERTIES_MAX);
    assert_eq!(category(mapping.row(&row(Some("x")), 0, &ctx)), "TOO_MANY_PROPERTIES");
}

#[test]
fn the_columns_are_known_without_the_account() {
    let schema = ann(None).schema();
    let columns = EventMapping::columns_of(&by_column(), &schema).expect("known");
    assert_eq!(columns, ["amount", "at", "cid", "email", "name", "note", "utk"]);
    assert_eq!(compile(&by_column()).expect("it compiles").columns(), columns);
    let mut other = by_column();
    other.map.pop();
    assert_ne!(compile(&by_column()).expect("compiles").signature(), compile(&other).expect("compiles").signature());
}
