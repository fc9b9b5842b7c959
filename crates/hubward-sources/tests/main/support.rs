//! Reading a whole stream into rows of text, which the tests compare.

use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::{DataType, SchemaRef};
use hubward_core::spec::{ModelQuery, SourceSpec};
use hubward_sources::{ReadOptions, RowStream, Source, SourceError};

pub(crate) fn source(spec: &SourceSpec) -> Box<dyn Source> {
    hubward_sources::open(spec).expect("the specification is sound")
}

pub(crate) fn sql(text: &str) -> ModelQuery {
    ModelQuery::Sql(text.to_owned())
}

pub(crate) fn table(name: &str) -> ModelQuery {
    ModelQuery::Table(name.to_owned())
}

pub(crate) struct Rows {
    pub(crate) schema: SchemaRef,
    pub(crate) rows: Vec<Vec<String>>,
}

impl Rows {
    /// `name type` per column, with `json` for marked text.
    pub(crate) fn types(&self) -> Vec<String> {
        types_of(&self.schema)
    }

    pub(crate) fn row(&self, row: usize) -> Vec<&str> {
        self.rows[row].iter().map(String::as_str).collect()
    }
}

pub(crate) fn types_of(schema: &SchemaRef) -> Vec<String> {
    let mut types = Vec::new();
    for field in schema.fields() {
        let data_type = if hubward_sources::is_json(field) { "json".to_owned() } else { field.data_type().to_string() };
        types.push(format!("{} {data_type}", field.name()));
    }
    types
}

pub(crate) fn texts_of(batch: &RecordBatch) -> Vec<Vec<String>> {
    let options = FormatOptions::default().with_null("NULL");
    // The printer knows zones only as offsets.
    let printable: Vec<ArrayRef> = batch
        .columns()
        .iter()
        .map(|column| match column.data_type() {
            DataType::Timestamp(unit, Some(zone)) => {
                assert_eq!(zone.as_ref(), "UTC");
                let offset = DataType::Timestamp(*unit, Some("+00:00".into()));
                arrow_cast::cast(column, &offset).expect("only the label changes")
            }
            _ => Arc::clone(column),
        })
        .collect();
    let columns: Vec<ArrayFormatter<'_>> = printable
        .iter()
        .map(|column| ArrayFormatter::try_new(column.as_ref(), &options).expect("it can be shown"))
        .collect();
    (0..batch.num_rows()).map(|row| columns.iter().map(|c| c.value(row).to_string()).collect()).collect()
}

pub(crate) fn drain(stream: &mut dyn RowStream) -> Result<Rows, SourceError> {
    let mut rows = Vec::new();
    while let Some(batch) = stream.next_batch()? {
        assert!(batch.num_rows() > 0, "no batch is empty");
        assert_eq!(batch.schema(), stream.schema(), "one schema for the stream");
        rows.extend(texts_of(&batch));
    }
    Ok(Rows { schema: stream.schema(), rows })
}

pub(crate) fn read_with(source: &dyn Source, query: &ModelQuery, options: &ReadOptions) -> Result<Rows, SourceError> {
    drain(source.read(query, options)?.as_mut())
}

pub(crate) fn read(source: &dyn Source, query: &ModelQuery) -> Result<Rows, SourceError> {
    read_with(source, query, &ReadOptions::default())
}

/// A file of the shared test data, or `None` with one line on why the test is skipped.
pub(crate) fn shared(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")).join(name);
    if path.exists() {
        return Some(path);
    }
    skipped(&format!("the shared test data `{name}` is absent"));
    None
}

/// Says on the test's output why it did nothing.
pub(crate) fn skipped(why: &str) {
    use std::io::Write as _;
    writeln!(std::io::stderr(), "skipped: {why}").expect("stderr takes a line");
}
