//! Owns what occurred: every occurrence of the account's events, found by the id it was sent with. One occurrence is a
//! stretch of text and a few numbers, so that a million of them fit in a test; who may see it and when is the readers' matter.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use crate::answers::write_str;

/// For so long an id is known again `[SPEC events-send]`: 365 days.
const REMEMBERED_MS: i64 = 365 * 86_400_000;

/// One occurrence before it is stored.
#[derive(Debug)]
pub(crate) struct Draft {
    /// Index of the event's definition.
    pub(crate) definition: usize,
    pub(crate) occurred_ms: i64,
    pub(crate) place: Place,
}

/// Where an occurrence's three parts lie in the text of its request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    start: u32,
    id_end: u32,
    identity_end: u32,
    end: u32,
}

/// Id, identifiers and properties of an occurrence: the id as it is, the other two as parts of JSON that are only ever
/// copied. All occurrences of one request share one text.
#[derive(Debug)]
pub(crate) struct Text {
    all: Arc<str>,
    place: Place,
}

/// Writes the texts of one request, part by part.
#[derive(Debug, Default)]
pub(crate) struct TextWriter {
    out: Vec<u8>,
    place: Option<Place>,
    properties: usize,
}

impl TextWriter {
    /// Begins an occurrence with its id and what was sent to say whom it happened to.
    pub(crate) fn begin(&mut self, id: &str, email: Option<&str>, object_id: Option<&str>, utk: Option<&str>) {
        let out = &mut self.out;
        let start = len(out);
        out.extend_from_slice(id.as_bytes());
        let id_end = len(out);
        for (at, (key, value)) in [("email", email), ("objectId", object_id), ("utk", utk)].into_iter().enumerate() {
            crate::answers::comma(out, at);
            write_str(out, key);
            out.push(b':');
            match value {
                Some(value) => write_str(out, value),
                None => out.extend_from_slice(b"null"),
            }
        }
        let identity_end = len(out);
        out.push(b'{');
        self.place = Some(Place { start, id_end, identity_end, end: identity_end });
        self.properties = 0;
    }

    pub(crate) fn property(&mut self, name: &str, value: &str) {
        crate::answers::comma(&mut self.out, self.properties);
        self.properties += 1;
        write_str(&mut self.out, name);
        self.out.push(b':');
        write_str(&mut self.out, value);
    }

    /// Ends the occurrence that was begun last.
    pub(crate) fn end(&mut self) -> Place {
        self.out.push(b'}');
        let place = self.place.take().expect("an occurrence was begun");
        Place { end: len(&self.out), ..place }
    }

    pub(crate) fn finish(self) -> Arc<str> {
        String::from_utf8(self.out).expect("it was made of strings").into()
    }
}

fn len(out: &[u8]) -> u32 {
    u32::try_from(out.len()).expect("a request body is shorter than 4 GiB")
}

/// The id of an occurrence in the text of its request.
pub(crate) fn id_in(all: &str, place: Place) -> &str {
    &all[place.start as usize..place.id_end as usize]
}

impl Text {
    /// Bytes of all three parts.
    pub(crate) fn len(&self) -> usize {
        (self.place.end - self.place.start) as usize
    }

    pub(crate) fn id(&self) -> &str {
        id_in(&self.all, self.place)
    }

    /// `"email":…,"objectId":…,"utk":…`, each as it was sent or null.
    pub(crate) fn identity(&self) -> &str {
        &self.all[self.place.id_end as usize..self.place.identity_end as usize]
    }

    /// A JSON object of strings.
    pub(crate) fn properties(&self) -> &str {
        &self.all[self.place.identity_end as usize..self.place.end as usize]
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

/// Eight bytes at a time: a million ids are hashed in a moment, and what clashes is told apart by the ids themselves.
fn hash(definition: usize, id: &str) -> u64 {
    let mut hash = definition as u64 ^ id.len() as u64;
    for part in id.as_bytes().chunks(8) {
        let mut word = [0; 8];
        word[..part.len()].copy_from_slice(part);
        hash = (hash ^ u64::from_le_bytes(word)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        hash ^= hash >> 32;
    }
    hash.wrapping_mul(0xD6E8_FEB8_6659_FD93)
}

impl Occurrences {
    /// In the order they were received.
    pub(crate) fn all(&self) -> &[Occurrence] {
        &self.all
    }

    /// Positions of the occurrences of an event with an id.
    pub(crate) fn of_id<'a>(&'a self, definition: usize, id: &'a str) -> impl Iterator<Item = usize> + 'a {
        let mut key = hash(definition, id);
        let taken = std::iter::from_fn(move || {
            let at = *self.index.get(&key)?;
            key = key.wrapping_add(1);
            Some(at as usize)
        });
        taken.filter(move |at| {
            let one = &self.all[*at];
            one.definition() == definition && one.text.id() == id
        })
    }

    /// Whether an event with this id was received within the last year.
    pub(crate) fn knows(&self, definition: usize, id: &str, now_ms: i64) -> bool {
        self.of_id(definition, id).any(|at| self.all[at].received_ms + REMEMBERED_MS > now_ms)
    }

    /// `all` is the text of the request that the draft came with.
    pub(crate) fn store(
        &mut self,
        draft: &Draft,
        all: &Arc<str>,
        record: Option<u64>,
        id_was_sent: bool,
        now_ms: i64,
        readable_ms: i64,
    ) {
        let at = u32::try_from(self.all.len()).expect("fewer than four thousand million occurrences fit in memory");
        let text = Text { all: Arc::clone(all), place: draft.place };
        let mut key = hash(draft.definition, text.id());
        while self.index.contains_key(&key) {
            key = key.wrapping_add(1);
        }
        self.index.insert(key, at);
        self.unmatched += u64::from(record.is_none());
        self.all.push(Occurrence {
            text,
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
    use std::sync::Arc;

    use super::{Draft, Occurrences, REMEMBERED_MS, Text, TextWriter};

    fn draft(definition: usize, id: &str) -> (Draft, Arc<str>) {
        let mut text = TextWriter::default();
        text.begin("another", None, Some("7"), None);
        text.end();
        text.begin(id, Some("a\"@example.com"), None, None);
        text.property("city", "Köln");
        text.property("zip", "");
        let place = text.end();
        (Draft { definition, occurred_ms: 0, place }, text.finish())
    }

    #[test]
    fn a_text_gives_back_its_three_parts() {
        let (draft, all) = draft(0, "é-1");
        let text = Text { all, place: draft.place };
        assert_eq!(text.id(), "é-1");
        assert_eq!(text.identity(), r#""email":"a\"@example.com","objectId":null,"utk":null"#);
        assert_eq!(text.properties(), r#"{"city":"Köln","zip":""}"#);
        assert_eq!(text.len(), text.id().len() + text.identity().len() + text.properties().len());
    }

    #[test]
    fn an_id_is_known_for_a_year_and_within_its_event_only() {
        let mut all = Occurrences::default();
        let (x, text) = draft(0, "x");
        all.store(&x, &text, Some(1), true, 0, 0);
        assert!(all.knows(0, "x", REMEMBERED_MS - 1));
        assert!(!all.knows(0, "x", REMEMBERED_MS));
        assert!(!all.knows(1, "x", 0));
        assert!(!all.knows(0, "y", 0));
        all.store(&x, &text, None, true, 5, 5);
        assert_eq!(all.of_id(0, "x").collect::<Vec<_>>(), [0, 1]);
        assert_eq!(all.unmatched, 1);
    }
}
