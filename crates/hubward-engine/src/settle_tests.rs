use std::sync::Arc;

use hubward_core::{ErrorKind, Outcome};
use serde_json::{Value, json};

use super::*;
use crate::row::RowIdent;
use crate::strategy::MatchKind;
use crate::tally::Tally;

fn folding() -> Folding {
    Folding::new("email", &[], MatchKind::Unique)
}

fn row(tally: &Arc<Tally>, key: u128, email: &str, record_id: Option<u64>) -> Row {
    let ident = RowIdent {
        key,
        key_text: key.to_string(),
        fingerprint: 0,
        mapped: 0,
        match_value: email.to_owned(),
        match_hash: 0,
        wanted: 0,
        written: Vec::new(),
    };
    Row::new(ident, Vec::new(), record_id, tally.ticket())
}

fn rows(tally: &Arc<Tally>, count: u128) -> Vec<Row> {
    (0..count).map(|at| row(tally, at, &format!("P{at}@example.com"), Some(100 + at as u64))).collect()
}

fn result(id: &str, trace: Option<&str>, email: Option<&str>) -> RecordResult {
    let mut result = RecordResult { id: id.to_owned(), trace_id: trace.map(str::to_owned), ..RecordResult::default() };
    if let Some(email) = email {
        result.properties.insert("email".to_owned(), Some(email.to_owned()));
    }
    result
}

fn error(traces: &[&str], ids: &[&str]) -> ApiError {
    let mut error = ApiError::new(ErrorKind::Validation, "no");
    error.trace_ids = traces.iter().map(|trace| (*trace).to_owned()).collect();
    error.ids = ids.iter().map(|id| (*id).to_owned()).collect();
    error
}

/// Who ended where, by key; every row must stand in one hand only.
fn told(accounts: Accounts) -> Value {
    let mut keys = json!({"confirmed": [], "refused": [], "unanswered": []});
    let mut tell = |hand: &str, row: Row| {
        keys[hand].as_array_mut().expect("a list").push(json!(row.ident.key as u64));
        row.finish(Outcome::Applied, None);
    };
    accounts.confirmed.into_iter().for_each(|(row, _, _)| tell("confirmed", row));
    accounts.refused.into_iter().for_each(|(row, _)| tell("refused", row));
    accounts.unanswered.into_iter().for_each(|row| tell("unanswered", row));
    keys
}

fn settle(count: u128, results: Vec<RecordResult>, errors: Vec<ApiError>, by_id: bool) -> Value {
    let tally = Tally::new();
    let folding = folding();
    let by = if by_id { By::RecordId } else { By::Property { name: "email", folding: &folding } };
    let reply = BatchReply { results, errors, ..BatchReply::default() };
    let keys = told(account(rows(&tally, count), reply, &by));
    assert_eq!((tally.snapshot().total(), tally.lost()), (count as u64, 0));
    keys
}

#[test]
fn results_are_paired_by_trace_id_whatever_their_order() {
    let results = vec![result("9", Some("2"), None), result("8", Some("0"), None)];
    let keys = settle(3, results, vec![], false);
    assert_eq!(keys, json!({"confirmed": [0, 2], "refused": [], "unanswered": [1]}));
}

#[test]
fn results_without_trace_ids_are_paired_by_match_value_or_record_id_and_never_by_position() {
    let results = vec![result("9", None, Some("p1@EXAMPLE.com")), result("8", None, None)];
    assert_eq!(settle(2, results, vec![], false), json!({"confirmed": [1], "refused": [], "unanswered": [0]}));
    let results = vec![result("101", None, None), result("555", None, None)];
    assert_eq!(settle(2, results, vec![], true), json!({"confirmed": [1], "refused": [], "unanswered": [0]}));
}

#[test]
fn a_result_whose_id_is_no_number_confirms_nothing() {
    assert_eq!(settle(1, vec![result("", Some("0"), None)], vec![], false)["unanswered"], json!([0]));
}

#[test]
fn one_result_more_than_rows_confirms_no_row_twice() {
    let results = vec![result("9", Some("0"), None), result("9", Some("7"), None), result("9", Some("0"), None)];
    assert_eq!(settle(2, results, vec![], false), json!({"confirmed": [0], "refused": [], "unanswered": [1]}));
}

#[test]
fn one_error_may_speak_of_many_rows_by_trace_id_or_by_id() {
    let keys = settle(3, vec![result("9", Some("1"), None)], vec![error(&["0", "2"], &["101"])], true);
    assert_eq!(keys, json!({"confirmed": [1], "refused": [0, 2], "unanswered": []}));
    let keys = settle(3, vec![], vec![error(&[], &["100", "102"])], true);
    assert_eq!(keys, json!({"confirmed": [], "refused": [0, 2], "unanswered": [1]}));
}

#[test]
fn an_error_outweighs_a_result_for_the_same_row() {
    let keys = settle(1, vec![result("9", Some("0"), None)], vec![error(&["0"], &[])], false);
    assert_eq!(keys["refused"], json!([0]));
}

#[test]
fn an_existing_id_is_believed_for_one_row_only() {
    let tally = Tally::new();
    let folding = folding();
    for (traces, expected) in [(vec!["0"], Some("77".to_owned())), (vec!["0", "1"], None)] {
        let mut conflict = error(&traces, &[]);
        conflict.existing_id = Some("77".to_owned());
        let reply = BatchReply { errors: vec![conflict], ..BatchReply::default() };
        let accounts = account(rows(&tally, 2), reply, &By::Property { name: "email", folding: &folding });
        assert_eq!(accounts.refused[0].1.existing_id, expected);
        told(accounts);
    }
}

#[test]
fn an_error_without_a_name_belongs_to_the_only_row_without_an_answer_and_else_to_nobody() {
    let results = vec![result("9", Some("0"), None)];
    assert_eq!(settle(2, results.clone(), vec![error(&[], &[])], false)["refused"], json!([1]));
    let tally = Tally::new();
    let folding = folding();
    let reply = BatchReply { results, errors: vec![error(&[], &[])], ..BatchReply::default() };
    let accounts = account(rows(&tally, 3), reply, &By::Property { name: "email", folding: &folding });
    assert!(accounts.nameless);
    assert_eq!(told(accounts)["unanswered"], json!([1, 2]));
}
