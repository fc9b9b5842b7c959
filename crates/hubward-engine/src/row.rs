//! A row in the corridor: mapped, checked, waiting for its next request.

use std::sync::Arc;

use hubward_core::{Outcome, Reason};
use hubward_store::{Entry, Payload};

use crate::tally::Ticket;

/// One row on its way to HubSpot.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) ident: RowIdent,
    /// What is sent, without the match property.
    pub(crate) properties: Vec<(Arc<str>, String)>,
    /// The record to update, once it is known.
    pub(crate) record_id: Option<u64>,
    /// The ledger's record id was tried and HubSpot did not know it.
    pub(crate) was_gone: bool,
    /// When an intent to create this row was made durable, in milliseconds since the epoch.
    pub(crate) intent_at_ms: Option<i64>,
    /// The match property must be written with the others: the record does not have this value yet.
    pub(crate) write_match: bool,
    /// How often this row was sent.
    pub(crate) attempts: u32,
    ticket: Ticket,
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
            was_gone: false,
            intent_at_ms: None,
            write_match: true,
            attempts: 0,
            ticket,
        }
    }

    /// The value that this row would write to `property`.
    pub(crate) fn value_of(&self, property: &str) -> Option<&str> {
        self.properties.iter().find(|(name, _)| name.as_ref() == property).map(|(_, value)| value.as_str())
    }

    /// What the ledger shall hold once this row's write to `record_id` is confirmed.
    pub(crate) fn entry(&self, record_id: u64) -> Entry {
        Entry {
            key: self.ident.key,
            fingerprint: self.ident.fingerprint,
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

    /// The row's final word.
    pub(crate) fn finish(self, outcome: Outcome, reason: Option<Reason>) -> Verdict {
        self.ticket.finish(outcome);
        Verdict { key_text: self.ident.key_text, outcome, reason, attempts: self.attempts }
    }
}
