//! An S3 store on a socket, as far as a bucket needs one: it keeps what arrives and looks at how it was sent.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub(crate) const BUCKET: &str = "rejects";
pub(crate) const KEY_ID: &str = "AKIATEST";

#[derive(Default)]
struct Kept {
    objects: BTreeMap<String, Bytes>,
    requests: Vec<(Method, String)>,
    refuses: Option<(StatusCode, &'static str)>,
    hides: bool,
}

/// Ends with the test.
pub(crate) struct Store {
    kept: Arc<Mutex<Kept>>,
    url: String,
    task: JoinHandle<()>,
}

impl Drop for Store {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Store {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let kept: Arc<Mutex<Kept>> = Arc::default();
        let shared = Arc::clone(&kept);
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("a connection");
                let kept = Arc::clone(&shared);
                tokio::spawn(async move {
                    let service = service_fn(move |request| {
                        let kept = Arc::clone(&kept);
                        async move { Ok::<_, Infallible>(answer(&kept, request).await) }
                    });
                    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self { kept, url, task }
    }

    /// The configuration of a bucket in this store.
    pub(crate) fn config(&self, format: Value) -> Value {
        json!({ "storage_type": "S3", "access_key_id": KEY_ID, "secret_access_key": "hush-secret", "s3_bucket_name": BUCKET,
            "s3_bucket_region": "eu-central-1", "s3_endpoint": self.url, "bucket_path": "dead/", "format": format })
    }

    pub(crate) fn objects(&self) -> BTreeMap<String, Bytes> {
        self.kept.lock().expect("no panic").objects.clone()
    }

    pub(crate) fn requests(&self) -> Vec<(Method, String)> {
        self.kept.lock().expect("no panic").requests.clone()
    }

    pub(crate) fn refuse(&self, status: StatusCode, code: &'static str) {
        self.kept.lock().expect("no panic").refuses = Some((status, code));
    }

    /// What is written is not listed.
    pub(crate) fn hide(&self) {
        self.kept.lock().expect("no panic").hides = true;
    }
}

fn xml(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    Response::builder()
        .status(status)
        .header("content-type", "application/xml")
        .header("etag", "\"0123\"")
        .header("last-modified", "Sun, 22 Nov 2026 10:00:00 GMT")
        .body(Full::new(Bytes::from(body)))
        .expect("a response")
}

async fn answer(kept: &Mutex<Kept>, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    let mut kept = kept.lock().expect("no panic");
    kept.requests.push((head.method.clone(), head.uri.to_string()));
    // Signed by the configured key for the configured region, and addressed by path.
    let authorization = head.headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    assert!(authorization.contains(&format!("Credential={KEY_ID}/")), "{authorization}");
    assert!(authorization.contains("/eu-central-1/s3/aws4_request"), "{authorization}");
    assert!(!authorization.contains("hush-secret"));
    let path = head.uri.path();
    let below =
        path.strip_prefix(&format!("/{BUCKET}")).unwrap_or_else(|| panic!("by path: {path}")).trim_start_matches('/');
    if let Some((status, code)) = kept.refuses {
        return xml(
            status, // As S3 does, whose answer repeats the id of the key.
            format!("<Error><Code>{code}</Code><Message>no</Message><AWSAccessKeyId>{KEY_ID}</AWSAccessKeyId></Error>"),
        );
    }
    match head.method {
        Method::PUT => {
            kept.objects.insert(below.to_owned(), body);
            xml(StatusCode::OK, String::new())
        }
        Method::DELETE => {
            kept.objects.remove(below);
            xml(StatusCode::NO_CONTENT, String::new())
        }
        Method::GET => {
            let contents: String = kept
                .objects
                .iter()
                .filter(|_| !kept.hides)
                .map(|(key, value)| {
                    format!(
                        "<Contents><Key>{key}</Key><LastModified>2026-11-22T10:00:00.000Z</LastModified><ETag>\"0123\"</ETag><Size>{}</Size></Contents>",
                        value.len()
                    )
                })
                .collect();
            xml(
                StatusCode::OK,
                format!(
                    "<ListBucketResult><Name>{BUCKET}</Name><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>"
                ),
            )
        }
        other => panic!("{other} {path}"),
    }
}
