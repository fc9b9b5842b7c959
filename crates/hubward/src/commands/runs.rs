//! `hubward runs`: past runs, or one run's report.

use hubward_engine::state_dir;
use hubward_store::{ProjectLock, RunRow, StateDb};
use serde_json::{Value, json};

use crate::args::{Global, RunsArgs};
use crate::exit::{Exit, Failure};
use crate::printer::Printer;
use crate::session::existing_database;
use crate::table::Table;

/// Runs that are listed, the newest first.
const RUNS_MAX: u32 = 50;
/// Runs among which the beginning of an id is looked for.
const SEARCHED_MAX: u32 = 10_000;

pub(crate) fn carry_out(args: &RunsArgs, global: &Global, printer: Printer) -> Result<Exit, Failure> {
    let db = existing_database(&global.project)?;
    // Without an end and under the lock: under way. Without an end and without the lock: killed.
    let under_way = !matches!(ProjectLock::holder(&state_dir(&global.project).join("lock")), Ok(None));
    if let Some(id) = &args.id {
        let found = db.as_ref().map(|db| find(db, id)).transpose()?.flatten();
        let run = found.ok_or_else(|| {
            Failure::new("unknown-run", format!("there is no run {id:?}")).help("`hubward runs` lists them")
        })?;
        one(&run, under_way, printer);
        return Ok(Exit::Ok);
    }
    let runs = db.map(|db| db.runs(RUNS_MAX)).transpose()?.unwrap_or_default();
    if printer.is_json() {
        let runs: Vec<Value> = runs.iter().enumerate().map(|(at, run)| entry(run, under_way && at == 0)).collect();
        printer.document(&json!({ "runs": runs }));
        return Ok(Exit::Ok);
    }
    if runs.is_empty() {
        printer.data("no run yet");
        return Ok(Exit::Ok);
    }
    let mut table = Table::new(&["run", "began (UTC)", ">seconds", "status", "account", "command"]);
    for (at, run) in runs.iter().enumerate() {
        let seconds = run.ended_at.map(|end| end.as_second() - run.started_at.as_second());
        table.row(vec![
            run.id.clone(),
            run.started_at.strftime("%F %T").to_string(),
            seconds.map(|seconds| seconds.to_string()).unwrap_or_default(),
            status(run, under_way && at == 0).to_owned(),
            run.account.to_string(),
            run.command.clone(),
        ]);
    }
    printer.data(&table.render(printer.width()));
    Ok(Exit::Ok)
}

/// The run of this id, or the only one whose id begins so.
fn find(db: &StateDb, id: &str) -> Result<Option<RunRow>, Failure> {
    if let Some(run) = db.run(id)? {
        return Ok(Some(run));
    }
    let mut hits: Vec<RunRow> = db.runs(SEARCHED_MAX)?;
    hits.retain(|run| run.id.starts_with(id));
    match hits.len() {
        0 | 1 => Ok(hits.pop()),
        several => Err(Failure::new("ambiguous-run", format!("the ids of {several} runs begin with {id:?}"))
            .help("give more of the id")),
    }
}

fn status(run: &RunRow, under_way: bool) -> &str {
    if run.ended_at.is_none() && under_way { "running" } else { &run.status }
}

fn entry(run: &RunRow, under_way: bool) -> Value {
    json!({
        "run": run.id,
        "started_at": run.started_at.to_string(),
        "ended_at": run.ended_at.map(|at| at.to_string()),
        "status": status(run, under_way),
        "account": run.account,
        "command": run.command,
    })
}

fn one(run: &RunRow, under_way: bool, printer: Printer) {
    let mut document = entry(run, under_way);
    // A run that was killed has no report of its own; its syncs may have.
    let syncs = match &run.report["syncs"] {
        Value::Array(syncs) => json!(syncs),
        _ => json!(run.syncs.iter().map(|sync| sync.report.clone()).collect::<Vec<_>>()),
    };
    document["syncs"] = syncs;
    document["error"] = run.report["error"].clone();
    if printer.is_json() {
        printer.document(&document);
        return;
    }
    let mut text = format!(
        "run {}\n  command  {}\n  account  {}\n  began    {}\n  ended    {}\n  status   {}\n",
        run.id,
        run.command,
        run.account,
        run.started_at.strftime("%F %T UTC"),
        run.ended_at.map(|at| at.strftime("%F %T UTC").to_string()).unwrap_or_else(|| "-".to_owned()),
        status(run, under_way)
    );
    let counts = |group: &Value| -> String {
        let counts: Vec<String> = group
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(_, count)| count.as_u64().is_some_and(|count| count > 0))
            .map(|(name, count)| format!("{name} {count}"))
            .collect();
        if counts.is_empty() { "none".to_owned() } else { counts.join(", ") }
    };
    for sync in document["syncs"].as_array().into_iter().flatten() {
        let name = |key: &str| sync[key].as_str().unwrap_or_default().to_owned();
        text.push_str(&format!("\n{}: {} ({} s)\n", name("sync"), name("status"), sync["seconds"]));
        text.push_str(&format!("  changes   {}\n", counts(&sync["changes"])));
        text.push_str(&format!("  outcomes  {}\n", counts(&sync["outcomes"])));
        text.push_str(&format!("  requests  {}\n", counts(&sync["requests"])));
        if let Some(message) = sync["error"]["message"].as_str() {
            text.push_str(&format!("  error     {message}\n"));
        }
    }
    printer.data(&text);
}
