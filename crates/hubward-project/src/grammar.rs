//! Every key of the project files, declared once: the readers take their known keys, required keys and exclusive groups
//! from here, and the JSON Schema is made from the same tables. What a value means is left to the readers.

mod declared;
mod events;
mod intake;
mod project;
mod syncs;

pub(crate) use declared::*;
pub(crate) use events::*;
pub(crate) use intake::*;
pub(crate) use project::*;
pub(crate) use syncs::*;

/// The kind of map that may stand at a place.
#[derive(Debug)]
pub(crate) struct Table {
    /// Name of its definition in the JSON Schema.
    pub(crate) name: &'static str,
    /// For messages, with its article: "a model".
    pub(crate) what: &'static str,
    pub(crate) doc: &'static str,
    pub(crate) keys: &'static [Key],
    /// Groups of keys of which exactly one must be there.
    pub(crate) one_of: &'static [&'static [&'static str]],
}

#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) required: bool,
    pub(crate) form: Form,
    pub(crate) doc: &'static str,
}

/// What may stand under a key.
#[derive(Debug)]
pub(crate) enum Form {
    /// Any single value, taken as text.
    Text,
    /// Text that must not appear anywhere; comes from a variable as a rule.
    Secret,
    Bool,
    /// A whole number above zero.
    Whole,
    /// `80%` or `0.8`.
    Share,
    Words(&'static [&'static str]),
    /// One text, or a list of texts.
    OneOrMany,
    /// Any YAML value, as a constant.
    Constant,
    /// Read elsewhere.
    Open,
    Table(&'static Table),
    /// A map from free names.
    Named(&'static Form),
    /// A map from free names, beside the keys of the table, which are no such names.
    NamedBeside(&'static Table, &'static Form),
    List(&'static Form),
    AnyOf(&'static [Form]),
}

impl Form {
    /// Whether a key with nothing after it has a meaning.
    pub(crate) fn takes_null(&self) -> bool {
        match self {
            Self::Constant | Self::Open => true,
            Self::Table(table) => table.one_of.is_empty() && table.keys.iter().all(|key| !key.required),
            _ => false,
        }
    }
}

impl Table {
    pub(crate) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> + Clone + use<> {
        let keys: &'static [Key] = self.keys;
        keys.iter().map(|key| key.name)
    }
}

const fn must(name: &'static str, form: Form, doc: &'static str) -> Key {
    Key { name, required: true, form, doc }
}

const fn may(name: &'static str, form: Form, doc: &'static str) -> Key {
    Key { name, required: false, form, doc }
}
