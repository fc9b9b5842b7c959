//! A sandbox within this process as the network: requests go to it without a socket.

use futures_util::future::BoxFuture;
use http::Uri;
use hubward_hubspot::{HttpRequest, HttpResponse, Transport, TransportError, TransportErrorKind};
use hubward_sandbox::Sandbox;

/// Hands every request to a sandbox.
pub(crate) struct InProcess(pub(crate) Sandbox);

impl Transport for InProcess {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, TransportError>> {
        Box::pin(async move {
            let uri: Uri = request.url.parse().map_err(|error| TransportError {
                kind: TransportErrorKind::NotSent,
                message: format!("malformed address: {error}"),
            })?;
            let path = uri.path_and_query().map_or("/", |path| path.as_str());
            let work = self.0.handle(&request.method, path, &request.headers, request.body);
            match tokio::time::timeout(request.timeout, work).await {
                Ok(Ok(response)) => {
                    let (head, body) = response.into_parts();
                    Ok(HttpResponse { status: head.status.as_u16(), headers: head.headers, body })
                }
                Ok(Err(cut)) => Err(TransportError { kind: TransportErrorKind::Lost, message: cut.to_string() }),
                Err(_) => Err(TransportError {
                    kind: TransportErrorKind::TimedOut,
                    message: format!("no answer within {} s", request.timeout.as_secs()),
                }),
            }
        })
    }
}
