//! What must never be shown, and what may be missing.

use hubward_core::ExposeSecret;

use crate::{BASE, SECRET, SYNC, files, loaded, places, shown, try_load, try_load_offline};

#[test]
fn a_token_reaches_the_account_and_no_debug_output() {
    let project = loaded(&[("hubward.yml", BASE)]).project;
    let token = project.accounts[0].token.as_ref().expect("the token is there");
    assert_eq!(token.expose_secret(), SECRET);
    assert!(!format!("{project:?}").contains(SECRET));
}

#[test]
fn a_variables_value_is_in_no_message() {
    let text = "\
name: [\"${TOKEN}\"]
hubspot:
  token: ${TOKEN}
  base_url: ${TOKEN}
  api_version: ${TOKEN}
  portal_id: ${TOKEN}
  limits: { share: \"${TOKEN}\", daily: \"${TOKEN}\" }
sources:
  a: { type: \"${TOKEN}\" }
  b: { type: postgres, url: \"x://${TOKEN}\" }
models:
  m: { source: \"${TOKEN}\", sql_file: \"${TOKEN}\", primary_key: [\"${TOKEN}\", \"${OTHER}\"] }
";
    let sync = "\
sync: \"${TOKEN}/\"
model: ${TOKEN}
to: { object: contacts }
mode: ${TOKEN}
match: { column: a, property: b }
split_retries: ${TOKEN}
map:
  a: { template: \"{{ ${TOKEN} | nofilter }}\" }
  b: { template: \"{% ${TOKEN} %}\" }
  c: { column: x, type: \"${TOKEN}\" }
schedule: { cron: \"${TOKEN} * * * *\" }
after: [\"${TOKEN}\", b]
";
    let given = [
        ("hubward.yml", text),
        ("syncs/s.yml", sync),
        ("syncs/t.yml", &sync.replace("sync: \"${TOKEN}/\"", "sync: t").replace("cron", "every")),
    ];
    let found = try_load(&given).expect_err("it is full of errors");
    assert!(found.len() > 20, "{}", shown(&given));
    let all = format!("{found:?}{}", shown(&given));
    assert!(!all.contains(SECRET), "{all}");
    assert!(!all.contains("hunter2"), "{all}");
}

#[test]
fn a_secret_in_the_file_brings_a_warning_that_covers_it() {
    let text = BASE.replace("\"${TOKEN}\"", "pat-na1-12345678-aaaa");
    insta::assert_snapshot!(shown(&[("hubward.yml", &text)]), @r#"
    warning[secret-in-file]: `token` is written into the file, where version control will keep it
     --> hubward.yml:2:19
      |
    2 | hubspot: { token: ••••••••••••••••••••• }
      |                   ^^^^^^^^^^^^^^^^^^^^^
      |
      = help: put it into a variable and write `token: ${NAME}`; then replace the secret, for it may be known
    "#);
}

#[test]
fn both_credentials_are_a_warning_and_none_an_error() {
    let both = BASE.replace(
        "{ token: \"${TOKEN}\" }",
        "{ token: \"${TOKEN}\", oauth: { client_id: a, client_secret: \"${TOKEN}\", refresh_token: \"${OTHER}\" } }",
    );
    assert_eq!(places(&[("hubward.yml", &both)]), ["token-and-oauth hubward.yml:2:19"]);
    let none = BASE.replace("{ token: \"${TOKEN}\" }", "{ portal_id: 1 }");
    assert_eq!(places(&[("hubward.yml", &none)]), ["no-credentials hubward.yml:2:10"]);
    assert!(try_load_offline(&[("hubward.yml", &none)]).is_ok());
}

#[test]
fn without_credentials_only_their_variables_may_be_missing() {
    let text = BASE.replace("${TOKEN}", "${NONE}");
    assert_eq!(places(&[("hubward.yml", &text)]), ["missing-variable hubward.yml:2:20"]);
    let loaded = try_load_offline(&[("hubward.yml", &text), ("syncs/s.yml", SYNC)]).expect("the token may be missing");
    assert!(loaded.project.accounts[0].token.is_none());
    let elsewhere = text.replace("shop.sqlite", "\"${NONE}\"");
    let found = try_load_offline(&[("hubward.yml", &elsewhere)]).expect_err("a path may not");
    assert_eq!(found.len(), 1, "{}", hubward_project::render(&found, &files(&[("hubward.yml", &elsewhere)]), false));
}
