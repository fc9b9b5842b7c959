//! The recorded requests of the original, sent to a sandbox.
//!
//! They were recorded against a server that takes more than HubSpot does. What HubSpot would refuse in form only is put
//! into the form that it takes, for the comparison is of what the requests mean: type ids of associations as numbers,
//! options as texts, contacts updated by their ids, and the old path of an association as the one of today.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::KNOWN_COMPANY;
use crate::world::World;

/// Records that the recording server made are numbered from here.
const FIRST_ID: u32 = 101;

pub(crate) async fn replay(world: &World, case: &Value) {
    let mut ids: HashMap<String, String> = HashMap::new();
    let mut last = (200, Value::Null);
    for request in case["requests"].as_array().expect("requests") {
        let method = request["method"].as_str().expect("a method");
        let url = with_ids(request["url"].as_str().expect("a url"), &ids);
        let (method, url) = today(method, &url);
        let mut body = request["body"].clone();
        replace(&mut body, &ids);
        by_id(world, &url, &mut body).await;
        let (status, answer) = world.send(&method, &url, &body).await;
        last = (status, answer.clone());
        if status < 300 {
            for id in made(&url, &method, &body, &answer) {
                let number = FIRST_ID + u32::try_from(ids.len()).expect("few");
                ids.insert(number.to_string(), id);
            }
        }
    }
    // Earlier ones may be refused, for the original tries and then does something else.
    assert!(last.0 < 300, "{}: the last request is refused: {last:?}", case["name"]);
}

/// The ids of the records that a request made, in the order of its inputs.
fn made(url: &str, method: &str, body: &Value, answer: &Value) -> Vec<String> {
    let path = url.split('?').next().unwrap_or_default();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    if !path.contains("/objects/") || method != "POST" {
        return Vec::new();
    }
    if path.ends_with("/batch/upsert") || path.ends_with("/batch/create") {
        let results = answer["results"].as_array().cloned().unwrap_or_default();
        let inputs = body["inputs"].as_array().cloned().unwrap_or_default();
        let of = |input: &Value| {
            let key = input["idProperty"].as_str()?;
            let fresh = |result: &Value| result["new"] == true || result["id"] == KNOWN_COMPANY;
            let same = |result: &&Value| result["properties"][key] == input["id"] && fresh(result);
            text(&results.iter().find(same)?["id"])
        };
        return inputs.iter().filter_map(of).collect();
    }
    let is_create = !path.contains("/batch/") && !path.ends_with("/search");
    if is_create { text(&answer["id"]).into_iter().collect() } else { Vec::new() }
}

fn with_ids(url: &str, ids: &HashMap<String, String>) -> String {
    let (path, query) = url.split_once('?').map_or((url, None), |(path, query)| (path, Some(query)));
    let segments: Vec<&str> = path.split('/').map(|segment| ids.get(segment).map_or(segment, String::as_str)).collect();
    query.map_or_else(|| segments.join("/"), |query| format!("{}?{query}", segments.join("/")))
}

fn replace(value: &mut Value, ids: &HashMap<String, String>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, ids)),
        Value::Object(members) => {
            for (name, value) in members {
                match (name.as_str(), &*value) {
                    ("id", Value::String(id)) => {
                        if let Some(known) = ids.get(id) {
                            *value = json!(known);
                        }
                    }
                    ("associationTypeId", Value::String(id)) => *value = json!(id.parse::<u64>().expect("a number")),
                    ("value", Value::Bool(flag)) => *value = json!(flag.to_string()),
                    _ => replace(value, ids),
                }
            }
        }
        _ => {}
    }
}

/// The path of today for the one old path that the original uses.
fn today(method: &str, url: &str) -> (String, String) {
    let segments: Vec<&str> = url.split('/').collect();
    if let ["", "crm", "v3", "objects", from, id, "associations", to, other, "company_to_contact"] = segments.as_slice()
    {
        return (method.to_owned(), format!("/crm/v4/objects/{from}/{id}/associations/default/{to}/{other}"));
    }
    (method.to_owned(), url.to_owned())
}

/// Updates by a property as updates by id.
async fn by_id(world: &World, url: &str, body: &mut Value) {
    let Some(all) = url.strip_suffix("/batch/update") else { return };
    for input in body["inputs"].as_array_mut().into_iter().flatten() {
        let Some(property) = input.as_object_mut().and_then(|input| input.remove("idProperty")) else { continue };
        let (property, value) = (property.as_str().expect("a name"), input["id"].as_str().expect("a value"));
        let (status, record) = world.send("GET", &format!("{all}/{value}?idProperty={property}"), &Value::Null).await;
        assert_eq!(status, 200, "{record}");
        input["id"] = record["id"].clone();
    }
}
