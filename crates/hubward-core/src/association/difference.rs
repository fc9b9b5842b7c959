//! From the associations that a record has to those that its row names.

use std::collections::{BTreeMap, BTreeSet};

use crate::association::Kind;

/// What a row asks for of one pair.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WantedPair {
    pub kinds: BTreeSet<Kind>,
    /// The row says which labels the pair has, and others are to go.
    pub exact: bool,
}

/// One kind that binds a pair now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldKind {
    pub kind: Kind,
    /// None for the unlabelled default.
    pub label: Option<String>,
}

/// What is removed between two object types, beside labels that a value itself rules out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// A declaration without a label of its own overwrites: pairs that the row does not name go, whatever their labels.
    pub whole: bool,
    /// Labels of declarations that overwrite: pairs that the row does not name lose them.
    pub kinds: BTreeSet<Kind>,
    /// Labels of declarations that do not overwrite: pairs that have one are not removed by `whole`.
    pub spared: BTreeSet<Kind>,
}

impl Rule {
    /// Whether anything is ever removed.
    #[must_use]
    pub fn removes(&self) -> bool {
        self.whole || !self.kinds.is_empty()
    }
}

/// The steps, each for records of the other end. Steps that remove come first when they are carried out: a label that only
/// one record may have moves then.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Pairs to associate without a label.
    pub associate: Vec<u64>,
    /// Pairs to associate with all these labels: creating replaces a pair's labels, so those to be kept are among them
    /// (api.md 7.3).
    pub label: Vec<(u64, BTreeSet<Kind>)>,
    /// Labels to take off pairs that stay.
    pub unlabel: Vec<(u64, BTreeSet<Kind>)>,
    /// Pairs to take apart.
    pub remove: Vec<u64>,
}

impl Difference {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.associate.is_empty() && self.label.is_empty() && self.unlabel.is_empty() && self.remove.is_empty()
    }
}

/// The mark that HubSpot keeps itself: setting it on one record takes it off the others (api.md 7.3).
fn is_primary(held: &HeldKind) -> bool {
    held.kind.category == "HUBSPOT_DEFINED" && held.label.as_deref() == Some("Primary")
}

/// The steps for one record. With `remove` false nothing is taken away.
#[must_use]
pub fn difference(
    wanted: &BTreeMap<u64, WantedPair>,
    held: &BTreeMap<u64, Vec<HeldKind>>,
    rule: &Rule,
    remove: bool,
) -> Difference {
    let mut steps = Difference::default();
    for (&to, want) in wanted {
        let Some(has) = held.get(&to) else {
            match want.kinds.is_empty() {
                true => steps.associate.push(to),
                false => steps.label.push((to, want.kinds.clone())),
            }
            continue;
        };
        let mut labels = BTreeSet::new();
        let mut extra = BTreeSet::new();
        for one in has.iter().filter(|one| one.label.is_some()) {
            let unwanted = !want.kinds.contains(&one.kind)
                && (rule.kinds.contains(&one.kind)
                    || (want.exact && !is_primary(one) && !rule.spared.contains(&one.kind)));
            if remove && unwanted {
                extra.insert(one.kind.clone());
            } else {
                labels.insert(one.kind.clone());
            }
        }
        if !want.kinds.is_subset(&labels) {
            labels.extend(want.kinds.iter().cloned());
            steps.label.push((to, labels));
        }
        if !extra.is_empty() {
            steps.unlabel.push((to, extra));
        }
    }
    if !remove {
        return steps;
    }
    for (&to, has) in held.iter().filter(|(to, _)| !wanted.contains_key(to)) {
        let labels: BTreeSet<Kind> = has.iter().filter(|one| one.label.is_some()).map(|one| one.kind.clone()).collect();
        let overwritten: BTreeSet<Kind> = labels.intersection(&rule.kinds).cloned().collect();
        let goes_whole = rule.whole && labels.is_disjoint(&rule.spared);
        if goes_whole || (!overwritten.is_empty() && overwritten.len() == labels.len()) {
            steps.remove.push(to);
        } else if !overwritten.is_empty() {
            steps.unlabel.push((to, overwritten));
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kind(id: u64) -> Kind {
        Kind { category: if id == 1 { "HUBSPOT_DEFINED" } else { "USER_DEFINED" }.to_owned(), type_id: id }
    }

    fn held(pairs: &[(u64, &[u64])]) -> BTreeMap<u64, Vec<HeldKind>> {
        let name = |id: u64| if id == 1 { "Primary".to_owned() } else { format!("L{id}") };
        let kinds = |ids: &[u64]| {
            let default = HeldKind { kind: Kind { category: "HUBSPOT_DEFINED".to_owned(), type_id: 279 }, label: None };
            let labelled = ids.iter().map(|id| HeldKind { kind: kind(*id), label: Some(name(*id)) });
            std::iter::once(default).chain(labelled).collect()
        };
        pairs.iter().map(|(to, ids)| (*to, kinds(ids))).collect()
    }

    fn wanted(pairs: &[(u64, &[u64], bool)]) -> BTreeMap<u64, WantedPair> {
        let pair = |ids: &[u64], exact| WantedPair { kinds: ids.iter().map(|id| kind(*id)).collect(), exact };
        pairs.iter().map(|(to, ids, exact)| (*to, pair(ids, *exact))).collect()
    }

    fn kinds(ids: &[u64]) -> BTreeSet<Kind> {
        ids.iter().map(|id| kind(*id)).collect()
    }

    #[test]
    fn what_is_there_already_is_not_written_and_labels_are_kept() {
        let has = held(&[(10, &[1, 5]), (11, &[])]);
        let steps = difference(&wanted(&[(10, &[5], false), (11, &[], false)]), &has, &Rule::default(), true);
        assert!(steps.is_empty(), "{steps:?}");
        let steps = difference(&wanted(&[(10, &[6], false), (12, &[], false)]), &has, &Rule::default(), true);
        assert_eq!(steps.label, [(10, kinds(&[1, 5, 6]))]);
        assert_eq!(steps.associate, [12]);
        assert!(steps.remove.is_empty() && steps.unlabel.is_empty());
    }

    #[test]
    fn overwriting_removes_pairs_that_are_not_named_and_nothing_removes_all() {
        let rule = Rule { whole: true, ..Rule::default() };
        let has = held(&[(10, &[1]), (11, &[5]), (12, &[])]);
        let steps = difference(&wanted(&[(10, &[], false)]), &has, &rule, true);
        assert_eq!((steps.remove, steps.associate, steps.label, steps.unlabel), (vec![11, 12], vec![], vec![], vec![]));
        assert_eq!(difference(&BTreeMap::new(), &has, &rule, true).remove, [10, 11, 12]);
        assert!(difference(&BTreeMap::new(), &has, &rule, false).is_empty());
    }

    #[test]
    fn a_value_that_names_its_labels_drops_the_others_but_not_the_primary_mark() {
        let rule = Rule { whole: true, ..Rule::default() };
        let has = held(&[(10, &[1, 5, 6])]);
        let steps = difference(&wanted(&[(10, &[6, 7], true)]), &has, &rule, true);
        assert_eq!(steps.label, [(10, kinds(&[1, 6, 7]))]);
        assert_eq!(steps.unlabel, [(10, kinds(&[5]))]);
        let steps = difference(&wanted(&[(10, &[], true)]), &has, &rule, true);
        assert_eq!((steps.unlabel, steps.label), (vec![(10, kinds(&[5, 6]))], vec![]));
    }

    #[test]
    fn a_label_that_overwrites_moves_and_leaves_other_labels_alone() {
        let rule = Rule { kinds: kinds(&[5]), ..Rule::default() };
        let has = held(&[(10, &[5]), (11, &[5, 6]), (12, &[6]), (13, &[])]);
        let steps = difference(&wanted(&[(12, &[5], false)]), &has, &rule, true);
        assert_eq!(steps.remove, [10]);
        assert_eq!(steps.unlabel, [(11, kinds(&[5]))]);
        assert_eq!(steps.label, [(12, kinds(&[5, 6]))]);
    }

    #[test]
    fn labels_of_other_declarations_are_spared() {
        let rule = Rule { whole: true, spared: kinds(&[5]), ..Rule::default() };
        let steps = difference(&BTreeMap::new(), &held(&[(10, &[5]), (11, &[6])]), &rule, true);
        assert_eq!(steps.remove, [11]);
    }

    proptest! {
        /// Carrying out the steps on what was held gives all that is wanted, and a second look finds nothing to do.
        #[test]
        fn the_steps_lead_to_what_is_wanted_and_then_to_rest(
            wants in proptest::collection::btree_map(0u64..6, (proptest::collection::btree_set(1u64..6, 0..3), any::<bool>()), 0..5),
            has in proptest::collection::btree_map(0u64..6, proptest::collection::btree_set(1u64..6, 0..4), 0..5),
            whole in any::<bool>(),
            overwritten in proptest::collection::btree_set(2u64..4, 0..2),
            spared in proptest::collection::btree_set(4u64..6, 0..2),
        ) {
            let wanted: BTreeMap<u64, WantedPair> = wants
                .iter()
                .map(|(to, (ids, exact))| (*to, WantedPair { kinds: ids.iter().map(|id| kind(*id)).collect(), exact: *exact && whole }))
                .collect();
            let rule = Rule {
                whole,
                kinds: overwritten.iter().map(|id| kind(*id)).collect(),
                spared: spared.iter().map(|id| kind(*id)).collect(),
            };
            let mut state: BTreeMap<u64, BTreeSet<u64>> = has.clone();
            let shown = |state: &BTreeMap<u64, BTreeSet<u64>>| {
                let pairs: Vec<(u64, Vec<u64>)> = state.iter().map(|(to, ids)| (*to, ids.iter().copied().collect())).collect();
                let pairs: Vec<(u64, &[u64])> = pairs.iter().map(|(to, ids)| (*to, ids.as_slice())).collect();
                held(&pairs)
            };
            let steps = difference(&wanted, &shown(&state), &rule, true);
            for to in &steps.remove {
                state.remove(to);
            }
            for (to, kinds) in &steps.unlabel {
                let labels = state.get_mut(to).expect("a held pair");
                for kind in kinds {
                    prop_assert!(labels.remove(&kind.type_id));
                }
            }
            for to in &steps.associate {
                prop_assert!(state.insert(*to, BTreeSet::new()).is_none());
            }
            for (to, kinds) in &steps.label {
                // HubSpot replaces the pair's labels.
                state.insert(*to, kinds.iter().map(|kind| kind.type_id).collect());
            }
            for (to, want) in &wanted {
                let labels = state.get(to).expect("a wanted pair is there");
                prop_assert!(want.kinds.iter().all(|kind| labels.contains(&kind.type_id)));
            }
            // Nothing is lost without a rule that says so.
            if !rule.removes() {
                for (to, ids) in &has {
                    prop_assert!(ids.is_subset(&state[to]));
                }
            }
            prop_assert!(difference(&wanted, &shown(&state), &rule, true).is_empty());
        }
    }
}
