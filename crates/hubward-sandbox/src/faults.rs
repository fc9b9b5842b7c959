//! Owns scripted faults: which request one strikes, and what it does to it (interface.md 3, api.md item 32).

use regex::Regex;
use serde::Deserialize;
use serde_json::Value;

use crate::answers::Refusal;
use crate::limits;
use crate::route::kinds;

/// Each lock of an account lasts that long `[DOC-ERR]`.
const LOCK_MS: i64 = 2_000;
/// What 477 asks for when the fault does not say, in seconds.
const MIGRATION_S: u64 = 3_600;

/// When a reset cuts the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Reset {
    Before,
    After,
}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct MatchInput {
    method: Option<String>,
    path_regex: Option<String>,
    kind: Option<String>,
}

/// What a fault does.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Deed {
    #[serde(default)]
    pub(crate) status: Option<u16>,
    #[serde(default)]
    policy: Option<String>,
    #[serde(default)]
    pub(crate) delay_ms: u64,
    #[serde(default)]
    pub(crate) reset: Option<Reset>,
    /// The work is done before the status is answered.
    #[serde(default)]
    pub(crate) applied: bool,
    /// So many results are left out of a batch answer.
    #[serde(default)]
    pub(crate) drop_result: usize,
    /// Seconds.
    #[serde(default)]
    retry_after: Option<u64>,
    /// Only with status 423: how long the lock holds.
    #[serde(default)]
    lock_ms: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultInput {
    #[serde(default, rename = "match")]
    matches: MatchInput,
    #[serde(default)]
    after: u64,
    #[serde(default = "once")]
    times: Option<u64>,
    #[serde(rename = "do")]
    deed: Deed,
}

fn once() -> Option<u64> {
    Some(1)
}

/// One scripted fault and how often it may still strike.
#[derive(Debug)]
pub(crate) struct Fault {
    method: Option<String>,
    path: Option<Regex>,
    kind: Option<String>,
    /// Matching requests that pass first.
    pass: u64,
    /// `None`: every time.
    left: Option<u64>,
    locked_until_ms: i64,
    deed: Deed,
}

impl Fault {
    fn strikes(&mut self, method: &str, path: &str, kind: &str, now_ms: i64) -> bool {
        let matches = self
            .method
            .as_ref()
            .is_none_or(|own| own.eq_ignore_ascii_case(method))
            && self.path.as_ref().is_none_or(|own| own.is_match(path))
            // A word for one record means the batch of it too: who wants creates to fail means all of them.
            // And `list` is a page of records as well as everything about lists.
            && self.kind.as_ref().is_none_or(|own| {
                own == kind || kind.strip_prefix("batch_") == Some(own) || (own == "list" && kind == "lists")
            });
        if !matches {
            return false;
        }
        if now_ms < self.locked_until_ms {
            return true;
        }
        if self.pass > 0 {
            self.pass -= 1;
            return false;
        }
        match &mut self.left {
            Some(0) => return false,
            Some(left) => *left -= 1,
            None => {}
        }
        if self.deed.status == Some(423) {
            self.locked_until_ms = now_ms + self.deed.lock_ms.unwrap_or(LOCK_MS);
        }
        true
    }
}

/// The first fault that strikes this request; the others do not notice it.
pub(crate) fn strike(faults: &mut [Fault], method: &str, path: &str, kind: &str, now_ms: i64) -> Option<Deed> {
    faults.iter_mut().find_map(|fault| fault.strikes(method, path, kind, now_ms).then(|| fault.deed.clone()))
}

/// Reads `POST /_sandbox/faults`; the error names the field.
pub(crate) fn parse(body: &Value) -> Result<Vec<Fault>, String> {
    let list = body.as_array().ok_or("the body must be an array of faults; an empty array removes all")?;
    let mut faults = Vec::with_capacity(list.len());
    for (at, value) in list.iter().enumerate() {
        let input: FaultInput = serde_json::from_value(value.clone()).map_err(|error| format!("[{at}]: {error}"))?;
        let path = match &input.matches.path_regex {
            Some(text) => Some(Regex::new(text).map_err(|error| format!("[{at}].match.path_regex: {error}"))?),
            None => None,
        };
        let kind = input.matches.kind.map(|kind| if kind == "batch_upsert" { "upsert".to_owned() } else { kind });
        if let Some(kind) = &kind
            && !kinds().contains(&kind.as_str())
        {
            return Err(format!("[{at}].match.kind: {kind:?} is none of {}", kinds().join(", ")));
        }
        let deed = input.deed;
        if let Some(status) = deed.status
            && !(200..=599).contains(&status)
        {
            return Err(format!("[{at}].do.status: {status} is not between 200 and 599"));
        }
        if let Some(policy) = &deed.policy
            && !["DAILY", "TEN_SECONDLY_ROLLING", "SECONDLY"].contains(&policy.as_str())
        {
            return Err(format!("[{at}].do.policy: {policy:?} is none of DAILY, TEN_SECONDLY_ROLLING, SECONDLY"));
        }
        if deed.status.is_none() && deed.reset.is_none() && deed.delay_ms == 0 && deed.drop_result == 0 {
            return Err(format!("[{at}].do: needs one of status, delay_ms, reset, drop_result"));
        }
        if deed.applied && deed.status.is_none() {
            return Err(format!("[{at}].do.applied: needs a status"));
        }
        faults.push(Fault {
            method: input.matches.method,
            path,
            kind,
            pass: input.after,
            left: input.times,
            locked_until_ms: 0,
            deed,
        });
    }
    Ok(faults)
}

impl Deed {
    /// What the request log calls it.
    pub(crate) fn name(&self) -> String {
        let mut parts = Vec::new();
        if self.delay_ms > 0 {
            parts.push(format!("delay_ms:{}", self.delay_ms));
        }
        match self.reset {
            Some(Reset::Before) => parts.push("reset:before".to_owned()),
            Some(Reset::After) => parts.push("reset:after".to_owned()),
            None => {}
        }
        if let Some(status) = self.status {
            parts.push(format!("status:{status}{}", if self.applied { " applied" } else { "" }));
        }
        if self.drop_result > 0 {
            parts.push(format!("drop_result:{}", self.drop_result));
        }
        parts.join(" ")
    }

    /// The answer of a fault with a status.
    pub(crate) fn refusal(&self, status: u16) -> Refusal {
        let refusal = match status {
            423 => Refusal::new(
                423,
                "LOCKED",
                "This account is locked because of a high volume of syncing; try again in 2 seconds",
            ),
            429 => match self.policy.as_deref() {
                Some("DAILY") => limits::refused("You have reached your daily limit.", Some("DAILY")),
                Some("SECONDLY") => limits::refused("You have reached your secondly limit.", Some("SECONDLY")),
                _ => limits::refused("You have reached your ten_secondly_rolling limit.", Some("TEN_SECONDLY_ROLLING")),
            },
            477 => Refusal::bare(477, "The account is being migrated between data hosting locations"),
            401 => Refusal::new(401, "INVALID_AUTHENTICATION", "Authentication credentials not found."),
            502 => Refusal::bare(502, "Bad gateway"),
            503 => Refusal::bare(503, "Service temporarily unavailable"),
            504 => Refusal::bare(504, "Timeout"),
            524 => Refusal::bare(524, "A timeout occurred"),
            status => Refusal::bare(status, "internal error"),
        };
        let retry_after = self.retry_after.or((status == 477).then_some(MIGRATION_S));
        refusal.with(|body| {
            body.status = status;
            body.retry_after_s = retry_after;
        })
    }

    /// Takes results from the end of a batch answer.
    pub(crate) fn shorten(&self, body: Vec<u8>) -> Vec<u8> {
        if self.drop_result == 0 {
            return body;
        }
        let Ok(mut answer) = serde_json::from_slice::<Value>(&body) else {
            return body;
        };
        let Some(results) = answer.get_mut("results").and_then(Value::as_array_mut) else {
            return body;
        };
        results.truncate(results.len().saturating_sub(self.drop_result));
        answer.to_string().into_bytes()
    }
}
