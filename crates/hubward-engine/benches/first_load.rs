//! The first load of contacts under HubSpot's limit of ten seconds, and the runs after it.
//!
//! `cargo bench -p hubward-engine --bench first_load -- [ROWS]`, 100,000 rows by default: from SQLite to a sandbox of tier
//! professional that answers after 400 ms, over a loopback socket. Afterwards every record is compared with its row; a
//! second run finds nothing to do; a third finds one changed row.
#![expect(clippy::print_stdout, reason = "figures are its output")]

mod support;

use std::collections::HashMap;
use std::path::Path;

use hubward_core::spec::{Location, Match, Model, ModelQuery, ObjectSync, SourceSpec};
use hubward_engine::{RunOptions, Status, SyncJob, SyncReport};
use rusqlite::{Connection, params};
use support::process::{Cost, Meter};
use support::{Account, data_folder, mapped};

const LATENCY_MS: u64 = 400;
/// Requests that tier professional may send in any ten seconds (api.md 2.3).
const BURST: u64 = 190;
const BURST_SECONDS: f64 = 10.0;
const ROWS_A_BATCH: u64 = 100;
/// What is mapped: property, column of the source.
const MAPPED: [(&str, &str); 6] = [
    ("firstname", "first_name"),
    ("lastname", "last_name"),
    ("company", "company"),
    ("city", "city"),
    ("country", "country"),
    ("phone", "phone"),
];

fn main() {
    if support::served_sandbox() {
        return;
    }
    let rows: u64 = support::arguments().first().map_or(100_000, |text| text.parse().expect("ROWS is a number"));
    let folder = tempfile::tempdir_in(data_folder()).expect("a temporary folder");
    let source = folder.path().join("shop.sqlite");
    customers(&source, rows);
    let account = Account::start("professional", LATENCY_MS);
    let job = job(&source);
    let state = folder.path().join(".hubward");
    println!("{rows} rows, {} columns mapped, load average {}", MAPPED.len(), support::load_average());

    let began = epoch_seconds();
    let (first, cost) = run(&account, &state, &job);
    let ended = epoch_seconds();
    assert!(first.outcomes.total() == rows && first.changes.added == rows, "{first:?}");
    let batches = rows.div_ceil(ROWS_A_BATCH);
    let least = (batches - 1).div_euclid(BURST) as f64 * BURST_SECONDS + LATENCY_MS as f64 / 1000.0;
    let stats = account.control("GET", "stats", "");
    println!("first run: {}", cost.shown());
    println!("  least time that the limit allows {batches} batches: {least:.1} s; ratio {:.3}", cost.seconds / least);
    println!(
        "  requests: {} to write ({:.2} for each 1,000 rows), {} in all; {} answered 429; {} repeated",
        writes(&first),
        writes(&first) as f64 * 1000.0 / rows as f64,
        stats["total"],
        stats["throttled"],
        first.requests.retried
    );
    let (first_sent, last_sent, answered) = sending(&state);
    println!(
        "  first batch sent after {:.2} s, last one {:.2} s later, answered after {:.2} s more; done {:.2} s after that",
        first_sent - began,
        last_sent - first_sent,
        answered - last_sent,
        ended - answered
    );
    println!("  most requests in any ten seconds: {} of {BURST}", stats["max_in_10s"]);
    println!("  outcomes: {:?}", first.outcomes);

    let compared = verify(&account, &source);
    assert_eq!(compared, rows, "every row has its record");
    println!("verified: {compared} records, each equal to its row");

    let (second, cost) = run(&account, &state, &job);
    assert!(second.changes.unchanged == rows && second.outcomes.total() == rows, "{second:?}");
    println!("second run, nothing changed: {}; {} requests to write", cost.times(), writes(&second));

    let connection = Connection::open(&source).expect("the source opens");
    connection.execute("update customers set city = 'Århus' where id = 1", []).expect("the row changes");
    drop(connection);
    let (third, cost) = run(&account, &state, &job);
    assert!(third.changes.changed == 1, "{third:?}");
    assert_eq!(verify(&account, &source), rows);
    println!("third run, one row changed: {}; {} requests to write", cost.times(), writes(&third));
    println!("load average {}", support::load_average());
}

/// One run as the program does it: a new connection to the account, then the sync.
fn run(account: &Account, state: &Path, job: &SyncJob) -> (SyncReport, Cost) {
    let meter = Meter::start();
    let report = support::runtime().block_on(async {
        let engine = support::engine(account, state).await;
        let run = uuid::Uuid::now_v7().to_string();
        engine.recorder().set_run(&run);
        engine.run_sync(job, &run, &RunOptions::default()).await
    });
    let cost = meter.stop();
    assert_eq!(report.status, Status::Ok, "{report:?}");
    (report, cost)
}

fn epoch_seconds() -> f64 {
    jiff::Timestamp::now().as_millisecond() as f64 / 1000.0
}

/// From the request log: when the first batch was sent, when the last one was, and when the last was answered, in seconds
/// since the epoch.
fn sending(state: &Path) -> (f64, f64, f64) {
    let connection = Connection::open(state.join("state.sqlite")).expect("the state database opens");
    connection
        .query_row(
            "select min(at) / 1000.0, max(at) / 1000.0, max(at + ms) / 1000.0 from requests where path like '%/batch/%'",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .expect("requests were logged")
}

fn writes(report: &SyncReport) -> u64 {
    report.requests.upsert + report.requests.create + report.requests.update
}

/// Compares every record of the account with its row; the number of rows.
fn verify(account: &Account, source: &Path) -> u64 {
    let answer = account.control("GET", "records/contacts", "");
    let records = answer["results"].as_array().expect("a list of records");
    let mut by_email = HashMap::new();
    for record in records {
        let email = record["properties"]["email"].as_str().expect("every contact came with an e-mail");
        assert!(by_email.insert(email, &record["properties"]).is_none(), "two records have {email}");
    }
    let connection = Connection::open(source).expect("the source opens");
    let columns = MAPPED.map(|(_, column)| column).join(", ");
    let mut statement =
        connection.prepare(&format!("select email, {columns} from customers")).expect("the columns exist");
    let mut rows = statement.query([]).expect("the rows can be read");
    let mut compared = 0;
    while let Some(row) = rows.next().expect("the rows can be read") {
        let email: String = row.get(0).expect("a text");
        let record = by_email.remove(email.to_lowercase().as_str()).expect("the row has its record");
        for (at, (property, _)) in MAPPED.iter().enumerate() {
            let value: Option<String> = row.get(at + 1).expect("a text or NULL");
            assert_eq!(record[property].as_str(), value.as_deref(), "{property} of {email}");
        }
        compared += 1;
    }
    assert!(by_email.is_empty(), "{} records have no row", by_email.len());
    compared
}

fn customers(path: &Path, rows: u64) {
    let mut connection = Connection::open(path).expect("the source opens");
    connection
        .execute_batch(
            "create table customers (id integer primary key, email text not null, first_name text, last_name text, \
             company text, city text, country text, phone text)",
        )
        .expect("the table is made");
    let transaction = connection.transaction().expect("a transaction");
    let mut insert =
        transaction.prepare("insert into customers values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)").expect("the table exists");
    for id in 1..=rows {
        let company = (id % 4 != 0).then(|| format!("Company {} Ltd", id % 5_000));
        insert
            .execute(params![
                id as i64,
                format!("Customer.{id}@example.com"),
                ["Ana", "Bartholomew", "Zoë", "李"][(id % 4) as usize],
                format!("Surname{}", id % 10_000),
                company,
                ["São Paulo", "Oslo", "Kraków"][(id % 3) as usize],
                ["Brazil", "Norway", "Poland"][(id % 3) as usize],
                format!("+47 {:08}", id * 37 % 100_000_000),
            ])
            .expect("the row goes in");
    }
    drop(insert);
    transaction.commit().expect("the rows stay");
}

fn job(source: &Path) -> SyncJob {
    SyncJob {
        sync: ObjectSync {
            map: MAPPED.map(|(property, column)| mapped(property, column)).to_vec(),
            ..ObjectSync::new("customers", "contacts", Match::new("email", "email"))
        },
        model: Model {
            name: "customers".to_owned(),
            source: "shop".to_owned(),
            query: ModelQuery::Sql("select * from customers".to_owned()),
            primary_key: vec!["id".to_owned()],
            at: Location::default(),
        },
        source: SourceSpec::Sqlite { path: source.to_owned() },
    }
}
