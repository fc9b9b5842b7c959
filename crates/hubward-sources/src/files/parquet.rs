//! Parquet files: row groups streamed, nested types kept, columns pushed down. Owns nothing of the types, which
//! [`crate::canonical`] brings down.

use std::path::Path;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use super::{TableReader, Wanted, open_file};
use crate::canonical::Canonical;
use crate::error::SourceError;

pub(super) struct ParquetReader {
    shown: String,
    reader: ParquetRecordBatchReader,
    canonical: Canonical,
}

impl ParquetReader {
    pub(super) fn open(path: &Path, wanted: &Wanted<'_>) -> Result<Self, SourceError> {
        let shown = path.display().to_string();
        let broken = |error| {
            SourceError::read(format!("{shown} is not a readable Parquet file: {error}"))
                .help("see whether the file was written to its end")
        };
        let mut builder = ParquetRecordBatchReaderBuilder::try_new(open_file(path)?).map_err(broken)?;
        if let Some(columns) = wanted.columns {
            let mask = ProjectionMask::roots(builder.parquet_schema(), columns.iter().copied());
            builder = builder.with_projection(mask);
        }
        let reader = builder.with_batch_size(wanted.batch_rows).build().map_err(broken)?;
        let canonical = Canonical::of(&arrow_array::RecordBatchReader::schema(&reader))?;
        Ok(Self { shown, reader, canonical })
    }
}

impl TableReader for ParquetReader {
    fn schema(&self) -> SchemaRef {
        self.canonical.schema()
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>, SourceError> {
        match self.reader.next() {
            None => Ok(None),
            Some(Ok(batch)) => self.canonical.batch(&batch).map(Some),
            Some(Err(error)) => Err(SourceError::read(format!("{} cannot be read further: {error}", self.shown))),
        }
    }
}
