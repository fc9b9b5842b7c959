//! When a STATE may go out, and with which counts: the rules of acknowledging, without any input or output.
//!
//! The records of each stream fall into windows; a STATE closes the window of its stream (GLOBAL: of every stream). It goes
//! out when every record of every window up to it is settled, and every rejected one is stored where a bucket is set. Of one
//! stream, and of all GLOBAL ones, the order is that of the input; each goes out exactly once.

use std::collections::VecDeque;

use crate::state::{Counts, Scope, State};

/// The window that a record belongs to: of which stream, and which of its windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Window {
    pub(crate) stream: usize,
    number: u64,
}

/// What became of a record, as far as acknowledging goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Accepted,
    /// Counted as handled, but not before it is stored.
    Rejected,
}

#[derive(Debug, Default)]
struct Tally {
    /// Records that are not settled yet.
    open: u64,
    /// Rejected records that are not stored yet.
    unstored: u64,
    accepted: u64,
    rejected: u64,
    bytes: u64,
}

impl Tally {
    fn is_settled(&self) -> bool {
        self.open == 0 && self.unstored == 0
    }
}

#[derive(Debug)]
struct StreamAccount {
    /// Number of the first window in `windows`.
    first: u64,
    /// The last one is open: records still fall into it.
    windows: VecDeque<Tally>,
    /// STREAM states, each with the window that it closed.
    states: VecDeque<(u64, State)>,
    /// What has been acknowledged.
    accepted_sum: u64,
    rejected_sum: u64,
    bytes_sum: u64,
}

impl StreamAccount {
    fn new() -> Self {
        Self {
            first: 0,
            windows: VecDeque::from([Tally::default()]),
            states: VecDeque::new(),
            accepted_sum: 0,
            rejected_sum: 0,
            bytes_sum: 0,
        }
    }

    fn close(&mut self) -> u64 {
        self.windows.push_back(Tally::default());
        self.first + self.windows.len() as u64 - 2
    }

    fn is_settled_to(&self, last: u64) -> bool {
        let windows = (last + 1).saturating_sub(self.first) as usize;
        self.windows.iter().take(windows).all(Tally::is_settled)
    }

    /// Takes every window up to `last` out and adds it to the sums; gives what was accepted and rejected in them.
    fn acknowledge(&mut self, last: u64) -> (u64, u64) {
        let (mut accepted, mut rejected) = (0, 0);
        while self.first <= last {
            let tally = self.windows.pop_front().expect("a closed window is there until it is acknowledged");
            self.first += 1;
            accepted += tally.accepted;
            rejected += tally.rejected;
            self.bytes_sum += tally.bytes;
        }
        self.accepted_sum += accepted;
        self.rejected_sum += rejected;
        (accepted, rejected)
    }
}

/// The source mixes states of one stream with states of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mixed;

/// The account of one write.
#[derive(Debug)]
pub(crate) struct Accounts {
    streams: Vec<StreamAccount>,
    /// GLOBAL states, each with the window of every stream that it closed.
    global: VecDeque<(Vec<u64>, State)>,
    /// Which of the two kinds the source sends.
    kind: Option<bool>,
    /// Rejected records wait to be stored before they count.
    stores: bool,
}

impl Accounts {
    /// `stores`: rejected records are stored somewhere, and hold a STATE back until they are.
    pub(crate) fn new(streams: usize, stores: bool) -> Self {
        let streams = std::iter::repeat_with(StreamAccount::new).take(streams).collect();
        Self { streams, global: VecDeque::new(), kind: None, stores }
    }

    /// A record came in; `bytes` is the length of its line.
    pub(crate) fn received(&mut self, stream: usize, bytes: u64) -> Window {
        let account = &mut self.streams[stream];
        let number = account.first + account.windows.len() as u64 - 1;
        let tally = account.windows.back_mut().expect("the open window is always there");
        tally.open += 1;
        tally.bytes += bytes;
        Window { stream, number }
    }

    fn tally(&mut self, window: Window) -> &mut Tally {
        let account = &mut self.streams[window.stream];
        let index = window.number.checked_sub(account.first).expect("a window outlives its records");
        account.windows.get_mut(index as usize).expect("a window outlives its records")
    }

    /// A record of this window has its outcome.
    pub(crate) fn settled(&mut self, window: Window, fate: Fate) {
        let stores = self.stores;
        let tally = self.tally(window);
        tally.open = tally.open.checked_sub(1).expect("a record is settled once");
        match fate {
            Fate::Accepted => tally.accepted += 1,
            Fate::Rejected => {
                tally.rejected += 1;
                tally.unstored += u64::from(stores);
            }
        }
    }

    /// That many rejected records of this window are in the bucket.
    pub(crate) fn stored(&mut self, window: Window, records: u64) {
        let tally = self.tally(window);
        tally.unstored = tally.unstored.checked_sub(records).expect("a record is stored once");
    }

    /// A STATE came in. `stream` is the index of the one that it speaks of; none for all.
    ///
    /// # Errors
    /// States of one stream and of all do not go together.
    pub(crate) fn state(&mut self, stream: Option<usize>, state: State) -> Result<(), Mixed> {
        debug_assert_eq!(stream.is_some(), matches!(state.scope, Scope::Stream(_)));
        if *self.kind.get_or_insert(stream.is_some()) != stream.is_some() {
            return Err(Mixed);
        }
        match stream {
            Some(index) => {
                let last = self.streams[index].close();
                self.streams[index].states.push_back((last, state));
            }
            None => {
                let lasts = self.streams.iter_mut().map(StreamAccount::close).collect();
                self.global.push_back((lasts, state));
            }
        }
        Ok(())
    }

    /// Whether some STATE waits for nothing but the bucket.
    pub(crate) fn waits_for_storage(&self) -> bool {
        let sent = |account: &StreamAccount, last: u64| {
            let windows = (last + 1).saturating_sub(account.first) as usize;
            account.windows.iter().take(windows).all(|tally| tally.open == 0)
        };
        let one = |account: &StreamAccount| account.states.front().is_some_and(|(last, _)| sent(account, *last));
        let all = self
            .global
            .front()
            .is_some_and(|(lasts, _)| self.streams.iter().zip(lasts).all(|(account, last)| sent(account, *last)));
        all || self.streams.iter().any(one)
    }

    /// The next STATE that may go out, with its counts; call until there is none.
    pub(crate) fn next(&mut self) -> Option<(State, Counts)> {
        for account in &mut self.streams {
            let ready = account.states.front().is_some_and(|(last, _)| account.is_settled_to(*last));
            if ready && let Some((last, state)) = account.states.pop_front() {
                let (accepted, rejected) = account.acknowledge(last);
                let (accepted_sum, rejected_sum) = (account.accepted_sum, account.rejected_sum);
                let bytes_sum = account.bytes_sum;
                return Some((state, Counts { accepted, rejected, accepted_sum, rejected_sum, bytes_sum }));
            }
        }
        let (lasts, _) = self.global.front()?;
        if !self.streams.iter().zip(lasts).all(|(account, last)| account.is_settled_to(*last)) {
            return None;
        }
        let (lasts, state) = self.global.pop_front()?;
        let mut counts = Counts::default();
        for (account, last) in self.streams.iter_mut().zip(lasts) {
            let (accepted, rejected) = account.acknowledge(last);
            counts.accepted += accepted;
            counts.rejected += rejected;
            counts.accepted_sum += account.accepted_sum;
            counts.rejected_sum += account.rejected_sum;
            counts.bytes_sum += account.bytes_sum;
        }
        Some((state, counts))
    }

    /// States that came in and have not gone out.
    pub(crate) fn waiting(&self) -> usize {
        self.global.len() + self.streams.iter().map(|account| account.states.len()).sum::<usize>()
    }
}

#[cfg(test)]
#[path = "accounts_tests.rs"]
mod tests;
