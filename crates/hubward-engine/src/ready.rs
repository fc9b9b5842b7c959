//! Making a sync ready: what the account says, the model read to its end and compared, every row that differs checked.
//! By then it is known what a run would send.

use std::sync::Arc;

use hubward_core::mapping::Mapping;
use hubward_core::spec::ObjectSync;
use hubward_hubspot::ApiVersion;
use hubward_store::{Ledger, LedgerMeta};

use crate::analyze::{Analysis, Order, analyze};
use crate::cancel::Cancel;
use crate::engine::{Engine, SyncJob, open_source};
use crate::error::EngineError;
use crate::issues::{Issues, Sink};
use crate::object_type::ObjectType;
use crate::prepared::{Folding, Prepared, match_kind, match_writable, needs_owners};
use crate::progress::Phase;
use crate::run::{blocking, supported};
use crate::scan::{Scan, ScanOrder, scan};
use crate::tally::Tally;
use crate::written::Written;

/// A scan and its analysis, with all that sending needs.
pub(crate) struct Ready {
    pub(crate) prepared: Arc<Prepared>,
    pub(crate) scan: Scan,
    pub(crate) analysis: Analysis,
    pub(crate) ledger: Ledger,
    pub(crate) written: Written,
    pub(crate) tally: Arc<Tally>,
}

/// How far [`Engine::ready`] goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Depth {
    /// Nothing is written to the ledger.
    pub(crate) dry: bool,
    pub(crate) full: bool,
    pub(crate) limit: Option<u64>,
    pub(crate) samples_max: usize,
}

impl Engine {
    /// Reads the model, compares it with the ledger, maps and checks what differs.
    /// Rows that are invalid go to `issues`, where there are any.
    pub(crate) async fn ready(
        &self,
        job: &SyncJob,
        depth: Depth,
        cancel: &Cancel,
        issues: Option<Arc<Issues>>,
    ) -> Result<Ready, EngineError> {
        supported(&job.sync)?;
        let object = self.object_type(&job.sync.object).await.map_err(|error| located(error, &job.sync.object_at))?;
        let properties = self.properties(&object).await?;
        let kind = match_kind(&job.sync.match_, job.sync.mode, &object, &properties)?;
        let owners = if needs_owners(&job.sync, &properties) {
            self.owners().await?
        } else {
            hubward_core::convert::Owners::unknown()
        };
        let normalises_dates = self.config.version == ApiVersion::V2026_09;
        let mut read = self.read_options(depth.limit);
        read.cancel = cancel.reading();
        let ledger_dir = self.ledger_dir(&job.sync.name);
        let spill_folder = self.spill_dir();
        let progress = Arc::clone(&self.config.progress);
        let portal_id = self.account().portal_id;
        let cancel = cancel.clone();
        let job = job.clone();
        blocking(move || {
            let source = open_source(&job.source)?;
            progress.phase(&job.sync.name, Phase::Reading, None);
            let mut stream = source.read(&job.model.query, &read).map_err(|error| source_error(error, &job))?;
            let mapping = compile(&job.sync, &object, &properties, &stream.schema())?;
            let prepared = Arc::new(Prepared {
                sync: job.sync.clone(),
                model: job.model.clone(),
                object,
                kind,
                match_writable: match_writable(&job.sync.match_, &properties),
                folding: Folding::new(&job.sync.match_.property, &properties, kind),
                mapping,
                owners,
                normalises_dates,
            });
            let mut ledger = Ledger::open(&ledger_dir, hubward_store::LedgerOptions::default())?;
            same_object_type(&ledger, &prepared, &job)?;
            let signature = prepared.signature();
            // The mapping that the ledger was written with stands in it until every row has been seen under the new one.
            let known_mapping = match ledger.is_empty() {
                true => signature.clone(),
                false => ledger.meta().mapping_signature.clone(),
            };
            let tally = Tally::new();
            let columns = prepared.mapping.columns();
            let order = ScanOrder {
                model: &prepared.model,
                mapped_columns: &columns,
                full: depth.full,
                recheck: known_mapping != signature,
                spill_folder,
            };
            let mut sink = Sink::new(issues.as_deref());
            let scan = scan(&order, stream.as_mut(), &mut ledger, &tally, &mut sink, progress.as_ref())
                .map_err(|error| if error.at.is_none() { located(error, &job.model.at) } else { error })?;
            drop(stream);

            let mut written = Written::new(&ledger.meta().properties);
            for name in prepared.mapping.property_names() {
                written.add(&name);
            }
            progress.phase(&job.sync.name, Phase::Checking, Some(scan.spill.rows()));
            let rules = prepared.rules();
            let order = Order {
                written: &written,
                tally: &tally,
                progress: progress.as_ref(),
                cancel: &cancel,
                deferred: &crate::deferred::read(ledger.dir()),
                samples_max: depth.samples_max,
                dry: depth.dry,
                removes: scan.removed > 0 && crate::removal_catch::touches(prepared.sync.on_removed),
            };
            let mut analysis = analyze(&rules, &scan, &mut ledger, &mut sink, &order)?;
            if order.removes {
                analysis.digest = analysis.digest.wrapping_add(crate::removal_catch::digest(&ledger)?);
            }
            if !depth.dry {
                let meta = LedgerMeta {
                    mapping_signature: known_mapping,
                    properties: written.names().to_vec(),
                    object_type: prepared.object.id.clone(),
                    portal_id,
                    hash_version: hubward_core::fingerprint::HASH_VERSION,
                    extra: ledger.meta().extra.clone(),
                };
                if *ledger.meta() != meta {
                    ledger.set_meta(meta)?;
                }
            }
            Ok(Ready { prepared, scan, analysis, ledger, written, tally })
        })
        .await
    }
}

/// Record ids of one object type mean other records in another.
fn same_object_type(ledger: &Ledger, prepared: &Prepared, job: &SyncJob) -> Result<(), EngineError> {
    let known = &ledger.meta().object_type;
    if ledger.is_empty() || known.is_empty() || *known == prepared.object.id {
        return Ok(());
    }
    Err(EngineError::new(
        "other-object-type",
        format!(
            "sync {:?} has written to object type {known} before and now names {} ({})",
            job.sync.name, prepared.object.name, prepared.object.id
        ),
    )
    .help(format!(
        "give the sync another name; or, to forget which records it wrote before, delete {}",
        ledger.dir().display()
    ))
    .at(&job.sync.object_at))
}

/// The compiled mapping, or every problem of it in one error.
pub(crate) fn compile(
    sync: &ObjectSync,
    object: &ObjectType,
    properties: &[hubward_core::PropertyDef],
    schema: &arrow_schema::Schema,
) -> Result<Mapping, EngineError> {
    Mapping::compile(&sync.map, &sync.match_, sync.mode, sync.nulls, properties, schema).map_err(|problems| {
        let mut problems = problems.into_iter();
        let Some(first) = problems.next() else {
            return EngineError::new("mapping", format!("the mapping to {} cannot be compiled", object.name));
        };
        let mut error = EngineError::new(first.code, first.message).at(&first.at);
        error.help = Some(first.help);
        for other in problems {
            error.message.push_str(&format!("; {} ({}:{})", other.message, other.at.file, other.at.line));
        }
        error
    })
}

pub(crate) fn located(error: EngineError, at: &hubward_core::spec::Location) -> EngineError {
    if error.at.is_some() { error } else { error.at(at) }
}

pub(crate) fn source_error(error: hubward_sources::SourceError, job: &SyncJob) -> EngineError {
    let mut text = format!("model {:?}: {error}", job.model.name);
    if let Some(position) = error.position {
        text.push_str(&format!(" (line {}, column {} of its SQL)", position.line, position.column));
    }
    let mut located = EngineError::new("source", text).at(&job.model.at);
    located.help = error.help;
    located
}
