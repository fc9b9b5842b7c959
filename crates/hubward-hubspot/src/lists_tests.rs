use super::*;
use crate::scripted::{Script, Step, client, token};
use crate::transport::TransportErrorKind;

fn text_of(request: &ApiRequest) -> &str {
    std::str::from_utf8(request.body.as_deref().expect("a body")).expect("text")
}

#[test]
fn members_are_added_removed_or_both_in_the_body_that_hubspot_has_for_each() {
    let change = |add: &[u64], remove: &[u64]| list_change(ApiVersion::V2026_09, 42, add, remove);
    let add = change(&[1, 2], &[]);
    assert_eq!((add.path.as_str(), text_of(&add)), ("/crm/lists/2026-09/42/memberships/add", r#"["1","2"]"#));
    let remove = change(&[], &[3]);
    assert_eq!((remove.path.as_str(), text_of(&remove)), ("/crm/lists/2026-09/42/memberships/remove", r#"["3"]"#));
    let both = change(&[1], &[3, 4]);
    assert_eq!(both.path, "/crm/lists/2026-09/42/memberships/add-and-remove");
    assert_eq!(text_of(&both), r#"{"recordIdsToAdd":["1"],"recordIdsToRemove":["3","4"]}"#);
    assert_eq!((both.inputs, both.idempotent, both.method.as_str()), (3, true, "PUT"));
    assert_eq!(both.kind.budget(), Some(crate::Budget::Burst));
    let legacy = list_change(ApiVersion::V3, 42, &[1], &[]);
    assert_eq!(legacy.path, "/crm/v3/lists/42/memberships/add");
}

#[test]
fn a_list_is_looked_up_and_made() {
    let version = ApiVersion::V2026_09;
    assert_eq!(list(version, 7).path, "/crm/lists/2026-09/7");
    assert_eq!(list_by_name(version, "0-1", "A/B c").path, "/crm/lists/2026-09/object-type-id/0-1/name/A%2FB%20c");
    assert_eq!(list_by_name(ApiVersion::V3, "0-1", "x").path, "/crm/v3/lists/object-type-id/0-1/name/x");
    assert_eq!(list_members(version, 7, Some("n")).path, "/crm/lists/2026-09/7/memberships?limit=250&after=n");
    let made = create_list(version, "VIPs", "0-1");
    assert_eq!(text_of(&made), r#"{"name":"VIPs","objectTypeId":"0-1","processingType":"MANUAL"}"#);
    assert!(!made.idempotent);
}

#[test]
fn a_list_is_read_bare_or_wrapped_with_ids_of_both_forms() {
    let wrapped =
        br#"{"list":{"listId":"42","name":"VIPs","objectTypeId":"0-1","processingType":"MANUAL","size":"3"}}"#;
    let read = decode_list(200, wrapped).expect("a list");
    assert_eq!((read.id, read.name.as_str(), read.size, read.deleted), (42, "VIPs", Some(3), false));
    assert_eq!(read.processing_type, ProcessingType::Manual);
    let bare = br#"{"listId":43,"processingType":"NEW","deletedAt":"2026-11-20T10:00:00Z",
        "additionalProperties":{"hs_list_size":"9"}}"#;
    let read = decode_list(200, bare).expect("a list");
    assert_eq!((read.id, read.size, read.deleted), (43, Some(9), true));
    assert_eq!(read.processing_type.name(), "NEW");
    assert!(decode_list(200, b"{}").is_err(), "a list without an id is none");
}

#[test]
fn a_change_is_read_in_hubspots_spelling_and_a_field_left_out_is_empty() {
    let read = decode_change(200, br#"{"recordsIdsAdded":["1",2],"recordIdsMissing":["9"]}"#).expect("a change");
    assert_eq!((read.added, read.removed, read.missing), (vec![1, 2], vec![], vec![9]));
    let read = decode_change(200, br#"{"recordIdsAdded":[1],"recordIdsRemoved":null}"#).expect("a change");
    assert_eq!((read.added, read.removed), (vec![1], vec![]));
    assert_eq!(decode_change(200, b"{}").expect("a change"), MembershipReply::default());
    assert!(decode_change(200, br#"{"recordIdsMissing":["x"]}"#).is_err());
}

#[tokio::test(start_paused = true)]
async fn a_change_is_repeated_after_a_lost_answer_and_none_at_all_is_not_sent() {
    let script = Script::of(vec![
        Step::Broken(TransportErrorKind::Lost),
        Step::Answer(502, &[], ""),
        Step::Answer(200, &[("x-hubspot-correlation-id", "c-1")], r#"{"recordIdsMissing":["2"]}"#),
    ]);
    let (client, _) = client(&script, token("t"));
    let meta = CallMeta::default();
    let reply = client.list_change(42, &[1, 2], &[], &meta).await.expect("changed");
    assert_eq!((reply.missing, reply.attempts), (vec![2], 3));
    assert_eq!(reply.correlation_id.as_deref(), Some("c-1"));
    assert_eq!(client.list_change(42, &[], &[], &meta).await, Ok(MembershipReply::default()));
    assert_eq!(script.sent(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_may_have_been_made_is_not_made_again() {
    let script = Script::of(vec![Step::Broken(TransportErrorKind::Lost)]);
    let (client, _) = client(&script, token("t"));
    let error = client.create_list("VIPs", "0-1", &CallMeta::default()).await.expect_err("unknown");
    assert_eq!((error.kind, script.sent()), (ErrorKind::Unknown, 1));
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_not_there_is_none_whatever_the_words_and_a_wrong_path_is_an_error() {
    let page = r#"{"lists":[],"hasMore":false,"offset":0,"total":0}"#;
    let script = Script::of(vec![
        Step::Answer(404, &[], r#"{"message":"gone","category":"OBJECT_NOT_FOUND"}"#),
        // Words that say nothing: other paths of lists are asked.
        Step::Answer(404, &[], r#"{"message":"No list with id 7 was found"}"#),
        Step::Answer(200, &[], page),
        Step::Answer(404, &[], "<html>"),
        Step::Answer(404, &[], "<html>"),
    ]);
    let (client, _) = client(&script, token("t"));
    let meta = CallMeta::default();
    assert_eq!(client.list(7, &meta).await, Ok(None));
    assert_eq!(client.list_by_name("0-1", "VIPs", &meta).await, Ok(None));
    assert_eq!(client.list(7, &meta).await.expect_err("no lists at all").kind, ErrorKind::NoSuchPath);
    assert_eq!(script.sent(), 5);
}

#[tokio::test(start_paused = true)]
async fn lists_and_members_are_read_page_by_page() {
    let one = r#"{"lists":[{"listId":"1","name":"a"},{"listId":2,"name":"b"}],"hasMore":true,"offset":2,"total":3}"#;
    let two = r#"{"lists":[{"listId":"3","name":"c","processingType":"DYNAMIC"}],"hasMore":false}"#;
    let members = r#"{"results":[{"recordId":"7","membershipTimestamp":"2026-11-20T10:00:00Z"},{"recordId":8},9],
        "paging":{"next":{"after":"n"}}}"#;
    let script = Script::of(vec![
        Step::Answer(200, &[], one),
        Step::Answer(200, &[], two),
        Step::Answer(200, &[], members),
        Step::Answer(200, &[], r#"{"results":[]}"#),
    ]);
    let (client, _) = client(&script, token("t"));
    let meta = CallMeta::default();
    let lists = client.lists(&meta).await.expect("read");
    assert_eq!(lists.iter().map(|list| list.id).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(lists[2].processing_type, ProcessingType::Dynamic);
    let offset: Value = script.seen(1, |request| serde_json::from_slice(&request.body).expect("JSON"));
    assert_eq!(offset["offset"], 2);
    assert_eq!(client.list_members(1, None, &meta).await, Ok((vec![7, 8, 9], Some("n".to_owned()))));
    assert_eq!(client.list_members(1, Some("n"), &meta).await, Ok((vec![], None)));
}
