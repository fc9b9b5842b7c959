//! Events in the form they are sent (api.md 9.2), written before they are sent: each once, whatever becomes of its request.

use std::sync::Arc;

use bytes::Bytes;

use crate::events::EventInput;

const BEFORE: &[u8] = br#"{"inputs":["#;
const AFTER: &[u8] = b"]}";

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

    /// Adds an event.
    pub fn push(&mut self, event: &EventInput<'_>) {
        self.separate();
        let out = &mut self.body;
        out.extend_from_slice(br#"{"eventName":"#);
        write_text(out, event.event_name);
        let fields: [(&[u8], Option<&str>); 5] = [
            (br#","objectId":"#, event.object_id),
            (br#","email":"#, event.email),
            (br#","utk":"#, event.utk),
            (br#","occurredAt":"#, event.occurred_at),
            (br#","uuid":"#, Some(event.uuid)),
        ];
        for (name, value) in fields {
            if let Some(value) = value {
                out.extend_from_slice(name);
                write_text(out, value);
            }
        }
        out.extend_from_slice(br#","properties":{"#);
        for (position, (name, value)) in event.properties.iter().enumerate() {
            if position > 0 {
                out.push(b',');
            }
            write_text(out, name);
            out.push(b':');
            write_text(out, value);
        }
        out.extend_from_slice(b"}}");
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

/// Most texts stand in JSON as they are.
fn write_text(out: &mut Vec<u8>, text: &str) {
    if text.bytes().any(|byte| byte < b' ' || byte == b'"' || byte == b'\\') {
        serde_json::to_writer(out, text).expect("texts are written to memory");
        return;
    }
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_written_as_json_has_it() {
        let mut texts: Vec<String> = (0..=0x2ff).filter_map(char::from_u32).map(|c| format!("a{c}b")).collect();
        texts.extend(["", "Köln", "\"", "\\", "line\nbreak", "\u{2028}\u{1f600}"].map(str::to_owned));
        for text in texts {
            let mut out = Vec::new();
            write_text(&mut out, &text);
            assert_eq!(out, serde_json::to_vec(&text).expect("JSON"), "{text:?}");
        }
    }

    #[test]
    fn an_event_is_written_with_what_it_has() {
        let all = EventInput {
            event_name: "pe1_visited",
            object_id: Some("7"),
            email: Some("a@example.com"),
            utk: Some("u"),
            occurred_at: Some("2026-01-01T00:00:00.000Z"),
            uuid: "x",
            properties: &[(Arc::from("a\"b"), "1".to_owned()), (Arc::from("c"), String::new())],
        };
        let bare = EventInput { object_id: None, email: None, utk: None, occurred_at: None, properties: &[], ..all };
        let mut writer = EventWriter::default();
        writer.push(&all);
        writer.push(&bare);
        assert_eq!(
            String::from_utf8_lossy(writer.finish().body()),
            concat!(
                r#"{"inputs":[{"eventName":"pe1_visited","objectId":"7","email":"a@example.com","utk":"u","#,
                r#""occurredAt":"2026-01-01T00:00:00.000Z","uuid":"x","properties":{"a\"b":"1","c":""}},"#,
                r#"{"eventName":"pe1_visited","uuid":"x","properties":{}}]}"#
            )
        );
    }

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
