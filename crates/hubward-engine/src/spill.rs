//! The rows of a scan that differ from the ledger, kept on disk until they are sent.
//!
//! A source is read to its end before anything is sent: comparing is far quicker than HubSpot accepts, a database cursor
//! is not held open for hours, and duplicates, removals and an empty model are known before the first request. What has
//! to be sent waits in an Arrow IPC file, so memory stays bounded by the batches in flight.

use std::fs::File;
use std::io::{BufReader, BufWriter, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::FixedSizeBinaryBuilder;
use arrow_array::cast::AsArray;
use arrow_array::types::{UInt8Type, UInt64Type};
use arrow_array::{ArrayRef, RecordBatch, UInt8Array, UInt64Array};
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};

use crate::error::EngineError;

/// Why a row is in the spill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Its key is not in the ledger.
    Added,
    /// Its source columns differ from what the ledger knows.
    Changed,
    /// Unchanged by fingerprint, but the mapping was changed: its mapped values decide.
    Recheck,
    /// Unchanged, sent all the same (`--full`).
    Full,
    /// It has no key, so it is invalid and never sent; there only for what it is matched by.
    Keyless,
}

impl Kind {
    fn code(self) -> u8 {
        match self {
            Self::Added => 0,
            Self::Changed => 1,
            Self::Recheck => 2,
            Self::Full => 3,
            Self::Keyless => 4,
        }
    }

    fn from_code(code: u8) -> Self {
        match code {
            0 => Self::Added,
            1 => Self::Changed,
            2 => Self::Recheck,
            3 => Self::Full,
            _ => Self::Keyless,
        }
    }
}

/// What the scan knows of one spilled row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    pub(crate) key: u128,
    pub(crate) fingerprint: u64,
    /// 1-based position in the model's result.
    pub(crate) ordinal: u64,
    pub(crate) kind: Kind,
}

const MARK_COLUMNS: usize = 4;

/// Takes batches of spilled rows.
pub(crate) struct SpillWriter {
    writer: StreamWriter<BufWriter<File>>,
    schema: SchemaRef,
    rows: u64,
}

impl SpillWriter {
    /// A spill in `folder` for rows of `schema`. The file has no name: it goes with the process, however that ends.
    pub(crate) fn create(folder: &Path, schema: &Schema) -> Result<Self, EngineError> {
        std::fs::create_dir_all(folder).map_err(|error| write_failed(folder, &error))?;
        let file = tempfile::tempfile_in(folder).map_err(|error| write_failed(folder, &error))?;
        let mut fields: Vec<Arc<Field>> = schema.fields().iter().cloned().collect();
        fields.push(Arc::new(Field::new("hubward key", DataType::FixedSizeBinary(16), false)));
        fields.push(Arc::new(Field::new("hubward fingerprint", DataType::UInt64, false)));
        fields.push(Arc::new(Field::new("hubward ordinal", DataType::UInt64, false)));
        fields.push(Arc::new(Field::new("hubward kind", DataType::UInt8, false)));
        let schema = Arc::new(Schema::new(fields));
        let writer = StreamWriter::try_new(BufWriter::new(file), &schema).map_err(|error| arrow_failed(&error))?;
        Ok(Self { writer, schema, rows: 0 })
    }

    /// Adds the rows of `batch`, one mark each.
    pub(crate) fn push(&mut self, batch: &RecordBatch, marks: &[Mark]) -> Result<(), EngineError> {
        debug_assert_eq!(batch.num_rows(), marks.len());
        let mut keys = FixedSizeBinaryBuilder::with_capacity(marks.len(), 16);
        for mark in marks {
            keys.append_value(mark.key.to_le_bytes()).map_err(|error| arrow_failed(&error))?;
        }
        let mut columns: Vec<ArrayRef> = batch.columns().to_vec();
        columns.push(Arc::new(keys.finish()));
        columns.push(Arc::new(UInt64Array::from_iter_values(marks.iter().map(|mark| mark.fingerprint))));
        columns.push(Arc::new(UInt64Array::from_iter_values(marks.iter().map(|mark| mark.ordinal))));
        columns.push(Arc::new(UInt8Array::from_iter_values(marks.iter().map(|mark| mark.kind.code()))));
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(|error| arrow_failed(&error))?;
        self.writer.write(&batch).map_err(|error| arrow_failed(&error))?;
        self.rows += marks.len() as u64;
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<Spill, EngineError> {
        self.writer.finish().map_err(|error| arrow_failed(&error))?;
        let rows = self.rows;
        let file = self
            .writer
            .into_inner()
            .map_err(|error| arrow_failed(&error))?
            .into_inner()
            .map_err(|error| EngineError::new("spill", format!("cannot finish the spill file: {error}")))?;
        Ok(Spill { file, rows })
    }
}

/// A finished spill; can be read several times.
pub(crate) struct Spill {
    file: File,
    rows: u64,
}

impl Spill {
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// The same spill once more. Reads of the two share the file's position, so one must have ended before the other begins.
    pub(crate) fn again(&self) -> Result<Self, EngineError> {
        let file = self.file.try_clone();
        let file = file.map_err(|error| EngineError::new("spill", format!("cannot reopen the spill file: {error}")))?;
        Ok(Self { file, rows: self.rows })
    }

    /// Reads from the first row on. One reader at a time: they share the file's position.
    pub(crate) fn read(&self) -> Result<SpillReader, EngineError> {
        let mut file = self
            .file
            .try_clone()
            .map_err(|error| EngineError::new("spill", format!("cannot reopen the spill file: {error}")))?;
        file.seek(SeekFrom::Start(0))
            .map_err(|error| EngineError::new("spill", format!("cannot rewind the spill file: {error}")))?;
        let reader = StreamReader::try_new(BufReader::new(file), None).map_err(|error| arrow_failed(&error))?;
        Ok(SpillReader { reader })
    }
}

/// Streams spilled rows back, in the order they were written.
pub(crate) struct SpillReader {
    reader: StreamReader<BufReader<File>>,
}

impl SpillReader {
    /// The next batch: the rows' own columns, and a mark for each.
    pub(crate) fn next_batch(&mut self) -> Result<Option<(RecordBatch, Vec<Mark>)>, EngineError> {
        let Some(batch) = self.reader.next() else { return Ok(None) };
        let batch = batch.map_err(|error| arrow_failed(&error))?;
        let own = batch.num_columns() - MARK_COLUMNS;
        let keys = batch.column(own).as_fixed_size_binary();
        let fingerprints = batch.column(own + 1).as_primitive::<UInt64Type>();
        let ordinals = batch.column(own + 2).as_primitive::<UInt64Type>();
        let kinds = batch.column(own + 3).as_primitive::<UInt8Type>();
        let mut marks = Vec::with_capacity(batch.num_rows());
        for row in 0..batch.num_rows() {
            let mut key = [0; 16];
            key.copy_from_slice(keys.value(row));
            marks.push(Mark {
                key: u128::from_le_bytes(key),
                fingerprint: fingerprints.value(row),
                ordinal: ordinals.value(row),
                kind: Kind::from_code(kinds.value(row)),
            });
        }
        let columns: Vec<usize> = (0..own).collect();
        let rows = batch.project(&columns).map_err(|error| arrow_failed(&error))?;
        Ok(Some((rows, marks)))
    }
}

fn arrow_failed(error: &ArrowError) -> EngineError {
    EngineError::new("spill", format!("cannot keep changed rows on disk: {error}"))
        .help("the project's .hubward folder needs room for the changed rows of the model while a run lasts")
}

fn write_failed(folder: &Path, error: &std::io::Error) -> EngineError {
    EngineError::new("spill", format!("cannot write to {}: {error}", folder.display()))
        .help("the folder must be writable and have room for the changed rows of the model while a run lasts")
}

#[cfg(test)]
mod tests {
    use arrow_array::{Int64Array, StringArray};

    use super::*;

    fn schema() -> Schema {
        Schema::new(vec![Field::new("id", DataType::Int64, true), Field::new("hubward key", DataType::Utf8, true)])
    }

    fn batch(from: i64, rows: i64) -> (RecordBatch, Vec<Mark>) {
        let ids = Int64Array::from_iter((from..from + rows).map(|id| (id % 3 != 0).then_some(id)));
        let texts = StringArray::from_iter((from..from + rows).map(|id| (id % 2 == 0).then(|| format!("zażółć {id}"))));
        let batch = RecordBatch::try_new(Arc::new(schema()), vec![Arc::new(ids), Arc::new(texts)]).expect("a batch");
        let kinds = [Kind::Added, Kind::Changed, Kind::Recheck, Kind::Full, Kind::Keyless];
        let marks = (from..from + rows).map(|id| Mark {
            key: u128::MAX - id as u128,
            fingerprint: u64::MAX - id as u64,
            ordinal: id as u64 + 1,
            kind: kinds[id as usize % 4],
        });
        (batch, marks.collect())
    }

    /// Two columns of one name, such as the model's and one of ours, do not get into each other's way.
    #[test]
    fn rows_and_marks_come_back_in_order_as_often_as_they_are_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut writer = SpillWriter::create(&folder.path().join("tmp"), &schema()).expect("a spill");
        for (from, rows) in [(0, 5), (5, 1), (6, 100)] {
            let (batch, marks) = batch(from, rows);
            writer.push(&batch, &marks).expect("pushed");
        }
        let spill = writer.finish().expect("finished");
        assert_eq!(spill.rows(), 106);
        for _ in 0..3 {
            let mut reader = spill.read().expect("readable");
            let mut from = 0;
            while let Some((rows, marks)) = reader.next_batch().expect("whole") {
                let (batch, expected) = batch(from, rows.num_rows() as i64);
                assert_eq!(rows, batch);
                let seen = |mark: &Mark| (mark.key, mark.fingerprint, mark.ordinal, mark.kind);
                assert_eq!(marks.iter().map(seen).collect::<Vec<_>>(), expected.iter().map(seen).collect::<Vec<_>>());
                from += rows.num_rows() as i64;
            }
            assert_eq!(from, 106);
        }
        let names = std::fs::read_dir(folder.path().join("tmp")).expect("a folder").count();
        assert_eq!(names, 0, "the file has no name to be left behind by");
    }

    #[test]
    fn an_empty_spill_is_no_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let spill = SpillWriter::create(folder.path(), &schema()).expect("a spill").finish().expect("finished");
        assert_eq!(spill.rows(), 0);
        assert!(spill.read().expect("readable").next_batch().expect("whole").is_none());
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("file");
        std::fs::write(&file, "").expect("written");
        let error = SpillWriter::create(&file.join("tmp"), &schema()).err().expect("refused");
        assert!(error.message.contains("file") && error.help.is_some(), "{error:?}");
    }
}
