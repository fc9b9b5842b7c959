//! The value hashes of a whole column, in loops without an allocation per value. Agrees with [`super::value`].

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Date64Type, Decimal128Type, Decimal256Type, Float32Type, Float64Type, Int8Type,
    Int16Type, Int32Type, Int64Type, Time32MillisecondType, Time32SecondType, Time64MicrosecondType,
    Time64NanosecondType, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayAccessor, GenericListArray, OffsetSizeTrait};
use arrow_schema::{DataType, Field, TimeUnit};

use super::value;
use crate::row::{dictionary_key, is_json, uuid_bytes, value_at, widen};

/// Appends one hash a row.
pub(super) fn hash(array: &dyn Array, field: &Field, out: &mut Vec<u64>) {
    out.reserve(array.len());
    match array.data_type() {
        DataType::Boolean => each(array.as_boolean(), out, value::boolean),
        DataType::Int8 => primitive::<Int8Type>(array, out, |number| value::int(number.into())),
        DataType::Int16 => primitive::<Int16Type>(array, out, |number| value::int(number.into())),
        DataType::Int32 => primitive::<Int32Type>(array, out, |number| value::int(number.into())),
        DataType::Int64 => primitive::<Int64Type>(array, out, value::int),
        DataType::UInt8 => primitive::<UInt8Type>(array, out, |number| value::int(number.into())),
        DataType::UInt16 => primitive::<UInt16Type>(array, out, |number| value::int(number.into())),
        DataType::UInt32 => primitive::<UInt32Type>(array, out, |number| value::int(number.into())),
        DataType::UInt64 => primitive::<UInt64Type>(array, out, value::uint),
        DataType::Float32 => primitive::<Float32Type>(array, out, single),
        DataType::Float64 => primitive::<Float64Type>(array, out, value::float),
        DataType::Decimal128(_, scale) if *scale >= 0 => {
            let scale = scale.unsigned_abs();
            primitive::<Decimal128Type>(array, out, |unscaled| value::decimal(unscaled, scale));
        }
        DataType::Decimal256(_, scale) if *scale >= 0 => {
            let scale = scale.unsigned_abs();
            primitive::<Decimal256Type>(array, out, |unscaled| value::wide_decimal(unscaled, scale));
        }
        DataType::Utf8 => strings(array.as_string::<i32>(), field, out),
        DataType::LargeUtf8 => strings(array.as_string::<i64>(), field, out),
        DataType::Utf8View => strings(array.as_string_view(), field, out),
        DataType::Binary => each(array.as_binary::<i32>(), out, value::bytes),
        DataType::LargeBinary => each(array.as_binary::<i64>(), out, value::bytes),
        DataType::BinaryView => each(array.as_binary_view(), out, value::bytes),
        DataType::FixedSizeBinary(_) => each(array.as_fixed_size_binary(), out, |bytes| match bytes.try_into() {
            Ok(uuid) => value::text(&uuid_bytes(uuid)),
            Err(_) => value::bytes(bytes),
        }),
        DataType::Date32 => primitive::<Date32Type>(array, out, |days| value::date(days.into())),
        DataType::Date64 => primitive::<Date64Type>(array, out, |ms| value::date(ms.div_euclid(86_400_000))),
        DataType::Time32(TimeUnit::Second) => {
            primitive::<Time32SecondType>(array, out, |s| value::time(i64::from(s) * 1_000_000_000));
        }
        DataType::Time32(_) => {
            primitive::<Time32MillisecondType>(array, out, |ms| value::time(i64::from(ms) * 1_000_000));
        }
        DataType::Time64(TimeUnit::Microsecond) => {
            primitive::<Time64MicrosecondType>(array, out, |us| value::time(us.wrapping_mul(1_000)));
        }
        DataType::Time64(_) => primitive::<Time64NanosecondType>(array, out, value::time),
        DataType::Timestamp(unit, zone) => timestamps(array, *unit, zone.is_some(), out),
        DataType::List(item) => lists(array.as_list::<i32>(), item, out),
        DataType::LargeList(item) => lists(array.as_list::<i64>(), item, out),
        DataType::Struct(_) => structs(array, out),
        DataType::Dictionary(_, _) => dictionary(array, field, out),
        _ => slow(array, field, out),
    }
}

#[inline]
fn primitive<T: ArrowPrimitiveType>(array: &dyn Array, out: &mut Vec<u64>, hash: impl Fn(T::Native) -> u64) {
    let array = array.as_primitive::<T>();
    match array.nulls().filter(|nulls| nulls.null_count() > 0) {
        None => out.extend(array.values().iter().map(|native| hash(*native))),
        Some(nulls) => {
            // What stands under a NULL is arbitrary, but hashing it is harmless and keeps the loop without a branch.
            let valid = nulls.iter();
            out.extend(
                array.values().iter().zip(valid).map(|(native, valid)| if valid { hash(*native) } else { value::NULL }),
            );
        }
    }
}

#[inline]
fn each<A: ArrayAccessor>(array: A, out: &mut Vec<u64>, hash: impl Fn(A::Item) -> u64) {
    if array.null_count() == 0 {
        out.extend((0..array.len()).map(|row| hash(array.value(row))));
        return;
    }
    out.extend((0..array.len()).map(|row| if array.is_valid(row) { hash(array.value(row)) } else { value::NULL }));
}

fn strings<'a, A: ArrayAccessor<Item = &'a str>>(array: A, field: &Field, out: &mut Vec<u64>) {
    if is_json(field) {
        each(array, out, |text| value::json(text.as_bytes()));
    } else {
        each(array, out, |text| value::text(text.as_bytes()));
    }
}

/// Single-precision numbers hash as the doubles that [`widen`] makes of them. Whole ones up to here are exact in both and
/// need no text in between.
const MAX_EXACT_SINGLE: f32 = 16_777_216.0;

fn single(number: f32) -> u64 {
    let exact = number.abs() <= MAX_EXACT_SINGLE && number.fract() == 0.0;
    if exact || number.is_nan() {
        return value::float(number.into());
    }
    value::float(widen(number))
}

fn timestamps(array: &dyn Array, unit: TimeUnit, zoned: bool, out: &mut Vec<u64>) {
    match unit {
        TimeUnit::Second => primitive::<TimestampSecondType>(array, out, |s| value::timestamp(s, 0, zoned)),
        TimeUnit::Millisecond => primitive::<TimestampMillisecondType>(array, out, |ms| {
            value::timestamp(ms.div_euclid(1_000), ms.rem_euclid(1_000) * 1_000_000, zoned)
        }),
        TimeUnit::Microsecond => primitive::<TimestampMicrosecondType>(array, out, |us| {
            value::timestamp(us.div_euclid(1_000_000), us.rem_euclid(1_000_000) * 1_000, zoned)
        }),
        TimeUnit::Nanosecond => primitive::<TimestampNanosecondType>(array, out, |ns| {
            value::timestamp(ns.div_euclid(1_000_000_000), ns.rem_euclid(1_000_000_000), zoned)
        }),
    }
}

fn lists<O: OffsetSizeTrait>(array: &GenericListArray<O>, item: &Field, out: &mut Vec<u64>) {
    let offsets = array.value_offsets();
    let (first, last) = match (offsets.first(), offsets.last()) {
        (Some(first), Some(last)) => (first.as_usize(), last.as_usize()),
        _ => return,
    };
    // Only the part of the values that this slice uses.
    let items = array.values().slice(first, last - first);
    let mut hashes = Vec::new();
    hash(items.as_ref(), item, &mut hashes);
    for row in 0..array.len() {
        if array.is_null(row) {
            out.push(value::NULL);
        } else {
            let range = offsets[row].as_usize() - first..offsets[row + 1].as_usize() - first;
            out.push(value::list(&hashes[range]));
        }
    }
}

fn structs(array: &dyn Array, out: &mut Vec<u64>) {
    let array = array.as_struct();
    let mut children = Vec::with_capacity(array.num_columns());
    for (field, column) in array.fields().iter().zip(array.columns()) {
        let mut hashes = Vec::new();
        hash(column.as_ref(), field, &mut hashes);
        children.push((value::text(field.name().as_bytes()), hashes));
    }
    for row in 0..array.len() {
        if array.is_null(row) {
            out.push(value::NULL);
        } else {
            out.push(value::map(children.iter().map(|(name, hashes)| (*name, hashes[row]))));
        }
    }
}

fn dictionary(array: &dyn Array, field: &Field, out: &mut Vec<u64>) {
    let dictionary = array.as_any_dictionary();
    let values = dictionary.values();
    // A small slice of a column with a huge dictionary: cheaper row by row.
    if values.len() > array.len() * 2 {
        return slow(array, field, out);
    }
    let mut hashes = Vec::new();
    hash(values.as_ref(), field, &mut hashes);
    let keys = dictionary.keys();
    for row in 0..array.len() {
        if keys.is_null(row) {
            out.push(value::NULL);
            continue;
        }
        let key = dictionary_key(keys, row);
        out.push(key.and_then(|key| hashes.get(key)).copied().unwrap_or(value::NULL));
    }
}

/// Rare types, value by value. What cannot be read hashes as its complaint: it stays the same until the value changes, and
/// the mapping reports it.
fn slow(array: &dyn Array, field: &Field, out: &mut Vec<u64>) {
    for row in 0..array.len() {
        out.push(match value_at(array, field, row) {
            Ok(single) => value::value(&single),
            Err(error) => value::text(error.to_string().as_bytes()),
        });
    }
}
