//! Rejected records as CSV or JSON lines, each with Airbyte's own columns and with why it was rejected.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use hubward_core::Reason;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Format;
use crate::catalog::is_airbytes;
use crate::entries::{Entries, Rendered, quoted};

/// The reason's columns, in the order of a file.
pub(crate) const REASONS: [&str; 6] = [
    "rejected_status",
    "rejected_category",
    "rejected_field",
    "rejected_value",
    "rejected_message",
    "rejected_correlation_id",
];

/// One rejected record.
#[derive(Clone, Debug)]
pub(crate) struct Rejected<'a> {
    pub(crate) raw_id: Uuid,
    /// As the record had it: milliseconds, where the source keeps to the protocol.
    pub(crate) emitted_at: Option<&'a str>,
    pub(crate) generation_id: Option<i64>,
    pub(crate) sync_id: Option<i64>,
    /// The text of the record's `meta.changes`.
    pub(crate) changes: Option<&'a str>,
    /// The text of the record's `data`.
    pub(crate) data: &'a str,
    /// `invalid` (found before anything was sent) or `rejected` (HubSpot's refusal).
    pub(crate) status: &'static str,
    pub(crate) reason: &'a Reason,
}

impl Rejected<'_> {
    fn reasons(&self) -> [Option<&str>; 6] {
        [
            Some(self.status),
            self.reason.category.as_deref(),
            self.reason.property.as_deref(),
            self.reason.value.as_deref(),
            Some(&self.reason.text),
            self.reason.correlation_id.as_deref(),
        ]
    }

    fn meta(&self) -> String {
        let sync_id = self.sync_id.map_or_else(|| "null".to_owned(), |id| id.to_string());
        format!("{{\"sync_id\":{sync_id},\"changes\":{}}}", self.changes.unwrap_or("[]"))
    }

    fn generation(&self) -> String {
        self.generation_id.map_or_else(|| "null".to_owned(), |id| id.to_string())
    }

    /// The record's data without an earlier reason, and without Airbyte's own columns.
    fn fields(&self) -> Vec<(String, &str)> {
        let entries = Entries::of(self.data).unwrap_or_default();
        let kept = entries.0.into_iter().filter(|(name, _)| !is_airbytes(name) && !REASONS.contains(&&**name));
        kept.map(|(name, value)| (name.0.into_owned(), value)).collect()
    }

    fn data(&self, stringified: bool) -> String {
        let mut data = Rendered::new();
        self.put_into(&mut data, stringified);
        data.end()
    }

    fn put_into(&self, into: &mut Rendered, stringified: bool) {
        for (name, value) in self.fields() {
            let contains = value.starts_with(['{', '[']);
            if stringified && contains { into.entry(&name, &quoted(value)) } else { into.entry(&name, value) }
        }
        for (name, reason) in REASONS.iter().zip(self.reasons()) {
            if let Some(reason) = reason {
                into.entry(name, &quoted(reason));
            }
        }
    }
}

/// Rejected records of one stream on their way into one object.
pub(crate) struct Sheet {
    format: Format,
    gzip: bool,
    /// The columns of the stream's schema, for CSV with the data flattened.
    columns: Vec<String>,
    text: Vec<u8>,
}

impl Sheet {
    pub(crate) fn new(format: Format, gzip: bool, columns: &[String]) -> Self {
        let mut sheet = Self { format, gzip, columns: columns.to_vec(), text: Vec::new() };
        if let Format::Csv { flattened } = format {
            let ours = ["_airbyte_raw_id", "_airbyte_extracted_at", "_airbyte_meta", "_airbyte_generation_id"];
            let mut header: Vec<&str> = ours.to_vec();
            if flattened {
                header.extend(sheet.columns.iter().map(String::as_str));
                header.extend(REASONS);
            } else {
                header.push("_airbyte_data");
            }
            let line = csv_line(&header);
            sheet.text.extend(line);
        }
        sheet
    }

    /// How much it holds, in bytes, before compression.
    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }

    pub(crate) fn push(&mut self, record: &Rejected<'_>) {
        match self.format {
            Format::JsonLines { flattened, stringified } => {
                let mut line = Rendered::new();
                line.entry("_airbyte_raw_id", &quoted(&record.raw_id.to_string()));
                line.entry("_airbyte_extracted_at", record.emitted_at.unwrap_or("null"));
                line.entry("_airbyte_generation_id", &record.generation());
                line.entry("_airbyte_meta", &record.meta());
                if flattened {
                    record.put_into(&mut line, stringified);
                } else {
                    line.entry("_airbyte_data", &record.data(stringified));
                }
                self.text.extend(line.end().into_bytes());
                self.text.push(b'\n');
            }
            Format::Csv { flattened } => {
                let mut cells = vec![
                    record.raw_id.to_string(),
                    cell(record.emitted_at.unwrap_or("null")),
                    record.meta(),
                    cell(&record.generation()),
                ];
                if flattened {
                    let fields = record.fields();
                    for column in &self.columns {
                        let value =
                            fields.iter().rev().find(|(name, _)| name == column).map_or("null", |(_, value)| *value);
                        cells.push(cell(value));
                    }
                    cells.extend(record.reasons().map(|reason| reason.unwrap_or_default().to_owned()));
                } else {
                    cells.push(record.data(false));
                }
                let line = csv_line(&cells);
                self.text.extend(line);
            }
        }
    }

    /// The object's content.
    pub(crate) fn end(self) -> Vec<u8> {
        if !self.gzip {
            return self.text;
        }
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&self.text).and_then(|()| encoder.finish()).expect("writing to memory does not fail")
    }
}

/// A value's text as a cell: texts without their quotes, nothing for null, all else as JSON.
fn cell(json: &str) -> String {
    match serde_json::from_str::<&RawValue>(json).map(RawValue::get) {
        Ok("null") => String::new(),
        Ok(text) if text.starts_with('"') => serde_json::from_str(text).unwrap_or_default(),
        Ok(text) => text.to_owned(),
        Err(_) => json!(Value::String(json.to_owned())).to_string(),
    }
}

fn csv_line<T: AsRef<[u8]>>(cells: &[T]) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().has_headers(false).flexible(true).from_writer(Vec::new());
    writer.write_record(cells).expect("writing to memory does not fail");
    writer.into_inner().expect("writing to memory does not fail")
}

#[cfg(test)]
#[path = "render_tests.rs"]
mod tests;
