//! A row on its way to become an occurrence.

use std::sync::Arc;

use bytes::Bytes;
use hubward_core::event::MappedEvent;
use hubward_core::{Outcome, Reason};
use hubward_hubspot::{EventInput, EventWriter};
use hubward_store::{Change, Entry, Intent, Payload};

use crate::row::{Verdict, WrittenRecord};
use crate::tally::Ticket;

/// One row to be sent, or of which it is not known whether it was.
#[derive(Debug)]
pub(crate) struct EventRow {
    pub(crate) key: u128,
    pub(crate) fingerprint: u64,
    pub(crate) key_text: String,
    pub(crate) uuid: String,
    /// As it is sent. The reason: the row cannot be sent as it is now, but may have been sent before.
    pub(crate) event: Result<Bytes, Box<Reason>>,
    /// An intent of this row stands in the ledger.
    pub(crate) intended: bool,
    /// A sending had no answer, and HubSpot has not been seen to lack the event since: its intent must stand.
    pub(crate) maybe_sent: bool,
    /// How often this row was sent in this run.
    pub(crate) attempts: u32,
    pub(crate) ticket: Ticket,
}

/// How it stands with the rows of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stand {
    /// They are to be sent. HubSpot has none of them, but for rows that may have been sent and cannot be looked for.
    Unsent,
    /// HubSpot may have them. From `settles_at_ms` on, in milliseconds since the epoch, what it does not show it does not
    /// have.
    Unknown { settles_at_ms: i64 },
}

/// Rows that go together.
#[derive(Debug)]
pub(crate) struct EventBatch {
    pub(crate) stand: Stand,
    pub(crate) rows: Vec<EventRow>,
}

impl EventRow {
    pub(crate) fn intent(&self, at_ms: i64) -> Change {
        Change::Intent(Intent { key: self.key, key_text: self.key_text.clone(), match_value: None, at_ms, note: 0 })
    }

    pub(crate) fn confirmed(&self) -> Change {
        confirmed(self.key, self.fingerprint, self.key_text.clone())
    }

    pub(crate) fn finish(self, outcome: Outcome, reason: Option<Reason>) -> Verdict {
        self.ticket.finish(outcome);
        verdict(self.key_text, Some(self.key), outcome, reason, self.attempts)
    }
}

/// An occurrence as it is sent.
pub(crate) fn input<'a>(uuid: &'a str, event: &'a MappedEvent) -> EventInput<'a> {
    EventInput {
        event_name: &event.event,
        object_id: event.object_id.as_deref(),
        email: event.email.as_deref(),
        utk: event.utk.as_deref(),
        occurred_at: event.occurred_at.as_deref(),
        uuid,
        properties: &event.properties,
    }
}

/// An event in the form in which its batch takes it.
pub(crate) fn as_sent(uuid: &str, event: &MappedEvent) -> Bytes {
    let mut writer = EventWriter::default();
    writer.push(&input(uuid, event));
    writer.finish().event(0)
}

/// What the ledger keeps of a row that HubSpot took: its key, for good. An occurrence has no id of its own that matters.
pub(crate) fn confirmed(key: u128, fingerprint: u64, key_text: String) -> Change {
    let payload = Payload { key_text, match_value: None, written: Vec::new() };
    Change::Confirmed(Entry { key, fingerprint, mapped: 0, match_hash: 0, record_id: 0, associated: 0, payload })
}

pub(crate) fn verdict(
    key_text: String,
    key: Option<u128>,
    outcome: Outcome,
    reason: Option<Reason>,
    attempts: u32,
) -> Verdict {
    Verdict {
        key_text,
        outcome,
        reason,
        attempts,
        key,
        unsettle: None,
        handed_on: None,
        written: WrittenRecord::default(),
    }
}

/// The reason of rows that a run did not come to.
pub(crate) fn deferred(why: impl Into<String>) -> Reason {
    Reason::new("DEFERRED", why)
}

/// Which of a sync's rows go first: those that the last run deferred.
pub(crate) type First = Arc<std::collections::HashSet<u128>>;
