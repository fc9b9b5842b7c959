//! The nearest name, for "did you mean": edit distance over names that a person mistyped.

/// The candidate nearest to `name`, if one is near enough to be what was meant: at most a third of the letters differ.
/// A candidate that differs only by letter case always is.
#[must_use]
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted: Vec<char> = fold(name);
    let limit = (wanted.len() / 3).max(1);
    let mut best: Option<(usize, &'a str)> = None;
    for candidate in candidates {
        let folded = fold(candidate);
        if folded.len().abs_diff(wanted.len()) > limit {
            continue;
        }
        let distance = distance(&wanted, &folded);
        if distance <= limit && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// How many of a name's first letters are compared: enough for any property or column name, and a bound on the work for
/// a value that is a whole text.
const MAX_COMPARED_CHARS: usize = 128;

fn fold(text: &str) -> Vec<char> {
    let mut folded = Vec::new();
    for character in text.chars().take(MAX_COMPARED_CHARS) {
        // `first_name`, `first-name` and `First Name` are the same name to the person who types it.
        if matches!(character, '_' | '-' | ' ') {
            continue;
        }
        folded.extend(character.to_lowercase());
    }
    folded
}

/// Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment).
fn distance(left: &[char], right: &[char]) -> usize {
    let mut before = vec![0usize; right.len() + 1];
    let mut previous: Vec<usize> = (0..=right.len()).collect();
    let mut current = vec![0usize; right.len() + 1];
    for (i, l) in left.iter().enumerate() {
        current[0] = i + 1;
        for (j, r) in right.iter().enumerate() {
            let substitution = previous[j] + usize::from(l != r);
            let mut least = substitution.min(previous[j + 1] + 1).min(current[j] + 1);
            if i > 0 && j > 0 && *l == right[j - 1] && left[i - 1] == *r {
                least = least.min(before[j - 1] + 1);
            }
            current[j + 1] = least;
        }
        std::mem::swap(&mut before, &mut previous);
        std::mem::swap(&mut previous, &mut current);
    }
    previous[right.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_of_the_finger_finds_its_name() {
        let names = ["firstname", "lastname", "email", "lifecyclestage"];
        assert_eq!(nearest("fristname", names), Some("firstname"));
        assert_eq!(nearest("first_name", names), Some("firstname"));
        assert_eq!(nearest("EMAIL", names), Some("email"));
        assert_eq!(nearest("lifecycle_stag", names), Some("lifecyclestage"));
    }

    #[test]
    fn a_name_that_resembles_nothing_gets_no_suggestion() {
        assert_eq!(nearest("shoe_size", ["firstname", "email"]), None);
        assert_eq!(nearest("x", std::iter::empty()), None);
    }

    #[test]
    fn the_nearest_of_several_wins() {
        assert_eq!(nearest("email_2", ["email_10", "email_1", "email2"]), Some("email2"));
    }
}
