//! What a record holds decides what is written: the pure rules of `compare: hubspot`, `write: if_empty` and `force`.
//!
//! Reading the records and carrying out the decision is in `compare_step`.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use hubward_core::PropertyDef;
use hubward_core::convert::holds;
use hubward_core::pipeline::stage_properties;
use hubward_core::spec::{Compare, MapEntry, Mode, ObjectSync, WriteRule};

use crate::prepared::Prepared;
use crate::row::Row;
use crate::written::Written;

/// The one property that HubSpot moves forward only, unless it is cleared first (api.md 3.4).
pub(crate) const STAGE: &str = "lifecyclestage";

/// The values of a record, by property; absent and none are both empty.
pub(crate) type Held = BTreeMap<String, Option<String>>;

/// How the properties of one sync are compared with what HubSpot holds.
pub(crate) struct Comparison {
    /// `compare: hubspot`: every row is compared in every property.
    whole: bool,
    rules: HashMap<Arc<str>, Rule>,
    /// Properties to read.
    pub(crate) names: Vec<String>,
    /// The match property; none where records are matched by id.
    matched: Option<PropertyDef>,
    written: Arc<Written>,
}

struct Rule {
    property: PropertyDef,
    write: WriteRule,
    force: bool,
}

/// What has been found out about a row by reading its record.
#[derive(Debug, Default)]
pub(crate) struct Compared {
    /// The values that the record was read with and that nothing has been decided by yet.
    pub(crate) held: Option<Held>,
    /// It is decided what is written; or there is no record to compare with.
    pub(crate) done: bool,
    /// The stage has been cleared in this run.
    pub(crate) stage_cleared: bool,
    /// Properties that are not sent to this record.
    spared: Vec<(Arc<str>, String)>,
}

/// What follows for a row that was compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weighed {
    /// The record holds everything already, or what it holds is not to be touched.
    Nothing,
    Write,
    /// The stage would move back: it is cleared, then written.
    ClearStage,
}

/// Whether rows of this sync may need their records read before they are written.
pub(crate) fn reads_records(sync: &ObjectSync) -> bool {
    let by_entry = |entry: &MapEntry| entry.write == WriteRule::IfEmpty || forces(&entry.property, entry.force);
    sync.mode != Mode::Insert && (sync.compare == Compare::HubSpot || sync.map.iter().any(by_entry))
}

/// `force` has a meaning for the life-cycle stage only.
fn forces(property: &str, force: bool) -> bool {
    force && property == STAGE
}

impl Comparison {
    /// None where no record has to be read before it is written. Mode `insert` makes records, and these hold nothing.
    pub(crate) fn of(prepared: &Prepared, written: &Arc<Written>) -> Option<Self> {
        if !reads_records(&prepared.sync) {
            return None;
        }
        let whole = prepared.sync.compare == Compare::HubSpot;
        let mut rules = HashMap::new();
        let mut names = Vec::new();
        for entry in prepared.mapping.entries() {
            let force = forces(&entry.name, entry.force);
            if whole || force || entry.write == WriteRule::IfEmpty {
                names.push(entry.name.to_string());
                let rule = Rule { property: entry.property.clone(), write: entry.write, force };
                rules.insert(Arc::clone(&entry.name), rule);
            }
        }
        if whole
            && let Some((pipeline, _)) = stage_properties(&prepared.object.path)
            && !names.iter().any(|name| name == pipeline)
        {
            names.push(pipeline.to_owned());
        }
        let matched = prepared.mapping.match_property().cloned();
        Some(Self { whole, rules, names, matched, written: Arc::clone(written) })
    }

    /// Nothing is compared but the life-cycle stage, which may move back.
    pub(crate) fn of_forced_stage(stage: PropertyDef) -> Self {
        let rule = Rule { property: stage, write: WriteRule::Always, force: true };
        Self {
            whole: false,
            rules: HashMap::from([(Arc::from(STAGE), rule)]),
            names: vec![STAGE.to_owned()],
            matched: None,
            written: Arc::default(),
        }
    }

    /// Whether the row's record has to be read.
    pub(crate) fn needs(&self, row: &Row) -> bool {
        self.whole || row.properties.iter().any(|(name, _)| self.rules.contains_key(name))
    }

    /// Decides what is written to a record that holds `held`; what is not stays with the row, should the record turn out
    /// to be gone. Properties that the record holds already count as ours, as if they had been written.
    pub(crate) fn weigh(&self, row: &mut Row, held: &Held) -> Weighed {
        let holding = |name: &str| held.get(name).and_then(Option::as_deref).unwrap_or_default();
        let mut ours: Vec<(Arc<str>, String)> = Vec::new();
        let mut sent = Vec::new();
        let mut clears = false;
        for (name, value) in std::mem::take(&mut row.properties) {
            let held = holding(&name);
            let Some(rule) = self.rules.get(&name) else {
                // Not mapped: a pipeline that goes with its stage.
                if self.whole && held == value {
                    row.compared.spared.push((name, value));
                } else {
                    sent.push((name, value));
                }
                continue;
            };
            if rule.write == WriteRule::IfEmpty && !held.is_empty() {
                row.compared.spared.push((name, value));
            } else if self.whole && holds(&rule.property, held, &value) {
                ours.push((Arc::clone(&name), value.clone()));
                row.compared.spared.push((name, value));
            } else if name.as_ref() == STAGE && moves_back(&rule.property, held, &value) {
                if rule.force {
                    clears = !row.compared.stage_cleared;
                    sent.push((name, value));
                } else {
                    // HubSpot would pass over it without a word; other properties of the row still count as compared.
                    row.compared.spared.push((name, value));
                }
            } else {
                sent.push((name, value));
            }
        }
        if self.whole
            && let Some(matched) = &self.matched
            && holds(matched, holding(&matched.name), &row.ident.match_value)
        {
            row.write_match = false;
        }
        row.properties = sent;
        row.compared.done = true;
        ours.extend(row.properties.iter().cloned());
        row.ident.written = self.written.after(row.written_before(), &ours);
        match (clears, row.properties.is_empty() && !row.write_match) {
            (true, _) => Weighed::ClearStage,
            (false, true) => Weighed::Nothing,
            (false, false) => Weighed::Write,
        }
    }

    /// The record that the row was compared with is gone, or was not the row's: everything is to be written again.
    pub(crate) fn forget(&self, row: &mut Row) {
        let spared = std::mem::take(&mut row.compared.spared);
        row.properties.extend(spared);
        row.ident.written = self.written.after(row.written_before(), &row.properties);
        row.compared = Compared::default();
    }

    /// Whether HubSpot's answer to a write shows that a forced stage did not move.
    pub(crate) fn stage_stayed(&self, row: &Row, answer: &Held) -> bool {
        let forced = self.rules.get(STAGE).is_some_and(|rule| rule.force) && !row.compared.stage_cleared;
        forced
            && row.value_of(STAGE).is_some_and(|sent| {
                answer.get(STAGE).and_then(Option::as_deref).is_some_and(|shown| !sent.is_empty() && shown != sent)
            })
    }
}

/// Whether HubSpot would ignore the write: the stage is set and does not come before the new one. Stages that HubSpot does
/// not list have no place, so they are taken for later ones.
fn moves_back(property: &PropertyDef, held: &str, sent: &str) -> bool {
    if held.is_empty() || sent.is_empty() || held == sent {
        return false;
    }
    let place = |value: &str| property.options.iter().position(|option| option.value == value);
    match (place(held), place(sent)) {
        (Some(held), Some(sent)) => held > sent,
        _ => true,
    }
}
