use super::*;
use http::HeaderValue;

fn told(max: &'static str, remaining: &'static str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("X-HubSpot-RateLimit-Max", HeaderValue::from_static(max));
    headers.insert("X-HubSpot-RateLimit-Remaining", HeaderValue::from_static(remaining));
    headers.insert("X-HubSpot-RateLimit-Interval-Milliseconds", HeaderValue::from_static("10000"));
    headers
}

#[tokio::test(start_paused = true)]
async fn waiting_requests_go_in_the_order_of_asking() {
    let limiter = Limiter::new(LimitShare::default());
    let first = limiter.acquire(Budget::Burst, RequestKind::Upsert).await.expect("a day left");
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = Vec::new();
    for number in 0..20 {
        let limiter = limiter.clone();
        let order = Arc::clone(&order);
        tasks.push(tokio::spawn(async move {
            let ticket = limiter.acquire(Budget::Burst, RequestKind::Upsert).await.expect("a day left");
            order.lock().expect("no panic").push(number);
            drop(ticket);
        }));
        tokio::task::yield_now().await;
    }
    first.answered(&told("5", "4"), None, None);
    drop(first);
    for task in tasks {
        task.await.expect("no panic");
    }
    let order = order.lock().expect("no panic");
    assert_eq!(*order, (0..20).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_dropped_first_request_does_not_block_the_others() {
    let limiter = Limiter::new(LimitShare::default());
    let first = limiter.acquire(Budget::Burst, RequestKind::Upsert).await.expect("a day left");
    let waiting = tokio::spawn({
        let limiter = limiter.clone();
        async move { limiter.acquire(Budget::Burst, RequestKind::Upsert).await.is_ok() }
    });
    tokio::task::yield_now().await;
    drop(first);
    assert!(waiting.await.expect("no panic"));
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_shows_what_was_learned() {
    let limiter = Limiter::new(LimitShare { share: 0.5, daily: None });
    assert!(!limiter.snapshot().burst.learned);
    let ticket = limiter.acquire(Budget::Burst, RequestKind::Upsert).await.expect("a day left");
    let mut headers = told("190", "189");
    headers.insert("X-HubSpot-RateLimit-Daily", HeaderValue::from_static("625000"));
    headers.insert("X-HubSpot-RateLimit-Daily-Remaining", HeaderValue::from_static("624000"));
    ticket.answered(&headers, None, None);
    let seen = limiter.snapshot();
    assert!(seen.burst.learned);
    assert_eq!((seen.burst.max, seen.burst.allowed), (190, 95));
    assert_eq!(seen.burst.remaining, 189);
    assert_eq!(seen.daily.limit, Some(625_000));
    assert_eq!(seen.daily.remaining, Some(624_000));
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_shows_the_share_of_events_and_what_is_left_of_the_second() {
    let limiter = Limiter::new(LimitShare { share: 0.8, daily: Some(0) });
    let ticket = limiter.acquire(Budget::Events, RequestKind::Event).await.expect("events have no day");
    ticket.answered(&told("190", "0"), None, None);
    let seen = limiter.snapshot();
    assert_eq!((seen.events.max, seen.events.allowed, seen.events.remaining), (1_250, 1_000, 1_249));
    assert_eq!((seen.events.interval, seen.events.learned), (Duration::from_secs(1), false));
    assert_eq!(seen.daily.ours, 0);
}
