use super::*;

fn echo(json: &str) -> String {
    State::read(json).expect("a state").rendered(&Counts {
        accepted: 5,
        accepted_sum: 7,
        bytes_sum: 99,
        ..Counts::default()
    })
}

#[test]
fn a_state_comes_back_as_it_was_spelled() {
    let json = r#"{"id":4,"type":"STREAM","stream":{"stream_descriptor":{"name":"p","namespace":"m"},"stream_state":{"n":1.0,"big":12345678901234567890123,"e":1e5,"t":"\u00e9","z":null}},"sourceStats":{"recordCount":9.0},"x":{"y":[1.50]}}"#;
    let expected = format!(
        "{},{}",
        &json[..json.len() - 1],
        r#""destinationStats":{"recordCount":5.0},"committedRecordsCount":7,"committedBytesCount":99,"rejectedRecordsCount":0}"#
    );
    assert_eq!(echo(json), expected);
}

#[test]
fn rejected_records_are_counted_only_where_there_are_some() {
    let state = State::read(r#"{"type":"GLOBAL","global":{"stream_states":[]}}"#).expect("a state");
    let counts = Counts { accepted: 5, rejected: 4, accepted_sum: 12, rejected_sum: 4, bytes_sum: 1242 };
    assert_eq!(
        state.rendered(&counts),
        r#"{"type":"GLOBAL","global":{"stream_states":[]},"destinationStats":{"recordCount":5.0,"rejectedRecordCount":4.0},"committedRecordsCount":12,"committedBytesCount":1242,"rejectedRecordsCount":4}"#
    );
}

#[test]
fn explicit_nulls_go_where_the_protocol_wants_something_and_stay_in_the_sources_blobs() {
    let json = r#"{"type":"STREAM","stream":{"stream_descriptor":{"name":"p","namespace":null},"stream_state":null},"global":null,"data":null,"sourceStats":null,"destinationStats":null,"id":null}"#;
    assert!(
        echo(json).starts_with(
            r#"{"type":"STREAM","stream":{"stream_descriptor":{"name":"p"},"stream_state":null},"id":null,"destinationStats":{"#
        ),
        "{}",
        echo(json)
    );
    let json = r#"{"type":"GLOBAL","global":{"shared_state":null,"stream_states":[{"stream_descriptor":{"name":"p","namespace":null},"stream_state":{"a":null}}]}}"#;
    assert!(
        echo(json).starts_with(
            r#"{"type":"GLOBAL","global":{"stream_states":[{"stream_descriptor":{"name":"p"},"stream_state":{"a":null}}]},"#
        ),
        "{}",
        echo(json)
    );
}

#[test]
fn the_type_may_be_missing() {
    let scope = |json| State::read(json).expect("a state").scope;
    assert_eq!(scope(r#"{"global":{"stream_states":[]}}"#), Scope::All);
    assert_eq!(scope(r#"{"data":{"a":1}}"#), Scope::All);
    assert_eq!(scope(r#"{"type":null,"data":{"a":1}}"#), Scope::All);
    let name = StreamName::new("p", Some("m"));
    assert_eq!(scope(r#"{"stream":{"stream_descriptor":{"name":"p","namespace":"m"}}}"#), Scope::Stream(name));
}

#[test]
fn what_is_no_state_is_told() {
    for (json, part) in [
        ("[]", "not an object"),
        (r#"{"type":"STREAM"}"#, "names no stream"),
        (r#"{"type":"STREAM","stream":{}}"#, "no stream_descriptor"),
        (r#"{"type":"STREAM","stream":{"stream_descriptor":{}}}"#, "no name"),
        (r#"{"type":"PER_STREAM"}"#, "unknown type"),
        (r#"{"type":"GLOBAL","global":{"stream_states":{}}}"#, "not a list"),
    ] {
        let error = State::read(json).expect_err("no state");
        assert!(error.contains(part), "{json}: {error}");
    }
}
