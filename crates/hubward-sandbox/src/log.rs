//! Owns the request log and what is counted of it. Bodies are kept as they came and looked into only when asked for.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use serde_json::{Value, json};

use crate::route::Budget;

/// Bytes of bodies and answers that the log keeps; beyond it the oldest entries go.
const MOST_BYTES: usize = 64 * 1024 * 1024;
const BURST_MS: i64 = 10_000;
const SECOND_MS: i64 = 1_000;

/// One request and what became of it.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) ms: i64,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) kind: &'static str,
    /// `None`: the connection was cut without an answer.
    pub(crate) status: Option<u16>,
    pub(crate) fault: Option<String>,
    pub(crate) body: Bytes,
    pub(crate) answer: Bytes,
}

/// The most requests in any window of a length.
#[derive(Debug, Default)]
struct Peak {
    times: VecDeque<i64>,
    most: usize,
}

impl Peak {
    fn count(&mut self, now_ms: i64, window_ms: i64) {
        while self.times.front().is_some_and(|at| *at + window_ms <= now_ms) {
            self.times.pop_front();
        }
        self.times.push_back(now_ms);
        self.most = self.most.max(self.times.len());
    }
}

#[derive(Debug, Default)]
pub(crate) struct Log {
    entries: VecDeque<Entry>,
    /// Number of the first entry kept.
    first: u64,
    bytes: usize,
    by_kind: BTreeMap<&'static str, BTreeMap<String, u64>>,
    total: u64,
    throttled: u64,
    burst: Peak,
    search: Peak,
    associations: Peak,
    events: Peak,
}

impl Log {
    /// Counts a request as it arrives, so that the peaks are those of arrival.
    pub(crate) fn arrived(&mut self, budget: Option<Budget>, ms: i64) {
        match budget {
            Some(Budget::Search) => self.search.count(ms, SECOND_MS),
            Some(Budget::Burst) => self.burst.count(ms, BURST_MS),
            Some(Budget::Associations) => self.associations.count(ms, BURST_MS),
            Some(Budget::Events) => self.events.count(ms, SECOND_MS),
            Some(Budget::Exempt) | None => {}
        }
    }

    pub(crate) fn add(&mut self, entry: Entry) {
        self.total += 1;
        self.throttled += u64::from(entry.status == Some(429));
        let status = entry.status.map_or_else(|| "cut".to_owned(), |status| status.to_string());
        *self.by_kind.entry(entry.kind).or_default().entry(status).or_default() += 1;
        self.bytes += size(&entry);
        self.entries.push_back(entry);
        while self.bytes > MOST_BYTES {
            let Some(oldest) = self.entries.pop_front() else {
                break;
            };
            self.bytes -= size(&oldest);
            self.first += 1;
        }
    }

    /// Entries with a number above `after`.
    pub(crate) fn shown(&self, after: u64) -> Value {
        let mut results = Vec::new();
        for (at, entry) in self.entries.iter().enumerate() {
            let seq = self.first + at as u64 + 1;
            if seq <= after {
                continue;
            }
            let body = text_or_json(&entry.body);
            results.push(json!({
                "seq": seq,
                "ms": entry.ms,
                "method": entry.method,
                "path": entry.path,
                "kind": entry.kind,
                "status": entry.status,
                "inputs": inputs(&body),
                "fault": entry.fault,
                "body": body,
                "answer": text_or_json(&entry.answer),
            }));
        }
        json!({ "results": results, "dropped": self.first })
    }

    pub(crate) fn stats(&self) -> Value {
        json!({
            "total": self.total,
            "by_kind": self.by_kind,
            "throttled": self.throttled,
            "max_in_10s": self.burst.most,
            "max_search_in_1s": self.search.most,
            "max_associations_in_10s": self.associations.most,
            "max_events_in_1s": self.events.most,
            "log": { "entries": self.entries.len(), "bytes": self.bytes, "dropped": self.first },
        })
    }
}

fn size(entry: &Entry) -> usize {
    entry.body.len() + entry.answer.len() + entry.path.len() + 200
}

fn text_or_json(body: &Bytes) -> Value {
    if body.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(body).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(body).into_owned()))
}

/// How many records a request named: a batch's inputs, a list's members, one for other bodies, none without a body.
fn inputs(body: &Value) -> usize {
    match body {
        Value::Null => 0,
        Value::Array(items) => items.len(),
        _ => {
            let keys = ["inputs", "recordIdsToAdd", "recordIdsToRemove"];
            let named: Vec<&Vec<Value>> = keys.iter().filter_map(|key| body.get(key)?.as_array()).collect();
            if named.is_empty() { 1 } else { named.into_iter().map(Vec::len).sum() }
        }
    }
}
