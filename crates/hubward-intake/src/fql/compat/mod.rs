//! Where the original would have read a trigger differently, and how.
//!
//! Owns the check: no warning where both readings agree for every event, and at least one where they do not. Events are
//! taken to be what Segment's API takes: objects whose `properties`, `traits` and `context` are objects too, null or
//! missing. Leaves both readings to their modules.
//!
//! The way through: `formula` brings both readings into one form, `equivalence` decides whether the forms can differ,
//! `paths` knows where the original finds more in an event, and `reasons` names what in the text is to blame.

mod equivalence;
mod formula;
mod paths;
mod reasons;

use std::fmt::{self, Display, Formatter};

use equivalence::Difference;

use super::Trigger;
use super::segment::SegmentTrigger;

/// One difference between the two readings of a trigger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Stable, in kebab-case; listed in `docs/triggers.md`.
    pub code: &'static str,
    /// What the original does.
    pub message: String,
}

impl Warning {
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

impl Display for Warning {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.message, self.code)
    }
}

/// The longest part of a reading that a warning shows, in characters.
const SHOWN_MAX: usize = 300;

/// What the original reads differently: first what it reads, then why. Empty where both readings agree for all events.
/// `trigger` is what `text` says.
#[must_use]
pub fn differences(text: &str, trigger: &Trigger) -> Vec<Warning> {
    let original = SegmentTrigger::parse(text);
    let mut warnings = Vec::new();
    match &original.root {
        Err(message) => warnings.push(Warning::new(
            "drops-every-event",
            format!("Segment's parser cannot read this trigger and drops every event with an error ({message})"),
        )),
        Ok(group) => match formula::original(group) {
            None => warnings.push(Warning::new(
                "drops-events",
                "Segment's parser knows nothing of what stands in one of the parentheses, and drops events with an error when it comes there",
            )),
            Some(read) => {
                let documented = formula::documented(trigger.condition());
                let difference = equivalence::difference(&documented, &read);
                if difference.none() {
                    // The same questions; only what the paths lead to may differ.
                    return paths::differences(&read);
                }
                let reading = original.regenerated().unwrap_or_default();
                let reading = if reading == text {
                    format!("Segment's parser decides `{}` by other rules", shown(text))
                } else {
                    format!("Segment's parser reads `{}` as `{}`", shown(text), shown(&reading))
                };
                warnings.push(Warning::new("read-differently", format!("{reading}, and {}", effect(difference))));
                warnings.extend(paths::differences(&read));
            }
        },
    }
    warnings.extend(reasons::reasons(text, trigger.condition()));
    warnings
}

/// What the original makes of a text that is no trigger, if it does not refuse it too.
#[must_use]
pub fn reading_of_malformed(text: &str) -> Option<Warning> {
    let original = SegmentTrigger::parse(text);
    if original.error().is_some() {
        return None;
    }
    let reading = match original.regenerated() {
        Some(reading) => format!("reads it as `{}`", shown(&reading)),
        None => "drops events with an error only when it comes to parentheses in which it knows nothing".to_owned(),
    };
    Some(Warning::new("malformed", format!("Segment's parser does not refuse this trigger: it {reading}")))
}

fn effect(difference: Difference) -> &'static str {
    match (difference.more, difference.less) {
        (true, false) => "fires for events that this trigger leaves alone",
        (false, true) => "leaves events alone that this trigger fires for",
        _ => "fires for some other events",
    }
}

fn shown(text: &str) -> String {
    let mut chars = text.chars();
    let mut shown: String = chars.by_ref().take(SHOWN_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if chars.next().is_some() {
        shown.push('…');
    }
    shown
}
