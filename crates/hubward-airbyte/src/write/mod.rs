//! `write`: records from stdin to HubSpot, and every STATE back when all before it is settled.

mod convert;
mod desk;
mod hand_over;
mod input;
mod prepare;
mod queues;
mod run;
mod told;

use std::collections::HashMap;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use hubward_engine::door::{Door, DoorMemory};
use hubward_engine::{Cancel, EVENTS_SETTLE_AFTER, Engine, EngineConfig, Recorder, SEARCH_SETTLES_AFTER, Silent};

use crate::catalog::{Catalog, Stream};
use crate::config::Config;
use crate::dead_letter::{Bucket, Moment};
use crate::failure::{Failure, FailureType};
use crate::host::Host;
use crate::out::Out;
use crate::write::desk::Desk;
use crate::write::input::Parser;
use crate::write::prepare::{Prepared, of_engine};
use crate::write::queues::Rules;
use crate::write::run::Run;

pub use told::StreamCounts;

/// What a write came to: the counts of each stream, and what broke it off, where something did. What broke it off is told
/// by a TRACE already.
#[derive(Debug)]
pub struct Written {
    pub streams: Vec<(Stream, StreamCounts)>,
    pub failure: Option<Failure>,
}

/// Writes what comes from `input` as the catalog says. `cancel`: stop reading, acknowledge nothing more.
///
/// Every failure is told by a TRACE ERROR before this returns; the process must then end with a code that is not 0.
pub async fn write(
    config: &[u8],
    catalog: &[u8],
    input: Box<dyn Read + Send>,
    host: &Host,
    out: &Out,
    cancel: Cancel,
) -> Written {
    let read = Config::read(config).and_then(|config| Ok((config, Catalog::read(catalog)?)));
    match read {
        Ok((config, catalog)) => Box::pin(write_streams(&config, catalog, input, host, out, cancel)).await,
        Err(failure) => {
            out.failure(&failure);
            Written { streams: Vec::new(), failure: Some(failure) }
        }
    }
}

/// As [`write`], with what is read already.
pub(crate) async fn write_streams(
    config: &Config,
    catalog: Catalog,
    input: Box<dyn Read + Send>,
    host: &Host,
    out: &Out,
    cancel: Cancel,
) -> Written {
    let (mut told, failure) = match opened(config, &catalog, host, out, &cancel).await {
        Ok((run, door)) => {
            let (told, failure) = run.carry_out(input, door, cancel).await;
            (told.counts, failure)
        }
        Err(failure) => (Vec::new(), Some(failure)),
    };
    if let Some(failure) = &failure {
        out.failure(failure);
    }
    told.resize(catalog.streams.len(), StreamCounts::default());
    Written { streams: catalog.streams.into_iter().zip(told).collect(), failure }
}

/// Everything that is asked and checked before the first record.
async fn opened(
    config: &Config,
    catalog: &Catalog,
    host: &Host,
    out: &Out,
    cancel: &Cancel,
) -> Result<(Run, Arc<Door>), Failure> {
    for note in &catalog.notes {
        out.info(note);
    }
    let bucket = config.storage.as_ref().map(|storage| {
        crate::check::note_role(storage.names_role && storage.keys.is_none(), out);
        Bucket::open(storage, &host.aws)
    });
    let bucket = bucket.transpose()?;
    let recorder = Recorder::new(None);
    let observer: Arc<dyn hubward_hubspot::Observer> = Arc::<Recorder>::clone(&recorder);
    let engine = Engine::connect(EngineConfig {
        client: host.client(config, Some(observer), out),
        version: config.version,
        recorder,
        db: None,
        // Nothing is kept: the platform keeps the state.
        state_dir: PathBuf::new(),
        wall: Arc::clone(&host.clock),
        progress: Arc::new(Silent),
        read: Default::default(),
        expected_portal_id: None,
        search_settles_after: SEARCH_SETTLES_AFTER,
        events_settle_after: EVENTS_SETTLE_AFTER,
    })
    .await
    .map_err(|error| of_engine(&error, FailureType::SystemError))?;
    out.info(&format!("HubSpot account {} ({})", engine.account().portal_id, engine.account().account_type));
    let door = Arc::new(engine)
        .door("airbyte", DoorMemory::None, cancel.clone())
        .await
        .map_err(|error| of_engine(&error, FailureType::SystemError))?;
    let mut streams = Vec::new();
    for stream in &catalog.streams {
        let prepared = Prepared::of(stream, &door, out).await?;
        out.info(&prepared.described());
        streams.push(Arc::new(prepared));
    }
    let mut lanes: HashMap<(String, Option<String>), usize> = HashMap::new();
    let rules: Vec<Rules> = streams
        .iter()
        .map(|prepared| {
            let next = lanes.len();
            let lane = *lanes.entry(prepared.lane()).or_insert(next);
            Rules { lane, merges: prepared.stream.operation != crate::catalog::Operation::Insert }
        })
        .collect();
    let moment = Moment { at: host.clock.now(), run: host.run };
    let desk = Desk::new(bucket, moment, &streams);
    let parser = Parser { streams: streams.clone(), index: catalog.index() };
    Ok((Run::new(streams, &rules, parser, desk, config.storage.is_some(), out.clone()), Arc::new(door)))
}
