//! What event syncs miss of the account, and the way to make it.

use hubward_core::spec::{EventName, EventSync, Location, SyncSpec};
use hubward_engine::{Engine, Proposal, SyncJob, declares_event};
use hubward_project::{Diagnostic, Project};

use super::RUN_IT;

/// Adds what event syncs name and nobody declares. An account that does not tell of its events adds nothing: `check` and
/// `run` say why.
pub(super) async fn propose(project: &Project, engine: &Engine, proposal: &mut Proposal) {
    let jobs: Vec<SyncJob<EventSync>> = syncs(project)
        .filter_map(|sync| {
            let model = project.model(&sync.model)?.clone();
            let source = project.source(&model.source)?.clone();
            Some(SyncJob { sync: sync.clone(), model, source })
        })
        .collect();
    engine.propose_events(&project.schema, &jobs, proposal).await.unwrap_or_default();
}

fn syncs(project: &Project) -> impl Iterator<Item = &EventSync> {
    project.syncs.iter().filter_map(|sync| match sync {
        SyncSpec::Event(sync) => Some(sync),
        _ => None,
    })
}

/// What a problem speaks of: the event, or one property of it.
struct Missing<'a> {
    event: &'a str,
    property: Option<&'a str>,
}

fn missing_at<'a>(sync: &'a EventSync, code: &str, place: &Location) -> Option<Missing<'a>> {
    let EventName::Name { name, at } = &sync.event else { return None };
    match code {
        "unknown-event" if at == place => Some(Missing { event: name, property: None }),
        "unknown-property" => {
            let entry = sync.map.iter().find(|entry| entry.at == *place)?;
            Some(Missing { event: name, property: Some(&entry.property) })
        }
        _ => None,
    }
}

/// The help for an error of this sync, where the project declares what it misses.
pub(crate) fn declared_help(project: &Project, sync: &EventSync, code: &str, at: &Location) -> Option<String> {
    let missing = missing_at(sync, code, at)?;
    declares_event(&project.schema, missing.event, missing.property).then(|| RUN_IT.to_owned())
}

/// The help for a problem of an event sync that `apply-schema` can do something about.
pub(super) fn help(project: &Project, proposal: &Proposal, problem: &Diagnostic) -> Option<String> {
    let at = Location { file: problem.file.clone(), line: problem.line, column: problem.column };
    let (sync, missing) = syncs(project).find_map(|sync| Some((sync, missing_at(sync, problem.code, &at)?)))?;
    if let Some(help) = declared_help(project, sync, problem.code, &at) {
        return Some(help);
    }
    let known = problem.help.as_deref().unwrap_or_default();
    if known.starts_with("did you mean") {
        return None;
    }
    let line = proposal.event_line(missing.event, missing.property)?;
    let before = if known.is_empty() { String::new() } else { format!("{known}; or ") };
    Some(format!("{before}declare it, with the types that it shall have, and run `hubward apply-schema`: {line}"))
}
