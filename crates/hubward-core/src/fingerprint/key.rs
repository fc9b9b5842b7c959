//! The hash of a key column: XXH3-128 of each value's key text, without making the text where it can be helped.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Decimal128Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use arrow_array::{Array, ArrayAccessor};
use arrow_schema::{DataType, Field};
use xxhash_rust::xxh3::xxh3_128;

use crate::row::{is_json, key_part, uuid_bytes, value_at};

/// Appends one hash a row and marks the rows whose value is NULL.
pub(super) fn hash(array: &dyn Array, field: &Field, out: &mut Vec<u128>, nulls: &mut [bool]) {
    out.reserve(array.len());
    match array.data_type() {
        DataType::Int8 => integers::<Int8Type>(array, out, nulls),
        DataType::Int16 => integers::<Int16Type>(array, out, nulls),
        DataType::Int32 => integers::<Int32Type>(array, out, nulls),
        DataType::Int64 => integers::<Int64Type>(array, out, nulls),
        DataType::UInt8 => integers::<UInt8Type>(array, out, nulls),
        DataType::UInt16 => integers::<UInt16Type>(array, out, nulls),
        DataType::UInt32 => integers::<UInt32Type>(array, out, nulls),
        DataType::UInt64 => integers::<UInt64Type>(array, out, nulls),
        // NUMBER(38, 0) is what several warehouses call an integer.
        DataType::Decimal128(_, 0) => integers::<Decimal128Type>(array, out, nulls),
        DataType::Utf8 if !is_json(field) => strings(array.as_string::<i32>(), out, nulls),
        DataType::LargeUtf8 if !is_json(field) => strings(array.as_string::<i64>(), out, nulls),
        DataType::Utf8View if !is_json(field) => strings(array.as_string_view(), out, nulls),
        DataType::FixedSizeBinary(16) => {
            let array = array.as_fixed_size_binary();
            each(array, out, nulls, |row| {
                let uuid: [u8; 16] = array.value(row).try_into().expect("the type says 16 bytes");
                xxh3_128(&uuid_bytes(uuid))
            });
        }
        _ => slow(array, field, out, nulls),
    }
}

#[inline]
fn each(array: impl Array, out: &mut Vec<u128>, nulls: &mut [bool], hash: impl Fn(usize) -> u128) {
    let any_null = array.null_count() > 0;
    for (row, null) in nulls.iter_mut().enumerate() {
        if any_null && array.is_null(row) {
            *null = true;
            out.push(0);
        } else {
            out.push(hash(row));
        }
    }
}

#[inline]
fn strings<'a, A: ArrayAccessor<Item = &'a str>>(array: A, out: &mut Vec<u128>, nulls: &mut [bool]) {
    each(&array, out, nulls, |row| xxh3_128(array.value(row).as_bytes()));
}

#[inline]
fn integers<T>(array: &dyn Array, out: &mut Vec<u128>, nulls: &mut [bool])
where
    T: ArrowPrimitiveType,
    T::Native: TryInto<i64> + ToString,
{
    let array = array.as_primitive::<T>();
    let values = array.values();
    each(array, out, nulls, |row| match values[row].try_into() {
        Ok(number) => {
            let mut buffer = [0u8; 20];
            xxh3_128(digits(number, &mut buffer))
        }
        Err(_) => xxh3_128(values[row].to_string().as_bytes()),
    });
}

/// The decimal digits of a number, in the end of `buffer`.
#[inline]
fn digits(number: i64, buffer: &mut [u8; 20]) -> &[u8] {
    let mut rest = number.unsigned_abs();
    let mut at = buffer.len();
    loop {
        at -= 1;
        buffer[at] = b'0' + u8::try_from(rest % 10).expect("a remainder of ten is a digit");
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        at -= 1;
        buffer[at] = b'-';
    }
    &buffer[at..]
}

fn slow(array: &dyn Array, field: &Field, out: &mut Vec<u128>, nulls: &mut [bool]) {
    for (row, null) in nulls.iter_mut().enumerate() {
        match value_at(array, field, row) {
            Ok(value) => match key_part(&value) {
                Some(part) => out.push(xxh3_128(part.as_bytes())),
                None => {
                    *null = true;
                    out.push(0);
                }
            },
            // Whoever reads the key's text gets the same complaint.
            Err(error) => out.push(xxh3_128(error.to_string().as_bytes())),
        }
    }
}
