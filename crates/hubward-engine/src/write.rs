//! Writing batches: upsert, update, create — and what each answer means for each row.

use std::collections::HashMap;
use std::sync::Arc;

use hubward_core::spec::{Mode, OnConflict};
use hubward_core::{ErrorKind, Outcome, Reason, Verdict as Table};
use hubward_hubspot::{ApiError, BatchReply, CallMeta, Input, RecordResult};
use hubward_store::{Change, Intent};

use crate::blame::{Blame, Ids, blame, reason_of};
use crate::corridor::{Batch, Corridor, Done};
use crate::error::EngineError;
use crate::ledger_writer::lock;
use crate::row::{Lost, Row};
use crate::run::blocking;
use crate::settle::{By, account};
use crate::strategy::{MatchKind, Next, Step, find, gone, look};

/// A row is deferred when so many answers have left it undecided. Being sent again without guilty neighbours, or in half
/// of a refused batch, is no such answer: every refusal makes the batch smaller, so that comes to an end by itself.
const DETOURS_MAX: u32 = 8;
/// So few rows without an answer are sent one by one; more are halved.
const ALONE_ROWS_MAX: usize = 8;

impl Corridor {
    /// Carries out one batch.
    pub(crate) async fn execute(&self, batch: Batch) -> Done {
        let mut rows = batch.rows;
        for row in &mut rows {
            row.attempts += 1;
        }
        match batch.step {
            Step::Upsert => self.upsert(rows).await,
            Step::Update => self.update(rows).await,
            Step::UpdateOne => self.update_one(rows).await,
            Step::Create => self.create(rows).await,
            Step::FindUnique => self.find_unique(rows).await,
            Step::FindSearch => self.find_search(rows).await,
            Step::LookUnique => self.look_unique(rows).await,
            Step::LookSearch => self.look_search(rows).await,
        }
    }

    async fn upsert(&self, rows: Vec<Row>) -> Done {
        let result = {
            let traces = traces(rows.len());
            let inputs: Vec<Input<'_>> = rows
                .iter()
                .zip(&traces)
                .map(|(row, trace)| Input {
                    id: Some(&row.ident.match_value),
                    properties: &row.properties,
                    trace_id: Some(trace),
                })
                .collect();
            self.client.batch_upsert(&self.object, Some(&self.match_property), &inputs, &self.meta(&rows)).await
        };
        match result {
            Ok(reply) => self.settle(Step::Upsert, rows, reply).await,
            Err(error) => self.refuse_batch(Step::Upsert, rows, error).await,
        }
    }

    async fn update(&self, rows: Vec<Row>) -> Done {
        let result = {
            let ids: Vec<String> = rows.iter().map(|row| row.record_id.unwrap_or_default().to_string()).collect();
            let properties: Vec<_> = rows.iter().map(|row| self.with_match(row)).collect();
            let traces = traces(rows.len());
            let inputs: Vec<Input<'_>> = ids
                .iter()
                .zip(&properties)
                .zip(&traces)
                .map(|((id, properties), trace)| Input { id: Some(id), properties, trace_id: Some(trace) })
                .collect();
            self.client.batch_update(&self.object, None, &inputs, &self.meta(&rows)).await
        };
        match result {
            Ok(reply) => self.settle(Step::Update, rows, reply).await,
            Err(error) => self.refuse_batch(Step::Update, rows, error).await,
        }
    }

    /// One `PATCH`: an id that was merged into another record is left out of a batch answer without a word, but resolves
    /// here to the surviving record (api.md 3.6).
    async fn update_one(&self, rows: Vec<Row>) -> Done {
        let mut done = Done::default();
        for row in rows {
            let id = row.record_id.unwrap_or_default().to_string();
            let properties = self.with_match(&row);
            let meta = self.meta(std::slice::from_ref(&row));
            match self.client.update_record(&self.object, &id, None, &properties, &meta).await {
                Ok(result) => self.confirm(&mut done, vec![(row, result)]).await,
                Err(error) => merge(&mut done, self.refuse_batch(Step::UpdateOne, vec![row], error).await),
            }
        }
        done
    }

    async fn create(&self, mut rows: Vec<Row>) -> Done {
        let now_ms = self.wall.now().as_millisecond();
        let mut intents = Vec::with_capacity(rows.len());
        for row in &mut rows {
            row.intent_at_ms = Some(now_ms);
            intents.push(Change::Intent(Intent {
                key: row.ident.key,
                key_text: row.ident.key_text.clone(),
                match_value: Some(row.ident.match_value.clone()),
                at_ms: now_ms,
                note: 0,
            }));
        }
        if let Err(error) = self.writer.record(intents).await {
            return self.defer(rows, "the intent to create it could not be made durable", Some(error));
        }
        let result = {
            let properties: Vec<_> = rows.iter().map(|row| self.with_match(row)).collect();
            let traces = traces(rows.len());
            let inputs: Vec<Input<'_>> = properties
                .iter()
                .zip(&traces)
                .map(|(properties, trace)| Input { id: None, properties, trace_id: Some(trace) })
                .collect();
            self.client.batch_create(&self.object, &inputs, &self.meta(&rows)).await
        };
        match result {
            Ok(reply) => self.settle(Step::Create, rows, reply).await,
            Err(error) => self.refuse_batch(Step::Create, rows, error).await,
        }
    }

    /// Pairs rows and answer; confirms, refuses, or looks again at what was not answered.
    async fn settle(&self, step: Step, rows: Vec<Row>, reply: BatchReply) -> Done {
        let mut done = Done::default();
        let by = match step {
            Step::Update => By::RecordId,
            _ => By::Property { name: &self.match_property, folding: &self.folding },
        };
        let accounts = account(rows, reply, &by);
        self.confirm(&mut done, accounts.confirmed.into_iter().map(|(row, _, result)| (row, result)).collect()).await;
        for (row, error) in accounts.refused {
            self.refuse_row(&mut done, step, row, &error, None).await;
        }
        self.unanswered(&mut done, step, accounts.unanswered, accounts.nameless);
        done
    }

    /// A success that leaves inputs out says nothing of them. With `nameless`, HubSpot refused something without saying
    /// what: a row that is sent alone is told.
    fn unanswered(&self, done: &mut Done, step: Step, mut rows: Vec<Row>, nameless: bool) {
        match step {
            Step::Update => {
                for row in rows {
                    self.again(done, Step::UpdateOne, row);
                }
            }
            Step::Create => {
                for mut row in rows {
                    row.alone |= nameless;
                    self.lose(&mut row);
                    self.again(done, look(self.kind), row);
                }
            }
            // An upsert is idempotent: sent again in other company, it is answered or the row is deferred in the end.
            other if nameless || rows.len() <= ALONE_ROWS_MAX => {
                for mut row in rows {
                    row.alone = true;
                    self.again(done, other, row);
                }
            }
            other => {
                let second = rows.split_off(rows.len() / 2);
                for half in [rows, second] {
                    let (kept, tired) = self.tired(half);
                    done.batches.push(Batch { step: other, rows: kept });
                    self.give_up(done, tired);
                }
            }
        }
    }

    /// Sends a row on to another step, or gives it up after too many answers that left it undecided.
    pub(crate) fn again(&self, done: &mut Done, step: Step, mut row: Row) {
        row.detours += 1;
        if row.detours > DETOURS_MAX {
            self.give_up(done, vec![row]);
        } else {
            done.requeue.push((step, row));
        }
    }

    fn tired(&self, rows: Vec<Row>) -> (Vec<Row>, Vec<Row>) {
        let counted = rows.into_iter().map(|mut row| {
            row.detours += 1;
            row
        });
        counted.partition(|row| row.detours <= DETOURS_MAX)
    }

    fn give_up(&self, done: &mut Done, rows: Vec<Row>) {
        let why = format!("HubSpot neither confirmed nor refused it in {DETOURS_MAX} answers");
        merge(done, self.defer(rows, &why, None));
    }

    /// The answer to a create of this row is lost. It was sent before now, so what it did shows after the usual time.
    fn lose(&self, row: &mut Row) {
        let now_ms = self.wall.now().as_millisecond();
        let settles_after_ms = i64::try_from(self.search_settles_after.as_millis()).unwrap_or(i64::MAX);
        let since_ms = row.lost.as_ref().map(|lost| lost.since_ms).or(row.intent_at_ms).unwrap_or(now_ms);
        row.lost = Some(Lost { since_ms, settles_at_ms: now_ms.saturating_add(settles_after_ms), sent_as: None });
    }

    /// Records what HubSpot confirmed; only then the rows are applied.
    pub(crate) async fn confirm(&self, done: &mut Done, confirmed: Vec<(Row, RecordResult)>) {
        let mut changes = Vec::with_capacity(confirmed.len());
        let mut rows = Vec::with_capacity(confirmed.len());
        for (row, result) in confirmed {
            let id = result.id.parse::<u64>().ok().or(row.record_id).unwrap_or_default();
            changes.push(Change::Confirmed(row.entry(id)));
            rows.push(row);
        }
        match self.writer.record(changes).await {
            Ok(()) => {
                for row in rows {
                    done.verdicts.push(row.finish(Outcome::Applied, None));
                }
            }
            Err(error) => {
                merge(done, self.defer(rows, "HubSpot confirmed it, but that could not be recorded", Some(error)))
            }
        }
    }

    /// A refusal of the whole request.
    pub(crate) async fn refuse_batch(&self, step: Step, rows: Vec<Row>, error: ApiError) -> Done {
        let idempotent = step != Step::Create;
        let mut done = Done::default();
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
            Step::Update | Step::UpdateOne => Ids::Records,
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
    async fn refuse_row(&self, done: &mut Done, step: Step, mut row: Row, error: &ApiError, blamed: Option<Reason>) {
        let whole_batch = blamed.is_some();
        let reason = blamed.unwrap_or_else(|| reason_of(error, Some(&row), &self.match_property));
        let idempotent = step != Step::Create;
        match (error.kind, error.kind.verdict(idempotent)) {
            (ErrorKind::NotFound, _) if matches!(step, Step::Update | Step::UpdateOne) => {
                if row.was_gone {
                    return self.reject(done, step, row, reason).await;
                }
                match gone(self.mode, self.kind) {
                    Next::Go(next) => {
                        row.record_id = None;
                        row.was_gone = true;
                        row.write_match = true;
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
        row.intent_at_ms = None;
        row.lost = None;
        self.again(done, Step::Update, row);
    }

    /// Which of these records (record id, key of the row that wants it) the ledger gives to another row of the model.
    pub(crate) async fn holders(&self, wanted: &[(u64, u128)]) -> Result<HashMap<u64, Holder>, EngineError> {
        if wanted.is_empty() {
            return Ok(HashMap::new());
        }
        let wanted: HashMap<u64, u128> = wanted.iter().copied().collect();
        let ledger = Arc::clone(&self.ledger);
        blocking(move || {
            let ledger = lock(&ledger);
            let mut others = Vec::new();
            ledger.for_each_seen(|head| {
                if wanted.get(&head.record_id).is_some_and(|key| *key != head.key) {
                    others.push((head.record_id, head.key));
                }
            });
            let mut holders = HashMap::new();
            for (id, key) in others {
                if let Some(entry) = ledger.get(key)? {
                    let holder = Holder { key_text: entry.payload.key_text, match_hash: entry.match_hash };
                    holders.insert(id, holder);
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

    /// Mode `insert`: the record exists, so the row is left alone; the ledger remembers that this version of the row
    /// needs nothing.
    pub(crate) async fn skip_existing(&self, rows: Vec<Row>, done: &mut Done) {
        if rows.is_empty() {
            return;
        }
        let changes =
            rows.iter().map(|row| Change::Confirmed(row.entry_left_alone(row.record_id.unwrap_or_default()))).collect();
        match self.writer.record(changes).await {
            Ok(()) => {
                for mut row in rows {
                    row.looks_unchanged = false;
                    let id = row.record_id.unwrap_or_default();
                    let text = format!("record {id} exists already; mode insert leaves it alone");
                    done.verdicts.push(row.finish(Outcome::Skipped, Some(Reason::new("RECORD_EXISTS", text))));
                }
            }
            Err(error) => {
                merge(done, self.defer(rows, "that its record exists could not be recorded", Some(error)));
            }
        }
    }

    pub(crate) fn defer(&self, rows: Vec<Row>, why: &str, stop: Option<EngineError>) -> Done {
        let mut done = Done { stop, ..Done::default() };
        for row in rows {
            done.verdicts.push(row.finish(Outcome::Deferred, Some(Reason::new("DEFERRED", why))));
        }
        done
    }

    /// Nothing was created for these rows, so their intents are settled.
    pub(crate) async fn clear_intents(&self, done: &mut Done, rows: &[Row]) {
        let changes = rows.iter().map(|row| Change::IntentCleared { key: row.ident.key }).collect();
        if let Err(error) = self.writer.record(changes).await {
            // The intent stays: the next run looks before it creates, which costs a request and loses nothing.
            done.stop = Some(error);
        }
    }

    /// The row's properties with its match property, where that has to be written too.
    pub(crate) fn with_match(&self, row: &Row) -> Vec<(Arc<str>, String)> {
        let mut properties = row.properties.clone();
        if self.kind != MatchKind::Id && row.write_match && row.value_of(&self.match_property).is_none() {
            properties.push((Arc::clone(&self.match_property), row.ident.match_value.clone()));
        }
        properties
    }

    pub(crate) fn meta(&self, rows: &[Row]) -> CallMeta {
        CallMeta {
            sync: Some(Arc::clone(&self.sync)),
            rows: rows.iter().map(|row| row.ident.key_text.clone()).collect(),
        }
    }
}

/// The row that a record belongs to.
pub(crate) struct Holder {
    pub(crate) key_text: String,
    pub(crate) match_hash: u64,
}

/// That a record is another row's, for a reason.
pub(crate) fn taken_by(id: u64, holder: &str) -> String {
    format!("record {id} is that of the row with primary key {holder}, and one record cannot be two rows")
}

/// Trace ids are the positions in the batch: unique within the request, which is all HubSpot asks (api.md 3.6).
fn traces(rows: usize) -> Vec<String> {
    (0..rows).map(|index| index.to_string()).collect()
}

pub(crate) fn merge(into: &mut Done, from: Done) {
    into.requeue.extend(from.requeue);
    into.batches.extend(from.batches);
    into.verdicts.extend(from.verdicts);
    if into.stop.is_none() {
        into.stop = from.stop;
    }
    if into.exhausted.is_none() {
        into.exhausted = from.exhausted;
    }
}
