//! From spilled rows to rows that can be sent: the same for a run, a plan and a saved plan that is compared. Pure but for
//! the tickets; several chunks are built at once.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::RecordBatch;
use hubward_core::convert::{ConvertContext, Owners};
use hubward_core::event::{EventIds, EventMapping, MappedEvent};
use hubward_core::spec::Model;
use hubward_core::{Outcome, Reason};
use hubward_hubspot::requests;
use hubward_store::Change;

use crate::analyze::{invalid, join, mix};
use crate::duplicates::duplicate_key;
use crate::error::EngineError;
use crate::event::fresh::{Fresh, FreshWriter};
use crate::event::row::{EventRow, as_sent, verdict};
use crate::row::Verdict;
use crate::scan::{Duplicate, shown_key};
use crate::spill::{Kind, Mark};
use crate::tally::Tally;

/// The rules that rows are judged by.
pub(crate) struct Builder {
    pub(crate) model: Model,
    pub(crate) mapping: EventMapping,
    pub(crate) ids: EventIds,
    pub(crate) duplicates: HashMap<u128, Duplicate>,
    owners: Owners,
    normalises_dates: bool,
}

/// What a row is to become.
pub(crate) enum Judged {
    Send(String, MappedEvent),
    Invalid(String, Reason),
    /// Its event was sent before it looked like this.
    Sent(String),
    /// Another row has its key.
    Double(String, Reason),
}

/// A part of the spill, built.
#[derive(Default)]
pub(crate) struct Built {
    pub(crate) fresh: Vec<Fresh>,
    /// Rows that an earlier run may have sent.
    pub(crate) unknown: Vec<EventRow>,
    /// Rows that are finished: invalid, or sent long ago.
    pub(crate) verdicts: Vec<Verdict>,
    /// What the ledger is to hold of rows that were sent long ago.
    pub(crate) changes: Vec<Change>,
    /// Keys that other rows have too.
    pub(crate) doubles: Vec<u128>,
    /// Why the rest of the rows could not be built; they are counted as deferred.
    pub(crate) error: Option<EngineError>,
}

impl Builder {
    pub(crate) fn new(
        model: Model,
        mapping: EventMapping,
        sync: &str,
        duplicates: HashMap<u128, Duplicate>,
        normalises_dates: bool,
    ) -> Self {
        Self { model, mapping, ids: EventIds::new(sync), duplicates, owners: Owners::unknown(), normalises_dates }
    }

    /// Judges one row.
    pub(crate) fn judge(&self, batch: &RecordBatch, row: usize, mark: &Mark) -> Result<Judged, EngineError> {
        let key_text = shown_key(&self.model, batch, row)?;
        if let Some(duplicate) = self.duplicates.get(&mark.key) {
            let reason = duplicate_key(&key_text, mark.ordinal, duplicate);
            return Ok(Judged::Double(key_text, reason));
        }
        if mark.kind != Kind::Added {
            return Ok(Judged::Sent(key_text));
        }
        Ok(match self.map(batch, row) {
            Ok(event) => Judged::Send(key_text, event),
            Err(reason) => Judged::Invalid(key_text, reason),
        })
    }

    /// The row's occurrence, or why it cannot be one.
    pub(crate) fn map(&self, batch: &RecordBatch, row: usize) -> Result<MappedEvent, Reason> {
        let context = ConvertContext { owners: &self.owners, version_normalises_dates: self.normalises_dates };
        self.mapping.row(batch, row, &context).map_err(join)
    }

    /// Builds rows of the spill; `doubtful` tells whose sending an earlier run did not see the end of.
    pub(crate) fn build(
        &self,
        batch: &RecordBatch,
        rows: &[(usize, Mark)],
        doubtful: impl Fn(u128) -> bool,
        tally: &Arc<Tally>,
    ) -> Built {
        let mut built = Built::default();
        let batch_of = |left: usize| FreshWriter::with_capacity(left.min(requests::EVENT_BATCH_MAX));
        let mut fresh = batch_of(rows.len());
        for (position, (row, mark)) in rows.iter().enumerate() {
            let doubt = doubtful(mark.key);
            let judged = match self.judge(batch, *row, mark) {
                Ok(judged) => judged,
                Err(error) => {
                    tally.many(Outcome::Deferred, (rows.len() - position) as u64);
                    built.error = Some(error);
                    break;
                }
            };
            let (key_text, event) = match judged {
                Judged::Send(key_text, event) => (key_text, Ok(event)),
                Judged::Invalid(key_text, reason) if doubt => (key_text, Err(Box::new(reason))),
                Judged::Invalid(key_text, reason) => {
                    tally.ticket().finish(Outcome::Invalid);
                    built.verdicts.push(invalid(key_text, reason));
                    continue;
                }
                Judged::Double(key_text, reason) => {
                    tally.ticket().finish(Outcome::Invalid);
                    built.doubles.push(mark.key);
                    built.verdicts.push(invalid(key_text, reason));
                    continue;
                }
                Judged::Sent(key_text) => {
                    tally.ticket().finish(Outcome::Skipped);
                    built.changes.push(Change::Refingerprint {
                        key: mark.key,
                        fingerprint: mark.fingerprint,
                        mapped: 0,
                    });
                    built.verdicts.push(verdict(key_text, Some(mark.key), Outcome::Skipped, Some(sent_before()), 0));
                    continue;
                }
            };
            let uuid = self.ids.of(&key_text);
            let (key, fingerprint) = (mark.key, mark.fingerprint);
            match event {
                Ok(event) if !doubt => {
                    fresh.push(key, fingerprint, &key_text, &uuid, &event);
                    if fresh.len() == requests::EVENT_BATCH_MAX {
                        let full = std::mem::replace(&mut fresh, batch_of(rows.len() - position));
                        built.fresh.push(full.finish(tally));
                    }
                }
                event => built.unknown.push(EventRow {
                    key,
                    fingerprint,
                    event: event.map(|event| as_sent(&uuid, &event)),
                    key_text,
                    uuid,
                    intended: true,
                    maybe_sent: true,
                    attempts: 0,
                    ticket: tally.ticket(),
                }),
            }
        }
        built.fresh.push(fresh.finish(tally));
        built
    }
}

fn sent_before() -> Reason {
    Reason::new("EVENT_SENT", "its event was sent before the row changed, and HubSpot lets nobody change an occurrence")
}

/// A row's part of a plan's digest: what it is, and whether it is sent.
pub(crate) fn digest_of(mark: &Mark, judged: &Judged) -> u64 {
    let what = match judged {
        Judged::Send(..) => 1,
        Judged::Invalid(..) | Judged::Double(..) => 2,
        Judged::Sent(..) => 3,
    };
    mix(mark.key, mark.fingerprint, what)
}
