//! `@flatten`: nested members as members of one object.

use super::budget::Budget;
use super::error::ResolveError;
use super::js::{Js, Members};

/// The leaves of a value under the names that lead to them. A value that is a leaf itself has the name ''; empty objects
/// and lists leave nothing.
pub(super) fn flatten(value: Js, separator: &str, omit_arrays: bool, budget: &mut Budget) -> Result<Js, ResolveError> {
    let mut flattening = Flattening { separator, omit_arrays, budget, leaves: Members::new() };
    flattening.add(String::new(), value)?;
    Ok(Js::Object(flattening.leaves))
}

struct Flattening<'a> {
    separator: &'a str,
    omit_arrays: bool,
    budget: &'a mut Budget,
    leaves: Members,
}

impl Flattening<'_> {
    fn add(&mut self, prefix: String, value: Js) -> Result<(), ResolveError> {
        match value {
            Js::Object(members) => {
                members.into_iter().try_for_each(|(name, value)| self.add(self.joined(&prefix, &name), value))
            }
            Js::Array(items) if !self.omit_arrays => {
                let mut items = items.into_iter().enumerate();
                items.try_for_each(|(position, item)| self.add(self.joined(&prefix, &position.to_string()), item))
            }
            leaf => {
                self.budget.take(prefix.len())?;
                self.leaves.insert(prefix, leaf);
                Ok(())
            }
        }
    }

    fn joined(&self, prefix: &str, name: &str) -> String {
        if prefix.is_empty() { name.to_owned() } else { format!("{prefix}{}{name}", self.separator) }
    }
}
