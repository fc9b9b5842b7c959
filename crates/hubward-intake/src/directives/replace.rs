//! `@replace`: JavaScript's replacing of a plain pattern, with the `$` patterns of a replacement.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::budget::Budget;
use super::error::ResolveError;
use super::js::{length, truthy};
use super::validate::REPLACE_LENGTH_MAX;

/// One or two replacements, one after the other.
pub(super) struct Plan<'a> {
    steps: Vec<(&'a str, &'a str)>,
    ignore_case: bool,
    global: bool,
}

impl<'a> Plan<'a> {
    /// The options with their defaults; None if one of them is of the wrong type, which the original answers with ''.
    pub(super) fn read(options: &'a Map<String, Value>) -> Option<Self> {
        let given = |name: &str| options.get(name).filter(|value| !value.is_null());
        let text = |name: &str| given(name).map_or(Some(""), Value::as_str);
        let flag = |name: &str, default: bool| given(name).map_or(Some(default), Value::as_bool);
        let mut plan = Self {
            steps: vec![(text("pattern")?, text("replacement")?)],
            ignore_case: flag("ignorecase", false)?,
            global: flag("global", true)?,
        };
        if options.get("pattern2").is_some_and(truthy)
            && let (Some(pattern), Some(replacement)) = (text("pattern2"), text("replacement2"))
        {
            plan.steps.push((pattern, replacement));
        }
        Some(plan)
    }

    pub(super) fn carry_out(&self, value: &str, budget: &mut Budget) -> Result<String, ResolveError> {
        let mut text = value.to_owned();
        for (pattern, replacement) in &self.steps {
            for (name, given) in [("pattern", pattern), ("replacement", replacement)] {
                if length(given) > REPLACE_LENGTH_MAX {
                    let message = format!("@replace requires a \"{name}\" less than {REPLACE_LENGTH_MAX} characters");
                    return Err(ResolveError::new(message));
                }
            }
            text = self.step(&text, pattern, replacement, budget)?;
        }
        Ok(text)
    }

    fn step(&self, text: &str, pattern: &str, replacement: &str, budget: &mut Budget) -> Result<String, ResolveError> {
        let mut replaced = budget.text();
        let mut copied = 0;
        let mut from = 0;
        while let Some((start, end)) = self.find(text, pattern, from) {
            replaced.write_str(&text[copied..start])?;
            expand(replacement, text, start, end, &mut replaced)?;
            copied = end;
            from = end;
            if !self.global {
                break;
            }
        }
        replaced.write_str(&text[copied..])?;
        budget.finish(replaced)
    }

    /// Where the pattern, which is not empty, stands next.
    fn find(&self, text: &str, pattern: &str, from: usize) -> Option<(usize, usize)> {
        if !self.ignore_case {
            let start = from + text[from..].find(pattern)?;
            return Some((start, start + pattern.len()));
        }
        for (offset, _) in text[from..].char_indices() {
            let start = from + offset;
            let mut rest = text[start..].char_indices();
            let same = pattern.chars().all(|wanted| rest.next().is_some_and(|(_, own)| fold(own) == fold(wanted)));
            if same {
                return Some((start, start + rest.next().map_or(text.len() - start, |(end, _)| end)));
            }
        }
        None
    }
}

/// A character as JavaScript compares it without regard to case: its capital, where that is one character of the basic
/// plane and does not make ASCII of what is none.
fn fold(own: char) -> char {
    let mut capitals = own.to_uppercase();
    match (capitals.next(), capitals.next()) {
        (Some(capital), None)
            if own.len_utf16() == 1 && capital.len_utf16() == 1 && (own.is_ascii() || !capital.is_ascii()) =>
        {
            capital
        }
        _ => own,
    }
}

/// Writes a replacement: `$$`, `$&`, `` $` `` and `$'` stand for a dollar, the match, what is before and what is behind.
fn expand(
    replacement: &str,
    text: &str,
    start: usize,
    end: usize,
    replaced: &mut impl std::fmt::Write,
) -> std::fmt::Result {
    let mut rest = replacement;
    while let Some(dollar) = rest.find('$') {
        replaced.write_str(&rest[..dollar])?;
        let meant = match rest.as_bytes().get(dollar + 1) {
            Some(b'$') => Some("$"),
            Some(b'&') => Some(&text[start..end]),
            Some(b'`') => Some(&text[..start]),
            Some(b'\'') => Some(&text[end..]),
            _ => None,
        };
        replaced.write_str(meant.unwrap_or("$"))?;
        rest = &rest[dollar + if meant.is_some() { 2 } else { 1 }..];
    }
    replaced.write_str(rest)
}
