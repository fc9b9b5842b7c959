//! Owns the groups that properties are shown in, and their API (api.md 5.1).

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::answers::{Refusal, Reply};
use crate::call::Call;
use crate::input;

/// A group that properties are shown in.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Group {
    pub(crate) name: String,
    label: String,
    #[serde(default)]
    display_order: i64,
    #[serde(default)]
    pub(crate) archived: bool,
}

impl Group {
    pub(crate) fn named(name: &str) -> Group {
        Group { name: name.to_owned(), label: name.to_owned(), display_order: -1, archived: false }
    }
}

pub(crate) fn list(call: &Call<'_>) -> Result<Reply, Refusal> {
    let account = call.account();
    let object_type = &account.types[account.resolve(call.param(0))?];
    let results: Vec<&Group> = object_type.groups.values().filter(|group| !group.archived).collect();
    Ok(Reply::of(200, &json!({ "results": results })))
}

pub(crate) fn create(call: &Call<'_>) -> Result<Reply, Refusal> {
    let mut wanted: Group = input::parse(call.body)?;
    wanted.archived = false;
    let mut account = call.account();
    let type_at = account.resolve(call.param(0))?;
    let groups = &mut account.types[type_at].groups;
    if groups.get(&wanted.name).is_some_and(|group| !group.archived) {
        return Err(Refusal::new(
            409,
            "OBJECT_ALREADY_EXISTS",
            format!("A property group named '{}' already exists.", wanted.name),
        ));
    }
    groups.insert(wanted.name.clone(), wanted.clone());
    Ok(Reply::of(201, &wanted))
}

fn missing(name: &str) -> Refusal {
    Refusal::new(404, "OBJECT_NOT_FOUND", format!("Property group \"{name}\" does not exist"))
}

pub(crate) fn read(call: &Call<'_>) -> Result<Reply, Refusal> {
    let account = call.account();
    let object_type = &account.types[account.resolve(call.param(0))?];
    let group = object_type.groups.get(call.param(1)).filter(|group| !group.archived);
    Ok(Reply::of(200, group.ok_or_else(|| missing(call.param(1)))?))
}

pub(crate) fn update(call: &Call<'_>) -> Result<Reply, Refusal> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Patch {
        label: Option<String>,
        display_order: Option<i64>,
    }
    let patch: Patch = input::parse(call.body)?;
    let mut account = call.account();
    let type_at = account.resolve(call.param(0))?;
    let group = account.types[type_at].groups.get_mut(call.param(1)).filter(|group| !group.archived);
    let group = group.ok_or_else(|| missing(call.param(1)))?;
    if let Some(label) = patch.label {
        group.label = label;
    }
    group.display_order = patch.display_order.unwrap_or(group.display_order);
    Ok(Reply::of(200, group))
}

pub(crate) fn archive(call: &Call<'_>) -> Result<Reply, Refusal> {
    let mut account = call.account();
    let type_at = account.resolve(call.param(0))?;
    let object_type = &mut account.types[type_at];
    let name = call.param(1);
    if object_type.properties.iter().any(|property| property.group_name == name && property.archived_at_ms.is_none()) {
        // an error's JSON is nested inside the message `[LIVE-KALUP]`
        let sub_category = "PropertyGroupError.GROUP_WITH_ACTIVE_PROPERTIES";
        let nested = json!({ "status": "error", "subCategory": sub_category,
            "message": format!("Property group {name} has active properties") });
        return Err(Refusal::validation(nested.to_string()).sub_category(sub_category));
    }
    let group = object_type.groups.get_mut(name).filter(|group| !group.archived).ok_or_else(|| missing(name))?;
    group.archived = true;
    Ok(Reply::empty(204))
}
