//! Reports of a run as the documents that scripts read. Names and order of keys are fixed by the reference.

use hubward_core::OutcomeCounts;
use hubward_engine::{AssociationCounts, Changes, EngineError, RequestCounts, Status, SyncReport};
use serde_json::{Map, Value, json};

use crate::exit::{Exit, Failure};

/// A run as far as it came.
#[derive(Clone, Debug, Default)]
pub(crate) struct RunReport {
    /// None where the run never began.
    pub(crate) run: Option<String>,
    pub(crate) account: Option<u64>,
    pub(crate) syncs: Vec<SyncReport>,
    /// What stopped the run before its first sync, or kept its end from being remembered.
    pub(crate) failure: Option<Failure>,
}

impl RunReport {
    /// A run that ended before it began; every sync that was asked for has failed by it.
    pub(crate) fn refused(failure: Failure, syncs: &[String]) -> Self {
        let error = failure.to_engine_error();
        let syncs = syncs.iter().map(|sync| failed_sync(sync, error.clone())).collect();
        Self { run: None, account: None, syncs, failure: Some(failure) }
    }

    /// A run that cannot be written down has failed, but what it did is told all the same: rows may have been sent.
    pub(crate) fn remember<E: Into<Failure>>(&mut self, result: Result<(), E>) {
        if let Err(error) = result
            && self.failure.is_none()
        {
            self.failure = Some(error.into());
        }
    }

    pub(crate) fn exit(&self) -> Exit {
        let sent = self.syncs.iter().any(|sync| sync.sent);
        if self.syncs.iter().any(|sync| sync.interrupted) {
            Exit::Interrupted
        } else if self.failure.is_some() || self.syncs.iter().any(|sync| sync.status == Status::Failed) {
            if sent { Exit::Failed } else { Exit::Wrong }
        } else if self.syncs.iter().any(|sync| sync.status == Status::Partial) {
            Exit::SomeRows
        } else {
            Exit::Ok
        }
    }

    /// The word under which the run is remembered.
    pub(crate) fn status(&self) -> &'static str {
        match self.exit() {
            Exit::Ok => "ok",
            Exit::SomeRows => "partial",
            Exit::Interrupted => "interrupted",
            Exit::Failed | Exit::Wrong => "failed",
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({
            "run": self.run,
            "account": self.account,
            "syncs": self.syncs.iter().map(sync_json).collect::<Vec<_>>(),
            "error": self.failure.as_ref().map(Failure::to_json),
        })
    }
}

/// A sync that failed before it did anything.
pub(crate) fn failed_sync(sync: &str, error: EngineError) -> SyncReport {
    SyncReport {
        sync: sync.to_owned(),
        status: Status::Failed,
        changes: Changes::default(),
        outcomes: OutcomeCounts::default(),
        associations: AssociationCounts::default(),
        requests: RequestCounts::default(),
        seconds: 0.0,
        error: Some(error),
        notes: Vec::new(),
        sent: false,
        interrupted: false,
    }
}

/// The word for a sync's status.
pub(crate) fn status_name(status: Status) -> &'static str {
    match status {
        Status::Ok => "ok",
        Status::Partial => "partial",
        Status::Failed => "failed",
    }
}

/// One entry of `syncs`.
pub(crate) fn sync_json(report: &SyncReport) -> Value {
    let changes = &report.changes;
    let outcomes = &report.outcomes;
    json!({
        "sync": report.sync,
        "status": status_name(report.status),
        "changes": {
            "rows": changes.rows, "added": changes.added, "changed": changes.changed, "removed": changes.removed,
            "unchanged": changes.unchanged,
        },
        "outcomes": {
            "applied": outcomes.applied, "unchanged": outcomes.unchanged, "skipped": outcomes.skipped,
            "invalid": outcomes.invalid, "rejected": outcomes.rejected, "deferred": outcomes.deferred,
        },
        "associations": {
            "created": report.associations.created, "removed": report.associations.removed,
            "missing_target": report.associations.missing_target,
        },
        "requests": requests_json(&report.requests),
        "seconds": (report.seconds * 1000.0).round() / 1000.0,
        "error": report.error.as_ref().map(error_json),
        "notes": report.notes,
        "interrupted": report.interrupted,
    })
}

/// Requests by kind.
pub(crate) fn requests_json(counts: &RequestCounts) -> Value {
    json!({
        "total": counts.total, "upsert": counts.upsert, "associate": counts.associate, "search": counts.search,
        "throttled": counts.throttled, "retried": counts.retried,
        "create": counts.create, "update": counts.update, "read": counts.read, "archive": counts.archive,
        "event": counts.event, "list": counts.list,
    })
}

/// `{code, message, help, …}` of an engine's error.
pub(crate) fn error_json(error: &EngineError) -> Value {
    let mut object = Map::new();
    object.insert("code".to_owned(), json!(error.code));
    object.insert("message".to_owned(), json!(error.message));
    object.insert("help".to_owned(), json!(error.help));
    if let Some(at) = error.at.as_ref().filter(|at| !at.file.is_empty()) {
        object.insert("file".to_owned(), json!(at.file));
        object.insert("line".to_owned(), json!(at.line));
        object.insert("column".to_owned(), json!(at.column));
    }
    if let Some(id) = &error.correlation_id {
        object.insert("correlation_id".to_owned(), json!(id));
    }
    Value::Object(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sync(status: Status, sent: bool) -> SyncReport {
        let error =
            EngineError { code: "x", message: "x".to_owned(), help: None, at: None, correlation_id: None, kind: None };
        SyncReport { status, sent, ..failed_sync("s", error) }
    }

    fn exit(syncs: Vec<SyncReport>) -> Exit {
        RunReport { syncs, ..RunReport::default() }.exit()
    }

    #[test]
    fn the_exit_code_says_whether_anything_was_sent_before_the_failure() {
        assert_eq!(exit(vec![]), Exit::Ok);
        assert_eq!(exit(vec![sync(Status::Ok, true), sync(Status::Partial, true)]), Exit::SomeRows);
        assert_eq!(exit(vec![sync(Status::Failed, false)]), Exit::Wrong);
        assert_eq!(exit(vec![sync(Status::Ok, true), sync(Status::Failed, false)]), Exit::Failed);
        assert_eq!(exit(vec![sync(Status::Ok, false), sync(Status::Failed, false)]), Exit::Wrong);
    }

    #[test]
    fn an_interrupted_sync_outweighs_everything() {
        let stopped = SyncReport { interrupted: true, ..sync(Status::Failed, true) };
        assert_eq!(exit(vec![sync(Status::Failed, true), stopped]), Exit::Interrupted);
    }

    #[test]
    fn a_refused_run_names_every_sync_with_the_cause() {
        let report = RunReport::refused(Failure::new("locked", "in use"), &["a".to_owned(), "b".to_owned()]);
        assert_eq!(report.exit(), Exit::Wrong);
        let json = report.to_json();
        assert_eq!(json["error"]["code"], "locked");
        assert_eq!(json["syncs"][1]["error"]["message"], "in use");
        assert_eq!(json["syncs"][1]["status"], "failed");
    }
}
