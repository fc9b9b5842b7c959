//! Owns the control API under `/_sandbox`: never limited, never logged, no token needed (interface.md 3).

use bytes::Bytes;
use http::{HeaderValue, Method, Response};
use serde_json::{Map, Value, json};

use crate::apps::AppInput;
use crate::associations;
use crate::auth::TokenInput;
use crate::sandbox::Inner;
use crate::{event_reads, faults, list_load, load};

/// Answers one control request. Wrong input is 400 with a message that names the field.
pub(crate) fn answer(
    inner: &Inner,
    method: &Method,
    path: &str,
    query: &[(String, String)],
    body: &[u8],
) -> Response<Bytes> {
    let name = path.strip_prefix("/_sandbox/").unwrap_or_default().trim_end_matches('/');
    let (status, body) = match route(inner, method, name, query, body) {
        Ok(body) => (http::StatusCode::OK, body),
        Err((status, message)) => (status, error(&message)),
    };
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json;charset=utf-8"));
    response
}

fn error(message: &str) -> Vec<u8> {
    json!({ "status": "error", "message": message }).to_string().into_bytes()
}

type Answer = Result<Vec<u8>, (http::StatusCode, String)>;

fn bad(message: impl Into<String>) -> (http::StatusCode, String) {
    (http::StatusCode::BAD_REQUEST, message.into())
}

fn done(value: &Value) -> Answer {
    Ok(value.to_string().into_bytes())
}

fn route(inner: &Inner, method: &Method, name: &str, query: &[(String, String)], body: &[u8]) -> Answer {
    match (method.as_str(), name) {
        ("POST", "reset") => {
            inner.reset();
            done(&json!({}))
        }
        ("POST", "load") => {
            load::load(inner, &parse(body)?).map_err(|error| bad(error.to_string()))?;
            done(&json!({}))
        }
        ("PUT", "limits") => limits(inner, &parse(body)?),
        ("PUT", "clock") => clock(inner, &parse(body)?),
        ("POST", "faults") => {
            let faults = faults::parse(&parse(body)?).map_err(bad)?;
            let mut own = inner.faults();
            // an empty list clears; otherwise they join those that have not struck yet
            if faults.is_empty() {
                own.clear();
            }
            own.extend(faults);
            done(&json!({ "faults": own.len() }))
        }
        ("GET", "requests") => {
            let after = query.iter().find(|(key, _)| key == "after").map_or(Ok(0), |(_, value)| value.parse::<u64>());
            done(&inner.log().shown(after.map_err(|_| bad("after: must be a number of a request"))?))
        }
        ("GET", "stats") => done(&stats(inner)),
        ("GET", "events") => {
            let (after, limit) = (number(query, "after")?.unwrap_or(0), number(query, "limit")?.unwrap_or(u64::MAX));
            Ok(event_reads::control(inner, after, usize::try_from(limit).unwrap_or(usize::MAX)))
        }
        ("GET", other) if other.starts_with("records/") => {
            records(inner, &crate::route::decode(&other["records/".len()..], false))
        }
        ("GET", "apps") => done(&inner.auth().apps.shown()),
        ("POST", "apps") => {
            let app: AppInput = typed(body)?;
            let mut auth = inner.auth();
            auth.apps.put(app);
            done(&auth.apps.shown())
        }
        ("POST", "tokens") => {
            let token: TokenInput = typed(body)?;
            if token.token.is_empty() {
                return Err(bad("token: must not be empty"));
            }
            inner.auth().load(token);
            done(&json!({}))
        }
        ("POST", "uninstall") => uninstall(inner, &parse(body)?),
        ("GET", "lists") => Ok(list_load::shown(&inner.account())),
        (
            verb,
            "reset" | "load" | "limits" | "clock" | "faults" | "requests" | "stats" | "events" | "lists" | "apps"
            | "tokens" | "uninstall",
        ) => Err((http::StatusCode::METHOD_NOT_ALLOWED, format!("/_sandbox/{name} does not take {verb}"))),
        _ => Err((http::StatusCode::NOT_FOUND, format!("/_sandbox/{name}: no such control path"))),
    }
}

fn parse(body: &[u8]) -> Result<Value, (http::StatusCode, String)> {
    serde_json::from_slice(body).map_err(|error| bad(format!("the body is not JSON: {error}")))
}

/// A body of one entry of `load`.
fn typed<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, (http::StatusCode, String)> {
    serde_json::from_slice(body).map_err(|error| bad(format!("the body is wrong: {error}")))
}

/// As a person does in the account's settings.
fn uninstall(inner: &Inner, body: &Value) -> Answer {
    let client_id = object(body)?.get("client_id").and_then(Value::as_str).unwrap_or_default();
    let mut auth = inner.auth();
    if auth.apps.app(client_id).is_none() {
        return Err(bad(format!("client_id: no app {client_id:?}")));
    }
    auth.uninstall(client_id);
    done(&auth.apps.shown())
}

fn object(body: &Value) -> Result<&Map<String, Value>, (http::StatusCode, String)> {
    body.as_object().ok_or_else(|| bad("the body must be a JSON object"))
}

/// A number of one field, or `None` where `null` lifts the limit.
fn limit(field: &str, value: &Value) -> Result<Option<u64>, (http::StatusCode, String)> {
    match value {
        Value::Null => Ok(None),
        value => {
            value.as_u64().map(Some).ok_or_else(|| bad(format!("{field}: {value} is neither a whole number nor null")))
        }
    }
}

/// A whole number of the query.
fn number(query: &[(String, String)], name: &str) -> Result<Option<u64>, (http::StatusCode, String)> {
    let Some((_, text)) = query.iter().find(|(key, _)| key == name) else {
        return Ok(None);
    };
    text.parse().map(Some).map_err(|_| bad(format!("{name}: {text} is no whole number")))
}

/// What the log counted, and how the month's events stand.
fn stats(inner: &Inner) -> Value {
    let mut stats = inner.log().stats();
    let (this_month, monthly_limit) = inner.meter().month_events(inner.clock.now_ms());
    let account = inner.account();
    let occurrences = &account.events.occurrences;
    stats["events"] = json!({
        "stored": occurrences.all().len(), "repeated": occurrences.repeated, "unmatched": occurrences.unmatched,
        "this_month": this_month, "monthly_limit": monthly_limit,
    });
    stats
}

fn limits(inner: &Inner, body: &Value) -> Answer {
    let mut meter = inner.meter();
    let mut limits = meter.limits.clone();
    for (field, value) in object(body)? {
        match field.as_str() {
            "burst" => limits.burst = limit(field, value)?,
            "oauth_burst" => limits.oauth_burst = limit(field, value)?,
            "daily" => limits.daily = limit(field, value)?,
            "search_per_second" => limits.search_per_second = limit(field, value)?,
            "association_burst" => limits.association_burst = limit(field, value)?,
            "association_daily" => limits.association_daily = limit(field, value)?,
            "events_per_second" => limits.events_per_second = limit(field, value)?,
            "events_monthly" => limits.events_monthly = limit(field, value)?,
            "burst_window_ms" => {
                let window = value
                    .as_i64()
                    .filter(|ms| *ms >= 1)
                    .ok_or_else(|| bad(format!("{field}: {value} is no number of milliseconds")))?;
                limits.burst_window_ms = window;
            }
            _ => {
                let known = "burst, burst_window_ms, oauth_burst, daily, search_per_second, association_burst, association_daily, events_per_second, events_monthly";
                return Err(bad(format!("{field}: unknown limit; use {known}")));
            }
        }
    }
    meter.limits = limits;
    let limits = &meter.limits;
    done(&json!({
        "burst": limits.burst, "burst_window_ms": limits.burst_window_ms, "oauth_burst": limits.oauth_burst, "daily": limits.daily,
        "search_per_second": limits.search_per_second, "association_burst": limits.association_burst, "association_daily": limits.association_daily,
        "events_per_second": limits.events_per_second, "events_monthly": limits.events_monthly,
    }))
}

fn clock(inner: &Inner, body: &Value) -> Answer {
    let body = object(body)?;
    if let Some(field) = body.keys().find(|field| *field != "advance_ms") {
        return Err(bad(format!("{field}: unknown field; use advance_ms")));
    }
    let advance = body.get("advance_ms").and_then(Value::as_i64).filter(|ms| (0..=i64::MAX / 16).contains(ms));
    inner
        .clock
        .advance(advance.ok_or_else(|| bad("advance_ms: must be a whole number of milliseconds, not negative"))?);
    done(&json!({ "now": crate::clock::iso(inner.clock.now_ms()) }))
}

/// Every record of a type, the recycle bin included.
fn records(inner: &Inner, name: &str) -> Answer {
    let account = inner.account();
    let type_at = account
        .find(name)
        .ok_or_else(|| (http::StatusCode::NOT_FOUND, format!("records/{name}: no such object type")))?;
    let object_type = &account.types[type_at];
    let mut out = b"{\"results\":[".to_vec();
    let filled: Vec<u32> =
        ["createdate", "lastmodifieddate", "hs_lastmodifieddate", "hs_object_id", "hs_merged_object_ids"]
            .iter()
            .filter_map(|name| object_type.defined(name))
            .collect();
    for (at, (id, record)) in object_type.records.iter().enumerate() {
        crate::answers::comma(&mut out, at);
        let mut properties = Map::new();
        for property in record.values.iter().map(|(property, _)| property).chain(&filled) {
            if let Some(value) = object_type.value(*id, record, &record.values, record.updated_ms, *property) {
                properties.insert(object_type.property(*property).name.clone(), Value::String(value.into_owned()));
            }
        }
        let shown = json!({
            "id": id.to_string(),
            "properties": properties,
            "archived": record.archived_at_ms.is_some(),
            "associations": associations::shown(&account, type_at, *id),
        });
        out.extend_from_slice(shown.to_string().as_bytes());
    }
    out.extend_from_slice(b"]}");
    Ok(out)
}
