//! Writing batches: upsert, update, create — and what each answer means for each row.

use hubward_core::spec::{Mode, OnConflict};
use hubward_core::{ErrorKind, Outcome, Reason, Verdict as Table};
use hubward_hubspot::{ApiError, BatchReply, CallMeta, Input, RecordResult};
use hubward_store::{Change, Intent};

use crate::blame::{guilty, reason_of};
use crate::corridor::{Batch, Corridor, Done};
use crate::error::EngineError;
use crate::row::Row;
use crate::settle::{By, account};
use crate::strategy::{MatchKind, Next, Step, gone, look};

/// A row that HubSpot keeps refusing to decide is deferred after so many sendings.
const ROW_ATTEMPTS_MAX: u32 = 6;

impl Corridor {
    /// Carries out one batch.
    pub(crate) async fn execute(&self, batch: Batch) -> Done {
        let mut rows = batch.rows;
        for row in &mut rows {
            row.attempts += 1;
        }
        if rows.iter().any(|row| row.attempts > ROW_ATTEMPTS_MAX) {
            return self.give_up(rows, batch.step);
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
        for row in accounts.unanswered {
            let again = match step {
                Step::Update => Step::UpdateOne,
                Step::Create => look(self.kind),
                // An upsert is idempotent: sent again in other company, it is answered or the row is deferred in the end.
                other => other,
            };
            done.requeue.push((again, row));
        }
        done
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
                for row in rows {
                    done.requeue.push((look(self.kind), row));
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
                let reason = reason_of(error, Some(&row));
                self.refuse_row(done, step, row, error, Some(reason)).await;
            }
            return;
        }
        let guilty = guilty(error, &rows, &self.match_property);
        if guilty.is_empty() {
            let second = rows.split_off(rows.len() / 2);
            done.batches.push(Batch { step, rows });
            done.batches.push(Batch { step, rows: second });
            return;
        }
        let mut reasons: Vec<Option<Reason>> = vec![None; rows.len()];
        for (index, reason) in guilty {
            reasons[index] = Some(reason);
        }
        let mut rest = Vec::new();
        for (row, reason) in rows.into_iter().zip(reasons) {
            match reason {
                Some(reason) => self.refuse_row(done, step, row, error, Some(reason)).await,
                None => rest.push(row),
            }
        }
        if !rest.is_empty() {
            done.batches.push(Batch { step, rows: rest });
        }
    }

    /// One row's refusal: rejected, or another way is tried. `blamed` is set when the error belongs to a whole batch.
    async fn refuse_row(&self, done: &mut Done, step: Step, mut row: Row, error: &ApiError, blamed: Option<Reason>) {
        let reason = blamed.unwrap_or_else(|| reason_of(error, Some(&row)));
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
                        done.requeue.push((next, row));
                    }
                    _ => self.reject(done, step, row, reason).await,
                }
            }
            (ErrorKind::Conflict | ErrorKind::Validation, _)
                if self.mode == Mode::Insert && self.is_match_conflict(error) =>
            {
                if let Some(id) = error.existing_id.as_deref().and_then(|id| id.parse::<u64>().ok()) {
                    row.record_id = Some(id);
                    self.skip_existing(vec![row], done).await;
                } else {
                    // HubSpot says that it exists but not where: the look-up finds it, and decides.
                    done.requeue.push((look(self.kind), row));
                }
            }
            (ErrorKind::Conflict, _)
                if self.mode == Mode::Upsert
                    && self.on_conflict == OnConflict::Adopt
                    && matches!(step, Step::Upsert | Step::Create)
                    && error.existing_id.is_some() =>
            {
                // The contact with this e-mail exists under another match value: it is this row's record.
                if step == Step::Create {
                    self.clear_intents(done, std::slice::from_ref(&row)).await;
                }
                row.record_id = error.existing_id.as_deref().and_then(|id| id.parse().ok());
                row.write_match = true;
                row.intent_at_ms = None;
                done.requeue.push((Step::Update, row));
            }
            (_, Table::FixRows | Table::Stop) => self.reject(done, step, row, reason).await,
            (_, Table::LookFirst) => done.requeue.push((look(self.kind), row)),
            (_, Table::Wait(_) | Table::Repeat | Table::RefreshToken) => done.requeue.push((step, row)),
        }
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
        let changes = rows.iter().map(|row| Change::Confirmed(row.entry(row.record_id.unwrap_or_default()))).collect();
        match self.writer.record(changes).await {
            Ok(()) => {
                for row in rows {
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

    fn give_up(&self, rows: Vec<Row>, step: Step) -> Done {
        let mut done = Done::default();
        let mut fresh = Vec::new();
        let mut tired = Vec::new();
        for row in rows {
            if row.attempts > ROW_ATTEMPTS_MAX {
                tired.push(row);
            } else {
                fresh.push(row);
            }
        }
        if !fresh.is_empty() {
            done.batches.push(Batch { step, rows: fresh });
        }
        let why = format!("HubSpot neither confirmed nor refused it in {ROW_ATTEMPTS_MAX} requests");
        merge(&mut done, self.defer(tired, &why, None));
        done
    }

    /// Nothing was created for these rows, so their intents are settled.
    async fn clear_intents(&self, done: &mut Done, rows: &[Row]) {
        let changes = rows.iter().map(|row| Change::IntentCleared { key: row.ident.key }).collect();
        if let Err(error) = self.writer.record(changes).await {
            // The intent stays: the next run looks before it creates, which costs a request and loses nothing.
            done.stop = Some(error);
        }
    }

    /// The row's properties with its match property, where that has to be written too.
    pub(crate) fn with_match(&self, row: &Row) -> Vec<(std::sync::Arc<str>, String)> {
        let mut properties = row.properties.clone();
        if self.kind != MatchKind::Id && row.write_match && row.value_of(&self.match_property).is_none() {
            properties.push((std::sync::Arc::clone(&self.match_property), row.ident.match_value.clone()));
        }
        properties
    }

    pub(crate) fn meta(&self, rows: &[Row]) -> CallMeta {
        CallMeta {
            sync: Some(std::sync::Arc::clone(&self.sync)),
            rows: rows.iter().map(|row| row.ident.key_text.clone()).collect(),
        }
    }
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
