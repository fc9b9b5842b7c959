//! What binds records: the contacts of companies, associations, dissociations.

use std::collections::HashMap;
use std::sync::Arc;

use hubward_core::spec::Mode;
use hubward_core::{Outcome, Reason};
use hubward_engine::door::{Answered, Found, Match, ObjectType, Pair, Record};

use super::memory::keys_of;
use super::names::{find_name, folded, typed, types_of};
use super::records::{Group, Task, ids_of, merged, milliseconds};
use super::window::{Place, Window, Word, address_of};
use crate::actions::{ContactLink, Find, Link};

/// The code of a company whose event names no contact that is known.
const MISSING_IDENTITY_CALL: &str = "MISSING_IDENTITY_CALL";

/// What is known of the other end of an association.
#[derive(Clone, Debug, PartialEq)]
enum End {
    Record(u64),
    /// There is none, and why none was made.
    Missing(String),
    Refused(Reason),
    Deferred(Reason),
}

/// The other ends of associations by their names.
type Ends = HashMap<String, End>;

impl Window<'_> {
    /// Settles the tasks whose associations name several records by fields, before anything of them is written.
    pub(super) async fn check_links(&mut self, tasks: Vec<Task>) -> Vec<Task> {
        let by_fields = |link: &&Link| matches!(link.find, Find::Fields(_));
        let links: Vec<Link> =
            tasks.iter().flat_map(|task| links_of(&task.intent)).filter(by_fields).cloned().collect();
        if links.is_empty() {
            return tasks;
        }
        let ends = self.ends(&links, &HashMap::new()).await;
        let mut ready = Vec::with_capacity(tasks.len());
        for task in tasks {
            let known = links_of(&task.intent).filter(by_fields).filter_map(|link| ends.get(&name_of(link)?));
            let word = known.cloned().find_map(|end| match end {
                End::Refused(reason) => Some(Word::new(Outcome::Rejected, Some(reason))),
                End::Deferred(reason) => Some(Word::new(Outcome::Deferred, Some(reason))),
                End::Record(_) | End::Missing(_) => None,
            });
            match word {
                Some(word) => self.settle(task.place, word),
                None => ready.push(task),
            }
        }
        ready
    }

    /// Finds the contact that each company is to be associated to. Companies without one are settled; the others come back,
    /// with their contacts by place.
    pub(super) async fn with_contacts(
        &mut self,
        tasks: Vec<Task>,
        contacts: &[Group],
    ) -> (Vec<Task>, HashMap<Place, u64>) {
        let wanted: Vec<&ContactLink> = tasks.iter().flat_map(|task| &task.intent.contacts).collect();
        if wanted.is_empty() {
            return (tasks, HashMap::new());
        }
        // Contacts of this window: by event, by address, by user. Of several the last.
        let mut by_event: HashMap<usize, u64> = HashMap::new();
        let mut by_address: HashMap<String, u64> = HashMap::new();
        let mut users: HashMap<String, String> = HashMap::new();
        for group in contacts {
            let Some(id) = group.record_id else { continue };
            for task in &group.good {
                if let Some(address) = address_of(&task.intent) {
                    by_event.insert(task.place.0, id);
                    by_address.insert(address.to_owned(), id);
                    let keys = task.intent.users.iter().flat_map(keys_of);
                    users.extend(keys.map(|key| (key, address.to_owned())));
                }
            }
        }
        let mut keys: Vec<String> = wanted.iter().flat_map(|contact| keys_of(&contact.user)).collect();
        keys.sort_unstable();
        keys.dedup();
        keys.retain(|key| !users.contains_key(key));
        let recalled = match self.delivery.memory.recall(keys.clone()).await {
            Ok(values) => values,
            Err(error) => {
                for task in &tasks {
                    if !task.intent.contacts.is_empty() {
                        let why = format!("which contact its user is could not be recalled: {error}");
                        self.settle(task.place, Word::deferred(why));
                    }
                }
                return (tasks.into_iter().filter(|task| task.intent.contacts.is_empty()).collect(), HashMap::new());
            }
        };
        users.extend(keys.into_iter().zip(recalled).filter_map(|(key, value)| Some((key, value?))));
        let addresses_of = |contact: &ContactLink| -> Vec<String> {
            let remembered = keys_of(&contact.user).into_iter().filter_map(|key| users.get(&key).cloned());
            contact.email.iter().cloned().chain(remembered).collect()
        };
        let mut sought: Vec<String> = Vec::new();
        for address in wanted.iter().flat_map(|contact| addresses_of(contact)) {
            if !by_address.contains_key(&address) && !sought.contains(&address) {
                sought.push(address);
            }
        }
        let mut undecided: HashMap<String, Reason> = HashMap::new();
        for (address, found) in self.find_contacts(sought).await {
            match found {
                Found::Record(id) => {
                    by_address.insert(address, id);
                }
                Found::Deferred(reason) => {
                    undecided.insert(address, reason);
                }
                Found::Missing { .. } | Found::Rejected(_) | Found::Invalid(_) => {}
            }
        }
        let mut ready = Vec::with_capacity(tasks.len());
        let mut contact_of = HashMap::new();
        for task in tasks {
            let Some(contact) = task.intent.contacts.first() else {
                ready.push(task);
                continue;
            };
            let addresses = addresses_of(contact);
            let mut found = by_event.get(&task.place.0).copied();
            let mut unsure = self
                .waits_for_contact(task.place.0)
                .then(|| Reason::new("DEFERRED", "the contact of its event could not be written yet"));
            for address in &addresses {
                if found.is_some() || unsure.is_some() {
                    break;
                }
                found = by_address.get(address).copied();
                unsure = undecided.get(address).cloned();
            }
            if let Some(id) = found {
                contact_of.insert(task.place, id);
                ready.push(task);
            } else if let Some(reason) = unsure {
                self.settle(task.place, Word::new(Outcome::Deferred, Some(reason)));
            } else {
                let word = self.without_contact(&task, &addresses);
                self.settle(task.place, word);
            }
        }
        (ready, contact_of)
    }

    /// Whether a contact of this event is undecided.
    fn waits_for_contact(&self, event: usize) -> bool {
        let contacts = self.asked[event].asks.iter().filter(
            |(_, intent)| matches!(intent, crate::actions::Intent::Record(intent) if address_of(intent).is_some()),
        );
        let mut words = contacts.filter_map(|(mapping, _)| self.words.get(&(event, *mapping)));
        words.any(|word| word.outcome == Outcome::Deferred)
    }

    fn without_contact(&self, task: &Task, addresses: &[String]) -> Word {
        let waited_ms = self.delivery.now_ms() - self.asked[task.place.0].received_at_ms;
        if waited_ms < milliseconds(self.delivery.options.contact_grace) {
            return Word::deferred("its contact is not known yet; the identify of its user may be on its way");
        }
        let text = match addresses.first() {
            Some(address) => format!(
                "no contact has the address {address}, so that the company has none to be associated to: send an identify \
                 call with it first, or set associateContact to false"
            ),
            None => {
                "the user of this event is not known as a contact, so that the company has none to be associated to: \
                     send an identify call first, or set associateContact to false"
                    .to_owned()
            }
        };
        Word::new(Outcome::Rejected, Some(Reason::new(MISSING_IDENTITY_CALL, text)))
    }

    async fn find_contacts(&mut self, addresses: Vec<String>) -> Vec<(String, Found)> {
        if addresses.is_empty() {
            return Vec::new();
        }
        let deferred = |word: Word, addresses: Vec<String>| -> Vec<(String, Found)> {
            let reason = word.reason.unwrap_or_default();
            addresses.into_iter().map(|address| (address, Found::Deferred(reason.clone()))).collect()
        };
        let catalogue = match self.catalogue("contacts", false).await {
            Ok(catalogue) => catalogue,
            Err(word) => return deferred(word, addresses),
        };
        let target = match catalogue.target(Match::Property("email".to_owned()), Mode::Update) {
            Ok(target) => target,
            Err(error) => return deferred(self.failed(error), addresses),
        };
        let records: Vec<Record> =
            addresses.iter().map(|address| Record::new(address.clone(), address.clone())).collect();
        let Answered { outcomes, stop } = self.delivery.door.find(&target, &records).await;
        self.stopped(stop);
        addresses.into_iter().zip(outcomes).collect()
    }

    /// Associates what the records of groups are to be associated to, and takes apart what they are not.
    pub(super) async fn associate(&mut self, groups: &[Group]) {
        let mut links: Vec<Link> = Vec::new();
        for group in groups.iter().filter(|group| group.record_id.is_some()) {
            for link in links_of(&merged(&group.good)) {
                if !links.contains(link) {
                    links.push(link.clone());
                }
            }
        }
        let ends = if links.is_empty() { Ends::new() } else { self.ends(&links, &ids_of(groups)).await };
        let mut pairs: Vec<Pairs> = Vec::new();
        for group in groups {
            let Some(id) = group.record_id else { continue };
            let from = folded(group.object());
            for (_, contact) in &group.contacts {
                let mine: Vec<Place> =
                    group.contacts.iter().filter(|(_, known)| known == contact).map(|(place, _)| *place).collect();
                pairs_of(&mut pairs, &from, "contacts", true).push(id, *contact, Vec::new(), &mine);
            }
            let hang = merged(&group.good);
            for (link, adds) in hang
                .associations
                .iter()
                .map(|link| (link, true))
                .chain(hang.dissociations.iter().map(|link| (link, false)))
            {
                let mine: Vec<Place> =
                    group.good.iter().filter(|task| names(task, link, adds)).map(|task| task.place).collect();
                let to = folded(&link.object);
                match name_of(link).and_then(|name| ends.get(&name)) {
                    Some(End::Record(other)) => {
                        let types = if adds { types_of(&from, &to, &link.kind) } else { vec![typed(&link.kind)] };
                        pairs_of(&mut pairs, &from, &to, adds).push(id, *other, types, &mine);
                    }
                    Some(End::Missing(why)) => self.missing(&mine, link, adds, why),
                    Some(End::Refused(reason)) => self.refused(&mine, Outcome::Rejected, reason),
                    Some(End::Deferred(reason)) => self.refused(&mine, Outcome::Deferred, reason),
                    None => self.missing(&mine, link, adds, "it is not there"),
                }
            }
        }
        for pairs in pairs {
            self.send_pairs(pairs).await;
        }
    }

    async fn send_pairs(&mut self, pairs: Pairs) {
        let mut types: Vec<ObjectType> = Vec::new();
        for object in [&pairs.from, &pairs.to] {
            match self.catalogue(object, false).await {
                Ok(catalogue) => types.push(catalogue.object().clone()),
                Err(word) => {
                    let reason = word.reason.unwrap_or_default();
                    for (_, places) in &pairs.pairs {
                        self.refused(places, word.outcome, &reason);
                    }
                    return;
                }
            }
        }
        let door = Arc::clone(&self.delivery.door);
        let (sent, places): (Vec<Pair>, Vec<Vec<Place>>) = pairs.pairs.into_iter().unzip();
        let sent: Vec<Pair> = sent
            .into_iter()
            .zip(&places)
            .map(|(pair, places)| Pair {
                key: places.first().map_or_else(String::new, |place| self.key(*place)),
                ..pair
            })
            .collect();
        let answered = match pairs.adds {
            true => door.associate(&types[0], &types[1], sent).await,
            false => door.dissociate(&types[0], &types[1], sent).await,
        };
        self.stopped(answered.stop);
        for (settled, places) in answered.outcomes.into_iter().zip(places) {
            let reason = settled.reason.unwrap_or_default();
            match settled.outcome {
                Outcome::Applied | Outcome::Unchanged => {}
                _ if reason.category.as_deref() == Some("RECORD_GONE") => {
                    for place in places {
                        self.warn(place, "associations", format!("the other record is missing: {}", reason.text));
                    }
                }
                Outcome::Skipped => {}
                outcome => self.refused(&places, outcome, &reason),
            }
        }
    }

    fn missing(&mut self, places: &[Place], link: &Link, adds: bool, why: &str) {
        let field = if adds { "associations" } else { "dissociations" };
        for place in places {
            let named = find_name(&link.object, &link.find).unwrap_or_else(|| link.object.clone());
            self.warn(*place, field, format!("the target {named} is missing: {why}"));
        }
    }

    /// Something that hangs on the records of these events was not done.
    pub(super) fn refused(&mut self, places: &[Place], outcome: Outcome, reason: &Reason) {
        for place in places {
            let known = self.words.get(place).map(|word| (word.record_id, word.created));
            let (record_id, created) = known.unwrap_or_default();
            // What is undecided stays so, whatever else was refused: it is all asked for again, and refused again then.
            if self.words.get(place).is_some_and(|word| word.outcome == Outcome::Deferred) {
                continue;
            }
            let word = Word { record_id, created, ..Word::new(outcome, Some(reason.clone())) };
            self.settle(*place, word);
        }
    }

    /// Finds the other ends; those that may be made are made where they are missing. `known` are records of this window.
    async fn ends(&mut self, links: &[Link], known: &HashMap<String, u64>) -> Ends {
        let mut ends = Ends::new();
        // By the way of finding them: object type, and the match.
        let mut ways: Vec<(String, Match, Vec<&Link>)> = Vec::new();
        for link in links {
            let Some(name) = name_of(link) else { continue };
            if let Some(id) = known.get(&name) {
                ends.insert(name, End::Record(*id));
                continue;
            }
            let match_ = match &link.find {
                Find::Id(id) => {
                    ends.insert(name, End::Record(*id));
                    continue;
                }
                Find::Unique { property, .. } => Match::Property(property.clone()),
                Find::Group { .. } => Match::Property(crate::actions::GROUP_ID.to_owned()),
                Find::Fields(_) => Match::Fields,
            };
            let object = folded(&link.object);
            let way = ways.iter_mut().find(|(known, kind, _)| *known == object && *kind == match_);
            match way {
                Some((.., links)) => links.push(link),
                None => ways.push((object, match_, vec![link])),
            }
        }
        for (object, match_, links) in ways {
            self.find_ends(&object, &match_, &links, &mut ends).await;
        }
        ends
    }

    async fn find_ends(&mut self, object: &str, match_: &Match, links: &[&Link], ends: &mut Ends) {
        let all = |ends: &mut Ends, word: &Word| {
            let reason = word.reason.clone().unwrap_or_default();
            for name in links.iter().filter_map(|link| name_of(link)) {
                let end = match word.outcome {
                    Outcome::Deferred => End::Deferred(reason.clone()),
                    _ => End::Refused(reason.clone()),
                };
                ends.insert(name, end);
            }
        };
        let catalogue = match self.catalogue(object, false).await {
            Ok(catalogue) => catalogue,
            Err(word) => return all(ends, &word),
        };
        let target = match catalogue.target(match_.clone(), Mode::Update) {
            Ok(target) => target,
            Err(error) => {
                let word = self.failed(error);
                return all(ends, &word);
            }
        };
        let door = Arc::clone(&self.delivery.door);
        let records: Vec<Record> = links.iter().map(|link| end_record(link)).collect();
        let found = door.find(&target, &records).await;
        self.stopped(found.stop);
        let mut missing: Vec<(String, Record)> = Vec::new();
        for ((link, record), found) in links.iter().zip(records).zip(found.outcomes) {
            let Some(name) = name_of(link) else { continue };
            let end = match found {
                Found::Record(id) => End::Record(id),
                Found::Missing { .. } if link.create => {
                    if missing.iter().all(|(known, _)| *known != name) {
                        missing.push((name, record));
                    }
                    continue;
                }
                Found::Missing { .. } => End::Missing("the account has no such record".to_owned()),
                Found::Rejected(reason) => End::Refused(not_unique(reason)),
                Found::Invalid(reason) => End::Missing(reason.text),
                Found::Deferred(reason) => End::Deferred(reason),
            };
            ends.insert(name, end);
        }
        if missing.is_empty() {
            return;
        }
        let making = match catalogue.target(match_.clone(), Mode::Upsert) {
            Ok(target) => target,
            Err(error) => {
                let word = self.failed(error);
                return all(ends, &word);
            }
        };
        let records: Vec<Record> = missing.iter().map(|(_, record)| record.clone()).collect();
        let made = door.write(&making, records).await;
        self.stopped(made.stop);
        for ((name, _), settled) in missing.into_iter().zip(made.outcomes) {
            let reason = settled.reason.unwrap_or_default();
            let end = match (settled.outcome, settled.record_id) {
                (Outcome::Applied | Outcome::Unchanged, Some(id)) => End::Record(id),
                (Outcome::Deferred, _) => End::Deferred(reason),
                // It needs more than the property that it is found by.
                (Outcome::Invalid, _) => End::Missing(reason.text),
                _ if reason.category.as_deref() == Some("MISSING_REQUIRED_PROPERTY") => End::Missing(reason.text),
                _ => End::Refused(reason),
            };
            ends.insert(name, end);
        }
    }
}

/// Pairs of two object types, each with the events that ask for it.
struct Pairs {
    from: String,
    to: String,
    adds: bool,
    pairs: Vec<(Pair, Vec<Place>)>,
}

impl Pairs {
    fn push(&mut self, from: u64, to: u64, types: Vec<hubward_engine::door::AssociationType>, places: &[Place]) {
        self.pairs.push((Pair { key: String::new(), from, to, types }, places.to_vec()));
    }
}

fn pairs_of<'p>(pairs: &'p mut Vec<Pairs>, from: &str, to: &str, adds: bool) -> &'p mut Pairs {
    let at = pairs.iter().position(|known| known.from == from && known.to == to && known.adds == adds);
    let at = at.unwrap_or_else(|| {
        pairs.push(Pairs { from: from.to_owned(), to: to.to_owned(), adds, pairs: Vec::new() });
        pairs.len() - 1
    });
    &mut pairs[at]
}

fn links_of(intent: &crate::actions::RecordIntent) -> impl Iterator<Item = &Link> {
    intent.associations.iter().chain(&intent.dissociations)
}

/// Whether a task asks for this link, or against it.
fn names(task: &Task, link: &Link, adds: bool) -> bool {
    let links = if adds { &task.intent.associations } else { &task.intent.dissociations };
    links.iter().any(|known| known.object == link.object && known.kind == link.kind && known.find == link.find)
}

fn name_of(link: &Link) -> Option<String> {
    find_name(&link.object, &link.find)
}

fn end_record(link: &Link) -> Record {
    let key = name_of(link).unwrap_or_default();
    match &link.find {
        Find::Unique { value, .. } | Find::Group { value, .. } => Record::new(key, value.clone()),
        Find::Id(id) => Record::of_id(key, *id),
        Find::Fields(fields) => {
            let fields = fields.iter().map(|field| (Arc::from(field.property.as_str()), field.value.clone()));
            Record::of_fields(key, fields.collect())
        }
    }
}

fn not_unique(reason: Reason) -> Reason {
    if !matches!(reason.category.as_deref(), Some("AMBIGUOUS_MATCH" | "AMBIGUOUS_TARGET")) {
        return reason;
    }
    let text = format!("Associate Search Criteria Not Unique: {}", reason.text);
    Reason { category: Some("ASSOCIATE_SEARCH_CRITERIA_NOT_UNIQUE".to_owned()), text, ..reason }
}
