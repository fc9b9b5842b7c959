//! Owns associations between records: type ids and their reverse, what a create may carry, how they are shown.
//!
//! Removal and cardinality are not here yet.

use std::collections::HashMap;

use crate::account::{Account, TypeAt};
use crate::answers::{Refusal, comma, write_str};
use crate::call::Call;
use crate::input::AssociationInput;

/// `HUBSPOT_DEFINED` or `USER_DEFINED`, and the type id in its direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kind {
    pub(crate) user_defined: bool,
    pub(crate) id: u32,
}

impl Kind {
    pub(crate) fn category(self) -> &'static str {
        if self.user_defined { "USER_DEFINED" } else { "HUBSPOT_DEFINED" }
    }

    /// The type's name in `associations` of a read: `contact_to_company`, or that with `_unlabeled` left out for labels.
    pub(crate) fn v3_name(self, from: &str, to: &str) -> String {
        match (self.user_defined, self.id) {
            (false, 1 | 2 | 5 | 6 | 25 | 26) => format!("{from}_to_{to}_primary"),
            (true, id) => format!("{from}_to_{to}_{id}"),
            _ => format!("{from}_to_{to}"),
        }
    }
}

/// From type, to type, id, reverse id; the first of a pair is its unlabelled default `[DOC-ASSOC]`.
const STANDARD: &[(&str, &str, u32, u32)] = &[
    ("0-1", "0-2", 279, 280),
    ("0-1", "0-2", 1, 2),
    ("0-1", "0-2", 931, 930),
    ("0-1", "0-3", 4, 3),
    ("0-1", "0-5", 15, 16),
    ("0-2", "0-3", 342, 341),
    ("0-2", "0-3", 6, 5),
    ("0-2", "0-5", 340, 339),
    ("0-2", "0-5", 25, 26),
    ("0-3", "0-5", 27, 28),
    ("0-1", "0-1", 449, 449),
    ("0-2", "0-2", 450, 450),
    ("0-2", "0-2", 13, 14),
    ("0-3", "0-3", 451, 451),
    ("0-5", "0-5", 452, 452),
    ("0-3", "0-8", 19, 20),
    ("0-46", "0-1", 202, 201),
    ("0-46", "0-2", 190, 189),
    ("0-46", "0-3", 214, 213),
    ("0-46", "0-5", 228, 227),
    ("0-49", "0-1", 198, 197),
    ("0-48", "0-1", 194, 193),
    ("0-47", "0-1", 200, 199),
    ("0-27", "0-1", 204, 203),
];

/// An association to be made once its record exists.
#[derive(Debug, Clone)]
pub(crate) struct New {
    pub(crate) to_type: TypeAt,
    pub(crate) to: u64,
    pub(crate) kind: Kind,
    pub(crate) reverse: Kind,
}

#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) to: u64,
    pub(crate) kinds: Vec<Kind>,
}

/// A label that `load.labels` gave: `USER_DEFINED` ids in both directions.
#[derive(Debug, Clone)]
pub(crate) struct Label {
    pub(crate) from: TypeAt,
    pub(crate) to: TypeAt,
    pub(crate) id: u32,
    pub(crate) reverse: u32,
    pub(crate) label: Option<String>,
    pub(crate) inverse_label: Option<String>,
}

#[derive(Debug, Default)]
pub(crate) struct Associations {
    links: HashMap<(TypeAt, u64, TypeAt), Vec<Link>>,
    pub(crate) labels: Vec<Label>,
    next_label: u32,
}

impl Associations {
    pub(crate) fn of(&self, from_type: TypeAt, from: u64, to_type: TypeAt) -> &[Link] {
        self.links.get(&(from_type, from, to_type)).map_or(&[], Vec::as_slice)
    }

    /// A fresh id for a user-defined type.
    pub(crate) fn new_label_id(&mut self) -> u32 {
        self.next_label += 1;
        self.next_label
    }

    pub(crate) fn add_all(&mut self, from_type: TypeAt, from: u64, links: Vec<New>) {
        for link in links {
            self.add(from_type, from, &link);
        }
    }

    /// Both directions; a second time changes nothing.
    pub(crate) fn add(&mut self, from_type: TypeAt, from: u64, new: &New) {
        self.one_way((from_type, from, new.to_type), new.to, new.kind);
        self.one_way((new.to_type, new.to, from_type), from, new.reverse);
    }

    fn one_way(&mut self, key: (TypeAt, u64, TypeAt), to: u64, kind: Kind) {
        let links = self.links.entry(key).or_default();
        match links.iter_mut().find(|link| link.to == to) {
            Some(link) if link.kinds.contains(&kind) => {}
            Some(link) => link.kinds.push(kind),
            None => links.push(Link { to, kinds: vec![kind] }),
        }
    }

    pub(crate) fn remove_record(&mut self, type_at: TypeAt, id: u64) {
        self.links.retain(|(from_type, from, _), _| (*from_type, *from) != (type_at, id));
        for ((_, _, to_type), links) in &mut self.links {
            if *to_type == type_at {
                links.retain(|link| link.to != id);
            }
        }
    }

    /// What one record had becomes another's.
    pub(crate) fn move_all(&mut self, type_at: TypeAt, from: u64, to: u64) {
        let keys: Vec<(TypeAt, u64, TypeAt)> =
            self.links.keys().filter(|(from_type, id, _)| (*from_type, *id) == (type_at, from)).copied().collect();
        for key in keys {
            for link in self.links.remove(&key).unwrap_or_default() {
                for kind in &link.kinds {
                    self.one_way((type_at, to, key.2), link.to, *kind);
                }
            }
        }
        for ((_, _, to_type), links) in &mut self.links {
            if *to_type == type_at {
                for link in links.iter_mut().filter(|link| link.to == from) {
                    link.to = to;
                }
            }
        }
    }
}

/// The kinds of a pair in their direction with the reverse; the unlabelled default first.
pub(crate) fn kinds_between(account: &Account, from: TypeAt, to: TypeAt) -> Vec<(Kind, Kind, Option<String>)> {
    let (from_id, to_id) = (&*account.types[from].id, &*account.types[to].id);
    let defined = |id: u32| Kind { user_defined: false, id };
    let mut kinds = Vec::new();
    for (a, b, id, reverse) in STANDARD {
        let label = match id {
            1 | 6 | 25 => Some("Primary".to_owned()),
            931 => Some("Billing Contact".to_owned()),
            13 => Some("Child Company".to_owned()),
            _ => None,
        };
        if (*a, *b) == (from_id, to_id) {
            kinds.push((defined(*id), defined(*reverse), label.clone()));
        }
        if (*b, *a) == (from_id, to_id) && id != reverse {
            let label = if *id == 13 { Some("Parent Company".to_owned()) } else { label };
            kinds.push((defined(*reverse), defined(*id), label));
        }
    }
    for label in &account.associations.labels {
        let own = |id: u32| Kind { user_defined: true, id };
        if (label.from, label.to) == (from, to) {
            kinds.push((own(label.id), own(label.reverse), label.label.clone()));
        }
        if (label.to, label.from) == (from, to) && label.id != label.reverse {
            kinds.push((
                own(label.reverse),
                own(label.id),
                label.inverse_label.clone().or_else(|| label.label.clone()),
            ));
        }
    }
    if kinds.is_empty() {
        // pairs that api.md does not list have an unlabelled default too; its id is ours
        let number = |at: TypeAt| u32::try_from(at).unwrap_or(0);
        let id = 10_000 + number(from) * 100 + number(to);
        let reverse = 10_000 + number(to) * 100 + number(from);
        let user_defined = account.types[from].schema.is_some() || account.types[to].schema.is_some();
        kinds.push((Kind { user_defined, id }, Kind { user_defined, id: reverse }, None));
    }
    kinds
}

pub(crate) fn kind_of(
    account: &Account,
    from: TypeAt,
    to: TypeAt,
    category: &str,
    id: u32,
) -> Result<(Kind, Kind), Refusal> {
    let user_defined = category == "USER_DEFINED";
    let wanted = Kind { user_defined, id };
    let found = kinds_between(account, from, to).into_iter().find(|(kind, _, _)| *kind == wanted);
    if let Some((kind, reverse, _)) = found {
        return Ok((kind, reverse));
    }
    let elsewhere = STANDARD.iter().find_map(|(a, _, one, _)| (!user_defined && *one == id).then_some(*a));
    let elsewhere =
        elsewhere.or_else(|| STANDARD.iter().find_map(|(_, b, _, one)| (!user_defined && *one == id).then_some(*b)));
    if let Some(expected) = elsewhere {
        let is = &account.types[from].id;
        return Err(Refusal::validation(format!(
            "invalid from object type {is} for associations to be created. expected: {expected}"
        )));
    }
    Err(Refusal::validation("One or more associations are invalid")
        .context("associationSpec", vec![format!("{category}={id}")])
        .context(
            "INVALID_ASSOCIATION_TYPE_ID",
            vec![format!("{category}={id} is not a valid association definition id")],
        ))
}

/// Checks the associations of a create; the target's type follows from the association type id.
pub(crate) fn at_create(
    account: &Account,
    call: &Call<'_>,
    from: TypeAt,
    wanted: &[AssociationInput<'_>],
) -> Result<Vec<New>, Refusal> {
    if let Some(grant) = &call.grant
        && !wanted.is_empty()
        && grant.lacks_associations(call.version())
    {
        return Err(Refusal::validation("Missing 'Edit Associations' permission."));
    }
    let mut links = Vec::new();
    for one in wanted {
        for kind in &one.types {
            let category = kind.association_category.as_str();
            let id = kind.association_type_id;
            let found = (0..account.types.len())
                .find_map(|to| kind_of(account, from, to, category, id).ok().map(|kinds| (to, kinds)));
            let Some((to_type, (kind, reverse))) = found else {
                return Err(kind_of(account, from, from, category, id).err().unwrap_or_else(Refusal::not_found));
            };
            let to = one.to.id.as_str();
            let target = &account.types[to_type];
            let Some(to) = to.parse().ok().and_then(|to| target.surviving(to)).filter(|to| target.live(*to).is_some())
            else {
                let word = target.shouted();
                return Err(Refusal::validation("One or more associations are invalid")
                    .context("INVALID_OBJECT_IDS", vec![format!("{word}={to} is not valid")])
                    .context("objectId", vec![to.to_owned()])
                    .context("objectType", vec![word]));
            };
            links.push(New { to_type, to, kind, reverse });
        }
    }
    Ok(links)
}

pub(crate) fn write_links(out: &mut Vec<u8>, links: &[Link], labels: &[(Kind, Kind, Option<String>)]) {
    out.push(b'[');
    for (at, link) in links.iter().enumerate() {
        comma(out, at);
        out.extend_from_slice(format!("{{\"toObjectId\":{},\"associationTypes\":[", link.to).as_bytes());
        for (at, kind) in link.kinds.iter().enumerate() {
            comma(out, at);
            out.extend_from_slice(
                format!("{{\"category\":\"{}\",\"typeId\":{},\"label\":", kind.category(), kind.id).as_bytes(),
            );
            match labels.iter().find(|(other, _, _)| other == kind).and_then(|(_, _, label)| label.as_deref()) {
                Some(label) => write_str(out, label),
                None => out.extend_from_slice(b"null"),
            }
            out.push(b'}');
        }
        out.extend_from_slice(b"]}");
    }
    out.push(b']');
}

/// Every association of a record as the control API shows it.
pub(crate) fn shown(account: &Account, type_at: TypeAt, id: u64) -> serde_json::Value {
    let mut all = serde_json::Map::new();
    for (to_type, object_type) in account.types.iter().enumerate() {
        let links = account.associations.of(type_at, id, to_type);
        if links.is_empty() {
            continue;
        }
        let mut out = Vec::new();
        write_links(&mut out, links, &kinds_between(account, type_at, to_type));
        let mut shown: serde_json::Value = serde_json::from_slice(&out).expect("links are written as JSON");
        for link in shown.as_array_mut().into_iter().flatten() {
            *link = serde_json::json!({ "id": link["toObjectId"].to_string(), "types": link["associationTypes"] });
        }
        all.insert(object_type.plural.clone(), shown);
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
    account.associations.of(type_at, id, to).iter().map(|link| link.to)
}
