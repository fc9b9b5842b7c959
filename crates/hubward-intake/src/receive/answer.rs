//! Why a call is refused, and how answers look.

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::Full;
use hubward_store::SpoolError;
use serde_json::{Value, json};

use super::{Accepted, BATCH_MAX_BYTES, CALL_MAX_BYTES, RefusedCall};

/// Seconds after which a client is asked to try again.
const RETRY_AFTER_S: &str = "10";
/// What is shown of a refused call, in characters.
const SHOWN_CHARS: usize = 500;

/// Why nothing of a request, or one call of a batch, was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub status: StatusCode,
    /// Stable, in snake_case.
    pub code: &'static str,
    /// As it stands among rejected rows.
    pub category: &'static str,
    /// What is wrong and what to do.
    pub message: String,
    /// The call's own id, where it could be read.
    pub message_id: Option<String>,
    /// The beginning of the call or of the value that is to blame.
    pub value: Option<String>,
}

impl Refusal {
    fn new(status: StatusCode, code: &'static str, category: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, category, message: message.into(), message_id: None, value: None }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_call", "INVALID_CALL", message)
    }

    pub(super) fn invalid_json(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_json", "INVALID_JSON", message)
    }

    pub(super) fn call_too_large(bytes: usize) -> Self {
        Self::too_large(format!("the call has {bytes} bytes of JSON; at most {CALL_MAX_BYTES} are accepted"))
    }

    pub(super) fn too_large(message: String) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "TOO_LARGE", message)
    }

    pub(super) fn body_too_large(limit: usize) -> Self {
        let what = if limit == BATCH_MAX_BYTES { "batch" } else { "call" };
        let message = format!("the {what} is larger than the {limit} bytes that are accepted");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "TOO_LARGE", message)
    }

    pub(super) fn unauthorized(message: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "UNAUTHORIZED", message)
    }

    pub(super) fn unknown_path(path: &str) -> Self {
        let path: String = path.chars().take(100).collect();
        let message = format!(
            "there is no {path:?} here; events go to POST /v1/track, identify, group, page, screen, alias, batch or import"
        );
        Self::new(StatusCode::NOT_FOUND, "not_found", "NOT_FOUND", message)
    }

    pub(super) fn wrong_method(allowed: &str) -> Self {
        let message = format!("this path takes {allowed} only");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "METHOD_NOT_ALLOWED", message)
    }

    pub(super) fn unsupported_encoding(encoding: &str) -> Self {
        let encoding: String = encoding.chars().take(100).collect();
        let message = format!("a body with Content-Encoding {encoding:?} cannot be read; send it with gzip or without");
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_encoding", "UNSUPPORTED_ENCODING", message)
    }

    pub(super) fn bad_gzip() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "invalid_gzip",
            "INVALID_GZIP",
            "the body is no gzip, although its Content-Encoding says so",
        )
    }

    pub(super) fn slow() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "timeout", "TIMEOUT", "the body did not come in time")
    }

    pub(super) fn unavailable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "UNAVAILABLE", message)
    }

    pub(super) fn from_spool(error: &SpoolError) -> Self {
        match error {
            SpoolError::Full { .. } | SpoolError::DiskFull => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "full",
                "FULL",
                format!("{error}; nothing of this request is accepted"),
            ),
            SpoolError::TooLarge { .. } => {
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "TOO_LARGE", error.to_string())
            }
            other => {
                Self::unavailable(format!("the events cannot be kept, so nothing of this request is accepted: {other}"))
            }
        }
    }

    /// No call of a batch could be accepted: the answer names the first few.
    pub(super) fn whole_batch(refused: &[RefusedCall]) -> Self {
        let first: Vec<String> =
            refused.iter().take(3).map(|call| format!("call {}: {}", call.index, call.reason.text)).collect();
        let more = if refused.len() > 3 { format!("; and {} more", refused.len() - 3) } else { String::new() };
        Self::invalid(format!("no call of the batch can be accepted: {}{more}", first.join("; ")))
    }

    pub(super) fn of(mut self, message_id: Option<String>, value: &str) -> Self {
        self.message_id = message_id;
        self.value = Some(value.chars().take(SHOWN_CHARS).collect());
        self
    }

    pub(super) fn response(&self, allowed: Option<&'static str>) -> Response<Full<Bytes>> {
        let document = json!({ "success": false, "code": self.code, "message": self.message });
        let mut response = json_response(self.status, &document);
        let mut header = |name: HeaderName, value: &'static str| {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        };
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            header(RETRY_AFTER, RETRY_AFTER_S);
        }
        if let Some(allowed) = allowed {
            header(ALLOW, allowed);
        }
        response
    }
}

impl Accepted {
    pub(super) fn response(&self) -> Response<Full<Bytes>> {
        if self.warnings.is_empty() && self.refused.is_empty() {
            return plain_success();
        }
        let named = |index: usize, id: &str, reason: &str| json!({ "index": index, "messageId": id, "reason": reason });
        let mut document = json!({ "success": true });
        if !self.refused.is_empty() {
            let refused = self.refused.iter().map(|call| named(call.index, &call.message_id, &call.reason.text));
            document["rejected"] = Value::Array(refused.collect());
        }
        if !self.warnings.is_empty() {
            let warnings = self.warnings.iter().map(|(index, id, reason)| named(*index, id, reason));
            document["warnings"] = Value::Array(warnings.collect());
        }
        json_response(StatusCode::OK, &document)
    }
}

pub(super) fn plain_success() -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(b"{\"success\":true}")));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

pub(super) fn json_response(status: StatusCode, document: &Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(document.to_string())));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
