//! Owns the associations that the create of a record brings along (api.md 3.2).

use crate::account::{Account, TypeAt};
use crate::answers::Refusal;
use crate::association_types::{Kind, between, find, leads_to};
use crate::associations::{New, Tag};
use crate::call::Call;
use crate::cardinality::{Pending, room};
use crate::input::AssociationInput;

/// 2026-09 checks the right of a user-level token to edit associations (api.md 3.8).
pub(crate) fn may_edit(call: &Call<'_>) -> Result<(), Refusal> {
    match &call.grant {
        Some(grant) if grant.lacks_associations(call.version()) => {
            Err(Refusal::validation("Missing 'Edit Associations' permission."))
        }
        _ => Ok(()),
    }
}

/// Checks the associations of one record's create; the target's type follows from the association type id. `pending` holds
/// what the request's earlier records will have.
pub(crate) fn at_create(
    account: &Account,
    call: &Call<'_>,
    from: TypeAt,
    wanted: &[AssociationInput<'_>],
    pending: &mut Pending,
) -> Result<Vec<New>, Refusal> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    may_edit(call)?;
    pending.next_record();
    let mut links: Vec<New> = Vec::new();
    for one in wanted {
        if one.types.is_empty() {
            return Err(Refusal::validation("One or more associations are invalid: types must not be empty"));
        }
        for kind in &one.types {
            let (category, id) = (kind.association_category.as_str(), kind.association_type_id);
            let to_type = Kind::named(category, id).and_then(|kind| leads_to(account, from, kind));
            let definitions = between(account, from, to_type.unwrap_or(from));
            let definition = find(account, from, &definitions, category, id)?;
            let to_type = to_type.ok_or_else(Refusal::not_found)?;
            let to = one.to.id.as_str();
            let target = &account.types[to_type];
            let Some(to) = to.parse().ok().and_then(|to| target.surviving(to)).filter(|to| target.live(*to).is_some())
            else {
                let word = target.shouted();
                return Err(Refusal::validation("One or more associations are invalid")
                    .context("INVALID_OBJECT_IDS", vec![format!("{word}={to} is not valid")])
                    .context("objectId", vec![to.to_owned()])
                    .context("objectType", vec![word]));
            };
            let to = (to_type, to);
            let tag = definition.label.is_some().then(|| Tag::from(definition));
            judge(account, from, &links, &New { to, tag }, pending)?;
            links.push(New { to, tag });
        }
    }
    Ok(links)
}

/// Counts one more association of a record that has no id yet, unless it is there already.
fn judge(account: &Account, from: TypeAt, earlier: &[New], new: &New, pending: &mut Pending) -> Result<(), Refusal> {
    let unborn = (from, 0);
    let same = earlier.iter().filter(|other| other.to == new.to);
    let linked = same.clone().next().is_some();
    let held: Vec<Tag> = same.filter_map(|other| other.tag).collect();
    let tags: Vec<Tag> = new.tag.into_iter().filter(|tag| !held.contains(tag)).collect();
    room(account, unborn, new.to, linked.then_some(&*held), &tags, pending)?;
    if !linked {
        pending.add(unborn, new.to, None);
        pending.add(new.to, unborn, None);
    }
    for tag in tags {
        pending.add(unborn, new.to, Some(tag.kind));
        pending.add(new.to, unborn, Some(tag.reverse));
    }
    Ok(())
}
