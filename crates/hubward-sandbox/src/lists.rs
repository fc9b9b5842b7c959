//! Owns the account's lists ("segments" in HubSpot's pages): their definitions, what becomes of members when records go,
//! come back or are merged, and scheduled conversions (api.md 8). Requests and answers are the callers'.
//!
//! Filters are kept and given back, not evaluated: the members of a DYNAMIC or SNAPSHOT list are those that `load` gave it
//! and stand for what HubSpot computed.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::account::{Account, TypeAt};
use crate::limits;
use crate::list_members::Members;
use crate::sandbox::TIME_ZONE;

/// How long a deleted list may be restored `[SPEC]`.
const RESTORABLE_MS: i64 = 90 * 86_400_000;

/// Where members come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Processing {
    /// From requests and from people.
    Manual,
    /// From filters, all the time.
    Dynamic,
    /// From filters once, and then from requests and from people.
    Snapshot,
}

impl Processing {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Processing::Manual => "MANUAL",
            Processing::Dynamic => "DYNAMIC",
            Processing::Snapshot => "SNAPSHOT",
        }
    }

    pub(crate) fn named(word: &str) -> Option<Processing> {
        [Processing::Manual, Processing::Dynamic, Processing::Snapshot].into_iter().find(|one| one.word() == word)
    }
}

/// When a DYNAMIC list is to become MANUAL, in HubSpot's own form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "conversionType", rename_all = "SCREAMING_SNAKE_CASE", deny_unknown_fields)]
pub(crate) enum Conversion {
    /// As that day begins in the account's time zone.
    ConversionDate { year: i16, month: i8, day: i8 },
    /// When nobody has come or gone for so long.
    #[serde(rename_all = "camelCase")]
    Inactivity { offset: u16, time_unit: Unit },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Unit {
    Day,
    Week,
    Month,
}

impl Conversion {
    /// When it is due, if nobody comes or goes after `changed_ms`; `None` where there is no such time.
    pub(crate) fn due_ms(self, changed_ms: i64) -> Option<i64> {
        let zone = limits::time_zone(TIME_ZONE);
        let due = match self {
            Conversion::ConversionDate { year, month, day } => {
                Date::new(year, month, day).and_then(|date| date.to_zoned(zone))
            }
            Conversion::Inactivity { offset, time_unit } => {
                let span = match time_unit {
                    Unit::Day => Span::new().days(offset),
                    Unit::Week => Span::new().weeks(offset),
                    Unit::Month => Span::new().months(offset),
                };
                Timestamp::from_millisecond(changed_ms).and_then(|at| at.to_zoned(zone).checked_add(span))
            }
        };
        due.ok().map(|zoned| zoned.timestamp().as_millisecond())
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Permissions {
    #[serde(default)]
    pub(crate) users_with_edit_access: Vec<i32>,
    #[serde(default)]
    pub(crate) teams_with_edit_access: Vec<i32>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MembershipSettings {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) membership_team_id: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) include_unassigned: Option<bool>,
}

/// What a list begins with.
#[derive(Debug)]
pub(crate) struct NewList {
    pub(crate) name: String,
    pub(crate) type_at: TypeAt,
    pub(crate) processing: Processing,
    pub(crate) filter_branch: Option<Value>,
}

#[derive(Debug)]
pub(crate) struct List {
    pub(crate) id: u64,
    /// Its id in the first version of HubSpot's API, where `load` gave it one.
    pub(crate) legacy_id: Option<u64>,
    pub(crate) name: String,
    pub(crate) type_at: TypeAt,
    pub(crate) processing: Processing,
    pub(crate) version: u32,
    pub(crate) created_ms: i64,
    pub(crate) updated_ms: i64,
    pub(crate) filters_updated_ms: i64,
    pub(crate) deleted_ms: Option<i64>,
    pub(crate) filter_branch: Option<Value>,
    pub(crate) permissions: Permissions,
    pub(crate) membership_settings: MembershipSettings,
    pub(crate) custom_properties: BTreeMap<String, String>,
    pub(crate) conversion: Option<Conversion>,
    pub(crate) converted_ms: Option<i64>,
    pub(crate) members: Members,
}

impl List {
    pub(crate) fn changed(&mut self, now_ms: i64) {
        self.version += 1;
        self.updated_ms = now_ms;
    }

    /// When its scheduled conversion is due, as things stand.
    pub(crate) fn conversion_due_ms(&self) -> Option<i64> {
        let last = [self.members.added_ms, self.members.removed_ms].into_iter().flatten().max();
        self.conversion?.due_ms(last.unwrap_or(self.created_ms).max(self.created_ms))
    }
}

/// Every list, deleted ones included, by id.
#[derive(Debug, Default)]
pub(crate) struct Lists {
    pub(crate) all: BTreeMap<u64, List>,
    /// Milliseconds until a read of members sees a change.
    pub(crate) lag_ms: i64,
}

impl Lists {
    pub(crate) fn set_lag(&mut self, lag_ms: i64) {
        if self.lag_ms != lag_ms {
            self.lag_ms = lag_ms;
            for list in self.all.values_mut() {
                list.members.lag(lag_ms);
            }
        }
    }

    /// A list that is not deleted.
    pub(crate) fn get(&self, id: u64) -> Option<&List> {
        self.all.get(&id).filter(|list| list.deleted_ms.is_none())
    }

    pub(crate) fn get_mut(&mut self, id: u64) -> Option<&mut List> {
        self.all.get_mut(&id).filter(|list| list.deleted_ms.is_none())
    }

    /// A deleted list that may still be restored.
    pub(crate) fn restorable(&mut self, id: u64, now_ms: i64) -> Option<&mut List> {
        self.all.get_mut(&id).filter(|list| list.deleted_ms.is_some_and(|at| now_ms < at + RESTORABLE_MS))
    }

    /// The list of that name in any case of letters, deleted ones left out `[SPEC]`.
    pub(crate) fn named(&self, name: &str) -> Option<&List> {
        let wanted = name.to_lowercase();
        self.live().find(|list| list.name.to_lowercase() == wanted)
    }

    pub(crate) fn live(&self) -> impl Iterator<Item = &List> {
        self.all.values().filter(|list| list.deleted_ms.is_none())
    }

    /// A list that is not there yet, under an id of its own or of the caller's choice.
    pub(crate) fn create(&mut self, id: Option<u64>, new: NewList, now_ms: i64) -> &mut List {
        let id = id.unwrap_or_else(|| self.all.last_key_value().map_or(1, |(last, _)| last + 1));
        let list = List {
            id,
            legacy_id: None,
            name: new.name,
            type_at: new.type_at,
            processing: new.processing,
            version: 1,
            created_ms: now_ms,
            updated_ms: now_ms,
            filters_updated_ms: now_ms,
            deleted_ms: None,
            filter_branch: new.filter_branch,
            permissions: Permissions::default(),
            membership_settings: MembershipSettings::default(),
            custom_properties: BTreeMap::new(),
            conversion: None,
            converted_ms: None,
            members: Members::lagging(self.lag_ms),
        };
        self.all.entry(id).insert_entry(list).into_mut()
    }

    fn of_type(&mut self, type_at: TypeAt) -> impl Iterator<Item = &mut List> {
        self.all.values_mut().filter(move |list| list.type_at == type_at)
    }

    /// A record went to the recycle bin.
    pub(crate) fn archived(&mut self, type_at: TypeAt, id: u64, now_ms: i64) {
        for list in self.of_type(type_at) {
            list.members.set_aside(id, now_ms);
        }
    }

    /// A record came back from the recycle bin.
    pub(crate) fn restored(&mut self, type_at: TypeAt, id: u64, now_ms: i64) {
        for list in self.of_type(type_at) {
            list.members.bring_back(id, now_ms);
        }
    }

    /// A record was merged into another.
    pub(crate) fn merged(&mut self, type_at: TypeAt, id: u64, survivor: u64, now_ms: i64) {
        for list in self.of_type(type_at) {
            list.members.merge(id, survivor, now_ms);
        }
    }

    /// A record was deleted for good.
    pub(crate) fn purged(&mut self, type_at: TypeAt, id: u64, now_ms: i64) {
        for list in self.of_type(type_at) {
            list.members.forget(id, now_ms);
        }
    }

    /// Makes MANUAL what is due.
    pub(crate) fn convert_due(&mut self, now_ms: i64) {
        for list in self.all.values_mut().filter(|list| list.conversion.is_some() && list.converted_ms.is_none()) {
            if let Some(due) = list.conversion_due_ms().filter(|due| *due <= now_ms) {
                list.processing = Processing::Manual;
                list.converted_ms = Some(due);
                list.changed(due);
            }
        }
    }
}

/// The object type of an id as lists name it: never by its name.
pub(crate) fn type_by_id(account: &Account, id: &str) -> Option<TypeAt> {
    account.find(id).filter(|at| account.types[*at].id == id)
}

#[cfg(test)]
mod tests {
    use super::{Conversion, Unit};

    #[test]
    fn a_conversion_is_due_as_its_day_begins_in_the_account_or_after_so_long_a_silence() {
        // 2026-12-01T00:00 in US/Eastern is five hours behind UTC
        let date = Conversion::ConversionDate { year: 2026, month: 12, day: 1 };
        assert_eq!(date.due_ms(0), Some(1_796_101_200_000));
        let silence = Conversion::Inactivity { offset: 2, time_unit: Unit::Week };
        assert_eq!(silence.due_ms(1_795_348_800_000), Some(1_795_348_800_000 + 14 * 86_400_000));
        assert_eq!(Conversion::ConversionDate { year: 2026, month: 13, day: 1 }.due_ms(0), None);
    }
}
