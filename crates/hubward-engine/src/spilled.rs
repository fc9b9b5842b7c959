//! Turns the rows that are to be sent into rows of the corridor, a few at a time and in their turns.
//!
//! Rows that the last run deferred go first. Rows whose match value another row gives up in this run go last, once that row
//! is through: sent earlier they would write to the other row's record.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::RecordBatch;

use crate::analyze::Fate;
use crate::error::EngineError;
use crate::ledger_writer::{SharedLedger, lock};
use crate::prepared::Prepared;
use crate::refuse::Holder;
use crate::row::{Before, Lost, Row, RowIdent};
use crate::shared::NOT_ITS_OWN;
use crate::spill::{Kind, Mark, Spill, SpillReader};
use crate::strategy::MatchKind;
use crate::tally::Tally;
use crate::written::Written;

/// Times that the late rows are gone through: as many rows in a chain, each waiting for the next, get through in one run.
const LATE_PASSES_MAX: u32 = 16;

/// A create of an earlier run that never had an outcome.
#[derive(Clone, Debug)]
pub(crate) struct OpenIntent {
    pub(crate) since_ms: i64,
    /// From then on, HubSpot's search is trusted to show what it made.
    pub(crate) settles_at_ms: i64,
    pub(crate) match_value: Option<String>,
}

/// Reads the spill once for each turn.
pub(crate) struct Spilled {
    pub(crate) prepared: Arc<Prepared>,
    pub(crate) spill: Spill,
    pub(crate) fates: Vec<Fate>,
    pub(crate) ledger: SharedLedger,
    pub(crate) written: Arc<Written>,
    pub(crate) intents: HashMap<u128, OpenIntent>,
    /// Hashes of the match values that rows give up in this run, sorted.
    pub(crate) given_up: Vec<u64>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) turns: Turns,
}

/// Where the feed stands.
#[derive(Default)]
pub(crate) struct Turns {
    reader: Option<SpillReader>,
    position: usize,
    turn: Turn,
    passes: u32,
    /// Rows handed out in this pass.
    handed: u64,
    /// Everything handed out so far has its outcome.
    at_rest: bool,
    /// No late row can be sent any more: the rest is handed out as blocked.
    stuck: bool,
    /// Who holds the match values that late rows want: hash → row key.
    held: HashMap<u64, u128>,
    /// Records that two rows lead to, each with the key of the row that has it.
    shared: Option<HashMap<u64, u128>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Turn {
    #[default]
    First,
    Main,
    Late,
}

/// What the feed has next.
#[derive(Default)]
pub(crate) struct Handed {
    pub(crate) rows: Vec<Row>,
    /// Rows that cannot be sent, each with the key of the row that holds its match value.
    pub(crate) blocked: Vec<(Row, String)>,
    /// Rows whose record is another row's: record id, and that row.
    pub(crate) taken: Vec<(Row, u64, Holder)>,
    pub(crate) then: Then,
    /// Reading failed; the rows handed out with it are good all the same.
    pub(crate) error: Option<EngineError>,
}

/// How the feed goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Then {
    #[default]
    More,
    /// More once every row handed out so far has its outcome.
    AfterRest,
    End,
}

impl Spilled {
    /// At least `rows_wanted` rows unless the turn ends before. Blocking.
    pub(crate) fn next(&mut self, rows_wanted: usize) -> Handed {
        let mut handed = Handed::default();
        if let Err(error) = self.fill(rows_wanted, &mut handed) {
            handed.error = Some(error);
        }
        handed
    }

    fn fill(&mut self, rows_wanted: usize, handed: &mut Handed) -> Result<(), EngineError> {
        while handed.rows.len() + handed.blocked.len() + handed.taken.len() < rows_wanted {
            if self.turns.reader.is_none() && !self.begin_pass(handed)? {
                return Ok(());
            }
            let next = match &mut self.turns.reader {
                Some(reader) => reader.next_batch()?,
                None => None,
            };
            match next {
                Some((batch, marks)) => self.hand_out(&batch, &marks, handed)?,
                None => self.end_pass(),
            }
        }
        Ok(())
    }

    /// Begins to read for the turn that is due; tells whether there is one to be read now.
    fn begin_pass(&mut self, handed: &mut Handed) -> Result<bool, EngineError> {
        let fate = loop {
            let fate = match self.turns.turn {
                Turn::First => Fate::First,
                Turn::Main => Fate::Send,
                Turn::Late => Fate::Late,
            };
            if self.fates.contains(&fate) {
                break fate;
            }
            match self.turns.turn {
                Turn::First => self.turns.turn = Turn::Main,
                Turn::Main => self.turns.turn = Turn::Late,
                Turn::Late => {
                    handed.then = Then::End;
                    return Ok(false);
                }
            }
        };
        if fate == Fate::Late {
            if !std::mem::replace(&mut self.turns.at_rest, true) {
                handed.then = Then::AfterRest;
                return Ok(false);
            }
            self.turns.at_rest = false;
            self.turns.held.clear();
            lock(&self.ledger).for_each_seen(|head| {
                if self.given_up.binary_search(&head.match_hash).is_ok() {
                    self.turns.held.insert(head.match_hash, head.key);
                }
            });
        }
        self.turns.reader = Some(self.spill.read()?);
        self.turns.position = 0;
        self.turns.handed = 0;
        Ok(true)
    }

    fn end_pass(&mut self) {
        self.turns.reader = None;
        match self.turns.turn {
            Turn::First => self.turns.turn = Turn::Main,
            Turn::Main => self.turns.turn = Turn::Late,
            Turn::Late => {
                self.turns.passes += 1;
                self.turns.stuck = self.turns.handed == 0 || self.turns.passes >= LATE_PASSES_MAX;
            }
        }
    }

    fn hand_out(&mut self, batch: &RecordBatch, marks: &[Mark], handed: &mut Handed) -> Result<(), EngineError> {
        let prepared = Arc::clone(&self.prepared);
        let rules = prepared.rules();
        for (at, mark) in marks.iter().enumerate() {
            let position = self.turns.position;
            self.turns.position += 1;
            let due = match self.fates[position] {
                Fate::First => self.turns.turn == Turn::First,
                Fate::Send => self.turns.turn == Turn::Main,
                Fate::Late => self.turns.turn == Turn::Late,
                Fate::Finished => false,
            };
            if !due {
                continue;
            }
            let Ok(judged) = rules.judge(batch, at)? else {
                return Err(EngineError::new("internal", "a row was valid when it was checked and is not any more"));
            };
            let holder = self.turns.held.get(&judged.match_hash).copied().filter(|holder| *holder != mark.key);
            let late = self.turns.turn == Turn::Late;
            if late && holder.is_some() && !self.turns.stuck {
                continue;
            }
            let known = if mark.kind == Kind::Added { None } else { lock(&self.ledger).get(mark.key)? };
            let holder = match holder.filter(|_| late) {
                Some(holder) => lock(&self.ledger).get(holder)?.map(|entry| entry.payload.key_text),
                None => None,
            };
            let same_match = known.as_ref().is_some_and(|entry| entry.match_hash == judged.match_hash);
            // What stands for a row without a record of its own is no row that could look unchanged.
            let in_ledger = known.as_ref().is_some_and(|entry| entry.mapped != NOT_ITS_OWN);
            let mut taken = None;
            let known = match known {
                Some(entry) if entry.mapped == NOT_ITS_OWN => {
                    // Under another match value, or once the other row is gone, it is a row like any other.
                    taken =
                        self.holder_of(entry.record_id)?.filter(|_| same_match).map(|holder| (entry.record_id, holder));
                    None
                }
                Some(_) if !same_match && prepared.rematches() => None,
                known => known,
            };
            let before: &[u8] = known.as_ref().map_or(&[], |entry| entry.payload.written.as_slice());
            let wrote = |position: usize| self.written.has(before, &judged.mapped.values[position].0);
            let mut properties = judged.mapped.properties_to_send(rules.nulls, &wrote);
            prepared.preflight.complete(&mut properties);
            let lacks = prepared.preflight.lacks(&properties, (rules.match_property, &judged.match_value));
            let record_id = match rules.kind {
                MatchKind::Id => judged.match_value.parse::<u64>().ok(),
                // A value that cannot be written to the record the row had names another record.
                _ if !prepared.match_writable && !same_match => None,
                _ => known.as_ref().map(|entry| entry.record_id).filter(|id| *id != 0),
            };
            let ident = RowIdent {
                key: mark.key,
                key_text: judged.key_text,
                fingerprint: mark.fingerprint,
                mapped: judged.mapped_hash,
                written: self.written.after(before, &properties),
                wanted: judged.wanted,
                match_value: judged.match_value,
                match_hash: judged.match_hash,
            };
            let mut row = Row::new(ident, properties, record_id, self.tally.ticket());
            // A row of which nothing else is to be written is written all the same, so that its record is there. The record of
            // a row that has none of its own cannot have its value.
            row.write_match = prepared.match_writable && (known.is_none() || !same_match || row.properties.is_empty());
            row.looks_unchanged = matches!(mark.kind, Kind::Recheck | Kind::Full);
            row.in_ledger = in_ledger;
            row.takes_over = late;
            row.position = position;
            row.associates_anew = mark.kind == Kind::Full;
            row.lacks = lacks;
            row.before = known.map(|entry| Before {
                fingerprint: entry.fingerprint,
                record_id: entry.record_id,
                mapped: entry.mapped,
                match_hash: entry.match_hash,
                match_value: entry.payload.match_value,
                written: entry.payload.written,
                associated: entry.associated,
            });
            if let Some(intent) = self.intents.get(&mark.key) {
                row.intent_at_ms = Some(intent.since_ms);
                let same = |sent: &String| prepared.folding.fold(sent) == judged.match_folded;
                row.lost = Some(Lost {
                    since_ms: intent.since_ms,
                    settles_at_ms: intent.settles_at_ms,
                    sent_as: intent.match_value.clone().filter(|sent| !same(sent)),
                });
            }
            self.fates[position] = Fate::Finished;
            self.turns.handed += 1;
            match (taken, holder) {
                (Some((id, holder)), _) => handed.taken.push((row, id, holder)),
                (None, Some(holder)) => handed.blocked.push((row, holder)),
                (None, None) => handed.rows.push(row),
            }
        }
        Ok(())
    }

    /// The row that a record belongs to which another row leads to as well, if it is still in the model.
    fn holder_of(&mut self, id: u64) -> Result<Option<Holder>, EngineError> {
        let ledger = lock(&self.ledger);
        let shared = self.turns.shared.get_or_insert_with(|| crate::shared::holders(&ledger));
        let Some(key) = shared.get(&id) else { return Ok(None) };
        Ok(ledger.get(*key)?.map(Holder::from))
    }

    /// Rows that a stopped run never built.
    pub(crate) fn remaining_rows(&self) -> u64 {
        self.fates.iter().filter(|fate| **fate != Fate::Finished).count() as u64
    }

    /// The keys of the first of those rows.
    pub(crate) fn remaining_keys(&self, keys_max: usize) -> Result<Vec<u128>, EngineError> {
        let mut keys = Vec::new();
        let mut fates = self.fates.iter();
        let mut reader = self.spill.read()?;
        while keys.len() < keys_max
            && let Some((_, marks)) = reader.next_batch()?
        {
            keys.extend(
                marks.iter().zip(fates.by_ref()).filter(|(_, fate)| **fate != Fate::Finished).map(|(mark, _)| mark.key),
            );
        }
        keys.truncate(keys_max);
        Ok(keys)
    }
}
