//! What the log says of a write: rejected records, the first of each stream one by one, and a summary at the end.

use std::collections::BTreeMap;
use std::sync::Arc;

use hubward_core::Reason;

use crate::out::{Level, Out};
use crate::write::prepare::Prepared;

/// Rejected records of one stream that the log tells one by one; all are counted.
const TOLD_MAX: u64 = 100;

/// What became of a stream's records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamCounts {
    pub received: u64,
    pub accepted: u64,
    pub rejected: u64,
    /// Of the accepted ones: soft deletes that found no record.
    pub absent: u64,
    /// Why records were rejected, by category.
    pub reasons: BTreeMap<String, u64>,
}

/// Tells.
pub(crate) struct Told {
    out: Out,
    streams: Vec<Arc<Prepared>>,
    pub(crate) counts: Vec<StreamCounts>,
}

impl Told {
    pub(crate) fn new(out: Out, streams: &[Arc<Prepared>]) -> Self {
        let counts = streams.iter().map(|_| StreamCounts::default()).collect();
        Self { out, streams: streams.to_vec(), counts }
    }

    /// `key` as the record had it.
    pub(crate) fn rejected(&mut self, stream: usize, key: &str, reason: &Reason) {
        let counts = &mut self.counts[stream];
        counts.rejected += 1;
        let category = reason.category.as_deref().unwrap_or("REJECTED");
        *counts.reasons.entry(category.to_owned()).or_default() += 1;
        let name = &self.streams[stream].stream.name;
        if counts.rejected <= TOLD_MAX {
            let record = if key.is_empty() { "a record".to_owned() } else { format!("record {key}") };
            let field = reason.property.as_ref().map(|name| format!(" [{name}]")).unwrap_or_default();
            let id = reason.correlation_id.as_ref().map(|id| format!(" (correlation id {id})")).unwrap_or_default();
            self.out.warn(&format!("stream {name}: {record} was rejected: {category}{field}: {}{id}", reason.text));
        } else if counts.rejected == TOLD_MAX + 1 {
            self.out.warn(&format!(
                "stream {name}: further rejected records are counted and, where a bucket is configured, stored with their \
                 reasons; the log names the first {TOLD_MAX} only"
            ));
        }
    }

    /// One line for each stream.
    pub(crate) fn summary(&self) {
        for (prepared, counts) in self.streams.iter().zip(&self.counts) {
            let mut line = format!(
                "{}: {} records received, {} accepted, {} rejected",
                prepared.described(),
                counts.received,
                counts.accepted,
                counts.rejected
            );
            if !counts.reasons.is_empty() {
                let reasons: Vec<String> =
                    counts.reasons.iter().map(|(name, count)| format!("{name} {count}")).collect();
                line.push_str(&format!(" ({})", reasons.join(", ")));
            }
            if counts.absent > 0 {
                line.push_str(&format!("; {} of the accepted had no record to delete", counts.absent));
            }
            let undecided = counts.received - counts.accepted - counts.rejected;
            if undecided > 0 {
                line.push_str(&format!("; {undecided} undecided, to be sent again"));
            }
            let level = if counts.rejected + undecided > 0 { Level::Warn } else { Level::Info };
            self.out.log(level, &line);
        }
    }
}
