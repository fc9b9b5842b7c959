//! Owns the account's owners: list with paging, read, filter by e-mail (api.md 6.3).

use serde::{Deserialize, Serialize};

use crate::answers::{Refusal, Reply};
use crate::call::Call;
use crate::clock::iso;

/// A user who can own records, as `load.owners` gives one. HubSpot has no API that creates owners.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Owner {
    #[serde(deserialize_with = "crate::load::number_or_text")]
    pub(crate) id: u64,
    pub(crate) email: Option<String>,
    #[serde(default, alias = "firstname")]
    pub(crate) first_name: String,
    #[serde(default, alias = "lastname")]
    pub(crate) last_name: String,
    #[serde(default)]
    pub(crate) user_id: Option<u64>,
    #[serde(default)]
    pub(crate) archived: bool,
    #[serde(default, rename = "type")]
    pub(crate) kind: Option<String>,
    #[serde(default, skip)]
    pub(crate) created_ms: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    id: String,
    email: Option<&'a str>,
    #[serde(rename = "type")]
    kind: &'a str,
    first_name: &'a str,
    last_name: &'a str,
    user_id: Option<u64>,
    user_id_including_inactive: u64,
    created_at: String,
    updated_at: String,
    archived: bool,
}

impl Owner {
    /// Made up from the owner's id where `load` gave none.
    pub(crate) fn active_user_id(&self) -> u64 {
        self.user_id.unwrap_or(self.id + 1_000_000)
    }

    fn shown(&self) -> Shown<'_> {
        Shown {
            id: self.id.to_string(),
            email: self.email.as_deref(),
            kind: self.kind.as_deref().unwrap_or("PERSON"),
            first_name: &self.first_name,
            last_name: &self.last_name,
            user_id: (!self.archived).then(|| self.active_user_id()),
            user_id_including_inactive: self.active_user_id(),
            created_at: iso(self.created_ms),
            updated_at: iso(self.created_ms),
            archived: self.archived,
        }
    }
}

pub(crate) fn list(call: &Call<'_>) -> Result<Reply, Refusal> {
    let limit = call.page_limit(100, 500)?;
    let after: u64 = call.query("after").map_or(Ok(0), |after| {
        after.parse().map_err(|_| Refusal::validation(format!("invalid after: {after} is no paging cursor of owners")))
    })?;
    let archived = call.flag("archived");
    let email = call.query("email").map(str::to_lowercase);
    let account = call.account();
    let matching = account.owners.values().filter(|owner| {
        owner.archived == archived
            && owner.id >= after
            && email.as_ref().is_none_or(|email| owner.email.as_ref().is_some_and(|own| own.to_lowercase() == *email))
    });
    let mut shown = Vec::new();
    let mut next = None;
    for owner in matching {
        if shown.len() == limit {
            next = Some(owner.id);
            break;
        }
        shown.push(owner.shown());
    }
    let mut answer = serde_json::json!({ "results": shown });
    if let Some(next) = next {
        answer["paging"] = call.paging(&next.to_string());
    }
    Ok(Reply::of(200, &answer))
}

pub(crate) fn read(call: &Call<'_>) -> Result<Reply, Refusal> {
    let id = call.param(0).parse::<u64>().map_err(|_| Refusal::not_found())?;
    let by_user = call.query("idProperty") == Some("userId");
    let archived = call.flag("archived");
    let account = call.account();
    let owner = account
        .owners
        .values()
        .find(|owner| if by_user { owner.active_user_id() == id } else { owner.id == id })
        .filter(|owner| owner.archived == archived)
        .ok_or_else(Refusal::not_found)?;
    Ok(Reply::of(200, &owner.shown()))
}
