//! The very requests that the first rows of a list sync would become, each row as if its record were not known yet.

use hubward_core::spec::{ListMode, ListSync};
use hubward_hubspot::{ApiRequest, Filter, Input, Operator, SearchQuery, requests};

use crate::cancel::Cancel;
use crate::engine::{Engine, SyncJob, open_source};
use crate::error::EngineError;
use crate::list::find::VALUES_MAX;
use crate::list::prepare::{Named, Prepared, record_id};
use crate::list::target::remembered;
use crate::metadata::Trust;
use crate::preview::RequestPreview;
use crate::ready::source_error;
use crate::run::blocking;
use crate::strategy::MatchKind;
use hubward_hubspot::ApiVersion;
use hubward_hubspot::requests::MEMBERSHIPS_MAX;

/// Stands in a path for the id of a list that does not exist yet.
const NOT_MADE: u64 = 0;

impl Engine {
    /// What the first rows of a list sync would send. Sends nothing but the questions about the list and its match property.
    ///
    /// Record ids are not known here, so the membership request stands there only where rows name ids themselves; otherwise
    /// the look-ups stand there, and with `create_missing` the request that makes the records.
    ///
    /// # Errors
    /// Whatever would stop a run before its first request.
    pub async fn preview_list_sync(
        &self,
        job: &SyncJob<ListSync>,
        limit: u64,
        cancel: &Cancel,
    ) -> Result<RequestPreview, EngineError> {
        let dir = self.ledger_dir(&job.sync.name);
        let known = match self.has_ledger(&job.sync.name) {
            true => {
                let open = move || Ok(remembered(hubward_store::Ledger::open(&dir, Default::default())?.meta()));
                blocking(open).await?
            }
            false => None,
        };
        let (object, list) = self.find_list(&job.sync, known.as_ref(), Trust::Fresh).await?;
        let matching = self.list_matching(&job.sync, object, Trust::Fresh).await?;
        let mut read = self.read_options(Some(limit));
        read.cancel = cancel.reading();
        let (job, version) = (job.clone(), self.config.version);
        blocking(move || {
            let source = open_source(&job.source)?;
            let failed = |error| source_error(error, &job);
            let mut stream = source.read(&job.model.query, &read).map_err(failed)?;
            let prepared = Prepared::new(&job, &matching, &stream.schema(), version)?;
            let mut preview = RequestPreview::default();
            let mut rows: Vec<Named> = Vec::new();
            while let Some(batch) = stream.next_batch().map_err(failed)? {
                for row in 0..batch.num_rows() {
                    match prepared.judge(&batch, row)? {
                        (_, Ok(named)) => rows.push(named),
                        (key_text, Err(reason)) => preview.invalid.push((key_text, reason)),
                    }
                }
            }
            rows.sort_unstable_by(|a, b| a.folded.cmp(&b.folded));
            rows.dedup_by(|a, b| a.folded == b.folded);
            let list = list.map_or(NOT_MADE, |list| list.id);
            if let (NOT_MADE, hubward_core::spec::ListTarget::Name(name)) = (list, &job.sync.list) {
                preview.requests.push(requests::create_list(version, name, &prepared.object.id));
            }
            preview.requests.extend(look_ups(&prepared, version, &rows));
            if prepared.kind == MatchKind::Id {
                let ids: Vec<u64> = rows.iter().filter_map(|named| record_id(&named.folded)).collect();
                for part in ids.chunks(MEMBERSHIPS_MAX) {
                    let (add, remove) =
                        if job.sync.mode == ListMode::Remove { (&[][..], part) } else { (part, &[][..]) };
                    preview.requests.push(requests::list_change(version, list, add, remove));
                }
            }
            Ok(preview)
        })
        .await
    }
}

/// How the records of these values are found, and made where the sync says so.
fn look_ups(prepared: &Prepared, version: ApiVersion, rows: &[Named]) -> Vec<ApiRequest> {
    let (path, property) = (&prepared.object.path, &prepared.sync.match_.property);
    let wanted = vec![property.clone()];
    let mut found = Vec::new();
    for part in rows.chunks(VALUES_MAX) {
        let values: Vec<String> = part.iter().map(|named| named.folded.clone()).collect();
        match prepared.kind {
            MatchKind::Id => {}
            MatchKind::Unique => {
                found.push(requests::batch_read(version, path, Some(property.as_str()), &values, &wanted));
            }
            MatchKind::Search => {
                let filter = Filter {
                    property: property.clone(),
                    operator: Operator::In,
                    value: None,
                    high_value: None,
                    values: values.iter().map(|value| prepared.folding.searched(value)).collect(),
                };
                found.push(requests::search(version, path, &SearchQuery::of(vec![filter], wanted.clone())));
            }
        }
        if prepared.sync.create_missing {
            let traces: Vec<String> = (0..part.len()).map(|at| at.to_string()).collect();
            let inputs: Vec<Input<'_>> = part
                .iter()
                .zip(&traces)
                .map(|(named, trace)| Input { id: Some(&named.value), properties: &[], trace_id: Some(trace) })
                .collect();
            found.push(requests::batch_upsert(version, path, Some(property.as_str()), &inputs));
        }
    }
    found
}
