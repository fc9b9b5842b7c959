//! Owns what a handler knows of one request: route, query, body, time and the caller's grant.

use std::sync::{Arc, MutexGuard};

use crate::account::{Account, ObjectType};
use crate::answers::Refusal;
use crate::auth::Grant;
use crate::property::Property;
use crate::record::PropertyAt;
use crate::route::{Routed, Version};
use crate::sandbox::Inner;
use crate::standard;

pub(crate) struct Call<'a> {
    pub(crate) inner: &'a Inner,
    pub(crate) routed: &'a Routed,
    pub(crate) path: &'a str,
    pub(crate) query: &'a [(String, String)],
    pub(crate) body: &'a [u8],
    pub(crate) now_ms: i64,
    pub(crate) grant: Option<Arc<Grant>>,
}

impl<'a> Call<'a> {
    pub(crate) fn account(&self) -> MutexGuard<'a, Account> {
        self.inner.account()
    }

    pub(crate) fn version(&self) -> Version {
        self.routed.version
    }

    /// The segment that the route's `{}` took; routes and handlers agree on how many there are.
    pub(crate) fn param(&self, at: usize) -> &str {
        &self.routed.params[at]
    }

    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| &**value)
    }

    /// A switch, in any case of letters: HubSpot's own Python client writes `True`.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.query(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// A multi-valued parameter: comma-joined, repeated, or both (api.md 2.1).
    pub(crate) fn list(&self, name: &str) -> Option<Vec<&str>> {
        let mut all = None;
        for (_, value) in self.query.iter().filter(|(key, _)| key == name) {
            all.get_or_insert_with(Vec::new).extend(value.split(',').map(str::trim).filter(|one| !one.is_empty()));
        }
        all
    }

    pub(crate) fn page_limit(&self, default: usize, most: usize) -> Result<usize, Refusal> {
        let Some(text) = self.query("limit") else {
            return Ok(default);
        };
        match text.parse::<usize>() {
            Ok(limit) if limit >= 1 && limit <= most => Ok(limit),
            _ => Err(Refusal::validation(format!("invalid limit: {text} is not between 1 and {most}"))),
        }
    }

    /// `paging` of an answer that has more to come.
    pub(crate) fn paging(&self, after: &str) -> serde_json::Value {
        let mut link = format!("https://api.hubapi.com{}?", self.path);
        for (key, value) in self.query.iter().filter(|(key, _)| key != "after") {
            link.push_str(&format!("{key}={value}&"));
        }
        link.push_str(&format!("after={after}"));
        serde_json::json!({ "next": { "after": after, "link": link } })
    }
}

/// The definitions a read answers with: those asked for that exist, and three that HubSpot always sends.
pub(crate) fn select(object_type: &ObjectType, asked: Option<&[&str]>) -> Vec<PropertyAt> {
    let mut selection = Vec::new();
    let modified = if object_type.id == "0-1" { "lastmodifieddate" } else { "hs_lastmodifieddate" };
    let created = if matches!(&*object_type.plural, "contacts" | "companies" | "deals" | "tickets") {
        "createdate"
    } else {
        "hs_createdate"
    };
    let always = [created, modified, "hs_object_id"];
    let names = match asked {
        Some(names) if !names.is_empty() => names,
        _ => standard::default_properties(&object_type.plural),
    };
    for name in names.iter().chain(&always) {
        if let Some(at) = object_type.defined(name)
            && !selection.contains(&at)
        {
            selection.push(at);
        }
    }
    selection
}

/// The definitions of `propertiesWithHistory` that exist.
pub(crate) fn select_history(object_type: &ObjectType, asked: Option<&[&str]>) -> Option<Vec<PropertyAt>> {
    let asked = asked.filter(|names| !names.is_empty())?;
    Some(asked.iter().filter_map(|name| object_type.defined(name)).collect())
}

/// A property in a type by name, or the refusal of the properties API.
pub(crate) fn property<'t>(object_type: &'t ObjectType, name: &str) -> Result<&'t Property, Refusal> {
    let at = object_type.known(name).ok_or_else(|| {
        Refusal::new(
            404,
            "OBJECT_NOT_FOUND",
            format!("Property \"{name}\" does not exist in object type {}", object_type.id),
        )
    })?;
    Ok(object_type.property(at))
}
