//! Owns which records are associated, in both directions at once, and how that is shown. One ordered map holds every link by
//! (from, to), so that a company with fifty thousand contacts costs no more a link than one with two; running tallies spare
//! counting for limits and for finding a record's primary.
//!
//! Whether a type may stand between two records is the caller's to check.

use std::collections::{BTreeMap, HashMap};

use crate::account::{Account, TypeAt};
use crate::answers::{comma, write_str};
use crate::association_types::{Definition, Kind, between};

/// A record: its type and id.
pub(crate) type End = (TypeAt, u64);

/// A labelled type of a link, and the type that stands for it in the other direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tag {
    pub(crate) kind: Kind,
    pub(crate) reverse: Kind,
}

impl Tag {
    fn turned(self) -> Tag {
        Tag { kind: self.reverse, reverse: self.kind }
    }
}

impl From<&Definition> for Tag {
    fn from(definition: &Definition) -> Tag {
        Tag { kind: definition.kind, reverse: definition.reverse }
    }
}

/// An association to be made once its record exists. No tag is the pair's unlabelled default.
#[derive(Debug, Clone)]
pub(crate) struct New {
    pub(crate) to: End,
    pub(crate) tag: Option<Tag>,
}

#[derive(Debug, Clone, Copy)]
struct Tally {
    count: u32,
    /// The other end of the newest; of a kind that a record has once, the only one.
    last: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Associations {
    /// The unlabelled default is always there with a link and therefore not kept.
    links: BTreeMap<(TypeAt, u64, TypeAt, u64), Vec<Tag>>,
    /// How many a record has to a type: of one labelled kind, or with `None` of any.
    tallies: HashMap<(TypeAt, u64, TypeAt, Option<Kind>), Tally>,
}

impl Associations {
    /// The linked records of one type with the labelled types of each, by id from `after` on.
    pub(crate) fn of(&self, from: End, to_type: TypeAt, after: u64) -> impl Iterator<Item = (u64, &[Tag])> + '_ {
        let range = (from.0, from.1, to_type, after)..=(from.0, from.1, to_type, u64::MAX);
        self.links.range(range).map(|((_, _, _, to), tags)| (*to, &**tags))
    }

    /// The labelled types from one record to another; `None` when they are not associated.
    pub(crate) fn tags(&self, from: End, to: End) -> Option<&[Tag]> {
        self.links.get(&(from.0, from.1, to.0, to.1)).map(Vec::as_slice)
    }

    /// How many associations to a type a record has, of one labelled kind or in all.
    pub(crate) fn count(&self, from: End, to_type: TypeAt, kind: Option<Kind>) -> u32 {
        self.tallies.get(&(from.0, from.1, to_type, kind)).map_or(0, |tally| tally.count)
    }

    /// Both directions; a second time changes nothing.
    pub(crate) fn link(&mut self, from: End, to: End) {
        for (a, b) in [(from, to), (to, from)] {
            let mut made = false;
            self.links.entry((a.0, a.1, b.0, b.1)).or_insert_with(|| {
                made = true;
                Vec::new()
            });
            if made {
                self.tally(a, b, None);
            }
        }
    }

    /// Links and labels, both directions. A new primary demotes the old one (api.md 7.3).
    pub(crate) fn tag(&mut self, from: End, to: End, tag: Tag) {
        self.link(from, to);
        for (a, b, tag) in [(from, to, tag), (to, from, tag.turned())] {
            if tag.kind.is_exclusive()
                && let Some(held) = self.tallies.get(&(a.0, a.1, b.0, Some(tag.kind)))
                && held.last != b.1
            {
                let old = (b.0, held.last);
                self.untag(a, old, tag.kind);
            }
            let Some(tags) = self.links.get_mut(&(a.0, a.1, b.0, b.1)) else {
                continue;
            };
            if !tags.contains(&tag) {
                tags.push(tag);
                self.tally(a, b, Some(tag.kind));
            }
        }
    }

    /// The pair's labels become these and no others `[DOC-ASSOC]`.
    pub(crate) fn replace(&mut self, from: End, to: End, wanted: &[Tag]) {
        self.link(from, to);
        let held = self.tags(from, to).unwrap_or_default().to_vec();
        for tag in held {
            if !wanted.contains(&tag) {
                self.untag(from, to, tag.kind);
            }
        }
        for tag in wanted {
            self.tag(from, to, *tag);
        }
    }

    /// Takes one label off a pair, both directions.
    pub(crate) fn untag(&mut self, from: End, to: End, kind: Kind) {
        let Some(tag) = self.tags(from, to).and_then(|tags| tags.iter().find(|tag| tag.kind == kind)).copied() else {
            return;
        };
        for (a, b, tag) in [(from, to, tag), (to, from, tag.turned())] {
            if let Some(tags) = self.links.get_mut(&(a.0, a.1, b.0, b.1))
                && let Some(at) = tags.iter().position(|other| *other == tag)
            {
                tags.remove(at);
                self.untally(a, b, Some(tag.kind));
            }
        }
    }

    /// Takes a label off every pair of two types.
    pub(crate) fn untag_all(&mut self, from: TypeAt, to: TypeAt, kind: Kind) {
        let mut held = Vec::new();
        for ((a, id, b, other), tags) in &self.links {
            if (*a, *b) == (from, to) && tags.iter().any(|tag| tag.kind == kind) {
                held.push(((*a, *id), (*b, *other)));
            }
        }
        for (a, b) in held {
            self.untag(a, b, kind);
        }
    }

    /// Nothing is left between the two.
    pub(crate) fn unlink(&mut self, from: End, to: End) {
        for (a, b) in [(from, to), (to, from)] {
            let Some(tags) = self.links.remove(&(a.0, a.1, b.0, b.1)) else {
                continue;
            };
            self.untally(a, b, None);
            for tag in tags {
                self.untally(a, b, Some(tag.kind));
            }
        }
    }

    /// Every association of a record goes, as when it is archived or purged.
    pub(crate) fn remove_record(&mut self, type_at: TypeAt, id: u64) {
        for (to, _) in self.all_of((type_at, id)) {
            self.unlink((type_at, id), to);
        }
    }

    /// What one record had becomes another's, as in a merge; what the other has already stays, its primary too.
    pub(crate) fn move_all(&mut self, type_at: TypeAt, from: u64, to: u64) {
        let (from, survivor) = ((type_at, from), (type_at, to));
        for (other, tags) in self.all_of(from) {
            self.unlink(from, other);
            if other == survivor {
                continue;
            }
            self.link(survivor, other);
            for tag in tags {
                let held = tag.kind.is_exclusive() && self.count(survivor, other.0, Some(tag.kind)) > 0;
                if !held {
                    self.tag(survivor, other, tag);
                }
            }
        }
    }

    fn all_of(&self, end: End) -> Vec<(End, Vec<Tag>)> {
        let range = (end.0, end.1, 0, 0)..=(end.0, end.1, TypeAt::MAX, u64::MAX);
        self.links.range(range).map(|((_, _, to_type, to), tags)| ((*to_type, *to), tags.clone())).collect()
    }

    fn tally(&mut self, from: End, to: End, kind: Option<Kind>) {
        let tally = self.tallies.entry((from.0, from.1, to.0, kind)).or_insert(Tally { count: 0, last: to.1 });
        tally.count += 1;
        tally.last = to.1;
    }

    fn untally(&mut self, from: End, to: End, kind: Option<Kind>) {
        let key = (from.0, from.1, to.0, kind);
        if let Some(tally) = self.tallies.get_mut(&key) {
            tally.count -= 1;
            if tally.count == 0 {
                self.tallies.remove(&key);
            }
        }
    }
}

/// Makes what a create asked for.
pub(crate) fn add_all(account: &mut Account, from: End, links: Vec<New>) {
    for New { to, tag } in links {
        match tag {
            Some(tag) => account.associations.tag(from, to, tag),
            None => account.associations.link(from, to),
        }
        first_is_primary(account, from, to);
    }
}

/// Makes a record's only company its primary, where the account's settings say so.
pub(crate) fn first_is_primary(account: &mut Account, from: End, to: End) {
    if !account.settings.first_company_is_primary {
        return;
    }
    for (a, b) in [(from, to), (to, from)] {
        let definitions = between(account, a.0, b.0);
        let primary = definitions.iter().find(|definition| definition.kind.is_exclusive());
        if let Some(primary) = primary.filter(|_| account.associations.count(a, b.0, None) == 1) {
            account.associations.tag(a, b, Tag::from(primary));
        }
    }
}

/// Writes the types of one link, the unlabelled default first: it is always returned as well `[DOC-ASSOC]`.
pub(crate) fn write_types(out: &mut Vec<u8>, tags: &[Tag], definitions: &[Definition]) {
    out.push(b'[');
    let tagged = tags.iter().map(|tag| tag.kind);
    for (at, kind) in definitions.first().map(|default| default.kind).into_iter().chain(tagged).enumerate() {
        comma(out, at);
        out.extend_from_slice(
            format!("{{\"category\":\"{}\",\"typeId\":{},\"label\":", kind.category(), kind.id).as_bytes(),
        );
        match definitions.iter().find(|other| other.kind == kind).and_then(|other| other.label.as_deref()) {
            Some(label) => write_str(out, label),
            None => out.extend_from_slice(b"null"),
        }
        out.push(b'}');
    }
    out.push(b']');
}

/// Every association of a record as the control API shows it.
pub(crate) fn shown(account: &Account, type_at: TypeAt, id: u64) -> serde_json::Value {
    let mut all = serde_json::Map::new();
    for (to_type, object_type) in account.types.iter().enumerate() {
        if account.associations.count((type_at, id), to_type, None) == 0 {
            continue;
        }
        let definitions = between(account, type_at, to_type);
        let mut links = Vec::new();
        for (to, tags) in account.associations.of((type_at, id), to_type, 0) {
            let mut types = Vec::new();
            write_types(&mut types, tags, &definitions);
            let types: serde_json::Value = serde_json::from_slice(&types).expect("types are written as JSON");
            links.push(serde_json::json!({ "id": to.to_string(), "types": types }));
        }
        all.insert(object_type.plural.clone(), serde_json::Value::Array(links));
    }
    serde_json::Value::Object(all)
}

/// What the pseudo-property `associations.{type}` of a search sees.
pub(crate) fn associated_ids(
    account: &Account,
    type_at: TypeAt,
    id: u64,
    to: TypeAt,
) -> impl Iterator<Item = u64> + '_ {
    account.associations.of((type_at, id), to, 0).map(|(to, _)| to)
}

#[cfg(test)]
mod tests {
    use super::{Associations, Kind, Tag};

    const CONTACTS: usize = 0;
    const COMPANIES: usize = 1;
    const PRIMARY: Tag =
        Tag { kind: Kind { user_defined: false, id: 1 }, reverse: Kind { user_defined: false, id: 2 } };
    const BOSS: Tag = Tag { kind: Kind { user_defined: true, id: 1 }, reverse: Kind { user_defined: true, id: 2 } };

    fn ids(all: &Associations, from: (usize, u64), to_type: usize) -> Vec<u64> {
        all.of(from, to_type, 0).map(|(to, _)| to).collect()
    }

    #[test]
    fn a_new_primary_demotes_the_old_one_from_either_end() {
        let mut all = Associations::default();
        let (contact, one, two) = ((CONTACTS, 1), (COMPANIES, 1), (COMPANIES, 2));
        all.tag(contact, one, PRIMARY);
        all.tag(two, contact, PRIMARY.turned());
        assert_eq!((all.tags(contact, one), all.tags(contact, two)), (Some(&[][..]), Some(&[PRIMARY][..])));
        assert_eq!((all.tags(one, contact), all.tags(two, contact)), (Some(&[][..]), Some(&[PRIMARY.turned()][..])));
        all.tag((CONTACTS, 2), two, PRIMARY);
        assert_eq!(all.count(two, CONTACTS, Some(PRIMARY.reverse)), 2, "a company is primary for many");
    }

    #[test]
    fn a_merge_keeps_the_survivors_primary_and_never_links_it_to_itself() {
        let mut all = Associations::default();
        let (one, two) = ((COMPANIES, 1), (COMPANIES, 2));
        all.tag((CONTACTS, 1), one, PRIMARY);
        all.tag((CONTACTS, 2), two, PRIMARY);
        all.tag((CONTACTS, 2), two, BOSS);
        all.link((CONTACTS, 1), (CONTACTS, 2));
        all.move_all(CONTACTS, 2, 1);
        assert_eq!(all.tags((CONTACTS, 1), one), Some(&[PRIMARY][..]));
        assert_eq!(all.tags((CONTACTS, 1), two), Some(&[BOSS][..]));
        assert_eq!((ids(&all, (CONTACTS, 1), CONTACTS), ids(&all, two, CONTACTS)), (vec![], vec![1]));
        all.remove_record(CONTACTS, 1);
        assert!(all.links.is_empty() && all.tallies.is_empty(), "nothing is left, no tally either");
    }
}
