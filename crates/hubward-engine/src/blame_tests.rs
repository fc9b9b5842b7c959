use std::sync::Arc;

use hubward_core::{ErrorKind, Outcome};

use super::*;
use crate::row::RowIdent;
use crate::strategy::MatchKind;
use crate::tally::Tally;

fn folding() -> Folding {
    Folding::new("email", &[], MatchKind::Unique)
}

/// Rows that write these properties; row `n` has record `100 + n` and the address `Pn@example.com`.
fn rows(tally: &Arc<Tally>, written: &[&[(&str, &str)]]) -> Vec<Row> {
    let row = |(at, properties): (usize, &&[(&str, &str)])| {
        let ident = RowIdent {
            key: at as u128,
            key_text: at.to_string(),
            fingerprint: 0,
            mapped: 0,
            match_value: format!("P{at}@example.com"),
            match_hash: 0,
            wanted: 0,
            written: Vec::new(),
        };
        let properties = properties.iter().map(|(name, value)| (Arc::from(*name), (*value).to_owned())).collect();
        Row::new(ident, properties, Some(100 + at as u64), tally.ticket())
    };
    written.iter().enumerate().map(row).collect()
}

fn issue(property: &str, code: &str, value: Option<&str>) -> PropertyIssue {
    PropertyIssue {
        property: property.to_owned(),
        code: code.to_owned(),
        message: format!("{property} {code}"),
        value: value.map(str::to_owned),
    }
}

fn refusal(issues: Vec<PropertyIssue>) -> ApiError {
    let mut error = ApiError::new(ErrorKind::Validation, "Property values were not valid");
    error.issues = issues;
    error
}

/// The blamed rows: (certain, only suspected).
fn blamed(error: &ApiError, written: &[&[(&str, &str)]], by_record: bool) -> (Vec<usize>, Vec<usize>) {
    let tally = Tally::new();
    let rows = rows(&tally, written);
    let folding = folding();
    let ids = if by_record { Ids::Records } else { Ids::MatchValues(&folding) };
    let found = match blame(error, &rows, "email", ids) {
        Blame::Certain(guilty) => (guilty.into_iter().map(|(at, _)| at).collect(), Vec::new()),
        Blame::Among(among) => (Vec::new(), among),
        Blame::Nobody => (Vec::new(), Vec::new()),
    };
    rows.into_iter().for_each(|row| drop(row.finish(Outcome::Applied, None)));
    found
}

#[test]
fn a_named_value_is_certain_and_others_of_the_property_are_not() {
    let error = refusal(vec![issue("plan", "INVALID_OPTION", Some("gold"))]);
    assert_eq!(blamed(&error, &[&[("plan", "gold")], &[("plan", "silver")], &[]], true), (vec![0], vec![]));
}

#[test]
fn a_property_without_a_value_only_makes_suspects() {
    let error = refusal(vec![issue("flag", "INVALID_BOOLEAN_OPTION", None)]);
    assert_eq!(blamed(&error, &[&[("flag", "true")], &[("flag", "x")], &[]], true), (vec![], vec![0, 1]));
    // All of them: that tells nothing.
    assert_eq!(blamed(&error, &[&[("flag", "true")], &[("flag", "x")]], true), (vec![], vec![]));
}

#[test]
fn a_property_that_cannot_be_written_makes_every_row_guilty_that_writes_it() {
    for code in ["PROPERTY_DOESNT_EXIST", "READ_ONLY_VALUE"] {
        let error = refusal(vec![issue("gone", code, None)]);
        assert_eq!(blamed(&error, &[&[("gone", "1")], &[("gone", "2")], &[]], true), (vec![0, 1], vec![]));
    }
}

#[test]
fn a_rule_about_a_missing_value_suspects_rows_that_leave_it_out() {
    let error = refusal(vec![issue("tax", "MISSING_CONDITIONAL_REQUIRED_PROPERTY", None)]);
    assert_eq!(blamed(&error, &[&[("city", "B")], &[("city", "K")]], true), (vec![], vec![]));
    let written: [&[(&str, &str)]; 4] = [&[("city", "B")], &[("tax", "1")], &[], &[("tax", "")]];
    assert_eq!(blamed(&error, &written, true), (vec![], vec![0, 2, 3]));
}

#[test]
fn the_holder_of_a_unique_value_is_innocent() {
    let mut error = refusal(vec![issue("no", "CONFLICTING_UNIQUE_VALUE", Some("C1"))]);
    error.ids = vec!["101".to_owned()];
    error.existing_id = Some("100".to_owned());
    let written: [&[(&str, &str)]; 3] = [&[("no", "C1")], &[("no", "C1")], &[("no", "C3")]];
    assert_eq!(blamed(&error, &written, true), (vec![1], vec![]));
    error.ids.clear();
    assert_eq!(blamed(&error, &written, true), (vec![1], vec![]));
}

#[test]
fn ids_are_record_ids_in_an_update_and_match_values_elsewhere() {
    let mut error = ApiError::new(ErrorKind::DuplicateIds, "Duplicate IDs found in batch input");
    error.ids = vec!["101".to_owned()];
    assert_eq!(blamed(&error, &[&[], &[], &[]], true), (vec![1], vec![]));
    assert_eq!(blamed(&error, &[&[], &[], &[]], false), (vec![], vec![]));
    error.ids = vec!["p2@example.com".to_owned()];
    assert_eq!(blamed(&error, &[&[], &[], &[]], false), (vec![2], vec![]));
    assert_eq!(blamed(&error, &[&[], &[], &[]], true), (vec![], vec![]));
}

#[test]
fn trace_ids_and_emptied_required_properties_are_certain() {
    let mut error = ApiError::new(ErrorKind::Validation, "no");
    error.trace_ids = vec!["1".to_owned()];
    assert_eq!(blamed(&error, &[&[], &[]], true), (vec![1], vec![]));
    let mut error = ApiError::new(ErrorKind::Validation, "required properties were cleared: name");
    error.cleared = vec!["name".to_owned()];
    assert_eq!(blamed(&error, &[&[("name", "")], &[("name", "x")], &[]], true), (vec![0], vec![]));
}

#[test]
fn each_row_is_told_what_hubspot_said_of_its_own_value() {
    let tally = Tally::new();
    let rows = rows(&tally, &[&[("plan", "a")], &[("plan", "b")]]);
    let error = refusal(vec![issue("plan", "INVALID_OPTION", Some("a")), issue("plan", "INVALID_OPTION", Some("b"))]);
    let folding = folding();
    let Blame::Certain(guilty) = blame(&error, &rows, "email", Ids::MatchValues(&folding)) else {
        panic!("both rows are named by their values");
    };
    assert_eq!(guilty.iter().map(|(_, reason)| reason.value.as_deref()).collect::<Vec<_>>(), [Some("a"), Some("b")]);
    assert_eq!(reason_of(&error, Some(&rows[1]), "email").value.as_deref(), Some("b"));
    rows.into_iter().for_each(|row| drop(row.finish(Outcome::Applied, None)));
}
