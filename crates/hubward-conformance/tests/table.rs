//! The table of exceptions: as printed in `docs/conformance.md`, and each with evidence that can be looked up.

use std::path::Path;

use hubward_conformance::{Body, EXCEPTIONS, answer, documents_present, request, table};

#[test]
fn the_document_has_the_table_that_the_tests_use() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/conformance.md");
    let text = std::fs::read_to_string(&path).expect("docs/conformance.md is part of the repository");
    assert!(
        text.contains(&table()),
        "put this table into docs/conformance.md in place of the one there:\n\n{}",
        table()
    );
}

#[test]
#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
fn every_tag_of_evidence_is_a_source_of_the_reference() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/hubspot/api.md");
    let Ok(text) = std::fs::read_to_string(path) else {
        println!("skipped: there is no ../shared/hubspot/api.md beside the project");
        return;
    };
    let (_, sources) = text.split_once("## 17. Sources").expect("the reference lists its sources");
    let first_columns: Vec<&str> = sources.lines().filter_map(|line| line.split('|').nth(1)).collect();
    for exception in EXCEPTIONS {
        for tag in exception.evidence {
            let known = first_columns.iter().any(|column| column.split(',').any(|one| one.trim() == *tag));
            assert!(known, "{tag} is no source of the reference");
        }
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
fn what_is_wrong_in_a_request_or_an_answer_is_told_with_its_place() {
    if !documents_present() {
        println!("{}", hubward_conformance::SKIPPED);
        return;
    }
    let body = br#"{"inputs":[{"id":"1","properties":{"city":"Ulm"},"traceId":"0"}]}"#;
    let verdict = request("POST", "/crm/objects/2026-09/contacts/batch/update?archived=1", Body::Json(body));
    let told: Vec<String> = verdict.disagreements.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "POST /crm/objects/2026-09/contacts/batch/update: request ?archived: is no parameter of the operation",
            "POST /crm/objects/2026-09/contacts/batch/update: request /inputs/0/traceId: is not in the schema",
        ]
    );
    let verdict = answer("DELETE", "/crm/v3/objects/0-2/7", 200, b"{}");
    assert_eq!(
        verdict.disagreements[0].to_string(),
        "DELETE /crm/v3/objects/companies/{companyId}: answer 200: the status is not listed"
    );
    let verdict = answer("GET", "/account-info/2026-09/details", 200, br#"{"portalId":"1"}"#);
    let told: Vec<String> = verdict.disagreements.iter().map(ToString::to_string).collect();
    assert!(
        told.iter().any(|line| line.ends_with(r#"answer 200 /portalId: "1" is not of type "integer""#)),
        "{told:#?}"
    );
    assert!(told.iter().any(|line| line.ends_with("lacks `timeZone`")), "{told:#?}");
}

#[test]
#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
fn the_documents_that_shipped_are_the_ones_compared_with() {
    if !documents_present() {
        println!("{}", hubward_conformance::SKIPPED);
        return;
    }
    // Only the August files list 207 (api.md 1.4).
    let mixed = br#"{"status":"COMPLETE","results":[{"id":"1","properties":{},"createdAt":"2026-11-22T10:00:00Z",
        "updatedAt":"2026-11-22T10:00:00Z","archived":false,"new":true,"warnings":[{"category":"PROPERTY_VALUE_NORMALIZED",
        "message":"m","context":{"propertyName":"d"}}]}],"startedAt":"2026-11-22T10:00:00Z","completedAt":"2026-11-22T10:00:00Z"}"#;
    for t in ["contacts", "0-1", "0-8", "2-123456"] {
        let path = format!("/crm/objects/2026-09/{t}/batch/upsert");
        assert_eq!(answer("POST", &path, 207, mixed).disagreements, []);
    }
    let archived = |version: &str, status: u16, body: &[u8]| {
        let path = if version == "v4" { "/crm/v4/associations" } else { "/crm/associations/2026-09" };
        answer("POST", &format!("{path}/contacts/companies/batch/archive"), status, body).disagreements.len()
    };
    let dated = br#"{"status":"COMPLETE","results":[],"startedAt":"2026-11-22T10:00:00Z","completedAt":"2026-11-22T10:00:00Z"}"#;
    assert_eq!((archived("v4", 204, b""), archived("v4", 200, dated)), (0, 1));
    assert_eq!((archived("2026-09", 204, b""), archived("2026-09", 200, dated)), (1, 0));
}
