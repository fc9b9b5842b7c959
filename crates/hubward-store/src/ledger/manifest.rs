//! `MANIFEST`: which generation of files is valid, and what the caller keeps beside the rows.
//!
//! Replaced whole by a rename, so a reader sees the old or the new one. The body is checked by a hash of its own text.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use xxhash_rust::xxh3::xxh3_64;

use crate::StoreError;
use crate::files::{sync_dir, write_durably};

/// The format that this program writes, of all files of a ledger together.
pub(super) const FORMAT: u32 = 1;
const NAME: &str = "MANIFEST";
const TEMPORARY: &str = "MANIFEST.tmp";

/// What the caller keeps beside the rows, replaced as a whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LedgerMeta {
    /// Hash or text of the mapping that the `mapped` hashes were made with.
    pub mapping_signature: String,
    /// Names of the properties that the bits of [`Payload::written`](super::Payload::written) stand for.
    pub properties: Vec<String>,
    pub object_type: String,
    /// The account that the rows were written to, 0 before the first run.
    pub portal_id: u64,
    /// Version of the caller's hashing.
    pub hash_version: u32,
    /// Whatever else the caller keeps.
    #[serde(default)]
    pub extra: serde_json::Map<String, serde_json::Value>,
}

/// The body of the file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// Number of the valid base and log. The base of generation 0 is empty and has no file.
    pub(super) generation: u64,
    /// Number of the payload heap's file.
    pub(super) heap: u64,
    /// Bytes of the heap that belong to this generation; what lies behind them was left by a compaction that was cut off.
    pub(super) heap_len: u64,
    /// Bytes of the heap that entries still refer to.
    pub(super) heap_live: u64,
    pub(super) meta: LedgerMeta,
}

#[derive(Serialize, Deserialize)]
struct Envelope<'a> {
    format: u32,
    check: String,
    #[serde(borrow)]
    body: &'a RawValue,
}

#[derive(Deserialize)]
struct FormatOnly {
    format: u32,
}

pub(super) fn path(dir: &Path) -> PathBuf {
    dir.join(NAME)
}

/// Where a manifest lies that does not count yet.
pub(super) fn temporary(dir: &Path) -> PathBuf {
    dir.join(TEMPORARY)
}

/// Reads the manifest; `None` where there is none.
pub(super) fn read(dir: &Path) -> Result<Option<Manifest>, StoreError> {
    let path = path(dir);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) if e.kind() == std::io::ErrorKind::InvalidData => {
            return Err(StoreError::corrupt(&path, "it is not text"));
        }
        Err(e) => return Err(StoreError::io("reading", &path, e)),
    };
    let format: FormatOnly =
        serde_json::from_str(&text).map_err(|e| StoreError::corrupt(&path, format!("not a manifest: {e}")))?;
    if format.format > FORMAT {
        return Err(StoreError::NewerFormat { path, found: format.format, known: FORMAT });
    }
    let envelope: Envelope<'_> =
        serde_json::from_str(&text).map_err(|e| StoreError::corrupt(&path, format!("not a manifest: {e}")))?;
    if envelope.check != check_of(envelope.body) {
        return Err(StoreError::corrupt(&path, "it does not match its checksum"));
    }
    let manifest = serde_json::from_str(envelope.body.get())
        .map_err(|e| StoreError::corrupt(&path, format!("not a manifest: {e}")))?;
    Ok(Some(manifest))
}

/// First half of replacing the manifest: the new one lies durably beside the old one.
pub(super) fn prepare(dir: &Path, manifest: &Manifest) -> Result<(), StoreError> {
    let encoded = serde_json::value::to_raw_value(manifest)
        .and_then(|body| serde_json::to_string(&Envelope { format: FORMAT, check: check_of(&body), body: &body }));
    let text = encoded.map_err(|e| StoreError::io("encoding", &path(dir), e.into()))?;
    write_durably(&temporary(dir), text.as_bytes())
}

/// Second half: the rename, which is the moment from which the new manifest counts.
pub(super) fn publish(dir: &Path) -> Result<(), StoreError> {
    let target = path(dir);
    fs::rename(temporary(dir), &target).map_err(|e| StoreError::io("replacing", &target, e))
}

/// Third part: the rename survives a power cut.
pub(super) fn seal(dir: &Path) -> Result<(), StoreError> {
    sync_dir(dir)
}

fn check_of(body: &RawValue) -> String {
    format!("{:016x}", xxh3_64(body.get().as_bytes()))
}
