//! What is wrong with a mapping before any event comes: its trigger, its directives, its fields and what is spelt out in
//! them; and where Segment's own parser would read the trigger differently.

use hubward_core::spec::{Action, MappingFinding, MappingPlace, MappingSpec, SyncMode};
use hubward_core::suggest::nearest;
use serde_json::{Map, Value};

use super::defaults::filled;
use super::events::event_name_refusal;
use super::fields::{self, Field, Holds, WITHOUT_MEANING};
use super::find::RECORD_ID;
use super::mapping::{ROOT_DIRECTIVE, SYNC_MODE_FIELD};
use super::names::{full_event_name, kind};
use super::payload::{not_blank, read};
use super::upsert_custom_object::label_refusal;
use super::upsert_object::{by_id_refusal, name_refusal};
use super::wishes::plain;
use crate::directives::Mapping;
use crate::fql::{Trigger, differences, reading_of_malformed};

/// Everything that is wrong with a mapping or worth a warning, each at its place.
#[must_use]
pub fn check(spec: &MappingSpec) -> Vec<MappingFinding> {
    let mut found = Vec::new();
    trigger(spec, &mut found);
    let empty = Map::new();
    let given = spec.fields.as_object().unwrap_or(&empty);
    sync_mode(spec, given, &mut found);
    if let Err(error) = Mapping::new(&spec.fields) {
        let mut push = |path: &str, message: String| {
            let help = "docs/directives.md tells what each directive takes".to_owned();
            found.push(error_at(MappingPlace::Value(path.to_owned()), "mapping-directive", message, help));
        };
        match error.problems() {
            [] => push("/", error.to_string()),
            problems => problems.iter().for_each(|problem| push(&problem.path, problem.to_string())),
        }
    }
    let known = fields::of(spec.action);
    for name in given.keys().filter(|name| !is_known(known, name)) {
        found.push(unknown(&format!("/{name}"), name, spec.action.name(), known));
    }
    if given.contains_key(ROOT_DIRECTIVE) {
        // What the fields hold is then decided by the directive.
        return found;
    }
    let filled = filled(spec.action, given);
    members(known, &filled, "", &mut found);
    special(spec, &filled, &mut found);
    found
}

/// The sync mode, where the mapping says one: as a key of its file, or as Segment's own mappings say it.
///
/// # Errors
/// That it is none, or that it says two.
pub(super) fn sync_mode_of(spec: &MappingSpec) -> Result<SyncMode, String> {
    let Some(written) = spec.fields.get(SYNC_MODE_FIELD).filter(|mode| !mode.is_null()) else {
        return Ok(spec.sync_mode.unwrap_or_default());
    };
    let inner = SyncMode::ALL.into_iter().find(|mode| written.as_str() == Some(mode.name()));
    match (inner, spec.sync_mode) {
        (None, _) => Err(format!("`{SYNC_MODE_FIELD}` must be update, upsert or add, not {written}")),
        (Some(inner), Some(outer)) if inner != outer => {
            Err(format!("`{SYNC_MODE_FIELD}` says {} and `sync_mode` says {}", inner.name(), outer.name()))
        }
        (Some(inner), _) => Ok(inner),
    }
}

fn sync_mode(spec: &MappingSpec, given: &Map<String, Value>, found: &mut Vec<MappingFinding>) {
    let place = || MappingPlace::Value(format!("/{SYNC_MODE_FIELD}"));
    if given.contains_key(SYNC_MODE_FIELD) && !spec.action.has_sync_mode() {
        let message = format!("the action `{}` has no sync mode", spec.action.name());
        let help = "remove it; only upsertObject and customEvent have one".to_owned();
        found.push(error_at(place(), "sync-mode", message, help));
    } else if let Err(message) = sync_mode_of(spec) {
        found.push(error_at(place(), "sync-mode", message, "keep `sync_mode:` and remove the other".to_owned()));
    }
}

fn trigger(spec: &MappingSpec, found: &mut Vec<MappingFinding>) {
    let Some(text) = &spec.trigger else {
        if spec.action.default_trigger().is_none() {
            let message =
                format!("the action `{}` has no trigger of its own, and the mapping names none", spec.action.name());
            let help = "say for which events it is: `trigger: event = \"Order Completed\"`".to_owned();
            found.push(error_at(MappingPlace::Mapping, "trigger", message, help));
        }
        return;
    };
    match Trigger::parse(text) {
        Err(error) => {
            let at = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
            let place = MappingPlace::Trigger { line: at(error.line), column: at(error.column) };
            let message = format!("the trigger cannot be read: {}", error.message);
            let help = error.help.unwrap_or_else(|| "docs/triggers.md has the language".to_owned());
            found.push(error_at(place, "trigger", message, help));
            found.extend(reading_of_malformed(text).map(|warning| compat(&warning.to_string())));
        }
        Ok(trigger) => {
            found.extend(differences(text, &trigger).iter().map(|warning| compat(&warning.to_string())));
        }
    }
}

fn compat(message: &str) -> MappingFinding {
    MappingFinding {
        is_error: false,
        code: "trigger-compat",
        at: MappingPlace::Trigger { line: 1, column: 1 },
        message: message.to_owned(),
        help: "it is decided as docs/triggers.md says; if the mapping comes from Segment, make sure that this is meant"
            .to_owned(),
    }
}

fn is_known(known: &[Field], name: &str) -> bool {
    known.iter().any(|field| field.name == name)
        || WITHOUT_MEANING.contains(&name)
        || name == SYNC_MODE_FIELD
        || name == ROOT_DIRECTIVE
}

fn unknown(path: &str, name: &str, what: &str, known: &[Field]) -> MappingFinding {
    let names = || known.iter().map(|field| field.name);
    let help = match nearest(name, names()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("it has {}", names().collect::<Vec<_>>().join(", ")),
    };
    error_at(MappingPlace::Key(path.to_owned()), "mapping-field", format!("{what} has no field `{name}`"), help)
}

/// What is spelt out of an object with fields: each must be there where it has to be, and hold what it can.
fn members(known: &[Field], given: &Map<String, Value>, above: &str, found: &mut Vec<MappingFinding>) {
    for field in known {
        let path = format!("{above}/{}", field.name);
        match given.get(field.name).filter(|value| !value.is_null()) {
            Some(value) => spelt_out(field, value, &path, found),
            None if field.required => {
                let place = if above.is_empty() && !given.contains_key(field.name) {
                    MappingPlace::Mapping
                } else {
                    MappingPlace::Key(path.clone())
                };
                let message = format!("the field `{}` is required", dotted(&path));
                found.push(error_at(place, "mapping-field", message, "map it, or give it a fixed value".to_owned()));
            }
            None => {}
        }
    }
}

fn spelt_out(field: &Field, value: &Value, path: &str, found: &mut Vec<MappingFinding>) {
    let is_directive = value.is_object() && plain(value).is_none();
    if is_directive {
        return;
    }
    let unknown_in = |fields: &[Field], object: &Map<String, Value>, path: &str, found: &mut Vec<MappingFinding>| {
        for name in object.keys().filter(|name| !fields.iter().any(|field| field.name == name.as_str())) {
            found.push(unknown(&format!("{path}/{name}"), name, &dotted(path), fields));
        }
    };
    match (field.holds, value) {
        (Holds::Any | Holds::Free, _) if value.is_object() || matches!(field.holds, Holds::Any) => {}
        (Holds::Object(fields), Value::Object(object)) => {
            unknown_in(fields, object, path, found);
            members(fields, object, path, found);
        }
        (Holds::List(fields), Value::Array(items)) => {
            for (index, item) in items.iter().enumerate() {
                let path = format!("{path}/{index}");
                match plain(item) {
                    Some(object) => {
                        unknown_in(fields, object, &path, found);
                        members(fields, object, &path, found);
                    }
                    None if item.is_object() || item.is_null() => {}
                    None => found.push(refused(&path, format!("`{}` must be an object", dotted(&path)))),
                }
            }
        }
        (holds, value) => match read(holds, value, &dotted(path)) {
            Err(refusals) => refusals.into_iter().for_each(|refusal| found.push(refused(path, refusal.message))),
            Ok(None) if field.required => found.push(refused(path, format!("`{}` must not be empty", dotted(path)))),
            Ok(_) => {}
        },
    }
}

/// What is spelt out and can be known to fail for every event.
fn special(spec: &MappingSpec, filled: &Map<String, Value>, found: &mut Vec<MappingFinding>) {
    let mut label = |path: String, value: Option<&Value>| {
        if let Some(label) = value.and_then(Value::as_str).and_then(not_blank)
            && kind(label).is_none()
        {
            found.push(refused(&path, label_refusal(&path, label).message));
        }
    };
    match spec.action {
        Action::UpsertCustomObjectRecord => label("/associationLabel".to_owned(), filled.get("associationLabel")),
        Action::UpsertObject => {
            for list in ["associations", "dissociations"] {
                let items = filled.get(list).and_then(Value::as_array);
                for (index, item) in items.into_iter().flatten().enumerate() {
                    label(format!("/{list}/{index}/association_label"), item.get("association_label"));
                }
            }
            let key = filled.get("object_details").and_then(|details| details.get("id_field_name"));
            if let Ok(mode @ (SyncMode::Upsert | SyncMode::Add)) = sync_mode_of(spec)
                && key.and_then(Value::as_str) == Some(RECORD_ID)
            {
                found.push(refused("/object_details/id_field_name", by_id_refusal(mode).message));
            }
            for field in ["properties", "sensitive_properties"] {
                impossible_names(field, filled, found);
            }
        }
        Action::SendCustomBehavioralEvent => {
            if let Some(name) = filled.get("eventName").and_then(Value::as_str).and_then(not_blank)
                && full_event_name(name, None).is_none()
            {
                found.push(refused("/eventName", event_name_refusal(name, None).message));
            }
        }
        Action::CustomEvent => impossible_names("properties", filled, found),
        Action::UpsertContact | Action::UpsertCompany => {}
    }
}

fn impossible_names(field: &str, filled: &Map<String, Value>, found: &mut Vec<MappingFinding>) {
    for name in filled.get(field).and_then(plain).into_iter().flat_map(Map::keys) {
        if super::names::property_name(name).is_none() {
            found.push(MappingFinding {
                at: MappingPlace::Key(format!("/{field}/{name}")),
                ..refused("", name_refusal(field, name).message)
            });
        }
    }
}

/// The names of a path with dots, as messages about events have them.
fn dotted(path: &str) -> String {
    path.trim_start_matches('/').replace('/', ".")
}

fn refused(path: &str, message: String) -> MappingFinding {
    let help = "docs/actions.md tells what each field takes".to_owned();
    error_at(MappingPlace::Value(path.to_owned()), "mapping-field", message, help)
}

fn error_at(at: MappingPlace, code: &'static str, message: String, help: String) -> MappingFinding {
    MappingFinding { is_error: true, code, at, message, help }
}
