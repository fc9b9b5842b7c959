//! `hubward replay`: events that were invalid or rejected are sent again.

use std::sync::Arc;
use std::time::Duration;

use hubward_core::{Outcome, OutcomeCounts, WallClock as _};
use hubward_engine::EngineError;
use hubward_intake::deliver::{Asked, Delivered, Delivery, Input, Options, Rejections, SpoolMemory, UserMemory};
use hubward_store::{RejectedEventRow, Roles, StateDb, Stored};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::intake::intake_of;
use crate::args::{Global, ReplayArgs};
use crate::clock::SystemClock;
use crate::courier::Courier;
use crate::event_door;
use crate::exit::{Exit, Failure};
use crate::printer::Printer;
use crate::project_files::{Credentials, open, unknown};
use crate::runner::new_id;
use crate::session::{database, make_state_dir};
use crate::signals::cancel_on_signal;

/// Events that are sent together.
const WINDOW_EVENTS: u32 = 1_000;

pub(crate) async fn carry_out(args: &ReplayArgs, global: &Global, printer: Printer) -> Result<Exit, Failure> {
    let opened = open(&global.project, Credentials::Needed)?;
    printer.diagnostics(&opened.warnings, &opened.files);
    let spec = intake_of(&opened)?;
    let since = args.since.as_deref().map(instant).transpose()?;
    let state = make_state_dir(&global.project)?;
    let db = database(&state)?;
    let courier = Courier::new(&opened, global, &state, db.clone(), printer)?;
    if let Some(name) = &args.mapping
        && !courier.mapping_names().contains(&name.as_str())
    {
        return Err(unknown("mapping", name, &courier.mapping_names()));
    }
    let cancel = cancel_on_signal(printer)?;
    let run = new_id();
    let engine = courier.connected(&run).await?;
    let account = engine.account().portal_id;
    let door = courier.door(&engine, "replay", cancel.clone()).await?;
    let spool = event_door::open_spool(&spec.spool, &state, Roles::Neither, "hubward replay").await?;
    let memory: Arc<dyn UserMemory> = Arc::new(SpoolMemory(Arc::clone(&spool)));
    let options = Options { contact_grace: Duration::ZERO, ..Options::default() };
    let delivery = courier.delivery(Arc::clone(&door), account, memory, options)?;
    let rejections = Rejections::new(db.clone(), &run);

    let mut told = Told::default();
    let mut stopped: Option<EngineError> = None;
    let mut after: Option<(i64, String, String)> = None;
    // What is rejected from now on has had its turn.
    let until = SystemClock.now();
    while stopped.is_none() && !cancel.is_set() {
        let events = page(&db, args.mapping.as_deref(), since, after.as_ref()).await?;
        let Some(last) = events.last() else { break };
        after = Some((last.received_at_ms, last.message_id.clone(), last.mapping.clone()));
        let due: Vec<RejectedEventRow> = events.into_iter().filter(|event| event.rejected_at <= until).collect();
        stopped = again(&delivery, &rejections, due, &mut told).await?;
    }
    drop(delivery);
    if let Ok(door) = Arc::try_unwrap(door) {
        door.close().await;
    }
    spool.close().await.map_err(|error| event_door::failure(&error))?;
    told.show(printer);
    if let Some(error) = stopped {
        return Err(error.into());
    }
    if cancel.is_set() {
        return Ok(Exit::Interrupted);
    }
    Ok(if told.counts.unfinished() > 0 { Exit::SomeRows } else { Exit::Ok })
}

async fn page(
    db: &StateDb,
    mapping: Option<&str>,
    since: Option<Timestamp>,
    after: Option<&(i64, String, String)>,
) -> Result<Vec<RejectedEventRow>, Failure> {
    let (db, mapping, after) = (db.clone(), mapping.map(str::to_owned), after.cloned());
    let read = tokio::task::spawn_blocking(move || {
        let after = after.as_ref().map(|(at, id, name)| (*at, id.as_str(), name.as_str()));
        db.rejected_events(mapping.as_deref(), since, after, WINDOW_EVENTS)
    });
    match read.await {
        Ok(events) => Ok(events?),
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// Sends events again, each by the mapping that could not carry it out, and keeps what is refused once more.
async fn again(
    delivery: &Delivery,
    rejections: &Rejections,
    events: Vec<RejectedEventRow>,
    told: &mut Told,
) -> Result<Option<EngineError>, Failure> {
    let asked: Vec<Asked> = events
        .iter()
        .map(|event| {
            let input = Input {
                message_id: event.message_id.clone(),
                source: event.source.clone(),
                received_at_ms: event.received_at_ms,
                event: serde_json::from_slice(&event.payload).unwrap_or(Value::Null),
                maybe_done: false,
            };
            delivery.decide_by(&input, |name| name == event.mapping)
        })
        .collect();
    let (delivered, stop) = delivery.carry_out(&asked).await;
    let mut settled = Vec::new();
    for ((event, asked), delivered) in events.into_iter().zip(&asked).zip(delivered) {
        let stored = Stored {
            seq: 0,
            message_id: event.message_id.clone(),
            source: event.source,
            order_key: event.order_key,
            received_at_ms: event.received_at_ms,
            payload: event.payload,
            // So that a refusal that is over is forgotten.
            deliveries: 2,
        };
        if asked.is_nothing() {
            told.add(&event.mapping, &event.message_id, None);
        }
        for one in &delivered {
            told.add(&event.mapping, &event.message_id, Some(one));
            if one.is_final() {
                delivery.settled(&one.mapping, asked);
            }
        }
        settled.push((stored, delivered));
    }
    rejections.keep(SystemClock.now(), settled).await?;
    Ok(stop)
}

/// What became of the events.
#[derive(Default)]
struct Told {
    counts: OutcomeCounts,
    /// Events that their mapping does not fire for any more, or whose mapping is not enabled; they are kept.
    not_fired: u64,
    results: Vec<Value>,
    lines: Vec<String>,
}

impl Told {
    fn add(&mut self, mapping: &str, message_id: &str, delivered: Option<&Delivered>) {
        let reason = delivered.and_then(|one| one.reason.as_ref());
        match delivered {
            Some(one) => self.counts.add(one.outcome, 1),
            None => self.not_fired += 1,
        }
        let word = delivered.map_or("not fired", |one| one.outcome.name());
        self.results.push(json!({
            "mapping": mapping,
            "key": message_id,
            "outcome": delivered.map(|one| one.outcome.name()),
            "property": reason.and_then(|reason| reason.property.as_deref()),
            "reason": reason.map(|reason| reason.text.as_str()),
            "category": reason.and_then(|reason| reason.category.as_deref()),
            "record_id": delivered.and_then(|one| one.record_id),
        }));
        if delivered.is_none_or(|one| !matches!(one.outcome, Outcome::Applied | Outcome::Unchanged | Outcome::Skipped))
        {
            let why = reason.map(|reason| format!(": {}", reason.text)).unwrap_or_default();
            self.lines.push(format!("{mapping} {message_id} {word}{why}"));
        }
    }

    fn show(&self, printer: Printer) {
        if printer.is_json() {
            printer.document(&json!({ "results": self.results }));
            return;
        }
        for line in &self.lines {
            printer.data(line);
        }
        let counts = &self.counts;
        printer.data(&format!(
            "{} events sent again: {} applied, {} skipped, {} invalid, {} rejected, {} undecided; {} not fired for and kept",
            counts.total(),
            counts.applied + counts.unchanged,
            counts.skipped,
            counts.invalid,
            counts.rejected,
            counts.deferred,
            self.not_fired
        ));
    }
}

fn instant(text: &str) -> Result<Timestamp, Failure> {
    let day = || {
        let date: jiff::civil::Date = text.parse().ok()?;
        Some(date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    };
    text.parse::<Timestamp>().ok().or_else(day).ok_or_else(|| {
        Failure::new("usage", format!("--since {text:?} is no time"))
            .help("write a day (2026-11-22) or an instant (2026-11-22T10:00:00Z)")
    })
}
