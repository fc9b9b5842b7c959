//! Keeps the options' secrets out of a driver's error texts.

use hubward_core::{ExposeSecret, SecretString};

/// Options that name a thing; every other option's value is taken for a secret.
const PUBLIC_OPTIONS: [&str; 10] =
    ["path", "username", "user", "host", "port", "database", "schema", "role", "warehouse", "account"];
/// A shorter value (`1`, `on`) would black out half of the text.
const SECRET_BYTES: usize = 3;

pub(super) struct Redactor {
    secrets: Vec<String>,
}

impl Redactor {
    pub(super) fn of(options: &[(String, SecretString)]) -> Self {
        let mut secrets = Vec::new();
        for (key, value) in options {
            let value = value.expose_secret();
            if PUBLIC_OPTIONS.contains(&key.as_str()) {
                continue;
            }
            secrets.push(value.to_owned());
            // A driver may quote the password of a URL alone.
            if let Some((_, rest)) = value.split_once("://")
                && let Some((user_info, _)) = rest.rsplit_once('@')
                && let Some((_, password)) = user_info.split_once(':')
            {
                secrets.push(password.to_owned());
            }
        }
        secrets.retain(|secret| secret.len() >= SECRET_BYTES);
        // Longest first: a password inside a URL must not break the URL's own replacement.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        Self { secrets }
    }

    pub(super) fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.secrets {
            text = text.replace(secret, "***");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_blacked_out_and_names_are_not() {
        let option = |key: &str, value: &str| (key.to_owned(), SecretString::from(value.to_owned()));
        let redactor = Redactor::of(&[
            option("uri", "postgres://me:s3cret@h/db"),
            option("path", "lake.duckdb"),
            option("token", "abcdef"),
        ]);
        assert_eq!(
            redactor.text("bad postgres://me:s3cret@h/db, s3cret, abcdef in lake.duckdb"),
            "bad ***, ***, *** in lake.duckdb"
        );
    }
}
