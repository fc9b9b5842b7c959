//! Events whose sending had no answer: looked for among the account's occurrences, and sent again once it is clear that
//! HubSpot does not have them.
//!
//! HubSpot takes events in later than it answers, so what it does not show at once may still come. Where it does not show
//! occurrences at all (not every edition does, api.md 9.4), the same event with the same uuid is sent again at once: the uuid
//! is the documented handle by which HubSpot recognises a repetition (api.md 9.2).

use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hubward_core::{ErrorKind, Outcome, Verdict as Table};
use hubward_hubspot::{ApiError, CallMeta, requests};

use crate::event::row::{EventBatch, EventRow, Stand};
use crate::event::send::{Done, Sender};

/// Where nothing can be looked up, each further sending waits so much longer.
const REPEAT_PAUSE: Duration = Duration::from_secs(5);
const REPEAT_PAUSE_MAX: Duration = Duration::from_secs(30);

/// The first wait between two looks, doubled at each: most events show within seconds, and ten questions for each batch
/// are too dear to ask all the time.
const FIRST_PAUSE: Duration = Duration::from_secs(2);

impl Sender {
    /// Finds out what became of these rows. Waits as long as HubSpot may still be at it.
    pub(crate) async fn look(&self, mut rows: Vec<EventRow>, settles_at_ms: i64) -> Done {
        let mut done = Done::default();
        let mut pause = FIRST_PAUSE;
        while !rows.is_empty() {
            if self.is_unreadable() {
                // At once the first time; a HubSpot that is down is not hammered.
                let sendings = rows.iter().map(|row| row.attempts).max().unwrap_or_default();
                let pause = REPEAT_PAUSE.saturating_mul(sendings.saturating_sub(1)).min(REPEAT_PAUSE_MAX);
                tokio::select! {
                    () = tokio::time::sleep(pause) => return self.send_again(done, rows).await,
                    () = self.cancel.wait() => break,
                }
            }
            let uuids: Vec<String> = rows.iter().map(|row| row.uuid.clone()).collect();
            let began_ms = self.now_ms();
            let found = match self.found(&uuids, &self.meta(&rows)).await {
                Ok(Some(found)) => found,
                Ok(None) => continue,
                Err(error) => {
                    let why = format!("it is not known whether HubSpot took it, and HubSpot does not tell: {error}");
                    if error.kind.verdict(true) == Table::Stop {
                        done.stop = Some(error.into());
                    } else {
                        done.exhausted = Some(error.into());
                    }
                    return self.defer_unknown(done, rows, &why);
                }
            };
            let (there, missing): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| found.contains(&row.uuid));
            rows = missing;
            if !there.is_empty() {
                done = self.confirm(done, there).await;
            }
            if rows.is_empty() || done.stop.is_some() {
                break;
            }
            if began_ms >= settles_at_ms {
                for row in &mut rows {
                    row.maybe_sent = false;
                }
                return self.send_again(done, rows).await;
            }
            let settled = Duration::from_millis(settles_at_ms.saturating_sub(self.now_ms()).max(0).unsigned_abs());
            let wait = pause.min(settled);
            pause *= 2;
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.cancel.wait() => break,
            }
        }
        let why = "it is not known yet whether HubSpot took it; the next run looks for it";
        self.defer_unknown(done, rows, why)
    }

    /// HubSpot does not have these rows, or cannot be asked; then their intents stand until it can.
    async fn send_again(&self, mut done: Done, rows: Vec<EventRow>) -> Done {
        let (rows, invalid): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.event.is_ok());
        if !invalid.is_empty() {
            self.clear_intents(&mut done, &invalid).await;
            for mut row in invalid {
                let reason = std::mem::replace(&mut row.event, Err(Box::default())).err().unwrap_or_default();
                done.finish(row, Outcome::Invalid, *reason);
            }
        }
        if !rows.is_empty() {
            done.batches.push(EventBatch { stand: Stand::Unsent, rows });
        }
        done
    }

    /// Which of these occurrences HubSpot has; none where it does not show occurrences.
    pub(crate) async fn found(&self, uuids: &[String], meta: &CallMeta) -> Result<Option<HashSet<String>>, ApiError> {
        let mut found = HashSet::new();
        for (part, uuids) in uuids.chunks(requests::OCCURRENCES_MAX).enumerate() {
            let from = part * requests::OCCURRENCES_MAX;
            let meta =
                CallMeta { sync: meta.sync.clone(), rows: meta.rows.iter().skip(from).take(uuids.len()).collect() };
            match self.client.event_occurrences(uuids, &meta).await {
                Ok(occurrences) => found.extend(occurrences.into_iter().map(|occurrence| occurrence.id)),
                Err(error) if does_not_show(&error) => {
                    self.unreadable.store(true, Ordering::Relaxed);
                    return Ok(None);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Some(found))
    }
}

/// The account does not have the question, or the token may not ask it.
fn does_not_show(error: &ApiError) -> bool {
    use ErrorKind as Kind;
    matches!(
        error.kind,
        Kind::MissingScope
            | Kind::MissingPermission
            | Kind::NotInEdition
            | Kind::Forbidden
            | Kind::NotFound
            | Kind::NoSuchPath
            | Kind::Validation
            | Kind::Malformed
    )
}

/// For the report of a run that met it.
pub(crate) fn unreadable_note(sync: &str) -> String {
    format!(
        "sync {sync:?}: some events had no answer, and HubSpot does not let this token read occurrences; they were sent \
         again with the same uuid, by which HubSpot recognises a repetition"
    )
}
