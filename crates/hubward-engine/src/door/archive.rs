//! Records into the recycle bin.

use std::collections::HashMap;

use hubward_core::{Outcome, Reason};
use hubward_store::{Entry, Payload};
use tokio::task::JoinSet;

use crate::door::write::interrupted;
use crate::door::{Answered, Door, Found, Match, Record, Settled, Target};
use crate::removal::{Did, Word};
use crate::removal_batch::{Ender, Target as Ended};

/// HubSpot's limit for one batch request (api.md 3.1).
const BATCH_RECORDS_MAX: usize = 100;
/// Batches in flight; the client's own limiter rules below that.
const IN_FLIGHT_MAX: usize = 16;

impl Door {
    /// Archives the records of inputs, found as the target matches them; who is found by search may be one that HubSpot's
    /// index still shows. An input without a record is skipped (`NO_RECORD`). Inputs may name the same record.
    pub async fn archive(&self, target: &Target, records: Vec<Record>) -> Answered {
        let Answered { outcomes: found, mut stop } = self.find(target, &records).await;
        let mut outcomes: Vec<Settled> = Vec::with_capacity(records.len());
        let mut by_id: HashMap<u64, usize> = HashMap::new();
        let mut targets: Vec<(u64, Vec<usize>)> = Vec::new();
        for (at, (record, found)) in records.iter().zip(found).enumerate() {
            let settled = match found {
                Found::Record(id) => {
                    let place = *by_id.entry(id).or_insert_with(|| {
                        targets.push((id, Vec::new()));
                        targets.len() - 1
                    });
                    targets[place].1.push(at);
                    Settled { record_id: Some(id), ..Settled::deferred("not sent: the call ended before its turn") }
                }
                Found::Missing { .. } => Settled::new(Outcome::Skipped, Some(no_record(target, record))),
                Found::Rejected(reason) => Settled::new(Outcome::Rejected, Some(reason)),
                Found::Invalid(reason) => Settled::invalid(reason),
                Found::Deferred(reason) => Settled::new(Outcome::Deferred, Some(reason)),
            };
            outcomes.push(settled);
        }
        let entry = |at: usize| {
            let key_text = records[at].key.clone();
            // The key is the input's place: it is only carried through.
            let payload = Payload { key_text, match_value: None, written: Vec::new() };
            Entry { key: at as u128, fingerprint: 0, mapped: 0, match_hash: 0, record_id: 0, associated: 0, payload }
        };
        let mut parts = targets.chunks(BATCH_RECORDS_MAX);
        let mut tasks: JoinSet<Did> = JoinSet::new();
        loop {
            while stop.is_none() && tasks.len() < IN_FLIGHT_MAX {
                if self.cancel.is_set() {
                    stop = Some(interrupted());
                    break;
                }
                let Some(part) = parts.next() else { break };
                let ended = |(id, inputs): &(u64, Vec<usize>)| {
                    Ended::to_archive(*id, inputs.iter().map(|at| entry(*at)).collect())
                };
                let ended: Vec<Ended> = part.iter().map(ended).collect();
                let (client, sync) = (self.engine.config.client.clone(), std::sync::Arc::clone(&self.name));
                let object = target.catalogue().object().path.clone();
                tasks.spawn(async move {
                    let ender =
                        Ender { client: &client, object: &object, sync: &sync, deletes: true, split_retries: true };
                    let mut did = Did::default();
                    ender.send(&mut did, ended).await;
                    did
                });
            }
            let Some(joined) = tasks.join_next().await else { break };
            let did = match joined {
                Ok(did) => did,
                Err(error) => std::panic::resume_unwind(error.into_panic()),
            };
            stop = stop.or(did.stop);
            for (entry, word) in did.words {
                let Ok(at) = usize::try_from(entry.key) else { continue };
                let settled = &mut outcomes[at];
                (settled.outcome, settled.reason) = match word {
                    Word::Archived | Word::Cleared => (Outcome::Applied, None),
                    Word::GoneAlready => (Outcome::Skipped, Some(no_record(target, &records[at]))),
                    Word::LeftAlone(reason) => (Outcome::Skipped, Some(reason)),
                    Word::Invalid(reason) => (Outcome::Invalid, Some(reason)),
                    Word::Rejected(reason) => (Outcome::Rejected, Some(reason)),
                    Word::Deferred(why) => (Outcome::Deferred, Some(Reason::new("DEFERRED", why))),
                };
                settled.attempts = 1;
            }
        }
        Answered { outcomes, stop }
    }
}

fn no_record(target: &Target, record: &Record) -> Reason {
    let named = match &target.match_ {
        Match::Property(name) => format!("{name} {:?}", record.match_value),
        Match::Id => format!("id {}", record.record_id.unwrap_or_default()),
        Match::Fields | Match::Nothing => {
            let fields: Vec<String> = record.fields.iter().map(|(name, value)| format!("{name} {value:?}")).collect();
            fields.join(" and ")
        }
    };
    Reason::new("NO_RECORD", format!("{} have no record with {named}", target.catalogue().object().name))
}
