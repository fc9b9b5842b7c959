//! Names of objects from the templates of the configuration, as Airbyte's destinations fill them in.
//!
//! In the path `{variable}` and `${VARIABLE}` are one; hours, minutes, seconds and milliseconds are since the epoch there,
//! day and month have no leading zero. What is no variable stays as it is written.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use uuid::Uuid;

use super::{Format, Storage};
use crate::catalog::StreamName;

/// When a write began, which all its objects are named by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) at: Timestamp,
    pub(crate) run: Uuid,
}

/// One object's place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) stream: &'a StreamName,
    pub(crate) sync_id: Option<i64>,
    pub(crate) moment: Moment,
    /// From 0.
    pub(crate) part: u32,
}

/// `.csv`, `.jsonl`, each with `.gz` where it is compressed.
fn extension(format: Format, gzip: bool) -> String {
    let extension = match format {
        Format::Csv { .. } => ".csv",
        Format::JsonLines { .. } => ".jsonl",
    };
    format!("{extension}{}", if gzip { ".gz" } else { "" })
}

impl Place<'_> {
    /// The key of the object in its bucket.
    pub(crate) fn key(&self, storage: &Storage) -> String {
        let path = filled(&storage.path_format.replace("${", "{"), |name| self.path_variable(&name.to_uppercase()));
        let file = filled(&storage.file_name_format.replace("${", "{"), |name| self.file_variable(name, storage));
        joined(&[&storage.prefix, &path, &file])
    }

    fn path_variable(&self, name: &str) -> Option<String> {
        let at = self.moment.at;
        let day = at.to_zoned(TimeZone::UTC);
        Some(match name {
            "NAMESPACE" => self.stream.namespace.clone().unwrap_or_default(),
            "STREAM_NAME" => self.stream.name.clone(),
            "SYNC_ID" => self.sync_id.unwrap_or_default().to_string(),
            "YEAR" => day.year().to_string(),
            "MONTH" => day.month().to_string(),
            "DAY" => day.day().to_string(),
            "HOUR" => (at.as_second() / 3600).to_string(),
            "MINUTE" => (at.as_second() / 60).to_string(),
            "SECOND" => at.as_second().to_string(),
            "MILLISECOND" | "EPOCH" => at.as_millisecond().to_string(),
            "UUID" => self.moment.run.to_string(),
            _ => return None,
        })
    }

    fn file_variable(&self, name: &str, storage: &Storage) -> Option<String> {
        let day = self.moment.at.to_zoned(TimeZone::UTC);
        Some(match name.to_lowercase().as_str() {
            "date" => day.strftime("%Y-%m-%d").to_string(),
            "timestamp" => self.moment.at.as_millisecond().to_string(),
            "part_number" => self.part.to_string(),
            "sync_id" => self.sync_id.unwrap_or_default().to_string(),
            "format_extension" => extension(storage.format, storage.gzip),
            _ => {
                // Letters of the pattern are told apart by case.
                let (_, pattern) = name.split_once(':').filter(|(word, _)| word.eq_ignore_ascii_case("date"))?;
                dated(&day, pattern)
            }
        })
    }
}

/// A date by Java's pattern letters, as far as they say days and times.
fn dated(day: &jiff::Zoned, pattern: &str) -> String {
    let parts = [("yyyy", "%Y"), ("SSS", "%3f"), ("MM", "%m"), ("dd", "%d"), ("HH", "%H"), ("mm", "%M"), ("ss", "%S")];
    let mut rest = pattern;
    let mut text = String::new();
    'letters: while let Some(letter) = rest.chars().next() {
        for (java, ours) in parts {
            if let Some(after) = rest.strip_prefix(java) {
                text.push_str(&day.strftime(ours).to_string());
                rest = after;
                continue 'letters;
            }
        }
        text.push(letter);
        rest = &rest[letter.len_utf8()..];
    }
    text
}

/// Replaces `{name}` by what `value` says of it.
fn filled(template: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut text = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        let Some(length) = rest[open..].find('}') else { break };
        text.push_str(&rest[..open]);
        let whole = &rest[open..=open + length];
        match value(&whole[1..whole.len() - 1]) {
            Some(filled) => text.push_str(&filled),
            None => text.push_str(whole),
        }
        rest = &rest[open + length + 1..];
    }
    text.push_str(rest);
    text
}

/// Parts as one path without empty segments: a stream without a namespace leaves none behind.
pub(super) fn joined(parts: &[&str]) -> String {
    let segments = parts.iter().flat_map(|part| part.split('/')).filter(|segment| !segment.is_empty());
    segments.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn storage(path: &str, file: &str) -> Storage {
        Storage {
            keys: None,
            bucket: "b".to_owned(),
            region: None,
            endpoint: None,
            prefix: "pre/fix/".to_owned(),
            path_format: path.to_owned(),
            file_name_format: file.to_owned(),
            format: Format::JsonLines { flattened: false, stringified: false },
            gzip: true,
            names_role: false,
        }
    }

    fn key(namespace: Option<&str>, path: &str, file: &str) -> String {
        let stream = StreamName::new("dim_people", namespace);
        let moment = Moment { at: "2026-01-03T04:05:06.789Z".parse().expect("an instant"), run: Uuid::nil() };
        Place { stream: &stream, sync_id: Some(8123), moment, part: 2 }.key(&storage(path, file))
    }

    #[test]
    fn the_defaults_lie_where_the_platform_links_to() {
        assert_eq!(
            key(Some("mart"), crate::spec::PATH_FORMAT, crate::spec::FILE_NAME_FORMAT),
            "pre/fix/8123/mart/dim_people/2026-01-03_1767413106789_2.jsonl.gz"
        );
        assert_eq!(
            key(None, crate::spec::PATH_FORMAT, crate::spec::FILE_NAME_FORMAT),
            "pre/fix/8123/dim_people/2026-01-03_1767413106789_2.jsonl.gz"
        );
    }

    #[test]
    fn every_variable_is_filled_in_and_what_is_none_stays() {
        assert_eq!(
            key(
                Some("n"),
                "${YEAR}/${MONTH}/${DAY}/{hour}/{minute}/{second}/{epoch}/{uuid}/{what}",
                "{date:yyyy_MM_dd_HHmmssSSS}-{sync_id}"
            ),
            "pre/fix/2026/1/3/490948/29456885/1767413106/1767413106789/00000000-0000-0000-0000-000000000000/{what}/2026_01_03_040506789-8123"
        );
        assert_eq!(key(None, "open{", "x"), "pre/fix/open{/x");
    }
}
