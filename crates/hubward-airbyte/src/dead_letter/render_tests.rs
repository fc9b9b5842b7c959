use std::io::Read as _;

use super::*;

fn record<'a>(data: &'a str, reason: &'a Reason) -> Rejected<'a> {
    Rejected {
        raw_id: Uuid::nil(),
        emitted_at: Some("1760000000000"),
        generation_id: Some(7),
        sync_id: Some(8123),
        changes: None,
        data,
        status: "rejected",
        reason,
    }
}

fn reason() -> Reason {
    let mut reason =
        Reason::new("VALIDATION_ERROR", "Email address \"x@\" is invalid").on("email", Some("x@".to_owned()));
    reason.correlation_id = Some("c-1".to_owned());
    reason
}

fn text(format: Format, columns: &[&str], records: &[Rejected<'_>]) -> String {
    let columns: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
    let mut sheet = Sheet::new(format, false, &columns);
    for record in records {
        sheet.push(record);
    }
    String::from_utf8(sheet.end()).expect("UTF-8")
}

const DATA: &str = r#"{"email":"x@","score":1.50,"tags":["a"],"_airbyte_raw_id":"r","rejected_message":"old"}"#;

#[test]
fn json_lines_keep_the_record_as_it_came_and_say_why() {
    let reason = reason();
    let format = Format::JsonLines { flattened: false, stringified: false };
    assert_eq!(
        text(format, &[], &[record(DATA, &reason)]),
        concat!(
            r#"{"_airbyte_raw_id":"00000000-0000-0000-0000-000000000000","_airbyte_extracted_at":1760000000000,"#,
            r#""_airbyte_generation_id":7,"_airbyte_meta":{"sync_id":8123,"changes":[]},"#,
            r#""_airbyte_data":{"email":"x@","score":1.50,"tags":["a"],"rejected_status":"rejected","#,
            r#""rejected_category":"VALIDATION_ERROR","rejected_field":"email","rejected_value":"x@","#,
            r#""rejected_message":"Email address \"x@\" is invalid","rejected_correlation_id":"c-1"}}"#,
            "\n"
        )
    );
}

#[test]
fn changes_of_the_record_go_with_it_and_unknown_numbers_are_null() {
    let reason = Reason::new("NO_RECORD", "no record");
    let mut record = record("{}", &reason);
    record.changes = Some(r#"[{"field":"f","change":"NULLED","reason":"SOURCE_FIELD_SIZE_LIMITATION"}]"#);
    (record.generation_id, record.sync_id, record.emitted_at) = (None, None, None);
    let line = text(Format::JsonLines { flattened: true, stringified: false }, &[], &[record]);
    let line: Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(line["_airbyte_meta"]["changes"][0]["change"], "NULLED");
    assert_eq!((&line["_airbyte_generation_id"], &line["_airbyte_extracted_at"]), (&Value::Null, &Value::Null));
    assert_eq!(line["rejected_category"], "NO_RECORD");
    assert!(line.get("rejected_field").is_none());
}

#[test]
fn stringified_containers_are_texts() {
    let reason = reason();
    let line = text(Format::JsonLines { flattened: false, stringified: true }, &[], &[record(DATA, &reason)]);
    assert!(line.contains(r#""tags":"[\"a\"]""#), "{line}");
}

#[test]
fn csv_has_one_column_of_data_or_one_for_each_property() {
    let reason = reason();
    let whole = text(Format::Csv { flattened: false }, &["email"], &[record(DATA, &reason)]);
    let mut reader = csv::Reader::from_reader(whole.as_bytes());
    assert_eq!(
        reader.headers().expect("a header").iter().collect::<Vec<_>>(),
        ["_airbyte_raw_id", "_airbyte_extracted_at", "_airbyte_meta", "_airbyte_generation_id", "_airbyte_data"]
    );
    let row = reader.records().next().expect("a row").expect("CSV");
    let data: Value = serde_json::from_str(&row[4]).expect("JSON in a cell");
    assert_eq!((&data["email"], &data["rejected_correlation_id"]), (&json!("x@"), &json!("c-1")));

    let flat = text(Format::Csv { flattened: true }, &["email", "score", "tags", "city"], &[record(DATA, &reason)]);
    let mut reader = csv::Reader::from_reader(flat.as_bytes());
    let header: Vec<String> = reader.headers().expect("a header").iter().map(str::to_owned).collect();
    assert_eq!(header[4..10], ["email", "score", "tags", "city", "rejected_status", "rejected_category"]);
    let row = reader.records().next().expect("a row").expect("CSV");
    assert_eq!((&row[4], &row[5], &row[6], &row[7]), ("x@", "1.50", "[\"a\"]", ""));
    assert_eq!(&row[12], "Email address \"x@\" is invalid");
}

#[test]
fn a_compressed_sheet_is_one_gzip_stream() {
    let reason = reason();
    let mut sheet = Sheet::new(Format::JsonLines { flattened: false, stringified: false }, true, &[]);
    sheet.push(&record(DATA, &reason));
    sheet.push(&record(DATA, &reason));
    let mut text = String::new();
    flate2::read::GzDecoder::new(&*sheet.end()).read_to_string(&mut text).expect("gzip");
    assert_eq!(text.lines().count(), 2);
}
