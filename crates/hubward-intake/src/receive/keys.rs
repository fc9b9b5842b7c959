//! Write keys: who may send events, and what their events are said to come from.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use hubward_core::{ExposeSecret as _, SecretString};

use super::Refusal;

/// The keys with the names of the sources.
#[derive(Debug)]
pub struct WriteKeys {
    keys: Vec<(String, SecretString)>,
}

impl WriteKeys {
    /// Name and key of each source.
    #[must_use]
    pub fn new(keys: Vec<(String, SecretString)>) -> Self {
        Self { keys }
    }

    /// The source of a key. Every key is compared to its end, so that the time taken tells nothing of them.
    pub(super) fn source(&self, given: &str) -> Option<&str> {
        let mut found = None;
        for (name, key) in &self.keys {
            if same(key.expose_secret().as_bytes(), given.as_bytes()) {
                found = Some(name.as_str());
            }
        }
        found
    }

    /// The source of an `Authorization` header: basic, the key as user name.
    pub(super) fn source_of_header(&self, header: &HeaderValue) -> Result<&str, Refusal> {
        const WANTED: &str = "authorization must be Basic with the write key as user name";
        let text = header.to_str().map_err(|_| Refusal::unauthorized(WANTED))?;
        let (scheme, credentials) = text.trim().split_once(' ').ok_or_else(|| Refusal::unauthorized(WANTED))?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return Err(Refusal::unauthorized(WANTED));
        }
        let decoded = STANDARD.decode(credentials.trim()).map_err(|_| Refusal::unauthorized(WANTED))?;
        let decoded = String::from_utf8(decoded).map_err(|_| Refusal::unauthorized(WANTED))?;
        let key = decoded.split_once(':').map_or(decoded.as_str(), |(key, _)| key);
        self.source(key).ok_or_else(Self::unknown)
    }

    pub(super) fn unknown() -> Refusal {
        Refusal::unauthorized("the write key is not one of this intake's")
    }
}

fn same(a: &[u8], b: &[u8]) -> bool {
    let differ = a.iter().zip(b).fold(0, |differ, (a, b)| differ | (a ^ b));
    a.len() == b.len() && std::hint::black_box(differ) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_by_its_whole_text_and_never_shown() {
        let keys = WriteKeys::new(vec![("web".into(), "abc".into()), ("app".into(), "abcd".into())]);
        assert_eq!(keys.source("abc"), Some("web"));
        assert_eq!(keys.source("abcd"), Some("app"));
        for wrong in ["", "ab", "abcde", "ABC"] {
            assert_eq!(keys.source(wrong), None);
        }
        let header = |text: &str| HeaderValue::from_str(text).unwrap();
        assert_eq!(keys.source_of_header(&header("Basic YWJjOg==")), Ok("web"));
        assert_eq!(keys.source_of_header(&header("basic YWJj")), Ok("web"));
        for wrong in ["Basic YWI6", "Bearer YWJjOg==", "Basic", "Basic ***", "YWJjOg=="] {
            assert!(keys.source_of_header(&header(wrong)).is_err(), "{wrong}");
        }
        assert!(!format!("{keys:?}").contains("abc"));
    }
}
