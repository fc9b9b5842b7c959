//! HubSpot's documents on disk: which of them may hold a path, and each read once per process.
//!
//! A document is large and a test needs a few of its schemas, so its operations and schemas stay text until asked for.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// Those parsed already, by path template and method.
type Operations = BTreeMap<(String, String), Option<Arc<Value>>>;

/// One OpenAPI document.
#[derive(Debug, Deserialize)]
pub(crate) struct Document {
    #[serde(skip)]
    pub(crate) file: String,
    /// Path template → method → operation.
    pub(crate) paths: BTreeMap<String, Box<RawValue>>,
    #[serde(default)]
    components: Components,
    #[serde(skip)]
    operations: Mutex<Operations>,
}

#[derive(Debug, Default, Deserialize)]
struct Components {
    #[serde(default)]
    schemas: BTreeMap<String, Box<RawValue>>,
    #[serde(default)]
    responses: BTreeMap<String, Box<RawValue>>,
}

fn parsed(raw: &RawValue) -> Value {
    serde_json::from_str(raw.get()).expect("a raw value of a JSON document is JSON")
}

impl Document {
    pub(crate) fn schema(&self, name: &str) -> Value {
        let raw = self.components.schemas.get(name);
        parsed(raw.unwrap_or_else(|| panic!("{}: there is no schema {name}", self.file)))
    }

    /// A response that stands in place, or that `$ref` names.
    pub(crate) fn response(&self, written: &Value) -> Value {
        match written.get("$ref").and_then(Value::as_str).and_then(|to| to.strip_prefix("#/components/responses/")) {
            Some(name) => parsed(&self.components.responses[name]),
            None => written.clone(),
        }
    }

    pub(crate) fn operation(&self, template: &str, method: &str) -> Option<Arc<Value>> {
        let mut operations = self.operations.lock().unwrap_or_else(PoisonError::into_inner);
        let known = operations.entry((template.to_owned(), method.to_owned())).or_insert_with(|| {
            let mut methods = parsed(self.paths.get(template)?);
            methods.get_mut(method.to_ascii_lowercase()).map(|operation| Arc::new(operation.take()))
        });
        known.clone()
    }
}

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/hubspot/openapi"))
}

/// Whether HubSpot's documents lie beside the project.
#[must_use]
pub fn documents_present() -> bool {
    folder().is_dir()
}

/// One document by its file name without `.json`; `None` where HubSpot publishes no such file.
pub(crate) fn document(file: &str) -> Option<Arc<Document>> {
    static READ: LazyLock<Mutex<BTreeMap<String, Option<Arc<Document>>>>> = LazyLock::new(Mutex::default);
    let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = read.get(file) {
        return known.clone();
    }
    let path = folder().join(format!("{file}.json"));
    let document = path.exists().then(|| {
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let document: Document =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Arc::new(Document { file: file.to_owned(), ..document })
    });
    read.insert(file.to_owned(), document.clone());
    document
}

/// The segments by which an object type that has a document of its own may be called.
pub(crate) const OWN_DOCUMENT: &[(&str, &[&str])] = &[
    ("contacts", &["contacts", "contact", "0-1"]),
    ("companies", &["companies", "company", "0-2"]),
    ("deals", &["deals", "deal", "0-3"]),
    ("tickets", &["tickets", "ticket", "0-5"]),
];

/// Areas whose released 2026-09 is described by the `2026-09-beta` file (api.md 1.4).
const RELEASED_AS_BETA: &[&str] =
    &["objects", "contacts", "companies", "deals", "tickets", "custom-objects", "lists", "pipelines", "associations"];

/// Names of the documents that may hold a path, best first (api.md 1.2, 1.4, 18).
pub(crate) fn candidates(path: &str) -> Vec<String> {
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let (area, version, rest) = match segments[..] {
        ["crm", version @ ("v3" | "v4"), area, ref rest @ ..] => (area, version, rest),
        ["crm", "associations", "v4", ref rest @ ..] => ("associations", "v4", rest),
        ["events", "custom" | "event-occurrences", version, ref rest @ ..] => ("events", version, rest),
        ["crm", area, version, ref rest @ ..] | [area, version, ref rest @ ..] => (area, version, rest),
        _ => return Vec::new(),
    };
    let files: Vec<&str> = match area {
        "objects" => {
            let own = rest.first().and_then(|t| OWN_DOCUMENT.iter().find(|(_, names)| names.contains(t)));
            own.map(|(file, _)| *file).into_iter().chain(["custom-objects", "objects", "associations"]).collect()
        }
        "associations" => vec!["associations", "associations-schema"],
        "crm-object-schemas" => vec!["schemas"],
        "limits" => vec!["limits-tracking"],
        "events" => vec!["event-definitions", "events-send", "events-read"],
        "app-webhooks" => vec!["webhooks"],
        other => vec![other],
    };
    let mut names = Vec::new();
    for file in files {
        if version == "2026-09" && RELEASED_AS_BETA.contains(&file) {
            names.push(format!("{file}-2026-09-beta"));
        } else {
            names.push(format!("{file}-{version}"));
            // The later file calls the same operations by a path that HubSpot's guides do not use.
            if (file, version) == ("associations-schema", "v4") {
                names.push("associations-schema-v4-r50914".to_owned());
            }
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::candidates;

    #[test]
    fn the_released_version_is_read_from_the_beta_files_where_there_are_two() {
        let files = candidates("/crm/objects/2026-09/0-1/batch/upsert");
        assert_eq!(files[..2], ["contacts-2026-09-beta", "custom-objects-2026-09-beta"]);
        assert_eq!(candidates("/crm/properties/2026-09/contacts"), ["properties-2026-09"]);
        assert_eq!(candidates("/crm/pipelines/2026-09/deals"), ["pipelines-2026-09-beta"]);
    }

    #[test]
    fn an_older_path_leads_to_the_document_of_its_version() {
        assert_eq!(candidates("/crm/v3/objects/p1_pets/search")[0], "custom-objects-v3");
        assert_eq!(candidates("/crm/v4/objects/contacts/1/associations/companies").last().unwrap(), "associations-v4");
        assert_eq!(candidates("/oauth/v1/token"), ["oauth-v1"]);
        assert_eq!(candidates("/crm-object-schemas/v3/schemas"), ["schemas-v3"]);
        assert_eq!(candidates("/events/custom/2026-09/send")[1], "events-send-2026-09");
    }
}
