//! Reading records before they are written, in bulk, and what follows: nothing, a write, or first a clearing.

use std::collections::HashMap;
use std::sync::Arc;

use hubward_core::spec::Mode;
use hubward_core::{ErrorKind, Outcome};
use hubward_hubspot::{ApiError, Input, RecordResult};
use hubward_store::Change;

use crate::compare::{STAGE, Weighed};
use crate::corridor::{Corridor, Done};
use crate::row::Row;
use crate::settle::{By, account, value_of};
use crate::shared::Found;
use crate::strategy::{MatchKind, Step};
use crate::write::{merge, traces};

/// Where HubSpot lists the ids that were merged into a record, joined by `;` (api.md 3.10).
const MERGED_IDS: &str = "hs_merged_object_ids";

impl Corridor {
    /// The step that a row takes where another one is due: its record is read first, where that decides what is written.
    pub(crate) fn gate(&self, step: Step, row: &Row) -> Step {
        let due = self.comparison.as_ref().is_some_and(|comparison| !row.compared.done && comparison.needs(row));
        match step {
            Step::Update if due => Step::Compare,
            Step::Upsert if due => Step::FindUnique,
            step => step,
        }
    }

    /// Properties that a look-up by the unique match property reads along.
    pub(crate) fn compared_names(&self) -> &[String] {
        self.comparison.as_ref().map_or(&[], |comparison| &comparison.names)
    }

    /// Keeps what a look-up saw of a row's record.
    pub(crate) fn hold(&self, row: &mut Row, record: &RecordResult) {
        if self.comparison.as_ref().is_some_and(|comparison| comparison.needs(row)) {
            row.compared.held = Some(record.properties.clone());
        }
    }

    /// The row's record is another one than was read.
    pub(crate) fn compare_anew(&self, row: &mut Row) {
        if let Some(comparison) = &self.comparison {
            comparison.forget(row);
        }
    }

    /// Batch read by record id.
    pub(crate) async fn compare_records(&self, rows: Vec<Row>) -> Done {
        let ids: Vec<String> = rows.iter().map(|row| row.record_id.unwrap_or_default().to_string()).collect();
        let mut names = self.compared_names().to_vec();
        names.push(MERGED_IDS.to_owned());
        if self.kind != MatchKind::Id {
            names.push(self.match_property.to_string());
        }
        let reply = match self.client.batch_read(&self.object, None, &ids, &names, &self.meta(&rows)).await {
            Ok(reply) => reply,
            Err(error) => return self.refuse_look(Step::Compare, rows, error),
        };
        let mut records: HashMap<&str, &RecordResult> = HashMap::new();
        for record in &reply.results {
            for merged in value_of(record, MERGED_IDS).unwrap_or_default().split(';') {
                records.entry(merged.trim()).or_insert(record);
            }
        }
        records.extend(reply.results.iter().map(|record| (record.id.as_str(), record)));
        let mut done = Done::default();
        for (mut row, id) in rows.into_iter().zip(ids) {
            if let Some(record) = records.get(id.as_str()) {
                row.compared.held = Some(record.properties.clone());
                done.requeue.push((Step::Update, row));
            } else if let Some(error) = reply.errors.iter().find(|error| error.ids.contains(&id)) {
                self.refuse_row(&mut done, Step::Update, row, error, None).await;
            } else {
                self.compare_one(&mut done, row, &id, &names).await;
            }
        }
        self.weigh(&mut done).await;
        done
    }

    /// Neither told nor called missing: a merged-away id may be left out so (api.md 3.6).
    async fn compare_one(&self, done: &mut Done, mut row: Row, id: &str, names: &[String]) {
        match self.read_one(&row, id, None, names).await {
            Ok(Some(record)) => {
                row.compared.held = Some(record.properties);
                done.requeue.push((Step::Update, row));
            }
            Ok(None) => {
                let error = ApiError::new(ErrorKind::NotFound, format!("HubSpot has no record {id}"));
                self.refuse_row(done, Step::Update, row, &error, None).await;
            }
            Err(error) => merge(done, self.refuse_look(Step::Compare, vec![row], error)),
        }
    }

    /// Decides by what was read, for every row that a look-up sends on to be written.
    pub(crate) async fn weigh(&self, done: &mut Done) {
        let Some(comparison) = &self.comparison else { return };
        let mut nothing = Vec::new();
        for (step, mut row) in std::mem::take(&mut done.requeue) {
            let next = match (step, row.compared.held.take()) {
                (Step::Update, Some(held)) => match comparison.weigh(&mut row, &held) {
                    Weighed::Write => Step::Update,
                    Weighed::ClearStage => Step::ClearStage,
                    Weighed::Nothing => {
                        nothing.push(row);
                        continue;
                    }
                },
                // No record yet. The match property is unique, so that an upsert makes it and can be repeated.
                (Step::Create, _)
                    if self.mode == Mode::Upsert && self.kind == MatchKind::Unique && row.lost.is_none() =>
                {
                    row.compared.done = true;
                    Step::Upsert
                }
                (step, _) => step,
            };
            done.requeue.push((next, row));
        }
        self.leave_unchanged(done, nothing).await;
    }

    /// Rows whose records need nothing; the ledger learns what it did not know of them.
    async fn leave_unchanged(&self, done: &mut Done, rows: Vec<Row>) {
        let found = rows.into_iter().map(|row| (row, ())).collect();
        let mut parted = match self.part(found, |row, ()| row.record_id).await {
            Ok(parted) => parted,
            Err((rows, error)) => return merge(done, self.defer(rows, "the ledger could not be read", Some(error))),
        };
        let mut rows: Vec<Row> = std::mem::take(&mut parted.own).into_iter().map(|(row, ())| row).collect();
        let mut changes = Vec::new();
        for row in &mut rows {
            let entry = row.confirmed(row.record_id.unwrap_or_default(), false);
            if !row.before.as_ref().is_some_and(|before| before.is(&entry)) {
                changes.push(Change::Confirmed(entry));
            }
        }
        match self.memory.record(changes).await {
            Ok(()) => {
                for mut row in rows {
                    row.looks_unchanged = false;
                    done.verdicts.push(row.finish(Outcome::Unchanged, None));
                }
            }
            Err(error) => {
                merge(done, self.defer(rows, "that it needs nothing could not be recorded", Some(error)));
            }
        }
        self.refuse_taken(done, std::mem::take(&mut parted.taken), Found::ByLook).await;
    }

    /// Empties the stage of records whose stage has to move back (api.md 3.4); the write itself follows, and until it is
    /// confirmed the ledger doubts the rows, so that a kill in between costs nothing.
    pub(crate) async fn clear_stage(&self, rows: Vec<Row>) -> Done {
        let empty = [(Arc::from(STAGE), String::new())];
        let result = {
            let ids: Vec<String> = rows.iter().map(|row| row.record_id.unwrap_or_default().to_string()).collect();
            let traces = traces(rows.len());
            let inputs: Vec<Input<'_>> = ids
                .iter()
                .zip(&traces)
                .map(|(id, trace)| Input { id: Some(id), properties: &empty, trace_id: Some(trace) })
                .collect();
            self.client.batch_update(&self.object, None, &inputs, &self.meta(&rows)).await
        };
        let mut done = Done::default();
        let reply = match result {
            Ok(reply) => reply,
            Err(error) => return self.refuse_batch(Step::ClearStage, rows, error).await,
        };
        let accounts = account(rows, reply, &By::RecordId);
        for (mut row, _, _) in accounts.confirmed {
            row.compared.stage_cleared = true;
            done.requeue.push((Step::Update, row));
        }
        for (row, error) in accounts.refused {
            self.refuse_row(&mut done, Step::ClearStage, row, &error, None).await;
        }
        for mut row in accounts.unanswered {
            // A merged-away id is left out of a batch answer, but resolves here (api.md 3.6).
            let id = row.record_id.unwrap_or_default().to_string();
            let meta = self.meta(std::slice::from_ref(&row));
            match self.client.update_record(&self.object, &id, None, &empty, &meta).await {
                Ok(_) => {
                    row.compared.stage_cleared = true;
                    done.requeue.push((Step::Update, row));
                }
                Err(error) => merge(&mut done, self.refuse_batch(Step::ClearStage, vec![row], error).await),
            }
        }
        done
    }

    /// Of confirmed rows, those whose forced stage did not move by HubSpot's own answer are sent on to have it cleared.
    pub(crate) fn sort_out_stages(
        &self,
        done: &mut Done,
        confirmed: Vec<(Row, RecordResult)>,
    ) -> Vec<(Row, RecordResult)> {
        let Some(comparison) = &self.comparison else { return confirmed };
        let (stayed, moved): (Vec<_>, Vec<_>) =
            confirmed.into_iter().partition(|(row, result)| comparison.stage_stayed(row, &result.properties));
        for (mut row, result) in stayed {
            row.record_id = result.id.parse().ok().or(row.record_id);
            self.again(done, Step::ClearStage, row);
        }
        moved
    }
}
