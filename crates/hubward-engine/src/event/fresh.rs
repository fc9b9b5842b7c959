//! Rows that are sent for the first time, many together: of each, nothing is kept but what its outcome needs.

use std::collections::VecDeque;
use std::sync::Arc;

use hubward_core::RowKeys;
use hubward_core::event::{EventIds, MappedEvent};
use hubward_hubspot::{EventWriter, WrittenEvents};
use hubward_store::{Change, Intents};

use crate::event::row::{EventRow, input};
use crate::tally::{Tally, Tickets};

/// Bytes that an event takes in a request, for a first guess at its size.
const EVENT_BYTES: usize = 256;

/// Rows that go together, and their events as they are sent.
#[derive(Debug)]
pub(crate) struct Fresh {
    /// Key and fingerprint of each.
    heads: Arc<[(u128, u64)]>,
    keys: RowKeys,
    events: WrittenEvents,
    tickets: Tickets,
}

impl Fresh {
    pub(crate) fn len(&self) -> usize {
        self.heads.len()
    }

    pub(crate) fn keys(&self) -> &RowKeys {
        &self.keys
    }

    pub(crate) fn events(&self) -> &WrittenEvents {
        &self.events
    }

    /// What the ledger is told before they are sent.
    pub(crate) fn intents(&self, at_ms: i64) -> Change {
        let (rows, key_texts) = (Arc::clone(&self.heads), self.keys.clone());
        Change::Intents(Intents { rows, key_texts, at_ms, note: 0 })
    }

    /// What the ledger is told once HubSpot has taken them.
    pub(crate) fn confirmed(&self) -> Change {
        Change::ConfirmedGroup { first: self.heads.first().map(|head| head.0).unwrap_or_default() }
    }

    pub(crate) fn into_tickets(self) -> Tickets {
        self.tickets
    }

    /// Each row by itself, after `attempts` sendings before which its intent was written.
    pub(crate) fn into_rows(mut self, ids: &EventIds, attempts: u32) -> Vec<EventRow> {
        let mut rows = Vec::with_capacity(self.heads.len());
        for (position, (&(key, fingerprint), key_text)) in self.heads.iter().zip(self.keys.iter()).enumerate() {
            let Some(ticket) = self.tickets.one() else { break };
            rows.push(EventRow {
                key,
                fingerprint,
                key_text: key_text.to_owned(),
                uuid: ids.of(key_text),
                event: Ok(self.events.event(position)),
                intended: attempts > 0,
                maybe_sent: false,
                attempts,
                ticket,
            });
        }
        rows
    }
}

/// Puts rows together one by one.
#[derive(Debug)]
pub(crate) struct FreshWriter {
    heads: Vec<(u128, u64)>,
    keys: RowKeys,
    events: EventWriter,
}

impl FreshWriter {
    pub(crate) fn with_capacity(rows: usize) -> Self {
        Self {
            heads: Vec::with_capacity(rows),
            keys: RowKeys::default(),
            events: EventWriter::with_capacity(rows, rows * EVENT_BYTES),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.heads.len()
    }

    pub(crate) fn push(&mut self, key: u128, fingerprint: u64, key_text: &str, uuid: &str, event: &MappedEvent) {
        self.heads.push((key, fingerprint));
        self.keys.push(key_text);
        self.events.push(&input(uuid, event));
    }

    /// Adds a stretch of rows; their tickets are left to the caller.
    fn push_all(&mut self, rows: &Fresh, range: std::ops::Range<usize>) {
        self.heads.extend_from_slice(&rows.heads[range.clone()]);
        for position in range.clone() {
            self.keys.push(rows.keys.get(position).unwrap_or_default());
        }
        self.events.push_all(&rows.events, range);
    }

    /// The rows, each with a ticket of its own.
    pub(crate) fn finish(self, tally: &Arc<Tally>) -> Fresh {
        let tickets = tally.tickets(self.heads.len() as u64);
        self.with(tickets)
    }

    fn with(self, tickets: Tickets) -> Fresh {
        Fresh { heads: self.heads.into(), keys: self.keys, events: self.events.finish(), tickets }
    }
}

/// Rows that wait for their batch, in order.
#[derive(Debug, Default)]
pub(crate) struct FreshQueue {
    parts: VecDeque<Fresh>,
    /// Rows of the first part that are gone.
    gone: usize,
    rows: usize,
}

impl FreshQueue {
    pub(crate) fn len(&self) -> usize {
        self.rows
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows == 0
    }

    pub(crate) fn push(&mut self, part: Fresh) {
        if part.len() > 0 {
            self.rows += part.len();
            self.parts.push_back(part);
        }
    }

    /// The first `rows`, or all where there are fewer; none where there are none.
    pub(crate) fn take(&mut self, rows: usize) -> Option<Fresh> {
        let rows = rows.min(self.rows);
        if rows == 0 {
            return None;
        }
        self.rows -= rows;
        if self.gone == 0 && self.parts.front().is_some_and(|part| part.len() == rows) {
            return self.parts.pop_front();
        }
        let mut writer = FreshWriter::with_capacity(rows);
        let mut tickets: Option<Tickets> = None;
        while writer.len() < rows
            && let Some(part) = self.parts.front_mut()
        {
            let until = part.len().min(self.gone + rows - writer.len());
            writer.push_all(part, self.gone..until);
            let these = part.tickets.split_off((until - self.gone) as u64);
            match &mut tickets {
                Some(tickets) => tickets.join(these),
                None => tickets = Some(these),
            }
            self.gone = until;
            if until == part.len() {
                self.parts.pop_front();
                self.gone = 0;
            }
        }
        tickets.map(|tickets| writer.with(tickets))
    }
}

#[cfg(test)]
mod tests {
    use hubward_core::Outcome;

    use super::*;

    fn part(tally: &Arc<Tally>, numbers: std::ops::Range<u64>) -> Fresh {
        let mut writer = FreshWriter::with_capacity(0);
        for number in numbers {
            let event = MappedEvent {
                event: Arc::from("pe1_visited"),
                object_id: Some(number.to_string()),
                email: None,
                utk: None,
                occurred_at: None,
                properties: Vec::new(),
            };
            writer.push(number.into(), number + 1, &number.to_string(), "a uuid", &event);
        }
        writer.finish(tally)
    }

    /// However parts and batches lie to each other, each row is in one batch, in order, with its own key, text and ticket.
    #[test]
    fn rows_leave_the_queue_in_order_each_once() {
        for sizes in [vec![500, 500], vec![3, 0, 4, 1, 5, 9, 2], vec![1; 20], vec![7, 500, 36, 464]] {
            for batch in [1, 2, 5, 500] {
                let tally = Tally::new();
                let mut queue = FreshQueue::default();
                let mut all = 0;
                for size in &sizes {
                    queue.push(part(&tally, all..all + size));
                    all += size;
                }
                let mut next = 0;
                while let Some(fresh) = queue.take(batch) {
                    let left = usize::try_from(all - next).expect("few");
                    assert_eq!(fresh.len(), batch.min(left));
                    for row in fresh.into_rows(&EventIds::new("visits"), 0) {
                        assert_eq!((row.key, row.fingerprint), (next.into(), next + 1));
                        assert_eq!(row.key_text, next.to_string());
                        assert_eq!(row.uuid, EventIds::new("visits").of(&row.key_text));
                        let event: serde_json::Value =
                            serde_json::from_slice(row.event.as_ref().expect("written")).expect("JSON");
                        assert_eq!(event["objectId"], next.to_string());
                        row.ticket.finish(Outcome::Applied);
                        next += 1;
                    }
                }
                assert!(queue.is_empty());
                assert_eq!((next, tally.snapshot().applied, tally.lost()), (all, all, 0));
            }
        }
    }
}
