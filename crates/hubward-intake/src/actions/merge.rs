//! Several intents on one record as one: what HubSpot holds afterwards is what it would hold if they had been carried out
//! one after the other.

use hubward_core::object_types;

use super::intent::{Find, Link, OnFound, OnMissing, RecordIntent};

/// Which intents may be merged: those on one record, as far as names tell, that deal with it alike.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RecordKey {
    object: String,
    find: Find,
    on_missing: OnMissing,
    on_found: OnFound,
    property_group: Option<String>,
}

impl RecordIntent {
    /// None where every event makes a record of its own.
    #[must_use]
    pub fn key(&self) -> Option<RecordKey> {
        if matches!(&self.find, Find::Fields(fields) if fields.is_empty()) {
            return None;
        }
        let object = object_types::standard(&self.object)
            .map_or_else(|| self.object.trim().to_lowercase(), |(plural, _)| plural.to_owned());
        Some(RecordKey {
            object,
            find: self.find.clone(),
            on_missing: self.on_missing,
            on_found: self.on_found,
            property_group: self.property_group.clone(),
        })
    }

    /// This intent and then a later one of the same key. Of each property the later value is taken, of each list the later
    /// action, of each association whether it was made or removed last; everything else adds up. Where a record that exists is
    /// left alone, the later intent asks for nothing: the earlier one has made the record by then.
    #[must_use]
    pub fn then(mut self, later: Self) -> Self {
        debug_assert_eq!(self.key(), later.key(), "only intents on one record are merged");
        self.warnings.extend(later.warnings);
        if self.on_found == OnFound::Leave {
            return self;
        }
        for name in later.properties.keys() {
            self.sensitive.shift_remove(name);
        }
        for name in later.sensitive.keys() {
            self.properties.shift_remove(name);
        }
        self.properties.extend(later.properties);
        self.sensitive.extend(later.sensitive);
        self.moves_stage |= later.moves_stage;
        unite(&mut self.associations, &mut self.dissociations, &later.associations);
        unite(&mut self.dissociations, &mut self.associations, &later.dissociations);
        for contact in later.contacts {
            if !self.contacts.contains(&contact) {
                self.contacts.push(contact);
            }
        }
        for list in later.lists {
            self.lists.retain(|known| known.name != list.name);
            self.lists.push(list);
        }
        for user in later.users {
            if !self.users.contains(&user) {
                self.users.push(user);
            }
        }
        self
    }
}

/// Adds links to their own kind and takes them out of the other. Two that differ in whether the other end is made are one.
fn unite(own: &mut Vec<Link>, other: &mut Vec<Link>, later: &[Link]) {
    let same = |one: &Link, two: &Link| one.object == two.object && one.kind == two.kind && one.find == two.find;
    for link in later {
        other.retain(|known| !same(known, link));
        match own.iter_mut().find(|known| same(known, link)) {
            Some(known) => known.create |= link.create,
            None => own.push(link.clone()),
        }
    }
}
