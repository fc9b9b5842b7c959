//! A first load of contacts, each associated with its company, under HubSpot's two limits of ten seconds.
//!
//! `cargo bench -p hubward-engine --bench associate -- [CONTACTS] [COMPANIES]`, 100,000 and 5,000 by default: from SQLite to a
//! sandbox of tier professional that answers after 400 ms, over a loopback socket. The companies are synced first, by their
//! domain, which HubSpot does not keep unique; contacts name their company by its domain, and it is found in the ledger of
//! the companies. Afterwards each contact must have its one company; a second run finds nothing to do.
#![expect(clippy::print_stdout, reason = "figures are its output")]

mod support;

use std::collections::HashMap;
use std::path::Path;

use hubward_core::spec::{AssociationSpec, Location, MapEntry, Match, Model, ModelQuery, ObjectSync, SourceSpec};
use hubward_engine::{RunOptions, Status, SyncJob, SyncReport};
use rusqlite::{Connection, params};
use support::process::{Cost, Meter};
use support::{Account, data_folder, mapped};

const LATENCY_MS: u64 = 400;
/// Requests that tier professional may send in any ten seconds, and those of associations (api.md 11.1, 7.4).
const BURST: u64 = 190;
const ASSOCIATION_BURST: u64 = 150;
const BURST_SECONDS: f64 = 10.0;
const ROWS_A_BATCH: u64 = 100;
const PAIRS_A_BATCH: u64 = 2_000;

fn main() {
    if support::served_sandbox() {
        return;
    }
    let arguments = support::arguments();
    let argument = |at: usize, default: u64| {
        arguments.get(at).map_or(default, |text| text.parse().expect("the arguments are numbers"))
    };
    let (contacts, companies) = (argument(0, 100_000), argument(1, 5_000));
    let folder = tempfile::tempdir_in(data_folder()).expect("a temporary folder");
    let source = folder.path().join("shop.sqlite");
    fill(&source, contacts, companies);
    let account = Account::start("professional", LATENCY_MS);
    let state = folder.path().join(".hubward");
    let jobs = [
        job(&source, "companies", ("domain", "domain"), vec![mapped("name", "name"), mapped("city", "city")]),
        job(
            &source,
            "contacts",
            ("email", "email"),
            vec![mapped("firstname", "first_name"), mapped("lastname", "last_name"), mapped("city", "city")],
        ),
    ];
    println!("{contacts} contacts, {companies} companies, load average {}", support::load_average());

    let (loaded, cost) = run(&account, &state, &jobs[0], &jobs);
    assert_eq!(loaded.outcomes.applied, companies, "{loaded:?}");
    println!("companies: {}; {} requests", cost.times(), loaded.requests.total);

    let before = account.control("GET", "stats", "");
    let (first, cost) = run(&account, &state, &jobs[1], &jobs);
    assert!(first.outcomes.applied == contacts && first.associations.created == contacts, "{first:?}");
    let least = |requests: u64, burst: u64| {
        (requests - 1).div_euclid(burst) as f64 * BURST_SECONDS + LATENCY_MS as f64 / 1000.0
    };
    let (batches, pairs) = (contacts.div_ceil(ROWS_A_BATCH), contacts.div_ceil(PAIRS_A_BATCH));
    let least = least(batches, BURST).max(least(pairs, ASSOCIATION_BURST));
    let stats = account.control("GET", "stats", "");
    println!("contacts with associations: {}", cost.shown());
    println!("  least time that the two limits allow: {least:.1} s; ratio {:.3}", cost.seconds / least);
    println!(
        "  requests: {} to write, {} of associations; {:.2} for each 1,000 rows; {} answered 429; {} repeated",
        first.requests.upsert + first.requests.create + first.requests.update,
        first.requests.associate,
        (first.requests.upsert + first.requests.associate) as f64 * 1000.0 / contacts as f64,
        stats["throttled"].as_u64().unwrap_or_default() - before["throttled"].as_u64().unwrap_or_default(),
        first.requests.retried
    );

    verify(&account, &source, contacts);
    println!("verified: {contacts} contacts, each with its one company");
    let (second, cost) = run(&account, &state, &jobs[1], &jobs);
    assert!(second.outcomes.unchanged == contacts && !second.sent, "{second:?}");
    println!("second run, nothing changed: {}", cost.times());
    println!("load average {}", support::load_average());
}

/// One run as the program does it: a new connection to the account, then the sync.
fn run(account: &Account, state: &Path, job: &SyncJob, all: &[SyncJob]) -> (SyncReport, Cost) {
    let meter = Meter::start();
    let report = support::runtime().block_on(async {
        let engine = support::engine(account, state).await;
        let run = uuid::Uuid::now_v7().to_string();
        engine.recorder().set_run(&run);
        let siblings = all.iter().map(|job| job.sync.clone()).collect();
        engine.run_sync(job, &run, &RunOptions { siblings, ..RunOptions::default() }).await
    });
    let cost = meter.stop();
    assert_eq!(report.status, Status::Ok, "{report:?}");
    (report, cost)
}

/// Compares the one company of every contact with its row.
fn verify(account: &Account, source: &Path, contacts: u64) {
    let records = |object: &str| {
        let answer = account.control("GET", &format!("records/{object}"), "");
        answer["results"].as_array().expect("a list of records").clone()
    };
    let text = |value: &serde_json::Value| value.as_str().expect("text").to_owned();
    let domains: HashMap<String, String> = records("companies")
        .iter()
        .map(|record| (text(&record["id"]), text(&record["properties"]["domain"])))
        .collect();
    let mut of: HashMap<String, String> = HashMap::new();
    for record in records("contacts") {
        let companies = record["associations"]["companies"].as_array().expect("it is associated");
        assert_eq!(companies.len(), 1, "{record}");
        of.insert(text(&record["properties"]["email"]), domains[&text(&companies[0]["id"])].clone());
    }
    let connection = Connection::open(source).expect("the source opens");
    let mut statement = connection.prepare("select email, domain from contacts").expect("the columns exist");
    let mut rows = statement.query([]).expect("the rows can be read");
    let mut compared = 0;
    while let Some(row) = rows.next().expect("the rows can be read") {
        let (email, domain): (String, String) = (row.get(0).expect("text"), row.get(1).expect("text"));
        assert_eq!(of.get(&email), Some(&domain), "{email}");
        compared += 1;
    }
    assert_eq!((compared, of.len() as u64), (contacts, contacts));
}

fn fill(path: &Path, contacts: u64, companies: u64) {
    let mut connection = Connection::open(path).expect("the source opens");
    connection
        .execute_batch(
            "create table companies (id integer primary key, domain text, name text, city text);
             create table contacts (id integer primary key, email text, first_name text, last_name text, city text, domain text)",
        )
        .expect("the tables are made");
    let transaction = connection.transaction().expect("a transaction");
    for id in 1..=companies {
        transaction
            .execute(
                "insert into companies values (?1, ?2, ?3, 'Oslo')",
                params![id as i64, format!("firm{id}.example.com"), format!("Firm {id}")],
            )
            .expect("the row goes in");
    }
    for id in 1..=contacts {
        transaction
            .execute(
                "insert into contacts values (?1, ?2, 'Zoë', ?3, 'Kraków', ?4)",
                params![
                    id as i64,
                    format!("customer.{id}@example.org"),
                    format!("Surname {id}"),
                    format!("firm{}.example.com", 1 + id % companies)
                ],
            )
            .expect("the row goes in");
    }
    transaction.commit().expect("the rows stay");
}

/// A sync of the table `object` by a column; contacts name their company.
fn job(source: &Path, object: &str, (column, property): (&str, &str), map: Vec<MapEntry>) -> SyncJob {
    let company = AssociationSpec {
        to: "companies".to_owned(),
        match_: Match::new("domain", "domain"),
        label: None,
        overwrite: false,
        at: Location::default(),
    };
    SyncJob {
        sync: ObjectSync {
            map,
            associations: if object == "contacts" { vec![company] } else { Vec::new() },
            ..ObjectSync::new(object, object, Match::new(column, property))
        },
        model: Model {
            name: object.to_owned(),
            source: "shop".to_owned(),
            query: ModelQuery::Table(object.to_owned()),
            primary_key: vec!["id".to_owned()],
            at: Location::default(),
        },
        source: SourceSpec::Sqlite { path: source.to_owned() },
    }
}
