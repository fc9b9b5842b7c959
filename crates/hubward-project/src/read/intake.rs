//! `intake:`: the address, the write keys, the spool.

use std::time::Duration;

use hubward_core::{ExposeSecret as _, SecretString};

use crate::grammar::{INTAKE, SPOOL_EMBEDDED, SPOOL_NATS, SPOOL_TYPES};
use crate::project::{IntakeSpec, SpoolSpec, WriteKey};
use crate::read::Reader;
use crate::read::fields::Fields;
use crate::sink::{Span, quoted};
use crate::yaml::{Node, Scalar};

/// Least that a spool may hold, in bytes: one batch as large as the intake takes, several times.
const MAX_LEAST: u64 = 1 << 20;
const MAX_WINDOW: Duration = Duration::from_secs(60);

pub(super) fn intake(reader: &mut Reader<'_, '_>, node: &Node) -> Option<IntakeSpec> {
    let fields = reader.table(node, &INTAKE)?;
    let listen = match fields.get("listen") {
        Some(node) => listen(reader, node),
        None => Some(IntakeSpec::DEFAULT_LISTEN.to_owned()),
    };
    let write_keys = fields.get("write_keys").and_then(|node| write_keys(reader, node));
    let spool = match fields.get("spool") {
        Some(node) => spool(reader, node),
        None => Some(SpoolSpec::Embedded { max_bytes: SpoolSpec::DEFAULT_MAX_BYTES }),
    };
    let window = duration(reader, &fields, "window", IntakeSpec::DEFAULT_WINDOW, MAX_WINDOW);
    let max_age = duration(reader, &fields, "max_age", IntakeSpec::DEFAULT_MAX_AGE, Duration::from_secs(366 * 86_400));
    Some(IntakeSpec {
        listen: listen?,
        write_keys: write_keys?,
        spool: spool?,
        window: window?,
        max_age: max_age?,
        at: reader.sink.location(node.span),
    })
}

fn listen(reader: &mut Reader<'_, '_>, node: &Node) -> Option<String> {
    let text = reader.text(node, "listen")?;
    let host_and_port = text.value.rsplit_once(':').filter(|(host, port)| {
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        !host.is_empty() && !host.contains(['/', ' ', '@']) && port.parse::<u16>().is_ok()
    });
    if host_and_port.is_none() {
        reader.sink.error(
            "bad-value",
            text.span,
            format!("`listen` must be an address and a port, not {}", quoted(&text.written)),
            "write `127.0.0.1:8790` for this machine only, `0.0.0.0:8790` for every one that can reach it",
        );
        return None;
    }
    Some(text.value)
}

fn write_keys(reader: &mut Reader<'_, '_>, node: &Node) -> Option<Vec<WriteKey>> {
    let mut keys: Vec<WriteKey> = Vec::new();
    let mut spans: Vec<Span> = Vec::new();
    let entries = reader.named(node, "write_keys", "duplicate-name", "the write key");
    if entries.is_empty() && node.map().is_some() {
        reader.sink.error(
            "empty-value",
            node.span,
            "`write_keys` names no key, so nobody could send events",
            "add one: `web: \"${WEB_WRITE_KEY}\"`",
        );
        return None;
    }
    let mut whole = !entries.is_empty();
    for (key, value) in entries {
        let name = reader.name(&key.text, &key.text, key.span, "a write key");
        let secret = reader.secret(value, &key.text, true);
        let (Some(name), Some(secret)) = (name, secret) else {
            whole = false;
            continue;
        };
        if secret.expose_secret().contains(':') || secret.expose_secret().trim() != secret.expose_secret() {
            reader.sink.error(
                "bad-value",
                value.span,
                format!(
                    "the write key {} holds a colon, or blanks around it, which no client can send",
                    quoted(&name.name)
                ),
                "use letters and digits",
            );
            whole = false;
            continue;
        }
        let same = |known: &WriteKey| known.key.expose_secret() == secret.expose_secret();
        if let Some(known) = keys.iter().position(same) {
            reader.sink.error_beside(
                "bad-value",
                value.span,
                (spans[known], "the other one"),
                format!("the write keys {} and {} are the same", quoted(&keys[known].name), quoted(&name.name)),
                "give each source a key of its own, or keep one of the two",
            );
            whole = false;
            continue;
        }
        spans.push(value.span);
        keys.push(WriteKey { name: name.name, key: secret });
    }
    whole.then_some(keys)
}

fn spool(reader: &mut Reader<'_, '_>, node: &Node) -> Option<SpoolSpec> {
    let Some(type_node) = node.get("type") else {
        let (code, state) = if node.map().is_some() || node.is_null() {
            ("missing-key", "`spool` needs the key `type`".to_owned())
        } else {
            ("wrong-type", format!("`spool` must be a map, not {}", node.kind_name()))
        };
        reader.sink.error(
            code,
            node.span,
            state,
            "write `{ type: embedded, max: 10GiB }` or `{ type: nats, url: nats://127.0.0.1:4222, stream: hubward }`",
        );
        return None;
    };
    if SPOOL_TYPES[reader.word(type_node, "type", &SPOOL_TYPES)?] == "embedded" {
        let fields = reader.table(node, &SPOOL_EMBEDDED)?;
        return Some(SpoolSpec::Embedded { max_bytes: max(reader, &fields)? });
    }
    let fields = reader.table(node, &SPOOL_NATS)?;
    let url = fields.get("url").and_then(|node| nats_url(reader, node));
    let stream = match fields.get("stream") {
        Some(node) => stream(reader, node),
        None => Some(SpoolSpec::DEFAULT_STREAM.to_owned()),
    };
    let max_bytes = max(reader, &fields);
    Some(SpoolSpec::Nats { url: url?, stream: stream?, max_bytes: max_bytes? })
}

fn nats_url(reader: &mut Reader<'_, '_>, node: &Node) -> Option<SecretString> {
    let text = reader.text(node, "url")?;
    let scheme = text.value.split_once("://").map(|(scheme, _)| scheme);
    if !matches!(scheme, Some("nats" | "tls")) {
        reader.sink.error(
            "bad-url",
            node.span,
            "the `url` of a spool of type nats must start with `nats://` or `tls://`",
            "write `nats://127.0.0.1:4222`; with a password, best as a variable: `url: ${NAME}`",
        );
        return None;
    }
    let warn = text.value.contains('@');
    reader.secret(node, "url", warn)
}

fn stream(reader: &mut Reader<'_, '_>, node: &Node) -> Option<String> {
    let text = reader.text(node, "stream")?;
    let good =
        text.value.len() <= 32 && text.value.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-'));
    if !good {
        reader.sink.error(
            "bad-name",
            text.span,
            format!("{} cannot be the name of a stream", quoted(&text.written)),
            "use ASCII letters, digits, `_` and `-`, at most 32 of them",
        );
        return None;
    }
    Some(text.value)
}

fn max(reader: &mut Reader<'_, '_>, fields: &Fields<'_>) -> Option<u64> {
    let Some(node) = fields.get("max") else {
        return Some(SpoolSpec::DEFAULT_MAX_BYTES);
    };
    let text = reader.text(node, "max")?;
    let bytes = size(&text.value).filter(|bytes| *bytes >= MAX_LEAST);
    if bytes.is_none() {
        reader.sink.error(
            "bad-value",
            text.span,
            format!("`max` must be a size of at least 1MiB, not {}", quoted(&text.written)),
            "write a whole number and a unit: `10GiB`, `500MiB`, `2TB`",
        );
    }
    bytes
}

/// A whole number of bytes with one of the usual units.
fn size(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(digits);
    let unit: u64 = match unit.trim_start() {
        "" | "B" => 1,
        "kB" | "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit).filter(|bytes| i64::try_from(*bytes).is_ok())
}

fn duration(
    reader: &mut Reader<'_, '_>,
    fields: &Fields<'_>,
    key: &'static str,
    default: Duration,
    most: Duration,
) -> Option<Duration> {
    let Some(node) = fields.get(key) else {
        return Some(default);
    };
    let text = reader.text(node, key)?;
    let duration = length(&text.value).filter(|length| *length <= most);
    if duration.is_none() {
        let shown = if node.scalar().is_some_and(Scalar::interpolated) { &text.written } else { &text.value };
        reader.sink.error(
            "bad-value",
            text.span,
            format!("`{key}` must be a time above zero and at most {} s, not {}", most.as_secs(), quoted(shown)),
            "write a whole number and a unit: `500ms`, `1s`, `15m`, `1h` or `1d`",
        );
    }
    duration
}

fn length(text: &str) -> Option<Duration> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (digits, unit) = text.split_at(digits);
    let unit_ms: u64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    let ms = digits.parse::<u64>().ok()?.checked_mul(unit_ms).filter(|ms| *ms > 0)?;
    Some(Duration::from_millis(ms))
}

#[cfg(test)]
mod tests {
    use super::{length, size};

    #[test]
    fn sizes_and_times_need_a_number_and_a_unit() {
        for (text, bytes) in
            [("10GiB", 10 << 30), ("500 MiB", 500 << 20), ("1048576", 1 << 20), ("2TB", 2_000_000_000_000)]
        {
            assert_eq!(size(text), Some(bytes), "{text}");
        }
        for text in ["", "GiB", "10 gib", "1.5GiB", "-1GiB", "99999999TiB", "10G"] {
            assert_eq!(size(text), None, "{text}");
        }
        for (text, ms) in [("500ms", 500), ("1s", 1_000), ("15m", 900_000), ("2h", 7_200_000), ("3d", 259_200_000)] {
            assert_eq!(length(text).map(|length| length.as_millis()), Some(ms), "{text}");
        }
        for text in ["", "1", "s", "0s", "1.5s", "-1s", "1w", "99999999999999999999d"] {
            assert_eq!(length(text), None, "{text}");
        }
    }
}
