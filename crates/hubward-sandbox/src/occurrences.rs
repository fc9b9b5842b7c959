//! Owns what occurred: every occurrence of the account's events, found by the id it was sent with. One occurrence is one
//! text and a few numbers, so that a million of them fit in a test; who may see it and when is the readers' matter.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher, Hash, Hasher};

use crate::answers::write_str;

/// For so long an id is known again `[SPEC events-send]`: 365 days.
const REMEMBERED_MS: i64 = 365 * 86_400_000;

/// One occurrence before it is stored.
#[derive(Debug)]
pub(crate) struct Draft {
    /// Index of the event's definition.
    pub(crate) definition: usize,
    pub(crate) occurred_ms: i64,
    pub(crate) text: Text,
}

/// Id, identifiers and properties of an occurrence in one text: the id as it is, then the other two as parts of JSON that
/// are only ever copied.
#[derive(Debug)]
pub(crate) struct Text {
    text: Box<str>,
    id_end: u32,
    identity_end: u32,
}

/// Writes a [`Text`] part by part.
#[derive(Debug)]
pub(crate) struct TextWriter {
    out: Vec<u8>,
    id_end: u32,
    identity_end: u32,
    properties: usize,
}

impl TextWriter {
    /// Begins with the id and what was sent to say whom it happened to.
    pub(crate) fn new(id: &str, email: Option<&str>, object_id: Option<&str>, utk: Option<&str>) -> TextWriter {
        let mut out = Vec::with_capacity(256);
        out.extend_from_slice(id.as_bytes());
        let id_end = len(&out);
        for (at, (key, value)) in [("email", email), ("objectId", object_id), ("utk", utk)].into_iter().enumerate() {
            crate::answers::comma(&mut out, at);
            write_str(&mut out, key);
            out.push(b':');
            match value {
                Some(value) => write_str(&mut out, value),
                None => out.extend_from_slice(b"null"),
            }
        }
        let identity_end = len(&out);
        out.push(b'{');
        TextWriter { out, id_end, identity_end, properties: 0 }
    }

    pub(crate) fn property(&mut self, name: &str, value: &str) {
        crate::answers::comma(&mut self.out, self.properties);
        self.properties += 1;
        write_str(&mut self.out, name);
        self.out.push(b':');
        write_str(&mut self.out, value);
    }

    pub(crate) fn finish(mut self) -> Text {
        self.out.push(b'}');
        let text = String::from_utf8(self.out).expect("it was made of strings").into_boxed_str();
        Text { text, id_end: self.id_end, identity_end: self.identity_end }
    }
}

fn len(out: &[u8]) -> u32 {
    u32::try_from(out.len()).expect("a request body is shorter than 4 GiB")
}

impl Text {
    /// Bytes of all three parts.
    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }

    pub(crate) fn id(&self) -> &str {
        &self.text[..self.id_end as usize]
    }

    /// `"email":…,"objectId":…,"utk":…`, each as it was sent or null.
    pub(crate) fn identity(&self) -> &str {
        &self.text[self.id_end as usize..self.identity_end as usize]
    }

    /// A JSON object of strings.
    pub(crate) fn properties(&self) -> &str {
        &self.text[self.identity_end as usize..]
    }
}

#[derive(Debug)]
pub(crate) struct Occurrence {
    pub(crate) text: Text,
    definition: u32,
    /// The record as it was found, merged away since perhaps; 0 when none was.
    record: u64,
    pub(crate) occurred_ms: i64,
    received_ms: i64,
    /// When the read API begins to show it.
    pub(crate) readable_ms: i64,
    /// Whether the sender chose the id.
    pub(crate) id_was_sent: bool,
}

impl Occurrence {
    pub(crate) fn definition(&self) -> usize {
        self.definition as usize
    }

    pub(crate) fn record(&self) -> Option<u64> {
        (self.record != 0).then_some(self.record)
    }
}

/// The index's keys are hashes already.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn write(&mut self, _: &[u8]) {
        unreachable!("the index is keyed by u64 alone");
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[derive(Default)]
pub(crate) struct Occurrences {
    all: Vec<Occurrence>,
    /// Positions by hash of definition and id; a hash that is taken leads on to the next number. Nothing is removed.
    index: HashMap<u64, u32, BuildHasherDefault<Hashed>>,
    /// How many were known already and not stored again.
    pub(crate) repeated: u64,
    /// How many belong to no record.
    pub(crate) unmatched: u64,
}

fn hash(definition: usize, id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (definition, id).hash(&mut hasher);
    hasher.finish()
}

impl Occurrences {
    /// In the order they were received.
    pub(crate) fn all(&self) -> &[Occurrence] {
        &self.all
    }

    /// Positions of the occurrences of an event with an id.
    pub(crate) fn of_id(&self, definition: usize, id: &str) -> Vec<usize> {
        let mut found = Vec::new();
        let mut key = hash(definition, id);
        while let Some(at) = self.index.get(&key) {
            let one = &self.all[*at as usize];
            if one.definition() == definition && one.text.id() == id {
                found.push(*at as usize);
            }
            key = key.wrapping_add(1);
        }
        found
    }

    /// Whether an event with this id was received within the last year.
    pub(crate) fn knows(&self, definition: usize, id: &str, now_ms: i64) -> bool {
        self.of_id(definition, id).iter().any(|at| self.all[*at].received_ms + REMEMBERED_MS > now_ms)
    }

    pub(crate) fn store(
        &mut self,
        draft: Draft,
        record: Option<u64>,
        id_was_sent: bool,
        now_ms: i64,
        readable_ms: i64,
    ) {
        let at = u32::try_from(self.all.len()).expect("fewer than four thousand million occurrences fit in memory");
        let mut key = hash(draft.definition, draft.text.id());
        while self.index.contains_key(&key) {
            key = key.wrapping_add(1);
        }
        self.index.insert(key, at);
        self.unmatched += u64::from(record.is_none());
        self.all.push(Occurrence {
            text: draft.text,
            definition: u32::try_from(draft.definition).expect("an account has few definitions"),
            record: record.unwrap_or(0),
            occurred_ms: draft.occurred_ms,
            received_ms: now_ms,
            readable_ms,
            id_was_sent,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::{Draft, Occurrences, REMEMBERED_MS, TextWriter};

    fn draft(definition: usize, id: &str) -> Draft {
        let mut text = TextWriter::new(id, Some("a\"@example.com"), None, None);
        text.property("city", "Köln");
        Draft { definition, occurred_ms: 0, text: text.finish() }
    }

    #[test]
    fn a_text_gives_back_its_three_parts() {
        let text = draft(0, "é-1").text;
        assert_eq!(text.id(), "é-1");
        assert_eq!(text.identity(), r#""email":"a\"@example.com","objectId":null,"utk":null"#);
        assert_eq!(text.properties(), r#"{"city":"Köln"}"#);
    }

    #[test]
    fn an_id_is_known_for_a_year_and_within_its_event_only() {
        let mut all = Occurrences::default();
        all.store(draft(0, "x"), Some(1), true, 0, 0);
        assert!(all.knows(0, "x", REMEMBERED_MS - 1));
        assert!(!all.knows(0, "x", REMEMBERED_MS));
        assert!(!all.knows(1, "x", 0));
        assert!(!all.knows(0, "y", 0));
        all.store(draft(0, "x"), None, true, 5, 5);
        assert_eq!(all.of_id(0, "x"), [0, 1]);
        assert_eq!(all.unmatched, 1);
    }
}
