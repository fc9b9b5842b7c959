//! Batched search by the match property: the last resort, in its own small budget (api.md 4.1).

use hubward_hubspot::{ApiError, Filter, Operator, RecordResult, SearchQuery};

use crate::corridor::Corridor;
use crate::row::Row;

/// Values of one `IN` list.
pub(crate) const QUERY_VALUES_MAX: usize = 100;
/// Characters that the values of one query may take; HubSpot's limit is 3,000 for the whole body.
pub(crate) const QUERY_CHARACTERS_MAX: usize = 2_000;
/// HubSpot answers no more than this many rows of one query (api.md 4.1).
const HITS_MAX: usize = 10_000;

/// Every record whose match property holds the value of one of these rows.
pub(crate) async fn records(
    corridor: &Corridor,
    rows: &[Row],
    properties: &[String],
) -> Result<Vec<RecordResult>, ApiError> {
    let mut values: Vec<String> = Vec::new();
    for row in rows {
        let value = corridor.folding.searched(&row.ident.match_value);
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
    let mut wanted = vec![corridor.match_property.to_string()];
    wanted.extend(properties.iter().cloned());
    let mut query = SearchQuery::of(vec![filter], wanted);
    let meta = corridor.meta(rows);
    let mut found = Vec::new();
    loop {
        let page = corridor.client.search(&corridor.object, &query, &meta).await?;
        found.extend(page.results);
        match page.after {
            Some(after) if found.len() < HITS_MAX => query.after = Some(after),
            _ => return Ok(found),
        }
    }
}
