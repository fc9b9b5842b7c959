//! How events stand in a segment: frames with a checksum, each a group of events that one sync made durable together.
//!
//! ```text
//! file   magic (8), format (4), 0 (4), first seq (8), check of these (8), then frames
//! frame  check (8), magic (4), length of the body (4), body
//! body   seq of the first event (8), events (4), then for each
//!        received at (8), lengths of message id, source, order key and payload (4 each), these four
//! ```
//!
//! A frame's check is seeded with the segment and the frame's place, so bytes of a reused disk block never pass for a frame.

use std::path::Path;

use bytes::Bytes;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::StoreError;
use crate::spool::NewEvent;

const MAGIC: [u8; 8] = *b"HUBWSPL\0";
const FORMAT: u32 = 1;
pub(super) const HEADER: usize = 32;
const FRAME_MAGIC: [u8; 4] = *b"hwsf";
pub(super) const FRAME_HEADER: usize = 16;
const BODY_HEADER: usize = 12;
const EVENT_HEADER: usize = 24;

/// Largest body of one frame, in bytes: what one call may bring, with room for the events' heads.
pub(super) const MAX_BODY: usize = 16 << 20;

/// Bytes that an event takes in a frame.
pub(super) fn event_len(event: &NewEvent) -> usize {
    EVENT_HEADER + event.message_id.len() + event.source.len() + event.order_key.len() + event.payload.len()
}

pub(super) fn header(first_seq: u64) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..8].copy_from_slice(&MAGIC);
    header[8..12].copy_from_slice(&FORMAT.to_le_bytes());
    header[16..24].copy_from_slice(&first_seq.to_le_bytes());
    let check = xxh3_64_with_seed(&header[..24], 0);
    header[24..].copy_from_slice(&check.to_le_bytes());
    header
}

/// Whether the header is whole; a segment whose header is not was never used.
pub(super) fn header_is_whole(bytes: &[u8], first_seq: u64, path: &Path) -> Result<bool, StoreError> {
    let Some(found) = bytes.first_chunk::<HEADER>() else {
        return Ok(false);
    };
    if *found == header(first_seq) {
        return Ok(true);
    }
    let format = u32_at(found, 8);
    let good = xxh3_64_with_seed(&found[..24], 0).to_le_bytes() == found[24..];
    if good && found[..8] == MAGIC && format > FORMAT {
        return Err(StoreError::NewerFormat { path: path.to_owned(), found: format, known: FORMAT });
    }
    Ok(false)
}

/// A frame under construction; its place is known only when it is written.
#[derive(Debug)]
pub(super) struct FrameBuilder {
    bytes: Vec<u8>,
    events: u32,
}

impl FrameBuilder {
    pub(super) fn new() -> Self {
        Self { bytes: vec![0; FRAME_HEADER + BODY_HEADER], events: 0 }
    }

    pub(super) fn clear(&mut self) {
        self.bytes.truncate(FRAME_HEADER + BODY_HEADER);
        self.events = 0;
    }

    pub(super) fn push(&mut self, event: &NewEvent) {
        self.events += 1;
        self.bytes.extend_from_slice(&event.received_at_ms.to_le_bytes());
        let fields = [event.message_id.as_bytes(), event.source.as_bytes(), event.order_key.as_bytes(), &event.payload];
        for field in fields {
            self.bytes.extend_from_slice(&(field.len() as u32).to_le_bytes());
        }
        for field in fields {
            self.bytes.extend_from_slice(field);
        }
    }

    pub(super) fn events(&self) -> u64 {
        u64::from(self.events)
    }

    /// Length of the whole frame, in bytes.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The frame as it stands at `at` of the segment.
    pub(super) fn seal(&mut self, segment: u64, at: u64, first_seq: u64) -> &[u8] {
        let body = self.bytes.len() - FRAME_HEADER;
        self.bytes[8..12].copy_from_slice(&FRAME_MAGIC);
        self.bytes[12..16].copy_from_slice(&(body as u32).to_le_bytes());
        self.bytes[16..24].copy_from_slice(&first_seq.to_le_bytes());
        self.bytes[24..28].copy_from_slice(&self.events.to_le_bytes());
        let check = frame_check(&self.bytes[8..], segment, at);
        self.bytes[..8].copy_from_slice(&check.to_le_bytes());
        &self.bytes
    }
}

fn frame_check(rest: &[u8], segment: u64, at: u64) -> u64 {
    xxh3_64_with_seed(rest, segment.rotate_left(32) ^ at)
}

/// Length of the whole frame that begins with these bytes, if they look like one.
pub(super) fn frame_len(head: &[u8; FRAME_HEADER]) -> Option<usize> {
    let body = u32_at(head, 12) as usize;
    (head[8..12] == FRAME_MAGIC && (BODY_HEADER..=MAX_BODY).contains(&body)).then_some(FRAME_HEADER + body)
}

/// A whole frame whose check is right.
#[derive(Debug)]
pub(super) struct Frame {
    bytes: Bytes,
    pub(super) first_seq: u64,
    pub(super) events: u32,
}

/// An event within a frame; texts and payload share the frame's memory.
#[derive(Debug)]
pub(super) struct FrameEvent {
    pub(super) seq: u64,
    pub(super) received_at_ms: i64,
    pub(super) message_id: Bytes,
    pub(super) source: Bytes,
    pub(super) order_key: Bytes,
    pub(super) payload: Bytes,
}

impl Frame {
    /// `bytes` begins with the frame at `at` of the segment; none if it is not whole or not right.
    pub(super) fn read(bytes: Bytes, segment: u64, at: u64) -> Option<Self> {
        let len = frame_len(bytes.first_chunk()?)?;
        if bytes.len() < len {
            return None;
        }
        let bytes = bytes.slice(..len);
        let check = u64_at(&bytes, 0);
        if check != frame_check(&bytes[8..], segment, at) {
            return None;
        }
        let (first_seq, events) = (u64_at(&bytes, FRAME_HEADER), u32_at(&bytes, FRAME_HEADER + 8));
        Some(Self { bytes, first_seq, events })
    }

    pub(super) fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    pub(super) fn end_seq(&self) -> u64 {
        self.first_seq + u64::from(self.events)
    }

    /// The events in their order. The check has passed, so a length that does not fit is a fault of the writer; it ends the
    /// iteration, and the caller's count of events shows it.
    pub(super) fn iter(&self) -> impl Iterator<Item = FrameEvent> + '_ {
        let mut at = FRAME_HEADER + BODY_HEADER;
        (0..self.events).map_while(move |index| {
            let head = self.bytes.get(at..at + EVENT_HEADER)?;
            let received_at_ms = u64_at(head, 0).cast_signed();
            let lens: [usize; 4] = std::array::from_fn(|field| u32_at(head, 8 + 4 * field) as usize);
            let mut from = at + EVENT_HEADER;
            let mut fields: [Bytes; 4] = Default::default();
            for (field, len) in fields.iter_mut().zip(lens) {
                if from + len > self.bytes.len() {
                    return None;
                }
                *field = self.bytes.slice(from..from + len);
                from += len;
            }
            at = from;
            let [message_id, source, order_key, payload] = fields;
            let seq = self.first_seq + u64::from(index);
            Some(FrameEvent { seq, received_at_ms, message_id, source, order_key, payload })
        })
    }
}

/// The place of a good frame behind a bad one.
pub(super) fn later_frame(bytes: &Bytes, bad: usize, segment: u64) -> Option<usize> {
    let mut at = bad + 1;
    while at + FRAME_HEADER <= bytes.len() {
        if bytes[at + 8..at + 12] == FRAME_MAGIC && Frame::read(bytes.slice(at..), segment, at as u64).is_some() {
            return Some(at);
        }
        at += 1;
    }
    None
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |chunk| u64::from_le_bytes(*chunk))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |chunk| u32::from_le_bytes(*chunk))
}
