//! From a schema of an OpenAPI 3.0 document to a JSON Schema that closes its objects, compiled once per process.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use jsonschema::Validator;
use jsonschema::error::{ValidationError, ValidationErrorKind};
use serde_json::{Map, Value, json};

use crate::documents::Document;

/// The longest piece of a message that is shown, in characters.
const SHOWN_MAX_CHARS: usize = 200;
const COMPONENT: &str = "#/components/schemas/";

/// Where a value differs from the schema: JSON pointer and what is wrong there.
pub(crate) fn differences(document: &Document, schema: &Value, value: &Value) -> Vec<(String, String)> {
    let validator = compiled(document, schema);
    let mut found = Vec::new();
    for error in validator.iter_errors(value) {
        tell(&error, &mut found);
    }
    found
}

fn compiled(document: &Document, schema: &Value) -> Arc<Validator> {
    type Compiled = BTreeMap<(String, String), Arc<Validator>>;
    static COMPILED: LazyLock<Mutex<Compiled>> = LazyLock::new(Mutex::default);
    let key = (document.file.clone(), schema.to_string());
    let mut known = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    let validator = known.entry(key).or_insert_with(|| {
        let whole = with_definitions(document, schema);
        let built = jsonschema::options()
            .with_draft(jsonschema::Draft::Draft202012)
            .should_validate_formats(true)
            .should_ignore_unknown_formats(true)
            .build(&whole);
        Arc::new(built.unwrap_or_else(|error| panic!("{}: a schema does not compile: {error}", document.file)))
    });
    Arc::clone(validator)
}

/// The schema with all that it refers to, and nothing else of the document.
fn with_definitions(document: &Document, schema: &Value) -> Value {
    let mut wanted = Vec::new();
    let mut root = translated(schema, true, &mut wanted);
    let mut definitions = Map::new();
    while let Some(name) = wanted.pop() {
        if !definitions.contains_key(&name) {
            let definition = translated(&document.schema(&name), true, &mut wanted);
            definitions.insert(name, definition);
        }
    }
    root["$defs"] = Value::Object(definitions);
    root
}

/// One OpenAPI 3.0 schema as a JSON Schema. `closed`: properties that it does not name are refused; the parts of an
/// `allOf` stay open, because each sees the properties of all.
fn translated(schema: &Value, closed: bool, wanted: &mut Vec<String>) -> Value {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str).and_then(|to| to.strip_prefix(COMPONENT)) {
        wanted.push(name.to_owned());
        return json!({ "$ref": format!("#/$defs/{name}") });
    }
    let mut out = Map::new();
    for (key, value) in schema.as_object().into_iter().flatten() {
        let value = match key.as_str() {
            "properties" => {
                let named = value.as_object().into_iter().flatten();
                Value::Object(named.map(|(name, one)| (name.clone(), translated(one, true, wanted))).collect())
            }
            "items" | "not" => translated(value, true, wanted),
            "additionalProperties" if value.is_object() => translated(value, true, wanted),
            "oneOf" | "anyOf" | "allOf" => {
                let parts = value.as_array().into_iter().flatten();
                parts.map(|one| translated(one, key != "allOf", wanted)).collect()
            }
            // A copy of a schema stands under `format` in the exports' documents.
            "format" if !value.is_string() => continue,
            "type"
            | "enum"
            | "required"
            | "format"
            | "pattern"
            | "additionalProperties"
            | "uniqueItems"
            | "minimum"
            | "maximum"
            | "minItems"
            | "maxItems"
            | "minLength"
            | "maxLength" => value.clone(),
            _ => continue,
        };
        out.insert(key.clone(), value);
    }
    // `properties: {}` is how the documents write an object of any content.
    let named = out.get("properties").and_then(Value::as_object).is_some_and(|named| !named.is_empty());
    if closed && named && !out.contains_key("additionalProperties") {
        out.insert("additionalProperties".to_owned(), Value::Bool(false));
    }
    if out.get("type") == Some(&json!("integer")) && out.get("format") == Some(&json!("int32")) {
        out.entry("minimum").or_insert(json!(i32::MIN));
        out.entry("maximum").or_insert(json!(i32::MAX));
    }
    if schema["nullable"] == json!(true) {
        if let Some(kind) = out.get_mut("type") {
            *kind = json!([kind.take(), "null"]);
        }
        if let Some(Value::Array(words)) = out.get_mut("enum") {
            words.push(Value::Null);
        }
    }
    Value::Object(out)
}

fn tell(error: &ValidationError<'_>, found: &mut Vec<(String, String)>) {
    let pointer = error.instance_path().as_str().to_owned();
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            for name in unexpected {
                let name = name.replace('~', "~0").replace('/', "~1");
                found.push((format!("{pointer}/{name}"), "is not in the schema".to_owned()));
            }
        }
        ValidationErrorKind::Required { property } => {
            found.push((pointer, format!("lacks `{}`", property.as_str().unwrap_or_default())));
        }
        // The branch that fits best says most.
        ValidationErrorKind::OneOfNotValid { context } | ValidationErrorKind::AnyOf { context } => {
            for error in context.iter().min_by_key(|errors| errors.len()).into_iter().flatten() {
                tell(error, found);
            }
        }
        _ => {
            let what = error.to_string();
            found.push((pointer, what.chars().take(SHOWN_MAX_CHARS).collect()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(schema: Value, value: Value) -> Vec<(String, String)> {
        let empty: Document = serde_json::from_str(r#"{"paths":{}}"#).unwrap();
        differences(&empty, &schema, &value)
    }

    #[test]
    fn a_property_that_the_schema_does_not_name_is_told() {
        let schema = json!({ "type": "object", "properties": { "a": { "type": "string" } }, "required": ["a"] });
        assert_eq!(told(schema.clone(), json!({ "a": "x" })), []);
        let found = told(schema, json!({ "b/c": 1 }));
        assert!(found.contains(&("/b~1c".to_owned(), "is not in the schema".to_owned())), "{found:?}");
        assert!(found.contains(&(String::new(), "lacks `a`".to_owned())), "{found:?}");
    }

    #[test]
    fn null_is_a_value_only_where_the_document_says_so() {
        let schema = json!({ "type": "string", "nullable": true, "enum": ["a"] });
        assert_eq!(told(schema, Value::Null), []);
        assert_eq!(told(json!({ "type": "string", "enum": ["a"] }), Value::Null).len(), 2);
    }

    #[test]
    fn formats_and_sizes_of_numbers_count() {
        assert_eq!(told(json!({ "type": "string", "format": "date-time" }), json!("2026-11-22")).len(), 1);
        assert_eq!(told(json!({ "type": "string", "format": "date-time" }), json!("2026-11-22T10:00:00.5Z")), []);
        assert_eq!(told(json!({ "type": "integer", "format": "int32" }), json!(2_147_483_648_u64)).len(), 1);
        assert_eq!(told(json!({ "type": "integer", "format": "int64" }), json!(2_147_483_648_u64)), []);
    }

    #[test]
    fn the_parts_of_an_all_of_see_each_others_properties() {
        let part = |name: &str| json!({ "type": "object", "properties": { name: { "type": "string" } } });
        let schema = json!({ "allOf": [part("a"), part("b")] });
        assert_eq!(told(schema, json!({ "a": "1", "b": "2" })), []);
        let schema = json!({ "oneOf": [part("a"), part("b")] });
        assert_eq!(told(schema, json!({ "a": "1", "b": "2" })).len(), 1);
    }
}
