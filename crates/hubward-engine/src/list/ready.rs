//! Making a list sync ready: the list found, the model read to its end and compared with the ledger.

use std::sync::Arc;

use hubward_core::membership::{FoundList, KnownList};
use hubward_core::spec::ListSync;
use hubward_store::{Ledger, LedgerMeta, LedgerOptions};

use crate::cancel::Cancel;
use crate::engine::{Engine, SyncJob, open_source};
use crate::error::EngineError;
use crate::issues::{Issues, Sink};
use crate::list::prepare::Prepared;
use crate::list::target::{is_of_list, remembered};
use crate::metadata::Trust;
use crate::progress::Phase;
use crate::ready::{Depth, located, source_error};
use crate::run::blocking;
use crate::scan::{Scan, ScanOrder, scan};
use crate::tally::Tally;

/// A list sync of which it is known what differs.
pub(crate) struct Ready {
    pub(crate) prepared: Arc<Prepared>,
    /// None where it has to be made.
    pub(crate) list: Option<FoundList>,
    pub(crate) scan: Scan,
    pub(crate) ledger: Ledger,
    pub(crate) tally: Arc<Tally>,
}

impl Engine {
    /// Finds the list, reads the model and compares it with the ledger. Writes nothing. Rows that are invalid already go to
    /// `issues`, where there are any.
    ///
    /// # Errors
    /// Whatever stops a run before its first row.
    pub(crate) async fn list_ready(
        &self,
        job: &SyncJob<ListSync>,
        depth: Depth,
        cancel: &Cancel,
        issues: Option<Arc<Issues>>,
    ) -> Result<Ready, EngineError> {
        let dir = self.ledger_dir(&job.sync.name);
        let ledger = blocking(move || Ok(Ledger::open(&dir, LedgerOptions::default())?)).await?;
        is_of_list(&ledger, &job.sync)?;
        let known: Option<KnownList> = remembered(ledger.meta());
        let trust = if depth.dry { Trust::Fresh } else { Trust::Remembered };
        let (object, list) = self.find_list(&job.sync, known.as_ref(), trust).await?;
        let matching = self.list_matching(&job.sync, object, trust).await?;
        let mut read = self.read_options(depth.limit);
        read.cancel = cancel.reading();
        let (job, version, spill_folder) = (job.clone(), self.config.version, self.spill_dir());
        let progress = Arc::clone(&self.config.progress);
        blocking(move || {
            let mut ledger = ledger;
            let source = open_source(&job.source)?;
            progress.phase(&job.sync.name, Phase::Reading, None);
            let failed = |error| source_error(error, &job);
            let mut stream = source.read(&job.model.query, &read).map_err(failed)?;
            let prepared = Prepared::new(&job, &matching, &stream.schema(), version)?;
            let order = ScanOrder {
                model: &job.model,
                mapped_columns: &prepared.columns(),
                full: depth.full,
                recheck: !ledger.is_empty() && ledger.meta().mapping_signature != prepared.signature(),
                spill_folder,
            };
            let tally = Tally::new();
            let mut sink = Sink::new(issues.as_deref());
            let scan = scan(&order, stream.as_mut(), &mut ledger, &tally, &mut sink, progress.as_ref())
                .map_err(|error| located(error, &job.model.at))?;
            Ok(Ready { prepared: Arc::new(prepared), list, scan, ledger, tally })
        })
        .await
    }
}

impl Ready {
    /// What the ledger is to say of itself while rows are written: under another signature than this one, rows that were
    /// not reached may not be taken for unchanged by anybody.
    pub(crate) fn meta(&self, portal_id: u64) -> LedgerMeta {
        let signature = self.prepared.signature();
        let known = self.ledger.meta();
        let settled = self.ledger.is_empty() || known.mapping_signature == signature;
        LedgerMeta {
            mapping_signature: if settled { signature } else { String::new() },
            properties: Vec::new(),
            object_type: self.prepared.object.id.clone(),
            portal_id,
            hash_version: hubward_core::fingerprint::HASH_VERSION,
            extra: known.extra.clone(),
        }
    }

    /// What a plan promises: which rows differ, how they are matched, and which left the model.
    pub(crate) fn digest(&self) -> Result<u64, EngineError> {
        let mut digest = xxhash_rust::xxh3::xxh3_64(self.prepared.signature().as_bytes());
        let mut reader = self.scan.spill.read()?;
        while let Some((_, marks)) = reader.next_batch()? {
            for mark in marks {
                let mut bytes = [0; 24];
                bytes[..16].copy_from_slice(&mark.key.to_le_bytes());
                bytes[16..].copy_from_slice(&mark.fingerprint.to_le_bytes());
                digest = digest.wrapping_add(xxhash_rust::xxh3::xxh3_64(&bytes));
            }
        }
        if self.scan.removed > 0 {
            digest ^= crate::removal_catch::digest(&self.ledger)?.rotate_left(32);
        }
        Ok(digest)
    }
}
