//! Owns what must have a value in a write: HubSpot's own minimum, the schema's, and an admin's rules (api.md 3.4 and 3.8).

use crate::account::ObjectType;
use crate::answers::{Detail, Refusal};
use crate::record::Record;
use crate::rules::When;
use crate::write::{Change, Flaw, Writing};

/// What must have a value: HubSpot's own minimum, the schema's, and an admin's rules (api.md 3.4 and 3.8).
pub(crate) fn check(
    object_type: &ObjectType,
    writing: &Writing,
    record: Option<&Record>,
    changes: &[Change<'_>],
) -> Result<(), Flaw> {
    let after = |name: &str| -> Option<&str> {
        let at = object_type.defined(name)?;
        match changes.iter().find(|change| change.at == at) {
            Some(change) => change.value.as_deref(),
            None => record.and_then(|record| record.get(at)),
        }
    };
    let schema_requires: &[String] = object_type.schema.as_ref().map_or(&[], |schema| &schema.required_properties);
    if record.is_none() {
        minimum(object_type, schema_requires, &after).map_err(Flaw::Refused)?;
    }
    let cleared: Vec<String> = changes
        .iter()
        .filter(|change| change.value.is_none())
        .map(|change| &object_type.property(change.at).name)
        .filter(|name| {
            let by_rule =
                object_type.rules.iter().any(|rule| rule.property == **name && matches!(rule.when, When::Required));
            by_rule || schema_requires.contains(name)
        })
        .cloned()
        .collect();
    if let (false, Some(id)) = (cleared.is_empty(), writing.existing) {
        let message = format!(
            "Cannot update object with type: {}, id: {id} as required properties cannot be empty, and the following properties were cleared: [{}]",
            object_type.shouted(),
            cleared.join(", ")
        );
        return Err(Flaw::Refused(Refusal::validation(message).context("properties", cleared)));
    }
    if !writing.version.enforces() {
        return Ok(());
    }
    let mut details = Vec::new();
    let mut missing = |name: &str, code: &'static str, message: String| {
        details.push(Detail { message, code: Some(code), context: vec![("propertyName", vec![name.to_owned()])] });
    };
    for rule in &object_type.rules {
        let name = &rule.property;
        if after(name).is_some() {
            continue;
        }
        match &rule.when {
            When::RequiredOnCreate | When::Required if record.is_none() => {
                missing(name, "MISSING_REQUIRED_PROPERTY", format!("A value for {name} must be provided"));
            }
            When::ConditionalRequired { when } => {
                let holds = after(&when.property)
                    .is_some_and(|value| when.values.is_empty() || when.values.iter().any(|one| one == value));
                if holds {
                    let message = format!(
                        "{name} is required because of a conditional property rule based on [{}]",
                        when.property
                    );
                    missing(name, "MISSING_CONDITIONAL_REQUIRED_PROPERTY", message);
                }
            }
            When::RequiredOnCreate | When::Required => {}
        }
    }
    if details.is_empty() {
        return Ok(());
    }
    Err(Flaw::Refused(
        Refusal::validation("The property values provided are invalid").with(|body| body.errors = details),
    ))
}

fn minimum<'v>(
    object_type: &ObjectType,
    schema_requires: &[String],
    after: &impl Fn(&str) -> Option<&'v str>,
) -> Result<(), Refusal> {
    let standard = object_type.standard;
    let one_of = standard.map_or(&[][..], |standard| standard.one_of);
    let all_of = standard.map_or(&[][..], |standard| standard.required);
    let kind = object_type.shouted();
    if !one_of.is_empty() && one_of.iter().all(|name| after(name).is_none()) {
        let names: Vec<String> = one_of.iter().map(ToString::to_string).collect();
        let message = format!(
            "Error creating {kind}. At least one of the following properties must be set: [{}]",
            names.join(", ")
        );
        return Err(Refusal::validation(message).context("properties", names));
    }
    let own = all_of.iter().copied().chain(schema_requires.iter().map(String::as_str));
    let missing: Vec<String> = own.filter(|name| after(name).is_none()).map(str::to_owned).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Refusal::validation(format!("Error creating {kind}. Some required properties were not set."))
        .context("properties", missing))
}
