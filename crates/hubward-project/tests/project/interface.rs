//! The interface document's own example, read where the document lies beside the project.

use crate::{places, try_load};

/// The `yaml` blocks of the document, in order.
fn blocks() -> Option<Vec<String>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/design/interface.md");
    let Ok(document) = std::fs::read_to_string(path) else {
        println_skip();
        return None;
    };
    let blocks = document.split("```yaml\n").skip(1);
    let blocks = blocks.filter_map(|block| block.split_once("```"));
    Some(blocks.map(|(block, _)| block.to_owned()).collect())
}

#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
fn println_skip() {
    println!("skipped: there is no ../shared/design/interface.md beside the project");
}

#[test]
fn the_documents_example_is_a_project_without_errors() {
    let Some(blocks) = blocks() else {
        return;
    };
    let project =
        blocks[0].replace("${HUBSPOT_TOKEN}", "${TOKEN}").replace("${MART_URL}", "${MART_URL:-postgres://localhost}");
    assert!(project.contains("sources:"), "the first block is hubward.yml");
    let intake = blocks[2].replace("${WEB_WRITE_KEY}", "${TOKEN}");
    let project = format!("{project}\n{intake}");
    let companies = blocks[1]
        .replace("sync: customers", "sync: companies")
        .replace("object: contacts", "object: companies")
        .replace("after: [companies]", "after: []");
    let given = [
        ("hubward.yml", project.as_str()),
        ("mappings/contacts.yml", &blocks[3]),
        ("syncs/customers.yml", &blocks[1]),
        ("syncs/companies.yml", &companies),
    ];
    // The document shows every key; this action has no mode.
    assert_eq!(places(&given), ["sync-mode mappings/contacts.yml:6:12"]);
    let loaded = try_load(&given).expect("it has no errors");
    assert_eq!(loaded.project.syncs.len(), 2);
    assert_eq!(loaded.project.mappings.len(), 1);
    assert!(loaded.project.intake.is_some());
    assert_eq!(loaded.project.run_order(), [1, 0]);
}
