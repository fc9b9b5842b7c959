//! The records that rows name: from a ledger of this project, by asking HubSpot, or made.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use hubward_core::{ErrorKind, Reason, Verdict};
use hubward_hubspot::{ApiError, BatchReply, CallMeta, Client, Input};
use tokio::task::JoinSet;

use crate::association::{Index, LookUp, Target};
use crate::list::prepare::{Named, Prepared, record_id};
use crate::settle::value_of;
use crate::strategy::MatchKind;

/// Values that one request asks for or makes: HubSpot's limit for batches (api.md 3.1).
pub(crate) const VALUES_MAX: usize = 100;
/// Look-ups in flight; the client's limiter rules below that.
const IN_FLIGHT_MAX: usize = 16;

/// Finds records by the match property of one list sync.
pub(crate) struct Finder {
    pub(crate) client: Client,
    pub(crate) sync: Arc<str>,
    pub(crate) prepared: Arc<Prepared>,
    /// What the list's own ledger and that of an object sync know.
    pub(crate) indexes: Vec<Index>,
}

/// A value to be found, with the key of the first row that has it.
#[derive(Clone, Debug)]
pub(crate) struct Sought {
    pub(crate) value: String,
    pub(crate) folded: String,
    pub(crate) key_text: String,
}

/// What was found, by folded value.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) targets: HashMap<String, Target>,
    /// A person must act.
    pub(crate) stop: Option<ApiError>,
    /// Requests that HubSpot could not be made to answer.
    pub(crate) exhausted: u32,
    pub(crate) last_exhausted: Option<ApiError>,
}

impl Finder {
    /// The record, where no request is needed to know it.
    pub(crate) fn at_hand(&self, named: &Named) -> Option<u64> {
        if self.prepared.kind == MatchKind::Id {
            return record_id(&named.folded);
        }
        self.indexes.iter().find_map(|index| index.get(named.hash))
    }

    /// Asks HubSpot, full requests and several at a time; makes the records that it does not have where the sync says so.
    pub(crate) async fn look_up(&self, sought: Vec<Sought>) -> Found {
        let mut found = self.all(sought, |finder, part| async move { finder.read(part).await }).await;
        let missing = |target: &Target| matches!(target, Target::Missing { sure: true });
        if self.prepared.sync.create_missing && found.result.targets.values().any(missing) {
            let wanted =
                found.sought.into_iter().filter(|sought| found.result.targets.get(&sought.folded).is_some_and(missing));
            let made = self.all(wanted.collect(), |finder, part| async move { finder.make(part).await }).await.result;
            found.result.targets.extend(made.targets);
            found.result.stop = found.result.stop.or(made.stop);
            found.result.exhausted += made.exhausted;
            found.result.last_exhausted = found.result.last_exhausted.or(made.last_exhausted);
        }
        found.result
    }

    async fn all<F>(&self, sought: Vec<Sought>, ask: impl Fn(Asking, Vec<Sought>) -> F) -> All
    where
        F: Future<Output = Found> + Send + 'static,
    {
        let mut result = Found::default();
        let mut parts = sought.chunks(VALUES_MAX);
        let mut tasks: JoinSet<Found> = JoinSet::new();
        loop {
            while tasks.len() < IN_FLIGHT_MAX
                && result.stop.is_none()
                && let Some(part) = parts.next()
            {
                let asking = Asking {
                    client: self.client.clone(),
                    sync: Arc::clone(&self.sync),
                    prepared: Arc::clone(&self.prepared),
                };
                tasks.spawn(ask(asking, part.to_vec()));
            }
            match tasks.join_next().await {
                None => break,
                Some(Ok(found)) => {
                    result.targets.extend(found.targets);
                    result.stop = result.stop.or(found.stop);
                    result.exhausted += found.exhausted;
                    result.last_exhausted = result.last_exhausted.or(found.last_exhausted);
                }
                Some(Err(panic)) => std::panic::resume_unwind(panic.into_panic()),
            }
        }
        All { sought, result }
    }
}

struct All {
    sought: Vec<Sought>,
    result: Found,
}

/// What one request needs.
struct Asking {
    client: Client,
    sync: Arc<str>,
    prepared: Arc<Prepared>,
}

impl Asking {
    fn meta(&self, part: &[Sought]) -> CallMeta {
        let rows = part.iter().map(|sought| sought.key_text.clone()).collect();
        CallMeta { sync: Some(Arc::clone(&self.sync)), rows }
    }

    async fn read(self, part: Vec<Sought>) -> Found {
        let meta = self.meta(&part);
        let look_up = LookUp {
            client: self.client,
            object: self.prepared.object.path.clone(),
            property: self.prepared.sync.match_.property.clone(),
            way: self.prepared.kind,
            folding: self.prepared.folding.clone(),
            values: part.into_iter().map(|sought| sought.folded).collect(),
            meta,
        };
        let answers = look_up.carry_out().await;
        Found {
            targets: answers.found.into_iter().collect(),
            stop: answers.stop,
            exhausted: u32::from(answers.exhausted.is_some()),
            last_exhausted: answers.exhausted,
        }
    }

    /// Batch upsert by the match property, which HubSpot keeps unique: repeating it makes nothing twice (api.md 3.5). A
    /// value that HubSpot refuses is found by halving.
    async fn make(self, part: Vec<Sought>) -> Found {
        let mut found = Found::default();
        let mut parts = vec![part];
        while let Some(mut part) = parts.pop() {
            let traces: Vec<String> = (0..part.len()).map(|at| at.to_string()).collect();
            let inputs: Vec<Input<'_>> = part
                .iter()
                .zip(&traces)
                .map(|(sought, trace)| Input { id: Some(&sought.value), properties: &[], trace_id: Some(trace) })
                .collect();
            let (object, property) = (&self.prepared.object.path, self.prepared.sync.match_.property.as_str());
            let meta = self.meta(&part);
            let error = match self.client.batch_upsert(object, Some(property), &inputs, &meta).await {
                Ok(reply) => {
                    found.targets.extend(self.made(&part, reply));
                    continue;
                }
                Err(error) => error,
            };
            let refused = error.kind == ErrorKind::Malformed || error.kind.verdict(true) == Verdict::FixRows;
            if refused && part.len() > 1 {
                let second = part.split_off(part.len() / 2);
                parts.push(second);
                parts.push(part);
                continue;
            }
            for sought in part {
                let target = match refused {
                    true => Target::Refused(refusal(&error)),
                    false => Target::Failed(format!("its record could not be made: {error}")),
                };
                found.targets.insert(sought.folded, target);
            }
            if refused {
                continue;
            }
            if error.kind.verdict(true) == Verdict::Stop {
                found.stop.get_or_insert(error);
            } else {
                found.exhausted += 1;
                found.last_exhausted.get_or_insert(error);
            }
        }
        found
    }

    /// Accounts for every value of an upsert's answer by its trace id or by the value itself (api.md 3.6).
    fn made(&self, part: &[Sought], reply: BatchReply) -> HashMap<String, Target> {
        let folding = &self.prepared.folding;
        let property = self.prepared.sync.match_.property.as_str();
        let mut targets = HashMap::new();
        let place = |trace: &String| trace.parse::<usize>().ok().and_then(|at| part.get(at));
        for error in &reply.errors {
            let by_trace = error.trace_ids.iter().filter_map(place).map(|sought| sought.folded.clone());
            let mut names: HashSet<String> = by_trace.collect();
            if names.is_empty() {
                names.extend(error.ids.iter().map(|id| folding.fold(id)));
            }
            for name in names {
                targets.insert(name, Target::Refused(refusal(error)));
            }
        }
        for record in &reply.results {
            let traced = record.trace_id.as_ref().and_then(place).map(|sought| sought.folded.clone());
            let name = traced.or_else(|| value_of(record, property).map(|value| folding.fold(value)));
            if let (Some(name), Some(id)) = (name, record_id(&record.id)) {
                targets.insert(name, Target::Record(id));
            }
        }
        for sought in part {
            let unsaid = || Target::Failed("HubSpot's answer does not say whether its record was made".to_owned());
            targets.entry(sought.folded.clone()).or_insert_with(unsaid);
        }
        targets
    }
}

fn refusal(error: &ApiError) -> Reason {
    let issue = error.issues.first();
    let text = issue.map_or_else(|| error.message.clone(), |issue| issue.message.clone());
    Reason {
        property: issue.map(|issue| issue.property.clone()).filter(|property| !property.is_empty()),
        value: issue.and_then(|issue| issue.value.clone()),
        text,
        category: issue.map(|issue| issue.code.clone()).filter(|code| !code.is_empty()).or(error.category.clone()),
        correlation_id: error.correlation_id.clone(),
    }
}
