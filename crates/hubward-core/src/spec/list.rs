//! What a list sync declares.

use super::{Location, Match};

/// A sync of rows to the members of a list.
#[derive(Clone, Debug)]
pub struct ListSync {
    pub name: String,
    pub model: String,
    pub list: ListTarget,
    pub list_at: Location,
    /// `object:` of the list as written: the type of a list that is made, and what one that exists must hold. None:
    /// contacts for a list by name, whatever it holds for a list by id.
    pub object: Option<String>,
    /// `property` may be `id`.
    pub match_: Match,
    pub mode: ListMode,
    /// Make a record for a row that has none, so that it can join the list.
    pub create_missing: bool,
    /// Members that this sync did not add leave too. Mode mirror only.
    pub exclusive: bool,
    pub after: Vec<String>,
    pub at: Location,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListTarget {
    /// Made if missing, of the type that `object` names.
    Name(String),
    Id(u64),
}

/// What a list sync does with the model's rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ListMode {
    /// Rows join; rows that leave the model leave the list.
    #[default]
    Mirror,
    /// Rows join, none leave.
    Add,
    /// The model's rows are taken off.
    Remove,
}
