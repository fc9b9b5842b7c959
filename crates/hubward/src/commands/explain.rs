//! `hubward explain`: for each mapping why an event fires it or not, and what it would send.

use hubward_core::spec::MappingSpec;
use serde_json::{Value, json};

use crate::args::{ExplainArgs, Global};
use crate::event_file::read_event;
use crate::exit::{Exit, Failure};
use crate::printer::Printer;
use crate::trial::{Told, open_project, perform};

pub(crate) async fn carry_out(args: &ExplainArgs, global: &Global, printer: Printer) -> Result<Exit, Failure> {
    let event = read_event(&args.event)?;
    let (opened, without) = open_project(global)?;
    let mut all: Vec<Told> =
        opened.project.mappings.iter().map(|spec| told(spec, args.source.as_deref(), &event)).collect();
    let fires = all.iter().any(|told| told.fires);
    let unknown = match without {
        Some(failure) => Some(failure),
        None if fires => perform(&mut all, &event, &opened, global, false).await.err(),
        None => None,
    };
    if let Some(failure) = unknown.filter(|_| fires) {
        printer.say(&format!("what would be sent is not known, for the account cannot be asked: {}", failure.message));
    }
    if printer.is_json() {
        let results: Vec<Value> = all.iter().map(Told::to_json).collect();
        printer.document(&json!({ "results": results }));
    } else if all.is_empty() {
        printer.data("the project has no mapping");
    } else {
        printer.data(&all.iter().map(Told::to_text).collect::<String>());
    }
    Ok(Exit::Ok)
}

fn told(spec: &MappingSpec, source: Option<&str>, event: &Value) -> Told {
    if !spec.enabled {
        return Told::not_asked(spec, "it is not enabled".to_owned());
    }
    match source {
        Some(source) if !spec.takes(source) => {
            let sources = spec.sources.as_deref().unwrap_or_default().join(", ");
            Told::not_asked(spec, format!("it is for the events of {sources}, not for those of {source}"))
        }
        _ => Told::of(spec, event),
    }
}
