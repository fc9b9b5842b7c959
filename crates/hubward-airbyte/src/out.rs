//! What goes to stdout: one protocol message a line, absent fields left out, each line flushed when it is written.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use hubward_core::WallClock;
use serde::Serialize;
use serde_json::{Value, json};

use crate::failure::Failure;

/// Levels of a LOG message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    Error,
    Warn,
    Info,
    Debug,
}

/// The one way out. Clones share it.
#[derive(Clone)]
pub struct Out {
    to: Arc<Mutex<Box<dyn Write + Send>>>,
    clock: Arc<dyn WallClock>,
    /// Logs and failures as plain lines, and no messages of the protocol.
    plain: bool,
}

impl Out {
    #[must_use]
    pub fn new(to: Box<dyn Write + Send>, clock: Arc<dyn WallClock>) -> Self {
        Self { to: Arc::new(Mutex::new(to)), clock, plain: false }
    }

    /// For people: what the log says, and why something failed, one plain line each.
    #[must_use]
    pub fn plain(to: Box<dyn Write + Send>, clock: Arc<dyn WallClock>) -> Self {
        Self { plain: true, ..Self::new(to, clock) }
    }

    /// For people who read the connection's log. A reader that went away does not stop the work for it.
    pub fn log(&self, level: Level, message: &str) {
        if self.plain {
            let word = match level {
                Level::Error => "error: ",
                Level::Warn => "warning: ",
                Level::Info | Level::Debug => "",
            };
            let _ = self.line(&format!("{word}{message}"));
            return;
        }
        let _ = self.message(&json!({ "type": "LOG", "log": { "level": level, "message": message } }));
    }

    pub(crate) fn warn(&self, message: &str) {
        self.log(Level::Warn, message);
    }

    pub(crate) fn info(&self, message: &str) {
        self.log(Level::Info, message);
    }

    /// TRACE ERROR. Every failure is told by one, whatever else follows.
    pub fn failure(&self, failure: &Failure) {
        if self.plain {
            self.log(Level::Error, &failure.message);
            return;
        }
        let _ = self.message(&json!({ "type": "TRACE", "trace": {
            "type": "ERROR",
            "emitted_at": self.emitted_at(),
            "error": failure.error(),
        }}));
    }

    /// CONTROL: the platform is to keep this configuration from now on.
    pub(crate) fn config(&self, config: &Value) {
        if self.plain {
            self.log(
                Level::Warn,
                "HubSpot has replaced the refresh token; the one in the configuration may be worthless now: let the app \
                 in again and put the new one there",
            );
            return;
        }
        let _ = self.message(&json!({ "type": "CONTROL", "control": {
            "type": "CONNECTOR_CONFIG",
            "emitted_at": self.emitted_at(),
            "connectorConfig": { "config": config },
        }}));
    }

    /// SPEC.
    ///
    /// # Errors
    /// Stdout cannot be written.
    pub fn spec(&self, spec: &Value) -> io::Result<()> {
        self.message(&json!({ "type": "SPEC", "spec": spec }))
    }

    /// CONNECTION_STATUS SUCCEEDED.
    ///
    /// # Errors
    /// Stdout cannot be written.
    pub fn succeeded(&self) -> io::Result<()> {
        self.message(&json!({ "type": "CONNECTION_STATUS", "connectionStatus": { "status": "SUCCEEDED" } }))
    }

    /// TRACE ERROR, then CONNECTION_STATUS FAILED with the same words.
    ///
    /// # Errors
    /// Stdout cannot be written.
    pub fn failed(&self, failure: &Failure, words: &str) -> io::Result<()> {
        self.failure(failure);
        let message = format!("{words} Error: {}", failure.message);
        self.message(&json!({
            "type": "CONNECTION_STATUS",
            "connectionStatus": { "status": "FAILED", "message": message },
        }))
    }

    /// DESTINATION_CATALOG.
    ///
    /// # Errors
    /// Stdout cannot be written.
    pub fn catalog(&self, operations: &[Value]) -> io::Result<()> {
        self.message(&json!({ "type": "DESTINATION_CATALOG", "destination_catalog": { "operations": operations } }))
    }

    /// A STATE whose object is rendered already.
    ///
    /// # Errors
    /// Stdout cannot be written: the platform will not see the acknowledgement.
    pub(crate) fn state(&self, state: &str) -> io::Result<()> {
        self.line(&format!("{{\"type\":\"STATE\",\"state\":{state}}}"))
    }

    fn message(&self, message: &Value) -> io::Result<()> {
        debug_assert!(!self.plain, "the protocol is not for people");
        self.line(&message.to_string())
    }

    fn line(&self, line: &str) -> io::Result<()> {
        let mut to = self.to.lock().unwrap_or_else(PoisonError::into_inner);
        to.write_all(line.as_bytes())?;
        to.write_all(b"\n")?;
        to.flush()
    }

    /// Milliseconds, as the protocol's number.
    fn emitted_at(&self) -> f64 {
        self.clock.now().as_millisecond() as f64
    }
}
