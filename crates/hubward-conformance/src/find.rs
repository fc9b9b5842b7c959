//! From method and path to the one operation that HubSpot's documents describe.

use std::sync::Arc;

use serde_json::Value;

use crate::documents::{Document, OWN_DOCUMENT, candidates, document};

/// Path parameters: name, and the segment as it came.
pub(crate) type Params = Vec<(String, String)>;

/// An operation of a document.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) document: Arc<Document>,
    /// Method and path template, with the version that the request named.
    pub(crate) name: String,
    pub(crate) written: Arc<Value>,
    pub(crate) params: Params,
}

/// The operation of a path without its query. A template with more fixed segments goes before one with fewer.
pub(crate) fn operation(method: &str, path: &str) -> Option<Operation> {
    // HubSpot's guides show this second spelling of the schemas' path (api.md 1.2).
    let renamed = path.strip_prefix("/crm/v3/schemas").map(|rest| format!("/crm-object-schemas/v3/schemas{rest}"));
    let path = renamed.as_deref().unwrap_or(path);
    described(method, path).or_else(|| described(method, &other_events_path(path)?))
}

/// The other spelling of a path of custom events: of each version the documents have one, HubSpot's guides and catalogue
/// both, with and without `custom` (api.md 9.1).
fn other_events_path(path: &str) -> Option<String> {
    let rest = path.strip_prefix("/events/")?;
    match rest.strip_prefix("custom/") {
        Some(rest) => Some(format!("/events/{rest}")),
        None => match rest.split_once("/events") {
            // the catalogue's spelling of reads
            Some((version, rest)) if !version.contains('/') && version != "v3" => {
                Some(format!("/events/event-occurrences/{version}{rest}"))
            }
            _ => Some(format!("/events/custom/{rest}")),
        },
    }
}

fn described(method: &str, path: &str) -> Option<Operation> {
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    for file in candidates(path) {
        let Some(document) = document(&file) else { continue };
        let mut best: Option<(usize, &str, Arc<Value>, Params)> = None;
        for template in document.paths.keys() {
            let Some((fixed, params)) = fits(template, &segments) else { continue };
            if best.as_ref().is_some_and(|(most, ..)| *most >= fixed) {
                continue;
            }
            if let Some(written) = document.operation(template, method) {
                best = Some((fixed, template, written, params));
            }
        }
        if let Some((_, template, written, params)) = best {
            let name = format!("{method} {}", template.replace("2026-09-beta", "2026-09"));
            return Some(Operation { document: Arc::clone(&document), name, written, params });
        }
    }
    None
}

/// How many fixed segments a template has and what its places take, if it fits the path.
fn fits(template: &str, segments: &[&str]) -> Option<(usize, Params)> {
    let parts: Vec<&str> = template.split('/').filter(|part| !part.is_empty()).collect();
    if parts.len() != segments.len() {
        return None;
    }
    let mut fixed = 0;
    let mut params = Vec::new();
    for (part, segment) in parts.iter().zip(segments) {
        if let Some(name) = part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            params.push((name.to_owned(), (*segment).to_owned()));
        } else if same(part, segment) {
            fixed += 1;
        } else {
            return None;
        }
    }
    Some((fixed, params))
}

/// Names of one object type are interchangeable (api.md, placeholders), and `2026-09` is written `2026-09-beta` (1.4).
fn same(part: &str, segment: &str) -> bool {
    part == segment
        || (part == "2026-09-beta" && segment == "2026-09")
        || OWN_DOCUMENT.iter().any(|(_, names)| names.contains(&part) && names.contains(&segment))
}
