//! What the embedded spool promises while nothing goes wrong, and when the disk or the spool is full.

use std::io;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use hubward_store::spool::SpoolStep;
use hubward_store::{Appended, EmbeddedOptions, EmbeddedSpool, Holder, NewEvent, Roles, Spool, SpoolError, Stored};
use jiff::Timestamp;

pub(crate) const NO_WAIT: Duration = Duration::ZERO;
/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);
const HOUR_MS: i64 = 3_600_000;

pub(crate) fn holder() -> Holder {
    Holder { pid: std::process::id(), command: "test".to_owned(), started_at: Timestamp::UNIX_EPOCH }
}

pub(crate) fn event(id: &str, key: &str) -> NewEvent {
    NewEvent {
        message_id: id.to_owned(),
        source: "web".to_owned(),
        order_key: key.to_owned(),
        received_at_ms: 1_000,
        payload: Bytes::from(format!("{{\"messageId\":\"{id}\"}}")),
    }
}

fn options(folder: &Path) -> EmbeddedOptions {
    EmbeddedOptions::new(folder.to_owned(), 1 << 30)
}

fn open(options: &EmbeddedOptions, roles: Roles) -> EmbeddedSpool {
    EmbeddedSpool::open(options, roles, &holder()).unwrap()
}

fn ids(events: &[Stored]) -> Vec<&str> {
    events.iter().map(|event| event.message_id.as_str()).collect()
}

fn seqs(events: &[Stored]) -> Vec<u64> {
    events.iter().map(|event| event.seq).collect()
}

#[tokio::test]
async fn events_come_back_whole_and_in_order_until_they_are_settled() {
    let dir = tempfile::tempdir().unwrap();
    let spool = open(&options(dir.path()), Roles::Both);
    let events: Vec<NewEvent> = ["a", "b", "c"].map(|id| event(id, "user")).to_vec();
    assert_eq!(spool.append(events.clone()).await.unwrap(), Appended { accepted: 3, duplicates: 0 });
    let taken = spool.take(2, NO_WAIT).await.unwrap();
    for (stored, new) in taken.iter().zip(&events) {
        assert_eq!(
            (&stored.message_id, &stored.source, &stored.order_key, stored.received_at_ms, &stored.payload),
            (&new.message_id, &new.source, &new.order_key, new.received_at_ms, &new.payload)
        );
        assert_eq!(stored.deliveries, 1);
    }
    assert_eq!(ids(&taken), ["a", "b"]);
    let rest = spool.take(9, NO_WAIT).await.unwrap();
    assert_eq!(ids(&rest), ["c"]);
    spool.settle(seqs(&taken[1..])).await.unwrap();
    spool.release(seqs(&taken[..1])).await.unwrap();
    let again = spool.take(9, NO_WAIT).await.unwrap();
    assert_eq!((ids(&again), again[0].deliveries), (vec!["a"], 2));
    let depth = spool.depth().await.unwrap();
    assert_eq!((depth.events, depth.oldest_received_at_ms, depth.max_bytes), (2, Some(1_000), 1 << 30));
    spool.settle(seqs(&again)).await.unwrap();
    spool.settle(seqs(&again)).await.unwrap();
    spool.settle(seqs(&rest)).await.unwrap();
    let depth = spool.depth().await.unwrap();
    assert_eq!((depth.events, depth.oldest_received_at_ms), (0, None));
    spool.close().await.unwrap();
    drop(spool);
    let spool = open(&options(dir.path()), Roles::Both);
    assert!(spool.take(9, NO_WAIT).await.unwrap().is_empty());
    assert_eq!(spool.depth().await.unwrap().events, 0);
}

#[tokio::test]
async fn a_message_id_is_accepted_once_a_day_for_each_source() {
    let dir = tempfile::tempdir().unwrap();
    let small = EmbeddedOptions { segment_bytes: 4 << 10, ..options(dir.path()) };
    let at = |id: &str, hours: i64| NewEvent { received_at_ms: hours * HOUR_MS, ..event(id, "user") };
    let spool = open(&small, Roles::Both);
    let first = spool.append(vec![at("a", 0), at("b", 0), at("a", 0)]).await.unwrap();
    assert_eq!(first, Appended { accepted: 2, duplicates: 1 });
    let other = NewEvent { source: "app".to_owned(), ..at("a", 1) };
    assert_eq!(spool.append(vec![other]).await.unwrap().accepted, 1);
    // Enough for several segments, all of which are settled and deleted.
    let filler: Vec<NewEvent> = (0..200).map(|n| at(&format!("filler {n}"), 2)).collect();
    for events in filler.chunks(10) {
        spool.append(events.to_vec()).await.unwrap();
    }
    let taken = spool.take(1_000, NO_WAIT).await.unwrap();
    assert_eq!(taken.len(), 203);
    spool.settle(seqs(&taken)).await.unwrap();
    spool.close().await.unwrap();
    drop(spool);
    let segments = std::fs::read_dir(dir.path())
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_str().unwrap().starts_with("events-"));
    assert_eq!(segments.count(), 1, "segments whose events are settled are deleted");
    let spool = open(&small, Roles::Both);
    assert_eq!(spool.append(vec![at("a", 24)]).await.unwrap(), Appended { accepted: 0, duplicates: 1 });
    assert_eq!(spool.append(vec![at("a", 25)]).await.unwrap(), Appended { accepted: 1, duplicates: 0 });
}

#[tokio::test]
async fn a_full_spool_says_so_and_takes_events_again_when_some_are_settled() {
    let dir = tempfile::tempdir().unwrap();
    let spool = open(&EmbeddedOptions::new(dir.path().to_owned(), 100_000), Roles::Both);
    let large = |n: u64| NewEvent { payload: Bytes::from(vec![b'x'; 5_000]), ..event(&n.to_string(), "user") };
    let mut accepted = 0;
    let full = loop {
        match spool.append(vec![large(accepted)]).await {
            Ok(_) => accepted += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(full, SpoolError::Full { max_bytes: 100_000, .. }), "{full}");
    assert!((15..20).contains(&accepted), "{accepted}");
    let depth = spool.depth().await.unwrap();
    assert!(depth.events == accepted && depth.bytes <= 100_000 && depth.bytes > 95_000, "{depth:?}");
    let taken = spool.take(1_000, NO_WAIT).await.unwrap();
    assert_eq!(taken.len() as u64, accepted, "what was refused is not there");
    spool.settle(seqs(&taken)).await.unwrap();
    assert_eq!(spool.append(vec![large(accepted)]).await.unwrap().accepted, 1);
    let huge = NewEvent { payload: Bytes::from(vec![b'x'; 9 << 20]), ..event("huge", "user") };
    assert!(matches!(spool.append(vec![huge]).await, Err(SpoolError::TooLarge { .. })));
}

#[tokio::test]
async fn a_disk_that_refuses_at_any_step_is_told_and_nothing_is_lost_or_doubled() {
    for step in [
        SpoolStep::GroupBegun,
        SpoolStep::GroupWritten,
        SpoolStep::GroupSynced,
        SpoolStep::IndexWritten,
        SpoolStep::SegmentCreated,
        SpoolStep::SettleWritten,
        SpoolStep::SettleSynced,
    ] {
        let dir = tempfile::tempdir().unwrap();
        let refuses = Arc::new(AtomicBool::new(false));
        let met = Arc::new(AtomicU64::new(0));
        let hook = {
            let (refuses, met) = (Arc::clone(&refuses), Arc::clone(&met));
            move |at| {
                if at == step && refuses.load(Ordering::SeqCst) {
                    met.fetch_add(1, Ordering::SeqCst);
                    return Err(io::Error::from(io::ErrorKind::StorageFull));
                }
                Ok(())
            }
        };
        let options = EmbeddedOptions { segment_bytes: 1 << 10, on_step: Some(Arc::new(hook)), ..options(dir.path()) };
        let spool = open(&options, Roles::Both);
        let mut handed_out = Vec::new();
        for n in 0..80_u64 {
            refuses.store(n % 5 != 0, Ordering::SeqCst);
            let new = event(&n.to_string(), "user");
            if let Err(error) = spool.append(vec![new.clone()]).await {
                assert!(matches!(error, SpoolError::DiskFull), "{step:?}: {error}");
                refuses.store(false, Ordering::SeqCst);
                assert_eq!(spool.append(vec![new]).await.unwrap().accepted, 1, "{step:?}");
            }
            refuses.store(n % 7 == 1, Ordering::SeqCst);
            let taken = spool.take(100, NO_WAIT).await;
            refuses.store(n % 5 == 1, Ordering::SeqCst);
            let Ok(taken) = taken else { continue };
            handed_out.extend(ids(&taken).into_iter().map(str::to_owned));
            if spool.settle(seqs(&taken)).await.is_err() {
                refuses.store(false, Ordering::SeqCst);
                spool.settle(seqs(&taken)).await.unwrap();
            }
        }
        refuses.store(false, Ordering::SeqCst);
        handed_out.extend(spool.take(100, NO_WAIT).await.unwrap().into_iter().map(|event| event.message_id));
        let expected: Vec<String> = (0..80).map(|n| n.to_string()).collect();
        assert_eq!(handed_out, expected, "{step:?}");
        assert!(met.load(Ordering::SeqCst) > 0, "{step:?} was never met");
    }
}

#[tokio::test]
async fn a_disk_that_is_really_full_takes_events_again_when_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=4m", "tmpfs"])
        .arg(dir.path())
        .output()
        .is_ok_and(|output| output.status.success());
    if !mounted {
        crate::skipped("a small file system cannot be mounted here, so no disk is really full");
        return;
    }
    let unmount = Unmount(dir.path());
    let spool = open(&EmbeddedOptions { segment_bytes: 256 << 10, ..options(dir.path()) }, Roles::Both);
    let large = |n: u64| NewEvent { payload: Bytes::from(vec![b'x'; 10_000]), ..event(&n.to_string(), "user") };
    let mut accepted = 0;
    for round in 0..3 {
        let full = loop {
            match spool.append(vec![large(accepted)]).await {
                Ok(_) => accepted += 1,
                Err(error) => break error,
            }
        };
        assert!(matches!(full, SpoolError::DiskFull), "round {round}: {full}");
        let mut drained = 0;
        loop {
            let taken = spool.take(50, NO_WAIT).await.unwrap();
            if taken.is_empty() {
                break;
            }
            drained += taken.len() as u64;
            spool.settle(seqs(&taken)).await.expect("events are settled also while the disk is full");
        }
        assert!(drained > 20, "round {round}: {drained}");
        assert_eq!(spool.depth().await.unwrap().events, 0, "everything acknowledged came");
    }
    drop(spool);
    drop(unmount);
}

struct Unmount<'p>(&'p Path);

impl Drop for Unmount<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0).status();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_waits_for_events_and_so_does_one_of_another_process() {
    let dir = tempfile::tempdir().unwrap();
    // Two openings of one folder stand for two processes: they share nothing but the files.
    let intake = Arc::new(open(&options(dir.path()), Roles::Intake));
    let worker = Arc::new(open(&options(dir.path()), Roles::Worker));
    for n in 0..20 {
        let waiting = tokio::spawn({
            let worker = Arc::clone(&worker);
            async move { worker.take(10, PATIENCE).await.unwrap() }
        });
        intake.append(vec![event(&n.to_string(), "user")]).await.unwrap();
        let taken = waiting.await.unwrap();
        assert_eq!(ids(&taken), [n.to_string()]);
        assert_eq!(intake.depth().await.unwrap().events, 1);
        assert_eq!(intake.depth().await.unwrap().oldest_received_at_ms, Some(1_000));
        worker.settle(seqs(&taken)).await.unwrap();
        assert_eq!(intake.depth().await.unwrap().events, 0);
    }
    assert!(matches!(intake.take(1, NO_WAIT).await, Err(SpoolError::Role(_))));
    assert!(matches!(worker.append(Vec::new()).await, Err(SpoolError::Role(_))));
}

#[test]
fn a_role_is_held_by_one_process_and_the_second_is_told_by_whom() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(&options(dir.path()), Roles::Both);
    for (roles, role) in [(Roles::Intake, "intake"), (Roles::Worker, "worker")] {
        let error = EmbeddedSpool::open(&options(dir.path()), roles, &holder()).unwrap_err().to_string();
        let named = format!("the spool's {role} is in use by `test` (process {}", std::process::id());
        assert!(error.starts_with(&named), "{error}");
    }
    drop(first);
    open(&options(dir.path()), Roles::Both);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_calls_share_a_sync_and_each_gets_its_own_count() {
    let dir = tempfile::tempdir().unwrap();
    let syncs = Arc::new(AtomicU64::new(0));
    let hook = {
        let syncs = Arc::clone(&syncs);
        move |at| {
            if at == SpoolStep::GroupSynced {
                syncs.fetch_add(1, Ordering::SeqCst);
                // As long as a slow disk, so that the others gather.
                std::thread::sleep(Duration::from_millis(5));
            }
            Ok(())
        }
    };
    let spool = Arc::new(open(&EmbeddedOptions { on_step: Some(Arc::new(hook)), ..options(dir.path()) }, Roles::Both));
    let calls: Vec<_> = (0..400_u64)
        .map(|n| {
            let spool = Arc::clone(&spool);
            tokio::spawn(async move { spool.append(vec![event(&(n / 2).to_string(), "user")]).await.unwrap() })
        })
        .collect();
    let mut sum = Appended::default();
    for call in calls {
        let appended = call.await.unwrap();
        sum.accepted += appended.accepted;
        sum.duplicates += appended.duplicates;
    }
    assert_eq!(sum, Appended { accepted: 200, duplicates: 200 });
    assert_eq!(spool.take(1_000, NO_WAIT).await.unwrap().len(), 200);
    let syncs = syncs.load(Ordering::SeqCst);
    assert!(syncs < 100, "400 calls cost {syncs} syncs");
}

#[tokio::test]
async fn what_is_remembered_is_recalled_by_every_opening() {
    let dir = tempfile::tempdir().unwrap();
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let spool = open(&options(dir.path()), Roles::Both);
    spool.remember(vec![pair("u1", "a@example.com"), pair("u2", "b@example.com")]).await.unwrap();
    spool.remember(vec![pair("u1", "c@example.com")]).await.unwrap();
    let other = open(&options(dir.path()), Roles::Neither);
    let keys = ["u2", "nobody", "u1"].map(str::to_owned).to_vec();
    let expected = [Some("b@example.com".to_owned()), None, Some("c@example.com".to_owned())];
    assert_eq!(other.recall(keys.clone()).await.unwrap(), expected);
    drop((spool, other));
    assert_eq!(open(&options(dir.path()), Roles::Worker).recall(keys).await.unwrap(), expected);
}

#[tokio::test]
async fn a_taker_that_gives_up_loses_no_event() {
    let dir = tempfile::tempdir().unwrap();
    let spool = open(&options(dir.path()), Roles::Both);
    for n in 0..50_u64 {
        let id = n.to_string();
        let appending = spool.append(vec![event(&id, "user")]);
        let mut taking = spool.take(10, PATIENCE);
        let taken = tokio::select! {
            taken = &mut taking => taken.unwrap(),
            appended = appending => {
                appended.unwrap();
                drop(taking);
                spool.take(10, PATIENCE).await.unwrap()
            }
        };
        assert_eq!(ids(&taken), [id]);
    }
}
