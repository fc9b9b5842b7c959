//! What can be wrong with a trigger, with the place and a way out.

/// Why a text is no trigger.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} at line {line}, column {column}")]
pub struct FqlError {
    /// What is wrong, as a fragment of a sentence.
    pub message: String,
    /// What to write instead, where that is known.
    pub help: Option<String>,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// The line of the trigger, as far as it is shown, and a second line with a `^` under the place.
    pub pointer: String,
}

/// Characters shown before and after the place.
const SHOWN_MAX: usize = 60;

impl FqlError {
    /// Points at the byte `at` of `text`.
    pub(super) fn at(text: &str, at: usize, message: impl Into<String>, help: Option<String>) -> Self {
        let at = at.min(text.len());
        let before = &text[..at];
        let begin = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.matches('\n').count() + 1;
        let column = before[begin..].chars().count() + 1;
        let rest = text[at..].split('\n').next().unwrap_or_default();
        let skipped = (column - 1).saturating_sub(SHOWN_MAX);
        let (mut shown, mut under) =
            if skipped > 0 { ("…".to_owned(), " ".to_owned()) } else { (String::new(), String::new()) };
        for c in before[begin..].chars().skip(skipped) {
            shown.push(if c.is_control() { ' ' } else { c });
            under.push(' ');
        }
        let mut after = rest.chars();
        for c in after.by_ref().take(SHOWN_MAX) {
            shown.push(if c.is_control() { ' ' } else { c });
        }
        if after.next().is_some() {
            shown.push('…');
        }
        under.push('^');
        Self { message: message.into(), help, line, column, pointer: format!("{shown}\n{under}") }
    }
}
