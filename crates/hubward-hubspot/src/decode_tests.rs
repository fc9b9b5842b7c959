use super::*;
use http::HeaderValue;
use proptest::prelude::*;

fn decoded(status: u16, body: &str) -> ApiError {
    decode_error(status, &HeaderMap::new(), body.as_bytes(), RequestKind::Upsert, false)
}

#[test]
fn a_refused_value_names_property_code_and_value_even_where_errors_lists_fewer() {
    let body = r#"{"status":"error","message":"Property values were not valid: [{\"isValid\":false,\"message\":\"gold was not one of the allowed options: [label: \\\"Gold\\\"\\nvalue: \\\"GOLD\\\"\\n]\",\"error\":\"INVALID_OPTION\",\"name\":\"plan\"},{\"isValid\":false,\"message\":\"Property \\\"nope\\\" does not exist\",\"error\":\"PROPERTY_DOESNT_EXIST\",\"name\":\"nope\"}]","correlationId":"c-1","errors":[{"message":"Property \"nope\" does not exist","code":"PROPERTY_DOESNT_EXIST","context":{"propertyName":["nope"]}}],"category":"VALIDATION_ERROR"}"#;
    let error = decoded(400, body);
    assert_eq!(error.kind, ErrorKind::Validation);
    assert_eq!(error.correlation_id.as_deref(), Some("c-1"));
    assert_eq!(error.issues.len(), 2, "{:?}", error.issues);
    assert_eq!(error.issues[0].property, "plan");
    assert_eq!(error.issues[0].value.as_deref(), Some("gold"));
    assert_eq!(error.issues[1].code, "PROPERTY_DOESNT_EXIST");
}

#[test]
fn required_rules_of_the_account_are_issues_too() {
    let body = r#"{"message":"The property values provided are invalid","category":"VALIDATION_ERROR","errors":[{"message":"A value for firstname must be provided","code":"MISSING_REQUIRED_PROPERTY","context":{"propertyName":["firstname"]}}]}"#;
    let error = decoded(400, body);
    assert_eq!(error.kind, ErrorKind::Validation);
    assert_eq!(error.issues[0].property, "firstname");
    assert_eq!(error.issues[0].code, "MISSING_REQUIRED_PROPERTY");
}

#[test]
fn a_taken_value_names_the_record_that_has_it() {
    let body = r#"{"message":"Cannot set PropertyValueCoordinates{portalId=1, objectTypeId=ObjectTypeId{legacyObjectType=CONTACT}, propertyName=email, value=a@example.com} on 501. 777 already has that value.","category":"VALIDATION_ERROR"}"#;
    let error = decoded(400, body);
    assert_eq!(error.kind, ErrorKind::Validation);
    assert_eq!(error.existing_id.as_deref(), Some("777"));
    assert_eq!(error.ids, ["501"]);
    assert_eq!(error.issues.len(), 1);
    assert_eq!(error.issues[0].property, "email");
    assert_eq!(error.issues[0].value.as_deref(), Some("a@example.com"));
}

#[test]
fn every_kind_of_400_is_told_apart() {
    let cases = [
        (
            r#"{"message":"Duplicate IDs found in batch input: [123456]. IDs must be unique","category":"VALIDATION_ERROR","context":{"ids":["123456"]}}"#,
            ErrorKind::DuplicateIds,
        ),
        (
            r#"{"message":"Unable to perform update/upsert by non-unique 0-2 property domain in portal ID 1","category":"VALIDATION_ERROR"}"#,
            ErrorKind::NonUniqueKey,
        ),
        (
            r#"{"status":"error","message":"Unable to infer object type from: butterflies"}"#,
            ErrorKind::UnknownObjectType,
        ),
        (
            r#"{"message":"Invalid input JSON on line 3, column 9: Cannot deserialize value of type"}"#,
            ErrorKind::Malformed,
        ),
        (
            r#"{"message":"Missing 'Edit Associations' permission.","category":"VALIDATION_ERROR"}"#,
            ErrorKind::MissingPermission,
        ),
        (
            r#"{"status":"BAD_REFRESH_TOKEN","message":"refresh token is invalid, expired or revoked","error":"invalid_grant"}"#,
            ErrorKind::GrantRefused,
        ),
    ];
    for (body, kind) in cases {
        assert_eq!(decoded(400, body).kind, kind, "{body}");
    }
    assert_eq!(decoded(400, cases[0].0).ids, ["123456"]);
}

#[test]
fn every_kind_of_401_and_403_is_told_apart_and_has_a_remedy() {
    let cases = [
        (
            401,
            r#"{"message":"Authentication credentials not found. This API supports OAuth 2.0 authentication","category":"INVALID_AUTHENTICATION"}"#,
            ErrorKind::InvalidToken,
        ),
        (
            401,
            r#"{"message":"The OAuth token used to make this call expired 5 minute(s) ago.","category":"EXPIRED_AUTHENTICATION"}"#,
            ErrorKind::ExpiredToken,
        ),
        (
            403,
            r#"{"message":"This app hasn't been granted all required scopes to make this call.","errors":[{"context":{"requiredGranularScopes":["crm.objects.contacts.write"]}}],"category":"MISSING_SCOPES"}"#,
            ErrorKind::MissingScope,
        ),
        (
            403,
            r#"{"message":"One or more of the following scopes are required.","context":{"requiredGranularScopes":["custom-object-read"]},"category":"MISSING_SCOPES"}"#,
            ErrorKind::MissingScope,
        ),
        (403, r#"{"message":"Missing required scope for: sensitive-data-property-create"}"#, ErrorKind::MissingScope),
        (403, r#"{"message":"User does not have permission to edit this record"}"#, ErrorKind::MissingPermission),
        (403, r#"{"message":"This feature is not part of your subscription tier"}"#, ErrorKind::NotInEdition),
        (403, r#"{"message":"no"}"#, ErrorKind::Forbidden),
    ];
    for (status, body, kind) in cases {
        let error = decoded(status, body);
        assert_eq!(error.kind, kind, "{body}");
        assert!(error.remedy().is_some(), "{body}");
    }
    assert_eq!(decoded(403, cases[2].1).required_scopes, ["crm.objects.contacts.write"]);
}

#[test]
fn limits_are_told_apart_by_policy_or_by_text() {
    let cases = [
        (
            r#"{"message":"You have reached your ten_secondly_rolling limit.","category":"RATE_LIMITS","policyName":"TEN_SECONDLY_ROLLING"}"#,
            ErrorKind::BurstLimit,
        ),
        (r#"{"message":"You have reached your secondly limit.","category":"RATE_LIMITS"}"#, ErrorKind::SecondlyLimit),
        (
            r#"{"message":"You have reached your daily limit.","errorType":"RATE_LIMIT","policyName":"DAILY"}"#,
            ErrorKind::DailyLimit,
        ),
        ("", ErrorKind::BurstLimit),
    ];
    for (body, kind) in cases {
        assert_eq!(decoded(429, body).kind, kind, "{body}");
    }
    let search = decode_error(429, &HeaderMap::new(), b"", RequestKind::Search, false);
    assert_eq!(search.kind, ErrorKind::SecondlyLimit);
}

#[test]
fn a_404_speaks_of_the_record_or_of_the_path() {
    let record = |body: &str| decode_error(404, &HeaderMap::new(), body.as_bytes(), RequestKind::Read, true).kind;
    assert_eq!(record(r#"{"status":"error","message":"resource not found","correlationId":"c"}"#), ErrorKind::NotFound);
    assert_eq!(
        record(r#"{"message":"Object not found.  objectId are usually numeric.","category":"OBJECT_NOT_FOUND"}"#),
        ErrorKind::NotFound
    );
    assert_eq!(record("<html>404</html>"), ErrorKind::NoSuchPath);
    assert_eq!(decoded(404, r#"{"status":"error","message":"resource not found"}"#).kind, ErrorKind::NoSuchPath);
}

#[test]
fn a_conflict_names_the_record_that_exists() {
    let error = decoded(409, r#"{"message":"Contact already exists. Existing ID: 3401","category":"CONFLICT"}"#);
    assert_eq!(error.kind, ErrorKind::Conflict);
    assert_eq!(error.existing_id.as_deref(), Some("3401"));
    assert_eq!(decoded(409, r#"{"message":"Contact already exists"}"#).existing_id, None);
}

#[test]
fn a_gateways_page_is_a_server_fault_with_our_words() {
    let error = decoded(502, "<html><title>502 Bad Gateway</title></html>");
    assert_eq!(error.kind, ErrorKind::Server);
    assert!(error.message.contains("502"), "{error}");
    assert_eq!(decoded(524, "").kind, ErrorKind::Unknown);
    assert_eq!(decoded(423, "{}").kind, ErrorKind::Locked);
    assert_eq!(decoded(437, r#"{"message":"No more than 50"}"#).kind, ErrorKind::Other);
}

#[test]
fn headers_give_what_the_body_lacks() {
    let mut headers = HeaderMap::new();
    headers.insert("X-HubSpot-Correlation-Id", HeaderValue::from_static("h-1"));
    headers.insert("Retry-After", HeaderValue::from_static("7"));
    let error = decode_error(477, &headers, b"", RequestKind::Upsert, false);
    assert_eq!(error.kind, ErrorKind::Migrating);
    assert_eq!(error.correlation_id.as_deref(), Some("h-1"));
    assert_eq!(error.retry_after, Some(Duration::from_secs(7)));
}

#[test]
fn a_date_to_wait_for_is_read_against_the_answers_own_date() {
    let wait = |retry_after: &'static str| {
        let mut headers = HeaderMap::new();
        headers.insert("Date", HeaderValue::from_static("Sun, 06 Nov 1994 08:49:37 GMT"));
        headers.insert("Retry-After", HeaderValue::from_static(retry_after));
        decode_error(503, &headers, b"", RequestKind::Upsert, false).retry_after
    };
    assert_eq!(wait("Sun, 06 Nov 1994 08:50:07 GMT"), Some(Duration::from_secs(30)));
    assert_eq!(wait("Sun, 06 Nov 1994 08:49:00 GMT"), Some(Duration::ZERO));
    assert_eq!(wait("soon"), None);
    assert_eq!(wait("99999999999999999999999"), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn decoding_never_panics_on_any_bytes(status in 300u16..600, body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let error = decode_error(status, &HeaderMap::new(), &body, RequestKind::Search, true);
        prop_assert!(!error.message.is_empty());
        prop_assert_eq!(error.status, Some(status));
    }

    #[test]
    fn decoding_never_panics_on_texts_that_look_like_hubspots(
        pieces in proptest::collection::vec(prop_oneof![
            Just("Property values were not valid: [".to_owned()),
            Just(r#"{"message":"é was not one of the allowed options","name":"p"}"#.to_owned()),
            Just("PropertyValueCoordinates{".to_owned()),
            Just("propertyName=email, value=".to_owned()),
            Just("} on ".to_owned()),
            Just(". 7 already has that value.".to_owned()),
            Just("Duplicate IDs found in batch input: [".to_owned()),
            Just("]. IDs must be unique".to_owned()),
            Just("Existing ID: ".to_owned()),
            Just("properties were cleared:".to_owned()),
            ".{0,8}",
        ], 0..12),
        cut in 0usize..2000,
    ) {
        let message = pieces.concat();
        let envelope = serde_json::json!({"message": message, "errors": [{"message": message}, 3], "context": {"ids": [1, null, "x"], "propertyName": "p"}});
        prop_assert_eq!(decode_part(&envelope).status, None);
        let body = envelope.to_string().into_bytes();
        let cut = cut.min(body.len());
        let error = decode_error(400, &HeaderMap::new(), &body[..cut], RequestKind::Create, false);
        prop_assert!(!error.message.is_empty());
    }
}

#[test]
fn a_create_without_what_the_type_requires_names_each_property_with_the_code_of_that() {
    let body = r#"{"status":"error","message":"Error creating TICKET. Some required properties were not set.","category":"VALIDATION_ERROR","context":{"properties":["subject","hs_pipeline_stage"]}}"#;
    let error = decode_part(&serde_json::from_str(body).expect("JSON"));
    let issues: Vec<(&str, &str)> =
        error.issues.iter().map(|issue| (issue.property.as_str(), issue.code.as_str())).collect();
    assert_eq!(issues, [("subject", "MISSING_REQUIRED_PROPERTY"), ("hs_pipeline_stage", "MISSING_REQUIRED_PROPERTY")]);
}
