//! Why a trigger fires for an event or does not: the conditions that decide it, each with what the event holds.

use serde_json::Value;

use super::Trigger;
use super::ast::{Condition, Operand};
use super::evaluate::{at, holds};

/// How much of a field's value is shown, in characters.
const SHOWN_MAX: usize = 100;

/// The conditions that decide, in the order of the trigger: where it fires, those that make it; where it does not, those
/// that keep it from it. At least one. Such as `` `event = "Bought"` does not hold: event is "Sold" ``.
#[must_use]
pub fn why(trigger: &Trigger, event: &Value) -> Vec<String> {
    let mut deciding = Vec::new();
    collect(trigger.condition(), event, &mut deciding);
    deciding
}

fn collect(condition: &Condition, event: &Value, deciding: &mut Vec<String>) {
    let all_hold = holds(condition, event);
    match condition {
        Condition::All(parts) if all_hold => parts.iter().for_each(|part| collect(part, event, deciding)),
        Condition::All(parts) => {
            parts.iter().filter(|part| !holds(part, event)).for_each(|part| collect(part, event, deciding));
        }
        Condition::Any(parts) if all_hold => {
            if let Some(first) = parts.iter().find(|part| holds(part, event)) {
                collect(first, event, deciding);
            }
        }
        Condition::Any(parts) => parts.iter().for_each(|part| collect(part, event, deciding)),
        leaf => deciding.push(told(leaf, all_hold, event)),
    }
}

fn told(leaf: &Condition, holds: bool, event: &Value) -> String {
    let mut fields: Vec<String> = Vec::new();
    paths(leaf, &mut |path| {
        let text = format!("{} is {}", Operand::Path(path.clone()), shown(at(path, event)));
        if !fields.contains(&text) {
            fields.push(text);
        }
    });
    let word = if holds { "holds" } else { "does not hold" };
    if fields.is_empty() { format!("`{leaf}` {word}") } else { format!("`{leaf}` {word}: {}", fields.join(", ")) }
}

fn paths(condition: &Condition, see: &mut impl FnMut(&super::ast::Path)) {
    match condition {
        Condition::Any(parts) | Condition::All(parts) => parts.iter().for_each(|part| paths(part, see)),
        Condition::Not(inner) => paths(inner, see),
        Condition::Compare { left, right, .. } => [left, right].into_iter().for_each(|operand| within(operand, see)),
        Condition::In { item, list } => [item, list].into_iter().for_each(|operand| within(operand, see)),
        Condition::Truth(operand) => within(operand, see),
    }
}

fn within(operand: &Operand, see: &mut impl FnMut(&super::ast::Path)) {
    match operand {
        Operand::Literal(_) => {}
        Operand::Path(path) => see(path),
        Operand::Call(_, operands) | Operand::List(operands) => {
            operands.iter().for_each(|operand| within(operand, see));
        }
    }
}

fn shown(value: &Value) -> String {
    if value.is_null() {
        return "missing or null".to_owned();
    }
    let text = value.to_string();
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
