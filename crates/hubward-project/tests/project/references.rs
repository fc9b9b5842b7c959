//! Names that cross files.

use crate::{BASE, SYNC, loaded, places, shown};

#[test]
fn an_unknown_model_and_source_are_told_with_the_nearest_name() {
    let text = BASE.replace("source: shop", "source: Shop");
    let sync = SYNC.replace("model: customers", "model: customer");
    insta::assert_snapshot!(shown(&[("hubward.yml", &text), ("syncs/customers.yml", &sync)]), @r#"
    error[unknown-source]: there is no source `Shop`
     --> hubward.yml:7:13
      |
    7 |     source: Shop
      |             ^^^^
      |
      = help: did you mean `shop`?

    error[unknown-model]: there is no model `customer`
     --> syncs/customers.yml:2:8
      |
    2 | model: customer
      |        ^^^^^^^^
      |
      = help: did you mean `customers`?
    "#);
}

#[test]
fn a_name_given_twice_is_told_with_both_places() {
    let model = "model: customers\nsource: shop\ntable: t\nprimary_key: id\n";
    let found =
        shown(&[("hubward.yml", BASE), ("models/customers.yml", model), ("syncs/a.yml", SYNC), ("syncs/b.yml", SYNC)]);
    insta::assert_snapshot!(found, @r#"
    error[duplicate-name]: there is another model `customers`, in hubward.yml on line 6
     --> models/customers.yml:1:8
      |
    1 | model: customers
      |        ^^^^^^^^^
      |
     ::: hubward.yml:6:3
      |
    6 |   customers:
      |   --------- first declared here
      |
      = help: rename one of the two

    error[duplicate-name]: there is another sync `customers`, in syncs/a.yml on line 1
     --> syncs/b.yml:1:7
      |
    1 | sync: customers
      |       ^^^^^^^^^
      |
     ::: syncs/a.yml:1:7
      |
    1 | sync: customers
      |       --------- first declared here
      |
      = help: rename one of the two
    "#);
}

#[test]
fn models_may_stand_in_files_of_their_own() {
    let one = "model: one\nsource: shop\nsql_file: models/customers.sql\nprimary_key: [tenant, id]\n";
    let more = "models:\n  two: { source: shop, sql: select 1 as id, primary_key: id }\n  three: { source: shop, table: t, primary_key: id }\n";
    let loaded = loaded(&[("hubward.yml", BASE), ("models/one.yml", one), ("models/more.yml", more)]);
    let names: Vec<&str> = loaded.project.models.iter().map(|model| model.name.as_str()).collect();
    assert_eq!(names, ["customers", "one", "two", "three"]);
    assert_eq!(loaded.project.models[1].primary_key, ["tenant", "id"]);
    assert_eq!((loaded.project.models[3].at.line, loaded.project.models[3].at.column), (3, 3));
}

#[test]
fn syncs_that_wait_in_a_circle_are_told_once() {
    let a = format!("{SYNC}after: [b]\n").replace("sync: customers", "sync: a");
    let b = format!("{SYNC}after: c\n").replace("sync: customers", "sync: b");
    let c = format!("{SYNC}after: [a, c, d]\n").replace("sync: customers", "sync: c");
    let found = shown(&[("hubward.yml", BASE), ("syncs/a.yml", &a), ("syncs/b.yml", &b), ("syncs/c.yml", &c)]);
    insta::assert_snapshot!(found, @r#"
    error[sync-cycle]: syncs wait for each other in a circle: `a` after `b` after `c` after `a`
     --> syncs/c.yml:7:9
      |
    7 | after: [a, c, d]
      |         ^
      |
      = help: remove one of these `after`

    error[sync-cycle]: the sync `c` waits for itself
     --> syncs/c.yml:7:12
      |
    7 | after: [a, c, d]
      |            ^
      |
      = help: remove one of these `after`

    error[unknown-sync]: there is no sync `d`
     --> syncs/c.yml:7:15
      |
    7 | after: [a, c, d]
      |               ^
      |
      = help: did you mean `a`?
    "#);
}

#[test]
fn syncs_run_after_what_they_name_and_what_they_associate_to() {
    let contacts = format!("{SYNC}associations: [{{ to: Company, match: {{ column: d, property: domain }} }}]\n");
    let companies = SYNC.replace("sync: customers", "sync: companies").replace("contacts", "companies");
    let deals = format!("{SYNC}after: []\n").replace("sync: customers", "sync: deals").replace("contacts", "deals");
    let first = format!(
        "{companies}after: deals\nassociations: [{{ to: contacts, match: {{ column: d, property: email }} }}]\n"
    );
    let project =
        loaded(&[("hubward.yml", BASE), ("syncs/a.yml", &contacts), ("syncs/b.yml", &first), ("syncs/c.yml", &deals)])
            .project;
    let names: Vec<&str> = project.run_order().into_iter().map(|at| project.syncs[at].name()).collect();
    assert_eq!(names, ["deals", "companies", "customers"]);
}

#[test]
fn names_that_cannot_be_names_are_told() {
    let text = BASE.replace("  customers:", "  \"cus tomers\":");
    assert_eq!(
        places(&[("hubward.yml", &text), ("syncs/s.yml", &SYNC.replace("sync: customers", "sync: ../x"))]),
        ["bad-name hubward.yml:6:3", "bad-name syncs/s.yml:1:7"]
    );
}
