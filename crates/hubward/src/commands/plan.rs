//! `hubward plan`: what a run would do, without doing it.

use std::sync::Arc;

use hubward_engine::{Engine, EngineError, Progress, SyncPlan};
use hubward_project::Project;
use serde_json::{Map, Value, json};

use super::run::account_text;
use crate::args::{Global, PlanArgs};
use crate::declared;
use crate::exit::{Exit, Failure};
use crate::jobs::Job;
use crate::plan_file::digest_text;
use crate::printer::Printer;
use crate::progress::Terminal;
use crate::project_files::{Credentials, open};
use crate::report::{error_json, requests_json};
use crate::runner::choose;
use crate::session::{Network, connect, make_state_dir};
use crate::signals::cancel_on_signal;
use crate::summary::grouped;
use crate::table::cut;

/// Longest value in a sample for people, in characters.
const VALUE_MAX: usize = 60;
/// Samples shown to people for each sync.
const SAMPLES_SHOWN: usize = 5;

type Planned = Vec<(String, Result<SyncPlan, EngineError>)>;

pub(crate) async fn carry_out(args: &PlanArgs, global: &Global, printer: Printer) -> Result<Exit, Failure> {
    let opened = open(&global.project, Credentials::Needed)?;
    printer.diagnostics(&opened.warnings, &opened.files);
    let syncs = choose(&opened.project, &args.syncs)?;
    let account = opened.account(global.account.as_deref())?;
    make_state_dir(&global.project)?;
    let cancel = cancel_on_signal(printer)?;
    let terminal = Arc::new(Terminal::new(printer));
    let progress: Arc<dyn Progress> = Arc::<Terminal>::clone(&terminal);
    let connecting = connect(account, &global.project, None, progress, Network::Real, "");
    let engine = tokio::select! {
        engine = connecting => engine?,
        () = cancel.wait() => return Ok(Exit::Interrupted),
    };
    printer.say(&format!("planning for {}", account_text(engine.account(), &account.name)));

    let mut planned = Planned::new();
    for sync in syncs {
        let job = Job::of(&opened.project, sync)?;
        let plan = job.plan(&engine, args.full, &cancel).await;
        planned.push((sync.name().to_owned(), plan.map_err(|error| declared::explained(&opened.project, sync, error))));
        if cancel.is_set() {
            terminal.finish();
            return Ok(Exit::Interrupted);
        }
    }
    terminal.finish();
    let failed = planned.iter().any(|(_, plan)| plan.is_err());
    let schema = declared::missing(&opened.project, &engine, printer).await;
    let mut document = document(&planned, &engine, &opened.project, args.full);
    if let Some(schema) = &schema {
        document["schema"] = declared::plan_json(schema);
    }
    if let Some(path) = args.out.as_ref().filter(|_| !failed) {
        std::fs::write(path, format!("{document:#}\n")).map_err(|error| Failure::io("writing", path, &error))?;
        printer.say(&format!("kept in {}; carry it out with `hubward run --plan {0}`", path.display()));
    }
    if printer.is_json() {
        printer.document(&document);
    } else {
        if let Some(schema) = &schema {
            printer.data(&declared::plan_text(schema));
        }
        for (name, plan) in &planned {
            match plan {
                Ok(plan) => printer.data(&text(plan)),
                Err(error) => {
                    let mut failure = Failure::from(error.clone());
                    failure.message = format!("sync {name:?}: {}", failure.message);
                    printer.failure_for_people(&failure);
                }
            }
        }
    }
    Ok(if failed { Exit::Wrong } else { Exit::Ok })
}

fn document(planned: &Planned, engine: &Engine, project: &Project, full: bool) -> Value {
    let mut whole = String::new();
    let mut syncs = Vec::with_capacity(planned.len());
    for (name, plan) in planned {
        syncs.push(match plan {
            Ok(plan) => {
                whole.push_str(&format!("{name} {}\n", digest_text(plan.digest)));
                sync_json(plan)
            }
            Err(error) => json!({ "sync": name, "error": error_json(error) }),
        });
    }
    json!({
        "digest": digest_text(xxhash_rust::xxh3::xxh3_64(whole.as_bytes())),
        "project": project.name,
        "account": engine.account().portal_id,
        "full": full,
        "syncs": syncs,
    })
}

fn sync_json(plan: &SyncPlan) -> Value {
    let samples: Vec<Value> = plan
        .samples
        .iter()
        .map(|sample| {
            // The ledger holds fingerprints, not values: what stands in HubSpot is not known here.
            let properties: Map<String, Value> = sample
                .properties
                .iter()
                .map(|(name, value)| (name.clone(), json!({ "from": null, "to": value })))
                .collect();
            json!({ "key": sample.key, "change": sample.change, "properties": properties })
        })
        .collect();
    json!({
        "sync": plan.sync,
        "added": plan.added,
        "changed": plan.changed,
        "removed": plan.removed,
        "unchanged": plan.unchanged,
        "invalid": plan.invalid,
        "requests": requests_json(&plan.requests),
        "seconds_at_limit": (plan.seconds_at_limit * 10.0).round() / 10.0,
        "daily_share": plan.daily_share,
        "monthly_share": plan.monthly_share,
        "samples": samples,
        "digest": digest_text(plan.digest),
        "warnings": plan.warnings,
        "error": null,
    })
}

fn text(plan: &SyncPlan) -> String {
    let mut text = format!(
        "{}: {} added, {} changed, {} removed, {} unchanged, {} invalid\n",
        plan.sync,
        grouped(plan.added),
        grouped(plan.changed),
        grouped(plan.removed),
        grouped(plan.unchanged),
        grouped(plan.invalid)
    );
    let part = |share: Option<f64>, of: &str| {
        share.map(|share| format!(", {:.2} % of the {of}", share * 100.0)).unwrap_or_default()
    };
    let share = part(plan.daily_share, "daily limit") + &part(plan.monthly_share, "month's events");
    text.push_str(&format!(
        "  requests: {}{share}, at least {:.0} s at this account's limits\n",
        grouped(plan.requests.total),
        plan.seconds_at_limit
    ));
    for warning in &plan.warnings {
        text.push_str(&format!("  warning: {warning}\n"));
    }
    for sample in plan.samples.iter().take(SAMPLES_SHOWN) {
        text.push_str(&format!("  {} {}:", sample.change, sample.key));
        for (name, value) in &sample.properties {
            text.push_str(&format!(" {name}={:?}", cut(value, VALUE_MAX)));
        }
        text.push('\n');
    }
    text
}
