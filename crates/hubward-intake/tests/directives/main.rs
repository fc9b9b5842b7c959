//! Mapping directives from outside.

mod bounds;
mod documented;
mod recorded;
mod rules;
mod validation;

use hubward_intake::directives::{Event, Mapping};
use serde_json::{Value, json};

/// What a mapping makes of an event, or the first line of what is wrong.
pub(crate) fn mapped(mapping: &Value, event: &Value) -> Result<Option<Value>, String> {
    let event = Event::new(event).map_err(|error| error.to_string())?;
    let mapping = Mapping::new(mapping).map_err(|error| error.to_string())?;
    mapping.resolve(&event).map_err(|error| error.to_string())
}

/// What becomes of the member `x`; null where it is not there.
pub(crate) fn x(directive: Value, event: &Value) -> Value {
    match mapped(&json!({ "x": directive }), event) {
        Ok(Some(resolved)) => resolved["x"].clone(),
        other => panic!("{directive}: {other:?}"),
    }
}

/// Why the member `x` cannot be resolved.
pub(crate) fn fault(directive: Value, event: &Value) -> String {
    mapped(&json!({ "x": directive }), event).expect_err("it fails")
}
