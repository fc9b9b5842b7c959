//! The sandbox over TCP: keep-alive, and connections that really break.

use std::time::Duration;

use hubward_sandbox::{Sandbox, SandboxConfig, TOKEN, Tier};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::harness::STARTED_S;

struct Served {
    stream: TcpStream,
    address: std::net::SocketAddr,
    stop: oneshot::Sender<()>,
    server: tokio::task::JoinHandle<std::io::Result<()>>,
}

async fn served() -> Served {
    let started_at = jiff::Timestamp::from_second(STARTED_S).expect("a time in range");
    let config = SandboxConfig { tier: Tier::Unlimited, latency: Duration::ZERO, ..SandboxConfig::new(started_at) };
    let sandbox = Sandbox::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("a bound address");
    let (stop, stopped) = oneshot::channel::<()>();

    let server = tokio::spawn(async move {
        sandbox
            .serve(listener, async {
                stopped.await.ok();
            })
            .await
    });
    let stream = TcpStream::connect(address).await.expect("the server listens");
    Served { stream, address, stop, server }
}

fn request(method: &str, path: &str, body: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nhost: sandbox\r\nauthorization: Bearer {TOKEN}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Reads one answer: its status and its body.
async fn answer(stream: &mut TcpStream) -> (u16, String) {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ").map(str::to_owned));
            let length: usize = length.map_or(0, |length| length.trim().parse().expect("a length"));
            if body.len() >= length {
                let status = head.split(' ').nth(1).expect("a status line").parse().expect("a status");
                return (status, body.to_owned());
            }
        }
        let mut chunk = [0_u8; 4096];
        let read = stream.read(&mut chunk).await.expect("the answer arrives");
        assert!(read > 0, "the connection ended before its answer");
        bytes.extend_from_slice(&chunk[..read]);
    }
}

#[tokio::test]
async fn a_connection_is_kept_for_many_requests_and_the_server_stops_when_told() {
    let mut served = served().await;
    for at in 0..3 {
        let body = json!({ "properties": { "email": format!("c{at}@example.com") } }).to_string();
        served.stream.write_all(request("POST", "/crm/v3/objects/contacts", &body).as_bytes()).await.unwrap();
        let (status, text) = answer(&mut served.stream).await;
        assert_eq!(status, 201);
        assert!(text.contains(&format!("c{at}@example.com")));
    }
    served.stop.send(()).unwrap();
    served.server.await.unwrap().unwrap();
    assert!(TcpStream::connect(served.address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn item_32_a_reset_after_the_work_breaks_the_connection_and_keeps_the_record() {
    let mut served = served().await;
    let fault =
        json!([{ "match": { "method": "POST", "path_regex": "contacts$" }, "do": { "reset": "after" } }]).to_string();
    served.stream.write_all(request("POST", "/_sandbox/faults", &fault).as_bytes()).await.unwrap();
    assert_eq!(answer(&mut served.stream).await.0, 200);
    let body = json!({ "properties": { "email": "lost@example.com" } }).to_string();
    served.stream.write_all(request("POST", "/crm/v3/objects/contacts", &body).as_bytes()).await.unwrap();
    let mut rest = Vec::new();
    let error = served.stream.read_to_end(&mut rest).await.expect_err("the connection is reset");
    assert_eq!((error.kind(), rest.len()), (std::io::ErrorKind::ConnectionReset, 0));
    let mut stream = TcpStream::connect(served.address).await.unwrap();
    stream
        .write_all(request("GET", "/crm/v3/objects/contacts/lost@example.com?idProperty=email", "").as_bytes())
        .await
        .unwrap();
    assert_eq!(answer(&mut stream).await.0, 200);
}
