//! The ledger against a plain map: random operations, reopenings, compactions and scans.

use std::collections::{BTreeMap, HashMap, HashSet};

use hubward_core::RowKeys;
use hubward_store::{Change, Entry, Intent, Intents, Ledger, LedgerOptions, Payload, Probe};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Op {
    Append(Vec<Change>),
    Scan(Vec<(u128, u64)>),
    /// Confirms one of the groups of intents.
    ConfirmGroup(prop::sample::Index),
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
        3 => (proptest::collection::vec((key(), "[a-zé]{0,4}"), 0..6), any::<i64>(), any::<u8>()).prop_map(
            |(rows, at_ms, note)| Change::Intents(Intents {
                rows: rows.iter().map(|(key, _)| (*key, (*key % 4) as u64)).collect(),
                key_texts: rows.iter().map(|(_, text)| text).collect::<RowKeys>(),
                at_ms,
                note,
            })
        ),
        1 => key().prop_map(|first| Change::ConfirmedGroup { first }),
        1 => key().prop_map(|key| Change::IntentCleared { key }),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let rows = || proptest::collection::vec((key(), 0_u64..4), 0..100);
    prop_oneof![
        8 => proptest::collection::vec(change(), 0..12).prop_map(Op::Append),
        3 => any::<prop::sample::Index>().prop_map(Op::ConfirmGroup),
        3 => rows().prop_map(Op::Scan),
        3 => rows().prop_map(Op::More),
        2 => Just(Op::Compact),
        2 => Just(Op::CompactIfDue),
        2 => Just(Op::Reopen),
    ]
}

/// Intents that came together, each with its fingerprint.
#[derive(Clone)]
struct Group {
    /// None of them has had a word of its own.
    whole: bool,
    rows: Vec<(Intent, u64)>,
}

#[derive(Default)]
struct Model {
    entries: BTreeMap<u128, Entry>,
    intents: HashMap<u128, Intent>,
    groups: Vec<Group>,
    seen: HashSet<u128>,
    scanning: bool,
}

impl Model {
    fn apply(&mut self, change: &Change) {
        match change {
            Change::Confirmed(entry) => {
                self.end(entry.key);
                self.enter(entry.clone());
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
                self.end(intent.key);
                self.intents.insert(intent.key, intent.clone());
            }
            Change::Intents(intents) if intents.rows.is_empty() => {}
            Change::Intents(Intents { rows, key_texts, at_ms, note }) => {
                let intents = rows.iter().zip(key_texts.iter()).map(|(&(key, fingerprint), text)| {
                    let key_text = text.to_owned();
                    (Intent { key, key_text, match_value: None, at_ms: *at_ms, note: *note }, fingerprint)
                });
                self.groups.push(Group { whole: true, rows: intents.collect() });
            }
            Change::ConfirmedGroup { first } => {
                let at = whole_group(&self.groups, *first).expect("accepted");
                for (intent, fingerprint) in self.groups.remove(at).rows {
                    let payload = Payload { key_text: intent.key_text, match_value: None, written: Vec::new() };
                    let (mapped, match_hash, record_id, associated) = (0, 0, 0, 0);
                    let key = intent.key;
                    self.enter(Entry { key, fingerprint, mapped, match_hash, record_id, associated, payload });
                }
            }
            Change::IntentCleared { key } => self.end(*key),
        }
    }

    fn enter(&mut self, entry: Entry) {
        if self.scanning {
            self.seen.insert(entry.key);
        }
        self.entries.insert(entry.key, entry);
    }

    /// A word on one row alone.
    fn end(&mut self, key: u128) {
        self.intents.remove(&key);
        end_in(&mut self.groups, key);
    }

    /// Of several intents of one row the latest.
    fn open(&self) -> Vec<Intent> {
        let mut open: HashMap<u128, &Intent> = HashMap::new();
        let of_groups = self.groups.iter().flat_map(|group| group.rows.iter().map(|(intent, _)| intent));
        for intent in self.intents.values().chain(of_groups) {
            let known = open.entry(intent.key).or_insert(intent);
            if known.at_ms <= intent.at_ms {
                *known = intent;
            }
        }
        let mut open: Vec<Intent> = open.into_values().cloned().collect();
        open.sort_by_key(|intent| (intent.at_ms, intent.key));
        open
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
        let mut groups = self.groups.clone();
        changes.iter().enumerate().all(|(i, change)| match change {
            Change::Refingerprint { key, .. } | Change::Associated { key, .. } => {
                self.entries.contains_key(key)
                    || changes[..i].iter().any(|before| match before {
                        Change::Confirmed(entry) => entry.key == *key,
                        _ => false,
                    })
            }
            Change::ConfirmedGroup { first } => whole_group(&groups, *first).map(|at| groups.remove(at)).is_some(),
            Change::Intents(_) => {
                let mut frame = Self { groups: std::mem::take(&mut groups), ..Self::default() };
                frame.apply(change);
                groups = frame.groups;
                true
            }
            Change::Confirmed(Entry { key, .. })
            | Change::Intent(Intent { key, .. })
            | Change::IntentCleared { key } => {
                end_in(&mut groups, *key);
                true
            }
            Change::Removed { .. } => true,
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
        assert_eq!(ledger.intents().unwrap(), self.open());

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

fn whole_group(groups: &[Group], first: u128) -> Option<usize> {
    groups.iter().rposition(|group| group.whole && group.rows[0].0.key == first)
}

fn end_in(groups: &mut [Group], key: u128) {
    for group in groups.iter_mut().filter(|group| group.rows.iter().any(|(intent, _)| intent.key == key)) {
        group.whole = false;
        group.rows.retain(|(intent, _)| intent.key != key);
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
                Op::ConfirmGroup(which) => {
                    let groups: Vec<&Group> = model.groups.iter().filter(|group| group.whole).collect();
                    if groups.is_empty() {
                        continue;
                    }
                    let change = Change::ConfirmedGroup { first: which.get(&groups).rows[0].0.key };
                    ledger.append(std::slice::from_ref(&change)).unwrap();
                    model.apply(&change);
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
