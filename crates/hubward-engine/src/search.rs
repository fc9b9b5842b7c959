//! Batched search by the match property: the last resort, in its own small budget (api.md 4.1).

use hubward_hubspot::{
    ApiError, CallMeta, Client, Filter, Operator, RecordResult, SEARCH_BODY_MAX_CHARS, SEARCH_PAGE_MAX, SEARCH_REACH,
    SearchQuery,
};

use crate::corridor::Corridor;
use crate::row::Row;

/// Values of one `IN` list.
pub(crate) const QUERY_VALUES_MAX: usize = 100;
/// Characters of a search body that are not values or names of properties, generously.
const BODY_FRAME_CHARACTERS: usize = 300;
/// Characters that are kept for values; properties that would leave fewer are not asked for.
const VALUES_CHARACTERS_MIN: usize = 1_500;
/// Pages that HubSpot answers of one query: 10,000 rows (api.md 4.1).
const PAGES_MAX: usize = (SEARCH_REACH / SEARCH_PAGE_MAX as u64) as usize;

/// The body's limit shared out.
pub(crate) struct Room {
    /// Characters that the values of one query may take.
    pub(crate) values: usize,
    /// The properties to ask for, the match property among them.
    pub(crate) properties: Vec<String>,
}

/// What one query found.
pub(crate) struct Found {
    pub(crate) records: Vec<RecordResult>,
    /// HubSpot has shown every hit.
    pub(crate) complete: bool,
}

/// Shares a body's characters between values and properties. Properties that do not fit are left out altogether: what they
/// hold is then unknown, never wrong.
pub(crate) fn room(match_property: &str, properties: &[String]) -> Room {
    let characters = |name: &str| name.len() + 3;
    let whole = SEARCH_BODY_MAX_CHARS - BODY_FRAME_CHARACTERS - 2 * characters(match_property);
    let names: usize = properties.iter().map(|name| characters(name)).sum();
    let mut wanted = vec![match_property.to_owned()];
    if names + VALUES_CHARACTERS_MIN <= whole {
        wanted.extend(properties.iter().filter(|name| *name != match_property).cloned());
        Room { values: whole - names, properties: wanted }
    } else {
        Room { values: whole, properties: wanted }
    }
}

/// Characters that a value takes in the body, quotes and comma included.
pub(crate) fn characters_of(value: &str) -> usize {
    let escaped = value.chars().filter(|c| matches!(c, '"' | '\\')).count();
    let controls = value.chars().filter(|c| c.is_control()).count();
    value.len() + escaped + 6 * controls + 3
}

/// Records whose match property holds the value of one of these rows.
pub(crate) async fn records(corridor: &Corridor, rows: &[Row], properties: &[String]) -> Result<Found, ApiError> {
    let mut values: Vec<String> = Vec::new();
    for row in rows {
        let value = corridor.folding.searched(row.looked_for());
        if !values.contains(&value) {
            values.push(value);
        }
    }
    let filter = Filter {
        property: corridor.match_property.to_string(),
        operator: Operator::In,
        value: None,
        high_value: None,
        values,
    };
    let query = SearchQuery::of(vec![filter], properties.to_vec());
    pages(&corridor.client, &corridor.object, query, &corridor.meta(rows)).await
}

/// All that a query finds, as far as HubSpot's pages reach.
pub(crate) async fn pages(
    client: &Client,
    object: &str,
    mut query: SearchQuery,
    meta: &CallMeta,
) -> Result<Found, ApiError> {
    let mut records = Vec::new();
    for _ in 0..PAGES_MAX {
        let page = client.search(object, &query, meta).await?;
        records.extend(page.results);
        match page.after {
            Some(after) => query.after = Some(after),
            None => return Ok(Found { records, complete: true }),
        }
    }
    Ok(Found { records, complete: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_holds_its_values_and_as_many_properties_as_leave_room_for_them() {
        let few: Vec<String> = (0..10).map(|at| format!("property_{at}")).collect();
        let room = super::room("domain", &few);
        assert_eq!(room.properties.len(), 11);
        assert!(room.values >= VALUES_CHARACTERS_MIN && room.values < SEARCH_BODY_MAX_CHARS);
        let many: Vec<String> = (0..200).map(|at| format!("a_long_property_name_{at}")).collect();
        let room = super::room("domain", &many);
        assert_eq!(room.properties, ["domain"]);
        assert!(room.values > VALUES_CHARACTERS_MIN && room.values < SEARCH_BODY_MAX_CHARS);
    }

    #[test]
    fn characters_are_counted_as_json_writes_them() {
        for value in ["plain", "quo\"te", "back\\slash", "bell\u{7}", "żółć"] {
            let body = serde_json::to_string(value).expect("a text");
            assert!(characters_of(value) > body.chars().count(), "{value:?}");
        }
    }
}
