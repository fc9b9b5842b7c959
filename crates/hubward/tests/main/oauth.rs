//! A project that is let in by OAuth, as the whole program.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::support::{Sandbox, TestProject, done};

const SECRETS: [&str; 4] = ["sandbox-secret", "sandbox-refresh", "sandbox-access", "pat-na1"];

fn project(rows: u32) -> TestProject {
    let project = TestProject::customers(rows);
    project.edit(
        "hubward.yml",
        "  token: ${HUBSPOT_TOKEN}\n",
        "  oauth: { client_id: sandbox-client, client_secret: \"${CLIENT_SECRET}\", refresh_token: \"${REFRESH_TOKEN}\" }\n",
    );
    project
}

struct Told {
    code: i32,
    text: String,
    json: Value,
}

/// A command with this refresh token in the environment; none of its words holds a secret.
fn told(project: &TestProject, sandbox: &Sandbox, refresh_token: &str, args: &[&str]) -> Told {
    let mut command = project.command(sandbox, args);
    command.env("CLIENT_SECRET", "sandbox-secret").env("REFRESH_TOKEN", refresh_token);
    let done = done(&mut command);
    let text = format!("{}{}", done.stdout, done.stderr);
    for secret in SECRETS {
        assert!(!text.contains(secret), "{text}");
    }
    let json = serde_json::from_str(&done.stdout).unwrap_or(Value::Null);
    Told { code: done.code, text, json }
}

/// The refresh token that the account takes now.
fn valid(sandbox: &Sandbox) -> String {
    let apps = sandbox.get("/_sandbox/apps");
    apps["results"][0]["installs"][0]["refresh_token"].as_str().expect("installed").to_owned()
}

#[test]
fn a_rotated_refresh_token_lets_the_next_run_in_and_nobody_else_reads_it() {
    let sandbox = Sandbox::start(&[]);
    sandbox.post("/_sandbox/load", &json!({ "settings": { "rotate_refresh_tokens": true } }));
    let project = project(20);
    for turn in 0..3 {
        let run = told(&project, &sandbox, "sandbox-refresh", &["run", "--json"]);
        assert_eq!(run.code, 0, "{turn}: {}", run.text);
    }
    assert_eq!(sandbox.records("contacts").len(), 20);
    let kept = project.file(".hubward/oauth.json");
    let mode = std::fs::metadata(&kept).expect("kept").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = std::fs::read_to_string(&kept).expect("text");
    assert!(text.contains(&valid(&sandbox)), "the newest is kept");
    // nothing else in the state folder holds it, the request log included
    for file in ["state.sqlite", "state.sqlite-wal"] {
        let bytes = std::fs::read(project.file(&format!(".hubward/{file}"))).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        for secret in SECRETS {
            assert!(!text.contains(secret), "{secret} in {file}");
        }
    }
    let requests = told(&project, &sandbox, "sandbox-refresh", &["requests", "--json"]);
    assert!(requests.text.contains("/oauth/2026-09/token"), "{}", requests.text);

    // Somebody installs the app anew: the new token in the project counts, not what was kept for the old one.
    let app = json!({ "client_id": "sandbox-client", "client_secret": "sandbox-secret", "refresh_token": "sandbox-refresh-anew" });
    sandbox.post("/_sandbox/uninstall", &json!({ "client_id": "sandbox-client" }));
    sandbox.post("/_sandbox/apps", &app);
    let run = told(&project, &sandbox, "sandbox-refresh-anew", &["run", "--json"]);
    assert_eq!(run.code, 0, "{}", run.text);
}

#[test]
fn a_grant_that_is_gone_says_what_to_do_and_sends_nothing() {
    let sandbox = Sandbox::start(&[]);
    let project = project(20);
    sandbox.post("/_sandbox/uninstall", &json!({ "client_id": "sandbox-client" }));
    let check = told(&project, &sandbox, "sandbox-refresh", &["check", "--json"]);
    assert_eq!(check.code, 2, "{}", check.text);
    let problem = &check.json["problems"][0];
    assert_eq!(
        (&problem["code"], &problem["file"]),
        (&json!("grant-refused"), &json!("hubward.yml")),
        "{}",
        check.text
    );
    assert!(problem["help"].as_str().expect("what to do").contains("install the app again"), "{}", check.text);
    let run = told(&project, &sandbox, "sandbox-refresh", &["run"]);
    assert_ne!(run.code, 0, "{}", run.text);
    assert!(run.text.contains("install the app again"), "{}", run.text);
    assert!(sandbox.records("contacts").is_empty());
    let wrong = project.file("hubward.yml");
    let text = std::fs::read_to_string(&wrong).expect("text");
    std::fs::write(&wrong, text.replace("sandbox-client", "another-client")).expect("written");
    let check = told(&project, &sandbox, "sandbox-refresh", &["check", "--json"]);
    let help = check.json["problems"][0]["help"].as_str().expect("what to do");
    assert!(help.contains("client_id"), "{help}");
}

#[test]
fn check_names_the_scopes_that_an_installed_app_lacks() {
    let sandbox = Sandbox::start(&[]);
    let project = project(5);
    let scopes = ["oauth", "crm.objects.contacts.read", "crm.schemas.contacts.read"];
    let app = json!({ "client_id": "sandbox-client", "client_secret": "sandbox-secret",
        "refresh_token": "sandbox-refresh", "scopes": scopes });
    sandbox.post("/_sandbox/apps", &app);
    let check = told(&project, &sandbox, "sandbox-refresh", &["check", "--json"]);
    let problems = check.json["problems"].as_array().expect("problems").clone();
    let missing: Vec<&Value> = problems.iter().filter(|problem| problem["code"] == "missing-scope").collect();
    assert_eq!(missing.len(), 1, "{}", check.text);
    assert!(missing[0]["message"].as_str().expect("text").contains("crm.objects.contacts.write"));
}
