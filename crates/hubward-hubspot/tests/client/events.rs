//! How fast events go, on a paused clock: the limiter and the attempt loop together, against a HubSpot that counts what arrives in a rolling second.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{StreamExt as _, stream};
use hubward_hubspot::{CallMeta, Client, EventInput, HttpRequest, HttpResponse, LimitShare, Transport, TransportError};
use tokio::time::Instant;

/// Takes so many requests in a rolling second and refuses the others; half of each latency passes before it counts.
struct Server {
    max: usize,
    latencies_ms: &'static [u64],
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    window: VecDeque<Instant>,
    sent: usize,
    taken: usize,
    refused: usize,
    in_flight: usize,
    most_in_flight: usize,
}

impl Server {
    fn of(max: usize, latencies_ms: &'static [u64]) -> Arc<Self> {
        Arc::new(Self { max, latencies_ms, seen: Mutex::default() })
    }

    fn seen<T>(&self, f: impl FnOnce(&mut Seen) -> T) -> T {
        f(&mut self.seen.lock().expect("no panic"))
    }

    fn arrive(&self) -> bool {
        let now = Instant::now();
        self.seen(|seen| {
            while seen.window.front().is_some_and(|at| now.duration_since(*at) >= Duration::from_secs(1)) {
                seen.window.pop_front();
            }
            let room = seen.window.len() < self.max;
            if room {
                seen.window.push_back(now);
                seen.taken += 1;
            } else {
                seen.refused += 1;
            }
            room
        })
    }
}

impl Transport for Server {
    fn send(&self, _request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, TransportError>> {
        let nth = self.seen(|seen| {
            seen.sent += 1;
            seen.in_flight += 1;
            seen.most_in_flight = seen.most_in_flight.max(seen.in_flight);
            seen.sent
        });
        let half = Duration::from_millis(self.latencies_ms[nth % self.latencies_ms.len()]) / 2;
        Box::pin(async move {
            tokio::time::sleep(half).await;
            let (status, body) = match self.arrive() {
                true => (204, ""),
                false => (429, r#"{"message":"You have reached your secondly limit.","policyName":"SECONDLY"}"#),
            };
            tokio::time::sleep(half).await;
            self.seen(|seen| seen.in_flight -= 1);
            Ok(HttpResponse { status, headers: Default::default(), body: Bytes::from_static(body.as_bytes()) })
        })
    }
}

async fn send(server: &Arc<Server>, limits: LimitShare, requests: usize) -> Duration {
    let transport: Arc<dyn Transport> = Arc::<Server>::clone(server);
    let mut config = crate::config("http://hubspot.invalid");
    config.limits = limits;
    let client = Client::new(config, transport, Arc::new(crate::Noon), None);
    let event = EventInput {
        event_name: "pe1_bought",
        object_id: Some("7"),
        email: None,
        utk: None,
        occurred_at: None,
        uuid: "u-1",
        properties: &[],
    };
    let began = Instant::now();
    let meta = CallMeta::default();
    stream::iter(0..requests)
        .for_each_concurrent(400, |_| async {
            client.send_events(&[event], &meta).await.expect("taken");
        })
        .await;
    began.elapsed()
}

fn least(requests: usize, rate: f64, latency: f64) -> Duration {
    Duration::from_secs_f64(requests as f64 / rate + latency)
}

#[tokio::test(start_paused = true)]
async fn a_million_events_take_hardly_longer_than_their_limit_allows() {
    let server = Server::of(1_250, &[200]);
    let took = send(&server, LimitShare::default(), 2_000).await;
    let least = least(2_000, 1_250.0, 0.2);
    assert!(took <= least.mul_f64(1.1), "{took:?} instead of {least:?}");
    let (taken, refused, most) = server.seen(|seen| (seen.taken, seen.refused, seen.most_in_flight));
    assert_eq!((taken, refused), (2_000, 0));
    assert!(most >= 250, "{most} in flight");
}

#[tokio::test(start_paused = true)]
async fn events_keep_to_their_limit_when_answers_take_unequally_long() {
    let server = Server::of(1_250, &[180, 240, 200, 310, 190, 220, 205]);
    let took = send(&server, LimitShare::default(), 6_000).await;
    let least = least(6_000, 1_250.0, 0.2);
    assert!(took <= least.mul_f64(1.15), "{took:?} instead of {least:?}");
    assert_eq!(server.seen(|seen| (seen.taken, seen.refused)), (6_000, 0));
}

#[tokio::test(start_paused = true)]
async fn a_share_of_the_limit_is_kept_to() {
    let server = Server::of(250, &[200]);
    let took = send(&server, LimitShare { share: 0.2, daily: None }, 1_000).await;
    assert_eq!(server.seen(|seen| (seen.taken, seen.refused)), (1_000, 0));
    assert!(took >= Duration::from_secs(3), "{took:?}: a fifth of 1,250 a second, the first of them at once");
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_others_use_too_delays_events_and_loses_none() {
    let server = Server::of(400, &[200]);
    let took = send(&server, LimitShare::default(), 2_000).await;
    let (taken, refused) = server.seen(|seen| (seen.taken, seen.refused));
    assert_eq!(taken, 2_000);
    // What the first second teaches is not forgotten in the next.
    assert!((1..2_000).contains(&refused), "{refused} refused");
    let least = least(2_000, 400.0, 0.2);
    assert!(took <= least.mul_f64(1.5), "{took:?} instead of {least:?}");
}
