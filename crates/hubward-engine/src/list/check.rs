//! Everything that can be known to be wrong with a list sync before a row is read.

use hubward_core::mapping::Mapping;
use hubward_core::spec::{ListSync, Mode, Nulls};
use hubward_store::{Ledger, LedgerOptions};

use crate::check::Problem;
use crate::engine::{Engine, SyncJob};
use crate::list::target::remembered;
use crate::metadata::Trust;
use crate::run::blocking;
use crate::scopes::{is_granted, needed_for_list};
use crate::strategy::MatchKind;

impl Engine {
    /// Every problem of one list sync: the source and its columns, the list, its object type, the match property, scopes.
    pub async fn check_list_sync(&self, job: &SyncJob<ListSync>) -> Vec<Problem> {
        let mut problems = Vec::new();
        let sync = &job.sync;
        let columns = match self.check_source(job).await {
            Ok(columns) => Some(columns),
            Err(error) => {
                problems.push(Problem::error(error, &job.model.at));
                None
            }
        };
        let mut known = None;
        if self.has_ledger(&sync.name) {
            let dir = self.ledger_dir(&sync.name);
            let open = move || Ok(remembered(Ledger::open(&dir, LedgerOptions::default())?.meta()));
            match blocking(open).await {
                Ok(list) => known = list,
                Err(error) => problems.push(Problem::error(error, &sync.at)),
            }
        }
        let mut object = None;
        match self.find_list(sync, known.as_ref(), Trust::Fresh).await {
            Ok((found, _)) => object = Some(found),
            Err(error) => {
                problems.push(Problem::error(error, &sync.list_at));
                // The list may be wrong and its type right all the same.
                if let Some(name) = sync.object.as_deref().or(Some("contacts")) {
                    object = self.object_type(name).await.ok();
                }
            }
        }
        let mut properties = None;
        if let Some(object) = &object {
            match self.list_matching(sync, object.clone(), Trust::Fresh).await {
                Ok(matching) => {
                    if matching.kind == MatchKind::Search {
                        problems.push(Problem::warning(
                            "match-not-unique",
                            &sync.match_.at,
                            format!("{} of {} is not unique in HubSpot", sync.match_.property, object.name),
                            "records are found by search then: slow, behind by seconds, and a value that several records \
                             have is rejected; a property with unique values is better",
                        ));
                    }
                    properties = Some(matching.properties);
                }
                Err(error) => problems.push(Problem::error(error, &sync.match_.at)),
            }
        }
        if let Some(columns) = &columns {
            let found = match &properties {
                Some(properties) => {
                    Mapping::compile(&[], &sync.match_, Mode::Update, Nulls::Keep, properties, columns).err()
                }
                None => Mapping::columns_of(&[], &sync.match_, columns).err(),
            };
            for problem in found.unwrap_or_default() {
                problems.push(Problem::mapping(problem));
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
            for scope in needed_for_list(sync, object.as_ref()) {
                if !is_granted(&scope, &token.scopes) {
                    problems.push(Problem::warning(
                        "missing-scope",
                        &sync.at,
                        format!("the token does not have the scope {scope}"),
                        "add it to the app or service key in HubSpot; some accounts grant its reading part by other scopes",
                    ));
                }
            }
        }
        problems
    }
}
