//! Custom events: sending them, and reading back those that HubSpot took (api.md 9.1, 9.2, 9.4). Requests, answers and calls.
//!
//! An event once taken can be neither changed nor deleted, and nothing that HubSpot publishes says for every version what a
//! second event of the same uuid does. So a sending whose outcome is unknown is never repeated in here: the caller looks
//! which of its uuids HubSpot has. A success proves only that HubSpot has queued the events (api.md 9.2). Keeping batches
//! within [`EVENT_BATCH_MAX`] and properties within HubSpot's sizes is left to the caller.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hubward_core::ErrorKind;
use serde::Deserialize;
use serde_json::Value;

use crate::attempt::Answer;
use crate::client::Client;
use crate::error::ApiError;
use crate::issues::{strings, text};
use crate::metadata::{id, items, object};
use crate::reply::Text;
use crate::request::{ApiRequest, CallMeta, RequestKind};
use crate::requests::{get, post};
use crate::version::{ApiVersion, Endpoint, disputed, push_query};
use crate::written_events::{EventWriter, WrittenEvents};

/// The most events in one request (api.md 9.2).
pub const EVENT_BATCH_MAX: usize = 500;
/// The most occurrences asked for in one request: their ids stand in the URL, and uuids of fifty fill two kilobytes of it
/// (`414`, api.md 2.4).
pub const OCCURRENCES_MAX: usize = 50;
/// Pages of occurrences at most for one question; a cursor that never ends must not either.
const OCCURRENCE_PAGES_MAX: usize = 20;

/// One event. Whom it happened to is told by the first of these that is there: `object_id`, `email`, `utk` (api.md 9.2).
#[derive(Clone, Copy, Debug)]
pub struct EventInput<'a> {
    /// The fully qualified name of its definition, `pe{hub}_{name}`.
    pub event_name: &'a str,
    /// Id of the contact, or of a record of the definition's primary object.
    pub object_id: Option<&'a str>,
    /// Of a contact; HubSpot is reported to create one that it does not know.
    pub email: Option<&'a str>,
    /// The user token of a contact's browser.
    pub utk: Option<&'a str>,
    /// RFC 3339; without it HubSpot takes the time of arrival.
    pub occurred_at: Option<&'a str>,
    /// Unique within the event type, and the only handle by which a repetition can be recognised.
    pub uuid: &'a str,
    pub properties: &'a [(Arc<str>, String)],
}

/// What a sending of events came to. HubSpot says nothing about any single one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventReply {
    pub attempts: u32,
    pub correlation_id: Option<String>,
}

/// An event as HubSpot has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Occurrence {
    pub id: String,
    /// The fully qualified name of its definition.
    pub event_type: String,
    pub object_type: String,
    /// Empty where HubSpot names none.
    pub object_id: String,
    pub occurred_at: String,
    pub properties: BTreeMap<String, String>,
}

/// Which of two disputed paths HubSpot has, as far as was seen: false for the one that is tried first.
#[derive(Debug, Default)]
pub(crate) struct EventPaths {
    /// Of definitions and sending: `/events/custom/{ver}/…`.
    custom: AtomicBool,
    /// Of reading: `/events/{ver}/events`.
    occurrences: AtomicBool,
}

/// Send up to [`EVENT_BATCH_MAX`] events. Not idempotent: an unknown outcome must be looked into.
#[must_use]
pub fn send_events(version: ApiVersion, events: &[EventInput<'_>]) -> ApiRequest {
    let mut writer = EventWriter::default();
    events.iter().for_each(|event| writer.push(event));
    send_written_events(version, &writer.finish())
}

fn send_written_events(version: ApiVersion, events: &WrittenEvents) -> ApiRequest {
    let path = Endpoint::EventSend.path(version, &[]);
    post(path, RequestKind::Event, Some(events.body().clone()), events.len())
}

/// One page of the occurrences of up to [`OCCURRENCES_MAX`] ids.
#[must_use]
pub fn occurrences(version: ApiVersion, ids: &[String], after: Option<&str>) -> ApiRequest {
    let mut path = Endpoint::EventOccurrences.path(version, &[]);
    for id in ids {
        push_query(&mut path, "id", id);
    }
    push_query(&mut path, "limit", &ids.len().max(1).to_string());
    if let Some(after) = after {
        push_query(&mut path, "after", after);
    }
    ApiRequest { inputs: ids.len(), ..get(path, RequestKind::Read) }
}

/// 204 without a body. A mixed answer is not documented; should HubSpot give one, some events were not taken, and the caller
/// must look which.
fn decode_sent(status: u16, body: &[u8]) -> Result<(), String> {
    let errors = || serde_json::from_slice::<Value>(body).is_ok_and(|body| items(&body, "errors").next().is_some());
    if status == 207 || (!body.is_empty() && errors()) {
        return Err("it refuses some of the events".to_owned());
    }
    Ok(())
}

type Page<T> = (Vec<T>, Option<String>);

fn decode_occurrences(_status: u16, body: &[u8]) -> Result<Page<Occurrence>, String> {
    let body = object(body)?;
    if !body["results"].is_array() {
        return Err("occurrences without results".to_owned());
    }
    let mut page = Vec::new();
    for value in items(&body, "results") {
        let name = id(&value["id"]);
        if name.is_empty() {
            return Err("an occurrence without an id".to_owned());
        }
        page.push(Occurrence {
            id: name,
            event_type: text(value, "eventType").to_owned(),
            object_type: text(value, "objectType").to_owned(),
            object_id: id(&value["objectId"]),
            occurred_at: id(&value["occurredAt"]),
            properties: value["properties"]
                .as_object()
                .into_iter()
                .flatten()
                .filter_map(|(name, value)| Some((name.clone(), Text::deserialize(value).ok()?.0)))
                .collect(),
        });
    }
    let after = strings(&body["paging"]["next"]["after"]).into_iter().next();
    Ok((page, after))
}

/// All calls fail with what HubSpot or the network said last. A 404 of a path that HubSpot's sources dispute is answered by
/// the other path, which then stays (api.md 9.1).
impl Client {
    /// Sends up to [`EVENT_BATCH_MAX`] events. Never repeated after an unknown outcome.
    ///
    /// # Errors
    /// The last refusal or failure; kind `Unknown` when HubSpot may have taken the events, all or some, which must be looked
    /// for; `MonthlyLimit` or `DailyLimit` when the account may have no more.
    pub async fn send_events(&self, events: &[EventInput<'_>], meta: &CallMeta) -> Result<EventReply, ApiError> {
        self.send_event_request(send_events(self.version(), events), meta).await
    }

    /// The same of events that were written before.
    ///
    /// # Errors
    /// As [`Client::send_events`].
    pub async fn send_written_events(&self, events: &WrittenEvents, meta: &CallMeta) -> Result<EventReply, ApiError> {
        self.send_event_request(send_written_events(self.version(), events), meta).await
    }

    async fn send_event_request(&self, request: ApiRequest, meta: &CallMeta) -> Result<EventReply, ApiError> {
        let answer = self.event_call(request, meta, decode_sent).await?;
        Ok(EventReply { attempts: answer.attempts, correlation_id: answer.correlation_id })
    }

    /// Those of up to [`OCCURRENCES_MAX`] occurrences that HubSpot has, by id. HubSpot takes events in later than it answers,
    /// so that one may be missing that will be there.
    ///
    /// # Errors
    /// The last refusal or failure, `MissingScope` and `NotInEdition` among them (api.md 9.4); kind `Unreadable` when the
    /// pages do not end.
    pub async fn event_occurrences(&self, ids: &[String], meta: &CallMeta) -> Result<Vec<Occurrence>, ApiError> {
        let mut found = Vec::new();
        if ids.is_empty() {
            return Ok(found);
        }
        let mut after = None;
        for _ in 0..OCCURRENCE_PAGES_MAX {
            let request = occurrences(self.version(), ids, after.as_deref());
            let moved = &self.inner.event_paths.occurrences;
            let (page, next) = self.disputed_call(request, moved, meta, decode_occurrences).await?.value;
            found.extend(page);
            if next.is_none() {
                return Ok(found);
            }
            after = next;
        }
        Err(ApiError::new(
            ErrorKind::Unreadable,
            format!("HubSpot's list of {} events does not end after {OCCURRENCE_PAGES_MAX} pages", ids.len()),
        ))
    }

    /// A call to a path of event definitions or of sending.
    pub(crate) async fn event_call<T>(
        &self,
        request: ApiRequest,
        meta: &CallMeta,
        decode: fn(u16, &[u8]) -> Result<T, String>,
    ) -> Result<Answer<T>, ApiError> {
        self.disputed_call(request, &self.inner.event_paths.custom, meta, decode).await
    }

    /// Sends to the path that HubSpot was last seen to have, and after a 404 to the other. A 404 has done nothing, so the
    /// second sending repeats nothing; where both paths answer so, the 404 spoke of something else.
    async fn disputed_call<T>(
        &self,
        request: ApiRequest,
        moved: &AtomicBool,
        meta: &CallMeta,
        decode: fn(u16, &[u8]) -> Result<T, String>,
    ) -> Result<Answer<T>, ApiError> {
        let Some(path) = disputed(self.version(), &request.path) else {
            return self.call(&request, meta, decode).await;
        };
        let other = ApiRequest { path, ..request.clone() };
        let was_moved = moved.load(Ordering::Relaxed);
        let (first, second) = if was_moved { (other, request) } else { (request, other) };
        let refused = match self.call(&first, meta, decode).await {
            Err(error) if error.status == Some(404) => error,
            done => return done,
        };
        match self.call(&second, meta, decode).await {
            Ok(answer) => {
                moved.store(!was_moved, Ordering::Relaxed);
                Ok(Answer { attempts: answer.attempts + refused.attempts, ..answer })
            }
            Err(mut error) => {
                let attempts = error.attempts + refused.attempts;
                // Of two 404s the one that speaks of a thing says more than the one that knows no path.
                if error.status == Some(404) && error.kind == ErrorKind::NoSuchPath {
                    error = refused;
                }
                error.attempts = attempts;
                Err(error)
            }
        }
    }
}

#[cfg(test)]
#[path = "events_tests.rs"]
mod tests;
