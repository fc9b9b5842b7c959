//! Reading the model and asking the account, at the same time where the one does not need the other.
//!
//! What a row is compared by are its columns; what the account says is needed only to judge it. So the first load of a
//! model is read while HubSpot answers. A ledger that holds rows is another matter: whether its mapping still stands hangs
//! on the properties' types, and that decides which rows are looked at.

use std::sync::Arc;

use arrow_schema::SchemaRef;
use hubward_core::mapping::Mapping;
use hubward_core::spec::Compare;
use hubward_sources::{CancelFlag, RowStream};
use hubward_store::Ledger;
use tokio::task::AbortHandle;

use crate::cancel::Cancel;
use crate::engine::{Engine, SyncJob, open_source};
use crate::error::EngineError;
use crate::issues::{Issues, Sink};
use crate::metadata::Trust;
use crate::prepared::{Prepared, scanned_columns};
use crate::progress::{Phase, Progress};
use crate::ready::{Depth, located, source_error};
use crate::run::blocking;
use crate::scan::{Scan, ScanOrder, scan, scan_with_keyless};
use crate::sight::Sight;
use crate::tally::Tally;
use crate::written::Written;

/// A model being read.
pub(crate) struct Reading {
    pub(crate) schema: SchemaRef,
    pub(crate) ledger: Ledger,
    state: State,
    job: SyncJob,
    full: bool,
    spill_folder: std::path::PathBuf,
    tally: Arc<Tally>,
    issues: Option<Arc<Issues>>,
    progress: Arc<dyn Progress>,
    _watch: Watch,
}

enum State {
    Open(Box<dyn RowStream>),
    Scanned(Scan),
}

/// A model read to its end and compared.
pub(crate) struct Read {
    pub(crate) schema: SchemaRef,
    pub(crate) ledger: Ledger,
    pub(crate) scan: Scan,
    pub(crate) tally: Arc<Tally>,
    pub(crate) issues: Option<Arc<Issues>>,
}

impl Engine {
    /// Opens the model, and reads it where that can be done already, while the account is asked. The account's error comes
    /// first, and ends the reading.
    pub(crate) async fn look_and_read(
        &self,
        job: &SyncJob,
        depth: Depth,
        cancel: &Cancel,
        issues: Option<Arc<Issues>>,
        trust: Trust,
    ) -> Result<(Sight, Reading), EngineError> {
        let stop = CancelFlag::default();
        let watch = Watch::over(cancel, &stop);
        let mut read = self.read_options(depth.limit);
        read.cancel = stop.clone();
        let looking = async {
            let seen = Box::pin(self.sight(job, trust)).await;
            if seen.is_err() {
                stop.cancel();
            }
            seen
        };
        let (ledger_dir, spill_folder) = (self.ledger_dir(&job.sync.name), self.spill_dir());
        let progress = Arc::clone(&self.config.progress);
        let job = job.clone();
        let reading = blocking(move || {
            let source = open_source(&job.source)?;
            progress.phase(&job.sync.name, Phase::Reading, None);
            let stream = source.read(&job.model.query, &read).map_err(|error| source_error(error, &job))?;
            let mut reading = Reading {
                schema: stream.schema(),
                ledger: Ledger::open(&ledger_dir, hubward_store::LedgerOptions::default())?,
                state: State::Open(stream),
                job,
                full: depth.full,
                spill_folder,
                tally: Tally::new(),
                issues,
                progress,
                _watch: watch,
            };
            // A column that is missing is told with all else that is wrong, once the account has answered.
            let columns = Mapping::columns_of(&reading.job.sync.map, &reading.job.sync.match_, &reading.schema);
            if let (true, Ok(columns)) = (reading.ledger.is_empty(), columns) {
                let columns = scanned_columns(columns, &reading.job.sync);
                if columns.iter().all(|name| reading.schema.column_with_name(name).is_some()) {
                    reading.scan(&columns, false)?;
                }
            }
            Ok(reading)
        });
        let (seen, reading) = tokio::join!(looking, reading);
        Ok((seen?, reading?))
    }
}

impl Reading {
    /// Reads to the end, if that has not been done. Blocking.
    pub(crate) fn scanned(mut self, prepared: &Prepared) -> Result<Read, EngineError> {
        let recheck = !self.ledger.is_empty() && self.ledger.meta().mapping_signature != prepared.signature();
        self.scan(&prepared.columns(), recheck)?;
        let State::Scanned(scan) = self.state else {
            return Err(EngineError::new("internal", "a model was read and its rows are not there"));
        };
        Ok(Read { schema: self.schema, ledger: self.ledger, scan, tally: self.tally, issues: self.issues })
    }

    fn scan(&mut self, columns: &[String], recheck: bool) -> Result<(), EngineError> {
        let State::Open(stream) = &mut self.state else { return Ok(()) };
        let order = ScanOrder {
            model: &self.job.model,
            mapped_columns: columns,
            // Where every row is compared with its record, those that hold all of it stay unchanged.
            full: self.full || self.job.sync.compare == Compare::HubSpot,
            recheck,
            spill_folder: self.spill_folder.clone(),
        };
        let mut sink = Sink::new(self.issues.as_deref());
        let progress = self.progress.as_ref();
        // A row that has lost its key may be one whose record would be touched.
        let touches = !self.ledger.is_empty() && crate::removal_catch::touches(self.job.sync.on_removed);
        let read = if touches { scan_with_keyless } else { scan };
        let scanned = read(&order, stream.as_mut(), &mut self.ledger, &self.tally, &mut sink, progress)
            .map_err(|error| located(error, &self.job.model.at))?;
        self.state = State::Scanned(scanned);
        Ok(())
    }
}

impl Read {
    /// The names behind the ledger's bitmaps, those of this mapping among them.
    pub(crate) fn written(&self, prepared: &Prepared) -> Written {
        let mut written = Written::new(&self.ledger.meta().properties);
        for name in prepared.mapping.property_names() {
            written.add(&name);
        }
        written
    }
}

/// Passes a stop of the run on to one reading, which may also be stopped alone.
pub(crate) struct Watch(AbortHandle);

impl Watch {
    pub(crate) fn over(cancel: &Cancel, reading: &CancelFlag) -> Self {
        if cancel.is_set() {
            reading.cancel();
        }
        let (cancel, reading) = (cancel.clone(), reading.clone());
        let task = tokio::spawn(async move {
            cancel.wait().await;
            reading.cancel();
        });
        Self(task.abort_handle())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.abort();
    }
}
