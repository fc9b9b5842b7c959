//! Owns the associations API: batch create with and without a type, batch read, one record's, labels (api.md 7).

use serde::Deserialize;

use crate::account::{Account, TypeAt};
use crate::answers::{Refusal, Reply, comma};
use crate::associations::{New, kind_of, kinds_between, write_links};
use crate::batch;
use crate::call::Call;
use crate::input::{self, Batch, IdInput, Text};

#[derive(Deserialize)]
struct PairInput<'a> {
    #[serde(borrow)]
    from: IdInput<'a>,
    #[serde(borrow)]
    to: IdInput<'a>,
    #[serde(borrow, default)]
    types: Vec<input::AssociationKind<'a>>,
}

/// Most pairs in one batch create `[DOC-ASSOC]`.
const MOST_PAIRS: usize = 2_000;
/// Most records in one batch read `[DOC-ASSOC]`.
const MOST_READ: usize = 1_000;

pub(crate) fn batch_create(call: &Call<'_>) -> Result<Reply, Refusal> {
    associate(call, true)
}

pub(crate) fn batch_default(call: &Call<'_>) -> Result<Reply, Refusal> {
    associate(call, false)
}

fn associate(call: &Call<'_>, typed: bool) -> Result<Reply, Refusal> {
    let pairs: Batch<PairInput<'_>> = input::parse(call.body)?;
    input::at_most(pairs.inputs.len(), MOST_PAIRS)?;
    let mut account = call.account();
    let from_type = account.resolve(call.param(0))?;
    let to_type = account.resolve(call.param(1))?;
    let mut planned = Vec::new();
    let mut errors = Vec::new();
    for pair in &pairs.inputs {
        let mut kinds = Vec::new();
        for kind in pair.types.iter().filter(|_| typed) {
            kinds.push(kind_of(
                &account,
                from_type,
                to_type,
                kind.association_category.as_str(),
                kind.association_type_id,
            )?);
        }
        if kinds.is_empty() {
            let (kind, reverse, _) = kinds_between(&account, from_type, to_type).remove(0);
            kinds.push((kind, reverse));
        }
        match ends(&account, from_type, &pair.from.id, to_type, &pair.to.id) {
            Ok((from, to)) => planned.push((from, to, kinds)),
            Err(error) => errors.push(error),
        }
    }
    let mut out = batch::begin(planned.len() * 120 + 200);
    let (from_id, to_id) = (account.types[from_type].id.clone(), account.types[to_type].id.clone());
    for (at, (from, to, kinds)) in planned.into_iter().enumerate() {
        for (kind, reverse) in kinds {
            account.associations.add(from_type, from, &New { to_type, to, kind, reverse });
        }
        comma(&mut out, at);
        let line = if typed {
            format!(
                "{{\"fromObjectTypeId\":\"{from_id}\",\"fromObjectId\":{from},\"toObjectTypeId\":\"{to_id}\",\"toObjectId\":{to},\"labels\":[]}}"
            )
        } else {
            format!("{{\"from\":{{\"id\":\"{from}\"}},\"to\":{{\"id\":\"{to}\"}}}}")
        };
        out.extend_from_slice(line.as_bytes());
    }
    batch::end(&mut out, &errors, call.now_ms);
    let status = if !errors.is_empty() {
        207
    } else if typed {
        201
    } else {
        200
    };
    Ok(Reply::json(status, out))
}

fn ends(
    account: &Account,
    from_type: TypeAt,
    from: &Text<'_>,
    to_type: TypeAt,
    to: &Text<'_>,
) -> Result<(u64, u64), Refusal> {
    let live = |type_at: TypeAt, text: &Text<'_>| {
        let id = text.as_str().parse().ok().and_then(|id| account.types[type_at].surviving(id));
        id.filter(|id| account.types[type_at].live(*id).is_some()).ok_or_else(|| {
            Refusal::validation(format!("{} is not a valid ID", text.as_str()))
                .sub_category("crm.associations.INVALID_IDENTIFIER")
                .context("id", vec![text.as_str().to_owned()])
        })
    };
    let (from, to) = (live(from_type, from)?, live(to_type, to)?);
    if (from_type, from) == (to_type, to) {
        return Err(Refusal::validation(format!("Object {from} cannot be associated to itself ({to})")));
    }
    Ok((from, to))
}

pub(crate) fn batch_read(call: &Call<'_>) -> Result<Reply, Refusal> {
    let wanted: Batch<IdInput<'_>> = input::parse(call.body)?;
    input::at_most(wanted.inputs.len(), MOST_READ)?;
    let account = call.account();
    let from_type = account.resolve(call.param(0))?;
    let to_type = account.resolve(call.param(1))?;
    let labels = kinds_between(&account, from_type, to_type);
    let mut out = batch::begin(wanted.inputs.len() * 150 + 200);
    let mut written = 0;
    for one in &wanted.inputs {
        let Ok(id) = one.id.as_str().parse::<u64>() else {
            continue;
        };
        let links = account.associations.of(from_type, id, to_type);
        if links.is_empty() {
            continue;
        }
        comma(&mut out, written);
        written += 1;
        out.extend_from_slice(format!("{{\"from\":{{\"id\":\"{id}\"}},\"to\":").as_bytes());
        write_links(&mut out, links, &labels);
        out.push(b'}');
    }
    batch::end(&mut out, &[], call.now_ms);
    Ok(Reply::json(200, out))
}

pub(crate) fn of_one(call: &Call<'_>) -> Result<Reply, Refusal> {
    let account = call.account();
    let from_type = account.resolve(call.param(0))?;
    let to_type = account.resolve(call.param(2))?;
    let id = call
        .param(1)
        .parse()
        .ok()
        .and_then(|id| account.types[from_type].surviving(id))
        .ok_or_else(Refusal::not_found)?;
    let mut out = b"{\"results\":".to_vec();
    write_links(
        &mut out,
        account.associations.of(from_type, id, to_type),
        &kinds_between(&account, from_type, to_type),
    );
    out.push(b'}');
    Ok(Reply::json(200, out))
}

pub(crate) fn default_one(call: &Call<'_>) -> Result<Reply, Refusal> {
    let mut account = call.account();
    let from_type = account.resolve(call.param(0))?;
    let to_type = account.resolve(call.param(2))?;
    let text = |at: usize| Text(std::borrow::Cow::Borrowed(call.param(at)));
    let (from, to) = ends(&account, from_type, &text(1), to_type, &text(3))?;
    let (kind, reverse, _) = kinds_between(&account, from_type, to_type).remove(0);
    account.associations.add(from_type, from, &New { to_type, to, kind, reverse });
    let mut out = batch::begin(200);
    out.extend_from_slice(format!("{{\"from\":{{\"id\":\"{from}\"}},\"to\":{{\"id\":\"{to}\"}}}}").as_bytes());
    batch::end(&mut out, &[], call.now_ms);
    Ok(Reply::json(200, out))
}

pub(crate) fn labels(call: &Call<'_>) -> Result<Reply, Refusal> {
    let account = call.account();
    let from_type = account.resolve(call.param(0))?;
    let to_type = account.resolve(call.param(1))?;
    let mut results = Vec::new();
    for (kind, _, label) in kinds_between(&account, from_type, to_type) {
        results.push(serde_json::json!({ "category": kind.category(), "typeId": kind.id, "label": label }));
    }
    Ok(Reply::of(200, &serde_json::json!({ "results": results })))
}
