//! Rows of one file by the value of one column, for joins: without it SQLite would read the inner file anew for every row
//! of the outer one.
//!
//! The columns that the query uses are held in memory, up to a limit. A look-up may give too many rows, never too few:
//! SQLite compares again by its own rules.

use std::collections::HashMap;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use rusqlite::types::ValueRef;

use super::TableReader;
use super::virtual_table::simple_columns;
use crate::error::{SourceError, SourceErrorKind};

/// The inner files of joins may take this much memory each.
const LOOKUP_BYTES: usize = 2 * 1024 * 1024 * 1024;

/// What two equal values have in common, whatever their types: SQLite takes the text `01` for the number 1 where the
/// other side is a number.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Key {
    Number(u64),
    Text(Box<[u8]>),
    Bytes(Box<[u8]>),
}

impl Key {
    /// `None` for NULL, which equals nothing.
    fn of(value: ValueRef<'_>) -> Option<Self> {
        Some(match value {
            ValueRef::Null => return None,
            ValueRef::Integer(value) => Self::number(value as f64),
            ValueRef::Real(value) => Self::number(value),
            ValueRef::Blob(bytes) => Self::Bytes(bytes.into()),
            ValueRef::Text(bytes) => {
                let number = std::str::from_utf8(bytes)
                    .ok()
                    .and_then(|text| text.trim().parse::<f64>().ok())
                    .filter(|number| number.is_finite());
                match number {
                    Some(number) => Self::number(number),
                    None => Self::Text(bytes.into()),
                }
            }
        })
    }

    fn number(value: f64) -> Self {
        // Adding zero makes -0 and 0 one.
        Self::Number((value + 0.0).to_bits())
    }
}

/// Where a row stands: batch and row within it.
pub(super) type Place = (u32, u32);

pub(super) struct Lookup {
    batches: Vec<Vec<ArrayRef>>,
    places: HashMap<Key, Vec<Place>>,
}

impl Lookup {
    /// Reads the whole file. `column` is the position of the key among the columns that the reader gives.
    pub(super) fn build(reader: &mut dyn TableReader, column: usize, shown: &str) -> Result<Self, SourceError> {
        let mut lookup = Self { batches: Vec::new(), places: HashMap::new() };
        let mut bytes = 0;
        while let Some(batch) = reader.next_batch()? {
            let columns = simple_columns(&batch)?;
            for column in &columns {
                bytes += column.get_array_memory_size();
            }
            if bytes > LOOKUP_BYTES {
                return Err(SourceError::new(
                    SourceErrorKind::Unsupported,
                    format!("{shown} is too large to be joined: it takes more than {LOOKUP_BYTES} bytes of memory"),
                )
                .help("let the larger file stand first in the join, name fewer columns, or join in a database (DuckDB by `type: adbc`)"));
            }
            let too_many = || SourceError::read(format!("{shown} has too many rows to be joined"));
            let number = u32::try_from(lookup.batches.len()).map_err(|_| too_many())?;
            for row in 0..batch.num_rows() {
                let place = (number, u32::try_from(row).map_err(|_| too_many())?);
                if let Some(key) = Key::of(value_at(&columns[column], row)) {
                    lookup.places.entry(key).or_default().push(place);
                }
            }
            lookup.batches.push(columns);
        }
        Ok(lookup)
    }

    pub(super) fn find(&self, value: ValueRef<'_>) -> Vec<Place> {
        Key::of(value).and_then(|key| self.places.get(&key)).cloned().unwrap_or_default()
    }

    pub(super) fn columns(&self, place: Place) -> &[ArrayRef] {
        &self.batches[place.0 as usize]
    }
}

/// The value of one of [`simple_columns`] as SQLite takes it.
pub(super) fn value_at(column: &ArrayRef, row: usize) -> ValueRef<'_> {
    if column.is_null(row) {
        return ValueRef::Null;
    }
    match column.data_type() {
        DataType::Int64 => ValueRef::Integer(column.as_primitive::<Int64Type>().value(row)),
        DataType::Float64 => ValueRef::Real(column.as_primitive::<Float64Type>().value(row)),
        DataType::Boolean => ValueRef::Integer(column.as_boolean().value(row).into()),
        DataType::Binary => ValueRef::Blob(column.as_binary::<i32>().value(row)),
        _ => ValueRef::Text(column.as_string::<i32>().value(row).as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_sqlite_may_call_equal_have_one_key() {
        let key = |value| Key::of(value).expect("it is not NULL");
        assert_eq!(key(ValueRef::Integer(1)), key(ValueRef::Text(b"01")));
        assert_eq!(key(ValueRef::Real(-0.0)), key(ValueRef::Integer(0)));
        assert_eq!(key(ValueRef::Real(2.5)), key(ValueRef::Text(b" 2.50 ")));
        assert_ne!(key(ValueRef::Text(b"a")), key(ValueRef::Text(b"A")));
        assert_ne!(key(ValueRef::Text(b"a")), key(ValueRef::Blob(b"a")));
        assert_eq!(key(ValueRef::Text(b"nan")), Key::Text((*b"nan").into()));
        assert_eq!(Key::of(ValueRef::Null), None);
    }
}
