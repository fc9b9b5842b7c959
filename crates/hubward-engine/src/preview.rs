//! Rows of a model, and the very requests they would become.

use arrow_array::RecordBatch;
use hubward_core::Reason;
use hubward_core::row::{value_at, value_json};
use hubward_core::spec::{Mode, Model, SourceSpec};
use hubward_hubspot::{ApiRequest, Input, requests};
use hubward_sources::ReadOptions;

use crate::cancel::Cancel;
use crate::corridor::BATCH_ROWS_MAX;
use crate::engine::{Engine, SyncJob, open_source};
use crate::error::EngineError;
use crate::metadata::Trust;
use crate::prepared::Prepared;
use crate::ready::{compile, source_error};
use crate::run::blocking;
use crate::strategy::MatchKind;
use crate::written::Written;

/// The first rows of a model.
#[derive(Clone, Debug)]
pub struct Preview {
    /// Name and Arrow type of each column.
    pub columns: Vec<(String, String)>,
    /// One JSON object a row.
    pub rows: Vec<serde_json::Map<String, serde_json::Value>>,
}

/// What the first rows of a sync would send if no record were known yet.
#[derive(Clone, Debug, Default)]
pub struct RequestPreview {
    pub requests: Vec<ApiRequest>,
    /// Key and reason of rows that would not be sent.
    pub invalid: Vec<(String, Reason)>,
}

/// Reads the first rows of a model; needs no account.
///
/// # Errors
/// What the source says.
pub async fn preview_model(
    model: &Model,
    source: &SourceSpec,
    read: &ReadOptions,
    limit: u64,
) -> Result<Preview, EngineError> {
    let read = ReadOptions { limit: Some(limit), ..read.clone() };
    let (model, source) = (model.clone(), source.clone());
    blocking(move || {
        let located = |error: hubward_sources::SourceError| {
            let mut shown = EngineError::new("source", format!("model {:?}: {error}", model.name)).at(&model.at);
            shown.help = error.help;
            shown
        };
        let source = open_source(&source)?;
        let mut stream = source.read(&model.query, &read).map_err(located)?;
        let schema = stream.schema();
        let columns =
            schema.fields().iter().map(|field| (field.name().clone(), field.data_type().to_string())).collect();
        let mut rows = Vec::new();
        while let Some(batch) = stream.next_batch().map_err(located)? {
            for row in 0..batch.num_rows() {
                rows.push(row_json(&batch, row)?);
            }
        }
        Ok(Preview { columns, rows })
    })
    .await
}

fn row_json(batch: &RecordBatch, row: usize) -> Result<serde_json::Map<String, serde_json::Value>, EngineError> {
    let mut object = serde_json::Map::new();
    for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
        let value = value_at(column.as_ref(), field, row)
            .map_err(|error| EngineError::new("source", format!("column {:?}: {error}", field.name())))?;
        object.insert(field.name().clone(), value_json(&value));
    }
    Ok(object)
}

impl Engine {
    /// The requests that the first rows of a sync would become, each row as if its record were not known yet. Sends
    /// nothing but the questions about the account's properties.
    ///
    /// # Errors
    /// Whatever would stop a run before its first request.
    pub async fn preview_sync(
        &self,
        job: &SyncJob,
        limit: u64,
        cancel: &Cancel,
    ) -> Result<RequestPreview, EngineError> {
        let sight = Box::pin(self.sight(job, Trust::Fresh)).await?;
        let version = self.config.version;
        let mut read = self.read_options(Some(limit));
        read.cancel = cancel.reading();
        let job = job.clone();
        blocking(move || {
            let source = open_source(&job.source)?;
            let mut stream = source.read(&job.model.query, &read).map_err(|error| source_error(error, &job))?;
            let mapping = compile(&job.sync, &sight.object, &sight.properties, &stream.schema())?;
            if let Some(associations) = &sight.associations {
                associations.check_columns(&stream.schema())?;
            }
            let prepared = Prepared::new(&job, &sight, mapping, version);
            let kind = prepared.kind;
            let rules = prepared.rules();
            let mut preview = RequestPreview::default();
            let mut rows = Vec::new();
            let mut links = Vec::new();
            while let Some(batch) = stream.next_batch().map_err(|error| source_error(error, &job))? {
                for row in 0..batch.num_rows() {
                    match rules.judge(&batch, row)? {
                        Ok(judged) => {
                            let mut properties = judged.mapped.properties_to_send(rules.nulls, &|_| false);
                            if let Some(reason) = rules.empties(&judged, None, &Written::default()) {
                                preview.invalid.push((judged.key_text, reason));
                                continue;
                            }
                            prepared.preflight.complete(&mut properties);
                            let creates = !(prepared.sync.mode == Mode::Upsert && kind == MatchKind::Unique
                                || prepared.sync.mode == Mode::Update);
                            let name = &prepared.sync.match_.property;
                            if creates && !properties.iter().any(|(property, _)| property.as_ref() == name) {
                                properties.push((name.as_str().into(), judged.match_value.clone()));
                            }
                            links.push((judged.key_text, judged.wants));
                            rows.push((judged.match_value, properties));
                        }
                        Err(invalid) => preview.invalid.push(invalid),
                    }
                }
            }
            let path = &prepared.object.path;
            for batch in rows.chunks(BATCH_ROWS_MAX) {
                let traces: Vec<String> = (0..batch.len()).map(|at| at.to_string()).collect();
                let inputs = |with_id: bool| -> Vec<Input<'_>> {
                    batch
                        .iter()
                        .zip(&traces)
                        .map(|((id, properties), trace)| Input {
                            id: with_id.then_some(id.as_str()),
                            properties,
                            trace_id: Some(trace),
                        })
                        .collect()
                };
                let name = prepared.sync.match_.property.as_str();
                preview.requests.push(match (prepared.sync.mode, kind) {
                    (Mode::Upsert, MatchKind::Unique) => {
                        requests::batch_upsert(version, path, Some(name), &inputs(true))
                    }
                    (Mode::Update, MatchKind::Id) => requests::batch_update(version, path, None, &inputs(true)),
                    (Mode::Update, _) => requests::batch_update(version, path, Some(name), &inputs(true)),
                    (Mode::Upsert | Mode::Insert, _) => requests::batch_create(version, path, &inputs(false)),
                });
            }
            if let Some(associations) = &prepared.associations {
                preview.requests.extend(associations.preview(version, &prepared.object, &links));
            }
            Ok(preview)
        })
        .await
    }
}
