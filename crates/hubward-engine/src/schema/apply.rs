//! Making what is missing, in the order of the plan: groups, objects, properties, options, labels, events.
//!
//! Each change ends in one word. What HubSpot says exists already, and what an answer got lost of, is read back before it is
//! called made or failed. A refusal of one thing leaves the others alone, unless they stand in it; a refusal of everything
//! (a missing scope, no answer) ends the work, and a later call goes on from there, since it compares anew.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use hubward_core::ErrorKind;
use hubward_core::declared::{DeclaredLabel, DeclaredOption, DeclaredProperty, DeclaredType};
use hubward_hubspot::definitions::PROPERTY_BATCH_MAX;
use hubward_hubspot::{ApiError, NewLabel, NewOption, NewProperty, NewSchema, PropertyGroup, Sensitivity};

use super::SchemaPlan;
use super::change::{Change, Target, Work};
use super::present::existing;
use super::refusal::{doubtful, ends_all, explain};
use crate::cancel::Cancel;
use crate::engine::Engine;
use crate::error::EngineError;

/// New definitions are readable after 250–700 ms (api.md 5.1).
pub(crate) const READABLE_AFTER: Duration = Duration::from_secs(1);

/// How a change ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    /// The account has it now.
    Made,
    Failed(EngineError),
    /// Not tried, with the reason.
    NotTried(String),
}

/// A change and how it ended.
#[derive(Clone, Debug)]
pub struct Applied {
    pub change: Change,
    pub ending: Ending,
}

pub(super) struct Maker<'a> {
    pub(super) engine: &'a Engine,
    cancel: &'a Cancel,
    pub(super) endings: Vec<Option<Ending>>,
    /// Paths of types that were made on the way, by declared key.
    made: HashMap<String, String>,
    /// Groups that could not be made: (type key, group).
    pub(super) lost_groups: HashSet<(String, String)>,
    /// Why nothing more is tried.
    pub(super) stopped: Option<String>,
    /// Something may be other than it was.
    touched: bool,
}

impl Engine {
    /// Makes the changes of a plan that [`SchemaPlan::is_sound`]; one that is not is refused whole. Afterwards nothing that
    /// was known of these types is trusted any more.
    pub async fn apply_schema(&self, plan: &SchemaPlan, cancel: &Cancel) -> Vec<Applied> {
        let changes = &plan.changes;
        let mut work = Maker {
            engine: self,
            cancel,
            endings: vec![None; changes.len()],
            made: HashMap::new(),
            lost_groups: HashSet::new(),
            stopped: (!plan.is_sound()).then(|| "the declaration has errors".to_owned()),
            touched: false,
        };
        // The groups of a type that is to be made wait for it.
        let waits = |change: &Change| matches!((&change.work, &change.target), (Work::Group(_), Target::New(_)));
        let mut order: Vec<usize> = (0..changes.len()).filter(|at| !waits(&changes[*at])).collect();
        let objects =
            order.iter().filter(|at| matches!(changes[**at].work, Work::Group(_) | Work::Object { .. })).count();
        let late: Vec<usize> = (0..changes.len()).filter(|at| waits(&changes[*at])).collect();
        order.splice(objects..objects, late);

        let mut at = 0;
        while at < order.len() {
            let first = order[at];
            // Properties of one type go together.
            let together = order[at..]
                .iter()
                .take_while(|next| {
                    let (one, other) = (&changes[first], &changes[**next]);
                    **next == first
                        || (matches!((&one.work, &other.work), (Work::Property(_), Work::Property(_)))
                            && one.target == other.target)
                })
                .count()
                .min(PROPERTY_BATCH_MAX);
            work.carry_out(changes, &order[at..at + together]).await;
            at += together;
        }
        if work.touched {
            self.forget_all_metadata().await;
        }
        let endings = work.endings.into_iter();
        let unreached = || Ending::NotTried("it was not reached".to_owned());
        changes
            .iter()
            .zip(endings)
            .map(|(change, ending)| Applied { change: change.clone(), ending: ending.unwrap_or_else(unreached) })
            .collect()
    }
}

impl Maker<'_> {
    /// Carries out one change, or several properties of one type.
    async fn carry_out(&mut self, changes: &[Change], places: &[usize]) {
        if self.cancel.is_set() {
            self.stopped.get_or_insert_with(|| "interrupted".to_owned());
        }
        if let Some(why) = self.stopped.clone() {
            return self.end(places, &Ending::NotTried(why));
        }
        let change = &changes[places[0]];
        if let Work::Object { declared, associated } = &change.work {
            if let Some(lacking) = associated.iter().find(|other| self.path(other).is_none()) {
                let why = format!("the object type {} was not made", lacking.name());
                return self.end(places, &Ending::NotTried(why));
            }
            self.touched = true;
            let result = self.make_object(&change.target, declared, associated).await;
            return self.settle(change, places[0], result);
        }
        if let Target::Event(_) = change.target {
            self.touched = true;
            return self.carry_out_event(change, places[0]).await;
        }
        let Some(path) = self.path(&change.target) else {
            let why = format!("the object type {} was not made", change.object());
            return self.end(places, &Ending::NotTried(why));
        };
        self.touched = true;
        match &change.work {
            Work::Group(group) => {
                let group = PropertyGroup { name: group.name.clone(), label: group.label.clone() };
                let result = self.make_group(&path, &group).await;
                if result.is_err() {
                    self.lost_groups.insert((change.target.key(), group.name));
                }
                self.settle(change, places[0], result);
            }
            Work::Property(_) => self.make_properties(&path, changes, places).await,
            Work::Options { property, add } => {
                let result = self.engine.client().add_options(&path, property, &options(add)).await;
                let result = result.and_then(|now| {
                    let lacks = add.iter().find(|option| now.options.iter().all(|held| held.value != option.value));
                    match lacks {
                        None => Ok(()),
                        Some(option) => Err(ApiError::new(
                            ErrorKind::Other,
                            format!("HubSpot answered without the option {:?}", option.value),
                        )),
                    }
                });
                self.settle(change, places[0], result);
            }
            Work::Label { to, label } => {
                let result = match self.path(to) {
                    Some(other) => self.make_label(&path, &other, label).await,
                    None => {
                        let why = format!("the object type {} was not made", to.name());
                        return self.end(places, &Ending::NotTried(why));
                    }
                };
                self.settle(change, places[0], result);
            }
            // The type was made above, and what belongs to an event has an event for its target.
            Work::Object { .. } | Work::Event { .. } | Work::EventProperty(_) | Work::EventOptions { .. } => {}
        }
    }

    pub(super) fn path(&self, target: &Target) -> Option<String> {
        match target {
            Target::Known(object) => Some(object.path.clone()),
            Target::New(_) => self.made.get(&target.key()).cloned(),
            Target::Event(_) => None,
        }
    }

    pub(super) fn end(&mut self, places: &[usize], ending: &Ending) {
        for place in places {
            self.endings[*place] = Some(ending.clone());
        }
    }

    pub(super) fn settle(&mut self, change: &Change, place: usize, result: Result<(), ApiError>) {
        let ending = match result {
            Ok(()) => Ending::Made,
            Err(error) => {
                if let Some(why) = ends_all(&error) {
                    self.stopped.get_or_insert(why);
                }
                Ending::Failed(explain(change, error))
            }
        };
        self.endings[place] = Some(ending);
    }

    async fn make_group(&self, path: &str, group: &PropertyGroup) -> Result<(), ApiError> {
        let client = self.engine.client();
        let Err(error) = client.create_group(path, group).await else { return Ok(()) };
        if !doubtful(&error) {
            return Err(error);
        }
        tokio::time::sleep(READABLE_AFTER).await;
        let there = client.property_groups(path).await?.iter().any(|known| known.name == group.name);
        if there { Ok(()) } else { Err(error) }
    }

    async fn make_object(
        &mut self,
        target: &Target,
        declared: &DeclaredType,
        associated: &[Target],
    ) -> Result<(), ApiError> {
        let Some(object) = &declared.object else { return Ok(()) };
        // By id: HubSpot's specification names no other way to say which types are meant.
        let id = |other: &Target| match other {
            Target::Known(known) => Some(known.id.clone()),
            Target::New(_) | Target::Event(_) => self.path(other),
        };
        let schema = NewSchema {
            name: declared.name.clone(),
            singular: object.singular.clone(),
            plural: object.plural.clone(),
            description: object.description.clone(),
            primary: object.primary.clone(),
            secondary: object.secondary.clone(),
            required: object.required.clone(),
            searchable: object.searchable.clone(),
            properties: declared.founding().into_iter().map(new_property).collect(),
            associated: associated.iter().filter_map(id).collect(),
        };
        let client = self.engine.client();
        let made = match client.create_schema(&schema).await {
            Ok(made) => made,
            Err(error) if doubtful(&error) => {
                tokio::time::sleep(READABLE_AFTER).await;
                let schemas = client.schemas().await?;
                let found = existing(&declared.name, &schemas);
                match found.filter(|found| found.primary_display_property.as_ref() == Some(&object.primary)) {
                    Some(found) => found.clone(),
                    None => return Err(error),
                }
            }
            Err(error) => return Err(error),
        };
        self.made.insert(target.key(), made.object_type_id);
        Ok(())
    }

    async fn make_label(&self, from: &str, to: &str, label: &DeclaredLabel) -> Result<(), ApiError> {
        let client = self.engine.client();
        let new = NewLabel { name: label.name.clone(), label: label.label.clone(), inverse: label.inverse.clone() };
        let Err(error) = client.create_label(from, to, &new).await else { return Ok(()) };
        if !doubtful(&error) {
            return Err(error);
        }
        tokio::time::sleep(READABLE_AFTER).await;
        let there = client
            .association_labels(from, to)
            .await?
            .iter()
            .any(|known| known.label.as_deref().is_some_and(|text| text.eq_ignore_ascii_case(&label.label)));
        if there { Ok(()) } else { Err(error) }
    }
}

pub(super) fn options(declared: &[DeclaredOption]) -> Vec<NewOption> {
    declared.iter().map(|option| NewOption { value: option.value.clone(), label: option.label.clone() }).collect()
}

pub(super) fn new_property(property: &DeclaredProperty) -> NewProperty {
    NewProperty {
        name: property.name.clone(),
        label: property.label.clone(),
        type_: property.type_.name().to_owned(),
        field_type: property.field_type.clone(),
        group: property.group.clone(),
        description: property.description.clone(),
        options: options(&property.options),
        unique: property.unique,
        sensitivity: Sensitivity::NonSensitive,
    }
}
