use super::*;
use hubward_core::ErrorKind;

#[test]
fn a_mixed_batch_gives_results_and_errors_with_their_trace_ids() {
    let body = br#"{"status":"COMPLETE","results":[{"id":"171","properties":{"email":"a@example.com","city":null},"createdAt":"2025-11-04T03:44:52.657Z","updatedAt":"2025-11-04T03:44:52Z","archived":false,"new":true,"objectWriteTraceId":"1","url":"https://example.com"}],"numErrors":1,"errors":[{"status":"error","category":"CONFLICT","message":"Contact already exists. Existing ID: 171591000198","context":{"objectWriteTraceId":["0"],"existingId":["171591000198"]}}],"startedAt":"x","completedAt":"y"}"#;
    let reply = batch(207, body).expect("readable");
    assert_eq!(reply.results[0].id, "171");
    assert_eq!(reply.results[0].new, Some(true));
    assert_eq!(reply.results[0].trace_id.as_deref(), Some("1"));
    assert_eq!(reply.results[0].properties["city"], None);
    assert_eq!(reply.results[0].properties["email"].as_deref(), Some("a@example.com"));
    assert_eq!(reply.errors[0].kind, ErrorKind::Conflict);
    assert_eq!(reply.errors[0].trace_ids, ["0"]);
    assert_eq!(reply.errors[0].existing_id.as_deref(), Some("171591000198"));
    assert_eq!(reply.errors[0].status, Some(207));
}

#[test]
fn one_error_may_speak_of_many_ids() {
    let body = br#"{"results":[],"numErrors":1,"errors":[{"category":"OBJECT_NOT_FOUND","message":"Could not get some CONTACT objects, they may be deleted or not exist. Check that ids are valid.","context":{"ids":["1","2"]}}]}"#;
    let reply = batch(207, body).expect("readable");
    assert_eq!(reply.errors[0].kind, ErrorKind::NotFound);
    assert_eq!(reply.errors[0].ids, ["1", "2"]);
}

#[test]
fn ids_as_numbers_and_values_of_any_plain_type_are_read_as_text() {
    let reply = batch(200, br#"{"results":[{"id":17,"properties":{"a":1.5,"b":true}}]}"#).expect("readable");
    assert_eq!(reply.results[0].id, "17");
    assert_eq!(reply.results[0].properties["a"].as_deref(), Some("1.5"));
    assert_eq!(reply.results[0].properties["b"].as_deref(), Some("true"));
}

#[test]
fn what_could_be_accounted_to_no_input_is_unreadable() {
    assert!(batch(200, br#"{"results":[{"properties":{}}]}"#).is_err());
    assert!(batch(200, br#"{"results":[{"id":"1"#).is_err());
    assert!(batch(200, b"").is_err());
    assert!(search(200, b"{}").is_err());
}

#[test]
fn a_normalised_value_is_a_warning() {
    let body = br#"{"id":"1","properties":{},"warnings":[{"category":"PROPERTY_VALUE_NORMALIZED","message":"date_of_birth was normalized","context":{"propertyName":"date_of_birth","rawValue":"1","normalizedValue":"2"}}]}"#;
    let record = record(200, body).expect("readable");
    assert_eq!(record.warnings[0].property.as_deref(), Some("date_of_birth"));
    assert_eq!(record.warnings[0].normalized_value.as_deref(), Some("2"));
}

#[test]
fn a_search_page_names_the_next() {
    let page =
        search(200, br#"{"total":4211,"results":[{"id":"1","properties":{}}],"paging":{"next":{"after":"200"}}}"#)
            .expect("readable");
    assert_eq!((page.total, page.after.as_deref()), (4211, Some("200")));
    let last = search(200, br#"{"total":1,"results":[]}"#).expect("readable");
    assert_eq!(last.after, None);
}

#[test]
fn associations_come_with_ids_as_numbers_or_text_or_without_a_body() {
    let made = associations(201, br#"{"status":"COMPLETE","results":[{"fromObjectTypeId":"0-1","fromObjectId":211762804612,"toObjectTypeId":"0-2","toObjectId":"29013756946","labels":[]}]}"#).expect("readable");
    assert_eq!(made.results[0].from, "211762804612");
    assert_eq!(made.results[0].to, "29013756946");
    assert!(associations(204, b"").expect("readable").results.is_empty());
    let (found, errors) = associated(200, br#"{"results":[{"from":{"id":"1"},"to":[{"toObjectId":9,"associationTypes":[{"category":"HUBSPOT_DEFINED","typeId":279,"label":null}]}],"paging":{"next":{"after":"x"}}}]}"#).expect("readable");
    assert!(errors.is_empty());
    assert_eq!(found[0].to[0].id, "9");
    assert_eq!(found[0].to[0].types[0].1, 279);
    assert_eq!(found[0].after.as_deref(), Some("x"));
}
