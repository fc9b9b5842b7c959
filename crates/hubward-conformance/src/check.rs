//! The two comparisons: a request, and an answer to it.

use serde_json::{Map, Value};

use crate::disagreement::{Disagreement, Part, Verdict};
use crate::documents::{Document, documents_present};
use crate::find::{self, Operation};
use crate::schema;

/// What a request carries.
#[derive(Clone, Copy, Debug)]
pub enum Body<'a> {
    Json(&'a [u8]),
    Form(&'a [u8]),
}

impl<'a> Body<'a> {
    /// By the request's content type.
    #[must_use]
    pub fn of(content_type: Option<&str>, bytes: &'a [u8]) -> Self {
        match content_type {
            Some(kind) if kind.starts_with("application/x-www-form-urlencoded") => Self::Form(bytes),
            _ => Self::Json(bytes),
        }
    }
}

/// Collects what differs in one operation.
struct Findings {
    part: Part,
    operation: String,
    status: Option<u16>,
    found: Vec<Disagreement>,
}

impl Findings {
    fn say(&mut self, pointer: impl Into<String>, what: impl Into<String>) {
        self.found.push(Disagreement {
            part: self.part,
            operation: self.operation.clone(),
            status: self.status,
            pointer: pointer.into(),
            what: what.into(),
        });
    }

    fn compare(&mut self, document: &Document, schema: &Value, value: &Value) {
        for (pointer, what) in schema::differences(document, schema, value) {
            self.say(pointer, what);
        }
    }
}

/// Holds a request of our client against the documents: operation, path and query parameters, body. Without documents
/// nothing differs.
#[must_use]
pub fn request(method: &str, path_and_query: &str, body: Body<'_>) -> Verdict {
    asked(Part::Request, method, path_and_query, body)
}

/// The same for a request that a test wrote by hand and the sandbox took: what is known of HubSpot's forgiveness is
/// excused too.
#[must_use]
pub fn taken(method: &str, path_and_query: &str, body: Body<'_>) -> Verdict {
    asked(Part::Taken, method, path_and_query, body)
}

fn asked(part: Part, method: &str, path_and_query: &str, body: Body<'_>) -> Verdict {
    if !documents_present() {
        return Verdict::default();
    }
    let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
    let mut findings = Findings { part, operation: format!("{method} {path}"), status: None, found: Vec::new() };
    match find::operation(method, path) {
        None => findings.say("", "there is no such operation"),
        Some(operation) => {
            findings.operation.clone_from(&operation.name);
            parameters(&mut findings, &operation, query);
            carried(&mut findings, &operation, body);
        }
    }
    Verdict::of(findings.found)
}

fn parameters(findings: &mut Findings, operation: &Operation, query: &str) {
    let mut asked: Vec<(String, Vec<String>)> = Vec::new();
    for (name, value) in pairs(query) {
        match asked.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => values.push(value),
            None => asked.push((name, vec![value])),
        }
    }
    let written: Vec<&Value> = operation.written["parameters"].as_array().into_iter().flatten().collect();
    let described = |place: &str, name: &str| {
        written.iter().find(|parameter| parameter["in"] == *place && parameter["name"] == *name)
    };
    for (name, segment) in &operation.params {
        if let Some(parameter) = described("path", name) {
            let value = typed(&parameter["schema"], &[decoded(segment)]);
            for (_, what) in schema::differences(&operation.document, &parameter["schema"], &value) {
                findings.say(format!("{{{name}}}"), what);
            }
        }
    }
    for (name, values) in &asked {
        let Some(parameter) = described("query", name) else {
            findings.say(format!("?{name}"), "is no parameter of the operation");
            continue;
        };
        if values.len() > 1 && parameter["schema"]["type"] != "array" {
            findings.say(format!("?{name}"), "stands more than once");
        }
        let value = typed(&parameter["schema"], values);
        for (_, what) in schema::differences(&operation.document, &parameter["schema"], &value) {
            findings.say(format!("?{name}"), what);
        }
    }
    for parameter in written {
        let name = parameter["name"].as_str().unwrap_or_default();
        let missing = parameter["in"] == "query" && !asked.iter().any(|(known, _)| known == name);
        if missing && parameter["required"] == true {
            findings.say(format!("?{name}"), "is required");
        }
    }
}

/// The text of a parameter as the type that its schema wants; text that is not of that type stays text and differs.
/// Lists are comma-joined, repeated, or both (api.md 2.1).
fn typed(schema: &Value, texts: &[String]) -> Value {
    let first = texts.first().map_or("", String::as_str);
    let text = || Value::String(first.to_owned());
    match schema["type"].as_str() {
        Some("array") => {
            let items = texts.iter().flat_map(|text| text.split(','));
            items.map(|item| typed(&schema["items"], &[item.to_owned()])).collect()
        }
        Some("integer") => first.parse::<i64>().map_or_else(|_| text(), Value::from),
        Some("boolean") => first.parse::<bool>().map_or_else(|_| text(), Value::Bool),
        _ => text(),
    }
}

fn carried(findings: &mut Findings, operation: &Operation, body: Body<'_>) {
    let wanted = &operation.written["requestBody"];
    let (kind, bytes) = match body {
        Body::Json(bytes) => ("application/json", bytes),
        Body::Form(bytes) => ("application/x-www-form-urlencoded", bytes),
    };
    if bytes.is_empty() {
        if wanted["required"] == true {
            findings.say("", "has no body, and one is required");
        }
        return;
    }
    if wanted.is_null() {
        findings.say("", "has a body, and the operation takes none");
        return;
    }
    let Some(schema) = wanted["content"].get(kind).map(|content| &content["schema"]) else {
        findings.say("", format!("is {kind}, which the operation does not take"));
        return;
    };
    let value = match body {
        Body::Json(bytes) => match serde_json::from_slice(bytes) {
            Ok(value) => value,
            Err(error) => return findings.say("", format!("is not JSON: {error}")),
        },
        Body::Form(bytes) => {
            let text = String::from_utf8_lossy(bytes);
            let fields: Map<String, Value> =
                pairs(&text).into_iter().map(|(name, value)| (name, Value::String(value))).collect();
            Value::Object(fields)
        }
    };
    findings.compare(&operation.document, schema, &value);
}

/// Holds an answer against the documents: whether they list its status, and its body. Left out is what they are silent
/// about: answers to paths they do not know, locks, migrations and failures of servers (api.md 2.4).
#[must_use]
pub fn answer(method: &str, path_and_query: &str, status: u16, body: &[u8]) -> Verdict {
    if !documents_present() || matches!(status, 423 | 477 | 500..) {
        return Verdict::default();
    }
    let (path, _) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
    let mut findings =
        Findings { part: Part::Answer, operation: format!("{method} {path}"), status: Some(status), found: Vec::new() };
    match find::operation(method, path) {
        None if matches!(status, 404 | 405) => {}
        None => findings.say("", "there is no such operation"),
        Some(operation) => {
            findings.operation.clone_from(&operation.name);
            answered(&mut findings, &operation, status, body);
        }
    }
    Verdict::of(findings.found)
}

fn answered(findings: &mut Findings, operation: &Operation, status: u16, body: &[u8]) {
    let listed = &operation.written["responses"];
    let written = match listed.get(status.to_string()) {
        Some(written) => written,
        // `default` is the error of every operation; a success that is not listed is not meant by it.
        None if status >= 400 && listed.get("default").is_some() => &listed["default"],
        None => return findings.say("", "the status is not listed"),
    };
    let written = operation.document.response(written);
    let content = written["content"].as_object();
    let schema = content.and_then(|content| content.get("application/json").or_else(|| content.get("*/*")));
    match (schema.map(|content| &content["schema"]), body.is_empty()) {
        (None, true) => {}
        (None, false) => findings.say("", "has a body, and the status has none"),
        (Some(_), true) => findings.say("", "has no body"),
        (Some(schema), false) => match serde_json::from_slice(body) {
            Ok(value) => findings.compare(&operation.document, schema, &value),
            Err(error) => findings.say("", format!("is not JSON: {error}")),
        },
    }
}

/// The pairs of a query or a form.
fn pairs(text: &str) -> Vec<(String, String)> {
    let each = text.split('&').filter(|pair| !pair.is_empty());
    each.map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decoded(&name.replace('+', " ")), decoded(&value.replace('+', " "))))
        .collect()
}

/// Percent-decoded; a sequence that is none stays as it is.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = bytes.get(at + 1..at + 3).and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) if bytes[at] == b'%' => {
                out.push(byte);
                at += 3;
            }
            _ => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
