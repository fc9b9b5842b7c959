//! What a trigger says of an event.
//!
//! Owns the meaning of operators and paths; functions are in `functions`. Total: every condition is true or false for
//! every JSON value, and nothing is an error. A field that is missing is null; a path that leads through anything else
//! than an object is null; an operator that gets a type it has no use for is false.

use std::borrow::Cow;

use serde_json::Value;

use super::ast::{Comparison, Condition, Operand, Path};
use super::numbers;

static NULL: Value = Value::Null;

/// Whether the condition is true of the event.
pub(super) fn holds(condition: &Condition, event: &Value) -> bool {
    match condition {
        Condition::Any(conditions) => conditions.iter().any(|condition| holds(condition, event)),
        Condition::All(conditions) => conditions.iter().all(|condition| holds(condition, event)),
        Condition::Not(inner) => !holds(inner, event),
        Condition::Compare { left, comparison, right } => {
            compare(&value(left, event), *comparison, &value(right, event))
        }
        Condition::In { item, list } => match &*value(list, event) {
            Value::Array(list) => {
                let item = value(item, event);
                list.iter().any(|other| equal(&item, other))
            }
            _ => false,
        },
        Condition::Truth(operand) => *value(operand, event) == Value::Bool(true),
    }
}

fn value<'a>(operand: &'a Operand, event: &'a Value) -> Cow<'a, Value> {
    match operand {
        Operand::Literal(literal) => Cow::Borrowed(literal),
        Operand::Path(path) => Cow::Borrowed(at(path, event)),
        Operand::Call(function, arguments) => {
            let first = arguments.first().map_or(Cow::Borrowed(&NULL), |argument| value(argument, event));
            let second = arguments.get(1).map_or(Cow::Borrowed(&NULL), |argument| value(argument, event));
            Cow::Owned(function.of(&first, &second))
        }
        Operand::List(items) => Cow::Owned(items.iter().map(|item| value(item, event).into_owned()).collect()),
    }
}

pub(super) fn at<'a>(path: &Path, event: &'a Value) -> &'a Value {
    let mut found = event;
    for name in &path.0 {
        found = match found {
            Value::Object(fields) => fields.get(name).unwrap_or(&NULL),
            _ => &NULL,
        };
    }
    found
}

fn compare(left: &Value, comparison: Comparison, right: &Value) -> bool {
    match comparison {
        Comparison::Equal => equal(left, right),
        Comparison::NotEqual => !equal(left, right),
        order => match (left.as_f64(), right.as_f64()) {
            (Some(left), Some(right)) => numbers::compare(left, order, right),
            _ => false,
        },
    }
}

/// The same type and the same value; 1 and 1.0 are the same number.
fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.as_f64() == right.as_f64(),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| equal(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(name, left)| right.get(name).is_some_and(|right| equal(left, right)))
        }
        _ => left == right,
    }
}
