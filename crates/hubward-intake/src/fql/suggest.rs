//! "Did you mean": the nearest known word to one that is not known.

/// The known word that is nearest to `written`, if it is near enough to be meant.
pub(super) fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A long word is never a slip of the fingers, and the distance is quadratic.
    if written.is_empty() || written.chars().count() > 64 {
        return None;
    }
    let folded: Vec<char> = written.chars().filter(|c| !matches!(c, '_' | '-')).flat_map(char::to_lowercase).collect();
    let allowed = (folded.len() / 3).clamp(1, 3);
    let mut best: Option<(usize, &str)> = None;
    for word in known {
        let distance = distance(&folded, word);
        if distance <= allowed && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, word));
        }
    }
    best.map(|(_, word)| word)
}

/// Letters to insert, delete or replace.
fn distance(written: &[char], word: &str) -> usize {
    let word: Vec<char> = word.chars().collect();
    let mut row: Vec<usize> = (0..=word.len()).collect();
    for (i, letter) in written.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, other) in word.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != other);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[word.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_is_found_and_a_different_word_is_not() {
        let known = ["contains", "match", "lowercase"];
        assert_eq!(nearest("contain", known), Some("contains"));
        assert_eq!(nearest("lower_case", known), Some("lowercase"));
        assert_eq!(nearest("webhook", known), None);
        assert_eq!(nearest("", known), None);
    }
}
