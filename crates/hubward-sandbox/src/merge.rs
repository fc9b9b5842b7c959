//! Owns what ends a record for good: merging two into one, and permanent deletion (api.md 3.10).

use crate::account::{Account, ObjectType, TypeAt, emails};
use crate::answers::{Refusal, Reply};
use crate::call::{Call, select};
use crate::input;
use crate::objects::key_value;
use crate::record::{PropertyAt, Record};
use crate::render::{self, Extras};

/// Most identities that one profile may gather `[DOC-ERR]`.
const MOST_IDENTITIES: usize = 250;

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct MergeInput<'a> {
    #[serde(borrow)]
    primary_object_id: input::Text<'a>,
    #[serde(borrow)]
    object_id_to_merge: input::Text<'a>,
}

/// A merged-away id stands for its survivor.
pub(crate) fn merge(call: &Call<'_>) -> Result<Reply, Refusal> {
    let wanted: MergeInput<'_> = input::parse(call.body)?;
    let mut account = call.account();
    let type_at = account.resolve(call.param(0))?;
    let mut ids = [0_u64; 2];
    for (at, text) in [&wanted.primary_object_id, &wanted.object_id_to_merge].into_iter().enumerate() {
        let id = text.as_str().parse().ok().and_then(|id| account.types[type_at].surviving(id));
        ids[at] = id.filter(|id| account.types[type_at].live(*id).is_some()).ok_or_else(Refusal::not_found)?;
    }
    let [primary, other] = ids;
    if primary == other {
        return Err(Refusal::validation(format!("Cannot merge object {primary} with itself")));
    }
    let object_type = &account.types[type_at];
    let identities = 2 + object_type.records[&primary].merged_ids.len() + object_type.records[&other].merged_ids.len();
    if identities > MOST_IDENTITIES {
        return Err(Refusal::bare(414, format!("A record may hold at most {MOST_IDENTITIES} merged identities")));
    }
    let survivor = combine(&mut account, type_at, primary, other, call.now_ms);
    let selection = select(&account.types[type_at], None);
    let mut out = Vec::new();
    render::record(&mut out, &account, type_at, survivor, &selection, &Extras::default());
    Ok(Reply::json(200, out))
}

/// Makes one record of two. The primary's values win where it has any; a contact's other e-mail becomes a secondary one, a
/// company's other domain an additional one; the lifecycle stage is the further of the two and the creation the older. The
/// survivor gets a new id, what HubSpot did before "primary ID preservation" and the harder case for a caller, unless
/// `merge_keeps_primary_id` is set; every old id resolves to it.
fn combine(account: &mut Account, type_at: TypeAt, primary: u64, other: u64, now_ms: i64) -> u64 {
    let visible = account.visible_at_ms(now_ms);
    let keeps_id = account.settings.merge_keeps_primary_id;
    let survivor = if keeps_id { primary } else { account.new_record_id() };
    let object_type = &mut account.types[type_at];
    let created_ms = [primary, other].map(|id| object_type.records[&id].created_ms).into_iter().min().unwrap_or(now_ms);
    let mut record = Record::new(created_ms, visible);
    record.updated_ms = now_ms;
    for id in [primary, other] {
        let old = &object_type.records[&id];
        if id != survivor {
            record.merged_ids.push(id);
        }
        record.merged_ids.extend(&old.merged_ids);
    }
    let values = combined(object_type, primary, other);
    for id in [primary, other] {
        object_type.purge(id);
        if id != survivor {
            object_type.merged.insert(id, survivor);
        }
    }
    object_type.records.insert(survivor, record);
    for (at, value) in &values {
        object_type.write(survivor, *at, Some(value));
    }
    for id in [primary, other] {
        if id != survivor {
            account.associations.move_all(type_at, id, survivor);
            account.lists.merged(type_at, id, survivor, now_ms);
        }
    }
    survivor
}

fn combined(object_type: &ObjectType, primary: u64, other: u64) -> Vec<(PropertyAt, String)> {
    let (first, second) = (&object_type.records[&primary], &object_type.records[&other]);
    let mut values: Vec<(PropertyAt, String)> = Vec::new();
    for (at, value) in first.values.iter().chain(&second.values) {
        if !values.iter().any(|(held, _)| held == at) {
            values.push((*at, value.to_string()));
        }
    }
    let mut put = |at: PropertyAt, value: String| {
        values.retain(|(held, _)| *held != at);
        values.push((at, value));
    };
    if let Some(at) = object_type.lifecyclestage
        && let (Some(one), Some(two)) = (first.get(at), second.get(at))
    {
        let options = &object_type.property(at).options;
        let place = |value: &str| options.iter().position(|choice| choice.value == value);
        put(at, if place(two) > place(one) { two } else { one }.to_owned());
    }
    let domains = object_type.defined("domain").zip(object_type.defined("hs_additional_domains"));
    for (main, more) in [object_type.email.zip(object_type.additional_emails), domains].into_iter().flatten() {
        let kept = first.get(main).or(second.get(main));
        let mut all: Vec<String> = Vec::new();
        for one in emails(first.get(more)).into_iter().chain(emails(second.get(main))).chain(emails(second.get(more))) {
            if Some(&*one) != kept && !all.contains(&one) {
                all.push(one);
            }
        }
        if !all.is_empty() {
            put(more, all.join(";"));
        }
    }
    values
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct GdprInput<'a> {
    #[serde(borrow)]
    object_id: input::Text<'a>,
    #[serde(borrow, default)]
    id_property: Option<input::Text<'a>>,
}

/// Permanent deletion by id or by a unique property. The addresses of a deleted contact, and one that nobody has, are
/// blocked from then on `[DOC-CONTACTS]`. Deleting what is not there is no error: nothing of it is left either way.
pub(crate) fn gdpr_delete(call: &Call<'_>) -> Result<Reply, Refusal> {
    let wanted: GdprInput<'_> = input::parse(call.body)?;
    let mut account = call.account();
    let type_at = account.resolve(call.param(0))?;
    let object_type = &account.types[type_at];
    let text = wanted.object_id.as_str();
    let mut blocked = Vec::new();
    let id = match &wanted.id_property {
        Some(name) => {
            let at = object_type
                .defined(name.as_str())
                .filter(|at| object_type.is_unique(*at))
                .ok_or_else(Refusal::not_found)?;
            let value = key_value(object_type, at, text);
            if object_type.email == Some(at) {
                blocked.push(value.to_string());
            }
            object_type.holder(at, &value)
        }
        None => text.parse().ok().and_then(|id| object_type.surviving(id)),
    };
    if let Some(id) = id {
        let record = &object_type.records[&id];
        for at in [object_type.email, object_type.additional_emails].into_iter().flatten() {
            blocked.extend(emails(record.get(at)));
        }
        let object_type = &mut account.types[type_at];
        object_type.purge(id);
        object_type.merged.retain(|_, survivor| *survivor != id);
        account.associations.remove_record(type_at, id);
        account.lists.purged(type_at, id, call.now_ms);
    }
    if account.settings.gdpr_blocks_emails {
        account.blocked_emails.extend(blocked);
    }
    Ok(Reply::empty(204))
}
