//! `hubward run`: from the project's files to a recorded report.

use std::path::Path;
use std::sync::Arc;

use hubward_core::spec::SyncSpec;
use hubward_engine::{Engine, Progress, RunOptions, Severity};
use hubward_hubspot::Account;

use crate::args::{Global, RunArgs};
use crate::exit::{Exit, Failure};
use crate::jobs::object_syncs;
use crate::plan_file::PlanFile;
use crate::printer::Printer;
use crate::progress::Terminal;
use crate::project_files::{Credentials, open};
use crate::report::RunReport;
use crate::runner::{Run, choose, new_id};
use crate::session::{Network, connect, database, lock, make_state_dir, remember_daily_calls};
use crate::signals::cancel_on_signal;
use crate::summary;

pub(crate) async fn carry_out(args: &RunArgs, global: &Global, printer: Printer) -> Result<Exit, Failure> {
    let report = match begin(args, global, printer).await {
        Ok(report) => report,
        Err((failure, syncs)) => {
            if !printer.is_json() {
                printer.failure_for_people(&failure);
            }
            RunReport::refused(failure, &syncs)
        }
    };
    if printer.is_json() {
        printer.document(&report.to_json());
    }
    Ok(report.exit())
}

/// A failure before the first sync, with the syncs that were to run.
type Refused = (Failure, Vec<String>);

async fn begin(args: &RunArgs, global: &Global, printer: Printer) -> Result<RunReport, Refused> {
    let mut names = args.syncs.clone();
    let refused = |failure: Failure, names: &[String]| (failure, names.to_vec());
    let opened = open(&global.project, Credentials::Needed).map_err(|failure| refused(failure, &names))?;
    printer.diagnostics(&opened.warnings, &opened.files);
    let plan = args.plan.as_deref().map(PlanFile::read).transpose().map_err(|failure| refused(failure, &names))?;
    if let Some(plan) = &plan {
        names = plan.names(&names).map_err(|failure| refused(failure, &names))?;
    }
    let chosen = choose(&opened.project, &names).map_err(|failure| refused(failure, &names))?;
    names = chosen.iter().map(|sync| sync.name().to_owned()).collect();
    let fail = |failure: Failure| (failure, names.clone());
    let account = opened.account(global.account.as_deref()).map_err(fail)?;

    let command = command_line(args, &chosen);
    let state = make_state_dir(&global.project).map_err(fail)?;
    let _lock = lock(&state, &command).map_err(fail)?;
    let db = database(&state).map_err(fail)?;
    let cancel = cancel_on_signal(printer).map_err(fail)?;
    let terminal = Arc::new(Terminal::new(printer));
    let progress: Arc<dyn Progress> = Arc::<Terminal>::clone(&terminal);
    let id = new_id();
    let connecting = connect(account, &global.project, Some(db.clone()), progress, Network::Real, &id);
    let engine = tokio::select! {
        engine = connecting => engine.map_err(fail)?,
        () = cancel.wait() => return Ok(interrupted(&names)),
    };
    if let Some(plan) = &plan {
        plan.check_account(engine.account().portal_id).map_err(fail)?;
    }
    say_account(&engine, &account.name, printer);
    for problem in engine.declared_from_both_ends(&object_syncs(&opened.project)).await {
        match problem.severity {
            Severity::Error => return Err(fail(Failure::from_problem(&problem))),
            Severity::Warning => printer.say(&format!("{}: {}", problem.message, problem.help.unwrap_or_default())),
        }
    }

    let options = RunOptions {
        full: args.full || plan.as_ref().is_some_and(|plan| plan.full),
        limit: args.limit,
        allow_empty: args.allow_empty,
        allow_removals: args.allow_removals,
        expected_digest: None,
        siblings: Vec::new(),
        cancel,
    };
    let digests = plan.map(|plan| plan.digests).unwrap_or_default();
    let run = Run { id, command, engine: &engine, db: &db, project: &opened.project, syncs: chosen, options, digests };
    let report = run.carry_out().await.map_err(fail)?;
    terminal.finish();
    let mut report = report;
    report.remember(remember_daily_calls(&engine, account, &db));
    if !printer.is_json() {
        tell_errors(&report, printer);
        match summary::of_run(&report, &db, Some(&rejected_command(&global.project))) {
            Ok(summary) => printer.data(&summary),
            // The database that would name the first rows with trouble cannot be read; the outcomes are in the report.
            Err(failure) => printer.failure_for_people(&failure),
        }
    }
    Ok(report)
}

/// Why syncs failed, on stderr. An interruption has been told when it came.
pub(crate) fn tell_errors(report: &RunReport, printer: Printer) {
    if let Some(failure) = &report.failure {
        printer.failure_for_people(failure);
    }
    for sync in report.syncs.iter().filter(|sync| !sync.interrupted) {
        if let Some(error) = &sync.error {
            let mut failure = Failure::from(error.clone());
            failure.message = format!("sync {:?}: {}", sync.sync, failure.message);
            printer.failure_for_people(&failure);
        }
    }
}

fn interrupted(names: &[String]) -> RunReport {
    let failure = Failure::new("interrupted", "interrupted before anything was sent");
    let mut report = RunReport::refused(failure, names);
    for sync in &mut report.syncs {
        sync.interrupted = true;
    }
    report
}

/// Which account is written to: name, id and kind.
pub(crate) fn account_text(account: &Account, called: &str) -> String {
    let name = account.name.as_deref().map(|name| format!(" {name:?}")).unwrap_or_default();
    let called = if called == hubward_project::AccountSpec::DEFAULT { String::new() } else { format!(" `{called}`") };
    let mut kind = account.account_type.to_lowercase().replace('_', " ");
    if kind.is_empty() {
        "kind unknown".clone_into(&mut kind);
    }
    if !account.data_hosting_location.is_empty() {
        kind = format!("{kind}, {}", account.data_hosting_location);
    }
    format!("account{called}{name} {} ({kind})", account.portal_id)
}

fn say_account(engine: &Engine, called: &str, printer: Printer) {
    printer.say(&format!("writing to {} at {}", account_text(engine.account(), called), engine.client().host()));
}

/// The command as it is remembered and told to those who wait for the lock.
fn command_line(args: &RunArgs, chosen: &[&SyncSpec]) -> String {
    let mut command = "hubward run".to_owned();
    if !args.syncs.is_empty() {
        for sync in chosen {
            command.push(' ');
            command.push_str(sync.name());
        }
    }
    for (set, flag) in [
        (args.full, " --full"),
        (args.allow_empty, " --allow-empty"),
        (args.allow_removals, " --allow-removals"),
        (args.plan.is_some(), " --plan"),
    ] {
        if set {
            command.push_str(flag);
        }
    }
    if let Some(limit) = args.limit {
        command.push_str(&format!(" --limit {limit}"));
    }
    command
}

/// What to type for the rows with trouble.
pub(crate) fn rejected_command(project: &Path) -> String {
    if project == Path::new(".") {
        "hubward rejected".to_owned()
    } else {
        format!("hubward --project {} rejected", project.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_is_told_by_name_id_and_kind() {
        let account = Account {
            portal_id: 7,
            name: Some("Shop".to_owned()),
            account_type: "DEVELOPER_TEST".to_owned(),
            data_hosting_location: "eu1".to_owned(),
            ..Account::default()
        };
        assert_eq!(account_text(&account, "default"), "account \"Shop\" 7 (developer test, eu1)");
        let bare = Account { portal_id: 7, ..Account::default() };
        assert_eq!(account_text(&bare, "live"), "account `live` 7 (kind unknown)");
    }
}
