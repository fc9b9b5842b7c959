use proptest::prelude::*;

use super::*;

const UPSERTS: Rules = Rules { lane: 0, merges: true };
const INSERTS: Rules = Rules { lane: 1, merges: false };

fn key(number: u32) -> Key {
    Arc::from(number.to_string())
}

fn next(queues: &mut Queues<u32>) -> Vec<(Option<String>, Vec<u32>)> {
    let batch = queues.next().expect("a batch");
    batch.writes.into_iter().map(|write| (write.key.map(|key| key.to_string()), write.records)).collect()
}

#[test]
fn records_of_one_key_become_one_write_and_wait_while_it_is_under_way() {
    let mut queues = Queues::new(&[UPSERTS]);
    for (number, record) in [(1, 10), (2, 20), (1, 11)] {
        queues.push(0, Some(key(number)), record);
    }
    queues.flush(0);
    assert_eq!(next(&mut queues), [(Some("1".to_owned()), vec![10, 11]), (Some("2".to_owned()), vec![20])]);
    queues.push(0, Some(key(1)), 12);
    queues.push(0, Some(key(1)), 13);
    queues.flush(0);
    assert!(queues.next().is_none(), "the key is under way");
    queues.done(0, &key(1), Vec::new());
    queues.flush(0);
    assert_eq!(next(&mut queues), [(Some("1".to_owned()), vec![12, 13])]);
    queues.done(0, &key(1), Vec::new());
    queues.done(0, &key(2), Vec::new());
    assert!(queues.is_empty());
}

#[test]
fn inserts_of_one_key_follow_each_other() {
    let mut queues = Queues::new(&[UPSERTS, INSERTS]);
    queues.push(1, Some(key(1)), 10);
    queues.push(1, Some(key(1)), 11);
    queues.push(1, Some(key(1)), 12);
    for record in 10..=12 {
        queues.flush(1);
        assert_eq!(next(&mut queues), [(Some("1".to_owned()), vec![record])]);
        assert!(queues.next().is_none());
        queues.done(1, &key(1), Vec::new());
    }
    assert!(queues.is_empty());
}

#[test]
fn what_was_refused_together_is_tried_one_by_one_before_what_came_later() {
    let mut queues = Queues::new(&[UPSERTS]);
    queues.push(0, Some(key(1)), 10);
    queues.push(0, Some(key(1)), 11);
    queues.flush(0);
    next(&mut queues);
    queues.push(0, Some(key(1)), 12);
    queues.done(0, &key(1), vec![10, 11]);
    queues.push(0, Some(key(1)), 13);
    for records in [vec![10], vec![11], vec![12, 13]] {
        queues.flush(0);
        assert_eq!(next(&mut queues), [(Some("1".to_owned()), records)]);
        queues.done(0, &key(1), Vec::new());
    }
    assert!(queues.is_empty());
}

#[test]
fn records_without_a_key_never_wait_and_a_full_batch_goes_at_once() {
    let mut queues = Queues::new(&[INSERTS]);
    for record in 0..100 {
        queues.push(0, None, record);
    }
    let batch = queues.next().expect("a full batch");
    assert!(!batch.keyed && batch.writes.len() == 100);
    assert!(queues.is_empty());
}

#[derive(Clone, Debug)]
enum Step {
    Push(usize, u32),
    Flush(usize),
    Send,
    Done(usize, bool),
}

proptest! {
    #[test]
    fn a_key_is_under_way_once_and_its_records_keep_their_order(steps in prop::collection::vec(
        prop_oneof![
            6 => (0..3usize, 0..6u32).prop_map(|(stream, key)| Step::Push(stream, key)),
            2 => (0..3usize).prop_map(Step::Flush),
            3 => Just(Step::Send),
            3 => (any::<usize>(), any::<bool>()).prop_map(|(which, again)| Step::Done(which, again)),
        ],
        0..200,
    )) {
        // Two streams of one lane, of which one merges, and one of another.
        let rules = [UPSERTS, Rules { lane: 0, merges: false }, INSERTS];
        let mut queues = Queues::new(&rules);
        let mut pushed: HashMap<(usize, u32), Vec<u32>> = HashMap::new();
        let mut settled: HashMap<(usize, u32), Vec<u32>> = HashMap::new();
        let mut under_way: Vec<(usize, Pending<u32>)> = Vec::new();
        let mut number = 0;
        let send = |queues: &mut Queues<u32>, under_way: &mut Vec<(usize, Pending<u32>)>| {
            while let Some(batch) = queues.next() {
                for write in batch.writes {
                    let lane = rules[batch.stream].lane;
                    let same = |(stream, other): &(usize, Pending<u32>)| rules[*stream].lane == lane && other.key == write.key;
                    assert!(!under_way.iter().any(same), "{:?} is under way twice", write.key);
                    under_way.push((batch.stream, write));
                }
            }
        };
        let mut done = |queues: &mut Queues<u32>, (stream, write): (usize, Pending<u32>), again: bool| {
            let key = write.key.expect("every record has one here");
            if again && write.records.len() > 1 {
                queues.done(stream, &key, write.records);
            } else {
                settled.entry((stream, key.parse().expect("a number"))).or_default().extend(write.records);
                queues.done(stream, &key, Vec::new());
            }
        };
        for step in steps {
            match step {
                Step::Push(stream, number_of_key) => {
                    number += 1;
                    pushed.entry((stream, number_of_key)).or_default().push(number);
                    queues.push(stream, Some(key(number_of_key)), number);
                }
                Step::Flush(stream) => queues.flush(stream),
                Step::Send => send(&mut queues, &mut under_way),
                Step::Done(which, again) if !under_way.is_empty() => {
                    let write = under_way.swap_remove(which % under_way.len());
                    done(&mut queues, write, again);
                }
                Step::Done(..) => {}
            }
        }
        while !queues.is_empty() || !under_way.is_empty() {
            (0..3).for_each(|stream| queues.flush(stream));
            send(&mut queues, &mut under_way);
            for write in std::mem::take(&mut under_way) {
                done(&mut queues, write, false);
            }
        }
        prop_assert_eq!(pushed, settled);
    }
}
