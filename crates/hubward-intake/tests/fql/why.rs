//! Why a trigger fires or does not.

use hubward_intake::fql::{Trigger, why};
use serde_json::{Value, json};

fn told(trigger: &str, event: &Value) -> Vec<String> {
    why(&Trigger::parse(trigger).expect("a trigger"), event)
}

#[test]
fn the_conditions_that_decide_are_told_with_what_the_event_holds() {
    let event = json!({ "type": "track", "event": "Sold", "properties": { "total": 5 } });
    let trigger = r#"type = "track" and (event = "Bought" or event = "Lent") and properties.total > 3"#;
    assert_eq!(
        told(trigger, &event),
        [r#"`event = "Bought"` does not hold: event is "Sold""#, r#"`event = "Lent"` does not hold: event is "Sold""#,]
    );
    let fires = r#"type = "page" or (type = "track" and !(properties.plan = "gold"))"#;
    assert_eq!(
        told(fires, &event),
        [
            r#"`type = "track"` holds: type is "track""#,
            r#"`!(properties.plan = "gold")` holds: properties.plan is missing or null"#,
        ]
    );
    assert_eq!(told("contains(event, \"X\")", &event), [r#"`contains(event, "X")` does not hold: event is "Sold""#]);
    assert_eq!(told("false", &event), ["`false` does not hold"]);
}
