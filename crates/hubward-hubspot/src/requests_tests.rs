use super::*;

fn text(request: &ApiRequest) -> &str {
    std::str::from_utf8(request.body.as_deref().expect("a body")).expect("text")
}

#[test]
fn an_upsert_names_key_property_and_trace_id_for_each_input() {
    let properties = [(Arc::from("lastname"), "Čapek".to_owned()), (Arc::from("city"), String::new())];
    let input = Input { id: Some("a@example.com"), properties: &properties, trace_id: Some("0") };
    let request = batch_upsert(ApiVersion::V2026_09, "contacts", Some("email"), &[input]);
    assert_eq!(
        text(&request),
        r#"{"inputs":[{"id":"a@example.com","idProperty":"email","properties":{"lastname":"Čapek","city":""},"objectWriteTraceId":"0"}]}"#
    );
    assert!(request.idempotent);
    assert_eq!(request.inputs, 1);
}

#[test]
fn a_create_has_no_id_and_is_not_idempotent() {
    let properties = [(Arc::from("name"), "Acme".to_owned())];
    let input = Input { id: Some("ignored"), properties: &properties, trace_id: Some("t1") };
    let request = batch_create(ApiVersion::V3, "companies", &[input]);
    assert_eq!(text(&request), r#"{"inputs":[{"properties":{"name":"Acme"},"objectWriteTraceId":"t1"}]}"#);
    assert!(!request.idempotent);
    assert!(!create_record(ApiVersion::V3, "companies", &properties).idempotent);
}

#[test]
fn a_read_and_a_search_say_what_they_want() {
    let request =
        batch_read(ApiVersion::V3, "contacts", Some("email"), &["a@example.com".to_owned()], &["email".to_owned()]);
    assert_eq!(
        text(&request),
        r#"{"idProperty":"email","properties":["email"],"propertiesWithHistory":[],"inputs":[{"id":"a@example.com"}]}"#
    );
    let query = SearchQuery::of(vec![crate::Filter::any_of("domain", ["Acme.COM"])], vec!["domain".to_owned()]);
    assert_eq!(
        text(&search(ApiVersion::V3, "companies", &query)),
        r#"{"filterGroups":[{"filters":[{"propertyName":"domain","operator":"IN","values":["acme.com"]}]}],"properties":["domain"],"limit":200}"#
    );
}

#[test]
fn associations_without_a_label_use_the_default_path() {
    let pair = AssociationInput { from: "1", to: "9", types: &[] };
    let request = associate(ApiVersion::V2026_03, "contacts", "companies", &[pair]);
    assert_eq!(request.path, "/crm/associations/2026-03/contacts/companies/batch/associate/default");
    let types = [AssociationType { category: "HUBSPOT_DEFINED".to_owned(), type_id: 279 }];
    let pair = AssociationInput { types: &types, ..pair };
    let request = associate(ApiVersion::V3, "contacts", "companies", &[pair]);
    assert_eq!(request.path, "/crm/v4/associations/contacts/companies/batch/create");
    assert!(text(&request).contains(r#""types":[{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":279}]"#));
}

#[test]
fn a_single_record_is_read_by_any_unique_property() {
    let request = read_record(
        ApiVersion::V3,
        "contacts",
        "a+b@example.com",
        Some("email"),
        &["email".to_owned(), "city".to_owned()],
    );
    assert_eq!(request.path, "/crm/v3/objects/contacts/a%2Bb%40example.com?idProperty=email&properties=email,city");
    assert!(request.one_record);
}
