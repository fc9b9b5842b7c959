//! Mapping directives: what a mapping makes of an event, as Segment's mapping-kit does it.
//!
//! Owns the directives with their documented results, the checks of a mapping before it is used, and the bounds of what
//! one event may make of it. Leaves to the caller: which mapping an event is for, and what an action does with the result
//! (removing empty values, coercing to the fields' types).
//!
//! The original's quirks are the contract, for mappings that exist rely on them: `@if` with `blank` takes `then` where the
//! value is *not* blank, a value that counts as false ends the way of a path, a replacement knows `$&`. Where we differ,
//! `docs/directives.md` says so.

mod budget;
mod error;
mod flatten;
mod js;
mod json_text;
mod path;
mod placeholders;
mod replace;
mod resolve;
mod validate;

use std::borrow::Cow;
use std::collections::HashMap;

use hubward_core::template::EventTemplate;
use serde_json::{Map, Value};

pub use budget::{RESULT_BYTES_MAX, RESULT_DEPTH_MAX, RESULT_VALUES_MAX};
pub use error::{MappingError, Problem, ResolveError};

use js::Js;

/// How deep lists and objects of a mapping may stand in each other.
pub const MAPPING_DEPTH_MAX: usize = 100;
/// How deep lists and objects of an event may stand in each other.
pub const EVENT_DEPTH_MAX: usize = 200;
/// The longest template of `@liquid`, in UTF-16 units.
pub const LIQUID_LENGTH_MAX: usize = 1_000;

/// The member that turns the whole mapping into the `mapping` of one directive.
const ROOT_DIRECTIVE: &str = "__segment_internal_directive";

/// The templates of a mapping by their text, or why they are none.
type Templates = HashMap<String, Result<EventTemplate, String>>;

/// A mapping that has been found valid.
#[derive(Debug)]
pub struct Mapping {
    mapping: Map<String, Value>,
    templates: Templates,
}

/// An event as mappings read it; made once for all mappings that it goes through.
#[derive(Clone, Debug)]
pub struct Event(Js);

impl Event {
    /// # Errors
    /// If it is no object, or nested deeper than [`EVENT_DEPTH_MAX`].
    pub fn new(event: &Value) -> Result<Self, ResolveError> {
        if !event.is_object() {
            return Err(ResolveError::new(format!("data must be an object, got {}", js::type_name(event))));
        }
        if is_deeper(event, EVENT_DEPTH_MAX) {
            return Err(ResolveError::new(format!("the event is nested more than {EVENT_DEPTH_MAX} deep")));
        }
        Ok(Self(Js::from_json(event)))
    }
}

impl Mapping {
    /// Checks a mapping and prepares it.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its path; or that it is no object, or nested deeper than
    /// [`MAPPING_DEPTH_MAX`].
    pub fn new(mapping: &Value) -> Result<Self, MappingError> {
        let Value::Object(members) = mapping else {
            return Err(MappingError::Shape(format!("a mapping must be an object, got {}", js::type_name(mapping))));
        };
        if is_deeper(mapping, MAPPING_DEPTH_MAX) {
            return Err(MappingError::Shape(format!("the mapping is nested more than {MAPPING_DEPTH_MAX} deep")));
        }
        let mapping = with_root_directive(members).map_err(MappingError::Shape)?.into_owned();
        validate::validate(&mapping)?;
        let mut templates = Templates::new();
        mapping.iter().for_each(|(name, value)| collect_templates(name, value, &mut templates));
        Ok(Self { mapping, templates })
    }

    /// What the mapping makes of an event; None if it is one directive that gives nothing.
    ///
    /// # Errors
    /// What failed, and in which member: an argument that validation cannot see, a template, a result beyond the bounds.
    pub fn resolve(&self, event: &Event) -> Result<Option<Value>, ResolveError> {
        let resolved = resolve::resolve(&self.mapping, &event.0, &self.templates)?;
        Ok(resolved.into_json())
    }
}

/// The mapping to resolve: its own, or the root directive with all other members as its `mapping`. Err says why the root
/// directive is none.
fn with_root_directive(mapping: &Map<String, Value>) -> Result<Cow<'_, Map<String, Value>>, String> {
    let Some(root) = mapping.get(ROOT_DIRECTIVE) else { return Ok(Cow::Borrowed(mapping)) };
    let mut root = match root {
        Value::Object(root) if root.len() > 1 => {
            return Err("The root mapping must only have a single directive object".to_owned());
        }
        Value::Object(root) => root.clone(),
        _ => return Err("The root directive must be an object".to_owned()),
    };
    let own = mapping.iter().filter(|(name, _)| *name != ROOT_DIRECTIVE);
    let own: Map<String, Value> = own.map(|(name, value)| (name.clone(), value.clone())).collect();
    match root.values_mut().next() {
        Some(Value::Object(argument)) => {
            argument.insert("mapping".to_owned(), Value::Object(own));
        }
        // The original gives a list a member that nothing reads.
        Some(Value::Array(_)) => {}
        _ => return Err("The root directive must be an object".to_owned()),
    }
    Ok(Cow::Owned(root))
}

fn collect_templates(name: &str, value: &Value, templates: &mut Templates) {
    match value {
        Value::String(text)
            if name == "@liquid" && js::length(text) <= LIQUID_LENGTH_MAX && !templates.contains_key(text) =>
        {
            templates.insert(text.clone(), EventTemplate::parse(text).map_err(|error| error.message));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_templates("", item, templates)),
        Value::Object(members) => members.iter().for_each(|(name, value)| collect_templates(name, value, templates)),
        _ => {}
    }
}

fn is_deeper(value: &Value, depth: usize) -> bool {
    match value {
        Value::Array(items) => depth == 0 || items.iter().any(|item| is_deeper(item, depth - 1)),
        Value::Object(members) => depth == 0 || members.values().any(|value| is_deeper(value, depth - 1)),
        _ => false,
    }
}
