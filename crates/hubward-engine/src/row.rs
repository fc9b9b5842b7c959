//! A row in the corridor: mapped, checked, waiting for its next request.

use std::sync::Arc;

use hubward_core::{Outcome, Reason};
use hubward_store::{Change, Entry, Payload};

use crate::association::{NOT_OURS, Stand};
use crate::compare::Compared;
use crate::doubt::doubt;
use crate::tally::Ticket;

/// The hash of no values at all: what the ledger holds of a record that we never wrote to.
const NOTHING_WRITTEN: u64 = 0;

/// One row on its way to HubSpot.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) ident: RowIdent,
    /// What is sent, without the match property.
    pub(crate) properties: Vec<(Arc<str>, String)>,
    /// The record to update, once it is known.
    pub(crate) record_id: Option<u64>,
    /// What the ledger holds of this row and its record; none where the row looks for another record.
    pub(crate) before: Option<Before>,
    /// The ledger has an entry of this row, and may take the row for unchanged by it.
    pub(crate) in_ledger: bool,
    /// The ledger doubts this row since before its first write in this run.
    pub(crate) doubted: bool,
    /// The ledger would take this row for unchanged although HubSpot has not confirmed it as it is now: the mapping was
    /// changed, or `--full` asked for it.
    pub(crate) looks_unchanged: bool,
    /// The ledger's record id was tried and HubSpot did not know it.
    pub(crate) was_gone: bool,
    /// HubSpot has refused to create it because the match value is taken, and did not say by which record.
    pub(crate) was_taken: bool,
    /// Another row gave this match value up in this run, so the search index may still show that row's record for it.
    pub(crate) takes_over: bool,
    /// Why no record can be made of this row: it lacks what HubSpot requires.
    pub(crate) lacks: Option<Box<Reason>>,
    /// When the last intent to create this row was made durable, in milliseconds since the epoch.
    pub(crate) intent_at_ms: Option<i64>,
    /// A create of this row whose outcome is unknown.
    pub(crate) lost: Option<Lost>,
    /// The fields that its record is found by, where they are several.
    pub(crate) fields: Vec<(Arc<str>, String)>,
    /// The match property must be written with the others: the record does not have this value yet.
    pub(crate) write_match: bool,
    /// Its place in the spill, or among the rows of a call.
    pub(crate) position: usize,
    /// Its associations are written anew whatever the ledger says of them.
    pub(crate) associates_anew: bool,
    /// Its associations are open: once it is applied it goes on to their stage. Says whether its record was made just now.
    hand_on: Option<Stand>,
    /// To be sent in a batch of its own, so that the answer can be about nothing else.
    pub(crate) alone: bool,
    /// How often this row was sent.
    pub(crate) attempts: u32,
    /// How often an answer left it undecided.
    pub(crate) detours: u32,
    /// What reading its record has decided.
    pub(crate) compared: Compared,
    /// Whether its record was made for it, once that is known.
    pub(crate) created: Option<bool>,
    ticket: Ticket,
}

/// What the ledger holds of a row, where it knows it.
#[derive(Clone, Debug)]
pub(crate) struct Before {
    pub(crate) fingerprint: u64,
    /// 0 where it is unknown.
    pub(crate) record_id: u64,
    pub(crate) mapped: u64,
    pub(crate) match_hash: u64,
    pub(crate) match_value: Option<String>,
    pub(crate) written: Vec<u8>,
    pub(crate) associated: u64,
}

impl Before {
    /// Whether the ledger holds this entry already.
    pub(crate) fn is(&self, entry: &Entry) -> bool {
        (self.fingerprint, self.mapped, self.match_hash, self.record_id)
            == (entry.fingerprint, entry.mapped, entry.match_hash, entry.record_id)
            && self.written == entry.payload.written
    }
}

/// A create whose answer was lost.
#[derive(Clone, Debug)]
pub(crate) struct Lost {
    /// A record made before this, in milliseconds since the epoch, cannot be ours.
    pub(crate) since_ms: i64,
    /// From then on, HubSpot's search is trusted to show it.
    pub(crate) settles_at_ms: i64,
    /// The match value that it was sent with, where the row has another one now.
    pub(crate) sent_as: Option<String>,
}

/// What the ledger keeps of a row once HubSpot has confirmed it.
#[derive(Clone, Debug)]
pub(crate) struct RowIdent {
    pub(crate) key: u128,
    pub(crate) key_text: String,
    pub(crate) fingerprint: u64,
    pub(crate) mapped: u64,
    pub(crate) match_value: String,
    pub(crate) match_hash: u64,
    /// Hash of the associations that the row asks for, 0 for none.
    pub(crate) wanted: u64,
    /// Bitmap of the properties that hold a value of ours after this write.
    pub(crate) written: Vec<u8>,
}

/// A row that is done, with its word.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) key_text: String,
    pub(crate) outcome: Outcome,
    pub(crate) reason: Option<Reason>,
    pub(crate) attempts: u32,
    /// None for rows without a key.
    pub(crate) key: Option<u128>,
    /// What makes the ledger take this row for changed in the next run: it is not known, or not confirmed, that HubSpot
    /// holds what the ledger says.
    pub(crate) unsettle: Option<Change>,
    /// The word is only about the row's properties: its place in the spill, and how its associations stand.
    pub(crate) handed_on: Option<(usize, Stand)>,
    /// Which record it became; for doors that answer their callers.
    pub(crate) written: WrittenRecord,
}

/// What is known of a row's record when the row is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct WrittenRecord {
    /// The row's place among those that were handed in.
    pub(crate) position: usize,
    pub(crate) id: Option<u64>,
    /// Whether this call made it, where HubSpot tells.
    pub(crate) created: Option<bool>,
}

impl Row {
    pub(crate) fn new(
        ident: RowIdent,
        properties: Vec<(Arc<str>, String)>,
        record_id: Option<u64>,
        ticket: Ticket,
    ) -> Self {
        Self {
            ident,
            properties,
            record_id,
            before: None,
            in_ledger: false,
            doubted: false,
            looks_unchanged: false,
            was_gone: false,
            was_taken: false,
            takes_over: false,
            lacks: None,
            intent_at_ms: None,
            lost: None,
            fields: Vec::new(),
            write_match: true,
            position: 0,
            associates_anew: false,
            hand_on: None,
            alone: false,
            attempts: 0,
            detours: 0,
            compared: Compared::default(),
            created: None,
            ticket,
        }
    }

    /// The value that this row would write to `property`.
    pub(crate) fn value_of(&self, property: &str) -> Option<&str> {
        self.properties.iter().find(|(name, _)| name.as_ref() == property).map(|(_, value)| value.as_str())
    }

    /// Bitmap of the properties that held a value of ours before this run.
    pub(crate) fn written_before(&self) -> &[u8] {
        self.before.as_ref().map_or(&[], |before| &before.written)
    }

    /// What the ledger shall hold once this row's write to `record_id` is confirmed. Where associations are still open, the
    /// row goes on to their stage once it is finished as applied or unchanged; until then its fingerprint is one that the
    /// next scan does not take for its own.
    pub(crate) fn confirmed(&mut self, record_id: u64, made_now: bool) -> Entry {
        let entry = self.entry(record_id);
        if entry.fingerprint != self.ident.fingerprint {
            self.hand_on = Some(if made_now { Stand::Fresh } else { Stand::Settled });
        }
        entry
    }

    /// As [`Row::confirmed`], for who changes the entry before it is recorded.
    pub(crate) fn entry(&self, record_id: u64) -> Entry {
        // Another record than before has none of the associations that were confirmed.
        let same = self.before.as_ref().filter(|before| before.record_id == record_id);
        let associated = same.map(|before| before.associated).filter(|known| *known != NOT_OURS).unwrap_or_default();
        let open = self.ident.wanted != associated || (self.associates_anew && self.ident.wanted != 0);
        Entry {
            key: self.ident.key,
            fingerprint: if open { !self.ident.fingerprint } else { self.ident.fingerprint },
            associated,
            mapped: self.ident.mapped,
            match_hash: self.ident.match_hash,
            record_id,
            payload: Payload {
                key_text: self.ident.key_text.clone(),
                match_value: Some(self.ident.match_value.clone()),
                written: self.ident.written.clone(),
            },
        }
    }

    /// What the ledger shall hold of a row that was left alone because its record exists: this version of the row needs
    /// nothing, but nothing of it was written either.
    pub(crate) fn entry_left_alone(&self, record_id: u64) -> Entry {
        let mut entry = self.entry(record_id);
        entry.fingerprint = self.ident.fingerprint;
        entry.associated = NOT_OURS;
        match &self.before {
            Some(before) => {
                entry.associated = before.associated;
                entry.mapped = before.mapped;
                entry.match_hash = before.match_hash;
                entry.payload.match_value.clone_from(&before.match_value);
                entry.payload.written.clone_from(&before.written);
            }
            None => {
                entry.mapped = NOTHING_WRITTEN;
                entry.payload.written.clear();
                // Its record is not ours: removal leaves it alone.
                entry.payload.match_value = None;
            }
        }
        entry
    }

    /// The match value to look for: that of a lost create, else the row's own.
    pub(crate) fn looked_for(&self) -> &str {
        self.lost.as_ref().and_then(|lost| lost.sent_as.as_deref()).unwrap_or(&self.ident.match_value)
    }

    /// The row's final word.
    pub(crate) fn finish(self, outcome: Outcome, reason: Option<Reason>) -> Verdict {
        let goes_on = matches!(outcome, Outcome::Applied | Outcome::Unchanged);
        let stand = if outcome == Outcome::Unchanged { Some(Stand::Same) } else { self.hand_on };
        let handed_on = stand.filter(|_| goes_on && self.hand_on.is_some()).map(|stand| (self.position, stand));
        match handed_on {
            Some(_) => self.ticket.hand_on(),
            None => self.ticket.finish(outcome),
        }
        // A sending without an answer may have changed the record, so the ledger's word on it is not good any more.
        let doubtful = outcome == Outcome::Deferred && self.attempts > 0;
        let unsettle = outcome != Outcome::Applied && self.in_ledger && (self.looks_unchanged || doubtful);
        let unsettle = unsettle.then_some(doubt(self.ident.key, self.ident.fingerprint));
        Verdict {
            key_text: self.ident.key_text,
            outcome,
            reason,
            attempts: self.attempts,
            key: Some(self.ident.key),
            unsettle,
            handed_on,
            written: WrittenRecord { position: self.position, id: self.record_id, created: self.created },
        }
    }
}
