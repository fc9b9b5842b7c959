//! Owns the types of associations: which exist between two object types, in which direction, and their labels (api.md 7.3
//! and 7.5). Which records are linked is the matter of `associations`.

use crate::account::{Account, TypeAt};
use crate::answers::Refusal;

/// `HUBSPOT_DEFINED` or `USER_DEFINED`, and the type id in its direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Kind {
    pub(crate) user_defined: bool,
    pub(crate) id: u32,
}

impl Kind {
    pub(crate) fn category(self) -> &'static str {
        if self.user_defined { "USER_DEFINED" } else { "HUBSPOT_DEFINED" }
    }

    /// The kind that a request names; a category that no type here has is none.
    pub(crate) fn named(category: &str, id: u32) -> Option<Kind> {
        match category {
            "HUBSPOT_DEFINED" => Some(Kind { user_defined: false, id }),
            "USER_DEFINED" => Some(Kind { user_defined: true, id }),
            _ => None,
        }
    }

    /// A record has at most one association of such a kind: its primary company or, for a lead, contact.
    pub(crate) fn is_exclusive(self) -> bool {
        !self.user_defined && matches!(self.id, 1 | 5 | 26 | 578 | 580)
    }

    /// The type's name in `associations` of a read: `contact_to_company`, that with `_primary`, or with a label's id.
    pub(crate) fn v3_name(self, from: &str, to: &str) -> String {
        match (self.user_defined, self.id) {
            (false, 1 | 2 | 5 | 6 | 25 | 26 | 577..=580) => format!("{from}_to_{to}_primary"),
            (true, id) if id < OWN_DEFAULTS => format!("{from}_to_{to}_{id}"),
            _ => format!("{from}_to_{to}"),
        }
    }
}

/// From type, to type, id, reverse id, label, reverse label; the first of a pair is its unlabelled default `[DOC-ASSOC]`. The
/// reverse labels of the primaries are worded as captured live for id 2. The reverse ids of leads are not in our sources.
#[rustfmt::skip]
const STANDARD: &[(&str, &str, u32, u32, &str, &str)] = &[
    ("0-1", "0-2", 279, 280, "", ""),
    ("0-1", "0-2", 1, 2, "Primary", "Contact with Primary Company"),
    ("0-1", "0-2", 931, 930, "Billing Contact", "Billing Contact"),
    ("0-1", "0-3", 4, 3, "", ""),
    ("0-1", "0-5", 15, 16, "", ""),
    ("0-2", "0-3", 342, 341, "", ""),
    ("0-2", "0-3", 6, 5, "Deal with Primary Company", "Primary"),
    ("0-2", "0-5", 340, 339, "", ""),
    ("0-2", "0-5", 25, 26, "Ticket with Primary Company", "Primary"),
    ("0-3", "0-5", 27, 28, "", ""),
    ("0-1", "0-1", 449, 449, "", ""),
    ("0-2", "0-2", 450, 450, "", ""),
    ("0-2", "0-2", 13, 14, "Child Company", "Parent Company"),
    ("0-3", "0-3", 451, 451, "", ""),
    ("0-5", "0-5", 452, 452, "", ""),
    ("0-3", "0-8", 19, 20, "", ""),
    ("0-46", "0-1", 202, 201, "", ""),
    ("0-46", "0-2", 190, 189, "", ""),
    ("0-46", "0-3", 214, 213, "", ""),
    ("0-46", "0-5", 228, 227, "", ""),
    ("0-49", "0-1", 198, 197, "", ""),
    ("0-48", "0-1", 194, 193, "", ""),
    ("0-47", "0-1", 200, 199, "", ""),
    ("0-27", "0-1", 204, 203, "", ""),
    ("0-136", "0-1", 608, 607, "", ""),
    ("0-136", "0-1", 578, 577, "Primary", "Lead with Primary Contact"),
    ("0-136", "0-2", 610, 609, "", ""),
    ("0-136", "0-2", 580, 579, "Primary", "Lead with Primary Company"),
];

/// Above it lie the unlabelled defaults of pairs that api.md does not list; their ids are ours.
const OWN_DEFAULTS: u32 = 10_000;
/// More than an account has object types.
const OWN_STRIDE: u32 = 1_000;

/// One type in one direction.
#[derive(Debug, Clone)]
pub(crate) struct Definition {
    pub(crate) kind: Kind,
    pub(crate) reverse: Kind,
    /// None: the pair's unlabelled default.
    pub(crate) label: Option<String>,
}

/// A label of the user: `USER_DEFINED` ids in both directions.
#[derive(Debug, Clone)]
pub(crate) struct Label {
    pub(crate) from: TypeAt,
    pub(crate) to: TypeAt,
    pub(crate) id: u32,
    pub(crate) reverse: u32,
    pub(crate) name: Option<String>,
    pub(crate) label: String,
    pub(crate) inverse_label: Option<String>,
}

impl Label {
    pub(crate) fn is_between(&self, one: TypeAt, other: TypeAt) -> bool {
        (self.from, self.to) == (one, other) || (self.to, self.from) == (one, other)
    }
}

/// The user's labels of an account.
#[derive(Debug, Default)]
pub(crate) struct Labels {
    pub(crate) all: Vec<Label>,
    next: u32,
}

impl Labels {
    /// A fresh type id.
    pub(crate) fn new_id(&mut self) -> u32 {
        self.next += 1;
        self.next
    }
}

/// The types of a pair in their direction; the unlabelled default first.
pub(crate) fn between(account: &Account, from: TypeAt, to: TypeAt) -> Vec<Definition> {
    let (from_id, to_id) = (&*account.types[from].id, &*account.types[to].id);
    let mut definitions = Vec::new();
    let mut add = |id: u32, reverse: u32, label: &str| {
        let kind = |id| Kind { user_defined: false, id };
        let label = (!label.is_empty()).then(|| label.to_owned());
        definitions.push(Definition { kind: kind(id), reverse: kind(reverse), label });
    };
    for (a, b, id, reverse, label, reverse_label) in STANDARD {
        if (*a, *b) == (from_id, to_id) {
            add(*id, *reverse, label);
        }
        if (*b, *a) == (from_id, to_id) && id != reverse {
            add(*reverse, *id, reverse_label);
        }
    }
    if definitions.is_empty() {
        let (kind, reverse) = own_default(account, from, to);
        definitions.push(Definition { kind, reverse, label: None });
    }
    for label in &account.labels.all {
        let own = |id: u32| Kind { user_defined: true, id };
        if (label.from, label.to) == (from, to) {
            let text = label.label.clone();
            definitions.push(Definition { kind: own(label.id), reverse: own(label.reverse), label: Some(text) });
        }
        if (label.to, label.from) == (from, to) && label.id != label.reverse {
            let text = label.inverse_label.clone().unwrap_or_else(|| label.label.clone());
            definitions.push(Definition { kind: own(label.reverse), reverse: own(label.id), label: Some(text) });
        }
    }
    definitions
}

/// Custom objects have a `USER_DEFINED` default (api.md 7.3).
fn own_default(account: &Account, from: TypeAt, to: TypeAt) -> (Kind, Kind) {
    let number = |at: TypeAt| u32::try_from(at).unwrap_or(0);
    let user_defined = account.types[from].schema.is_some() || account.types[to].schema.is_some();
    let kind = |a: TypeAt, b: TypeAt| Kind { user_defined, id: OWN_DEFAULTS + number(a) * OWN_STRIDE + number(b) };
    (kind(from, to), kind(to, from))
}

/// The type that a request names, or what HubSpot says of one that is not between these object types in this direction.
pub(crate) fn find<'d>(
    account: &Account,
    from: TypeAt,
    among: &'d [Definition],
    category: &str,
    id: u32,
) -> Result<&'d Definition, Refusal> {
    let wanted = Kind::named(category, id);
    if let Some(found) = among.iter().find(|definition| Some(definition.kind) == wanted) {
        return Ok(found);
    }
    let begins = wanted.filter(|kind| !kind.user_defined).and_then(|kind| {
        STANDARD.iter().find_map(|(a, b, one, reverse, _, _)| match kind.id {
            id if id == *one => Some((*a, *b)),
            id if id == *reverse => Some((*b, *a)),
            _ => None,
        })
    });
    let is = &*account.types[from].id;
    match begins {
        Some((expected, _)) if expected != is => Err(Refusal::validation(format!(
            "invalid from object type {is} for associations to be created. expected: {expected}"
        ))),
        // the right direction, another object type at its end
        Some((_, expected)) => Err(Refusal::validation(format!(
            "invalid to object type for associations to be created. expected: {expected}"
        ))),
        None => Err(Refusal::validation("One or more associations are invalid")
            .context("associationSpec", vec![format!("{category}={id}")])
            .context(
                "INVALID_ASSOCIATION_TYPE_ID",
                vec![format!("{category}={id} is not a valid association definition id")],
            )),
    }
}

/// The object type that a type from `from` leads to; a create names no other.
pub(crate) fn leads_to(account: &Account, from: TypeAt, kind: Kind) -> Option<TypeAt> {
    let from_id = &*account.types[from].id;
    if kind.id > OWN_DEFAULTS {
        let to = ((kind.id - OWN_DEFAULTS) % OWN_STRIDE) as usize;
        return (to < account.types.len() && own_default(account, from, to).0 == kind).then_some(to);
    }
    if kind.user_defined {
        return account.labels.all.iter().find_map(|label| match (label.from, label.to) {
            (a, b) if a == from && label.id == kind.id => Some(b),
            (a, b) if b == from && label.reverse == kind.id => Some(a),
            _ => None,
        });
    }
    let to_id = STANDARD.iter().find_map(|(a, b, id, reverse, _, _)| match kind.id {
        one if one == *id && *a == from_id => Some(*b),
        one if one == *reverse && *b == from_id => Some(*a),
        _ => None,
    })?;
    account.types.iter().position(|object_type| object_type.id == to_id)
}
