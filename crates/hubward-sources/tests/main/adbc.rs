//! The `adbc` source with real drivers: DuckDB's library and those of PostgreSQL and SQLite from PyPI, which
//! `tests/fetch-drivers.sh` puts where `HUBWARD_TEST_DRIVERS` points.

use std::fs;
use std::path::{Path, PathBuf};

use hubward_core::SecretString;
use hubward_core::spec::SourceSpec;
use hubward_sources::{CancelFlag, DriverSearch, ReadOptions, Source, SourceErrorKind, open_with};

use crate::server::Server;
use crate::support::{read, read_with, skipped, source, sql, table, types_of};

/// The folder of drivers, or `None` with one line on why the test is skipped.
fn drivers() -> Option<PathBuf> {
    let folder = std::env::var_os("HUBWARD_TEST_DRIVERS").map(PathBuf::from);
    if folder.is_none() {
        skipped("HUBWARD_TEST_DRIVERS is not set (see tests/fetch-drivers.sh)");
    }
    folder
}

fn spec(driver: impl AsRef<Path>, options: &[(&str, &str)]) -> SourceSpec {
    SourceSpec::Adbc {
        driver: driver.as_ref().display().to_string(),
        entrypoint: None,
        options: options
            .iter()
            .map(|(key, value)| ((*key).to_owned(), SecretString::from((*value).to_owned())))
            .collect(),
    }
}

fn duckdb(drivers: &Path, options: &[(&str, &str)]) -> Box<dyn Source> {
    source(&spec(drivers.join("duckdb/libduckdb.so"), options))
}

#[test]
fn duckdb_reads_its_types_nested_ones_too() {
    let Some(drivers) = drivers() else {
        return;
    };
    let source = duckdb(&drivers, &[]);
    source.check().expect("it opens");
    let query =
        sql("select 1::bigint as id, 'Zoë 🦀' as name, 12.50::decimal(10,2) as amount, date '2024-02-29' as day,
                timestamp '2024-02-29 12:00:00' as ts, timestamptz '2024-02-29 12:00:00+00' as tz, [1, null, 3] as list,
                {'city': 'Åre', 'zip': 7} as home, true as ok, null::varchar as nothing, '{\"a\":1}'::json as doc,
                'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid as uid, 'x'::enum('x','y') as mood, map{'k': 1} as m");
    let rows = read(source.as_ref(), &query).expect("it reads");
    let types = rows.types();
    assert_eq!(
        types[..6],
        [
            "id Int64",
            "name Utf8",
            "amount Decimal128(10, 2)",
            "day Date32",
            "ts Timestamp(µs)",
            "tz Timestamp(µs, \"UTC\")"
        ]
    );
    assert!(types[6].starts_with("list List(Int32"), "{types:?}");
    assert!(types[7].starts_with("home Struct("), "{types:?}");
    assert_eq!(types[8..13], ["ok Boolean", "nothing Utf8", "doc Utf8", "uid Utf8", "mood Utf8"]);
    assert!(types[13].starts_with("m Map("), "{types:?}");
    assert_eq!(
        rows.row(0),
        [
            "1",
            "Zoë 🦀",
            "12.50",
            "2024-02-29",
            "2024-02-29T12:00:00",
            "2024-02-29T12:00:00Z",
            "[1, NULL, 3]",
            "{city: Åre, zip: 7}",
            "true",
            "NULL",
            "{\"a\":1}",
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
            "x",
            "{k: 1}"
        ]
    );
    let columns = source.columns(&query, &ReadOptions::default()).expect("it prepares");
    assert_eq!(types_of(&columns), types);
}

#[test]
fn duckdb_streams_a_database_file_and_stops_when_told() {
    let Some(drivers) = drivers() else {
        return;
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("lake.duckdb");
    let path = path.to_str().expect("a plain path");
    let source = duckdb(&drivers, &[("path", path)]);
    // DuckDB makes the file; its table is made by a query that is no select.
    let made = read(
        source.as_ref(),
        &sql("create table customers as select range as id, 'customer ' || range as name from range(300000)"),
    );
    made.expect("DuckDB answers with a count");
    assert_eq!(source.tables().expect("it lists"), ["customers"]);
    let mut stream = source.read(&table("customers"), &ReadOptions::default()).expect("it starts");
    let mut rows = 0;
    let mut batches = 0;
    while let Some(batch) = stream.next_batch().expect("it reads") {
        rows += batch.num_rows();
        batches += 1;
    }
    assert_eq!(rows, 300_000);
    assert!(batches > 10, "{batches}");

    let cancel = CancelFlag::default();
    let options = ReadOptions { cancel: cancel.clone(), batch_rows: 100, ..ReadOptions::default() };
    let mut stream = source.read(&table("customers"), &options).expect("it starts");
    let first = stream.next_batch().expect("it reads").expect("there are rows");
    assert_eq!(first.num_rows(), 100);
    cancel.cancel();
    let error = stream.next_batch().expect_err("it was cancelled");
    assert_eq!(error.kind, SourceErrorKind::Cancelled);
    let limited = ReadOptions { limit: Some(5), ..ReadOptions::default() };
    let rows = read_with(source.as_ref(), &table("customers"), &limited).expect("it reads");
    assert_eq!(rows.rows.len(), 5);
}

#[test]
fn a_refused_query_or_option_is_told_in_the_drivers_words() {
    let Some(drivers) = drivers() else {
        return;
    };
    let source = duckdb(&drivers, &[]);
    let Err(error) = read(source.as_ref(), &sql("select nope from range(3)")) else {
        panic!("there is no such column");
    };
    assert_eq!(error.kind, SourceErrorKind::Sql);
    assert!(error.message.contains("nope"), "{error}");
    let strange = duckdb(&drivers, &[("no_such_option", "s3cret-value")]);
    let error = strange.check().expect_err("DuckDB knows its options");
    assert_eq!(error.kind, SourceErrorKind::Connect);
    assert!(!format!("{error:?}").contains("s3cret-value"), "{error:?}");
}

#[test]
fn drivers_are_found_by_manifest_and_in_site_packages() {
    let Some(drivers) = drivers() else {
        return;
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let library = fs::canonicalize(drivers.join("duckdb/libduckdb.so")).expect("it is there");
    let manifests = folder.path().join("manifests");
    fs::create_dir(&manifests).expect("made");
    fs::write(
        manifests.join("pond.toml"),
        format!(
            "name = 'DuckDB'\n[Driver]\nentrypoint = 'duckdb_adbc_init'\n[Driver.shared]\nlinux_amd64 = '{}'\n",
            library.display()
        ),
    )
    .expect("written");
    let site = folder.path().join("venv/lib/python3.11/site-packages/adbc_driver_sqlite");
    fs::create_dir_all(&site).expect("made");
    let wheel = drivers.join("adbc_driver_sqlite/libadbc_driver_sqlite.so");
    fs::copy(wheel, site.join("libadbc_driver_sqlite.so")).expect("copied");
    let search =
        DriverSearch { driver_paths: vec![manifests.clone()], venv: Some(folder.path().join("venv")), home: None };
    for (driver, options) in [
        ("pond".to_owned(), &[][..]),
        (manifests.join("pond.toml").display().to_string(), &[]),
        ("sqlite".to_owned(), &[("uri", ":memory:")]),
    ] {
        let source = open_with(&spec(&driver, options), &search).expect("the specification is sound");
        let rows = read(source.as_ref(), &sql("select 42 as answer")).expect("it reads");
        assert_eq!(rows.rows, [["42"]], "{driver}");
    }
    // A reading may bring its own search.
    let plain = source(&spec("pond", &[]));
    assert_eq!(plain.check().expect_err("nobody said where").kind, SourceErrorKind::Driver);
    let options = ReadOptions { env: search, ..ReadOptions::default() };
    let rows = read_with(plain.as_ref(), &sql("select 42 as answer"), &options).expect("it reads");
    assert_eq!(rows.rows, [["42"]]);
}

#[test]
fn the_sqlite_driver_reads_a_file() {
    let Some(drivers) = drivers() else {
        return;
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("t.sqlite");
    rusqlite::Connection::open(&path)
        .expect("the database is made")
        .execute_batch("create table t (id integer, name text); insert into t values (1, 'Zoë'), (2, null)")
        .expect("the script runs");
    let library = drivers.join("adbc_driver_sqlite/libadbc_driver_sqlite.so");
    let source = source(&spec(library, &[("uri", path.to_str().expect("a plain path"))]));
    let rows = read(source.as_ref(), &table("t")).expect("it reads");
    assert_eq!(rows.types(), ["id Int64", "name Utf8"]);
    assert_eq!(rows.rows, [["1", "Zoë"], ["2", "NULL"]]);
    assert_eq!(source.tables().expect("it lists"), ["t"]);
}

#[test]
fn the_postgresql_driver_reads_and_opaque_values_are_refused() {
    let Some(drivers) = drivers() else {
        return;
    };
    let Some(server) = Server::start() else {
        return;
    };
    let library = drivers.join("adbc_driver_postgresql/libadbc_driver_postgresql.so");
    let source = source(&spec(library, &[("uri", server.url())]));
    source.check().expect("it connects");
    let rows = read(
        source.as_ref(),
        &sql("select 1::bigint as id, 'Zoë' as name, 12.50::numeric as amount, '{\"a\":[1]}'::jsonb as doc, '{1,NULL}'::int[] as ints,
                     '{a,b}'::text[] as texts, timestamptz '2024-02-29 12:00+00' as tz,
                     'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid as uid, null::date as day, '\\xff00'::bytea as raw"),
    )
    .expect("it reads");
    assert_eq!(
        rows.row(0),
        [
            "1",
            "Zoë",
            "12.50",
            "{\"a\": [1]}",
            "[1, NULL]",
            "[a, b]",
            "2024-02-29T12:00:00Z",
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
            "NULL",
            "ff00"
        ]
    );
    assert_eq!(rows.types()[3], "doc json");
    for query in [
        "select '10.0.0.1'::inet as odd",
        "select '12:00+02'::timetz as odd",
        "select '{10.0.0.1}'::inet[] as odd",
        "select '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}'::uuid[] as odd",
        "select 12.5::money as odd",
        "select 'infinity'::timestamp as odd",
        "select '-infinity'::timestamptz as odd",
        "select 'infinity'::date as odd",
    ] {
        let Err(error) = read(source.as_ref(), &sql(query)) else {
            panic!("`{query}` must be refused");
        };
        assert_eq!(error.kind, SourceErrorKind::Unsupported, "{query}: {error}");
        assert!(error.message.contains("`odd`"), "{query}: {error}");
    }
    let Err(error) = read(source.as_ref(), &sql("select nope from pg_class")) else {
        panic!("there is no such column");
    };
    assert_eq!(error.kind, SourceErrorKind::UnknownColumn);
    let mut stream = source
        .read(&sql("select i as id from generate_series(1, 300000) i"), &ReadOptions::default())
        .expect("it starts");
    let mut rows = 0;
    while let Some(batch) = stream.next_batch().expect("it reads") {
        assert!(batch.num_rows() <= 8192);
        rows += batch.num_rows();
    }
    assert_eq!(rows, 300_000);
}
