//! Turns the rows that are to be sent into rows of the corridor, a few at a time.

use std::collections::HashMap;
use std::sync::Arc;

use crate::analyze::Fate;
use crate::error::EngineError;
use crate::ledger_writer::{SharedLedger, lock};
use crate::prepared::Prepared;
use crate::row::{Row, RowIdent};
use crate::spill::{Kind, SpillReader};
use crate::strategy::MatchKind;
use crate::tally::Tally;
use crate::written::Written;

/// Reads the spill once, in order.
pub(crate) struct Feed {
    pub(crate) prepared: Arc<Prepared>,
    pub(crate) reader: SpillReader,
    pub(crate) fates: Vec<Fate>,
    pub(crate) position: usize,
    /// Rows to send that were not handed out yet.
    pub(crate) remaining: u64,
    pub(crate) ledger: SharedLedger,
    pub(crate) written: Arc<Written>,
    /// Creates of earlier runs that never had an outcome: key → when the intent was made.
    pub(crate) intents: HashMap<u128, i64>,
    pub(crate) tally: Arc<Tally>,
}

impl Feed {
    /// At least `rows_wanted` rows unless fewer are left; none at the end. Blocking.
    pub(crate) fn next_rows(&mut self, rows_wanted: usize) -> Result<Vec<Row>, EngineError> {
        let mut rows = Vec::new();
        while rows.len() < rows_wanted {
            let Some((batch, marks)) = self.reader.next_batch()? else { break };
            let prepared = Arc::clone(&self.prepared);
            let rules = prepared.rules();
            for (at, mark) in marks.iter().enumerate() {
                let fate = self.fates[self.position];
                self.position += 1;
                if fate != Fate::Send {
                    continue;
                }
                let Ok(judged) = rules.judge(&batch, at)? else {
                    return Err(EngineError::new(
                        "internal",
                        "a row was valid when it was checked and is not any more",
                    ));
                };
                let known = if mark.kind == Kind::Added { None } else { lock(&self.ledger).get(mark.key)? };
                let before: &[u8] = known.as_ref().map_or(&[], |entry| entry.payload.written.as_slice());
                let wrote = |position: usize| self.written.has(before, &judged.mapped.values[position].0);
                let properties = judged.mapped.properties_to_send(rules.nulls, &wrote);
                let record_id = match rules.kind {
                    MatchKind::Id => judged.match_value.parse::<u64>().ok(),
                    _ => known.as_ref().map(|entry| entry.record_id).filter(|id| *id != 0),
                };
                let ident = RowIdent {
                    key: mark.key,
                    key_text: judged.key_text,
                    fingerprint: mark.fingerprint,
                    mapped: judged.mapped_hash,
                    match_value: judged.match_value,
                    match_hash: judged.match_hash,
                    written: self.written.after(before, &properties),
                };
                let mut row = Row::new(ident, properties, record_id, self.tally.ticket());
                row.write_match = known.is_none_or(|entry| entry.match_hash != judged.match_hash);
                row.intent_at_ms = self.intents.get(&mark.key).copied();
                rows.push(row);
                self.remaining -= 1;
            }
        }
        Ok(rows)
    }

    /// Rows that a stopped run never built.
    pub(crate) fn remaining_rows(&self) -> u64 {
        self.remaining
    }
}
