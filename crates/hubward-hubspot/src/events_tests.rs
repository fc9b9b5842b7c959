use super::*;
use crate::scripted::{Script, Step, client, token};
use crate::transport::TransportErrorKind;

fn body_of(request: &ApiRequest) -> &str {
    std::str::from_utf8(request.body.as_deref().expect("a body")).expect("text")
}

fn event(properties: &[(Arc<str>, String)]) -> EventInput<'_> {
    EventInput {
        event_name: "pe1_bought",
        object_id: None,
        email: Some("a@example.com"),
        utk: None,
        occurred_at: Some("2026-11-20T10:00:00Z"),
        uuid: "u-1",
        properties,
    }
}

#[test]
fn an_event_says_what_whom_and_when_and_leaves_out_what_it_does_not_have() {
    let properties = [(Arc::from("amount"), "12.5".to_owned()), (Arc::from("land"), "Ö\"".to_owned())];
    let named = EventInput {
        object_id: Some("7"),
        email: None,
        utk: Some("k"),
        occurred_at: None,
        properties: &[],
        ..event(&[])
    };
    let request = send_events(ApiVersion::V2026_09, &[event(&properties), named]);
    assert_eq!(
        body_of(&request),
        concat!(
            r#"{"inputs":[{"eventName":"pe1_bought","email":"a@example.com","occurredAt":"2026-11-20T10:00:00Z","#,
            r#""uuid":"u-1","properties":{"amount":"12.5","land":"Ö\""}},"#,
            r#"{"eventName":"pe1_bought","objectId":"7","utk":"k","uuid":"u-1","properties":{}}]}"#
        )
    );
    assert_eq!(request.path, "/events/2026-09/send/batch");
    assert_eq!(send_events(ApiVersion::V3, &[]).path, "/events/v3/send/batch");
    assert_eq!((request.kind, request.inputs, request.idempotent), (RequestKind::Event, 2, false));
    assert_eq!(request.kind.budget(), Some(crate::Budget::Events));
}

#[test]
fn occurrences_are_asked_for_by_id() {
    let ids = ["a b".to_owned(), "c".to_owned()];
    let request = occurrences(ApiVersion::V2026_09, &ids, Some("n"));
    assert_eq!(request.path, "/events/event-occurrences/2026-09?id=a%20b&id=c&limit=2&after=n");
    assert_eq!(occurrences(ApiVersion::V3, &ids[1..], None).path, "/events/v3/events?id=c&limit=1");
    assert!(request.idempotent);
}

#[tokio::test(start_paused = true)]
async fn sending_is_not_repeated_when_hubspot_may_have_taken_the_events() {
    for step in [
        Step::Answer(502, &[], "<html>"),
        Step::Answer(524, &[], ""),
        Step::Broken(TransportErrorKind::Lost),
        Step::Broken(TransportErrorKind::TimedOut),
        Step::Answer(207, &[], r#"{"errors":[{"message":"no"}]}"#),
    ] {
        let script = Script::of(vec![step]);
        let (client, _) = client(&script, token("t"));
        let error = client.send_events(&[event(&[])], &CallMeta::default()).await.expect_err("unknown");
        assert_eq!((error.kind, error.attempts), (ErrorKind::Unknown, 1), "{error}");
        assert_eq!(script.sent(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn sending_is_repeated_when_hubspot_certainly_took_nothing() {
    let script = Script::of(vec![
        Step::Broken(TransportErrorKind::NotSent),
        Step::Answer(423, &[], "{}"),
        Step::Answer(429, &[], r#"{"policyName":"SECONDLY"}"#),
        Step::Answer(429, &[], r#"{"policyName":"TEN_SECONDLY_ROLLING"}"#),
        Step::Answer(429, &[], ""),
        Step::Answer(204, &[("x-hubspot-correlation-id", "c-1")], ""),
    ]);
    let (client, _) = client(&script, token("t"));
    let reply = client.send_events(&[event(&[])], &CallMeta::default()).await.expect("taken at last");
    assert_eq!(reply, EventReply { attempts: 6, correlation_id: Some("c-1".to_owned()) });
}

#[tokio::test(start_paused = true)]
async fn a_spent_month_and_a_spent_day_stop_events_and_nothing_else() {
    for (body, kind) in [
        (r#"{"message":"You have reached your monthly limit."}"#, ErrorKind::MonthlyLimit),
        (r#"{"message":"30000000 events per month","category":"RATE_LIMITS"}"#, ErrorKind::MonthlyLimit),
        (r#"{"policyName":"MONTHLY","errorType":"RATE_LIMIT"}"#, ErrorKind::MonthlyLimit),
        (r#"{"message":"You have reached your daily limit.","policyName":"DAILY"}"#, ErrorKind::DailyLimit),
    ] {
        let script = Script::of(vec![Step::Answer(429, &[], body), Step::Answer(200, &[], r#"{"results":[]}"#)]);
        let (client, _) = client(&script, token("t"));
        let error = client.send_events(&[event(&[])], &CallMeta::default()).await.expect_err("stopped");
        assert_eq!((error.kind, script.sent()), (kind, 1));
        assert!(error.remedy().is_some());
        client.properties("contacts").await.expect("the day's calls are another matter");
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_path_is_answered_by_the_other_one_which_then_stays() {
    let gone = || Step::Answer(404, &[], "<html>no such page");
    let script = Script::of(vec![
        gone(),
        Step::Answer(204, &[], ""),
        Step::Answer(204, &[], ""),
        Step::Answer(200, &[], r#"{"results":[]}"#),
    ]);
    let (client, _) = client(&script, token("t"));
    let meta = CallMeta::default();
    let reply = client.send_events(&[event(&[])], &meta).await.expect("the other path");
    assert_eq!(reply.attempts, 2);
    client.send_events(&[event(&[])], &meta).await.expect("at once");
    client.event_definitions(&meta).await.expect("definitions move with sending");
    let paths: Vec<String> = (0..script.sent()).map(|at| script.seen(at, |request| request.url.clone())).collect();
    let host = crate::DEFAULT_BASE_URL;
    assert_eq!(paths[0], format!("{host}/events/2026-09/send/batch"));
    assert_eq!(paths[1..3], [format!("{host}/events/custom/2026-09/send/batch"), paths[1].clone()]);
    assert!(paths[3].starts_with(&format!("{host}/events/custom/2026-09/event-definitions?")), "{}", paths[3]);
}

#[tokio::test(start_paused = true)]
async fn the_path_that_hubspot_has_is_tried_alone() {
    let script = Script::of((0..3).map(|_| Step::Answer(204, &[], "")).collect());
    let (client, _) = client(&script, token("t"));
    for _ in 0..3 {
        client.send_events(&[event(&[])], &CallMeta::default()).await.expect("taken");
    }
    assert_eq!(script.sent(), 3);
    assert!(script.seen(2, |request| request.url.ends_with("/events/2026-09/send/batch")));
}

#[tokio::test(start_paused = true)]
async fn a_404_of_both_paths_is_told_by_the_one_that_says_more() {
    let unknown = r#"{"message":"Event pe1_bought does not exist","category":"OBJECT_NOT_FOUND"}"#;
    for steps in [
        vec![Step::Answer(404, &[], unknown), Step::Answer(404, &[], "<html>")],
        vec![Step::Answer(404, &[], "<html>"), Step::Answer(404, &[], unknown)],
    ] {
        let script = Script::of(steps);
        let (client, _) = client(&script, token("t"));
        let error = client.send_events(&[event(&[])], &CallMeta::default()).await.expect_err("no such event");
        assert_eq!((error.kind, error.attempts), (ErrorKind::NotFound, 2), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn occurrences_are_read_whole_and_leniently() {
    let first = r#"{"results":[{"id":"u-1","eventType":"pe1_bought","objectType":"CONTACT","objectId":7,
        "occurredAt":"2026-11-20T10:00:00Z","properties":{"amount":12.5,"none":null,"land":"DE"}}],
        "paging":{"next":{"after":"n"}}}"#;
    let second = r#"{"results":[{"id":9}]}"#;
    let script =
        Script::of(vec![Step::Answer(404, &[], ""), Step::Answer(200, &[], first), Step::Answer(200, &[], second)]);
    let (client, _) = client(&script, token("t"));
    let ids = ["u-1".to_owned(), "9".to_owned()];
    let found = client.event_occurrences(&ids, &CallMeta::default()).await.expect("read");
    assert_eq!(found.len(), 2);
    assert_eq!((found[0].object_id.as_str(), found[0].occurred_at.as_str()), ("7", "2026-11-20T10:00:00Z"));
    let properties = [("amount", "12.5"), ("land", "DE")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(found[0].properties, BTreeMap::from(properties));
    assert_eq!(found[1], Occurrence { id: "9".to_owned(), ..Occurrence::default() });
    let second = script.seen(2, |request| request.url.clone());
    assert!(second.ends_with("/events/2026-09/events?id=u-1&id=9&limit=2&after=n"), "{second}");
    assert_eq!(client.event_occurrences(&[], &CallMeta::default()).await, Ok(Vec::new()));
    assert_eq!(script.sent(), 3, "nothing is asked about no events");
}
