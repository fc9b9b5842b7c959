//! `hubward status`: the last run of each sync.

use hubward_engine::state_dir;
use hubward_store::ProjectLock;
use serde_json::{Value, json};

use crate::args::Global;
use crate::exit::{Exit, Failure};
use crate::printer::Printer;
use crate::session::existing_database;
use crate::table::Table;

pub(crate) fn carry_out(global: &Global, printer: Printer) -> Result<Exit, Failure> {
    let db = existing_database(&global.project)?;
    let syncs = db.map(|db| db.last_sync_runs()).transpose()?.unwrap_or_default();
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
        printer.document(&json!({ "syncs": entries, "running": running }));
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
