//! Everything that can be known to be wrong with an event sync before a row is read.

use hubward_core::event::EventMapping;
use hubward_core::spec::EventSync;

use crate::check::{Problem, Severity};
use crate::engine::{Engine, SyncJob};
use crate::scopes::{is_granted, needed_for_event};

impl Engine {
    /// Every problem of one event sync: the source and its columns, the event, its properties, the type of its records,
    /// scopes.
    pub async fn check_event_sync(&self, job: &SyncJob<EventSync>) -> Vec<Problem> {
        let mut problems = Vec::new();
        let at = &job.sync.at;
        let (columns, sight) = tokio::join!(self.check_source(job), self.event_sight(&job.sync));
        let columns = columns.map_err(|error| problems.push(Problem::error(error, &job.model.at))).ok();
        let sight = sight.map_err(|error| problems.push(Problem::error(error, at))).ok();
        if let Some(columns) = &columns {
            let found = match sight {
                Some(sight) => EventMapping::compile(&job.sync, sight.definitions, sight.subject_type, columns).err(),
                None => EventMapping::columns_of(&job.sync, columns).err(),
            };
            for problem in found.into_iter().flatten() {
                problems.push(Problem {
                    severity: Severity::Error,
                    code: problem.code,
                    at: problem.at,
                    message: problem.message,
                    help: Some(problem.help).filter(|help| !help.is_empty()),
                });
            }
            for key in &job.model.primary_key {
                if columns.column_with_name(key).is_none() {
                    let error = crate::scan::unknown_columns(&job.model, std::slice::from_ref(key), columns);
                    problems.push(Problem::error(error, &job.model.at));
                }
            }
        }
        if let Ok(token) = self.client().token_info().await
            && !token.scopes.is_empty()
        {
            for scope in needed_for_event(&job.sync) {
                if !is_granted(&scope, &token.scopes) {
                    problems.push(Problem::warning(
                        "missing-scope",
                        at,
                        format!("the token does not have the scope {scope}"),
                        "add it to the app or service key in HubSpot; custom events need an edition that has them",
                    ));
                }
            }
        }
        problems
    }
}
