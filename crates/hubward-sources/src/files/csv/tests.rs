use arrow_array::Array;
use arrow_array::cast::AsArray;
use proptest::prelude::*;

use super::*;

fn read(bytes: &[u8]) -> Result<Vec<Vec<Option<String>>>, SourceError> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("t.csv");
    std::fs::write(&path, bytes).expect("the file is written");
    let wanted = Wanted { batch_rows: 3, columns: None };
    let mut reader = CsvReader::open(&path, &wanted)?;
    let header = reader.schema();
    let mut rows = vec![header.fields().iter().map(|field| Some(field.name().clone())).collect::<Vec<_>>()];
    while let Some(batch) = reader.next_batch()? {
        for row in 0..batch.num_rows() {
            rows.push(
                batch
                    .columns()
                    .iter()
                    .map(|column| {
                        let column = column.as_string::<i32>();
                        (!column.is_null(row)).then(|| column.value(row).to_owned())
                    })
                    .collect(),
            );
        }
    }
    Ok(rows)
}

fn texts(row: &[Option<String>]) -> Vec<&str> {
    row.iter().map(|field| field.as_deref().unwrap_or("NULL")).collect()
}

#[test]
fn an_empty_field_is_null_and_a_quoted_one_is_the_empty_string() {
    let rows = read(b"a,b,c\n007,,\"\"\n").expect("it reads");
    assert_eq!(texts(&rows[1]), ["007", "NULL", ""]);
}

#[test]
fn quotes_line_breaks_and_separators_survive_in_quoted_fields() {
    let rows = read("\u{feff}name;note\r\n\"Zoë; \"\"Z\"\"\";\"one\r\ntwo\"\r\nÅse;a\"b".as_bytes()).expect("it reads");
    assert_eq!(texts(&rows[0]), ["name", "note"]);
    assert_eq!(texts(&rows[1]), ["Zoë; \"Z\"", "one\r\ntwo"]);
    assert_eq!(texts(&rows[2]), ["Åse", "a\"b"]);
}

#[test]
fn blank_lines_are_rows_only_in_a_file_of_one_column() {
    assert_eq!(read(b"a,b\n1,2\n\n3,4\n\n").expect("it reads").len(), 3);
    let rows = read(b"a\n1\n\n3\n").expect("it reads");
    assert_eq!(rows.len(), 4);
    assert_eq!(texts(&rows[2]), ["NULL"]);
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    for (bytes, words) in [
        (&b"a,b\n1,2\n\"x\ny\",2,3\n"[..], "line 3: 3 fields"),
        (b"a,b\n1,2\n\"x,2\n", "line 3: a quoted field that is never closed"),
        (b"a,b\n1,\"2\"x\n", "line 2: text after the closing quote"),
        (b"a,b\n1,2\n\xe4,2\n", "line 3: the record is not UTF-8"),
        (b"a,b\n\xc3,\xa4\n", "line 2: the record is not UTF-8"),
        (b"\xff\xfea\x00", "line 1: the file is UTF-16"),
        (b"", "is empty"),
    ] {
        let error = read(bytes).expect_err("it must be refused");
        assert!(error.message.contains(words), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn what_is_written_quoted_is_read_back(
        rows in prop::collection::vec(prop::collection::vec("[ -~é\r\n\",;]{0,6}", 3), 1..8)
    ) {
        let mut file = String::from("a,b,c\n");
        for row in &rows {
            let fields: Vec<String> = row.iter().map(|f| format!("\"{}\"", f.replace('"', "\"\""))).collect();
            file.push_str(&fields.join(","));
            file.push('\n');
        }
        let back = read(file.as_bytes()).expect("it reads");
        prop_assert_eq!(back.len(), rows.len() + 1);
        for (row, back) in rows.iter().zip(&back[1..]) {
            prop_assert_eq!(row.iter().map(String::as_str).collect::<Vec<_>>(), texts(back));
        }
    }
}
