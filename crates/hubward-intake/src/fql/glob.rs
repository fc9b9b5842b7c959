//! Patterns of `match`: `*`, `?`, `[abc]`, `[a-z]`, `[^a-z]`, `\x`.
//!
//! Owns their reading and matching. Matching goes back to the last `*` only, so that its time is bounded by the length
//! of the text times that of the pattern, and patterns are bounded by [`GLOB_CHARS_MAX`].

/// The longest pattern, in characters. A longer one matches nothing.
pub const GLOB_CHARS_MAX: usize = 1_000;

/// One step of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// This character.
    Literal(char),
    /// `?`: one character, whichever.
    One,
    /// `*`: any number of characters.
    Run,
    /// One character within one of the ranges, or without all of them.
    Class { negated: bool, ranges: Vec<(char, char)> },
}

/// The steps of a pattern; none where it is too long. Every text is a pattern: a `[` that is never closed and a `\` at
/// the end stand for themselves.
pub(super) fn steps(pattern: &str) -> Option<Vec<Step>> {
    let chars: Vec<char> = pattern.chars().take(GLOB_CHARS_MAX + 1).collect();
    if chars.len() > GLOB_CHARS_MAX {
        return None;
    }
    let mut steps = Vec::new();
    // Once a `[` has found no end, no later one needs to look for it.
    let mut closes = true;
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        at += 1;
        match c {
            '*' if steps.last() == Some(&Step::Run) => {}
            '*' => steps.push(Step::Run),
            '?' => steps.push(Step::One),
            '\\' => {
                let literal = chars.get(at).copied();
                at += usize::from(literal.is_some());
                steps.push(Step::Literal(literal.unwrap_or('\\')));
            }
            '[' if closes => match class(&chars, at) {
                Some((class, after)) => {
                    steps.push(class);
                    at = after;
                }
                None => {
                    closes = false;
                    steps.push(Step::Literal('['));
                }
            },
            c => steps.push(Step::Literal(c)),
        }
    }
    Some(steps)
}

/// What stands between `[` and `]`, and the place after the `]`.
fn class(chars: &[char], begin: usize) -> Option<(Step, usize)> {
    let negated = chars.get(begin) == Some(&'^');
    let mut at = begin + usize::from(negated);
    let mut ranges = Vec::new();
    loop {
        if *chars.get(at)? == ']' {
            return Some((Step::Class { negated, ranges }, at + 1));
        }
        let (low, after) = member(chars, at)?;
        at = after;
        // A `-` before the `]` is itself.
        if chars.get(at) == Some(&'-') && chars.get(at + 1).is_some_and(|c| *c != ']') {
            let (high, after) = member(chars, at + 1)?;
            at = after;
            ranges.push((low, high));
        } else {
            ranges.push((low, low));
        }
    }
}

fn member(chars: &[char], at: usize) -> Option<(char, usize)> {
    match *chars.get(at)? {
        '\\' => Some((*chars.get(at + 1)?, at + 2)),
        c => Some((c, at + 1)),
    }
}

/// Whether the pattern matches the whole text.
pub(super) fn matches(text: &str, pattern: &str) -> bool {
    let Some(steps) = steps(pattern) else { return false };
    let mut rest = text.chars();
    let mut step = 0;
    // Where to go on if a step fails: after the last `*`, with one more character taken by it.
    let mut retry = None;
    loop {
        match steps.get(step) {
            Some(Step::Run) => {
                step += 1;
                retry = Some((step, rest.clone()));
                continue;
            }
            None if rest.as_str().is_empty() => return true,
            wanted => {
                let mut ahead = rest.clone();
                let found = ahead.next();
                if let (Some(wanted), Some(found)) = (wanted, found)
                    && wanted.takes(found)
                {
                    rest = ahead;
                    step += 1;
                    continue;
                }
            }
        }
        let Some((after, from)) = &mut retry else { return false };
        if from.next().is_none() {
            return false;
        }
        step = *after;
        rest = from.clone();
    }
}

impl Step {
    /// The character, if it is one certain one.
    pub(super) fn literal(&self) -> Option<char> {
        match self {
            Self::Literal(c) => Some(*c),
            _ => None,
        }
    }

    fn takes(&self, c: char) -> bool {
        match self {
            Self::Literal(literal) => *literal == c,
            Self::One => true,
            Self::Run => false,
            Self::Class { negated, ranges } => ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{GLOB_CHARS_MAX, Step, matches, steps};

    #[test]
    fn the_documented_examples_match_as_documented() {
        for (text, pattern, expected) in [
            ("abcd", "a*d", true),
            ("", "*", true),
            ("abc", "ab", false),
            ("abcd", "a??d", true),
            ("abcd", "*d", true),
            ("ab*d", r"ab\*d", true),
            ("abxd", r"ab\*d", false),
            ("abCd", "ab[cC]d", true),
            ("abcd", "ab[a-z]d", true),
            ("abcd", "ab[A-Z]d", false),
        ] {
            assert_eq!(matches(text, pattern), expected, "{text} {pattern}");
        }
    }

    #[test]
    fn classes_may_be_negated_and_hold_any_character_by_a_backslash() {
        assert!(matches("abXd", "ab[^a-z]d"));
        assert!(!matches("abd", "ab[^a-z]d"));
        assert!(matches("]", r"[\]]") && matches("-", "[a-]") && matches("^", "[a^]") && matches("ü", "[à-ü]"));
        assert!(!matches("", "[]") && !matches("a", "[]") && matches("a", "[^]") && !matches("b", "[z-a]"));
    }

    #[test]
    fn what_is_never_closed_stands_for_itself() {
        assert!(matches("[ab", "[ab") && matches("a]", "a]") && matches("a\\", "a\\") && matches("[x[", "[?["));
    }

    #[test]
    fn many_stars_take_no_longer_than_text_times_pattern() {
        let pattern = format!("{}b", "*a".repeat(400));
        assert!(!matches(&"a".repeat(20_000), &pattern));
        assert!(!matches("a", &"*".repeat(GLOB_CHARS_MAX + 1)));
    }

    /// Decides by trying everything; for short texts only.
    fn slow(text: &[char], steps: &[Step]) -> bool {
        match steps.split_first() {
            None => text.is_empty(),
            Some((Step::Run, rest)) => (0..=text.len()).any(|taken| slow(&text[taken..], rest)),
            Some((step, rest)) => text.split_first().is_some_and(|(c, text)| step.takes(*c) && slow(text, rest)),
        }
    }

    proptest! {
        #[test]
        fn the_quick_way_decides_as_the_slow_one(text in "[ab]{0,8}", pattern in r"[ab*?\[\]^\\-]{0,8}") {
            let chars: Vec<char> = text.chars().collect();
            let steps = steps(&pattern).expect("short");
            prop_assert_eq!(matches(&text, &pattern), slow(&chars, &steps), "{} {}", text, pattern);
        }
    }
}
