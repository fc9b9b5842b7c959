//! `hubward try`: one mapping and one event, rehearsed or delivered.

use hubward_core::Outcome;
use hubward_core::spec::MappingSpec;
use hubward_project::Project;
use serde_json::json;

use crate::args::{Global, TryArgs};
use crate::event_file::read_event;
use crate::exit::{Exit, Failure};
use crate::printer::Printer;
use crate::project_files::{Credentials, open, unknown};
use crate::trial::{Told, open_project, perform};

pub(crate) async fn carry_out(args: &TryArgs, global: &Global, printer: Printer) -> Result<Exit, Failure> {
    let event = read_event(&args.event)?;
    let (opened, without) =
        if args.send { (open(&global.project, Credentials::Needed)?, None) } else { open_project(global)? };
    let mut all = [Told::of(mapping(&opened.project, &args.mapping)?, &event)];
    let unknown = match without {
        Some(failure) => Some(failure),
        None if all[0].fires => perform(&mut all, &event, &opened, global, args.send).await.err(),
        None => None,
    };
    let [told] = all;
    let failed = unknown.filter(|_| told.fires);
    if let Some(failure) = &failed {
        // What was sent until then is shown all the same.
        printer.say(&format!("the account cannot be asked: {}", failure.message));
    }
    if printer.is_json() {
        let mut document = told.to_json();
        document["sent"] = json!(args.send && !told.requests.is_empty());
        if let Some(failure) = &failed {
            document["error"] = failure.to_json();
        }
        printer.document(&document);
    } else {
        printer.data(&told.to_text());
    }
    if failed.is_some() && args.send {
        return Ok(Exit::Failed);
    }
    Ok(match told.outcome() {
        Some(Outcome::Invalid | Outcome::Rejected | Outcome::Deferred) => Exit::SomeRows,
        _ => Exit::Ok,
    })
}

/// The mapping of this name, or the one in this file.
fn mapping<'p>(project: &'p Project, name: &str) -> Result<&'p MappingSpec, Failure> {
    let in_file = |spec: &&MappingSpec| {
        let path = name.trim_start_matches("./");
        path == spec.at.file || path.ends_with(&format!("/{}", spec.at.file))
    };
    let found = project.mapping(name).or_else(|| project.mappings.iter().find(in_file));
    found.ok_or_else(|| {
        let names: Vec<&str> = project.mappings.iter().map(|mapping| mapping.name.as_str()).collect();
        unknown("mapping", name, &names)
    })
}
