//! The worker's place in the spool: what is next, what is handed out, what was given back.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::os::unix::fs::FileExt as _;

use bytes::Bytes;

use super::folder::Folder;
use super::frame::{FRAME_HEADER, Frame, FrameEvent, HEADER, frame_len};
use super::mark::Mark;
use super::ranges::Ranges;
use super::settled::Settled;
use crate::StoreError;
use crate::spool::Stored;

/// Bytes of payload that one call hands out at most, once it has one event.
const TAKE_BYTES: usize = 8 << 20;

/// Where an event stands.
#[derive(Clone, Copy, Debug)]
struct Place {
    segment: u64,
    frame_at: u64,
    received_at_ms: i64,
    /// How often it was handed out, this process's handing out included.
    deliveries: u32,
}

#[derive(Debug)]
pub(super) struct Reader {
    folder: Folder,
    segment: u64,
    file: File,
    /// Of the next frame.
    at: u64,
    /// Number of the next event behind `ready`.
    next_seq: u64,
    /// Events of the last frame that are not handed out yet.
    ready: VecDeque<(u64, FrameEvent)>,
    handed_out: BTreeMap<u64, Place>,
    given_back: BTreeMap<u64, Place>,
    /// Settled before this process began, from the place on.
    skip: Ranges,
    /// Events below it may have been handed out by an earlier process.
    doubtful_below: u64,
    /// Complete segments that exist: first event and the one after the last.
    complete: BTreeMap<u64, u64>,
}

impl Reader {
    /// Begins at the first event that is not settled. Events from `next_seq` on do not exist yet.
    pub(super) fn open(folder: &Folder, settled: &Settled, next_seq: u64) -> Result<Self, StoreError> {
        let segments: Vec<u64> = folder.segments()?.into_keys().collect();
        let complete: BTreeMap<u64, u64> = segments.windows(2).map(|pair| (pair[0], pair[1])).collect();
        let begin = segments
            .iter()
            .copied()
            .find(|first| complete.get(first).is_none_or(|end| !settled.ranges.covers(*first, *end)));
        let Some(segment) = begin else {
            return Err(StoreError::corrupt(folder.path(), "it holds no segment of events"));
        };
        Ok(Self {
            folder: folder.clone(),
            segment,
            file: open_segment(folder, segment)?,
            at: HEADER as u64,
            next_seq: segment,
            ready: VecDeque::new(),
            handed_out: BTreeMap::new(),
            given_back: BTreeMap::new(),
            skip: settled.ranges.clone(),
            doubtful_below: settled.reached.min(next_seq),
            complete,
        })
    }

    /// Numbers below this one are needed for `max` more events.
    pub(super) fn reach(&self, max: usize) -> u64 {
        self.next_seq + max as u64
    }

    /// Events from this number on were certainly never handed out.
    pub(super) fn handed_out_below(&self) -> u64 {
        self.ready.front().map_or(self.next_seq, |(_, event)| event.seq).max(self.doubtful_below)
    }

    /// Hands out what there is below the mark and below `reach`, at most `max` events.
    pub(super) fn take(&mut self, max: usize, mark: Mark, reach: u64) -> Result<Vec<Stored>, StoreError> {
        let mut taken = Vec::new();
        let mut bytes = 0;
        let mut frame: Option<(u64, u64, Frame)> = None;
        while taken.len() < max
            && bytes < TAKE_BYTES
            && let Some((&seq, &place)) = self.given_back.first_key_value()
        {
            if frame.as_ref().is_none_or(|(segment, at, _)| (*segment, *at) != (place.segment, place.frame_at)) {
                frame = Some((place.segment, place.frame_at, self.read_again(place)?));
            }
            let found = frame.as_ref().and_then(|(_, _, frame)| frame.iter().find(|event| event.seq == seq));
            let Some(event) = found else {
                return Err(self.damaged(place.segment, place.frame_at));
            };
            self.given_back.remove(&seq);
            let place = Place { deliveries: place.deliveries.saturating_add(1), ..place };
            bytes += event.payload.len();
            self.handed_out.insert(seq, place);
            taken.push(stored(event, place.deliveries));
        }
        while taken.len() < max && bytes < TAKE_BYTES {
            let Some((frame_at, event)) = self.ready.pop_front() else {
                if self.next_frame(mark)? {
                    continue;
                }
                break;
            };
            if self.skip.contains(event.seq) {
                continue;
            }
            if event.seq >= reach {
                self.ready.push_front((frame_at, event));
                break;
            }
            let deliveries = if event.seq < self.doubtful_below { 2 } else { 1 };
            let place = Place { segment: self.segment, frame_at, received_at_ms: event.received_at_ms, deliveries };
            bytes += event.payload.len();
            self.handed_out.insert(event.seq, place);
            taken.push(stored(event, deliveries));
        }
        Ok(taken)
    }

    /// Reads the next frame below the mark into `ready`; false where there is none.
    fn next_frame(&mut self, mark: Mark) -> Result<bool, StoreError> {
        loop {
            let end = if self.segment == mark.segment {
                mark.len
            } else {
                let path = self.folder.segment(self.segment);
                self.file.metadata().map_err(|e| StoreError::io("reading", &path, e))?.len()
            };
            if self.at < end {
                let frame = read_frame(&self.file, self.segment, self.at)
                    .map_err(|e| StoreError::io("reading", &self.folder.segment(self.segment), e))?;
                let Some(frame) = frame.filter(|frame| frame.first_seq == self.next_seq) else {
                    return Err(self.damaged(self.segment, self.at));
                };
                let at = self.at;
                self.ready.extend(frame.iter().map(|event| (at, event)));
                self.at += frame.len();
                self.next_seq = frame.end_seq();
                return Ok(true);
            }
            if self.segment >= mark.segment {
                return Ok(false);
            }
            let segments = self.folder.segments()?;
            let Some(next) = segments.range(self.segment + 1..).next().map(|(first, _)| *first) else {
                return Ok(false);
            };
            self.complete.insert(self.segment, next);
            self.file = open_segment(&self.folder, next)?;
            self.segment = next;
            self.at = HEADER as u64;
            self.next_seq = next;
        }
    }

    fn read_again(&self, place: Place) -> Result<Frame, StoreError> {
        let path = self.folder.segment(place.segment);
        let read = || {
            if place.segment == self.segment {
                return read_frame(&self.file, place.segment, place.frame_at);
            }
            read_frame(&File::open(&path)?, place.segment, place.frame_at)
        };
        let frame = read().map_err(|e| StoreError::io("reading", &path, e))?;
        frame.ok_or_else(|| self.damaged(place.segment, place.frame_at))
    }

    fn damaged(&self, segment: u64, at: u64) -> StoreError {
        StoreError::corrupt(&self.folder.segment(segment), format!("the frame at byte {at} is not what was written"))
    }

    /// Those of the numbers that are handed out or given back, as ranges.
    pub(super) fn known(&self, seqs: &[u64]) -> Ranges {
        seqs.iter()
            .copied()
            .filter(|seq| self.handed_out.contains_key(seq) || self.given_back.contains_key(seq))
            .collect()
    }

    /// Forgets events that are settled durably; gives the complete segments that nobody needs any more.
    pub(super) fn settled(&mut self, seqs: &Ranges, all: &Ranges) -> Vec<u64> {
        for seq in seqs.iter().flat_map(|(start, end)| start..end) {
            self.handed_out.remove(&seq);
            self.given_back.remove(&seq);
        }
        self.needless(all)
    }

    /// The complete segments whose events are all settled.
    pub(super) fn needless(&mut self, all: &Ranges) -> Vec<u64> {
        let needless: Vec<u64> =
            self.complete.iter().filter(|(first, end)| all.covers(**first, **end)).map(|(first, _)| *first).collect();
        for first in &needless {
            self.complete.remove(first);
        }
        needless
    }

    pub(super) fn give_back(&mut self, seqs: &[u64]) {
        for seq in seqs {
            if let Some(place) = self.handed_out.remove(seq) {
                self.given_back.insert(*seq, place);
            }
        }
    }

    /// When an event was received, if it is handed out or given back or the next.
    pub(super) fn received_at(&self, seq: u64) -> Option<i64> {
        let place = self.handed_out.get(&seq).or_else(|| self.given_back.get(&seq));
        let ready = || self.ready.iter().find(|(_, event)| event.seq == seq).map(|(_, event)| event.received_at_ms);
        place.map(|place| place.received_at_ms).or_else(ready)
    }
}

fn open_segment(folder: &Folder, segment: u64) -> Result<File, StoreError> {
    let path = folder.segment(segment);
    File::open(&path).map_err(|e| StoreError::io("opening", &path, e))
}

pub(super) fn read_frame(file: &File, segment: u64, at: u64) -> std::io::Result<Option<Frame>> {
    let mut head = [0; FRAME_HEADER];
    file.read_exact_at(&mut head, at)?;
    let Some(len) = frame_len(&head) else {
        return Ok(None);
    };
    let mut bytes = vec![0; len];
    file.read_exact_at(&mut bytes, at)?;
    Ok(Frame::read(Bytes::from(bytes), segment, at))
}

fn stored(event: FrameEvent, deliveries: u32) -> Stored {
    let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
    Stored {
        seq: event.seq,
        message_id: text(&event.message_id),
        source: text(&event.source),
        order_key: text(&event.order_key),
        received_at_ms: event.received_at_ms,
        // A copy of its own: a slice would keep the whole frame in memory for as long as one event of it is in flight.
        payload: Bytes::copy_from_slice(&event.payload),
        deliveries,
    }
}
