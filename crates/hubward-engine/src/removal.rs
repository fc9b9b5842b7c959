//! Rows that left the model and whose records are emptied or archived: `on_removed: clear` and `on_removed: delete`.
//!
//! Owns the order of things: after the rows of the model are through, chunk by chunk over the ledger's unseen entries, in
//! full batches, several in flight. What is done with one batch is in `removal_batch`; whether so many rows may go at all is
//! in `removal_catch`. A row is forgotten by the ledger only once HubSpot has confirmed, or a rule says that nothing is to
//! be done; before a record is touched the ledger durably doubts its row, so that one which comes back after a kill is
//! written again.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use hubward_core::spec::{OnRemoved, WriteRule};
use hubward_core::{Outcome, Reason};
use hubward_hubspot::Client;
use hubward_store::{Change, Entry};
use tokio::task::JoinSet;

use crate::cancel::Cancel;
use crate::corridor::{BATCH_ROWS_MAX, Stopped};
use crate::engine::Engine;
use crate::error::EngineError;
use crate::issues::Issues;
use crate::ledger_writer::{LedgerWriter, SharedLedger, lock};
use crate::prepared::Prepared;
use crate::progress::{Phase, Progress};
use crate::row::{Verdict, WrittenRecord};
use crate::run::blocking;
use crate::tally::Tally;
use crate::written::Written;

/// Entries held in memory at once, about 2 MB; one walk over the ledger finds the records of these that living rows hold.
const CHUNK_ROWS: usize = 10_000;
/// Batches in flight; the client's limiter rules below that.
const IN_FLIGHT_BATCHES_MAX: usize = 16;
/// So many batches in a row that HubSpot could not be made to answer end the run.
const EXHAUSTED_IN_A_ROW_MAX: u32 = 3;

/// What all batches of removals share.
pub(crate) struct Removals {
    pub(crate) client: Client,
    /// The object type as it stands in paths.
    pub(crate) object: String,
    pub(crate) sync: Arc<str>,
    pub(crate) deletes: bool,
    /// Properties that `clear` may empty: mapped, and not shared with others.
    pub(crate) clearable: Vec<Arc<str>>,
    /// Those of them that HubSpot requires.
    pub(crate) required: Vec<Arc<str>>,
    pub(crate) written: Written,
    pub(crate) split_retries: bool,
    /// Hashes of the match values of rows that had no record yet when this run began, sorted.
    wanted: Vec<u64>,
    pub(crate) writer: LedgerWriter,
    pub(crate) ledger: SharedLedger,
    tally: Arc<Tally>,
    issues: Arc<Issues>,
    cancel: Cancel,
    progress: Arc<dyn Progress>,
}

/// What is known before HubSpot is asked.
pub(crate) struct Removed {
    pub(crate) entry: Entry,
    /// The living row that holds the same record.
    pub(crate) holder: Option<u128>,
    /// A row that is in the model and has no record yet has the same match value.
    pub(crate) wanted: bool,
}

/// What became of one removed row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    Archived,
    Cleared,
    /// `delete` found nothing to delete any more.
    GoneAlready,
    /// Nothing was to be done, for a reason.
    LeftAlone(Reason),
    /// Our own check forbids it; nothing was sent.
    Invalid(Reason),
    Rejected(Reason),
    Deferred(String),
}

/// What a batch came to.
#[derive(Default)]
pub(crate) struct Did {
    pub(crate) words: Vec<(Entry, Word)>,
    /// The run cannot go on.
    pub(crate) stop: Option<EngineError>,
    /// HubSpot could not be made to answer within the retries.
    pub(crate) exhausted: Option<EngineError>,
}

/// What removing came to.
#[derive(Default)]
pub(crate) struct Removing {
    pub(crate) stopped: Option<Stopped>,
    /// Rows that have their outcome.
    pub(crate) finished: u64,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    archived: u64,
    cleared: u64,
    gone: u64,
    left_alone: u64,
    invalid: u64,
    rejected: u64,
    deferred: u64,
}

impl Removing {
    /// One sentence for a person; none where no row was handled.
    pub(crate) fn note(&self) -> Option<String> {
        let counts = &self.counts;
        let words = [
            (counts.archived, "archived"),
            (counts.cleared, "cleared"),
            (counts.gone, "gone from HubSpot already"),
            (
                counts.left_alone,
                "left alone, because another row of the model holds the record or nothing of ours is in it",
            ),
            (counts.invalid, "invalid"),
            (counts.rejected, "rejected"),
            (counts.deferred, "deferred"),
        ];
        let told: Vec<String> =
            words.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
        (!told.is_empty()).then(|| format!("records of rows that left the model: {}", told.join(", ")))
    }
}

impl Engine {
    /// Carries out what `on_removed` says for every row that left the model. `wanted` are hashes of the match values of
    /// rows that had no record when the run began, sorted.
    #[expect(clippy::too_many_arguments, reason = "the parts of a run, which its one caller holds")]
    pub(crate) async fn remove(
        &self,
        prepared: &Prepared,
        rows: u64,
        wanted: Vec<u64>,
        ledger: &SharedLedger,
        tally: &Arc<Tally>,
        issues: &Arc<Issues>,
        cancel: &Cancel,
    ) -> Removing {
        self.config.progress.phase(&prepared.sync.name, Phase::Removing, Some(rows));
        let deletes = prepared.sync.on_removed == OnRemoved::Delete;
        if deletes && let Err(error) = crate::replaced::note(ledger, &prepared.object.path).await {
            return Removing { stopped: Some(Stopped::Failed(error)), ..Removing::default() };
        }
        let (writer, writing) = LedgerWriter::start(Arc::clone(ledger));
        let written = Written::new(&lock(ledger).meta().properties);
        let clearable = clearable(prepared);
        let removals = Arc::new(Removals {
            client: self.config.client.clone(),
            object: prepared.object.path.clone(),
            sync: Arc::from(prepared.sync.name.as_str()),
            deletes,
            required: clearable.iter().filter(|name| prepared.preflight.requires(name)).map(Arc::clone).collect(),
            clearable,
            written,
            split_retries: prepared.sync.split_retries,
            wanted,
            writer,
            ledger: Arc::clone(ledger),
            tally: Arc::clone(tally),
            issues: Arc::clone(issues),
            cancel: cancel.clone(),
            progress: Arc::clone(&self.config.progress),
        });
        let removing = removals.run().await;
        if let Err(panic) = writing.await {
            std::panic::resume_unwind(panic.into_panic());
        }
        removing
    }
}

/// The mapped properties that are this sync's own. The match property stays, or the record could not be found again; what
/// is appended to is shared with others.
pub(crate) fn clearable(prepared: &Prepared) -> Vec<Arc<str>> {
    let mut names = Vec::new();
    for entry in prepared.mapping.entries() {
        if entry.name.as_ref() != prepared.sync.match_.property && entry.write != WriteRule::Append {
            names.push(Arc::clone(&entry.name));
        }
    }
    names
}

impl Removals {
    async fn run(self: Arc<Self>) -> Removing {
        let mut removing = Removing::default();
        let mut exhausted_in_a_row = 0;
        let mut after = None;
        while removing.stopped.is_none() {
            let chunk = match self.chunk(after).await {
                Ok(chunk) => chunk,
                Err(error) => {
                    removing.stopped = Some(Stopped::Failed(error));
                    break;
                }
            };
            let Some(last) = chunk.last() else { break };
            after = Some(last.entry.key);
            let mut rows = chunk.into_iter();
            let mut tasks = JoinSet::new();
            loop {
                if removing.stopped.is_none() && self.cancel.is_set() {
                    removing.stopped = Some(Stopped::Interrupted);
                }
                while removing.stopped.is_none() && tasks.len() < IN_FLIGHT_BATCHES_MAX {
                    let batch: Vec<Removed> = rows.by_ref().take(BATCH_ROWS_MAX).collect();
                    if batch.is_empty() {
                        break;
                    }
                    let removals = Arc::clone(&self);
                    tasks.spawn(async move { removals.carry_out(batch).await });
                }
                match tasks.join_next().await {
                    Some(Ok(did)) => self.take(did, &mut removing, &mut exhausted_in_a_row).await,
                    Some(Err(panic)) => std::panic::resume_unwind(panic.into_panic()),
                    None => break,
                }
            }
        }
        removing
    }

    /// The next removed rows, with what the ledger says of their records.
    async fn chunk(self: &Arc<Self>, after: Option<u128>) -> Result<Vec<Removed>, EngineError> {
        let removals = Arc::clone(self);
        blocking(move || {
            let ledger = lock(&removals.ledger);
            let entries = ledger.unseen_batch(after, CHUNK_ROWS)?;
            let ids: HashSet<u64> = entries.iter().map(|entry| entry.record_id).collect();
            let mut held: HashMap<u64, u128> = HashMap::new();
            // Match values that a living row holds by now are not wanted any more: its record decides.
            let mut settled: HashSet<u64> = HashSet::new();
            ledger.for_each_seen(|head| {
                if ids.contains(&head.record_id) {
                    held.insert(head.record_id, head.key);
                }
                if removals.wanted.binary_search(&head.match_hash).is_ok() {
                    settled.insert(head.match_hash);
                }
            });
            let judged = entries.into_iter().map(|entry| Removed {
                holder: held.get(&entry.record_id).copied().filter(|_| entry.record_id != 0),
                wanted: removals.wanted.binary_search(&entry.match_hash).is_ok()
                    && !settled.contains(&entry.match_hash),
                entry,
            });
            Ok(judged.collect())
        })
        .await
    }

    async fn take(&self, did: Did, removing: &mut Removing, exhausted_in_a_row: &mut u32) {
        let finished = did.words.len() as u64;
        match did.exhausted {
            Some(error) => {
                *exhausted_in_a_row += 1;
                if *exhausted_in_a_row >= EXHAUSTED_IN_A_ROW_MAX {
                    removing.stopped.get_or_insert(Stopped::Failed(error));
                }
            }
            None => *exhausted_in_a_row = 0,
        }
        if let Some(error) = did.stop
            && !matches!(removing.stopped, Some(Stopped::Failed(_)))
        {
            removing.stopped = Some(Stopped::Failed(error));
        }
        let mut forgotten = Vec::new();
        for (entry, word) in &did.words {
            if !matches!(word, Word::Invalid(_) | Word::Rejected(_) | Word::Deferred(_)) {
                forgotten.push(Change::Removed { key: entry.key });
            }
        }
        let failed = self.writer.record(forgotten).await.err();
        let mut verdicts = Vec::with_capacity(did.words.len());
        for (entry, word) in did.words {
            let word = match (&failed, word) {
                (Some(_), Word::Archived | Word::Cleared | Word::GoneAlready | Word::LeftAlone(_)) => {
                    Word::Deferred("it is done, but that could not be recorded".to_owned())
                }
                (_, word) => word,
            };
            verdicts.push(self.finish(entry, word, &mut removing.counts));
        }
        if let Some(error) = failed
            && !matches!(removing.stopped, Some(Stopped::Failed(_)))
        {
            removing.stopped = Some(Stopped::Failed(error));
        }
        removing.finished += finished;
        self.issues.settle(verdicts).await;
        self.progress.advance(finished);
    }

    fn finish(&self, entry: Entry, word: Word, counts: &mut Counts) -> Verdict {
        let (outcome, reason, attempts, count) = match word {
            Word::Archived => (Outcome::Applied, None, 1, &mut counts.archived),
            Word::Cleared => (Outcome::Applied, None, 1, &mut counts.cleared),
            Word::GoneAlready => (Outcome::Applied, None, 0, &mut counts.gone),
            Word::LeftAlone(reason) => (Outcome::Skipped, Some(reason), 0, &mut counts.left_alone),
            Word::Invalid(reason) => (Outcome::Invalid, Some(reason), 0, &mut counts.invalid),
            Word::Rejected(reason) => (Outcome::Rejected, Some(reason), 1, &mut counts.rejected),
            Word::Deferred(why) => (Outcome::Deferred, Some(Reason::new("DEFERRED", why)), 1, &mut counts.deferred),
        };
        *count += 1;
        self.tally.ticket().finish(outcome);
        // A key that is not in the model needs no place at the front of the next run.
        Verdict {
            key_text: entry.payload.key_text,
            outcome,
            reason,
            attempts,
            key: None,
            unsettle: None,
            handed_on: None,
            written: WrittenRecord::default(),
        }
    }
}
