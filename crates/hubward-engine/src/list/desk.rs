//! What all parts of one list sync's run share, and what a row's record means for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize};

use hubward_core::membership::{KnownList, Standing, owed_bytes, owes};
use hubward_core::spec::ListMode;
use hubward_core::{Outcome, Reason};
use hubward_hubspot::{CallMeta, Client};
use hubward_store::{Change, Entry, Payload};

use crate::association::Target;
use crate::cancel::Cancel;
use crate::issues::Issues;
use crate::ledger_writer::{LedgerWriter, SharedLedger};
use crate::list::doubt::Doubt;
use crate::list::find::Finder;
use crate::list::prepare::{Named, Prepared};
use crate::list::rows::{Candidate, Unfit};
use crate::progress::Progress;
use crate::row::{Verdict, WrittenRecord};
use crate::spill::Kind;
use crate::tally::Tally;

/// Shared by all requests of one run.
pub(crate) struct Desk {
    pub(crate) client: Client,
    pub(crate) prepared: Arc<Prepared>,
    pub(crate) list: KnownList,
    pub(crate) sync: Arc<str>,
    pub(crate) finder: Finder,
    pub(crate) writer: LedgerWriter,
    pub(crate) ledger: SharedLedger,
    pub(crate) tally: Arc<Tally>,
    pub(crate) issues: Arc<Issues>,
    pub(crate) cancel: Cancel,
    pub(crate) progress: Arc<dyn Progress>,
    /// Ids that one request may hold: less once HubSpot has refused so many.
    pub(crate) ids_max: AtomicUsize,
    /// Requests refused without one in between that was not.
    pub(crate) refused_in_a_row: AtomicU32,
}

/// What is to become of a row, by the record that it names.
#[derive(Debug)]
pub(crate) struct Conclusion {
    /// To be recorded before anything else is done about the row.
    pub(crate) change: Option<Change>,
    pub(crate) step: Step,
    pub(crate) verdict: Option<(Outcome, Option<Reason>)>,
    /// Records that the row has given up.
    pub(crate) owed: Vec<u64>,
    /// It is not known whom the row names, and why.
    pub(crate) doubt: Option<Doubt>,
}

/// What the second pass does about a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Nothing,
    /// Its record joins the list, or leaves it in mode remove.
    Go {
        id: u64,
        /// The id is what a ledger has; HubSpot was not asked for it in this run.
        remembered: bool,
        /// An earlier run was about to add it.
        was_joining: bool,
    },
    /// The row has its word; only the records that it has given up are to leave.
    ClearUp,
}

impl Desk {
    pub(crate) fn meta<'e>(&self, entries: impl Iterator<Item = &'e Entry>) -> CallMeta {
        CallMeta {
            sync: Some(Arc::clone(&self.sync)),
            rows: entries.map(|entry| entry.payload.key_text.clone()).collect(),
        }
    }

    /// Says what follows for a row from the record that it names. `target` none: it names none that could be looked for.
    pub(crate) fn conclude(&self, row: &Candidate, target: Option<&Target>, remembered: bool) -> Conclusion {
        let named = match &row.named {
            Ok(named) => named,
            Err(Unfit::Key(reason)) => {
                return self.unknowable(row, Outcome::Invalid, reason.clone(), Doubt::SharedKey);
            }
            Err(Unfit::Value(reason)) => return self.nobody(row, Outcome::Invalid, reason.clone()),
        };
        match target {
            Some(Target::Record(id)) => self.names(row, named, *id, remembered),
            Some(Target::Missing { sure }) => {
                let (outcome, reason) = self.no_record(named);
                let doubt = (!sure).then_some(Doubt::NotFoundYet);
                Conclusion { doubt, ..self.nobody(row, outcome, reason) }
            }
            Some(Target::Refused(reason)) => {
                let conclusion = self.nobody(row, Outcome::Rejected, reason.clone());
                Conclusion { doubt: Some(Doubt::Refused), ..conclusion }
            }
            Some(Target::Failed(why)) => {
                let reason = Reason::new("DEFERRED", why.clone());
                self.unknowable(row, Outcome::Deferred, reason, Doubt::Unanswered)
            }
            Some(Target::Unknown) | None => {
                let why = "its record was not looked up before the run ended";
                self.unknowable(row, Outcome::Deferred, Reason::new("DEFERRED", why), Doubt::Unanswered)
            }
        }
    }

    fn names(&self, row: &Candidate, named: &Named, id: u64, remembered: bool) -> Conclusion {
        let prepared = &self.prepared;
        let (mode, matcher) = (prepared.sync.mode, prepared.matcher);
        let before = row.before();
        let wanted = Standing::wanted(mode);
        let owed = owes(mode, before.as_ref(), Some(id));
        let same = before.as_ref().filter(|before| before.record_id == id);
        let settled = same.is_some_and(|before| before.standing == wanted) && owed.is_empty() && row.kind != Kind::Full;
        let standing = match (settled, mode) {
            (true, _) => wanted,
            (false, ListMode::Remove) => Standing::Known,
            (false, ListMode::Mirror | ListMode::Add) => Standing::Joining,
        };
        let entry = Entry {
            key: row.key,
            // A row that is not settled is looked at again, whatever becomes of this run.
            fingerprint: if settled { row.fingerprint } else { !row.fingerprint },
            mapped: matcher.mark(standing),
            match_hash: named.hash,
            record_id: id,
            associated: 0,
            payload: Payload {
                key_text: row.key_text.clone(),
                match_value: Some(named.value.clone()),
                written: owed_bytes(&owed),
            },
        };
        let change = (row.entry.as_ref() != Some(&entry)).then_some(Change::Confirmed(entry));
        if settled {
            return Conclusion {
                change,
                step: Step::Nothing,
                verdict: Some((Outcome::Unchanged, None)),
                owed,
                doubt: None,
            };
        }
        let was_joining = same.is_some_and(|before| before.standing == Standing::Joining);
        Conclusion { change, step: Step::Go { id, remembered, was_joining }, verdict: None, owed, doubt: None }
    }

    /// The row names no record: what earlier versions of it put on the list leaves.
    fn nobody(&self, row: &Candidate, outcome: Outcome, reason: Reason) -> Conclusion {
        let owed = owes(self.prepared.sync.mode, row.before().as_ref(), None);
        let verdict = Some((outcome, Some(reason)));
        if owed.is_empty() {
            let change = row.entry.is_some().then_some(Change::Removed { key: row.key });
            return Conclusion { change, step: Step::Nothing, verdict, owed, doubt: None };
        }
        let entry = Entry {
            key: row.key,
            fingerprint: !row.fingerprint,
            mapped: self.prepared.matcher.mark(Standing::Known),
            match_hash: 0,
            record_id: 0,
            associated: 0,
            payload: Payload { key_text: row.key_text.clone(), match_value: None, written: owed_bytes(&owed) },
        };
        Conclusion { change: Some(Change::Confirmed(entry)), step: Step::ClearUp, verdict, owed, doubt: None }
    }

    /// What the row names is not known: what the ledger holds of it stands, and the next run looks at it again.
    fn unknowable(&self, row: &Candidate, outcome: Outcome, reason: Reason, doubt: Doubt) -> Conclusion {
        let change = row.entry.as_ref().map(|entry| Change::Refingerprint {
            key: row.key,
            fingerprint: !row.fingerprint,
            mapped: entry.mapped,
        });
        let verdict = Some((outcome, Some(reason)));
        Conclusion { change, step: Step::Nothing, verdict, owed: Vec::new(), doubt: Some(doubt) }
    }

    /// A row whose value no record has.
    pub(crate) fn no_record(&self, named: &Named) -> (Outcome, Reason) {
        let sync = &self.prepared.sync;
        let (property, object) = (&sync.match_.property, &self.prepared.object.name);
        let value = &named.value;
        let none = format!("no record of {object} has {property} {value:?}");
        let (outcome, text) = match sync.mode {
            ListMode::Remove => (Outcome::Skipped, format!("{none}, so there is nothing to take off the list")),
            _ => (
                Outcome::Rejected,
                format!("{none}; sync the {object} first, or let this sync make them with `create_missing: true`"),
            ),
        };
        (outcome, Reason::new("NO_RECORD", text).on(property, Some(value.clone())))
    }

    /// A row's final word, recorded.
    pub(crate) fn word(&self, key: u128, key_text: String, outcome: Outcome, reason: Option<Reason>) -> Verdict {
        Verdict {
            key_text,
            outcome,
            reason,
            attempts: 0,
            key: Some(key),
            unsettle: None,
            handed_on: None,
            written: WrittenRecord::default(),
        }
    }
}
