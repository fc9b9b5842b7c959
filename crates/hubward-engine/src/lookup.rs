//! Finding records: by a unique property, by search, and after a create whose answer was lost.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use hubward_core::{ErrorKind, Outcome, Reason};
use hubward_hubspot::{ApiError, RecordResult};

use crate::corridor::{Corridor, Done};
use crate::row::Row;
use crate::search::{QUERY_CHARACTERS_MAX, QUERY_VALUES_MAX};
use crate::settle::value_of;
use crate::strategy::{Next, Step, found, missing};
use crate::write::merge;

/// A record that was made this much before our intent cannot be ours; clocks differ, so not at once.
const CLOCK_SKEW_MS: i64 = 10 * 60 * 1_000;

impl Corridor {
    /// Batch read by the unique match property: which of the rows have a record.
    pub(crate) async fn find_unique(&self, rows: Vec<Row>) -> Done {
        let (rows, records) = match self.read_by_match(rows, &[]).await {
            Ok(read) => read,
            Err(done) => return done,
        };
        let mut done = Done::default();
        for row in rows {
            let record = records.get(&self.folding.fold(&row.ident.match_value));
            self.decide(&mut done, row, record.and_then(Option::as_ref)).await;
        }
        done
    }

    /// Batched search by a match property that HubSpot does not keep unique.
    pub(crate) async fn find_search(&self, rows: Vec<Row>) -> Done {
        let (rows, hits) = match self.search_by_match(rows, &[]).await {
            Ok(found) => found,
            Err(done) => return done,
        };
        let mut done = Done::default();
        for row in rows {
            match hits.get(&self.folding.fold(&row.ident.match_value)).map(Vec::as_slice) {
                None | Some([]) => self.decide(&mut done, row, None).await,
                Some([one]) => self.decide(&mut done, row, Some(one)).await,
                Some(many) => done.verdicts.push(self.ambiguous(row, many)),
            }
        }
        done
    }

    /// A create of unknown outcome whose match property is unique: reading by it is consistent at once (api.md 4.2).
    pub(crate) async fn look_unique(&self, rows: Vec<Row>) -> Done {
        let properties = written_by(&rows);
        let (rows, records) = match self.read_by_match(rows, &properties).await {
            Ok(read) => read,
            Err(done) => return done,
        };
        let mut done = Done::default();
        for row in rows {
            match records.get(&self.folding.fold(&row.ident.match_value)).and_then(Option::as_ref) {
                None => done.requeue.push((Step::Create, row)),
                Some(record) => self.claim(&mut done, row, record).await,
            }
        }
        done
    }

    /// A create of unknown outcome that only search can find: asked once the index has surely caught up.
    pub(crate) async fn look_search(&self, rows: Vec<Row>) -> Done {
        let last_ms = rows.iter().filter_map(|row| row.intent_at_ms).max().unwrap_or_default();
        let settled_ms =
            last_ms.saturating_add(i64::try_from(self.search_settles_after.as_millis()).unwrap_or(i64::MAX));
        let wait_ms = settled_ms.saturating_sub(self.wall.now().as_millisecond());
        if let Ok(wait_ms) = u64::try_from(wait_ms)
            && wait_ms > 0
        {
            let wait = Duration::from_millis(wait_ms).min(self.search_settles_after);
            self.progress.note(&format!(
                "{} creates have no answer; HubSpot's search is asked for them in {} s",
                rows.len(),
                wait.as_secs().max(1)
            ));
            tokio::time::sleep(wait).await;
        }
        let properties = written_by(&rows);
        let (rows, hits) = match self.search_by_match(rows, &properties).await {
            Ok(found) => found,
            Err(done) => return done,
        };
        let mut done = Done::default();
        for row in rows {
            match hits.get(&self.folding.fold(&row.ident.match_value)).map(Vec::as_slice) {
                None | Some([]) => done.requeue.push((Step::Create, row)),
                Some([one]) => self.claim(&mut done, row, one).await,
                Some(many) => {
                    let ours: Vec<&RecordResult> = many.iter().filter(|hit| made_since_intent(&row, hit)).collect();
                    match ours.as_slice() {
                        [one] => self.claim(&mut done, row, one).await,
                        _ => done.verdicts.push(self.ambiguous(row, many)),
                    }
                }
            }
        }
        done
    }

    /// What a look-up's answer means in this sync's mode.
    async fn decide(&self, done: &mut Done, mut row: Row, record: Option<&RecordResult>) {
        let id = record.and_then(|record| record.id.parse::<u64>().ok());
        row.record_id = id;
        // The record was found by this value, so it need not be written again.
        row.write_match = id.is_none();
        match if id.is_some() { found(self.mode) } else { missing(self.mode) } {
            Next::Go(step) => done.requeue.push((step, row)),
            Next::SkipExisting => self.skip_existing(vec![row], done).await,
            Next::SkipMissing | Next::RejectUnknownId => {
                let text = format!(
                    "no record has {} {:?}; mode update leaves it alone",
                    self.match_property, row.ident.match_value
                );
                done.verdicts.push(row.finish(Outcome::Skipped, Some(Reason::new("NO_RECORD", text))));
            }
        }
    }

    /// A record stands where we may have created one.
    async fn claim(&self, done: &mut Done, mut row: Row, record: &RecordResult) {
        row.record_id = record.id.parse().ok();
        if made_since_intent(&row, record) {
            let same = row.properties.iter().all(|(name, value)| value_of(record, name).unwrap_or_default() == value);
            if same {
                let result = record.clone();
                self.confirm(done, vec![(row, result)]).await;
            } else {
                // Ours, with values that HubSpot wrote in its own way, or somebody changed them meanwhile: written once more.
                row.write_match = false;
                done.requeue.push((Step::Update, row));
            }
        } else {
            // It was there before we tried: the create never happened.
            self.decide(done, row, Some(record)).await;
        }
    }

    fn ambiguous(&self, row: Row, hits: &[RecordResult]) -> crate::row::Verdict {
        let mut ids: Vec<&str> = hits.iter().take(10).map(|hit| hit.id.as_str()).collect();
        if hits.len() > ids.len() {
            ids.push("…");
        }
        let text = format!(
            "{} records have {} {:?}: {}; merge them in HubSpot, or match on a property that is unique",
            hits.len(),
            self.match_property,
            row.ident.match_value,
            ids.join(", ")
        );
        let value = row.ident.match_value.clone();
        row.finish(Outcome::Rejected, Some(Reason::new("AMBIGUOUS_MATCH", text).on(&self.match_property, Some(value))))
    }

    /// Reads the records of these rows by the unique match property. In the map, `None` is an answer: there is no record.
    async fn read_by_match(
        &self,
        rows: Vec<Row>,
        properties: &[String],
    ) -> Result<(Vec<Row>, HashMap<String, Option<RecordResult>>), Done> {
        let ids: Vec<String> = rows.iter().map(|row| row.ident.match_value.clone()).collect();
        let mut wanted = vec![self.match_property.to_string()];
        wanted.extend(properties.iter().cloned());
        let meta = self.meta(&rows);
        let reply = match self.client.batch_read(&self.object, Some(&self.match_property), &ids, &wanted, &meta).await {
            Ok(reply) => reply,
            Err(error) => return Err(self.refuse_look(rows, error)),
        };
        let mut records: HashMap<String, Option<RecordResult>> = HashMap::new();
        for error in &reply.errors {
            if error.kind == ErrorKind::NotFound {
                for id in &error.ids {
                    records.insert(self.folding.fold(id), None);
                }
            }
        }
        for record in reply.results {
            if let Some(value) = value_of(&record, &self.match_property) {
                records.insert(self.folding.fold(value), Some(record));
            }
        }
        // Not named at all: a secondary e-mail finds a record that carries another address, and some answers leave
        // unknown ids out. One read each decides.
        for row in &rows {
            let name = self.folding.fold(&row.ident.match_value);
            if records.contains_key(&name) {
                continue;
            }
            let meta = self.meta(std::slice::from_ref(row));
            let read = self
                .client
                .read_record(&self.object, &row.ident.match_value, Some(&self.match_property), &wanted, &meta)
                .await;
            match read {
                Ok(record) => {
                    records.insert(name, record);
                }
                Err(error) => return Err(self.refuse_look(rows, error)),
            }
        }
        Ok((rows, records))
    }

    async fn search_by_match(
        &self,
        rows: Vec<Row>,
        properties: &[String],
    ) -> Result<(Vec<Row>, HashMap<String, Vec<RecordResult>>), Done> {
        let mut hits: HashMap<String, Vec<RecordResult>> = HashMap::new();
        let mut start = 0;
        while start < rows.len() {
            let mut end = start;
            let mut characters = 0;
            while end < rows.len() && end - start < QUERY_VALUES_MAX {
                characters += self.folding.searched(&rows[end].ident.match_value).len() + 6;
                if end > start && characters > QUERY_CHARACTERS_MAX {
                    break;
                }
                end += 1;
            }
            let slice = &rows[start..end];
            match crate::search::records(self, slice, properties).await {
                Ok(found) => {
                    for record in found {
                        if let Some(value) = value_of(&record, &self.match_property) {
                            hits.entry(self.folding.fold(value)).or_default().push(record);
                        }
                    }
                }
                Err(error) => return Err(self.refuse_look(rows, error)),
            }
            start = end;
        }
        Ok((rows, hits))
    }

    /// A look-up that failed decides nothing: the rows are deferred; open intents stay open.
    fn refuse_look(&self, rows: Vec<Row>, error: ApiError) -> Done {
        let mut done = Done::default();
        let why = format!("its record could not be looked up: {error}");
        let stop = matches!(error.kind.verdict(true), hubward_core::Verdict::Stop | hubward_core::Verdict::FixRows);
        let fault = crate::error::EngineError::from(error);
        if stop {
            merge(&mut done, self.defer(rows, &why, Some(fault)));
        } else {
            merge(&mut done, self.defer(rows, &why, None));
            done.exhausted = Some(fault);
        }
        done
    }
}

/// The properties that any of these rows writes, to be read back.
fn written_by(rows: &[Row]) -> Vec<String> {
    let mut names: Vec<Arc<str>> = Vec::new();
    for row in rows {
        for (name, _) in &row.properties {
            if !names.contains(name) {
                names.push(Arc::clone(name));
            }
        }
    }
    names.iter().map(ToString::to_string).collect()
}

fn made_since_intent(row: &Row, record: &RecordResult) -> bool {
    let made = record.created_at.as_deref().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    match (row.intent_at_ms, made) {
        (Some(intent_ms), Some(made)) => made.as_millisecond() >= intent_ms - CLOCK_SKEW_MS,
        (Some(_), None) => true,
        (None, _) => false,
    }
}
