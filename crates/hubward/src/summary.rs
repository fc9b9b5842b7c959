//! A run in words, for somebody who sees one for the first time.

use hubward_engine::{Status, SyncReport};
use hubward_store::{IssueRow, StateDb};

use crate::exit::Failure;
use crate::report::RunReport;
use crate::table::cut;

/// Invalid and rejected rows that a summary shows.
const ROWS_SHOWN: usize = 3;
/// Longest reason shown, in characters.
const REASON_MAX: usize = 220;

/// The summary of a run. `rejected` is the command that shows every row, as the user would type it; none where there is
/// no such command.
pub(crate) fn of_run(report: &RunReport, db: &StateDb, rejected: Option<&str>) -> Result<String, Failure> {
    let mut out = String::new();
    for sync in &report.syncs {
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(&of_sync(sync));
        if sync.outcomes.invalid + sync.outcomes.rejected > 0 {
            rows(sync, report.run.as_deref().unwrap_or_default(), db, rejected, &mut out)?;
        }
    }
    Ok(out)
}

/// `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn of_sync(sync: &SyncReport) -> String {
    let changes = &sync.changes;
    let status = match (sync.status, sync.interrupted) {
        (_, true) => "interrupted",
        (Status::Ok, _) => "ok",
        (Status::Partial, _) => "finished, but some rows need a look",
        (Status::Failed, _) => "failed, see the error",
    };
    let mut out = format!("{}: {status} ({:.1} s)\n", sync.sync, sync.seconds);
    let mut row = |name: &str, text: String| out.push_str(&format!("  {name:<9} {text}\n"));
    let began = changes.rows + changes.removed > 0;
    if began || sync.error.is_none() {
        row(
            "rows",
            format!(
                "{} read: {} added, {} changed, {} unchanged; {} left the model",
                grouped(changes.rows),
                grouped(changes.added),
                grouped(changes.changed),
                grouped(changes.unchanged),
                grouped(changes.removed),
            ),
        );
    }
    if sync.outcomes.total() > 0 {
        row("outcomes", outcomes(sync));
    }
    let associations = &sync.associations;
    if *associations != hubward_engine::AssociationCounts::default() {
        let mut told = format!("{} created, {} removed", grouped(associations.created), grouped(associations.removed));
        if associations.missing_target > 0 {
            told.push_str(&format!(
                ", {} waiting for a record that HubSpot does not have yet",
                grouped(associations.missing_target)
            ));
        }
        row("linked", told);
    }
    if began || sync.requests.total > 0 {
        row("requests", requests(sync));
    }
    for note in &sync.notes {
        row("note", note.clone());
    }
    out
}

fn outcomes(sync: &SyncReport) -> String {
    let counts = &sync.outcomes;
    let words = [
        (counts.applied, "applied"),
        (counts.unchanged, "unchanged"),
        (counts.skipped, "skipped"),
        (counts.invalid, "invalid (our check, not sent)"),
        (counts.rejected, "rejected (HubSpot's answer)"),
        (counts.deferred, "deferred to the next run"),
    ];
    let told: Vec<String> = words
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{} {word}", grouped(*count)))
        .collect();
    told.join(", ")
}

fn requests(sync: &SyncReport) -> String {
    let counts = &sync.requests;
    if counts.total == 0 {
        return "none: nothing had to be sent".to_owned();
    }
    let kinds = [
        (counts.upsert, "upsert"),
        (counts.create, "create"),
        (counts.update, "update"),
        (counts.read, "read"),
        (counts.search, "search"),
        (counts.archive, "archive"),
        (counts.associate, "associate"),
        (counts.event, "event"),
        (counts.list, "list"),
    ];
    let other = counts.total.saturating_sub(kinds.iter().map(|(count, _)| count).sum());
    let kinds = kinds.into_iter().chain([(other, "other")]);
    let told: Vec<String> =
        kinds.filter(|(count, _)| *count > 0).map(|(count, kind)| format!("{} {kind}", grouped(count))).collect();
    let mut text = format!("{} ({})", grouped(counts.total), told.join(", "));
    if counts.retried > 0 {
        text.push_str(&format!(", {} repeated", grouped(counts.retried)));
    }
    if counts.throttled > 0 {
        text.push_str(&format!(", {} throttled by HubSpot", grouped(counts.throttled)));
    }
    text
}

fn rows(sync: &SyncReport, run: &str, db: &StateDb, rejected: Option<&str>, out: &mut String) -> Result<(), Failure> {
    let mut shown: Vec<IssueRow> = Vec::new();
    db.for_each_issue(Some(&sync.sync), |issue| {
        if issue.run == run && shown.len() < ROWS_SHOWN {
            shown.push(issue);
        }
    })?;
    out.push_str("  first rows with trouble:\n");
    for issue in shown {
        let property = issue.property.map(|property| format!("{property}: ")).unwrap_or_default();
        let reason = cut(&issue.reason.replace('\n', " "), REASON_MAX);
        let key = if issue.key.is_empty() { "(no key)".to_owned() } else { format!("row {}", issue.key) };
        out.push_str(&format!("    {key}: {}: {property}{reason}\n", issue.outcome.name()));
    }
    if let Some(command) = rejected {
        out.push_str(&format!("  all of them: {command} {}\n", sync.sync));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_000), "1,000");
        assert_eq!(grouped(1_234_567), "1,234,567");
    }
}
