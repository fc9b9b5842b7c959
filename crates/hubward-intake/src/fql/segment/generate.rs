//! The original's tree as text: what its user interface shows of a trigger after it has read it.

use super::{Condition, Expected, Group, Node, Subject, numbers};

/// None where the original fails: at a group in which nothing was recognised.
pub(super) fn text(root: &Group) -> Option<String> {
    let text = group(root)?;
    let parentheses = text.matches(['(', ')']).count();
    if parentheses == 2
        && let Some(inner) = text.strip_prefix('(').and_then(|text| text.strip_suffix(')'))
    {
        return Some(inner.to_owned());
    }
    Some(text)
}

fn group(group: &Group) -> Option<String> {
    let mut parts = Vec::with_capacity(group.children.len());
    for child in &group.children {
        parts.push(match child.as_ref()? {
            Node::Group(inner) => format!("({})", self::group(inner)?),
            Node::Condition(inner) => condition(inner),
        });
    }
    Some(parts.join(&format!(" {} ", group.operator.word())))
}

fn condition(condition: &Condition) -> String {
    let name = match &condition.subject {
        Subject::Type => "type".to_owned(),
        Subject::Event => "event".to_owned(),
        Subject::Name => "name".to_owned(),
        Subject::UserId => "userId".to_owned(),
        Subject::Property(name) => format!("properties.{}", escaped(name)),
        Subject::Trait(name) => format!("traits.{}", escaped(name)),
        Subject::Context(name) => format!("context.{}", escaped(name)),
    };
    let value = condition.value.as_ref();
    let text = || value.map_or_else(|| "undefined".to_owned(), Expected::text);
    let number = || numbers::text(value.map_or(f64::NAN, Expected::number));
    let literal = || match value {
        Some(Expected::Number(_) | Expected::Bool(_)) => text(),
        _ => format!("\"{}\"", text()),
    };
    match condition.operator.as_str() {
        "contains" => format!("contains({name}, {})", literal()),
        "not_contains" => format!("!contains({name}, {})", literal()),
        "exists" => format!("{name} != null"),
        "not_exists" => format!("{name} = null"),
        "is_true" => format!("{name} = true"),
        "is_false" => format!("{name} = false"),
        "starts_with" => format!("match({name}, \"{}*\")", text()),
        "not_starts_with" => format!("!match({name}, \"{}*\")", text()),
        "ends_with" => format!("match({name}, \"*{}\")", text()),
        "not_ends_with" => format!("!match({name}, \"*{}\")", text()),
        "number_equals" => format!("{name} = {}", number()),
        "number_not_equals" => format!("{name} != {}", number()),
        operator @ ("<" | ">" | "<=" | ">=") => format!("{name} {operator} {}", number()),
        operator => format!("{name} {operator} {}", literal()),
    }
}

fn escaped(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    for c in name.chars() {
        if !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}
