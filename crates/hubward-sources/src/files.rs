//! The `files` source: a folder whose CSV, Parquet and JSON lines files are tables, each by its stem. Owns finding the
//! file of a table; the formats stand in [`csv`], [`parquet`] and [`jsonl`], SQL over them in [`virtual_table`].
//!
//! Files directly in the folder count, those in folders below and hidden ones do not. The ending decides the format:
//! `.csv`, `.parquet`, `.jsonl` or `.ndjson`, in any case. A table may also be named by its whole file name, which tells
//! apart two files of one stem.

mod csv;
mod jsonl;
mod lookup;
mod parquet;
mod sql;
mod virtual_table;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use hubward_core::spec::ModelQuery;

use crate::error::{SourceError, SourceErrorKind};
use crate::options::ReadOptions;
use crate::{RowStream, Source, feed};

/// Reads one file, batch by batch, with the columns that were asked for.
trait TableReader: Send {
    fn schema(&self) -> SchemaRef;
    /// `None` at the end of the file.
    fn next_batch(&mut self) -> Result<Option<RecordBatch>, SourceError>;
}

/// What to read of a file.
struct Wanted<'a> {
    batch_rows: usize,
    /// Column numbers in ascending order; all when absent.
    columns: Option<&'a [usize]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Csv,
    Parquet,
    JsonLines,
}

/// One file that is a table.
#[derive(Clone, Debug)]
struct Table {
    stem: String,
    file_name: String,
    path: PathBuf,
    format: Format,
}

impl Table {
    fn of(path: PathBuf) -> Option<Self> {
        let file_name = path.file_name()?.to_str()?.to_owned();
        let stem = path.file_stem()?.to_str()?.to_owned();
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        let format = match ending.as_str() {
            "csv" => Format::Csv,
            "parquet" => Format::Parquet,
            "jsonl" | "ndjson" => Format::JsonLines,
            _ => return None,
        };
        let hidden = file_name.starts_with('.');
        (!hidden && path.is_file()).then_some(Self { stem, file_name, path, format })
    }

    fn reader(&self, wanted: &Wanted<'_>) -> Result<Box<dyn TableReader>, SourceError> {
        Ok(match self.format {
            Format::Csv => Box::new(csv::CsvReader::open(&self.path, wanted)?),
            Format::Parquet => Box::new(parquet::ParquetReader::open(&self.path, wanted)?),
            Format::JsonLines => Box::new(jsonl::JsonLinesReader::open(&self.path, wanted)?),
        })
    }
}

/// The tables of a folder, as they were when it was listed.
struct Catalog {
    root: PathBuf,
    tables: Vec<Table>,
}

impl Catalog {
    fn list(root: &Path) -> Result<Self, SourceError> {
        let unreadable = |error: std::io::Error| {
            let kind = match error.kind() {
                std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => SourceErrorKind::NotFound,
                _ => SourceErrorKind::Connect,
            };
            SourceError::new(kind, format!("the folder {} cannot be read: {error}", root.display()))
                .help("correct `root` of the source; it is relative to the project's folder")
        };
        let mut tables = Vec::new();
        for entry in fs::read_dir(root).map_err(unreadable)? {
            tables.extend(Table::of(entry.map_err(unreadable)?.path()));
        }
        tables.sort_by(|a, b| a.file_name.cmp(&b.file_name));
        Ok(Self { root: root.to_owned(), tables })
    }

    /// The table of this name: a whole file name, else a stem. `fold` compares as SQL does, without regard to case.
    fn find(&self, name: &str, fold: bool) -> Result<&Table, SourceError> {
        let same = |a: &str| a == name || (fold && a.eq_ignore_ascii_case(name));
        if let Some(table) = self.tables.iter().find(|table| table.file_name == name) {
            return Ok(table);
        }
        let exact: Vec<&Table> = self.tables.iter().filter(|t| t.stem == name).collect();
        let hits = if exact.is_empty() { self.tables.iter().filter(|t| same(&t.stem)).collect() } else { exact };
        match hits.as_slice() {
            [table] => Ok(table),
            [] => Err(self.missing(name)),
            [first, second, ..] => Err(ambiguous(name, first, second)),
        }
    }

    fn missing(&self, name: &str) -> SourceError {
        let mut known: Vec<&str> = self.tables.iter().map(|t| t.stem.as_str()).collect();
        known.dedup();
        let known = match known.as_slice() {
            [] => "it has no .csv, .parquet, .jsonl or .ndjson file".to_owned(),
            known if known.len() > 20 => format!("it has {} tables", known.len()),
            known => format!("it has: {}", known.join(", ")),
        };
        SourceError::new(
            SourceErrorKind::UnknownTable,
            format!("no table `{name}` in the folder {}; {known}", self.root.display()),
        )
        .help("a table is a .csv, .parquet, .jsonl or .ndjson file, named by its stem")
    }
}

fn ambiguous(name: &str, first: &Table, second: &Table) -> SourceError {
    SourceError::new(
        SourceErrorKind::UnknownTable,
        format!("table `{name}` could be {} or {}", first.file_name, second.file_name),
    )
    .help(format!("write the whole file name (\"{}\"), or rename one of the files", first.file_name))
}

pub(crate) struct FilesSource {
    root: PathBuf,
}

impl FilesSource {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root }
    }
}

impl Source for FilesSource {
    fn read(&self, query: &ModelQuery, options: &ReadOptions) -> Result<Box<dyn RowStream>, SourceError> {
        let catalog = Catalog::list(&self.root)?;
        let batch_rows = options.batch_rows.max(1);
        match query {
            ModelQuery::Table(name) => {
                let table = catalog.find(name, false)?.clone();
                feed::start(options, move |feed| {
                    let mut reader = table.reader(&Wanted { batch_rows, columns: None })?;
                    feed.schema(reader.schema())?;
                    while let Some(batch) = reader.next_batch()? {
                        if !feed.batch(batch)? {
                            break;
                        }
                    }
                    Ok(())
                })
            }
            ModelQuery::Sql(sql) => {
                let sql = sql.clone();
                feed::start(options, move |feed| sql::read(catalog, &sql, batch_rows, feed))
            }
        }
    }

    fn columns(&self, query: &ModelQuery, options: &ReadOptions) -> Result<SchemaRef, SourceError> {
        let catalog = Catalog::list(&self.root)?;
        match query {
            ModelQuery::Table(name) => {
                let wanted = Wanted { batch_rows: options.batch_rows.max(1), columns: None };
                let schema = catalog.find(name, false)?.reader(&wanted)?.schema();
                crate::text::refuse_doubled_names(&schema)?;
                Ok(schema)
            }
            ModelQuery::Sql(sql) => sql::columns(catalog, sql),
        }
    }

    fn check(&self) -> Result<(), SourceError> {
        Catalog::list(&self.root).map(|_| ())
    }

    fn tables(&self) -> Result<Vec<String>, SourceError> {
        let catalog = Catalog::list(&self.root)?;
        let mut names = Vec::new();
        for table in &catalog.tables {
            let alone = catalog.find(&table.stem, false).is_ok();
            names.push(if alone { &table.stem } else { &table.file_name }.clone());
        }
        names.sort();
        Ok(names)
    }
}

fn open_file(path: &Path) -> Result<File, SourceError> {
    File::open(path).map_err(|error| {
        SourceError::new(SourceErrorKind::Connect, format!("{} cannot be opened: {error}", path.display()))
    })
}
