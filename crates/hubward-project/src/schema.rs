//! The JSON Schema of the project files, made from the tables of the grammar that the readers use.

use serde_json::{Map, Value, json};

use crate::grammar::{
    EVENT_MAPPING, EVENT_SYNC, Form, LIST_SYNC, MODEL_FILE, MODELS_FILE, OBJECT_SYNC, PROJECT, SCHEMA_FILE, Table,
};

/// One document: under the name of each kind of file the schema of such a file, all definitions in `$defs`. An editor is
/// pointed at one of them as `schema.json#/hubward.yml` or the like.
#[must_use]
pub fn json_schema() -> Value {
    let mut defs = Map::new();
    let project = define(&PROJECT, &mut defs);
    let models = json!({ "oneOf": [define(&MODELS_FILE, &mut defs), define(&MODEL_FILE, &mut defs)] });
    let schema = define(&SCHEMA_FILE, &mut defs);
    let syncs = json!({
        "anyOf": [define(&OBJECT_SYNC, &mut defs), define(&EVENT_SYNC, &mut defs), define(&LIST_SYNC, &mut defs)]
    });
    let mappings = define(&EVENT_MAPPING, &mut defs);
    defs.insert(
        "variable".to_owned(),
        json!({
            "description": "A value that comes from the environment: ${VAR} or ${VAR:-default}.",
            "type": "string",
            "pattern": "\\$\\{",
        }),
    );
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Hubward project files",
        "hubward.yml": project,
        "models/*.yml": models,
        "schema/*.yml": schema,
        "syncs/*.yml": syncs,
        "mappings/*.yml": mappings,
        "$defs": defs,
    })
}

fn define(table: &'static Table, defs: &mut Map<String, Value>) -> Value {
    let reference = json!({ "$ref": format!("#/$defs/{}", table.name) });
    if defs.contains_key(table.name) {
        return reference;
    }
    // Holds the place while the table's own parts are defined.
    defs.insert(table.name.to_owned(), Value::Null);
    let mut properties = Map::new();
    let mut required = Vec::new();
    for key in table.keys {
        let mut schema = form(&key.form, defs);
        if key.required {
            required.push(key.name);
        } else if !matches!(key.form, Form::Constant | Form::Open) {
            schema = json!({ "anyOf": [schema, { "type": "null" }] });
        }
        if let Value::Object(schema) = &mut schema {
            schema.insert("description".to_owned(), json!(key.doc));
        }
        properties.insert(key.name.to_owned(), schema);
    }
    let mut definition = json!({
        "description": table.doc,
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    });
    let groups: Vec<Value> = table
        .one_of
        .iter()
        .map(|group| {
            let alternatives: Vec<Value> = group.iter().map(|name| json!({ "required": [name] })).collect();
            json!({ "oneOf": alternatives })
        })
        .collect();
    if let (false, Value::Object(definition)) = (groups.is_empty(), &mut definition) {
        definition.insert("allOf".to_owned(), Value::Array(groups));
    }
    defs.insert(table.name.to_owned(), definition);
    reference
}

fn form(form: &'static Form, defs: &mut Map<String, Value>) -> Value {
    let variable = || json!({ "$ref": "#/$defs/variable" });
    match form {
        Form::Text => json!({ "type": ["string", "number", "boolean"] }),
        Form::Secret => json!({ "type": ["string", "number"] }),
        Form::Bool => json!({ "anyOf": [{ "type": "boolean" }, variable()] }),
        Form::Whole => json!({
            "anyOf": [{ "type": "integer", "minimum": 1 }, { "type": "string", "pattern": "^[0-9_]+$" }, variable()]
        }),
        Form::Share => json!({
            "anyOf": [
                { "type": "number", "exclusiveMinimum": 0, "maximum": 1 },
                { "type": "string", "pattern": "^[0-9.]+ *%?$" },
                variable(),
            ]
        }),
        Form::Words(words) => json!({ "anyOf": [{ "enum": words }, variable()] }),
        Form::OneOrMany => json!({
            "anyOf": [
                { "type": ["string", "number", "boolean"] },
                { "type": "array", "items": { "type": ["string", "number", "boolean"] } },
            ]
        }),
        Form::Constant | Form::Open => json!({}),
        Form::Table(table) => define(table, defs),
        Form::Named(inner) => {
            json!({ "type": "object", "additionalProperties": self::form(inner, defs) })
        }
        Form::NamedBeside(table, inner) => {
            let reference = define(table, defs);
            let rest = self::form(inner, defs);
            if let Some(Value::Object(definition)) = defs.get_mut(table.name) {
                definition.insert("additionalProperties".to_owned(), rest);
            }
            reference
        }
        Form::List(inner) => json!({ "type": "array", "items": self::form(inner, defs) }),
        Form::AnyOf(alternatives) => {
            let schemas: Vec<Value> = alternatives.iter().map(|inner| self::form(inner, defs)).collect();
            json!({ "anyOf": schemas })
        }
    }
}
