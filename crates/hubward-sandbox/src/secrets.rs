//! Owns what the request log must not show: secrets in the bodies, answers and paths of token calls.

use bytes::Bytes;
use serde_json::Value;

/// Stands where a secret stood.
const HIDDEN: &str = "[hidden]";

const SECRET_FIELDS: [&str; 12] = [
    "client_secret",
    "refresh_token",
    "access_token",
    "id_token",
    "token",
    "tokenKey",
    "code",
    "code_verifier",
    "client_assertion",
    "signature",
    "newSignature",
    "state",
];

fn is_secret(name: &str) -> bool {
    SECRET_FIELDS.contains(&name)
}

/// A form or a JSON document without its secrets; what is neither is hidden whole.
pub(crate) fn hide_in_body(body: &Bytes) -> Bytes {
    if body.is_empty() {
        return Bytes::new();
    }
    if let Ok(mut value) = serde_json::from_slice::<Value>(body) {
        hide_in_value(&mut value);
        return Bytes::from(value.to_string());
    }
    match std::str::from_utf8(body) {
        Ok(text) if text.contains('=') && !text.contains(['<', '\n']) => Bytes::from(hide_in_pairs(text)),
        _ => Bytes::from_static(HIDDEN.as_bytes()),
    }
}

fn hide_in_value(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if is_secret(name) {
                    *value = Value::String(HIDDEN.to_owned());
                } else {
                    hide_in_value(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(hide_in_value),
        _ => {}
    }
}

fn hide_in_pairs(text: &str) -> String {
    let pair = |pair: &str| match pair.split_once('=') {
        Some((name, _)) if is_secret(&crate::route::decode(name, true)) => format!("{name}={HIDDEN}"),
        _ => pair.to_owned(),
    };
    text.split('&').map(pair).collect::<Vec<String>>().join("&")
}

/// A path whose last segment is a token, and a query that holds secrets.
pub(crate) fn hide_in_path(path_and_query: &str) -> String {
    let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
    let mut shown = path.to_owned();
    for of_tokens in ["/access-tokens/", "/refresh-tokens/"] {
        if let Some(at) = path.find(of_tokens) {
            shown = format!("{}{HIDDEN}", &path[..at + of_tokens.len()]);
        }
    }
    if !query.is_empty() {
        shown.push('?');
        shown.push_str(&hide_in_pairs(query));
    }
    shown
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{hide_in_body, hide_in_path};

    #[test]
    fn secrets_are_hidden_and_the_rest_is_shown() {
        let form = Bytes::from_static(b"grant_type=refresh_token&client_id=a&client%5Fsecret=b&refresh_token=c");
        let shown = hide_in_body(&form);
        assert_eq!(shown, "grant_type=refresh_token&client_id=a&client%5Fsecret=[hidden]&refresh_token=[hidden]");
        let answer =
            Bytes::from_static(br#"{"access_token":"a","expires_in":1800,"signed_access_token":{"signature":"b"}}"#);
        let shown = String::from_utf8(hide_in_body(&answer).to_vec()).unwrap();
        assert!(shown.contains("1800") && !shown.contains("\"a\"") && !shown.contains("\"b\""), "{shown}");
        assert_eq!(hide_in_body(&Bytes::from_static(b"<html>s=1")), "[hidden]");
        assert_eq!(hide_in_path("/oauth/v1/refresh-tokens/abc"), "/oauth/v1/refresh-tokens/[hidden]");
        assert_eq!(hide_in_path("/oauth/v1/token?client_secret=a&x=1"), "/oauth/v1/token?client_secret=[hidden]&x=1");
    }
}
