//! A sync's `map:` compiled against the account's properties and the model's columns: from a row to what would be written.
//!
//! Left to the caller: a match value that is missing or taken twice within the model, whether the match property is unique
//! in the account, reading the record where a write rule needs it, and the ledger.

mod compile;
mod problem;
mod row;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::PropertyDef;
use crate::Value;
use crate::spec::{Conversion, WriteRule};
use crate::template::Template;

pub(crate) use compile::Compiler;
pub use problem::MappingProblem;
pub use row::MappedRow;
pub(crate) use row::{Found, Row};

/// A compiled mapping. Its entries are sorted by property, and an entry's position is what the written-bitmap speaks of.
#[derive(Debug)]
pub struct Mapping {
    entries: Vec<MappedProperty>,
    match_: MatchRule,
    columns: Vec<String>,
    signature: String,
}

/// One compiled entry of `map:`.
#[derive(Debug)]
pub struct MappedProperty {
    pub name: Arc<str>,
    pub property: PropertyDef,
    pub conversion: Conversion,
    pub write: WriteRule,
    pub force: bool,
    source: Source,
}

#[derive(Debug)]
pub(crate) enum Source {
    Column(ColumnRef),
    Value(Value),
    Template(Template),
}

/// A column by name, with the place where the model's schema had it.
#[derive(Clone, Debug)]
pub(crate) struct ColumnRef {
    name: String,
    index: usize,
}

impl ColumnRef {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

/// How a row finds its record.
#[derive(Debug)]
enum MatchRule {
    /// By record id.
    RecordId(ColumnRef),
    Property(ColumnRef, PropertyDef),
}

impl Mapping {
    /// Every column that a mapped value or the match value comes from, sorted.
    #[must_use]
    pub fn columns(&self) -> Vec<String> {
        self.columns.clone()
    }

    /// Text that changes when the mapping may turn the same row into something else: its entries, their properties' types,
    /// and the match. For the ledger's head.
    #[must_use]
    pub fn signature(&self) -> String {
        self.signature.clone()
    }

    /// The mapped properties' names, sorted.
    #[must_use]
    pub fn property_names(&self) -> Vec<Arc<str>> {
        self.entries.iter().map(|entry| Arc::clone(&entry.name)).collect()
    }

    /// The compiled entries, sorted by property.
    #[must_use]
    pub fn entries(&self) -> &[MappedProperty] {
        &self.entries
    }

    /// Whether rows find their records by record id.
    #[must_use]
    pub fn matches_by_id(&self) -> bool {
        matches!(self.match_, MatchRule::RecordId(_))
    }

    /// The match property's definition; `None` for the record id.
    #[must_use]
    pub fn match_property(&self) -> Option<&PropertyDef> {
        match &self.match_ {
            MatchRule::RecordId(_) => None,
            MatchRule::Property(_, property) => Some(property),
        }
    }

    /// The column that the match value comes from.
    #[must_use]
    pub fn match_column(&self) -> &str {
        match &self.match_ {
            MatchRule::RecordId(column) | MatchRule::Property(column, _) => &column.name,
        }
    }
}
