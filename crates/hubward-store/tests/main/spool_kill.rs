//! A process that accepts and settles events is killed at random moments: what it acknowledged is there, what it settled is
//! not. The process is this test binary again, running [`busy`].

use std::collections::BTreeSet;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use hubward_store::{EmbeddedOptions, EmbeddedSpool, Roles, Spool};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::spool::{NO_WAIT, event, holder};

const FOLDER: &str = "HUBWARD_STORE_TEST_SPOOL";
const ROUND: &str = "HUBWARD_STORE_TEST_SPOOL_ROUND";

fn options(folder: &Path) -> EmbeddedOptions {
    EmbeddedOptions { segment_bytes: 64 << 10, ..EmbeddedOptions::new(folder.to_owned(), 1 << 30) }
}

fn say(word: &str, id: &str) {
    let _ = writeln!(io::stdout().lock(), "\n{word} {id}");
}

#[test]
#[ignore = "not a test: the process that the test below kills"]
fn busy() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let round = std::env::var(ROUND).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let spool = Arc::new(EmbeddedSpool::open(&options(Path::new(&folder)), Roles::Both, &holder()).unwrap());
        for task in 0..8 {
            let (spool, round) = (Arc::clone(&spool), round.clone());
            tokio::spawn(async move {
                for n in 0.. {
                    let id = format!("{round}-{task}-{n}");
                    spool.append(vec![event(&id, "user")]).await.unwrap();
                    say("acknowledged", &id);
                }
            });
        }
        loop {
            let taken = spool.take(50, Duration::from_secs(1)).await.unwrap();
            let (done, back): (Vec<_>, Vec<_>) = taken.into_iter().partition(|event| event.seq % 3 != 0);
            // Said before it is done: it may be there or not.
            for event in &done {
                say("settling", &event.message_id);
            }
            spool.settle(done.iter().map(|event| event.seq).collect()).await.unwrap();
            for event in &done {
                say("settled", &event.message_id);
            }
            drop(back);
        }
    });
}

#[test]
fn a_process_killed_at_random_moments_loses_nothing_acknowledged_and_repeats_nothing_settled() {
    let seed = u64::from(std::process::id());
    let mut random = StdRng::seed_from_u64(seed);
    let dir = tempfile::tempdir().unwrap();
    let [mut acknowledged, mut settling, mut settled] = [const { BTreeSet::<String>::new() }; 3];
    for round in 0..12 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["spool_kill::busy", "--exact", "--ignored", "--nocapture"])
            .env(FOLDER, dir.path())
            .env(ROUND, round.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut read = |line: Option<io::Result<String>>| {
            let Some(line) = line else { return false };
            match line.unwrap().split_once(' ') {
                Some(("acknowledged", id)) => acknowledged.insert(id.to_owned()),
                Some(("settling", id)) => settling.insert(id.to_owned()),
                Some(("settled", id)) => settled.insert(id.to_owned()),
                _ => false,
            };
            true
        };
        for _ in 0..random.random_range(20..600) {
            assert!(read(lines.next()), "the process goes on until it is killed");
        }
        child.kill().unwrap();
        while read(lines.next()) {}
        child.wait().unwrap();
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut found = BTreeSet::new();
    runtime.block_on(async {
        let spool = EmbeddedSpool::open(&options(dir.path()), Roles::Both, &holder()).unwrap();
        loop {
            let taken = spool.take(500, NO_WAIT).await.unwrap();
            if taken.is_empty() {
                break;
            }
            for event in taken {
                assert!(found.insert(event.message_id.clone()), "seed {seed}: {} twice", event.message_id);
            }
        }
    });
    assert!(acknowledged.len() > 100 && settled.len() > 20, "{} {}", acknowledged.len(), settled.len());
    let lost: Vec<&String> = acknowledged.iter().filter(|id| !found.contains(*id) && !settling.contains(*id)).collect();
    assert!(lost.is_empty(), "seed {seed}: acknowledged and lost: {lost:?}");
    let again: Vec<&String> = settled.intersection(&found).collect();
    assert!(again.is_empty(), "seed {seed}: settled and handed out again: {again:?}");
}
