//! Which records there are.

use std::collections::HashMap;
use std::sync::Arc;

use hubward_core::{ErrorKind, Reason, Verdict};
use hubward_hubspot::ApiError;
use tokio::task::JoinSet;

use crate::association::{LookUp, Target as Looked};
use crate::door::write::check_fields;
use crate::door::{Answered, Door, Match, Record, Target};
use crate::error::EngineError;
use crate::sought::{Fields, Foldings, Sought};
use crate::strategy::MatchKind;

/// Values of one look-up: HubSpot's limit for a batch read (api.md 3.1).
const LOOK_UP_VALUES_MAX: usize = 100;
/// Inputs whose fields one task searches for, five in a request.
const FIELD_INPUTS_MAX: usize = 50;
/// Look-ups in flight; the client's own limiter rules below that.
const IN_FLIGHT_MAX: usize = 16;
/// Ids that a reason lists.
const IDS_SHOWN: usize = 10;

/// What a look-up says of one input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    Record(u64),
    /// There is none. `sure` unless only search was asked, which lags behind writes (api.md 4.2).
    Missing {
        sure: bool,
    },
    /// Several records fit, or the value itself is refused; with the reason.
    Rejected(Reason),
    /// The input names nothing that could be looked for.
    Invalid(Reason),
    /// It was not found out.
    Deferred(Reason),
}

impl Door {
    /// Finds the records of inputs, as the target matches them: a hundred in a batch read by id or by a unique property
    /// (secondary e-mail addresses lead to their contact), a hundred in a search by any other, five in a search by several
    /// fields. Inputs may name the same record. [`Match::Nothing`] finds nothing.
    pub async fn find(&self, target: &Target, records: &[Record]) -> Answered<Found> {
        let mut outcomes: Vec<Option<Found>> = vec![None; records.len()];
        let stop = match &target.match_ {
            Match::Nothing => None,
            Match::Fields => self.find_by_fields(target, records, &mut outcomes).await,
            Match::Id | Match::Property(_) => self.find_by_value(target, records, &mut outcomes).await,
        };
        let none = Found::Missing { sure: target.match_ == Match::Nothing };
        let outcomes = outcomes.into_iter().map(|found| found.unwrap_or_else(|| none.clone())).collect();
        Answered { outcomes, stop }
    }

    async fn find_by_value(
        &self,
        target: &Target,
        records: &[Record],
        outcomes: &mut [Option<Found>],
    ) -> Option<EngineError> {
        let property = match &target.match_ {
            Match::Property(name) => name.as_str(),
            _ => "id",
        };
        let mut wanted: HashMap<String, Vec<usize>> = HashMap::new();
        let mut values: Vec<String> = Vec::new();
        for (at, record) in records.iter().enumerate() {
            let value = match (target.kind, record.record_id) {
                (MatchKind::Id, Some(id)) => id.to_string(),
                (MatchKind::Id, None) => String::new(),
                _ => target.folding.fold(&target.shown(&record.match_value)),
            };
            if value.is_empty() {
                let text = format!("it has no {property} to find its record by");
                outcomes[at] = Some(Found::Invalid(Reason::new("MISSING_MATCH", text).on(property, None)));
                continue;
            }
            let inputs = wanted.entry(value.clone()).or_default();
            if inputs.is_empty() {
                values.push(value);
            }
            inputs.push(at);
        }
        let mut parts = values.chunks(LOOK_UP_VALUES_MAX);
        let mut tasks = JoinSet::new();
        let mut stop = None;
        loop {
            while tasks.len() < IN_FLIGHT_MAX
                && let Some(part) = parts.next()
            {
                let keys =
                    part.iter().filter_map(|value| wanted.get(value)?.first()).map(|at| records[*at].key.as_str());
                let look_up = LookUp {
                    client: self.engine.config.client.clone(),
                    object: target.catalogue.object().path.clone(),
                    property: property.to_owned(),
                    way: target.kind,
                    folding: target.folding.clone(),
                    values: part.to_vec(),
                    meta: self.meta(keys),
                };
                tasks.spawn(look_up.carry_out());
            }
            let Some(joined) = tasks.join_next().await else { break };
            let answers = match joined {
                Ok(answers) => answers,
                Err(error) => std::panic::resume_unwind(error.into_panic()),
            };
            stop = stop.or(answers.stop.map(EngineError::from));
            for (value, looked) in answers.found {
                let found = found(looked);
                for at in wanted.get(&value).into_iter().flatten() {
                    outcomes[*at] = Some(found.clone());
                }
            }
        }
        stop
    }

    async fn find_by_fields(
        &self,
        target: &Target,
        records: &[Record],
        outcomes: &mut [Option<Found>],
    ) -> Option<EngineError> {
        let Sought::ByFields(foldings) = target.sought(records) else { return None };
        let mut wanted = Vec::new();
        for (at, record) in records.iter().enumerate() {
            match check_fields(&record.fields) {
                Ok(()) => wanted.push(at),
                Err(reason) => outcomes[at] = Some(Found::Invalid(reason)),
            }
        }
        let foldings = Arc::new(foldings);
        let mut parts = wanted.chunks(FIELD_INPUTS_MAX);
        let mut tasks: JoinSet<(Vec<usize>, Vec<Found>, Option<ApiError>)> = JoinSet::new();
        let mut stop = None;
        loop {
            while tasks.len() < IN_FLIGHT_MAX
                && let Some(part) = parts.next()
            {
                let (client, object) = (self.engine.config.client.clone(), target.catalogue.object().clone());
                let fields: Vec<Vec<(Arc<str>, String)>> = part.iter().map(|at| records[*at].fields.clone()).collect();
                let meta = self.meta(part.iter().map(|at| records[*at].key.as_str()));
                let (foldings, part) = (Arc::clone(&foldings), part.to_vec());
                tasks.spawn(async move {
                    let (found, stop) = by_fields(&client, &object.path, &foldings, &fields, &meta).await;
                    (part, found, stop)
                });
            }
            let Some(joined) = tasks.join_next().await else { break };
            let (part, found, stopped) = match joined {
                Ok(done) => done,
                Err(error) => std::panic::resume_unwind(error.into_panic()),
            };
            stop = stop.or(stopped.map(EngineError::from));
            for (at, found) in part.into_iter().zip(found) {
                outcomes[at] = Some(found);
            }
        }
        stop
    }
}

/// Searches for all of these; what HubSpot refuses is found by halving.
async fn by_fields(
    client: &hubward_hubspot::Client,
    object: &str,
    foldings: &Foldings,
    fields: &[Vec<(Arc<str>, String)>],
    meta: &hubward_hubspot::CallMeta,
) -> (Vec<Found>, Option<ApiError>) {
    let mut found: Vec<Option<Found>> = vec![None; fields.len()];
    let mut stop = None;
    let mut parts = vec![(0, fields.len())];
    while let Some((start, end)) = parts.pop() {
        let wanted: Vec<&Fields> = fields[start..end].iter().map(Vec::as_slice).collect();
        match foldings.search(client, object, &wanted, &[], meta).await {
            Ok(hits) => {
                for (at, records) in (start..end).zip(hits) {
                    let ids: Vec<u64> = records.iter().filter_map(|record| record.id.parse().ok()).collect();
                    found[at] = Some(match ids.as_slice() {
                        [] => Found::Missing { sure: false },
                        [id] => Found::Record(*id),
                        many => Found::Rejected(ambiguous(object, &fields[at], many)),
                    });
                }
            }
            Err(error) => {
                let refused = error.kind == ErrorKind::Malformed || error.kind.verdict(true) == Verdict::FixRows;
                if refused && end - start > 1 {
                    let middle = start + (end - start) / 2;
                    parts.extend([(middle, end), (start, middle)]);
                    continue;
                }
                for one in &mut found[start..end] {
                    *one = Some(match refused {
                        true => Found::Rejected(refused_reason(&error)),
                        false => Found::Deferred(deferred_reason(&error)),
                    });
                }
                if error.kind.verdict(true) == Verdict::Stop && !refused {
                    stop.get_or_insert(error);
                }
            }
        }
    }
    (found.into_iter().map(|one| one.unwrap_or(Found::Missing { sure: false })).collect(), stop)
}

fn ambiguous(object: &str, fields: &[(Arc<str>, String)], ids: &[u64]) -> Reason {
    let mut shown: Vec<String> = ids.iter().take(IDS_SHOWN).map(u64::to_string).collect();
    if ids.len() > shown.len() {
        shown.push("…".to_owned());
    }
    let named: Vec<String> = fields.iter().map(|(name, value)| format!("{name} {value:?}")).collect();
    let text = format!(
        "{} records of {object} have {}: {}; merge them in HubSpot, or name more fields",
        ids.len(),
        named.join(" and "),
        shown.join(", ")
    );
    Reason::new("AMBIGUOUS_MATCH", text)
}

pub(super) fn refused_reason(error: &ApiError) -> Reason {
    let issue = error.issues.first();
    Reason {
        property: issue.map(|issue| issue.property.clone()).filter(|property| !property.is_empty()),
        value: issue.and_then(|issue| issue.value.clone()),
        text: issue.map_or_else(|| error.message.clone(), |issue| issue.message.clone()),
        category: issue
            .map(|issue| issue.code.clone())
            .filter(|code| !code.is_empty())
            .or_else(|| error.category.clone()),
        correlation_id: error.correlation_id.clone(),
    }
}

pub(super) fn deferred_reason(error: &ApiError) -> Reason {
    let mut reason = Reason::new("DEFERRED", format!("HubSpot did not answer: {error}"));
    reason.correlation_id.clone_from(&error.correlation_id);
    reason
}

fn found(looked: Looked) -> Found {
    match looked {
        Looked::Record(id) => Found::Record(id),
        Looked::Missing { sure } => Found::Missing { sure },
        Looked::Refused(reason) => Found::Rejected(reason),
        Looked::Failed(why) => Found::Deferred(Reason::new("DEFERRED", why)),
        Looked::Unknown => Found::Deferred(Reason::new("DEFERRED", "it was not looked up")),
    }
}
