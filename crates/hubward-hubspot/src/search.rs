//! Search queries (api.md 4). Batching values into queries and paging past the reach are left to the caller.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

/// The longest body that search takes, in characters (api.md 4.1).
pub const SEARCH_BODY_MAX_CHARS: usize = 3_000;
/// The most results on one page (api.md 4.1).
pub const SEARCH_PAGE_MAX: u32 = 200;
/// The most results that paging can reach for one query (api.md 4.1).
pub const SEARCH_REACH: u64 = 10_000;

/// Operators of a filter (api.md 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Lt,
    Lte,
    Gt,
    Gte,
    Eq,
    Neq,
    Between,
    /// Values of string properties must be given in lower case.
    In,
    NotIn,
    HasProperty,
    NotHasProperty,
    ContainsToken,
    NotContainsToken,
}

impl Operator {
    fn name(self) -> &'static str {
        match self {
            Self::Lt => "LT",
            Self::Lte => "LTE",
            Self::Gt => "GT",
            Self::Gte => "GTE",
            Self::Eq => "EQ",
            Self::Neq => "NEQ",
            Self::Between => "BETWEEN",
            Self::In => "IN",
            Self::NotIn => "NOT_IN",
            Self::HasProperty => "HAS_PROPERTY",
            Self::NotHasProperty => "NOT_HAS_PROPERTY",
            Self::ContainsToken => "CONTAINS_TOKEN",
            Self::NotContainsToken => "NOT_CONTAINS_TOKEN",
        }
    }
}

/// One condition. `value` for most operators, with `high_value` for `Between`, `values` for `In` and `NotIn`, none for
/// `HasProperty`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    pub property: String,
    pub operator: Operator,
    pub value: Option<String>,
    pub high_value: Option<String>,
    pub values: Vec<String>,
}

impl Filter {
    /// `property operator value`.
    #[must_use]
    pub fn new(property: &str, operator: Operator, value: impl Into<String>) -> Self {
        Self {
            property: property.to_owned(),
            operator,
            value: Some(value.into()),
            high_value: None,
            values: Vec::new(),
        }
    }

    /// `property IN values`, each put in lower case, as HubSpot demands for strings (api.md 4.2). Enumerations are
    /// case-sensitive: for those, set `values` directly.
    #[must_use]
    pub fn any_of<'a>(property: &str, values: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            property: property.to_owned(),
            operator: Operator::In,
            value: None,
            high_value: None,
            values: values.into_iter().map(str::to_lowercase).collect(),
        }
    }
}

impl Serialize for Filter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("propertyName", &self.property)?;
        map.serialize_entry("operator", self.operator.name())?;
        if let Some(value) = &self.value {
            map.serialize_entry("value", value)?;
        }
        if let Some(high) = &self.high_value {
            map.serialize_entry("highValue", high)?;
        }
        if !self.values.is_empty() {
            map.serialize_entry("values", &self.values)?;
        }
        map.end()
    }
}

/// The one sort that search takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sort {
    pub property: String,
    pub descending: bool,
}

/// A search. Filters of a group are joined by AND, groups by OR: at most 5 groups, 6 filters in each, 18 in all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchQuery {
    pub groups: Vec<Vec<Filter>>,
    /// Full-text query over the type's default properties.
    pub query: Option<String>,
    pub sort: Option<Sort>,
    pub properties: Vec<String>,
    /// Results on a page, at most [`SEARCH_PAGE_MAX`].
    pub limit: u32,
    /// Where the page begins, from the page before.
    pub after: Option<String>,
}

impl SearchQuery {
    /// One group of filters, a full page.
    #[must_use]
    pub fn of(filters: Vec<Filter>, properties: Vec<String>) -> Self {
        Self { groups: vec![filters], properties, limit: SEARCH_PAGE_MAX, ..Self::default() }
    }
}

#[derive(Serialize)]
struct Group<'a> {
    filters: &'a [Filter],
}

#[derive(Serialize)]
struct SortBody<'a> {
    #[serde(rename = "propertyName")]
    property: &'a str,
    direction: &'static str,
}

impl Serialize for SearchQuery {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let groups: Vec<Group<'_>> = self.groups.iter().map(|filters| Group { filters }).collect();
        map.serialize_entry("filterGroups", &groups)?;
        if let Some(query) = &self.query {
            map.serialize_entry("query", query)?;
        }
        if let Some(sort) = &self.sort {
            let direction = if sort.descending { "DESCENDING" } else { "ASCENDING" };
            map.serialize_entry("sorts", &[SortBody { property: &sort.property, direction }])?;
        }
        map.serialize_entry("properties", &self.properties)?;
        map.serialize_entry("limit", &self.limit)?;
        if let Some(after) = &self.after {
            map.serialize_entry("after", after)?;
        }
        map.end()
    }
}
