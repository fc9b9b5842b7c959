//! In which order syncs run: `after:` is a must, what a sync needs of others is a wish.

use std::collections::{HashMap, HashSet};

use hubward_core::object_types::same;
use hubward_core::spec::{EventSubject, ListTarget, SyncSpec};

use crate::project::Project;

impl Project {
    /// The syncs in dependency order, as positions in [`Project::syncs`]. A sync comes after those it names under
    /// `after`, and after those that write the object types it associates to, puts on a list or sends events of, unless
    /// that would contradict an `after` or go round in a circle; else the order of the files holds.
    #[must_use]
    pub fn run_order(&self) -> Vec<usize> {
        let positions: HashMap<&str, usize> =
            self.syncs.iter().enumerate().map(|(position, sync)| (sync.name(), position)).collect();
        let mut before: Vec<HashSet<usize>> = Vec::with_capacity(self.syncs.len());
        for sync in &self.syncs {
            let musts = sync.after().iter();
            before.push(musts.filter_map(|name| positions.get(name.as_str()).copied()).collect());
        }
        for (position, sync) in self.syncs.iter().enumerate() {
            for wished in self.implied(sync) {
                if wished != position && !reaches(&before, wished, position) {
                    before[position].insert(wished);
                }
            }
        }
        let mut order = Vec::with_capacity(self.syncs.len());
        let mut placed = vec![false; self.syncs.len()];
        // `after` has no cycle in a checked project and wishes add none, so every pass places at least one.
        while let Some(next) =
            (0..self.syncs.len()).find(|next| !placed[*next] && before[*next].iter().all(|other| placed[*other]))
        {
            placed[next] = true;
            order.push(next);
        }
        order
    }

    fn implied(&self, sync: &SyncSpec) -> Vec<usize> {
        let needed: Vec<&str> = match sync {
            SyncSpec::Object(sync) => sync.associations.iter().map(|association| association.to.as_str()).collect(),
            SyncSpec::Event(sync) => match &sync.subject {
                EventSubject::Contact { .. } => vec!["contacts"],
                EventSubject::Record { object, .. } => vec![object],
            },
            // Of a list by id only the account knows the type.
            SyncSpec::List(sync) => match &sync.list {
                ListTarget::Name(_) => vec![sync.object.as_deref().unwrap_or("contacts")],
                ListTarget::Id(_) => sync.object.as_deref().into_iter().collect(),
            },
        };
        let mut wished = Vec::new();
        for (position, other) in self.syncs.iter().enumerate() {
            if let SyncSpec::Object(other) = other
                && needed.iter().any(|object| same(object, &other.object))
            {
                wished.push(position);
            }
        }
        wished
    }
}

/// Whether `from` waits, directly or not, for `to`.
fn reaches(before: &[HashSet<usize>], from: usize, to: usize) -> bool {
    let mut open = vec![from];
    let mut seen = HashSet::new();
    while let Some(next) = open.pop() {
        if next == to {
            return true;
        }
        if seen.insert(next) {
            open.extend(&before[next]);
        }
    }
    false
}
