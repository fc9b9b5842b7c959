//! One batch of removals: what HubSpot has of the records, what may be touched, and what the answer means for each row.
//!
//! A record is read before it is touched, a hundred in one request, because it may have been merged in HubSpot meanwhile:
//! then the record that the id leads to can be that of a row which is still in the model, and must stay as it is. Whether
//! archiving or updating a merged-away id reaches the survivor is not documented (api.md 3.6, 3.10), so only ids that
//! HubSpot itself has just given are written to.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use hubward_core::required::REQUIRED_PROPERTY_CLEARED;
use hubward_core::{ErrorKind, Reason, Verdict};
use hubward_hubspot::{ApiError, BatchReply, CallMeta, Client, Input, RecordResult};
use hubward_store::Entry;

use crate::blame::reason_of;
use crate::doubt::doubt_entry;
use crate::ledger_writer::lock;
use crate::removal::{Did, Removals, Removed, Word};
use crate::run::blocking;
use crate::settle::value_of;

/// Where HubSpot lists the ids that were merged into a record, joined by `;` (api.md 3.10).
const MERGED_IDS: &str = "hs_merged_object_ids";
/// A record is given up for this run when so many answers have said nothing of it.
const SILENT_ANSWERS_MAX: u32 = 3;

/// One record to be written, with the rows that it stands for.
pub(crate) struct Target {
    id: u64,
    /// Names to empty; unused when archiving.
    properties: Vec<(Arc<str>, String)>,
    entries: Vec<Entry>,
    silent: u32,
}

impl Target {
    pub(crate) fn to_archive(id: u64, entries: Vec<Entry>) -> Self {
        Self { id, properties: Vec::new(), entries, silent: 0 }
    }
}

/// Ends records: empties properties of theirs, or archives them.
pub(crate) struct Ender<'a> {
    pub(crate) client: &'a Client,
    pub(crate) object: &'a str,
    pub(crate) sync: &'a Arc<str>,
    /// They are archived.
    pub(crate) deletes: bool,
    pub(crate) split_retries: bool,
}

/// A row whose record is to be touched, with the properties in it that are ours.
struct Open {
    entry: Entry,
    ours: Vec<Arc<str>>,
}

/// A record as the read found it.
struct Found {
    id: u64,
    merged: Vec<u64>,
}

/// What a refusal says of the records of its batch.
enum Guilt {
    /// These positions are guilty beyond doubt.
    Of(Vec<usize>),
    Nobody,
}

impl Removals {
    /// Carries out one batch. Every row of it has a word afterwards.
    pub(crate) async fn carry_out(&self, removed: Vec<Removed>) -> Did {
        let mut did = Did::default();
        let open = self.without_requests(&mut did, removed).await;
        if open.is_empty() {
            return did;
        }
        let targets = self.look(&mut did, open).await;
        if targets.is_empty() {
            return did;
        }
        let doubts = targets.iter().flat_map(|target| &target.entries).map(doubt_entry).collect();
        if let Err(error) = self.writer.record(doubts).await {
            did.stop = Some(error);
            return defer(did, targets, "that it is about to go could not be made durable");
        }
        self.ender().send(&mut did, targets).await;
        did
    }

    /// Words for rows that need nothing of HubSpot; gives back the others, with what is to be emptied.
    async fn without_requests(&self, did: &mut Did, removed: Vec<Removed>) -> Vec<Open> {
        let mut open = Vec::with_capacity(removed.len());
        for Removed { entry, holder, wanted } in removed {
            let ours: Vec<Arc<str>> = self
                .clearable
                .iter()
                .filter(|name| self.written.has(&entry.payload.written, name))
                .map(Arc::clone)
                .collect();
            let word = if let Some(holder) = holder {
                let holder = self.key_text(holder).await;
                Some(Word::LeftAlone(Reason::new(
                    "RECORD_HELD",
                    format!(
                        "record {} is also that of the row with primary key {holder}, which is in the model",
                        entry.record_id
                    ),
                )))
            } else if entry.record_id == 0 || entry.payload.match_value.is_none() {
                Some(Word::LeftAlone(Reason::new("NOT_WRITTEN", "this sync never wrote to its record")))
            } else if wanted {
                Some(Word::Deferred(
                    "a row of the model has the same match value and is not through yet; the record may become its own"
                        .to_owned(),
                ))
            } else if !self.deletes && ours.is_empty() {
                Some(Word::LeftAlone(Reason::new("NOTHING_TO_CLEAR", "its record holds no value of this sync")))
            } else if let Some(name) = ours.iter().find(|name| !self.deletes && self.required.contains(name)) {
                let text = format!(
                    "the row left the model, and clearing its record would empty {name}, which HubSpot requires: take it \
                     out of the mapping, or use `on_removed: keep` or `delete`"
                );
                Some(Word::Invalid(Reason::new(REQUIRED_PROPERTY_CLEARED, text).on(name, Some(String::new()))))
            } else {
                None
            };
            match word {
                Some(word) => did.words.push((entry, word)),
                None => open.push(Open { entry, ours }),
            }
        }
        open
    }

    /// Reads the records and says what is to be written: one target for each record.
    async fn look(&self, did: &mut Did, open: Vec<Open>) -> Vec<Target> {
        let ids: Vec<String> = open.iter().map(|open| open.entry.record_id.to_string()).collect();
        let meta = self.meta(open.iter().map(|open| &open.entry));
        let wanted = [MERGED_IDS.to_owned()];
        let reply = match self.client.batch_read(&self.object, None, &ids, &wanted, &meta).await {
            Ok(reply) => reply,
            Err(error) => {
                let why = format!("its record could not be read before it is touched: {error}");
                did.words.extend(open.into_iter().map(|open| (open.entry, Word::Deferred(why.clone()))));
                failed(did, error);
                return Vec::new();
            }
        };
        let records = records_by_id(&reply);
        let gone: HashSet<u64> = reply
            .errors
            .iter()
            .filter(|error| error.kind == ErrorKind::NotFound)
            .flat_map(|error| &error.ids)
            .filter_map(|id| id.parse().ok())
            .collect();
        let mut found: Vec<(Open, Option<Arc<Found>>)> = Vec::with_capacity(open.len());
        for Open { entry, ours } in open {
            let record = match records.get(&entry.record_id) {
                Some(record) => Some(Arc::clone(record)),
                None if gone.contains(&entry.record_id) => None,
                // Neither told nor called missing: a merged-away id may be left out so (api.md 3.6). One read decides.
                None => {
                    let meta = self.meta(std::iter::once(&entry));
                    let id = entry.record_id.to_string();
                    match self.client.read_record(&self.object, &id, None, &wanted, &meta).await {
                        Ok(record) => {
                            record.as_ref().filter(|record| !record.archived).and_then(found_in).map(Arc::new)
                        }
                        Err(error) => {
                            let why = format!("its record could not be read before it is touched: {error}");
                            did.words.push((entry, Word::Deferred(why)));
                            failed(did, error);
                            continue;
                        }
                    }
                }
            };
            found.push((Open { entry, ours }, record));
        }
        let holders = self.holders_of_merged(&found).await;
        let mut targets: Vec<Target> = Vec::new();
        for (Open { entry, ours }, record) in found {
            let Some(record) = record else {
                did.words.push((entry, self.gone()));
                continue;
            };
            let mut touched = std::iter::once(record.id).chain(record.merged.iter().copied());
            if let Some(holder) = touched.find_map(|id| holders.get(&id)).copied() {
                let holder = self.key_text(holder).await;
                let text = format!(
                    "its record was merged in HubSpot with that of the row with primary key {holder}, which is in the model \
                     (record {})",
                    record.id
                );
                did.words.push((entry, Word::LeftAlone(Reason::new("RECORD_HELD", text))));
                continue;
            }
            let at = match targets.iter().position(|target| target.id == record.id) {
                Some(at) => at,
                None => {
                    targets.push(Target { id: record.id, properties: Vec::new(), entries: Vec::new(), silent: 0 });
                    targets.len() - 1
                }
            };
            let target = &mut targets[at];
            target.entries.push(entry);
            for name in ours {
                if !target.properties.iter().any(|(known, _)| *known == name) {
                    target.properties.push((name, String::new()));
                }
            }
        }
        targets
    }

    /// Living rows by the ids that merged records are made of; empty, and nothing read, where nothing was merged.
    async fn holders_of_merged(&self, found: &[(Open, Option<Arc<Found>>)]) -> HashMap<u64, u128> {
        let mut ids: HashSet<u64> = HashSet::new();
        for (Open { entry, .. }, record) in found {
            if let Some(record) = record
                && (record.id != entry.record_id || !record.merged.is_empty())
            {
                ids.insert(record.id);
                ids.extend(&record.merged);
            }
        }
        if ids.is_empty() {
            return HashMap::new();
        }
        let ledger = Arc::clone(&self.ledger);
        let held = blocking(move || {
            let mut held = HashMap::new();
            lock(&ledger).for_each_seen(|head| {
                if ids.contains(&head.record_id) {
                    held.insert(head.record_id, head.key);
                }
            });
            Ok(held)
        });
        held.await.expect("walking over the ledger's heads reads nothing that could fail")
    }

    fn ender(&self) -> Ender<'_> {
        let Self { client, object, sync, deletes, split_retries, .. } = self;
        Ender { client, object, sync, deletes: *deletes, split_retries: *split_retries }
    }

    /// The primary key of a row as shown to people.
    async fn key_text(&self, key: u128) -> String {
        let ledger = Arc::clone(&self.ledger);
        let read = blocking(move || Ok(lock(&ledger).get(key)?.map(|entry| entry.payload.key_text)));
        read.await.ok().flatten().unwrap_or_else(|| "unknown".to_owned())
    }

    fn gone(&self) -> Word {
        self.ender().gone()
    }

    fn meta<'a>(&self, entries: impl Iterator<Item = &'a Entry>) -> CallMeta {
        self.ender().meta(entries)
    }
}

impl Ender<'_> {
    /// Writes the targets; a refused batch is divided until every record has its own answer.
    pub(crate) async fn send(&self, did: &mut Did, targets: Vec<Target>) {
        let mut parts = vec![targets];
        while let Some(part) = parts.pop() {
            if part.is_empty() {
                continue;
            }
            if did.stop.is_some() {
                let deferred = defer(std::mem::take(did), part, "not sent: the run stopped");
                *did = deferred;
                continue;
            }
            let meta = self.meta(part.iter().flat_map(|target| &target.entries));
            let ids: Vec<String> = part.iter().map(|target| target.id.to_string()).collect();
            let answer = if self.deletes {
                self.client.batch_archive(self.object, &ids, &meta).await
            } else {
                let traces: Vec<String> = (0..part.len()).map(|at| at.to_string()).collect();
                let inputs: Vec<Input<'_>> = part
                    .iter()
                    .zip(&ids)
                    .zip(&traces)
                    .map(|((target, id), trace)| Input {
                        id: Some(id),
                        properties: &target.properties,
                        trace_id: Some(trace),
                    })
                    .collect();
                self.client.batch_update(self.object, None, &inputs, &meta).await
            };
            match answer {
                Ok(reply) => self.settle(did, &mut parts, part, &reply),
                Err(error) => self.refuse(did, &mut parts, part, error),
            }
        }
    }

    /// Accounts for every record of a successful answer.
    fn settle(&self, did: &mut Did, parts: &mut Vec<Vec<Target>>, part: Vec<Target>, reply: &BatchReply) {
        for (at, mut target) in part.into_iter().enumerate() {
            let (id, trace) = (target.id.to_string(), at.to_string());
            let error = reply.errors.iter().find(|error| error.ids.contains(&id) || error.trace_ids.contains(&trace));
            let result =
                reply.results.iter().any(|result| result.id == id || result.trace_id.as_deref() == Some(&trace));
            match error {
                Some(error) if error.kind == ErrorKind::NotFound => finish(did, target, &self.gone()),
                Some(error) => finish(did, target, &Word::Rejected(reason_of(error, None, ""))),
                None if result => finish(did, target, &if self.deletes { Word::Archived } else { Word::Cleared }),
                // 204 has no body and means every id (api.md 3.6).
                None if self.deletes && reply.errors.is_empty() => finish(did, target, &Word::Archived),
                None => {
                    target.silent += 1;
                    if target.silent < SILENT_ANSWERS_MAX {
                        parts.push(vec![target]);
                    } else {
                        let why = format!("HubSpot neither confirmed nor refused it in {SILENT_ANSWERS_MAX} answers");
                        finish(did, target, &Word::Deferred(why));
                    }
                }
            }
        }
    }

    /// A refusal of the whole request.
    fn refuse(&self, did: &mut Did, parts: &mut Vec<Vec<Target>>, mut part: Vec<Target>, error: ApiError) {
        let divides = error.kind.verdict(true) == Verdict::FixRows || error.kind == ErrorKind::Malformed;
        if !divides {
            let why = format!("HubSpot did not take it: {error}");
            *did = defer(std::mem::take(did), part, &why);
            return failed(did, error);
        }
        if part.len() == 1 || !self.split_retries {
            let lasting = error.kind == ErrorKind::Malformed;
            let word = match error.kind {
                ErrorKind::NotFound if part.len() == 1 => self.gone(),
                _ => Word::Rejected(reason_of(&error, None, "")),
            };
            for target in part {
                finish(did, target, &word);
            }
            if lasting {
                // Single records refused as unreadable, one after another, are not the records' fault.
                did.exhausted = Some(error.into());
            }
            return;
        }
        match guilt(&error, &part) {
            Guilt::Of(guilty) => {
                let word = match error.kind {
                    ErrorKind::NotFound => self.gone(),
                    _ => Word::Rejected(reason_of(&error, None, "")),
                };
                let mut rest = Vec::with_capacity(part.len());
                for (at, target) in part.into_iter().enumerate() {
                    if guilty.contains(&at) {
                        finish(did, target, &word);
                    } else {
                        rest.push(target);
                    }
                }
                parts.push(rest);
            }
            Guilt::Nobody => {
                let second = part.split_off(part.len() / 2);
                parts.push(second);
                parts.push(part);
            }
        }
    }

    /// What a record that is not there any more means.
    fn gone(&self) -> Word {
        if self.deletes {
            Word::GoneAlready
        } else {
            Word::LeftAlone(Reason::new("RECORD_GONE", "its record is not in HubSpot any more"))
        }
    }

    fn meta<'a>(&self, entries: impl Iterator<Item = &'a Entry>) -> CallMeta {
        CallMeta {
            sync: Some(Arc::clone(self.sync)),
            rows: entries.map(|entry| entry.payload.key_text.clone()).collect(),
        }
    }
}

fn finish(did: &mut Did, target: Target, word: &Word) {
    did.words.extend(target.entries.into_iter().map(|entry| (entry, word.clone())));
}

fn defer(mut did: Did, targets: Vec<Target>, why: &str) -> Did {
    for target in targets {
        finish(&mut did, target, &Word::Deferred(why.to_owned()));
    }
    did
}

/// A failure that decides nothing about rows: whether the run goes on.
fn failed(did: &mut Did, error: ApiError) {
    match error.kind.verdict(true) {
        Verdict::Stop => did.stop = Some(error.into()),
        _ => did.exhausted = Some(error.into()),
    }
}

/// Records by every id that leads to them.
fn records_by_id(reply: &BatchReply) -> HashMap<u64, Arc<Found>> {
    let mut records: HashMap<u64, Arc<Found>> = HashMap::new();
    for record in reply.results.iter().filter(|record| !record.archived) {
        let Some(found) = found_in(record).map(Arc::new) else { continue };
        for id in &found.merged {
            records.entry(*id).or_insert_with(|| Arc::clone(&found));
        }
        records.insert(found.id, found);
    }
    records
}

fn found_in(record: &RecordResult) -> Option<Found> {
    let id = record.id.parse().ok()?;
    let merged = value_of(record, MERGED_IDS).unwrap_or_default();
    let merged = merged.split(';').filter_map(|id| id.trim().parse().ok()).filter(|merged| *merged != id).collect();
    Some(Found { id, merged })
}

/// By trace id, by record id, or because HubSpot says which property must not be emptied.
fn guilt(error: &ApiError, part: &[Target]) -> Guilt {
    let empties = |target: &Target, names: &dyn Fn(&str) -> bool| target.properties.iter().any(|(name, _)| names(name));
    let mut guilty = Vec::new();
    for (at, target) in part.iter().enumerate() {
        if error.ids.contains(&target.id.to_string())
            || error.trace_ids.contains(&at.to_string())
            || empties(target, &|name| error.cleared.iter().any(|cleared| cleared == name))
        {
            guilty.push(at);
        }
    }
    // A conditional rule speaks of some of the records that empty a property, so these are no more than suspect.
    if guilty.is_empty() && !error.issues.iter().any(|issue| issue.code.contains("CONDITIONAL")) {
        let named = |name: &str| error.issues.iter().any(|issue| issue.property == name);
        guilty.extend(part.iter().enumerate().filter(|(_, target)| empties(target, &named)).map(|(at, _)| at));
    }
    if guilty.is_empty() { Guilt::Nobody } else { Guilt::Of(guilty) }
}
