//! Finding records: by a unique property, by search, and after a create whose answer was lost.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use hubward_core::spec::Mode;
use hubward_core::{ErrorKind, Outcome, Reason, Verdict};
use hubward_hubspot::{ApiError, RecordResult};

use crate::blame::reason_of;
use crate::corridor::{Batch, Corridor, Done};
use crate::refuse::taken_by;
use crate::row::Row;
use crate::search::{QUERY_VALUES_MAX, characters_of, room};
use crate::settle::value_of;
use crate::sought::Sought;
use crate::strategy::{MatchKind, Next, Step, first, found as found_means, missing};
use crate::write::merge;

/// A record that was made this much before our create was sent cannot be ours; clocks differ, so not at once.
const CLOCK_SKEW_MS: i64 = 10 * 60 * 1_000;

/// The code of a create that nobody can tell whether it was carried out.
pub(crate) const UNKNOWN_OUTCOME: &str = "UNKNOWN_OUTCOME";

impl Corridor {
    /// Batch read by the unique match property: which of the rows have a record.
    pub(crate) async fn find_unique(&self, rows: Vec<Row>) -> Done {
        let (rows, mut records) = match self.read_by_match(Step::FindUnique, rows, self.compared_names()).await {
            Ok(read) => read,
            Err(done) => return done,
        };
        let mut found = Vec::with_capacity(rows.len());
        for mut row in rows {
            let record = records.remove(&self.folding.fold(row.looked_for())).flatten();
            if let Some(record) = &record {
                self.hold(&mut row, record);
            }
            found.push((row, record));
        }
        let mut done = Done::default();
        self.decide(&mut done, found).await;
        self.weigh(&mut done).await;
        done
    }

    /// Batched search by a match property that HubSpot does not keep unique.
    pub(crate) async fn find_search(&self, rows: Vec<Row>) -> Done {
        let (rows, mut hits) = match self.search_by_match(Step::FindSearch, rows, &[]).await {
            Ok(found) => found,
            Err(done) => return done,
        };
        let mut done = Done::default();
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            let mut hits = hits.remove(&self.folding.fold(row.looked_for())).unwrap_or_default();
            if hits.len() > 1 {
                done.verdicts.push(self.ambiguous(row, &hits));
            } else {
                found.push((row, hits.pop()));
            }
        }
        self.decide(&mut done, found).await;
        done
    }

    /// A create of unknown outcome whose match property is unique: reading by it is consistent at once (api.md 4.2).
    pub(crate) async fn look_unique(&self, rows: Vec<Row>) -> Done {
        let properties = written_by(&rows);
        let (rows, mut records) = match self.read_by_match(Step::LookUnique, rows, &properties).await {
            Ok(read) => read,
            Err(done) => return done,
        };
        let mut done = Done::default();
        for row in rows {
            match records.remove(&self.folding.fold(row.looked_for())).flatten() {
                None => self.never_made(&mut done, row).await,
                Some(record) => self.claim(&mut done, row, record).await,
            }
        }
        done
    }

    /// A create of unknown outcome that only search can find: asked once the index has surely caught up.
    pub(crate) async fn look_search(&self, rows: Vec<Row>) -> Done {
        if matches!(self.sought, Sought::Nowhere) {
            return self.never_known(rows);
        }
        let settled_ms =
            rows.iter().filter_map(|row| row.lost.as_ref().map(|lost| lost.settles_at_ms)).max().unwrap_or_default();
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
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.cancel.wait() => {
                    let requeue = rows.into_iter().map(|row| (Step::LookSearch, row)).collect();
                    return Done { requeue, ..Done::default() };
                }
            }
        }
        let properties = written_by(&rows);
        let (rows, mut hits) = match self.search_by_match(Step::LookSearch, rows, &properties).await {
            Ok(found) => found,
            Err(done) => return done,
        };
        let mut done = Done::default();
        for row in rows {
            let mut hits = hits.remove(&self.folding.fold(row.looked_for())).unwrap_or_default();
            if hits.len() > 1 {
                let ours: Vec<RecordResult> =
                    hits.iter().filter(|hit| made_since_lost(&row, hit, CLOCK_SKEW_MS)).cloned().collect();
                if ours.len() != 1 {
                    done.verdicts.push(self.ambiguous(row, &hits));
                    continue;
                }
                hits = ours;
            }
            match hits.pop() {
                None => self.never_made(&mut done, row).await,
                Some(record) => self.claim(&mut done, row, record).await,
            }
        }
        done
    }

    /// What a look-up's answers mean in this sync's mode. A record that is another row's already is not written to.
    async fn decide(&self, done: &mut Done, found: Vec<(Row, Option<RecordResult>)>) {
        let mut doubtful = Vec::new();
        for (row, record) in &found {
            let Some(record) = record else { continue };
            // Found by another value than its own (a secondary e-mail address), or by an index that may be behind.
            let own = value_of(record, &self.match_property).map(|value| self.folding.fold(value));
            let by_its_own = own.is_some_and(|own| own == self.folding.fold(row.looked_for()));
            // A record that has the value for all to see may be another row's all the same: somebody changed it in HubSpot.
            if (row.takes_over || !by_its_own || self.kind == MatchKind::Unique)
                && found_means(self.mode) != Next::SkipExisting
                && let Ok(id) = record.id.parse()
            {
                doubtful.push((id, row.ident.key));
            }
        }
        let holders = match self.holders(&doubtful).await {
            Ok(holders) => holders,
            Err(error) => {
                let rows = found.into_iter().map(|(row, _)| row).collect();
                return merge(done, self.defer(rows, "the ledger could not be read", Some(error)));
            }
        };
        let mut existing = Vec::new();
        for (mut row, record) in found {
            let mut id = record.as_ref().and_then(|record| record.id.parse::<u64>().ok());
            if let Some(id) = id
                && doubtful.contains(&(id, row.ident.key))
                && let Some(holder) = holders.get(&id)
                && !(self.kind == MatchKind::Search && holder.match_hash != row.ident.match_hash)
            {
                let value = row.ident.match_value.clone();
                let reason =
                    Reason::new("RECORD_TAKEN", taken_by(id, &holder.key_text)).on(&self.match_property, Some(value));
                done.verdicts.push(row.finish(Outcome::Rejected, Some(reason)));
                continue;
            }
            if id.is_some_and(|id| doubtful.contains(&(id, row.ident.key)) && holders.contains_key(&id)) {
                // HubSpot has confirmed another value for that record; only its index does not show it yet.
                id = None;
            }
            row.record_id = id;
            // The record was found by this value, so it need not be written again.
            row.write_match = id.is_none();
            match if id.is_some() { found_means(self.mode) } else { missing(self.mode) } {
                Next::Go(Step::Create) if row.lacks.is_some() => {
                    if row.lost.is_some() {
                        self.clear_intents(done, std::slice::from_ref(&row)).await;
                    }
                    let reason = row.lacks.take().map(|reason| *reason);
                    done.verdicts.push(row.finish(Outcome::Invalid, reason));
                }
                Next::Go(step) => self.again(done, step, row),
                Next::SkipExisting => existing.push(row),
                Next::SkipMissing | Next::RejectUnknownId => {
                    if row.lost.is_some() {
                        self.clear_intents(done, std::slice::from_ref(&row)).await;
                    }
                    let text = format!(
                        "no record has {} {:?}; mode update leaves it alone",
                        self.match_property, row.ident.match_value
                    );
                    done.verdicts.push(row.finish(Outcome::Skipped, Some(Reason::new("NO_RECORD", text))));
                }
            }
        }
        self.skip_existing(existing, done).await;
    }

    /// No record stands where a create of unknown outcome would have made one.
    async fn never_made(&self, done: &mut Done, mut row: Row) {
        let sent_as = row.lost.as_mut().and_then(|lost| lost.sent_as.take());
        if sent_as.is_none() {
            return self.decide(done, vec![(row, None)]).await;
        }
        // It was looked for by the value it had then; as it is now, the row begins anew.
        self.clear_intents(done, std::slice::from_ref(&row)).await;
        row.lost = None;
        row.intent_at_ms = None;
        match first(self.mode, self.kind, false, false) {
            Next::Go(step) => self.again(done, step, row),
            _ => self.decide(done, vec![(row, None)]).await,
        }
    }

    /// Nothing tells whether these creates were carried out. Their intents stay: whoever sends them again has to say so.
    fn never_known(&self, rows: Vec<Row>) -> Done {
        let mut done = Done::default();
        for row in rows {
            let text = "HubSpot gave no answer to its creation, and nothing that it writes tells its record from others; look \
                        in HubSpot whether it is there before it is sent again";
            done.verdicts.push(row.finish(Outcome::Rejected, Some(Reason::new(UNKNOWN_OUTCOME, text))));
        }
        done
    }

    /// A record stands where we may have created one.
    async fn claim(&self, done: &mut Done, mut row: Row, record: RecordResult) {
        let sent_as_it_is = row.lost.as_ref().is_none_or(|lost| lost.sent_as.is_none());
        let same = sent_as_it_is
            && row.properties.iter().all(|(name, value)| value_of(&record, name).unwrap_or_default() == value);
        // In mode insert a doubtful record with other values is left alone rather than overwritten.
        let skew_ms = if self.mode == Mode::Insert && !same { 0 } else { CLOCK_SKEW_MS };
        if made_since_lost(&row, &record, skew_ms) {
            row.record_id = record.id.parse().ok();
            row.created = Some(true);
            if same {
                self.confirm(done, vec![(row, record)]).await;
            } else {
                // Ours, with values that HubSpot wrote in its own way, or that have changed since: written once more.
                row.write_match = !sent_as_it_is;
                self.again(done, Step::Update, row);
            }
        } else if sent_as_it_is {
            // It was there before we tried: the create never happened.
            self.decide(done, vec![(row, Some(record))]).await;
        } else {
            self.never_made(done, row).await;
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
            row.looked_for(),
            ids.join(", ")
        );
        let value = row.ident.match_value.clone();
        row.finish(Outcome::Rejected, Some(Reason::new("AMBIGUOUS_MATCH", text).on(&self.match_property, Some(value))))
    }

    /// Reads the records of these rows by the unique match property. In the map, `None` is an answer: there is no record.
    async fn read_by_match(
        &self,
        step: Step,
        rows: Vec<Row>,
        properties: &[String],
    ) -> Result<(Vec<Row>, HashMap<String, Option<RecordResult>>), Done> {
        let ids: Vec<String> = rows.iter().map(|row| row.looked_for().to_owned()).collect();
        let mut wanted = vec![self.match_property.to_string()];
        wanted.extend(properties.iter().cloned());
        let meta = self.meta(&rows);
        let reply = match self.client.batch_read(&self.object, Some(&self.match_property), &ids, &wanted, &meta).await {
            Ok(reply) => reply,
            Err(error) => return Err(self.refuse_look(step, rows, error)),
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
            let name = self.folding.fold(row.looked_for());
            if records.contains_key(&name) {
                continue;
            }
            match self.read_one(row, row.looked_for(), Some(&self.match_property), &wanted).await {
                Ok(record) => {
                    records.insert(name, record);
                }
                Err(error) => return Err(self.refuse_look(step, rows, error)),
            }
        }
        Ok((rows, records))
    }

    async fn search_by_match(
        &self,
        step: Step,
        rows: Vec<Row>,
        properties: &[String],
    ) -> Result<(Vec<Row>, HashMap<String, Vec<RecordResult>>), Done> {
        match &self.sought {
            Sought::ByProperty => {}
            Sought::ByFields(foldings) => return self.search_by_fields(foldings, step, rows, properties).await,
            Sought::Nowhere => return Ok((rows, HashMap::new())),
        }
        let mut hits: HashMap<String, Vec<RecordResult>> = HashMap::new();
        let room = room(&self.match_property, properties);
        let mut start = 0;
        let mut ends = vec![];
        while start < rows.len() {
            let end = ends.pop().unwrap_or_else(|| self.query_end(&rows, start, room.values));
            let slice = &rows[start..end];
            let found = match crate::search::records(self, slice, &room.properties).await {
                Ok(found) => found,
                Err(error) => return Err(self.refuse_look(step, rows, error)),
            };
            let names: Vec<String> = slice.iter().map(|row| self.folding.fold(row.looked_for())).collect();
            let named = |record: &RecordResult| {
                let value = value_of(record, &self.match_property).map(|value| self.folding.fold(value));
                value.and_then(|value| names.iter().position(|name| *name == value))
            };
            // Hits that are not shown, or not told whose they are, might be any row's: asked again for fewer rows.
            let clear = found.complete && found.records.iter().all(|record| named(record).is_some());
            if !clear && slice.len() > 1 {
                ends.push(end);
                ends.push(start + slice.len() / 2);
                continue;
            }
            if !found.complete && found.records.len() < 2 {
                let error = ApiError::new(ErrorKind::Unreadable, "HubSpot's search shows pages without an end");
                return Err(self.refuse_look(step, rows, error));
            }
            for record in found.records {
                let name = match named(&record) {
                    Some(at) => &names[at],
                    // The only row asked for; HubSpot shows its value in another form. Of a property with several options
                    // it may have found one among others, which is another value.
                    None if !self.folding.finds_parts() => &names[0],
                    None => continue,
                };
                hits.entry(name.clone()).or_default().push(record);
            }
            start = end;
        }
        Ok((rows, hits))
    }

    /// Where the query that begins at `start` has to end.
    fn query_end(&self, rows: &[Row], start: usize, characters_max: usize) -> usize {
        let mut end = start;
        let mut characters = 0;
        while end < rows.len() && end - start < QUERY_VALUES_MAX {
            characters += characters_of(&self.folding.searched(rows[end].looked_for()));
            if end > start && characters > characters_max {
                break;
            }
            end += 1;
        }
        end
    }

    /// A look-up that failed decides nothing. HubSpot's refusal is pinned on its row by halving, and so is what it cannot
    /// read, unless single rows, one after another, are refused like that; other failures defer the rows. Open intents stay
    /// open.
    pub(crate) fn refuse_look(&self, step: Step, mut rows: Vec<Row>, error: ApiError) -> Done {
        let mut done = Done::default();
        let why = format!("its record could not be looked up: {error}");
        let malformed = error.kind == ErrorKind::Malformed && self.split_retries;
        let verdict = if malformed { Verdict::FixRows } else { error.kind.verdict(true) };
        match verdict {
            Verdict::FixRows if rows.len() > 1 && self.split_retries => {
                let second = rows.split_off(rows.len() / 2);
                done.batches.push(Batch { step, rows });
                done.batches.push(Batch { step, rows: second });
            }
            Verdict::FixRows => {
                for row in rows {
                    let mut reason = reason_of(&error, Some(&row), &self.match_property);
                    reason.text = format!("its record could not be looked up: {}", reason.text);
                    done.verdicts.push(row.finish(Outcome::Rejected, Some(reason)));
                }
                done.exhausted = malformed.then(|| error.into());
            }
            Verdict::Stop => merge(&mut done, self.defer(rows, &why, Some(error.into()))),
            _ => {
                merge(&mut done, self.defer(rows, &why, None));
                done.exhausted = Some(error.into());
            }
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

fn made_since_lost(row: &Row, record: &RecordResult, skew_ms: i64) -> bool {
    let made = record.created_at.as_deref().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    match (&row.lost, made) {
        (Some(lost), Some(made)) => made.as_millisecond() >= lost.since_ms - skew_ms,
        (Some(_), None) => true,
        (None, _) => false,
    }
}
