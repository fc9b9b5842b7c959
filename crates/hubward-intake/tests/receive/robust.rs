//! A full spool, a stop, and clients that go away.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hubward_store::spool::SpoolStep;
use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::{Running, WEB_KEY, answer};

fn call(id: &str) -> String {
    json!({ "userId": "u", "messageId": id, "p": "x".repeat(20_000) }).to_string()
}

#[tokio::test]
async fn a_full_spool_is_answered_with_503_until_there_is_room() {
    let running = Running::with(|options| {
        options.max_bytes = 200_000;
        options.segment_bytes = 50_000;
    })
    .await;
    let mut accepted = 0;
    let full = loop {
        let (status, body) = running.post("/v1/page", call(&accepted.to_string())).await;
        if status != StatusCode::OK {
            break (status, body);
        }
        accepted += 1;
    };
    assert_eq!((full.0.as_u16(), &full.1["code"]), (503, &json!("full")));
    let request = running.request(Method::POST, "/v1/page").basic_auth(WEB_KEY, Some("")).body(call("more"));
    assert_eq!(request.send().await.unwrap().headers()["retry-after"], "10");
    let (status, health) = answer(running.request(Method::GET, "/healthz")).await;
    assert_eq!((status.as_u16(), &health["status"]), (503, &json!("full")));
    assert_eq!(health["spool"]["events"], accepted);
    assert_eq!((&health["spool"]["max_bytes"], &health["spool"]["oldest_age_ms"]), (&json!(200_000), &json!(0)));

    let events = running.events().await;
    assert_eq!(events.len(), accepted, "what was refused is not in the spool");
    use hubward_store::Spool as _;
    running.spool.settle(events.iter().map(|event| event.seq).collect()).await.unwrap();
    assert_eq!(running.post("/v1/page", call("again")).await.0, StatusCode::OK);
    let (status, health) = answer(running.request(Method::GET, "/healthz")).await;
    assert_eq!((status.as_u16(), &health["status"], &health["spool"]["events"]), (200, &json!("ok"), &json!(1)));
}

#[tokio::test]
async fn a_disk_that_is_full_is_answered_with_503_and_never_with_200() {
    let full = Arc::new(AtomicBool::new(false));
    let hook = {
        let full = Arc::clone(&full);
        move |step| match step {
            SpoolStep::GroupWritten if full.load(Ordering::SeqCst) => Err(io::Error::from(io::ErrorKind::StorageFull)),
            _ => Ok(()),
        }
    };
    let running = Running::with(|options| options.on_step = Some(Arc::new(hook))).await;
    assert_eq!(running.post("/v1/page", call("1")).await.0, StatusCode::OK);
    full.store(true, Ordering::SeqCst);
    let (status, body) = running.post("/v1/page", call("2")).await;
    assert_eq!((status.as_u16(), &body["code"]), (503, &json!("full")));
    full.store(false, Ordering::SeqCst);
    assert_eq!(running.post("/v1/page", call("2")).await.0, StatusCode::OK);
    let ids: Vec<String> = running.events().await.into_iter().map(|event| event.message_id).collect();
    assert_eq!(ids, ["1", "2"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_answers_what_is_under_way_and_takes_nothing_more() {
    let begun = Arc::new(tokio::sync::Semaphore::new(0));
    let hook = {
        let begun = Arc::clone(&begun);
        move |step| {
            if step == SpoolStep::GroupWritten {
                begun.add_permits(1);
                // The request is under way while the stop comes.
                std::thread::sleep(Duration::from_millis(300));
            }
            Ok(())
        }
    };
    let running = Running::with(|options| options.on_step = Some(Arc::new(hook))).await;
    let request = running.request(Method::POST, "/v1/page").basic_auth(WEB_KEY, Some("")).body(call("1"));
    let under_way = tokio::spawn(answer(request));
    begun.acquire().await.unwrap().forget();
    let Running { stop, served, spool, http, url, .. } = running;
    stop.send(()).unwrap();
    assert_eq!(under_way.await.unwrap().0, StatusCode::OK);
    served.await.unwrap();
    assert!(http.get(format!("{url}/healthz")).send().await.is_err(), "nobody listens any more");
    use hubward_store::Spool as _;
    assert_eq!(spool.take(10, Duration::ZERO).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_client_that_goes_away_half_way_leaves_nothing() {
    let running = Running::start().await;
    let address = running.url.trim_start_matches("http://").to_owned();
    for head in [
        "POST /v1/page HTTP/1.1\r\nhost: x\r\ncontent-length: 50\r\n\r\n{\"userId\":\"u\",\"wri",
        "POST /v1/page HT",
        "",
    ] {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        drop(stream);
    }
    let mut stream = TcpStream::connect(&address).await.unwrap();
    stream.write_all(b"GET / HTTP/9\r\n\r\n").await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    assert!(text.starts_with("HTTP/1.1 400") || text.is_empty(), "{text}");
    assert_eq!(running.post("/v1/page", call("1")).await.0, StatusCode::OK);
    assert_eq!(running.events().await.len(), 1);
}
