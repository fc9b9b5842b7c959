//! Owns the operations on lists themselves: create, read, rename, filters, delete and restore, conversion, legacy ids
//! (api.md 8.1). Members are `list_memberships`' matter, finding lists by words and types `list_search`'s.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::account::Account;
use crate::answers::{Refusal, Reply};
use crate::call::Call;
use crate::clock::iso;
use crate::input;
use crate::list_filters;
use crate::lists::{Conversion, List, MembershipSettings, NewList, Permissions, Processing, type_by_id};

/// Most legacy ids in one request `[SPEC]`.
const MOST_LEGACY_IDS: usize = 10_000;
/// Whoever made it; the sandbox knows no users behind private apps.
const USER_ID: &str = "100";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Create {
    name: String,
    object_type_id: String,
    processing_type: String,
    filter_branch: Option<Value>,
    #[serde(default)]
    list_permissions: Permissions,
    #[serde(default)]
    membership_settings: MembershipSettings,
    #[serde(default)]
    custom_properties: std::collections::BTreeMap<String, String>,
    list_folder_id: Option<i64>,
}

/// What create, read and update of one list answer with.
pub(crate) fn shown(account: &Account, list: &List, filters: bool) -> Value {
    let mut shown = common(account, list);
    shown.insert("size".to_owned(), json!(list.members.roll().len()));
    shown.insert("listPermissions".to_owned(), json!(list.permissions));
    shown.insert("membershipSettings".to_owned(), json!(list.membership_settings));
    if let Some(branch) = list.filter_branch.as_ref().filter(|_| filters) {
        shown.insert("filterBranch".to_owned(), branch.clone());
    }
    Value::Object(shown)
}

/// What an answer about a list and a hit of a search share.
pub(crate) fn common(account: &Account, list: &List) -> Map<String, Value> {
    let mut shown = Map::new();
    let mut put = |key: &str, value: Value| shown.insert(key.to_owned(), value);
    put("listId", json!(list.id.to_string()));
    put("listVersion", json!(list.version));
    put("name", json!(list.name));
    put("objectTypeId", json!(account.types[list.type_at].id));
    put("processingType", json!(list.processing.word()));
    put("processingStatus", json!("COMPLETE"));
    put("createdAt", json!(iso(list.created_ms)));
    put("updatedAt", json!(iso(list.updated_ms)));
    put("filtersUpdatedAt", json!(iso(list.filters_updated_ms)));
    put("createdById", json!(USER_ID));
    put("updatedById", json!(USER_ID));
    if let Some(at) = list.deleted_ms {
        put("deletedAt", json!(iso(at)));
    }
    shown
}

pub(crate) fn no_such_list(id: &str) -> Refusal {
    Refusal::new(404, "OBJECT_NOT_FOUND", format!("List does not exist with ID {id}."))
        .sub_category("ILS.LIST_NOT_FOUND")
        .context("listId", vec![id.to_owned()])
}

pub(crate) fn find<'a>(account: &'a Account, id: &str) -> Result<&'a List, Refusal> {
    id.parse().ok().and_then(|id| account.lists.get(id)).ok_or_else(|| no_such_list(id))
}

pub(crate) fn find_mut<'a>(account: &'a mut Account, id: &str) -> Result<&'a mut List, Refusal> {
    id.parse().ok().and_then(|id| account.lists.get_mut(id)).ok_or_else(|| no_such_list(id))
}

/// A name is taken by any list of the account, whatever its type and in any case of letters: it can be read by its name in
/// any case `[SPEC]`. The subcategory is known from clients that look for it; the text is ours.
fn free_name(account: &Account, name: &str, own: Option<u64>) -> Result<(), Refusal> {
    if name.trim().is_empty() {
        return Err(Refusal::validation("The list must have a name"));
    }
    if account.lists.named(name).is_some_and(|other| Some(other.id) != own) {
        return Err(Refusal::validation(format!("A list named '{name}' already exists."))
            .sub_category("ILS.DUPLICATE_LIST_NAMES")
            .context("name", vec![name.to_owned()]));
    }
    Ok(())
}

pub(crate) fn create(call: &Call<'_>) -> Result<Reply, Refusal> {
    let wanted: Create = input::parse(call.body)?;
    let processing = Processing::named(&wanted.processing_type).ok_or_else(|| {
        let word = &wanted.processing_type;
        Refusal::validation(format!("processingType {word:?} is none of MANUAL, DYNAMIC, SNAPSHOT"))
    })?;
    let filter_branch = match (processing, wanted.filter_branch) {
        (Processing::Manual, None) => None,
        (Processing::Manual, Some(_)) => {
            return Err(Refusal::validation("A list with the processingType MANUAL takes no filterBranch"));
        }
        (_, Some(branch)) => Some(list_filters::checked(branch)?),
        (_, None) => {
            let word = processing.word();
            return Err(Refusal::validation(format!("A list with the processingType {word} needs a filterBranch")));
        }
    };
    if wanted.list_folder_id.is_some_and(|id| id != 0) {
        return Err(Refusal::validation("The folder of listFolderId does not exist"));
    }
    let mut account = call.account();
    let type_at = type_by_id(&account, &wanted.object_type_id).ok_or_else(|| {
        let id = &wanted.object_type_id;
        Refusal::validation(format!("The objectTypeId {id} provided for the list is not valid for this portal."))
            .sub_category("ListError.INVALID_OBJECT_TYPE_FOR_LIST")
    })?;
    free_name(&account, &wanted.name, None)?;
    let new = NewList { name: wanted.name, type_at, processing, filter_branch };
    let list = account.lists.create(None, new, call.now_ms);
    list.permissions = wanted.list_permissions;
    list.membership_settings = wanted.membership_settings;
    list.custom_properties = wanted.custom_properties;
    let id = list.id;
    Ok(Reply::of(200, &json!({ "list": shown(&account, &account.lists.all[&id], true) })))
}

pub(crate) fn read(call: &Call<'_>) -> Result<Reply, Refusal> {
    let account = call.account();
    let id = call.param(0);
    let deleted = || id.parse().ok().and_then(|id: u64| account.lists.all.get(&id));
    let list = match find(&account, id) {
        Err(_) if account.settings.deleted_lists_readable => deleted().ok_or_else(|| no_such_list(id))?,
        found => found?,
    };
    Ok(Reply::of(200, &json!({ "list": shown(&account, list, call.flag("includeFilters")) })))
}

/// Those of the named lists that exist.
pub(crate) fn several(call: &Call<'_>) -> Result<Reply, Refusal> {
    let account = call.account();
    let filters = call.flag("includeFilters");
    let ids = call.list("listIds").unwrap_or_default();
    let lists: Vec<Value> =
        ids.into_iter().filter_map(|id| find(&account, id).ok()).map(|list| shown(&account, list, filters)).collect();
    Ok(Reply::of(200, &json!({ "lists": lists })))
}

/// In any case of letters `[SPEC]`.
pub(crate) fn by_name(call: &Call<'_>) -> Result<Reply, Refusal> {
    let account = call.account();
    let (type_id, name) = (call.param(0), call.param(1));
    let found = account.lists.named(name).filter(|list| account.types[list.type_at].id == type_id);
    let list = found.ok_or_else(|| {
        let message = format!("List does not exist with name {name} and object type ID {type_id}.");
        Refusal::new(404, "OBJECT_NOT_FOUND", message).sub_category("ILS.LIST_NOT_FOUND")
    })?;
    Ok(Reply::of(200, &json!({ "list": shown(&account, list, call.flag("includeFilters")) })))
}

pub(crate) fn rename(call: &Call<'_>) -> Result<Reply, Refusal> {
    let mut account = call.account();
    let own = find(&account, call.param(0))?.id;
    let name = call.query("listName").unwrap_or_default();
    free_name(&account, name, Some(own))?;
    let list = find_mut(&mut account, call.param(0))?;
    name.clone_into(&mut list.name);
    list.changed(call.now_ms);
    let list = &account.lists.all[&own];
    Ok(Reply::of(200, &json!({ "updatedList": shown(&account, list, call.flag("includeFilters")) })))
}

/// The members stay as they are: filters are not evaluated here.
pub(crate) fn refilter(call: &Call<'_>) -> Result<Reply, Refusal> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Wanted {
        filter_branch: Value,
    }
    let wanted: Wanted = input::parse(call.body)?;
    let branch = list_filters::checked(wanted.filter_branch)?;
    let mut account = call.account();
    let list = find_mut(&mut account, call.param(0))?;
    if list.processing != Processing::Dynamic {
        let word = list.processing.word();
        return Err(Refusal::validation(format!("The filters of a list with the processingType {word} cannot change")));
    }
    list.filter_branch = Some(branch);
    list.filters_updated_ms = call.now_ms;
    list.changed(call.now_ms);
    let id = list.id;
    Ok(Reply::of(200, &json!({ "updatedList": shown(&account, &account.lists.all[&id], true) })))
}

pub(crate) fn delete(call: &Call<'_>) -> Result<Reply, Refusal> {
    let mut account = call.account();
    find_mut(&mut account, call.param(0))?.deleted_ms = Some(call.now_ms);
    Ok(Reply::empty(204))
}

/// With the members it had, those aside whose records went meanwhile. One that is not deleted stays as it is.
pub(crate) fn restore(call: &Call<'_>) -> Result<Reply, Refusal> {
    let mut account = call.account();
    let id: u64 = call.param(0).parse().map_err(|_| no_such_list(call.param(0)))?;
    if account.lists.get(id).is_some() {
        return Ok(Reply::empty(204));
    }
    let name = account.lists.restorable(id, call.now_ms).map(|list| list.name.clone());
    free_name(&account, &name.ok_or_else(|| no_such_list(call.param(0)))?, Some(id))?;
    if let Some(list) = account.lists.restorable(id, call.now_ms) {
        list.deleted_ms = None;
        list.changed(call.now_ms);
    }
    Ok(Reply::empty(204))
}

fn no_conversion(list: &List) -> Refusal {
    Refusal::new(404, "OBJECT_NOT_FOUND", format!("List {} has no scheduled conversion.", list.id))
}

fn conversion_shown(list: &List) -> Result<Reply, Refusal> {
    let mut shown = json!({ "listId": list.id.to_string() });
    let conversion = list.conversion.ok_or_else(|| no_conversion(list))?;
    shown["requestedConversionTime"] = json!(conversion);
    if let Some(at) = list.converted_ms {
        shown["convertedAt"] = json!(iso(at));
    }
    Ok(Reply::of(200, &shown))
}

/// What is scheduled, or when it was done.
pub(crate) fn conversion_read(call: &Call<'_>) -> Result<Reply, Refusal> {
    conversion_shown(find(&call.account(), call.param(0))?)
}

pub(crate) fn conversion_set(call: &Call<'_>) -> Result<Reply, Refusal> {
    let wanted: Conversion = input::parse(call.body)?;
    let mut account = call.account();
    let list = find_mut(&mut account, call.param(0))?;
    if list.processing != Processing::Dynamic {
        return Err(Refusal::validation("Only a list with the processingType DYNAMIC can be converted"));
    }
    let before = list.conversion.replace(wanted);
    if list.conversion_due_ms().is_none_or(|due| due <= call.now_ms) {
        list.conversion = before;
        return Err(Refusal::validation("The time of the conversion is not in the future"));
    }
    conversion_shown(list)
}

pub(crate) fn conversion_cancel(call: &Call<'_>) -> Result<Reply, Refusal> {
    let mut account = call.account();
    let list = find_mut(&mut account, call.param(0))?;
    if list.conversion.is_none() || list.converted_ms.is_some() {
        return Err(no_conversion(list));
    }
    list.conversion = None;
    Ok(Reply::empty(204))
}

fn of_legacy(account: &Account, legacy: &str) -> Option<Value> {
    let id: u64 = legacy.parse().ok()?;
    let list = account.lists.live().find(|list| list.legacy_id == Some(id))?;
    Some(json!({ "legacyListId": legacy, "listId": list.id.to_string() }))
}

pub(crate) fn legacy_one(call: &Call<'_>) -> Result<Reply, Refusal> {
    let legacy = call.query("legacyListId").unwrap_or_default();
    let found = of_legacy(&call.account(), legacy).ok_or_else(|| {
        Refusal::new(404, "OBJECT_NOT_FOUND", format!("List does not exist with legacy ID {legacy}."))
    })?;
    Ok(Reply::of(200, &found))
}

pub(crate) fn legacy_batch(call: &Call<'_>) -> Result<Reply, Refusal> {
    let wanted: Vec<input::Text<'_>> = input::parse(call.body)?;
    input::at_most(wanted.len(), MOST_LEGACY_IDS)?;
    let account = call.account();
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for legacy in &wanted {
        match of_legacy(&account, legacy.as_str()) {
            Some(mapping) => found.push(mapping),
            None => missing.push(legacy.as_str()),
        }
    }
    Ok(Reply::of(200, &json!({ "legacyListIdsToIdsMapping": found, "missingLegacyListIds": missing })))
}
