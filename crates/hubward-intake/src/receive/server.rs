//! Owns the socket: HTTP/1.1 with keep-alive around [`Intake::answer`].

use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Intake;

/// How long a client may take to send a request's head, and a connection may be silent.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
/// How long requests that are under way may take once the intake is to stop.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(20);

impl Intake {
    /// Serves until `shutdown` is done; then no connection is taken any more, and requests that are under way are answered.
    ///
    /// # Errors
    /// None of a connection: its trouble ends that connection.
    pub async fn serve(&self, listener: TcpListener, shutdown: impl Future<Output = ()> + Send) -> io::Result<()> {
        let mut shutdown = pin!(shutdown);
        let (stop, stopped) = watch::channel(false);
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                Some(_) = connections.join_next(), if !connections.is_empty() => {}
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(connection(self.clone(), stream, stopped.clone()));
                    }
                    // A client that went away, or no free descriptor: wait a little and go on.
                    Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
                },
            }
        }
        drop(listener);
        let _ = stop.send(true);
        let drained = async { while connections.join_next().await.is_some() {} };
        // What is left then belongs to clients that send or read no further; nothing of it was acknowledged.
        let _ = tokio::time::timeout(DRAIN_TIMEOUT, drained).await;
        Ok(())
    }
}

async fn connection(intake: Intake, stream: TcpStream, mut stopped: watch::Receiver<bool>) {
    // Without it small answers wait for the client's acknowledgement; a socket that refuses it still works.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: Request<Incoming>| {
        let intake = intake.clone();
        async move { Ok::<_, Infallible>(intake.answer(request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stopped.wait_for(|stopped| *stopped) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}
