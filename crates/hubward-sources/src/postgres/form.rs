//! Which binary form a PostgreSQL type has, and what column it becomes.
//!
//! Types without a form of their own here (inet, interval, ranges, composites, …) are asked for as text.

use std::sync::Arc;

use arrow_schema::{DataType, Field, TimeUnit};
use tokio_postgres::types::{Kind, Type};

use crate::canonical::json_field;
use crate::error::{SourceError, SourceErrorKind};

/// How the bytes of a value are read.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Form {
    Bool,
    Int16,
    Int32,
    Int64,
    /// `oid`.
    UInt32,
    Float32,
    Float64,
    Text,
    /// `char(n)`: the blanks at its end are filling, not value.
    PaddedText,
    Json,
    /// A version byte, then JSON text.
    Jsonb,
    Uuid,
    /// `numeric` without declared digits: exact text.
    Numeric,
    Decimal128 {
        precision: u8,
        scale: i8,
    },
    Bytes,
    Date,
    Time,
    /// `timestamp` and `timestamptz`: microseconds either way.
    Timestamp {
        utc: bool,
    },
    List(Box<Form>),
}

/// What to do with a column.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Plan {
    Decode(Form),
    /// Ask for `column::text`.
    AskText,
    /// Ask for `column::text[]`.
    AskTextArray,
}

/// The plan for a column of this type. `modifier` is the server's type modifier, -1 without one.
///
/// # Errors
/// `money`: its text depends on the server's locale, its binary form on the currency's digits.
pub(super) fn plan(name: &str, data_type: &Type, modifier: i32) -> Result<Plan, SourceError> {
    let element = match data_type.kind() {
        Kind::Array(element) => Some(element),
        _ => None,
    };
    if *data_type == Type::MONEY || element == Some(&Type::MONEY) {
        return Err(SourceError::new(
            SourceErrorKind::Unsupported,
            format!("column `{name}` has the type money, which has no exact value of its own"),
        )
        .help(format!("cast it to a number in the model: {name}::numeric")));
    }
    Ok(match (form_of(data_type, modifier), element) {
        (Some(form), _) => Plan::Decode(form),
        (None, Some(_)) => Plan::AskTextArray,
        (None, None) => Plan::AskText,
    })
}

fn form_of(data_type: &Type, modifier: i32) -> Option<Form> {
    match data_type.kind() {
        Kind::Array(element) => {
            let element = form_of(element, -1)?;
            return Some(Form::List(Box::new(element)));
        }
        Kind::Domain(inner) => return form_of(inner, modifier),
        Kind::Enum(_) => return Some(Form::Text),
        _ => {}
    }
    // Types of extensions have no fixed number, only a name.
    if data_type.name() == "citext" {
        return Some(Form::Text);
    }
    Some(match *data_type {
        Type::BOOL => Form::Bool,
        Type::INT2 => Form::Int16,
        Type::INT4 => Form::Int32,
        Type::INT8 => Form::Int64,
        Type::OID => Form::UInt32,
        Type::FLOAT4 => Form::Float32,
        Type::FLOAT8 => Form::Float64,
        Type::NUMERIC => numeric(modifier),
        Type::TEXT | Type::VARCHAR | Type::NAME | Type::CHAR | Type::UNKNOWN | Type::XML => Form::Text,
        Type::BPCHAR => Form::PaddedText,
        Type::JSON => Form::Json,
        Type::JSONB => Form::Jsonb,
        Type::UUID => Form::Uuid,
        Type::BYTEA => Form::Bytes,
        Type::DATE => Form::Date,
        Type::TIME => Form::Time,
        Type::TIMESTAMP => Form::Timestamp { utc: false },
        Type::TIMESTAMPTZ => Form::Timestamp { utc: true },
        _ => return None,
    })
}

/// `numeric(precision, scale)` carries both in its modifier.
fn numeric(modifier: i32) -> Form {
    let Some(packed) = modifier.checked_sub(4).filter(|packed| *packed >= 0) else {
        return Form::Numeric;
    };
    let precision = u8::try_from(packed >> 16).unwrap_or(u8::MAX);
    // Eleven bits with a sign; a scale below zero or beyond the precision is rare and goes as text.
    let scale = i8::try_from(packed & 0x7ff).unwrap_or(-1);
    if precision <= 38 && scale >= 0 && scale.unsigned_abs() <= precision {
        Form::Decimal128 { precision, scale }
    } else {
        Form::Numeric
    }
}

impl Form {
    pub(super) fn field(&self, name: &str) -> Field {
        let data_type = match self {
            Self::Json | Self::Jsonb => return json_field(name),
            Self::Bool => DataType::Boolean,
            Self::Int16 => DataType::Int16,
            Self::Int32 => DataType::Int32,
            Self::Int64 => DataType::Int64,
            Self::UInt32 => DataType::UInt32,
            Self::Float32 => DataType::Float32,
            Self::Float64 => DataType::Float64,
            Self::Text | Self::PaddedText | Self::Uuid | Self::Numeric => DataType::Utf8,
            Self::Decimal128 { precision, scale } => DataType::Decimal128(*precision, *scale),
            Self::Bytes => DataType::Binary,
            Self::Date => DataType::Date32,
            Self::Time => DataType::Time64(TimeUnit::Microsecond),
            Self::Timestamp { utc } => DataType::Timestamp(TimeUnit::Microsecond, utc.then(|| "UTC".into())),
            Self::List(element) => DataType::List(Arc::new(element.field("item"))),
        };
        Field::new(name, data_type, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numeric_is_a_decimal_where_its_digits_are_declared() {
        let modifier = |precision: i32, scale: i32| ((precision << 16) | (scale & 0x7ff)) + 4;
        assert_eq!(numeric(modifier(10, 2)), Form::Decimal128 { precision: 10, scale: 2 });
        assert_eq!(numeric(-1), Form::Numeric);
        assert_eq!(numeric(modifier(60, 2)), Form::Numeric);
        assert_eq!(numeric(modifier(5, -2)), Form::Numeric);
        assert_eq!(numeric(modifier(2, 5)), Form::Numeric);
    }

    #[test]
    fn types_without_a_form_are_asked_for_as_text() {
        assert_eq!(plan("c", &Type::INET, -1), Ok(Plan::AskText));
        assert_eq!(plan("c", &Type::INTERVAL, -1), Ok(Plan::AskText));
        assert_eq!(plan("c", &Type::INET_ARRAY, -1), Ok(Plan::AskTextArray));
        assert_eq!(plan("c", &Type::INT4_ARRAY, -1), Ok(Plan::Decode(Form::List(Box::new(Form::Int32)))));
        assert!(plan("c", &Type::MONEY, -1).is_err());
    }
}
