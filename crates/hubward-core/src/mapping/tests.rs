use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray};

use super::Mapping;
use crate::bits::BitSet;
use crate::convert::tests::property;
use crate::convert::{ConvertContext, Owners};
use crate::spec::{Conversion, Location, MapEntry, MapSource, Match, Mode, Nulls, WriteRule};
use crate::{PropertyDef, PropertyOption, PropertyType, Value};

fn entry(property: &str, source: MapSource) -> MapEntry {
    MapEntry {
        property: property.to_owned(),
        source,
        conversion: Conversion::Auto,
        write: WriteRule::Always,
        force: false,
        at: Location { file: "syncs/c.yml".to_owned(), line: 7, column: 3 },
    }
}

fn column(name: &str) -> MapSource {
    MapSource::Column(name.to_owned())
}

fn template(text: &str) -> MapSource {
    MapSource::Template(text.to_owned())
}

fn by(column: &str, property: &str) -> Match {
    Match { column: column.to_owned(), property: property.to_owned(), at: Location::default() }
}

fn account() -> Vec<PropertyDef> {
    let mut stage = property("lifecyclestage", PropertyType::Enumeration);
    stage.field_type = "radio".to_owned();
    for value in ["lead", "customer"] {
        stage.options.push(PropertyOption { label: value.to_uppercase(), value: value.to_owned(), hidden: false });
    }
    let mut tags = stage.clone();
    tags.name = "tags".to_owned();
    tags.field_type = "checkbox".to_owned();
    let mut score = property("score", PropertyType::Number);
    score.calculated = true;
    vec![
        property("email", PropertyType::String),
        property("firstname", PropertyType::String),
        property("amount", PropertyType::Number),
        property("signed_up", PropertyType::Date),
        property("welcome", PropertyType::String),
        stage,
        tags,
        score,
    ]
}

fn model() -> RecordBatch {
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new(Int64Array::from(vec![1, 2, 3]))),
        ("email", Arc::new(StringArray::from(vec![Some(" Ana@Example.com"), None, Some("bad")]))),
        ("first_name", Arc::new(StringArray::from(vec![Some("Ana"), None, Some("")]))),
        ("amount", Arc::new(StringArray::from(vec![Some("12.5"), None, Some("1,000")]))),
        ("at", Arc::new(TimestampMillisecondArray::from(vec![Some(1_582_947_017_000), None, Some(0)]))),
        ("tag", Arc::new(StringArray::from(vec![Some("lead"), None, Some("gold")]))),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap()
}

fn compile(entries: &[MapEntry], match_: &Match, mode: Mode) -> Result<Mapping, Vec<super::MappingProblem>> {
    Mapping::compile(entries, match_, mode, Nulls::Auto, &account(), &model().schema())
}

fn customers() -> Vec<MapEntry> {
    let mut tags = entry("tags", column("tag"));
    tags.write = WriteRule::Append;
    vec![
        entry("signed_up", column("at")),
        entry("firstname", column("first_name")),
        entry("email", column("email")),
        entry("amount", column("amount")),
        entry("lifecyclestage", MapSource::Value(Value::Text("customer".to_owned()))),
        entry(
            "welcome",
            template("{% if row.first_name %}{{ row.first_name | upcase }} {{ row['at'] | to_unix }}{% endif %}"),
        ),
        tags,
    ]
}

fn with_context<T>(work: impl FnOnce(&ConvertContext<'_>) -> T) -> T {
    let owners = Owners::unknown();
    work(&ConvertContext { owners: &owners, version_normalises_dates: true })
}

#[test]
fn a_row_becomes_what_would_be_written() {
    let mapping = compile(&customers(), &by("email", "email"), Mode::Upsert).unwrap();
    assert_eq!(mapping.columns(), ["amount", "at", "email", "first_name", "tag"]);
    let row = with_context(|ctx| mapping.row(&model(), 0, ctx)).unwrap();
    assert_eq!(row.match_value.as_deref(), Some("Ana@Example.com"));
    assert_eq!(row.match_folded.as_deref(), Some("ana@example.com"));
    let values: Vec<(&str, Option<&str>)> =
        row.values.iter().map(|(name, value)| (&**name, value.as_deref())).collect();
    assert_eq!(
        values,
        [
            ("amount", Some("12.5")),
            ("email", Some("Ana@Example.com")),
            ("firstname", Some("Ana")),
            ("lifecyclestage", Some("customer")),
            ("signed_up", Some("2020-02-29")),
            ("tags", Some(";lead")),
            ("welcome", Some("ANA 1582947017000")),
        ]
    );
}

#[test]
fn null_writes_by_the_rule_and_the_empty_text_always_clears() {
    let mapping = compile(&customers(), &by("email", "email"), Mode::Upsert).unwrap();
    let row = with_context(|ctx| mapping.row(&model(), 1, ctx)).unwrap();
    assert_eq!((row.match_value.as_ref(), row.match_folded.as_ref()), (None, None));
    let sent = |nulls: Nulls, written: &[usize]| -> Vec<(String, String)> {
        let written: BitSet = written.iter().copied().collect();
        row.properties_to_send(nulls, &|position| written.contains(position))
            .into_iter()
            .map(|(name, value)| (name.to_string(), value))
            .collect()
    };
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let stage = pair("lifecyclestage", "customer");
    assert_eq!(sent(Nulls::Keep, &[0, 1, 2]), std::slice::from_ref(&stage));
    assert_eq!(sent(Nulls::Auto, &[]), std::slice::from_ref(&stage));
    assert_eq!(sent(Nulls::Auto, &[2, 3]), [pair("firstname", ""), stage.clone()]);
    assert_eq!(sent(Nulls::Clear, &[]).len(), 6, "what is appended to is never cleared");
    assert!(sent(Nulls::Clear, &[]).iter().all(|(name, _)| name != "tags"));

    let only_name = compile(&[entry("firstname", column("first_name"))], &by("id", "id"), Mode::Update).unwrap();
    let row = with_context(|ctx| only_name.row(&model(), 2, ctx)).unwrap();
    assert_eq!(row.match_value.as_deref(), Some("3"));
    let cleared = row.properties_to_send(Nulls::Keep, &|_| false);
    assert_eq!(cleared, [(Arc::from("firstname"), String::new())]);
}

#[test]
fn a_property_that_is_only_filled_or_added_to_is_never_cleared() {
    for (rule, name) in [(WriteRule::IfEmpty, "firstname"), (WriteRule::Append, "tags")] {
        for source in ["first_name", "tag"] {
            let mut entry = entry(name, column(source));
            entry.write = rule;
            let Ok(mapping) = compile(&[entry], &by("id", "id"), Mode::Update) else { continue };
            let nulls = with_context(|ctx| mapping.row(&model(), 1, ctx)).unwrap();
            assert!(nulls.properties_to_send(Nulls::Clear, &|_| true).is_empty(), "{name} {source}");
        }
    }
    let mut filled = entry("firstname", column("first_name"));
    filled.write = WriteRule::IfEmpty;
    let mapping = compile(&[filled], &by("id", "id"), Mode::Update).unwrap();
    let empty = with_context(|ctx| mapping.row(&model(), 2, ctx)).unwrap();
    assert!(empty.properties_to_send(Nulls::Auto, &|_| true).is_empty());
}

#[test]
fn only_properties_of_several_options_can_be_appended_to() {
    for name in ["firstname", "lifecyclestage"] {
        let mut entry = entry(name, column("tag"));
        entry.write = WriteRule::Append;
        let problems = compile(&[entry], &by("id", "id"), Mode::Update).unwrap_err();
        assert_eq!(problems[0].code, "append-not-multi");
    }
}

#[test]
fn an_invalid_row_gives_every_reason_once() {
    let mapping = compile(&customers(), &by("email", "email"), Mode::Upsert).unwrap();
    let reasons = with_context(|ctx| mapping.row(&model(), 2, ctx)).unwrap_err();
    let mut found: Vec<(&str, &str, &str)> = Vec::new();
    for reason in &reasons {
        let text = |part: &'_ Option<String>| part.clone().unwrap_or_default();
        found.push((
            Box::leak(text(&reason.category).into_boxed_str()),
            Box::leak(text(&reason.property).into_boxed_str()),
            Box::leak(text(&reason.value).into_boxed_str()),
        ));
    }
    assert_eq!(
        found,
        [("INVALID_NUMBER", "amount", "1,000"), ("INVALID_EMAIL", "email", "bad"), ("INVALID_OPTION", "tags", "gold")]
    );
}

#[test]
fn a_failing_template_is_a_reason_on_its_property() {
    let mapping =
        compile(&[entry("welcome", template("{{ row.at | to_unix }}"))], &by("id", "id"), Mode::Update).unwrap();
    let reasons = with_context(|ctx| mapping.row(&model(), 1, ctx)).unwrap_err();
    assert_eq!(reasons[0].category.as_deref(), Some("TEMPLATE_FAILED"));
    assert_eq!(reasons[0].property.as_deref(), Some("welcome"));
}

#[test]
fn every_problem_is_found_at_once_with_what_to_do() {
    let entries = [
        entry("first_name", column("first_nam")),
        entry("score", column("amount")),
        entry("The welcome", column("id")),
        entry("lifecyclestage", MapSource::Value(Value::Text("Customer".to_owned()))),
        entry("welcome", template("{{ row.frist_name }}")),
        entry("firstname", template("{{ row.")),
        entry("amount", column("id")),
        entry("amount", column("amount")),
    ];
    let problems = compile(&entries, &by("mail", "id"), Mode::Upsert).unwrap_err();
    let found: Vec<(&str, &str)> = problems.iter().map(|problem| (problem.code, problem.help.as_str())).collect();
    assert_eq!(
        found,
        [
            ("unknown-column", "did you mean email?"),
            ("match-by-id", "set `mode: update`, or match by a unique property"),
            ("unknown-property", "did you mean firstname?"),
            ("unknown-column", "did you mean first_name?"),
            ("read-only-property", "map another property or take the entry out"),
            ("unknown-property", "that is a label; the internal name is welcome"),
            ("invalid-value", "correct the value"),
            ("unknown-column", "did you mean first_name?"),
            ("bad-template", ""),
            ("duplicate-property", "keep one of the entries"),
        ]
    );
    assert_eq!(problems[2].at.line, 7);
}

#[test]
fn a_read_only_property_matches_only_in_mode_update() {
    let entries = [entry("firstname", column("first_name"))];
    let problems = compile(&entries, &by("amount", "score"), Mode::Upsert).unwrap_err();
    assert_eq!(problems[0].code, "read-only-property");
    assert!(compile(&entries, &by("amount", "score"), Mode::Update).is_ok());
}

#[test]
fn the_signature_follows_the_meaning_and_not_the_order() {
    let base = compile(&customers(), &by("email", "email"), Mode::Upsert).unwrap().signature();
    let mut turned = customers();
    turned.reverse();
    assert_eq!(compile(&turned, &by("email", "email"), Mode::Upsert).unwrap().signature(), base);
    let mut changed = customers();
    changed[1].source = column("tag");
    assert_ne!(compile(&changed, &by("email", "email"), Mode::Upsert).unwrap().signature(), base);
    assert_ne!(compile(&customers(), &by("first_name", "email"), Mode::Upsert).unwrap().signature(), base);
}

#[test]
fn the_mapped_hash_tells_null_from_empty_and_one_property_from_another() {
    let mapping = compile(&customers(), &by("email", "email"), Mode::Upsert).unwrap();
    let row = with_context(|ctx| mapping.row(&model(), 0, ctx)).unwrap();
    assert_eq!(row.mapped_hash(), row.clone().mapped_hash());
    let mut null = row.clone();
    null.values[0].1 = None;
    let mut empty = row.clone();
    empty.values[0].1 = Some(String::new());
    let mut moved = row.clone();
    moved.match_folded = Some("other@example.com".to_owned());
    let mut hashes = vec![row.mapped_hash(), null.mapped_hash(), empty.mapped_hash(), moved.mapped_hash()];
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), 4);
}

#[test]
fn a_projected_batch_maps_as_the_whole() {
    let mapping = compile(&customers(), &by("email", "email"), Mode::Upsert).unwrap();
    let projected = model().project(&[5, 4, 3, 2, 1]).unwrap();
    with_context(|ctx| assert_eq!(mapping.row(&projected, 0, ctx), mapping.row(&model(), 0, ctx)));
}

#[test]
fn a_record_id_is_digits() {
    let mapping = compile(&[entry("firstname", column("first_name"))], &by("tag", "id"), Mode::Update).unwrap();
    let reasons = with_context(|ctx| mapping.row(&model(), 0, ctx)).unwrap_err();
    assert_eq!(reasons[0].category.as_deref(), Some("INVALID_ID"));
    assert_eq!(with_context(|ctx| mapping.row(&model(), 1, ctx)).unwrap().match_value, None);
}

#[test]
fn a_value_beyond_the_calendar_is_a_reason_in_a_column_and_in_a_template() {
    let ends: ArrayRef = Arc::new(TimestampMillisecondArray::from(vec![i64::MAX]));
    let id: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let batch = RecordBatch::try_from_iter([("id", id), ("ends", ends)]).unwrap();
    for source in [column("ends"), template("{{ row.ends | to_date }}"), template("{% if row.ends %}x{% endif %}")] {
        let entries = [entry("signed_up", source)];
        let mapping =
            Mapping::compile(&entries, &by("id", "id"), Mode::Update, Nulls::Auto, &account(), &batch.schema())
                .unwrap();
        let reasons = with_context(|ctx| mapping.row(&batch, 0, ctx)).unwrap_err();
        assert_eq!(reasons[0].category.as_deref(), Some("UNREADABLE_VALUE"));
        assert_eq!(reasons[0].property.as_deref(), Some("signed_up"));
    }
}
