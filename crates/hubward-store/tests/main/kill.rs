//! A writer that is killed at random moments and at every step loses nothing that it acknowledged.
//!
//! The writer is this test binary again, running [`writer`]. It appends numbered batches for ever, says each one's number
//! once it is acknowledged, and compacts every few batches; what the ledger must hold after batch `n` is a function of `n`.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hubward_store::{Change, Entry, Intent, Ledger, LedgerMeta, LedgerOptions, Payload, Step};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

const FOLDER: &str = "HUBWARD_STORE_TEST_FOLDER";
const ABORT_AT: &str = "HUBWARD_STORE_TEST_ABORT_AT";
const STEPS: [Step; 9] = [
    Step::FrameWritten,
    Step::MetaPrepared,
    Step::MetaPublished,
    Step::HeapWritten,
    Step::BaseWritten,
    Step::LogWritten,
    Step::ManifestPrepared,
    Step::ManifestPublished,
    Step::OldDoomed,
];
/// Batches between compactions.
const COMPACT_EVERY: u64 = 3;
/// This entry's record id is the number of the last batch.
const MARK: u128 = 0;

fn options() -> LedgerOptions {
    LedgerOptions { max_dead_payload_bytes: 2_000, ..LedgerOptions::default() }
}

fn entry(key: u128, batch: u64) -> Entry {
    Entry {
        key,
        fingerprint: batch,
        mapped: batch ^ 7,
        match_hash: batch << 3,
        record_id: batch,
        associated: batch + 11,
        payload: Payload {
            key_text: format!("{key}/{batch}"),
            match_value: batch.is_multiple_of(3).then(|| format!("{batch}@example.org")),
            written: vec![batch as u8],
        },
    }
}

fn key(number: u64) -> u128 {
    u128::from(number % 997 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835)
}

/// The changes of a batch: the mark, twenty rows, two removals, an intent that the next batch ends, and one for ever.
fn batch(n: u64) -> Vec<Change> {
    let mut changes = vec![Change::Confirmed(entry(MARK, n))];
    changes.extend((0..20).map(|i| Change::Confirmed(entry(key(n * 13 + i), n))));
    changes.extend((0..2).map(|i| Change::Removed { key: key(n * 31 + i) }));
    changes.push(Change::IntentCleared { key: key(n - 1) });
    changes.push(Change::Intent(intent(n)));
    changes
}

fn intent(n: u64) -> Intent {
    Intent { key: key(n), key_text: format!("intent {n}"), match_value: Some(n.to_string()), at_ms: n as i64, note: 1 }
}

/// What the ledger must hold after batch `n`.
fn expected(n: u64) -> BTreeMap<u128, Entry> {
    let mut entries = BTreeMap::new();
    for change in (1..=n).flat_map(batch) {
        match change {
            Change::Confirmed(entry) => {
                entries.insert(entry.key, entry);
            }
            Change::Removed { key } => {
                entries.remove(&key);
            }
            _ => {}
        }
    }
    entries
}

fn last_batch(ledger: &Ledger) -> u64 {
    ledger.lookup(MARK).unwrap().map_or(0, |head| head.record_id)
}

/// Not a test of its own: what [`spawn`] runs. Without its folder it says so and does nothing.
#[test]
#[ignore = "run by the tests that kill it"]
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "talks to the test that started it")]
fn writer() {
    let Ok(folder) = std::env::var(FOLDER) else {
        eprintln!("skipped: only of use to the tests that kill it");
        return;
    };
    let mut options = options();
    if let Ok(text) = std::env::var(ABORT_AT) {
        let (step, times) = text.split_once(' ').unwrap();
        let (step, times) = (step.to_owned(), times.parse::<u64>().unwrap());
        let met = AtomicU64::new(0);
        options.on_step = Some(Arc::new(move |now| {
            if format!("{now:?}") == step && met.fetch_add(1, Ordering::Relaxed) + 1 == times {
                std::process::abort();
            }
            Ok(())
        }));
    }
    let mut ledger = Ledger::open(Path::new(&folder), options).unwrap();
    for n in last_batch(&ledger) + 1.. {
        ledger.set_meta(LedgerMeta { portal_id: n, ..LedgerMeta::default() }).unwrap();
        ledger.append(&batch(n)).unwrap();
        println!("acknowledged {n}");
        io::stdout().flush().unwrap();
        if n.is_multiple_of(COMPACT_EVERY) {
            ledger.compact().unwrap();
        }
    }
}

fn spawn(folder: &Path, abort_at: Option<String>) -> (Child, BufReader<ChildStdout>) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["kill::writer", "--exact", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    if let Some(abort_at) = abort_at {
        command.env(ABORT_AT, abort_at);
    }
    let mut child = command.spawn().unwrap();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    (child, stdout)
}

/// The number of the next acknowledged batch; `None` once the writer is dead.
fn next_acknowledged(stdout: &mut BufReader<ChildStdout>) -> Option<u64> {
    let mut line = String::new();
    loop {
        line.clear();
        if stdout.read_line(&mut line).unwrap() == 0 {
            return None;
        }
        // The harness's own words may stand before the first one in the same line.
        if let Some((_, number)) = line.rsplit_once("acknowledged ")
            && line.ends_with('\n')
        {
            return Some(number.trim_end().parse().unwrap());
        }
    }
}

/// Opens the ledger and compares it with what its last batch demands; returns that batch.
fn check(folder: &Path, acknowledged: u64, what: &str) -> u64 {
    let ledger = Ledger::open(folder, options()).unwrap();
    ledger.verify().unwrap();
    let last = last_batch(&ledger);
    assert!(last == acknowledged || last == acknowledged + 1, "{what}: acknowledged {acknowledged}, found {last}");
    let mut found: Vec<Entry> = ledger.iter().map(Result::unwrap).collect();
    found.sort_by_key(|entry| entry.key);
    assert!(found.iter().eq(expected(last).values()), "{what}: entries differ after batch {last}");
    let intents: Vec<Intent> = (last.max(1)..=last).map(intent).collect();
    assert_eq!(ledger.intents().unwrap(), intents, "{what}");
    let meta = ledger.meta().portal_id;
    assert!(meta == last || meta == last + 1, "{what}: meta {meta} after batch {last}");
    last
}

#[test]
fn a_writer_killed_at_random_moments_loses_nothing_acknowledged() {
    let seed = u64::from(std::process::id());
    let mut random = StdRng::seed_from_u64(seed);
    let dir = tempfile::tempdir().unwrap();
    let mut last = 0;
    for round in 0..30 {
        let (mut child, mut stdout) = spawn(dir.path(), None);
        let mut acknowledged = last;
        for _ in 0..random.random_range(1..12) {
            acknowledged = next_acknowledged(&mut stdout).expect("the writer goes on until it is killed");
        }
        for _ in 0..random.random_range(0..200_000) {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        while let Some(n) = next_acknowledged(&mut stdout) {
            acknowledged = n;
        }
        child.wait().unwrap();
        last = check(dir.path(), acknowledged, &format!("seed {seed}, round {round}"));
    }
}

#[test]
fn a_writer_that_dies_at_any_step_loses_nothing_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let mut last = 0;
    for step in STEPS {
        for times in [1, 2] {
            let (mut child, mut stdout) = spawn(dir.path(), Some(format!("{step:?} {times}")));
            let mut acknowledged = last;
            while let Some(n) = next_acknowledged(&mut stdout) {
                acknowledged = n;
            }
            assert!(!child.wait().unwrap().success(), "the writer died at {step:?}");
            last = check(dir.path(), acknowledged, &format!("{step:?}, time {times}"));
        }
    }
}
