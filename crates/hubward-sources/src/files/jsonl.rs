//! JSON lines files: one object a line, nested types kept.
//!
//! The file is read twice, streamed both times: first for the columns (so that a field that appears only in the last line
//! is not lost), then for the rows. Objects become Struct, arrays List, numbers Int64 or Float64. Where one type would bend a
//! value (a field that is now a number and now a text, a number that no integer or float holds exactly, an object with
//! hundreds of different keys), the column is JSON text, marked as such. Texts stay texts, dates among them. A missing
//! field is NULL. Blank lines are no rows.

mod build;
mod object;
mod shape;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::{Schema, SchemaRef};

use self::object::Object;
use self::shape::{Fields, Shape};
use super::{TableReader, Wanted, open_file};
use crate::error::SourceError;
use crate::feed::BATCH_BYTES;

/// A line larger than this is refused: the file is probably not JSON lines but one JSON document.
const LINE_BYTES: u64 = 64 * 1024 * 1024;
/// More columns than this are taken for keys that are data.
const COLUMNS: usize = 4096;

pub(super) struct JsonLinesReader {
    lines: Lines,
    /// Name and shape of every column that is wanted.
    columns: Vec<(String, Shape)>,
    /// Names of the whole file, to notice a field that the first pass did not see.
    known: Fields,
    schema: SchemaRef,
    batch_rows: usize,
    ended: bool,
}

impl JsonLinesReader {
    pub(super) fn open(path: &Path, wanted: &Wanted<'_>) -> Result<Self, SourceError> {
        let known = infer(path)?;
        let mut columns = Vec::new();
        for (index, (name, shape)) in known.iter().enumerate() {
            if wanted.columns.is_none_or(|w| w.contains(&index)) {
                columns.push((name.to_owned(), shape.clone()));
            }
        }
        let fields: Vec<_> = columns.iter().map(|(name, s)| s.field(name)).collect();
        Ok(Self {
            lines: Lines::open(path)?,
            columns,
            known,
            schema: Arc::new(Schema::new(fields)),
            batch_rows: wanted.batch_rows,
            ended: false,
        })
    }
}

/// The first pass: every field of every line.
fn infer(path: &Path) -> Result<Fields, SourceError> {
    let mut lines = Lines::open(path)?;
    let mut fields = Fields::default();
    while lines.advance()? {
        let object = lines.object()?;
        for (name, raw) in &object.0 {
            fields.see(name, Shape::of(raw.get()));
        }
        if fields.len() > COLUMNS {
            return Err(lines.error(&format!("the file has more than {COLUMNS} different fields")));
        }
    }
    if fields.len() == 0 {
        return Err(lines.error("the file has no field to make a column of"));
    }
    Ok(fields)
}

impl TableReader for JsonLinesReader {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>, SourceError> {
        if self.ended {
            return Ok(None);
        }
        let mut texts = Vec::new();
        let mut bytes = 0;
        while texts.len() < self.batch_rows && bytes < BATCH_BYTES {
            if !self.lines.advance()? {
                self.ended = true;
                break;
            }
            bytes += self.lines.text.len();
            texts.push((self.lines.number, self.lines.text.clone()));
        }
        if texts.is_empty() {
            return Ok(None);
        }
        let mut values = vec![Vec::with_capacity(texts.len()); self.columns.len()];
        for (number, text) in &texts {
            let object = Object::parse(text).map_err(|e| self.lines.error_at(*number, &e))?;
            for (name, _) in &object.0 {
                if !self.known.has(name) {
                    return Err(self.changed(*number));
                }
            }
            for ((name, _), values) in self.columns.iter().zip(&mut values) {
                values.push(object.get(name));
            }
        }
        let mut arrays = Vec::with_capacity(self.columns.len());
        for ((_, shape), values) in self.columns.iter().zip(&values) {
            match build::array(shape, values) {
                Ok(array) => arrays.push(array),
                Err(build::Unfit) => return Err(self.changed(texts[0].0)),
            }
        }
        let options = RecordBatchOptions::new().with_row_count(Some(texts.len()));
        RecordBatch::try_new_with_options(self.schema(), arrays, &options)
            .map(Some)
            .map_err(|error| self.lines.error(&error.to_string()))
    }
}

impl JsonLinesReader {
    fn changed(&self, line: u64) -> SourceError {
        self.lines
            .error_at(line, "the file was changed while it was read")
            .help("run again; write a new file and rename it instead of changing one in place")
    }
}

/// The lines of a file that are not blank.
struct Lines {
    shown: String,
    input: BufReader<File>,
    bytes: Vec<u8>,
    text: String,
    number: u64,
}

impl Lines {
    fn open(path: &Path) -> Result<Self, SourceError> {
        Ok(Self {
            shown: path.display().to_string(),
            input: BufReader::with_capacity(256 * 1024, open_file(path)?),
            bytes: Vec::new(),
            text: String::new(),
            number: 0,
        })
    }

    fn advance(&mut self) -> Result<bool, SourceError> {
        loop {
            self.bytes.clear();
            let mut limited = std::io::Read::take(&mut self.input, LINE_BYTES);
            let read = limited
                .read_until(b'\n', &mut self.bytes)
                .map_err(|error| self.error(&format!("the file cannot be read: {error}")))?;
            if read == 0 {
                return Ok(false);
            }
            self.number += 1;
            if read as u64 == LINE_BYTES {
                return Err(self.error(&format!("a line of more than {LINE_BYTES} bytes")));
            }
            let bytes =
                self.bytes.strip_prefix(&[0xef, 0xbb, 0xbf]).filter(|_| self.number == 1).unwrap_or(&self.bytes);
            let Ok(text) = std::str::from_utf8(bytes) else {
                return Err(self
                    .error("the line is not UTF-8")
                    .help("save the file as UTF-8, or convert it with `iconv -t utf-8`"));
            };
            let text = text.trim();
            if !text.is_empty() {
                text.clone_into(&mut self.text);
                return Ok(true);
            }
        }
    }

    fn object(&self) -> Result<Object<'_>, SourceError> {
        Object::parse(&self.text).map_err(|what| self.error(&what).help("each line must be one whole JSON object"))
    }

    fn error(&self, what: &str) -> SourceError {
        self.error_at(self.number, what)
    }

    fn error_at(&self, line: u64, what: &str) -> SourceError {
        SourceError::read(format!("{}, line {line}: {what}", self.shown))
    }
}

#[cfg(test)]
mod tests;
