//! `hubward status`: the last run of each sync, and how it stands with events.

use hubward_core::WallClock as _;
use hubward_engine::state_dir;
use hubward_project::SpoolSpec;
use hubward_store::{Depth, ProjectLock, Roles, StateDb};
use serde_json::{Value, json};

use crate::args::Global;
use crate::clock::SystemClock;
use crate::courier::WORKER_KEY;
use crate::event_door;
use crate::exit::{Exit, Failure};
use crate::printer::Printer;
use crate::project_files::{Credentials, open};
use crate::session::existing_database;
use crate::table::Table;

pub(crate) async fn carry_out(global: &Global, printer: Printer) -> Result<Exit, Failure> {
    let db = existing_database(&global.project)?;
    let syncs = db.as_ref().map(StateDb::last_sync_runs).transpose()?.unwrap_or_default();
    let events = events(global, db.as_ref()).await?;
    let holder = ProjectLock::holder(&state_dir(&global.project).join("lock"))?;
    if printer.is_json() {
        let entries: Vec<Value> = syncs
            .iter()
            .map(|sync| {
                json!({
                    "sync": sync.sync, "status": sync.status, "ended_at": sync.ended_at.to_string(), "run": sync.run,
                    "report": sync.report,
                })
            })
            .collect();
        let running = holder.map(|holder| {
            json!({ "command": holder.command, "pid": holder.pid, "started_at": holder.started_at.to_string() })
        });
        let events = events.map(|events| events.to_json());
        printer.document(&json!({ "syncs": entries, "running": running, "events": events }));
        return Ok(Exit::Ok);
    }
    if let Some(holder) = holder {
        printer.data(&format!(
            "`{}` is under way (process {}, since {})",
            holder.command,
            holder.pid,
            holder.started_at.strftime("%F %T UTC")
        ));
    }
    if let Some(events) = &events {
        printer.data(&events.to_text());
        if syncs.is_empty() {
            return Ok(Exit::Ok);
        }
    }
    if syncs.is_empty() {
        printer.data("no sync has run yet");
        return Ok(Exit::Ok);
    }
    let mut table = Table::new(&[
        "sync",
        "last end (UTC)",
        "status",
        ">rows",
        ">applied",
        ">unchanged",
        ">trouble",
        ">requests",
        "run",
    ]);
    for sync in syncs {
        let outcomes = &sync.report["outcomes"];
        let trouble: u64 = ["invalid", "rejected", "deferred"].iter().filter_map(|name| outcomes[*name].as_u64()).sum();
        table.row(vec![
            sync.sync,
            sync.ended_at.strftime("%F %T").to_string(),
            sync.status,
            number(&sync.report["changes"]["rows"]),
            number(&outcomes["applied"]),
            number(&outcomes["unchanged"]),
            trouble.to_string(),
            number(&sync.report["requests"]["total"]),
            sync.run,
        ]);
    }
    printer.data(&table.render(printer.width()));
    Ok(Exit::Ok)
}

fn number(value: &Value) -> String {
    value.as_u64().map(|number| number.to_string()).unwrap_or_default()
}

/// How it stands with the events of the project.
struct Events {
    depth: Depth,
    /// What the workers of this project have written down last: since when, and what.
    workers: Vec<(jiff::Timestamp, Value)>,
}

/// None for a project without an event door, or one that has not accepted anything yet.
async fn events(global: &Global, db: Option<&StateDb>) -> Result<Option<Events>, Failure> {
    let state = state_dir(&global.project);
    // A project that cannot be read is told by the commands that need it.
    let Ok(opened) = open(&global.project, Credentials::NotNeeded) else { return Ok(None) };
    let Some(spec) = &opened.project.intake else { return Ok(None) };
    if matches!(spec.spool, SpoolSpec::Embedded { .. }) && !state.join("spool").exists() {
        return Ok(None);
    }
    let spool = event_door::open_spool(&spec.spool, &state, Roles::Neither, "hubward status").await?;
    let depth = spool.depth().await.map_err(|error| event_door::failure(&error))?;
    spool.close().await.map_err(|error| event_door::failure(&error))?;
    let told = db.map(|db| db.metadata_of(WORKER_KEY)).transpose()?.unwrap_or_default();
    Ok(Some(Events { depth, workers: told.into_iter().map(|kept| (kept.at, kept.json)).collect() }))
}

impl Events {
    fn age_seconds(&self) -> Option<i64> {
        let oldest = self.depth.oldest_received_at_ms?;
        Some((SystemClock.now().as_millisecond() - oldest).max(0) / 1_000)
    }

    fn to_json(&self) -> Value {
        let depth = &self.depth;
        let workers: Vec<Value> =
            self.workers.iter().map(|(at, told)| json!({ "at": at.to_string(), "told": told })).collect();
        json!({
            "waiting": depth.events, "bytes": depth.bytes, "max_bytes": depth.max_bytes,
            "oldest_seconds": self.age_seconds(), "workers": workers,
        })
    }

    fn to_text(&self) -> String {
        let depth = &self.depth;
        let age = self.age_seconds().map(|age| format!(", the oldest since {age} s")).unwrap_or_default();
        let mut text = format!(
            "{} events wait in the spool{age}; {} of {} MiB are used",
            depth.events,
            depth.bytes >> 20,
            depth.max_bytes >> 20
        );
        for (at, told) in &self.workers {
            let outcomes = &told["outcomes"];
            text.push_str(&format!(
                "\nlast worker, as of {}: {} events, {} applied, {} skipped, {} invalid, {} rejected",
                at.strftime("%F %T UTC"),
                number(&told["events"]),
                number(&outcomes["applied"]),
                number(&outcomes["skipped"]),
                number(&outcomes["invalid"]),
                number(&outcomes["rejected"]),
            ));
            if let Some(paused) = told["paused"].as_str() {
                text.push_str(&format!("; it rests: {paused}"));
            }
        }
        text
    }
}
