//! A transport that keeps what passes through it: requests and answers, without headers, without what fetches tokens, and
//! without what only asks the account for its types and properties.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;
use hubward_hubspot::{HttpRequest, HttpResponse, Transport, TransportError};
use serde_json::{Value, json};

use crate::commands::body;

/// Keeps requests and answers as they pass.
pub(crate) struct Witness {
    inner: Arc<dyn Transport>,
    seen: Mutex<Vec<Value>>,
}

impl Witness {
    pub(crate) fn new(inner: Arc<dyn Transport>) -> Self {
        Self { inner, seen: Mutex::default() }
    }

    /// `{method, path, body, status, answer}` of each request since this was last asked; status is null without an answer.
    pub(crate) fn take(&self) -> Vec<Value> {
        std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Transport for Witness {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, TransportError>> {
        Box::pin(async move {
            let path = path_of(&request.url).to_owned();
            let tells = request.method != http::Method::GET && !path.starts_with("/oauth/");
            let mut seen = json!({
                "method": request.method.as_str(), "path": path, "body": body(&request.body), "status": null, "answer": null,
            });
            let answer = self.inner.send(request).await;
            match &answer {
                Ok(response) => {
                    seen["status"] = json!(response.status);
                    seen["answer"] = body(&response.body);
                }
                Err(error) => seen["answer"] = json!(error.message),
            }
            if tells {
                self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(seen);
            }
            answer
        })
    }
}

fn path_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/').map_or("/", |at| &rest[at..])
}
