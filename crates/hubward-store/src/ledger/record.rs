//! How changes are laid out in a frame of the log.
//!
//! One tag byte, then the fields; a text is its length in 4 bytes and its bytes. The whole frame is checked before it is
//! decoded, so a record that does not decode is a fault of the program that wrote it, and is reported as damage.

use super::entry::{Change, EntryHead, Intent, Intents, encode_parts, encode_payload};
use crate::StoreError;

const CONFIRMED: u8 = 1;
const REFINGERPRINT: u8 = 2;
const REMOVED: u8 = 3;
const INTENT: u8 = 4;
const INTENT_CLEARED: u8 = 5;
const ASSOCIATED: u8 = 6;
const KEPT_INTENT: u8 = 7;
const CONFIRMED_INTENT: u8 = 8;

/// Longest key text or match value of an intent, in bytes.
const MAX_TEXT: usize = (1 << 24) - 1;

/// A decoded change; a payload is named by its place in the frame's body.
pub(super) enum Record {
    Confirmed {
        head: EntryHead,
        payload_at: usize,
        payload_len: usize,
    },
    Refingerprint {
        key: u128,
        fingerprint: u64,
        mapped: u64,
    },
    Associated {
        key: u128,
        fingerprint: u64,
        associated: u64,
    },
    Removed {
        key: u128,
    },
    Intent(Intent),
    /// An intent with the payload that its entry will have.
    KeptIntent {
        key: u128,
        at_ms: i64,
        note: u8,
        payload_at: usize,
        payload_len: usize,
    },
    ConfirmedIntent {
        key: u128,
        fingerprint: u64,
    },
    IntentCleared {
        key: u128,
    },
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
        Change::Intents(Intents { rows, key_texts, at_ms, note }) => {
            for ((key, _), key_text) in rows.iter().zip(key_texts.iter()) {
                let length_at = begin_kept_intent(*key, *at_ms, *note, out);
                let len = encode_parts(key_text, None, &[], out)?;
                out[length_at..length_at + 4].copy_from_slice(&(len as u32).to_le_bytes());
            }
        }
        Change::ConfirmedIntents(rows) => {
            for (key, fingerprint) in rows.iter() {
                out.push(CONFIRMED_INTENT);
                out.extend_from_slice(&key.to_le_bytes());
                out.extend_from_slice(&fingerprint.to_le_bytes());
            }
        }
        Change::IntentCleared { key } => {
            out.push(INTENT_CLEARED);
            out.extend_from_slice(&key.to_le_bytes());
        }
    }
    Ok(())
}

pub(super) fn encode_intent(intent: &Intent, out: &mut Vec<u8>) -> Result<(), StoreError> {
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

/// Begins an intent with a payload; tells where the payload's length is to stand, behind which the payload follows.
fn begin_kept_intent(key: u128, at_ms: i64, note: u8, out: &mut Vec<u8>) -> usize {
    out.push(KEPT_INTENT);
    out.extend_from_slice(&key.to_le_bytes());
    out.extend_from_slice(&at_ms.to_le_bytes());
    out.push(note);
    out.extend_from_slice(&[0; 4]);
    out.len() - 4
}

/// An intent whose payload is encoded already; tells where the payload begins.
pub(super) fn encode_kept_intent(key: u128, at_ms: i64, note: u8, payload: &[u8], out: &mut Vec<u8>) -> usize {
    let length_at = begin_kept_intent(key, at_ms, note, out);
    out[length_at..].copy_from_slice(&(payload.len() as u32).to_le_bytes());
    let payload_at = out.len();
    out.extend_from_slice(payload);
    payload_at
}

/// Reads records one after the other out of a frame's body.
pub(super) struct Records<'a> {
    body: &'a [u8],
    at: usize,
}

impl<'a> Records<'a> {
    pub(super) fn new(body: &'a [u8]) -> Self {
        Self { body, at: 0 }
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
            KEPT_INTENT => {
                let at_ms = i64::from_le_bytes(self.array()?);
                let [note] = self.array()?;
                let payload_len = self.length()?;
                let payload_at = self.at;
                self.take(payload_len)?;
                Record::KeptIntent { key, at_ms, note, payload_at, payload_len }
            }
            CONFIRMED_INTENT => Record::ConfirmedIntent { key, fingerprint: self.word()? },
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
