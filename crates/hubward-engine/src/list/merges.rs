//! Records that were merged in HubSpot, where a list still answers for the old id, or does not any more (api.md 3.10).
//!
//! What a list does with an id that was merged away is not documented: it may call it missing, or take it for the surviving
//! record. Either way a member that no row names leaves, and one that a row names stays.

use std::collections::HashSet;

use hubward_core::ErrorKind;
use hubward_hubspot::{ApiError, RecordResult};

use crate::list::desk::Desk;
use crate::list::find::VALUES_MAX;
use crate::list::prepare::record_id;
use crate::settle::value_of;

/// Holds the ids that were merged into a record.
const MERGED_IDS: &str = "hs_merged_object_ids";

impl Desk {
    /// Records that HubSpot does not know any more were to leave: those that they were merged into leave in their place,
    /// unless a row names them.
    pub(crate) async fn follow_merged(&self, missing: &[u64], named: &[u64]) -> Result<(), ApiError> {
        let mut survivors = Vec::new();
        for part in missing.chunks(VALUES_MAX) {
            for record in self.survivors(part).await? {
                if !is_named(&record, named) {
                    survivors.extend(record_id(&record.id));
                }
            }
        }
        survivors.sort_unstable();
        survivors.dedup();
        if !survivors.is_empty() {
            let meta = self.meta(std::iter::empty());
            self.client.list_change(self.list.id, &[], &survivors, &meta).await?;
        }
        Ok(())
    }

    /// HubSpot took records off under other ids than were asked for: those that rows name come back.
    pub(crate) async fn put_back(&self, asked: &[u64], removed: &[u64], named: &[u64]) -> Result<(), ApiError> {
        let mut back = Vec::new();
        let unasked: Vec<u64> = removed.iter().copied().filter(|id| asked.binary_search(id).is_err()).collect();
        for part in unasked.chunks(VALUES_MAX) {
            let records = self.read(part).await?.0;
            back.extend(
                records.iter().filter(|record| is_named(record, named)).filter_map(|record| record_id(&record.id)),
            );
        }
        if !back.is_empty() {
            let meta = self.meta(std::iter::empty());
            self.client.list_change(self.list.id, &back, &[], &meta).await?;
        }
        Ok(())
    }

    /// Members that no row names by their own id, nor by one that was merged into them.
    pub(crate) async fn without_survivors(&self, members: Vec<u64>, named: &[u64]) -> Result<Vec<u64>, ApiError> {
        let mut strangers = Vec::with_capacity(members.len());
        for part in members.chunks(VALUES_MAX) {
            let records = self.read(part).await?.0;
            let spared = records.iter().filter(|record| is_named(record, named));
            let spared: HashSet<u64> = spared.filter_map(|record| record_id(&record.id)).collect();
            strangers.extend(part.iter().copied().filter(|id| !spared.contains(id)));
        }
        Ok(strangers)
    }

    /// The records that these ids lead to now, where that is another id.
    async fn survivors(&self, ids: &[u64]) -> Result<Vec<RecordResult>, ApiError> {
        let (records, gone) = self.read(ids).await?;
        let mut unanswered: HashSet<u64> = ids.iter().copied().filter(|id| !gone.contains(id)).collect();
        let mut survivors = Vec::new();
        for record in records {
            let Some(id) = record_id(&record.id) else { continue };
            for old in merged(&record).chain([id]) {
                unanswered.remove(&old);
            }
            if !ids.contains(&id) {
                survivors.push(record);
            }
        }
        let wanted = [MERGED_IDS.to_owned()];
        // Neither told nor called missing: a merged-away id may be left out so (api.md 3.6). One read decides.
        for id in unanswered {
            let meta = self.meta(std::iter::empty());
            let object = &self.prepared.object.path;
            let record = self.client.read_record(object, &id.to_string(), None, &wanted, &meta).await?;
            survivors.extend(record.filter(|record| !record.archived && record_id(&record.id) != Some(id)));
        }
        Ok(survivors)
    }

    /// Records by id, and the ids that HubSpot calls missing.
    async fn read(&self, ids: &[u64]) -> Result<(Vec<RecordResult>, HashSet<u64>), ApiError> {
        let texts: Vec<String> = ids.iter().map(u64::to_string).collect();
        let (meta, wanted) = (self.meta(std::iter::empty()), [MERGED_IDS.to_owned()]);
        let reply = self.client.batch_read(&self.prepared.object.path, None, &texts, &wanted, &meta).await?;
        let missing = reply.errors.iter().filter(|error| error.kind == ErrorKind::NotFound);
        let gone = missing.flat_map(|error| &error.ids).filter_map(|id| record_id(id)).collect();
        Ok((reply.results, gone))
    }
}

/// Whether a row names the record, by its own id or by one that was merged into it.
fn is_named(record: &RecordResult, named: &[u64]) -> bool {
    merged(record).chain(record_id(&record.id)).any(|id| named.binary_search(&id).is_ok())
}

fn merged(record: &RecordResult) -> impl Iterator<Item = u64> + '_ {
    let text = value_of(record, MERGED_IDS).unwrap_or_default();
    text.split(';').filter_map(|id| record_id(id.trim()))
}
