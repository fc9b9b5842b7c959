//! Whatever comes, in whatever order and with whatever faults: every record has one outcome, every STATE its place, and the
//! account holds what the same records would have made of it one after the other.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use serde_json::{Value, json};

use crate::world::{World, complete, record, state, stream};

#[derive(Clone, Debug)]
enum Step {
    /// Which contact, its name, its score.
    Good(u8, Option<u8>, Option<u8>),
    /// A score that is no number.
    BadScore(u8, u8),
    NoKey,
    State,
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    Busy,
    Trouble,
    LostBefore,
    LostAfter,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        12 => (0..40u8, prop::option::of(0..9u8), prop::option::of(0..9u8)).prop_map(|(who, name, score)| Step::Good(who, name, score)),
        2 => (0..40u8, 0..9u8).prop_map(|(who, name)| Step::BadScore(who, name)),
        1 => Just(Step::NoKey),
        1 => Just(Step::State),
    ];
    prop::collection::vec(step, 0..600)
}

fn faults() -> impl Strategy<Value = Vec<(u8, Fault)>> {
    let fault = prop_oneof![Just(Fault::Busy), Just(Fault::Trouble), Just(Fault::LostBefore), Just(Fault::LostAfter)];
    prop::collection::vec((0..6u8, fault), 0..4)
}

type Person = (Option<String>, Option<String>);

async fn play(steps: Vec<Step>, faults: Vec<(u8, Fault)>) {
    let world = World::stocked();
    let rules: Vec<Value> = faults
        .iter()
        .map(|(after, fault)| {
            let done = match fault {
                Fault::Busy => json!({"status": 429, "policy": "TEN_SECONDLY_ROLLING"}),
                Fault::Trouble => json!({"status": 502}),
                Fault::LostBefore => json!({"reset": "before"}),
                Fault::LostAfter => json!({"reset": "after"}),
            };
            json!({"match": {"kind": "upsert"}, "after": after, "times": 1, "do": done})
        })
        .collect();
    if !rules.is_empty() {
        world.fault(json!(rules)).await;
    }
    let mut messages = Vec::new();
    let mut model: BTreeMap<String, Person> = BTreeMap::new();
    let mut windows: Vec<[u64; 2]> = vec![[0, 0]];
    for step in steps {
        let window = windows.last_mut().expect("a window is open");
        match step {
            Step::Good(who, name, score) => {
                let email = format!("c{who}@example.com");
                let name = name.map(|name| format!("n{name}"));
                messages.push(record("people", json!({"email": email, "firstname": name, "lead_score": score})));
                let person = model.entry(email).or_default();
                person.0 = name.or(person.0.take());
                person.1 = score.map(|score| score.to_string()).or(person.1.take());
                window[0] += 1;
            }
            Step::BadScore(who, name) => {
                let email = format!("c{who}@example.com");
                messages.push(record(
                    "people",
                    json!({"email": email, "firstname": name.to_string(), "lead_score": "many"}),
                ));
                window[1] += 1;
            }
            Step::NoKey => {
                messages.push(record("people", json!({"firstname": "nobody"})));
                window[1] += 1;
            }
            Step::State => {
                messages.push(state("people", windows.len() as u64));
                windows.push([0, 0]);
            }
        }
    }
    messages.push(complete("people"));
    let people = stream("people", "CONTACT", "append_dedup", "email", &["email", "firstname", "lead_score"]);
    let told = world.write(vec![people], messages).await.ok();
    windows.pop();
    assert_eq!(told.stats(), windows);
    let ids: Vec<u64> = told.states().iter().map(|state| state["id"].as_u64().expect("an id")).collect();
    assert_eq!(ids, (1..=windows.len() as u64).collect::<Vec<_>>());
    let held: BTreeMap<String, Person> = world
        .records("contacts")
        .await
        .iter()
        .map(|record| {
            let text =
                |name: &str| record["properties"][name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
            (text("email").expect("an e-mail"), (text("firstname"), text("lead_score")))
        })
        .collect();
    assert_eq!(held, model);
}

#[test]
fn every_record_has_one_outcome_and_the_account_is_as_if_they_had_come_one_by_one() {
    let config =
        Config { cases: 40, rng_seed: RngSeed::Fixed(20_261_122), failure_persistence: None, ..Config::default() };
    proptest!(config, |(steps in steps(), faults in faults())| {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime");
        runtime.block_on(play(steps, faults));
    });
}
