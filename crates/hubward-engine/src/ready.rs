//! Making a sync ready: what the account says, the model read to its end and compared, every row that differs checked.
//! By then it is known what a run would send.

use std::sync::Arc;

use hubward_core::mapping::Mapping;
use hubward_core::spec::ObjectSync;
use hubward_store::{Ledger, LedgerMeta};

use crate::analyze::{Analysis, Order, analyze};
use crate::cancel::Cancel;
use crate::engine::{Engine, SyncJob};
use crate::error::EngineError;
use crate::issues::{Issues, Sink};
use crate::list::{holds_memberships, other_kind};
use crate::metadata::Trust;
use crate::object_type::ObjectType;
use crate::prepared::Prepared;
use crate::progress::Phase;
use crate::reading::Read;
use crate::run::blocking;
use crate::scan::Scan;
use crate::sight::Sight;
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
        let mut trust = if depth.dry { Trust::Fresh } else { Trust::Remembered };
        loop {
            // Large, and in every run's future otherwise.
            let ready = Box::pin(self.ready_by(job, depth, cancel, issues.clone(), trust));
            if let Some(ready) = ready.await? {
                return Ok(ready);
            }
            trust = Trust::Fresh;
        }
    }

    /// Makes ready by metadata of this trust; none where remembered metadata is so far behind the account that the model
    /// has to be read again. Nothing is called invalid, and no error told, by what is only remembered.
    async fn ready_by(
        &self,
        job: &SyncJob,
        depth: Depth,
        cancel: &Cancel,
        issues: Option<Arc<Issues>>,
        trust: Trust,
    ) -> Result<Option<Ready>, EngineError> {
        let (sight, reading) = self.look_and_read(job, depth, cancel, issues, trust).await?;
        let version = self.config.version;
        let prepare = |sight: &Sight, schema: &arrow_schema::Schema| {
            let mapping = compile(&job.sync, &sight.object, &sight.properties, schema)?;
            if let Some(associations) = &sight.associations {
                associations.check_columns(schema)?;
            }
            Ok::<_, EngineError>(Arc::new(Prepared::new(job, sight, mapping, version)))
        };
        let mut prepared = match prepare(&sight, &reading.schema) {
            Ok(prepared) if same_object_type(&reading.ledger, &prepared, job).is_ok() || sight.fresh => prepared,
            Ok(_) => return Ok(None),
            Err(_) if !sight.fresh => return Ok(None),
            Err(error) => return Err(error),
        };
        same_object_type(&reading.ledger, &prepared, job)?;
        let for_scan = Arc::clone(&prepared);
        let mut read = blocking(move || reading.scanned(&for_scan)).await?;
        if !sight.fresh {
            let for_doubts = Arc::clone(&prepared);
            let (back, doubted) = blocking(move || {
                let written = read.written(&for_doubts);
                let doubted = for_doubts.rules().doubted(&read.scan, &mut read.ledger, &written)?;
                Ok((read, doubted))
            })
            .await?;
            read = back;
            if doubted {
                let anew = prepare(&self.sight(job, Trust::Fresh).await?, &read.schema)?;
                // Rows that were not looked at because of the mapping as it seemed must be looked at.
                if !read.ledger.is_empty() && anew.signature() != prepared.signature() {
                    return Ok(None);
                }
                prepared = anew;
            }
        }
        let portal_id = self.account().portal_id;
        let (cancel, progress) = (cancel.clone(), Arc::clone(&self.config.progress));
        blocking(move || {
            let written = read.written(&prepared);
            let Read { scan, mut ledger, tally, issues, .. } = read;
            // From the first row that another mapping may send until every row has been seen under it, the ledger is written
            // by no one mapping: whichever comes next looks at every row, the one that it was written with included.
            let signature = prepared.signature();
            let known_mapping = match ledger.is_empty() || ledger.meta().mapping_signature == signature {
                true => signature,
                false => String::new(),
            };
            progress.phase(&prepared.sync.name, Phase::Checking, Some(scan.spill.rows()));
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
            let mut analysis = analyze(&rules, &scan, &mut ledger, &mut Sink::new(issues.as_deref()), &order)?;
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
            Ok(Some(Ready { prepared, scan, analysis, ledger, written, tally }))
        })
        .await
    }
}

/// Record ids of one object type mean other records in another.
fn same_object_type(ledger: &Ledger, prepared: &Prepared, job: &SyncJob) -> Result<(), EngineError> {
    if !ledger.is_empty() && holds_memberships(ledger.meta()) {
        return Err(other_kind(&job.sync.name, &job.sync.at));
    }
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
    Mapping::compile(&sync.map, &sync.match_, sync.mode, sync.nulls, properties, schema)
        .map_err(|problems| EngineError::of_mapping(problems, &format!("the mapping to {}", object.name)))
}

pub(crate) fn located(error: EngineError, at: &hubward_core::spec::Location) -> EngineError {
    if error.at.is_some() { error } else { error.at(at) }
}

pub(crate) fn source_error<S>(error: hubward_sources::SourceError, job: &SyncJob<S>) -> EngineError {
    let mut text = format!("model {:?}: {error}", job.model.name);
    if let Some(position) = error.position {
        text.push_str(&format!(" (line {}, column {} of its SQL)", position.line, position.column));
    }
    let mut located = EngineError::new("source", text).at(&job.model.at);
    located.help = error.help;
    located
}
