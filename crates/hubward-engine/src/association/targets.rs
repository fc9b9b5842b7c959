//! The records that rows name, found once in a run: the value itself, a ledger, or HubSpot.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use hubward_core::fingerprint::match_hash;
use hubward_hubspot::{ApiError, CallMeta, Client};
use tokio::task::JoinSet;

use crate::association::Associations;
use crate::association::find::{Answers, LookUp};
use crate::association::index::Index;
use crate::association::task::{Target, Task};
use crate::strategy::MatchKind;

/// Values that one look-up asks for: HubSpot's limit for a batch read (api.md 3.1).
const LOOK_UP_VALUES_MAX: usize = 100;
/// Found records that are kept in memory; beyond, all are forgotten and looked up again as rows need them.
const KNOWN_MAX: usize = 500_000;

/// What is known of targets.
pub(crate) struct Targets {
    client: Client,
    sync: Arc<str>,
    associations: Arc<Associations>,
    /// One for each declaration whose targets this project syncs.
    indexes: Vec<Option<Index>>,
    known: HashMap<(usize, String), Target>,
    /// Records of these values that HubSpot does not know any more.
    gone: HashMap<(usize, String), HashSet<u64>>,
}

/// What stood in the way.
#[derive(Default)]
pub(crate) struct Trouble {
    pub(crate) stop: Option<ApiError>,
    pub(crate) exhausted: Option<ApiError>,
}

impl Targets {
    pub(crate) fn new(
        client: Client,
        sync: Arc<str>,
        associations: Arc<Associations>,
        indexes: Vec<Option<Index>>,
    ) -> Self {
        Self { client, sync, associations, indexes, known: HashMap::new(), gone: HashMap::new() }
    }

    /// Finds the records that these rows name. Whatever is unknown afterwards has its reason in the row.
    pub(crate) async fn resolve(&mut self, tasks: &mut [Task]) -> Trouble {
        if self.known.len() > KNOWN_MAX {
            self.known.clear();
        }
        let mut wanted: HashMap<usize, HashMap<String, String>> = HashMap::new();
        for task in tasks.iter() {
            for want in task.wants.iter().filter(|want| want.target == Target::Unknown) {
                let at = self.associations.declarations[want.declaration].look_up;
                if self.at_hand(at, &want.folded).is_none() {
                    let values = wanted.entry(at).or_default();
                    values.entry(want.folded.clone()).or_insert_with(|| task.key_text.clone());
                }
            }
        }
        let mut look_ups: JoinSet<(usize, Answers)> = JoinSet::new();
        for (at, values) in wanted {
            let mut values: Vec<(String, String)> = values.into_iter().collect();
            values.sort_unstable();
            for part in values.chunks(LOOK_UP_VALUES_MAX) {
                let look_up = self.look_up(at, part);
                look_ups.spawn(async move { (at, look_up.carry_out().await) });
            }
        }
        let mut trouble = Trouble::default();
        while let Some(joined) = look_ups.join_next().await {
            match joined {
                Ok((at, answers)) => {
                    for (value, target) in answers.found {
                        let name = (at, value);
                        let was_gone = |id: &u64| self.gone.get(&name).is_some_and(|gone| gone.contains(id));
                        let target = match target {
                            Target::Record(id) if was_gone(&id) => Target::Missing { sure: true },
                            other => other,
                        };
                        self.known.insert(name, target);
                    }
                    trouble.stop = trouble.stop.or(answers.stop);
                    trouble.exhausted = trouble.exhausted.or(answers.exhausted);
                }
                Err(panic) => std::panic::resume_unwind(panic.into_panic()),
            }
        }
        for task in tasks {
            for want in task.wants.iter_mut().filter(|want| want.target == Target::Unknown) {
                let at = self.associations.declarations[want.declaration].look_up;
                if let Some(target) = self.at_hand(at, &want.folded) {
                    want.target = target;
                }
            }
        }
        // A failure holds for these rows only.
        self.known.retain(|_, target| !matches!(target, Target::Failed(_)));
        trouble
    }

    /// HubSpot does not know `record`, which was thought to be the one of this value. Tells whether it is worth asking for
    /// another.
    pub(crate) fn is_gone(&mut self, declaration: usize, folded: &str, record: u64) -> bool {
        let declared = &self.associations.declarations[declaration];
        if declared.way == MatchKind::Id {
            return false;
        }
        let name = (declared.look_up, folded.to_owned());
        if self.known.get(&name) == Some(&Target::Record(record)) {
            self.known.remove(&name);
        }
        self.gone.entry(name).or_default().insert(record);
        true
    }

    fn at_hand(&self, at: usize, folded: &str) -> Option<Target> {
        if self.associations.declarations[at].way == MatchKind::Id {
            return folded.parse().ok().map(Target::Record);
        }
        let name = (at, folded.to_owned());
        if let Some(target) = self.known.get(&name) {
            return Some(target.clone());
        }
        let id = self.indexes.get(at).and_then(Option::as_ref)?.get(match_hash(folded))?;
        let is_gone = self.gone.get(&name).is_some_and(|gone| gone.contains(&id));
        (!is_gone).then_some(Target::Record(id))
    }

    fn look_up(&self, at: usize, values: &[(String, String)]) -> LookUp {
        let declaration = &self.associations.declarations[at];
        LookUp {
            client: self.client.clone(),
            object: self.associations.groups[declaration.group].object.path.clone(),
            property: declaration.property.clone(),
            way: declaration.way,
            folding: declaration.folding.clone(),
            values: values.iter().map(|(value, _)| value.clone()).collect(),
            meta: CallMeta {
                sync: Some(Arc::clone(&self.sync)),
                rows: values.iter().map(|(_, key)| key.clone()).collect(),
            },
        }
    }
}

impl Trouble {
    /// Keeps the first of each.
    pub(crate) fn take(&mut self, other: Self) {
        self.stop = self.stop.take().or(other.stop);
        self.exhausted = self.exhausted.take().or(other.exhausted);
    }
}
