//! Which mappings are valid, before anything is resolved: the shape of every directive, each problem with its path.
//!
//! Owns the original's checks with their gaps: items of a list and members within `@literal` and `@excludeWhenNull` are
//! not looked at, so what is wrong there fails when it is resolved.

use serde_json::{Map, Value};

use super::error::Problem;
use super::js::{length, type_name};

/// The longest pattern and the longest replacement of `@replace`, in UTF-16 units.
pub(super) const REPLACE_LENGTH_MAX: usize = 10;

/// How the original throws problems: one by itself, or a collection.
#[derive(Debug)]
pub(super) enum Thrown {
    One(Problem),
    Many(Vec<Problem>),
}

type Checked = Result<(), Thrown>;

/// A place in a mapping, as the way that leads there.
#[derive(Clone, Copy)]
struct Place<'a> {
    above: Option<&'a Place<'a>>,
    name: &'a str,
}

type At<'a> = Option<&'a Place<'a>>;

fn below<'a>(at: At<'a>, name: &'a str) -> Place<'a> {
    Place { above: at, name }
}

fn wrong(at: At<'_>, message: String) -> Checked {
    let mut names = Vec::new();
    let mut next = at;
    while let Some(place) = next {
        names.push(place.name);
        next = place.above;
    }
    names.reverse();
    Err(Thrown::One(Problem { path: format!("/{}", names.join("/")), message }))
}

fn not_a(wanted: &str, value: Option<&Value>, at: At<'_>) -> Checked {
    let kind = kind(value);
    let article = if kind.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    wrong(at, format!("should be {wanted} but it is {article} {kind}"))
}

/// Runs every check and throws what they threw as one collection.
fn collect(checks: impl Iterator<Item = Checked>) -> Checked {
    let mut problems = Vec::new();
    for check in checks {
        match check {
            Ok(()) => {}
            Err(Thrown::One(problem)) => problems.push(problem),
            Err(Thrown::Many(more)) => problems.extend(more),
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(Thrown::Many(problems)) }
}

/// The type's name; `directive` for an object with a name that begins with `@`.
fn kind(value: Option<&Value>) -> &'static str {
    match value {
        None => "undefined",
        Some(Value::Object(members)) if members.keys().any(|name| name.starts_with('@')) => "directive",
        Some(value) => type_name(value),
    }
}

/// Checks a whole mapping.
pub(super) fn validate(mapping: &Map<String, Value>) -> Checked {
    if mapping.keys().any(|name| name.starts_with('@')) {
        return directive(mapping, None);
    }
    members(mapping, None)
}

fn any(value: &Value, at: At<'_>) -> Checked {
    match value {
        Value::Object(object) if kind(Some(value)) == "directive" => directive(object, at),
        Value::Object(object) => members(object, at),
        _ => Ok(()),
    }
}

fn members(object: &Map<String, Value>, at: At<'_>) -> Checked {
    collect(object.iter().map(|(name, value)| any(value, Some(&below(at, name)))))
}

fn directive(object: &Map<String, Value>, at: At<'_>) -> Checked {
    let mut directives = object.iter().filter(|(name, _)| name.starts_with('@'));
    let Some((name, argument)) = directives.next() else { return Ok(()) };
    let more = directives.count();
    if more > 0 {
        return wrong(at, format!("should only have one @-prefixed key but it has {} keys", more + 1));
    }
    if object.keys().any(|other| other != name && other != "_metadata") {
        return wrong(at, format!("should only have one @-prefixed key but it has {} keys", object.len()));
    }
    let place = below(at, name);
    argument_of(name, argument, Some(&place)).unwrap_or_else(|| wrong(at, format!("has an invalid directive: {name}")))
}

/// Checks a directive's argument; None if there is no such directive.
fn argument_of(name: &str, argument: &Value, at: At<'_>) -> Option<Checked> {
    use Field::{Flag, ObjectOrDirective, OneOf, Raw, Text, TextOfLength, TextOrDirective};
    Some(match name {
        "@path" | "@template" => text_or_directive(Some(argument), at),
        "@literal" | "@excludeWhenNull" => match kind(Some(argument)) {
            "directive" => any(argument, at),
            _ => Ok(()),
        },
        "@liquid" => text(Some(argument), at),
        "@arrayPath" => array_path(argument, at),
        "@merge" => merge(argument, at),
        "@if" => fields(argument, &[("exists", false, Raw), ("then", false, Raw), ("else", false, Raw)], at),
        "@case" => fields(argument, &[("operator", false, Text), ("value", false, TextOrDirective)], at),
        "@replace" => fields(
            argument,
            &[
                ("pattern", true, TextOfLength(1)),
                ("replacement", false, TextOfLength(0)),
                ("value", true, TextOrDirective),
                ("ignorecase", false, Flag),
                ("global", false, Flag),
            ],
            at,
        ),
        "@json" => fields(argument, &[("value", true, Raw), ("mode", true, OneOf(&["encode", "decode"]))], at),
        "@flatten" => fields(argument, &[("separator", false, Text), ("value", true, Raw)], at),
        "@transform" => {
            fields(argument, &[("apply", true, ObjectOrDirective), ("mapping", true, ObjectOrDirective)], at)
        }
        _ => return None,
    })
}

/// What a field of an argument must be. Directives and objects in it have been checked by then.
#[derive(Clone, Copy)]
enum Field {
    Raw,
    Text,
    /// A text of so many UTF-16 units at least, and [`REPLACE_LENGTH_MAX`] at most.
    TextOfLength(usize),
    OneOf(&'static [&'static str]),
    TextOrDirective,
    ObjectOrDirective,
    Flag,
    List,
}

/// An object, whatever is in it, and then what its known fields must be; the flag tells which must be there.
fn fields(argument: &Value, known: &[(&str, bool, Field)], at: At<'_>) -> Checked {
    let Value::Object(object) = argument else { return not_a("an object", Some(argument), at) };
    if kind(Some(argument)) == "directive" {
        return not_a("an object", Some(argument), at);
    }
    members(object, at)?;
    collect(known.iter().map(|(name, required, field)| match object.get(*name) {
        Some(value) => field_of(*field, value, Some(&below(at, name))),
        None if *required => wrong(at, format!("should have field \"{name}\" but it doesn't")),
        None => Ok(()),
    }))
}

fn field_of(field: Field, value: &Value, at: At<'_>) -> Checked {
    match (field, kind(Some(value))) {
        (Field::Raw, _)
        | (Field::Text | Field::TextOrDirective, "string")
        | (Field::TextOrDirective | Field::ObjectOrDirective, "directive")
        | (Field::ObjectOrDirective, "object")
        | (Field::Flag, "boolean")
        | (Field::List, "array") => Ok(()),
        (Field::Text | Field::TextOfLength(_) | Field::OneOf(_), _) => {
            text(Some(value), at)?;
            limited(field, value.as_str().unwrap_or_default(), at)
        }
        (Field::TextOrDirective, _) => not_a("a string or a mapping directive", Some(value), at),
        (Field::ObjectOrDirective, _) => not_a("a object or a mapping directive", Some(value), at),
        (Field::Flag, _) => not_a("a boolean", Some(value), at),
        (Field::List, _) => not_a("an array", Some(value), at),
    }
}

fn limited(field: Field, given: &str, at: At<'_>) -> Checked {
    match field {
        Field::TextOfLength(min) if length(given) < min => {
            wrong(at, format!("should be a string of length {min} or greater"))
        }
        Field::TextOfLength(_) if length(given) > REPLACE_LENGTH_MAX => {
            wrong(at, format!("should be a string of length {REPLACE_LENGTH_MAX} or less"))
        }
        Field::OneOf(allowed) if !allowed.contains(&given.to_lowercase().as_str()) => {
            let quoted = Value::from(given);
            wrong(at, format!("should be one of {} but it is {quoted}", allowed.join(", ")))
        }
        _ => Ok(()),
    }
}

fn text(value: Option<&Value>, at: At<'_>) -> Checked {
    match value {
        Some(Value::String(_)) => Ok(()),
        value => not_a("a string", value, at),
    }
}

fn text_or_directive(value: Option<&Value>, at: At<'_>) -> Checked {
    match value {
        Some(Value::String(_)) => Ok(()),
        Some(value) if kind(Some(value)) == "directive" => any(value, at),
        value => not_a("a string or a mapping directive", value, at),
    }
}

fn array_path(argument: &Value, at: At<'_>) -> Checked {
    let Value::Array(items) = argument else { return not_a("an array", Some(argument), at) };
    text_or_directive(items.first(), at)?;
    items.get(1).map_or(Ok(()), |shape| any(shape, at))
}

/// The members' problems have no path in the original.
fn merge(argument: &Value, at: At<'_>) -> Checked {
    let direction = Field::OneOf(&["left", "right"]);
    fields(argument, &[("direction", false, direction), ("objects", true, Field::List)], at)?;
    let objects = argument.get("objects").and_then(Value::as_array);
    for object in objects.into_iter().flatten() {
        match kind(Some(object)) {
            "directive" | "object" => any(object, None)?,
            _ => not_a("a object or a mapping directive", Some(object), None)?,
        }
    }
    Ok(())
}
