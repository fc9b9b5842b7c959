//! A batch through the corridor, and what its outcomes mean to Airbyte.

use hubward_core::{Outcome, Reason};
use hubward_engine::door::{Answered, Door, Record, Settled};

use crate::catalog::Operation;
use crate::write::prepare::Prepared;
use crate::write::queues::Batch;
use crate::write::run::Waiting;

/// What an outcome of the corridor means to Airbyte.
pub(super) enum Decided {
    Accepted {
        absent: bool,
    },
    /// `invalid` or `rejected`.
    Rejected(&'static str),
    Undecided,
}

pub(super) fn fate(operation: Operation, settled: &Settled) -> Decided {
    match settled.outcome {
        Outcome::Applied | Outcome::Unchanged => Decided::Accepted { absent: false },
        // What is to be deleted is not there: repeating a delete is no mistake.
        Outcome::Skipped if operation == Operation::SoftDelete => Decided::Accepted { absent: true },
        Outcome::Skipped | Outcome::Rejected => Decided::Rejected("rejected"),
        Outcome::Invalid => Decided::Rejected("invalid"),
        Outcome::Deferred => Decided::Undecided,
    }
}

/// Why a record is rejected. A record id that HubSpot does not know is what an unknown key is: no record.
pub(super) fn reason_of(operation: Operation, reason: Option<Reason>) -> Reason {
    let mut reason = reason.unwrap_or_else(|| Reason::new("REJECTED", "HubSpot gave no reason"));
    if operation == Operation::Update && reason.category.as_deref() == Some("OBJECT_NOT_FOUND") {
        reason.category = Some("NO_RECORD".to_owned());
    }
    reason
}

/// A batch through the corridor.
pub(super) async fn hand_over(door: &Door, prepared: &Prepared, batch: &Batch<Waiting>) -> Answered {
    let records = batch
        .writes
        .iter()
        .enumerate()
        .map(|(position, write)| {
            let last = write.records.last().expect("a write stands for a record");
            let mut record = Record::new(format!("{position}:{}", last.row.match_value), last.row.match_value.clone());
            record.record_id = last.row.record_id;
            // Of a property that several of them set, the corridor takes the last.
            record.properties = write.records.iter().flat_map(|record| record.row.properties.iter().cloned()).collect();
            record
        })
        .collect();
    let target = if batch.keyed { &prepared.target } else { prepared.keyless.as_ref().unwrap_or(&prepared.target) };
    match prepared.stream.operation {
        Operation::SoftDelete => door.archive(target, records).await,
        Operation::Insert | Operation::Upsert | Operation::Update => door.write(target, records).await,
    }
}
