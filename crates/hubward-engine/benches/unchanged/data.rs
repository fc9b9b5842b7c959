//! The rows of the measurement: twelve columns as a customer model has them, in a Parquet file as data tools write it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{
    ArrayRef, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

/// Rows that are made at a time; the reader makes its own batches.
const BATCH_ROWS: u64 = 65_536;
/// Rows of a row group, about as many as DuckDB writes.
const ROW_GROUP_ROWS: usize = 131_072;

/// The folder of a measurement of so many rows.
pub(crate) fn folder(rows: u64) -> PathBuf {
    crate::support::data_folder().join(format!("unchanged-{rows}"))
}

/// The folder that is the `files` source; it holds the one table `customers`.
pub(crate) fn source(rows: u64) -> PathBuf {
    folder(rows).join("data")
}

/// Writes the file unless it is there. Returns its path.
pub(crate) fn write(rows: u64) -> PathBuf {
    let path = source(rows).join("customers.parquet");
    if !path.exists() {
        std::fs::create_dir_all(source(rows)).expect("the target folder can be written");
        let unfinished = folder(rows).join("unfinished.parquet");
        write_to(&unfinished, rows);
        std::fs::rename(unfinished, &path).expect("one folder, one disk");
    }
    path
}

fn write_to(path: &Path, rows: u64) {
    let file = File::create(path).expect("the file is made");
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .build();
    let schema = batch(0..1).schema();
    let mut writer = ArrowWriter::try_new(file, schema, Some(properties)).expect("a writer");
    for first in (0..rows).step_by(BATCH_ROWS as usize) {
        writer.write(&batch(first..rows.min(first + BATCH_ROWS))).expect("the rows are written");
    }
    writer.close().expect("the file is whole");
}

/// Spreads row numbers like a hash does, so that neighbouring rows have unlike values.
fn mix(number: u64) -> u64 {
    let mut x = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

fn batch(rows: std::ops::Range<u64>) -> RecordBatch {
    let ids = || rows.clone().map(|row| row as i64 + 1);
    let texts = |make: &dyn Fn(u64) -> Option<String>| -> ArrayRef {
        Arc::new(rows.clone().map(make).collect::<StringArray>())
    };
    let instants = |every_us: u64, salt: u64| -> ArrayRef {
        let times = rows.clone().map(|row| 1_600_000_000_000_000 + (mix(row ^ salt) % 150_000_000 * every_us) as i64);
        Arc::new(TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC"))
    };
    let places = [("São Paulo", "Brazil"), ("Oslo", "Norway"), ("New York", "United States"), ("Kraków", "Poland")];
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new(Int64Array::from_iter_values(ids()))),
        ("email", texts(&|row| Some(format!("customer.{}@example.com", row + 1)))),
        ("first_name", texts(&|row| Some(["Ana", "Bartholomew", "Zoë", "Li"][(mix(row) % 4) as usize].to_owned()))),
        ("last_name", texts(&|row| Some(format!("Surname{}", mix(row) % 10_000)))),
        ("company", texts(&|row| (row % 3 != 0).then(|| format!("Company {} Ltd", mix(row) % 5_000)))),
        ("city", texts(&|row| Some(places[(mix(row) >> 8) as usize % 4].0.to_owned()))),
        ("country", texts(&|row| Some(places[(mix(row) >> 8) as usize % 4].1.to_owned()))),
        ("phone", texts(&|row| Some(format!("+47 {:08}", mix(row) % 100_000_000)))),
        ("score", Arc::new(Float64Array::from_iter_values(rows.clone().map(|row| (mix(row) % 8_000) as f64 / 8.0)))),
        (
            "orders",
            Arc::new(rows.clone().map(|row| (row % 7 != 0).then_some((mix(row) % 100) as i32)).collect::<Int32Array>()),
        ),
        ("signed_up", instants(1_000_000, 1)),
        ("seen_at", instants(1_000, 2)),
    ];
    RecordBatch::try_from_iter(columns).expect("columns of one length")
}
