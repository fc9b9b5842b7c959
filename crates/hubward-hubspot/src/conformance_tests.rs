//! Every request that this client can build, in every version it speaks, held against HubSpot's OpenAPI documents.

use std::sync::Arc;

use hubward_conformance::{Body, Exception, Part, SKIPPED, documents_present, request, unused};

use super::*;
use crate::search::{Filter, Sort};

const VERSIONS: [ApiVersion; 3] = [ApiVersion::V3, ApiVersion::V2026_03, ApiVersion::V2026_09];
const TYPES: [&str; 4] = ["contacts", "0-3", "line_items", "2-123456"];

fn of_records(version: ApiVersion, t: &str) -> Vec<ApiRequest> {
    let properties = [(Arc::from("city"), "Ulm".to_owned())];
    let input = Input { id: Some("1"), properties: &properties, trace_id: Some("0") };
    let ids = ["1".to_owned()];
    let names = ["city".to_owned(), "email".to_owned()];
    let query = SearchQuery::of(vec![Filter::any_of("city", ["Ulm"])], names.to_vec());
    let sort = Some(Sort { property: "createdate".to_owned(), descending: true });
    let page = SearchQuery { after: Some("200".to_owned()), sort, ..query.clone() };
    vec![
        batch_create(version, t, &[input]),
        batch_update(version, t, None, &[input]),
        batch_update(version, t, Some("key"), &[input]),
        batch_upsert(version, t, Some("key"), &[input]),
        batch_upsert(version, t, None, &[input]),
        batch_read(version, t, None, &ids, &names),
        batch_read(version, t, Some("key"), &ids, &names),
        batch_archive(version, t, &ids),
        search(version, t, &query),
        search(version, t, &page),
        read_record(version, t, "1", Some("key"), &names),
        read_record(version, t, "1", None, &[]),
        update_record(version, t, "1", Some("key"), &properties),
        update_record(version, t, "1", None, &properties),
        create_record(version, t, &properties),
    ]
}

fn of_associations(version: ApiVersion, from: &str) -> Vec<ApiRequest> {
    let types = [AssociationType { category: "HUBSPOT_DEFINED".to_owned(), type_id: 279 }];
    let plain = AssociationInput { from: "1", to: "9", types: &[] };
    let typed = AssociationInput { types: &types, ..plain };
    let ids = [("1".to_owned(), None), ("2".to_owned(), Some("9".to_owned()))];
    vec![
        associate(version, from, "companies", &[plain]),
        associate(version, from, "companies", &[typed]),
        dissociate(version, from, "companies", &[plain]),
        associations_read(version, from, "companies", &ids),
        association_labels(version, from, "companies"),
    ]
}

fn of_the_account(version: ApiVersion) -> Vec<ApiRequest> {
    vec![
        account(version),
        properties(version, "contacts"),
        schemas(version),
        pipelines(version, "deals"),
        owners(version, None),
        owners(version, Some("100")),
    ]
}

fn of_events(version: ApiVersion) -> Vec<ApiRequest> {
    use crate::definitions::NewOption;
    use crate::event_definitions::{create_event_definition, create_event_property, event_definitions};
    use crate::events::{EventInput, occurrences};
    use crate::{NewEventDefinition, NewEventProperty};
    let properties = [(Arc::from("amount"), "12.5".to_owned())];
    let event = EventInput {
        event_name: "pe1_bought",
        object_id: Some("7"),
        email: Some("a@example.com"),
        utk: Some("k"),
        occurred_at: Some("2026-11-20T10:00:00Z"),
        uuid: "3f1c2b8e-0000-4000-8000-000000000001",
        properties: &properties,
    };
    let bare = EventInput { object_id: None, utk: None, occurred_at: None, properties: &[], ..event };
    let property = NewEventProperty {
        name: "plan".to_owned(),
        label: "Plan".to_owned(),
        type_: "enumeration".to_owned(),
        description: Some("What was bought".to_owned()),
        options: vec![NewOption { value: "pro".to_owned(), label: "Pro".to_owned() }],
    };
    let definition = NewEventDefinition {
        name: "bought".to_owned(),
        label: "Bought".to_owned(),
        description: Some("An invoice".to_owned()),
        primary_object: Some("CONTACT".to_owned()),
        properties: vec![property.clone()],
        include_default_properties: false,
    };
    let ids = ["a".to_owned(), "b".to_owned()];
    vec![
        send_events(version, &[event, bare]),
        occurrences(version, &ids, Some("n")),
        event_definitions(version, None),
        event_definitions(version, Some("n")),
        create_event_definition(version, &definition),
        create_event_definition(version, &NewEventDefinition::default()),
        create_event_property(version, "bought", &property),
    ]
}

fn of_lists(version: ApiVersion) -> Vec<ApiRequest> {
    use crate::lists::{list, list_by_name, list_members, lists};
    vec![
        list(version, 7),
        list_by_name(version, "0-1", "VIPs"),
        lists(version, 0, 500),
        create_list(version, "VIPs", "0-1"),
        list_members(version, 7, Some("n")),
        list_change(version, 7, &[1], &[]),
        list_change(version, 7, &[], &[2]),
        list_change(version, 7, &[1], &[2]),
    ]
}

fn of_tokens(version: ApiVersion) -> Vec<ApiRequest> {
    let app = [("client_id", "a"), ("client_secret", "b")];
    let refresh = [&app[..], &[("grant_type", "refresh_token"), ("refresh_token", "c")]].concat();
    let look = [&app[..], &[("token", "d"), ("token_type_hint", "access_token")]].concat();
    vec![
        token_form(Endpoint::Token.path(version, &[]), &refresh),
        token_form(Endpoint::TokenIntrospect.path(version, &[]), &look),
        token_json(Endpoint::PrivateAppToken.path(version, &[]), &serde_json::json!({ "tokenKey": "e" })),
    ]
}

fn excused(built: &ApiRequest) -> Vec<&'static Exception> {
    let body = Body::of(Some(built.encoding.content_type()), built.body.as_deref().unwrap_or_default());
    let verdict = request(built.method.as_str(), &built.path, body);
    verdict.assert_agrees();
    verdict.excused
}

#[test]
#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
fn every_request_is_as_hubspots_documents_have_it_and_every_exception_is_still_needed() {
    if !documents_present() {
        println!("{SKIPPED}");
        return;
    }
    let mut used = Vec::new();
    for version in VERSIONS {
        let mut all = [of_the_account(version), of_tokens(version), of_events(version), of_lists(version)].concat();
        for t in TYPES {
            all.extend(of_records(version, t));
            all.extend(of_associations(version, t));
        }
        for built in &all {
            used.extend(excused(built));
        }
    }
    let unused = unused(Part::Request, &used);
    assert!(unused.is_empty(), "these exceptions cover nothing; take them out of the table: {unused:#?}");
}
