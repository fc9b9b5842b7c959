//! How a record is found that is matched neither by its id nor by a unique property: by one property, by several fields at
//! once, or not at all.

use std::collections::HashMap;
use std::sync::Arc;

use hubward_core::{ErrorKind, PropertyDef};
use hubward_hubspot::{ApiError, CallMeta, Client, Filter, Operator, RecordResult, SEARCH_BODY_MAX_CHARS, SearchQuery};

use crate::corridor::{Corridor, Done};
use crate::prepared::Folding;
use crate::row::Row;
use crate::search::{characters_of, pages};
use crate::settle::value_of;
use crate::strategy::{MatchKind, Step};

/// Groups of filters in one query (api.md 4.1).
const GROUPS_MAX: usize = 5;
/// Filters in one group.
pub(crate) const FIELDS_MAX: usize = 6;
/// Filters in all groups of a query.
const FILTERS_MAX: usize = 18;
/// Characters of a query that are neither names nor values, for each filter.
const FILTER_CHARACTERS: usize = 60;

/// How a row's record is looked for.
#[derive(Clone, Debug)]
pub(crate) enum Sought {
    /// By the match property, many values in one query.
    ByProperty,
    /// By all fields of the row at once.
    ByFields(Foldings),
    /// Nothing tells one record from another: a create whose answer is lost stays unknown.
    Nowhere,
}

/// How HubSpot compares the values of several properties.
#[derive(Clone, Debug, Default)]
pub(crate) struct Foldings(HashMap<String, Folding>);

/// Fields whose values a record must hold, all of them.
pub(crate) type Fields = [(Arc<str>, String)];

impl Foldings {
    pub(crate) fn new<'a>(names: impl Iterator<Item = &'a str>, properties: &[PropertyDef]) -> Self {
        Self(names.map(|name| (name.to_owned(), Folding::new(name, properties, MatchKind::Search))).collect())
    }

    /// One text for fields that are the same to HubSpot.
    pub(crate) fn fold(&self, fields: &Fields) -> String {
        let mut parts: Vec<String> =
            fields.iter().map(|(name, value)| format!("{name}\u{1}{}", self.of(name, value))).collect();
        parts.sort_unstable();
        parts.join("\u{2}")
    }

    fn of(&self, name: &str, value: &str) -> String {
        self.0.get(name).map_or_else(|| value.to_lowercase(), |folding| folding.fold(value))
    }

    fn searched(&self, name: &str, value: &str) -> String {
        self.0.get(name).map_or_else(|| value.to_owned(), |folding| folding.searched(value))
    }

    /// Whether a record holds these values. With `lax`, HubSpot may show a value in another form than it was asked for: the
    /// record was found by nothing else. Of a property with several options it may have found one among others all the same.
    fn fits(&self, record: &RecordResult, fields: &Fields, lax: bool) -> bool {
        fields.iter().all(|(name, value)| {
            let held = value_of(record, name).unwrap_or_default();
            let parts = self.0.get(name.as_ref()).is_some_and(Folding::finds_parts);
            (lax && !parts && !held.is_empty()) || self.of(name, held) == self.of(name, value)
        })
    }

    /// Records that hold all of each of `wanted`, in its order.
    pub(crate) async fn search(
        &self,
        client: &Client,
        object: &str,
        wanted: &[&Fields],
        properties: &[String],
        meta: &CallMeta,
    ) -> Result<Vec<Vec<RecordResult>>, ApiError> {
        let mut hits: Vec<Vec<RecordResult>> = vec![Vec::new(); wanted.len()];
        let mut parts: Vec<(usize, usize)> = self.cut(wanted);
        parts.reverse();
        while let Some((start, end)) = parts.pop() {
            let part = &wanted[start..end];
            let mut names: Vec<String> = properties.to_vec();
            for (name, _) in part.iter().flat_map(|fields| fields.iter()) {
                if !names.iter().any(|known| known == name.as_ref()) {
                    names.push(name.to_string());
                }
            }
            let filter =
                |(name, value): &(Arc<str>, String)| Filter::new(name, Operator::Eq, self.searched(name, value));
            let mut query = SearchQuery::of(Vec::new(), names);
            query.groups = part.iter().map(|fields| fields.iter().map(filter).collect()).collect();
            let found = pages(client, object, query, meta).await?;
            let alone = part.len() == 1;
            let whose = |record: &RecordResult| -> Vec<usize> {
                (start..end).filter(|at| self.fits(record, wanted[*at], alone)).collect()
            };
            let clear = found.complete && found.records.iter().all(|record| !whose(record).is_empty());
            if !clear && !alone {
                let middle = start + part.len() / 2;
                parts.extend([(middle, end), (start, middle)]);
                continue;
            }
            if !found.complete && found.records.len() < 2 {
                return Err(ApiError::new(ErrorKind::Unreadable, "HubSpot's search shows pages without an end"));
            }
            for record in found.records {
                for at in whose(&record) {
                    hits[at].push(record.clone());
                }
            }
        }
        Ok(hits)
    }

    /// Queries of HubSpot's size.
    fn cut(&self, wanted: &[&Fields]) -> Vec<(usize, usize)> {
        let mut parts = Vec::new();
        let (mut start, mut filters, mut characters) = (0, 0, 0);
        for (at, fields) in wanted.iter().enumerate() {
            let size: usize =
                fields.iter().map(|(name, value)| name.len() + characters_of(value) + FILTER_CHARACTERS).sum();
            let full = at - start == GROUPS_MAX
                || filters + fields.len() > FILTERS_MAX
                || characters + size > SEARCH_BODY_MAX_CHARS / 2;
            if full && at > start {
                parts.push((start, at));
                (start, filters, characters) = (at, 0, 0);
            }
            filters += fields.len();
            characters += size;
        }
        if start < wanted.len() {
            parts.push((start, wanted.len()));
        }
        parts
    }
}

impl Corridor {
    /// The hits of each row, by its folded match value, where records are matched by several fields.
    pub(crate) async fn search_by_fields(
        &self,
        foldings: &Foldings,
        step: Step,
        rows: Vec<Row>,
        properties: &[String],
    ) -> Result<(Vec<Row>, HashMap<String, Vec<RecordResult>>), Done> {
        let wanted: Vec<&Fields> = rows.iter().map(|row| row.fields.as_slice()).collect();
        let longest =
            wanted.iter().flat_map(|fields| fields.iter()).map(|(name, _)| name.len()).max().unwrap_or_default();
        // As for one property: what does not fit into half a body is not asked for, and counts as unknown.
        let names: usize = properties.iter().map(|name| name.len() + 3).sum();
        let properties = if names + longest < SEARCH_BODY_MAX_CHARS / 3 { properties } else { &[] };
        match foldings.search(&self.client, &self.object, &wanted, properties, &self.meta(&rows)).await {
            Ok(found) => {
                let names: Vec<String> = rows.iter().map(|row| self.folding.fold(row.looked_for())).collect();
                Ok((rows, names.into_iter().zip(found).collect()))
            }
            Err(error) => Err(self.refuse_look(step, rows, error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(values: &[(&str, &str)]) -> Vec<(Arc<str>, String)> {
        values.iter().map(|(name, value)| (Arc::from(*name), (*value).to_owned())).collect()
    }

    #[test]
    fn a_query_holds_five_rows_and_eighteen_filters_at_most() {
        let foldings = Foldings::default();
        let two = fields(&[("name", "x"), ("city", "y")]);
        let wanted: Vec<&Fields> = (0..12).map(|_| two.as_slice()).collect();
        assert_eq!(foldings.cut(&wanted), [(0, 5), (5, 10), (10, 12)]);
        let six = fields(&[("a", "1"), ("b", "2"), ("c", "3"), ("d", "4"), ("e", "5"), ("f", "6")]);
        let wanted: Vec<&Fields> = (0..4).map(|_| six.as_slice()).collect();
        assert_eq!(foldings.cut(&wanted), [(0, 3), (3, 4)]);
        let long = fields(&[("name", &"x".repeat(1_400))]);
        let wanted: Vec<&Fields> = (0..2).map(|_| long.as_slice()).collect();
        assert_eq!(foldings.cut(&wanted), [(0, 1), (1, 2)]);
        assert!(foldings.cut(&[]).is_empty());
    }

    #[test]
    fn fields_fold_to_one_text_whatever_their_order_and_case() {
        let foldings = Foldings::new(["name", "city"].into_iter(), &[]);
        let one = foldings.fold(&fields(&[("name", "ACME"), ("city", "Kraków")]));
        assert_eq!(one, foldings.fold(&fields(&[("city", "kraków"), ("name", "Acme")])));
        assert_ne!(one, foldings.fold(&fields(&[("city", "acme"), ("name", "kraków")])));
    }
}
