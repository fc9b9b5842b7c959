//! The pure rules of associations: what a column's value asks for, which labels it means, and which steps lead from the
//! associations that a record has to those that its row names.
//!
//! Left to the caller: finding the records that a value names, reading what HubSpot holds, and sending.

mod difference;
mod labels;
mod value;

pub use difference::{Difference, HeldKind, Rule, WantedPair, difference};
pub use labels::{Kind, Label, LabelSet, UnknownLabel};
pub use value::{LabelText, Labels, TARGETS_A_ROW_MAX, Target, targets};

use xxhash_rust::xxh3::xxh3_64;

/// One thing that a row asks for, folded as HubSpot compares it: the input of [`wanted_hash`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// The target's object type, as it stands in paths.
    pub object: &'a str,
    /// The property that the target is matched by; `id` for the record id.
    pub property: &'a str,
    /// The folded match value.
    pub value: &'a str,
    /// The labels that the association is to have, sorted.
    pub kinds: &'a [Kind],
    /// Whether other labels of the pair are to go.
    pub exact: bool,
}

/// Hash of everything that a row asks for; the order does not matter. Nothing asked for is 0 and nothing else is, and
/// `u64::MAX` never comes out, so that callers can give it a meaning of their own.
///
/// `removes` names what is removed besides (object types and labels that are overwritten): a row that asks for nothing but
/// removes does not hash to 0.
#[must_use]
pub fn wanted_hash<'a>(wanted: impl IntoIterator<Item = Wanted<'a>>, removes: &[String]) -> u64 {
    let mut hash: u64 = 0;
    let mut any = false;
    let mut buffer = Vec::new();
    for one in wanted {
        any = true;
        buffer.clear();
        for part in [one.object, one.property, one.value] {
            buffer.extend_from_slice(&(part.len() as u64).to_le_bytes());
            buffer.extend_from_slice(part.as_bytes());
        }
        buffer.push(u8::from(one.exact));
        for kind in one.kinds {
            buffer.extend_from_slice(kind.category.as_bytes());
            buffer.extend_from_slice(&kind.type_id.to_le_bytes());
        }
        hash = hash.wrapping_add(xxh3_64(&buffer));
    }
    for name in removes {
        any = true;
        buffer.clear();
        buffer.extend_from_slice(b"removes\0");
        buffer.extend_from_slice(name.as_bytes());
        hash = hash.wrapping_add(xxh3_64(&buffer));
    }
    match (any, hash) {
        (false, _) => 0,
        (true, 0) => 1,
        (true, u64::MAX) => u64::MAX - 1,
        (true, other) => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(value: &str) -> Wanted<'_> {
        Wanted { object: "companies", property: "domain", value, kinds: &[], exact: false }
    }

    #[test]
    fn the_order_of_targets_is_no_difference_and_everything_else_is() {
        let hash = |values: &[&str]| wanted_hash(values.iter().map(|value| wanted(value)), &[]);
        assert_eq!(hash(&["a", "b"]), hash(&["b", "a"]));
        assert_ne!(hash(&["a"]), hash(&["a", "b"]));
        assert_ne!(hash(&["ab"]), hash(&["a"]));
        let buyer = [Kind { category: "USER_DEFINED".to_owned(), type_id: 7 }];
        let labelled = Wanted { kinds: &buyer, ..wanted("a") };
        assert_ne!(wanted_hash([labelled.clone()], &[]), hash(&["a"]));
        assert_ne!(wanted_hash([Wanted { exact: true, ..labelled.clone() }], &[]), wanted_hash([labelled], &[]));
    }

    #[test]
    fn nothing_is_zero_unless_it_removes() {
        assert_eq!(wanted_hash([], &[]), 0);
        assert_ne!(wanted_hash([], &["companies".to_owned()]), 0);
        assert_ne!(wanted_hash([], &["companies".to_owned()]), wanted_hash([], &["deals".to_owned()]));
    }
}
