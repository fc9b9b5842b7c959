//! Labels by name: what HubSpot shows a person, resolved to the type id in the direction of the sync (api.md 7.3).

use crate::association::LabelText;
use crate::suggest::nearest;

/// A kind of association: `HUBSPOT_DEFINED` or `USER_DEFINED`, and its directional type id (api.md 7.5).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Kind {
    pub category: String,
    pub type_id: u64,
}

/// A kind with the name that HubSpot shows; none for the unlabelled default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    pub kind: Kind,
    pub name: Option<String>,
}

/// The labels of one pair of object types, in one direction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelSet(Vec<Label>);

/// A name that no label has, or that several have when letter case is disregarded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownLabel {
    pub name: String,
    pub nearest: Option<String>,
    /// The names that there are.
    pub known: Vec<String>,
}

impl LabelSet {
    #[must_use]
    pub fn new(labels: Vec<Label>) -> Self {
        Self(labels)
    }

    /// The names that there are.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|label| label.name.as_deref())
    }

    /// The name of a kind.
    #[must_use]
    pub fn name_of(&self, kind: &Kind) -> Option<&str> {
        self.0.iter().find(|label| label.kind == *kind).and_then(|label| label.name.as_deref())
    }

    /// The kind of this name: as HubSpot shows it, or in other letter case where that leaves no doubt.
    ///
    /// # Errors
    /// There is no such label.
    pub fn find(&self, name: &str) -> Result<&Kind, UnknownLabel> {
        let name = name.trim();
        if let Some(label) = self.0.iter().find(|label| label.name.as_deref() == Some(name)) {
            return Ok(&label.kind);
        }
        let folded = name.to_lowercase();
        let alike = |label: &&Label| label.name.as_deref().is_some_and(|known| known.trim().to_lowercase() == folded);
        let mut hits = self.0.iter().filter(alike);
        match (hits.next(), hits.next()) {
            (Some(label), None) => Ok(&label.kind),
            _ => Err(UnknownLabel {
                name: name.to_owned(),
                nearest: nearest(name, self.names()).map(str::to_owned),
                known: self.names().map(str::to_owned).collect(),
            }),
        }
    }

    /// The kinds that a row's label means. A text is taken whole where it is a name, else as names with commas between them.
    ///
    /// # Errors
    /// The first name that there is not.
    pub fn resolve(&self, text: &LabelText) -> Result<Vec<Kind>, UnknownLabel> {
        match text {
            LabelText::Name(name) => Ok(vec![self.find(name)?.clone()]),
            LabelText::List(list) => {
                if let Ok(kind) = self.find(list) {
                    return Ok(vec![kind.clone()]);
                }
                let names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
                names.map(|name| self.find(name).cloned()).collect()
            }
        }
    }
}

impl UnknownLabel {
    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> String {
        match (&self.nearest, self.known.as_slice()) {
            (Some(near), _) => format!("did you mean {near:?}?"),
            (None, []) => "there are no labels between these two object types; make one in HubSpot".to_owned(),
            (None, known) => format!("the labels are {}", known.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[Option<&str>]) -> LabelSet {
        let label = |(id, name): (usize, &Option<&str>)| Label {
            kind: Kind { category: "USER_DEFINED".to_owned(), type_id: id as u64 },
            name: name.map(str::to_owned),
        };
        LabelSet::new(names.iter().enumerate().map(label).collect())
    }

    fn ids(set: &LabelSet, text: &str) -> Result<Vec<u64>, Option<String>> {
        let kinds = set.resolve(&LabelText::List(text.to_owned()));
        kinds.map(|kinds| kinds.iter().map(|kind| kind.type_id).collect()).map_err(|unknown| unknown.nearest)
    }

    #[test]
    fn a_label_is_found_by_its_name_and_by_other_letter_case_without_doubt() {
        let set = set(&[None, Some("Buyer"), Some("seller"), Some("Seller"), Some("Owner, former")]);
        assert_eq!(ids(&set, "Buyer"), Ok(vec![1]));
        assert_eq!(ids(&set, "BUYER"), Ok(vec![1]));
        assert_eq!(ids(&set, "Seller"), Ok(vec![3]));
        assert!(ids(&set, "SELLER").is_err());
        assert_eq!(ids(&set, "buyer, seller"), Ok(vec![1, 2]));
        assert_eq!(ids(&set, "Owner, former"), Ok(vec![4]));
        assert_eq!(ids(&set, "Buyr"), Err(Some("Buyer".to_owned())));
        assert_eq!(
            set.resolve(&LabelText::Name("Buyer, seller".to_owned())).map_err(|unknown| unknown.name),
            Err("Buyer, seller".to_owned())
        );
    }
}
