//! `hubward rejected`: the rows that are invalid or rejected now.

use hubward_core::spec::SyncSpec;
use hubward_store::{IssueRow, WaitingRow};
use serde_json::{Value, json};

use crate::args::{Global, RejectedArgs};
use crate::commands::intake::INTAKE;
use crate::exit::{Exit, Failure};
use crate::printer::{Lines, Printer, Results};
use crate::project_files::{Credentials, open, unknown};
use crate::session::existing_database;
use crate::table::Table;

/// Rows shown to people; `--csv` and `--json` show all.
const ROWS_MAX: usize = 1000;

pub(crate) fn carry_out(args: &RejectedArgs, global: &Global, printer: Printer) -> Result<Exit, Failure> {
    let db = existing_database(&global.project)?;
    if let Some(name) = &args.sync
        && let Ok(opened) = open(&global.project, Credentials::NotNeeded)
    {
        let mut known: Vec<&str> = opened.project.syncs.iter().map(SyncSpec::name).collect();
        known.extend(opened.project.intake.as_ref().map(|_| INTAKE));
        known.extend(opened.project.mappings.iter().map(|mapping| mapping.name.as_str()));
        if !known.contains(&name.as_str()) {
            return Err(unknown("sync", name, &known));
        }
    }
    let each = |visit: &mut dyn FnMut(IssueRow)| match &db {
        Some(db) => db.for_each_issue(args.sync.as_deref(), visit),
        None => Ok(()),
    };
    let each_waiting = |visit: &mut dyn FnMut(WaitingRow)| match &db {
        Some(db) => db.for_each_waiting(args.sync.as_deref(), visit),
        None => Ok(()),
    };
    if printer.is_json() {
        printer.two_lists(
            |results| each(&mut |issue| results.add(&document(&issue))),
            Some(("waiting", |results: &mut Results<'_>| {
                each_waiting(&mut |row| results.add(&waiting_document(&row)))
            })),
        )?;
    } else if args.csv {
        printer.lines(|lines| {
            heading(lines);
            each(&mut |issue| lines.add(&csv(&issue)))
        })?;
    } else {
        table(printer, each)?;
        waiting_table(printer, each_waiting)?;
    }
    Ok(Exit::Ok)
}

fn table(
    printer: Printer,
    each: impl Fn(&mut dyn FnMut(IssueRow)) -> Result<(), hubward_store::StoreError>,
) -> Result<(), Failure> {
    let mut table =
        Table::new(&["sync", "key", "outcome", "property", "value", "reason", "correlation id", ">tries", "since"]);
    let mut count = 0usize;
    each(&mut |issue| {
        count += 1;
        if count <= ROWS_MAX {
            table.row(vec![
                issue.sync,
                issue.key,
                issue.outcome.name().to_owned(),
                issue.property.unwrap_or_default(),
                issue.value.unwrap_or_default(),
                issue.reason,
                issue.correlation_id.unwrap_or_default(),
                issue.attempts.to_string(),
                issue.since.strftime("%F %T").to_string(),
            ]);
        }
    })?;
    if count == 0 {
        printer.data("no row is invalid or rejected");
        return Ok(());
    }
    printer.data(&table.render(printer.width()));
    if count > ROWS_MAX {
        printer.say(&format!("{} more rows: --csv or --json shows all", count - ROWS_MAX));
    }
    Ok(())
}

/// Associations whose other record HubSpot does not have yet: nothing is wrong with their rows.
fn waiting_table(
    printer: Printer,
    each: impl Fn(&mut dyn FnMut(WaitingRow)) -> Result<(), hubward_store::StoreError>,
) -> Result<(), Failure> {
    let mut table = Table::new(&["sync", "key", "to", "property", "value", "label", "since"]);
    let mut count = 0usize;
    each(&mut |row| {
        count += 1;
        if count <= ROWS_MAX {
            table.row(vec![
                row.sync,
                row.waiting.key,
                row.waiting.object,
                row.waiting.property,
                row.waiting.value,
                row.waiting.label.unwrap_or_default(),
                row.since.strftime("%F %T").to_string(),
            ]);
        }
    })?;
    if count == 0 {
        return Ok(());
    }
    printer.data("\nwaiting for their target: records to associate with that HubSpot does not have yet");
    printer.data(&table.render(printer.width()));
    if count > ROWS_MAX {
        printer.say(&format!("{} more: --json shows all", count - ROWS_MAX));
    }
    Ok(())
}

/// One entry of `waiting`.
fn waiting_document(row: &WaitingRow) -> Value {
    json!({
        "sync": row.sync,
        "key": row.waiting.key,
        "to": row.waiting.object,
        "property": row.waiting.property,
        "value": row.waiting.value,
        "label": row.waiting.label,
        "since": row.since.to_string(),
    })
}

/// One entry of `results`.
pub(crate) fn document(issue: &IssueRow) -> Value {
    json!({
        "sync": issue.sync,
        "key": issue.key,
        "outcome": issue.outcome.name(),
        "property": issue.property,
        "value": issue.value,
        "reason": issue.reason,
        "category": issue.category,
        "correlation_id": issue.correlation_id,
        "attempts": issue.attempts,
        "since": issue.since.to_string(),
        "run": issue.run,
    })
}

fn heading(lines: &mut Lines<'_>) {
    lines.add("sync,key,outcome,property,value,reason,category,correlation_id,attempts,since");
}

fn csv(issue: &IssueRow) -> String {
    let optional = |text: &Option<String>| text.clone().unwrap_or_default();
    let fields = [
        issue.sync.clone(),
        issue.key.clone(),
        issue.outcome.name().to_owned(),
        optional(&issue.property),
        optional(&issue.value),
        issue.reason.clone(),
        optional(&issue.category),
        optional(&issue.correlation_id),
        issue.attempts.to_string(),
        issue.since.to_string(),
    ];
    fields.iter().map(|field| quoted(field)).collect::<Vec<_>>().join(",")
}

/// A field as CSV readers expect it (RFC 4180).
fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) || field.starts_with(' ') || field.ends_with(' ') {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn csv_fields_are_quoted_where_a_reader_would_stumble() {
        assert_eq!(quoted("plain"), "plain");
        assert_eq!(quoted("a,b"), "\"a,b\"");
        assert_eq!(quoted("say \"x\""), "\"say \"\"x\"\"\"");
        assert_eq!(quoted("two\nlines"), "\"two\nlines\"");
    }
}
