//! From an Arrow column to a [`Value`]: every type that a source may deliver. A `Value` is made only for the rows that go
//! on; comparing rows is [`crate::fingerprint`]'s.
//!
//! Left to the caller: which columns and rows to read, and what to do about a value that cannot be represented.

pub(crate) mod civil;
mod json;
mod key;
mod text;

#[cfg(test)]
mod tests;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type,
    Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, Time32MillisecondType,
    Time32SecondType, Time64MicrosecondType, Time64NanosecondType, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, RunArray};
use arrow_cast::display::{ArrayFormatter, DurationFormat, FormatOptions};
use arrow_schema::{DataType, Field, TimeUnit};
use jiff::Timestamp;

use crate::Value;

pub use json::{json_to_value, parse_json, value_json};
pub(crate) use key::key_part;
pub use key::key_text;
pub use text::value_text;
pub(crate) use text::{trim_decimal, uuid_bytes};

/// A value that this version cannot read from its column.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// The column's Arrow type has no meaning here.
    #[error("column {column}: values of type {type_} cannot be read; cast the column to text in the model")]
    Unsupported { column: String, type_: String },
    /// A date or time outside the calendar of years -9999 to 9999 (an SQL `infinity`, for one).
    #[error(
        "column {column}: {what} {value} is outside the years -9999 to 9999; correct it in the model or turn it into NULL"
    )]
    OutOfRange { column: String, what: &'static str, value: String },
    /// A row number beyond the column's end, or a broken array.
    #[error("column {column}: {message}")]
    Broken { column: String, message: String },
}

/// Arrow's extension type for JSON text, in a field's metadata.
pub(crate) const EXTENSION_KEY: &str = "ARROW:extension:name";

/// Whether the field says that its text is JSON.
pub(crate) fn is_json(field: &Field) -> bool {
    field.metadata().get(EXTENSION_KEY).is_some_and(|name| name == "arrow.json")
}

/// The value of one row of a column.
///
/// Text in a field marked `arrow.json` is parsed (text that is not JSON stays text); `FixedSizeBinary(16)` is a UUID and
/// becomes its text; durations and intervals become text (ISO 8601 for durations); a timestamp with any zone is an instant.
///
/// # Errors
/// A type without a meaning here, a date beyond the calendar, a row beyond the column.
pub fn value_at(array: &dyn Array, field: &Field, row: usize) -> Result<Value, ValueError> {
    if row >= array.len() {
        return Err(ValueError::Broken {
            column: field.name().clone(),
            message: format!("row {row} asked of {} rows", array.len()),
        });
    }
    // `is_null` is physical: dictionaries and run-ends hide their NULLs in the values and are looked through below.
    if array.is_null(row) {
        return Ok(Value::Null);
    }
    match array.data_type() {
        DataType::Null => Ok(Value::Null),
        DataType::Boolean => Ok(Value::Bool(array.as_boolean().value(row))),
        DataType::Int8 => Ok(Value::Int(native::<Int8Type>(array, row).into())),
        DataType::Int16 => Ok(Value::Int(native::<Int16Type>(array, row).into())),
        DataType::Int32 => Ok(Value::Int(native::<Int32Type>(array, row).into())),
        DataType::Int64 => Ok(Value::Int(native::<Int64Type>(array, row))),
        DataType::UInt8 => Ok(Value::Int(native::<UInt8Type>(array, row).into())),
        DataType::UInt16 => Ok(Value::Int(native::<UInt16Type>(array, row).into())),
        DataType::UInt32 => Ok(Value::Int(native::<UInt32Type>(array, row).into())),
        DataType::UInt64 => {
            let number = native::<UInt64Type>(array, row);
            // One shape for one number: only what an i64 cannot hold stays unsigned.
            Ok(i64::try_from(number).map_or(Value::UInt(number), Value::Int))
        }
        DataType::Float16 => Ok(Value::Float(native::<Float16Type>(array, row).to_f64())),
        DataType::Float32 => Ok(Value::Float(widen(native::<Float32Type>(array, row)))),
        DataType::Float64 => Ok(Value::Float(native::<Float64Type>(array, row))),
        DataType::Decimal32(_, _) => Ok(Value::Decimal(array.as_primitive::<Decimal32Type>().value_as_string(row))),
        DataType::Decimal64(_, _) => Ok(Value::Decimal(array.as_primitive::<Decimal64Type>().value_as_string(row))),
        DataType::Decimal128(_, _) => Ok(Value::Decimal(array.as_primitive::<Decimal128Type>().value_as_string(row))),
        DataType::Decimal256(_, _) => Ok(Value::Decimal(array.as_primitive::<Decimal256Type>().value_as_string(row))),
        DataType::Utf8 => Ok(text(array.as_string::<i32>().value(row), field)),
        DataType::LargeUtf8 => Ok(text(array.as_string::<i64>().value(row), field)),
        DataType::Utf8View => Ok(text(array.as_string_view().value(row), field)),
        DataType::Binary => Ok(Value::Bytes(array.as_binary::<i32>().value(row).to_vec())),
        DataType::LargeBinary => Ok(Value::Bytes(array.as_binary::<i64>().value(row).to_vec())),
        DataType::BinaryView => Ok(Value::Bytes(array.as_binary_view().value(row).to_vec())),
        DataType::FixedSizeBinary(_) => {
            let bytes = array.as_fixed_size_binary().value(row);
            Ok(match <[u8; 16]>::try_from(bytes) {
                Ok(uuid) => Value::Text(text::uuid_text(uuid)),
                Err(_) => Value::Bytes(bytes.to_vec()),
            })
        }
        DataType::Date32 => date(i64::from(native::<Date32Type>(array, row)), field),
        DataType::Date64 => date(native::<Date64Type>(array, row).div_euclid(MS_PER_DAY), field),
        DataType::Time32(TimeUnit::Second) => {
            time(i64::from(native::<Time32SecondType>(array, row)), 1_000_000_000, field)
        }
        DataType::Time32(_) => time(i64::from(native::<Time32MillisecondType>(array, row)), 1_000_000, field),
        DataType::Time64(TimeUnit::Microsecond) => time(native::<Time64MicrosecondType>(array, row), 1_000, field),
        DataType::Time64(_) => time(native::<Time64NanosecondType>(array, row), 1, field),
        DataType::Timestamp(unit, zone) => {
            let (count, per_second) = match unit {
                TimeUnit::Second => (native::<TimestampSecondType>(array, row), 1),
                TimeUnit::Millisecond => (native::<TimestampMillisecondType>(array, row), 1_000),
                TimeUnit::Microsecond => (native::<TimestampMicrosecondType>(array, row), 1_000_000),
                TimeUnit::Nanosecond => (native::<TimestampNanosecondType>(array, row), 1_000_000_000),
            };
            timestamp(count, per_second, zone.is_some(), field)
        }
        DataType::Duration(_) | DataType::Interval(_) => duration_text(array, row, field),
        DataType::List(item) => list(&array.as_list::<i32>().value(row), item),
        DataType::LargeList(item) => list(&array.as_list::<i64>().value(row), item),
        DataType::ListView(item) => list(&array.as_list_view::<i32>().value(row), item),
        DataType::LargeListView(item) => list(&array.as_list_view::<i64>().value(row), item),
        DataType::FixedSizeList(item, _) => list(&array.as_fixed_size_list().value(row), item),
        DataType::Struct(fields) => {
            let columns = array.as_struct().columns();
            let mut entries = Vec::with_capacity(fields.len());
            for (child, column) in fields.iter().zip(columns) {
                entries.push((child.name().clone(), value_at(column.as_ref(), child, row)?));
            }
            Ok(Value::Map(entries))
        }
        DataType::Map(_, _) => map(array, row, field),
        DataType::Dictionary(_, _) => {
            let dictionary = array.as_any_dictionary();
            match dictionary_key(dictionary.keys(), row) {
                Some(key) => value_at(dictionary.values().as_ref(), field, key),
                None => Err(unsupported(field, array.data_type())),
            }
        }
        DataType::RunEndEncoded(ends, _) => match ends.data_type() {
            DataType::Int16 => run::<Int16Type>(array, row, field),
            DataType::Int32 => run::<Int32Type>(array, row, field),
            _ => run::<Int64Type>(array, row, field),
        },
        DataType::Union(fields, _) => {
            let union = array.as_union();
            let type_id = union.type_id(row);
            let child = fields.iter().find(|(id, _)| *id == type_id).map(|(_, child)| child);
            match child {
                Some(child) => value_at(union.value(row).as_ref(), child, 0),
                None => Err(unsupported(field, array.data_type())),
            }
        }
    }
}

const MS_PER_DAY: i64 = 86_400_000;

fn native<T: ArrowPrimitiveType>(array: &dyn Array, row: usize) -> T::Native {
    array.as_primitive::<T>().value(row)
}

/// A single-precision number as the decimal it prints as: 0.1f32 becomes 0.1, not 0.10000000149011612, because the first
/// is what the source shows and what belongs in HubSpot.
pub(crate) fn widen(number: f32) -> f64 {
    number.to_string().parse().unwrap_or_else(|_| f64::from(number))
}

fn text(text: &str, field: &Field) -> Value {
    if is_json(field) { parse_json(text) } else { Value::Text(text.to_owned()) }
}

fn unsupported(field: &Field, type_: &DataType) -> ValueError {
    ValueError::Unsupported { column: field.name().clone(), type_: type_.to_string() }
}

fn out_of_range(field: &Field, what: &'static str, value: i64) -> ValueError {
    ValueError::OutOfRange { column: field.name().clone(), what, value: value.to_string() }
}

fn date(days: i64, field: &Field) -> Result<Value, ValueError> {
    civil::day(days).map(Value::Date).ok_or_else(|| out_of_range(field, "day", days))
}

fn time(count: i64, ns_per_unit: i64, field: &Field) -> Result<Value, ValueError> {
    count
        .checked_mul(ns_per_unit)
        .and_then(civil::time)
        .map(Value::Time)
        .ok_or_else(|| out_of_range(field, "time of day", count))
}

fn timestamp(count: i64, per_second: i64, zoned: bool, field: &Field) -> Result<Value, ValueError> {
    let second = count.div_euclid(per_second);
    let subsec = count.rem_euclid(per_second) * (1_000_000_000 / per_second);
    if zoned {
        let subsec = i32::try_from(subsec).expect("less than a second in nanoseconds fits");
        if let Ok(instant) = Timestamp::new(second, subsec) {
            return Ok(Value::Timestamp(instant));
        }
        // The last day of 9999 lies beyond the instants but within the calendar; UTC is what a civil time is read as.
    }
    civil::utc(second, subsec).map(Value::DateTime).ok_or_else(|| out_of_range(field, "timestamp", count))
}

fn duration_text(array: &dyn Array, row: usize, field: &Field) -> Result<Value, ValueError> {
    let options = FormatOptions::default().with_duration_format(DurationFormat::ISO8601);
    let broken = |error: String| ValueError::Broken { column: field.name().clone(), message: error };
    let formatter = ArrayFormatter::try_new(array, &options).map_err(|error| broken(error.to_string()))?;
    let text = formatter.value(row).try_to_string().map_err(|error| broken(error.to_string()))?;
    Ok(Value::Text(text))
}

fn list(items: &ArrayRef, field: &Field) -> Result<Value, ValueError> {
    let mut values = Vec::with_capacity(items.len());
    for row in 0..items.len() {
        values.push(value_at(items.as_ref(), field, row)?);
    }
    Ok(Value::List(values))
}

fn map(array: &dyn Array, row: usize, field: &Field) -> Result<Value, ValueError> {
    let entries = array.as_map().value(row);
    let fields = entries.fields();
    let (Some(keys), Some(values)) = (entries.columns().first(), entries.columns().get(1)) else {
        return Err(unsupported(field, array.data_type()));
    };
    let mut pairs = Vec::with_capacity(entries.len());
    for entry in 0..entries.len() {
        let key = value_at(keys.as_ref(), &fields[0], entry)?;
        pairs.push((value_text(&key), value_at(values.as_ref(), &fields[1], entry)?));
    }
    Ok(Value::Map(pairs))
}

/// The index that a dictionary's row has among its values.
pub(crate) fn dictionary_key(keys: &dyn Array, row: usize) -> Option<usize> {
    match keys.data_type() {
        DataType::Int8 => usize::try_from(native::<Int8Type>(keys, row)).ok(),
        DataType::Int16 => usize::try_from(native::<Int16Type>(keys, row)).ok(),
        DataType::Int32 => usize::try_from(native::<Int32Type>(keys, row)).ok(),
        DataType::Int64 => usize::try_from(native::<Int64Type>(keys, row)).ok(),
        DataType::UInt8 => Some(native::<UInt8Type>(keys, row).into()),
        DataType::UInt16 => Some(native::<UInt16Type>(keys, row).into()),
        DataType::UInt32 => usize::try_from(native::<UInt32Type>(keys, row)).ok(),
        DataType::UInt64 => usize::try_from(native::<UInt64Type>(keys, row)).ok(),
        _ => None,
    }
}

fn run<T: arrow_array::types::RunEndIndexType>(
    array: &dyn Array,
    row: usize,
    field: &Field,
) -> Result<Value, ValueError> {
    let run: &RunArray<T> = array.as_run::<T>();
    value_at(run.values().as_ref(), field, run.get_physical_index(row))
}
