//! Owns a search's filters: what each operator means for each type of property (api.md 4.2).

use std::cmp::Ordering;
use std::collections::HashSet;

use serde::Deserialize;

use crate::account::{Account, ObjectType, TypeAt};
use crate::answers::Refusal;
use crate::input::Text;
use crate::property::Kind;
use crate::record::{PropertyAt, Record, Values};
use crate::{associations, standard, values};

/// Most groups, filters in a group and filters in all `[DOC-SEARCH]`.
const MOST_GROUPS: usize = 5;
const MOST_FILTERS: usize = 6;
const MOST_FILTERS_IN_ALL: usize = 18;

#[derive(Deserialize)]
pub(crate) struct Group<'a> {
    #[serde(borrow)]
    filters: Vec<Filter<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Filter<'a> {
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
pub(crate) struct Ready {
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
pub(crate) enum Compare {
    Text,
    /// Case-sensitive, each of several values counting.
    Choice,
    Number,
    Time,
}

pub(crate) fn find(object_type: &ObjectType, name: &str) -> Result<PropertyAt, Refusal> {
    object_type.defined(name).ok_or_else(|| {
        Refusal::validation(format!(
            "There was a problem with the request: property {name} does not exist in object type {}",
            object_type.id
        ))
    })
}

pub(crate) fn prepare(
    account: &Account,
    type_at: TypeAt,
    wanted: &[Group<'_>],
    shorthand: &[Filter<'_>],
) -> Result<Vec<Vec<Ready>>, Refusal> {
    let mut groups: Vec<&[Filter<'_>]> = wanted.iter().map(|group| group.filters.as_slice()).collect();
    if !shorthand.is_empty() {
        groups.push(shorthand);
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
    let needs = |what: &str| Refusal::validation(format!("operator {:?} on {name} needs {what}", filter.operator));
    let mut sent: Vec<&str> = Vec::new();
    match filter.operator {
        Operator::In | Operator::NotIn => {
            sent.extend(filter.values.as_ref().ok_or_else(|| needs("values"))?.iter().map(Text::as_str))
        }
        Operator::HasProperty | Operator::NotHasProperty => {}
        _ => sent.push(filter.value.as_ref().ok_or_else(|| needs("a value"))?.as_str()),
    }
    let text = matches!(subject, Subject::Property(_, Compare::Text));
    let list = matches!(filter.operator, Operator::In | Operator::NotIn);
    // IN and NOT_IN take search values as they are: only lower-case ones can match text `[DOC-SEARCH]`
    let values: Vec<String> =
        sent.iter().map(|one| if text && !list { one.to_lowercase() } else { (*one).to_owned() }).collect();
    let comparable = |text: Option<&str>| -> Option<f64> {
        match subject {
            Subject::Property(_, Compare::Time) => values::comparable_ms(text?).map(|ms| ms as f64),
            _ => text?.parse().ok(),
        }
    };
    let numeric = matches!(subject, Subject::Property(_, Compare::Number | Compare::Time));
    let low = comparable(values.first().map(String::as_str));
    if numeric && !list && !values.is_empty() && low.is_none() {
        return Err(Refusal::validation(format!("{} is no value of the property {name}", values[0])));
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
    Ok(Ready { subject, operator: filter.operator, set: values.iter().cloned().collect(), values, low, high })
}

/// One record as the index shows it.
pub(crate) struct Seen<'a> {
    pub(crate) account: &'a Account,
    pub(crate) type_at: TypeAt,
    pub(crate) object_type: &'a ObjectType,
    pub(crate) id: u64,
    pub(crate) record: &'a Record,
    pub(crate) held: &'a Values,
    pub(crate) updated_ms: i64,
}

impl Seen<'_> {
    fn value(&self, at: PropertyAt) -> Option<std::borrow::Cow<'_, str>> {
        self.object_type.value(self.id, self.record, self.held, self.updated_ms, at)
    }

    pub(crate) fn fits(&self, filter: &Ready) -> bool {
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
            return matches!(filter.operator, Operator::Neq | Operator::NotIn | Operator::NotContainsToken);
        };
        match filter.operator {
            Operator::Eq => equal(compare, &value, filter),
            Operator::Neq => !equal(compare, &value, filter),
            Operator::In => within(compare, &value, filter),
            Operator::NotIn => !within(compare, &value, filter),
            Operator::ContainsToken => contains_tokens(&value, &filter.values[0]),
            Operator::NotContainsToken => !contains_tokens(&value, &filter.values[0]),
            Operator::Lt => against_low(compare, &value, filter) == Some(Ordering::Less),
            Operator::Lte => matches!(against_low(compare, &value, filter), Some(Ordering::Less | Ordering::Equal)),
            Operator::Gt => against_low(compare, &value, filter) == Some(Ordering::Greater),
            Operator::Gte => matches!(against_low(compare, &value, filter), Some(Ordering::Greater | Ordering::Equal)),
            Operator::Between => {
                let low = matches!(against_low(compare, &value, filter), Some(Ordering::Greater | Ordering::Equal));
                let high = match (number(compare, &value), filter.high) {
                    (Some(value), Some(high)) => value <= high,
                    _ => filter.values.get(1).is_some_and(|high| value.to_lowercase() <= *high),
                };
                low && high
            }
            Operator::HasProperty | Operator::NotHasProperty => false,
        }
    }

    pub(crate) fn has_words(&self, words: &[String]) -> bool {
        if words.is_empty() {
            return true;
        }
        let mut text = String::new();
        let own = standard::searchable(&self.object_type.plural);
        let schema = self.object_type.schema.as_ref().map_or(&[][..], |schema| &schema.searchable_properties);
        for name in own.iter().copied().chain(schema.iter().map(String::as_str)) {
            if let Some(value) = self.object_type.defined(name).and_then(|at| self.value(at)) {
                text.push_str(&value.to_lowercase());
                text.push('\n');
            }
        }
        words.iter().all(|word| text.contains(word.as_str()))
    }
}

pub(crate) fn number(compare: Compare, value: &str) -> Option<f64> {
    match compare {
        Compare::Number => value.parse().ok(),
        Compare::Time => values::comparable_ms(value).map(|ms| ms as f64),
        Compare::Text | Compare::Choice => None,
    }
}

fn equal(compare: Compare, value: &str, filter: &Ready) -> bool {
    match compare {
        Compare::Number | Compare::Time => number(compare, value).is_some() && number(compare, value) == filter.low,
        Compare::Choice => value == filter.values[0] || value.split(';').any(|one| one == filter.values[0]),
        Compare::Text => value.to_lowercase() == filter.values[0],
    }
}

fn within(compare: Compare, value: &str, filter: &Ready) -> bool {
    match compare {
        Compare::Text => filter.set.contains(&value.to_lowercase()),
        Compare::Choice => value.split(';').any(|one| filter.set.contains(one)),
        Compare::Number | Compare::Time => {
            let value = number(compare, value);
            value.is_some() && filter.values.iter().any(|one| number(compare, one) == value)
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
    let tokens: Vec<&str> = value.split(|c: char| !c.is_alphanumeric()).filter(|token| !token.is_empty()).collect();
    let mut wanted = pattern.split(|c: char| !c.is_alphanumeric() && c != '*').filter(|token| !token.is_empty());
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
    text.char_indices().map(|(at, _)| at).chain([text.len()]).any(|at| wildcard(&text[at..], rest))
}

#[cfg(test)]
mod tests {
    use super::contains_tokens;

    #[test]
    fn tokens_match_whole_words_and_wildcards() {
        assert!(contains_tokens("Ada.Lovelace@example.com", "lovelace"));
        assert!(!contains_tokens("Ada.Lovelace@example.com", "love"));
        assert!(contains_tokens("Ada.Lovelace@example.com", "love*"));
        assert!(contains_tokens("Ada.Lovelace@example.com", "*@example.com"));
        assert!(!contains_tokens("ada@example.org", "*@example.com"));
    }
}
