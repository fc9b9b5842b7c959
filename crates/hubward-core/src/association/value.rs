//! What the value of an association column asks for.

use std::collections::HashMap;

use crate::row::{json_to_value, value_text};
use crate::{Reason, Value};

/// Targets that one column of one row may name.
pub const TARGETS_A_ROW_MAX: usize = 10_000;

/// One record that a row names, with the labels that came with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub value: String,
    pub labels: Labels,
}

/// What a value says about labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Labels {
    /// Nothing: the declaration's own label holds.
    #[default]
    Unsaid,
    /// These and no others; none of them for `label: null`.
    Said(Vec<LabelText>),
}

/// A label as the row has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LabelText {
    /// One of an array: a name.
    Name(String),
    /// A text: one name, or several with commas between them. Only who knows the account's labels can tell.
    List(String),
}

/// Reads a column's value: one value, an array, a text with commas, `{value, label}` objects alone or in an array, or text
/// that is a JSON array or object. Values that are the same are one target with the labels of all.
///
/// # Errors
/// The reason why the row is invalid.
pub fn targets(value: &Value) -> Result<Vec<Target>, Reason> {
    let mut found = Vec::new();
    match value {
        Value::Text(text) => match structured(text) {
            Some(Value::List(items)) => list(&items, &mut found)?,
            Some(Value::Map(entries)) => found.extend(object(&entries)?),
            _ => found.extend(text.split(',').filter_map(|part| plain(part.trim()))),
        },
        Value::List(items) => list(items, &mut found)?,
        Value::Map(entries) => found.extend(object(entries)?),
        other => found.extend(scalar(other)?),
    }
    if found.len() > TARGETS_A_ROW_MAX {
        return Err(invalid(format!(
            "it names {} records; one row can be associated with at most {TARGETS_A_ROW_MAX}",
            found.len()
        )));
    }
    Ok(merged(found))
}

/// JSON that is an array or an object; any other text is a value by itself.
fn structured(text: &str) -> Option<Value> {
    let trimmed = text.trim();
    if !trimmed.starts_with(['[', '{']) {
        return None;
    }
    serde_json::from_str(trimmed).ok().map(|json| json_to_value(&json))
}

fn list(items: &[Value], found: &mut Vec<Target>) -> Result<(), Reason> {
    for item in items {
        match item {
            Value::Map(entries) => found.extend(object(entries)?),
            Value::List(_) => return Err(invalid("it is a list within a list; a list of values is wanted")),
            // The objects of an array of texts.
            Value::Text(text) if text.trim_start().starts_with('{') => match structured(text) {
                Some(Value::Map(entries)) => found.extend(object(&entries)?),
                _ => found.extend(plain(text.trim())),
            },
            other => found.extend(scalar(other)?),
        }
    }
    Ok(())
}

fn object(entries: &[(String, Value)]) -> Result<Option<Target>, Reason> {
    let mut value = None;
    let mut labels = Labels::Unsaid;
    for (name, entry) in entries {
        match name.as_str() {
            "value" => value = Some(entry),
            "label" => labels = Labels::Said(labels_of(entry)?),
            other => {
                return Err(invalid(format!("its object has the key {other:?}; it may have \"value\" and \"label\"")));
            }
        }
    }
    let Some(value) = value else {
        return Err(invalid("its object has no \"value\""));
    };
    Ok(scalar(value)?.map(|target| Target { labels, ..target }))
}

fn labels_of(value: &Value) -> Result<Vec<LabelText>, Reason> {
    match value {
        Value::Null => Ok(Vec::new()),
        Value::Text(text) if text.trim().is_empty() => Ok(Vec::new()),
        Value::Text(text) => Ok(vec![LabelText::List(text.trim().to_owned())]),
        Value::List(items) => {
            let mut labels = Vec::with_capacity(items.len());
            for item in items {
                match item {
                    Value::Null => {}
                    Value::Text(text) if text.trim().is_empty() => {}
                    Value::Text(text) => labels.push(LabelText::Name(text.trim().to_owned())),
                    other => return Err(no_label(other)),
                }
            }
            Ok(labels)
        }
        other => Err(no_label(other)),
    }
}

fn no_label(value: &Value) -> Reason {
    invalid(format!("its label is {}; a label is a text, a list of texts, or null", value_text(value)))
}

/// One value. Whatever it holds, commas too, is the value.
fn scalar(value: &Value) -> Result<Option<Target>, Reason> {
    match value {
        Value::Null => Ok(None),
        Value::List(_) | Value::Map(_) => Err(invalid("its \"value\" is a list or an object; one value is wanted")),
        Value::Text(text) => Ok(plain(text.trim())),
        other => Ok(plain(&value_text(other))),
    }
}

fn plain(text: &str) -> Option<Target> {
    (!text.is_empty()).then(|| Target { value: text.to_owned(), labels: Labels::Unsaid })
}

fn merged(found: Vec<Target>) -> Vec<Target> {
    let mut at: HashMap<String, usize> = HashMap::with_capacity(found.len());
    let mut targets: Vec<Target> = Vec::with_capacity(found.len());
    for target in found {
        match at.get(&target.value) {
            Some(&known) => targets[known].labels.unite(target.labels),
            None => {
                at.insert(target.value.clone(), targets.len());
                targets.push(target);
            }
        }
    }
    targets
}

impl Labels {
    fn unite(&mut self, other: Self) {
        match (self, other) {
            (Self::Said(mine), Self::Said(theirs)) => {
                for label in theirs {
                    if !mine.contains(&label) {
                        mine.push(label);
                    }
                }
            }
            (mine @ Self::Unsaid, theirs) => *mine = theirs,
            (Self::Said(_), Self::Unsaid) => {}
        }
    }
}

fn invalid(text: impl Into<String>) -> Reason {
    Reason::new("INVALID_ASSOCIATION", text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Vec<(String, Option<Vec<String>>)> {
        shown(&Value::Text(text.to_owned()))
    }

    fn shown(value: &Value) -> Vec<(String, Option<Vec<String>>)> {
        let show = |label: &LabelText| match label {
            LabelText::Name(name) => name.clone(),
            LabelText::List(text) => format!("[{text}]"),
        };
        let targets = targets(value).expect("readable");
        let said = |labels: &Labels| match labels {
            Labels::Unsaid => None,
            Labels::Said(labels) => Some(labels.iter().map(show).collect()),
        };
        targets.iter().map(|target| (target.value.clone(), said(&target.labels))).collect()
    }

    fn bare(values: &[&str]) -> Vec<(String, Option<Vec<String>>)> {
        values.iter().map(|value| ((*value).to_owned(), None)).collect()
    }

    #[test]
    fn one_value_an_array_and_a_text_with_commas_name_records() {
        assert_eq!(read("acme.example"), bare(&["acme.example"]));
        assert_eq!(read(" a , b,, c,a "), bare(&["a", "b", "c"]));
        assert_eq!(read("[\"a, b\", 7, null, \"a, b\"]"), bare(&["a, b", "7"]));
        assert_eq!(shown(&Value::Int(42)), bare(&["42"]));
        let items = vec![Value::Text("x,y".to_owned()), Value::Null, Value::Int(3)];
        assert_eq!(shown(&Value::List(items)), bare(&["x,y", "3"]));
    }

    #[test]
    fn nothing_names_nothing() {
        for text in ["", "  ", ",", "[]", "[null]", "{\"value\":null,\"label\":\"Buyer\"}"] {
            assert_eq!(read(text), bare(&[]), "{text:?}");
        }
        assert_eq!(shown(&Value::Null), bare(&[]));
    }

    #[test]
    fn objects_bring_labels_alone_and_in_arrays() {
        let one =
            |value: &str, labels: &[&str]| (value.to_owned(), Some(labels.iter().map(|l| (*l).to_owned()).collect()));
        assert_eq!(read(r#"{"value":"ABC Corp","label":"Employee at"}"#), [one("ABC Corp", &["[Employee at]"])]);
        assert_eq!(read(r#"{"value":"A","label":["x","y"]}"#), [one("A", &["x", "y"])]);
        assert_eq!(read(r#"{"value":"A","label":null}"#), [one("A", &[])]);
        assert_eq!(read(r#"{"value":"A"}"#), bare(&["A"]));
        assert_eq!(
            read(r#"[{"value":"A","label":"x"},{"value":"A","label":["y"]},{"value":"B","label":null},"C"]"#),
            [one("A", &["[x]", "y"]), one("B", &[]), ("C".to_owned(), None)]
        );
        let texts = Value::List(vec![Value::Text(r#"{"value":"A","label":"x"}"#.to_owned())]);
        assert_eq!(shown(&texts), [one("A", &["[x]"])]);
    }

    #[test]
    fn text_that_only_begins_like_json_is_text() {
        assert_eq!(read("[Acme"), bare(&["[Acme"]));
        assert_eq!(read("{a}"), bare(&["{a}"]));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_its_reason() {
        for (text, word) in [
            (r#"{"label":"x"}"#, "no \"value\""),
            (r#"{"value":"A","labels":["x"]}"#, "\"labels\""),
            (r#"[["a"]]"#, "list within a list"),
            (r#"{"value":["a"]}"#, "one value"),
            (r#"{"value":"a","label":7}"#, "label is 7"),
        ] {
            let reason = targets(&Value::Text(text.to_owned())).expect_err(text);
            assert!(reason.text.contains(word), "{text}: {}", reason.text);
            assert_eq!(reason.category.as_deref(), Some("INVALID_ASSOCIATION"));
        }
        let many = Value::List((0..=TARGETS_A_ROW_MAX as i64).map(Value::Int).collect());
        assert!(targets(&many).is_err());
    }

    proptest! {
        #[test]
        fn an_array_names_exactly_its_values_however_it_arrives(values in proptest::collection::vec("[a-z,{}\\[\\]\" ]{0,6}", 0..8)) {
            let list = Value::List(values.iter().cloned().map(Value::Text).collect());
            let json = Value::Text(serde_json::to_string(&values).expect("texts"));
            let mut wanted: Vec<String> = Vec::new();
            for value in values.iter().map(|value| value.trim()).filter(|value| !value.is_empty() && *value != "{}") {
                if !wanted.contains(&value.to_owned()) {
                    wanted.push(value.to_owned());
                }
            }
            // An item that is itself a JSON object is none of these texts' business.
            prop_assume!(!values.iter().any(|value| value.trim().starts_with('{') && structured(value).is_some()));
            for form in [list, json] {
                let found: Vec<String> = targets(&form).expect("texts").into_iter().map(|target| target.value).collect();
                prop_assert_eq!(&found, &wanted);
            }
        }

        #[test]
        fn no_text_is_too_strange_to_be_read(text in "\\PC{0,40}") {
            if let Ok(found) = targets(&Value::Text(text)) {
                prop_assert!(found.iter().all(|target| !target.value.is_empty()));
            }
        }
    }
}
