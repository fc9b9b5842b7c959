//! Where the original finds something in an event although the documented path leads nowhere.
//!
//! It reads fields as JavaScript does: 0, `false` and empty text on the way are what the path leads to, text and lists
//! have a `length` and places, and every value has some inherited names.

use serde_json::{Value, json};

use super::Warning;
use super::formula::{Formula, Question, Test};
use crate::fql::segment::INHERITED;

/// One warning for each path that the original may follow further than documented, if what it finds can matter.
pub(super) fn differences(original: &Formula) -> Vec<Warning> {
    let mut questions = Vec::new();
    original.questions(&mut questions);
    let mut warnings: Vec<Warning> = Vec::new();
    for question in &questions {
        let Question::Field(path, test) = question else { continue };
        if let Some(found) = found_further(path, test) {
            let warning = Warning::new("path", format!("for `{}` Segment's parser takes {found}", path.join(".")));
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
        }
    }
    warnings
}

/// What else than null the original may find where the documented path leads nowhere, if it passes the test.
fn found_further(path: &[String], test: &Test) -> Option<String> {
    let [_root, first, deeper @ ..] = path else { return None };
    let last = deeper.last();
    for (at, name) in std::iter::once(first).chain(deeper).enumerate() {
        let ends = at == deeper.len();
        let inherited = INHERITED.contains(&name.as_str());
        // What is inherited is a function or an object: it exists and is nothing else; beyond it lies whatever JavaScript has.
        if inherited && (!ends || *test == Test::Exists) {
            return Some(format!("what every JavaScript value has as `{name}`"));
        }
        if at > 0 && name.bytes().all(|b| b.is_ascii_digit()) {
            return Some(format!("number {name} of a list or text too, counted from 0"));
        }
    }
    if last.is_some_and(|name| name == "length") && lengths(test).iter().any(|length| test.passes(&json!(length))) {
        return Some("the length of a text or list too".to_owned());
    }
    let falsy = [json!(0), json!(false), json!("")];
    let passing = falsy.iter().filter(|value| !deeper.is_empty() && test.passes(value)).map(Value::to_string);
    let passing: Vec<String> =
        passing.map(|value| if value == "\"\"" { "empty text".to_owned() } else { value }).collect();
    if passing.is_empty() {
        return None;
    }
    Some(format!("{} where that stands in one of the fields above it", passing.join(" or ")))
}

/// Lengths that pass a test of numbers if any does.
fn lengths(test: &Test) -> [u64; 3] {
    match test {
        // What is below 0 becomes 0, and a point is cut off.
        Test::Number(_, number) => [0, *number as u64, (*number as u64).saturating_add(1)],
        _ => [0; 3],
    }
}
