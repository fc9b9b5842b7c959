//! CSV files as tables of text.
//!
//! Every column is text, whatever it looks like: leading zeros, phone numbers and long identifiers survive, and no sample
//! decides what a later row means. The mapping converts to what HubSpot's property wants; SQL over the file may cast.
//!
//! An empty field is NULL, a quoted empty field (`""`) is the empty string. The first line names the columns; its separator
//! is a comma, or, when it holds none, a semicolon or a tab. Encoding is UTF-8, with or without a byte order mark. A
//! record with more or fewer fields than the header is an error with its line, never padded. Blank lines are no rows, except
//! in a file of one column, where they are NULL.

mod record;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use self::record::{Record, RecordReader};
use super::{TableReader, Wanted, open_file};
use crate::error::SourceError;
use crate::feed::BATCH_BYTES;

pub(super) struct CsvReader {
    shown: String,
    records: RecordReader<File>,
    record: Record,
    /// Fields in each record.
    width: usize,
    /// Field numbers that become columns.
    columns: Vec<usize>,
    schema: SchemaRef,
    batch_rows: usize,
    ended: bool,
}

impl CsvReader {
    pub(super) fn open(path: &Path, wanted: &Wanted<'_>) -> Result<Self, SourceError> {
        let shown = path.display().to_string();
        let mut records = RecordReader::new(open_file(path)?);
        let mut record = Record::default();
        let failed = |error: record::RecordError| error.in_file(&shown);
        records.skip_byte_order_mark().map_err(failed)?;
        records.choose_separator().map_err(failed)?;
        if !records.next(&mut record).map_err(failed)? {
            return Err(
                SourceError::read(format!("{shown} is empty")).help("the first line of a CSV file names its columns")
            );
        }
        let width = record.len();
        let columns: Vec<usize> = match wanted.columns {
            Some(columns) => columns.to_vec(),
            None => (0..width).collect(),
        };
        let mut fields = Vec::new();
        for &column in &columns {
            let name = record.field(column).trim();
            let name = if name.is_empty() { format!("column_{}", column + 1) } else { name.to_owned() };
            fields.push(Field::new(name, DataType::Utf8, true));
        }
        Ok(Self {
            shown,
            records,
            record,
            width,
            columns,
            schema: Arc::new(Schema::new(fields)),
            batch_rows: wanted.batch_rows,
            ended: false,
        })
    }

    /// The next record that is a row.
    fn next_row(&mut self) -> Result<bool, SourceError> {
        loop {
            let more = self.records.next(&mut self.record).map_err(|error| error.in_file(&self.shown))?;
            if !more {
                return Ok(false);
            }
            if self.record.len() == self.width {
                return Ok(true);
            }
            if self.record.is_blank() {
                continue;
            }
            return Err(SourceError::read(format!(
                "{}, line {}: {} fields where the header has {}",
                self.shown,
                self.record.line(),
                self.record.len(),
                self.width
            ))
            .help("a field that holds the separator, a quote or a line break must stand in quotes"));
        }
    }
}

impl TableReader for CsvReader {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>, SourceError> {
        if self.ended {
            return Ok(None);
        }
        let mut builders: Vec<StringBuilder> = self.columns.iter().map(|_| StringBuilder::new()).collect();
        let mut rows = 0;
        let mut bytes = 0;
        while rows < self.batch_rows && bytes < BATCH_BYTES {
            if !self.next_row()? {
                self.ended = true;
                break;
            }
            for (builder, &column) in builders.iter_mut().zip(&self.columns) {
                let text = self.record.field(column);
                if text.is_empty() && !self.record.is_quoted(column) {
                    builder.append_null();
                } else {
                    builder.append_value(text);
                    bytes += text.len();
                }
            }
            rows += 1;
        }
        if rows == 0 {
            return Ok(None);
        }
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(builders.len());
        for mut builder in builders {
            columns.push(Arc::new(builder.finish()));
        }
        // The count is given because SQL that only counts rows asks for no column.
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(self.schema(), columns, &options)
            .map(Some)
            .map_err(|error| SourceError::read(format!("{}: {error}", self.shown)))
    }
}

#[cfg(test)]
mod tests;
