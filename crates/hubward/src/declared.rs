//! What the project declares of the account's schema, as the commands tell it: missing things, and the way to make them.

mod events;

use hubward_core::spec::{Location, ObjectSync, SyncSpec};
use hubward_engine::{Change, ChangeKind, Engine, EngineError, Proposal, SchemaPlan, SyncJob, declares};
use hubward_project::{Diagnostic, Project, Severity};
use serde_json::{Value, json};

use crate::commands::check::{diagnostic, of_engine};
use crate::exit::Failure;
use crate::jobs::Job;
use crate::printer::Printer;

const RUN_IT: &str = "the project declares it and the account lacks it: run `hubward apply-schema`";

/// Adds to the problems of `check` what is declared and missing, or cannot be reconciled; and says of properties that syncs
/// miss how they can be made.
pub(crate) async fn check(project: &Project, engine: &Engine, problems: &mut Vec<Diagnostic>) {
    let proposal = proposal(project, engine).await.unwrap_or_default();
    for problem in problems.iter_mut() {
        if let Some(help) = help(project, &proposal, problem) {
            problem.help = Some(help);
        }
    }
    match engine.compare_schema(&project.schema).await {
        Ok(plan) => {
            problems.extend(plan.problems.into_iter().map(of_engine));
            problems.extend(plan.changes.iter().map(missing_one));
        }
        Err(error) => {
            let at = project.schema.at().cloned();
            problems.push(diagnostic(&Failure::from(EngineError { at: error.at.clone().or(at), ..error })));
        }
    }
}

fn missing_one(change: &Change) -> Diagnostic {
    let at = change.at.clone();
    Diagnostic {
        severity: Severity::Warning,
        code: "schema-missing",
        file: at.file,
        line: at.line,
        column: at.column,
        span_len: 0,
        message: format!("declared and not in the account: {}", line(change)),
        help: Some("run `hubward apply-schema`".to_owned()),
        related: None,
    }
}

/// The help for a problem of a sync that `apply-schema` can do something about.
fn help(project: &Project, proposal: &Proposal, problem: &Diagnostic) -> Option<String> {
    if let Some(help) = events::help(project, proposal, problem) {
        return Some(help);
    }
    let at = Location { file: problem.file.clone(), line: problem.line, column: problem.column };
    let syncs = project.syncs.iter().filter_map(|sync| match sync {
        SyncSpec::Object(sync) => Some(sync),
        _ => None,
    });
    let sync = syncs.into_iter().find(|sync| concerns(sync, problem.code, &at))?;
    if let Some(help) = declared_help(project, sync, problem.code, &at) {
        return Some(help);
    }
    let known = problem.help.clone().unwrap_or_default();
    if problem.code != "unknown-property" || known.starts_with("did you mean") {
        return None;
    }
    let property = property_at(sync, &at)?;
    let line = proposal.line(property, |object| same_type(object, &sync.object))?;
    Some(format!("{known}; or declare it, with the type that it shall have, and run `hubward apply-schema`: {line}"))
}

fn same_type(one: &str, other: &str) -> bool {
    match (hubward_engine::standard(one), hubward_engine::standard(other)) {
        (Some(one), Some(other)) => one.id == other.id,
        _ => one.eq_ignore_ascii_case(other),
    }
}

fn concerns(sync: &ObjectSync, code: &str, at: &Location) -> bool {
    match code {
        "unknown-object-type" => sync.object_at == *at,
        "unknown-property" => property_at(sync, at).is_some(),
        _ => false,
    }
}

fn property_at<'a>(sync: &'a ObjectSync, at: &Location) -> Option<&'a str> {
    let entry = sync.map.iter().find(|entry| entry.at == *at).map(|entry| entry.property.as_str());
    entry.or_else(|| (sync.match_.at == *at).then_some(sync.match_.property.as_str()))
}

fn declared_help(project: &Project, sync: &ObjectSync, code: &str, at: &Location) -> Option<String> {
    let property = match code {
        "unknown-object-type" if sync.object_at == *at => None,
        "unknown-property" => Some(property_at(sync, at)?),
        _ => return None,
    };
    declares(&project.schema, &sync.object, property).then(|| RUN_IT.to_owned())
}

/// An error of a sync, with the way to make what it misses where the project declares it.
pub(crate) fn explained(project: &Project, sync: &SyncSpec, error: EngineError) -> EngineError {
    let help = error.at.as_ref().and_then(|at| match sync {
        SyncSpec::Object(sync) => declared_help(project, sync, error.code, at),
        SyncSpec::Event(sync) => events::declared_help(project, sync, error.code, at),
        SyncSpec::List(_) => None,
    });
    EngineError { help: help.or(error.help.clone()), ..error }
}

/// Declarations for what syncs map and nobody declares.
pub(crate) async fn proposal(project: &Project, engine: &Engine) -> Result<Proposal, EngineError> {
    let mut jobs: Vec<SyncJob> = Vec::new();
    for sync in &project.syncs {
        if let Ok(Job::Object(job)) = Job::of(project, sync) {
            jobs.push(job);
        }
    }
    let mut proposal = engine.propose_schema(&project.schema, &jobs).await?;
    events::propose(project, engine, &mut proposal).await;
    Ok(proposal)
}

/// What is declared and missing, for `plan`; none where nothing is declared. That it cannot be told is no reason not to plan.
pub(crate) async fn missing(project: &Project, engine: &Engine, printer: Printer) -> Option<SchemaPlan> {
    if project.schema.is_empty() {
        return None;
    }
    match engine.compare_schema(&project.schema).await {
        Ok(plan) => Some(plan),
        Err(error) => {
            printer.say(&format!("what the account lacks of `schema:` cannot be told: {error}"));
            None
        }
    }
}

/// What a change makes, by its names.
pub(crate) fn what(change: &Change) -> String {
    match change.kind() {
        kind @ (ChangeKind::Object | ChangeKind::Event) => format!("{} {}", kind.name(), change.name()),
        kind => format!("{} {}.{}", kind.name().replace('_', " "), change.object(), change.name()),
    }
}

/// One change in words.
pub(crate) fn line(change: &Change) -> String {
    format!("{}: {}", what(change), change.detail())
}

/// `{kind, object, name, detail}`.
pub(crate) fn change_json(change: &Change) -> Value {
    json!({
        "kind": change.kind().name(),
        "object": change.object(),
        "name": change.name(),
        "detail": change.detail(),
    })
}

/// The part of a plan's document.
pub(crate) fn plan_json(plan: &SchemaPlan) -> Value {
    let changes: Vec<Value> = plan.changes.iter().map(change_json).collect();
    json!({ "missing": changes, "conflicts": plan.problems.iter().filter(|problem| problem.severity == hubward_engine::Severity::Error).count() })
}

/// The part of a plan for people.
pub(crate) fn plan_text(plan: &SchemaPlan) -> String {
    let mut text = match plan.changes.len() {
        0 => "schema: the account has all that the project declares\n".to_owned(),
        missing => format!("schema: {missing} declared and not in the account; `hubward apply-schema` makes them\n"),
    };
    for change in &plan.changes {
        text.push_str(&format!("  + {}\n", line(change)));
    }
    if !plan.is_sound() {
        text.push_str("  the declaration and the account contradict each other; `hubward check` tells where\n");
    }
    text
}
