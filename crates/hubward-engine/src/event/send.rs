//! Sending a batch of events, and what the answer means for each of its rows. HubSpot has one word for all of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hubward_core::event::EventIds;
use hubward_core::{ErrorKind, Outcome, Reason, Verdict as Table, WallClock};
use hubward_hubspot::{ApiError, CallMeta, Client, EventWriter};
use hubward_store::Change;

use crate::cancel::Cancel;
use crate::error::EngineError;
use crate::event::fresh::Fresh;
use crate::event::row::{EventBatch, EventRow, Stand, deferred};
use crate::memory::Memory;
use crate::row::Verdict;

/// A row is deferred when so many of its sendings had no answer.
const SENDINGS_MAX: u32 = 8;
const NOT_DURABLE: &str = "that it is about to be sent could not be made durable";

/// What all batches of one event sync share.
pub(crate) struct Sender {
    pub(crate) client: Client,
    pub(crate) sync: Arc<str>,
    pub(crate) ids: EventIds,
    pub(crate) memory: Memory,
    pub(crate) cancel: Cancel,
    pub(crate) wall: Arc<dyn WallClock>,
    /// How long after a sending of unknown outcome HubSpot is trusted to show what it took.
    pub(crate) settles_after: Duration,
    /// The account's occurrences cannot be read back.
    pub(crate) unreadable: AtomicBool,
    /// Words about applied rows are wanted: some had an issue before.
    pub(crate) tells_applied: bool,
}

/// A refusal that is to be about rows.
pub(crate) struct Refused {
    pub(crate) error: ApiError,
    /// The batch was one row, so that nothing else can be at fault but what concerns every row.
    pub(crate) single: bool,
}

/// What a batch's task leaves behind.
#[derive(Default)]
pub(crate) struct Done {
    /// Parts that are not finished.
    pub(crate) batches: Vec<EventBatch>,
    pub(crate) verdicts: Vec<Verdict>,
    /// Rows that HubSpot took.
    pub(crate) accepted: u64,
    /// Rows that are finished otherwise.
    pub(crate) finished: u64,
    /// It is not known what became of the batch.
    pub(crate) lost: bool,
    /// HubSpot refused the batch for what is in it.
    pub(crate) refused: Option<Refused>,
    /// The run cannot go on.
    pub(crate) stop: Option<EngineError>,
    /// HubSpot could not be made to answer within the retries.
    pub(crate) exhausted: Option<EngineError>,
}

impl Done {
    pub(crate) fn finish(&mut self, row: EventRow, outcome: Outcome, reason: Reason) {
        self.finished += 1;
        self.verdicts.push(row.finish(outcome, Some(reason)));
    }
}

impl Sender {
    /// Carries out one batch.
    pub(crate) async fn execute(&self, batch: EventBatch) -> Done {
        match batch.stand {
            Stand::Unsent => self.send(batch.rows).await,
            Stand::Unknown { settles_at_ms } => self.look(batch.rows, settles_at_ms).await,
        }
    }

    /// Sends rows for the first time.
    pub(crate) async fn send_fresh(&self, fresh: Fresh) -> Done {
        let mut done = Done::default();
        if let Err(error) = self.memory.record(vec![fresh.intents(self.now_ms())]).await {
            done.stop = Some(error);
            let rows = fresh.into_rows(&self.ids, 0);
            return self.defer_unsent(done, rows, NOT_DURABLE).await;
        }
        let meta = CallMeta { sync: Some(Arc::clone(&self.sync)), rows: fresh.keys().clone() };
        match self.client.send_written_events(fresh.events(), &meta).await {
            Ok(_) => self.confirm_fresh(done, fresh).await,
            Err(error) => self.refuse(done, fresh.into_rows(&self.ids, 1), error).await,
        }
    }

    async fn confirm_fresh(&self, mut done: Done, fresh: Fresh) -> Done {
        let recorded = self.memory.record(vec![fresh.confirmed()]).await;
        if recorded.is_err() || self.tells_applied {
            return self.confirmed(done, fresh.into_rows(&self.ids, 1), recorded);
        }
        done.accepted += fresh.len() as u64;
        fresh.into_tickets().finish(Outcome::Applied);
        done
    }

    async fn send(&self, mut rows: Vec<EventRow>) -> Done {
        let mut done = Done::default();
        let now_ms = self.now_ms();
        if let Err(error) = self.memory.record(rows.iter().map(|row| row.intent(now_ms)).collect()).await {
            done.stop = Some(error);
            return self.defer_unsent(done, rows, NOT_DURABLE).await;
        }
        for row in &mut rows {
            row.attempts += 1;
            row.intended = true;
        }
        let result = {
            let mut events = EventWriter::default();
            rows.iter().filter_map(|row| row.event.as_ref().ok()).for_each(|event| events.push_written(event));
            let events = events.finish();
            debug_assert_eq!(events.len(), rows.len(), "a row that cannot be sent is in no batch that is sent");
            self.client.send_written_events(&events, &self.meta(&rows)).await
        };
        match result {
            Ok(_) => self.confirm(done, rows).await,
            Err(error) => self.refuse(done, rows, error).await,
        }
    }

    /// HubSpot took these rows; they are applied once that is durable.
    pub(crate) async fn confirm(&self, done: Done, rows: Vec<EventRow>) -> Done {
        let recorded = self.memory.record(rows.iter().map(EventRow::confirmed).collect()).await;
        self.confirmed(done, rows, recorded)
    }

    fn confirmed(&self, mut done: Done, rows: Vec<EventRow>, recorded: Result<(), EngineError>) -> Done {
        if let Err(error) = recorded {
            done.stop = Some(error);
            for row in rows {
                // Its intent stands, so the next run looks for it.
                done.finish(row, Outcome::Deferred, deferred("HubSpot took it, but that could not be recorded"));
            }
            return done;
        }
        done.accepted += rows.len() as u64;
        for row in rows {
            if self.tells_applied {
                done.verdicts.push(row.finish(Outcome::Applied, None));
            } else {
                row.ticket.finish(Outcome::Applied);
            }
        }
        done
    }

    async fn refuse(&self, mut done: Done, mut rows: Vec<EventRow>, error: ApiError) -> Done {
        match (error.kind, error.kind.verdict(false)) {
            // As for records: a body that cannot be read may be the doing of one row, but not of one row after another.
            (ErrorKind::Malformed, _) | (_, Table::FixRows) => {
                done.refused = Some(Refused { error: error.clone(), single: rows.len() == 1 });
                if rows.len() == 1 && error.kind == ErrorKind::Malformed {
                    done.exhausted = Some(error.clone().into());
                }
                if rows.len() > 1 {
                    let second = rows.split_off(rows.len() / 2);
                    for rows in [rows, second] {
                        done.batches.push(EventBatch { stand: Stand::Unsent, rows });
                    }
                    return done;
                }
                if self.clear_intents(&mut done, &rows).await {
                    for row in rows {
                        done.finish(row, Outcome::Rejected, reason_of(&error));
                    }
                    return done;
                }
                self.defer_unsent(done, rows, "HubSpot refused it, but that could not be recorded").await
            }
            (_, Table::LookFirst) => {
                done.lost = true;
                for row in &mut rows {
                    row.maybe_sent = true;
                }
                let (tired, rows): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.attempts >= SENDINGS_MAX);
                let why = format!("HubSpot gave no answer to {SENDINGS_MAX} sendings: {error}");
                if !tired.is_empty() {
                    done.exhausted = Some(error.into());
                }
                for row in tired {
                    // Its intent stands, so the next run looks for it.
                    done.finish(row, Outcome::Deferred, deferred(why.clone()));
                }
                if !rows.is_empty() {
                    let stand = Stand::Unknown { settles_at_ms: self.settles_at_ms() };
                    done.batches.push(EventBatch { stand, rows });
                }
                done
            }
            (_, Table::Wait(_) | Table::Repeat | Table::RefreshToken) => {
                let why = format!("HubSpot did not take it within {} attempts: {error}", error.attempts);
                done.exhausted = Some(error.into());
                self.defer_unsent(done, rows, &why).await
            }
            (_, Table::Stop) => {
                let why = format!("not sent: {error}");
                done.stop = Some(error.into());
                self.defer_unsent(done, rows, &why).await
            }
        }
    }

    /// Defers rows whose last sending HubSpot certainly did not take.
    pub(crate) async fn defer_unsent(&self, mut done: Done, rows: Vec<EventRow>, why: &str) -> Done {
        self.clear_intents(&mut done, &rows).await;
        for row in rows {
            done.finish(row, Outcome::Deferred, deferred(why));
        }
        done
    }

    /// Defers rows that HubSpot may have: their intents stand, so that the next run looks for them.
    pub(crate) fn defer_unknown(&self, mut done: Done, rows: Vec<EventRow>, why: &str) -> Done {
        for row in rows {
            done.finish(row, Outcome::Deferred, deferred(why));
        }
        done
    }

    /// HubSpot has none of these rows but those that may have been sent earlier, whose intents stand. Tells whether that is
    /// durable; where it is not, the next run looks for rows that are not there, which costs requests and loses nothing.
    pub(crate) async fn clear_intents(&self, done: &mut Done, rows: &[EventRow]) -> bool {
        let intended = rows.iter().filter(|row| row.intended && !row.maybe_sent);
        let changes = intended.map(|row| Change::IntentCleared { key: row.key }).collect();
        match self.memory.record(changes).await {
            Ok(()) => true,
            Err(error) => {
                done.stop.get_or_insert(error);
                false
            }
        }
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.wall.now().as_millisecond()
    }

    pub(crate) fn settles_at_ms(&self) -> i64 {
        self.now_ms().saturating_add(i64::try_from(self.settles_after.as_millis()).unwrap_or(i64::MAX))
    }

    pub(crate) fn is_unreadable(&self) -> bool {
        self.unreadable.load(Ordering::Relaxed)
    }

    pub(crate) fn meta(&self, rows: &[EventRow]) -> CallMeta {
        CallMeta { sync: Some(Arc::clone(&self.sync)), rows: rows.iter().map(|row| &row.key_text).collect() }
    }
}

/// HubSpot's words about the one row of a batch.
fn reason_of(error: &ApiError) -> Reason {
    let issue = error.issues.first();
    Reason {
        property: issue.map(|issue| issue.property.clone()).filter(|property| !property.is_empty()),
        value: issue.and_then(|issue| issue.value.clone()),
        text: issue.map_or_else(|| error.message.clone(), |issue| issue.message.clone()),
        category: issue
            .map(|issue| issue.code.clone())
            .filter(|code| !code.is_empty())
            .or_else(|| error.category.clone()),
        correlation_id: error.correlation_id.clone(),
    }
}
