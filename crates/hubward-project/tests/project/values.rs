//! Accounts, sources and models.

use std::path::Path;

use hubward_core::ExposeSecret;
use hubward_core::spec::SourceSpec;

use crate::{BASE, loaded, places};

fn account(keys: &str) -> Vec<String> {
    places(&[("hubward.yml", &BASE.replace("token: \"${TOKEN}\"", &format!("token: \"${{TOKEN}}\", {keys}")))])
}

#[test]
fn accounts_may_have_names() {
    let text = BASE.replace(
        "hubspot: { token: \"${TOKEN}\" }",
        "hubspot:\n  main: { token: \"${TOKEN}\" }\n  test: { token: \"${OTHER}\", base_url: \"http://127.0.0.1:8089/\" }",
    );
    let project = loaded(&[("hubward.yml", &text)]).project;
    assert!(project.account(None).is_none());
    let test = project.account(Some("test")).expect("it is declared");
    assert_eq!((test.base_url.as_str(), test.at.line), ("http://127.0.0.1:8089", 4));
}

#[test]
fn limits_versions_and_numbers_are_checked() {
    for (keys, code) in [
        ("limits: { share: 80%, daily: 200_000 }", ""),
        ("limits: { share: 0.8 }", ""),
        ("limits: { share: 1 }", ""),
        ("limits: { share: 80 }", "bad-value"),
        ("limits: { share: 0 }", "bad-value"),
        ("limits: { share: -5% }", "bad-value"),
        ("limits: { share: inf }", "bad-value"),
        ("limits: { daily: 0 }", "bad-value"),
        ("limits: [1]", "wrong-type"),
        ("limits:", ""),
        ("api_version: 2026-09", ""),
        ("api_version: v4", "unknown-value"),
        ("portal_id: 12", ""),
        ("portal_id: \"12\"", ""),
        ("portal_id: abc", "bad-value"),
        ("portal_id: [1]", "wrong-type"),
        ("base_url: api.hubapi.com", "bad-url"),
        ("base_url: \"ftp://x\"", "bad-url"),
        ("base_url: \"https://a:b@x\"", "bad-url"),
        ("base_url: \"https://x?y\"", "bad-url"),
        ("base_url: \"http://example.com\"", "plain-http"),
        ("base_url: \"http://localhost:1\"", ""),
    ] {
        let found = account(keys);
        let codes: Vec<&str> = found.iter().map(|place| place.split(' ').next().unwrap_or_default()).collect();
        let wanted: Vec<&str> = [code].into_iter().filter(|code| !code.is_empty()).collect();
        assert_eq!(codes, wanted, "{keys}");
    }
}

#[test]
fn paths_are_relative_to_the_project() {
    let text = "\
hubspot: { token: \"${TOKEN}\" }
removal_limit: 25%
sources:
  a: { type: sqlite, path: data/a.sqlite }
  b: { type: files, root: /srv/data }
  c: { type: adbc, driver: duckdb, entrypoint: init, options: { path: lake.duckdb, threads: 2 } }
  d: { type: adbc, driver: lib/driver.so, options: { path: \":memory:\" } }
  e: { type: postgres, url: \"${TOKEN}\" }
";
    let project = loaded(&[("hubward.yml", text)]).project;
    assert_eq!((project.name.as_str(), project.removal_limit), ("shop", Some(0.25)));
    let Some(SourceSpec::Sqlite { path }) = project.source("a") else { panic!("a is SQLite") };
    assert_eq!(path, Path::new("/home/me/shop/data/a.sqlite"));
    let Some(SourceSpec::Files { root }) = project.source("b") else { panic!("b is files") };
    assert_eq!(root, Path::new("/srv/data"));
    let Some(SourceSpec::Adbc { driver, options, .. }) = project.source("c") else { panic!("c is ADBC") };
    let shown: Vec<(&str, &str)> = options.iter().map(|(key, value)| (key.as_str(), value.expose_secret())).collect();
    assert_eq!((driver.as_str(), shown), ("duckdb", vec![("path", "/home/me/shop/lake.duckdb"), ("threads", "2")]));
    let Some(SourceSpec::Adbc { driver, options, .. }) = project.source("d") else { panic!("d is ADBC") };
    assert_eq!((driver.as_str(), options[0].1.expose_secret()), ("/home/me/shop/lib/driver.so", ":memory:"));
}

#[test]
fn a_source_has_a_known_type_and_its_keys() {
    let source = |text: &str| places(&[("hubward.yml", &BASE.replace("{ type: sqlite, path: shop.sqlite }", text))]);
    assert_eq!(source("{ path: x }"), ["missing-key hubward.yml:4:9"]);
    assert_eq!(source("{ type: sqlit, path: x }"), ["unknown-value hubward.yml:4:17"]);
    assert_eq!(source("{ type: postgres, path: x }"), ["missing-key hubward.yml:4:9", "unknown-key hubward.yml:4:27"]);
    assert_eq!(source("{ type: postgres, url: mysql://x }"), ["bad-url hubward.yml:4:32"]);
    assert_eq!(source("{ type: postgres, url: \"postgres://a:b@c/d\" }"), ["secret-in-file hubward.yml:4:32"]);
    assert_eq!(source("shop.sqlite"), ["wrong-type hubward.yml:4:9"]);
}

#[test]
fn a_model_has_one_query_and_a_key() {
    let model =
        |text: &str| places(&[("hubward.yml", &BASE.replace("    table: customers\n    primary_key: id\n", text))]);
    assert_eq!(model("    primary_key: []\n"), ["choose-one hubward.yml:7:5", "empty-value hubward.yml:8:18"]);
    assert_eq!(model("    sql: a\n    sql_file: b\n    primary_key: id\n"), ["choose-one hubward.yml:9:5"]);
    assert_eq!(
        model("    sql_file: gone.sql\n    primary_key: [id, id]\n"),
        ["sql-file-unreadable hubward.yml:8:15", "bad-value hubward.yml:9:23"]
    );
    assert_eq!(model("    sql_file: models/empty.sql\n    primary_key: id\n"), ["empty-query hubward.yml:8:15"]);
    assert_eq!(
        model("    sql: /* x */ ; -- y\n    primary_key:\n"),
        ["empty-query hubward.yml:8:10", "empty-value hubward.yml:9:5"]
    );
}

#[test]
fn what_a_variable_holds_is_never_read_as_yaml() {
    let text = BASE.replace("name: shop", "name: ${YAML}");
    assert_eq!(loaded(&[("hubward.yml", &text)]).project.name, "[a, b]: {");
    let empty = BASE.replace("path: shop.sqlite", "path: \"${EMPTY}\"");
    assert_eq!(places(&[("hubward.yml", &empty)]), ["empty-value hubward.yml:4:31"]);
}

#[test]
fn an_intake_without_errors_says_nothing() {
    let text = format!(
        "{BASE}intake:\n  listen: 127.0.0.1:8790\n  write_keys: {{ web: \"${{TOKEN}}\" }}\n  spool: {{ type: embedded, max: 10GiB }}\n"
    );
    let mapping = "mapping: people\naction: upsertContact\nsources: web\n";
    assert_eq!(places(&[("hubward.yml", &text), ("mappings/people.yml", mapping)]), [""; 0]);
}
