//! What an observer (request log, progress, counters) is told: every sending of every request, without headers, and
//! without the bodies of token calls.

use bytes::Bytes;
use http::Method;
use jiff::Timestamp;

use crate::request::{CallMeta, RequestKind};

/// How one sending ended, as far as the client is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AttemptOutcome {
    /// A success status with a readable body.
    Ok,
    /// 429; it will be repeated unless patience has run out.
    Throttled,
    /// Another failure after which the request is sent again.
    Retried,
    /// A failure that is handed to the caller.
    Failed,
}

impl AttemptOutcome {
    /// The word used in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Throttled => "throttled",
            Self::Retried => "retried",
            Self::Failed => "failed",
        }
    }
}

/// One sending of one request.
#[derive(Debug)]
pub struct Attempt<'a> {
    pub meta: &'a CallMeta,
    pub kind: RequestKind,
    pub method: &'a Method,
    /// Path and query.
    pub path: &'a str,
    /// None without a body, and for token calls.
    pub request: Option<&'a Bytes>,
    /// None when there was no answer.
    pub status: Option<u16>,
    /// Empty when there was no answer, and for token calls.
    pub response: Bytes,
    /// What went wrong, in HubSpot's words or ours.
    pub error: Option<&'a str>,
    pub started_at: Timestamp,
    /// From sending to the last byte of the answer, waiting for limits not included.
    pub ms: u64,
    /// 1 for the first sending.
    pub attempt: u32,
    pub inputs: usize,
    pub outcome: AttemptOutcome,
}

/// Is told of every sending, on the task that sent it: it must be quick and must not block.
pub trait Observer: Send + Sync {
    fn attempt(&self, attempt: &Attempt<'_>);
}
