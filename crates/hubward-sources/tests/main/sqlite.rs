//! The `sqlite` source.

use std::path::Path;

use hubward_core::spec::SourceSpec;
use hubward_sources::{CancelFlag, ReadOptions, Source, SourceErrorKind};
use rusqlite::Connection;

use crate::support::{read, read_with, shared, source, sql, table, texts_of, types_of};

fn database(folder: &Path, script: &str) -> Box<dyn Source> {
    let path = folder.join("t.sqlite");
    Connection::open(&path).expect("the database is made").execute_batch(script).expect("the script runs");
    source(&SourceSpec::Sqlite { path })
}

#[test]
fn declared_types_become_columns_and_nothing_is_bent() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let source = database(
        folder.path(),
        "create table t (id integer primary key, name text, vip boolean, spent decimal(10,2), born date, at datetime, extra json, raw blob);
         insert into t values (1, 'Zoë Ångström 🦀', 1, 12.5, '1990-02-03', '2024-01-02 03:04:05', '{\"a\":[1]}', x'ff00'),
                              (2, null, null, null, null, null, null, null),
                              (3, '', 0, 7, '', '2024-01-02T03:04:05Z', '3', x'');",
    );
    let rows = read(source.as_ref(), &table("t")).expect("it reads");
    assert_eq!(
        rows.types(),
        ["id Int64", "name Utf8", "vip Boolean", "spent Float64", "born Utf8", "at Utf8", "extra json", "raw Binary"]
    );
    assert_eq!(
        rows.row(0),
        ["1", "Zoë Ångström 🦀", "true", "12.5", "1990-02-03", "2024-01-02 03:04:05", "{\"a\":[1]}", "ff00"]
    );
    assert_eq!(rows.row(1)[1..], ["NULL"; 7]);
    assert_eq!(rows.row(2)[1], "");
    let columns = source.columns(&table("t"), &ReadOptions::default()).expect("it prepares");
    assert_eq!(types_of(&columns), rows.types());
}

#[test]
fn an_integer_column_with_text_in_its_first_rows_is_text() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let source = database(folder.path(), "create table t (n integer); insert into t values (1), ('n/a'), (2.5);");
    let rows = read(source.as_ref(), &table("t")).expect("it reads");
    assert_eq!(rows.types(), ["n Utf8"]);
    assert_eq!(rows.rows, [["1"], ["n/a"], ["2.5"]]);
}

#[test]
fn a_value_that_fits_no_more_is_named_with_row_column_and_remedy() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let source = database(
        folder.path(),
        "create table t (id integer primary key, n integer);
         insert into t values (1, 1), (2, 2), (3, 'three');",
    );
    let options = ReadOptions { batch_rows: 2, ..ReadOptions::default() };
    let query = sql("select id, n from t order by id");
    let Err(error) = read_with(source.as_ref(), &query, &options) else {
        panic!("the text cannot pass as a number");
    };
    assert_eq!(error.kind, SourceErrorKind::Read);
    assert!(error.message.contains("row 3, column `n`: the text 'three'"), "{error}");
    assert!(error.help.expect("a remedy").contains("cast(n as text)"));
}

#[test]
fn a_refused_query_says_where() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let source = database(folder.path(), "create table t (id integer);");
    let fails = |text: &str| source.columns(&sql(text), &ReadOptions::default()).expect_err("it must be refused");
    let error = fails("select id,\n  nmae\nfrom t");
    assert_eq!(error.kind, SourceErrorKind::UnknownColumn);
    let position = error.position.expect("SQLite names the place");
    assert_eq!((position.line, position.column), (2, 3));
    assert_eq!(fails("select * from nope").kind, SourceErrorKind::UnknownTable);
    assert_eq!(fails("selec 1").kind, SourceErrorKind::Sql);
    assert_eq!(fails("delete from t").kind, SourceErrorKind::Sql);
    assert_eq!(fails("select 1; select 2").kind, SourceErrorKind::Sql);
    assert_eq!(fails("-- nothing").kind, SourceErrorKind::Sql);
    assert_eq!(fails("select 1 as a, 2 as a").kind, SourceErrorKind::Sql);
    assert!(read(source.as_ref(), &sql("select id from t;\n-- end")).is_ok());
}

#[test]
fn what_cannot_be_opened_says_so() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let absent = source(&SourceSpec::Sqlite { path: folder.path().join("absent.sqlite") });
    assert_eq!(absent.check().expect_err("it is not there").kind, SourceErrorKind::NotFound);
    let path = folder.path().join("text.sqlite");
    std::fs::write(&path, "this is no database, only text of some length").expect("written");
    let other = source(&SourceSpec::Sqlite { path });
    assert_eq!(other.check().expect_err("it is no database").kind, SourceErrorKind::Connect);
}

const MANY: &str = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 300000)
    select i as id, 'customer ' || i as name from n";

#[test]
fn batches_arrive_before_the_source_ends_and_cancelling_stops_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let source = database(folder.path(), "create table t (id integer);");
    let cancel = CancelFlag::default();
    let options = ReadOptions { cancel: cancel.clone(), ..ReadOptions::default() };
    // Without an end of its own: only a reader that streams and listens ever comes back.
    let endless = sql("with recursive n(i) as (select 1 union all select i + 1 from n) select i from n");
    let mut stream = source.read(&endless, &options).expect("it starts");
    let first = stream.next_batch().expect("it reads").expect("there is a batch");
    assert_eq!(texts_of(&first)[0], ["1"]);
    cancel.cancel();
    let error = loop {
        match stream.next_batch() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("an endless query has no end"),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind, SourceErrorKind::Cancelled);
    assert!(stream.next_batch().is_err());
}

#[test]
fn all_rows_come_in_batches_of_the_asked_size() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let source = database(folder.path(), "create table t (id integer);");
    let mut stream = source.read(&sql(MANY), &ReadOptions::default()).expect("it starts");
    let mut sizes = Vec::new();
    while let Some(batch) = stream.next_batch().expect("it reads") {
        sizes.push(batch.num_rows());
    }
    assert_eq!(sizes.iter().sum::<usize>(), 300_000);
    assert!(sizes[..sizes.len() - 1].iter().all(|size| *size == 8192));

    let limited = ReadOptions { limit: Some(10_000), ..ReadOptions::default() };
    let rows = read_with(source.as_ref(), &sql(MANY), &limited).expect("it reads");
    assert_eq!(rows.rows.len(), 10_000);
    assert_eq!(rows.row(9_999), ["10000", "customer 10000"]);
}

#[test]
fn chinook_customers_come_whole() {
    let Some(path) = shared("chinook.sqlite") else {
        return;
    };
    let source = source(&SourceSpec::Sqlite { path });
    source.check().expect("it opens");
    assert!(source.tables().expect("it lists").contains(&"Customer".to_owned()));
    let rows = read(
        source.as_ref(),
        &sql("select CustomerId, FirstName, sum(Total) as spent from Customer join Invoice using (CustomerId) group by 1 order by 1"),
    )
    .expect("it reads");
    assert_eq!(rows.rows.len(), 59);
    assert_eq!(rows.types(), ["CustomerId Int64", "FirstName Utf8", "spent Float64"]);
    assert_eq!(rows.row(0)[..2], ["1", "Luís"]);
}

/// The most memory that this process has held so far, where the system says so.
fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024)
}

#[test]
fn memory_does_not_grow_with_the_rows() {
    let Some(before) = peak_bytes() else {
        crate::support::skipped("this system does not tell a process's peak memory");
        return;
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let source = database(folder.path(), "create table t (id integer);");
    // 600,000 rows of a kilobyte: held whole they would be 600 MB.
    let query = sql("with recursive n(i) as (select 1 union all select i + 1 from n where i < 600000)
         select i as id, printf('%1000d', i) as text from n");
    let mut stream = source.read(&query, &ReadOptions::default()).expect("it starts");
    let mut rows = 0;
    while let Some(batch) = stream.next_batch().expect("it reads") {
        rows += batch.num_rows();
    }
    assert_eq!(rows, 600_000);
    let grown = peak_bytes().expect("it said so before") - before;
    assert!(grown < 250_000_000, "{grown} bytes");
}
