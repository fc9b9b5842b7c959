//! Owns the form of a list's filter branch (api.md 8): that each branch is of a kind HubSpot knows. What it filters by is
//! not looked into.

use serde_json::{Map, Value, json};

use crate::answers::Refusal;

const KINDS: &[&str] =
    &["OR", "AND", "NOT_ALL", "NOT_ANY", "RESTRICTED", "UNIFIED_EVENTS", "PROPERTY_ASSOCIATION", "ASSOCIATION"];

/// Deeper than any person's filters; it bounds the work on a hostile body.
const MOST_LEVELS: usize = 32;

/// A branch with what HubSpot fills in where it was left out: operator, branches and filters.
pub(crate) fn checked(mut branch: Value) -> Result<Value, Refusal> {
    complete(&mut branch, 0)?;
    Ok(branch)
}

/// A branch that says nothing, for a list that `load` gave none.
pub(crate) fn empty() -> Value {
    json!({ "filterBranchType": "OR", "filterBranchOperator": "OR", "filterBranches": [], "filters": [] })
}

fn complete(branch: &mut Value, level: usize) -> Result<(), Refusal> {
    if level > MOST_LEVELS {
        return Err(Refusal::validation("filterBranch is nested too deeply"));
    }
    let branch = branch.as_object_mut().ok_or_else(|| Refusal::validation("A filterBranch must be an object"))?;
    let kind = branch.get("filterBranchType").and_then(Value::as_str).unwrap_or_default();
    if !KINDS.contains(&kind) {
        return Err(Refusal::validation(format!("filterBranchType {kind:?} is none of {}", KINDS.join(", "))));
    }
    let operator = if kind == "OR" { "OR" } else { "AND" };
    branch.entry("filterBranchOperator").or_insert(json!(operator));
    array(branch, "filters")?;
    for child in array(branch, "filterBranches")? {
        complete(child, level + 1)?;
    }
    Ok(())
}

fn array<'b>(branch: &'b mut Map<String, Value>, key: &str) -> Result<&'b mut Vec<Value>, Refusal> {
    let value = branch.entry(key).or_insert(json!([]));
    value.as_array_mut().ok_or_else(|| Refusal::validation(format!("{key} of a filterBranch must be an array")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::checked;

    #[test]
    fn what_a_branch_leaves_out_is_filled_in_at_every_level() {
        let filter = json!({ "filterType": "PROPERTY", "property": "city" });
        let inner = json!({ "filterBranchType": "AND", "filters": [filter] });
        let branch = checked(json!({ "filterBranchType": "OR", "filterBranches": [inner] })).unwrap();
        assert_eq!(branch["filters"], json!([]));
        assert_eq!(branch["filterBranches"][0]["filterBranchOperator"], "AND");
        assert_eq!(branch["filterBranches"][0]["filters"][0], filter);
    }

    #[test]
    fn a_branch_of_no_known_kind_is_refused_however_deep() {
        let inner = json!({ "filterBranchType": "MAYBE" });
        assert!(checked(json!({ "filterBranchType": "OR", "filterBranches": [inner] })).is_err());
        assert!(checked(json!("OR")).is_err());
        let mut deep = json!({ "filterBranchType": "AND" });
        for _ in 0..40 {
            deep = json!({ "filterBranchType": "AND", "filterBranches": [deep] });
        }
        assert!(checked(deep).is_err());
    }
}
