//! Owns the property validations API: reading an admin's rules and setting one (api.md 5.5).

use serde::Deserialize;
use serde_json::{Value, json};

use crate::account::{Account, TypeAt};
use crate::answers::{Refusal, Reply};
use crate::call::{self, Call};
use crate::input;
use crate::property::Property;
use crate::validations::Rule;

fn find<'a>(account: &'a Account, call: &Call<'_>) -> Result<(TypeAt, &'a Property), Refusal> {
    let type_at = account.resolve(call.param(0))?;
    Ok((type_at, call::property(&account.types[type_at], call.param(1))?))
}

/// Properties with rules, and the rules.
pub(crate) fn list(call: &Call<'_>) -> Result<Reply, Refusal> {
    let account = call.account();
    let object_type = &account.types[account.resolve(call.param(0))?];
    let mut results: Vec<Value> = Vec::new();
    for property in &object_type.properties {
        if !property.validations.is_empty() && property.archived_at_ms.is_none() {
            results.push(json!({ "propertyName": property.name, "propertyValidationRules": property.validations }));
        }
    }
    Ok(Reply::of(200, &json!({ "results": results })))
}

pub(crate) fn of_property(call: &Call<'_>) -> Result<Reply, Refusal> {
    let account = call.account();
    let (_, property) = find(&account, call)?;
    Ok(Reply::of(200, &json!({ "results": property.validations })))
}

pub(crate) fn read(call: &Call<'_>) -> Result<Reply, Refusal> {
    let account = call.account();
    let (_, property) = find(&account, call)?;
    let rule = property.validations.iter().find(|rule| rule.rule_type == call.param(2));
    let missing =
        || Refusal::new(404, "OBJECT_NOT_FOUND", format!("Property {} has no rule {}", property.name, call.param(2)));
    Ok(Reply::of(200, rule.ok_or_else(missing)?))
}

/// Sets one rule; an earlier one of that type is replaced, those of other types stay.
pub(crate) fn set(call: &Call<'_>) -> Result<Reply, Refusal> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Input {
        rule_arguments: Vec<String>,
        #[serde(default)]
        should_apply_normalization: bool,
    }
    let input: Input = input::parse(call.body)?;
    let mut account = call.account();
    let (type_at, property) = find(&account, call)?;
    let mut property = property.clone();
    let rule = Rule::new(&property, call.param(2), input.rule_arguments, input.should_apply_normalization)
        .map_err(Refusal::validation)?;
    property.validations.retain(|other| other.rule_type != rule.rule_type);
    property.validations.push(rule);
    account.types[type_at].put_property(property);
    Ok(Reply::empty(204))
}
