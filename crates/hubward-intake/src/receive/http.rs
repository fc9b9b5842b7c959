//! Paths, methods and answers of the intake.

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, AUTHORIZATION, CACHE_CONTROL, HOST, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use serde_json::json;

use super::answer::{json_response, plain_success};
use super::keys::WriteKeys;
use super::{Accepted, BATCH_MAX_BYTES, Batch, CALL_MAX_BYTES, Call, CallType, Intake, Refusal, body};

const POST: &str = "POST, OPTIONS";
const GET: &str = "GET, HEAD, OPTIONS";

/// What a path is for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Endpoint {
    Call(CallType),
    Batch,
    /// Counters that Segment's browser client sends about itself.
    Metrics,
    Health,
    /// What Segment's browser client asks for before it begins; the write key is in the path.
    Settings(String),
}

impl Endpoint {
    fn of(path: &str) -> Option<Self> {
        let path = path.strip_suffix('/').unwrap_or(path);
        if path == "/healthz" {
            return Some(Self::Health);
        }
        let rest = path.strip_prefix("/v1/")?;
        Some(match rest {
            "t" => Self::Call(CallType::Track),
            "i" => Self::Call(CallType::Identify),
            "g" => Self::Call(CallType::Group),
            "p" => Self::Call(CallType::Page),
            "s" => Self::Call(CallType::Screen),
            "a" => Self::Call(CallType::Alias),
            "batch" | "import" | "b" => Self::Batch,
            "m" => Self::Metrics,
            other => match CallType::named(other) {
                Some(call_type) => Self::Call(call_type),
                None => Self::Settings(other.strip_prefix("projects/")?.strip_suffix("/settings")?.to_owned()),
            },
        })
    }

    fn methods(&self) -> &'static str {
        match self {
            Self::Call(_) | Self::Batch | Self::Metrics => POST,
            Self::Health | Self::Settings(_) => GET,
        }
    }
}

impl Intake {
    /// Answers one request.
    pub(super) async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let mut response = match Endpoint::of(head.uri.path()) {
            Some(endpoint) => {
                if head.method == Method::OPTIONS {
                    preflight(&head.headers, endpoint.methods())
                } else if !endpoint.methods().split(", ").any(|method| method == head.method.as_str()) {
                    let allowed = endpoint.methods();
                    Refusal::wrong_method(allowed).response(Some(allowed))
                } else {
                    self.carry_out(endpoint, &head.headers, body).await.unwrap_or_else(|refusal| refusal.response(None))
                }
            }
            None => Refusal::unknown_path(head.uri.path()).response(None),
        };
        // Events come from pages of any origin; the write key is what lets them in, and no cookie is looked at.
        response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        response
    }

    async fn carry_out(
        &self,
        endpoint: Endpoint,
        headers: &HeaderMap,
        body: Incoming,
    ) -> Result<Response<Full<Bytes>>, Refusal> {
        match endpoint {
            Endpoint::Call(call_type) => {
                let known = self.source_of_header(headers)?;
                let (body, _share) = body::read(headers, body, CALL_MAX_BYTES, &self.inner.bodies).await?;
                let (call, write_key) = Call::read(call_type, &body)?;
                let source = self.source(known, write_key)?;
                self.accept_call(source, call).await.map(|accepted: Accepted| accepted.response())
            }
            Endpoint::Batch => {
                let known = self.source_of_header(headers)?;
                let (body, _share) = body::read(headers, body, BATCH_MAX_BYTES, &self.inner.bodies).await?;
                let mut batch = Batch::read(&body)?;
                let source = self.source(known, batch.write_key.take())?;
                self.accept_batch(source, batch).await.map(|accepted| accepted.response())
            }
            Endpoint::Metrics => {
                drop(body::read(headers, body, CALL_MAX_BYTES, &self.inner.bodies).await?);
                Ok(plain_success())
            }
            Endpoint::Health => Ok(self.health().await),
            Endpoint::Settings(key) => self.settings(&key, headers),
        }
    }

    fn source_of_header(&self, headers: &HeaderMap) -> Result<Option<&str>, Refusal> {
        headers.get(AUTHORIZATION).map(|header| self.inner.parts.keys.source_of_header(header)).transpose()
    }

    /// The header's key goes before the body's.
    fn source<'s>(&'s self, known: Option<&'s str>, in_body: Option<String>) -> Result<&'s str, Refusal> {
        match (known, in_body) {
            (Some(source), _) => Ok(source),
            (None, Some(key)) => self.inner.parts.keys.source(&key).ok_or_else(WriteKeys::unknown),
            (None, None) => Err(Refusal::unauthorized(
                "there is no write key: send it as user name of basic authorization, or as `writeKey` in the body",
            )),
        }
    }

    async fn health(&self) -> Response<Full<Bytes>> {
        let depth = match self.spool().depth().await {
            Ok(depth) => depth,
            Err(error) => {
                let document = json!({ "status": "unavailable", "message": error.to_string() });
                return json_response(StatusCode::SERVICE_UNAVAILABLE, &document);
            }
        };
        let now_ms = self.inner.parts.clock.now().as_millisecond();
        let age_ms = depth.oldest_received_at_ms.map(|oldest| (now_ms - oldest).max(0));
        let (status, word) =
            if self.is_refusing() { (StatusCode::SERVICE_UNAVAILABLE, "full") } else { (StatusCode::OK, "ok") };
        let document = json!({
            "status": word,
            "spool": {
                "events": depth.events,
                "bytes": depth.bytes,
                "max_bytes": depth.max_bytes,
                "oldest_age_ms": age_ms,
            },
        });
        let mut response = json_response(status, &document);
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }

    /// Settings with which Segment's browser client sends everything here.
    fn settings(&self, key: &str, headers: &HeaderMap) -> Result<Response<Full<Bytes>>, Refusal> {
        self.inner.parts.keys.source(key).ok_or_else(WriteKeys::unknown)?;
        let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let secure = headers.get("x-forwarded-proto").is_some_and(|proto| proto == "https");
        let document = json!({
            "integrations": {
                "Segment.io": {
                    "apiKey": key,
                    "apiHost": format!("{host}/v1"),
                    "protocol": if secure { "https" } else { "http" },
                    "unbundledIntegrations": [],
                    "addBundledMetadata": true,
                },
            },
            "plan": {},
            "edgeFunction": {},
            "analyticsNextEnabled": true,
            "middlewareSettings": {},
            "enabledMiddleware": {},
            "metrics": { "sampleRate": 0 },
            "remotePlugins": [],
        });
        Ok(json_response(StatusCode::OK, &document))
    }
}

/// What a browser asks before it sends from a page of another origin.
fn preflight(headers: &HeaderMap, methods: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let answer = response.headers_mut();
    answer.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods));
    // `*` would not cover Authorization.
    let asked = headers.get(ACCESS_CONTROL_REQUEST_HEADERS).cloned();
    let usual = HeaderValue::from_static("authorization, content-type, content-encoding");
    answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, asked.unwrap_or(usual));
    answer.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    answer.insert(VARY, HeaderValue::from_static("access-control-request-headers"));
    // A page of the internet that sends to an intake in the private network.
    let private = HeaderName::from_static("access-control-request-private-network");
    if headers.contains_key(private) {
        let allow = HeaderName::from_static("access-control-allow-private-network");
        answer.insert(allow, HeaderValue::from_static("true"));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_that_clients_call_has_its_meaning() {
        for (path, endpoint) in [
            ("/v1/track", Endpoint::Call(CallType::Track)),
            ("/v1/t", Endpoint::Call(CallType::Track)),
            ("/v1/identify/", Endpoint::Call(CallType::Identify)),
            ("/v1/i", Endpoint::Call(CallType::Identify)),
            ("/v1/group", Endpoint::Call(CallType::Group)),
            ("/v1/g", Endpoint::Call(CallType::Group)),
            ("/v1/page", Endpoint::Call(CallType::Page)),
            ("/v1/p", Endpoint::Call(CallType::Page)),
            ("/v1/screen", Endpoint::Call(CallType::Screen)),
            ("/v1/s", Endpoint::Call(CallType::Screen)),
            ("/v1/alias", Endpoint::Call(CallType::Alias)),
            ("/v1/a", Endpoint::Call(CallType::Alias)),
            ("/v1/batch", Endpoint::Batch),
            ("/v1/b", Endpoint::Batch),
            ("/v1/import", Endpoint::Batch),
            ("/v1/m", Endpoint::Metrics),
            ("/v1/projects/abc/settings", Endpoint::Settings("abc".to_owned())),
            ("/healthz", Endpoint::Health),
        ] {
            assert_eq!(Endpoint::of(path), Some(endpoint), "{path}");
        }
        for path in ["/", "/v1", "/v1/", "/track", "/v2/track", "/v1/tracks", "/v1/projects/abc"] {
            assert_eq!(Endpoint::of(path), None, "{path}");
        }
    }
}
