//! The example project that `init` writes and `demo` runs: invented customers of an invented shop.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use rusqlite::{Connection, params};

use crate::args::Template;
use crate::exit::Failure;

/// Name as it is written, and as it stands in the address.
const FIRST_NAMES: [(&str, &str); 12] = [
    ("Ada", "ada"),
    ("Zoë", "zoe"),
    ("Łukasz", "lukasz"),
    ("Søren", "soren"),
    ("Noémie", "noemie"),
    ("José", "jose"),
    ("さくら", "sakura"),
    ("Jürgen", "jurgen"),
    ("Ольга", "olga"),
    ("Mia", "mia"),
    ("Çağla", "cagla"),
    ("Liam", "liam"),
];
const LAST_NAMES: [(&str, &str); 10] = [
    ("Müller", "muller"),
    ("O'Brien", "obrien"),
    ("García", "garcia"),
    ("Ødegård", "odegard"),
    ("Nowak", "nowak"),
    ("田中", "tanaka"),
    ("Šimić", "simic"),
    ("Lefèvre", "lefevre"),
    ("Andersen", "andersen"),
    ("Иванова", "ivanova"),
];
/// Company, city, country.
const COMPANIES: [(&str, &str, &str); 6] = [
    ("Café Zürisee", "Zürich", "Switzerland"),
    ("Smørrebrød & Co", "København", "Denmark"),
    ("Kraków Books", "Kraków", "Poland"),
    ("Boulangerie Noël", "Besançon", "France"),
    ("São Bento Textiles", "São Paulo", "Brazil"),
    ("Northwind Tools", "Leeds", "United Kingdom"),
];

/// A customer of the shop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Customer {
    pub(crate) id: u32,
    pub(crate) email: String,
    pub(crate) first_name: &'static str,
    pub(crate) last_name: &'static str,
    pub(crate) phone: String,
    /// Position in [`COMPANIES`], from 1.
    pub(crate) company_id: usize,
}

/// The customer with this id, always the same.
pub(crate) fn customer(id: u32) -> Customer {
    let index = id as usize;
    let (first_name, first) = FIRST_NAMES[index % FIRST_NAMES.len()];
    // A step without a common divisor walks through all last names before the pairs repeat.
    let (last_name, last) = LAST_NAMES[(index * 7 + index / FIRST_NAMES.len()) % LAST_NAMES.len()];
    Customer {
        id,
        email: format!("{first}.{last}.{id}@example.com"),
        first_name,
        last_name,
        phone: format!("+41 44 555 {:02} {:02}", index / 100 % 100, index % 100),
        company_id: index % COMPANIES.len() + 1,
    }
}

/// One file of the project.
struct File {
    path: &'static str,
    content: Content,
    /// A file of this name that exists already is none of ours and is kept.
    optional: bool,
}

enum Content {
    Text(String),
    /// A SQLite database with so many customers.
    Database(u32),
}

fn files(template: Template, customers: u32) -> Vec<File> {
    let text = |path, text: &str| File { path, content: Content::Text(text.to_owned()), optional: false };
    let mut files = match template {
        Template::Sqlite => vec![
            text("hubward.yml", &project(SQLITE_MODEL)),
            text("models/customers.sql", MODEL_SQL),
            File { path: "data/shop.sqlite", content: Content::Database(customers), optional: false },
        ],
        Template::Csv => vec![
            text("hubward.yml", &project(CSV_MODEL)),
            File { path: "data/customers.csv", content: Content::Text(csv(customers)), optional: false },
        ],
    };
    files.push(text("syncs/customers.yml", SYNC));
    let optional = |path, text: &str| File { path, content: Content::Text(text.to_owned()), optional: true };
    files.push(optional("README.md", README));
    files.push(optional(".gitignore", ".hubward/\n"));
    files
}

/// Writes the project into `dir` and returns what it wrote. Nothing is overwritten: if a file of the project exists, nothing
/// is written at all.
pub(crate) fn write(dir: &Path, template: Template, customers: u32) -> Result<Vec<&'static str>, Failure> {
    let files = files(template, customers);
    let taken: Vec<&str> =
        files.iter().filter(|file| !file.optional && dir.join(file.path).exists()).map(|file| file.path).collect();
    if !taken.is_empty() {
        return Err(Failure::new("exists", format!("{} already holds {}", dir.display(), taken.join(", ")))
            .help("choose another folder; nothing was written"));
    }
    let mut written = Vec::new();
    for file in &files {
        let path = dir.join(file.path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|error| Failure::io("making", parent, &error))?;
        }
        let made = OpenOptions::new().write(true).create_new(true).open(&path);
        let mut handle = match made {
            Ok(handle) => handle,
            Err(error) if error.kind() == ErrorKind::AlreadyExists && file.optional => continue,
            Err(error) => return Err(Failure::io("writing", &path, &error)),
        };
        match &file.content {
            Content::Text(text) => {
                handle.write_all(text.as_bytes()).map_err(|error| Failure::io("writing", &path, &error))?;
            }
            Content::Database(customers) => {
                drop(handle);
                database(&path, *customers)
                    .map_err(|error| Failure::new("io", format!("writing {} failed: {error}", path.display())))?;
            }
        }
        written.push(file.path);
    }
    Ok(written)
}

fn database(path: &Path, customers: u32) -> rusqlite::Result<()> {
    let mut connection = Connection::open(path)?;
    let transaction = connection.transaction()?;
    transaction.execute_batch(TABLES)?;
    for (index, (name, city, country)) in COMPANIES.iter().enumerate() {
        transaction.execute(
            "insert into companies (id, name, city, country) values (?, ?, ?, ?)",
            params![index as i64 + 1, name, city, country],
        )?;
    }
    for id in 1..=customers {
        insert(&transaction, &customer(id))?;
    }
    transaction.commit()
}

/// Adds a customer to the database.
pub(crate) fn insert(connection: &Connection, customer: &Customer) -> rusqlite::Result<()> {
    connection.execute(
        "insert into customers (id, email, first_name, last_name, phone, company_id) values (?, ?, ?, ?, ?, ?)",
        params![
            customer.id,
            customer.email,
            customer.first_name,
            customer.last_name,
            customer.phone,
            customer.company_id as i64
        ],
    )?;
    Ok(())
}

fn csv(customers: u32) -> String {
    let mut text = "id,email,first_name,last_name,phone,company,city,country\n".to_owned();
    for id in 1..=customers {
        let customer = customer(id);
        let (company, city, country) = COMPANIES[customer.company_id - 1];
        text.push_str(&format!(
            "{id},{},{},{},{},{company},{city},{country}\n",
            customer.email, customer.first_name, customer.last_name, customer.phone
        ));
    }
    text
}

fn project(model: &str) -> String {
    format!("{PROJECT}{model}")
}

const TABLES: &str = "
create table companies (id integer primary key, name text not null, city text, country text);
create table customers (
    id integer primary key,
    email text not null,
    first_name text,
    last_name text,
    phone text,
    company_id integer references companies
);
";

const PROJECT: &str = "\
name: shop

hubspot:
  # As it stands, this project writes to the sandbox that `hubward sandbox` serves on this machine.
  # For your own account set two variables, and keep the token out of this file:
  #   HUBSPOT_TOKEN=pat-…   HUBSPOT_BASE_URL=https://api.hubapi.com
  token: ${HUBSPOT_TOKEN:-pat-na1-sandbox}
  base_url: ${HUBSPOT_BASE_URL:-http://127.0.0.1:8089}
  # portal_id: 1234567    # optional guard: a token of another account stops the run before it starts

";

const SQLITE_MODEL: &str = "\
sources:
  shop: { type: sqlite, path: data/shop.sqlite }

models:
  customers:
    source: shop
    sql_file: models/customers.sql
    primary_key: id
";

const CSV_MODEL: &str = "\
sources:
  files: { type: files, root: data }    # every file in data/ is a table, named by its stem

models:
  customers:
    source: files
    table: customers
    primary_key: id
";

const MODEL_SQL: &str = "\
select
    customers.id,
    customers.email,
    customers.first_name,
    customers.last_name,
    customers.phone,
    companies.name as company,
    companies.city,
    companies.country
from customers
left join companies on companies.id = customers.company_id
";

const SYNC: &str = "\
sync: customers
model: customers
to: { object: contacts }
mode: upsert                                # create what is missing, write what has changed
match: { column: email, property: email }   # which contact a row is
map:                                        # property in HubSpot: column of the model
  firstname: first_name
  lastname: last_name
  phone: phone
  company: company
  city: city
  country: country
  lifecyclestage: { value: customer }       # the same for every row
";

const README: &str = "\
# Shop

A Hubward project: rows of the model `customers` become contacts in HubSpot.

    hubward sandbox              # in a second terminal: a HubSpot account on this machine
    hubward check                # everything that could be wrong, at once
    hubward plan                 # what a run would send
    hubward run                  # sends it; a second run sends nothing
    hubward rejected             # rows that did not arrive, and why

`hubward.yml` holds the account, the source and the model; `syncs/customers.yml` says what goes where.
`.hubward/` is what Hubward remembers: keep it, and do not commit it.
";

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_customer_has_an_address_of_its_own_and_no_comma() {
        let customers: Vec<Customer> = (1..=2000).map(customer).collect();
        let addresses: HashSet<&str> = customers.iter().map(|customer| customer.email.as_str()).collect();
        assert_eq!(addresses.len(), customers.len());
        assert!(addresses.iter().all(|address| address.is_ascii()));
        assert!(csv(2000).lines().all(|line| line.split(',').count() == 8));
    }

    #[test]
    fn a_file_that_exists_is_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("README.md"), "mine").unwrap();
        let written = write(dir.path(), Template::Csv, 3).unwrap();
        assert!(!written.contains(&"README.md"));
        assert_eq!(std::fs::read_to_string(dir.path().join("README.md")).unwrap(), "mine");

        std::fs::write(dir.path().join("hubward.yml"), "mine too").unwrap();
        let refused = write(dir.path(), Template::Sqlite, 3).unwrap_err();
        assert_eq!(refused.code, "exists");
        assert!(!dir.path().join("data/shop.sqlite").exists());
        assert_eq!(std::fs::read_to_string(dir.path().join("hubward.yml")).unwrap(), "mine too");
    }
}
