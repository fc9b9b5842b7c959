//! `hubward match`: whether a trigger fires for an event, and what Segment's own parser would have made of it.

use hubward_core::spec::Location;
use hubward_intake::fql::segment::SegmentTrigger;
use hubward_intake::fql::{FqlError, Trigger, differences, reading_of_malformed};
use serde_json::json;

use crate::args::MatchArgs;
use crate::event_file::read_event;
use crate::exit::{Exit, Failure};
use crate::printer::Printer;

pub(crate) fn carry_out(args: &MatchArgs, printer: Printer) -> Result<Exit, Failure> {
    let event = read_event(&args.event)?;
    let segment_match = SegmentTrigger::parse(&args.fql).matches(&event);
    let trigger = match Trigger::parse(&args.fql) {
        Ok(trigger) => trigger,
        Err(error) => {
            let failure = malformed(&error);
            let warnings: Vec<String> = reading_of_malformed(&args.fql).iter().map(ToString::to_string).collect();
            if !printer.is_json() {
                // Whoever brings the trigger from Segment has to know that it did something there.
                warnings.iter().for_each(|warning| printer.say(&format!("warning: {warning}")));
                return Err(failure);
            }
            let error = failure.to_json();
            printer.document(
                &json!({ "error": error, "match": null, "segment_match": segment_match, "warnings": warnings }),
            );
            return Ok(Exit::Wrong);
        }
    };
    let fires = trigger.matches(&event);
    let warnings: Vec<String> = differences(&args.fql, &trigger).iter().map(ToString::to_string).collect();
    if printer.is_json() {
        printer.document(&json!({ "match": fires, "segment_match": segment_match, "warnings": warnings }));
        return Ok(Exit::Ok);
    }
    let mut text = format!("the trigger {}\n", if fires { "fires" } else { "does not fire" });
    text.push_str(match segment_match {
        Some(true) => "Segment's parser would fire",
        Some(false) => "Segment's parser would not fire",
        None => "Segment's parser would drop the event with an error",
    });
    for warning in &warnings {
        text.push_str(&format!("\nwarning: {warning}"));
    }
    printer.data(&text);
    Ok(Exit::Ok)
}

fn malformed(error: &FqlError) -> Failure {
    let at = Location {
        file: "trigger".to_owned(),
        line: u32::try_from(error.line).unwrap_or(u32::MAX),
        column: u32::try_from(error.column).unwrap_or(u32::MAX),
    };
    let mut message = error.message.clone();
    for line in error.pointer.lines() {
        message.push_str(&format!("\n    {line}"));
    }
    let mut failure = Failure::new("trigger", message).at(&at);
    failure.help.clone_from(&error.help);
    failure
}
