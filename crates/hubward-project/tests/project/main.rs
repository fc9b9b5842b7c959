//! Texts in, project or rendered diagnostics out.

mod files;
mod full;
mod intake;
mod interface;
mod mappings;
mod references;
mod schema;
mod secrets;
mod soup;
mod syncs;
mod values;

use std::path::Path;

use hubward_core::spec::{MappingFinding, MappingPlace, MappingSpec};
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

/// Stands for the event door: it knows one field, and says what it is given.
fn mapping_check(spec: &MappingSpec) -> Vec<MappingFinding> {
    let finding =
        |is_error, code, at| MappingFinding { is_error, code, at, message: "found".to_owned(), help: "do".to_owned() };
    let mut found = Vec::new();
    for (name, value) in spec.fields.as_object().expect("fields are an object") {
        if name != "email" {
            found.push(finding(true, "mapping-field", MappingPlace::Key(format!("/{name}"))));
        } else if value.get("@path").is_some_and(|path| !path.is_string()) {
            found.push(finding(true, "mapping-directive", MappingPlace::Value(format!("/{name}/@path/deeper"))));
        }
    }
    if let Some(at) = spec.trigger.as_deref().and_then(|trigger| trigger.find('?')) {
        let column = u32::try_from(at).expect("short") + 1;
        found.push(finding(true, "trigger", MappingPlace::Trigger { line: 1, column }));
    }
    if spec.trigger.as_deref().is_some_and(|trigger| trigger.contains("AND")) {
        found.push(finding(false, "trigger-compat", MappingPlace::Trigger { line: 1, column: 1 }));
    }
    found
}

fn files(files: &[(&str, &str)]) -> Vec<SourceFile> {
    files.iter().map(|(path, text)| SourceFile { path: (*path).to_owned(), text: (*text).to_owned() }).collect()
}

fn try_load(given: &[(&str, &str)]) -> Result<Loaded, Vec<Diagnostic>> {
    let input = ProjectInput {
        files: files(given),
        root: Path::new("/home/me/shop"),
        env: &env,
        sql_file: &sql_file,
        mapping_check: &mapping_check,
    };
    load(&input)
}

fn try_load_offline(given: &[(&str, &str)]) -> Result<Loaded, Vec<Diagnostic>> {
    let input = ProjectInput {
        files: files(given),
        root: Path::new("/home/me/shop"),
        env: &env,
        sql_file: &sql_file,
        mapping_check: &mapping_check,
    };
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
