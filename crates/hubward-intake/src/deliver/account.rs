//! What the account makes of the values of intents: their text by the properties' types, and properties that are made.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use hubward_core::{Outcome, Reason};
use hubward_engine::EngineError;
use hubward_engine::door::{Catalogue, NewOption, NewProperty as Definition, Pause, PropertyGroup, Sensitivity};
use serde_json::Value;

use super::names::folded;
use super::records::Task;
use super::window::{Window, Word};
use crate::actions::{Find, GROUP_ID, NewProperty, Origin, Wishes};

/// The group that HubSpot keeps its own properties of companies in.
const COMPANY_GROUP: &str = "companyinformation";

impl Window<'_> {
    /// Makes the properties that tasks may have made, and converts every value. A task with a value that cannot be written
    /// is settled; the others come back.
    pub(super) async fn prepare(&mut self, tasks: Vec<Task>) -> Vec<Task> {
        let mut by_object: Vec<(String, Vec<Task>)> = Vec::new();
        for task in tasks {
            let object = folded(&task.intent.object);
            match by_object.iter_mut().find(|(known, _)| *known == object) {
                Some((_, tasks)) => tasks.push(task),
                None => by_object.push((object, vec![task])),
            }
        }
        let mut ready = Vec::new();
        for (object, tasks) in by_object {
            ready.extend(self.prepare_type(&object, tasks).await);
        }
        // In the order of the events again.
        ready.sort_by_key(|task| task.place);
        ready
    }

    async fn prepare_type(&mut self, object: &str, tasks: Vec<Task>) -> Vec<Task> {
        let sensitive = tasks.iter().any(|task| !task.intent.sensitive.is_empty());
        let mut catalogue = match self.catalogue(object, sensitive).await {
            Ok(catalogue) => catalogue,
            Err(word) => {
                for task in tasks {
                    self.settle(task.place, word.clone());
                }
                return Vec::new();
            }
        };
        let door = Arc::clone(&self.delivery.door);
        let (wanted, made) = wanted(&catalogue, &tasks);
        let mut refused: HashMap<String, Reason> = HashMap::new();
        for (group, properties) in wanted {
            match door.make_properties(object, &group, properties).await {
                Ok((now, reasons)) => {
                    catalogue = now;
                    refused.extend(reasons);
                }
                Err(error) => {
                    let word = self.failed(error);
                    // Whoever needs one of them waits, or is told; the others go on.
                    let (needs, others): (Vec<Task>, Vec<Task>) =
                        tasks.into_iter().partition(|task| made.contains(&task.place));
                    for task in needs {
                        self.settle(task.place, word.clone());
                    }
                    return self.converted(&catalogue, others, &refused).await;
                }
            }
        }
        self.converted(&catalogue, tasks, &refused).await
    }

    async fn converted(
        &mut self,
        catalogue: &Arc<Catalogue>,
        tasks: Vec<Task>,
        refused: &HashMap<String, Reason>,
    ) -> Vec<Task> {
        let mut catalogue = Arc::clone(catalogue);
        let mut anew = false;
        let mut ready = Vec::with_capacity(tasks.len());
        for task in tasks {
            loop {
                match convert(&catalogue, &task, refused) {
                    Ok((task, left_out)) => {
                        for (name, why) in left_out {
                            self.warn(task.place, format!("properties.{name}"), why);
                        }
                        ready.push(task);
                        break;
                    }
                    // What is known of the account may be older than the account: looked at once more before it is told.
                    Err(_) if !anew => {
                        anew = true;
                        if let Ok(now) = self.delivery.door.refresh(&folded(&task.intent.object)).await {
                            catalogue = now;
                        }
                    }
                    Err(reason) => {
                        self.settle(task.place, Word::new(Outcome::Invalid, Some(reason)));
                        break;
                    }
                }
            }
        }
        ready
    }

    /// What is known of an object type.
    ///
    /// # Errors
    /// The word for whoever needs it.
    pub(super) async fn catalogue(&mut self, object: &str, sensitive: bool) -> Result<Arc<Catalogue>, Word> {
        let door = Arc::clone(&self.delivery.door);
        let read = if sensitive && door.reads_sensitive_anew() {
            door.refresh_now(object).await
        } else {
            door.catalogue(object).await
        };
        match read {
            Ok(catalogue) => Ok(catalogue),
            // The type may have been made since the account was read.
            Err(error) if error.kind.is_none() => match door.refresh_now(object).await {
                Ok(catalogue) => Ok(catalogue),
                Err(error) => Err(self.failed(error)),
            },
            Err(error) => Err(self.failed(error)),
        }
    }

    /// The word for an error of the account or of our own state: what a person or time must mend is waited for.
    pub(super) fn failed(&mut self, error: EngineError) -> Word {
        if error.pause() == Pause::Other {
            let mut word = Word::invalid(&error.code.to_uppercase().replace('-', "_"), error.message.clone());
            if let (Some(reason), Some(help)) = (&mut word.reason, &error.help) {
                reason.text = format!("{}: {help}", reason.text);
            }
            return word;
        }
        let word = Word::deferred(error.message.clone());
        self.stopped(Some(error));
        word
    }

    /// Makes sure that companies have the property that holds their id in the application.
    ///
    /// # Errors
    /// The word for whoever needs it.
    pub(super) async fn group_id(&mut self) -> Result<(), Word> {
        let catalogue = self.catalogue("companies", false).await?;
        if catalogue.property(GROUP_ID).is_some() {
            return Ok(());
        }
        let group = PropertyGroup { name: COMPANY_GROUP.to_owned(), label: "Company information".to_owned() };
        let property = Definition {
            name: GROUP_ID.to_owned(),
            label: "Segment Group ID".to_owned(),
            type_: "string".to_owned(),
            field_type: "text".to_owned(),
            group: None,
            description: Some("The id that the company has in the application".to_owned()),
            options: Vec::new(),
            unique: true,
            sensitivity: Sensitivity::NonSensitive,
        };
        match self.delivery.door.make_properties("companies", &group, vec![property]).await {
            Ok((_, refused)) => match refused.into_values().next() {
                None => Ok(()),
                Some(reason) => Err(Word::new(Outcome::Rejected, Some(reason))),
            },
            Err(error) => Err(self.failed(error)),
        }
    }
}

type Wanted = Vec<(PropertyGroup, Vec<Definition>)>;

/// The properties that are to be made, by the group that tasks name, and the tasks that need one.
fn wanted(catalogue: &Catalogue, tasks: &[Task]) -> (Wanted, HashSet<super::window::Place>) {
    let mut values: Vec<(String, String, bool, Vec<&Value>)> = Vec::new();
    let mut needs = HashSet::new();
    for task in tasks {
        let Some(group) = &task.intent.property_group else { continue };
        let ordinary = task.intent.properties.iter().map(|one| (one, false));
        for ((name, wish), sensitive) in ordinary.chain(task.intent.sensitive.iter().map(|one| (one, true))) {
            if catalogue.property(name).is_some() {
                continue;
            }
            needs.insert(task.place);
            match values.iter_mut().find(|(_, known, ..)| known == name) {
                Some((.., held)) => held.push(&wish.value),
                None => values.push((group.clone(), name.clone(), sensitive, vec![&wish.value])),
            }
        }
    }
    let mut wanted: Wanted = Vec::new();
    for (group, name, sensitive, values) in values {
        let definition = definition(&name, NewProperty::of(values), sensitive);
        match wanted.iter_mut().find(|(known, _)| known.name == group) {
            Some((_, definitions)) => definitions.push(definition),
            None => wanted.push((PropertyGroup { name: group.clone(), label: group }, vec![definition])),
        }
    }
    (wanted, needs)
}

fn definition(name: &str, kind: NewProperty, sensitive: bool) -> Definition {
    let (type_, field_type) = match kind {
        NewProperty::Text => ("string", "text"),
        NewProperty::Number => ("number", "number"),
        NewProperty::Flag => ("enumeration", "booleancheckbox"),
        NewProperty::Date => ("date", "date"),
        NewProperty::DateTime => ("datetime", "date"),
    };
    Definition {
        name: name.to_owned(),
        label: name.to_owned(),
        type_: type_.to_owned(),
        field_type: field_type.to_owned(),
        group: None,
        description: None,
        options: if kind == NewProperty::Flag { flags() } else { Vec::new() },
        unique: false,
        sensitivity: if sensitive { Sensitivity::Sensitive } else { Sensitivity::NonSensitive },
    }
}

/// The options of a checkbox.
pub(super) fn flags() -> Vec<NewOption> {
    ["true", "false"].map(|text| NewOption { value: text.to_owned(), label: text.to_owned() }).into()
}

type LeftOut = Vec<(String, String)>;

/// The task with every value as the account's property takes it, and what was left out of it.
fn convert(catalogue: &Catalogue, task: &Task, refused: &HashMap<String, Reason>) -> Result<(Task, LeftOut), Reason> {
    let mut task = task.clone();
    let mut left_out = Vec::new();
    for wishes in [&mut task.intent.properties, &mut task.intent.sensitive] {
        let mut kept = Wishes::with_capacity(wishes.len());
        for (name, mut wish) in std::mem::take(wishes) {
            match catalogue.convert(&name, &wish.value) {
                Ok(None) => {}
                Ok(Some(text)) => {
                    wish.value = Value::String(text);
                    kept.insert(name, wish);
                }
                Err(reason) => {
                    if let Some(why) = refused.get(&name) {
                        let mut why = why.clone();
                        why.text = format!("the property could not be made: {}", why.text);
                        return Err(why.on(&name, None));
                    }
                    if !is_about_the_property(&reason) || wish.origin == Origin::Mapping {
                        return Err(reason);
                    }
                    left_out.push((name, reason.text));
                }
            }
        }
        *wishes = kept;
    }
    if let Find::Unique { property, .. } = &task.intent.find
        && catalogue.property(property).is_none()
    {
        let text = format!("{} have no property {property:?} to be found by", catalogue.object().name);
        return Err(Reason::new("PROPERTY_DOESNT_EXIST", text).on(property, None));
    }
    Ok((task, left_out))
}

/// It is not the value that is wrong.
pub(super) fn is_about_the_property(reason: &Reason) -> bool {
    matches!(reason.category.as_deref(), Some("PROPERTY_DOESNT_EXIST" | "READ_ONLY_VALUE"))
}
