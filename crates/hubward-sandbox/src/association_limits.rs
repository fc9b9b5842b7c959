//! Owns the calls around how many associations a record may have: an admin's limits by type, and the report of records near
//! the ceilings (api.md 7.1).

use serde::Deserialize;
use serde_json::{Value, json};

use crate::account::{Account, TypeAt};
use crate::answers::{Refusal, Reply};
use crate::association_create::may_edit;
use crate::association_types::{Definition, Kind, between, find};
use crate::batch;
use crate::call::Call;
use crate::cardinality::Limit;
use crate::input::{self, Batch, Text};

/// No source says how many; every other batch of this API takes more.
const MOST_INPUTS: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LimitInput<'a> {
    #[serde(borrow)]
    category: Text<'a>,
    type_id: u32,
    #[serde(default)]
    max_to_object_ids: Option<u32>,
}

/// The table's key of a type: the unlabelled default stands for every association of the pair.
fn key(definition: &Definition) -> Option<Kind> {
    definition.label.is_some().then_some(definition.kind)
}

fn shown(account: &Account, from: TypeAt, to: TypeAt, limit: &Limit) -> Value {
    let definitions = between(account, from, to);
    let label = definitions.iter().find(|one| one.kind == limit.kind).and_then(|one| one.label.as_deref());
    let mut shown = json!({
        "category": limit.kind.category(),
        "typeId": limit.kind.id,
        "userEnforcedMaxToObjectIds": limit.most,
    });
    if let Some(label) = label {
        shown["label"] = json!(label);
    }
    shown
}

fn collect(account: &Account, wanted: impl Fn(TypeAt, TypeAt) -> bool) -> Reply {
    let mut results = Vec::new();
    for ((from, to, _), limit) in &account.cardinality.limits {
        if wanted(*from, *to) {
            results.push(shown(account, *from, *to, limit));
        }
    }
    Reply::of(200, &json!({ "results": results }))
}

pub(crate) fn all(call: &Call<'_>) -> Result<Reply, Refusal> {
    Ok(collect(&call.account(), |_, _| true))
}

pub(crate) fn of_pair(call: &Call<'_>) -> Result<Reply, Refusal> {
    let account = call.account();
    let pair = (account.resolve(call.param(0))?, account.resolve(call.param(1))?);
    Ok(collect(&account, |from, to| (from, to) == pair))
}

pub(crate) fn create(call: &Call<'_>) -> Result<Reply, Refusal> {
    write(call, false)
}

pub(crate) fn update(call: &Call<'_>) -> Result<Reply, Refusal> {
    write(call, true)
}

/// One made must be new and one updated be there; HubSpot does not say, and this is the reading that hides nothing.
fn write(call: &Call<'_>, exists: bool) -> Result<Reply, Refusal> {
    let wanted: Batch<LimitInput<'_>> = input::parse(call.body)?;
    input::at_most(wanted.inputs.len(), MOST_INPUTS)?;
    may_edit(call)?;
    let mut account = call.account();
    let (from, to) = (account.resolve(call.param(0))?, account.resolve(call.param(1))?);
    let definitions = between(&account, from, to);
    let (mut results, mut errors) = (Vec::new(), Vec::new());
    for input in &wanted.inputs {
        match judge(&account, from, to, &definitions, input, exists) {
            Ok((key, limit)) => {
                account.cardinality.limits.insert((from, to, key), limit);
                let mut entry = shown(&account, from, to, &limit);
                if let (true, Some(entry)) = (exists, entry.as_object_mut()) {
                    entry.remove("label");
                }
                results.push(entry);
            }
            Err(error) => errors.push(error),
        }
    }
    let mut out = batch::begin(results.len() * 100 + 200);
    for (at, entry) in results.iter().enumerate() {
        crate::answers::comma(&mut out, at);
        out.extend_from_slice(entry.to_string().as_bytes());
    }
    batch::end(&mut out, &errors, call.now_ms);
    let status = match (errors.is_empty(), exists) {
        (false, _) => 207,
        (true, false) => 201,
        (true, true) => 200,
    };
    Ok(Reply::json(status, out))
}

fn judge(
    account: &Account,
    from: TypeAt,
    to: TypeAt,
    definitions: &[Definition],
    input: &LimitInput<'_>,
    exists: bool,
) -> Result<(Option<Kind>, Limit), Refusal> {
    let definition = find(account, from, definitions, input.category.as_str(), input.type_id)?;
    let Some(most) = input.max_to_object_ids.filter(|most| *most >= 1) else {
        return Err(Refusal::validation("maxToObjectIds must be at least 1"));
    };
    let key = key(definition);
    if account.cardinality.limits.contains_key(&(from, to, key)) != exists {
        let word = if exists { "no" } else { "a" };
        let message = format!("There is {word} limit of type {}={}", input.category.as_str(), input.type_id);
        return Err(Refusal::validation(message));
    }
    Ok((key, Limit { kind: definition.kind, most }))
}

/// 204 on v4, 200 with a batch body on dated paths `[SPEC]`. Limits that are not there are passed over.
pub(crate) fn purge(call: &Call<'_>) -> Result<Reply, Refusal> {
    let wanted: Batch<LimitInput<'_>> = input::parse(call.body)?;
    input::at_most(wanted.inputs.len(), MOST_INPUTS)?;
    may_edit(call)?;
    let mut account = call.account();
    let (from, to) = (account.resolve(call.param(0))?, account.resolve(call.param(1))?);
    let definitions = between(&account, from, to);
    for input in &wanted.inputs {
        let definition = find(&account, from, &definitions, input.category.as_str(), input.type_id)?;
        account.cardinality.limits.remove(&(from, to, key(definition)));
    }
    if !call.version().is_dated() {
        return Ok(Reply::empty(204));
    }
    let mut out = batch::begin(120);
    batch::end(&mut out, &[], call.now_ms);
    Ok(Reply::json(200, out))
}

/// The report itself goes to the user by e-mail; here only its request is answered, for an owner with that user id.
pub(crate) fn high_usage(call: &Call<'_>) -> Result<Reply, Refusal> {
    let account = call.account();
    let user: u64 = call.param(0).parse().map_err(|_| Refusal::not_found())?;
    let owner = account.owners.values().find(|owner| owner.active_user_id() == user).ok_or_else(Refusal::not_found)?;
    let enqueued = json!({ "dateOnly": false, "timeZoneShift": 0, "value": call.now_ms });
    Ok(Reply::of(200, &json!({ "userId": user, "userEmail": owner.email, "enqueueTime": enqueued })))
}
