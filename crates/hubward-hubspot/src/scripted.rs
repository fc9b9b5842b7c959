//! A transport for tests: it answers by a script, takes fifty milliseconds for each answer, and keeps what was sent.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use hubward_core::{SecretString, WallClock};
use jiff::Timestamp;

use crate::client::Client;
use crate::config::{Auth, ClientConfig};
use crate::observe::{Attempt, AttemptOutcome, Observer};
use crate::transport::{HttpRequest, HttpResponse, Transport, TransportError, TransportErrorKind};

/// One scripted answer.
pub(crate) enum Step {
    Answer(u16, &'static [(&'static str, &'static str)], &'static str),
    Broken(TransportErrorKind),
}

#[derive(Default)]
pub(crate) struct Script {
    steps: Mutex<VecDeque<Step>>,
    seen: Mutex<Vec<HttpRequest>>,
}

impl Script {
    pub(crate) fn of(steps: Vec<Step>) -> Arc<Self> {
        Arc::new(Self { steps: Mutex::new(steps.into()), seen: Mutex::default() })
    }

    pub(crate) fn sent(&self) -> usize {
        self.seen.lock().expect("no panic").len()
    }

    pub(crate) fn seen<T>(&self, index: usize, look: impl Fn(&HttpRequest) -> T) -> T {
        look(&self.seen.lock().expect("no panic")[index])
    }

    pub(crate) fn authorization(&self, index: usize) -> String {
        self.seen(index, |request| {
            let value = request.headers.get(AUTHORIZATION);
            let value = value.expect("every call but a token call has one");
            value.to_str().expect("text").to_owned()
        })
    }
}

impl Transport for Script {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, TransportError>> {
        self.seen.lock().expect("no panic").push(request);
        let step = self.steps.lock().expect("no panic").pop_front();
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(50)).await;
            match step.expect("the script has a step for every sending") {
                Step::Answer(status, fields, body) => {
                    let mut headers = HeaderMap::new();
                    for (name, value) in fields {
                        headers.insert(*name, HeaderValue::from_static(value));
                    }
                    Ok(HttpResponse { status, headers, body: Bytes::from_static(body.as_bytes()) })
                }
                Step::Broken(kind) => Err(TransportError { kind, message: "broken by the script".to_owned() }),
            }
        })
    }
}

pub(crate) struct Noon;

impl WallClock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
}

/// (attempt, outcome, what the observer was shown)
pub(crate) type Entry = (u32, AttemptOutcome, String);

#[derive(Default)]
pub(crate) struct Log(Mutex<Vec<Entry>>);

impl Log {
    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.0.lock().expect("no panic").clone()
    }
}

impl Observer for Log {
    fn attempt(&self, attempt: &Attempt<'_>) {
        let shown = format!(
            "{attempt:?} {} {}",
            String::from_utf8_lossy(attempt.request.map(|body| &body[..]).unwrap_or_default()),
            String::from_utf8_lossy(&attempt.response)
        );
        let entry = (attempt.attempt, attempt.outcome, shown);
        self.0.lock().expect("no panic").push(entry);
    }
}

pub(crate) fn client(script: &Arc<Script>, auth: Auth) -> (Client, Arc<Log>) {
    let log = Arc::new(Log::default());
    let transport: Arc<dyn Transport> = Arc::<Script>::clone(script);
    let observer: Arc<dyn Observer> = Arc::<Log>::clone(&log);
    let client = Client::new(ClientConfig::new(auth), transport, Arc::new(Noon), Some(observer));
    (client, log)
}

pub(crate) fn token(text: &str) -> Auth {
    Auth::Token(SecretString::from(text.to_owned()))
}
