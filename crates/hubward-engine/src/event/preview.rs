//! The very requests that the first rows of an event sync would become.

use hubward_core::event::EventMapping;
use hubward_core::spec::EventSync;
use hubward_hubspot::{EventInput, requests};

use crate::cancel::Cancel;
use crate::engine::{Engine, SyncJob, open_source};
use crate::error::EngineError;
use crate::event::build::Builder;
use crate::event::row::input;
use crate::preview::RequestPreview;
use crate::ready::source_error;
use crate::run::blocking;
use crate::scan::shown_key;

impl Engine {
    /// The requests that the first rows of an event sync would become, each row as if it had not been sent yet. Sends
    /// nothing but the questions about the account's events.
    ///
    /// # Errors
    /// Whatever would stop a run before its first request.
    pub async fn preview_event_sync(
        &self,
        job: &SyncJob<EventSync>,
        limit: u64,
        cancel: &Cancel,
    ) -> Result<RequestPreview, EngineError> {
        let sight = Box::pin(self.event_sight(&job.sync)).await?;
        let version = self.config.version;
        let normalises_dates = self.normalises_dates();
        let mut read = self.read_options(Some(limit));
        read.cancel = cancel.reading();
        let job = job.clone();
        blocking(move || {
            let source = open_source(&job.source)?;
            let mut stream = source.read(&job.model.query, &read).map_err(|error| source_error(error, &job))?;
            let mapping: EventMapping = sight.compile(&job.sync, &stream.schema())?;
            let builder =
                Builder::new(job.model.clone(), mapping, &job.sync.name, Default::default(), normalises_dates);
            let mut preview = RequestPreview::default();
            let mut rows = Vec::new();
            while let Some(batch) = stream.next_batch().map_err(|error| source_error(error, &job))? {
                for row in 0..batch.num_rows() {
                    let key = shown_key(&job.model, &batch, row)?;
                    match builder.map(&batch, row) {
                        Ok(event) => rows.push((builder.ids.of(&key), event)),
                        Err(reason) => preview.invalid.push((key, reason)),
                    }
                }
            }
            for rows in rows.chunks(requests::EVENT_BATCH_MAX) {
                let inputs: Vec<EventInput<'_>> = rows.iter().map(|(uuid, event)| input(uuid, event)).collect();
                preview.requests.push(requests::send_events(version, &inputs));
            }
            Ok(preview)
        })
        .await
    }
}
