//! Writing batches: upsert, update, create — and what each answer means for each row.

use std::sync::Arc;

use hubward_core::{Outcome, Reason};
use hubward_hubspot::{BatchReply, CallMeta, Input, RecordResult};
use hubward_store::{Change, Intent};

use crate::corridor::{Batch, Corridor, Done};
use crate::doubt::writes;
use crate::error::EngineError;
use crate::row::{Lost, Row};
use crate::settle::{By, account};
use crate::shared::Found;
use crate::sought::Sought;
use crate::strategy::{MatchKind, Step, look};

/// A row is deferred when so many answers have left it undecided. Being sent again without guilty neighbours, or in half
/// of a refused batch, is no such answer: every refusal makes the batch smaller, so that comes to an end by itself.
const DETOURS_MAX: u32 = 8;
/// So few rows without an answer are sent one by one; more are halved.
const ALONE_ROWS_MAX: usize = 8;

impl Corridor {
    /// Carries out one batch.
    pub(crate) async fn execute(&self, batch: Batch) -> Done {
        let mut rows = batch.rows;
        if writes(batch.step)
            && let Err(error) = self.doubt_before_writing(&mut rows).await
        {
            return self.defer(rows, "that it is about to be written could not be made durable", Some(error));
        }
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
            Step::Compare => self.compare_records(rows).await,
            Step::ClearStage => self.clear_stage(rows).await,
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
            let Some(row) = self.not_anothers(&mut done, row).await else { continue };
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
        if let Err(error) = self.memory.record(intents).await {
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
        let step = crate::preflight::instead_of_creating(step, &row, self.kind);
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
    pub(crate) fn lose(&self, row: &mut Row) {
        let now_ms = self.wall.now().as_millisecond();
        let settles_after_ms = i64::try_from(self.search_settles_after.as_millis()).unwrap_or(i64::MAX);
        let since_ms = row.lost.as_ref().map(|lost| lost.since_ms).or(row.intent_at_ms).unwrap_or(now_ms);
        row.lost = Some(Lost { since_ms, settles_at_ms: now_ms.saturating_add(settles_after_ms), sent_as: None });
    }

    /// Records what HubSpot confirmed; only then the rows are applied.
    pub(crate) async fn confirm(&self, done: &mut Done, confirmed: Vec<(Row, RecordResult)>) {
        // A record that was just made is nobody else's.
        let found = |row: &Row, result: &RecordResult| {
            let made = result.new == Some(true) || (row.record_id.is_none() && row.intent_at_ms.is_some());
            result.id.parse::<u64>().ok().filter(|_| !made)
        };
        let mut parted = match self.part(confirmed, found).await {
            Ok(parted) => parted,
            Err((rows, error)) => return merge(done, self.defer(rows, "the ledger could not be read", Some(error))),
        };
        let own = self.sort_out_stages(done, std::mem::take(&mut parted.own));
        let mut changes = Vec::with_capacity(own.len());
        let mut rows = Vec::with_capacity(own.len());
        let mut replaces = false;
        for (mut row, result) in own {
            let id = result.id.parse::<u64>().ok().or(row.record_id).unwrap_or_default();
            replaces |=
                row.before.as_ref().is_some_and(|before| !matches!(before.record_id, 0) && before.record_id != id);
            let created = row.intent_at_ms.is_some() && row.lost.is_none();
            let made_now = row.record_id.is_none() && (created || result.new == Some(true));
            changes.push(Change::Confirmed(row.confirmed(id, made_now)));
            // An intent stands only for a create, and this is its answer.
            let made = row.intent_at_ms.is_some().then_some(true);
            let told = if row.record_id.is_some() { Some(false) } else { result.new.or(made) };
            row.created = row.created.or(told);
            row.record_id = Some(id);
            rows.push(row);
        }
        let noted = if replaces { self.note_replaced().await } else { Ok(()) };
        let recorded = match noted {
            Ok(()) => self.memory.record(changes).await,
            Err(error) => Err(error),
        };
        match recorded {
            Ok(()) => {
                for row in rows {
                    done.verdicts.push(row.finish(Outcome::Applied, None));
                }
            }
            Err(error) => {
                merge(done, self.defer(rows, "HubSpot confirmed it, but that could not be recorded", Some(error)))
            }
        }
        self.refuse_taken(done, std::mem::take(&mut parted.taken), Found::ByAnswer).await;
    }

    /// Rows of other syncs that name a record of this type may name one that is no more.
    async fn note_replaced(&self) -> Result<(), EngineError> {
        let Some(ledger) = self.memory.ledger() else { return Ok(()) };
        self.replaced.get_or_try_init(|| crate::replaced::note(ledger, &self.object)).await.copied()
    }

    /// Mode `insert`: the record exists, so the row is left alone; the ledger remembers that this version of the row
    /// needs nothing.
    pub(crate) async fn skip_existing(&self, rows: Vec<Row>, done: &mut Done) {
        if rows.is_empty() {
            return;
        }
        let changes =
            rows.iter().map(|row| Change::Confirmed(row.entry_left_alone(row.record_id.unwrap_or_default()))).collect();
        match self.memory.record(changes).await {
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
        if let Err(error) = self.memory.record(changes).await {
            // The intent stays: the next run looks before it creates, which costs a request and loses nothing.
            done.stop = Some(error);
        }
    }

    /// The row's properties with its match property, where that has to be written too.
    pub(crate) fn with_match(&self, row: &Row) -> Vec<(Arc<str>, String)> {
        let mut properties = row.properties.clone();
        match self.sought {
            Sought::ByProperty => {}
            Sought::ByFields(_) => {
                let missing = row.fields.iter().filter(|(name, _)| row.write_match && row.value_of(name).is_none());
                properties.extend(missing.cloned());
                return properties;
            }
            Sought::Nowhere => return properties,
        }
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

/// Trace ids are the positions in the batch: unique within the request, which is all HubSpot asks (api.md 3.6).
pub(crate) fn traces(rows: usize) -> Vec<String> {
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
