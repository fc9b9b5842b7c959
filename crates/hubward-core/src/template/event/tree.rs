//! An event as a template sees it: what prints as in JavaScript, and nil that contains nothing.

use std::collections::HashMap;

use liquid::model::{
    ArrayView, DisplayCow, KString, KStringCow, ObjectView, ScalarCow, State, Value as Liquid, ValueView,
};
use serde_json::Value;

use super::super::values::json_to_liquid;

/// What an object prints as.
const OBJECT_TEXT: &str = "[object Object]";

/// A value of an event.
#[derive(Debug)]
pub(super) enum Tree {
    /// Null; what a template calls nil has a type's name of its own, for nothing is less or greater than that.
    Nil,
    /// As nil to everything but the filters that write JSON.
    Missing,
    /// A boolean, number or text.
    Scalar(Liquid),
    Array(Vec<Tree>),
    Object(HashMap<KString, Tree>),
}

/// Stands for every null.
pub(super) static NIL: Tree = Tree::Nil;
/// Stands for everything that is missing.
pub(super) static MISSING: Tree = Tree::Missing;

impl Tree {
    pub(super) fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Nil,
            Value::Array(items) => Self::Array(items.iter().map(Self::of).collect()),
            Value::Object(members) => {
                Self::Object(members.iter().map(|(name, value)| (KString::from_ref(name), Self::of(value))).collect())
            }
            scalar => Self::Scalar(json_to_liquid(scalar)),
        }
    }

    fn print(&self) -> String {
        match self {
            Self::Nil | Self::Missing => String::new(),
            Self::Scalar(value) => value.to_kstr().into_string(),
            Self::Array(items) => items.iter().map(Self::print).collect(),
            Self::Object(_) => OBJECT_TEXT.to_owned(),
        }
    }
}

impl ValueView for Tree {
    fn as_debug(&self) -> &dyn std::fmt::Debug {
        self
    }

    fn render(&self) -> DisplayCow<'_> {
        match self {
            Self::Scalar(value) => value.render(),
            other => DisplayCow::Owned(Box::new(other.print())),
        }
    }

    fn source(&self) -> DisplayCow<'_> {
        self.render()
    }

    fn type_name(&self) -> &'static str {
        match self {
            Self::Nil => "null",
            Self::Missing => "undefined",
            Self::Scalar(value) => value.type_name(),
            Self::Array(_) => "array",
            Self::Object(_) => "object",
        }
    }

    fn query_state(&self, state: State) -> bool {
        match (self, state) {
            (Self::Scalar(value), state) => value.query_state(state),
            (Self::Nil | Self::Missing, State::Truthy | State::Empty) => false,
            (Self::Nil | Self::Missing, State::DefaultValue | State::Blank) => true,
            (Self::Array(_) | Self::Object(_), State::Truthy) => true,
            (Self::Array(items), _) => items.is_empty(),
            (Self::Object(members), _) => members.is_empty(),
        }
    }

    fn to_kstr(&self) -> KStringCow<'_> {
        match self {
            Self::Scalar(value) => value.to_kstr(),
            other => KStringCow::from_string(other.print()),
        }
    }

    fn to_value(&self) -> Liquid {
        match self {
            Self::Nil | Self::Missing => Liquid::Nil,
            Self::Scalar(value) => value.clone(),
            Self::Array(items) => Liquid::Array(items.iter().map(Self::to_value).collect()),
            Self::Object(members) => {
                Liquid::Object(members.iter().map(|(name, value)| (name.clone(), value.to_value())).collect())
            }
        }
    }

    fn as_scalar(&self) -> Option<ScalarCow<'_>> {
        match self {
            Self::Scalar(value) => value.as_scalar(),
            _ => None,
        }
    }

    /// Nil is a list without items where a list is asked for, so that it contains nothing and is joined to nothing.
    fn as_array(&self) -> Option<&dyn ArrayView> {
        match self {
            Self::Nil | Self::Missing | Self::Array(_) => Some(self),
            _ => None,
        }
    }

    fn as_object(&self) -> Option<&dyn ObjectView> {
        match self {
            Self::Object(members) => Some(members),
            _ => None,
        }
    }

    fn is_nil(&self) -> bool {
        matches!(self, Self::Nil | Self::Missing)
    }
}

impl ArrayView for Tree {
    fn as_value(&self) -> &dyn ValueView {
        self
    }

    fn size(&self) -> i64 {
        i64::try_from(self.items().len()).expect("a list in memory is not that long")
    }

    fn values<'k>(&'k self) -> Box<dyn Iterator<Item = &'k dyn ValueView> + 'k> {
        Box::new(self.items().iter().map(|item| item as &dyn ValueView))
    }

    fn contains_key(&self, index: i64) -> bool {
        ArrayView::get(self, index).is_some()
    }

    fn get(&self, index: i64) -> Option<&dyn ValueView> {
        let items = self.items();
        let length = i64::try_from(items.len()).ok()?;
        let index = if index < 0 { index.checked_add(length)? } else { index };
        items.get(usize::try_from(index).ok()?).map(|item| item as &dyn ValueView)
    }
}

impl Tree {
    fn items(&self) -> &[Self] {
        match self {
            Self::Array(items) => items,
            _ => &[],
        }
    }
}
