use super::*;
use serde_json::json;

#[test]
fn every_property_in_the_message_is_an_issue() {
    let message = r#"Property values were not valid: [{"isValid":false,"message":"Property \"first000name\" does not exist","error":"PROPERTY_DOESNT_EXIST","name":"first000name","portalId":1},{"isValid":false,"message":"gold was not one of the allowed options: [label: \"Gold\"\nvalue: \"GOLD\"\n]","error":"INVALID_OPTION","name":"plan"}]"#;
    let issues = from_message(message);
    assert_eq!(issues.len(), 2);
    assert_eq!(issues[0].property, "first000name");
    assert_eq!(issues[0].code, "PROPERTY_DOESNT_EXIST");
    assert_eq!(issues[0].value, None);
    assert_eq!(issues[1].property, "plan");
    assert_eq!(issues[1].value.as_deref(), Some("gold"));
}

#[test]
fn a_list_that_was_cut_short_gives_its_whole_entries() {
    let message = r#"Property values were not valid: [{"message":"Email address x is invalid","error":"INVALID_EMAIL","name":"email"},{"message":"Ema"#;
    let issues = from_message(message);
    assert_eq!(issues.len(), 1);
    assert_eq!(issues[0].value.as_deref(), Some("x"));
}

#[test]
fn values_are_taken_from_the_complaints_that_quote_them() {
    let cases = [
        ("Email address not-an-address is invalid", Some("not-an-address")),
        ("asd000 was not a valid long.", Some("asd000")),
        ("twelve was not a valid number", Some("twelve")),
        ("amount was not a valid number", None),
        ("1579179660000 is at 13:1:0.0 UTC, not midnight!", Some("1579179660000")),
        ("-62044444800000 is more than 1,000 years ago or 1,000 years from now.", Some("-62044444800000")),
        ("\"amount\" is a calculated property; its value cannot be set.", None),
        ("Property \"amount\" does not exist", None),
    ];
    for (message, value) in cases {
        assert_eq!(quoted_value(message, "amount"), value, "{message}");
    }
}

#[test]
fn a_taken_unique_value_names_property_value_and_both_records() {
    let message = "Cannot set PropertyValueCoordinates{portalId=44956899, objectTypeId=ObjectTypeId{legacyObjectType=CONTACT}, propertyName=email, value=a.b{c}@example.com} on 501. 777 already has that value.";
    let taken = taken_values(message);
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].issue.property, "email");
    assert_eq!(taken[0].issue.value.as_deref(), Some("a.b{c}@example.com"));
    assert_eq!(taken[0].id.as_deref(), Some("501"));
    assert_eq!(taken[0].other.as_deref(), Some("777"));
}

#[test]
fn ids_and_names_are_read_out_of_sentences() {
    assert_eq!(existing_id("Contact already exists. Existing ID: 3401").as_deref(), Some("3401"));
    assert_eq!(existing_id("Contact already exists"), None);
    assert_eq!(
        duplicate_ids("Duplicate IDs found in batch input: [a@example.com, b]. IDs must be unique"),
        ["a@example.com", "b"]
    );
    assert_eq!(cleared("Required properties were cleared: [name, domain]."), ["name", "domain"]);
    assert_eq!(
        scope_in("Missing required scope for: sensitive-data-property-create").as_deref(),
        Some("sensitive-data-property-create")
    );
}

#[test]
fn an_error_entry_without_a_property_name_still_counts() {
    let errors = [
        json!({"message":"discount was not a valid number","code":"INVALID_INTEGER","in":"discount"}),
        json!({"message":"A value for firstname must be provided","code":"MISSING_REQUIRED_PROPERTY","context":{"propertyName":["firstname"]}}),
        json!({"nothing":"known"}),
        json!(17),
    ];
    let issues = from_errors(&errors);
    assert_eq!(issues.len(), 2);
    assert_eq!(issues[0].property, "discount");
    assert_eq!(issues[1].property, "firstname");
}

#[test]
fn a_long_text_is_cut_at_a_character() {
    assert_eq!(clipped("ééé", 3), "é…");
    assert_eq!(clipped("abc", 3), "abc");
}
