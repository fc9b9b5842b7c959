//! Paths into a value: how a path's text is split, and what each step finds. Leaves to the caller: the `$.` in front.

use super::js::{Js, length};

/// What stands at the path. A value that counts as false ends the way and is itself the result, so that `n.x` is 0
/// where `n` is 0.
pub(super) fn get<'a>(root: &'a Js, path: &str) -> Found<'a> {
    if path.is_empty() || path == "." {
        return Found::There(root);
    }
    let mut found = Found::There(root);
    for step in steps(path) {
        found = match found {
            Found::There(value) if value.is_truthy() => step_into(value, &step),
            Found::Made(value) if value.is_truthy() => match step_into(&value, &step) {
                Found::There(value) => Found::Made(value.clone()),
                Found::Made(value) => Found::Made(value),
            },
            ended => return ended,
        };
    }
    found
}

/// A value that stands in another, or one that was made of it: a length, a character.
#[derive(Debug)]
pub(super) enum Found<'a> {
    There(&'a Js),
    Made(Js),
}

impl Found<'_> {
    pub(super) fn value(&self) -> &Js {
        match self {
            Self::There(value) => value,
            Self::Made(value) => value,
        }
    }
}

/// The path without its first `$.`, wherever that stands.
pub(super) fn without_root(path: &str) -> String {
    path.replacen("$.", "", 1)
}

/// The names of a path: split at dots and at brackets around digits or quotes; brackets around anything else are part of
/// the name. Quotes are dropped, and so are steps without a name.
fn steps(path: &str) -> Vec<String> {
    let bytes = path.as_bytes();
    let marks = |byte: Option<&u8>| byte.is_some_and(|byte| matches!(byte, b'\'' | b'"' | b'0'..=b'9'));
    let mut steps = Vec::new();
    let mut start = 0;
    let mut at = 0;
    while at < bytes.len() {
        let mut end = at + 1;
        let separates = match bytes[at] {
            b'.' => true,
            b'[' => marks(bytes.get(at + 1)),
            b']' if at > 0 && marks(bytes.get(at - 1)) => {
                while bytes.get(end) == Some(&b']') {
                    end += 1;
                }
                true
            }
            _ => false,
        };
        if separates {
            steps.push(&path[start..at]);
            start = end;
        }
        at = end;
    }
    steps.push(&path[start..]);
    steps.into_iter().filter(|step| !step.is_empty()).map(|step| step.replace(['\'', '"'], "")).collect()
}

fn step_into<'a>(value: &'a Js, name: &str) -> Found<'a> {
    let nothing = || Found::Made(Js::Undefined);
    match value {
        Js::Object(members) => members.get(name).map_or_else(nothing, Found::There),
        Js::Array(items) if name == "length" => Found::Made(Js::Number(items.len().into())),
        Js::Array(items) => position(name).and_then(|at| items.get(at)).map_or_else(nothing, Found::There),
        Js::Text(text) if name == "length" => Found::Made(Js::Number(length(text).into())),
        Js::Text(text) => position(name).and_then(|at| unit(text, at)).map_or_else(nothing, Found::Made),
        Js::Undefined | Js::Null | Js::Bool(_) | Js::Number(_) => nothing(),
    }
}

/// A position in a list: digits only, without a zero in front.
fn position(name: &str) -> Option<usize> {
    let digits = name.bytes().all(|byte| byte.is_ascii_digit()) && (name == "0" || !name.starts_with('0'));
    if digits { name.parse().ok() } else { None }
}

/// One UTF-16 unit of a text as a text; half of a pair is the replacement character.
fn unit(text: &str, at: usize) -> Option<Js> {
    let unit = text.encode_utf16().nth(at)?;
    Some(Js::Text(char::from_u32(u32::from(unit)).unwrap_or(char::REPLACEMENT_CHARACTER).to_string()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn found(event: &Value, path: &str) -> Option<Value> {
        get(&Js::from_json(event), &without_root(path)).value().clone().into_json()
    }

    #[test]
    fn dots_brackets_and_quotes_lead_to_the_same_place() {
        let event = json!({"a": [{"b c": 1}, {"b c": 2}]});
        for path in ["$.a[1].b c", "a.1.b c", "$.a['1']['b c']", "a[\"1\"].b c", "a..1...b c."] {
            assert_eq!(found(&event, path), Some(json!(2)), "{path}");
        }
        assert_eq!(found(&event, "$.a[b c]"), None);
        assert_eq!(found(&event, "$.a[*].b c"), None);
        assert_eq!(found(&event, "$.a.01"), None);
    }

    #[test]
    fn the_root_is_an_empty_path_and_not_a_dollar() {
        let event = json!({"a": 1});
        for path in ["", ".", "$.", "..", "$.."] {
            assert_eq!(found(&event, path), Some(event.clone()), "{path}");
        }
        assert_eq!(found(&event, "$"), None);
        assert_eq!(found(&json!({"$x": 3}), "$.$x"), Some(json!(3)));
    }

    #[test]
    fn a_value_that_counts_as_false_ends_the_way() {
        let event = json!({"n": 0, "e": "", "f": false, "z": null, "t": true, "s": "añ😀"});
        assert_eq!(found(&event, "n.x.y"), Some(json!(0)));
        assert_eq!(found(&event, "e.length"), Some(json!("")));
        assert_eq!(found(&event, "f.x"), Some(json!(false)));
        assert_eq!(found(&event, "z.x"), Some(json!(null)));
        assert_eq!(found(&event, "t.x"), None);
        assert_eq!(found(&event, "s.length"), Some(json!(4)));
        assert_eq!(found(&event, "s.1"), Some(json!("ñ")));
        assert_eq!(found(&event, "s.length.x"), None);
    }
}
