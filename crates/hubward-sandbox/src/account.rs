//! Owns the account's state: object types with their records and indexes, owners, associations. One lock guards it;
//! handlers parse before they take it and hold it for one request's work.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::answers::Refusal;
use crate::association_types::Labels;
use crate::associations::Associations;
use crate::cardinality::Cardinality;
use crate::event_definitions::Events;
use crate::lists::Lists;
use crate::pipelines::{Audit, Pipeline};
use crate::property::Property;
use crate::random::SplitMix;
use crate::record::{PropertyAt, Record};
use crate::rules::Rule;
use crate::schemas::Schema;
use crate::settings::Settings;
use crate::standard::StandardType;
use crate::{Tier, standard};

/// Index of an object type in the account.
pub(crate) type TypeAt = usize;

pub(crate) struct Account {
    pub(crate) portal_id: u64,
    pub(crate) tier: Tier,
    pub(crate) types: Vec<ObjectType>,
    pub(crate) owners: BTreeMap<u64, crate::owners::Owner>,
    pub(crate) associations: Associations,
    pub(crate) labels: Labels,
    pub(crate) cardinality: Cardinality,
    pub(crate) events: Events,
    pub(crate) lists: Lists,
    /// Contacts made since the automatic company association last looked.
    pub(crate) new_contacts: Vec<u64>,
    pub(crate) random: SplitMix,
    pub(crate) search_lag_ms: (u64, u64),
    pub(crate) settings: Settings,
    /// Addresses of contacts that were permanently deleted.
    pub(crate) blocked_emails: HashSet<String>,
    next_record_id: u64,
    next_type_number: u64,
}

pub(crate) struct ObjectType {
    pub(crate) id: String,
    pub(crate) plural: String,
    pub(crate) singular: String,
    pub(crate) schema: Option<Schema>,
    /// What it is in the catalogue, unless it is a custom object type.
    pub(crate) standard: Option<&'static StandardType>,
    pub(crate) properties: Vec<Property>,
    names: HashMap<String, PropertyAt>,
    pub(crate) groups: BTreeMap<String, crate::property_groups::Group>,
    pub(crate) pipelines: Vec<Pipeline>,
    pub(crate) pipeline_audit: Vec<Audit>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) records: BTreeMap<u64, Record>,
    /// Values of unique properties, records in the recycle bin left out.
    unique: HashMap<PropertyAt, HashMap<Box<str>, u64>>,
    /// Secondary e-mails of contacts.
    secondary: HashMap<Box<str>, u64>,
    /// Merged-away ids and their survivors.
    pub(crate) merged: HashMap<u64, u64>,
    pub(crate) email: Option<PropertyAt>,
    pub(crate) additional_emails: Option<PropertyAt>,
    pub(crate) lifecyclestage: Option<PropertyAt>,
    /// Pipeline and stage properties of types that have pipelines.
    pub(crate) stage: Option<(PropertyAt, PropertyAt)>,
    pub(crate) in_answers: Vec<PropertyAt>,
}

impl Account {
    pub(crate) fn new(portal_id: u64, tier: Tier, seed: u64, search_lag_ms: (u64, u64), now_ms: i64) -> Account {
        let mut account = Account {
            portal_id,
            tier,
            types: Vec::new(),
            owners: BTreeMap::new(),
            associations: Associations::default(),
            labels: Labels::default(),
            cardinality: Cardinality::default(),
            events: Events::default(),
            lists: Lists::default(),
            new_contacts: Vec::new(),
            random: SplitMix::new(seed),
            search_lag_ms,
            settings: Settings::default(),
            blocked_emails: HashSet::new(),
            next_record_id: 100_001,
            next_type_number: 2_000_001,
        };
        for standard in standard::types() {
            let properties = standard::properties_of(standard.plural, standard.properties, now_ms);
            let mut object_type = ObjectType::new(
                standard.id.to_owned(),
                standard.plural.to_owned(),
                standard.singular.to_owned(),
                properties,
            );
            object_type.standard = Some(standard);
            object_type.pipelines = crate::pipelines::standard(standard.plural, now_ms);
            account.types.push(object_type);
        }
        // so many contacts of one company (api.md 7.3)
        if let (Some(companies), Some(contacts)) = (account.find("0-2"), account.find("0-1")) {
            account.cardinality.set_ceiling(companies, contacts, Some(50_000));
        }
        account
    }

    /// The type by plural or singular name, type id, or a custom object's full or bare name.
    pub(crate) fn find(&self, name: &str) -> Option<TypeAt> {
        let exact = self.types.iter().position(|object_type| {
            !object_type.is_archived()
                && (object_type.id == name
                    || object_type.plural.eq_ignore_ascii_case(name)
                    || object_type.singular.eq_ignore_ascii_case(name))
        });
        exact.or_else(|| {
            let full = format!("p{}_", self.portal_id);
            let bare = name.strip_prefix(&full)?;
            self.types.iter().position(|object_type| {
                object_type.schema.is_some()
                    && !object_type.is_archived()
                    && object_type.singular.eq_ignore_ascii_case(bare)
            })
        })
    }

    pub(crate) fn resolve(&self, name: &str) -> Result<TypeAt, Refusal> {
        self.find(name).ok_or_else(|| Refusal::bare(400, format!("Unable to infer object type from: {name}")))
    }

    /// Ids grow by uneven steps, so that nobody counts on them being dense.
    pub(crate) fn new_record_id(&mut self) -> u64 {
        self.next_record_id += self.random.between(1, 9);
        self.next_record_id
    }

    /// Keeps generated ids above one that `load` chose.
    pub(crate) fn saw_record_id(&mut self, id: u64) {
        self.next_record_id = self.next_record_id.max(id);
    }

    pub(crate) fn new_type_id(&mut self) -> String {
        self.next_type_number += self.random.between(1, 40);
        format!("2-{}", self.next_type_number)
    }

    /// Puts a record in the recycle bin: its unique values are free again, its associations gone (api.md 3.10),
    /// and it is out of its lists until it comes back.
    pub(crate) fn archive(&mut self, type_at: TypeAt, id: u64, now_ms: i64) {
        self.types[type_at].archive(id, now_ms);
        self.associations.remove_record(type_at, id);
        self.lists.archived(type_at, id, now_ms);
    }

    /// When search begins to show something written now.
    pub(crate) fn visible_at_ms(&mut self, now_ms: i64) -> i64 {
        let (low, high) = self.search_lag_ms;
        now_ms + i64::try_from(self.random.between(low, high)).unwrap_or(i64::MAX / 4)
    }
}

impl ObjectType {
    pub(crate) fn new(id: String, plural: String, singular: String, properties: Vec<Property>) -> ObjectType {
        let mut object_type = ObjectType {
            id,
            plural,
            singular,
            schema: None,
            standard: None,
            properties: Vec::new(),
            names: HashMap::new(),
            groups: BTreeMap::new(),
            pipelines: Vec::new(),
            pipeline_audit: Vec::new(),
            rules: Vec::new(),
            records: BTreeMap::new(),
            unique: HashMap::new(),
            secondary: HashMap::new(),
            merged: HashMap::new(),
            email: None,
            additional_emails: None,
            lifecyclestage: None,
            stage: None,
            in_answers: Vec::new(),
        };
        for property in properties {
            object_type.put_property(property);
        }
        object_type
    }

    pub(crate) fn is_archived(&self) -> bool {
        self.schema.as_ref().is_some_and(|schema| schema.archived)
    }

    /// HubSpot's word for the type in messages: `CONTACT`, or the type id of a custom object.
    pub(crate) fn shouted(&self) -> String {
        if self.schema.is_some() { self.id.clone() } else { self.singular.to_uppercase() }
    }

    /// The word of the type in scope names.
    pub(crate) fn scope_word(&self) -> &str {
        if self.schema.is_some() { "custom" } else { &self.plural }
    }

    /// Adds or replaces a definition; values of a replaced one stay.
    pub(crate) fn put_property(&mut self, property: Property) -> PropertyAt {
        let group = property.group_name.clone();
        self.groups.entry(group.clone()).or_insert_with(|| crate::property_groups::Group::named(&group));
        let (name, unique) = (property.name.clone(), property.has_unique_value);
        let at = match self.names.get(&name) {
            Some(at) => {
                self.properties[*at as usize] = property;
                *at
            }
            None => {
                let at = PropertyAt::try_from(self.properties.len()).expect("an account has few properties");
                self.properties.push(property);
                self.names.insert(name, at);
                at
            }
        };
        if unique {
            self.unique.entry(at).or_default();
        }
        self.find_special();
        at
    }

    fn find_special(&mut self) {
        let contacts = self.id == "0-1";
        self.email = if contacts { self.defined("email") } else { None };
        self.additional_emails = if contacts { self.defined("hs_additional_emails") } else { None };
        self.lifecyclestage = self.defined("lifecyclestage");
        let (pipeline, stage) =
            if self.id == "0-3" { ("pipeline", "dealstage") } else { ("hs_pipeline", "hs_pipeline_stage") };
        self.stage = if contacts { None } else { self.defined(pipeline).zip(self.defined(stage)) };
        self.in_answers =
            standard::computed_in_answers(&self.plural).iter().filter_map(|name| self.defined(name)).collect();
    }

    /// The property of that name unless it is archived.
    pub(crate) fn defined(&self, name: &str) -> Option<PropertyAt> {
        let at = *self.names.get(name)?;
        self.property(at).archived_at_ms.is_none().then_some(at)
    }

    /// The property of that name, archived or not.
    pub(crate) fn known(&self, name: &str) -> Option<PropertyAt> {
        self.names.get(name).copied()
    }

    pub(crate) fn property(&self, at: PropertyAt) -> &Property {
        &self.properties[at as usize]
    }

    pub(crate) fn is_unique(&self, at: PropertyAt) -> bool {
        Some(at) == self.email || self.property(at).has_unique_value
    }

    /// The record that holds a unique value; a contact's secondary e-mail counts.
    pub(crate) fn holder(&self, at: PropertyAt, value: &str) -> Option<u64> {
        let holder = self.unique.get(&at).and_then(|index| index.get(value));
        if holder.is_none() && Some(at) == self.email {
            return self.secondary.get(value).copied();
        }
        holder.copied()
    }

    /// Writes one value and keeps the indexes true. The caller has seen to it that a unique value is free.
    pub(crate) fn write(&mut self, id: u64, at: PropertyAt, value: Option<&str>) {
        let unique = self.is_unique(at);
        let Some(record) = self.records.get_mut(&id) else {
            return;
        };
        if unique {
            let index = self.unique.entry(at).or_default();
            if let Some(old) = record.get(at) {
                index.remove(old);
            }
            if let (Some(value), None) = (value, record.archived_at_ms) {
                index.insert(value.into(), id);
            }
        }
        if Some(at) == self.additional_emails {
            for old in emails(record.get(at)) {
                self.secondary.remove(&*old);
            }
            for new in emails(value) {
                self.secondary.insert(new.into(), id);
            }
        }
        record.set(at, value);
    }

    fn archive(&mut self, id: u64, now_ms: i64) {
        let Some(record) = self.records.get_mut(&id) else {
            return;
        };
        if record.archived_at_ms.is_some() {
            return;
        }
        record.archived_at_ms = Some(now_ms);
        self.unindex(id);
    }

    /// Removes a record for good.
    pub(crate) fn purge(&mut self, id: u64) {
        self.unindex(id);
        self.records.remove(&id);
    }

    fn unindex(&mut self, id: u64) {
        let Some(record) = self.records.get(&id) else {
            return;
        };
        for (at, value) in &record.values {
            if let Some(index) = self.unique.get_mut(at)
                && index.get(value) == Some(&id)
            {
                index.remove(value);
            }
        }
        let secondary = emails(self.additional_emails.and_then(|at| record.get(at)));
        for one in secondary {
            self.secondary.remove(&*one);
        }
    }

    /// The live record of that id, a merged-away id standing for its survivor.
    pub(crate) fn surviving(&self, id: u64) -> Option<u64> {
        let mut id = id;
        while let Some(survivor) = self.merged.get(&id) {
            id = *survivor;
        }
        self.records.contains_key(&id).then_some(id)
    }

    pub(crate) fn live(&self, id: u64) -> Option<&Record> {
        self.records.get(&id).filter(|record| record.archived_at_ms.is_none())
    }
}

/// The addresses of `hs_additional_emails`, normalised.
pub(crate) fn emails(joined: Option<&str>) -> Vec<String> {
    let mut all = Vec::new();
    for one in joined.unwrap_or_default().split(';') {
        let one = one.trim().to_lowercase();
        if !one.is_empty() {
            all.push(one);
        }
    }
    all
}
