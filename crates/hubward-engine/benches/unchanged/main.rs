//! What a run costs that finds nothing changed, beside what merely decoding the same columns costs.
//!
//! `cargo bench -p hubward-engine --bench unchanged -- [ROWS…]`, 1,000,000 and 10,000,000 rows by default. File and ledger of
//! each size are made once and kept in the target folder (`bench-data`). Each size runs in a process of its own, so that
//! peaks of memory do not mix. `duckdb_compare.py` beside this file does the same comparison in DuckDB.
#![expect(clippy::print_stdout, reason = "figures are its output")]

mod data;
mod fill;
#[path = "../support/mod.rs"]
mod support;
mod sync;

use std::fs::File;
use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Stdio};

use arrow_array::{Array, RecordBatch};
use hubward_engine::{RunOptions, Status};
use hubward_sources::ReadOptions;
use support::process::{Cost, Meter};

const SIZES: [u64; 2] = [1_000_000, 10_000_000];
const ROUNDS: usize = 3;
/// First arguments of the processes of one size.
const PREPARE: &str = "prepare-size";
const MEASURE: &str = "measure-size";

fn main() {
    if support::served_sandbox() {
        return;
    }
    let arguments = support::arguments();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [PREPARE, rows] => fill::prepare(rows.parse().expect("a number")),
        [MEASURE, rows] => measure(rows.parse().expect("a number")),
        _ => all(&arguments),
    }
}

fn all(arguments: &[String]) {
    let mut sizes: Vec<u64> = arguments.iter().map(|text| text.parse().expect("ROWS are numbers")).collect();
    if sizes.is_empty() {
        sizes = SIZES.to_vec();
    }
    let mut peaks = Vec::new();
    for rows in sizes {
        step(PREPARE, rows);
        let printed = step(MEASURE, rows);
        let last = printed.lines().last().expect("a measurement prints");
        let peak = last.rsplit_once(": ").and_then(|(_, figure)| figure.strip_suffix(" MiB")?.parse::<f64>().ok());
        peaks.push((rows, peak.expect("the last line is the peak")));
    }
    for pair in peaks.windows(2) {
        let ((fewer, low), (more, high)) = (pair[0], pair[1]);
        println!("peak anonymous memory at {more} rows beyond that at {fewer} rows: {:.1} MiB", high - low);
    }
}

/// Runs this program as a process of its own and shows what it prints.
fn step(what: &str, rows: u64) -> String {
    let program = std::env::current_exe().expect("this program has a path");
    let output = Command::new(program)
        .args([what, &rows.to_string()])
        .stderr(Stdio::inherit())
        .output()
        .expect("this program starts again");
    let printed = String::from_utf8(output.stdout).expect("figures are text");
    print!("{printed}");
    assert!(output.status.success(), "{what} {rows} failed");
    printed
}

fn measure(rows: u64) {
    let job = sync::job(rows);
    let state = data::folder(rows).join(fill::STATE);
    let file = data::source(rows).join("customers.parquet");
    let ledger_bytes = into_cache(&state.join("ledger"));
    let file_bytes = into_cache(&file);
    println!(
        "{rows} rows: Parquet {:.1} MB, ledger {:.1} MB; load average {}",
        mb(file_bytes),
        mb(ledger_bytes),
        support::load_average()
    );

    let account = sync::account();
    let mut peak: f64 = 0.0;
    for round in 1..=ROUNDS {
        let meter = Meter::start();
        let report = support::runtime().block_on(async {
            let engine = support::engine(&account, &state).await;
            engine.recorder().set_run("measured");
            engine.run_sync(&job, "measured", &RunOptions::default()).await
        });
        let cost = meter.stop();
        assert!(
            report.status == Status::Ok && report.changes.unchanged == rows && report.outcomes.total() == rows,
            "delete {} if hashing or mapping changed since it was made: {report:?}",
            data::folder(rows).display()
        );
        assert!(!report.sent, "{report:?}");
        peak = peak.max(cost.peak.anonymous_mib);
        println!("round {round}: whole run      {}", shown(rows, &cost));

        let meter = Meter::start();
        let arrow_bytes = decode(rows);
        println!("round {round}: decoding alone {}", shown(rows, &meter.stop()));
        if round == ROUNDS {
            println!("decoded columns hold {:.0} bytes a row", arrow_bytes as f64 / rows as f64);
        }
    }
    println!("load average {}", support::load_average());
    println!("peak anonymous memory of a whole run: {peak:.1} MiB");
}

/// Reads the same columns through the same source, and does nothing with them. Returns the bytes of their buffers.
fn decode(rows: u64) -> usize {
    let job = sync::job(rows);
    let source = hubward_sources::open(&job.source).expect("the folder exists");
    let mut stream = source.read(&job.model.query, &ReadOptions::default()).expect("the file can be read");
    let (mut read, mut bytes) = (0, 0);
    while let Some(batch) = stream.next_batch().expect("the file can be read") {
        read += batch.num_rows() as u64;
        bytes += slice_bytes(&batch);
        black_box(&batch);
    }
    assert_eq!(read, rows);
    bytes
}

fn slice_bytes(batch: &RecordBatch) -> usize {
    batch.columns().iter().map(|column| column.to_data().get_slice_memory_size().expect("a known layout")).sum()
}

fn shown(rows: u64, cost: &Cost) -> String {
    format!("{:.2} M rows/s, {}", rows as f64 / cost.seconds / 1e6, cost.shown())
}

fn mb(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// Reads a file, or all files below a folder, so that the disk's speed is not what is measured. Returns their bytes.
fn into_cache(path: &Path) -> u64 {
    if path.is_dir() {
        let items = std::fs::read_dir(path).expect("the folder can be listed");
        return items.map(|item| into_cache(&item.expect("the folder can be listed").path())).sum();
    }
    let mut file = File::open(path).expect("the file was made before");
    std::io::copy(&mut file, &mut std::io::sink()).expect("the file can be read")
}
