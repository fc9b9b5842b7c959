//! Equal meaning, equal hash, whatever the Arrow flavour; any difference that reaches HubSpot, another hash.

use std::sync::Arc;

use arrow_array::builder::{Int32Builder, Int64Builder, LargeListBuilder, ListBuilder};
use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, Date32Array, Date64Array, Decimal128Array, Decimal256Array, DictionaryArray, Float32Array, Float64Array,
    Int16Array, Int32Array, Int64Array, LargeStringArray, RecordBatch, RunArray, StringArray, StringViewArray,
    StructArray, TimestampMicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray, TimestampSecondArray,
    UInt8Array, UInt64Array,
};
use arrow_buffer::i256;
use arrow_schema::{DataType, Field, Fields, Schema};
use arrow_select::concat::concat_batches;
use proptest::prelude::*;

use super::{Fingerprinter, match_hash};
use crate::row::{key_text, value_at};

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

struct Hashed {
    keys: Vec<u128>,
    prints: Vec<u64>,
    nulls: Vec<bool>,
}

fn hash(batch: &RecordBatch, key: &[&str], mapped: &[&str]) -> Hashed {
    let mut fingerprinter =
        Fingerprinter::new(batch.schema_ref(), &names(key), &names(mapped), None).expect("the columns exist");
    let mut hashed = Hashed { keys: vec![7; 3], prints: vec![7; 3], nulls: vec![true; 3] };
    fingerprinter.hash_batch(batch, &mut hashed.keys, &mut hashed.prints, &mut hashed.nulls);
    hashed
}

fn column(array: ArrayRef) -> Hashed {
    let batch = RecordBatch::try_from_iter_with_nullable([("c", array, true)]).unwrap();
    hash(&batch, &["c"], &["c"])
}

/// Every column means the same, row by row, as fingerprint and as key.
fn alike(columns: Vec<ArrayRef>) {
    let first = column(Arc::clone(&columns[0]));
    for other in &columns[1..] {
        let hashed = column(Arc::clone(other));
        let types = format!("{} and {}", columns[0].data_type(), other.data_type());
        assert_eq!(first.prints, hashed.prints, "fingerprints of {types}");
        assert_eq!(first.keys, hashed.keys, "keys of {types}");
        assert_eq!(first.nulls, hashed.nulls, "{types}");
    }
}

#[test]
fn whole_numbers_hash_alike_in_every_width_and_kind() {
    alike(vec![
        Arc::new(Int64Array::from(vec![Some(5), None, Some(0)])),
        Arc::new(Int16Array::from(vec![Some(5), None, Some(0)])),
        Arc::new(UInt8Array::from(vec![Some(5), None, Some(0)])),
        Arc::new(UInt64Array::from(vec![Some(5), None, Some(0)])),
        Arc::new(Float64Array::from(vec![Some(5.0), None, Some(-0.0)])),
        Arc::new(Float32Array::from(vec![Some(5.0), None, Some(-0.0)])),
        Arc::new(Decimal128Array::from(vec![Some(500), None, Some(0)]).with_precision_and_scale(10, 2).unwrap()),
        Arc::new(Decimal128Array::from(vec![Some(5), None, Some(0)]).with_precision_and_scale(38, 0).unwrap()),
    ]);
}

#[test]
fn decimals_hash_by_value_whatever_the_scale() {
    let narrow = |values: Vec<i128>, scale: i8| -> ArrayRef {
        Arc::new(Decimal128Array::from(values).with_precision_and_scale(38, scale).unwrap())
    };
    let wide = |values: Vec<i128>, scale: i8| -> ArrayRef {
        let values: Vec<i256> = values.into_iter().map(i256::from_i128).collect();
        Arc::new(Decimal256Array::from(values).with_precision_and_scale(76, scale).unwrap())
    };
    let big = 1_234_567_890_123_456_789_012_345_678;
    alike(vec![
        narrow(vec![-1250, 1, big], 2),
        narrow(vec![-125_000, 100, big * 100], 4),
        wide(vec![-1250, 1, big], 2),
        wide(vec![-12_500_000, 10_000, big * 10_000], 6),
    ]);
    let huge = u64::MAX;
    alike(vec![Arc::new(UInt64Array::from(vec![huge])), narrow(vec![i128::from(huge) * 10], 1)]);
}

#[test]
fn texts_hash_alike_in_every_array() {
    let texts = vec![Some("a"), None, Some("longer than the twelve inline bytes"), Some(""), Some("a")];
    let dictionary: DictionaryArray<Int32Type> = texts.clone().into_iter().collect();
    let runs: RunArray<Int32Type> = texts.clone().into_iter().collect();
    alike(vec![
        Arc::new(StringArray::from(texts.clone())),
        Arc::new(LargeStringArray::from(texts.clone())),
        Arc::new(StringViewArray::from(texts)),
        Arc::new(dictionary.clone()),
        Arc::new(runs),
    ]);
    // A short slice of a long dictionary goes another way.
    let slice: ArrayRef = Arc::new(dictionary.slice(2, 1));
    alike(vec![Arc::new(StringArray::from(vec!["longer than the twelve inline bytes"])), slice]);
}

#[test]
fn timestamps_hash_by_instant_and_dates_by_day() {
    alike(vec![
        Arc::new(TimestampSecondArray::from(vec![1_582_947_017, -1]).with_timezone("UTC")),
        Arc::new(TimestampMillisecondArray::from(vec![1_582_947_017_000, -1_000]).with_timezone("+02:00")),
        Arc::new(TimestampMicrosecondArray::from(vec![1_582_947_017_000_000, -1_000_000]).with_timezone("UTC")),
        Arc::new(TimestampNanosecondArray::from(vec![1_582_947_017_000_000_000, -1_000_000_000]).with_timezone("UTC")),
    ]);
    alike(vec![
        Arc::new(Date32Array::from(vec![18_000, -1])),
        Arc::new(Date64Array::from(vec![18_000 * 86_400_000, -86_400_000])),
    ]);
}

#[test]
fn lists_and_structs_hash_by_their_content() {
    let mut small = ListBuilder::new(Int32Builder::new());
    let mut large = LargeListBuilder::new(Int64Builder::new());
    for items in [vec![Some(1), None], vec![], vec![Some(2), Some(1)]] {
        small.append_value(items.clone());
        large.append_value(items.into_iter().map(|item| item.map(i64::from)));
    }
    small.append_null();
    large.append_null();
    let (small, large) = (small.finish(), large.finish());
    alike(vec![Arc::new(small.clone()), Arc::new(large)]);
    let whole = column(Arc::new(small.clone())).prints;
    assert_eq!(column(Arc::new(small.slice(2, 2))).prints, whole[2..], "a slice hashes as its rows");
    let mut distinct = whole.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), whole.len(), "[1, null], [], [2, 1] and NULL all differ");

    let structs = |int: ArrayRef| -> ArrayRef {
        let fields = Fields::from(vec![Field::new("n", int.data_type().clone(), true)]);
        Arc::new(StructArray::new(fields, vec![int], None))
    };
    alike(vec![structs(Arc::new(Int32Array::from(vec![1, 2]))), structs(Arc::new(Int64Array::from(vec![1, 2])))]);
}

#[test]
fn nothing_that_differs_hashes_alike() {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(vec![Some(5), Some(-5), None, Some(18_000)])),
        Arc::new(StringArray::from(vec!["5", "", "null", "NULL"])),
        Arc::new(Float64Array::from(vec![5.5, f64::NAN, f64::INFINITY, 1e300])),
        Arc::new(Date32Array::from(vec![5, 18_000])),
        Arc::new(arrow_array::BooleanArray::from(vec![true, false])),
        Arc::new(arrow_array::BinaryArray::from(vec![&b"5"[..], b""])),
        Arc::new(TimestampSecondArray::from(vec![5, 18_000])),
        Arc::new(TimestampSecondArray::from(vec![5, 18_000]).with_timezone("UTC")),
    ];
    let mut prints: Vec<u64> = columns.into_iter().flat_map(|array| column(array).prints).collect();
    let count = prints.len();
    prints.sort_unstable();
    prints.dedup();
    assert_eq!(prints.len(), count);
    let nan = |bits: u64| column(Arc::new(Float64Array::from(vec![f64::from_bits(bits)]))).prints;
    assert_eq!(nan(0x7ff8_0000_0000_0000), nan(0xfff8_0000_0000_0001), "every NaN is one NaN");
}

#[test]
fn columns_are_known_by_name_and_not_by_place() {
    let a: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let b: ArrayRef = Arc::new(Int64Array::from(vec![2]));
    let batch = |columns: [(&str, &ArrayRef); 2]| {
        RecordBatch::try_from_iter(columns.map(|(name, array)| (name, Arc::clone(array)))).unwrap()
    };
    let straight = hash(&batch([("a", &a), ("b", &b)]), &["a"], &["a", "b"]);
    let moved = hash(&batch([("b", &b), ("a", &a)]), &["a"], &["b", "a", "b"]);
    let swapped = hash(&batch([("a", &b), ("b", &a)]), &["b"], &["a", "b"]);
    assert_eq!(straight.prints, moved.prints);
    assert_eq!(straight.keys, moved.keys);
    assert_ne!(straight.prints, swapped.prints);
    let without = hash(&batch([("a", &a), ("b", &b)]), &["a"], &["a"]);
    assert_ne!(straight.prints, without.prints);
}

#[test]
fn a_key_with_a_null_part_is_no_key() {
    let a: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), Some(1), None, Some(12)]));
    let b: ArrayRef = Arc::new(StringArray::from(vec![Some("2"), None, Some("2"), Some("")]));
    let batch = RecordBatch::try_from_iter([("a", a), ("b", b)]).unwrap();
    let hashed = hash(&batch, &["a", "b"], &[]);
    assert_eq!(hashed.nulls, [false, true, true, false]);
    assert_ne!(hashed.keys[0], hashed.keys[3], "(1, 2) is not (12, )");
    assert_ne!(hash(&batch, &["b", "a"], &[]).keys[0], hashed.keys[0], "the order of the key's columns counts");
}

#[test]
fn unknown_columns_are_all_named_with_the_nearest() {
    let schema = Schema::new(vec![Field::new("email", DataType::Utf8, true)]);
    let unknown = Fingerprinter::new(&schema, &names(&["id"]), &names(&["emial", "email"]), Some("emial")).unwrap_err();
    assert_eq!(unknown.len(), 2);
    assert_eq!(unknown[1].to_string(), "the model has no column emial, did you mean email?");
}

#[test]
fn hashes_stay_the_same_from_version_to_version() {
    // A change here re-sends every row of every ledger: raise HASH_VERSION with it.
    let id: ArrayRef = Arc::new(Int64Array::from(vec![42]));
    let email: ArrayRef = Arc::new(StringArray::from(vec!["ana@example.com"]));
    let batch = RecordBatch::try_from_iter([("id", id), ("email", email)]).unwrap();
    let hashed = hash(&batch, &["id"], &["id", "email"]);
    assert_eq!(super::HASH_VERSION, 1);
    assert_eq!(hashed.keys[0], xxhash_rust::xxh3::xxh3_128(b"42"));
    assert_eq!(hashed.prints[0], PINNED);
    assert_eq!(match_hash("ana@example.com"), xxhash_rust::xxh3::xxh3_64(b"ana@example.com"));
}

const PINNED: u64 = 7_565_295_168_360_823_659;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn a_column_hashes_as_its_values_do_one_by_one(
        ints in proptest::collection::vec(proptest::option::of(any::<i64>()), 1..20),
        floats in proptest::collection::vec(proptest::option::of(any::<f64>()), 1..20),
        singles in proptest::collection::vec(any::<f32>(), 1..20),
        decimals in proptest::collection::vec(any::<i64>(), 1..20),
        scale in 0i8..20,
        micros in proptest::collection::vec(-60_000_000_000_000_000i64..200_000_000_000_000_000, 1..20),
        days in proptest::collection::vec(-4_000_000i32..2_900_000, 1..20),
        texts in proptest::collection::vec(proptest::option::of(any::<String>()), 1..20),
    ) {
        let decimals: Vec<i128> = decimals.into_iter().map(i128::from).collect();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from(ints)),
            Arc::new(Float64Array::from(floats)),
            Arc::new(Float32Array::from(singles)),
            Arc::new(Decimal128Array::from(decimals).with_precision_and_scale(38, scale).unwrap()),
            Arc::new(TimestampMicrosecondArray::from(micros.clone())),
            Arc::new(TimestampMicrosecondArray::from(micros).with_timezone("UTC")),
            Arc::new(Date32Array::from(days)),
            Arc::new(StringArray::from(texts)),
        ];
        for array in columns {
            let field = Field::new("c", array.data_type().clone(), true);
            let mut whole = Vec::new();
            super::column::hash(array.as_ref(), &field, &mut whole);
            let hashed = column(Arc::clone(&array));
            prop_assert_eq!(whole.len(), array.len());
            for (row, print) in whole.into_iter().enumerate() {
                let value = value_at(array.as_ref(), &field, row).unwrap();
                prop_assert_eq!(print, super::value::value(&value), "{:?} of {}", value, array.data_type());
                let key = key_text(std::slice::from_ref(&value));
                prop_assert_eq!(hashed.nulls[row], key.is_none());
                if let Some(key) = key {
                    prop_assert_eq!(hashed.keys[row], xxhash_rust::xxh3::xxh3_128(key.as_bytes()));
                }
            }
        }
    }

    #[test]
    fn how_rows_are_cut_into_batches_makes_no_difference(texts in proptest::collection::vec(proptest::option::of("[a-c]{0,2}"), 2..30), cut in 1usize..20) {
        let dictionary: DictionaryArray<Int32Type> = texts.iter().map(|text| text.as_deref()).collect();
        let array: ArrayRef = Arc::new(dictionary);
        let batch = RecordBatch::try_from_iter([("c", array)]).unwrap();
        let cut = cut.min(batch.num_rows() - 1);
        let whole = hash(&batch, &["c"], &["c"]);
        let (head, tail) = (batch.slice(0, cut), batch.slice(cut, batch.num_rows() - cut));
        let joined = concat_batches(batch.schema_ref(), [&head, &tail]).unwrap();
        let mut pieces = hash(&head, &["c"], &["c"]).prints;
        pieces.extend(hash(&tail, &["c"], &["c"]).prints);
        prop_assert_eq!(&pieces, &whole.prints);
        prop_assert_eq!(hash(&joined, &["c"], &["c"]).prints, whole.prints);
    }
}
