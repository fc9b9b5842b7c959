//! The words of the ledger, and how a payload is laid out in bytes.

use std::path::Path;
use std::sync::Arc;

use hubward_core::RowKeys;
use xxhash_rust::xxh3::xxh3_64;

use crate::StoreError;

/// What HubSpot confirmed for one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Hash of the row's primary key.
    pub key: u128,
    /// Hash of the row's source columns.
    pub fingerprint: u64,
    /// Hash of the row's mapped values.
    pub mapped: u64,
    /// Hash of the match value, 0 where the sync has none.
    pub match_hash: u64,
    /// The record's id in HubSpot, 0 where it is unknown.
    pub record_id: u64,
    /// Hash of the associations that HubSpot confirmed for the record, 0 where there are none.
    pub associated: u64,
    pub payload: Payload,
}

/// The part of an entry that only removals and messages to people need; it stays on the disk until asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Payload {
    /// The row's primary key as shown to people.
    pub key_text: String,
    /// The value that the row's record was found by or created with.
    pub match_value: Option<String>,
    /// Which of the properties in the ledger's [`LedgerMeta::properties`](super::LedgerMeta) were written: bit `i` of byte
    /// `i / 8`.
    pub written: Vec<u8>,
}

/// An entry without its payload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EntryHead {
    pub key: u128,
    pub fingerprint: u64,
    pub mapped: u64,
    pub match_hash: u64,
    pub record_id: u64,
    pub associated: u64,
}

impl EntryHead {
    #[must_use]
    pub fn with(self, payload: Payload) -> Entry {
        Entry {
            key: self.key,
            fingerprint: self.fingerprint,
            mapped: self.mapped,
            match_hash: self.match_hash,
            record_id: self.record_id,
            associated: self.associated,
            payload,
        }
    }
}

impl Entry {
    #[must_use]
    pub fn head(&self) -> EntryHead {
        EntryHead {
            key: self.key,
            fingerprint: self.fingerprint,
            mapped: self.mapped,
            match_hash: self.match_hash,
            record_id: self.record_id,
            associated: self.associated,
        }
    }
}

/// One thing to remember.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// HubSpot confirmed the write of this row. Replaces the entry of the same key and ends its intent.
    Confirmed(Entry),
    /// The source columns of a known row changed, what is mapped from them did not need sending.
    Refingerprint { key: u128, fingerprint: u64, mapped: u64 },
    /// HubSpot confirmed the associations of a known row, or they are still open and `fingerprint` makes the next scan look
    /// at the row again.
    Associated { key: u128, fingerprint: u64, associated: u64 },
    /// The row left the model and its removal was carried out. No error where the key is unknown. Leaves intents alone.
    Removed { key: u128 },
    /// A request that must not be repeated blindly is about to be sent for this row. Replaces an intent of the same key.
    Intent(Intent),
    /// As [`Change::Intent`] for rows that go together. They are a group until one of them is confirmed, cleared or sent by
    /// itself. An intent that one of them has already stands beside the new one.
    Intents(Intents),
    /// HubSpot confirmed all rows of a group, the latest that begins with this key. The entry of each has the fingerprint and
    /// the key text of its intent, which ends, and nothing else.
    ConfirmedGroup { first: u128 },
    /// The intent of this key has its outcome without a confirmation (refused, or proven not to have happened).
    IntentCleared { key: u128 },
}

/// Rows that are about to be sent together. Their texts are written once, and stay on the disk until asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intents {
    /// Key and fingerprint of each row.
    pub rows: Arc<[(u128, u64)]>,
    /// Their primary keys as shown to people, in the same order.
    pub key_texts: RowKeys,
    /// As [`Intent::at_ms`].
    pub at_ms: i64,
    /// As [`Intent::note`].
    pub note: u8,
}

/// A request that was about to be sent and whose outcome is not recorded yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    pub key: u128,
    /// The row's primary key as shown to people.
    pub key_text: String,
    pub match_value: Option<String>,
    /// When it was about to be sent, milliseconds since 1970 in UTC.
    pub at_ms: i64,
    /// The caller's own mark, such as the kind of request.
    pub note: u8,
}

/// What the ledger knows of a row that the source has just delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Probe {
    /// Not in the ledger.
    Added,
    /// In the ledger with the same fingerprint.
    Unchanged,
    /// In the ledger with another fingerprint.
    Changed,
    /// In the ledger, and this scan has met the key already: the model delivers it twice.
    SeenAgain,
}

/// Where a payload lies: 40 bits of offset and 24 bits of length in one word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PayloadRef(u64);

/// Largest encoded payload, in bytes.
pub(super) const MAX_PAYLOAD: usize = (1 << 24) - 1;
/// Largest file that payloads can lie in, in bytes.
pub(super) const MAX_HEAP: u64 = 1 << 40;

impl PayloadRef {
    pub(super) fn new(offset: u64, len: usize) -> Self {
        debug_assert!(offset < MAX_HEAP && len <= MAX_PAYLOAD);
        Self(offset << 24 | len as u64)
    }

    pub(super) fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    pub(super) fn bits(self) -> u64 {
        self.0
    }

    pub(super) fn offset(self) -> u64 {
        self.0 >> 24
    }

    pub(super) fn len(self) -> usize {
        (self.0 & MAX_PAYLOAD as u64) as usize
    }
}

/// Appends the encoding: check (4 bytes), length of the key text (4), whether there is a match value (1) and its length (4),
/// then key text, match value and bitmap. The check makes every payload provable by itself, wherever it was copied to.
pub(super) fn encode_payload(payload: &Payload, out: &mut Vec<u8>) -> Result<usize, StoreError> {
    encode_parts(&payload.key_text, payload.match_value.as_deref(), &payload.written, out)
}

/// The payload of these parts.
pub(super) fn encode_parts(
    key_text: &str,
    matched: Option<&str>,
    written: &[u8],
    out: &mut Vec<u8>,
) -> Result<usize, StoreError> {
    let start = out.len();
    let size = 13 + key_text.len() + matched.map_or(0, str::len) + written.len();
    if size > MAX_PAYLOAD {
        return Err(StoreError::TooLarge { what: "a row's key with its match value", limit: MAX_PAYLOAD as u64 });
    }
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&(key_text.len() as u32).to_le_bytes());
    out.push(u8::from(matched.is_some()));
    out.extend_from_slice(&(matched.map_or(0, str::len) as u32).to_le_bytes());
    out.extend_from_slice(key_text.as_bytes());
    out.extend_from_slice(matched.unwrap_or_default().as_bytes());
    out.extend_from_slice(written);
    let check = check_of(&out[start + 4..]);
    out[start..start + 4].copy_from_slice(&check.to_le_bytes());
    Ok(size)
}

/// Reads what [`encode_payload`] wrote; `path` is for the message.
pub(super) fn decode_payload(bytes: &[u8], path: &Path) -> Result<Payload, StoreError> {
    parse_payload(bytes).ok_or_else(|| StoreError::corrupt(path, "the payload of a row does not match its checksum"))
}

fn parse_payload(bytes: &[u8]) -> Option<Payload> {
    let (check, rest) = bytes.split_first_chunk::<4>()?;
    if u32::from_le_bytes(*check) != check_of(rest) {
        return None;
    }
    let (key_len, rest) = rest.split_first_chunk::<4>()?;
    let (&has_match, rest) = rest.split_first()?;
    let (match_len, rest) = rest.split_first_chunk::<4>()?;
    let (key_text, rest) = rest.split_at_checked(u32::from_le_bytes(*key_len) as usize)?;
    let (matched, written) = rest.split_at_checked(u32::from_le_bytes(*match_len) as usize)?;
    let matched = String::from_utf8(matched.to_vec()).ok()?;
    Some(Payload {
        key_text: String::from_utf8(key_text.to_vec()).ok()?,
        match_value: (has_match == 1).then_some(matched),
        written: written.to_vec(),
    })
}

fn check_of(bytes: &[u8]) -> u32 {
    xxh3_64(bytes) as u32
}
