//! Owns the labels API: the types between two object types, and the user's own (api.md 7.3).

use serde::Deserialize;
use serde_json::{Value, json};

use crate::account::{Account, TypeAt};
use crate::answers::{Refusal, Reply};
use crate::association_create::may_edit;
use crate::association_types::{Definition, Kind, Label, between};
use crate::call::Call;
use crate::input;

/// The docs say ten a pair, fifty were observed, and the next was refused with 437 `[LIVE-KALUP]`.
const MOST_LABELS: usize = 50;

/// HubSpot's create body; `load.labels` gives the same beside the two types.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LabelCreate {
    #[serde(default)]
    pub(crate) name: Option<String>,
    pub(crate) label: String,
    #[serde(default)]
    pub(crate) inverse_label: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LabelUpdate {
    association_type_id: u32,
    label: String,
    #[serde(default)]
    inverse_label: Option<String>,
}

fn pair(account: &Account, call: &Call<'_>) -> Result<(TypeAt, TypeAt), Refusal> {
    Ok((account.resolve(call.param(0))?, account.resolve(call.param(1))?))
}

fn shown(definition: &Definition) -> Value {
    json!({ "category": definition.kind.category(), "typeId": definition.kind.id, "label": definition.label })
}

pub(crate) fn list(call: &Call<'_>) -> Result<Reply, Refusal> {
    let account = call.account();
    let (from, to) = pair(&account, call)?;
    let results: Vec<Value> = between(&account, from, to).iter().map(shown).collect();
    Ok(Reply::of(200, &json!({ "results": results })))
}

/// Adds a label, or replaces the texts of the one with that name. Only a paired label between records of one type has two ids
/// there; between two types each direction has its own.
pub(crate) fn put(account: &mut Account, from: TypeAt, to: TypeAt, wanted: LabelCreate) -> (u32, u32) {
    let known = account.labels.all.iter_mut().find(|other| {
        (other.from, other.to) == (from, to)
            && if wanted.name.is_some() { other.name == wanted.name } else { other.label == wanted.label }
    });
    if let Some(known) = known {
        known.label = wanted.label;
        known.inverse_label = wanted.inverse_label;
        return (known.id, known.reverse);
    }
    let id = account.labels.new_id();
    let reverse = if from == to && wanted.inverse_label.is_none() { id } else { account.labels.new_id() };
    let LabelCreate { name, label, inverse_label } = wanted;
    account.labels.all.push(Label { from, to, id, reverse, name, label, inverse_label });
    (id, reverse)
}

/// A paired label answers with both directions.
pub(crate) fn create(call: &Call<'_>) -> Result<Reply, Refusal> {
    let wanted: LabelCreate = input::parse(call.body)?;
    may_edit(call)?;
    let mut account = call.account();
    let (from, to) = pair(&account, call)?;
    let Some(name) = wanted.name.clone().filter(|name| !name.trim().is_empty()) else {
        return Err(Refusal::validation("name must not be empty"));
    };
    let blank = |text: &str| text.trim().is_empty();
    if blank(&wanted.label) || wanted.inverse_label.as_deref().is_some_and(blank) {
        return Err(Refusal::validation("a label must not be empty"));
    }
    let held: Vec<&Label> = account.labels.all.iter().filter(|label| label.is_between(from, to)).collect();
    if held.iter().any(|label| label.name.as_deref() == Some(&name)) {
        return Err(Refusal::validation(format!(
            "An association type named {name} already exists between these types"
        )));
    }
    if held.len() >= MOST_LABELS {
        let (a, b) = (&account.types[from].id, &account.types[to].id);
        let message = format!("No more than {MOST_LABELS} association types are allowed between {a} and {b}");
        return Err(Refusal::new(437, "VALIDATION_ERROR", message));
    }
    let (label, inverse) = (wanted.label.clone(), wanted.inverse_label.clone());
    let (id, reverse) = put(&mut account, from, to, wanted);
    let entry = |id: u32, label: String| json!({ "category": "USER_DEFINED", "typeId": id, "label": label });
    let mut results = vec![entry(id, label)];
    if let Some(inverse) = inverse {
        results.push(entry(reverse, inverse));
    }
    Ok(Reply::of(200, &json!({ "results": results })))
}

/// The label of the user with that type id in either direction; HubSpot's own cannot be changed.
fn find(account: &Account, from: TypeAt, to: TypeAt, id: u32) -> Result<usize, Refusal> {
    let at = account.labels.all.iter().position(|label| {
        ((label.from, label.to) == (from, to) && label.id == id)
            || ((label.to, label.from) == (from, to) && label.reverse == id)
    });
    at.ok_or_else(|| {
        Refusal::validation(format!("{id} is not a user defined association type between these object types"))
            .context("associationTypeId", vec![id.to_string()])
    })
}

pub(crate) fn update(call: &Call<'_>) -> Result<Reply, Refusal> {
    let wanted: LabelUpdate = input::parse(call.body)?;
    may_edit(call)?;
    let mut account = call.account();
    let (from, to) = pair(&account, call)?;
    let at = find(&account, from, to, wanted.association_type_id)?;
    let label = &mut account.labels.all[at];
    if label.id == wanted.association_type_id {
        label.label = wanted.label;
        label.inverse_label = wanted.inverse_label.or(label.inverse_label.take());
    } else {
        label.inverse_label = Some(wanted.label);
        label.label = wanted.inverse_label.unwrap_or_else(|| std::mem::take(&mut label.label));
    }
    Ok(Reply::empty(204))
}

/// Both directions go, and the label comes off every pair that has it; they stay associated.
pub(crate) fn delete(call: &Call<'_>) -> Result<Reply, Refusal> {
    may_edit(call)?;
    let mut account = call.account();
    let (from, to) = pair(&account, call)?;
    let id = call.param(2).parse().map_err(|_| Refusal::not_found())?;
    let at = find(&account, from, to, id)?;
    let label = account.labels.all.remove(at);
    for (a, b, id) in [(label.from, label.to, label.id), (label.to, label.from, label.reverse)] {
        let kind = Kind { user_defined: true, id };
        account.associations.untag_all(a, b, kind);
        account.cardinality.limits.remove(&(a, b, Some(kind)));
    }
    Ok(Reply::empty(204))
}
