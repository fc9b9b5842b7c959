//! The event door at its worst: two processes killed at random moments, and bad calls.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::delivered::{Door, all_there, calls, command, delivered, project, sandbox, send, status};
use crate::intake::WRITE_KEY;
use crate::support::{done, told};

/// Numbers of a seed that is printed, so that a failure can be sought again.
struct Chance(u64);

impl Chance {
    fn new() -> Self {
        let seed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_nanos();
        let seed = u64::try_from(seed % u128::from(u64::MAX)).expect("it fits") | 1;
        told(&format!("seed {seed}"));
        Self(seed)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// Sends while `over` is not set, by several clients at once; gives the users whose calls were acknowledged.
fn load(url: &str, next: &Arc<AtomicUsize>, over: &Arc<AtomicBool>) -> Vec<std::thread::JoinHandle<BTreeSet<usize>>> {
    (0..4)
        .map(|_| {
            let (url, next, over) = (url.to_owned(), Arc::clone(next), Arc::clone(over));
            std::thread::spawn(move || {
                let mut acknowledged = BTreeSet::new();
                while !over.load(Ordering::SeqCst) {
                    let first = next.fetch_add(5, Ordering::SeqCst);
                    let calls: Vec<Value> = (first..first + 5).flat_map(calls).collect();
                    if send(&url, &calls) {
                        acknowledged.extend(first..first + 5);
                    }
                }
                acknowledged
            })
        })
        .collect()
}

#[test]
fn an_intake_and_a_worker_in_two_processes_killed_at_random_lose_nothing_and_double_nothing() {
    let (sandbox, project) = (sandbox(), project());
    let mut chance = Chance::new();
    let next = Arc::new(AtomicUsize::new(0));
    let mut acknowledged = BTreeSet::new();
    // Short windows, so that a worker is always in the middle of something.
    project.edit("hubward.yml", "intake:\n", "intake:\n  window: 100ms\n");
    let (mut arrived, mut delivering) = (0, 0);
    for round in 0..10 {
        let intake = Door::start_as(&project, &sandbox, &["intake", "--no-worker"]);
        let mut worker = command(&project, &sandbox, &["worker"]).spawn().expect("it starts");
        let over = Arc::new(AtomicBool::new(false));
        let clients = load(&intake.url, &next, &over);
        std::thread::sleep(Duration::from_millis(600 + chance.below(1_600)));
        // Either goes first.
        let worker_first = chance.below(2) == 0;
        if worker_first {
            worker.kill().expect("killed");
            std::thread::sleep(Duration::from_millis(chance.below(150)));
        }
        intake.kill();
        over.store(true, Ordering::SeqCst);
        for client in clients {
            acknowledged.extend(client.join().expect("no client failed"));
        }
        if !worker_first {
            std::thread::sleep(Duration::from_millis(chance.below(150)));
            worker.kill().expect("killed");
        }
        worker.wait().expect("it has ended");
        let events = sandbox.get("/_sandbox/events")["results"].as_array().expect("events").len();
        delivering += usize::from(events > arrived);
        arrived = events;
        told(&format!("round {round}: {} users acknowledged, {events} events in HubSpot", acknowledged.len()));
    }
    assert!(acknowledged.len() > 300, "{}", acknowledged.len());
    assert!(delivering >= 3, "only {delivering} workers had delivered something when they were killed");
    let door = Door::start(&project, &sandbox);
    delivered(&project, &sandbox);
    door.stop();
    all_there(&sandbox, &acknowledged);
    let rejected = done(&mut command(&project, &sandbox, &["rejected", "--json"])).json();
    assert_eq!(rejected["results"], json!([]));
}

/// Status and code of each answer to something that no client of good will sends.
#[test]
fn what_cannot_be_taken_has_its_status_and_its_reason() {
    let (sandbox, project) = (sandbox(), project());
    let door = Door::start(&project, &sandbox);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let post = |path: &str, key: &str, body: String| -> (u16, Value) {
        runtime.block_on(async {
            let request = http.post(format!("{}{path}", door.url)).basic_auth(key, Some("")).body(body);
            let answer = request.send().await.expect("an answer");
            (answer.status().as_u16(), answer.json().await.expect("JSON"))
        })
    };
    let track = json!({"userId": "u", "event": "E"}).to_string();
    let large = json!({"userId": "u", "event": "E", "properties": {"text": "x".repeat(33 << 10)}}).to_string();
    for (path, key, body, status, code) in [
        ("/v1/track", WRITE_KEY, "{".to_owned(), 400, "invalid_json"),
        ("/v1/track", "other", track.clone(), 401, "unauthorized"),
        ("/v1/track", WRITE_KEY, large, 413, "too_large"),
        ("/v1/teleport", WRITE_KEY, track.clone(), 404, "not_found"),
        ("/v1/track", WRITE_KEY, json!({"userId": "u"}).to_string(), 400, "invalid_call"),
        (
            "/v1/batch",
            WRITE_KEY,
            json!({"batch": [{"type": "teleport", "userId": "u"}]}).to_string(),
            400,
            "invalid_call",
        ),
    ] {
        let (found, answer) = post(path, key, body);
        assert_eq!((found, answer["code"].as_str()), (status, Some(code)), "{path}: {answer}");
        assert!(answer["message"].as_str().is_some_and(|message| !message.is_empty()), "{answer}");
    }
    let future = json!({"userId": "u", "event": "E", "timestamp": "2999-01-01T00:00:00Z"}).to_string();
    let (found, answer) = post("/v1/track", WRITE_KEY, future);
    assert_eq!(found, 200, "{answer}");
    assert!(answer["warnings"].is_array(), "{answer}");
    delivered(&project, &sandbox);
    door.stop();
    assert_eq!(status(&project, &sandbox)["workers"][0]["told"]["events"], 1, "only what was accepted");
}
