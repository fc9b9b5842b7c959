//! Files, YAML and variables.

use crate::{BASE, SYNC, places, shown};

#[test]
fn a_good_project_has_nothing_to_say() {
    insta::assert_snapshot!(shown(&[("hubward.yml", BASE), ("syncs/customers.yml", SYNC)]), @"");
}

#[test]
fn every_problem_is_told_at_once() {
    let project = "\
name: shop
hubspot:
  tokne: ${TOKEN}
  base_url: ${HUBSPOT_URL}
sources:
  shop: { type: sqlite, paht: shop.sqlite }
models:
  customers:
    source: shpo
    sql: select 1
    table: customers
";
    let sync = "\
sync: customers
model: custmers
to: { object: contacts }
mode: upsret
match: { column: email, property: utk }
map:
  email: email
  firstname: first_name
  email: mail
";
    insta::assert_snapshot!(shown(&[("hubward.yml", project), ("syncs/customers.yml", sync)]), @r#"
    error[unknown-key]: an account has no key `tokne`
     --> hubward.yml:3:3
      |
    3 |   tokne: ${TOKEN}
      |   ^^^^^
      |
      = help: did you mean `token`?

    error[missing-variable]: the environment variable `HUBSPOT_URL` is not set
     --> hubward.yml:4:13
      |
    4 |   base_url: ${HUBSPOT_URL}
      |             ^^^^^^^^^^^^^^
      |
      = help: set it (`export HUBSPOT_URL=…`), or give a default: `${HUBSPOT_URL:-default}`

    error[unknown-key]: a source of type sqlite has no key `paht`
     --> hubward.yml:6:25
      |
    6 |   shop: { type: sqlite, paht: shop.sqlite }
      |                         ^^^^
      |
      = help: did you mean `path`?

    error[missing-key]: a model needs the key `primary_key`
     --> hubward.yml:9:5
      |
    9 |     source: shpo
      |     ^
      |
      = help: add `primary_key:` — The column, or columns, that name a row.

    error[unknown-source]: there is no source `shpo`
     --> hubward.yml:9:13
      |
    9 |     source: shpo
      |             ^^^^
      |
      = help: did you mean `shop`?

    error[choose-one]: a model takes only one of `sql`, `sql_file`, `table`
      --> hubward.yml:11:5
       |
    11 |     table: customers
       |     ^^^^^
       |
      ::: hubward.yml:10:5
       |
    10 |     sql: select 1
       |     --- the other one
       |
       = help: keep one of them

    error[unknown-model]: there is no model `custmers`
     --> syncs/customers.yml:2:8
      |
    2 | model: custmers
      |        ^^^^^^^^
      |
      = help: did you mean `customers`?

    error[unknown-value]: `mode` must be `upsert` or `update` or `insert`, not `upsret`
     --> syncs/customers.yml:4:7
      |
    4 | mode: upsret
      |       ^^^^^^
      |
      = help: did you mean `upsert`?

    error[user-token-match]: `utk` is the user token of a browser's visitor, and HubSpot's object API has no key for it
     --> syncs/customers.yml:5:35
      |
    5 | match: { column: email, property: utk }
      |                                   ^^^
      |
      = help: match by `email`, by another unique property or by the record id; to attach events to a visitor, write an event sync with `contact: { by: utk, column: … }`

    error[duplicate-property]: the property `email` is given a second time; the first is on line 7
     --> syncs/customers.yml:9:3
      |
    9 |   email: mail
      |   ^^^^^
      |
     ::: syncs/customers.yml:7:3
      |
    7 |   email: email
      |   ----- first given here
      |
      = help: keep one of the two
    "#);
}

#[test]
fn malformed_yaml_is_one_diagnostic_at_its_place() {
    insta::assert_snapshot!(shown(&[("hubward.yml", "name: shop\nhubspot: { token: x\nsources: [")]), @r#"
    error[malformed-yaml]: this is not well-formed YAML: while parsing a flow mapping, did not find expected ',' or '}'
     --> hubward.yml:3:8
      |
    3 | sources: [
      |        ^
      |
      = help: look at this line and the one before it: indentation by spaces, a blank after every `:`, closed quotes and brackets; put quotes around text that holds `: ` or ` #`, or that starts with one of `@ * & { [ % |`
    "#);
    insta::assert_snapshot!(shown(&[("hubward.yml", "hubspot: { token: ${TOKEN} }\n")]), @r#"
    error[malformed-yaml]: this is not well-formed YAML: while parsing a flow mapping, did not find expected ',' or '}'
     --> hubward.yml:1:20
      |
    1 | hubspot: { token: ${TOKEN} }
      |                    ^
      |
      = help: inside `{ … }` and `[ … ]` a variable needs quotes: `{ path: "${DATA}" }`
    "#);
    insta::assert_snapshot!(shown(&[("hubward.yml", "name: shop\n\thubspot: 1\n")]), @r#"
    error[malformed-yaml]: this is not well-formed YAML: a tab stands in the indentation
     --> hubward.yml:2:1
      |
    2 |     hubspot: 1
      | ^^^^
      |
      = help: indent with spaces
    "#);
}

#[test]
fn a_file_that_cannot_be_read_brings_no_second_message_elsewhere() {
    let found = places(&[
        ("hubward.yml", BASE),
        ("models/more.yml", "models: {"),
        ("syncs/s.yml", &SYNC.replace("model: customers", "model: more")),
    ]);
    assert_eq!(found, ["malformed-yaml models/more.yml:1:9"]);
}

#[test]
fn a_sync_file_holds_one_document() {
    let two = format!("{SYNC}---\n{SYNC}");
    insta::assert_snapshot!(shown(&[("hubward.yml", BASE), ("syncs/customers.yml", &two)]), @r#"
    error[several-documents]: the file holds more than one YAML document
     --> syncs/customers.yml:7:1
      |
    7 | ---
      | ^^^
      |
      = help: remove the `---` line and keep one model file or one sync a file
    "#);
}

#[test]
fn a_missing_project_file_and_empty_files_are_told() {
    assert_eq!(places(&[("syncs/customers.yml", SYNC)]), ["missing-file hubward.yml:1:1"]);
    assert_eq!(places(&[("hubward.yml", "# nothing\n")]), ["empty-file hubward.yml:1:1"]);
    assert_eq!(
        places(&[("hubward.yml", BASE), ("models/m.yml", ""), ("syncs/s.yml", "---\n")]),
        ["empty-file models/m.yml:1:1", "empty-file syncs/s.yml:1:1"]
    );
}

#[test]
fn files_that_are_no_part_of_the_project_are_passed_over() {
    assert_eq!(places(&[("hubward.yml", BASE), ("links/contacts.yml", "a: ["), ("syncs/deep/x.txt", "{")]), [""; 0]);
}

#[test]
fn a_duplicate_key_is_told_with_both_lines() {
    let text = BASE.replace("    primary_key: id\n", "    primary_key: id\n    primary_key: email\n");
    insta::assert_snapshot!(shown(&[("hubward.yml", &text)]), @r#"
    error[duplicate-key]: the key `primary_key` is given a second time; the first is on line 9
      --> hubward.yml:10:5
       |
    10 |     primary_key: email
       |     ^^^^^^^^^^^
       |
      ::: hubward.yml:9:5
       |
     9 |     primary_key: id
       |     ----------- first given here
       |
       = help: keep one of the two
    "#);
}

#[test]
fn every_missing_variable_is_told_where_its_dollar_stands() {
    let text = "\
hubspot:
  token: ${NONE_A}
  base_url: \"https://${NONE_B}/x${NONE_C}\"
sources:
  shop: { type: sqlite, path: \"${DB:-shop.sqlite}\" }
models:
  m:
    source: shop
    sql: |
      select '$${kept}'
      from ${NONE_D}
    primary_key: id
";
    insta::assert_snapshot!(shown(&[("hubward.yml", text)]), @r#"
    error[missing-variable]: the environment variable `NONE_A` is not set
     --> hubward.yml:2:10
      |
    2 |   token: ${NONE_A}
      |          ^^^^^^^^^
      |
      = help: set it (`export NONE_A=…`), or give a default: `${NONE_A:-default}`

    error[missing-variable]: the environment variable `NONE_B` is not set
     --> hubward.yml:3:22
      |
    3 |   base_url: "https://${NONE_B}/x${NONE_C}"
      |                      ^^^^^^^^^
      |
      = help: set it (`export NONE_B=…`), or give a default: `${NONE_B:-default}`

    error[missing-variable]: the environment variable `NONE_C` is not set
     --> hubward.yml:3:33
      |
    3 |   base_url: "https://${NONE_B}/x${NONE_C}"
      |                                 ^^^^^^^^^
      |
      = help: set it (`export NONE_C=…`), or give a default: `${NONE_C:-default}`

    error[missing-variable]: the environment variable `NONE_D` is not set
      --> hubward.yml:11:12
       |
    11 |       from ${NONE_D}
       |            ^^^^^^^^^
       |
       = help: set it (`export NONE_D=…`), or give a default: `${NONE_D:-default}`
    "#);
}

#[test]
fn a_variable_that_cannot_be_read_is_told() {
    let text =
        format!("{BASE}intake:\n  listen: \"${{1x}}\"\n  write_keys: {{ b: '${{open', c: \"${{A:-${{B}}}}\" }}\n");
    assert_eq!(
        places(&[("hubward.yml", &text)]),
        [
            "bad-variable hubward.yml:11:12",
            "bad-variable hubward.yml:12:21",
            "bad-variable hubward.yml:12:34",
            "no-mapping hubward.yml:10:1"
        ]
    );
}

#[test]
fn aliases_repeat_a_value_and_cannot_blow_up() {
    let aliased = "\
hubspot: { token: \"${TOKEN}\" }
sources:
  shop: &db { type: sqlite, path: a.sqlite }
  again: *db
";
    assert_eq!(places(&[("hubward.yml", aliased)]), [""; 0]);
    let mut bomb = String::from("a: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let row = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("b{level}: &a{level} [{row}]\n"));
    }
    assert_eq!(places(&[("hubward.yml", &bomb)]).len(), 1);
}

#[test]
fn deep_nests_and_huge_files_are_refused() {
    let deep = "[".repeat(5_000);
    let found = places(&[("hubward.yml", &deep)]);
    assert_eq!(found.len(), 1, "{found:?}");
    let lists = format!("a: {}x{}", "[".repeat(100), "]".repeat(100));
    let found = places(&[("hubward.yml", &lists)]);
    assert!(found[0].starts_with("file-too-large"), "{found:?}");
    let huge = "#".repeat(5 * 1024 * 1024);
    assert_eq!(places(&[("hubward.yml", &huge)]), ["file-too-large hubward.yml:1:1"]);
}

#[test]
fn windows_line_ends_and_a_byte_order_mark_change_nothing() {
    let text = format!("\u{feff}{}", BASE.replace('\n', "\r\n"));
    let sync = SYNC.replace('\n', "\r\n").replace("email }", "utk }");
    assert_eq!(places(&[("hubward.yml", &text), ("syncs/s.yml", &sync)]), ["user-token-match syncs/s.yml:4:35"]);
}

#[test]
fn a_variable_in_a_key_is_told() {
    let sync = SYNC.replace("firstname:", "\"${TOKEN}\":");
    insta::assert_snapshot!(shown(&[("hubward.yml", BASE), ("syncs/s.yml", &sync)]), @r#"
    error[bad-variable]: variables are filled in in values, not in the key `${TOKEN}`
     --> syncs/s.yml:6:3
      |
    6 |   "${TOKEN}": ••••••••••
      |   ^^^^^^^^^^
      |
      = help: write the name itself
    "#);
}

#[test]
fn the_json_form_of_a_problem_has_every_key() {
    let found = crate::try_load(&[("hubward.yml", BASE), ("syncs/s.yml", "sync: a\n")]);
    let found = found.expect_err("the sync lacks keys");
    assert_eq!(
        found[0].to_json().to_string(),
        r#"{"severity":"error","code":"missing-key","file":"syncs/s.yml","line":1,"column":1,"message":"an object sync needs the key `model`","help":"add `model:` — Name of the model."}"#
    );
}
