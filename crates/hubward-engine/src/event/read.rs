//! Reading an event sync's model to its end and comparing it with the ledger, while the account is asked.
//!
//! Which rows were sent is known by their keys alone, so nothing of the reading hangs on what the account says. A mapping
//! that does not compile ends it all the same.

use std::sync::Arc;

use arrow_schema::SchemaRef;
use hubward_core::event::EventMapping;
use hubward_core::spec::EventSync;
use hubward_sources::CancelFlag;
use hubward_store::{Ledger, LedgerMeta, LedgerOptions};
use tokio::sync::oneshot;

use crate::cancel::Cancel;
use crate::engine::{Engine, SyncJob, open_source};
use crate::error::EngineError;
use crate::issues::{Issues, Sink};
use crate::list::other_kind;
use crate::progress::Phase;
use crate::reading::Watch;
use crate::ready::{located, source_error};
use crate::run::blocking;
use crate::scan::{Scan, ScanOrder, scan};
use crate::tally::Tally;

/// What the ledger of an event sync has in the place of an object type.
const OBJECT_TYPE: &str = "event";

/// A model read to its end and compared, with what its rows become.
pub(crate) struct EventRead {
    pub(crate) mapping: EventMapping,
    pub(crate) scan: Scan,
    pub(crate) ledger: Ledger,
    pub(crate) tally: Arc<Tally>,
}

impl Engine {
    /// Reads the model and asks the account, both at once. Where both fail the account's error is told. Nothing is written to
    /// the ledger; rows without a key go to `issues`, where there are any.
    pub(crate) async fn read_events(
        &self,
        job: &SyncJob<EventSync>,
        limit: Option<u64>,
        cancel: &Cancel,
        issues: Option<Arc<Issues>>,
    ) -> Result<EventRead, EngineError> {
        let stop = CancelFlag::default();
        let _watch = Watch::over(cancel, &stop);
        let (tell_schema, schema) = oneshot::channel::<SchemaRef>();
        let looking = async {
            let compiled = async {
                let sight = Box::pin(self.event_sight(&job.sync)).await?;
                match schema.await {
                    Ok(schema) => sight.compile(&job.sync, &schema).map(Some),
                    // Reading failed before there was a schema, and says why.
                    Err(_) => Ok(None),
                }
            };
            let compiled = compiled.await;
            if compiled.is_err() {
                stop.cancel();
            }
            compiled
        };
        let mut read = self.read_options(limit);
        read.cancel = stop.clone();
        let (ledger_dir, spill_folder) = (self.ledger_dir(&job.sync.name), self.spill_dir());
        let progress = Arc::clone(&self.config.progress);
        let job = job.clone();
        let reading = blocking(move || {
            let source = open_source(&job.source)?;
            progress.phase(&job.sync.name, Phase::Reading, None);
            let mut stream = source.read(&job.model.query, &read).map_err(|error| source_error(error, &job))?;
            let schema = stream.schema();
            let columns = EventMapping::columns_of(&job.sync, &schema)
                .map_err(|problems| EngineError::of_mapping(problems, &format!("event sync {:?}", job.sync.name)));
            // Who compiles tells everything that is wrong, columns included. Nobody listens where looking failed.
            let _ = tell_schema.send(schema);
            let columns = columns?;
            let mut ledger = Ledger::open(&ledger_dir, LedgerOptions::default())?;
            its_own(&ledger, &job)?;
            let order = ScanOrder {
                model: &job.model,
                mapped_columns: &columns,
                // An event that was sent is never sent again, whatever is asked for.
                full: false,
                recheck: false,
                spill_folder,
            };
            let tally = Tally::new();
            let mut sink = Sink::new(issues.as_deref());
            let scan = scan(&order, stream.as_mut(), &mut ledger, &tally, &mut sink, progress.as_ref())
                .map_err(|error| located(error, &job.model.at))?;
            Ok((scan, ledger, tally))
        });
        let (mapping, read) = tokio::join!(looking, reading);
        let mapping = mapping?;
        let (scan, ledger, tally) = read?;
        let mapping =
            mapping.ok_or_else(|| EngineError::new("internal", "a model was read and its schema is not there"))?;
        Ok(EventRead { mapping, scan, ledger, tally })
    }
}

impl EventRead {
    /// Notes in the ledger what it is about.
    pub(crate) fn note_meta(&mut self, portal_id: u64) -> Result<(), EngineError> {
        let meta = LedgerMeta {
            mapping_signature: self.mapping.signature().to_owned(),
            object_type: OBJECT_TYPE.to_owned(),
            portal_id,
            hash_version: hubward_core::fingerprint::HASH_VERSION,
            ..self.ledger.meta().clone()
        };
        if *self.ledger.meta() != meta {
            self.ledger.set_meta(meta)?;
        }
        Ok(())
    }
}

/// Rows that an object or list sync of this name has written were never sent as events.
fn its_own(ledger: &Ledger, job: &SyncJob<EventSync>) -> Result<(), EngineError> {
    if ledger.is_empty() || ledger.meta().object_type == OBJECT_TYPE {
        return Ok(());
    }
    Err(other_kind(&job.sync.name, &job.sync.at))
}
