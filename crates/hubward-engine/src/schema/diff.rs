//! The comparison of what is declared with what the account has: what is missing, what cannot be reconciled, and what
//! differs and is left alone. Pure. Nothing that exists is ever changed or removed; only options are added.

use std::collections::{HashMap, HashSet};

use hubward_core::declared::{DeclaredLabel, DeclaredObject, DeclaredProperty, DeclaredSchema, DeclaredType};
use hubward_core::spec::Location;
use hubward_core::{PropertyDef, PropertyType};

use super::change::{Change, Target, Work};
use super::present::{Present, PresentType, existing, resolve};
use crate::check::{Problem, Severity};
use crate::error::EngineError;
use crate::object_type::standard;

/// What a comparison found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Difference {
    /// In the order in which they are shown: groups, objects, properties, options, labels, events, each as the files have them.
    pub(crate) changes: Vec<Change>,
    pub(crate) problems: Vec<Problem>,
    /// What differs and is left as it is.
    pub(crate) notes: Vec<String>,
}

pub(super) struct Comparison<'a> {
    declared: &'a [DeclaredType],
    pub(super) present: &'a Present,
    pub(super) found: Difference,
    /// Labels by the keys of both ends, those to be made included.
    labels: HashMap<(String, String), Vec<String>>,
}

/// Compares.
pub(crate) fn diff(schema: &DeclaredSchema, present: &Present) -> Difference {
    let declared = schema.types.as_slice();
    let labels = present.labels.clone();
    let mut comparison = Comparison { declared, present, found: Difference::default(), labels };
    let mut seen: HashMap<String, &Location> = HashMap::new();
    let mut objects = Vec::new();
    for section in declared {
        let Some(target) = comparison.target(section) else { continue };
        if let Some(first) = seen.insert(target.key(), &section.at) {
            let first = first.clone();
            comparison.conflict(
                &section.at,
                format!("{} are declared twice, also in {} on line {}", target.name(), first.file, first.line),
                "write everything of one object type in one place",
            );
            continue;
        }
        if let Target::New(_) = target {
            objects.extend(comparison.new_object(section, &target));
        }
        comparison.parts(section, &target);
    }
    comparison.in_order(objects);
    for event in &schema.events {
        comparison.event(event);
    }
    comparison.found.changes.sort_by_key(Change::kind);
    comparison.found
}

impl Comparison<'_> {
    pub(super) fn conflict(&mut self, at: &Location, message: String, help: impl Into<String>) {
        self.found.problems.push(Problem {
            severity: Severity::Error,
            code: "schema-conflict",
            at: at.clone(),
            message,
            help: Some(help.into()),
        });
    }

    pub(super) fn push(&mut self, target: &Target, at: &Location, work: Work) {
        self.found.changes.push(Change { target: target.clone(), work, at: at.clone() });
    }

    pub(super) fn resolved(&mut self, name: &str, at: &Location) -> Option<Target> {
        match resolve(name, self.declared, &self.present.schemas) {
            Ok(target) => Some(target),
            Err(error) => {
                let help = error.help.unwrap_or_default();
                let error = EngineError { at: Some(at.clone()), help: None, ..error }
                    .help(format!("{help}; a custom type that the project shall make needs `object:`"));
                self.found.problems.push(Problem::error(error, at));
                None
            }
        }
    }

    /// The type that a section is about.
    fn target(&mut self, section: &DeclaredType) -> Option<Target> {
        let Some(object) = &section.object else { return self.resolved(&section.name, &section.at) };
        if let Some(standard) = standard(&section.name) {
            self.conflict(
                &object.at,
                format!("{} are a standard object type, which every account has", standard.name),
                "take `object:` out, or give the custom type another name",
            );
            return None;
        }
        let Some(schema) = existing(&section.name, &self.present.schemas) else {
            return Some(Target::New(section.name.clone()));
        };
        let target = Target::Known(super::present::of_schema(schema));
        let primary = schema.primary_display_property.as_deref().unwrap_or_default();
        if primary != object.primary {
            self.conflict(
                &object.at,
                format!(
                    "the account has {} with the primary property {primary:?}, and the project declares {:?}",
                    section.name, object.primary
                ),
                format!("declare `primary: {primary}`; the primary property of a type that exists is changed in HubSpot only"),
            );
        }
        let same = |left: &[String], right: &[String]| {
            let left: HashSet<&String> = left.iter().collect();
            left == right.iter().collect::<HashSet<&String>>()
        };
        let differing = [
            ("singular label", schema.singular != object.singular),
            ("plural label", schema.plural != object.plural),
            ("list of required properties", !same(&schema.required_properties, &object.required)),
            ("list of searchable properties", !same(&schema.searchable_properties, &object.searchable)),
        ];
        for (what, _) in differing.into_iter().filter(|(_, differs)| *differs) {
            self.found.notes.push(format!("{}: the {what} is another in the account; left as it is", section.name));
        }
        Some(target)
    }

    /// The making of a custom type; its order among others is decided later.
    fn new_object(&mut self, section: &DeclaredType, target: &Target) -> Option<(Change, Vec<String>)> {
        let object: &DeclaredObject = section.object.as_ref()?;
        let mut associated = Vec::new();
        let mut after = Vec::new();
        for (name, at) in &object.associated {
            let other = self.resolved(name, at)?;
            if other.key() == target.key() {
                self.conflict(
                    at,
                    format!("{} cannot be among the types that it is itself associated to", section.name),
                    "take it out",
                );
                return None;
            }
            if let Target::New(_) = other {
                after.push(other.key());
            }
            if !associated.contains(&other) {
                associated.push(other);
            }
        }
        let work = Work::Object { declared: Box::new(section.clone()), associated };
        Some((Change { target: target.clone(), work, at: section.at.clone() }, after))
    }

    /// Types that others are associated to are made before them.
    fn in_order(&mut self, mut objects: Vec<(Change, Vec<String>)>) {
        while !objects.is_empty() {
            let waiting: Vec<String> = objects.iter().map(|(change, _)| change.target.key()).collect();
            let ready = objects.iter().position(|(_, after)| !after.iter().any(|key| waiting.contains(key)));
            let Some(ready) = ready else {
                let names: Vec<&str> = objects.iter().map(|(change, _)| change.object()).collect();
                let (message, at) = (names.join(", "), objects[0].0.at.clone());
                self.conflict(
                    &at,
                    format!("these custom types name each other in `associated`: {message}"),
                    "an association goes both ways: name each pair on one of its two types only",
                );
                return;
            };
            self.found.changes.push(objects.remove(ready).0);
        }
    }

    /// Groups, properties, options and labels.
    fn parts(&mut self, section: &DeclaredType, target: &Target) {
        let nothing = PresentType::default();
        let present = self.present.types.get(&target.key()).unwrap_or(&nothing);
        for group in &section.groups {
            match present.groups.iter().find(|known| known.name == group.name) {
                None => self.push(target, &group.at, Work::Group(group.clone())),
                Some(known) if known.label != group.label => self.found.notes.push(format!(
                    "{}: the group {} has the label {:?} in the account; left as it is",
                    target.name(),
                    group.name,
                    known.label
                )),
                Some(_) => {}
            }
        }
        let founding: Vec<&str> = match target {
            Target::New(_) => section.founding().into_iter().map(|property| property.name.as_str()).collect(),
            Target::Known(_) | Target::Event(_) => Vec::new(),
        };
        for property in &section.properties {
            match present.properties.iter().find(|known| known.name == property.name) {
                Some(known) => self.same_property(target, property, known),
                None if founding.contains(&property.name.as_str()) => {}
                None => self.new_property(section, target, property, present),
            }
        }
        for label in &section.labels {
            self.label(target, label);
        }
    }

    fn new_property(
        &mut self,
        section: &DeclaredType,
        target: &Target,
        property: &DeclaredProperty,
        present: &PresentType,
    ) {
        let mut property = property.clone();
        let at = property.at.clone();
        match &property.group {
            None => match own_group(target, present) {
                Some(group) => property.group = Some(group),
                None => {
                    return self.conflict(
                        &at,
                        format!("{} have no property group that {} could stand in", target.name(), property.name),
                        "declare one under `groups:` and name it with `group:`",
                    );
                }
            },
            Some(name) => {
                let declared = section.groups.iter().map(|group| group.name.as_str());
                let known: Vec<&str> = declared.chain(present.groups.iter().map(|group| group.name.as_str())).collect();
                if !known.contains(&name.as_str()) {
                    let help = match hubward_core::suggest::nearest(name, known.iter().copied()) {
                        Some(near) => format!("did you mean {near:?}? Or declare it under `groups:`"),
                        None => format!("declare it under `groups:`, or use one of {}", known.join(", ")),
                    };
                    return self.conflict(&at, format!("{} have no property group {name:?}", target.name()), help);
                }
            }
        }
        self.push(target, &at, Work::Property(Box::new(property)));
    }

    /// A property that is there already: only options may be missing.
    fn same_property(&mut self, target: &Target, property: &DeclaredProperty, known: &PropertyDef) {
        let (at, object, name) = (&property.at, target.name(), &property.name);
        if known.type_ != property.type_ {
            let (has, wants) = (known.type_.name(), property.type_.name());
            return self.conflict(
                at,
                format!("{name} of {object} has the type {has} in the account, and the project declares {wants}"),
                format!("declare `type: {has}`, or give the property another name; nothing that exists is changed"),
            );
        }
        // Contacts: `email` is a key although its definition may not say so (api.md 3.5).
        let unique = known.has_unique_value || (target.key() == "0-1" && name == "email");
        if property.unique && !unique {
            return self.conflict(
                at,
                format!(
                    "{name} of {object} is in the account without unique values, and the project declares it unique"
                ),
                "HubSpot takes this at creation only: make a property of another name with `unique: true`",
            );
        }
        if property.type_ == PropertyType::Enumeration {
            if known.external_options {
                return self.conflict(
                    at,
                    format!("the options of {name} of {object} are kept elsewhere by HubSpot and cannot be declared"),
                    "take the property out of `schema:`",
                );
            }
            let mut add = Vec::new();
            for option in &property.options {
                match known.options.iter().find(|held| held.value == option.value) {
                    None => add.push(option.clone()),
                    Some(held) if held.label != option.label => self.found.notes.push(format!(
                        "{object}: the option {} of {name} has the label {:?} in the account; left as it is",
                        option.value, held.label
                    )),
                    Some(_) => {}
                }
            }
            if !add.is_empty() {
                self.push(target, at, Work::Options { property: name.clone(), add });
            }
        }
        if let Some(group) = property.group.as_ref().filter(|group| **group != known.group) {
            let note = format!("{object}: {name} is in the group {:?}, not {group:?}; left as it is", known.group);
            self.found.notes.push(note);
        }
        // One option or several: it changes what values mean.
        if property.type_ == PropertyType::Enumeration && known.is_multi() != (property.field_type == "checkbox") {
            let note = format!("{object}: {name} has the field {:?} in the account; left as it is", known.field_type);
            self.found.notes.push(note);
        }
    }

    fn label(&mut self, from: &Target, label: &DeclaredLabel) {
        let Some(to) = self.resolved(&label.to, &label.at) else { return };
        let (there, back) = ((from.key(), to.key()), (to.key(), from.key()));
        let holds = |labels: &HashMap<(String, String), Vec<String>>, ends: &(String, String), text: &str| {
            labels.get(ends).is_some_and(|held| held.iter().any(|known| known.eq_ignore_ascii_case(text)))
        };
        if !holds(&self.labels, &there, &label.label) {
            let inverse = label.inverse.clone().unwrap_or_else(|| label.label.clone());
            self.labels.entry(there).or_default().push(label.label.clone());
            self.labels.entry(back).or_default().push(inverse);
            return self.push(from, &label.at, Work::Label { to, label: label.clone() });
        }
        if let Some(inverse) = &label.inverse
            && !holds(&self.labels, &back, inverse)
        {
            self.conflict(
                &label.at,
                format!(
                    "the account has the label {:?} from {} to {} without the inverse {inverse:?}",
                    label.label,
                    from.name(),
                    to.name()
                ),
                "an inverse is given at creation only: take `inverse` out, or declare a label of another text",
            );
        }
    }
}

/// The group that HubSpot keeps the type's usual properties in.
fn own_group(target: &Target, present: &PresentType) -> Option<String> {
    if let Target::New(name) = target {
        return Some(format!("{name}_information"));
    }
    let exists = |name: &str| present.groups.iter().any(|group| group.name == name);
    let holding = |property: &str| {
        present.properties.iter().find(|known| known.name == property).map(|known| known.group.clone())
    };
    ["hs_object_id", "createdate", "hs_createdate"]
        .iter()
        .filter_map(|property| holding(property))
        .chain(present.groups.iter().map(|group| group.name.clone()).find(|name| name.ends_with("information")))
        .find(|name| exists(name))
        .or_else(|| present.groups.first().map(|group| group.name.clone()))
}

#[cfg(test)]
#[path = "diff_tests.rs"]
mod tests;
