//! Which records go into which batch, so that of one record never two writes are under way and the order of its writes is
//! that of the input. No input or output here.
//!
//! Records of one key that wait together become one write, the later value of each property winning; each stays counted.
//! Streams that write the same records by the same key share a lane, in which a key is under way once.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

/// What HubSpot takes in one request (api.md 3.1).
pub(crate) const BATCH_RECORDS_MAX: usize = 100;

/// What is known a record by.
pub(crate) type Key = Arc<str>;

/// One write, and all the records that it stands for.
#[derive(Debug)]
pub(crate) struct Pending<R> {
    pub(crate) key: Option<Key>,
    /// In the order of the input; at least one.
    pub(crate) records: Vec<R>,
    /// Nothing may join it: its records were refused together and are tried one by one.
    alone: bool,
}

/// Writes of one stream that go out together.
#[derive(Debug)]
pub(crate) struct Batch<R> {
    pub(crate) stream: usize,
    /// All have a key, or none has.
    pub(crate) keyed: bool,
    pub(crate) writes: Vec<Pending<R>>,
}

/// How a stream's records are queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    /// Streams of the same lane write the same records.
    pub(crate) lane: usize,
    /// Records of one key may become one write; a second insert must wait for what the first came to.
    pub(crate) merges: bool,
}

#[derive(Debug)]
struct Queue<R> {
    rules: Rules,
    filling: Vec<Pending<R>>,
    /// Where a key stands in `filling`.
    at: HashMap<Key, usize>,
    keyless: Vec<Pending<R>>,
    /// Writes whose key is under way.
    blocked: HashMap<Key, VecDeque<Pending<R>>>,
}

/// The queues of all streams.
#[derive(Debug)]
pub(crate) struct Queues<R> {
    queues: Vec<Queue<R>>,
    /// Keys that are in a batch, being filled or under way, by lane.
    busy: Vec<HashSet<Key>>,
    full: VecDeque<Batch<R>>,
}

impl<R> Queues<R> {
    pub(crate) fn new(rules: &[Rules]) -> Self {
        let lanes = rules.iter().map(|rules| rules.lane + 1).max().unwrap_or(0);
        let queue = |rules: &Rules| Queue {
            rules: *rules,
            filling: Vec::new(),
            at: HashMap::new(),
            keyless: Vec::new(),
            blocked: HashMap::new(),
        };
        Self {
            queues: rules.iter().map(queue).collect(),
            busy: std::iter::repeat_with(HashSet::new).take(lanes).collect(),
            full: VecDeque::new(),
        }
    }

    /// Takes one record.
    pub(crate) fn push(&mut self, stream: usize, key: Option<Key>, record: R) {
        let queue = &mut self.queues[stream];
        let Some(key) = key else {
            queue.keyless.push(Pending { key: None, records: vec![record], alone: false });
            if queue.keyless.len() == BATCH_RECORDS_MAX {
                let writes = std::mem::take(&mut queue.keyless);
                self.full.push_back(Batch { stream, keyed: false, writes });
            }
            return;
        };
        // A key that has writes waiting behind it is joined at its end.
        if let Some(waiting) = queue.blocked.get_mut(&key) {
            match waiting.back_mut() {
                Some(last) if queue.rules.merges && !last.alone => last.records.push(record),
                _ => waiting.push_back(Pending { key: Some(key), records: vec![record], alone: false }),
            }
            return;
        }
        if queue.rules.merges
            && let Some(at) = queue.at.get(&key)
            && !queue.filling[*at].alone
        {
            queue.filling[*at].records.push(record);
            return;
        }
        let pending = Pending { key: Some(Arc::clone(&key)), records: vec![record], alone: false };
        if self.busy[queue.rules.lane].contains(&key) {
            queue.blocked.entry(key).or_default().push_back(pending);
            return;
        }
        self.fill(stream, key, pending);
    }

    fn fill(&mut self, stream: usize, key: Key, pending: Pending<R>) {
        let queue = &mut self.queues[stream];
        self.busy[queue.rules.lane].insert(Arc::clone(&key));
        queue.at.insert(key, queue.filling.len());
        queue.filling.push(pending);
        if queue.filling.len() == BATCH_RECORDS_MAX {
            self.flush_keyed(stream);
        }
    }

    fn flush_keyed(&mut self, stream: usize) {
        let queue = &mut self.queues[stream];
        queue.at.clear();
        let writes = std::mem::take(&mut queue.filling);
        self.full.push_back(Batch { stream, keyed: true, writes });
    }

    /// Whether records of this stream wait for a batch to fill.
    pub(crate) fn is_filling(&self, stream: usize) -> bool {
        let queue = &self.queues[stream];
        !queue.filling.is_empty() || !queue.keyless.is_empty()
    }

    /// Waits no longer for this stream's batch to fill.
    pub(crate) fn flush(&mut self, stream: usize) {
        if !self.queues[stream].filling.is_empty() {
            self.flush_keyed(stream);
        }
        let writes = std::mem::take(&mut self.queues[stream].keyless);
        if !writes.is_empty() {
            self.full.push_back(Batch { stream, keyed: false, writes });
        }
    }

    /// The next batch that is ready.
    pub(crate) fn next(&mut self) -> Option<Batch<R>> {
        self.full.pop_front()
    }

    /// Whether a batch is ready.
    pub(crate) fn is_ready(&self) -> bool {
        !self.full.is_empty()
    }

    /// Nothing of this key is under way any more: what waited for it may fill a batch. `again`: its records, to be tried one
    /// by one before anything else of the key.
    pub(crate) fn done(&mut self, stream: usize, key: &Key, again: Vec<R>) {
        let lane = self.queues[stream].rules.lane;
        self.busy[lane].remove(key);
        if !again.is_empty() {
            let waiting = self.queues[stream].blocked.entry(Arc::clone(key)).or_default();
            for record in again.into_iter().rev() {
                waiting.push_front(Pending { key: Some(Arc::clone(key)), records: vec![record], alone: true });
            }
        }
        // The stream that just wrote first, so that what was refused together is tried before another stream's.
        let others = (0..self.queues.len()).filter(|other| *other != stream);
        let next = std::iter::once(stream).chain(others).find(|index| {
            let queue = &self.queues[*index];
            queue.rules.lane == lane && queue.blocked.contains_key(key)
        });
        let Some(index) = next else { return };
        let Some(waiting) = self.queues[index].blocked.get_mut(key) else { return };
        let pending = waiting.pop_front().expect("no key waits with nothing");
        if waiting.is_empty() {
            self.queues[index].blocked.remove(key);
        }
        self.fill(index, Arc::clone(key), pending);
    }

    /// Whether nothing waits anywhere.
    pub(crate) fn is_empty(&self) -> bool {
        self.full.is_empty()
            && self
                .queues
                .iter()
                .all(|queue| queue.filling.is_empty() && queue.keyless.is_empty() && queue.blocked.is_empty())
    }
}

#[cfg(test)]
#[path = "queues_tests.rs"]
mod tests;
