//! A YAML tree in which every node knows its place, and the interpolation of `${VAR}` on the way into it.
//!
//! Leaves meaning to the readers: a scalar keeps its text and how it was written, and becomes a name, a number or a flag
//! only where a reader asks for one. So `no` and `0123` stay text where a name is wanted.

mod interpolate;
mod malformed;
mod scalar;
mod tree;

use crate::sink::Span;

pub(crate) use tree::parse;

/// A value and its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) span: Span,
    pub(crate) kind: Kind,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Scalar(Scalar),
    List(Vec<Node>),
    /// Every entry in the order of the file, repeated keys included.
    Map(Vec<(Key, Node)>),
}

#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) text: String,
    pub(crate) span: Span,
}

#[derive(Clone, Debug)]
pub(crate) struct Scalar {
    /// With variables filled in.
    pub(crate) text: String,
    /// As it stands in the file, where that differs: the only form that may appear in a message.
    written: Option<String>,
    /// Not quoted, not a block: the only style in which YAML sees more than text.
    plain: bool,
    /// Places of variables that are not set. They have been reported; a reader passes such a scalar over in silence.
    pub(crate) missing: Vec<Span>,
}

impl Scalar {
    /// What a message may show.
    pub(crate) fn written(&self) -> &str {
        self.written.as_deref().unwrap_or(&self.text)
    }

    pub(crate) fn interpolated(&self) -> bool {
        self.written.is_some()
    }

    pub(crate) fn is_missing(&self) -> bool {
        !self.missing.is_empty()
    }

    /// YAML's own reading applies: plain, and not filled in from outside.
    pub(crate) fn is_plain(&self) -> bool {
        self.plain && !self.interpolated()
    }

    fn is_null(&self) -> bool {
        self.is_plain() && matches!(self.text.as_str(), "" | "~" | "null" | "Null" | "NULL")
    }
}

impl Node {
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.kind, Kind::Scalar(scalar) if scalar.is_null())
    }

    /// What it is, for a message.
    pub(crate) fn kind_name(&self) -> &'static str {
        match &self.kind {
            Kind::Scalar(_) if self.is_null() => "empty",
            Kind::Scalar(_) => "a single value",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
        }
    }

    pub(crate) fn scalar(&self) -> Option<&Scalar> {
        match &self.kind {
            Kind::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    pub(crate) fn map(&self) -> Option<&[(Key, Node)]> {
        match &self.kind {
            Kind::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The first value under `key`, when this is a map that has it.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.map()?.iter().find(|(known, _)| known.text == key).map(|(_, node)| node)
    }

    /// The places of all missing variables in it.
    pub(crate) fn missing(&self, into: &mut Vec<Span>) {
        match &self.kind {
            Kind::Scalar(scalar) => into.extend(&scalar.missing),
            Kind::List(items) => {
                for item in items {
                    item.missing(into);
                }
            }
            Kind::Map(entries) => {
                for (_, node) in entries {
                    node.missing(into);
                }
            }
        }
    }
}
