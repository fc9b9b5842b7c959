//! `hubward map`: a mapping's directives resolved for one event.

use std::path::Path;

use hubward_intake::directives::{Event, Mapping, MappingError};
use serde_json::{Value, json};

use crate::args::MapArgs;
use crate::event_file::{is_stdin, name, read_event, read_text};
use crate::exit::{Exit, Failure};
use crate::printer::Printer;

pub(crate) fn carry_out(args: &MapArgs, printer: Printer) -> Result<Exit, Failure> {
    if is_stdin(&args.mapping) && is_stdin(&args.event) {
        return Err(Failure::new("usage", "mapping and event cannot both be read from standard input")
            .help("give one of them as a file"));
    }
    let mapping = read_mapping(&args.mapping)?;
    let event = read_event(&args.event)?;
    let mapping = match Mapping::new(&mapping) {
        Ok(mapping) => mapping,
        Err(error) => {
            show_problems(&error, printer);
            return Ok(Exit::Wrong);
        }
    };
    let event = Event::new(&event).map_err(|error| Failure::new("event", error.message))?;
    let resolved = mapping.resolve(&event).map_err(|error| {
        Failure::new("mapping-failed", error.message)
            .help(format!("the directive at {} failed for this event", error.path))
    })?;
    // A mapping that is one directive may give nothing at all.
    printer.document(&resolved.unwrap_or_default());
    Ok(Exit::Ok)
}

/// Everything that is wrong with the mapping: a line for each, or one document.
fn show_problems(error: &MappingError, printer: Printer) {
    const HELP: &str = "docs/directives.md tells what each directive takes";
    let failure = Failure::new("bad-mapping", error.to_string()).help(HELP);
    if printer.is_json() {
        let problems: Vec<Value> = error
            .problems()
            .iter()
            .map(|problem| json!({ "path": problem.path, "message": problem.message }))
            .collect();
        let mut document = failure.to_json();
        document["problems"] = Value::Array(problems);
        printer.document(&json!({ "error": document }));
        return;
    }
    let mut lines: Vec<String> = vec![failure.message.clone()];
    lines.extend(error.problems().iter().skip(1).map(|problem| format!("ValidationError: {problem}")));
    let last = lines.len() - 1;
    for (position, line) in lines.into_iter().enumerate() {
        let failure = Failure::new("bad-mapping", line);
        printer.failure_for_people(&if position == last { failure.help(HELP) } else { failure });
    }
}

/// JSON, or what YAML says where it is none.
fn read_mapping(path: &Path) -> Result<Value, Failure> {
    let text = read_text(path, "bad-mapping")?;
    let name = name(path);
    let is_yaml = path.extension().is_some_and(|extension| extension == "yml" || extension == "yaml");
    let json_error = if is_yaml {
        None
    } else {
        match serde_json::from_str(&text) {
            Ok(mapping) => return Ok(mapping),
            Err(error) => Some(error),
        }
    };
    // What begins like JSON is told where it is none; YAML would read some of it as something else.
    if let Some(error) = json_error.filter(|_| text.trim_start().starts_with(['{', '['])) {
        return Err(Failure::new("bad-mapping", format!("{name} is not JSON: {error}")));
    }
    serde_saphyr::from_str(&text)
        .map_err(|error| Failure::new("bad-mapping", format!("{name} is neither JSON nor YAML: {error}")))
}
