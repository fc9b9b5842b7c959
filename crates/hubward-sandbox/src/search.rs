//! Owns search: its limits, order and paging, over what the lagging index shows (api.md 4).

use serde::Deserialize;

use crate::account::ObjectType;
use crate::answers::{Refusal, Reply, comma};
use crate::call::{Call, select};
use crate::filter::{self, Compare, Filter, Group, Seen, find, number};
use crate::input::{self, Text};
use crate::property::Kind;
use crate::record::PropertyAt;
use crate::render::{self, Extras};

const MOST_BODY_CHARACTERS: usize = 3_000;
const MOST_ROWS: usize = 10_000;
const MOST_PAGE: usize = 200;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Search<'a> {
    #[serde(borrow, default)]
    filter_groups: Vec<Group<'a>>,
    /// The documentation's shorthand for one group.
    #[serde(borrow, default)]
    filters: Vec<Filter<'a>>,
    #[serde(borrow, default)]
    query: Option<Text<'a>>,
    #[serde(borrow, default)]
    sorts: Vec<Sort<'a>>,
    #[serde(borrow, default)]
    properties: Vec<Text<'a>>,
    #[serde(default)]
    limit: Option<u64>,
    #[serde(borrow, default)]
    after: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Sort<'a> {
    #[serde(rename_all = "camelCase")]
    By {
        #[serde(borrow)]
        property_name: Text<'a>,
        #[serde(default)]
        direction: Option<Direction>,
    },
    Name(#[serde(borrow)] Text<'a>),
}

#[derive(Deserialize, Clone, Copy, PartialEq)]
#[serde(rename_all = "UPPERCASE")]
enum Direction {
    Ascending,
    Descending,
}

pub(crate) fn search(call: &Call<'_>) -> Result<Reply, Refusal> {
    let characters = std::str::from_utf8(call.body).map_or(call.body.len(), |text| text.chars().count());
    if characters > MOST_BODY_CHARACTERS {
        return Err(Refusal::validation(format!(
            "The request body is longer than the {MOST_BODY_CHARACTERS} characters allowed in a search"
        )));
    }
    let wanted: Search<'_> = input::parse(call.body)?;
    let limit = wanted.limit.map_or(10, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    if limit > MOST_PAGE {
        return Err(Refusal::validation(format!("limit {limit} is more than the {MOST_PAGE} results a page may hold")));
    }
    let after = match &wanted.after {
        Some(after) if !after.as_str().is_empty() => after.as_str().parse::<usize>().map_err(|_| {
            Refusal::bare(
                400,
                format!(
                    "Invalid input JSON on line 1, column 1: Cannot deserialize value of type `int` from String \"{}\"",
                    after.as_str()
                ),
            )
        })?,
        _ => 0,
    };
    if after + limit > MOST_ROWS {
        return Err(Refusal::validation(format!(
            "A search reaches {MOST_ROWS} results; after {after} with limit {limit} goes past them"
        )));
    }
    if wanted.sorts.len() > 1 {
        return Err(Refusal::validation("Only one sort is allowed"));
    }
    let account = call.account();
    let type_at = account.resolve(call.param(0))?;
    let object_type = &account.types[type_at];
    let groups = filter::prepare(&account, type_at, &wanted.filter_groups, &wanted.filters)?;
    let sort = match wanted.sorts.first() {
        Some(Sort::By { property_name, direction }) => {
            Some((find(object_type, property_name.as_str())?, direction.unwrap_or(Direction::Ascending)))
        }
        Some(Sort::Name(name)) => Some((find(object_type, name.as_str())?, Direction::Ascending)),
        None => None,
    };
    let words: Vec<String> =
        wanted.query.iter().flat_map(|query| query.as_str().split_whitespace()).map(str::to_lowercase).collect();
    let mut hits: Vec<u64> = Vec::new();
    for (id, record) in &object_type.records {
        if record.archived_at_ms.is_some() {
            continue;
        }
        let Some((held, updated_ms)) = record.indexed(call.now_ms) else {
            continue;
        };
        let seen = Seen { account: &account, type_at, object_type, id: *id, record, held, updated_ms };
        let fits = groups.is_empty() || groups.iter().any(|group| group.iter().all(|filter| seen.fits(filter)));
        if fits && seen.has_words(&words) {
            hits.push(*id);
        }
    }
    if let Some((at, direction)) = sort {
        order(object_type, &mut hits, at, direction, call.now_ms);
    }
    let names: Vec<&str> = wanted.properties.iter().map(Text::as_str).collect();
    let selection = select(object_type, Some(&names));
    let mut out = Vec::with_capacity(limit * 500 + 100);
    out.extend_from_slice(format!("{{\"total\":{},\"results\":[", hits.len()).as_bytes());
    for (at, id) in hits.iter().skip(after).take(limit).enumerate() {
        comma(&mut out, at);
        render::record(&mut out, &account, type_at, *id, &selection, &Extras::default());
    }
    out.push(b']');
    let next = after + limit;
    if limit > 0 && next < hits.len() {
        out.extend_from_slice(format!(",\"paging\":{{\"next\":{{\"after\":\"{next}\"}}}}").as_bytes());
    }
    out.push(b'}');
    Ok(Reply::json(200, out))
}

fn order(object_type: &ObjectType, hits: &mut [u64], at: PropertyAt, direction: Direction, now_ms: i64) {
    let kind = object_type.property(at).kind;
    let numeric = matches!(kind, Kind::Number | Kind::Date | Kind::Datetime);
    let compare = if kind == Kind::Number { Compare::Number } else { Compare::Time };
    let key = |id: &u64| {
        let record = &object_type.records[id];
        let indexed = record.indexed(now_ms);
        let value = indexed.and_then(|(held, updated)| object_type.value(*id, record, held, updated, at));
        let as_number = if numeric { value.as_deref().and_then(|value| number(compare, value)) } else { None };
        (as_number, value.map(|value| value.to_lowercase()))
    };
    hits.sort_by_cached_key(|id| {
        let (as_number, text) = key(id);
        (as_number.map(ordered), if numeric { None } else { text })
    });
    if direction == Direction::Descending {
        hits.reverse();
    }
}

/// A number's bits in an order that compares as the numbers do.
fn ordered(number: f64) -> i64 {
    let bits = number.to_bits().cast_signed();
    bits ^ (((bits >> 63).cast_unsigned() >> 1).cast_signed())
}

#[cfg(test)]
mod tests {
    use super::ordered;

    #[test]
    fn numbers_keep_their_order_as_bits() {
        let mut numbers = [3.5, -1.0, 0.0, -7.25, 1e9];
        numbers.sort_by_key(|n| ordered(*n));
        assert_eq!(numbers, [-7.25, -1.0, 0.0, 3.5, 1e9]);
    }
}
