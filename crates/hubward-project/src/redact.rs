//! Covers secrets in a line of a project file before it is shown: a diagnostic quotes the line it is about, and someone may
//! have written a token there.

/// A key whose name holds one of these has a secret for its value.
const SECRET_WORDS: [&str; 9] =
    ["token", "secret", "password", "passwd", "pwd", "write_key", "private_key", "api_key", "credential"];
/// Keys that may hold a connection string with a password in it.
const URL_KEYS: [&str; 4] = ["url", "uri", "dsn", "base_url"];

/// The line with every secret covered by as many `•`, so that columns stay where they were. Variables (`${…}`) are names
/// and stay readable, their defaults included.
pub(crate) fn line(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let mut covered = vec![false; letters.len()];
    let mut at = 0;
    while let Some(colon) = (at..letters.len()).find(|index| is_colon(&letters, *index)) {
        let key = key_before(&letters, colon).to_ascii_lowercase();
        at = colon + 1;
        if SECRET_WORDS.iter().any(|word| key.contains(word)) {
            cover(&letters, at, &mut covered);
        } else if URL_KEYS.contains(&key.as_str()) {
            cover_user_info(&letters, at, &mut covered);
        }
    }
    cover_private_app_tokens(&letters, &mut covered);
    letters.iter().zip(covered).map(|(c, covered)| if covered { '•' } else { *c }).collect()
}

fn is_colon(letters: &[char], index: usize) -> bool {
    letters[index] == ':' && letters.get(index + 1).is_none_or(|next| next.is_whitespace() || *next == '"')
}

fn key_before(letters: &[char], colon: usize) -> String {
    let start = letters[..colon]
        .iter()
        .rposition(|c| matches!(c, '{' | ',' | '[') || c.is_whitespace())
        .map_or(0, |before| before + 1);
    letters[start..colon].iter().filter(|c| !matches!(c, '"' | '\'')).collect()
}

/// From a secret's key to the end of the line, without what makes up the YAML around it.
fn cover(letters: &[char], from: usize, covered: &mut [bool]) {
    let mut index = from;
    while index < letters.len() {
        if letters[index] == '$' && letters.get(index + 1) == Some(&'{') {
            while index < letters.len() && letters[index] != '}' {
                index += 1;
            }
        } else if !letters[index].is_whitespace() && !matches!(letters[index], '"' | '\'' | '{' | '}' | ',') {
            covered[index] = true;
        }
        index += 1;
    }
}

/// `user:password` between `//` and `@`, and everything after `password=`.
fn cover_user_info(letters: &[char], from: usize, covered: &mut [bool]) {
    let value: String = letters[from..].iter().collect();
    if let Some(at) = letters[from..].iter().rposition(|c| *c == '@') {
        let start = letters[from..from + at]
            .windows(2)
            .position(|pair| pair == ['/', '/'])
            .map_or(from, |slashes| from + slashes + 2);
        cover(&letters[..from + at], start, covered);
    }
    if let Some(byte) = value.to_ascii_lowercase().find("password=") {
        let start = from + value[..byte].chars().count() + "password=".len();
        cover(letters, start, covered);
    }
}

/// HubSpot's private-app tokens have a form of their own (`pat-na1-…`), wherever they stand.
fn cover_private_app_tokens(letters: &[char], covered: &mut [bool]) {
    for start in 0..letters.len().saturating_sub(4) {
        if letters[start..start + 4] == ['p', 'a', 't', '-'] {
            let end = letters[start..]
                .iter()
                .position(|c| !(c.is_ascii_alphanumeric() || *c == '-'))
                .map_or(letters.len(), |length| start + length);
            if end - start >= 20 {
                covered[start..end].fill(true);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn secrets_are_covered_and_columns_stay() {
        for (text, shown) in [
            ("  token: abc", "  token: •••"),
            ("  token: ${T:-x} # y", "  token: ${T:-x} • •"),
            (
                "oauth: { client_id: 1, client_secret: s3, refresh_token: r }",
                "oauth: { client_id: 1, client_secret: ••, •••••••••••••• • }",
            ),
            ("url: postgres://me:pw@host/db", "url: postgres://•••••@host/db"),
            ("url: host=h password=pw", "url: host=h password=••"),
            ("x: pat-na1-11111111-2222-3333", "x: ••••••••••••••••••••••••••"),
            ("sql: select token from t", "sql: select token from t"),
        ] {
            assert_eq!(line(text), shown);
            assert_eq!(line(text).chars().count(), text.chars().count());
        }
    }
}
