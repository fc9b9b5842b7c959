//! Sending one request until it has an answer that stands: limits, pauses, repetition, renewal, region.
//!
//! What a failure means is `ErrorKind::verdict`; this file carries the verdict out. A 429 has written nothing and is waited
//! for; anything whose outcome is unknown is repeated only when that is harmless, and otherwise handed back as `Unknown`
//! for the caller to look first.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use hubward_core::{ErrorKind, ExposeSecret, Verdict};
use jiff::Timestamp;
use tokio::time::Instant;

use crate::client::Client;
use crate::config::{Auth, RetryConfig};
use crate::decode::decode_error;
use crate::error::ApiError;
use crate::observe::{Attempt, AttemptOutcome};
use crate::request::{ApiRequest, CallMeta, RequestKind};
use crate::token::Bearer;
use crate::transport::{HttpRequest, HttpResponse, TransportError, TransportErrorKind};

/// A migration that is over this soon is waited for; a longer one stops the run (api.md 2.4: up to a day).
const MIGRATION_WAIT_MAX: Duration = Duration::from_secs(60);

/// Sendings of a request while HubSpot has never answered this client at all: a wrong host is told within seconds, where a
/// network that fails in the middle of a run is given time.
const FIRST_CONTACT_ATTEMPTS: u32 = 3;

/// An answer that stands.
pub(crate) struct Answer<T> {
    pub(crate) value: T,
    pub(crate) status: u16,
    pub(crate) attempts: u32,
    pub(crate) correlation_id: Option<String>,
}

/// One sending, as it happened.
struct Sent {
    result: Result<HttpResponse, TransportError>,
    host: std::sync::Arc<str>,
    /// The token that it carried; none for token calls.
    bearer: Option<Bearer>,
    started_at: Timestamp,
    ms: u64,
}

/// What has been tried for one request.
struct Patience {
    /// The first sending; waiting for limits before it costs no patience.
    began: Option<Instant>,
    sent: u32,
    throttled: u32,
    failures: u32,
    renewed: bool,
}

/// What follows a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Again(Duration),
    GiveUp,
}

impl Client {
    /// Sends a request until its answer stands, and reads it with `decode`.
    ///
    /// # Errors
    /// The last failure, with the number of sendings; kind `Unknown` when the write may have happened and must be looked for.
    pub(crate) async fn call<T>(
        &self,
        request: &ApiRequest,
        meta: &CallMeta,
        decode: fn(u16, &[u8]) -> Result<T, String>,
    ) -> Result<Answer<T>, ApiError> {
        let mut patience = Patience { began: None, sent: 0, throttled: 0, failures: 0, renewed: false };
        loop {
            if request.kind != RequestKind::Token {
                // Renewed before a place and a slot of the limits are taken, which a renewal would hold up.
                self.bearer().await?;
            }
            let (sent, decoded) = self.send_once(request, &mut patience, decode).await?;
            let error = match decoded {
                Ok(answer) => {
                    self.observe(request, meta, &sent, &patience, None);
                    return Ok(answer);
                }
                Err(mut error) => {
                    if request.kind == RequestKind::Token {
                        self.hide_secrets(request, &mut error.message);
                    }
                    error
                }
            };
            let next = self.next(request, &error, &sent, &mut patience).await;
            self.observe(request, meta, &sent, &patience, Some((&error, next)));
            match next {
                Next::Again(pause) => tokio::time::sleep(pause).await,
                Next::GiveUp => return Err(settled(error, request, patience.sent)),
            }
        }
    }

    /// Whoever refuses a token call may quote what it was sent.
    fn hide_secrets(&self, request: &ApiRequest, message: &mut String) {
        const SHORTEST: usize = 8;
        let body = request.body.as_deref().unwrap_or_default();
        let sent = url::form_urlencoded::parse(body);
        let mut secrets: Vec<String> = sent
            .filter(|(name, _)| !matches!(&**name, "grant_type" | "client_id" | "token_type_hint"))
            .map(|(_, value)| value.into_owned())
            .collect();
        if let Auth::Token(token) = &self.inner.config.auth {
            secrets.push(token.expose_secret().to_owned());
        }
        for secret in secrets.iter().filter(|secret| secret.len() >= SHORTEST) {
            if message.contains(secret.as_str()) {
                *message = message.replace(secret.as_str(), "[hidden]");
            }
        }
    }

    /// One sending under the limits, its answer read. The outer error says that nothing was sent.
    async fn send_once<T>(
        &self,
        request: &ApiRequest,
        patience: &mut Patience,
        decode: fn(u16, &[u8]) -> Result<T, String>,
    ) -> Result<(Sent, Result<Answer<T>, ApiError>), ApiError> {
        let inner = &self.inner;
        // Searches are few and bounded by their own rate: they hold no place in flight while they wait for it.
        let concurrency =
            if request.kind == RequestKind::Event { &inner.event_concurrency } else { &inner.concurrency };
        let place = match request.kind {
            RequestKind::Search | RequestKind::Token => None,
            _ => Some(concurrency.acquire().await),
        };
        let ticket = match request.kind.budget() {
            None => None,
            Some(budget) => Some(inner.limiter.acquire(budget, request.kind).await.map_err(|refused| {
                let mut error = ApiError::new(ErrorKind::DailyLimit, refused.to_string());
                error.attempts = patience.sent;
                error
            })?),
        };
        // Waiting for the limits may have taken longer than the token had left.
        let bearer = if request.kind == RequestKind::Token { None } else { Some(self.bearer().await?) };
        let host = self.host();
        let http = self.http_request(request, &host, bearer.as_ref())?;
        let started_at = inner.clock.now();
        let sent_at = ticket.as_ref().map_or_else(Instant::now, |ticket| ticket.sent_at);
        patience.sent += 1;
        patience.began.get_or_insert(sent_at);
        let result = inner.transport.send(http).await;
        let ms = u64::try_from(sent_at.elapsed().as_millis()).unwrap_or(u64::MAX);
        let decoded = match &result {
            Ok(response) => {
                inner.reached.store(true, Ordering::Relaxed);
                read(request, response, patience.sent, decode)
            }
            Err(error) => Err(unanswered(error)),
        };
        let failure = decoded.as_ref().err().map(|error| error.kind);
        let retry_after = decoded.as_ref().err().and_then(|error| error.retry_after);
        if let Some(ticket) = ticket {
            if result.is_ok() {
                ticket.arrived();
            }
            let none = HeaderMap::new();
            let headers = result.as_ref().map_or(&none, |response| &response.headers);
            ticket.answered(headers, failure, retry_after);
        }
        match failure {
            None => concurrency.went_well(),
            // So many events at once may be more connections than the machine or the network lets us have.
            Some(ErrorKind::NotSent) if request.kind == RequestKind::Event => {
                concurrency.overloaded(sent_at, Instant::now());
            }
            Some(ErrorKind::Locked | ErrorKind::Server | ErrorKind::Unknown) => {
                concurrency.overloaded(sent_at, Instant::now());
            }
            Some(_) => {}
        }
        drop(place);
        let sent = Sent { result, host, bearer, started_at, ms };
        Ok((sent, decoded))
    }

    fn http_request(&self, request: &ApiRequest, host: &str, bearer: Option<&Bearer>) -> Result<HttpRequest, ApiError> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if request.body.is_some() {
            let content_type = HeaderValue::from_static(request.encoding.content_type());
            headers.insert(CONTENT_TYPE, content_type);
        }
        if let Some(bearer) = bearer {
            let text = format!("Bearer {}", bearer.token.expose_secret());
            let mut value = HeaderValue::from_str(&text).map_err(|_| {
                ApiError::new(
                    ErrorKind::InvalidToken,
                    "the token holds characters that no HubSpot token has, such as a line break; nothing was sent",
                )
            })?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        Ok(HttpRequest {
            method: request.method.clone(),
            url: format!("{host}{}", request.path),
            headers,
            body: request.body.clone().unwrap_or_default(),
            timeout: self.inner.config.timeout,
        })
    }

    /// What follows this failure. May renew the token or change the host on the way.
    async fn next(&self, request: &ApiRequest, error: &ApiError, sent: &Sent, patience: &mut Patience) -> Next {
        if error.status == Some(401)
            && let Some(bearer) = &sent.bearer
            && !patience.renewed
        {
            let renewed = if matches!(self.inner.config.auth, Auth::OAuth { .. }) {
                // HubSpot's body for an expired token is not documented, so every 401 is worth one renewal.
                self.forget_token(bearer.generation).await;
                true
            } else {
                self.try_region(&sent.host)
            };
            if renewed {
                patience.renewed = true;
                return Next::Again(Duration::ZERO);
            }
        }
        if error.kind == ErrorKind::NotSent
            && patience.sent >= FIRST_CONTACT_ATTEMPTS
            && !self.inner.reached.load(Ordering::Relaxed)
        {
            return Next::GiveUp;
        }
        patience.next(error, request, &self.inner.config.retry, self.jitter())
    }

    fn observe(
        &self,
        request: &ApiRequest,
        meta: &CallMeta,
        sent: &Sent,
        patience: &Patience,
        failure: Option<(&ApiError, Next)>,
    ) {
        let Some(observer) = &self.inner.observer else {
            return;
        };
        let outcome = match failure {
            None => AttemptOutcome::Ok,
            Some((error, _)) if error.status == Some(429) => AttemptOutcome::Throttled,
            Some((_, Next::Again(_))) => AttemptOutcome::Retried,
            Some((_, Next::GiveUp)) => AttemptOutcome::Failed,
        };
        let secret = request.kind == RequestKind::Token;
        let response = match &sent.result {
            Ok(response) if !secret => response.body.clone(),
            _ => Bytes::new(),
        };
        observer.attempt(&Attempt {
            meta,
            kind: request.kind,
            method: &request.method,
            path: &request.path,
            request: request.body.as_ref().filter(|_| !secret),
            status: sent.result.as_ref().ok().map(|response| response.status),
            response,
            error: failure.map(|(error, _)| error.message.as_str()),
            started_at: sent.started_at,
            ms: sent.ms,
            attempt: patience.sent,
            inputs: request.inputs,
            outcome,
        });
    }
}

impl Patience {
    fn next(&mut self, error: &ApiError, request: &ApiRequest, retry: &RetryConfig, jitter: f64) -> Next {
        let elapsed = self.began.map(|at| at.elapsed()).unwrap_or_default();
        let asked = error.retry_after.unwrap_or_default();
        let verdict = error.kind.verdict(request.idempotent);
        let least = match verdict {
            Verdict::Wait(least) => least,
            Verdict::Repeat => Duration::ZERO,
            Verdict::Stop
                if error.kind == ErrorKind::Migrating
                    && error.retry_after.is_some_and(|wait| wait <= MIGRATION_WAIT_MAX) =>
            {
                asked
            }
            Verdict::FixRows | Verdict::LookFirst | Verdict::RefreshToken | Verdict::Stop => {
                return Next::GiveUp;
            }
        };
        let throttled = matches!(error.kind, ErrorKind::BurstLimit | ErrorKind::SecondlyLimit);
        let (count, longest) = if throttled {
            // The limiter's gate is what paces these; the pause only keeps the tasks apart.
            self.throttled += 1;
            (self.throttled, retry.max_throttled)
        } else {
            self.failures += 1;
            if self.failures >= retry.max_attempts {
                return Next::GiveUp;
            }
            (self.failures, retry.max_elapsed)
        };
        let grown = retry.base.saturating_mul(2u32.saturating_pow(count.min(16) - 1));
        // Between half of the grown pause and all of it, so that tasks that failed together do not return together.
        let pause = grown.min(retry.max_pause).mul_f64(0.5 + jitter / 2.0);
        let pause = pause.max(least.mul_f64(1.0 + jitter / 4.0)).max(asked);
        if elapsed + pause > longest {
            return Next::GiveUp;
        }
        Next::Again(pause)
    }
}

/// The failure as the caller gets it.
fn settled(mut error: ApiError, request: &ApiRequest, sent: u32) -> ApiError {
    if error.kind.verdict(request.idempotent) == Verdict::LookFirst {
        error.kind = ErrorKind::Unknown;
    }
    error.attempts = sent;
    error
}

fn read<T>(
    request: &ApiRequest,
    response: &HttpResponse,
    attempts: u32,
    decode: fn(u16, &[u8]) -> Result<T, String>,
) -> Result<Answer<T>, ApiError> {
    let HttpResponse { status, headers, body } = response;
    if !(200..300).contains(status) {
        return Err(decode_error(*status, headers, body, request.kind, request.one_record));
    }
    let correlation_id =
        headers.get("x-hubspot-correlation-id").and_then(|value| value.to_str().ok()).map(str::to_owned);
    match decode(*status, body) {
        Ok(value) => Ok(Answer { value, status: *status, attempts, correlation_id }),
        Err(why) => {
            let text = format!("HubSpot answered {status} with a body that cannot be read: {why}");
            let mut error = ApiError::new(ErrorKind::Unreadable, text);
            error.status = Some(*status);
            error.correlation_id = correlation_id;
            Err(error)
        }
    }
}

fn unanswered(error: &TransportError) -> ApiError {
    let kind = match error.kind {
        TransportErrorKind::NotSent => ErrorKind::NotSent,
        TransportErrorKind::Lost | TransportErrorKind::TimedOut => ErrorKind::Unknown,
    };
    ApiError::new(kind, error.message.clone())
}

#[cfg(test)]
#[path = "attempt_tests.rs"]
mod tests;
