//! Events in the form they are sent (api.md 9.2), written before they are sent: each once, whatever becomes of its request.

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;

use crate::events::EventInput;
use crate::requests::Properties;

const BEFORE: &[u8] = br#"{"inputs":["#;
const AFTER: &[u8] = b"]}";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EventBody<'a> {
    event_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    object_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    utk: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    occurred_at: Option<&'a str>,
    uuid: &'a str,
    properties: Properties<'a>,
}

/// The body of a request with events. Copies share it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WrittenEvents {
    body: Bytes,
    /// Where each event ends in the body.
    ends: Arc<[usize]>,
}

impl WrittenEvents {
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The text of one event; it keeps the whole body in memory.
    ///
    /// # Panics
    /// If there are fewer events.
    #[must_use]
    pub fn event(&self, position: usize) -> Bytes {
        let start = if position == 0 { BEFORE.len() } else { self.ends[position - 1] + 1 };
        self.body.slice(start..self.ends[position])
    }

    pub(crate) fn body(&self) -> &Bytes {
        &self.body
    }
}

/// Writes a [`WrittenEvents`] event by event.
#[derive(Debug)]
pub struct EventWriter {
    body: Vec<u8>,
    ends: Vec<usize>,
}

impl Default for EventWriter {
    fn default() -> Self {
        Self::with_capacity(0, 0)
    }
}

impl EventWriter {
    /// Room for so many events of so many bytes in all.
    #[must_use]
    pub fn with_capacity(events: usize, bytes: usize) -> Self {
        let mut body = Vec::with_capacity(BEFORE.len() + bytes + events + AFTER.len());
        body.extend_from_slice(BEFORE);
        Self { body, ends: Vec::with_capacity(events) }
    }

    /// # Panics
    /// Never: texts are always JSON.
    pub fn push(&mut self, event: &EventInput<'_>) {
        self.separate();
        let body = EventBody {
            event_name: event.event_name,
            object_id: event.object_id,
            email: event.email,
            utk: event.utk,
            occurred_at: event.occurred_at,
            uuid: event.uuid,
            properties: Properties(event.properties),
        };
        serde_json::to_writer(&mut self.body, &body).expect("texts are written to memory");
        self.ends.push(self.body.len());
    }

    /// Adds an event that was written before.
    pub fn push_written(&mut self, event: &[u8]) {
        self.separate();
        self.body.extend_from_slice(event);
        self.ends.push(self.body.len());
    }

    /// Adds a stretch of events that were written before.
    ///
    /// # Panics
    /// If there are fewer.
    pub fn push_all(&mut self, events: &WrittenEvents, range: std::ops::Range<usize>) {
        if range.is_empty() {
            return;
        }
        self.separate();
        let start = if range.start == 0 { BEFORE.len() } else { events.ends[range.start - 1] + 1 };
        let at = self.body.len();
        self.body.extend_from_slice(&events.body[start..events.ends[range.end - 1]]);
        self.ends.extend(events.ends[range].iter().map(|end| end - start + at));
    }

    fn separate(&mut self) {
        if !self.ends.is_empty() {
            self.body.push(b',');
        }
    }

    #[must_use]
    pub fn finish(mut self) -> WrittenEvents {
        self.body.extend_from_slice(AFTER);
        WrittenEvents { body: Bytes::from(self.body), ends: self.ends.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(uuids: &[&str]) -> WrittenEvents {
        let mut writer = EventWriter::default();
        for uuid in uuids {
            writer.push(&EventInput {
                event_name: "pe1_visited",
                object_id: None,
                email: Some("a@example.com"),
                utk: None,
                occurred_at: None,
                uuid,
                properties: &[(Arc::from("city"), "Köln \"am\" Rhein".to_owned())],
            });
        }
        writer.finish()
    }

    /// However events come together, the request is the one that they would have been at once.
    #[test]
    fn events_are_written_once_and_sent_in_any_company() {
        let all = written(&["1", "2", "3", "4"]);
        let texts: Vec<Bytes> = (0..all.len()).map(|position| all.event(position)).collect();
        let value: serde_json::Value = serde_json::from_slice(all.body()).expect("JSON");
        assert_eq!(value["inputs"].as_array().map(Vec::len), Some(4));
        assert_eq!(value["inputs"][2], serde_json::from_slice::<serde_json::Value>(&texts[2]).expect("JSON"));

        let (first, last) = (written(&["1"]), written(&["2", "3", "4", "5"]));
        for copied in 0..=3 {
            let mut writer = EventWriter::default();
            writer.push_written(&first.event(0));
            writer.push_all(&last, 0..copied);
            writer.push_all(&last, copied..3);
            let again = writer.finish();
            assert_eq!(again, all);
            assert_eq!((0..4).map(|position| again.event(position)).collect::<Vec<_>>(), texts);
        }
    }

    #[test]
    fn no_events_are_an_empty_batch() {
        let none = EventWriter::default().finish();
        assert!(none.is_empty());
        assert_eq!(&none.body()[..], br#"{"inputs":[]}"#);
    }
}
