//! What one value hashes to, whatever column type it came from. [`super::column`] computes the same by the column.

use arrow_buffer::i256;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::Value;
use crate::row::{civil, trim_decimal};

// Arbitrary odd numbers, one for each kind of value, so that the text `5` is not the number 5.
const BOOL: u64 = 0x9e37_79b9_7f4a_7c15;
const INT: u64 = 0xd1b5_4a32_d192_ed03;
const FLOAT: u64 = 0xabc9_8388_fb8f_ac03;
const DECIMAL: u64 = 0x8cb9_2ba7_2f3d_8dd7;
const TEXT: u64 = 0xe703_7ed1_a0b4_28db;
const JSON: u64 = 0x5896_76f9_2d1c_7a55;
const BYTES: u64 = 0xa076_1d64_78bd_642f;
const DATE: u64 = 0xbea2_25f9_eb34_556d;
const TIME: u64 = 0x1d8e_4e27_c47d_124f;
const CIVIL: u64 = 0xeb44_acca_b455_d165;
const INSTANT: u64 = 0x2f63_9f8a_5a3b_c6e1;
const LIST: u64 = 0x7a2d_7d3f_0c5e_f1b9;
const MAP: u64 = 0xc2b2_ae3d_27d4_eb4f;

pub(super) const NULL: u64 = 0x6c62_272e_07bb_0142;

/// A bijection that spreads every bit over all bits (MurmurHash3's finaliser).
#[inline]
pub(super) fn mix(mut hash: u64) -> u64 {
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

/// Takes one more part into a hash whose parts have an order.
#[inline]
fn fold(hash: u64, part: u64) -> u64 {
    mix(hash.wrapping_mul(0x9fb2_1c65_1e98_df25).wrapping_add(part))
}

#[inline]
pub(super) fn boolean(flag: bool) -> u64 {
    mix(BOOL.wrapping_add(u64::from(flag)))
}

#[inline]
pub(super) fn int(number: i64) -> u64 {
    mix(INT.wrapping_add(number.cast_unsigned()))
}

#[inline]
pub(super) fn uint(number: u64) -> u64 {
    match i64::try_from(number) {
        Ok(number) => int(number),
        Err(_) => decimal(i128::from(number), 0),
    }
}

/// Whole floats hash as the integers they are: a column that a driver calls REAL today and INTEGER tomorrow has not changed.
#[inline]
pub(super) fn float(number: f64) -> u64 {
    const TWO_63: f64 = 9_223_372_036_854_775_808.0;
    if (-TWO_63..TWO_63).contains(&number) {
        // In range by the line above; equal only if nothing was cut off.
        #[allow(clippy::cast_possible_truncation)]
        let whole = number as i64;
        #[allow(clippy::cast_precision_loss)]
        if whole as f64 == number {
            return int(whole);
        }
    }
    let bits = if number.is_nan() { f64::NAN.to_bits() } else { number.to_bits() };
    mix(FLOAT.wrapping_add(bits))
}

/// `unscaled` × 10^-`scale`.
#[inline]
pub(super) fn decimal(mut unscaled: i128, mut scale: u8) -> u64 {
    if let Ok(mut small) = i64::try_from(unscaled) {
        // 64-bit division is several times faster, and nearly every decimal is small.
        while scale > 0 && small % 10 == 0 {
            small /= 10;
            scale -= 1;
        }
        if scale == 0 {
            return int(small);
        }
        return decimal_parts(i128::from(small), scale);
    }
    while scale > 0 && unscaled % 10 == 0 {
        unscaled /= 10;
        scale -= 1;
    }
    match i64::try_from(unscaled) {
        Ok(small) if scale == 0 => int(small),
        _ => decimal_parts(unscaled, scale),
    }
}

#[inline]
fn decimal_parts(unscaled: i128, scale: u8) -> u64 {
    let mut bytes = [0u8; 17];
    bytes[..16].copy_from_slice(&unscaled.to_le_bytes());
    bytes[16] = scale;
    xxh3_64_with_seed(&bytes, DECIMAL)
}

pub(super) fn wide_decimal(mut unscaled: i256, mut scale: u8) -> u64 {
    let ten = i256::from_i128(10);
    while scale > 0 && unscaled.to_i128().is_none() && unscaled % ten == i256::ZERO {
        unscaled /= ten;
        scale -= 1;
    }
    if let Some(unscaled) = unscaled.to_i128() {
        return decimal(unscaled, scale);
    }
    let mut bytes = [0u8; 33];
    bytes[..32].copy_from_slice(&unscaled.to_le_bytes());
    bytes[32] = scale;
    xxh3_64_with_seed(&bytes, DECIMAL)
}

/// A decimal in plain notation.
pub(super) fn decimal_text(text: &str) -> u64 {
    let text = trim_decimal(text);
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let scale = u8::try_from(fraction.len()).ok();
    let digits = format!("{whole}{fraction}");
    match (i256::from_string(&digits), scale) {
        (Some(unscaled), Some(scale)) => wide_decimal(unscaled, scale),
        _ => xxh3_64_with_seed(text.as_bytes(), DECIMAL),
    }
}

#[inline]
pub(super) fn text(text: &[u8]) -> u64 {
    xxh3_64_with_seed(text, TEXT)
}

#[inline]
pub(super) fn json(text: &[u8]) -> u64 {
    xxh3_64_with_seed(text, JSON)
}

#[inline]
pub(super) fn bytes(bytes: &[u8]) -> u64 {
    xxh3_64_with_seed(bytes, BYTES)
}

#[inline]
pub(super) fn date(days: i64) -> u64 {
    mix(DATE.wrapping_add(days.cast_unsigned()))
}

#[inline]
pub(super) fn time(ns: i64) -> u64 {
    mix(TIME.wrapping_add(ns.cast_unsigned()))
}

/// A second since 1970 and the nanoseconds after it.
#[inline]
pub(super) fn timestamp(second: i64, ns: i64, zoned: bool) -> u64 {
    let tag = if zoned { INSTANT } else { CIVIL };
    fold(tag.wrapping_add(second.cast_unsigned()), ns.cast_unsigned())
}

pub(super) fn list(items: &[u64]) -> u64 {
    let mut hash = LIST.wrapping_add(items.len() as u64);
    for item in items {
        hash = fold(hash, *item);
    }
    mix(hash)
}

pub(super) fn map(entries: impl ExactSizeIterator<Item = (u64, u64)>) -> u64 {
    let mut hash = MAP.wrapping_add(entries.len() as u64);
    for (name, value) in entries {
        hash = fold(fold(hash, name), value);
    }
    mix(hash)
}

/// The hash of a single value: for column types too rare to have a loop of their own.
pub(super) fn value(value: &Value) -> u64 {
    match value {
        Value::Null => NULL,
        Value::Bool(flag) => boolean(*flag),
        Value::Int(number) => int(*number),
        Value::UInt(number) => uint(*number),
        Value::Float(number) => float(*number),
        Value::Decimal(digits) => decimal_text(digits),
        Value::Text(string) => text(string.as_bytes()),
        Value::Bytes(raw) => bytes(raw),
        Value::Date(day) => date(civil::days(*day)),
        Value::Time(clock) => time(civil::time_ns(*clock)),
        Value::DateTime(at) => {
            let (second, ns) = civil::epoch(*at);
            timestamp(second, ns, false)
        }
        Value::Timestamp(instant) => {
            let (second, ns) = civil::epoch(jiff::tz::TimeZone::UTC.to_datetime(*instant));
            timestamp(second, ns, true)
        }
        Value::List(items) => {
            let items: Vec<u64> = items.iter().map(self::value).collect();
            list(&items)
        }
        Value::Map(entries) => map(entries.iter().map(|(name, entry)| (text(name.as_bytes()), self::value(entry)))),
    }
}
