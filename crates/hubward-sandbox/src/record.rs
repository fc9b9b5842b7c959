//! Owns one record: its values, and the older versions that the search index may still show.

use crate::history::History;

/// Index of a property in its object type.
pub(crate) type PropertyAt = u32;

/// How many versions a record keeps for a lagging search index; a record written more often skips some of them in search.
const MOST_VERSIONS: usize = 4;

pub(crate) type Values = Vec<(PropertyAt, Box<str>)>;

#[derive(Debug)]
pub(crate) struct Record {
    /// Only properties with a value; few enough that a walk beats a map.
    pub(crate) values: Values,
    pub(crate) created_ms: i64,
    pub(crate) updated_ms: i64,
    pub(crate) archived_at_ms: Option<i64>,
    /// When search begins to show `values`.
    visible_at_ms: i64,
    /// Older versions, oldest first, with when search began to show them.
    versions: Vec<(i64, i64, Values)>,
    pub(crate) merged_ids: Vec<u64>,
    history: History,
}

impl Record {
    pub(crate) fn new(now_ms: i64, visible_at_ms: i64) -> Record {
        Record {
            values: Vec::new(),
            created_ms: now_ms,
            updated_ms: now_ms,
            archived_at_ms: None,
            visible_at_ms,
            versions: Vec::new(),
            merged_ids: Vec::new(),
            history: History::default(),
        }
    }

    pub(crate) fn get(&self, property: PropertyAt) -> Option<&str> {
        get(&self.values, property)
    }

    /// Sets the value as of `updated_ms`, or removes it when `None`. The same value again is no change.
    pub(crate) fn set(&mut self, property: PropertyAt, value: Option<&str>) {
        let at = self.values.iter().position(|(other, _)| *other == property);
        let held = at.map(|at| &*self.values[at].1);
        if held == value {
            return;
        }
        self.history.note(property, held, self.created_ms, self.updated_ms);
        match (at, value) {
            (Some(at), Some(value)) => self.values[at].1 = value.into(),
            (Some(at), None) => {
                self.values.swap_remove(at);
            }
            (None, Some(value)) => self.values.push((property, value.into())),
            (None, None) => {}
        }
    }

    /// Values of a property with when they were set, newest first.
    pub(crate) fn past(&self, property: PropertyAt) -> Vec<(&str, i64)> {
        self.history.of(property, self.get(property), self.created_ms)
    }

    /// Called before a change: keeps what search shows until `visible_at_ms`.
    pub(crate) fn keep_version(&mut self, now_ms: i64, visible_at_ms: i64) {
        self.versions.push((self.visible_at_ms, self.updated_ms, self.values.clone()));
        let shown = self.versions.iter().rposition(|(at, _, _)| *at <= now_ms).unwrap_or(0);
        self.versions.drain(..shown);
        if self.versions.len() > MOST_VERSIONS {
            self.versions.remove(1);
        }
        self.visible_at_ms = visible_at_ms.max(self.visible_at_ms);
        self.updated_ms = now_ms;
    }

    /// What search shows at `now_ms`: values and modification time, or `None` before the first indexing.
    pub(crate) fn indexed(&self, now_ms: i64) -> Option<(&Values, i64)> {
        if self.visible_at_ms <= now_ms {
            return Some((&self.values, self.updated_ms));
        }
        self.versions.iter().rev().find(|(at, _, _)| *at <= now_ms).map(|(_, updated, values)| (values, *updated))
    }
}

pub(crate) fn get(values: &Values, property: PropertyAt) -> Option<&str> {
    values.iter().find(|(other, _)| *other == property).map(|(_, value)| &**value)
}

#[cfg(test)]
mod tests {
    use super::Record;

    #[test]
    fn search_sees_the_last_version_whose_time_has_come() {
        let mut record = Record::new(0, 10);
        record.set(1, Some("a"));
        assert!(record.indexed(9).is_none());
        record.keep_version(12, 30);
        record.set(1, Some("b"));
        record.keep_version(13, 25);
        record.set(1, Some("c"));
        let seen = |at| record.indexed(at).map(|(values, _)| values[0].1.to_string());
        assert_eq!(seen(10).as_deref(), Some("a"));
        assert_eq!(seen(29).as_deref(), Some("a"));
        assert_eq!(seen(30).as_deref(), Some("c"));
    }
}
