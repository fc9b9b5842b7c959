//! Members of manual lists.

use std::collections::{HashMap, HashSet};

use hubward_core::spec::{ListMode, ListSync, ListTarget, Location, Match as Spec};
use hubward_core::{ErrorKind, Outcome, Reason, Verdict};
use hubward_hubspot::lists::MEMBERSHIPS_MAX;

use crate::door::find::{deferred_reason, refused_reason};
use crate::door::write::interrupted;
use crate::door::{Answered, Door, Settled};
use crate::error::EngineError;
use crate::metadata::Trust;
use crate::object_type::ObjectType;

/// A list, found or made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListRef {
    pub id: u64,
    pub name: String,
    /// The type of its members.
    pub object: ObjectType,
    /// It was made just now.
    pub made: bool,
}

/// Which way a record goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListChange {
    Add,
    Remove,
}

/// One record that joins or leaves a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Names the input in the request log.
    pub key: String,
    pub record_id: u64,
    pub change: ListChange,
}

impl Door {
    /// The manual list of this name and object type; made where it is missing and `make` allows. A lost answer to its making
    /// is looked into, for names are unique in an account.
    ///
    /// # Errors
    /// The list is not manual, holds another type, or is missing and may not be made; HubSpot's refusal.
    pub async fn list(&self, name: &str, object: &str, make: bool) -> Result<ListRef, EngineError> {
        let sync = ListSync {
            name: self.name.to_string(),
            model: String::new(),
            list: ListTarget::Name(name.to_owned()),
            list_at: Location::default(),
            object: Some(object.to_owned()),
            match_: Spec::new("id", "id"),
            mode: if make { ListMode::Add } else { ListMode::Remove },
            create_missing: false,
            exclusive: false,
            after: Vec::new(),
            at: Location::default(),
        };
        let nowhere = |error: EngineError| EngineError { at: None, ..error };
        let (object, found) = self.engine.find_list(&sync, None, Trust::Remembered).await.map_err(nowhere)?;
        let (list, made) = match found {
            Some(list) => (list, false),
            None => self.engine.make_list(&sync, &object).await.map_err(nowhere)?,
        };
        Ok(ListRef { id: list.id, name: list.name, object, made })
    }

    /// Adds and removes members of a manual list, up to ten thousand in a request. Idempotent; lost answers are repeated. A
    /// record that HubSpot does not know is rejected where it should join (`RECORD_GONE`) and skipped where it should leave.
    pub async fn memberships(&self, list: u64, members: Vec<Member>) -> Answered {
        let mut outcomes: Vec<Settled> =
            members.iter().map(|_| Settled::deferred("not sent: the call ended before its turn")).collect();
        let mut places: HashMap<(u64, bool), Vec<usize>> = HashMap::new();
        let mut order: Vec<(u64, bool)> = Vec::new();
        for (at, member) in members.iter().enumerate() {
            let name = (member.record_id, member.change == ListChange::Add);
            if places.contains_key(&(name.0, !name.1)) {
                let text = format!("record {} is both added and removed in one call", name.0);
                outcomes[at] = Settled::invalid(Reason::new("DUPLICATE_KEY", text));
                continue;
            }
            let inputs = places.entry(name).or_default();
            if inputs.is_empty() {
                order.push(name);
            }
            inputs.push(at);
        }
        let mut stop = None;
        let mut parts: Vec<Vec<(u64, bool)>> = order.chunks(MEMBERSHIPS_MAX).map(<[_]>::to_vec).collect();
        parts.reverse();
        while let Some(mut part) = parts.pop() {
            if self.cancel.is_set() {
                stop = stop.or_else(|| Some(interrupted()));
            }
            if stop.is_some() {
                break;
            }
            let pick =
                |adds: bool| -> Vec<u64> { part.iter().filter(|(_, add)| *add == adds).map(|(id, _)| *id).collect() };
            let (add, remove) = (pick(true), pick(false));
            let inputs = part.iter().filter_map(|name| places.get(name)?.first());
            let meta = self.meta(inputs.map(|at| members[*at].key.as_str()));
            let mut settle = |names: &[(u64, bool)], settled: &dyn Fn(u64, bool) -> Settled| {
                for name in names {
                    for at in places.get(name).into_iter().flatten() {
                        let one = settled(name.0, name.1);
                        outcomes[*at] = Settled { record_id: Some(name.0), attempts: 1, ..one };
                    }
                }
            };
            let error = match self.engine.config.client.list_change(list, &add, &remove, &meta).await {
                Ok(reply) => {
                    let missing: HashSet<u64> = reply.missing.iter().copied().collect();
                    settle(&part, &|id, adds| {
                        if missing.contains(&id) { gone(id, adds) } else { Settled::new(Outcome::Applied, None) }
                    });
                    continue;
                }
                Err(error) => error,
            };
            let verdict = error.kind.verdict(true);
            let refused = verdict == Verdict::FixRows || error.kind == ErrorKind::Malformed;
            let of_list = matches!(error.kind, ErrorKind::NotFound | ErrorKind::NoSuchPath);
            if refused && !of_list && part.len() > 1 {
                let second = part.split_off(part.len() / 2);
                parts.extend([second, part]);
                continue;
            }
            if refused || of_list {
                let reason = refused_reason(&error);
                settle(&part, &|_, _| Settled::new(Outcome::Rejected, Some(reason.clone())));
                continue;
            }
            settle(&part, &|_, _| Settled::new(Outcome::Deferred, Some(deferred_reason(&error))));
            if verdict == Verdict::Stop {
                stop = Some(error.into());
            }
        }
        Answered { outcomes, stop }
    }
}

fn gone(id: u64, adds: bool) -> Settled {
    let reason = Reason::new("RECORD_GONE", format!("HubSpot has no record {id} of the list's type"));
    Settled::new(if adds { Outcome::Rejected } else { Outcome::Skipped }, Some(reason))
}
