//! A transport that rehearses: what reads goes to HubSpot, what would write is kept and answered here.
//!
//! So a caller sees the very requests that it would send, those that hang on earlier answers included, and nothing is
//! written. A record that a write would make gets a made-up id ([`FIRST_MADE_UP_ID`] and up); where an upsert would find a
//! record, HubSpot is asked for its id. What was made up (properties, event definitions) is found again by later reads.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, Method};
use serde_json::{Value, json};

use crate::transport::{HttpRequest, HttpResponse, Transport, TransportError};

/// Beyond every id that HubSpot has given, and within what a double holds exactly.
pub const FIRST_MADE_UP_ID: u64 = 9_000_000_000_000_001;

/// A request that was not sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Rehearsed {
    pub method: Method,
    /// With its query.
    pub path: String,
    pub body: Option<Value>,
}

/// Reads and never writes.
pub struct Rehearsal {
    inner: Arc<dyn Transport>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    kept: Vec<Rehearsed>,
    made_up: u64,
    account: Option<u64>,
    /// What later reads find besides, by the path of the read.
    found: HashMap<String, Vec<Value>>,
    /// Records that were made up or written to, by the path of their object type.
    records: HashMap<String, Vec<Value>>,
}

impl Rehearsal {
    #[must_use]
    pub fn new(inner: Arc<dyn Transport>) -> Self {
        Self { inner, state: Mutex::default() }
    }

    /// The requests that would have written, in their order, since this was last asked.
    #[must_use]
    pub fn take(&self) -> Vec<Rehearsed> {
        std::mem::take(&mut self.state().kept)
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn read(&self, mut request: HttpRequest, path: &str) -> Result<HttpResponse, TransportError> {
        let known = self.state().known(&mut request, path);
        if let Some(Known { records, all: true }) = &known {
            return Ok(answered(200, &complete(records.clone())));
        }
        let mut response = self.inner.send(request).await?;
        if let Some(Known { records, .. }) = known {
            append(&mut response, records);
        }
        let mut state = self.state();
        if path.starts_with("/account-info/")
            && let Ok(details) = serde_json::from_slice::<Value>(&response.body)
        {
            state.account = details["portalId"].as_u64().or(state.account);
        }
        if let Some(more) = state.found.get(path)
            && response.status == 200
            && let Ok(mut body) = serde_json::from_slice::<Value>(&response.body)
            && let Some(results) = body["results"].as_array_mut()
        {
            for one in more {
                results.retain(|known| known["name"] != one["name"]);
                results.push(one.clone());
            }
            replace(&mut response, &body);
        }
        Ok(response)
    }

    /// The ids of the records that an upsert by a property would find.
    async fn existing(&self, request: &HttpRequest, path: &str, body: &Value) -> HashMap<String, String> {
        let inputs = body["inputs"].as_array().map_or(&[][..], Vec::as_slice);
        let Some(property) = inputs.iter().find_map(|input| input["idProperty"].as_str()) else {
            return HashMap::new();
        };
        let ids: Vec<Value> = inputs.iter().map(|input| json!({ "id": input["id"] })).collect();
        let asked = json!({
            "idProperty": property,
            "properties": [property],
            "propertiesWithHistory": [],
            "inputs": ids,
        });
        let read = HttpRequest {
            url: request.url.replace(path, &path.replace("/batch/upsert", "/batch/read")),
            body: Bytes::from(asked.to_string()),
            ..request.clone()
        };
        let Ok(response) = self.inner.send(read).await else { return HashMap::new() };
        let answer: Value = serde_json::from_slice(&response.body).unwrap_or_default();
        let found = answer["results"].as_array().into_iter().flatten();
        found
            .filter_map(|record| {
                let value = record["properties"][property].as_str()?.to_lowercase();
                Some((value, record["id"].as_str()?.to_owned()))
            })
            .collect()
    }

    async fn write(&self, request: HttpRequest, path: &str) -> HttpResponse {
        let body: Option<Value> = serde_json::from_slice(&request.body).ok();
        let given = body.clone().unwrap_or_default();
        let existing =
            if path.ends_with("/batch/upsert") { self.existing(&request, path, &given).await } else { HashMap::new() };
        let mut state = self.state();
        state.kept.push(Rehearsed {
            method: request.method.clone(),
            path: path_and_query(&request.url).to_owned(),
            body,
        });
        let (status, answer) = state.answer(&request.method, path, &given, &existing);
        answered(status, &answer)
    }
}

fn answered(status: u16, answer: &Value) -> HttpResponse {
    let body = if answer.is_null() { Bytes::new() } else { Bytes::from(answer.to_string()) };
    let mut headers = HeaderMap::new();
    headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    HttpResponse { status, headers, body }
}

fn replace(response: &mut HttpResponse, body: &Value) {
    response.body = Bytes::from(body.to_string());
    response.headers.remove(http::header::CONTENT_LENGTH);
}

/// Adds records to the results of a batch that was read.
fn append(response: &mut HttpResponse, records: Vec<Value>) {
    if let Ok(mut body) = serde_json::from_slice::<Value>(&response.body)
        && let Some(results) = body["results"].as_array_mut()
    {
        results.extend(records);
        replace(response, &body);
    }
}

/// What a batch read asks for that was made up.
struct Known {
    records: Vec<Value>,
    /// Nothing else is asked for.
    all: bool,
}

impl Transport for Rehearsal {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, TransportError>> {
        Box::pin(async move {
            let whole = path_and_query(&request.url).to_owned();
            let path = whole.split('?').next().unwrap_or_default().to_owned();
            if reads(&request.method, &path) {
                return self.read(request, &path).await;
            }
            Ok(self.write(request, &path).await)
        })
    }
}

/// Whether a request changes nothing in the account. Tokens are fetched as ever.
fn reads(method: &Method, path: &str) -> bool {
    *method == Method::GET
        || (*method == Method::POST
            && (path.ends_with("/batch/read") || path.ends_with("/search") || path.starts_with("/oauth/")))
}

fn path_and_query(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/').map_or("/", |at| &rest[at..])
}

impl State {
    /// Answers what a batch read asks of made-up records, and takes it out of the request: HubSpot knows nothing of it.
    fn known(&self, request: &mut HttpRequest, path: &str) -> Option<Known> {
        let all = path.strip_suffix("/batch/read")?;
        let mut body: Value = serde_json::from_slice(&request.body).ok()?;
        let property = body["idProperty"].as_str().map(str::to_owned);
        let made = self.records.get(all).map_or(&[][..], Vec::as_slice);
        let mut records = Vec::new();
        let inputs = body["inputs"].as_array_mut()?;
        let before = inputs.len();
        inputs.retain(|input| {
            let Some(id) = input["id"].as_str() else { return true };
            let same = |record: &&Value| match &property {
                Some(property) => {
                    record["properties"][property].as_str().is_some_and(|value| value.eq_ignore_ascii_case(id))
                }
                None => record["id"] == id,
            };
            let found = made.iter().rev().find(same).filter(|record| is_made_up(&record["id"]));
            records.extend(found.cloned());
            // What a made-up record is associated with is known: nothing.
            found.is_none() && !is_made_up(&input["id"])
        });
        if inputs.len() == before {
            return None;
        }
        let all = inputs.is_empty();
        request.body = Bytes::from(body.to_string());
        Some(Known { records, all })
    }

    fn id(&mut self) -> u64 {
        self.made_up += 1;
        FIRST_MADE_UP_ID - 1 + self.made_up
    }

    /// What HubSpot would say if it took the request: status and body, none where there is none (api.md 3.3, 3.6, 5.1, 7.2,
    /// 8.2, 9.2, 9.3).
    fn answer(
        &mut self,
        method: &Method,
        path: &str,
        body: &Value,
        existing: &HashMap<String, String>,
    ) -> (u16, Value) {
        if path.ends_with("/archive") || path.contains("/events/") && path.contains("/send") {
            return (204, Value::Null);
        }
        if path.contains("/associations/") && path.contains("/batch/") {
            let pairs: Vec<Value> = inputs(body)
                .map(|pair| {
                    json!({
                        "fromObjectId": pair["from"]["id"], "toObjectId": pair["to"]["id"], "labels": [],
                        "from": pair["from"], "to": pair["to"],
                    })
                })
                .collect();
            return (201, complete(pairs));
        }
        if let Some(all) = path.strip_suffix("/batch/create").filter(|path| path.contains("/properties/")) {
            let made: Vec<Value> = inputs(body).cloned().collect();
            self.found.entry(all.to_owned()).or_default().extend(made.clone());
            return (201, complete(made));
        }
        if path.contains("/event-definitions") {
            return (201, self.event_definition(path, body));
        }
        if path.contains("/memberships/") {
            return (200, memberships(path, body));
        }
        if path.contains("/lists") {
            let list = json!({
                "listId": self.id().to_string(), "name": body["name"], "objectTypeId": body["objectTypeId"],
                "processingType": body["processingType"],
            });
            return (200, json!({ "list": list }));
        }
        if path.contains("/objects/") && path.contains("/batch/") {
            let records: Vec<Value> = inputs(body).map(|input| self.record(input, path, existing)).collect();
            let all = path.split("/batch/").next().unwrap_or_default();
            self.records.entry(all.to_owned()).or_default().extend(records.iter().cloned());
            return (if path.ends_with("/update") { 200 } else { 201 }, complete(records));
        }
        if path.contains("/objects/") {
            let known = path.rsplit('/').next().filter(|id| id.bytes().all(|byte| byte.is_ascii_digit()));
            let id = if *method == Method::PATCH { known.map(str::to_owned) } else { None };
            let id = id.unwrap_or_else(|| self.id().to_string());
            let record = json!({ "id": id, "properties": body["properties"] });
            if *method == Method::POST {
                self.records.entry(path.to_owned()).or_default().push(record.clone());
            }
            return (201, record);
        }
        (201, body.clone())
    }

    fn record(&mut self, input: &Value, path: &str, existing: &HashMap<String, String>) -> Value {
        let given = input["id"].as_str();
        let by_property = input["idProperty"].is_string();
        let found = match given {
            Some(given) if by_property => existing.get(&given.to_lowercase()).cloned(),
            given => given.map(str::to_owned),
        };
        let new = path.ends_with("/upsert") && by_property && found.is_none();
        let id = found.unwrap_or_else(|| self.id().to_string());
        let mut record = json!({
            "id": id, "properties": input["properties"], "objectWriteTraceId": input["objectWriteTraceId"], "new": new,
        });
        if let (Some(given), Some(property)) = (given, input["idProperty"].as_str()) {
            record["properties"][property] = json!(given);
        }
        record
    }

    fn event_definition(&mut self, path: &str, body: &Value) -> Value {
        if let Some((all, rest)) = path.split_once("/event-definitions/") {
            let name = rest.split('/').next().unwrap_or_default();
            let definitions = self.found.entry(format!("{all}/event-definitions")).or_default();
            if let Some(properties) =
                definitions.iter_mut().find(|one| one["name"] == name).and_then(|one| one["properties"].as_array_mut())
            {
                properties.push(body.clone());
            }
            return body.clone();
        }
        let name = body["name"].as_str().unwrap_or_default();
        let account = self.account.unwrap_or_default();
        let definition = json!({
            "name": name, "label": body["label"], "labels": { "singular": body["label"] },
            "fullyQualifiedName": format!("pe{account}_{name}"), "primaryObject": body["primaryObject"],
            "properties": body["propertyDefinitions"],
        });
        self.found.entry(path.to_owned()).or_default().push(definition.clone());
        definition
    }
}

fn is_made_up(id: &Value) -> bool {
    id.as_str().and_then(|id| id.parse::<u64>().ok()).is_some_and(|id| id >= FIRST_MADE_UP_ID)
}

fn inputs(body: &Value) -> impl Iterator<Item = &Value> {
    body["inputs"].as_array().into_iter().flatten()
}

fn complete(results: Vec<Value>) -> Value {
    json!({ "status": "COMPLETE", "results": results })
}

fn memberships(path: &str, body: &Value) -> Value {
    let none = json!([]);
    let list = |value: &Value| if value.is_array() { value.clone() } else { none.clone() };
    let (added, removed) = if path.ends_with("/add") {
        (list(body), none.clone())
    } else if path.ends_with("/remove") {
        (none.clone(), list(body))
    } else {
        (list(&body["recordIdsToAdd"]), list(&body["recordIdsToRemove"]))
    };
    json!({ "recordsIdsAdded": added, "recordIdsRemoved": removed, "recordIdsMissing": [] })
}
