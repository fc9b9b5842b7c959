//! How an event stands in a message: one line of JSON with what the spool knows of it, then the event itself.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::spool::{NewEvent, Stored};

#[derive(Deserialize, Serialize)]
struct Head<'a> {
    id: &'a str,
    source: &'a str,
    order_key: &'a str,
    received_at_ms: i64,
}

pub(super) fn pack(event: &NewEvent) -> Bytes {
    let head = Head {
        id: &event.message_id,
        source: &event.source,
        order_key: &event.order_key,
        received_at_ms: event.received_at_ms,
    };
    // A head of texts and a number always becomes JSON, in which a line break is escaped.
    let mut bytes = serde_json::to_vec(&head).unwrap_or_default();
    bytes.push(b'\n');
    bytes.extend_from_slice(&event.payload);
    Bytes::from(bytes)
}

/// None where the message was not made by [`pack`].
pub(super) fn unpack(bytes: &Bytes, seq: u64, deliveries: u32) -> Option<Stored> {
    #[derive(Deserialize)]
    struct Owned {
        id: String,
        source: String,
        order_key: String,
        received_at_ms: i64,
    }
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let head: Owned = serde_json::from_slice(&bytes[..end]).ok()?;
    Some(Stored {
        seq,
        message_id: head.id,
        source: head.source,
        order_key: head.order_key,
        received_at_ms: head.received_at_ms,
        payload: bytes.slice(end + 1..),
        deliveries,
    })
}

/// The id by which the server knows duplicates.
pub(super) fn duplicate_id(event: &NewEvent) -> String {
    let mut hasher = Xxh3::new();
    hasher.update(&(event.source.len() as u64).to_le_bytes());
    hasher.update(event.source.as_bytes());
    hasher.update(event.message_id.as_bytes());
    format!("{:032x}", hasher.digest128())
}

/// The partition of an order key, below `partitions`. Events of one key are always in one partition.
pub(super) fn partition(order_key: &str, partitions: u32) -> u32 {
    (xxh3_64(order_key.as_bytes()) % u64::from(partitions)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_comes_out_as_it_went_in() {
        let event = NewEvent {
            message_id: "a\n\"b".to_owned(),
            source: "web".to_owned(),
            order_key: "ü\u{0}".to_owned(),
            received_at_ms: -5,
            payload: Bytes::from_static(b"{\n}\n"),
        };
        let stored = unpack(&pack(&event), 7, 2).unwrap();
        assert_eq!(
            (stored.seq, stored.message_id, stored.source, stored.order_key, stored.received_at_ms, stored.payload),
            (7, event.message_id, event.source, event.order_key, event.received_at_ms, event.payload)
        );
        assert!(unpack(&Bytes::from_static(b"{}"), 1, 1).is_none());
    }
}
