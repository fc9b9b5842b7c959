//! The examples of `docs/directives.md` give what the page says.

use serde_json::{Value, json};

use crate::mapped;

const PAGE: &str = include_str!("../../../../docs/directives.md");

/// The event that the examples are of: the page's only block of JSON.
fn event() -> Value {
    let (_, block) = PAGE.split_once("```json\n").expect("the page has an event");
    let (event, _) = block.split_once("```").expect("the block ends");
    serde_json::from_str(event).expect("the event is JSON")
}

#[test]
fn every_example_of_the_page_is_true() {
    let event = event();
    let mut examples = 0;
    for line in PAGE.lines().filter(|line| line.starts_with("| `@") && line.contains(" → ")) {
        let line = line.replace("\\|", "|");
        let line = line.trim_end_matches(" |");
        let (before, result) = line.rsplit_once(" → ").expect("an example has a result");
        let (_, directive) = before.rsplit_once(" | `{").expect("an example has a directive");
        let directive: Value =
            serde_json::from_str(&format!("{{{}", directive.trim_end_matches('`'))).expect("the directive is JSON");
        let expected = match result {
            "nothing" => json!({}),
            text => json!({ "x": serde_json::from_str::<Value>(text.trim_matches('`')).expect("the result is JSON") }),
        };
        assert_eq!(mapped(&json!({ "x": directive }), &event), Ok(Some(expected)), "{line}");
        examples += 1;
    }
    assert_eq!(examples, 13, "each directive has one");
}
