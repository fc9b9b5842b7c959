//! The limiter and the attempt loop together, against a HubSpot that counts arrivals in a rolling window.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use hubward_hubspot::{
    CallMeta, Client, HttpRequest, HttpResponse, Input, LimitShare, SearchQuery, Transport, TransportError,
};
use tokio::time::Instant;

const TEN: Duration = Duration::from_secs(10);
const SECOND: Duration = Duration::from_secs(1);

#[derive(Default)]
struct Counted {
    burst: VecDeque<Instant>,
    search: VecDeque<Instant>,
    draws: u64,
    refused: u32,
    answered: u32,
    /// Requests of another process with the same token, by arrival.
    others: VecDeque<Instant>,
}

/// Requests take 10 to 110 ms to arrive and are answered 290 ms later.
struct Rolling {
    limit: usize,
    counted: Mutex<Counted>,
}

impl Rolling {
    fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, counted: Mutex::default() })
    }

    fn refused(&self) -> u32 {
        self.counted.lock().expect("no panic").refused
    }

    fn travel(&self) -> Duration {
        let mut counted = self.counted.lock().expect("no panic");
        counted.draws = counted.draws.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Duration::from_millis(10 + (counted.draws >> 33) % 100)
    }

    fn arrive(&self, search: bool) -> HttpResponse {
        let now = Instant::now();
        let mut counted = self.counted.lock().expect("no panic");
        let (span, limit) = if search { (SECOND, 5) } else { (TEN, self.limit) };
        let others = counted.others.iter().filter(|at| **at <= now && **at + TEN > now).count();
        let log = if search { &mut counted.search } else { &mut counted.burst };
        while log.front().is_some_and(|at| *at + span <= now) {
            log.pop_front();
        }
        let used = log.len() + if search { 0 } else { others };
        let fits = used < limit;
        if fits {
            log.push_back(now);
            counted.answered += 1;
        } else {
            counted.refused += 1;
        }
        let mut response = HttpResponse {
            status: if fits { 200 } else { 429 },
            headers: Default::default(),
            body: Bytes::from_static(if fits {
                br#"{"results":[]}"#
            } else {
                br#"{"policyName":"TEN_SECONDLY_ROLLING"}"#
            }),
        };
        if !search {
            let left = limit.saturating_sub(used + 1);
            for (name, value) in [
                ("x-hubspot-ratelimit-max", limit),
                ("x-hubspot-ratelimit-remaining", left),
                ("x-hubspot-ratelimit-interval-milliseconds", 10_000),
            ] {
                response.headers.insert(name, value.into());
            }
        }
        response
    }
}

impl Transport for Rolling {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, TransportError>> {
        Box::pin(async move {
            let travel = self.travel();
            tokio::time::sleep(travel).await;
            let response = self.arrive(request.url.ends_with("/search"));
            tokio::time::sleep(Duration::from_millis(290)).await;
            Ok(response)
        })
    }
}

fn client(hubspot: &Arc<Rolling>, limits: LimitShare) -> Client {
    let mut config = crate::config("http://hubspot.invalid");
    config.limits = limits;
    let transport: Arc<dyn Transport> = Arc::<Rolling>::clone(hubspot);
    Client::new(config, transport, Arc::new(crate::Noon), None)
}

async fn upserts(client: &Client, count: usize) {
    let mut tasks = Vec::new();
    for _ in 0..count {
        let client = client.clone();
        tasks.push(tokio::spawn(async move {
            let input = Input { id: Some("a@example.com"), properties: &[], trace_id: Some("0") };
            client.batch_upsert("contacts", Some("email"), &[input], &CallMeta::default()).await
        }));
    }
    for task in tasks {
        task.await.expect("no panic").expect("an answer");
    }
}

#[tokio::test(start_paused = true)]
async fn a_thousand_batches_take_the_least_time_of_the_limit_and_draw_no_429() {
    let hubspot = Rolling::new(190);
    let client = client(&hubspot, LimitShare::default());
    let began = Instant::now();
    upserts(&client, 1_000).await;
    // Five full windows and the last fifty: 50.3 s at the very least.
    let took = began.elapsed();
    assert_eq!(hubspot.refused(), 0);
    assert!(took < Duration::from_millis(51_500), "{took:?}");
    assert!(took >= Duration::from_millis(50_300), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_share_is_kept_in_every_window() {
    let hubspot = Rolling::new(100);
    let client = client(&hubspot, LimitShare { share: 0.5, daily: None });
    let began = Instant::now();
    upserts(&client, 151).await;
    assert!(began.elapsed() >= Duration::from_secs(30));
    assert_eq!(hubspot.refused(), 0);
}

#[tokio::test(start_paused = true)]
async fn another_process_on_the_same_token_is_seen_and_given_room() {
    let hubspot = Rolling::new(190);
    let begin = Instant::now();
    // The other process sends eight a second all the time, from ten seconds ago on.
    {
        let mut counted = hubspot.counted.lock().expect("no panic");
        for step in 0..800u32 {
            counted.others.push_back(begin + Duration::from_millis(125) * step);
        }
    }
    tokio::time::advance(TEN).await;
    let client = client(&hubspot, LimitShare::default());
    upserts(&client, 400).await;
    let refused = hubspot.refused();
    assert!(refused <= 20, "{refused} of 400 refused");
}

#[tokio::test(start_paused = true)]
async fn searches_keep_their_own_rate_beside_other_calls() {
    let hubspot = Rolling::new(190);
    let client = client(&hubspot, LimitShare::default());
    let began = Instant::now();
    let mut tasks = Vec::new();
    for _ in 0..60 {
        let client = client.clone();
        tasks.push(tokio::spawn(async move {
            let query = SearchQuery::default();
            client.search("contacts", &query, &CallMeta::default()).await
        }));
    }
    upserts(&client, 100).await;
    assert!(began.elapsed() < Duration::from_secs(5), "not held up by searches");
    for task in tasks {
        task.await.expect("no panic").expect("an answer");
    }
    let took = began.elapsed();
    assert_eq!(hubspot.refused(), 0);
    assert!(took < Duration::from_secs(17), "{took:?}");
}
