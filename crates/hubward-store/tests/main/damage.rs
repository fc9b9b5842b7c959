//! Cut, flipped and missing bytes, full disks, second openers, later versions.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hubward_store::{Change, Entry, Intent, Ledger, LedgerMeta, LedgerOptions, Payload, Probe, Step, StoreError};

fn entry(i: u64) -> Entry {
    Entry {
        key: u128::from(i).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835),
        fingerprint: i,
        mapped: i + 1,
        match_hash: i + 2,
        record_id: i + 3,
        associated: i + 4,
        payload: Payload {
            key_text: format!("row {i}"),
            match_value: Some(format!("{i}@example.org")),
            // Never zero, so that zeros behind a cut cannot complete a frame.
            written: vec![i as u8 | 1; 2],
        },
    }
}

fn confirm(ledger: &mut Ledger, numbers: std::ops::Range<u64>) {
    let changes: Vec<Change> = numbers.map(|i| Change::Confirmed(entry(i))).collect();
    ledger.append(&changes).unwrap();
}

fn open(dir: &Path) -> Result<Ledger, StoreError> {
    Ledger::open(dir, LedgerOptions::default())
}

/// Numbers of the rows that the ledger holds, after comparing each with what was confirmed.
fn numbers(ledger: &Ledger) -> Vec<u64> {
    let mut numbers = Vec::new();
    for found in ledger.iter() {
        let found = found.unwrap();
        assert_eq!(found, entry(found.fingerprint));
        numbers.push(found.fingerprint);
    }
    numbers.sort_unstable();
    numbers
}

fn file(dir: &Path, prefix: &str) -> PathBuf {
    let mut found: Vec<PathBuf> = fs::read_dir(dir)
        .unwrap()
        .map(|item| item.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with(prefix))
        .collect();
    assert_eq!(found.len(), 1, "one {prefix} in {found:?}");
    found.remove(0)
}

/// Changes the byte in place: replacing the file would make the file system flush it each time.
fn flip(path: &Path, at: usize) {
    let file = fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at as u64).unwrap();
    byte[0] ^= 0x10;
    file.write_all_at(&byte, at as u64).unwrap();
}

fn corrupt(result: Result<impl Sized, StoreError>) -> bool {
    matches!(result, Err(StoreError::Corrupt { .. }))
}

#[test]
fn a_log_cut_at_any_byte_keeps_every_whole_frame_and_takes_new_ones() {
    let dir = tempfile::tempdir().unwrap();
    let mut ends: BTreeMap<u64, u64> = BTreeMap::new();
    {
        let mut ledger = open(dir.path()).unwrap();
        let log = file(dir.path(), "log-");
        ends.insert(fs::metadata(&log).unwrap().len(), 0);
        for i in 0..3 {
            confirm(&mut ledger, i..i + 1);
            ends.insert(fs::metadata(&log).unwrap().len(), i + 1);
        }
    }
    let log = file(dir.path(), "log-");
    let whole = fs::read(&log).unwrap();
    let first = *ends.keys().next().unwrap() as usize;
    for cut in first..=whole.len() {
        let garbage = [&b""[..], &[0; 30], b"hwlfhwlfhwlfhwlfhwlfhwlfhwlf"][cut % 3];
        fs::write(&log, [&whole[..cut], garbage].concat()).unwrap();
        let expected = *ends.range(..=cut as u64).next_back().unwrap().1;
        let mut ledger = open(dir.path()).unwrap();
        assert_eq!(numbers(&ledger), (0..expected).collect::<Vec<_>>(), "cut at byte {cut}");
        confirm(&mut ledger, 100..101);
        drop(ledger);
        assert_eq!(open(dir.path()).unwrap().len(), expected + 1, "cut at byte {cut}, then one more");
    }
}

#[test]
fn a_flipped_byte_in_the_middle_of_the_log_is_refused_and_never_cut() {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = open(dir.path()).unwrap();
    let log = file(dir.path(), "log-");
    let first = fs::metadata(&log).unwrap().len() as usize;
    confirm(&mut ledger, 0..1);
    let second = fs::metadata(&log).unwrap().len() as usize;
    confirm(&mut ledger, 1..2);
    drop(ledger);
    let length = fs::metadata(&log).unwrap().len();
    for at in first..second {
        flip(&log, at);
        assert!(corrupt(open(dir.path())), "byte {at}");
        assert_eq!(fs::metadata(&log).unwrap().len(), length);
        flip(&log, at);
    }
    assert_eq!(numbers(&open(dir.path()).unwrap()), [0, 1]);
}

#[test]
fn every_flipped_byte_of_the_base_and_the_payloads_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = open(dir.path()).unwrap();
    confirm(&mut ledger, 0..20);
    ledger.compact().unwrap();
    drop(ledger);
    let base = file(dir.path(), "base-");
    let length = fs::metadata(&base).unwrap().len() as usize;
    let rows_end = 4096 + 20 * 72;
    for at in (0..4096).step_by(7).chain(4088..length) {
        flip(&base, at);
        match open(dir.path()) {
            Ok(ledger) => {
                assert!((4096..rows_end).contains(&at), "byte {at} is no row and must be checked when opening");
                assert!(corrupt(ledger.verify()), "byte {at}");
            }
            Err(e) => assert!(corrupt(Err::<(), _>(e)), "byte {at}"),
        }
        flip(&base, at);
    }
    let heap = file(dir.path(), "heap-");
    for at in 0..fs::metadata(&heap).unwrap().len() as usize {
        flip(&heap, at);
        assert!(corrupt(open(dir.path()).unwrap().verify()), "payload byte {at}");
        flip(&heap, at);
    }
    open(dir.path()).unwrap().verify().unwrap();
}

#[test]
fn shortened_missing_and_mixed_up_files_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = open(dir.path()).unwrap();
    confirm(&mut ledger, 0..20);
    ledger.compact().unwrap();
    drop(ledger);
    for prefix in ["base-", "heap-", "log-"] {
        let path = file(dir.path(), prefix);
        let bytes = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert!(corrupt(open(dir.path())), "{prefix} missing");
        fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        assert!(corrupt(open(dir.path())), "{prefix} one byte short");
        fs::write(&path, bytes).unwrap();
    }
    let manifest = dir.path().join("MANIFEST");
    let bytes = fs::read(&manifest).unwrap();
    for at in 0..bytes.len() {
        flip(&manifest, at);
        assert!(open(dir.path()).is_err(), "byte {at} of the manifest");
        flip(&manifest, at);
    }
    fs::remove_file(&manifest).unwrap();
    assert!(corrupt(open(dir.path())), "a base without a manifest must not pass for a new ledger");
    fs::write(&manifest, bytes).unwrap();
    assert_eq!(open(dir.path()).unwrap().len(), 20);
}

#[test]
fn a_ledger_of_a_later_version_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()).unwrap());
    let manifest = dir.path().join("MANIFEST");
    let text = fs::read_to_string(&manifest).unwrap().replace(r#""format":1"#, r#""format":2"#);
    fs::write(&manifest, &text).unwrap();
    fs::write(dir.path().join("base-77"), "of the future").unwrap();
    match open(dir.path()) {
        Err(StoreError::NewerFormat { found: 2, known: 1, .. }) => {}
        other => panic!("expected a refusal, got {other:?}"),
    }
    assert_eq!(fs::read_to_string(&manifest).unwrap(), text);
    assert!(dir.path().join("base-77").exists());
}

#[test]
fn a_second_opener_is_told_which_process_holds_the_ledger() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path()).unwrap();
    let message = open(dir.path()).unwrap_err().to_string();
    assert!(message.contains(&format!("process {}", std::process::id())), "{message}");
    assert!(message.contains("LOCK"), "{message}");
    drop(first);
    open(dir.path()).unwrap();
}

#[test]
fn a_full_disk_at_any_step_of_a_compaction_leaves_the_ledger_whole() {
    let steps = [
        Step::HeapWritten,
        Step::BaseWritten,
        Step::LogWritten,
        Step::ManifestPrepared,
        Step::ManifestPublished,
        Step::OldDoomed,
    ];
    for step in steps {
        let dir = tempfile::tempdir().unwrap();
        let mut ledger = open(dir.path()).unwrap();
        confirm(&mut ledger, 0..10);
        ledger.compact().unwrap();
        confirm(&mut ledger, 10..20);
        drop(ledger);
        let options = LedgerOptions {
            on_step: Some(Arc::new(
                move |now| {
                    if now == step { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
                },
            )),
            ..LedgerOptions::default()
        };
        let mut ledger = Ledger::open(dir.path(), options).unwrap();
        assert!(matches!(ledger.compact(), Err(StoreError::DiskFull { .. })), "{step:?}");
        assert_eq!(numbers(&ledger), (0..20).collect::<Vec<_>>(), "{step:?}");
        let published = matches!(step, Step::ManifestPublished | Step::OldDoomed);
        let more = ledger.append(&[Change::Confirmed(entry(20))]);
        assert_eq!(more.is_err(), published, "{step:?}: what may not be durable takes no more changes");
        if !published {
            let names = fs::read_dir(dir.path()).unwrap().count();
            assert!(names <= 6, "{step:?}: what was written for nothing is deleted");
        }
        drop(ledger);
        let expected = if published { 20 } else { 21 };
        let mut ledger = open(dir.path()).unwrap();
        assert_eq!(numbers(&ledger), (0..expected).collect::<Vec<_>>(), "{step:?}");
        ledger.compact().unwrap();
        ledger.verify().unwrap();
    }
}

#[test]
fn a_frame_that_could_not_be_synced_does_not_count_and_no_other_follows() {
    let dir = tempfile::tempdir().unwrap();
    let options = LedgerOptions {
        on_step: Some(Arc::new(|step| match step {
            Step::FrameWritten => Err(io::ErrorKind::StorageFull.into()),
            _ => Ok(()),
        })),
        ..LedgerOptions::default()
    };
    let mut ledger = Ledger::open(dir.path(), options).unwrap();
    assert!(matches!(ledger.append(&[Change::Confirmed(entry(1))]), Err(StoreError::DiskFull { .. })));
    assert!(ledger.is_empty());
    assert!(matches!(ledger.append(&[Change::Confirmed(entry(2))]), Err(StoreError::Poisoned { .. })));
    drop(ledger);
    // The frame was written, so it may have reached the disk; it is true either way.
    let ledger = open(dir.path()).unwrap();
    assert_eq!(numbers(&ledger), [1]);
}

#[test]
fn refused_changes_write_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = open(dir.path()).unwrap();
    let log = file(dir.path(), "log-");
    let before = fs::metadata(&log).unwrap().len();
    let unknown = Change::Refingerprint { key: 5, fingerprint: 1, mapped: 1 };
    let changes = [Change::Confirmed(entry(1)), unknown];
    assert!(matches!(ledger.append(&changes), Err(StoreError::UnknownKey { key: 5 })));
    let mut large = entry(2);
    large.payload.key_text = "x".repeat(1 << 24);
    let changes = [Change::Confirmed(entry(1)), Change::Confirmed(large)];
    assert!(matches!(ledger.append(&changes), Err(StoreError::TooLarge { .. })));
    assert!(ledger.is_empty());
    assert_eq!(fs::metadata(&log).unwrap().len(), before);
}

#[test]
fn meta_and_open_intents_outlive_compactions_and_reopenings() {
    let dir = tempfile::tempdir().unwrap();
    let intent = |key, at_ms| Intent { key, key_text: format!("row {key}"), match_value: None, at_ms, note: 3 };
    let meta = LedgerMeta {
        mapping_signature: "a signature".to_owned(),
        properties: vec!["email".to_owned(), "city".to_owned()],
        object_type: "contacts".to_owned(),
        portal_id: 42,
        hash_version: 1,
        extra: serde_json::from_str(r#"{"z":1,"a":[1.5,null,"é"]}"#).unwrap(),
    };
    let mut ledger = open(dir.path()).unwrap();
    ledger.set_meta(meta.clone()).unwrap();
    let changes = [intent(1, 30), intent(2, 20), intent(entry(3).key, 10)].map(Change::Intent);
    ledger.append(&changes).unwrap();
    ledger.append(&[Change::IntentCleared { key: 1 }, Change::Confirmed(entry(3))]).unwrap();
    for _ in 0..2 {
        assert_eq!(ledger.intents().unwrap(), [intent(2, 20)]);
        assert_eq!(ledger.meta(), &meta);
        ledger.compact().unwrap();
        drop(ledger);
        ledger = open(dir.path()).unwrap();
    }
}

#[test]
fn payloads_of_rows_that_are_gone_are_given_back() {
    let dir = tempfile::tempdir().unwrap();
    let options = LedgerOptions { max_dead_payload_bytes: 1_000, ..LedgerOptions::default() };
    let mut ledger = Ledger::open(dir.path(), options).unwrap();
    for _ in 0..50 {
        confirm(&mut ledger, 0..100);
        ledger.compact().unwrap();
        let heap = fs::metadata(file(dir.path(), "heap-")).unwrap().len();
        assert!(heap < 100 * 50 * 4, "the payload file has grown to {heap} bytes");
    }
    ledger.verify().unwrap();
    assert_eq!(numbers(&ledger), (0..100).collect::<Vec<_>>());
}

#[test]
fn a_compaction_in_the_middle_of_a_scan_keeps_what_was_seen() {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = open(dir.path()).unwrap();
    confirm(&mut ledger, 0..10);
    ledger.compact().unwrap();
    confirm(&mut ledger, 10..20);
    ledger.begin_scan();
    let mut out = Vec::new();
    let met = [entry(1), entry(2), entry(11), entry(25)];
    let keys = met.each_ref().map(|entry| entry.key);
    ledger.probe(&keys, &[1, 0, 11, 25], &mut out).unwrap();
    assert_eq!(out, [Probe::Unchanged, Probe::Changed, Probe::Unchanged, Probe::Added]);
    confirm(&mut ledger, 25..26);
    ledger.compact().unwrap();
    assert_eq!(ledger.unseen_count(), 17);
    ledger.probe(&keys, &[1, 2, 11, 25], &mut out).unwrap();
    assert_eq!(out, [Probe::SeenAgain; 4]);
}
