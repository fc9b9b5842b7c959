//! The other reading: what the parser that decides Segment's mappings makes of a trigger.
//!
//! Segment documents one language and runs another: its actions read triggers with a small JavaScript parser
//! (`@segment/destination-subscriptions` 3.37.0 on `@segment/fql-ts`) that knows less and passes over what it does not
//! know. Owns that parser's rules, slips included: its tokens, its tree, its decision and its way of writing the tree.
//! Leaves to `compat` how that differs from the documented language. Nothing in here decides what Hubward does.
//!
//! Two things are not imitated: the methods of text, lists and numbers, which the original can reach as fields, and half
//! a surrogate pair, which no text of ours can hold.

mod evaluate;
mod generate;
mod lexer;
mod parser;

pub(super) use evaluate::hops;
pub(super) use parser::INHERITED;
use serde_json::{Value, json};

use super::numbers;

/// A trigger as the original reads it.
#[derive(Clone, Debug, PartialEq)]
pub struct SegmentTrigger {
    pub(super) root: Result<Group, String>,
}

/// Conditions of one level. The original has one word for a level, whatever was written between the conditions.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Group {
    pub(super) operator: Joined,
    /// None is a group in which nothing was recognised; deciding it fails.
    pub(super) children: Vec<Option<Node>>,
}

/// The word between the conditions of a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Joined {
    And,
    Or,
}

impl Joined {
    const fn word(self) -> &'static str {
        match self {
            Self::And => "and",
            Self::Or => "or",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Group(Group),
    Condition(Condition),
}

/// One comparison. The operator is whatever stood there: the original takes any word for one and decides later.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Condition {
    pub(super) subject: Subject,
    pub(super) operator: String,
    pub(super) value: Option<Expected>,
}

/// What of the event is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    Type,
    Event,
    Name,
    UserId,
    Property(String),
    Trait(String),
    Context(String),
}

/// What it is compared with.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expected {
    Text(String),
    Number(f64),
    Bool(bool),
}

impl Expected {
    /// As JavaScript's `String(value)`.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => numbers::text(*number),
            Self::Bool(truth) => truth.to_string(),
        }
    }

    /// As JavaScript's `Number(value)`.
    pub(super) fn number(&self) -> f64 {
        match self {
            Self::Text(text) => numbers::of_text(text),
            Self::Number(number) => *number,
            Self::Bool(truth) => f64::from(u8::from(*truth)),
        }
    }
}

impl SegmentTrigger {
    /// Reads a trigger as the original does. Where the original gives up, every event is dropped with its error.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        Self { root: parser::parse(text) }
    }

    /// The original's error message, where it gives up.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        self.root.as_ref().err().map(String::as_str)
    }

    /// Whether the original would fire; none where it would have dropped the event with an error.
    #[must_use]
    pub fn matches(&self, event: &Value) -> Option<bool> {
        evaluate::group(self.root.as_ref().ok()?, event)
    }

    /// The trigger as the original writes it again from its tree; none where it would fail.
    #[must_use]
    pub fn regenerated(&self) -> Option<String> {
        generate::text(self.root.as_ref().ok()?)
    }

    /// The original's tree, as it shows it in JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match &self.root {
            Ok(group) => group.to_json(),
            Err(message) => json!({ "error": message }),
        }
    }
}

impl Group {
    fn to_json(&self) -> Value {
        let children: Vec<Value> = self
            .children
            .iter()
            .map(|child| match child {
                None => Value::Null,
                Some(Node::Group(group)) => group.to_json(),
                Some(Node::Condition(condition)) => condition.to_json(),
            })
            .collect();
        json!({ "type": "group", "operator": self.operator.word(), "children": children })
    }
}

impl Condition {
    fn to_json(&self) -> Value {
        let mut object = serde_json::Map::new();
        let (kind, name) = match &self.subject {
            Subject::Type => ("event-type", None),
            Subject::Event => ("event", None),
            Subject::Name => ("name", None),
            Subject::UserId => ("userId", None),
            Subject::Property(name) => ("event-property", Some(name)),
            Subject::Trait(name) => ("event-trait", Some(name)),
            Subject::Context(name) => ("event-context", Some(name)),
        };
        object.insert("type".to_owned(), kind.into());
        if let Some(name) = name {
            object.insert("name".to_owned(), name.as_str().into());
        }
        object.insert("operator".to_owned(), self.operator.as_str().into());
        match &self.value {
            None => {}
            Some(Expected::Text(text)) => {
                object.insert("value".to_owned(), text.as_str().into());
            }
            Some(Expected::Bool(truth)) => {
                object.insert("value".to_owned(), (*truth).into());
            }
            Some(Expected::Number(number)) => {
                // A whole number is shown without a point, and what is no number as null.
                let shown = numbers::text(*number);
                object.insert("value".to_owned(), serde_json::from_str(&shown).unwrap_or(Value::Null));
            }
        }
        Value::Object(object)
    }
}
