//! The `postgres` source against a real server.

use hubward_sources::{CancelFlag, ReadOptions, SourceErrorKind};

use crate::server::{Server, of_url};
use crate::support::{read, read_with, shared, sql, table, types_of};

#[test]
fn every_common_type_comes_exactly() {
    let Some(server) = Server::start() else {
        return;
    };
    server.run(
        "drop schema if exists hubward_types cascade; create schema hubward_types; set search_path to hubward_types;
         create type mood as enum ('glad', 'søt');
         create type pair as (a int, b text);
         create domain email as text;
         create table t (id bigint, b bool, i2 int2, i4 int4, f4 float4, f8 float8, n numeric, d numeric(12,3),
             t text, v varchar(9), c char(4), u uuid, day date, tm time, ts timestamp, tz timestamptz, iv interval,
             j json, jb jsonb, bytes bytea, m mood, e email, ints int[], texts text[], moods mood[], ip inet, ips inet[],
             mac macaddr, r int4range, p pair, nums numeric[], days date[]);
         insert into t values (9007199254740993, true, -2, 4, 1.5, 0.1, 123456789012345678901234567890.000000001, -12.5,
             'Zoë 🦀', 'v', 'ab', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '1969-12-31', '23:59:59.5',
             '2024-02-29 12:00:00.123456', '2024-02-29 12:00:00+02', '1 day 02:00', '{\"a\": [1, 2]}', '{\"a\":{\"b\":null}}',
             '\\xff00', 'søt', 'a@b.c', '{1,NULL,3}', '{a,\"b,c\",NULL}', '{glad}', '10.0.0.1/8', '{::1}',
             '08:00:2b:01:02:03', '[1,5)', '(1,x)', '{1.50,2}', '{2024-01-01}');
         insert into t (id) values (2);",
    );
    let source = server.source();
    let rows = read(source.as_ref(), &table("hubward_types.t")).expect("it reads");
    assert_eq!(
        rows.types(),
        [
            "id Int64",
            "b Boolean",
            "i2 Int16",
            "i4 Int32",
            "f4 Float32",
            "f8 Float64",
            "n Utf8",
            "d Decimal128(12, 3)",
            "t Utf8",
            "v Utf8",
            "c Utf8",
            "u Utf8",
            "day Date32",
            "tm Time64(µs)",
            "ts Timestamp(µs)",
            "tz Timestamp(µs, \"UTC\")",
            "iv Utf8",
            "j json",
            "jb json",
            "bytes Binary",
            "m Utf8",
            "e Utf8",
            "ints List(Int32)",
            "texts List(Utf8)",
            "moods List(Utf8)",
            "ip Utf8",
            "ips List(Utf8)",
            "mac Utf8",
            "r Utf8",
            "p Utf8",
            "nums List(Utf8)",
            "days List(Date32)"
        ]
    );
    assert_eq!(
        rows.row(0),
        [
            "9007199254740993",
            "true",
            "-2",
            "4",
            "1.5",
            "0.1",
            "123456789012345678901234567890.000000001",
            "-12.500",
            "Zoë 🦀",
            "v",
            "ab",
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
            "1969-12-31",
            "23:59:59.500",
            "2024-02-29T12:00:00.123456",
            "2024-02-29T10:00:00Z",
            "1 day 02:00:00",
            "{\"a\": [1, 2]}",
            "{\"a\": {\"b\": null}}",
            "ff00",
            "søt",
            "a@b.c",
            "[1, NULL, 3]",
            "[a, b,c, NULL]",
            "[glad]",
            "10.0.0.1/8",
            "[::1/128]",
            "08:00:2b:01:02:03",
            "[1,5)",
            "(1,x)",
            "[1.50, 2]",
            "[2024-01-01]"
        ]
    );
    assert!(rows.row(1)[1..].iter().all(|value| *value == "NULL"));
    let columns = source.columns(&table("hubward_types.t"), &ReadOptions::default()).expect("it prepares");
    assert_eq!(types_of(&columns), rows.types());
    assert!(source.tables().expect("it lists").contains(&"hubward_types.t".to_owned()));
}

#[test]
fn what_has_no_exact_value_is_refused_with_its_column_and_a_remedy() {
    let Some(server) = Server::start() else {
        return;
    };
    let source = server.source();
    let fails = |text: &str| match read(source.as_ref(), &sql(text)) {
        Ok(_) => panic!("`{text}` must be refused"),
        Err(error) => error,
    };
    for (query, words) in [
        ("select 1 as a, 'infinity'::date as gone", "row 1, column `gone`"),
        ("select '-infinity'::timestamptz as gone", "row 1, column `gone`"),
        ("select 'NaN'::numeric(5,2) as rate", "row 1, column `rate`"),
        ("select array[[1,2],[3,4]] as grid", "column `grid`: the array has more than one"),
        ("select 12.5::money as price", "column `price` has the type money"),
    ] {
        let error = fails(query);
        assert_eq!(error.kind, SourceErrorKind::Unsupported, "{error}");
        assert!(error.message.contains(words), "{error}");
        assert!(error.help.is_some());
    }

    let error = fails("select 1 as é,\n  nope\nfrom pg_class");
    assert_eq!(error.kind, SourceErrorKind::UnknownColumn);
    let position = error.position.expect("the server names the place");
    assert_eq!((position.line, position.column), (2, 3));
    assert_eq!(fails("select 1 from nowhere").kind, SourceErrorKind::UnknownTable);
    assert_eq!(fails("selec 1").kind, SourceErrorKind::Sql);
    assert_eq!(fails("select $1::int as a").kind, SourceErrorKind::Sql);
    assert_eq!(fails("select 1 as a, 2 as a").kind, SourceErrorKind::Sql);
    assert_eq!(fails("create table hubward_no (id int)").kind, SourceErrorKind::Sql);
    // The division fails only in the 20,000th row, when batches are already under way.
    let error = fails("select 1 / (20000 - i) as x from generate_series(1, 30000) i");
    assert_eq!(error.kind, SourceErrorKind::Sql);
    assert!(error.message.contains("division by zero"), "{error}");
    let rows = read(source.as_ref(), &sql("select '10.0.0.1'::inet as ip -- an address\n;"));
    assert_eq!(rows.expect("a comment and a semicolon do no harm").rows, [["10.0.0.1/32"]]);
}

#[test]
fn batches_arrive_before_the_query_ends_and_cancelling_stops_it() {
    let Some(server) = Server::start() else {
        return;
    };
    let source = server.source();
    let query = sql("select i as id, 'customer ' || i as name from generate_series(1, 300000) i");
    let mut stream = source.read(&query, &ReadOptions::default()).expect("it starts");
    let mut sizes = Vec::new();
    while let Some(batch) = stream.next_batch().expect("it reads") {
        sizes.push(batch.num_rows());
    }
    assert_eq!(sizes.iter().sum::<usize>(), 300_000);
    assert!(sizes[..sizes.len() - 1].iter().all(|size| *size == 8192));

    let limited = ReadOptions { limit: Some(3), ..ReadOptions::default() };
    let rows = read_with(source.as_ref(), &query, &limited).expect("it reads");
    assert_eq!(rows.rows.len(), 3);

    // Rows without end (in the select list the function streams; in `from` it would fill a disk first), then a query that says nothing for an hour.
    let cancel = CancelFlag::default();
    let options = ReadOptions { cancel: cancel.clone(), batch_rows: 100, ..ReadOptions::default() };
    let endless = sql("select generate_series(1, 1000000000000) as i");
    let mut stream = source.read(&endless, &options).expect("it starts");
    assert!(stream.next_batch().expect("it reads").is_some());
    let sleeper = source
        .read(&sql("select pg_sleep(3600)::text as hubward_sleeper"), &options)
        .expect("its columns are known before it sleeps");
    cancel.cancel();
    for mut stream in [stream, sleeper] {
        let error = loop {
            match stream.next_batch() {
                Ok(Some(_)) => {}
                Ok(None) => panic!("the stream has no end"),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind, SourceErrorKind::Cancelled);
    }
    // The server was told, too.
    let running = sql(
        "select count(*) as n from pg_stat_activity where state = 'active' and query like '%hubward_sleeper' and pid <> pg_backend_pid()",
    );
    let gone = (0..10_000).any(|_| {
        std::thread::yield_now();
        read(source.as_ref(), &running).expect("it reads").rows == [["0"]]
    });
    assert!(gone, "the server still works on a query that nobody wants");
}

#[test]
fn chinook_customers_come_whole() {
    let Some(script) = shared("chinook-postgres.sql") else {
        return;
    };
    let Some(server) = Server::start() else {
        return;
    };
    let script = std::fs::read_to_string(script).expect("the script is text");
    let (_, tables) = script.split_once("\\c chinook;").expect("the script turns to its own database first");
    server.run(&format!(
        "drop schema if exists hubward_chinook cascade; create schema hubward_chinook;
         set search_path to hubward_chinook; {tables}"
    ));
    let rows = read(
        server.source().as_ref(),
        &sql("select c.customer_id, first_name, sum(total) as spent, min(invoice_date)::date as first
              from hubward_chinook.customer c join hubward_chinook.invoice i using (customer_id) group by 1, 2 order by 1"),
    )
    .expect("it reads");
    assert_eq!(rows.rows.len(), 59);
    assert_eq!(rows.types(), ["customer_id Int32", "first_name Utf8", "spent Utf8", "first Date32"]);
    assert_eq!(rows.row(0)[..3], ["1", "Luís", "39.62"]);
}

#[test]
fn a_server_that_cannot_be_reached_or_refuses_says_so_without_the_password() {
    let silent = of_url("postgres://u:s3cret@127.0.0.1:1/db?connect_timeout=5");
    let error = silent.check().expect_err("nobody listens there");
    assert_eq!(error.kind, SourceErrorKind::Connect);
    assert!(error.message.contains("127.0.0.1:1"), "{error}");
    assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");

    let Some(server) = Server::start() else {
        return;
    };
    let Some(folder) = server.folder() else {
        return;
    };
    let socket = folder.display();
    let unknown = of_url(&format!("host={socket} user=nobody_here password=s3cret dbname=postgres"));
    let error = unknown.check().expect_err("there is no such user");
    assert_eq!(error.kind, SourceErrorKind::Auth);
    assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
    let nowhere = of_url(&format!("host={socket} user=postgres dbname=nowhere"));
    let error = nowhere.check().expect_err("there is no such database");
    assert_eq!(error.kind, SourceErrorKind::NotFound);
}

#[test]
fn sslmode_decides_who_is_trusted() {
    let Some(server) = Server::start() else {
        return;
    };
    let Some(port) = server.with_tls() else {
        return;
    };
    let folder = server.folder().expect("TLS runs on a private cluster").display();
    let encrypted = |url: &str| {
        let query = sql("select ssl from pg_stat_ssl where pid = pg_backend_pid()");
        read(of_url(url).as_ref(), &query).map(|rows| rows.rows[0][0].clone())
    };
    let base = format!("postgres://postgres@localhost:{port}/postgres?sslmode=");
    assert_eq!(encrypted(&format!("{base}disable")).expect("it reads"), "false");
    assert_eq!(encrypted(&format!("{base}prefer")).expect("it reads"), "true");
    assert_eq!(encrypted(&format!("{base}require")).expect("it reads"), "true");
    let error = encrypted(&format!("{base}verify-full")).expect_err("nobody vouches for it");
    assert_eq!(error.kind, SourceErrorKind::Connect);
    let root = std::fs::read(format!("{folder}/data/server.crt")).expect("the certificate");
    let own = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(own.path(), root).expect("written");
    let own = own.path().display();
    let trusting = format!("{base}verify-full&sslrootcert={own}");
    assert_eq!(encrypted(&trusting).expect("the file vouches for it"), "true");
    let other_name = trusting.replace("@localhost", "@127.0.0.1");
    let error = encrypted(&other_name).expect_err("the certificate is for another name");
    assert_eq!(error.kind, SourceErrorKind::Connect);
}
