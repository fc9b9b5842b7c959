//! One block of rows and one object type at the other end: read what is held, work out the difference, carry it out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hubward_core::Reason;
use hubward_core::association::{Kind, WantedPair, difference};
use hubward_hubspot::{AssociationType, CallMeta};

use crate::association::existing::{self, Existing};
use crate::association::send::{Pair, Sender, Step, Word};
use crate::association::stage::Stage;
use crate::association::targets::Trouble;
use crate::association::task::{Target, Task};
use crate::strategy::MatchKind;

/// Times that rows are gone through, when HubSpot does not know records that they were thought to name.
const ROUNDS_MAX: usize = 4;

/// The steps of a block, of all its rows together.
#[derive(Default)]
struct Steps {
    remove: Vec<Pair>,
    unlabel: Vec<Pair>,
    associate: Vec<Pair>,
    label: Vec<Pair>,
}

impl Stage {
    /// Carries out what the rows of a block ask for of one group.
    pub(crate) async fn group(&self, group: usize, tasks: &mut [Task], trouble: &mut Trouble) {
        let mut due: Vec<usize> = (0..tasks.len()).filter(|at| self.concerns(group, &tasks[*at])).collect();
        for _ in 0..ROUNDS_MAX {
            if due.is_empty() {
                return;
            }
            if let Some(error) = trouble.stop.as_ref().or(trouble.exhausted.as_ref()) {
                let why = format!("its associations were not sent: {error}");
                for at in due {
                    tasks[at].deferred.get_or_insert_with(|| why.clone());
                }
                return;
            }
            due = self.round(group, tasks, &due, trouble).await;
            for at in &due {
                tasks[*at].fresh = false;
            }
            if !due.is_empty() {
                let found = self.targets.lock().await.resolve(tasks).await;
                trouble.take(found);
            }
        }
        for at in due {
            for want in tasks[at].wants.iter_mut().filter(|want| want.target == Target::Unknown) {
                want.target = Target::Missing { sure: true };
            }
        }
    }

    fn concerns(&self, group: usize, task: &Task) -> bool {
        let named = || task.wants.iter().any(|want| self.associations.declarations[want.declaration].group == group);
        !task.gone && (named() || (!task.fresh && self.associations.groups[group].rule.removes()))
    }

    /// Returns the rows that are to be gone through again: some of their records turned out to be gone.
    async fn round(&self, group: usize, tasks: &mut [Task], due: &[usize], trouble: &mut Trouble) -> Vec<usize> {
        let rule = &self.associations.groups[group].rule;
        let mut wanted: BTreeMap<usize, (BTreeMap<u64, WantedPair>, bool)> = BTreeMap::new();
        let mut to_read = Vec::new();
        for &at in due {
            let (pairs, removes) = self.wanted(group, &mut tasks[at]);
            let task = &tasks[at];
            if !task.fresh && (!pairs.is_empty() || (removes && rule.removes())) {
                to_read.push(task.record_id);
            }
            wanted.insert(at, (pairs, removes));
        }
        let existing = self.existing(group, tasks, due, to_read).await;
        let mut steps = Steps::default();
        for (at, (pairs, removes)) in wanted {
            let task = &mut tasks[at];
            if let Some(why) = existing.failed.get(&task.record_id).filter(|_| !task.fresh) {
                task.deferred.get_or_insert_with(|| why.clone());
                continue;
            }
            let nothing = existing::Held::new();
            let held = existing.held.get(&task.record_id).filter(|_| !task.fresh).unwrap_or(&nothing);
            let from = task.record_id;
            let pair = |to: u64, kinds: Option<BTreeSet<Kind>>| Pair {
                task: at,
                from,
                to,
                types: kinds.into_iter().flatten().map(type_of).collect(),
            };
            let found = difference(&pairs, held, rule, removes);
            steps.remove.extend(found.remove.into_iter().map(|to| pair(to, None)));
            steps.unlabel.extend(found.unlabel.into_iter().map(|(to, kinds)| pair(to, Some(kinds))));
            steps.associate.extend(found.associate.into_iter().map(|to| pair(to, None)));
            steps.label.extend(found.label.into_iter().map(|(to, kinds)| pair(to, Some(kinds))));
        }
        trouble.take(existing.trouble);

        let keys: Vec<String> = tasks.iter().map(|task| task.key_text.clone()).collect();
        let sender = Sender {
            client: &self.client,
            sync: &self.sync,
            from: &self.from.path,
            to: &self.associations.groups[group].object.path,
            keys: &keys,
        };
        let mut again = BTreeSet::new();
        let all = [
            (Step::Remove, steps.remove),
            (Step::Unlabel, steps.unlabel),
            (Step::Associate, steps.associate),
            (Step::Label, steps.label),
        ];
        for (step, pairs) in all {
            if pairs.is_empty() {
                continue;
            }
            if trouble.stop.is_some() || trouble.exhausted.is_some() {
                for pair in pairs {
                    tasks[pair.task].deferred.get_or_insert_with(|| "its associations were not sent".to_owned());
                }
                continue;
            }
            let sent = sender.send(step, pairs).await;
            trouble.take(sent.trouble);
            for (pair, word) in sent.words {
                if self.take(group, step, &pair, word, &mut tasks[pair.task]).await {
                    again.insert(pair.task);
                }
            }
        }
        again.into_iter().filter(|at| !tasks[*at].gone).collect()
    }

    /// What a row asks for, by record; and whether anything may be taken away from it now.
    fn wanted(&self, group: usize, task: &mut Task) -> (BTreeMap<u64, WantedPair>, bool) {
        let to = &self.associations.groups[group].object;
        let mut pairs: BTreeMap<u64, WantedPair> = BTreeMap::new();
        // A record that the row names without our knowing which may be one that is associated now.
        let mut removes = true;
        let (mut deferred, mut rejected) = (None, None);
        for want in task.wants.iter().filter(|want| self.associations.declarations[want.declaration].group == group) {
            match &want.target {
                Target::Record(id) if *id == task.record_id && to.path == self.from.path => {
                    let reason = Reason::new("SELF_ASSOCIATION", "a record cannot be associated with itself");
                    rejected = Some(self.named(group, reason, &want.value));
                }
                Target::Record(id) => {
                    let pair = pairs.entry(*id).or_default();
                    pair.kinds.extend(want.kinds.iter().cloned());
                    pair.exact |= want.exact;
                }
                Target::Missing { sure } => removes &= *sure,
                Target::Refused(reason) => {
                    removes = false;
                    rejected = Some(self.named(group, reason.clone(), &want.value));
                }
                Target::Failed(why) => {
                    removes = false;
                    deferred = Some(why.clone());
                }
                Target::Unknown => removes = false,
            }
        }
        task.rejected = task.rejected.take().or(rejected);
        task.deferred = task.deferred.take().or(deferred);
        (pairs, removes)
    }

    async fn existing(&self, group: usize, tasks: &[Task], due: &[usize], mut records: Vec<u64>) -> Existing {
        records.sort_unstable();
        records.dedup();
        if records.is_empty() {
            return Existing::default();
        }
        let meta = CallMeta {
            sync: Some(Arc::clone(&self.sync)),
            rows: due.iter().map(|at| tasks[*at].key_text.clone()).collect(),
        };
        let to = &self.associations.groups[group].object.path;
        existing::read(&self.client, &self.from.path, to, &records, &meta).await
    }

    /// HubSpot's word on one pair, for its row. Tells whether the row is to be gone through again.
    async fn take(&self, group: usize, step: Step, pair: &Pair, word: Word, task: &mut Task) -> bool {
        let creates = matches!(step, Step::Associate | Step::Label);
        match word {
            Word::Done if creates => task.created += 1,
            Word::Done => task.removed += 1,
            Word::Failed(why) => {
                task.deferred.get_or_insert(why);
            }
            Word::RecordGone if self.kind == MatchKind::Id => {
                let text = format!("HubSpot has no record {} of {}", pair.from, self.from.name);
                task.rejected.get_or_insert_with(|| Reason::new("OBJECT_NOT_FOUND", text));
            }
            Word::RecordGone => task.gone = true,
            Word::Refused(reason) => {
                let value = self.values(group, pair.to, task).next().map(|want| want.value.clone());
                let reason = self.named(group, reason, &value.unwrap_or_else(|| pair.to.to_string()));
                task.rejected.get_or_insert(reason);
            }
            // What is to be taken away has gone by itself.
            Word::TargetGone if !creates => {}
            Word::TargetGone => return self.target_gone(group, pair.to, task).await,
        }
        false
    }

    async fn target_gone(&self, group: usize, record: u64, task: &mut Task) -> bool {
        let mut targets = self.targets.lock().await;
        let mut again = false;
        for want in &mut task.wants {
            if want.target == Target::Record(record) && self.associations.declarations[want.declaration].group == group
            {
                let other = targets.is_gone(want.declaration, &want.folded, record);
                want.target = if other { Target::Unknown } else { Target::Missing { sure: true } };
                again |= other;
            }
        }
        again
    }

    fn values<'a>(
        &'a self,
        group: usize,
        to: u64,
        task: &'a Task,
    ) -> impl Iterator<Item = &'a crate::association::task::Want> {
        task.wants.iter().filter(move |want| {
            want.target == Target::Record(to) && self.associations.declarations[want.declaration].group == group
        })
    }

    /// A reason that says which association it is about.
    fn named(&self, group: usize, reason: Reason, value: &str) -> Reason {
        reason.on(&format!("associations.{}", self.associations.groups[group].object.path), Some(value.to_owned()))
    }
}

fn type_of(kind: Kind) -> AssociationType {
    AssociationType { category: kind.category, type_id: kind.type_id }
}
