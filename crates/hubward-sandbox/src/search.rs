//! Owns search: its limits, its filters and what of a record the lagging index shows (api.md 4).

use std::cmp::Ordering;
use std::collections::HashSet;

use serde::Deserialize;

use crate::account::{Account, ObjectType, TypeAt};
use crate::answers::{Refusal, Reply, comma};
use crate::associations;
use crate::call::{Call, select};
use crate::input::{self, Text};
use crate::property::Kind;
use crate::record::{PropertyAt, Record, Values};
use crate::render::{self, Extras};
use crate::{standard, values};

const MOST_BODY_CHARACTERS: usize = 3_000;
const MOST_ROWS: usize = 10_000;
const MOST_PAGE: usize = 200;
const MOST_GROUPS: usize = 5;
const MOST_FILTERS: usize = 6;
const MOST_FILTERS_IN_ALL: usize = 18;

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
struct Group<'a> {
    #[serde(borrow)]
    filters: Vec<Filter<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Filter<'a> {
    #[serde(borrow)]
    property_name: Text<'a>,
    operator: Operator,
    #[serde(borrow, default)]
    value: Option<Text<'a>>,
    #[serde(borrow, default)]
    high_value: Option<Text<'a>>,
    #[serde(borrow, default)]
    values: Option<Vec<Text<'a>>>,
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

#[derive(Deserialize, Clone, Copy, PartialEq, Debug)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Operator {
    Lt,
    Lte,
    Gt,
    Gte,
    Eq,
    Neq,
    Between,
    In,
    NotIn,
    HasProperty,
    NotHasProperty,
    ContainsToken,
    NotContainsToken,
}

/// A filter made ready: property found, values prepared once for all records.
struct Ready {
    subject: Subject,
    operator: Operator,
    /// As compared: in lower case for text, as sent for enumerations and `IN`.
    values: Vec<String>,
    set: HashSet<String>,
    low: Option<f64>,
    high: Option<f64>,
}

enum Subject {
    Property(PropertyAt, Compare),
    Associated(TypeAt),
}

#[derive(Clone, Copy, PartialEq)]
enum Compare {
    Text,
    /// Case-sensitive, each of several values counting.
    Choice,
    Number,
    Time,
}

pub(crate) fn search(call: &Call<'_>) -> Result<Reply, Refusal> {
    let characters =
        std::str::from_utf8(call.body).map_or(call.body.len(), |text| text.chars().count());
    if characters > MOST_BODY_CHARACTERS {
        return Err(Refusal::validation(format!(
            "The request body is longer than the {MOST_BODY_CHARACTERS} characters allowed in a search"
        )));
    }
    let wanted: Search<'_> = input::parse(call.body)?;
    let limit = wanted
        .limit
        .map_or(10, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    if limit > MOST_PAGE {
        return Err(Refusal::validation(format!(
            "limit {limit} is more than the {MOST_PAGE} results a page may hold"
        )));
    }
    let after = match &wanted.after {
        Some(after) if !after.as_str().is_empty() => after.as_str().parse::<usize>().map_err(|_| {
            Refusal::bare(400, format!("Invalid input JSON on line 1, column 1: Cannot deserialize value of type `int` from String \"{}\"", after.as_str()))
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
    let groups = prepare(&account, type_at, &wanted)?;
    let sort = match wanted.sorts.first() {
        Some(Sort::By {
            property_name,
            direction,
        }) => Some((
            find(object_type, property_name.as_str())?,
            direction.unwrap_or(Direction::Ascending),
        )),
        Some(Sort::Name(name)) => Some((find(object_type, name.as_str())?, Direction::Ascending)),
        None => None,
    };
    let words: Vec<String> = wanted
        .query
        .iter()
        .flat_map(|query| query.as_str().split_whitespace())
        .map(str::to_lowercase)
        .collect();
    let mut hits: Vec<u64> = Vec::new();
    for (id, record) in &object_type.records {
        if record.archived_at_ms.is_some() {
            continue;
        }
        let Some((held, updated_ms)) = record.indexed(call.now_ms) else {
            continue;
        };
        let seen = Seen {
            account: &account,
            type_at,
            object_type,
            id: *id,
            record,
            held,
            updated_ms,
        };
        let fits = groups.is_empty()
            || groups
                .iter()
                .any(|group| group.iter().all(|filter| seen.fits(filter)));
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
        render::record(
            &mut out,
            &account,
            type_at,
            *id,
            &selection,
            &Extras::default(),
        );
    }
    out.push(b']');
    let next = after + limit;
    if next < hits.len() {
        out.extend_from_slice(
            format!(",\"paging\":{{\"next\":{{\"after\":\"{next}\"}}}}").as_bytes(),
        );
    }
    out.push(b'}');
    Ok(Reply::json(200, out))
}

fn find(object_type: &ObjectType, name: &str) -> Result<PropertyAt, Refusal> {
    object_type.defined(name).ok_or_else(|| {
        Refusal::validation(format!("There was a problem with the request: property {name} does not exist in object type {}", object_type.id))
    })
}

fn prepare(
    account: &Account,
    type_at: TypeAt,
    wanted: &Search<'_>,
) -> Result<Vec<Vec<Ready>>, Refusal> {
    let mut groups: Vec<&[Filter<'_>]> = wanted
        .filter_groups
        .iter()
        .map(|group| group.filters.as_slice())
        .collect();
    if !wanted.filters.is_empty() {
        groups.push(&wanted.filters);
    }
    if groups.len() > MOST_GROUPS {
        return Err(Refusal::validation(format!(
            "{} filter groups are more than the {MOST_GROUPS} allowed",
            groups.len()
        )));
    }
    if let Some(group) = groups.iter().find(|group| group.len() > MOST_FILTERS) {
        return Err(Refusal::validation(format!(
            "{} filters are more than the {MOST_FILTERS} allowed in a group",
            group.len()
        )));
    }
    let all: usize = groups.iter().map(|group| group.len()).sum();
    if all > MOST_FILTERS_IN_ALL {
        return Err(Refusal::validation(format!(
            "{all} filters are more than the {MOST_FILTERS_IN_ALL} allowed in all"
        )));
    }
    let mut ready = Vec::new();
    for group in groups {
        let mut filters = Vec::new();
        for filter in group {
            filters.push(prepare_one(account, type_at, filter)?);
        }
        ready.push(filters);
    }
    Ok(ready)
}

fn prepare_one(account: &Account, type_at: TypeAt, filter: &Filter<'_>) -> Result<Ready, Refusal> {
    let name = filter.property_name.as_str();
    let object_type = &account.types[type_at];
    let subject = match name.strip_prefix("associations.") {
        Some(to) => Subject::Associated(account.resolve(to)?),
        None => {
            let at = find(object_type, name)?;
            let compare = match object_type.property(at).kind {
                Kind::Number => Compare::Number,
                Kind::Date | Kind::Datetime => Compare::Time,
                Kind::Enumeration | Kind::Bool => Compare::Choice,
                _ => Compare::Text,
            };
            Subject::Property(at, compare)
        }
    };
    let needs = |what: &str| {
        Refusal::validation(format!(
            "operator {:?} on {name} needs {what}",
            filter.operator
        ))
    };
    let mut sent: Vec<&str> = Vec::new();
    match filter.operator {
        Operator::In | Operator::NotIn => sent.extend(
            filter
                .values
                .as_ref()
                .ok_or_else(|| needs("values"))?
                .iter()
                .map(Text::as_str),
        ),
        Operator::HasProperty | Operator::NotHasProperty => {}
        _ => sent.push(
            filter
                .value
                .as_ref()
                .ok_or_else(|| needs("a value"))?
                .as_str(),
        ),
    }
    let text = matches!(subject, Subject::Property(_, Compare::Text));
    let list = matches!(filter.operator, Operator::In | Operator::NotIn);
    // IN and NOT_IN take search values as they are: only lower-case ones can match text `[DOC-SEARCH]`
    let values: Vec<String> = sent
        .iter()
        .map(|one| {
            if text && !list {
                one.to_lowercase()
            } else {
                (*one).to_owned()
            }
        })
        .collect();
    let comparable = |text: Option<&str>| -> Option<f64> {
        match subject {
            Subject::Property(_, Compare::Time) => values::comparable_ms(text?).map(|ms| ms as f64),
            _ => text?.parse().ok(),
        }
    };
    let numeric = matches!(
        subject,
        Subject::Property(_, Compare::Number | Compare::Time)
    );
    let low = comparable(values.first().map(String::as_str));
    if numeric && !list && !values.is_empty() && low.is_none() {
        return Err(Refusal::validation(format!(
            "{} is no value of the property {name}",
            values[0]
        )));
    }
    let high_text = filter.high_value.as_ref().map(Text::as_str);
    if filter.operator == Operator::Between && high_text.is_none() {
        return Err(needs("a highValue"));
    }
    let high = comparable(high_text);
    let mut values = values;
    if let Some(high) = high_text {
        values.push(high.to_lowercase());
    }
    Ok(Ready {
        subject,
        operator: filter.operator,
        set: values.iter().cloned().collect(),
        values,
        low,
        high,
    })
}

/// One record as the index shows it.
struct Seen<'a> {
    account: &'a Account,
    type_at: TypeAt,
    object_type: &'a ObjectType,
    id: u64,
    record: &'a Record,
    held: &'a Values,
    updated_ms: i64,
}

impl Seen<'_> {
    fn value(&self, at: PropertyAt) -> Option<std::borrow::Cow<'_, str>> {
        self.object_type
            .value(self.id, self.record, self.held, self.updated_ms, at)
    }

    fn fits(&self, filter: &Ready) -> bool {
        let (at, compare) = match filter.subject {
            Subject::Property(at, compare) => (at, compare),
            Subject::Associated(to) => {
                let any = associations::associated_ids(self.account, self.type_at, self.id, to)
                    .any(|id| filter.set.contains(&id.to_string()));
                return match filter.operator {
                    Operator::Eq | Operator::In => any,
                    Operator::Neq | Operator::NotIn => !any,
                    _ => false,
                };
            }
        };
        let value = self.value(at);
        match filter.operator {
            Operator::HasProperty => return value.is_some(),
            Operator::NotHasProperty => return value.is_none(),
            _ => {}
        }
        let Some(value) = value else {
            return matches!(
                filter.operator,
                Operator::Neq | Operator::NotIn | Operator::NotContainsToken
            );
        };
        match filter.operator {
            Operator::Eq => equal(compare, &value, filter),
            Operator::Neq => !equal(compare, &value, filter),
            Operator::In => within(compare, &value, filter),
            Operator::NotIn => !within(compare, &value, filter),
            Operator::ContainsToken => contains_tokens(&value, &filter.values[0]),
            Operator::NotContainsToken => !contains_tokens(&value, &filter.values[0]),
            Operator::Lt => against_low(compare, &value, filter) == Some(Ordering::Less),
            Operator::Lte => matches!(
                against_low(compare, &value, filter),
                Some(Ordering::Less | Ordering::Equal)
            ),
            Operator::Gt => against_low(compare, &value, filter) == Some(Ordering::Greater),
            Operator::Gte => matches!(
                against_low(compare, &value, filter),
                Some(Ordering::Greater | Ordering::Equal)
            ),
            Operator::Between => {
                let low = matches!(
                    against_low(compare, &value, filter),
                    Some(Ordering::Greater | Ordering::Equal)
                );
                let high = match (number(compare, &value), filter.high) {
                    (Some(value), Some(high)) => value <= high,
                    _ => filter
                        .values
                        .get(1)
                        .is_some_and(|high| value.to_lowercase() <= *high),
                };
                low && high
            }
            Operator::HasProperty | Operator::NotHasProperty => false,
        }
    }

    fn has_words(&self, words: &[String]) -> bool {
        if words.is_empty() {
            return true;
        }
        let mut text = String::new();
        let own = standard::searchable(&self.object_type.plural);
        let schema = self
            .object_type
            .schema
            .as_ref()
            .map_or(&[][..], |schema| &schema.searchable_properties);
        for name in own.iter().copied().chain(schema.iter().map(String::as_str)) {
            if let Some(value) = self.object_type.defined(name).and_then(|at| self.value(at)) {
                text.push_str(&value.to_lowercase());
                text.push('\n');
            }
        }
        words.iter().all(|word| text.contains(word.as_str()))
    }
}

fn number(compare: Compare, value: &str) -> Option<f64> {
    match compare {
        Compare::Number => value.parse().ok(),
        Compare::Time => values::comparable_ms(value).map(|ms| ms as f64),
        Compare::Text | Compare::Choice => None,
    }
}

fn equal(compare: Compare, value: &str, filter: &Ready) -> bool {
    match compare {
        Compare::Number | Compare::Time => {
            number(compare, value).is_some() && number(compare, value) == filter.low
        }
        Compare::Choice => {
            value == filter.values[0] || value.split(';').any(|one| one == filter.values[0])
        }
        Compare::Text => value.to_lowercase() == filter.values[0],
    }
}

fn within(compare: Compare, value: &str, filter: &Ready) -> bool {
    match compare {
        Compare::Text => filter.set.contains(&value.to_lowercase()),
        Compare::Choice => value.split(';').any(|one| filter.set.contains(one)),
        Compare::Number | Compare::Time => {
            let value = number(compare, value);
            value.is_some()
                && filter
                    .values
                    .iter()
                    .any(|one| number(compare, one) == value)
        }
    }
}

fn against_low(compare: Compare, value: &str, filter: &Ready) -> Option<Ordering> {
    match (number(compare, value), filter.low) {
        (Some(value), Some(low)) => value.partial_cmp(&low),
        _ => Some(value.to_lowercase().as_str().cmp(filter.values[0].as_str())),
    }
}

/// Every token of the pattern is a token of the value; `*` stands for any characters.
fn contains_tokens(value: &str, pattern: &str) -> bool {
    let value = value.to_lowercase();
    let tokens: Vec<&str> = value
        .split(|c: char| !c.is_alphanumeric())
        .filter(|token| !token.is_empty())
        .collect();
    let mut wanted = pattern
        .split(|c: char| !c.is_alphanumeric() && c != '*')
        .filter(|token| !token.is_empty());
    wanted.all(|token| tokens.iter().any(|one| wildcard(one, token)))
}

fn wildcard(text: &str, pattern: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return text == pattern;
    };
    let Some(text) = text.strip_prefix(head) else {
        return false;
    };
    if rest.is_empty() {
        return true;
    }
    text.char_indices()
        .map(|(at, _)| at)
        .chain([text.len()])
        .any(|at| wildcard(&text[at..], rest))
}

fn order(
    object_type: &ObjectType,
    hits: &mut [u64],
    at: PropertyAt,
    direction: Direction,
    now_ms: i64,
) {
    let kind = object_type.property(at).kind;
    let numeric = matches!(kind, Kind::Number | Kind::Date | Kind::Datetime);
    let compare = if kind == Kind::Number {
        Compare::Number
    } else {
        Compare::Time
    };
    let key = |id: &u64| {
        let record = &object_type.records[id];
        let indexed = record.indexed(now_ms);
        let value =
            indexed.and_then(|(held, updated)| object_type.value(*id, record, held, updated, at));
        let as_number = if numeric {
            value.as_deref().and_then(|value| number(compare, value))
        } else {
            None
        };
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
    use super::{contains_tokens, ordered};

    #[test]
    fn tokens_match_whole_words_and_wildcards() {
        assert!(contains_tokens("Ada.Lovelace@example.com", "lovelace"));
        assert!(!contains_tokens("Ada.Lovelace@example.com", "love"));
        assert!(contains_tokens("Ada.Lovelace@example.com", "love*"));
        assert!(contains_tokens("Ada.Lovelace@example.com", "*@example.com"));
        assert!(!contains_tokens("ada@example.org", "*@example.com"));
    }

    #[test]
    fn numbers_keep_their_order_as_bits() {
        let mut numbers = [3.5, -1.0, 0.0, -7.25, 1e9];
        numbers.sort_by_key(|n| ordered(*n));
        assert_eq!(numbers, [-7.25, -1.0, 0.0, 3.5, 1e9]);
    }
}
