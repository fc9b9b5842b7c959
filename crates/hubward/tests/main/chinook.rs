//! The customers of the Chinook shop, from SQLite and from PostgreSQL: every record equal to its row.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::server::Server;
use crate::support::{Sandbox, TestProject, skipped};

const SQLITE: &str = "\
select c.CustomerId as id, c.FirstName as first_name, c.LastName as last_name, c.Company as company, c.City as city,
       c.Country as country, c.Phone as phone, c.Email as email, e.Email as rep,
       round(sum(i.Total), 2) as spend, date(min(i.InvoiceDate)) as first_purchase, date(max(i.InvoiceDate)) as last_purchase
from Customer c
join Employee e on e.EmployeeId = c.SupportRepId
join Invoice i on i.CustomerId = c.CustomerId
group by c.CustomerId
";

const POSTGRES: &str = "\
select c.customer_id as id, c.first_name, c.last_name, c.company, c.city, c.country, c.phone, c.email, e.email as rep,
       sum(i.total) as spend, min(i.invoice_date) as first_purchase, max(i.invoice_date) as last_purchase
from customer c
join employee e on e.employee_id = c.support_rep_id
join invoice i on i.customer_id = c.customer_id
group by c.customer_id, e.email
";

const SYNC: &str = "\
sync: customers
model: customers
to: { object: contacts }
mode: upsert
match: { column: email, property: email }
map:
  firstname: first_name
  lastname: last_name
  company: company
  city: city
  country: country
  phone: phone
  hubspot_owner_id: rep
  lifetime_spend: spend
  first_purchase: first_purchase
  last_purchase: last_purchase
";

pub(crate) fn shared(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")).join(name);
    if path.exists() {
        return Some(path);
    }
    skipped(&format!("{name} is not beside the project"));
    None
}

fn opened(chinook: &Path) -> rusqlite::Connection {
    rusqlite::Connection::open_with_flags(chinook, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).expect("it opens")
}

/// What the records must be, read from SQLite with a plain driver and formatted by hand.
fn rows_of_sqlite(database: &rusqlite::Connection) -> Vec<Value> {
    let mut statement = database.prepare(&format!("{SQLITE} order by c.Email")).expect("the query is right");
    let rows = statement.query_map([], |row| {
        let text = |name: &str| row.get::<_, Option<String>>(name);
        let spend: f64 = row.get("spend")?;
        Ok(json!({
            "email": text("email")?, "firstname": text("first_name")?, "lastname": text("last_name")?,
            "company": text("company")?, "city": text("city")?, "country": text("country")?, "phone": text("phone")?,
            "owner": text("rep")?, "spend": format!("{spend:.2}"), "first": text("first_purchase")?,
            "last": text("last_purchase")?,
        }))
    });
    rows.expect("the query runs").collect::<Result<_, _>>().expect("rows")
}

/// The same from PostgreSQL. Its rows are not SQLite's: the script's literals lose their trailing blanks there.
fn rows_of_postgresql(server: &Server) -> Vec<Value> {
    let query = format!(
        "select json_agg(r order by r.email collate \"C\") from (
           select email, first_name as firstname, last_name as lastname, company, city, country, phone, rep as owner,
                  to_char(spend, 'FM999990.00') as spend, to_char(first_purchase, 'YYYY-MM-DD') as first,
                  to_char(last_purchase, 'YYYY-MM-DD') as last
           from ({POSTGRES}) as model) as r"
    );
    server.json("chinook", &query).as_array().expect("rows").clone()
}

/// The record as the rows are written. Numbers are compared by value: HubSpot keeps the text that it is given.
fn found(record: &Value, owners: &[(i64, String)]) -> Value {
    let properties = &record["properties"];
    let owner = properties["hubspot_owner_id"].as_str().and_then(|id| id.parse::<i64>().ok());
    let owner = owners.iter().find(|(id, _)| Some(*id) == owner).map(|(_, email)| email);
    let spend: f64 = properties["lifetime_spend"].as_str().and_then(|text| text.parse().ok()).expect("a number");
    json!({
        "email": properties["email"], "firstname": properties["firstname"], "lastname": properties["lastname"],
        "company": properties["company"], "city": properties["city"], "country": properties["country"],
        "phone": properties["phone"], "owner": owner, "spend": format!("{spend:.2}"),
        "first": properties["first_purchase"], "last": properties["last_purchase"],
    })
}

fn every_customer_arrives(chinook: &Path, source: &str, sql: &str, expected: &[Value]) {
    let database = opened(chinook);
    let mut statement = database.prepare("select EmployeeId, Email from Employee").expect("right");
    let owners: Vec<(i64, String)> = statement
        .query_map([], |row| Ok((row.get::<_, i64>(0)? + 500, row.get(1)?)))
        .expect("runs")
        .collect::<Result<_, _>>()
        .expect("rows");
    let property = |name: &str, kind: &str| json!({ "name": name, "label": name, "type": kind, "fieldType": kind, "groupName": "contactinformation" });
    let sandbox = Sandbox::start(&[]);
    sandbox.post(
        "/_sandbox/load",
        &json!({
            "properties": { "contacts": [
                property("lifetime_spend", "number"), property("first_purchase", "date"), property("last_purchase", "date"),
            ] },
            "owners": owners.iter().map(|(id, email)| json!({ "id": id, "email": email })).collect::<Vec<_>>(),
        }),
    );
    let project = TestProject::empty();
    project.write("models/customers.sql", sql);
    project.write("syncs/customers.yml", SYNC);
    project.write(
        "hubward.yml",
        &format!(
            "hubspot: {{ token: \"${{HUBSPOT_TOKEN}}\" }}\nsources:\n  chinook: {source}\nmodels:\n  \
             customers: {{ source: chinook, sql_file: models/customers.sql, primary_key: id }}\n"
        ),
    );
    let checked = project.run(&sandbox, &["check"]);
    assert_eq!(checked.code, 0, "{}{}", checked.stdout, checked.stderr);
    let run = project.run(&sandbox, &["run", "--json"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert_eq!(run.json()["syncs"][0]["outcomes"]["applied"], expected.len());
    let mut records: Vec<Value> = sandbox.records("contacts").iter().map(|record| found(record, &owners)).collect();
    records.sort_by_key(|record| record["email"].as_str().unwrap_or_default().to_owned());
    assert_eq!(records.len(), expected.len());
    for (record, row) in records.iter().zip(expected) {
        assert_eq!(record, row);
    }
    assert!(records.iter().any(|record| !record["lastname"].as_str().unwrap_or_default().is_ascii()));

    let writes = sandbox.writes().len();
    assert_eq!(project.run(&sandbox, &["run"]).code, 0);
    assert_eq!(sandbox.writes().len(), writes, "a second run sends nothing");
}

#[test]
fn every_customer_arrives_from_sqlite() {
    let Some(chinook) = shared("chinook.sqlite") else { return };
    let source = format!("{{ type: sqlite, path: {:?} }}", chinook.canonicalize().expect("a path"));
    every_customer_arrives(&chinook, &source, SQLITE, &rows_of_sqlite(&opened(&chinook)));
}

#[test]
fn every_customer_arrives_from_postgresql() {
    let Some(chinook) = shared("chinook.sqlite") else { return };
    let Some(script) = shared("chinook-postgres.sql") else { return };
    let Some(server) = Server::start() else {
        skipped("there is no PostgreSQL on this machine");
        return;
    };
    server.script(&script);
    let source = format!("{{ type: postgres, url: {:?} }}", server.url("chinook"));
    every_customer_arrives(&chinook, &source, POSTGRES, &rows_of_postgresql(&server));
}
