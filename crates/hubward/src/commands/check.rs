//! `hubward check`: everything that could be wrong, in one list. Writes nothing.

use std::sync::Arc;

use hubward_core::spec::Model;
use hubward_engine::{Engine, Problem, Silent, preview_model};
use hubward_project::{Diagnostic, Severity, SourceFile};
use hubward_sources::ReadOptions;
use serde_json::{Value, json};

use super::run::account_text;
use crate::args::{CheckArgs, Global};
use crate::declared;
use crate::environment;
use crate::exit::{Exit, Failure};
use crate::jobs::{self, Job, object_syncs};
use crate::printer::Printer;
use crate::project_files::{Credentials, Opened, open};
use crate::session::{Network, connect};

pub(crate) async fn carry_out(args: &CheckArgs, global: &Global, printer: Printer) -> Result<Exit, Failure> {
    if args.scopes {
        return scopes(global, printer);
    }
    let opened = match open(&global.project, Credentials::Needed) {
        Ok(opened) => opened,
        Err(failure) if failure.problems.is_empty() => return Err(failure),
        Err(failure) => return Ok(tell(failure.problems.clone(), &failure.files, printer)),
    };
    let mut problems = opened.warnings.clone();
    let account = match opened.account(global.account.as_deref()) {
        Ok(account) => account,
        Err(failure) => {
            problems.push(diagnostic(&failure));
            return Ok(tell(problems, &opened.files, printer));
        }
    };
    match connect(account, &global.project, None, Arc::new(Silent), Network::Real, "").await {
        Ok(engine) => {
            printer.say(&format!("checking against {}", account_text(engine.account(), &account.name)));
            check_syncs(&opened, &engine, &mut problems).await?;
            declared::check(&opened.project, &engine, &mut problems).await;
        }
        Err(failure) => {
            problems.push(diagnostic(&failure));
            // Without the account the sources can still be looked at.
            for model in &opened.project.models {
                check_model(&opened, model, &mut problems).await;
            }
        }
    }
    Ok(tell(problems, &opened.files, printer))
}

async fn check_syncs(opened: &Opened, engine: &Engine, problems: &mut Vec<Diagnostic>) -> Result<(), Failure> {
    let mut checked: Vec<&str> = Vec::new();
    for sync in &opened.project.syncs {
        checked.push(sync.model());
        for problem in Job::of(&opened.project, sync)?.check(engine).await {
            let problem = of_engine(problem);
            // Two syncs of one model would both tell what is wrong with it.
            if !problems.contains(&problem) {
                problems.push(problem);
            }
        }
    }
    for problem in engine.declared_from_both_ends(&object_syncs(&opened.project)).await {
        problems.push(of_engine(problem));
    }
    for model in &opened.project.models {
        if !checked.contains(&model.name.as_str()) {
            check_model(opened, model, problems).await;
        }
    }
    Ok(())
}

/// A model that no sync checks: whether it can be read at all.
async fn check_model(opened: &Opened, model: &Model, problems: &mut Vec<Diagnostic>) {
    let Some(source) = opened.project.source(&model.source) else { return };
    let read = ReadOptions { env: environment::driver_search(), ..ReadOptions::default() };
    if let Err(error) = preview_model(model, source, &read, 1).await {
        let mut problem = diagnostic(&Failure::from(error));
        if problem.file.is_empty() {
            problem.file.clone_from(&model.at.file);
            problem.line = model.at.line;
            problem.column = model.at.column;
        }
        problems.push(problem);
    }
}

pub(crate) fn of_engine(problem: Problem) -> Diagnostic {
    let severity = match problem.severity {
        hubward_engine::Severity::Error => Severity::Error,
        hubward_engine::Severity::Warning => Severity::Warning,
    };
    Diagnostic {
        severity,
        code: problem.code,
        file: problem.at.file,
        line: problem.at.line,
        column: problem.at.column,
        span_len: 0,
        message: problem.message,
        help: problem.help,
        related: None,
    }
}

pub(crate) fn diagnostic(failure: &Failure) -> Diagnostic {
    let at = failure.at.clone().unwrap_or_default();
    Diagnostic {
        severity: Severity::Error,
        code: failure.code,
        file: at.file,
        line: at.line,
        column: at.column,
        span_len: 0,
        message: failure.message.clone(),
        help: failure.help.clone(),
        related: None,
    }
}

fn tell(mut problems: Vec<Diagnostic>, files: &[SourceFile], printer: Printer) -> Exit {
    problems.sort_by_key(|problem| problem.severity);
    let errors = problems.iter().filter(|problem| problem.severity == Severity::Error).count();
    let warnings = problems.len() - errors;
    let ok = errors == 0;
    if printer.is_json() {
        let entries: Vec<Value> = problems.iter().map(Diagnostic::to_json).collect();
        printer.document(&json!({ "ok": ok, "problems": entries }));
    } else {
        let mut text = hubward_project::render(&problems, files, printer.colour_data());
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&match (errors, warnings) {
            (0, 0) => "all is well".to_owned(),
            (0, warnings) => format!("no errors; warnings: {warnings}"),
            (errors, 0) => format!("errors: {errors}"),
            (errors, warnings) => format!("errors: {errors}; warnings: {warnings}"),
        });
        printer.data(&text);
    }
    if ok { Exit::Ok } else { Exit::Wrong }
}

fn scopes(global: &Global, printer: Printer) -> Result<Exit, Failure> {
    let opened = open(&global.project, Credentials::NotNeeded)?;
    let mut found: Vec<(String, Vec<&str>, Vec<&str>)> = Vec::new();
    for sync in &opened.project.syncs {
        for scope in jobs::scopes(sync) {
            match found.iter_mut().find(|(known, _, _)| *known == scope) {
                Some((_, syncs, _)) => syncs.push(sync.name()),
                None => found.push((scope, vec![sync.name()], Vec::new())),
            }
        }
    }
    for (scope, types) in hubward_engine::schema_scopes(&opened.project.schema) {
        match found.iter_mut().find(|(known, _, _)| *known == scope) {
            Some((_, _, known)) => *known = types,
            None => found.push((scope, Vec::new(), types)),
        }
    }
    if printer.is_json() {
        let scopes: Vec<Value> = found
            .iter()
            .map(|(scope, syncs, types)| json!({ "scope": scope, "syncs": syncs, "schema": types }))
            .collect();
        printer.document(&json!({ "scopes": scopes }));
    } else if found.is_empty() {
        printer.data("the project needs no scope: it has no sync");
    } else {
        let width = found.iter().map(|(scope, _, _)| scope.len()).max().unwrap_or_default().max(32);
        for (scope, syncs, types) in &found {
            let types = types.iter().map(|name| format!("schema of {name}"));
            let users: Vec<String> = syncs.iter().map(|name| (*name).to_owned()).chain(types).collect();
            printer.data(&format!("{scope:<width$} {}", users.join(", ")));
        }
    }
    Ok(Exit::Ok)
}
