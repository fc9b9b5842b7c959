//! Asking HubSpot for the records that rows name: batch read by a unique property, batched search by any other.

use std::collections::HashMap;

use hubward_core::{ErrorKind, Reason, Verdict};
use hubward_hubspot::{
    ApiError, CallMeta, Client, Filter, Operator, RecordResult, SEARCH_PAGE_MAX, SEARCH_REACH, SearchQuery,
};

use crate::association::task::Target;
use crate::prepared::Folding;
use crate::search::{QUERY_VALUES_MAX, characters_of, room};
use crate::settle::value_of;
use crate::strategy::MatchKind;

/// Pages that HubSpot answers of one query (api.md 4.1).
const PAGES_MAX: usize = (SEARCH_REACH / SEARCH_PAGE_MAX as u64) as usize;
/// Ids that a reason lists.
const IDS_SHOWN: usize = 10;
/// Where HubSpot lists the ids that were merged into a record, joined by `;` (api.md 3.10).
const MERGED_IDS: &str = "hs_merged_object_ids";

/// Values of one property of one object type to be looked up.
pub(crate) struct LookUp {
    pub(crate) client: Client,
    pub(crate) object: String,
    pub(crate) property: String,
    pub(crate) way: MatchKind,
    pub(crate) folding: Folding,
    /// Folded.
    pub(crate) values: Vec<String>,
    pub(crate) meta: CallMeta,
}

/// What a look-up came to: an answer for each value, and what a person or the run must know.
#[derive(Default)]
pub(crate) struct Answers {
    pub(crate) found: Vec<(String, Target)>,
    pub(crate) stop: Option<ApiError>,
    pub(crate) exhausted: Option<ApiError>,
}

impl LookUp {
    /// Looks the values up; a value that HubSpot refuses is found by halving.
    pub(crate) async fn carry_out(self) -> Answers {
        let mut answers = Answers::default();
        let mut parts = vec![self.values.clone()];
        while let Some(mut values) = parts.pop() {
            let result = match self.way {
                MatchKind::Search => self.search(&values).await,
                MatchKind::Unique | MatchKind::Id => self.read(&values).await,
            };
            let error = match result {
                Ok(Some(found)) => {
                    answers.found.extend(found);
                    continue;
                }
                // The answer does not tell whose hits are whose.
                Ok(None) => None,
                Err(error) => Some(error),
            };
            let refused = error
                .as_ref()
                .is_none_or(|error| error.kind == ErrorKind::Malformed || error.kind.verdict(true) == Verdict::FixRows);
            if refused && values.len() > 1 {
                let second = values.split_off(values.len() / 2);
                parts.push(second);
                parts.push(values);
                continue;
            }
            let Some(error) = error else {
                let reason = Reason::new("AMBIGUOUS_TARGET", "HubSpot's search shows pages without an end for it");
                answers.found.extend(values.into_iter().map(|value| (value, Target::Refused(reason.clone()))));
                continue;
            };
            for value in values {
                let target = if refused {
                    let mut reason = Reason::new("TARGET_REFUSED", format!("it could not be looked up: {error}"));
                    reason.category = error.category.clone().or(reason.category);
                    reason.correlation_id.clone_from(&error.correlation_id);
                    Target::Refused(reason)
                } else {
                    Target::Failed(format!("the records that it names could not be looked up: {error}"))
                };
                answers.found.push((value, target));
            }
            if refused {
                continue;
            }
            if error.kind.verdict(true) == Verdict::Stop {
                answers.stop.get_or_insert(error);
            } else {
                answers.exhausted.get_or_insert(error);
            }
        }
        answers
    }

    async fn read(&self, values: &[String]) -> Result<Option<Vec<(String, Target)>>, ApiError> {
        if self.way == MatchKind::Id {
            return self.read_ids(values).await.map(Some);
        }
        let wanted = [self.property.clone()];
        let reply = self.client.batch_read(&self.object, Some(&self.property), values, &wanted, &self.meta).await?;
        let mut known: HashMap<String, Target> = HashMap::new();
        for error in &reply.errors {
            if error.kind == ErrorKind::NotFound {
                for id in &error.ids {
                    known.insert(self.folding.fold(id), Target::Missing { sure: true });
                }
            }
        }
        for record in &reply.results {
            if let (Some(value), Ok(id)) = (value_of(record, &self.property), record.id.parse()) {
                known.insert(self.folding.fold(value), Target::Record(id));
            }
        }
        let mut found = Vec::with_capacity(values.len());
        for value in values {
            let target = match known.remove(value) {
                Some(target) => target,
                // Not named at all: a secondary e-mail finds a contact that shows another address, and some answers leave
                // unknown values out. One read decides.
                None => self.read_one(value, &wanted).await?,
            };
            found.push((value.clone(), target));
        }
        Ok(Some(found))
    }

    /// By record id; an id that was merged into another record leads to that one (api.md 3.10).
    async fn read_ids(&self, values: &[String]) -> Result<Vec<(String, Target)>, ApiError> {
        let wanted = [MERGED_IDS.to_owned()];
        let reply = self.client.batch_read(&self.object, None, values, &wanted, &self.meta).await?;
        let mut known: HashMap<String, Target> = HashMap::new();
        for error in reply.errors.iter().filter(|error| error.kind == ErrorKind::NotFound) {
            known.extend(error.ids.iter().map(|id| (id.clone(), Target::Missing { sure: true })));
        }
        for record in reply.results.iter().filter(|record| !record.archived) {
            let Ok(id) = record.id.parse() else { continue };
            let merged = value_of(record, MERGED_IDS).unwrap_or_default().split(';');
            known.extend(merged.map(|merged| (merged.trim().to_owned(), Target::Record(id))));
            known.insert(record.id.clone(), Target::Record(id));
        }
        let mut found = Vec::with_capacity(values.len());
        for value in values {
            let target = match known.get(value) {
                Some(target) => target.clone(),
                // Neither told nor called missing: a merged-away id may be left out so (api.md 3.6).
                None => {
                    let record = self.client.read_record(&self.object, value, None, &[], &self.meta).await?;
                    let id = record.filter(|record| !record.archived).and_then(|record| record.id.parse().ok());
                    id.map_or(Target::Missing { sure: true }, Target::Record)
                }
            };
            found.push((value.clone(), target));
        }
        Ok(found)
    }

    async fn read_one(&self, value: &str, wanted: &[String]) -> Result<Target, ApiError> {
        let record = self.client.read_record(&self.object, value, Some(&self.property), wanted, &self.meta).await?;
        let id = record.and_then(|record| record.id.parse().ok());
        Ok(id.map_or(Target::Missing { sure: true }, Target::Record))
    }

    /// None where the hits cannot be told apart: fewer values must be asked for.
    async fn search(&self, values: &[String]) -> Result<Option<Vec<(String, Target)>>, ApiError> {
        let room = room(&self.property, &[]);
        let searched: Vec<String> = values.iter().map(|value| self.folding.searched(value)).collect();
        let characters: usize = searched.iter().map(|value| characters_of(value)).sum();
        if values.len() > 1 && (values.len() > QUERY_VALUES_MAX || characters > room.values) {
            return Ok(None);
        }
        let filter = Filter {
            property: self.property.clone(),
            operator: Operator::In,
            value: None,
            high_value: None,
            values: searched,
        };
        let mut query = SearchQuery::of(vec![filter], vec![self.property.clone()]);
        let mut records: Vec<RecordResult> = Vec::new();
        let mut complete = false;
        for _ in 0..PAGES_MAX {
            let page = self.client.search(&self.object, &query, &self.meta).await?;
            records.extend(page.results);
            match page.after {
                Some(after) => query.after = Some(after),
                None => {
                    complete = true;
                    break;
                }
            }
        }
        let mut hits: HashMap<&str, Vec<&str>> = HashMap::new();
        for record in &records {
            let name = value_of(record, &self.property).map(|value| self.folding.fold(value));
            let whose = values.iter().find(|value| Some(*value) == name.as_ref());
            match whose {
                Some(value) => hits.entry(value).or_default().push(&record.id),
                None if values.len() > 1 => return Ok(None),
                // The only value asked for, which HubSpot shows in another form.
                None if !self.folding.finds_parts() => hits.entry(&values[0]).or_default().push(&record.id),
                None => {}
            }
        }
        if !complete && (values.len() > 1 || hits.values().all(|ids| ids.len() < 2)) {
            return Ok(None);
        }
        let target = |value: &String| match hits.get(value.as_str()).map(Vec::as_slice) {
            None | Some([]) => Target::Missing { sure: false },
            Some([id]) => id.parse().map_or(Target::Missing { sure: false }, Target::Record),
            Some(ids) => Target::Refused(self.ambiguous(value, ids)),
        };
        Ok(Some(values.iter().map(|value| (value.clone(), target(value))).collect()))
    }

    fn ambiguous(&self, value: &str, ids: &[&str]) -> Reason {
        let mut shown: Vec<&str> = ids.iter().take(IDS_SHOWN).copied().collect();
        if ids.len() > shown.len() {
            shown.push("…");
        }
        let text = format!(
            "{} records of {} have {} {value:?}: {}; merge them in HubSpot, or match on a property that is unique",
            ids.len(),
            self.object,
            self.property,
            shown.join(", ")
        );
        Reason::new("AMBIGUOUS_TARGET", text)
    }
}
