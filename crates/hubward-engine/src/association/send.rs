//! Sending pairs, and accounting for every one of them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use hubward_core::{ErrorKind, Reason, Verdict};
use hubward_hubspot::requests::{ASSOCIATION_BATCH_MAX, DISSOCIATION_RECORDS_MAX};
use hubward_hubspot::{ApiError, AssociationInput, AssociationReply, AssociationType, CallMeta, Client};

use crate::association::targets::Trouble;

/// A pair that HubSpot neither confirms nor refuses is sent alone so many times.
const TRIES_ALONE_MAX: u32 = 3;

/// So many pairs, sent alone one after another, whose whole request HubSpot refuses end the run: it is not the pairs then.
const REFUSED_ALONE_MAX: u32 = 8;

/// What is to be done with pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Without a label, by HubSpot's default kind: it adds a pair and takes no label off one (api.md 7.1).
    Associate,
    /// With labels, which replace those of the pair (api.md 7.3).
    Label,
    /// Takes labels off.
    Unlabel,
    /// Takes pairs apart.
    Remove,
}

/// One pair on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    /// Position of its row in the block.
    pub(crate) task: usize,
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) types: Vec<AssociationType>,
}

/// HubSpot's word on one pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    Done,
    Refused(Reason),
    /// The record at the other end does not exist.
    TargetGone,
    /// The row's own record does not exist.
    RecordGone,
    /// Not decided, and why.
    Failed(String),
}

/// A word for every pair.
#[derive(Default)]
pub(crate) struct Sent {
    pub(crate) words: Vec<(Pair, Word)>,
    pub(crate) trouble: Trouble,
}

/// Sends pairs of two object types.
pub(crate) struct Sender<'a> {
    pub(crate) client: &'a Client,
    pub(crate) sync: &'a Arc<str>,
    pub(crate) from: &'a str,
    pub(crate) to: &'a str,
    /// Key text of each row of the block.
    pub(crate) keys: &'a [String],
}

impl Sender<'_> {
    /// Sends all pairs, in as few requests as HubSpot takes.
    pub(crate) async fn send(&self, step: Step, mut pairs: Vec<Pair>) -> Sent {
        let mut sent = Sent::default();
        pairs.sort_unstable_by_key(|pair| (pair.from, pair.to));
        let mut refused_alone = 0;
        let mut parts: Vec<(Vec<Pair>, u32)> = cut(step, pairs).into_iter().map(|part| (part, 0)).collect();
        while let Some((part, tries)) = parts.pop() {
            if let Some(error) = sent.trouble.stop.as_ref().or(sent.trouble.exhausted.as_ref()) {
                let why = format!("its associations were not sent: {error}");
                sent.words.extend(part.into_iter().map(|pair| (pair, Word::Failed(why.clone()))));
                continue;
            }
            let left = match self.request(step, &part).await {
                Ok(reply) => {
                    refused_alone = 0;
                    account(step, part, reply, &mut sent.words)
                }
                Err(error) => {
                    refused_alone += u32::from(part.len() == 1);
                    if refused_alone == REFUSED_ALONE_MAX {
                        let why = format!("its associations were not taken: {error}");
                        sent.words.extend(part.into_iter().map(|pair| (pair, Word::Failed(why.clone()))));
                        sent.trouble.stop = Some(error);
                        continue;
                    }
                    self.refused(part, error, &mut sent)
                }
            };
            let Left { mut pairs, named, nameless } = left;
            if pairs.len() == 1 && named.is_empty() {
                let pair = pairs.remove(0);
                if let Some(error) = nameless {
                    let word = self.word(&error, &pair).await;
                    sent.words.push((pair, word));
                } else if tries + 1 >= TRIES_ALONE_MAX {
                    let why = "HubSpot neither confirmed nor refused its association".to_owned();
                    sent.words.push((pair, Word::Failed(why)));
                } else {
                    parts.push((vec![pair], tries + 1));
                }
                continue;
            }
            parts.extend(named.into_iter().map(|pair| (vec![pair], 0)));
            let second = pairs.split_off(pairs.len() / 2);
            parts.extend([pairs, second].into_iter().filter(|half| !half.is_empty()).map(|half| (half, 0)));
        }
        sent
    }

    async fn request(&self, step: Step, pairs: &[Pair]) -> Result<AssociationReply, ApiError> {
        let ids: Vec<(String, String)> =
            pairs.iter().map(|pair| (pair.from.to_string(), pair.to.to_string())).collect();
        let inputs: Vec<AssociationInput<'_>> =
            ids.iter().zip(pairs).map(|((from, to), pair)| AssociationInput { from, to, types: &pair.types }).collect();
        let mut rows: Vec<usize> = pairs.iter().map(|pair| pair.task).collect();
        rows.sort_unstable();
        rows.dedup();
        let rows = rows.into_iter().filter_map(|row| self.keys.get(row).cloned()).collect();
        let meta = CallMeta { sync: Some(Arc::clone(self.sync)), rows };
        match step {
            Step::Associate | Step::Label => self.client.associate(self.from, self.to, &inputs, &meta).await,
            Step::Unlabel => self.client.unlabel(self.from, self.to, &inputs, &meta).await,
            Step::Remove => self.client.dissociate(self.from, self.to, &inputs, &meta).await,
        }
    }

    /// A refusal of the whole request: the pairs that it names go alone, the others without them.
    fn refused(&self, part: Vec<Pair>, error: ApiError, sent: &mut Sent) -> Left {
        let verdict = error.kind.verdict(true);
        if verdict != Verdict::FixRows && error.kind != ErrorKind::Malformed {
            let why = format!("its associations were not taken: {error}");
            sent.words.extend(part.into_iter().map(|pair| (pair, Word::Failed(why.clone()))));
            match verdict {
                Verdict::Stop => sent.trouble.stop = Some(error),
                _ => sent.trouble.exhausted = Some(error),
            }
            return Left::default();
        }
        if part.len() == 1 {
            return Left { pairs: part, named: Vec::new(), nameless: Some(error) };
        }
        let names =
            |pair: &Pair| error.ids.contains(&pair.from.to_string()) || error.ids.contains(&pair.to.to_string());
        let (mut named, mut pairs): (Vec<Pair>, Vec<Pair>) = part.into_iter().partition(names);
        if pairs.is_empty() {
            std::mem::swap(&mut named, &mut pairs);
        }
        Left { pairs, named, nameless: Some(error) }
    }

    /// What an error that is about this pair says of it.
    async fn word(&self, error: &ApiError, pair: &Pair) -> Word {
        if !is_unknown_id(error) {
            return match error.kind.verdict(true) {
                Verdict::FixRows | Verdict::Stop => Word::Refused(reason(error)),
                _ => Word::Failed(format!("its association was not taken: {error}")),
            };
        }
        match (names(error, pair.from), names(error, pair.to)) {
            (true, false) => Word::RecordGone,
            (false, true) => Word::TargetGone,
            // Both are named, or neither: asking for the row's own record tells.
            _ => {
                let meta = CallMeta {
                    sync: Some(Arc::clone(self.sync)),
                    rows: self.keys.get(pair.task).cloned().into_iter().collect(),
                };
                match self.client.read_record(self.from, &pair.from.to_string(), None, &[], &meta).await {
                    Ok(None) => Word::RecordGone,
                    Ok(Some(_)) => Word::TargetGone,
                    Err(error) => Word::Failed(format!("its record could not be read: {error}")),
                }
            }
        }
    }
}

/// Pairs without a word: those that are to be sent alone, and the others.
#[derive(Default)]
struct Left {
    pairs: Vec<Pair>,
    named: Vec<Pair>,
    /// A refusal that is about one of them.
    nameless: Option<ApiError>,
}

/// Requests of HubSpot's size.
fn cut(step: Step, pairs: Vec<Pair>) -> Vec<Vec<Pair>> {
    let records_max = match step {
        Step::Associate | Step::Label => usize::MAX,
        Step::Unlabel | Step::Remove => DISSOCIATION_RECORDS_MAX,
    };
    let mut parts: Vec<Vec<Pair>> = Vec::new();
    let mut records = 0;
    for pair in pairs {
        match parts.last_mut() {
            Some(part) if part.len() < ASSOCIATION_BATCH_MAX => {
                let another = part.last().is_some_and(|last| last.from != pair.from);
                if !another || records < records_max {
                    records += usize::from(another);
                    part.push(pair);
                    continue;
                }
            }
            _ => {}
        }
        records = 1;
        parts.push(vec![pair]);
    }
    parts
}

/// Pairs each pair with its result or its refusal, by ids, never by position.
fn account(step: Step, part: Vec<Pair>, reply: AssociationReply, words: &mut Vec<(Pair, Word)>) -> Left {
    let alone = part.len() == 1;
    let confirmed: HashSet<(&str, &str)> =
        reply.results.iter().map(|result| (result.from.as_str(), result.to.as_str())).collect();
    let creates = matches!(step, Step::Associate | Step::Label);
    let mut open = Vec::new();
    for pair in part {
        let done = match creates {
            // A record that was merged into another is answered by the other's id, so a single pair need not name its own.
            true => {
                confirmed.contains(&(pair.from.to_string().as_str(), pair.to.to_string().as_str()))
                    || (alone && reply.errors.is_empty() && !reply.results.is_empty())
            }
            // Removals confirm nothing by name: what is not refused is done (api.md 7.1).
            false => reply.errors.is_empty(),
        };
        if done { words.push((pair, Word::Done)) } else { open.push(pair) }
    }
    let mut left = Left::default();
    // Ids are unique within an object type only: a number that stands at both ends tells nothing.
    let froms: HashSet<u64> = open.iter().map(|pair| pair.from).collect();
    let tos: HashSet<u64> = open.iter().map(|pair| pair.to).collect();
    let own: HashSet<u64> = froms.union(&tos).copied().collect();
    let (speaking, nameless): (Vec<ApiError>, Vec<ApiError>) =
        reply.errors.into_iter().partition(|error| ids_of(error).any(|id| own.contains(&id)));
    let mut by_id: HashMap<u64, &ApiError> = HashMap::new();
    for error in &speaking {
        for id in ids_of(error) {
            by_id.entry(id).or_insert(error);
        }
    }
    for pair in open {
        let Some(error) = by_id.get(&pair.from).or_else(|| by_id.get(&pair.to)).copied() else {
            // With every refusal accounted for, the rest of a removal is done.
            if !creates && nameless.is_empty() {
                words.push((pair, Word::Done));
            } else {
                left.pairs.push(pair);
            }
            continue;
        };
        let (by_from, by_to) = (names(error, pair.from), names(error, pair.to));
        let doubtful = (by_from && tos.contains(&pair.from)) || (by_to && froms.contains(&pair.to));
        if alone {
            left.nameless = Some(error.clone());
            left.pairs.push(pair);
        } else if by_from && by_to && !doubtful && error.ids.len() == 2 && !is_unknown_id(error) {
            words.push((pair, Word::Refused(reason(error))));
        } else if doubtful || by_from == by_to {
            left.named.push(pair);
        } else if is_unknown_id(error) {
            words.push((pair, if by_from { Word::RecordGone } else { Word::TargetGone }));
        } else {
            // What is wrong may be another pair of the same record.
            left.named.push(pair);
        }
    }
    if left.nameless.is_none() && left.pairs.len() == 1 && left.named.is_empty() && nameless.len() == 1 {
        left.nameless = nameless.into_iter().next();
    }
    left
}

/// The record ids that an error is about.
fn ids_of(error: &ApiError) -> impl Iterator<Item = u64> {
    // "{x} is not a valid ID" (api.md 2.5), where its context is missing.
    let in_text = error.message.strip_suffix(" is not a valid ID").filter(|_| error.ids.is_empty());
    error.ids.iter().map(String::as_str).chain(in_text).filter_map(|id| id.parse().ok())
}

fn names(error: &ApiError, id: u64) -> bool {
    ids_of(error).any(|named| named == id)
}

fn is_unknown_id(error: &ApiError) -> bool {
    error.kind == ErrorKind::NotFound
        || error.sub_category.as_deref().is_some_and(|sub| sub.ends_with("INVALID_IDENTIFIER"))
        || error.message.ends_with("is not a valid ID")
}

fn reason(error: &ApiError) -> Reason {
    Reason {
        property: None,
        value: None,
        text: error.message.clone(),
        category: error.category.clone(),
        correlation_id: error.correlation_id.clone(),
    }
}

#[cfg(test)]
#[path = "send_tests.rs"]
mod tests;
