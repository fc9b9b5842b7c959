//! Owns the socket: plain HTTP/1.1 with keep-alive around [`Sandbox::handle`].

use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::sandbox::{Cut, Sandbox};

/// Largest body: a `load` document may hold a million records, other bodies are far smaller.
const MOST_BODY_BYTES: usize = 512 * 1024 * 1024;
/// How long a client may take to send a request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);

impl Sandbox {
    /// Serves until `shutdown` is done; connections open then are closed.
    ///
    /// # Errors
    /// Only what the listener itself gives; a connection's trouble ends that connection.
    pub async fn serve(&self, listener: TcpListener, shutdown: impl Future<Output = ()> + Send) -> io::Result<()> {
        let mut shutdown = pin!(shutdown);
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                () = &mut shutdown => return Ok(()),
                Some(_) = connections.join_next(), if !connections.is_empty() => {}
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(connection(self.clone(), stream));
                    }
                    // a client that went away, or no free descriptor: wait a little and go on
                    Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
                },
            }
        }
    }
}

async fn connection(sandbox: Sandbox, stream: TcpStream) {
    // without it small answers wait for the client's acknowledgement; a socket that refuses it still works
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: Request<Incoming>| {
        let sandbox = sandbox.clone();
        async move { respond(&sandbox, request).await }
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    if (&mut connection).await.is_err_and(|error| error.is_user()) {
        // a cut connection is reset, not closed politely: the caller must not take it for an empty answer
        let stream = connection.into_parts().io.into_inner();
        let _ = stream.set_zero_linger();
    }
}

async fn respond(sandbox: &Sandbox, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Cut> {
    let (head, body) = request.into_parts();
    let body: Result<Bytes, Infallible> = match Limited::new(body, MOST_BODY_BYTES).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        // too large, or the client went away
        Err(_) => {
            let mut response = Response::new(Full::new(Bytes::from_static(
                b"{\"status\":\"error\",\"message\":\"request entity too large\"}",
            )));
            *response.status_mut() = http::StatusCode::PAYLOAD_TOO_LARGE;
            return Ok(response);
        }
    };
    let Ok(body) = body;
    let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
    let response = sandbox.handle(&head.method, target, &head.headers, body).await?;
    Ok(response.map(Full::new))
}
