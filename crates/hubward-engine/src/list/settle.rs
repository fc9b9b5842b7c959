//! What a membership answer means for each row: its word, and what the ledger says from now on.

use std::collections::HashSet;

use hubward_core::membership::{Standing, Word, word};
use hubward_core::spec::ListMode;
use hubward_core::{Outcome, Reason};
use hubward_hubspot::MembershipReply;
use hubward_store::{Change, Entry};

use crate::corridor::Stopped;
use crate::list::desk::Desk;
use crate::list::operations::{Operation, Whose};
use crate::list::send::{Again, Sent};
use crate::tally::Ticket;

/// An answer, ready to be asked for ids.
struct Answer {
    added: HashSet<u64>,
    removed: HashSet<u64>,
    missing: HashSet<u64>,
    repeated: bool,
}

/// What follows for one operation.
enum Ending {
    Word(Outcome, Option<Reason>),
    /// Its remembered record is gone.
    Again(u64),
}

/// One operation with its ending, until the ledger has it.
struct Settled {
    entry: Entry,
    fingerprint: u64,
    ticket: Option<Ticket>,
    ending: Ending,
    attempts: u32,
}

impl Desk {
    /// Accounts for every operation of a request, the ledger first.
    pub(crate) async fn settle(&self, operations: Vec<Operation>, reply: MembershipReply, sent: &mut Sent) {
        let attempts = reply.attempts;
        let answer = Answer {
            added: reply.added.into_iter().collect(),
            removed: reply.removed.into_iter().collect(),
            missing: reply.missing.into_iter().collect(),
            repeated: reply.attempts > 1,
        };
        let mut changes = Vec::new();
        let mut settled = Vec::with_capacity(operations.len());
        for operation in operations {
            if operation.whose == Whose::Stranger {
                let taken_off = |id: &u64| answer.left(*id) == Word::Done;
                sent.strangers += operation.leaves.iter().filter(|id| taken_off(id)).count() as u64;
                continue;
            }
            let ending = self.ending(&operation, &answer);
            changes.extend(self.change(&operation, &ending));
            let Operation { entry, fingerprint, ticket, .. } = operation;
            settled.push(Settled { entry, fingerprint, ticket, ending, attempts });
        }
        let recorded = self.writer.record(changes).await;
        let mut verdicts = Vec::with_capacity(settled.len());
        for done in settled {
            let Some(ticket) = done.ticket else { continue };
            let (outcome, reason) = match (&recorded, done.ending) {
                (Ok(()), Ending::Word(outcome, reason)) => (outcome, reason),
                (Ok(()), Ending::Again(gone)) => {
                    ticket.hand_on();
                    sent.again.push(Again { key: done.entry.key, fingerprint: done.fingerprint, gone });
                    continue;
                }
                (Err(_), _) => {
                    let why = "HubSpot has confirmed it, but that could not be recorded";
                    (Outcome::Deferred, Some(Reason::new("DEFERRED", why)))
                }
            };
            ticket.finish(outcome);
            let mut verdict = self.word(done.entry.key, done.entry.payload.key_text, outcome, reason);
            verdict.attempts = done.attempts;
            verdicts.push(verdict);
        }
        if let Err(error) = recorded
            && !matches!(sent.stopped, Some(Stopped::Failed(_)))
        {
            sent.stopped = Some(Stopped::Failed(error));
        }
        self.progress.advance(verdicts.len() as u64);
        self.issues.settle(verdicts).await;
    }

    fn ending(&self, operation: &Operation, answer: &Answer) -> Ending {
        let took_off = operation.leaves.iter().any(|id| answer.left(*id) == Word::Done);
        match operation.whose {
            Whose::Row { id, remembered, was_joining } => {
                let removes = self.prepared.sync.mode == ListMode::Remove;
                let said = if removes { answer.left(id) } else { answer.joined(id) };
                match said {
                    Word::Done => Ending::Word(Outcome::Applied, None),
                    // What an earlier run was about to do is its doing.
                    Word::Already if took_off || was_joining => Ending::Word(Outcome::Applied, None),
                    Word::Already => Ending::Word(Outcome::Unchanged, None),
                    Word::Missing if remembered => Ending::Again(id),
                    Word::Missing => {
                        let text = format!("HubSpot has no record {id} of {}", self.prepared.object.name);
                        let outcome = if removes { Outcome::Skipped } else { Outcome::Rejected };
                        let value = operation.entry.payload.match_value.clone();
                        let reason = Reason::new("RECORD_MISSING", text).on(&self.prepared.sync.match_.property, value);
                        Ending::Word(outcome, Some(reason))
                    }
                }
            }
            Whose::Removed => {
                let outcome = if took_off { Outcome::Applied } else { Outcome::Skipped };
                Ending::Word(outcome, None)
            }
            Whose::ClearUp | Whose::Stranger => Ending::Word(Outcome::Applied, None),
        }
    }

    fn change(&self, operation: &Operation, ending: &Ending) -> Option<Change> {
        let key = operation.entry.key;
        match (operation.whose, ending) {
            (Whose::Stranger, _) => None,
            (Whose::Removed | Whose::ClearUp, _) => Some(Change::Removed { key }),
            // What it has given up is off the list; the record itself is looked for anew.
            (Whose::Row { .. }, Ending::Again(_)) => (!operation.entry.payload.written.is_empty()).then(|| {
                let mut entry = operation.entry.clone();
                entry.payload.written.clear();
                Change::Confirmed(entry)
            }),
            (Whose::Row { .. }, Ending::Word(Outcome::Applied | Outcome::Unchanged, _)) => {
                let mapped = self.prepared.matcher.mark(Standing::wanted(self.prepared.sync.mode));
                let fingerprint = operation.fingerprint;
                if operation.entry.payload.written.is_empty() {
                    return Some(Change::Refingerprint { key, fingerprint, mapped });
                }
                let mut entry = Entry { fingerprint, mapped, ..operation.entry.clone() };
                entry.payload.written.clear();
                Some(Change::Confirmed(entry))
            }
            (Whose::Row { .. }, Ending::Word(..)) => Some(Change::Removed { key }),
        }
    }
}

impl Answer {
    fn joined(&self, id: u64) -> Word {
        word(id, &self.added, &self.missing, self.repeated)
    }

    fn left(&self, id: u64) -> Word {
        word(id, &self.removed, &self.missing, self.repeated)
    }
}
