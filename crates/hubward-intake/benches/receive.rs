//! Acknowledged durable events: `cargo bench -p hubward-intake --bench receive -- [SECONDS] [FOLDER] [CLIENTS]`, 10 seconds
//! for each measurement and 100 clients by default.
//!
//! The intake, its embedded spool and the clients share this process and its cores. Each client keeps one connection and sends
//! its next request when the last is answered, so an answer's time is what a client waits. The disk's own ceiling is measured
//! in the same run, before and after: appends of the same size, each made durable before the next. The folder, by default under
//! the system's temporary one, must be on the disk that is to be measured; it is deleted at the end.
#![expect(clippy::print_stdout, reason = "figures are its output")]

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hubward_core::WallClock;
use hubward_intake::receive::{Intake, IntakeParts, KeepRefused, RefusedCall, WriteKeys};
use hubward_store::spool::SpoolStep;
use hubward_store::{EmbeddedOptions, EmbeddedSpool, Holder, Roles, Spool};
use jiff::Timestamp;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

const ANSWER: &[u8] = b"{\"success\":true}";
/// A write key `bench` with its colon, in base64.
const AUTHORIZATION: &str = "Basic YmVuY2g6";

struct SystemClock;

impl WallClock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// Every call of this bench is good.
struct NoneRefused;

impl KeepRefused for NoneRefused {
    fn keep(&self, _: Timestamp, calls: &[RefusedCall]) -> Result<(), String> {
        Err(format!("a call was refused: {calls:?}"))
    }
}

fn main() {
    // `cargo bench` hands its own flag down, and `cargo test` runs this without a size.
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let seconds: u64 = arguments.next().map_or(10, |text| text.parse().expect("SECONDS is a number"));
    let folder = arguments.next().map_or_else(std::env::temp_dir, Into::into);
    let clients: usize = arguments.next().map_or(100, |text| text.parse().expect("CLIENTS is a number"));
    let time = Duration::from_secs(seconds);
    let folder = tempfile::tempdir_in(folder).expect("a folder in FOLDER");
    println!("{clients} clients, {seconds} s each");
    ceiling(folder.path(), time / 4, call(0, 0).len());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    for batch in [1, 100] {
        runtime.block_on(measure(&folder.path().join(format!("spool-{batch}")), time, clients, batch));
    }
    ceiling(folder.path(), time / 4, call(0, 0).len());
}

/// What the disk does by itself: one event after another, each durable before the next, and a group of a hundred.
fn ceiling(folder: &Path, time: Duration, event: usize) {
    for events in [1, 100] {
        let path = folder.join("ceiling");
        let mut file = File::create(&path).expect("a file");
        let bytes = vec![b'x'; event * events];
        let mut times = Vec::new();
        let began = Instant::now();
        while began.elapsed() < time {
            let start = Instant::now();
            file.write_all(&bytes).expect("written");
            file.sync_data().expect("synced");
            times.push(start.elapsed());
        }
        let syncs = times.len() as f64 / began.elapsed().as_secs_f64();
        println!(
            "the disk alone, {events} events a sync: {syncs:.0} syncs/s, {:.0} events/s, p50 {:.2} ms, p99 {:.2} ms",
            syncs * events as f64,
            quantile(&mut times, 0.50),
            quantile(&mut times, 0.99),
        );
        std::fs::remove_file(&path).expect("deleted");
    }
}

async fn measure(folder: &Path, time: Duration, clients: usize, batch: usize) {
    let syncs = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&syncs);
    let mut options = EmbeddedOptions::new(folder.to_owned(), 64 << 30);
    options.on_step = Some(Arc::new(move |step| {
        if step == SpoolStep::GroupSynced {
            counted.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }));
    let holder = Holder { pid: std::process::id(), command: "bench".to_owned(), started_at: Timestamp::now() };
    let spool = Arc::new(EmbeddedSpool::open(&options, Roles::Intake, &holder).expect("the spool opens"));
    let ids = AtomicU64::new(0);
    let intake = Intake::new(IntakeParts {
        keys: WriteKeys::new(vec![("bench".into(), "bench".into())]),
        spool: Arc::clone(&spool) as Arc<dyn Spool>,
        clock: Arc::new(SystemClock),
        new_id: Arc::new(move || ids.fetch_add(1, Ordering::Relaxed).to_string()),
        refused: Arc::new(NoneRefused),
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = oneshot::channel::<()>();
    let served = tokio::spawn(async move {
        let stopped = async {
            let _ = stopped.await;
        };
        intake.serve(listener, stopped).await.expect("served");
    });
    let began = Instant::now();
    let sending: Vec<_> = (0..clients)
        .map(|client| tokio::spawn(send(TcpStream::connect(address), client, batch, began + time)))
        .collect();
    let mut times = Vec::new();
    for client in sending {
        times.extend(client.await.expect("the client went through"));
    }
    let elapsed = began.elapsed().as_secs_f64();
    stop.send(()).expect("it serves");
    served.await.expect("it ends");
    let events = (times.len() * batch) as u64;
    assert_eq!(spool.depth().await.expect("a depth").events, events, "every acknowledged event is there");
    let syncs = syncs.load(Ordering::Relaxed);
    println!(
        "batches of {batch}: {:.0} events/s acknowledged, {:.0} requests/s, p50 {:.2} ms, p99 {:.2} ms; {:.0} syncs/s, {:.1} events a sync",
        events as f64 / elapsed,
        times.len() as f64 / elapsed,
        quantile(&mut times, 0.50),
        quantile(&mut times, 0.99),
        syncs as f64 / elapsed,
        events as f64 / syncs as f64,
    );
    spool.close().await.expect("closed");
}

/// One client: the times of its answers.
async fn send(
    connecting: impl Future<Output = std::io::Result<TcpStream>>,
    client: usize,
    batch: usize,
    until: Instant,
) -> Vec<Duration> {
    let mut stream = connecting.await.expect("connected");
    stream.set_nodelay(true).expect("a socket option");
    let mut times = Vec::new();
    let mut answer = Vec::new();
    for number in 0.. {
        let (path, body) = if batch == 1 {
            ("track", call(client, number))
        } else {
            let calls: Vec<String> = (0..batch).map(|n| call(client, number * batch + n)).collect();
            ("batch", format!("{{\"batch\":[{}],\"sentAt\":\"2026-12-01T12:00:00.000Z\"}}", calls.join(",")))
        };
        let request = format!(
            "POST /v1/{path} HTTP/1.1\r\nhost: bench\r\nauthorization: {AUTHORIZATION}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let start = Instant::now();
        if start >= until {
            break;
        }
        stream.write_all(request.as_bytes()).await.expect("sent");
        answer.clear();
        while !answer.ends_with(ANSWER) {
            let read = stream.read_buf(&mut answer).await.expect("an answer");
            assert!(read > 0, "{}", String::from_utf8_lossy(&answer));
        }
        times.push(start.elapsed());
        assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    }
    times
}

/// A call as a shop sends it.
fn call(client: usize, number: usize) -> String {
    format!(
        "{{\"type\":\"track\",\"userId\":\"user-{client}\",\"event\":\"Product Viewed\",\"messageId\":\"bench-{client}-{number}\",\
         \"timestamp\":\"2026-12-01T11:59:58.123Z\",\"properties\":{{\"product_id\":\"507f1f77bcf86cd799439011\",\"sku\":\"G-32\",\
         \"category\":\"Games\",\"name\":\"Monopoly: 3rd Edition\",\"price\":18.99,\"quantity\":1,\"url\":\"https://www.example.com/product/path\"}},\
         \"context\":{{\"library\":{{\"name\":\"analytics.js\",\"version\":\"2.11.1\"}},\"ip\":\"203.0.113.7\"}}}}"
    )
}

/// Milliseconds.
fn quantile(times: &mut [Duration], part: f64) -> f64 {
    times.sort_unstable();
    let at = ((times.len() as f64 * part) as usize).min(times.len().saturating_sub(1));
    times.get(at).map_or(0.0, |time| time.as_secs_f64() * 1_000.0)
}
