//! The safety catch on mass removal: a model that lost many of its rows is more often a broken query than a decision.

use hubward_core::spec::{OnRemoved, RemovalLimit};
use hubward_store::Ledger;

use crate::engine::SyncJob;
use crate::error::EngineError;
use crate::ready::Ready;

/// Holds where neither the sync nor the project says otherwise.
const MAX_REMOVALS: RemovalLimit = RemovalLimit::Share(0.2);

/// Whether records of removed rows are touched at all.
pub(crate) fn touches(on_removed: OnRemoved) -> bool {
    on_removed != OnRemoved::Keep
}

/// More rows left the model than may be cleared or deleted in one run.
///
/// # Errors
/// `too-many-removals`, with the key that sets the limit and the flag that lifts it.
pub(crate) fn within(ready: &Ready, job: &SyncJob) -> Result<(), EngineError> {
    let (removed, known) = (ready.scan.removed, ready.ledger.len());
    let limit = job.sync.max_removals.unwrap_or(MAX_REMOVALS);
    if !touches(job.sync.on_removed) || !exceeds(removed, known, limit) {
        return Ok(());
    }
    let (verb, allowed) = match (job.sync.on_removed, limit) {
        (OnRemoved::Delete, limit) => ("archived", shown(limit)),
        (_, limit) => ("cleared", shown(limit)),
    };
    Err(EngineError::new(
        "too-many-removals",
        format!(
            "{removed} of {known} rows left model {:?}, and their records would be {verb}; {allowed} may go in one run",
            job.model.name
        ),
    )
    .help(
        "look at the query; if so many are meant to go, run again with --allow-removals, or raise `max_removals` of the sync",
    )
    .at(&job.sync.at))
}

/// Why no record is touched in this run although rows left the model, if that is so: of `nameless` rows that are in it,
/// nobody can say which records are theirs.
pub(crate) fn held_up(removed: u64, nameless: u64) -> Option<String> {
    (removed > 0 && nameless > 0).then(|| {
        format!(
            "{removed} rows left the model, and nothing was done to their records: invalid rows of it ({nameless}) have no \
             match value that can be read, so the records may be theirs; `hubward rejected` lists these rows"
        )
    })
}

/// Hash of which rows left the model, whatever their order.
///
/// # Errors
/// The ledger cannot be read.
pub(crate) fn digest(ledger: &Ledger) -> Result<u64, EngineError> {
    let mut digest: u64 = 0;
    for entry in ledger.unseen() {
        digest = digest.wrapping_add(xxhash_rust::xxh3::xxh3_64(&entry?.key.to_le_bytes()));
    }
    Ok(digest)
}

/// Exact for whole rows; a share is of all rows that the ledger knows, those that left included.
fn exceeds(removed: u64, known: u64, limit: RemovalLimit) -> bool {
    match limit {
        RemovalLimit::Rows(rows) => removed > rows,
        RemovalLimit::Share(share) => removed as f64 > share * known as f64,
    }
}

fn shown(limit: RemovalLimit) -> String {
    match limit {
        RemovalLimit::Rows(rows) => format!("{rows}"),
        RemovalLimit::Share(share) => format!("{} %", (share * 10_000.0).round() / 100.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_itself_may_go_and_one_more_may_not() {
        let fifth = RemovalLimit::Share(0.2);
        assert!(!exceeds(20, 100, fifth) && exceeds(21, 100, fifth));
        assert!(!exceeds(0, 0, fifth) && exceeds(1, 4, fifth) && !exceeds(1, 5, fifth));
        assert!(!exceeds(5, 5, RemovalLimit::Rows(5)) && exceeds(6, 1_000, RemovalLimit::Rows(5)));
        assert!(!exceeds(7, 7, RemovalLimit::Share(1.0)));
    }

    #[test]
    fn a_share_is_shown_as_it_was_written() {
        assert_eq!(shown(RemovalLimit::Share(0.2)), "20 %");
        assert_eq!(shown(RemovalLimit::Share(0.125)), "12.5 %");
        assert_eq!(shown(RemovalLimit::Rows(7)), "7");
    }
}
