//! How changes are laid out in a frame of the log.
//!
//! One tag byte, then the fields; a text is its length in 4 bytes and its bytes. The whole frame is checked before it is
//! decoded, so a record that does not decode is a fault of the program that wrote it, and is reported as damage.

use super::entry::{Change, EntryHead, Intent, Intents, PayloadRef, encode_parts, encode_payload};
use super::intents::{Group, GroupRow};
use crate::StoreError;

const CONFIRMED: u8 = 1;
const REFINGERPRINT: u8 = 2;
const REMOVED: u8 = 3;
const INTENT: u8 = 4;
const INTENT_CLEARED: u8 = 5;
const ASSOCIATED: u8 = 6;
const GROUP: u8 = 7;
const CONFIRMED_GROUP: u8 = 8;

/// Bytes of a group's row without its payload.
const GROUP_ROW_MIN: usize = 28;
/// Longest key text or match value of an intent, in bytes.
const MAX_TEXT: usize = (1 << 24) - 1;

/// A decoded change; a payload is named by its place in the frame's body.
pub(super) enum Record {
    Confirmed { head: EntryHead, payload_at: usize, payload_len: usize },
    Refingerprint { key: u128, fingerprint: u64, mapped: u64 },
    Associated { key: u128, fingerprint: u64, associated: u64 },
    Removed { key: u128 },
    Intent(Intent),
    Group(Group),
    ConfirmedGroup { first: u128 },
    IntentCleared { key: u128 },
}

pub(super) fn encode(change: &Change, out: &mut Vec<u8>) -> Result<(), StoreError> {
    match change {
        Change::Confirmed(entry) => {
            out.push(CONFIRMED);
            out.extend_from_slice(&entry.key.to_le_bytes());
            for number in [entry.fingerprint, entry.mapped, entry.match_hash, entry.record_id, entry.associated] {
                out.extend_from_slice(&number.to_le_bytes());
            }
            let length_at = out.len();
            out.extend_from_slice(&[0; 4]);
            let len = encode_payload(&entry.payload, out)?;
            out[length_at..length_at + 4].copy_from_slice(&(len as u32).to_le_bytes());
        }
        Change::Refingerprint { key, fingerprint, mapped } => {
            out.push(REFINGERPRINT);
            out.extend_from_slice(&key.to_le_bytes());
            out.extend_from_slice(&fingerprint.to_le_bytes());
            out.extend_from_slice(&mapped.to_le_bytes());
        }
        Change::Associated { key, fingerprint, associated } => {
            out.push(ASSOCIATED);
            out.extend_from_slice(&key.to_le_bytes());
            out.extend_from_slice(&fingerprint.to_le_bytes());
            out.extend_from_slice(&associated.to_le_bytes());
        }
        Change::Removed { key } => {
            out.push(REMOVED);
            out.extend_from_slice(&key.to_le_bytes());
        }
        Change::Intent(intent) => encode_intent(intent, out)?,
        Change::Intents(intents) => encode_group(intents, out)?,
        Change::ConfirmedGroup { first } => {
            out.push(CONFIRMED_GROUP);
            out.extend_from_slice(&first.to_le_bytes());
        }
        Change::IntentCleared { key } => {
            out.push(INTENT_CLEARED);
            out.extend_from_slice(&key.to_le_bytes());
        }
    }
    Ok(())
}

fn encode_intent(intent: &Intent, out: &mut Vec<u8>) -> Result<(), StoreError> {
    let matched = intent.match_value.as_deref();
    if intent.key_text.len() > MAX_TEXT || matched.is_some_and(|text| text.len() > MAX_TEXT) {
        return Err(StoreError::TooLarge { what: "a row's key or match value", limit: MAX_TEXT as u64 });
    }
    out.push(INTENT);
    out.extend_from_slice(&intent.key.to_le_bytes());
    out.extend_from_slice(&intent.at_ms.to_le_bytes());
    out.push(intent.note);
    out.extend_from_slice(&(intent.key_text.len() as u32).to_le_bytes());
    out.extend_from_slice(intent.key_text.as_bytes());
    out.push(u8::from(matched.is_some()));
    out.extend_from_slice(&(matched.map_or(0, str::len) as u32).to_le_bytes());
    out.extend_from_slice(matched.unwrap_or_default().as_bytes());
    Ok(())
}

fn encode_group(intents: &Intents, out: &mut Vec<u8>) -> Result<(), StoreError> {
    let Intents { rows, key_texts, at_ms, note } = intents;
    let Some((first, _)) = rows.first() else { return Ok(()) };
    out.push(GROUP);
    out.extend_from_slice(&first.to_le_bytes());
    out.extend_from_slice(&at_ms.to_le_bytes());
    out.push(*note);
    out.extend_from_slice(&(rows.len() as u32).to_le_bytes());
    for (position, (key, fingerprint)) in rows.iter().enumerate() {
        out.extend_from_slice(&key.to_le_bytes());
        out.extend_from_slice(&fingerprint.to_le_bytes());
        let length_at = out.len();
        out.extend_from_slice(&[0; 4]);
        let len = encode_parts(key_texts.get(position).unwrap_or_default(), None, &[], out)?;
        out[length_at..length_at + 4].copy_from_slice(&(len as u32).to_le_bytes());
    }
    Ok(())
}

/// Reads records one after the other out of a frame's body.
pub(super) struct Records<'a> {
    body: &'a [u8],
    /// Where the body lies in the log.
    body_at: u64,
    at: usize,
}

impl<'a> Records<'a> {
    pub(super) fn new(body_at: u64, body: &'a [u8]) -> Self {
        Self { body, body_at, at: 0 }
    }

    /// The next record; `Ok(None)` at the end, `Err(())` where the bytes are no record.
    pub(super) fn next(&mut self) -> Result<Option<Record>, NoRecord> {
        if self.at == self.body.len() {
            return Ok(None);
        }
        self.record().map(Some).ok_or(NoRecord)
    }

    fn record(&mut self) -> Option<Record> {
        let [tag] = self.array()?;
        let key = u128::from_le_bytes(self.array()?);
        Some(match tag {
            CONFIRMED => {
                let head = EntryHead {
                    key,
                    fingerprint: self.word()?,
                    mapped: self.word()?,
                    match_hash: self.word()?,
                    record_id: self.word()?,
                    associated: self.word()?,
                };
                let payload_len = self.length()?;
                let payload_at = self.at;
                self.take(payload_len)?;
                Record::Confirmed { head, payload_at, payload_len }
            }
            REFINGERPRINT => Record::Refingerprint { key, fingerprint: self.word()?, mapped: self.word()? },
            ASSOCIATED => Record::Associated { key, fingerprint: self.word()?, associated: self.word()? },
            REMOVED => Record::Removed { key },
            INTENT => {
                let at_ms = i64::from_le_bytes(self.array()?);
                let [note] = self.array()?;
                let key_text = self.text()?;
                let [has_match] = self.array()?;
                let matched = self.text()?;
                Record::Intent(Intent { key, key_text, match_value: (has_match == 1).then_some(matched), at_ms, note })
            }
            GROUP => {
                let at_ms = i64::from_le_bytes(self.array()?);
                let [note] = self.array()?;
                let count = self.length()?;
                let mut rows = Vec::with_capacity(count.min(self.body.len() / GROUP_ROW_MIN));
                for _ in 0..count {
                    let key = u128::from_le_bytes(self.array()?);
                    let fingerprint = self.word()?;
                    let len = self.length()?;
                    let payload = PayloadRef::new(self.body_at + self.at as u64, len);
                    self.take(len)?;
                    rows.push(GroupRow { key, fingerprint, payload });
                }
                Record::Group(Group { rows, at_ms, note })
            }
            CONFIRMED_GROUP => Record::ConfirmedGroup { first: key },
            INTENT_CLEARED => Record::IntentCleared { key },
            _ => return None,
        })
    }

    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let bytes = self.body.get(self.at..self.at.checked_add(len)?)?;
        self.at += len;
        Some(bytes)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.first_chunk().copied()
    }

    fn word(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn length(&mut self) -> Option<usize> {
        self.array().map(|bytes| u32::from_le_bytes(bytes) as usize)
    }

    fn text(&mut self) -> Option<String> {
        let len = self.length()?;
        String::from_utf8(self.take(len)?.to_vec()).ok()
    }
}

/// The bytes are no record.
#[derive(Debug)]
pub(super) struct NoRecord;
