//! Times and memory of the ledger. `cargo bench -p hubward-store --bench ledger -- [ROWS] [FOLDER]`, 1,000,000 rows by default.
//!
//! Prints one line of figures for each step; the folder (by default under the system's temporary one) is deleted at the end.
//! Keys are made on the fly from row numbers, so the figures hold no reading and no hashing of a source.
#![expect(clippy::print_stdout, reason = "figures are its output")]

use std::path::Path;
use std::time::Instant;

use hubward_store::{Change, Entry, Ledger, LedgerOptions, Payload, Probe};

/// Rows probed in one call, as many as a batch of the source has.
const BATCH: u64 = 8192;

fn main() {
    // `cargo bench` hands its own flag down, and `cargo test` runs this without a size.
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let rows: u64 = arguments.next().map_or(1_000_000, |text| text.parse().expect("ROWS is a number"));
    let temporary = arguments.next().map_or_else(
        || tempfile::tempdir().expect("a temporary folder"),
        |folder| tempfile::tempdir_in(folder).expect("a folder in FOLDER"),
    );
    let dir = temporary.path();
    println!("{rows} rows");

    first_load(dir, rows);
    memory("after the first load, reopened");
    let mut ledger = timed("open", || open(dir));
    for _ in 0..3 {
        unchanged(&mut ledger, rows);
    }
    memory("after the probes");
    changed(&mut ledger, rows);
    added(&mut ledger, rows);
    timed("for each seen", || {
        let mut seen = 0;
        ledger.for_each_seen(|head| seen += u64::from(head.match_hash != 0));
        seen
    });
    memory("after probes of changed and unknown rows");
    timed("verify", || ledger.verify().expect("sound"));
    record(&mut ledger, rows);
    unchanged(&mut ledger, rows);
    drop(ledger);
    let mut ledger = timed("open with the log of 100,000 rows", || open(dir));
    timed("compact with the log of 100,000 rows", || ledger.compact().expect("compacts"));
    memory("at the end");
    sizes(dir);
}

fn open(dir: &Path) -> Ledger {
    Ledger::open(dir, LedgerOptions::default()).expect("opens")
}

fn timed<T>(what: &str, f: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = f();
    println!("{what}: {:.3} s", start.elapsed().as_secs_f64());
    result
}

/// Spreads row numbers like a hash does.
fn mix(number: u64) -> u64 {
    let mut x = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

fn key(row: u64) -> u128 {
    u128::from(mix(row)) << 64 | u128::from(mix(!row))
}

fn entry(row: u64, fingerprint: u64) -> Entry {
    Entry {
        key: key(row),
        fingerprint,
        mapped: fingerprint,
        match_hash: mix(row),
        record_id: row + 1,
        associated: 0,
        payload: Payload {
            key_text: row.to_string(),
            match_value: Some(format!("customer.{row}@example.org")),
            written: vec![0xFF, 0x0F],
        },
    }
}

/// Confirms all rows in frames of 1,000, compacting when it is due, as a first run does.
fn first_load(dir: &Path, rows: u64) {
    let mut ledger = open(dir);
    let start = Instant::now();
    let (mut compacting, mut compactions) = (0.0, 0);
    let mut changes = Vec::new();
    for first in (0..rows).step_by(1000) {
        changes.clear();
        changes.extend((first..rows.min(first + 1000)).map(|row| Change::Confirmed(entry(row, row))));
        ledger.append(&changes).expect("appends");
        let before = Instant::now();
        if ledger.compact_if_due().expect("compacts") {
            compacting += before.elapsed().as_secs_f64();
            compactions += 1;
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    println!("first load: {seconds:.2} s, of which {compacting:.2} s in {compactions} compactions");
    timed("last compaction", || ledger.compact().expect("compacts"));
    memory("during the first load");
}

/// Probes all rows with the fingerprints they have; the keys are made before the clock starts.
fn unchanged(ledger: &mut Ledger, rows: u64) {
    ledger.begin_scan();
    let mut out = Vec::new();
    let (mut keys, mut fingerprints) = (Vec::new(), Vec::new());
    let (mut seconds, mut unchanged) = (0.0, 0);
    for first in (0..rows).step_by(BATCH as usize) {
        let batch = first..rows.min(first + BATCH);
        keys.clear();
        keys.extend(batch.clone().map(key));
        fingerprints.clear();
        fingerprints.extend(batch);
        let start = Instant::now();
        ledger.probe(&keys, &fingerprints, &mut out).expect("reads");
        seconds += start.elapsed().as_secs_f64();
        unchanged += out.iter().filter(|&&answer| answer == Probe::Unchanged).count();
    }
    assert!(unchanged as u64 >= rows - 100_000 && ledger.unseen_count() == 0);
    println!(
        "probe: {seconds:.2} s, {:.1} M rows/s, {:.0} ns each",
        rows as f64 / seconds / 1e6,
        seconds * 1e9 / rows as f64
    );
}

fn added(ledger: &mut Ledger, rows: u64) {
    ledger.begin_scan();
    let keys: Vec<u128> = (rows..rows + 1_000_000).map(key).collect();
    let mut out = Vec::new();
    let start = Instant::now();
    for batch in keys.chunks(BATCH as usize) {
        ledger.probe(batch, &vec![0; batch.len()], &mut out).expect("reads");
    }
    let seconds = start.elapsed().as_secs_f64();
    println!("probe of unknown rows: {:.1} M rows/s", keys.len() as f64 / seconds / 1e6);
}

fn changed(ledger: &mut Ledger, rows: u64) {
    ledger.begin_scan();
    let keys: Vec<u128> = (0..rows.min(1_000_000)).map(key).collect();
    let mut out = Vec::new();
    let start = Instant::now();
    for batch in keys.chunks(BATCH as usize) {
        ledger.probe(batch, &vec![u64::MAX; batch.len()], &mut out).expect("reads");
    }
    let seconds = start.elapsed().as_secs_f64();
    println!("probe of changed rows: {:.1} M rows/s", keys.len() as f64 / seconds / 1e6);
}

/// Records 100,000 changed rows in frames of 100, each durable.
fn record(ledger: &mut Ledger, rows: u64) {
    let start = Instant::now();
    for frame in 0..1000 {
        let changes: Vec<Change> =
            (0..100).map(|i| mix(frame * 100 + i) % rows).map(|row| Change::Confirmed(entry(row, row))).collect();
        ledger.append(&changes).expect("appends");
    }
    let seconds = start.elapsed().as_secs_f64();
    println!("record 100,000 rows in 1,000 durable frames: {seconds:.2} s, {:.2} ms each", seconds);
}

fn memory(when: &str) {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else {
        return;
    };
    let field = |name: &str| -> f64 {
        let line = status.lines().find(|line| line.starts_with(name));
        let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
        kilobytes.unwrap_or(0.0) / 1024.0
    };
    println!(
        "memory {when}: private {:.0} MiB, mapped files {:.0} MiB, peak of both {:.0} MiB",
        field("RssAnon:"),
        field("RssFile:"),
        field("VmHWM:")
    );
}

fn sizes(dir: &Path) {
    for item in std::fs::read_dir(dir).expect("lists").flatten() {
        let length = item.metadata().map_or(0, |metadata| metadata.len());
        println!("{}: {:.1} MB", item.file_name().display(), length as f64 / 1e6);
    }
}
