//! Intents without an outcome, as memory holds them.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use hubward_core::RowKeys;

use super::entry::{Change, Entry, Intent, Intents, Payload, PayloadRef, decode_payload};
use super::log::Log;
use super::record::{self, Record, Records};
use crate::StoreError;

/// Keys are hashes already; the mixing only guards against callers whose keys are small or regular numbers.
#[derive(Default)]
pub(super) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u128(u128::from(*byte) ^ u128::from(self.0));
        }
    }

    fn write_u128(&mut self, key: u128) {
        let low = (key as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mixed = (low ^ (low >> 32) ^ (key >> 64) as u64).wrapping_mul(0xD6E8_FEB8_6659_FD93);
        self.0 = mixed ^ (mixed >> 32);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// By row key.
type ByKey<T> = HashMap<u128, T, BuildHasherDefault<KeyHasher>>;

/// The intent of one row.
#[derive(Clone, Debug)]
enum Single {
    Held(Box<Intent>),
    /// It came with a group: its text lies in the log.
    InLog {
        payload: PayloadRef,
        at_ms: i64,
        note: u8,
    },
}

impl Single {
    fn at_ms(&self) -> i64 {
        match self {
            Self::Held(intent) => intent.at_ms,
            Self::InLog { at_ms, .. } => *at_ms,
        }
    }
}

/// Rows that were about to be sent together.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) rows: Vec<GroupRow>,
    pub(super) at_ms: i64,
    pub(super) note: u8,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct GroupRow {
    pub(super) key: u128,
    pub(super) fingerprint: u64,
    pub(super) payload: PayloadRef,
}

impl Group {
    fn begins_with(&self, key: u128) -> bool {
        self.rows.first().is_some_and(|row| row.key == key)
    }

    fn has(&self, key: u128) -> bool {
        self.rows.iter().any(|row| row.key == key)
    }
}

/// A group as a frame finds it when its turn comes.
enum Standing<'a> {
    Before(&'a Group),
    InFrame(&'a Intents),
}

impl Standing<'_> {
    fn begins_with(&self, key: u128) -> bool {
        match self {
            Self::Before(group) => group.begins_with(key),
            Self::InFrame(group) => group.rows.first().is_some_and(|row| row.0 == key),
        }
    }

    fn has(&self, key: u128) -> bool {
        match self {
            Self::Before(group) => group.has(key),
            Self::InFrame(group) => group.rows.iter().any(|row| row.0 == key),
        }
    }
}

/// All of them. Groups are few and are kept apart: most end as they began, with one word for all their rows.
#[derive(Clone, Debug, Default)]
pub(super) struct OpenIntents {
    singles: ByKey<Single>,
    groups: Vec<Group>,
}

impl OpenIntents {
    fn is_empty(&self) -> bool {
        self.singles.is_empty() && self.groups.is_empty()
    }

    pub(super) fn insert(&mut self, intent: Intent) {
        self.end(intent.key);
        self.singles.insert(intent.key, Single::Held(Box::new(intent)));
    }

    pub(super) fn insert_group(&mut self, group: Group) {
        self.groups.push(group);
    }

    /// Ends every intent of this row; the other rows of its group go on alone.
    pub(super) fn end(&mut self, key: u128) {
        if self.groups.iter().any(|group| group.has(key)) {
            let all = std::mem::take(&mut self.groups);
            let (broken, whole): (Vec<_>, Vec<_>) = all.into_iter().partition(|group| group.has(key));
            self.groups = whole;
            broken.iter().for_each(|group| self.take_apart(group));
        }
        self.singles.remove(&key);
    }

    fn take_apart(&mut self, group: &Group) {
        let Group { at_ms, note, .. } = *group;
        for &GroupRow { key, payload, .. } in &group.rows {
            // Of several intents of a row the latest is told.
            if self.singles.get(&key).is_none_or(|known| known.at_ms() <= at_ms) {
                self.singles.insert(key, Single::InLog { payload, at_ms, note });
            }
        }
    }

    /// Ends the latest group that begins with this key, if there is one, and gives it back.
    pub(super) fn end_group(&mut self, first: u128) -> Option<Group> {
        let at = self.groups.iter().rposition(|group| group.begins_with(first))?;
        Some(self.groups.remove(at))
    }

    /// The first key of a group that a frame confirms and that does not stand when its turn comes.
    pub(super) fn missing(&self, changes: &[Change]) -> Option<u128> {
        if !changes.iter().any(|change| matches!(change, Change::ConfirmedGroup { .. })) {
            return None;
        }
        let mut groups: Vec<Standing<'_>> = self.groups.iter().map(Standing::Before).collect();
        for change in changes {
            match change {
                Change::ConfirmedGroup { first } => match groups.iter().rposition(|group| group.begins_with(*first)) {
                    Some(at) => drop(groups.remove(at)),
                    None => return Some(*first),
                },
                Change::Intents(intents) => groups.push(Standing::InFrame(intents)),
                Change::Confirmed(Entry { key, .. })
                | Change::Intent(Intent { key, .. })
                | Change::IntentCleared { key } => groups.retain(|group| !group.has(*key)),
                Change::Refingerprint { .. } | Change::Associated { .. } | Change::Removed { .. } => {}
            }
        }
        None
    }

    /// One intent for each row that has any, by ascending time; `log` is the one they lie in.
    pub(super) fn all(&self, log: &Log) -> Result<Vec<Intent>, StoreError> {
        let mut open = self.clone();
        std::mem::take(&mut open.groups).iter().for_each(|group| open.take_apart(group));
        let mut intents = Vec::with_capacity(open.singles.len());
        for (key, single) in open.singles {
            intents.push(match single {
                Single::Held(intent) => *intent,
                Single::InLog { payload, at_ms, note } => {
                    let Payload { key_text, match_value, .. } = read(log, payload)?;
                    Intent { key, key_text, match_value, at_ms, note }
                }
            });
        }
        intents.sort_unstable_by_key(|intent| (intent.at_ms, intent.key));
        Ok(intents)
    }

    /// Writes them at the beginning of the next generation's log; `old` is the one they lie in so far.
    pub(super) fn moved(&self, old: &Log, new: &mut Log) -> Result<Self, StoreError> {
        let mut moved = Self::default();
        if self.is_empty() {
            return Ok(moved);
        }
        let mut frame = Log::start_frame();
        let singles = Self { singles: self.singles.clone(), groups: Vec::new() };
        for intent in singles.all(old)? {
            record::encode(&Change::Intent(intent), &mut frame)?;
        }
        for group in &self.groups {
            let mut key_texts = RowKeys::default();
            for row in &group.rows {
                key_texts.push(&read(old, row.payload)?.key_text);
            }
            let rows = group.rows.iter().map(|row| (row.key, row.fingerprint)).collect();
            let intents = Intents { rows, key_texts, at_ms: group.at_ms, note: group.note };
            record::encode(&Change::Intents(intents), &mut frame)?;
        }
        let body_at = new.append(&mut frame, || Ok(()))?;
        let mut records = Records::new(body_at, Log::body_of(&frame));
        while let Ok(Some(record)) = records.next() {
            match record {
                Record::Intent(intent) => moved.insert(intent),
                Record::Group(group) => moved.insert_group(group),
                _ => {}
            }
        }
        Ok(moved)
    }
}

fn read(log: &Log, payload: PayloadRef) -> Result<Payload, StoreError> {
    decode_payload(&log.read(payload.offset(), payload.len())?, log.path())
}
