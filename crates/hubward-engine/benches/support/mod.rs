//! What the measurements of the engine share: a sandbox in a process of its own, an engine that reaches it over a real
//! loopback socket, and the process's own figures.
//!
//! The sandbox is the same program, started again with other arguments, so that its memory and its processor time do not
//! mix with those of the engine.

pub(crate) mod process;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use hubward_core::spec::{Conversion, Location, MapEntry, MapSource, WriteRule};
use hubward_core::{SecretString, WallClock};
use hubward_engine::{Engine, EngineConfig, Recorder, Silent};
use hubward_hubspot::{ApiVersion, Auth, Client, ClientConfig, HttpOptions, HttpTransport, Observer};
use hubward_sandbox::{Sandbox, SandboxConfig, TOKEN};
use hubward_store::StateDb;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// The first argument of the process that is the sandbox.
const SERVE: &str = "serve-sandbox";

/// The arguments that a person gave; `cargo bench` hands its own flag down.
pub(crate) fn arguments() -> Vec<String> {
    std::env::args().skip(1).filter(|argument| argument != "--bench").collect()
}

/// Where measurements keep their files: `bench-data` in the target folder.
pub(crate) fn data_folder() -> PathBuf {
    let target =
        Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the target folder has a folder for temporaries");
    let folder = target.join("bench-data");
    std::fs::create_dir_all(&folder).expect("the target folder can be written");
    folder
}

/// Processor seconds and load distort wall time, so both stand beside every figure.
pub(crate) fn load_average() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or("unknown").to_owned()
}

struct SystemClock;

impl WallClock for SystemClock {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::now()
    }
}

/// A sandbox in its own process; it ends with this value, or with this process.
pub(crate) struct Account {
    pub(crate) child: Child,
    address: SocketAddr,
}

impl Account {
    pub(crate) fn start(tier: &str, latency_ms: u64) -> Self {
        let program = std::env::current_exe().expect("this program has a path");
        let mut child = Command::new(program)
            .args([SERVE, tier, &latency_ms.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the sandbox starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("its output is piped");
        BufReader::new(stdout).read_line(&mut line).expect("the sandbox says where it listens");
        let address = line.trim().parse().expect("an address");
        Self { child, address }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Calls the sandbox's control API, which counts in no limit and in no statistics.
    pub(crate) fn control(&self, method: &str, path: &str, body: &str) -> Value {
        self.typed(method, path, body)
    }

    /// The same, for an answer too large for a tree of JSON.
    pub(crate) fn typed<T: DeserializeOwned>(&self, method: &str, path: &str, body: &str) -> T {
        let mut stream = TcpStream::connect(self.address).expect("the sandbox listens");
        write!(
            stream,
            "{method} /_sandbox/{path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        )
        .expect("the sandbox reads");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("the sandbox answers");
        let head = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("an answer has a head");
        let body = answer.split_off(head + 4);
        assert!(answer.starts_with(b"HTTP/1.1 200"), "{method} {path}: {}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).expect("the answer has this form")
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        // Either it has ended, or there is nothing to wait for.
        let _ = self.child.wait();
    }
}

/// Is the sandbox until standard input ends, if this process was started as one.
pub(crate) fn served_sandbox() -> bool {
    let arguments = arguments();
    let [first, tier, latency_ms] = arguments.as_slice() else { return false };
    if first != SERVE {
        return false;
    }
    let mut config = SandboxConfig::new(jiff::Timestamp::now());
    config.tier = tier.parse().expect("a tier");
    config.latency = Duration::from_millis(latency_ms.parse().expect("milliseconds"));
    let sandbox = Sandbox::new(config);
    runtime().block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        writeln!(std::io::stdout(), "{address}").expect("the caller reads");
        let (end, ended) = oneshot::channel::<()>();
        std::thread::spawn(move || {
            // Ends when the caller does, however it does.
            let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
            drop(end);
        });
        let shutdown = async move {
            let _ = ended.await;
        };
        sandbox.serve(listener, shutdown).await.expect("the sandbox serves");
    });
    true
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime")
}

/// An engine with everything that a run of the program has: request log, ledger, state of the project.
pub(crate) async fn engine(account: &Account, state_dir: &Path) -> Engine {
    std::fs::create_dir_all(state_dir).expect("the project's folder can be written");
    let db = StateDb::open(&state_dir.join("state.sqlite")).expect("a state database");
    let recorder = Recorder::new(Some(db.clone()));
    let mut config = ClientConfig::new(Auth::Token(SecretString::from(TOKEN)));
    config.base_url = account.url();
    let wall: Arc<dyn WallClock> = Arc::new(SystemClock);
    let client = Client::new(
        config,
        Arc::new(HttpTransport::new(&HttpOptions::default()).expect("a transport")),
        Arc::clone(&wall),
        Some(Arc::clone(&recorder) as Arc<dyn Observer>),
    );
    engine_with(client, recorder, Some(db), wall, state_dir).await
}

/// An engine on a client; without a database nothing is logged.
pub(crate) async fn engine_with(
    client: Client,
    recorder: Arc<Recorder>,
    db: Option<StateDb>,
    wall: Arc<dyn WallClock>,
    state_dir: &Path,
) -> Engine {
    Engine::connect(EngineConfig {
        client,
        version: ApiVersion::V2026_09,
        recorder,
        db,
        state_dir: state_dir.to_owned(),
        wall,
        progress: Arc::new(Silent),
        read: hubward_sources::ReadOptions::default(),
        expected_portal_id: None,
        search_settles_after: hubward_engine::SEARCH_SETTLES_AFTER,
        events_settle_after: hubward_engine::EVENTS_SETTLE_AFTER,
    })
    .await
    .expect("the sandbox accepts its token")
}

/// A column mapped to a property.
pub(crate) fn mapped(property: &str, column: &str) -> MapEntry {
    MapEntry {
        property: property.to_owned(),
        source: MapSource::Column(column.to_owned()),
        conversion: Conversion::Auto,
        write: WriteRule::Always,
        force: false,
        at: Location::default(),
    }
}
