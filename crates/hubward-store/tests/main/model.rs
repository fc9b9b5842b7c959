//! The ledger against a plain map: random operations, reopenings, compactions and scans.

use std::collections::{BTreeMap, HashMap, HashSet};

use hubward_store::{Change, Entry, Intent, Ledger, LedgerOptions, Payload, Probe};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Op {
    Append(Vec<Change>),
    Scan(Vec<(u128, u64)>),
    /// Goes on with the scan that is under way.
    More(Vec<(u128, u64)>),
    Compact,
    CompactIfDue,
    Reopen,
}

/// Few keys, so that operations meet; some share their upper half, some are hash-like.
fn key() -> impl Strategy<Value = u128> {
    (0_u128..40).prop_map(|i| match i % 3 {
        0 => i,
        1 => i << 100,
        _ => i.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C834),
    })
}

fn entry() -> impl Strategy<Value = Entry> {
    let payload = ("[a-zé]{0,6}", proptest::option::of("[a-z@]{0,8}"), proptest::collection::vec(any::<u8>(), 0..3));
    (key(), 0_u64..4, any::<u64>(), any::<u64>(), (any::<u64>(), any::<u64>()), payload).prop_map(
        |(key, fingerprint, mapped, match_hash, (record_id, associated), (key_text, match_value, written))| Entry {
            key,
            fingerprint,
            mapped,
            match_hash,
            record_id,
            associated,
            payload: Payload { key_text, match_value, written },
        },
    )
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        6 => entry().prop_map(Change::Confirmed),
        2 => (key(), 0_u64..4, any::<u64>())
            .prop_map(|(key, fingerprint, mapped)| Change::Refingerprint { key, fingerprint, mapped }),
        2 => (key(), 0_u64..4, any::<u64>())
            .prop_map(|(key, fingerprint, associated)| Change::Associated { key, fingerprint, associated }),
        3 => key().prop_map(|key| Change::Removed { key }),
        2 => (key(), "[a-z]{0,4}", proptest::option::of("[a-z]{0,4}"), any::<i64>(), any::<u8>()).prop_map(
            |(key, key_text, match_value, at_ms, note)| {
                Change::Intent(Intent { key, key_text, match_value, at_ms, note })
            }
        ),
        1 => key().prop_map(|key| Change::IntentCleared { key }),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let rows = || proptest::collection::vec((key(), 0_u64..4), 0..100);
    prop_oneof![
        8 => proptest::collection::vec(change(), 0..12).prop_map(Op::Append),
        3 => rows().prop_map(Op::Scan),
        3 => rows().prop_map(Op::More),
        2 => Just(Op::Compact),
        2 => Just(Op::CompactIfDue),
        2 => Just(Op::Reopen),
    ]
}

#[derive(Default)]
struct Model {
    entries: BTreeMap<u128, Entry>,
    intents: HashMap<u128, Intent>,
    seen: HashSet<u128>,
    scanning: bool,
}

impl Model {
    fn apply(&mut self, change: &Change) {
        match change {
            Change::Confirmed(entry) => {
                self.intents.remove(&entry.key);
                self.entries.insert(entry.key, entry.clone());
                if self.scanning {
                    self.seen.insert(entry.key);
                }
            }
            Change::Refingerprint { key, fingerprint, mapped } => {
                if let Some(entry) = self.entries.get_mut(key) {
                    entry.fingerprint = *fingerprint;
                    entry.mapped = *mapped;
                }
            }
            Change::Associated { key, fingerprint, associated } => {
                if let Some(entry) = self.entries.get_mut(key) {
                    entry.fingerprint = *fingerprint;
                    entry.associated = *associated;
                }
            }
            Change::Removed { key } => {
                self.entries.remove(key);
                self.seen.remove(key);
            }
            Change::Intent(intent) => {
                self.intents.insert(intent.key, intent.clone());
            }
            Change::IntentCleared { key } => {
                self.intents.remove(key);
            }
        }
    }

    fn probe(&mut self, key: u128, fingerprint: u64) -> Probe {
        match self.entries.get(&key) {
            None => Probe::Added,
            Some(_) if !self.seen.insert(key) => Probe::SeenAgain,
            Some(entry) if entry.fingerprint == fingerprint => Probe::Unchanged,
            Some(_) => Probe::Changed,
        }
    }

    /// A refingerprint (or associations) of a key that is neither known nor confirmed earlier in the frame is refused as a whole.
    fn accepts(&self, changes: &[Change]) -> bool {
        changes.iter().enumerate().all(|(i, change)| match change {
            Change::Refingerprint { key, .. } | Change::Associated { key, .. } => {
                self.entries.contains_key(key)
                    || changes[..i].iter().any(|before| matches!(before, Change::Confirmed(entry) if entry.key == *key))
            }
            _ => true,
        })
    }

    fn compare(&self, ledger: &Ledger) {
        assert_eq!(ledger.len(), self.entries.len() as u64);
        let mut all: Vec<Entry> = ledger.iter().map(Result::unwrap).collect();
        all.sort_by_key(|entry| entry.key);
        assert!(all.iter().eq(self.entries.values()), "entries differ");
        let mut heads = Vec::new();
        ledger.for_each(|head| heads.push(*head));
        heads.sort_by_key(|head| head.key);
        assert!(heads.into_iter().eq(self.entries.values().map(Entry::head)), "heads differ");
        for (key, entry) in &self.entries {
            assert_eq!(ledger.get(*key).unwrap().as_ref(), Some(entry));
            assert_eq!(ledger.lookup(*key).unwrap(), Some(entry.head()));
        }
        let mut intents: Vec<Intent> = self.intents.values().cloned().collect();
        intents.sort_by_key(|intent| (intent.at_ms, intent.key));
        assert_eq!(ledger.intents(), intents);

        let unseen: Vec<&Entry> = self.entries.values().filter(|entry| !self.seen.contains(&entry.key)).collect();
        assert_eq!(ledger.unseen_count(), unseen.len() as u64);
        let mut found: Vec<Entry> = ledger.unseen().map(Result::unwrap).collect();
        found.sort_by_key(|entry| entry.key);
        assert!(found.iter().eq(unseen.iter().copied()), "unseen entries differ");
        let mut batched = Vec::new();
        loop {
            let batch = ledger.unseen_batch(batched.last().map(|entry: &Entry| entry.key), 3).unwrap();
            if batch.is_empty() {
                break;
            }
            batched.extend(batch);
        }
        assert!(batched.iter().eq(unseen), "batches of unseen entries differ");
        let mut seen = HashSet::new();
        ledger.for_each_seen(|head| assert!(seen.insert(head.key), "{:x} given twice", head.key));
        assert_eq!(seen, self.seen);
    }
}

fn options() -> LedgerOptions {
    LedgerOptions { max_log_entries: 30, min_log_entries: 8, max_dead_payload_bytes: 100, ..LedgerOptions::default() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, max_shrink_iters: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn the_ledger_does_what_a_map_does(ops in proptest::collection::vec(op(), 1..40)) {
        let dir = tempfile::tempdir().unwrap();
        let mut ledger = Ledger::open(dir.path(), options()).unwrap();
        let mut model = Model::default();
        for op in ops {
            match op {
                Op::Append(changes) => {
                    let accepted = ledger.append(&changes).is_ok();
                    prop_assert_eq!(accepted, model.accepts(&changes));
                    if accepted {
                        changes.iter().for_each(|change| model.apply(change));
                    }
                }
                Op::Scan(rows) => {
                    ledger.begin_scan();
                    model.seen.clear();
                    model.scanning = true;
                    probe(&mut ledger, &mut model, &rows);
                }
                Op::More(rows) => probe(&mut ledger, &mut model, &rows),
                Op::Compact => ledger.compact().unwrap(),
                Op::CompactIfDue => {
                    ledger.compact_if_due().unwrap();
                }
                Op::Reopen => {
                    drop(ledger);
                    ledger = Ledger::open(dir.path(), options()).unwrap();
                    model.seen.clear();
                    model.scanning = false;
                }
            }
            model.compare(&ledger);
        }
        ledger.verify().unwrap();
    }
}

fn probe(ledger: &mut Ledger, model: &mut Model, rows: &[(u128, u64)]) {
    let (keys, fingerprints): (Vec<u128>, Vec<u64>) = rows.iter().copied().unzip();
    let mut out = Vec::new();
    ledger.probe(&keys, &fingerprints, &mut out).unwrap();
    let expected: Vec<Probe> = rows.iter().map(|&(key, fingerprint)| model.probe(key, fingerprint)).collect();
    assert_eq!(out, expected);
}
