//! Rules on syncs.

use hubward_core::Value;
use hubward_core::spec::{ContactKey, EventSubject, ListTarget, SyncSpec};
use hubward_core::spec::{MapSource, RemovalLimit, WriteRule};

use crate::{BASE, SYNC, loaded, shown, with_sync};

#[test]
fn a_record_id_matches_in_mode_update_only() {
    let by_id = SYNC.replace("property: email", "property: id");
    assert_eq!(with_sync(&by_id), ["match-by-id syncs/s.yml:4:35"]);
    assert_eq!(with_sync(&format!("{by_id}mode: insert\n")), ["match-by-id syncs/s.yml:4:35"]);
    assert_eq!(with_sync(&format!("{by_id}mode: update\n")), [""; 0]);
    assert_eq!(with_sync(&SYNC.replace("property: email", "property: hs_object_id")), ["match-by-id syncs/s.yml:4:35"]);
}

#[test]
fn the_user_token_is_no_key_of_the_object_api() {
    for name in ["utk", "hs_user_token", "User Token", "hubspotutk"] {
        assert_eq!(
            with_sync(&SYNC.replace("property: email", &format!("property: {name}"))),
            ["user-token-match syncs/s.yml:4:35"],
            "{name}"
        );
    }
}

#[test]
fn two_entries_for_one_property_are_told_with_both_lines() {
    let sync = format!("{SYNC}  firstname: {{ value: x }}\n");
    insta::assert_snapshot!(shown(&[("hubward.yml", BASE), ("syncs/s.yml", &sync)]), @r#"
    error[duplicate-property]: the property `firstname` is given a second time; the first is on line 6
     --> syncs/s.yml:7:3
      |
    7 |   firstname: { value: x }
      |   ^^^^^^^^^
      |
     ::: syncs/s.yml:6:3
      |
    6 |   firstname: first_name
      |   --------- first given here
      |
      = help: keep one of the two
    "#);
}

#[test]
fn a_map_entry_has_exactly_one_origin() {
    assert_eq!(with_sync(&format!("{SYNC}  a: {{ type: date }}\n")), ["choose-one syncs/s.yml:7:6"]);
    assert_eq!(with_sync(&format!("{SYNC}  a: {{ value: 1, column: b }}\n")), ["choose-one syncs/s.yml:7:18"]);
    assert_eq!(
        with_sync(&format!("{SYNC}  a: {{ column: }}\n  b:\n  c: [d]\n")),
        ["empty-value syncs/s.yml:7:8", "empty-value syncs/s.yml:8:3", "wrong-type syncs/s.yml:9:6"]
    );
}

#[test]
fn constants_stay_what_yaml_had() {
    let sync = format!(
        "{SYNC}  a: {{ value: null }}\n  b: {{ value: no }}\n  c: {{ value: 007 }}\n  d: {{ value: -12 }}\n  e: {{ value: 1.50 }}\n  f: {{ value: true }}\n  g: {{ value: \"1\" }}\n  h: {{ value: [a, 2] }}\n  i: {{ value: \"${{YES}}\" }}\n  j: {{ value: +49 }}\n  k: {{ value: 18446744073709551615 }}\n"
    );
    let project = loaded(&[("hubward.yml", BASE), ("syncs/s.yml", &sync)]).project;
    let SyncSpec::Object(sync) = &project.syncs[0] else { panic!("it is an object sync") };
    let values: Vec<&Value> = sync
        .map
        .iter()
        .filter_map(|entry| match &entry.source {
            MapSource::Value(value) => Some(value),
            _ => None,
        })
        .collect();
    let text = |text: &str| Value::Text(text.to_owned());
    let wanted = [
        Value::Null,
        text("no"),
        text("007"),
        Value::Int(-12),
        Value::Decimal("1.50".to_owned()),
        Value::Bool(true),
        text("1"),
        Value::List(vec![text("a"), Value::Int(2)]),
        text("true"),
        text("+49"),
        Value::UInt(u64::MAX),
    ];
    assert_eq!(values, wanted.iter().collect::<Vec<_>>());
}

#[test]
fn names_that_yaml_takes_for_something_else_stay_names() {
    let sync = format!("{SYNC}  no: yes\n  1: 2\n  true: 0123\n  \"null\": \"null\"\n");
    let project = loaded(&[("hubward.yml", BASE), ("syncs/s.yml", &sync)]).project;
    let SyncSpec::Object(sync) = &project.syncs[0] else { panic!("it is an object sync") };
    let pairs: Vec<(&str, MapSource)> =
        sync.map[1..].iter().map(|entry| (entry.property.as_str(), entry.source.clone())).collect();
    let column = |name: &str| MapSource::Column(name.to_owned());
    assert_eq!(pairs, [("no", column("yes")), ("1", column("2")), ("true", column("0123")), ("null", column("null"))]);
}

#[test]
fn write_and_force_must_make_sense() {
    assert_eq!(
        with_sync(&format!(
            "{SYNC}  lifecyclestage: {{ column: a, force: true }}\n  b: {{ column: b, write: append }}\n"
        )),
        [""; 0]
    );
    assert_eq!(
        with_sync(&format!("{SYNC}  lifecyclestage: {{ column: a, write: if_empty, force: true }}\n")),
        ["write-rule syncs/s.yml:7:56"]
    );
    assert_eq!(
        with_sync(&format!("{SYNC}  a: {{ column: a, write: sometimes }}\n")),
        ["unknown-value syncs/s.yml:7:26"]
    );
    assert_eq!(
        with_sync(&format!("{SYNC}  a: {{ column: a, write: if_empty }}\nmode: insert\n")),
        ["write-rule syncs/s.yml:7:26"]
    );
    let project =
        loaded(&[("hubward.yml", BASE), ("syncs/s.yml", &format!("{SYNC}  a: {{ column: a, write: if_empty }}\n"))])
            .project;
    let SyncSpec::Object(sync) = &project.syncs[0] else { panic!("it is an object sync") };
    assert_eq!(sync.map[1].write, WriteRule::IfEmpty);
}

#[test]
fn what_a_removed_row_does_depends_on_the_mode() {
    for (mode, rule, good) in [
        ("upsert", "delete", true),
        ("update", "clear", true),
        ("insert", "keep", true),
        ("insert", "delete", false),
        ("insert", "clear", false),
    ] {
        let found = with_sync(&format!("{SYNC}mode: {mode}\non_removed: {rule}\n"));
        let wanted: &[&str] = if good { &[] } else { &["on-removed syncs/s.yml:8:13"] };
        assert_eq!(found, wanted, "{mode} {rule}");
    }
}

#[test]
fn the_catch_on_removals_is_a_share_or_a_number_of_rows_and_the_projects_where_the_sync_has_none() {
    for (written, limit) in [
        ("20%", RemovalLimit::Share(0.2)),
        ("0.05", RemovalLimit::Share(0.05)),
        ("1.0", RemovalLimit::Share(1.0)),
        ("1", RemovalLimit::Rows(1)),
        ("2_500", RemovalLimit::Rows(2500)),
    ] {
        assert_eq!(catch_of(BASE, &format!("{SYNC}max_removals: {written}\n")), Some(limit), "{written}");
    }
    assert_eq!(catch_of(BASE, SYNC), None);
    let base = format!("removal_limit: 5%\n{BASE}");
    assert_eq!(catch_of(&base, SYNC), Some(RemovalLimit::Share(0.05)));
    assert_eq!(catch_of(&base, &format!("{SYNC}max_removals: 7\n")), Some(RemovalLimit::Rows(7)));
    for bad in ["0", "0%", "101%", "1.5", "-1", "many"] {
        assert_eq!(with_sync(&format!("{SYNC}max_removals: {bad}\n")), ["bad-value syncs/s.yml:7:15"], "{bad}");
    }
}

fn catch_of(base: &str, sync: &str) -> Option<RemovalLimit> {
    let loaded = loaded(&[("hubward.yml", base), ("syncs/s.yml", sync)]);
    match &loaded.project.syncs[0] {
        SyncSpec::Object(sync) => sync.max_removals,
        other => panic!("{} is no object sync", other.name()),
    }
}

#[test]
fn templates_are_parsed_with_hubwards_filters() {
    let good =
        format!("{SYNC}  a: {{ template: \"{{{{ row.x | to_unix }}}} {{{{ row['y'] | to_json | upcase }}}}\" }}\n");
    assert_eq!(with_sync(&good), [""; 0]);
    let bad =
        format!("{SYNC}  a: {{ template: \"{{{{ row.x | to_unxi }}}}\" }}\n  b:\n    template: \"{{% if row.x %}}\"\n");
    insta::assert_snapshot!(shown(&[("hubward.yml", BASE), ("syncs/s.yml", &bad)]), @r#"
    error[template]: the template is no valid Liquid: there is no filter `to_unxi`; did you mean `to_unix`?
     --> syncs/s.yml:7:18
      |
    7 |   a: { template: "{{ row.x | to_unxi }}" }
      |                  ^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: values stand in `{{ … }}`, tags in `{% … %}`; a column is `row.name` or `row['name']`; put the whole template in quotes

    error[template]: the template is no valid Liquid: Unclosed block. {% endif %} tag expected
     --> syncs/s.yml:9:15
      |
    9 |     template: "{% if row.x %}"
      |               ^^^^^^^^^^^^^^^^
      |
      = help: values stand in `{{ … }}`, tags in `{% … %}`; a column is `row.name` or `row['name']`; put the whole template in quotes
    "#);
}

#[test]
fn schedules_and_associations_are_checked() {
    let sync = format!(
        "{SYNC}schedule: {{ every: 15 }}\nassociations:\n  - to: companies\n  - to: deals\n    match: {{ column: d, property: id }}\n    label: null\n    overwrite: true\n  - {{ to: deals, match: {{ column: e, property: id }} }}\n"
    );
    insta::assert_snapshot!(shown(&[("hubward.yml", BASE), ("syncs/s.yml", &sync)]), @r#"
    error[schedule]: `15` is no pause between runs
     --> syncs/s.yml:7:20
      |
    7 | schedule: { every: 15 }
      |                    ^^
      |
      = help: write a whole number and a unit: `30s`, `15m`, `1h` or `1d`, at most 366 days

    error[missing-key]: an association needs the key `match`
     --> syncs/s.yml:9:5
      |
    9 |   - to: companies
      |     ^
      |
      = help: add `match:` — How the row names the other record; property id needs no look-up.

    error[duplicate-association]: two associations to `deals` of the same label, one with `overwrite: true`, would remove each other's
      --> syncs/s.yml:14:11
       |
    14 |   - { to: deals, match: { column: e, property: id } }
       |           ^^^^^
       |
      ::: syncs/s.yml:10:9
       |
    10 |   - to: deals
       |         ----- the other one
       |
       = help: make one of the two columns in the model's SQL, or set `overwrite: false` on both
    "#);
    assert_eq!(
        with_sync(&format!("{SYNC}schedule: {{ every: 1h, cron: \"0 * * * *\" }}\n")),
        ["choose-one syncs/s.yml:7:24"]
    );
    assert_eq!(with_sync(&format!("{SYNC}schedule: {{ cron: \"0 25 * * *\" }}\n")), ["schedule syncs/s.yml:7:19"]);
}

#[test]
fn an_event_sync_takes_its_own_keys() {
    let event =
        "sync: orders\nmodel: customers\nto: { event: pe1_order }\ncontact: { by: utk, column: c }\nmap: { a: b }\n";
    assert_eq!(with_sync(event), [""; 0]);
    assert_eq!(
        with_sync(
            "sync: orders\nmodel: customers\nto: { event: { colum: name } }\nmode: upsert\ncontact: { by: phone, column: c }\nrecord: { object: deals, by: id, column: c }\nmap: { a: { column: b, write: append } }\n"
        ),
        [
            "unknown-key syncs/s.yml:3:16",
            "unknown-key syncs/s.yml:4:1",
            "unknown-value syncs/s.yml:5:16",
            "choose-one syncs/s.yml:6:1",
            "unknown-key syncs/s.yml:7:24",
        ]
    );
}

#[test]
fn the_contact_of_an_event_may_be_named_in_several_ways() {
    let event = "sync: orders\nmodel: customers\nto: { event: order }\ncontact: CONTACT\n";
    let with = |contact: &str| event.replace("CONTACT", contact);
    let both = with("[{ by: utk, column: cookie }, { by: email, column: mail }]");
    let project = loaded(&[("hubward.yml", BASE), ("syncs/s.yml", &both)]).project;
    let SyncSpec::Event(sync) = &project.syncs[0] else { panic!("it is an event sync") };
    let EventSubject::Contact { keys } = &sync.subject else { panic!("it is an event of a contact") };
    let found: Vec<_> = keys.iter().map(|key| (key.by, key.column.as_str())).collect();
    assert_eq!(found, [(ContactKey::Utk, "cookie"), (ContactKey::Email, "mail")]);
    let twice = with("[{ by: email, column: a }, { by: email, column: b }]");
    assert_eq!(with_sync(&twice), ["duplicate-key syncs/s.yml:4:37"]);
    assert_eq!(with_sync(&with("[]")), ["empty-value syncs/s.yml:4:10"]);
    assert_eq!(with_sync(&with("[email]")), ["wrong-type syncs/s.yml:4:11"]);
}

#[test]
fn event_and_list_syncs_come_after_the_records_they_name() {
    let contacts =
        "sync: people\nmodel: customers\nto: { object: contacts }\nmatch: { column: email, property: email }\n";
    let companies = contacts
        .replace("people", "firms")
        .replace("contacts", "companies")
        .replace("property: email", "property: name");
    let list =
        "sync: a_list\nmodel: customers\nto: { list: { object: companies } }\nmatch: { column: id, property: id }\n";
    let event = "sync: an_event\nmodel: customers\nto: { event: order }\ncontact: { by: email, column: email }\n";
    let files = [
        ("hubward.yml", BASE),
        ("syncs/a.yml", list),
        ("syncs/b.yml", event),
        ("syncs/c.yml", &companies),
        ("syncs/d.yml", contacts),
    ];
    let project = loaded(&files).project;
    let order: Vec<&str> = project.run_order().into_iter().map(|at| project.syncs[at].name()).collect();
    let place = |name: &str| order.iter().position(|known| *known == name).expect("it is in the project");
    assert!(place("firms") < place("a_list") && place("people") < place("an_event"), "{order:?}");
}

#[test]
fn a_list_sync_takes_its_own_keys() {
    let list = "sync: news\nmodel: customers\nto: { list: }\nmatch: { column: email, property: email }\n";
    let project = loaded(&[("hubward.yml", BASE), ("syncs/s.yml", list)]).project;
    let SyncSpec::List(sync) = &project.syncs[0] else { panic!("it is a list sync") };
    assert_eq!(sync.list, ListTarget::Name("customers".to_owned()));
    assert_eq!(sync.object, None);
    let firms = list.replace("list: }", "list: { id: 7, object: companies } }");
    let project = loaded(&[("hubward.yml", BASE), ("syncs/s.yml", &firms)]).project;
    let SyncSpec::List(sync) = &project.syncs[0] else { panic!("it is a list sync") };
    assert_eq!((&sync.list, sync.object.as_deref()), (&ListTarget::Id(7), Some("companies")));
    assert_eq!(with_sync(&format!("{list}mode: add\nexclusive: true\n")), ["list-option syncs/s.yml:6:12"]);
    assert_eq!(with_sync(&format!("{list}mode: remove\ncreate_missing: true\n")), ["list-option syncs/s.yml:6:17"]);
    assert_eq!(with_sync(&list.replace("list: }", "list: { name: a, id: 2 } }")), ["choose-one syncs/s.yml:3:21"]);
    assert_eq!(with_sync(&list.replace("list: }", "list: { id: two } }")), ["bad-value syncs/s.yml:3:19"]);
}

#[test]
fn a_target_is_exactly_one() {
    assert_eq!(
        with_sync(&SYNC.replace("object: contacts", "object: contacts, list: { id: 1 }"))[0],
        "choose-one syncs/s.yml:3:25"
    );
    assert_eq!(with_sync(&SYNC.replace("object: contacts", "")), ["choose-one syncs/s.yml:3:5"]);
    assert_eq!(with_sync("- sync: a\n"), ["wrong-type syncs/s.yml:1:1"]);
    assert_eq!(with_sync("hello\n"), ["wrong-type syncs/s.yml:1:1"]);
}
