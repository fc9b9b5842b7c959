//! The `files` source: tables of each format, and SQL over them.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{Int32Builder, ListBuilder};
use arrow_array::{
    ArrayRef, Date32Array, Decimal128Array, Int32Array, RecordBatch, StringArray, StructArray,
    TimestampMillisecondArray,
};
use arrow_schema::{DataType, Field};
use hubward_core::spec::SourceSpec;
use hubward_sources::{CancelFlag, ReadOptions, Source, SourceErrorKind};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;

use crate::support::{read, read_with, source, sql, table, types_of};

fn files(root: &Path) -> Box<dyn Source> {
    source(&SourceSpec::Files { root: root.to_owned() })
}

fn write_orders(path: &Path) {
    let mut scores = ListBuilder::new(Int32Builder::new());
    scores.append_value([Some(1), None, Some(3)]);
    scores.append_null();
    scores.append_value([]);
    let home = StructArray::from(vec![
        (
            Arc::new(Field::new("city", DataType::Utf8, true)),
            Arc::new(StringArray::from(vec![Some("Åre"), None, Some("Łódź")])) as ArrayRef,
        ),
        (Arc::new(Field::new("zip", DataType::Int32, true)), Arc::new(Int32Array::from(vec![1, 2, 3])) as ArrayRef),
    ]);
    let amount =
        Decimal128Array::from(vec![Some(1250), Some(-5), None]).with_precision_and_scale(10, 2).expect("it fits");
    let at = TimestampMillisecondArray::from(vec![Some(1_700_000_000_123), None, Some(0)]).with_timezone("+00:00");
    let batch = RecordBatch::try_from_iter(vec![
        ("id", Arc::new(Int32Array::from(vec![1, 2, 3])) as ArrayRef),
        ("scores", Arc::new(scores.finish()) as ArrayRef),
        ("home", Arc::new(home) as ArrayRef),
        ("amount", Arc::new(amount) as ArrayRef),
        ("day", Arc::new(Date32Array::from(vec![Some(0), None, Some(19_000)])) as ArrayRef),
        ("at", Arc::new(at) as ArrayRef),
    ])
    .expect("columns of one length");
    let file = File::create(path).expect("the file is made");
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).expect("it writes");
    writer.write(&batch).expect("it writes");
    writer.close().expect("it closes");
}

#[test]
fn parquet_keeps_its_types_nested_ones_too() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_orders(&folder.path().join("orders.parquet"));
    let source = files(folder.path());
    let rows = read(source.as_ref(), &table("orders")).expect("it reads");
    let types = rows.types();
    assert!(types[1].starts_with("scores List("), "{types:?}");
    assert!(types[2].starts_with("home Struct("), "{types:?}");
    assert_eq!(types[3], "amount Decimal128(10, 2)");
    assert_eq!(types[5], "at Timestamp(µs, \"UTC\")");
    assert_eq!(
        rows.row(0),
        ["1", "[1, NULL, 3]", "{city: Åre, zip: 1}", "12.50", "1970-01-01", "2023-11-14T22:13:20.123Z"]
    );
    assert_eq!(rows.row(1)[1], "NULL");
    assert_eq!(rows.row(2)[1], "[]");
    let columns = source.columns(&table("orders"), &ReadOptions::default()).expect("it has columns");
    assert_eq!(types_of(&columns), types);
}

#[test]
fn parquet_streams_over_row_groups_in_batches_of_the_asked_size() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("many.parquet");
    let numbers = |from: i32| {
        let column: ArrayRef = Arc::new(Int32Array::from_iter_values(from..from + 10_000));
        RecordBatch::try_from_iter(vec![("n", column)]).expect("one column")
    };
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(7_000)).build();
    let file = File::create(&path).expect("the file is made");
    let mut writer = ArrowWriter::try_new(file, numbers(0).schema(), Some(properties)).expect("it writes");
    for step in 0..30 {
        writer.write(&numbers(step * 10_000)).expect("it writes");
    }
    writer.close().expect("it closes");

    let source = files(folder.path());
    let cancel = CancelFlag::default();
    let options = ReadOptions { batch_rows: 1000, cancel: cancel.clone(), ..ReadOptions::default() };
    let mut stream = source.read(&table("many"), &options).expect("it starts");
    let mut rows = 0;
    while let Some(batch) = stream.next_batch().expect("it reads") {
        assert!(batch.num_rows() <= 1000);
        rows += batch.num_rows();
    }
    assert_eq!(rows, 300_000);
    let counted = read(source.as_ref(), &sql("select count(*) as n, max(n) as top from many"));
    assert_eq!(counted.expect("it counts").rows, [["300000", "299999"]]);

    let mut stream = source.read(&table("many"), &options).expect("it starts");
    assert!(stream.next_batch().expect("it reads").is_some());
    cancel.cancel();
    let error = stream.next_batch().expect_err("it was cancelled");
    assert_eq!(error.kind, SourceErrorKind::Cancelled);
}

#[test]
fn sql_joins_files_of_all_formats() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_orders(&folder.path().join("orders.parquet"));
    fs::write(folder.path().join("People.CSV"), "id,name,zip\n1,Zoë,00501\n2,,\n3,\"\",7\n").expect("written");
    fs::write(folder.path().join("notes.jsonl"), "{\"id\":1,\"tags\":[\"a\"],\"ok\":true}\n{\"id\":2,\"tags\":[]}\n")
        .expect("written");
    let source = files(folder.path());
    assert_eq!(source.tables().expect("it lists"), ["People", "notes", "orders"]);
    let rows = read(
        source.as_ref(),
        &sql("with x as (select * from main.people)
              select o.id, x.name, x.zip, n.ok, n.tags, o.home, o.amount, o.day, o.at,
                     json_extract(o.home, '$.city') as city, o.amount > 2 as large, cast(x.zip as integer) as zip_number
              from orders o join x on x.id = o.id left join notes n on n.id = o.id order by o.id;"),
    )
    .expect("it reads");
    assert_eq!(
        rows.types(),
        [
            "id Int64",
            "name Utf8",
            "zip Utf8",
            "ok Boolean",
            "tags json",
            "home json",
            "amount Utf8",
            "day Utf8",
            "at Utf8",
            "city Utf8",
            "large Int64",
            "zip_number Int64"
        ]
    );
    assert_eq!(
        rows.row(0),
        [
            "1",
            "Zoë",
            "00501",
            "true",
            "[\"a\"]",
            "{\"city\":\"Åre\",\"zip\":1}",
            "12.50",
            "1970-01-01",
            "2023-11-14T22:13:20.123Z",
            "Åre",
            "1",
            "501"
        ]
    );
    assert_eq!(rows.row(1)[1], "NULL");
    assert_eq!(rows.row(2)[1], "");
}

#[test]
fn a_join_of_large_files_reads_each_once_and_equals_a_databases() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut customers = String::from("id,name\n");
    let mut orders = String::new();
    for id in 0..20_000 {
        customers.push_str(&format!("{id:05},customer {id}\n"));
        orders.push_str(&format!("{{\"customer\":{},\"amount\":{id}}}\n", id % 7_000));
    }
    fs::write(folder.path().join("customers.csv"), customers).expect("written");
    fs::write(folder.path().join("orders.jsonl"), orders).expect("written");
    let source = files(folder.path());
    // Text on one side, numbers on the other: SQLite compares them as numbers.
    let query = sql("select count(*) as n, count(distinct c.id) as customers, sum(o.amount) as total
         from customers c join orders o on o.customer = c.id");
    let rows = read(source.as_ref(), &query).expect("it joins");
    assert_eq!(rows.rows, [["20000", "7000", "199990000"]]);
    let query =
        sql("select a.id, b.name from customers a left join customers b on b.id = a.id and b.name <> 'customer 1'
         where a.id in ('00001', '00002', '1') order by 1");
    let rows = read(source.as_ref(), &query).expect("it joins");
    assert_eq!(rows.rows, [["00001", "NULL"], ["00002", "customer 2"]]);
}

#[test]
fn errors_of_files_come_through_sql_with_file_and_line() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("bad.csv"), "a,b\n1,2\n3\n").expect("written");
    fs::write(folder.path().join("twin.csv"), "a\n1\n").expect("written");
    fs::write(folder.path().join("twin.jsonl"), "{\"a\":2}\n").expect("written");
    fs::write(folder.path().join("broken.parquet"), "PAR1 but not really").expect("written");
    let source = files(folder.path());
    let fails = |query| match read(source.as_ref(), &query) {
        Ok(_) => panic!("it must be refused"),
        Err(error) => error,
    };
    let error = fails(sql("select a from bad"));
    assert!(error.message.contains("bad.csv, line 3: 1 fields"), "{error}");
    assert_eq!(error.kind, SourceErrorKind::Read);
    let error = fails(sql("select * from twin"));
    assert!(error.message.contains("twin.csv") && error.message.contains("twin.jsonl"), "{error}");
    assert_eq!(fails(table("twin")).message, error.message);
    let error = fails(sql("select a\nfrom nowhere"));
    assert_eq!(error.kind, SourceErrorKind::UnknownTable);
    assert!(error.message.contains("`nowhere`") && error.message.contains("bad"), "{error}");
    assert_eq!(fails(sql("select nope from bad")).kind, SourceErrorKind::UnknownColumn);
    assert!(fails(table("broken")).message.contains("broken.parquet"));
    let twin = read(source.as_ref(), &table("twin.jsonl")).expect("a whole name is clear");
    assert_eq!(twin.rows, [["2"]]);
    let whole = read(source.as_ref(), &sql("select a from \"twin.csv\"")).expect("clear");
    assert_eq!(whole.rows, [["1"]]);

    let absent = files(&folder.path().join("absent"));
    let error = absent.check().expect_err("it is not there");
    assert_eq!(error.kind, SourceErrorKind::NotFound);
}

#[test]
fn the_limit_holds_for_files_too() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("t.csv"), "a\n1\n2\n3\n").expect("written");
    let limited = ReadOptions { limit: Some(2), ..ReadOptions::default() };
    let rows = read_with(files(folder.path()).as_ref(), &table("t"), &limited).expect("it reads");
    assert_eq!(rows.rows, [["1"], ["2"]]);
}
