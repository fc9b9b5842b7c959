//! How SQLite's values, each with a type of its own, become Arrow columns of one type.
//!
//! A column that comes straight from a table has a declared type, an expression has none. The declared type is what the
//! column becomes as long as the first batch of rows agrees with it; without one, the first batch decides:
//!
//! | declared | first batch | becomes |
//! |---|---|---|
//! | `INT…` | integers | Int64 |
//! | `REAL`, `FLOAT`, `DOUBLE`, `NUMERIC`, `DECIMAL` | numbers that a float holds exactly | Float64 |
//! | `BOOL…` | 0 and 1 | Boolean |
//! | `BLOB` | blobs | Binary |
//! | `JSON…` | anything | Utf8 marked as JSON |
//! | `CHAR`, `CLOB`, `TEXT`, `DATE…`, `TIME…` | anything | Utf8 |
//! | none, or the first batch disagrees | integers · numbers · blobs · anything else, or only NULL | Int64 · Float64 · Binary · Utf8 |
//!
//! Utf8 takes everything (numbers in plain notation), so it never fails. A later value that does not fit a number, Boolean
//! or Binary column stops the reading with its row, its column and the remedy: a value is never dropped or bent.
//! Dates stay the text that they are.

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::builder::{BinaryBuilder, BooleanBuilder, Float64Builder, Int64Builder, StringBuilder};
use arrow_schema::{DataType, Field};
use rusqlite::types::ValueRef;

use crate::canonical::json_field;

/// What a column becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Int,
    Float,
    Bool,
    Text,
    Json,
    Bytes,
}

/// The largest integer up to which every integer is a float.
const EXACT_FLOAT: u64 = 1 << 53;

impl Kind {
    /// By the declared type, after SQLite's own affinity rules, with the names that SQLite does not know by itself.
    pub(crate) fn declared(decl: &str) -> Self {
        let decl = decl.to_ascii_uppercase();
        let has = |word: &str| decl.contains(word);
        if has("JSON") {
            Self::Json
        } else if has("BOOL") {
            Self::Bool
        } else if has("DATE") || has("TIME") || has("INTERVAL") {
            Self::Text
        } else if has("INT") {
            Self::Int
        } else if has("CHAR") || has("CLOB") || has("TEXT") {
            Self::Text
        } else if has("BLOB") || has("BINARY") {
            Self::Bytes
        } else if has("REAL") || has("FLOA") || has("DOUB") || has("NUMERIC") || has("DECIMAL") {
            Self::Float
        } else {
            Self::Text
        }
    }

    pub(crate) fn field(self, name: &str) -> Field {
        let data_type = match self {
            Self::Json => return json_field(name),
            Self::Int => DataType::Int64,
            Self::Float => DataType::Float64,
            Self::Bool => DataType::Boolean,
            Self::Text => DataType::Utf8,
            Self::Bytes => DataType::Binary,
        };
        Field::new(name, data_type, true)
    }

    fn fits(self, value: ValueRef<'_>) -> bool {
        match (self, value) {
            (_, ValueRef::Null)
            | (Self::Int, ValueRef::Integer(_))
            | (Self::Float, ValueRef::Real(_))
            | (Self::Bool, ValueRef::Integer(0 | 1))
            | (Self::Text | Self::Json, ValueRef::Integer(_) | ValueRef::Real(_))
            | (Self::Bytes, ValueRef::Blob(_)) => true,
            (Self::Float, ValueRef::Integer(value)) => value.unsigned_abs() <= EXACT_FLOAT,
            (Self::Text | Self::Json, ValueRef::Text(bytes) | ValueRef::Blob(bytes)) => {
                std::str::from_utf8(bytes).is_ok()
            }
            _ => false,
        }
    }

    /// Decides a column by the values of the first batch.
    pub(crate) fn decide<'a>(declared: Option<&str>, values: impl Iterator<Item = ValueRef<'a>> + Clone) -> Self {
        let all_fit = |kind: Self| values.clone().all(|value| kind.fits(value));
        let only_null = values.clone().all(|value| matches!(value, ValueRef::Null));
        if let Some(kind) = declared.map(Self::declared) {
            if all_fit(kind) {
                return kind;
            }
        } else if only_null {
            return Self::Text;
        }
        for kind in [Self::Int, Self::Float, Self::Bytes] {
            if all_fit(kind) {
                return kind;
            }
        }
        Self::Text
    }
}

/// A column under construction.
pub(crate) enum Builder {
    Int(Int64Builder),
    Float(Float64Builder),
    Bool(BooleanBuilder),
    Text(StringBuilder),
    Bytes(BinaryBuilder),
}

/// The value does not fit the column; the caller knows row and name.
pub(crate) struct Misfit;

impl Builder {
    pub(crate) fn new(kind: Kind) -> Self {
        match kind {
            Kind::Int => Self::Int(Int64Builder::new()),
            Kind::Float => Self::Float(Float64Builder::new()),
            Kind::Bool => Self::Bool(BooleanBuilder::new()),
            Kind::Text | Kind::Json => Self::Text(StringBuilder::new()),
            Kind::Bytes => Self::Bytes(BinaryBuilder::new()),
        }
    }

    /// Adds a value; gives the bytes it takes beyond a fixed width.
    pub(crate) fn append(&mut self, value: ValueRef<'_>) -> Result<usize, Misfit> {
        match (self, value) {
            (Self::Int(column), ValueRef::Null) => column.append_null(),
            (Self::Int(column), ValueRef::Integer(value)) => column.append_value(value),
            (Self::Float(column), ValueRef::Null) => column.append_null(),
            (Self::Float(column), ValueRef::Real(value)) => column.append_value(value),
            (Self::Float(column), ValueRef::Integer(value)) => {
                if value.unsigned_abs() > EXACT_FLOAT {
                    return Err(Misfit);
                }
                column.append_value(value as f64);
            }
            (Self::Bool(column), ValueRef::Null) => column.append_null(),
            (Self::Bool(column), ValueRef::Integer(value @ (0 | 1))) => {
                column.append_value(value == 1);
            }
            (Self::Text(column), ValueRef::Null) => column.append_null(),
            (Self::Text(column), ValueRef::Integer(value)) => column.append_value(value.to_string()),
            (Self::Text(column), ValueRef::Real(value)) => column.append_value(value.to_string()),
            (Self::Text(column), ValueRef::Text(bytes) | ValueRef::Blob(bytes)) => {
                column.append_value(std::str::from_utf8(bytes).map_err(|_| Misfit)?);
                return Ok(bytes.len());
            }
            (Self::Bytes(column), ValueRef::Null) => column.append_null(),
            (Self::Bytes(column), ValueRef::Blob(bytes)) => {
                column.append_value(bytes);
                return Ok(bytes.len());
            }
            _ => return Err(Misfit),
        }
        Ok(0)
    }

    pub(crate) fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Int(column) => Arc::new(column.finish()),
            Self::Float(column) => Arc::new(column.finish()),
            Self::Bool(column) => Arc::new(column.finish()),
            Self::Text(column) => Arc::new(column.finish()),
            Self::Bytes(column) => Arc::new(column.finish()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decide(declared: Option<&str>, values: &[ValueRef<'_>]) -> Kind {
        Kind::decide(declared, values.iter().copied())
    }

    #[test]
    fn the_declared_type_rules_while_the_values_agree() {
        use ValueRef::{Integer, Null, Real, Text};
        assert_eq!(decide(Some("integer"), &[Integer(1), Null]), Kind::Int);
        assert_eq!(decide(Some("INTEGER"), &[Integer(1), Text(b"")]), Kind::Text);
        assert_eq!(decide(Some("boolean"), &[Integer(1), Integer(0)]), Kind::Bool);
        assert_eq!(decide(Some("BOOLEAN"), &[Integer(2)]), Kind::Int);
        assert_eq!(decide(Some("NUMERIC(10,2)"), &[Real(0.99), Integer(3)]), Kind::Float);
        assert_eq!(decide(Some("DECIMAL"), &[Integer(9_007_199_254_740_993)]), Kind::Int);
        assert_eq!(decide(Some("DATETIME"), &[Integer(1_700_000_000)]), Kind::Text);
        assert_eq!(decide(Some("VARCHAR(20)"), &[Text(b"007")]), Kind::Text);
        assert_eq!(decide(Some("JSON"), &[Text(b"[1]")]), Kind::Json);
        assert_eq!(decide(Some("BOOLEAN"), &[Null]), Kind::Bool);
    }

    #[test]
    fn an_expression_is_what_its_first_values_are() {
        use ValueRef::{Blob, Integer, Null, Real, Text};
        assert_eq!(decide(None, &[Integer(1), Null]), Kind::Int);
        assert_eq!(decide(None, &[Integer(1), Real(1.5)]), Kind::Float);
        assert_eq!(decide(None, &[Text(b"a"), Integer(1)]), Kind::Text);
        assert_eq!(decide(None, &[Blob(&[0xff])]), Kind::Bytes);
        assert_eq!(decide(None, &[Null, Null]), Kind::Text);
        assert_eq!(decide(None, &[]), Kind::Text);
    }
}
