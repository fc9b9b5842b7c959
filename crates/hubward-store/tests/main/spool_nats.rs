//! The spool on a real NATS server that each test starts for itself; skipped where there is none.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hubward_store::{Appended, NatsOptions, NatsSpool, NewEvent, Roles, Spool, SpoolError};
use tempfile::TempDir;

use crate::spool::event;

const URL: &str = "HUBWARD_STORE_TEST_NATS";
const NAME: &str = "HUBWARD_STORE_TEST_NATS_NAME";
/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(90);
const A_WHILE: Duration = Duration::from_millis(300);

struct Server {
    child: Child,
    url: String,
    port: u16,
    folder: TempDir,
}

impl Server {
    fn start() -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = TempDir::new().unwrap();
        let Some(child) = Self::spawn(port, &folder) else {
            crate::skipped("there is no nats-server here (Debian: apt-get install nats-server)");
            return None;
        };
        let server = Self { child, url: format!("nats://127.0.0.1:{port}"), port, folder };
        server.wait();
        Some(server)
    }

    fn spawn(port: u16, folder: &TempDir) -> Option<Child> {
        let mut command = Command::new("nats-server");
        command
            .args(["--addr", "127.0.0.1", "--port", &port.to_string(), "--jetstream", "--store_dir"])
            .arg(folder.path());
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()
    }

    fn wait(&self) {
        let began = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(began.elapsed() < PATIENCE, "the server does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn restart(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.child = Self::spawn(self.port, &self.folder).unwrap();
        self.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn options(url: &str) -> NatsOptions {
    NatsOptions { lease: Duration::from_secs(2), ..NatsOptions::new(url.into(), "events".to_owned(), 64 << 20) }
}

async fn open(url: &str, roles: Roles, id: &str) -> NatsSpool {
    NatsSpool::open(&options(url), roles, id).await.unwrap()
}

fn number(event: &str) -> u64 {
    event.rsplit('-').next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_are_handed_out_in_order_settled_and_known_again() {
    let Some(mut server) = Server::start() else { return };
    let spool = open(&server.url, Roles::Both, "one").await;
    let events: Vec<NewEvent> = (0..100).map(|n| event(&n.to_string(), &format!("user {}", n % 7))).collect();
    assert_eq!(spool.append(events.clone()).await.unwrap(), Appended { accepted: 100, duplicates: 0 });
    assert_eq!(spool.append(events[..10].to_vec()).await.unwrap(), Appended { accepted: 0, duplicates: 10 });
    let other = NewEvent { source: "app".to_owned(), ..events[0].clone() };
    assert_eq!(spool.append(vec![other]).await.unwrap().accepted, 1);
    let depth = spool.depth().await.unwrap();
    assert_eq!((depth.events, depth.oldest_received_at_ms, depth.max_bytes), (101, Some(1_000), 64 << 20));
    assert!(depth.bytes > 5_000);

    let mut taken = Vec::new();
    while taken.len() < 101 {
        taken.extend(spool.take(30, PATIENCE).await.unwrap());
    }
    let mut last = BTreeMap::new();
    for event in taken.iter().filter(|event| event.source == "web") {
        let before = last.insert(event.order_key.clone(), number(&event.message_id));
        assert!(before < Some(number(&event.message_id)), "{} after {before:?}", event.message_id);
        let new = &events[number(&event.message_id) as usize];
        assert_eq!((&event.payload, &event.order_key, event.received_at_ms), (&new.payload, &new.order_key, 1_000));
    }
    let seqs: Vec<u64> = taken.iter().map(|event| event.seq).collect();
    spool.release(seqs[..3].to_vec()).await.unwrap();
    let again = spool.take(10, PATIENCE).await.unwrap();
    assert_eq!(again.iter().map(|event| event.seq).collect::<BTreeSet<_>>(), seqs[..3].iter().copied().collect());
    assert!(again.iter().all(|event| event.deliveries > 1));
    spool.settle(seqs.clone()).await.unwrap();
    assert_eq!(spool.depth().await.unwrap().events, 0);

    spool.remember(vec![("u 1".to_owned(), "a@example.com".to_owned())]).await.unwrap();
    spool.remember(vec![("u 1".to_owned(), "b@example.com".to_owned())]).await.unwrap();
    spool.append(vec![event("late-1", "user")]).await.unwrap();
    server.restart();
    let recalled = loop {
        match spool.recall(vec!["u 1".to_owned(), "u 2".to_owned()]).await {
            Ok(values) => break values,
            Err(_) => tokio::time::sleep(A_WHILE).await,
        }
    };
    assert_eq!(recalled, [Some("b@example.com".to_owned()), None]);
    let late = spool.take(10, PATIENCE).await.unwrap();
    assert_eq!(late[0].message_id, "late-1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_stream_refuses_and_takes_events_again() {
    let Some(server) = Server::start() else { return };
    let small = NatsOptions { max_bytes: 100_000, ..options(&server.url) };
    let spool = NatsSpool::open(&small, Roles::Both, "one").await.unwrap();
    let large = |n: u64| NewEvent { payload: Bytes::from(vec![b'x'; 5_000]), ..event(&n.to_string(), "user") };
    let mut accepted = 0;
    let full = loop {
        match spool.append(vec![large(accepted)]).await {
            Ok(_) => accepted += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(full, SpoolError::Full { max_bytes: 100_000, .. }), "{full}");
    assert_eq!(spool.depth().await.unwrap().events, accepted);
    let taken = spool.take(5, PATIENCE).await.unwrap();
    spool.settle(taken.iter().map(|event| event.seq).collect()).await.unwrap();
    assert_eq!(spool.append(vec![large(accepted)]).await.unwrap().accepted, 1);
}

#[tokio::test]
async fn what_is_no_server_and_what_is_no_spool_is_told() {
    let error = NatsSpool::open(&options("nats://me:hunter2@127.0.0.1:1"), Roles::Intake, "one").await.unwrap_err();
    let told = error.to_string();
    assert!(told.contains("nats://127.0.0.1:1 cannot be reached") && !told.contains("hunter2"), "{told}");
    let Some(server) = Server::start() else { return };
    let context = async_nats::jetstream::new(async_nats::connect(&server.url).await.unwrap());
    let foreign = async_nats::jetstream::stream::Config {
        name: "events".to_owned(),
        subjects: vec!["orders.*".to_owned()],
        ..Default::default()
    };
    context.create_stream(foreign).await.unwrap();
    let error = NatsSpool::open(&options(&server.url), Roles::Intake, "one").await.unwrap_err().to_string();
    assert!(error.contains("is not a spool of hubward's"), "{error}");
}

#[test]
#[ignore = "not a test: the intake that the test below kills"]
fn intake() {
    let Ok(url) = std::env::var(URL) else { return };
    let name = std::env::var(NAME).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let spool = Arc::new(open(&url, Roles::Intake, &name).await);
        for n in 0.. {
            let id = format!("{name}-{n}");
            spool.append(vec![event(&id, &format!("{name} {}", n % 5))]).await.unwrap();
            let _ = writeln!(io::stdout().lock(), "\nacknowledged {id}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
}

#[test]
#[ignore = "not a test: the worker that the test below kills"]
fn worker() {
    let Ok(url) = std::env::var(URL) else { return };
    let name = std::env::var(NAME).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let spool = open(&url, Roles::Worker, &name).await;
        loop {
            let taken = spool.take(10, Duration::from_secs(1)).await.unwrap();
            for event in &taken {
                let _ = writeln!(io::stdout().lock(), "\ntaken {} {}", event.message_id, event.order_key);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
            if spool.settle(taken.iter().map(|event| event.seq).collect()).await.is_ok() {
                for event in &taken {
                    let _ = writeln!(io::stdout().lock(), "\nsettled {}", event.message_id);
                }
            }
        }
    });
}

/// One of the two processes above, and a thread that gathers the words it says.
fn process(role: &str, name: &str, url: &str) -> (Child, std::thread::JoinHandle<Vec<String>>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([&format!("spool_nats::{role}"), "--exact", "--ignored", "--nocapture"])
        .env(URL, url)
        .env(NAME, name)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let said = std::thread::spawn(move || lines.map_while(Result::ok).collect());
    (child, said)
}

fn words<'s>(said: &'s [String], word: &str) -> Vec<&'s str> {
    said.iter().filter_map(|line| line.strip_prefix(word)?.strip_prefix(' ')).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_intakes_and_two_workers_share_the_load_and_one_of_each_may_die() {
    let Some(server) = Server::start() else { return };
    let mut intakes = ["red", "blue"].map(|name| process("intake", name, &server.url));
    let mut workers = ["first", "second"].map(|name| process("worker", name, &server.url));
    // Long enough that both workers have their share, and that the leases of a dead one end.
    tokio::time::sleep(Duration::from_secs(6)).await;
    workers[0].0.kill().unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    intakes[0].0.kill().unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    intakes[1].0.kill().unwrap();
    let watcher = open(&server.url, Roles::Intake, "watcher").await;
    let began = Instant::now();
    while watcher.depth().await.unwrap().events > 0 {
        assert!(began.elapsed() < PATIENCE, "the other worker takes over: {:?}", watcher.depth().await.unwrap());
        tokio::time::sleep(A_WHILE).await;
    }
    tokio::time::sleep(A_WHILE).await;
    workers[1].0.kill().unwrap();
    let mut acknowledged = BTreeSet::new();
    for (mut child, said) in intakes {
        child.wait().unwrap();
        acknowledged.extend(words(&said.join().unwrap(), "acknowledged").into_iter().map(str::to_owned));
    }
    let mut settled = BTreeSet::new();
    let mut taken = BTreeSet::new();
    for (mut child, said) in workers {
        child.wait().unwrap();
        let said = said.join().unwrap();
        let mut last: BTreeMap<&str, u64> = BTreeMap::new();
        let mut here = 0;
        for line in words(&said, "taken") {
            let (id, key) = line.split_once(' ').unwrap();
            taken.insert(id.to_owned());
            let before = last.insert(key, number(id));
            assert!(before < Some(number(id)), "{id} came after {before:?} of the same user");
            here += 1;
        }
        assert!(here > 20, "each worker had its share: {here}");
        for id in words(&said, "settled") {
            assert!(settled.insert(id.to_owned()), "{id} was settled by both");
        }
    }
    assert!(acknowledged.len() > 200, "{}", acknowledged.len());
    let lost: Vec<_> = acknowledged.difference(&taken).collect();
    assert!(lost.is_empty(), "acknowledged and never handed out: {lost:?}");
}
