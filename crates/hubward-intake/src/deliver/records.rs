//! Records of a window: intents on one record become one write, writes go out in full batches, in rounds that keep two writes
//! to one record apart.

use std::collections::HashMap;
use std::sync::Arc;

use hubward_core::spec::Mode;
use hubward_core::{ErrorKind, Outcome, Reason};
use hubward_engine::EngineError;
use hubward_engine::door::{Found, Match, Record, Settled};
use serde_json::Value;

use super::names::{find_name, folded, is_contact, record_name};
use super::window::{Delivery, Place, Window, Word, address_of, forced};
use crate::actions::{EventIntent, Find, GROUP_ID, OnFound, OnMissing, RecordIntent, RecordKey, SearchField};

/// An input of a call that says the same as another is sent again in a call of its own so many times.
const TWINS_MAX: u32 = 5;

/// What one event asks of one record.
#[derive(Clone, Debug)]
pub(super) struct Task {
    pub(super) place: Place,
    pub(super) intent: RecordIntent,
}

/// What events ask of one record in one write.
#[derive(Debug)]
pub(super) struct Group {
    key: Option<RecordKey>,
    round: usize,
    members: Vec<Task>,
    /// Those whose write HubSpot confirmed, or that found their record as it should be.
    pub(super) good: Vec<Task>,
    pub(super) record_id: Option<u64>,
    /// The contacts that the record is to be associated to, each with the event that asks for it.
    pub(super) contacts: Vec<(Place, u64)>,
}

impl Group {
    /// Everything that hangs on the record.
    pub(super) fn object(&self) -> &str {
        &self.members[0].intent.object
    }
}

/// One write.
struct Call {
    key: String,
    /// The same by the event that asks for it.
    event_key: String,
    object: String,
    find: Find,
    on_missing: OnMissing,
    on_found: OnFound,
    moves_stage: bool,
    properties: Vec<(Arc<str>, String)>,
    /// A record that a search has found.
    known: Option<u64>,
}

/// What calls that go together have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Bucket {
    object: String,
    match_: Match,
    mode: Mode,
    moves_stage: bool,
}

impl Window<'_> {
    /// Everything, in its stages.
    pub(super) async fn deliver(&mut self, tasks: Vec<Task>, events: Vec<(Place, EventIntent)>) {
        let tasks = self.prepare(tasks).await;
        let tasks = self.check_links(tasks).await;
        let (contacts, others): (Vec<Task>, Vec<Task>) =
            tasks.into_iter().partition(|task| is_contact(&task.intent.object));
        let mut groups = self.write(contacts).await;
        self.remember_users(&groups).await;
        let (others, contact_of) = self.with_contacts(others, &groups).await;
        let (delivery, asked) = (self.delivery, self.asked);
        // Events of contacts come after the contacts; beside the other records.
        let sending = super::custom_events::send(delivery, asked, events);
        let writing = async {
            let mut written = self.write(others).await;
            for group in &mut written {
                let contacts = group.good.iter().filter_map(|task| Some((task.place, *contact_of.get(&task.place)?)));
                group.contacts = contacts.collect();
            }
            groups.extend(written);
            self.associate(&groups).await;
            self.lists(&groups).await;
        };
        let (sent, ()) = tokio::join!(Box::pin(sending), Box::pin(writing));
        for (place, word) in sent.words {
            self.settle(place, word);
        }
        for (place, field, message) in sent.warnings {
            self.warn(place, field, message);
        }
        self.stopped(sent.stop);
    }

    /// Writes the records of tasks and settles the tasks, as far as their records go.
    async fn write(&mut self, tasks: Vec<Task>) -> Vec<Group> {
        let mut groups = grouped(tasks);
        let rounds = groups.iter().map(|group| group.round + 1).max().unwrap_or_default();
        for round in 0..rounds {
            let mine: Vec<usize> = (0..groups.len()).filter(|at| groups[*at].round == round).collect();
            let calls = mine.iter().map(|at| self.call_of(&merged(&groups[*at].members), groups[*at].members[0].place));
            let calls: Vec<Call> = calls.collect();
            let words = self.send(calls).await;
            let mut alone = Vec::new();
            for (at, word) in mine.into_iter().zip(words) {
                let group = &mut groups[at];
                let refused = matches!(word.outcome, Outcome::Rejected | Outcome::Invalid);
                if refused && group.members.len() > 1 {
                    alone.push(at);
                } else {
                    self.told(group, &word);
                }
            }
            // One bad event must not take its neighbours with it: each for itself, in order.
            let longest = alone.iter().map(|at| groups[*at].members.len()).max().unwrap_or_default();
            for turn in 0..longest {
                let mine: Vec<usize> = alone.iter().copied().filter(|at| groups[*at].members.len() > turn).collect();
                let calls: Vec<Call> = mine
                    .iter()
                    .map(|at| {
                        let member = &groups[*at].members[turn];
                        self.call_of(&member.intent, member.place)
                    })
                    .collect();
                let words = self.send(calls).await;
                for (at, word) in mine.into_iter().zip(words) {
                    let member = groups[at].members[turn].clone();
                    self.told_one(&mut groups[at], member, word);
                }
            }
        }
        groups
    }

    /// One word for all members of a group.
    fn told(&mut self, group: &mut Group, word: &Word) {
        for (at, member) in group.members.clone().into_iter().enumerate() {
            let mut word = word.clone();
            if at > 0 {
                word.created = word.created.map(|_| false);
                if member.intent.on_found == OnFound::Leave && word.outcome == Outcome::Applied {
                    // The first has made the record.
                    let id = word.record_id.unwrap_or_default();
                    let text = format!("record {id} exists already; this sync mode leaves it alone");
                    word.outcome = Outcome::Skipped;
                    word.reason = Some(Reason::new("RECORD_EXISTS", text));
                }
            }
            self.told_one(group, member, word);
        }
    }

    fn told_one(&mut self, group: &mut Group, member: Task, word: Word) {
        if matches!(word.outcome, Outcome::Applied | Outcome::Unchanged) {
            group.record_id = word.record_id.or(group.record_id);
            group.good.push(member.clone());
        }
        self.settle(member.place, word);
    }

    fn call_of(&self, intent: &RecordIntent, place: Place) -> Call {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let wishes = intent.properties.iter().chain(&intent.sensitive);
        let properties = wishes.map(|(name, wish)| (Arc::from(name.as_str()), text(&wish.value))).collect();
        let creates_unsurely = !matches!(
            (&intent.find, intent.on_found),
            (Find::Unique { .. } | Find::Group { .. }, OnFound::Update) | (Find::Id(_), _)
        );
        // A create is remembered by its record, so that the next window knows it before the search does; one that nothing
        // finds is remembered by its event.
        let key = match record_name(intent) {
            Some(name) if creates_unsurely => name,
            _ => self.key(place),
        };
        Call {
            key,
            event_key: self.key(place),
            object: folded(&intent.object),
            find: intent.find.clone(),
            on_missing: intent.on_missing,
            on_found: intent.on_found,
            moves_stage: intent.moves_stage,
            properties,
            known: None,
        }
    }

    /// Sends calls on different records; a word for each.
    async fn send(&mut self, mut calls: Vec<Call>) -> Vec<Word> {
        let mut words: Vec<Option<Word>> = vec![None; calls.len()];
        self.find_groups(&mut calls, &mut words).await;
        let mut twins = 0;
        loop {
            let mut buckets: Vec<(Bucket, Vec<usize>)> = Vec::new();
            for (at, call) in calls.iter().enumerate().filter(|(at, _)| words[*at].is_none()) {
                let bucket = bucket_of(call);
                match buckets.iter_mut().find(|(known, _)| *known == bucket) {
                    Some((_, mine)) => mine.push(at),
                    None => buckets.push((bucket, vec![at])),
                }
            }
            if buckets.is_empty() {
                break;
            }
            let mut writing = tokio::task::JoinSet::new();
            for (bucket, mine) in buckets {
                let mut target = match self.target(&bucket).await {
                    Ok(target) => target,
                    Err(word) => {
                        for at in mine {
                            words[at] = Some(word.clone());
                        }
                        continue;
                    }
                };
                let unsure = bucket.mode == Mode::Insert
                    || matches!(bucket.match_, Match::Fields | Match::Nothing)
                    || matches!(&bucket.match_, Match::Property(name) if !target.catalogue().is_unique(name));
                // HubSpot itself tells that such a record exists. So the door remembers who made it, for as long as that event
                // is not settled: what hangs on the record may still have to be done, by a later try or another process.
                let by_event = bucket.mode == Mode::Insert
                    && matches!(&bucket.match_, Match::Property(name) if target.catalogue().is_unique(name));
                target.made_by_key = by_event;
                let mut records: Vec<Record> = mine.iter().map(|at| record_of(&calls[*at], &bucket)).collect();
                if by_event {
                    for (record, at) in records.iter_mut().zip(&mine) {
                        record.key.clone_from(&calls[*at].event_key);
                    }
                }
                if unsure && !by_event && bucket.match_ != Match::Nothing {
                    let until_ms = self.delivery.now_ms() + 2 * milliseconds(self.delivery.door.search_settles_after());
                    for record in &records {
                        self.delivery.keep(record.key.clone(), until_ms);
                    }
                }
                let door = Arc::clone(&self.delivery.door);
                writing.spawn(async move { (mine, door.write(&target, records).await) });
            }
            twins += 1;
            while let Some(written) = writing.join_next().await {
                let (mine, answered) = match written {
                    Ok(written) => written,
                    Err(error) => std::panic::resume_unwind(error.into_panic()),
                };
                // What the mapping asks for is refused as such: its events cannot succeed, and others can.
                let hopeless = answered.stop.as_ref().filter(|error| is_of_the_mapping(error)).map(refused_as_such);
                self.stopped(answered.stop.filter(|_| hopeless.is_none()));
                for (at, settled) in mine.into_iter().zip(answered.outcomes) {
                    if let Some(reason) = hopeless.clone().filter(|_| settled.outcome == Outcome::Deferred) {
                        words[at] = Some(Word::new(Outcome::Rejected, Some(reason)));
                        continue;
                    }
                    // Two names of one record: the second goes once the first is through.
                    if !(is_twin(&settled) && twins <= TWINS_MAX) {
                        words[at] = Some(word_of(&calls[at], settled));
                    }
                }
            }
        }
        words.into_iter().map(|word| word.unwrap_or_else(|| Word::deferred("it was not sent"))).collect()
    }

    async fn target(&mut self, bucket: &Bucket) -> Result<hubward_engine::door::Target, Word> {
        let catalogue = self.catalogue(&bucket.object, false).await?;
        catalogue
            .target(bucket.match_.clone(), bucket.mode)
            .map(|target| forced(target, bucket.moves_stage))
            .map_err(|error| self.failed(error))
    }

    /// Companies that are not known by the application's id are searched for by their fields.
    async fn find_groups(&mut self, calls: &mut [Call], words: &mut [Option<Word>]) {
        let groups: Vec<usize> = (0..calls.len()).filter(|at| matches!(calls[*at].find, Find::Group { .. })).collect();
        if groups.is_empty() {
            return;
        }
        if let Err(word) = self.group_id().await {
            for at in groups {
                words[at] = Some(word.clone());
            }
            return;
        }
        let with_fields: Vec<(usize, String, Vec<SearchField>)> = groups
            .into_iter()
            .filter_map(|at| match &calls[at].find {
                Find::Group { value, fields } if !fields.is_empty() => Some((at, value.clone(), fields.clone())),
                _ => None,
            })
            .collect();
        if with_fields.is_empty() {
            return;
        }
        let by_id = Bucket {
            object: "companies".to_owned(),
            match_: Match::Property(GROUP_ID.to_owned()),
            mode: Mode::Update,
            moves_stage: false,
        };
        let by_fields = Bucket { match_: Match::Fields, ..by_id.clone() };
        let targets = match (self.target(&by_id).await, self.target(&by_fields).await) {
            (Ok(by_id), Ok(by_fields)) => (by_id, by_fields),
            (Err(word), _) | (_, Err(word)) => {
                for (at, ..) in with_fields {
                    words[at] = Some(word.clone());
                }
                return;
            }
        };
        let door = Arc::clone(&self.delivery.door);
        let records: Vec<Record> =
            with_fields.iter().map(|(at, value, _)| Record::new(calls[*at].key.clone(), value.clone())).collect();
        let known = door.find(&targets.0, &records).await;
        self.stopped(known.stop);
        let mut sought: Vec<(usize, Record)> = Vec::new();
        for ((at, value, fields), found) in with_fields.into_iter().zip(known.outcomes) {
            match found {
                Found::Record(_) => {}
                Found::Missing { .. } => {
                    let fields = fields.iter().map(|field| (Arc::from(field.property.as_str()), field.value.clone()));
                    let mut record = Record::of_fields(calls[at].key.clone(), fields.collect());
                    record.match_value = value;
                    sought.push((at, record));
                }
                other => words[at] = Some(not_found(other)),
            }
        }
        if sought.is_empty() {
            return;
        }
        let records: Vec<Record> = sought.iter().map(|(_, record)| record.clone()).collect();
        let hits = door.find(&targets.1, &records).await;
        self.stopped(hits.stop);
        for ((at, record), found) in sought.into_iter().zip(hits.outcomes) {
            match found {
                Found::Record(id) => {
                    calls[at].known = Some(id);
                    calls[at].properties.push((Arc::from(GROUP_ID), record.match_value));
                }
                Found::Missing { .. } => {}
                other => words[at] = Some(not_found(other)),
            }
        }
    }

    /// Users of contacts that were written are remembered by the contact's address.
    async fn remember_users(&mut self, groups: &[Group]) {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for task in groups.iter().flat_map(|group| &group.good) {
            let Some(address) = address_of(&task.intent) else { continue };
            for key in task.intent.users.iter().flat_map(super::memory::keys_of) {
                pairs.push((key, address.to_owned()));
            }
        }
        self.delivery.remember(pairs).await;
    }
}

impl Delivery {
    async fn remember(&self, pairs: Vec<(String, String)>) {
        /// Addresses that are kept in mind so that they are not written again.
        const KNOWN_MAX: usize = 100_000;
        let mut new: HashMap<String, String> = HashMap::new();
        {
            let mut known = match self.remembered.lock() {
                Ok(known) => known,
                Err(poisoned) => poisoned.into_inner(),
            };
            if known.len() > KNOWN_MAX {
                known.clear();
            }
            for (key, address) in pairs {
                if known.get(&key) != Some(&address) {
                    known.insert(key.clone(), address.clone());
                    new.insert(key, address);
                }
            }
        }
        if new.is_empty() {
            return;
        }
        if let Err(error) = self.memory.remember(new.clone().into_iter().collect()).await {
            tracing::warn!(%error, "which contact a user is could not be remembered");
            if let Ok(mut known) = self.remembered.lock() {
                for key in new.keys() {
                    known.remove(key);
                }
            }
        }
    }
}

/// Tasks on one record that follow one another and deal with it alike become one; others wait for their round.
fn grouped(tasks: Vec<Task>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut last_of: HashMap<String, usize> = HashMap::new();
    for task in tasks {
        let (name, key) = (record_name(&task.intent), task.intent.key());
        let last = name.as_ref().and_then(|name| last_of.get(name)).copied();
        if let Some(at) = last
            && key.is_some()
            && groups[at].key == key
        {
            groups[at].members.push(task);
            continue;
        }
        let round = last.map_or(0, |at| groups[at].round + 1);
        if let Some(name) = name {
            last_of.insert(name, groups.len());
        }
        let (good, contacts) = (Vec::new(), Vec::new());
        groups.push(Group { key, round, members: vec![task], good, record_id: None, contacts });
    }
    groups
}

/// What tasks ask for together.
pub(super) fn merged(tasks: &[Task]) -> RecordIntent {
    let mut intents = tasks.iter().map(|task| task.intent.clone());
    let first = intents.next().unwrap_or_else(|| RecordIntent::new("", Find::Fields(Vec::new())));
    intents.fold(first, RecordIntent::then)
}

fn bucket_of(call: &Call) -> Bucket {
    let mode = match (call.on_missing, call.on_found) {
        (OnMissing::Skip, _) => Mode::Update,
        (OnMissing::Create, OnFound::Update) => Mode::Upsert,
        (OnMissing::Create, OnFound::Leave) => Mode::Insert,
    };
    let (match_, mode) = match &call.find {
        _ if call.known.is_some() => (Match::Id, Mode::Update),
        Find::Id(_) => (Match::Id, Mode::Update),
        Find::Unique { property, .. } => (Match::Property(property.clone()), mode),
        Find::Group { .. } => (Match::Property(GROUP_ID.to_owned()), mode),
        Find::Fields(fields) if fields.is_empty() => (Match::Nothing, Mode::Insert),
        Find::Fields(_) => (Match::Fields, mode),
    };
    Bucket { object: call.object.clone(), match_, mode, moves_stage: call.moves_stage }
}

fn record_of(call: &Call, bucket: &Bucket) -> Record {
    let mut record = Record { key: call.key.clone(), properties: call.properties.clone(), ..Record::default() };
    match &call.find {
        Find::Id(id) => record.record_id = Some(*id),
        Find::Unique { value, .. } | Find::Group { value, .. } => record.match_value.clone_from(value),
        Find::Fields(fields) => {
            record.fields =
                fields.iter().map(|field| (Arc::from(field.property.as_str()), field.value.clone())).collect();
        }
    }
    if bucket.match_ == Match::Id {
        record.record_id = call.known.or(record.record_id);
    }
    record
}

/// HubSpot does not know the object type, or its match property as one that is unique.
fn is_of_the_mapping(error: &EngineError) -> bool {
    matches!(error.kind, Some(ErrorKind::NonUniqueKey | ErrorKind::UnknownObjectType))
}

fn refused_as_such(error: &EngineError) -> Reason {
    let help = error.help.as_ref().map(|help| format!(": {help}")).unwrap_or_default();
    let mut reason = Reason::new("MAPPING_REFUSED", format!("{}{help}", error.message));
    reason.correlation_id = error.correlation_id.as_deref().map(str::to_owned);
    reason
}

fn is_twin(settled: &Settled) -> bool {
    let code = settled.reason.as_ref().and_then(|reason| reason.category.as_deref());
    settled.outcome == Outcome::Invalid && matches!(code, Some("DUPLICATE_MATCH" | "DUPLICATE_KEY"))
}

fn word_of(call: &Call, settled: Settled) -> Word {
    let Settled { mut outcome, mut reason, record_id, created, .. } = settled;
    let code = reason.as_ref().and_then(|reason| reason.category.as_deref()).unwrap_or_default().to_owned();
    match (&call.find, code.as_str()) {
        (Find::Id(id), "OBJECT_NOT_FOUND") if outcome == Outcome::Rejected => {
            outcome = Outcome::Skipped;
            reason = Some(Reason::new("NO_RECORD", format!("there is no record {id}")));
        }
        (Find::Fields(_), "AMBIGUOUS_MATCH") => reason = reason.map(not_unique),
        _ => {}
    }
    Word { outcome, reason, record_id, created, warnings: Vec::new() }
}

fn not_found(found: Found) -> Word {
    match found {
        Found::Rejected(reason) => Word::new(Outcome::Rejected, Some(not_unique(reason))),
        Found::Invalid(reason) => Word::new(Outcome::Invalid, Some(reason)),
        Found::Deferred(reason) => Word::new(Outcome::Deferred, Some(reason)),
        Found::Record(_) | Found::Missing { .. } => Word::deferred("it was not found out"),
    }
}

/// That a search has found several records, in the original's words.
fn not_unique(reason: Reason) -> Reason {
    if reason.category.as_deref() != Some("AMBIGUOUS_MATCH") {
        return reason;
    }
    let text = format!("Search Criteria Not Unique: {}", reason.text);
    Reason { category: Some("SEARCH_CRITERIA_NOT_UNIQUE".to_owned()), text, ..reason }
}

/// The names of records that groups have written, with their ids.
pub(super) fn ids_of(groups: &[Group]) -> HashMap<String, u64> {
    let named = |group: &Group| Some((find_name(group.object(), &group.members[0].intent.find)?, group.record_id?));
    groups.iter().filter_map(named).collect()
}

pub(super) fn milliseconds(time: std::time::Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
