//! Events and a list from the Chinook shop: every invoice is an event of its customer, and the customers of the last twelve
//! months are a list. What the account then holds is compared with the database, after two days and under faults.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::chinook::shared;
use crate::server::Server;
use crate::support::{Done, Sandbox, TestProject, skipped};

const PROJECT: &str = r#"
hubspot: { token: "${HUBSPOT_TOKEN}" }
sources:
  chinook: SOURCE
models:
  customers: { source: chinook, sql_file: models/customers.sql, primary_key: id }
  invoices: { source: chinook, sql_file: models/invoices.sql, primary_key: id }
  active: { source: chinook, sql_file: models/active.sql, primary_key: id }
"#;

const SYNCS: [(&str, &str); 3] = [
    (
        "customers",
        "sync: customers\nmodel: customers\nto: { object: contacts }\nmatch: { column: email, property: email }\n\
         map: { firstname: first_name, lastname: last_name }\n",
    ),
    (
        "invoices",
        "sync: invoices\nmodel: invoices\nto: { event: invoice_paid }\noccurred_at: at\n\
         contact: { by: email, column: email }\nmap: { amount: amount, country: country, line_count: lines }\n",
    ),
    (
        "active",
        "sync: active\nmodel: active\nto: { list: { name: Customers of the last twelve months } }\n\
         match: { column: email, property: email }\n",
    ),
];

const SCHEMA: &str = "\
schema:
  events:
    invoice_paid:
      label: Invoice paid
      properties: { amount: number, country: string, line_count: number }
";

/// One database, whatever it is.
enum Shop {
    Sqlite(rusqlite::Connection),
    Postgres(Server),
}

impl Shop {
    /// The models, by file name.
    fn models(&self) -> [(&'static str, &'static str); 3] {
        match self {
            Self::Sqlite(_) => [
                (
                    "customers",
                    "select CustomerId as id, Email as email, FirstName as first_name, LastName as last_name from Customer",
                ),
                (
                    "invoices",
                    "select i.InvoiceId as id, c.Email as email, i.InvoiceDate as at, i.Total as amount, \
                     i.BillingCountry as country, count(*) as lines \
                     from Invoice i join Customer c on c.CustomerId = i.CustomerId join InvoiceLine l on l.InvoiceId = i.InvoiceId \
                     group by i.InvoiceId",
                ),
                (
                    "active",
                    "select distinct c.CustomerId as id, c.Email as email \
                     from Invoice i join Customer c on c.CustomerId = i.CustomerId, today t \
                     where date(i.InvoiceDate) > date(t.day, '-12 months') and date(i.InvoiceDate) <= t.day",
                ),
            ],
            Self::Postgres(_) => [
                ("customers", "select customer_id as id, email, first_name, last_name from customer"),
                (
                    "invoices",
                    "select i.invoice_id as id, c.email, i.invoice_date as at, i.total as amount, \
                     i.billing_country as country, count(*) as lines \
                     from invoice i join customer c using (customer_id) join invoice_line l using (invoice_id) \
                     group by i.invoice_id, c.email",
                ),
                (
                    "active",
                    "select distinct c.customer_id as id, c.email \
                     from invoice i join customer c using (customer_id), today t \
                     where i.invoice_date > t.day - interval '12 months' and i.invoice_date <= t.day",
                ),
            ],
        }
    }

    /// Every invoice as its event must be: primary key, e-mail, time, amount, country, lines.
    fn invoices(&self) -> Vec<Vec<String>> {
        self.rows(match self {
            Self::Sqlite(_) => {
                "select json_array(i.InvoiceId, lower(c.Email), strftime('%Y-%m-%dT%H:%M:%S', i.InvoiceDate), \
                 printf('%.2f', i.Total), i.BillingCountry, \
                 (select count(*) from InvoiceLine l where l.InvoiceId = i.InvoiceId)) \
                 from Invoice i join Customer c on c.CustomerId = i.CustomerId"
            }
            Self::Postgres(_) => {
                "select json_build_array(i.invoice_id, lower(c.email), to_char(i.invoice_date, 'YYYY-MM-DD\"T\"HH24:MI:SS'), \
                 to_char(i.total, 'FM999990.00'), i.billing_country, \
                 (select count(*) from invoice_line l where l.invoice_id = i.invoice_id)) as r \
                 from invoice i join customer c using (customer_id)"
            }
        })
    }

    /// E-mails of the customers that have bought in the twelve months before `day`.
    fn active(&self, day: &str) -> BTreeSet<String> {
        let query = match self {
            Self::Sqlite(_) => format!(
                "select distinct json_array(lower(c.Email)) from Invoice i, Customer c where c.CustomerId = i.CustomerId \
                 and i.InvoiceDate > date('{day}', '-1 year') || ' 00:00:00' and i.InvoiceDate < date('{day}', '+1 day')"
            ),
            Self::Postgres(_) => format!(
                "select json_build_array(e) as r from (select distinct lower(c.email) as e from invoice i, customer c \
                 where c.customer_id = i.customer_id and i.invoice_date > date '{day}' - interval '1 year' \
                 and i.invoice_date < date '{day}' + interval '1 day') as x"
            ),
        };
        self.rows(&query).into_iter().flatten().collect()
    }

    /// Rows of JSON arrays, each value as text.
    fn rows(&self, query: &str) -> Vec<Vec<String>> {
        let rows: Vec<Value> = match self {
            Self::Sqlite(database) => {
                let mut statement = database.prepare(query).expect("the query is right");
                let rows = statement.query_map([], |row| row.get::<_, String>(0)).expect("the query runs");
                rows.map(|row| serde_json::from_str(&row.expect("a row")).expect("JSON")).collect()
            }
            Self::Postgres(server) => {
                let rows = server.json("chinook", &format!("select json_agg(r) from ({query}) as rows"));
                rows.as_array().expect("rows").clone()
            }
        };
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        rows.iter().map(|row| row.as_array().expect("an array").iter().map(text).collect()).collect()
    }

    fn carry_out(&self, project: &TestProject, sqlite: &str, postgres: &str) {
        match self {
            Self::Sqlite(database) => database.execute_batch(sqlite).expect("it is right"),
            Self::Postgres(server) => {
                project.write("step.sql", &format!("\\connect chinook\n{postgres}"));
                server.script(&project.file("step.sql"));
            }
        }
    }

    fn today_is(&self, project: &TestProject, day: &str) {
        let step = |kind: &str| {
            format!(
                "create table if not exists today (day {kind}); delete from today; insert into today values ('{day}');"
            )
        };
        self.carry_out(project, &step("text"), &step("date"));
    }

    /// Two invoices more, of customers 1 and 2.
    fn sell(&self, project: &TestProject) {
        self.carry_out(
            project,
            "insert into Invoice (InvoiceId, CustomerId, InvoiceDate, BillingCountry, Total) values \
             (9001, 1, '2025-12-20 10:30:00', 'Brazil', 1.98), (9002, 2, '2025-12-21 23:59:59', null, 0.99); \
             insert into InvoiceLine (InvoiceLineId, InvoiceId, TrackId, UnitPrice, Quantity) values \
             (9001, 9001, 1, 0.99, 1), (9002, 9001, 2, 0.99, 1), (9003, 9002, 3, 0.99, 1);",
            "insert into invoice (invoice_id, customer_id, invoice_date, billing_country, total) values \
             (9001, 1, '2025-12-20 10:30:00', 'Brazil', 1.98), (9002, 2, '2025-12-21 23:59:59', null, 0.99); \
             insert into invoice_line (invoice_line_id, invoice_id, track_id, unit_price, quantity) values \
             (9001, 9001, 1, 0.99, 1), (9002, 9001, 2, 0.99, 1), (9003, 9002, 3, 0.99, 1);",
        );
    }
}

struct Account {
    sandbox: Sandbox,
    project: TestProject,
    shop: Shop,
}

impl Account {
    fn sqlite() -> Option<Self> {
        let chinook = shared("chinook.sqlite")?;
        let project = TestProject::empty();
        project.write("data/.keep", "");
        let copy = project.file("data/chinook.sqlite");
        std::fs::write(&copy, std::fs::read(chinook).expect("it is readable")).expect("it is copied");
        let database = rusqlite::Connection::open(&copy).expect("it opens");
        Some(Self::of(project, Shop::Sqlite(database), "{ type: sqlite, path: data/chinook.sqlite }"))
    }

    fn postgres() -> Option<Self> {
        let script = shared("chinook-postgres.sql")?;
        let Some(server) = Server::start() else {
            skipped("there is no PostgreSQL on this machine");
            return None;
        };
        server.script(&script);
        let source = format!("{{ type: postgres, url: {:?} }}", server.url("chinook"));
        Some(Self::of(TestProject::empty(), Shop::Postgres(server), &source))
    }

    fn of(project: TestProject, shop: Shop, source: &str) -> Self {
        let sandbox = Sandbox::start(&["--tier", "enterprise"]);
        project.write("schema/events.yml", SCHEMA);
        project.write("hubward.yml", &PROJECT.replace("SOURCE", source));
        for (name, sql) in shop.models() {
            project.write(&format!("models/{name}.sql"), sql);
        }
        for (name, text) in SYNCS {
            project.write(&format!("syncs/{name}.yml"), text);
        }
        Self { sandbox, project, shop }
    }

    fn run(&self) -> Done {
        self.project.run(&self.sandbox, &["run", "--json"])
    }

    /// Makes the event and its properties, as the project declares them.
    fn make_event(&self) {
        let made = self.project.run(&self.sandbox, &["apply-schema", "--yes"]);
        assert_eq!(made.code, 0, "{}{}", made.stdout, made.stderr);
    }

    /// Records of contacts: e-mail by id.
    fn emails(&self) -> BTreeMap<String, String> {
        let records = self.sandbox.records("contacts");
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        records.iter().map(|record| (text(&record["id"]), text(&record["properties"]["email"]))).collect()
    }

    /// Each invoice is one event, on its customer, as the database has it, and there is no other event.
    fn events_equal_invoices(&self) {
        let emails = self.emails();
        let answer = self.sandbox.get("/_sandbox/events");
        let events = answer["results"].as_array().expect("events");
        let text = |value: &Value| value.as_str().map(str::to_owned).unwrap_or_else(|| value.to_string());
        let mut found: Vec<Vec<String>> = Vec::new();
        let mut uuids = BTreeSet::new();
        for event in events {
            assert_eq!(event["eventName"], "pe1234567_invoice_paid");
            assert!(uuids.insert(text(&event["uuid"])), "an event came twice: {event}");
            let at = text(&event["occurredAt"]);
            assert!(at.ends_with('Z'), "{at}");
            let properties = &event["properties"];
            let amount: f64 = text(&properties["amount"]).parse().expect("a number");
            found.push(vec![
                emails[&text(&event["record"])].clone(),
                at[..19].to_owned(),
                format!("{amount:.2}"),
                text(&properties["country"]),
                text(&properties["line_count"]),
            ]);
        }
        let mut wanted: Vec<Vec<String>> = self.shop.invoices().into_iter().map(|row| row[1..].to_vec()).collect();
        found.sort();
        wanted.sort();
        assert_eq!(found, wanted);
    }

    /// The list holds these e-mails' contacts.
    fn members_are(&self, wanted: &BTreeSet<String>) {
        let emails = self.emails();
        let answer = self.sandbox.get("/_sandbox/lists");
        let lists = answer["results"].as_array().expect("lists");
        assert_eq!(lists.len(), 1, "{lists:?}");
        assert_eq!(lists[0]["name"], "Customers of the last twelve months");
        assert_eq!(lists[0]["processingType"], "MANUAL");
        let members = lists[0]["members"].as_array().expect("members").iter();
        let found: BTreeSet<String> = members.map(|id| emails[id.as_str().expect("an id")].clone()).collect();
        assert_eq!(&found, wanted);
    }

    fn requests(&self) -> Vec<Value> {
        let answer = self.sandbox.get("/_sandbox/requests");
        answer["results"].as_array().expect("results").clone()
    }

    fn sends(&self) -> usize {
        self.requests().iter().filter(|request| request["method"] != "GET").count()
    }

    /// How often scripted faults have struck so far.
    fn struck(&self) -> usize {
        self.requests().iter().filter(|request| !request["fault"].is_null()).count()
    }
}

fn outcomes(run: &Done, sync: &str) -> Value {
    let syncs = run.json()["syncs"].as_array().expect("syncs").clone();
    let found = syncs.into_iter().find(|found| found["sync"] == sync).expect("it ran");
    let sum: u64 = found["outcomes"].as_object().expect("outcomes").values().filter_map(Value::as_u64).sum();
    let changes = &found["changes"];
    assert_eq!(sum, changes["rows"].as_u64().expect("rows") + changes["removed"].as_u64().expect("removed"), "{found}");
    found["outcomes"].clone()
}

fn two_days(account: &Account) {
    account.shop.today_is(&account.project, "2024-12-31");
    let lacking = account.project.run(&account.sandbox, &["run", "invoices"]);
    assert_eq!(lacking.code, 2, "{}{}", lacking.stdout, lacking.stderr);
    assert!(lacking.stderr.contains("run `hubward apply-schema`"), "{}", lacking.stderr);
    account.make_event();
    let checked = account.project.run(&account.sandbox, &["check"]);
    assert_eq!(checked.code, 0, "{}{}", checked.stdout, checked.stderr);
    let first = account.run();
    assert_eq!(first.code, 0, "{}{}", first.stdout, first.stderr);
    assert_eq!(outcomes(&first, "invoices")["applied"], 412);
    account.events_equal_invoices();
    let before = account.shop.active("2024-12-31");
    account.members_are(&before);

    account.shop.sell(&account.project);
    account.shop.today_is(&account.project, "2025-12-22");
    let after = account.shop.active("2025-12-22");
    let (gained, lost) = (after.difference(&before).count(), before.difference(&after).count());
    assert!(gained > 0 && lost > 0 && after.intersection(&before).count() > 0, "{gained} gained, {lost} lost");
    let second = account.run();
    assert_eq!(second.code, 0, "{}{}", second.stdout, second.stderr);
    assert_eq!(outcomes(&second, "invoices")["applied"], 2);
    assert_eq!(outcomes(&second, "active")["applied"], gained + lost);
    account.events_equal_invoices();
    account.members_are(&after);

    let sends = account.sends();
    let third = account.run();
    assert_eq!(third.code, 0, "{}{}", third.stdout, third.stderr);
    assert_eq!(account.sends(), sends, "a third run sends nothing");
}

#[test]
fn invoices_are_events_and_active_customers_a_list_from_sqlite() {
    if let Some(account) = Account::sqlite() {
        two_days(&account);
    }
}

#[test]
fn invoices_are_events_and_active_customers_a_list_from_postgresql() {
    if let Some(account) = Account::postgres() {
        two_days(&account);
    }
}

#[test]
fn lost_answers_and_limits_neither_lose_nor_double_an_event_or_a_member() {
    let Some(account) = Account::sqlite() else { return };
    account.make_event();
    // Requests about the list are several a run; the events fit into one, so that each fault meets the next attempt at it.
    let faults = |events: &[&Value], lists: &[&Value]| -> Value {
        let fault = |kind: &str, after: usize, what: &Value| json!({ "match": { "kind": kind }, "after": after, "times": 1, "do": what });
        let events = events.iter().map(|what| fault("event", 0, what));
        let lists = lists.iter().enumerate().map(|(at, what)| fault("list", at, what));
        Value::Array(events.chain(lists).collect())
    };
    // That a sending came to nothing is found out after two minutes only, so that no event meets a 502 here.
    let (secondly, broken) = (json!({ "status": 429, "policy": "SECONDLY" }), json!({ "status": 502 }));
    let (applied, reset) = (json!({ "status": 524, "applied": true }), json!({ "reset": "after" }));
    account.shop.today_is(&account.project, "2024-12-31");
    account.sandbox.post("/_sandbox/faults", &faults(&[&secondly, &applied], &[&secondly, &broken, &applied]));
    let mut runs = 0;
    let mut to_the_end = || {
        for _ in 0..4 {
            runs += 1;
            let run = account.run();
            assert!(matches!(run.code, 0 | 1 | 3), "exit {}: {}\n{}", run.code, run.stdout, run.stderr);
            if run.code == 0 {
                return;
            }
        }
        panic!("rows are left over after four runs");
    };
    to_the_end();
    assert_eq!(account.struck(), 2 + 3, "every fault strikes");
    account.events_equal_invoices();
    account.members_are(&account.shop.active("2024-12-31"));

    account.shop.sell(&account.project);
    account.shop.today_is(&account.project, "2025-12-22");
    account.sandbox.post("/_sandbox/faults", &faults(&[&secondly, &reset], &[&secondly, &reset]));
    to_the_end();
    assert_eq!(account.struck(), 5 + 4, "every fault strikes");
    account.events_equal_invoices();
    account.members_are(&account.shop.active("2025-12-22"));
    account.sandbox.post("/_sandbox/faults", &json!([]));
    let sends = account.sends();
    to_the_end();
    assert_eq!(account.sends(), sends, "a run after it sends nothing");
}
