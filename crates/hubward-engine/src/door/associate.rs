//! Pairs of records: associated, given labels, taken apart.

use std::collections::HashMap;
use std::sync::Arc;

use hubward_core::{Outcome, Reason};
use hubward_hubspot::AssociationType;
use hubward_hubspot::requests::ASSOCIATION_BATCH_MAX;
use tokio::task::JoinSet;

use crate::association::send::{Pair as Sent, Sender, Sent as Words, Step, Word};
use crate::door::write::interrupted;
use crate::door::{Answered, Door, Settled};
use crate::error::EngineError;
use crate::object_type::ObjectType;

/// Requests in flight. Their budget is small (api.md 7.4), and the client's limiter rules below that.
const IN_FLIGHT_MAX: usize = 8;

/// Two records, and what binds them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Names the input in the request log.
    pub key: String,
    /// Record ids.
    pub from: u64,
    pub to: u64,
    /// None: HubSpot's default kind, or all kinds where the pair is taken apart.
    pub types: Vec<AssociationType>,
}

/// Pairs of one step, each once, and the inputs that each stands for.
#[derive(Default)]
struct Todo {
    sent: Vec<Sent>,
    inputs: HashMap<(u64, u64), Inputs>,
}

/// The place of a pair among those that are sent, and the places of its inputs.
type Inputs = (usize, Vec<usize>);

impl Door {
    /// Associates pairs, up to 2,000 in a request. Labels that a pair names replace those that it has (api.md 7.3). Idempotent:
    /// lost answers are repeated. Inputs of the same pair become one, with all their labels.
    pub async fn associate(&self, from: &ObjectType, to: &ObjectType, pairs: Vec<Pair>) -> Answered {
        self.pairs(from, to, pairs, |pair| if pair.types.is_empty() { Step::Associate } else { Step::Label }).await
    }

    /// Takes labels off pairs that name some, and takes the others apart. Idempotent; a pair whose record is gone is skipped.
    pub async fn dissociate(&self, from: &ObjectType, to: &ObjectType, pairs: Vec<Pair>) -> Answered {
        self.pairs(from, to, pairs, |pair| if pair.types.is_empty() { Step::Remove } else { Step::Unlabel }).await
    }

    async fn pairs(&self, from: &ObjectType, to: &ObjectType, pairs: Vec<Pair>, step: fn(&Pair) -> Step) -> Answered {
        let mut outcomes: Vec<Settled> =
            pairs.iter().map(|_| Settled::deferred("not sent: the call ended before its turn")).collect();
        let mut stop = None;
        let mut by_step: [Todo; 2] = Default::default();
        let mut steps = [None, None];
        for (at, pair) in pairs.iter().enumerate() {
            let step = step(pair);
            // Whole pairs first: with labels, the pair is associated all the same.
            let place = usize::from(matches!(step, Step::Label | Step::Unlabel));
            steps[place] = Some(step);
            let Todo { sent, inputs } = &mut by_step[place];
            let new = sent.len();
            let (place, same) = inputs.entry((pair.from, pair.to)).or_insert_with(|| (new, Vec::new()));
            match sent.get_mut(*place) {
                None => sent.push(Sent { task: at, from: pair.from, to: pair.to, types: pair.types.clone() }),
                Some(known) => {
                    for kind in &pair.types {
                        if !known.types.contains(kind) {
                            known.types.push(kind.clone());
                        }
                    }
                }
            }
            same.push(at);
        }
        let keys: Arc<Vec<String>> = Arc::new(pairs.into_iter().map(|pair| pair.key).collect());
        for (Todo { mut sent, inputs }, step) in by_step.into_iter().zip(steps) {
            let Some(step) = step else { continue };
            sent.sort_unstable_by_key(|pair| (pair.from, pair.to));
            let mut parts = sent.chunks(ASSOCIATION_BATCH_MAX);
            let mut tasks: JoinSet<Words> = JoinSet::new();
            loop {
                while stop.is_none() && tasks.len() < IN_FLIGHT_MAX {
                    if self.cancel.is_set() {
                        stop = Some(interrupted());
                        break;
                    }
                    let Some(part) = parts.next().map(<[Sent]>::to_vec) else { break };
                    let (client, sync) = (self.engine.config.client.clone(), Arc::clone(&self.name));
                    let (from, to, keys) = (from.path.clone(), to.path.clone(), Arc::clone(&keys));
                    tasks.spawn(async move {
                        let sender = Sender { client: &client, sync: &sync, from: &from, to: &to, keys: &keys };
                        sender.send(step, part).await
                    });
                }
                let Some(joined) = tasks.join_next().await else { break };
                let words = match joined {
                    Ok(words) => words,
                    Err(error) => std::panic::resume_unwind(error.into_panic()),
                };
                stop = stop.or(words.trouble.stop.map(EngineError::from));
                for (pair, word) in words.words {
                    let settled = settled(word, step, &pair, from, to);
                    for at in inputs.get(&(pair.from, pair.to)).into_iter().flat_map(|(_, same)| same) {
                        outcomes[*at] = settled.clone();
                    }
                }
            }
        }
        Answered { outcomes, stop }
    }
}

fn settled(word: Word, step: Step, pair: &Sent, from: &ObjectType, to: &ObjectType) -> Settled {
    let takes_apart = matches!(step, Step::Remove | Step::Unlabel);
    let gone = |object: &ObjectType, id: u64| {
        let reason = Reason::new("RECORD_GONE", format!("{} have no record {id}", object.name));
        Settled::new(if takes_apart { Outcome::Skipped } else { Outcome::Rejected }, Some(reason))
    };
    let settled = match word {
        Word::Done => Settled::new(Outcome::Applied, None),
        Word::Refused(reason) => Settled::new(Outcome::Rejected, Some(reason)),
        Word::RecordGone => gone(from, pair.from),
        Word::TargetGone => gone(to, pair.to),
        Word::Failed(why) => Settled::deferred(why),
    };
    Settled { record_id: Some(pair.from), attempts: 1, ..settled }
}
