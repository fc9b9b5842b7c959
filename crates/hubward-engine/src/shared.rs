//! Records that two rows of the model lead to: merged in HubSpot, or one contact under its primary and a secondary e-mail
//! address. The first row has the record; the other is rejected, with both named, and is not sent again while that is so.

use std::collections::{HashMap, HashSet};

use hubward_core::{Outcome, Reason};
use hubward_store::{Change, Ledger};

use crate::association::NOT_OURS;
use crate::corridor::{Corridor, Done};
use crate::error::EngineError;
use crate::refuse::{Holder, taken_by};
use crate::row::Row;
use crate::strategy::{MatchKind, Step};
use crate::write::merge;
use tokio::sync::MutexGuard;

/// In place of the hash of what a row wrote: its record is another row's. No row hashes to it but by a chance of 2^-64.
pub(crate) const NOT_ITS_OWN: u64 = 0x4e4f_5449_5453_4f57;

/// A row whose record is another row's.
pub(crate) struct Taken {
    pub(crate) row: Row,
    pub(crate) id: u64,
    pub(crate) holder: Holder,
}

/// The records that more than one row leads to, each with the key of the row that has it.
pub(crate) fn holders(ledger: &Ledger) -> HashMap<u64, u128> {
    let mut ids = HashSet::new();
    ledger.for_each_seen(|head| {
        if head.mapped == NOT_ITS_OWN {
            ids.insert(head.record_id);
        }
    });
    let mut holders = HashMap::new();
    if !ids.is_empty() {
        ledger.for_each_seen(|head| {
            if head.mapped != NOT_ITS_OWN && ids.contains(&head.record_id) {
                holders.insert(head.record_id, head.key);
            }
        });
    }
    holders
}

/// How it came out that a row's record is another row's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// In an earlier run; the ledger holds it.
    Earlier,
    /// By a look before the row was sent.
    ByLook,
    /// By HubSpot's answer to its write: the record holds this row's values now, and the other row has to go again.
    ByAnswer,
}

/// What HubSpot confirmed, parted.
pub(crate) struct Parted<'a, T> {
    pub(crate) own: Vec<(Row, T)>,
    pub(crate) taken: Vec<Taken>,
    /// Held until what was found is recorded: two answers at the same time may lead to one record that no row had before.
    _turn: Option<MutexGuard<'a, ()>>,
}

impl Corridor {
    /// Parts rows whose records are known now into those with a record of their own and those whose record turns out to be
    /// another row's. `found` tells the record of a row, none for one that was just made. Of a record that the ledger gives
    /// to the row already there is no doubt, nor where the row names it by its id.
    pub(crate) async fn part<T>(
        &self,
        confirmed: Vec<(Row, T)>,
        found: impl Fn(&Row, &T) -> Option<u64>,
    ) -> Result<Parted<'_, T>, (Vec<Row>, EngineError)> {
        let named = |row: &Row, id: u64| self.kind == MatchKind::Id && row.record_id == Some(id);
        let held = |row: &Row, id: u64| row.before.as_ref().is_some_and(|before| before.record_id == id);
        let mut doubtful = Vec::new();
        for (row, what) in &confirmed {
            if let Some(id) = found(row, what)
                && !named(row, id)
                && !held(row, id)
            {
                doubtful.push((id, row.ident.key));
            }
        }
        if doubtful.is_empty() {
            return Ok(Parted { own: confirmed, taken: Vec::new(), _turn: None });
        }
        let turn = self.sharing.lock().await;
        let mut holders = match self.holders(&doubtful).await {
            Ok(holders) => holders,
            Err(error) => return Err((confirmed.into_iter().map(|(row, _)| row).collect(), error)),
        };
        let mut parted = Parted { own: Vec::new(), taken: Vec::new(), _turn: Some(turn) };
        for (row, what) in confirmed {
            let id = found(&row, &what).filter(|id| doubtful.contains(&(*id, row.ident.key)));
            let Some(id) = id else {
                parted.own.push((row, what));
                continue;
            };
            match holders.get(&id).filter(|holder| holder.key != row.ident.key) {
                Some(holder) => parted.taken.push(Taken { row, id, holder: holder.clone() }),
                None => {
                    holders.insert(id, Holder::of(&row));
                    parted.own.push((row, what));
                }
            }
        }
        Ok(parted)
    }

    /// Looks at a record that a batch update left out without a word, before it is written alone: if it was merged into
    /// another row's record, writing would undo that row (api.md 3.6, 3.10).
    pub(crate) async fn not_anothers(&self, done: &mut Done, row: Row) -> Option<Row> {
        let id = row.record_id.unwrap_or_default();
        let meta = self.meta(std::slice::from_ref(&row));
        let read = self.client.read_record(&self.object, &id.to_string(), None, &[], &meta).await;
        let survivor = match read {
            Ok(record) => record.and_then(|record| record.id.parse::<u64>().ok()),
            Err(error) => {
                merge(done, self.refuse_batch(Step::UpdateOne, vec![row], error).await);
                return None;
            }
        };
        // Gone altogether: the write says so, and what follows from it.
        let Some(survivor) = survivor.filter(|survivor| *survivor != id) else { return Some(row) };
        match self.holders(&[(survivor, row.ident.key)]).await {
            Err(error) => {
                merge(done, self.defer(vec![row], "the ledger could not be read", Some(error)));
                None
            }
            Ok(mut holders) => match holders.remove(&survivor) {
                None => Some(row),
                Some(holder) => {
                    self.refuse_taken(done, vec![Taken { row, id: survivor, holder }], Found::ByLook).await;
                    None
                }
            },
        }
    }

    /// Rejects rows whose record is another row's, and remembers it, so that they are not sent again while that is so.
    pub(crate) async fn refuse_taken(&self, done: &mut Done, taken: Vec<Taken>, found: Found) {
        let mut changes = Vec::new();
        for one in &taken {
            if found != Found::Earlier {
                let mut entry = one.row.entry(one.id);
                entry.mapped = NOT_ITS_OWN;
                // So that the next run meets the row again.
                entry.fingerprint = !one.row.ident.fingerprint;
                entry.associated = NOT_OURS;
                entry.payload.written.clear();
                changes.push(Change::Confirmed(entry));
            }
            if found == Found::ByAnswer {
                changes.push(one.holder.doubt.clone());
            }
        }
        if let Err(error) = self.memory.record(changes).await {
            let rows = taken.into_iter().map(|one| one.row).collect();
            return merge(
                done,
                self.defer(rows, "that its record is another row's could not be recorded", Some(error)),
            );
        }
        for one in taken {
            let mut row = one.row;
            // The ledger's word on it stands as it was just written.
            row.before = None;
            row.in_ledger = false;
            let mut text = taken_by(one.id, &one.holder.key_text);
            text.push_str(": they were merged in HubSpot, or both rows name one contact");
            if found == Found::ByAnswer {
                text.push_str(
                    "; HubSpot wrote this row before that was known, and the next run writes the other one again",
                );
            }
            let reason =
                Reason::new("RECORD_TAKEN", text).on(&self.match_property, Some(row.ident.match_value.clone()));
            done.verdicts.push(row.finish(Outcome::Rejected, Some(reason)));
        }
    }
}
