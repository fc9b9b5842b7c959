//! The same association declared by two syncs, one from each end.

use std::collections::HashMap;

use hubward_core::spec::{AssociationSpec, ObjectSync};

use crate::check::{Problem, Severity};
use crate::engine::Engine;
use crate::metadata::Trust;

impl Engine {
    /// Associations that two of these syncs declare from both ends. Each would write the other's pairs again; where one of
    /// them overwrites, it removes what the other has just written, and that is an error.
    pub async fn declared_from_both_ends(&self, syncs: &[ObjectSync]) -> Vec<Problem> {
        let mut types: HashMap<&str, String> = HashMap::new();
        for sync in syncs.iter().filter(|sync| !sync.associations.is_empty()) {
            for name in sync.associations.iter().map(|spec| &spec.to).chain([&sync.object]) {
                if !types.contains_key(name.as_str()) {
                    // A name that the account does not know is told elsewhere.
                    let known = self.known_object_type(name, Trust::Remembered).await;
                    types.insert(name, known.map_or_else(|_| name.clone(), |(object, _)| object.path));
                }
            }
        }
        let mut problems = Vec::new();
        for (at, one) in syncs.iter().enumerate() {
            for other in &syncs[at + 1..] {
                for mine in &one.associations {
                    for theirs in &other.associations {
                        let meets = types.get(mine.to.as_str()) == types.get(other.object.as_str())
                            && types.get(theirs.to.as_str()) == types.get(one.object.as_str())
                            && types.get(one.object.as_str()) != types.get(other.object.as_str());
                        if meets {
                            problems.push(problem((one, mine), (other, theirs)));
                        }
                    }
                }
            }
        }
        problems
    }
}

fn problem((one, mine): (&ObjectSync, &AssociationSpec), (other, theirs): (&ObjectSync, &AssociationSpec)) -> Problem {
    let overwrites = mine.overwrite || theirs.overwrite;
    let message = format!(
        "syncs {:?} and {:?} both declare the association between {} and {}",
        one.name, other.name, one.object, other.object
    );
    let help = if overwrites {
        "one of them has `overwrite: true` and would remove what the other has written: keep the declaration of one end"
    } else {
        "one end is enough: HubSpot makes both directions by itself"
    };
    Problem {
        severity: if overwrites { Severity::Error } else { Severity::Warning },
        code: "associated-from-both-ends",
        at: theirs.at.clone(),
        message,
        help: Some(help.to_owned()),
    }
}
