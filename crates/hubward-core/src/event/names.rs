//! Which of the account's event definitions a name means.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use crate::suggest::nearest;
use crate::{PropertyDef, object_types};

/// An event definition of the account (api.md 9.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventDef {
    /// Fully qualified, `pe{account}_{name}`: what is sent.
    pub full_name: Arc<str>,
    pub name: String,
    pub label: String,
    /// The type of record whose events these are, as HubSpot says it: `CONTACT`, a type id, or a custom type's name.
    pub primary_object: String,
    /// Custom and default (`hs_…`) properties.
    pub properties: Vec<PropertyDef>,
}

/// The type of record that a sync's events belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectType {
    /// For people: `contacts`.
    pub name: String,
    /// Everything the type is called: its id, its names and labels.
    pub names: Vec<String>,
}

impl SubjectType {
    /// Whether events of this definition can be those of the sync's records.
    #[must_use]
    pub fn fits(&self, definition: &EventDef) -> bool {
        self.names.iter().any(|name| object_types::same(name, &definition.primary_object))
    }
}

/// How well a name is that of a definition; the lesser is the better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    FullName,
    Name,
    Label,
}

/// The account's definitions by every name they have.
#[derive(Debug, Default)]
pub(super) struct Catalogue {
    exact: HashMap<String, (Rank, Vec<usize>)>,
    folded: HashMap<String, (Rank, Vec<usize>)>,
    names: Vec<String>,
}

/// What a name means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning<'a> {
    One(usize),
    /// A label of several definitions.
    Several(&'a [usize]),
    Nothing,
}

impl Catalogue {
    pub(super) fn new(definitions: &[EventDef]) -> Self {
        let mut catalogue = Self::default();
        for (index, definition) in definitions.iter().enumerate() {
            let ranked = [
                (Rank::FullName, definition.full_name.as_ref()),
                (Rank::Name, definition.name.as_str()),
                (Rank::Label, definition.label.as_str()),
            ];
            for (rank, name) in ranked {
                if name.is_empty() {
                    continue;
                }
                put(&mut catalogue.exact, name.to_owned(), rank, index);
                put(&mut catalogue.folded, name.to_lowercase(), rank, index);
                catalogue.names.push(name.to_owned());
            }
        }
        catalogue
    }

    /// The definition that `name` means: its fully qualified name before its short name before its label, and spelt exactly
    /// before in other letter case. HubSpot's own names are in lower case.
    pub(super) fn find(&self, name: &str) -> Meaning<'_> {
        let name = name.trim();
        let found = self.exact.get(name).or_else(|| self.folded.get(&name.to_lowercase()));
        match found {
            None => Meaning::Nothing,
            Some((_, indices)) => match indices.as_slice() {
                [one] => Meaning::One(*one),
                many => Meaning::Several(many),
            },
        }
    }

    /// The known name nearest to one that is unknown.
    pub(super) fn near(&self, name: &str) -> Option<&str> {
        nearest(name, self.names.iter().map(String::as_str))
    }
}

fn put(names: &mut HashMap<String, (Rank, Vec<usize>)>, name: String, rank: Rank, index: usize) {
    match names.entry(name) {
        Entry::Vacant(free) => {
            free.insert((rank, vec![index]));
        }
        Entry::Occupied(mut taken) => {
            let (known, indices) = taken.get_mut();
            if rank < *known {
                (*known, *indices) = (rank, vec![index]);
            } else if rank == *known && !indices.contains(&index) {
                indices.push(index);
            }
        }
    }
}
