//! Owns the calls that read associations: of many records in one request, and of one (api.md 7.1 and 7.2).

use serde::Deserialize;

use crate::account::{Account, TypeAt};
use crate::answers::{Refusal, Reply, comma};
use crate::association_types::{Definition, between};
use crate::associations::{End, write_types};
use crate::batch;
use crate::call::Call;
use crate::input::{self, Batch, Text};

/// Most records in one batch read `[DOC-ASSOC]`.
const MOST_READ: usize = 1_000;
/// Most associated records of one record in one answer `[SPEC]`.
const PAGE: usize = 500;

#[derive(Deserialize)]
struct ReadInput<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow, default)]
    after: Option<Text<'a>>,
}

fn cursor(after: Option<&str>) -> Result<u64, Refusal> {
    after.map_or(Ok(0), |after| {
        after
            .parse()
            .map_err(|_| Refusal::validation(format!("invalid after: {after} is no paging cursor of associations")))
    })
}

fn live(account: &Account, type_at: TypeAt, text: &str) -> Option<u64> {
    let object_type = &account.types[type_at];
    let id = text.parse().ok().and_then(|id| object_type.surviving(id))?;
    object_type.live(id).map(|_| id)
}

/// Writes one page as an array; answers with the cursor of the next.
fn write_page(
    out: &mut Vec<u8>,
    account: &Account,
    from: End,
    to_type: TypeAt,
    definitions: &[Definition],
    (after, limit): (u64, usize),
) -> Option<u64> {
    out.push(b'[');
    let mut next = None;
    for (at, (to, tags)) in account.associations.of(from, to_type, after).enumerate() {
        if at == limit {
            next = Some(to);
            break;
        }
        comma(out, at);
        out.extend_from_slice(format!("{{\"toObjectId\":{to},\"associationTypes\":").as_bytes());
        write_types(out, tags, definitions);
        out.push(b'}');
    }
    out.push(b']');
    next
}

/// A record without associations is an entry of `errors`, or left out where the account's settings say so: captures show both.
pub(crate) fn batch_read(call: &Call<'_>) -> Result<Reply, Refusal> {
    let wanted: Batch<ReadInput<'_>> = input::parse(call.body)?;
    input::at_most(wanted.inputs.len(), MOST_READ)?;
    let mut account = call.account();
    let from_type = account.resolve(call.param(0))?;
    let to_type = account.resolve(call.param(1))?;
    let definitions = between(&account, from_type, to_type);
    let mut found = Vec::with_capacity(wanted.inputs.len());
    let mut errors = Vec::new();
    for one in &wanted.inputs {
        let text = one.id.as_str();
        let after = cursor(one.after.as_ref().map(Text::as_str))?;
        match live(&account, from_type, text) {
            Some(id) if account.associations.count((from_type, id), to_type, None) > 0 => found.push((id, after)),
            _ if account.settings.association_read_omits_empty => {}
            _ => errors.push(nothing(&account, from_type, to_type, text)),
        }
    }
    account.random.disorder(&mut found);
    let mut out = batch::begin(found.len() * 150 + 200);
    for (at, (id, after)) in found.into_iter().enumerate() {
        comma(&mut out, at);
        out.extend_from_slice(format!("{{\"from\":{{\"id\":\"{id}\"}},\"to\":").as_bytes());
        let next = write_page(&mut out, &account, (from_type, id), to_type, &definitions, (after, PAGE));
        if let Some(next) = next {
            out.extend_from_slice(format!(",\"paging\":{{\"next\":{{\"after\":\"{next}\"}}}}").as_bytes());
        }
        out.push(b'}');
    }
    batch::end(&mut out, &errors, call.now_ms);
    Ok(Reply::json(if errors.is_empty() { 200 } else { 207 }, out))
}

fn nothing(account: &Account, from: TypeAt, to: TypeAt, id: &str) -> Refusal {
    let (from, to) = (&account.types[from].singular, &account.types[to].singular);
    Refusal::new(207, "OBJECT_NOT_FOUND", format!("No {to} is associated with {from} {id}."))
        .sub_category("crm.associations.NO_ASSOCIATIONS_FOUND")
        .context("fromObjectId", vec![id.to_owned()])
        .context("fromObjectType", vec![from.clone()])
        .context("toObjectType", vec![to.clone()])
}

pub(crate) fn of_one(call: &Call<'_>) -> Result<Reply, Refusal> {
    let limit = call.page_limit(PAGE, PAGE)?;
    let after = cursor(call.query("after"))?;
    let account = call.account();
    let from_type = account.resolve(call.param(0))?;
    let to_type = account.resolve(call.param(2))?;
    let id = live(&account, from_type, call.param(1)).ok_or_else(Refusal::not_found)?;
    let definitions = between(&account, from_type, to_type);
    let mut out = b"{\"results\":".to_vec();
    if let Some(next) = write_page(&mut out, &account, (from_type, id), to_type, &definitions, (after, limit)) {
        out.extend_from_slice(format!(",\"paging\":{}", call.paging(&next.to_string())).as_bytes());
    }
    out.push(b'}');
    Ok(Reply::json(200, out))
}
