//! `explain` and `try`: events through a project's mappings; and what `check` finds in them.

use hubward_store::{EmbeddedOptions, EmbeddedSpool, Holder, Roles, Spool as _};
use serde_json::{Value, json};

use crate::support::{Done, Sandbox, TestProject, done, hubward};

const PROJECT: &str = "\
name: shop
hubspot: { token: \"${HUBSPOT_TOKEN}\" }
intake: { write_keys: { web: \"${WEB_KEY:-k}\", app: \"${APP_KEY:-a}\" } }
";

const CONTACTS: &str = "\
mapping: contacts
action: upsertContact
trigger: type = \"identify\" or type = \"group\"
fields:
  email: { \"@path\": $.context.traits.email }
  properties: { \"@path\": $.context.traits }
";

const ORDERS: &str = "\
mapping: orders
action: customEvent
sync_mode: upsert
trigger: event = \"Order Completed\"
fields:
  event_name: { \"@path\": $.event }
  record_details: { object_type: contact, email: { \"@path\": $.properties.email } }
  properties: { \"@path\": $.properties }
";

const GROUP: &str = r#"{"type":"group","userId":"u1","groupId":"g1","messageId":"m1",
  "traits":{"name":"Acme","employees":"12"},"context":{"traits":{"email":"Ann@X.com","firstname":"Ann","plan":"gold"}}}"#;

fn project() -> TestProject {
    let project = TestProject::empty();
    project.write("hubward.yml", PROJECT);
    project.write("mappings/companies.yml", "mapping: companies\naction: upsertCompany\nsources: [web]\n");
    project.write("mappings/contacts.yml", CONTACTS);
    project.write("mappings/off.yml", "mapping: off\naction: upsertContact\nenabled: false\n");
    project.write("mappings/orders.yml", ORDERS);
    project.write("group.json", GROUP);
    project
}

fn named<'r>(results: &'r Value, mapping: &str) -> &'r Value {
    let all = results["results"].as_array().expect("results");
    all.iter().find(|one| one["mapping"] == mapping).expect("every mapping has an entry")
}

fn paths(entry: &Value) -> Vec<&str> {
    let requests = entry["requests"].as_array().expect("requests").iter();
    requests.map(|request| request["path"].as_str().expect("a path")).collect()
}

#[test]
fn each_mapping_tells_why_it_fires_and_what_it_would_send_and_nothing_is_sent() {
    let sandbox = Sandbox::start(&["--tier", "enterprise"]);
    let project = project();
    let run = project.run(&sandbox, &["--json", "explain", "group.json"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let results = run.json();
    let contacts = named(&results, "contacts");
    assert_eq!((&contacts["fires"], &contacts["action"]), (&json!(true), &json!("upsertContact")));
    assert_eq!(contacts["why"], "`type = \"group\"` holds: type is \"group\"");
    assert_eq!(contacts["warnings"], json!(["properties.plan: contacts have no property \"plan\""]));
    let request = &contacts["requests"][0];
    assert_eq!(
        (&request["method"], &request["path"]),
        (&json!("POST"), &json!("/crm/v3/objects/contacts/batch/upsert"))
    );
    let input = &request["body"]["inputs"][0];
    assert_eq!((&input["id"], &input["idProperty"]), (&json!("ann@x.com"), &json!("email")));
    assert_eq!(input["properties"], json!({ "firstname": "Ann" }));
    // The contact that the other mapping would write is the company's.
    let companies = named(&results, "companies");
    assert_eq!(companies["outcome"], "applied", "{companies:#}");
    assert_eq!(
        paths(companies),
        [
            "/crm/v3/properties/companies/batch/create",
            "/crm/v3/objects/companies/batch/upsert",
            "/crm/v4/associations/companies/contacts/batch/associate/default",
        ]
    );
    assert_eq!(
        companies["requests"][1]["body"]["inputs"][0]["properties"],
        json!({ "name": "Acme", "numberofemployees": "12" })
    );
    let off = named(&results, "off");
    assert_eq!((&off["fires"], &off["why"]), (&json!(false), &json!("it is not enabled")));
    let orders = named(&results, "orders");
    assert_eq!(orders["fires"], json!(false));
    assert_eq!(orders["why"], "`event = \"Order Completed\"` does not hold: event is missing or null");
    assert_eq!(orders["requests"], json!([]));

    let app = project.run(&sandbox, &["--json", "explain", "group.json", "--source", "app"]).json();
    assert_eq!(named(&app, "companies")["why"], "it is for the events of web, not for those of app");
    assert!(sandbox.writes().is_empty(), "{:#?}", sandbox.writes());
    assert!(sandbox.records("contacts").is_empty() && sandbox.records("companies").is_empty());
}

#[test]
fn without_the_account_it_is_told_what_fires() {
    let project = project();
    let mut command = hubward();
    command.current_dir(project.path()).args(["--json", "explain", "group.json"]);
    let run = done(&mut command);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let results = run.json();
    assert_eq!(named(&results, "contacts")["fires"], json!(true));
    assert_eq!(named(&results, "contacts")["requests"], json!([]));
    assert!(run.stderr.contains("what would be sent is not known"), "{}", run.stderr);
    assert!(run.stderr.contains("HUBSPOT_TOKEN"), "{}", run.stderr);
}

#[test]
fn one_mapping_is_tried_and_sent_with_hubspots_answer() {
    let sandbox = Sandbox::start(&["--tier", "enterprise"]);
    let project = project();
    let alone = project.run(&sandbox, &["--json", "try", "companies", "group.json"]);
    assert_eq!((alone.code, &alone.json()["outcome"]), (3, &json!("rejected")), "its contact is not there");
    let rehearsed = project.run(&sandbox, &["--json", "try", "mappings/contacts.yml", "group.json"]);
    assert_eq!((rehearsed.code, &rehearsed.json()["sent"]), (0, &json!(false)));
    assert!(sandbox.records("contacts").is_empty());

    let contact = project.run(&sandbox, &["--json", "try", "contacts", "group.json", "--send"]);
    assert_eq!(contact.code, 0, "{}", contact.stderr);
    let contact = contact.json();
    assert_eq!((&contact["outcome"], &contact["sent"]), (&json!("applied"), &json!(true)));
    let answer = &contact["requests"][0];
    assert_eq!(answer["status"], 200);
    let held = sandbox.records("contacts");
    assert_eq!(answer["answer"]["results"][0]["id"], held[0]["id"]);
    assert_eq!(contact["record_id"].as_u64().map(|id| id.to_string()).as_deref(), held[0]["id"].as_str());

    let company = project.run(&sandbox, &["try", "companies", "group.json", "--send"]);
    assert_eq!(company.code, 0, "{}\n{}", company.stdout, company.stderr);
    let companies = sandbox.records("companies");
    assert_eq!(companies[0]["properties"]["segment_group_id"], "g1");
    assert_eq!(companies[0]["associations"]["contacts"][0]["id"], held[0]["id"]);
    assert!(company.stdout.contains("→ 200"), "{}", company.stdout);

    project.write("bad.json", r#"{"type":"group","groupId":"g2","traits":{"employees":"many"}}"#);
    let bad = project.run(&sandbox, &["--json", "try", "companies", "bad.json", "--send"]);
    let told = bad.json();
    assert_eq!((bad.code, &told["outcome"], &told["category"]), (3, &json!("invalid"), &json!("INVALID_FIELD")));
    assert_eq!((&told["property"], &told["sent"]), (&json!("numberofemployees"), &json!(false)));
    let unknown = project.run(&sandbox, &["try", "companys", "group.json"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains("did you mean \"companies\"?"), "{}", unknown.stderr);
}

fn problems(run: &Done) -> Vec<String> {
    let document = run.json();
    let problems = document["problems"].as_array().expect("problems");
    let text = |problem: &Value, name: &str| problem[name].as_str().unwrap_or_default().to_owned();
    problems
        .iter()
        .map(|one| {
            let (code, file) = (text(one, "code"), text(one, "file"));
            format!("{} {code} {file}:{}:{}", text(one, "severity"), one["line"], one["column"])
        })
        .collect()
}

#[test]
fn check_tells_everything_that_is_wrong_with_mappings_at_its_line() {
    let sandbox = Sandbox::start(&[]);
    let project = project();
    project.write(
        "mappings/contacts.yml",
        "\
mapping: contacts
action: upsertContact
trigger: type = \"identify\" and (
sync_mode: add
fields:
  emial: x
  company: { \"@path\": 5 }
",
    );
    project.edit("mappings/orders.yml", "event = \"Order Completed\"", "not type = \"page\"");
    let run = project.run(&sandbox, &["--json", "check"]);
    assert_eq!(run.code, 2);
    let found = problems(&run);
    assert!(found.contains(&"warning sync-mode mappings/contacts.yml:4:12".to_owned()), "{found:?}");
    project.edit("mappings/contacts.yml", "sync_mode: add\n", "");
    let found = problems(&project.run(&sandbox, &["--json", "check"]));
    let errors: Vec<&str> = found.iter().filter(|one| one.starts_with("error")).map(|one| one.as_str()).collect();
    assert!(errors.iter().any(|one| one.starts_with("error trigger mappings/contacts.yml:3:")), "{errors:?}");
    assert!(errors.contains(&"error mapping-field mappings/contacts.yml:5:3"), "{errors:?}");
    assert!(errors.contains(&"error mapping-directive mappings/contacts.yml:6:23"), "{errors:?}");
    assert!(found.contains(&"warning trigger-compat mappings/orders.yml:4:10".to_owned()), "{found:?}");
    for name in 0..51 {
        project.write(&format!("mappings/z{name:02}.yml"), &format!("mapping: z{name}\naction: upsertContact\n"));
    }
    let found = problems(&project.run(&sandbox, &["--json", "check"]));
    assert!(found.iter().any(|one| one.starts_with("error too-many-mappings mappings/z")), "{found:?}");
}

#[test]
fn the_contact_of_a_company_is_the_one_that_the_spool_remembers() {
    let sandbox = Sandbox::start(&["--tier", "enterprise"]);
    let project = project();
    project.write("alone.json", r#"{"type":"group","userId":"u7","groupId":"g1","traits":{"name":"Acme"}}"#);
    sandbox.post(
        "/_sandbox/load",
        &json!({ "records": { "contacts": [{ "id": "71", "properties": { "email": "seven@x.com" } }] } }),
    );
    let unknown = project.run(&sandbox, &["--json", "try", "companies", "alone.json", "--send"]);
    assert_eq!((unknown.code, &unknown.json()["outcome"]), (3, &json!("rejected")), "nobody knows whose it is");
    assert!(sandbox.records("companies").is_empty());

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let folder = project.file(".hubward/spool");
    std::fs::create_dir_all(&folder).expect("a folder");
    runtime.block_on(async {
        let holder = Holder { pid: 1, command: "test".to_owned(), started_at: jiff::Timestamp::UNIX_EPOCH };
        let options = EmbeddedOptions::new(folder, 1 << 30);
        let opened = tokio::task::spawn_blocking(move || EmbeddedSpool::open(&options, Roles::Both, &holder));
        let spool = opened.await.expect("no panic").expect("the spool opens");
        spool.remember(vec![("user/u7".to_owned(), "seven@x.com".to_owned())]).await.expect("remembered");
        spool.close().await.expect("closed");
    });
    let known = project.run(&sandbox, &["--json", "try", "companies", "alone.json", "--send"]);
    assert_eq!((known.code, &known.json()["outcome"]), (0, &json!("applied")), "{}", known.stdout);
    assert_eq!(sandbox.records("companies")[0]["associations"]["contacts"][0]["id"], "71");
}
