//! Rows per second of key hash and fingerprint on one core, over twelve columns as a customer model has them.
//!
//! `cargo bench -p hubward-core --bench fingerprint`; each figure is the best of several rounds over one million rows.

use std::hint::black_box;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Instant;

use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array, Int64Array, RecordBatch,
    StringArray, StringViewArray, TimestampMicrosecondArray,
};
use hubward_core::fingerprint::Fingerprinter;

const ROWS: usize = 1_000_000;
const BATCH: usize = 8_192;
const ROUNDS: usize = 7;

fn main() -> io::Result<()> {
    // `cargo test --benches` runs this too: then one round over one batch is enough.
    let measured = std::env::args().any(|argument| argument == "--bench");
    let (batches, rounds) = if measured { (ROWS.div_ceil(BATCH), ROUNDS) } else { (1, 1) };
    let mut out = io::stdout().lock();
    for (name, view) in [("Utf8", false), ("Utf8View", true)] {
        let data: Vec<RecordBatch> = (0..batches).map(|number| batch(number * BATCH, view)).collect();
        let rows: usize = data.iter().map(RecordBatch::num_rows).sum();
        let schema = data[0].schema();
        let columns: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
        let mut fingerprinter = Fingerprinter::new(&schema, &["id".to_owned()], &columns, Some("email"))
            .expect("every column is in the schema");
        let (mut keys, mut prints, mut nulls) = (Vec::new(), Vec::new(), Vec::new());
        let mut best = f64::INFINITY;
        for _ in 0..rounds {
            let start = Instant::now();
            for batch in &data {
                fingerprinter.hash_batch(batch, &mut keys, &mut prints, &mut nulls);
                black_box((&keys, &prints, &nulls));
            }
            best = best.min(start.elapsed().as_secs_f64());
        }
        #[allow(clippy::cast_precision_loss)]
        let rows = rows as f64;
        writeln!(
            out,
            "{name}: {:.1} M rows/s, {:.0} ns/row ({} columns, {} rows a batch)",
            rows / best / 1e6,
            best / rows * 1e9,
            columns.len(),
            BATCH
        )?;
    }
    Ok(())
}

fn batch(first: usize, view: bool) -> RecordBatch {
    let ids = || (first..first + BATCH).map(|id| i64::try_from(id).expect("few rows"));
    let texts = |make: &dyn Fn(i64) -> Option<String>| -> ArrayRef {
        let texts: Vec<Option<String>> = ids().map(make).collect();
        if view { Arc::new(StringViewArray::from_iter(texts)) } else { Arc::new(StringArray::from_iter(texts)) }
    };
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new(Int64Array::from_iter_values(ids()))),
        ("email", texts(&|id| Some(format!("customer.{id}@example.com")))),
        (
            "first_name",
            texts(&|id| Some(["Ana", "Bartholomew", "Zoë", "Li"][(id % 4).unsigned_abs() as usize].to_owned())),
        ),
        ("last_name", texts(&|id| Some(format!("Surname{}", id % 10_000)))),
        ("company", texts(&|id| (id % 3 != 0).then(|| format!("Company number {} Ltd", id % 5_000)))),
        ("city", texts(&|id| Some(["São Paulo", "Oslo", "New York"][(id % 3).unsigned_abs() as usize].to_owned()))),
        ("orders", Arc::new(Int32Array::from_iter(ids().map(|id| (id % 7 != 0).then_some((id % 100) as i32))))),
        ("score", Arc::new(Float64Array::from_iter_values(ids().map(|id| id as f64 / 8.0)))),
        (
            "spent",
            Arc::new(
                Decimal128Array::from_iter_values(ids().map(|id| i128::from(id) * 37))
                    .with_precision_and_scale(18, 2)
                    .expect("a valid scale"),
            ),
        ),
        ("active", Arc::new(BooleanArray::from_iter(ids().map(|id| Some(id % 2 == 0))))),
        ("signed_up", Arc::new(Date32Array::from_iter_values(ids().map(|id| 18_000 + (id % 2_000) as i32)))),
        (
            "seen_at",
            Arc::new(
                TimestampMicrosecondArray::from_iter_values(ids().map(|id| 1_600_000_000_000_000 + id * 1_234_567))
                    .with_timezone("UTC"),
            ),
        ),
    ];
    RecordBatch::try_from_iter(columns).expect("columns of one length")
}
