//! FQL, the language of triggers: a condition on an event, such as `type = "track" and event = "Order Completed"`.
//!
//! Owns the documented language: reading it, printing it and deciding it for an event. Every text is either a trigger
//! or an [`FqlError`] with its place, and every trigger is true or false for every JSON value: nothing in an event can
//! make it fail. Leaves to the caller: which mapping has which trigger.

mod ast;
mod compat;
mod error;
mod evaluate;
mod functions;
mod glob;
mod lexer;
mod numbers;
mod parser;
pub mod segment;
mod suggest;
mod why;

pub use ast::{Comparison, Condition, Operand, Path};
pub use compat::{Warning, differences, reading_of_malformed};
pub use error::FqlError;
pub use functions::Function;
pub use glob::GLOB_CHARS_MAX;
use serde_json::Value;
pub use why::why;

/// The longest trigger, in bytes.
pub const FQL_BYTES_MAX: usize = 10_000;
/// How deep parentheses, negations, function calls and lists may stand in each other.
pub const FQL_DEPTH_MAX: usize = 32;

/// A trigger that has been read.
#[derive(Clone, Debug, PartialEq)]
pub struct Trigger {
    condition: Condition,
}

impl Trigger {
    /// Reads a trigger.
    ///
    /// # Errors
    /// What is wrong, and where, if the text is no FQL or exceeds [`FQL_BYTES_MAX`] or [`FQL_DEPTH_MAX`].
    pub fn parse(text: &str) -> Result<Self, FqlError> {
        Ok(Self { condition: parser::parse(text)? })
    }

    /// Whether the trigger fires for an event.
    #[must_use]
    pub fn matches(&self, event: &Value) -> bool {
        evaluate::holds(&self.condition, event)
    }

    /// What the trigger asks of an event.
    #[must_use]
    pub fn condition(&self) -> &Condition {
        &self.condition
    }
}

impl std::fmt::Display for Trigger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.condition.fmt(f)
    }
}
