use arrow_cast::display::{ArrayFormatter, FormatOptions};

use super::*;
use crate::canonical::is_json;

fn read(text: &str) -> Result<(Vec<String>, Vec<Vec<String>>), SourceError> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("t.jsonl");
    std::fs::write(&path, text).expect("the file is written");
    let wanted = Wanted { batch_rows: 2, columns: None };
    let mut reader = JsonLinesReader::open(&path, &wanted)?;
    let mut types = Vec::new();
    for field in reader.schema().fields() {
        let shown = if is_json(field) { "json".to_owned() } else { field.data_type().to_string() };
        types.push(format!("{} {shown}", field.name()));
    }
    let options = FormatOptions::default().with_null("NULL");
    let mut rows = Vec::new();
    while let Some(batch) = reader.next_batch()? {
        for row in 0..batch.num_rows() {
            let mut texts = Vec::new();
            for column in batch.columns() {
                let column = ArrayFormatter::try_new(column.as_ref(), &options).expect("shown");
                texts.push(column.value(row).to_string());
            }
            rows.push(texts);
        }
    }
    Ok((types, rows))
}

#[test]
fn a_field_of_the_last_line_is_a_column_too() {
    let (types, rows) = read("\u{feff}{\"a\":1}\n\n{\"a\":2.5}\r\n{\"late\":\"Zoë\"}").expect("it reads");
    assert_eq!(types, ["a Float64", "late Utf8"]);
    assert_eq!(rows, [["1.0", "NULL"], ["2.5", "NULL"], ["NULL", "Zoë"]]);
}

#[test]
fn nested_values_stay_nested_and_mixed_ones_become_json() {
    let (types, rows) = read(
        r#"{"tags":["a","b"],"home":{"city":"Åre","zip":"00501"},"mixed":1,"empty":[],"none":null}
{"tags":[],"home":{"city":null,"geo":[1,2.5]},"mixed":"x","empty":[],"obj":{}}
{"mixed":[true]}"#,
    )
    .expect("it reads");
    assert!(types[0].starts_with("tags List("), "{types:?}");
    assert!(types[1].starts_with("home Struct("), "{types:?}");
    assert_eq!(types[2], "mixed json");
    assert_eq!(types[4], "none Utf8");
    assert_eq!(types[5], "obj json");
    assert_eq!(rows[0][0], "[a, b]");
    assert_eq!(rows[0][1], "{city: Åre, zip: 00501, geo: NULL}");
    assert_eq!(rows[1][1], "{city: NULL, zip: NULL, geo: [1.0, 2.5]}");
    assert_eq!(rows[2][0], "NULL");
    assert_eq!([&rows[0][2], &rows[1][2], &rows[2][2]], ["1", "\"x\"", "[true]"]);
}

#[test]
fn no_digit_of_a_number_is_lost() {
    let (types, rows) = read(
        r#"{"big":9007199254740993,"huge":123456789012345678901234567890,"exact":0.30000000000000004,"long":3.14159265358979323846}
{"big":0.5,"huge":1,"exact":1e3,"long":1}"#,
    )
    .expect("it reads");
    assert_eq!(types, ["big json", "huge json", "exact Float64", "long json"]);
    assert_eq!(rows[0][0], "9007199254740993");
    assert_eq!(rows[0][1], "123456789012345678901234567890");
    assert_eq!(rows[0][3], "3.14159265358979323846");
    assert_eq!(rows[1][2], "1000.0");
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    for (text, words) in [
        ("{\"a\":1}\n{\"a\":", "line 2: column 5: not a JSON object"),
        ("{\"a\":1}\n\n[1]", "line 3: an array"),
        ("3", "line 1: column 1: not a JSON object"),
        ("", "line 0: the file has no field"),
    ] {
        let error = read(text).expect_err("it must be refused");
        assert!(error.message.contains(words), "{error}");
    }
}
