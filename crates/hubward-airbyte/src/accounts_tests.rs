use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn stream_state(id: u64, stream: usize) -> State {
    let json = format!(
        r#"{{"type":"STREAM","id":{id},"stream":{{"stream_descriptor":{{"name":"s{stream}"}},"stream_state":{{}}}}}}"#
    );
    State::read(&json).expect("a state")
}

fn global_state(id: u64) -> State {
    State::read(&format!(r#"{{"type":"GLOBAL","id":{id},"global":{{"stream_states":[]}}}}"#)).expect("a state")
}

fn id(state: &State) -> u64 {
    let json: serde_json::Value = serde_json::from_str(&state.clone().rendered(&Counts::default())).expect("JSON");
    json["id"].as_u64().expect("an id")
}

#[test]
fn nine_records_of_which_four_are_rejected_and_then_two_more() {
    let mut accounts = Accounts::new(1, true);
    let windows: Vec<Window> = (0..9).map(|_| accounts.received(0, 10)).collect();
    accounts.state(Some(0), stream_state(1, 0)).expect("one kind");
    for (index, window) in windows.iter().enumerate() {
        assert!(accounts.next().is_none(), "{index} of 9 are settled");
        accounts.settled(*window, if index < 4 { Fate::Rejected } else { Fate::Accepted });
    }
    assert!(accounts.next().is_none(), "the rejected ones are not stored yet");
    assert!(accounts.waits_for_storage());
    accounts.stored(windows[0], 4);
    let (_, counts) = accounts.next().expect("all is settled");
    assert_eq!(counts, Counts { accepted: 5, rejected: 4, accepted_sum: 5, rejected_sum: 4, bytes_sum: 90 });
    for _ in 0..2 {
        let window = accounts.received(0, 10);
        accounts.settled(window, Fate::Accepted);
    }
    accounts.state(Some(0), stream_state(2, 0)).expect("one kind");
    let (_, counts) = accounts.next().expect("all is settled");
    assert_eq!(counts, Counts { accepted: 2, rejected: 0, accepted_sum: 7, rejected_sum: 4, bytes_sum: 110 });
    assert!(accounts.next().is_none() && accounts.waiting() == 0);
}

#[test]
fn without_a_bucket_a_rejected_record_holds_nothing_back() {
    let mut accounts = Accounts::new(1, false);
    let window = accounts.received(0, 1);
    accounts.state(Some(0), stream_state(1, 0)).expect("one kind");
    accounts.settled(window, Fate::Rejected);
    assert_eq!(accounts.next().expect("settled").1.rejected, 1);
}

#[test]
fn a_global_state_waits_for_every_stream_and_kinds_do_not_mix() {
    let mut accounts = Accounts::new(2, false);
    let first = accounts.received(0, 1);
    let second = accounts.received(1, 1);
    accounts.state(None, global_state(1)).expect("one kind");
    accounts.settled(first, Fate::Accepted);
    assert!(accounts.next().is_none());
    accounts.settled(second, Fate::Accepted);
    assert_eq!(accounts.next().expect("settled").1.accepted, 2);
    assert_eq!(accounts.state(Some(0), stream_state(2, 0)), Err(Mixed));
}

#[derive(Clone, Debug)]
enum Step {
    Record(usize),
    State(usize),
    /// Settles the record that is this far into those that are open.
    Settle(usize, bool),
    Store,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        5 => (0..3usize).prop_map(Step::Record),
        2 => (0..3usize).prop_map(Step::State),
        5 => (any::<usize>(), any::<bool>()).prop_map(|(which, accepted)| Step::Settle(which, accepted)),
        1 => Just(Step::Store),
    ];
    prop::collection::vec(step, 0..120)
}

/// A second account of the same, kept the simplest way: every record by itself.
#[derive(Default)]
struct Model {
    records: Vec<Known>,
    /// Of each state: its id, which stream, and how many records had come in before it.
    states: Vec<(u64, Option<usize>, usize)>,
    out: Vec<u64>,
}

struct Known {
    stream: usize,
    window: Window,
    fate: Option<Fate>,
    stored: bool,
}

impl Model {
    fn covered(&self, stream: Option<usize>, before: usize) -> impl Iterator<Item = &Known> {
        self.records[..before].iter().filter(move |record| stream.is_none_or(|stream| record.stream == stream))
    }

    fn take(&mut self, accounts: &mut Accounts) {
        while let Some((state, counts)) = accounts.next() {
            let id = id(&state);
            let (_, stream, before) = *self.states.iter().find(|(known, ..)| *known == id).expect("it came in");
            assert!(!self.out.contains(&id), "{id} goes out once");
            let earlier = self.states.iter().filter(|(_, other, _)| *other == stream).map(|(known, ..)| *known);
            let earlier: Vec<u64> = earlier.take_while(|known| *known != id).collect();
            assert!(earlier.iter().all(|known| self.out.contains(known)), "{id} goes out in order");
            assert!(self.covered(stream, before).all(|record| match record.fate {
                Some(Fate::Accepted) => true,
                Some(Fate::Rejected) => record.stored,
                None => false,
            }));
            let count = |fate| self.covered(stream, before).filter(|record| record.fate == Some(fate)).count() as u64;
            assert_eq!(counts.accepted_sum, count(Fate::Accepted));
            assert_eq!(counts.rejected_sum, count(Fate::Rejected));
            assert_eq!(counts.bytes_sum, counts.accepted_sum + counts.rejected_sum);
            let since = earlier.last().map_or(0, |last| {
                let (.., before) = self.states.iter().find(|(known, ..)| known == last).expect("known");
                self.covered(stream, *before).count()
            }) as u64;
            assert_eq!(counts.accepted + counts.rejected, counts.bytes_sum - since, "the window of {id}");
            self.out.push(id);
        }
    }
}

fn play(steps: Vec<Step>, global: bool) {
    let mut accounts = Accounts::new(3, true);
    let mut model = Model::default();
    let settle = |model: &mut Model, accounts: &mut Accounts, index: usize, accepted: bool| {
        let fate = if accepted { Fate::Accepted } else { Fate::Rejected };
        model.records[index].fate = Some(fate);
        accounts.settled(model.records[index].window, fate);
    };
    let store = |model: &mut Model, accounts: &mut Accounts| {
        let mut windows: BTreeMap<(usize, u64), (Window, u64)> = BTreeMap::new();
        for record in model.records.iter_mut().filter(|record| record.fate == Some(Fate::Rejected) && !record.stored) {
            record.stored = true;
            windows.entry((record.window.stream, record.window.number)).or_insert((record.window, 0)).1 += 1;
        }
        for (window, records) in windows.into_values() {
            accounts.stored(window, records);
        }
    };
    for step in steps {
        match step {
            Step::Record(stream) => {
                let window = accounts.received(stream, 1);
                model.records.push(Known { stream, window, fate: None, stored: false });
            }
            Step::State(stream) => {
                let stream = (!global).then_some(stream);
                let id = model.states.len() as u64;
                model.states.push((id, stream, model.records.len()));
                let state = stream.map_or_else(|| global_state(id), |stream| stream_state(id, stream));
                accounts.state(stream, state).expect("one kind");
            }
            Step::Settle(which, accepted) => {
                let open: Vec<usize> =
                    (0..model.records.len()).filter(|index| model.records[*index].fate.is_none()).collect();
                if !open.is_empty() {
                    settle(&mut model, &mut accounts, open[which % open.len()], accepted);
                }
            }
            Step::Store => store(&mut model, &mut accounts),
        }
        model.take(&mut accounts);
    }
    for index in 0..model.records.len() {
        if model.records[index].fate.is_none() {
            settle(&mut model, &mut accounts, index, index % 2 == 0);
        }
    }
    store(&mut model, &mut accounts);
    model.take(&mut accounts);
    assert_eq!(model.out.len(), model.states.len(), "every state went out");
    assert_eq!(accounts.waiting(), 0);
}

proptest! {
    #[test]
    fn every_state_goes_out_once_in_order_when_all_before_it_is_settled(steps in steps(), global in any::<bool>()) {
        play(steps, global);
    }
}
