//! Random appends, takings, settlings and crashes: nothing acknowledged is lost, nothing settled is handed out again, and
//! events of one user stay in order. A crash is a copy of the folder in which the last write of each file is cut off at
//! any byte.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use hubward_store::{EmbeddedOptions, EmbeddedSpool, Roles, Spool, Stored};
use proptest::prelude::*;
use tempfile::TempDir;

use crate::spool::{NO_WAIT, event, holder};

#[derive(Clone, Debug)]
enum Op {
    /// So many events; true: one of them repeats an earlier one.
    Append(usize, bool),
    Take(usize),
    /// Of the events that are out, every one whose bit is set.
    Settle(u32),
    Release(u32),
    /// Ended and begun again, in order or without a word.
    Reopen(bool),
    /// The next append is cut off at this part of its bytes.
    CrashInAppend(usize, f64),
    /// The next settling is cut off at this part of its bytes.
    CrashInSettle(u32, f64),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => (1_usize..8, any::<bool>()).prop_map(|(count, repeats)| Op::Append(count, repeats)),
        4 => (1_usize..20).prop_map(Op::Take),
        4 => any::<u32>().prop_map(Op::Settle),
        2 => any::<u32>().prop_map(Op::Release),
        1 => any::<bool>().prop_map(Op::Reopen),
        1 => (1_usize..8, 0.0..1.2_f64).prop_map(|(count, part)| Op::CrashInAppend(count, part)),
        1 => (any::<u32>(), 0.0..1.2_f64).prop_map(|(bits, part)| Op::CrashInSettle(bits, part)),
    ]
}

/// The spool, and what it owes.
struct World {
    folder: TempDir,
    spool: Option<EmbeddedSpool>,
    /// Every id that was acknowledged or may have been accepted, in order of acceptance.
    order: Vec<String>,
    acknowledged: BTreeSet<String>,
    settled: BTreeSet<String>,
    /// Whose settling was cut off: both is right.
    perhaps_settled: BTreeSet<String>,
    ever_out: BTreeSet<String>,
    out: BTreeMap<u64, String>,
    /// What was handed out since the spool was opened, in order.
    since_open: Vec<String>,
    released: BTreeSet<String>,
    count: u64,
}

fn options(folder: &Path) -> EmbeddedOptions {
    EmbeddedOptions { segment_bytes: 4 << 10, ..EmbeddedOptions::new(folder.to_owned(), 1 << 30) }
}

fn open(folder: &Path) -> EmbeddedSpool {
    EmbeddedSpool::open(&options(folder), Roles::Both, &holder()).unwrap()
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let named = |path: PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    let kept = |name: &str| name.starts_with("events-") || name.starts_with("index-") || name.starts_with("worker-");
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| kept(&named(path.clone()))).map(|path| (named(path.clone()), fs::read(path).unwrap())).collect()
}

/// A folder as `before`, with the first part of what `after` changed.
fn torn(before: &BTreeMap<String, Vec<u8>>, after: &BTreeMap<String, Vec<u8>>, part: f64) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, old) in before {
        let mut bytes = old.clone();
        // A segment that is gone in `after` was deleted once the settling was durable; half of a settling deletes nothing.
        if let Some(new) = after.get(name).filter(|_| !name.ends_with(".lock")) {
            let same = old.iter().zip(new).take_while(|(a, b)| a == b).count();
            let last = (same..new.len()).rev().find(|at| old.get(*at) != new.get(*at)).map_or(same, |at| at + 1);
            let until = same + ((last - same) as f64 * part) as usize;
            let until = until.min(last);
            bytes.truncate(same.max(old.len().min(until)));
            bytes.resize(bytes.len().max(until), 0);
            bytes[same..until].copy_from_slice(&new[same..until]);
            // Files that had their room before have it still.
            if bytes.len() < old.len() {
                bytes.extend_from_slice(&old[bytes.len()..]);
            }
        }
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

impl World {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let spool = Some(open(folder.path()));
        Self {
            folder,
            spool,
            order: Vec::new(),
            acknowledged: BTreeSet::new(),
            settled: BTreeSet::new(),
            perhaps_settled: BTreeSet::new(),
            ever_out: BTreeSet::new(),
            out: BTreeMap::new(),
            since_open: Vec::new(),
            released: BTreeSet::new(),
            count: 0,
        }
    }

    fn spool(&self) -> &EmbeddedSpool {
        self.spool.as_ref().unwrap()
    }

    fn new_ids(&mut self, count: usize) -> Vec<String> {
        let ids: Vec<String> = (0..count as u64).map(|n| (self.count + n).to_string()).collect();
        self.count += count as u64;
        self.order.extend(ids.iter().cloned());
        ids
    }

    /// One of three users, by the number.
    fn key(id: &str) -> String {
        format!("user {}", id.parse::<u64>().unwrap() % 3)
    }

    async fn append(&mut self, count: usize, repeats: bool) {
        let ids = self.new_ids(count);
        let mut events: Vec<_> = ids.iter().map(|id| event(id, &Self::key(id))).collect();
        let mut duplicates = 0;
        if repeats && let Some(known) = self.acknowledged.first() {
            events.push(event(known, &Self::key(known)));
            duplicates = 1;
        }
        let appended = self.spool().append(events).await.unwrap();
        assert_eq!((appended.accepted, appended.duplicates), (count as u64, duplicates));
        self.acknowledged.extend(ids);
    }

    async fn take(&mut self, max: usize) -> Vec<Stored> {
        let taken = self.spool().take(max, NO_WAIT).await.unwrap();
        assert!(taken.len() <= max);
        for event in &taken {
            let id = &event.message_id;
            assert!(self.order.contains(id), "{id} was never sent");
            assert!(!self.settled.contains(id), "{id} is settled");
            assert!(self.out.insert(event.seq, id.clone()).is_none(), "{id} is out already");
            let first = self.ever_out.insert(id.clone());
            assert!(event.deliveries > 1 || first, "{id} was handed out before");
            if !self.released.remove(id) {
                self.since_open.push(id.clone());
            }
        }
        assert!(taken.is_sorted_by_key(|event| event.seq));
        taken
    }

    fn chosen(&self, bits: u32) -> Vec<u64> {
        self.out.keys().enumerate().filter(|(at, _)| bits >> (at % 32) & 1 == 1).map(|(_, seq)| *seq).collect()
    }

    async fn settle(&mut self, bits: u32) {
        let seqs = self.chosen(bits);
        self.spool().settle(seqs.clone()).await.unwrap();
        for seq in seqs {
            self.settled.insert(self.out.remove(&seq).unwrap());
        }
    }

    async fn release(&mut self, bits: u32) {
        let seqs = self.chosen(bits);
        self.spool().release(seqs.clone()).await.unwrap();
        for seq in seqs {
            self.released.insert(self.out.remove(&seq).unwrap());
        }
    }

    fn reopened(&mut self, spool: EmbeddedSpool) {
        self.spool = Some(spool);
        self.out.clear();
        self.released.clear();
        self.check_order();
        self.since_open.clear();
    }

    /// Events of one user were handed out in the order of acceptance, releases apart.
    fn check_order(&self) {
        for user in 0..3_u64 {
            let of_user: Vec<u64> =
                self.since_open.iter().map(|id| id.parse().unwrap()).filter(|id: &u64| id % 3 == user).collect();
            assert!(of_user.is_sorted(), "user {user}: {of_user:?}");
        }
    }

    async fn crash(&mut self, after: impl AsyncFnOnce(&EmbeddedSpool), part: f64) {
        let before = files(self.folder.path());
        after(self.spool()).await;
        let folder = torn(&before, &files(self.folder.path()), part);
        self.spool = None;
        self.folder = folder;
        let spool = open(self.folder.path());
        self.reopened(spool);
    }

    async fn carry_out(&mut self, op: Op) {
        match op {
            Op::Append(count, repeats) => self.append(count, repeats).await,
            Op::Take(max) => {
                self.take(max).await;
            }
            Op::Settle(bits) => self.settle(bits).await,
            Op::Release(bits) => self.release(bits).await,
            Op::Reopen(in_order) => {
                if in_order {
                    self.spool().close().await.unwrap();
                }
                self.spool = None;
                let spool = open(self.folder.path());
                self.reopened(spool);
            }
            Op::CrashInAppend(count, part) => {
                let ids = self.new_ids(count);
                let events: Vec<_> = ids.iter().map(|id| event(id, &Self::key(id))).collect();
                self.crash(
                    async |spool| {
                        spool.append(events).await.unwrap();
                    },
                    part,
                )
                .await;
            }
            Op::CrashInSettle(bits, part) => {
                let seqs = self.chosen(bits);
                self.perhaps_settled.extend(seqs.iter().map(|seq| self.out[seq].clone()));
                self.crash(async |spool| spool.settle(seqs).await.unwrap(), part).await;
            }
        }
    }

    /// Everything that is owed is there, once.
    async fn finish(&mut self) {
        let spool = {
            self.spool = None;
            open(self.folder.path())
        };
        self.reopened(spool);
        let depth = self.spool().depth().await.unwrap();
        let mut found = BTreeSet::new();
        loop {
            let taken = self.take(7).await;
            if taken.is_empty() {
                break;
            }
            for event in taken {
                assert!(found.insert(event.message_id.clone()), "{} twice", event.message_id);
            }
        }
        assert_eq!(depth.events, found.len() as u64, "the depth is right");
        let owed: BTreeSet<String> = self.acknowledged.difference(&self.settled).cloned().collect();
        for id in owed.difference(&found) {
            assert!(self.perhaps_settled.contains(id), "{id} was acknowledged and is lost");
        }
        self.check_order();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn nothing_acknowledged_is_lost_and_nothing_settled_comes_again(ops in prop::collection::vec(op(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut world = World::new();
            for op in ops {
                world.carry_out(op).await;
            }
            world.finish().await;
        });
    }
}
