//! The intake over a socket: every answer, and what stands in the spool after it.

mod answers;
mod calls;
mod robust;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hubward_core::WallClock;
use hubward_intake::receive::{Intake, IntakeParts, KeepRefused, RefusedCall, WriteKeys};
use hubward_store::{EmbeddedOptions, EmbeddedSpool, Holder, Roles, Spool, Stored};
use jiff::Timestamp;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

const WEB_KEY: &str = "web-key";
const APP_KEY: &str = "app-key";
const NOW: &str = "2026-12-01T12:00:00Z";

/// Always the same time.
struct Noon;

impl WallClock for Noon {
    fn now(&self) -> Timestamp {
        NOW.parse().expect("a time")
    }
}

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<RefusedCall>>>);

impl KeepRefused for Kept {
    fn keep(&self, _: Timestamp, calls: &[RefusedCall]) -> Result<(), String> {
        self.0.lock().expect("nobody panicked").extend_from_slice(calls);
        Ok(())
    }
}

/// An intake on a free port, with a spool of its own.
struct Running {
    url: String,
    http: reqwest::Client,
    spool: Arc<EmbeddedSpool>,
    kept: Kept,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
    _folder: TempDir,
}

impl Running {
    async fn start() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut EmbeddedOptions)) -> Self {
        let folder = TempDir::new().expect("a folder");
        let mut options = EmbeddedOptions::new(folder.path().to_owned(), 64 << 20);
        change(&mut options);
        let holder = Holder { pid: 1, command: "test".to_owned(), started_at: Timestamp::UNIX_EPOCH };
        let spool = Arc::new(EmbeddedSpool::open(&options, Roles::Both, &holder).expect("the spool opens"));
        let kept = Kept::default();
        let ids = AtomicU64::new(0);
        let intake = Intake::new(IntakeParts {
            keys: WriteKeys::new(vec![("web".into(), WEB_KEY.into()), ("app".into(), APP_KEY.into())]),
            spool: Arc::clone(&spool) as Arc<dyn Spool>,
            clock: Arc::new(Noon),
            new_id: Arc::new(move || format!("made-{}", ids.fetch_add(1, Ordering::SeqCst))),
            refused: Arc::new(kept.clone()),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(async move {
            let stopped = async {
                let _ = stopped.await;
            };
            intake.serve(listener, stopped).await.expect("served");
        });
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        Self { url, http, spool, kept, stop, served, _folder: folder }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
    }

    /// A POST with the web's key.
    async fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> (StatusCode, Value) {
        answer(self.request(Method::POST, path).basic_auth(WEB_KEY, Some("")).body(body)).await
    }

    /// Everything that is in the spool and was not looked at yet.
    async fn events(&self) -> Vec<Stored> {
        self.spool.take(10_000, Duration::ZERO).await.expect("taken")
    }

    /// The one event that is there.
    async fn event(&self) -> (Stored, Value) {
        let mut events = self.events().await;
        assert_eq!(events.len(), 1, "{events:?}");
        let event = events.remove(0);
        let call = serde_json::from_slice(&event.payload).expect("JSON");
        (event, call)
    }
}

async fn answer(request: RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.expect("an answer");
    assert_eq!(response.headers()["access-control-allow-origin"], "*");
    let status = response.status();
    let text = response.text().await.expect("a body");
    let document = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect("JSON") };
    (status, document)
}
