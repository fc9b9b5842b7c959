//! The transport over real connections to a listener of our own: what never left, what was lost, what took too long.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use hubward_hubspot::{HttpOptions, HttpRequest, HttpTransport, Transport, TransportErrorKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

fn request(url: String, timeout: Duration) -> HttpRequest {
    HttpRequest {
        method: Method::POST,
        url,
        headers: HeaderMap::new(),
        body: Bytes::from_static(b"{\"inputs\":[]}"),
        timeout,
    }
}

fn transport() -> HttpTransport {
    HttpTransport::new(&HttpOptions::default()).expect("no proxy, so nothing that could be malformed")
}

async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    (listener, format!("http://{address}/crm"))
}

/// Takes one connection and reads the whole request.
async fn take(listener: &TcpListener) -> TcpStream {
    let (mut stream, _) = listener.accept().await.expect("a connection");
    let mut seen = Vec::new();
    let mut chunk = [0; 1024];
    while !seen.ends_with(b"{\"inputs\":[]}") {
        let read = stream.read(&mut chunk).await.expect("readable");
        assert!(read > 0, "the client closed before it had sent all");
        seen.extend_from_slice(&chunk[..read]);
    }
    stream
}

#[tokio::test]
async fn a_refused_connection_was_not_sent() {
    let (listener, url) = listener().await;
    drop(listener);
    let error = transport().send(request(url, Duration::from_secs(20))).await.expect_err("nobody listens");
    assert_eq!(error.kind, TransportErrorKind::NotSent, "{error}");
    assert!(!error.message.contains("/crm"), "{error}");
}

#[tokio::test]
async fn a_connection_cut_after_the_request_is_lost_and_not_repeated() {
    let (listener, url) = listener().await;
    let address = listener.local_addr().expect("bound");
    let server = tokio::spawn(async move {
        drop(take(&listener).await);
        listener
    });
    let error = transport().send(request(url, Duration::from_secs(20))).await.expect_err("cut");
    assert_eq!(error.kind, TransportErrorKind::Lost, "{error}");
    // The next connection in the listener's queue is ours: nobody decided on a repetition, so none came before it.
    let listener = server.await.expect("no panic");
    let ours = TcpStream::connect(address).await.expect("it listens");
    let (_, next) = listener.accept().await.expect("a connection");
    assert_eq!(next, ours.local_addr().expect("connected"), "sent once");
}

#[tokio::test]
async fn an_answer_cut_in_its_body_is_lost() {
    let (listener, url) = listener().await;
    tokio::spawn(async move {
        let mut stream = take(&listener).await;
        let part = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"results\"";
        stream.write_all(part).await.expect("writable");
    });
    let error = transport().send(request(url, Duration::from_secs(20))).await.expect_err("cut");
    assert_eq!(error.kind, TransportErrorKind::Lost, "{error}");
}

#[tokio::test]
async fn no_answer_in_time_is_timed_out() {
    let (listener, url) = listener().await;
    let server = tokio::spawn(async move {
        let stream = take(&listener).await;
        std::future::pending::<()>().await;
        drop(stream);
    });
    let error = transport().send(request(url, Duration::from_millis(300))).await.expect_err("too slow");
    assert_eq!(error.kind, TransportErrorKind::TimedOut, "{error}");
    server.abort();
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let (listener, url) = listener().await;
    tokio::spawn(async move {
        let mut stream = take(&listener).await;
        let answer =
            b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\nx-test: yes\r\ncontent-length: 2\r\n\r\n{}";
        stream.write_all(answer).await.expect("writable");
    });
    let response = transport().send(request(url, Duration::from_secs(20))).await.expect("an answer");
    assert_eq!(response.status, 302);
    assert_eq!(response.headers["x-test"], "yes");
    assert_eq!(&response.body[..], b"{}");
}
