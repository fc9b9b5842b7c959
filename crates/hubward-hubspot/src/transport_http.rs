//! The transport over the network: the one place where the HTTP library is set up.

use std::error::Error;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use hubward_core::{ExposeSecret, SecretString};
use reqwest::redirect;

use crate::transport::{HttpRequest, HttpResponse, Transport, TransportError, TransportErrorKind};

/// The largest answer we take, in bytes. A full batch of wide records is a few megabytes.
const RESPONSE_MAX_BYTES: usize = 64 * 1024 * 1024;
/// How long making a connection may take; a request that never left is repeated safely, so this is short.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// How long an idle connection is kept; below the idle limits of common gateways, so that we close first.
const IDLE_TIMEOUT: Duration = Duration::from_secs(45);

/// What a user may set of the network.
#[derive(Clone, Debug, Default)]
pub struct HttpOptions {
    /// Proxy URL for every request, credentials included; none connects directly. The environment is not read here.
    pub proxy: Option<SecretString>,
}

/// HTTP/1.1 or HTTP/2 over a pool of connections, gzip understood.
#[derive(Clone, Debug)]
pub struct HttpTransport {
    client: reqwest::Client,
    /// The machine has certificates to check HubSpot's by; without any, only plain connections (a sandbox) are made.
    certificates: bool,
}

impl HttpTransport {
    /// Sets up the connection pool; connects to nothing yet.
    ///
    /// # Errors
    /// When the proxy's URL is malformed.
    pub fn new(options: &HttpOptions) -> Result<Self, TransportError> {
        if let Ok(client) = builder(options)?.build() {
            return Ok(Self { client, certificates: true });
        }
        // A machine without any CA certificates: trusting none keeps plain connections working and every other one shut.
        let client = builder(options)?
            .tls_certs_only(std::iter::empty::<reqwest::Certificate>())
            .build()
            .map_err(|error| not_sent("the HTTP client cannot be set up", &error))?;
        Ok(Self { client, certificates: false })
    }

    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        if !self.certificates && request.url.starts_with("https:") {
            return Err(TransportError {
                kind: TransportErrorKind::NotSent,
                message:
                    "this machine has no CA certificates to check HubSpot's by: install them (on Debian the package \
                          ca-certificates)"
                        .to_owned(),
            });
        }
        let mut response = self
            .client
            .request(request.method, request.url)
            .headers(request.headers)
            .body(request.body)
            .timeout(request.timeout)
            .send()
            .await
            .map_err(failed)?;
        let status = response.status().as_u16();
        let headers = std::mem::take(response.headers_mut());
        let body = read_body(response).await?;
        Ok(HttpResponse { status, headers, body })
    }
}

fn builder(options: &HttpOptions) -> Result<reqwest::ClientBuilder, TransportError> {
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("hubward/", env!("CARGO_PKG_VERSION")))
        .gzip(true)
        // A redirect would repeat a write, or take the token to another host.
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .tcp_nodelay(true)
        .no_proxy();
    if let Some(url) = &options.proxy {
        let proxy = reqwest::Proxy::all(url.expose_secret())
            .map_err(|error| not_sent("the proxy's URL cannot be used", &error))?;
        builder = builder.proxy(proxy);
    }
    Ok(builder)
}

impl Transport for HttpTransport {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, TransportError>> {
        Box::pin(self.exchange(request))
    }
}

async fn read_body(mut response: reqwest::Response) -> Result<Bytes, TransportError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if body.len() + chunk.len() > RESPONSE_MAX_BYTES {
            return Err(TransportError {
                kind: TransportErrorKind::Lost,
                message: format!("the answer is longer than {RESPONSE_MAX_BYTES} bytes"),
            });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// Whether HubSpot can have seen the request decides what may be repeated, so only what certainly never left is `NotSent`.
fn failed(error: reqwest::Error) -> TransportError {
    let kind = if error.is_builder() || error.is_connect() {
        TransportErrorKind::NotSent
    } else if error.is_timeout() {
        TransportErrorKind::TimedOut
    } else {
        TransportErrorKind::Lost
    };
    let what = match kind {
        TransportErrorKind::NotSent => "no connection to HubSpot",
        TransportErrorKind::TimedOut => "no answer from HubSpot in time",
        TransportErrorKind::Lost => "the connection to HubSpot broke",
    };
    TransportError { kind, message: described(what, &error.without_url()) }
}

fn not_sent(what: &str, error: &reqwest::Error) -> TransportError {
    TransportError { kind: TransportErrorKind::NotSent, message: described(what, error) }
}

/// The innermost cause is the one that tells a person something.
fn described(what: &str, error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    format!("{what}: {cause}")
}
