//! A file as a virtual table of SQLite: a full scan over the file's own reader, which reads only the columns that the
//! query uses, or, on the inner side of a join, a look-up by the joined column.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{CStr, CString, c_int};
use std::rc::Rc;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, SchemaRef};
use rusqlite::types::Value;
use rusqlite::vtab::{
    Context, CreateVTab, Filters, IndexConstraintOp, IndexInfo, Module, VTab, VTabConfig, VTabConnection, VTabCursor,
    VTabKind, sqlite3_vtab, sqlite3_vtab_cursor,
};
use rusqlite::{Connection, Error};

use super::lookup::{Lookup, Place, value_at};
use super::sql::SharedError;
use super::{Catalog, Table, TableReader, Wanted};
use crate::canonical::is_json;
use crate::error::SourceError;
use crate::text::quoted;

/// The name of the module in SQL.
pub(super) const MODULE: &str = "hubward_file";
const MODULE_NAME: &CStr = c"hubward_file";

pub(super) type Failure = SharedError;

/// What every table of a connection needs.
pub(super) struct Shared {
    catalog: Arc<Catalog>,
    batch_rows: usize,
    failure: Failure,
}

pub(super) fn register(
    connection: &Connection,
    catalog: &Arc<Catalog>,
    batch_rows: usize,
    failure: &Failure,
) -> rusqlite::Result<()> {
    const READ_ONLY: Module<'_, FileTable> = Module::read_only_module();
    let shared = Shared { catalog: Arc::clone(catalog), batch_rows, failure: Arc::clone(failure) };
    connection.create_module(MODULE_NAME, &READ_ONLY, Some(shared))
}

#[repr(C)]
struct FileTable {
    /// Must be first: SQLite sees only this part.
    base: sqlite3_vtab,
    table: Table,
    schema: SchemaRef,
    batch_rows: usize,
    failure: Failure,
    /// By the plan's own text: which columns are used, and which one is joined on.
    lookups: RefCell<HashMap<String, Rc<Lookup>>>,
}

fn told(failure: &Failure, error: SourceError) -> Error {
    let text = error.message.clone();
    if let Ok(mut cause) = failure.lock() {
        *cause = Some(error);
    }
    Error::ModuleError(text)
}

/// The type that SQLite is told; it comes back as the declared type of the query's columns.
fn declared(field: &Field) -> &'static str {
    if is_json(field) {
        return "JSON";
    }
    match field.data_type() {
        DataType::Boolean => "BOOLEAN",
        DataType::Float32 | DataType::Float64 => "DOUBLE",
        DataType::Decimal128(_, _) | DataType::Decimal256(_, _) => "DECIMAL",
        DataType::Binary => "BLOB",
        DataType::Date32 => "DATE",
        DataType::Time64(_) => "TIME",
        DataType::Timestamp(_, _) => "DATETIME",
        DataType::List(_) | DataType::Struct(_) | DataType::Map(_, _) => "JSON",
        data_type if data_type.is_integer() => "INTEGER",
        _ => "TEXT",
    }
}

// SAFETY: `#[repr(C)]`, with the base structure as the first field, as SQLite's interface demands.
unsafe impl<'vtab> VTab<'vtab> for FileTable {
    type Aux = Shared;
    type Cursor = FileCursor<'vtab>;

    fn connect(
        db: &mut VTabConnection,
        aux: Option<&Shared>,
        _module_name: &[u8],
        _database_name: &[u8],
        table_name: &[u8],
        _args: &[&[u8]],
    ) -> rusqlite::Result<(Cow<'static, CStr>, Self)> {
        let shared = aux.expect("the module is registered with what its tables share");
        let name = std::str::from_utf8(table_name)?;
        let open = || {
            let table = shared.catalog.find(name, true)?.clone();
            let wanted = Wanted { batch_rows: 1, columns: None };
            let schema = table.reader(&wanted)?.schema();
            crate::text::refuse_doubled_names(&schema)?;
            Ok((table, schema))
        };
        let (table, schema) = open().map_err(|error| told(&shared.failure, error))?;
        let mut columns = Vec::new();
        for field in schema.fields() {
            columns.push(format!("{} {}", quoted(field.name()), declared(field)));
        }
        let sql = CString::new(format!("create table t ({})", columns.join(", ")))?;
        db.config(VTabConfig::DirectOnly)?;
        let table = Self {
            base: sqlite3_vtab::default(),
            table,
            schema,
            batch_rows: shared.batch_rows,
            failure: Arc::clone(&shared.failure),
            lookups: RefCell::default(),
        };
        Ok((Cow::Owned(sql), table))
    }

    fn best_index(&self, info: &mut IndexInfo) -> rusqlite::Result<bool> {
        let mut joined = None;
        for (index, constraint) in info.constraints().enumerate() {
            if !constraint.is_usable()
                || constraint.operator() != IndexConstraintOp::SQLITE_INDEX_CONSTRAINT_EQ
                || constraint.column() < 0
            {
                continue;
            }
            // A constant, or a list after `in`, is looked for once: a scan does that without holding the file in memory. And a
            // look-up knows only plain equality.
            let is_joined = info.rhs_value(index)?.is_none() && !info.is_in_constraint(index)?;
            if is_joined && info.collation(index)? == "BINARY" {
                joined = Some((index, constraint.column()));
                break;
            }
        }
        // A bit per column; the last one stands for all columns from the 64th on.
        let used = info.col_used();
        if let Some((index, column)) = joined {
            info.constraint_usage(index).set_argv_index(1);
            let used = used | 1 << column.min(63);
            info.set_idx_str(&format!("{used:x}:{column}"));
            info.set_estimated_cost(10.0);
            info.set_estimated_rows(1);
        } else {
            info.set_idx_str(&format!("{used:x}:"));
            info.set_estimated_cost(1_000_000.0);
            info.set_estimated_rows(1_000_000);
        }
        Ok(true)
    }

    fn open(&'vtab mut self) -> rusqlite::Result<FileCursor<'vtab>> {
        Ok(FileCursor {
            base: sqlite3_vtab_cursor::default(),
            table: self,
            reader: None,
            positions: Vec::new(),
            columns: Vec::new(),
            rows: 0,
            row: 0,
            found: None,
            row_id: 0,
        })
    }
}

impl CreateVTab<'_> for FileTable {
    const KIND: VTabKind = VTabKind::Default;
}

#[repr(C)]
struct FileCursor<'vtab> {
    /// Must be first: SQLite sees only this part.
    base: sqlite3_vtab_cursor,
    table: &'vtab FileTable,
    reader: Option<Box<dyn TableReader>>,
    /// Per column of the table: where it stands in the batches, if the query uses it.
    positions: Vec<Option<usize>>,
    /// The present batch, brought to the few types that SQLite has.
    columns: Vec<ArrayRef>,
    rows: usize,
    row: usize,
    /// On the inner side of a join: the rows of the present key, the last one first.
    found: Option<(Rc<Lookup>, Vec<Place>)>,
    row_id: i64,
}

impl FileCursor<'_> {
    /// Goes on to the next batch that has rows; none at the end.
    fn load(&mut self) -> Result<(), SourceError> {
        self.row = 0;
        self.rows = 0;
        self.columns.clear();
        let Some(reader) = &mut self.reader else {
            return Ok(());
        };
        while let Some(batch) = reader.next_batch()? {
            if batch.num_rows() > 0 {
                self.rows = batch.num_rows();
                self.columns = simple_columns(&batch)?;
                return Ok(());
            }
        }
        self.reader = None;
        Ok(())
    }
}

// SAFETY: as for the table.
unsafe impl VTabCursor for FileCursor<'_> {
    fn filter(&mut self, _idx_num: c_int, idx_str: Option<&str>, args: &Filters<'_>) -> rusqlite::Result<()> {
        let plan = idx_str.expect("best_index always leaves a plan");
        let (used, joined) = plan.split_once(':').expect("a plan has two parts");
        let used = u64::from_str_radix(used, 16).unwrap_or(u64::MAX);
        let mut wanted = Vec::new();
        self.positions.clear();
        for column in 0..self.table.schema.fields().len() {
            let is_used = used & (1 << column.min(63)) != 0;
            self.positions.push(is_used.then_some(wanted.len()));
            if is_used {
                wanted.push(column);
            }
        }
        self.row_id = 1;
        let table = self.table;
        let failed = |error| told(&table.failure, error);
        let open = || table.table.reader(&Wanted { batch_rows: table.batch_rows, columns: Some(&wanted) });
        let Ok(joined) = joined.parse::<usize>() else {
            self.reader = Some(open().map_err(failed)?);
            return self.load().map_err(failed);
        };
        let known = table.lookups.borrow().get(plan).cloned();
        let lookup = if let Some(lookup) = known {
            lookup
        } else {
            let position = self.positions[joined].expect("the plan marks the joined column as used");
            let build = || Lookup::build(open()?.as_mut(), position, &table.table.file_name);
            let lookup = Rc::new(build().map_err(failed)?);
            let mut lookups = table.lookups.borrow_mut();
            lookups.insert(plan.to_owned(), Rc::clone(&lookup));
            lookup
        };
        let value: Value = args.get(0)?;
        let mut places = lookup.find((&value).into());
        places.reverse();
        self.found = Some((lookup, places));
        Ok(())
    }

    fn next(&mut self) -> rusqlite::Result<()> {
        self.row_id += 1;
        if let Some((_, places)) = &mut self.found {
            places.pop();
            return Ok(());
        }
        self.row += 1;
        if self.row < self.rows {
            return Ok(());
        }
        self.load().map_err(|error| told(&self.table.failure, error))
    }

    fn eof(&self) -> bool {
        match &self.found {
            Some((_, places)) => places.is_empty(),
            None => self.row >= self.rows,
        }
    }

    fn column(&self, ctx: &mut Context, col: c_int) -> rusqlite::Result<()> {
        let (columns, row) = match &self.found {
            Some((lookup, places)) => {
                let place = *places.last().expect("SQLite asks for no column past the end");
                (lookup.columns(place), place.1 as usize)
            }
            None => (self.columns.as_slice(), self.row),
        };
        let position = usize::try_from(col).ok().and_then(|column| self.positions.get(column).copied().flatten());
        let Some(column) = position.and_then(|position| columns.get(position)) else {
            return Err(Error::ModuleError(format!("column {col} was not announced")));
        };
        ctx.set_result(rusqlite::types::ToSqlOutput::Borrowed(value_at(column, row)))
    }

    fn rowid(&self) -> rusqlite::Result<i64> {
        Ok(self.row_id)
    }
}

/// The batch's columns as Int64, Float64, Boolean, Binary or Utf8.
pub(super) fn simple_columns(batch: &RecordBatch) -> Result<Vec<ArrayRef>, SourceError> {
    let schema = batch.schema();
    let mut columns = Vec::with_capacity(batch.num_columns());
    for (field, column) in schema.fields().iter().zip(batch.columns()) {
        let target = match field.data_type() {
            DataType::Int64 | DataType::Float64 | DataType::Boolean | DataType::Binary | DataType::Utf8 => {
                columns.push(Arc::clone(column));
                continue;
            }
            DataType::Float32 => DataType::Float64,
            data_type if data_type.is_integer() => DataType::Int64,
            _ => {
                columns.push(crate::canonical::as_text(column, field)?);
                continue;
            }
        };
        columns.push(crate::canonical::cast(column, &Field::new(field.name(), target, true))?);
    }
    Ok(columns)
}
