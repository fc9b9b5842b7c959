//! Texts in, project or rendered diagnostics out.

mod files;
mod full;
mod intake;
mod interface;
mod references;
mod schema;
mod secrets;
mod soup;
mod syncs;
mod values;

use std::path::Path;

use hubward_project::{Diagnostic, Loaded, ProjectInput, SourceFile, load, load_without_credentials, render};

/// The least `hubward.yml` that is free of errors.
const BASE: &str = "\
name: shop
hubspot: { token: \"${TOKEN}\" }
sources:
  shop: { type: sqlite, path: shop.sqlite }
models:
  customers:
    source: shop
    table: customers
    primary_key: id
";

/// The least sync that is free of errors.
const SYNC: &str = "\
sync: customers
model: customers
to: { object: contacts }
match: { column: email, property: email }
map:
  firstname: first_name
";

const SECRET: &str = "hunter2-do-not-show";

fn env(name: &str) -> Option<String> {
    match name {
        "TOKEN" | "OTHER" => Some(SECRET.to_owned()),
        "EMPTY" => Some(String::new()),
        "YES" => Some("true".to_owned()),
        "YAML" => Some("[a, b]: {".to_owned()),
        _ => None,
    }
}

fn sql_file(path: &str) -> Result<String, String> {
    match path {
        "models/customers.sql" => Ok("-- all of them\nselect id, email from customers".to_owned()),
        "models/empty.sql" => Ok("-- nothing yet\n".to_owned()),
        _ => Err("no such file".to_owned()),
    }
}

fn files(files: &[(&str, &str)]) -> Vec<SourceFile> {
    files.iter().map(|(path, text)| SourceFile { path: (*path).to_owned(), text: (*text).to_owned() }).collect()
}

fn try_load(given: &[(&str, &str)]) -> Result<Loaded, Vec<Diagnostic>> {
    let input = ProjectInput { files: files(given), root: Path::new("/home/me/shop"), env: &env, sql_file: &sql_file };
    load(&input)
}

fn try_load_offline(given: &[(&str, &str)]) -> Result<Loaded, Vec<Diagnostic>> {
    let input = ProjectInput { files: files(given), root: Path::new("/home/me/shop"), env: &env, sql_file: &sql_file };
    load_without_credentials(&input)
}

fn loaded(given: &[(&str, &str)]) -> Loaded {
    match try_load(given) {
        Ok(loaded) => loaded,
        Err(found) => panic!("{}", render(&found, &files(given), false)),
    }
}

/// What a person sees: all problems, or all warnings of a good project.
fn shown(given: &[(&str, &str)]) -> String {
    let found = match try_load(given) {
        Ok(loaded) => loaded.warnings,
        Err(found) => found,
    };
    render(&found, &files(given), false)
}

/// `code line:column` of each problem, errors first.
fn places(given: &[(&str, &str)]) -> Vec<String> {
    let found = match try_load(given) {
        Ok(loaded) => loaded.warnings,
        Err(found) => found,
    };
    found.iter().map(|one| format!("{} {}:{}:{}", one.code, one.file, one.line, one.column)).collect()
}

fn with_sync(sync: &str) -> Vec<String> {
    places(&[("hubward.yml", BASE), ("syncs/s.yml", sync)])
}
