//! What HubSpot's refusals mean: for a whole batch, and for one row of it.

use std::collections::HashMap;
use std::sync::Arc;

use hubward_core::spec::{Mode, OnConflict};
use hubward_core::{ErrorKind, Outcome, Reason, Verdict as Table};
use hubward_hubspot::ApiError;
use hubward_store::{Change, Entry};

use crate::blame::{Blame, Ids, blame, reason_of};
use crate::corridor::{Batch, Corridor, Done};
use crate::doubt::{doubt, doubt_entry};
use crate::error::EngineError;
use crate::ledger_writer::lock;
use crate::row::Row;
use crate::run::blocking;
use crate::shared::NOT_ITS_OWN;
use crate::strategy::{Next, Step, find, gone, look};
use crate::write::merge;

impl Corridor {
    /// A refusal of the whole request.
    pub(crate) async fn refuse_batch(&self, step: Step, rows: Vec<Row>, error: ApiError) -> Done {
        let idempotent = step != Step::Create;
        let mut done = Done::default();
        if error.kind == ErrorKind::Malformed && self.split_retries {
            // A body that HubSpot cannot read may be the doing of one row. When single rows, one after another, are refused
            // like that, it is not: the run then stops as it does for a HubSpot that cannot be made to answer.
            let single = rows.len() == 1;
            self.fix_rows(&mut done, step, rows, &error).await;
            if single {
                done.exhausted = Some(error.into());
            }
            return done;
        }
        match error.kind.verdict(idempotent) {
            Table::FixRows => self.fix_rows(&mut done, step, rows, &error).await,
            Table::LookFirst => {
                for mut row in rows {
                    self.lose(&mut row);
                    self.again(&mut done, look(self.kind), row);
                }
            }
            Table::Wait(_) | Table::Repeat | Table::RefreshToken => {
                if step == Step::Create {
                    self.clear_intents(&mut done, &rows).await;
                }
                let why = format!("HubSpot did not take it within {} attempts: {error}", error.attempts);
                merge(&mut done, self.defer(rows, &why, None));
                done.exhausted = Some(error.into());
            }
            Table::Stop => {
                if step == Step::Create {
                    self.clear_intents(&mut done, &rows).await;
                }
                merge(&mut done, self.defer(rows, &format!("not sent: {error}"), Some(error.into())));
            }
        }
        done
    }

    /// Splits a refused batch by the cause HubSpot names, else by halving.
    async fn fix_rows(&self, done: &mut Done, step: Step, mut rows: Vec<Row>, error: &ApiError) {
        if rows.len() == 1 {
            if let Some(row) = rows.pop() {
                self.refuse_row(done, step, row, error, None).await;
            }
            return;
        }
        if !self.split_retries {
            for row in rows {
                let reason = reason_of(error, Some(&row), &self.match_property);
                self.reject(done, step, row, reason).await;
            }
            return;
        }
        let ids = match step {
            Step::Update | Step::UpdateOne | Step::Compare | Step::ClearStage => Ids::Records,
            _ => Ids::MatchValues(&self.folding),
        };
        match blame(error, &rows, &self.match_property, ids) {
            Blame::Certain(guilty) => {
                // One existing id cannot be that of several rows.
                let mut error = error.clone();
                error.existing_id = None;
                let mut reasons: Vec<Option<Reason>> = vec![None; rows.len()];
                for (index, reason) in guilty {
                    reasons[index] = Some(reason);
                }
                let mut rest = Vec::new();
                for (row, reason) in rows.into_iter().zip(reasons) {
                    match reason {
                        Some(reason) => self.refuse_row(done, step, row, &error, Some(reason)).await,
                        None => rest.push(row),
                    }
                }
                done.batches.push(Batch { step, rows: rest });
            }
            Blame::Among(suspects) => {
                let mut parts = (Vec::new(), Vec::new());
                for (index, row) in rows.into_iter().enumerate() {
                    if suspects.contains(&index) { parts.0.push(row) } else { parts.1.push(row) }
                }
                done.batches.push(Batch { step, rows: parts.0 });
                done.batches.push(Batch { step, rows: parts.1 });
            }
            Blame::Nobody => {
                let second = rows.split_off(rows.len() / 2);
                done.batches.push(Batch { step, rows });
                done.batches.push(Batch { step, rows: second });
            }
        }
    }

    /// One row's refusal: rejected, or another way is tried. `blamed` is set when the error belongs to a whole batch.
    pub(crate) async fn refuse_row(
        &self,
        done: &mut Done,
        step: Step,
        mut row: Row,
        error: &ApiError,
        blamed: Option<Reason>,
    ) {
        let whole_batch = blamed.is_some();
        let reason = blamed.unwrap_or_else(|| reason_of(error, Some(&row), &self.match_property));
        let idempotent = step != Step::Create;
        match (error.kind, error.kind.verdict(idempotent)) {
            (ErrorKind::NotFound, _) if matches!(step, Step::Update | Step::UpdateOne | Step::ClearStage) => {
                if row.was_gone {
                    return self.reject(done, step, row, reason).await;
                }
                match gone(self.mode, self.kind) {
                    Next::Go(next) => {
                        // An earlier run may have made its record anew, and its answer is lost: that is waited for.
                        let next = if row.lost.is_some() { look(self.kind) } else { next };
                        row.record_id = None;
                        row.was_gone = true;
                        row.write_match = true;
                        self.compare_anew(&mut row);
                        self.again(done, next, row);
                    }
                    _ => self.reject(done, step, row, reason).await,
                }
            }
            (ErrorKind::Conflict | ErrorKind::Validation, _)
                if self.mode == Mode::Insert && self.is_match_conflict(error) =>
            {
                if let Some(id) = error.existing_id.as_deref().and_then(|id| id.parse::<u64>().ok())
                    && row.lost.is_none()
                {
                    row.record_id = Some(id);
                    self.skip_existing(vec![row], done).await;
                } else if row.lost.is_some() {
                    // The create whose answer was lost may be what took the value: the look-up decides.
                    self.again(done, look(self.kind), row);
                } else if row.was_taken {
                    self.reject(done, step, row, reason).await;
                } else {
                    // HubSpot says that it exists but not where. This create made nothing, so what is found is not ours.
                    self.clear_intents(done, std::slice::from_ref(&row)).await;
                    row.was_taken = true;
                    self.again(done, find(self.kind), row);
                }
            }
            (ErrorKind::Conflict, _)
                if self.mode == Mode::Upsert
                    && self.on_conflict == OnConflict::Adopt
                    && matches!(step, Step::Upsert | Step::Create) =>
            {
                match error.existing_id.as_deref().and_then(|id| id.parse().ok()) {
                    Some(id) => self.adopt(done, step, row, id, reason).await,
                    // Of a batch that was refused whole, HubSpot may name one existing record for many rows, or none.
                    None if whole_batch => {
                        row.alone = true;
                        self.again(done, step, row);
                    }
                    None => self.reject(done, step, row, reason).await,
                }
            }
            (_, Table::FixRows | Table::Stop) => self.reject(done, step, row, reason).await,
            (_, Table::LookFirst) => {
                self.lose(&mut row);
                self.again(done, look(self.kind), row);
            }
            (_, Table::Wait(_) | Table::Repeat | Table::RefreshToken) => self.again(done, step, row),
        }
    }

    /// The contact with this e-mail exists under another match value: it is this row's record, unless it is another row's.
    async fn adopt(&self, done: &mut Done, step: Step, mut row: Row, id: u64, reason: Reason) {
        let holders = match self.holders(&[(id, row.ident.key)]).await {
            Ok(holders) => holders,
            Err(error) => return merge(done, self.defer(vec![row], "the ledger could not be read", Some(error))),
        };
        if let Some(holder) = holders.get(&id) {
            let reason = Reason { text: format!("{}; {}", reason.text, taken_by(id, &holder.key_text)), ..reason };
            return self.reject(done, step, row, reason).await;
        }
        if step == Step::Create {
            self.clear_intents(done, std::slice::from_ref(&row)).await;
        }
        row.record_id = Some(id);
        row.write_match = true;
        self.compare_anew(&mut row);
        row.intent_at_ms = None;
        row.lost = None;
        self.again(done, Step::Update, row);
    }

    /// Which of these records (record id, key of the row that wants it) the ledger gives to another row of the model.
    pub(crate) async fn holders(&self, wanted: &[(u64, u128)]) -> Result<HashMap<u64, Holder>, EngineError> {
        if wanted.is_empty() {
            return Ok(HashMap::new());
        }
        // Doors without a ledger know of no other rows than those of the same call.
        let Some(ledger) = self.memory.ledger() else { return Ok(HashMap::new()) };
        let wanted: HashMap<u64, u128> = wanted.iter().copied().collect();
        let ledger = Arc::clone(ledger);
        blocking(move || {
            let ledger = lock(&ledger);
            let mut others = Vec::new();
            ledger.for_each_seen(|head| {
                // A row that was refused its record because it is another's holds nothing.
                if head.mapped != NOT_ITS_OWN && wanted.get(&head.record_id).is_some_and(|key| *key != head.key) {
                    others.push((head.record_id, *head));
                }
            });
            let mut holders = HashMap::new();
            for (id, head) in others {
                if let Some(entry) = ledger.get(head.key)? {
                    holders.insert(id, Holder::from(entry));
                }
            }
            Ok(holders)
        })
        .await
    }

    /// Whether a refused create says that the match value itself is taken.
    fn is_match_conflict(&self, error: &ApiError) -> bool {
        if error.kind == ErrorKind::Conflict {
            // "Contact already exists" is always about the e-mail address (api.md 2.5).
            return error.issues.iter().all(|issue| issue.property == *self.match_property)
                && (self.match_property.as_ref() == "email" || !error.issues.is_empty());
        }
        error.issues.iter().any(|issue| {
            issue.property == *self.match_property && (issue.code.contains("UNIQUE") || error.existing_id.is_some())
        })
    }

    async fn reject(&self, done: &mut Done, step: Step, row: Row, reason: Reason) {
        if step == Step::Create {
            self.clear_intents(done, std::slice::from_ref(&row)).await;
        }
        done.verdicts.push(row.finish(Outcome::Rejected, Some(reason)));
    }
}

/// The row that a record belongs to.
#[derive(Clone, Debug)]
pub(crate) struct Holder {
    pub(crate) key: u128,
    pub(crate) key_text: String,
    pub(crate) match_hash: u64,
    /// What makes the next run write this row again.
    pub(crate) doubt: Change,
}

impl Holder {
    /// A row whose write was just confirmed.
    pub(crate) fn of(row: &Row) -> Self {
        let ident = &row.ident;
        let doubt = doubt(ident.key, ident.fingerprint);
        Self { key: ident.key, key_text: ident.key_text.clone(), match_hash: ident.match_hash, doubt }
    }
}

impl From<Entry> for Holder {
    fn from(entry: Entry) -> Self {
        let doubt = doubt_entry(&entry);
        Self { key: entry.key, key_text: entry.payload.key_text, match_hash: entry.match_hash, doubt }
    }
}

/// That a record is another row's, for a reason.
pub(crate) fn taken_by(id: u64, holder: &str) -> String {
    format!("record {id} is that of the row with primary key {holder}, and one record cannot be two rows")
}
