//! What an event sync would send, without sending it.

use hubward_core::event::{MappedEvent, OCCURRENCES_A_MONTH};
use hubward_core::spec::EventSync;
use hubward_hubspot::requests;

use crate::analyze::Sample;
use crate::cancel::Cancel;
use crate::engine::{Engine, SyncJob};
use crate::error::EngineError;
use crate::event::build::{Builder, Judged, digest_of};
use crate::event::read::EventRead;
use crate::event::run::changes_of;
use crate::plan::{SAMPLES_MAX, SyncPlan, least_seconds};
use crate::report::RequestCounts;
use crate::run::blocking;

/// Part of the month's occurrences above which a plan says so.
const SHARE_TOLD_ABOVE: f64 = 0.8;

/// What a look at every row that differs has shown.
#[derive(Default)]
pub(crate) struct Outlook {
    /// Rows to be sent.
    pub(crate) valid: u64,
    pub(crate) invalid: u64,
    pub(crate) samples: Vec<Sample>,
    /// Changes with whatever would change what a run sends.
    pub(crate) digest: u64,
}

impl Engine {
    /// Reads source and ledger and tells what a run of an event sync would send. Writes nothing. `full` changes nothing: an
    /// event that was sent is never sent again.
    ///
    /// # Errors
    /// Whatever would stop the run before its first request.
    pub async fn plan_event_sync(
        &self,
        job: &SyncJob<EventSync>,
        _full: bool,
        cancel: &Cancel,
    ) -> Result<SyncPlan, EngineError> {
        let read = self.read_events(job, None, cancel, None).await?;
        let (read, outlook) = outlook(read, job.clone(), self.normalises_dates(), SAMPLES_MAX, cancel.clone()).await?;
        let changes = changes_of(&read.scan);
        let open = read.ledger.intents()?.len() as u64;
        let mut counts = RequestCounts {
            event: outlook.valid.div_ceil(requests::EVENT_BATCH_MAX as u64),
            // Sendings of earlier runs without an outcome are looked for.
            read: open.div_ceil(requests::OCCURRENCES_MAX as u64),
            ..RequestCounts::default()
        };
        counts.total = counts.event + counts.read;
        let limits = self.client().limiter().snapshot();
        let used = self.month().await.used();
        let monthly_share = used.saturating_add(outlook.valid) as f64 / OCCURRENCES_A_MONTH as f64;
        let mut warnings = Vec::new();
        if monthly_share > 1.0 {
            warnings.push(format!(
                "the account may have {OCCURRENCES_A_MONTH} event occurrences a month and this project has sent {used} in \
                 this one (UTC): rows above that are deferred"
            ));
        } else if monthly_share > SHARE_TOLD_ABOVE {
            warnings.push(format!(
                "after the run this project will have used {:.0} % of the {OCCURRENCES_A_MONTH} event occurrences that the \
                 account may have this month",
                monthly_share * 100.0
            ));
        }
        Ok(SyncPlan {
            sync: job.sync.name.clone(),
            added: changes.added,
            changed: changes.changed,
            removed: 0,
            unchanged: changes.unchanged,
            invalid: outlook.invalid + read.scan.invalid,
            requests: counts,
            seconds_at_limit: least_seconds(counts.event, &limits.events)
                .max(least_seconds(counts.read, &limits.burst)),
            // Events are not counted in the day's calls (api.md 9.2).
            daily_share: None,
            monthly_share: Some(monthly_share),
            samples: outlook.samples,
            digest: outlook.digest,
            warnings,
            error: None,
        })
    }
}

/// Looks at every row that differs.
pub(crate) async fn outlook(
    read: EventRead,
    job: SyncJob<EventSync>,
    normalises_dates: bool,
    samples_max: usize,
    cancel: Cancel,
) -> Result<(EventRead, Outlook), EngineError> {
    blocking(move || {
        let EventRead { mapping, mut scan, ledger, tally } = read;
        let duplicates = std::mem::take(&mut scan.duplicates);
        let builder = Builder::new(job.model, mapping, &job.sync.name, duplicates, normalises_dates);
        let mapped = xxhash_rust::xxh3::xxh3_64(builder.mapping.signature().as_bytes());
        let mut outlook = Outlook { digest: mapped, ..Outlook::default() };
        let mut reader = scan.spill.read()?;
        while let Some((batch, marks)) = reader.next_batch()? {
            if cancel.is_set() {
                return Err(EngineError::new("interrupted", "interrupted; nothing was sent"));
            }
            for (row, mark) in marks.iter().enumerate() {
                let judged = builder.judge(&batch, row, mark)?;
                outlook.digest = outlook.digest.wrapping_add(digest_of(mark, &judged));
                match judged {
                    Judged::Sent(_) => {}
                    Judged::Invalid(..) | Judged::Double(..) => outlook.invalid += 1,
                    Judged::Send(key, event) => {
                        outlook.valid += 1;
                        if outlook.samples.len() < samples_max {
                            outlook.samples.push(sample(key, event));
                        }
                    }
                }
            }
        }
        drop(reader);
        let Builder { mapping, duplicates, .. } = builder;
        scan.duplicates = duplicates;
        Ok((EventRead { mapping, scan, ledger, tally }, outlook))
    })
    .await
}

/// A row as a person looks at it, by the names of the request.
fn sample(key: String, event: MappedEvent) -> Sample {
    let MappedEvent { event, object_id, email, utk, occurred_at, properties } = event;
    let head = [
        ("eventName", Some(event.to_string())),
        ("objectId", object_id),
        ("email", email),
        ("utk", utk),
        ("occurredAt", occurred_at),
    ];
    let head = head.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    let properties = properties.into_iter().map(|(name, value)| (name.to_string(), value));
    Sample { key, change: "added", properties: head.chain(properties).collect() }
}
