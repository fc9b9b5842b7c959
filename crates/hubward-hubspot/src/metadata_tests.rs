use super::*;

#[test]
fn an_account_is_known_by_its_id() {
    let body = br#"{"portalId":1234567,"accountType":"STANDARD","timeZone":"US/Eastern","companyCurrency":"USD","uiDomain":"app-eu1.hubspot.com","dataHostingLocation":"eu1"}"#;
    let account = account(200, body).expect("readable");
    assert_eq!(account.portal_id, 1_234_567);
    assert_eq!(account.account_type, "STANDARD");
    assert_eq!(account.data_hosting_location, "eu1");
    assert_eq!(account.name, None);
    assert!(super::account(200, b"{}").is_err());
}

#[test]
fn a_property_keeps_what_decides_whether_and_how_it_may_be_written() {
    let body = br#"{"results":[{"name":"plan","label":"Plan","type":"enumeration","fieldType":"checkbox","groupName":"g","options":[{"label":"Gold","value":"GOLD","hidden":true}],"calculated":false,"externalOptions":false,"hasUniqueValue":false,"modificationMetadata":{"archivable":true,"readOnlyDefinition":false,"readOnlyValue":true}},{"name":"hubspot_owner_id","type":"enumeration","fieldType":"select","externalOptions":true,"referencedObjectType":"OWNER"},{"name":"shape","type":"object_coordinates"},{"label":"without a name"}]}"#;
    let properties = properties(200, body).expect("readable");
    assert_eq!(properties.len(), 3);
    assert!(properties[0].is_multi() && !properties[0].is_writable());
    assert_eq!(properties[0].options[0].value, "GOLD");
    assert!(properties[0].options[0].hidden);
    assert!(properties[1].is_owner() && properties[1].external_options);
    assert!(properties[1].is_writable());
    assert_eq!(properties[2].type_, PropertyType::Other("object_coordinates".to_owned()));
    assert!(super::properties(200, b"{}").is_err());
}

#[test]
fn a_schema_is_known_by_its_type_id() {
    let body = br#"{"results":[{"id":"77","objectTypeId":"2-123456","fullyQualifiedName":"p1_cars","name":"cars","labels":{"singular":"Car","plural":"Cars"},"primaryDisplayProperty":"vin","requiredProperties":["vin"],"searchableProperties":["vin"],"properties":[{"name":"vin","type":"string","fieldType":"text","hasUniqueValue":true}],"associations":[{"id":"9","fromObjectTypeId":"2-123456","toObjectTypeId":"0-1","name":"car_to_contact"}],"archived":false}]}"#;
    let schemas = schemas(200, body).expect("readable");
    let car = &schemas[0];
    assert_eq!(car.object_type_id, "2-123456");
    assert_eq!((car.singular.as_str(), car.plural.as_str()), ("Car", "Cars"));
    assert_eq!(car.required_properties, ["vin"]);
    assert!(car.properties[0].has_unique_value);
    assert_eq!(car.associations[0].to_object_type_id, "0-1");
}

#[test]
fn pipelines_come_with_their_stages() {
    let body = br#"{"results":[{"id":"default","label":"Sales","stages":[{"id":"closedwon","label":"Won","metadata":{"probability":"1.0","isClosed":true},"archived":false}]}]}"#;
    let pipelines = pipelines(200, body).expect("readable");
    let stage = &pipelines[0].stages[0];
    assert_eq!(stage.id, "closedwon");
    assert_eq!(stage.metadata["probability"], "1.0");
    assert_eq!(stage.metadata["isClosed"], "true");
}

#[test]
fn labels_tell_the_default_kind_from_named_ones() {
    let body = br#"{"results":[{"category":"HUBSPOT_DEFINED","typeId":279,"label":null},{"category":"USER_DEFINED","typeId":"36","label":"Manager"}]}"#;
    let labels = labels(200, body).expect("readable");
    assert_eq!((labels[0].type_id, labels[0].label.as_deref()), (279, None));
    assert_eq!(labels[1].type_id, 36);
    assert_eq!(labels[1].label.as_deref(), Some("Manager"));
}

#[test]
fn scopes_are_read_in_both_spellings() {
    let body = br#"{"active":true,"hub_id":1,"user_id":2,"app_id":3,"scopes":["oauth"],"signed_access_token":{"hublet":"eu1"}}"#;
    let info = token_info(200, body).expect("readable");
    assert_eq!((info.hub_id, info.user_id, info.app_id), (Some(1), Some(2), Some(3)));
    assert_eq!(info.hublet.as_deref(), Some("eu1"));
    assert!(token_info(200, br#"{"hubId":1}"#).is_err());
}

#[test]
fn validation_rules_are_told_by_property() {
    let body = br#"{"results":[{"propertyName":"code","propertyValidationRules":[{"ruleType":"MAX_LENGTH","ruleArguments":["8"],"shouldApplyNormalization":false},{"ruleType":"REGEX","ruleArguments":["[A-Z]+"]}]},{"propertyName":"none","propertyValidationRules":[]}]}"#;
    let rules = validations(200, body).expect("readable");
    let told: Vec<(&str, &str, &str)> = rules
        .iter()
        .map(|rule| (rule.property.as_str(), rule.rule_type.as_str(), rule.arguments[0].as_str()))
        .collect();
    assert_eq!(told, [("code", "MAX_LENGTH", "8"), ("code", "REGEX", "[A-Z]+")]);
    assert!(super::validations(200, b"{}").is_err());
}
