//! How much one resolving may make: what an event decides about its own size must not decide about ours.

use std::fmt;

use super::error::ResolveError;
use super::js::Js;

/// Values that resolving one event may make, intermediate ones included.
pub const RESULT_VALUES_MAX: usize = 200_000;
/// Bytes of text that resolving one event may make, intermediate ones included.
pub const RESULT_BYTES_MAX: usize = 16 << 20;
/// How deep lists and objects of a result may stand in each other.
pub const RESULT_DEPTH_MAX: usize = 300;

/// What is left to one resolving.
#[derive(Debug)]
pub(super) struct Budget {
    values: usize,
    bytes: usize,
}

impl Budget {
    pub(super) fn new() -> Self {
        Self { values: RESULT_VALUES_MAX, bytes: RESULT_BYTES_MAX }
    }

    /// Takes one value with a text of so many bytes.
    pub(super) fn take(&mut self, bytes: usize) -> Result<(), ResolveError> {
        self.values = self.values.checked_sub(1).ok_or_else(too_large)?;
        self.take_bytes(bytes)
    }

    /// Takes the bytes of a name.
    fn take_bytes(&mut self, bytes: usize) -> Result<(), ResolveError> {
        self.bytes = self.bytes.checked_sub(bytes).ok_or_else(too_large)?;
        Ok(())
    }

    /// A copy of a value that stands elsewhere.
    pub(super) fn copy(&mut self, value: &Js) -> Result<Js, ResolveError> {
        self.account(value)?;
        Ok(value.clone())
    }

    /// Takes what a value holds, before it is copied.
    fn account(&mut self, value: &Js) -> Result<(), ResolveError> {
        match value {
            Js::Text(text) => self.take(text.len()),
            Js::Array(items) => {
                self.take(0)?;
                items.iter().try_for_each(|item| self.account(item))
            }
            Js::Object(members) => {
                self.take(0)?;
                members.iter().try_for_each(|(name, value)| {
                    self.take_bytes(name.len())?;
                    self.account(value)
                })
            }
            Js::Undefined | Js::Null | Js::Bool(_) | Js::Number(_) => self.take(0),
        }
    }

    /// A text that grows no further than the budget; what it holds is taken when it is finished.
    pub(super) fn text(&self) -> Growing {
        Growing { text: String::new(), max: self.bytes }
    }

    pub(super) fn finish(&mut self, growing: Growing) -> Result<String, ResolveError> {
        self.take(growing.text.len())?;
        Ok(growing.text)
    }
}

/// A text with an end to its growth.
#[derive(Debug)]
pub(super) struct Growing {
    text: String,
    max: usize,
}

impl fmt::Write for Growing {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if text.len() > self.max - self.text.len() {
            return Err(fmt::Error);
        }
        self.text.push_str(text);
        Ok(())
    }
}

/// The only reason for which a [`Growing`] text refuses more.
impl From<fmt::Error> for ResolveError {
    fn from(_: fmt::Error) -> Self {
        too_large()
    }
}

fn too_large() -> ResolveError {
    ResolveError::new(format!(
        "the result is too large: more than {RESULT_VALUES_MAX} values or {RESULT_BYTES_MAX} bytes of text"
    ))
}

/// Refuses a value in which lists and objects stand too deep in each other.
pub(super) fn check_depth(value: &Js) -> Result<(), ResolveError> {
    if is_deeper(value, RESULT_DEPTH_MAX) {
        return Err(ResolveError::new(format!("the result is nested more than {RESULT_DEPTH_MAX} deep")));
    }
    Ok(())
}

fn is_deeper(value: &Js, depth: usize) -> bool {
    match value {
        Js::Array(items) => depth == 0 || items.iter().any(|item| is_deeper(item, depth - 1)),
        Js::Object(members) => depth == 0 || members.values().any(|value| is_deeper(value, depth - 1)),
        _ => false,
    }
}
