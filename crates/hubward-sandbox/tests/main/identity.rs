//! Items 7, 8, 10 to 12, 15, 23: who is who.

use serde_json::json;

use crate::harness::{Account, text, unique_property};

const UPSERT: &str = "/crm/v3/objects/contacts/batch/upsert";

#[tokio::test]
async fn item_07_emails_that_differ_by_case_are_one_key_and_kept_in_lower_case() {
    let account = Account::unlimited();
    let input = |id: &str| json!({ "id": id, "idProperty": "email", "properties": { "city": "Ulm" } });
    let answer = account.post(UPSERT, json!({ "inputs": [input("Ada@Example.com"), input("ada@example.COM")] })).await;
    assert_eq!(answer.status, 400);
    assert!(answer.message().starts_with("Duplicate IDs found in batch input"));
    let answer = account.post(UPSERT, json!({ "inputs": [input("Ada@Example.com")] })).await;
    assert_eq!((answer.status, &answer.results()[0]["properties"]["email"]), (200, &json!("ada@example.com")));
    let answer = account.post(UPSERT, json!({ "inputs": [input("ADA@example.com")] })).await;
    assert_eq!(answer.results()[0]["new"], json!(false));
    let answer =
        account.post("/crm/v3/objects/contacts", json!({ "properties": { "email": "aDa@example.com" } })).await;
    assert_eq!(answer.status, 409);
}

#[tokio::test]
async fn item_08_a_taken_email_is_409_with_the_existing_id() {
    let account = Account::unlimited();
    let id = account.make("contacts", json!({ "email": "a@example.com" })).await;
    let answer =
        account.post("/crm/objects/2026-03/contacts", json!({ "properties": { "email": "a@example.com" } })).await;
    assert_eq!((answer.status, &answer.body["category"]), (409, &json!("CONFLICT")));
    assert_eq!(answer.message(), format!("Contact already exists. Existing ID: {id}"));
    let other = account.make("contacts", json!({ "email": "b@example.com" })).await;
    let answer = account
        .patch(&format!("/crm/v3/objects/contacts/{other}"), json!({ "properties": { "email": "a@example.com" } }))
        .await;
    assert_eq!(answer.status, 400);
    let expected = format!(
        "Cannot set PropertyValueCoordinates{{portalId=1234567, objectTypeId=ObjectTypeId{{legacyObjectType=CONTACT}}, propertyName=email, value=a@example.com}} on {other}. {id} already has that value."
    );
    assert_eq!(answer.message(), expected);
}

#[tokio::test]
async fn item_10_two_companies_may_have_one_domain() {
    let account = Account::unlimited();
    let one = account.make("companies", json!({ "domain": "example.com" })).await;
    let two = account.make("companies", json!({ "domain": "example.com" })).await;
    assert_ne!(one, two);
    assert_eq!(account.count("companies").await, 2);
}

#[tokio::test]
async fn item_11_upsert_by_a_property_that_is_not_unique_is_refused() {
    let account = Account::unlimited();
    for (object, id, property) in
        [("companies", "0-2", "domain"), ("deals", "0-3", "dealname"), ("contacts", "0-1", "hs_object_id")]
    {
        let input = json!({ "id": "x", "idProperty": property, "properties": {} });
        let answer =
            account.post(&format!("/crm/objects/2026-09/{object}/batch/upsert"), json!({ "inputs": [input] })).await;
        assert_eq!(answer.status, 400);
        assert_eq!(
            answer.message(),
            format!("Unable to perform update/upsert by non-unique {id} property {property} in portal ID 1234567")
        );
    }
    // an e-mail is a key for upsert, none for batch update
    let input = json!({ "id": "a@example.com", "idProperty": "email", "properties": {} });
    assert_eq!(account.post("/crm/v3/objects/contacts/batch/update", json!({ "inputs": [input] })).await.status, 400);
    // a property made unique is a key for both
    account.load(json!({ "properties": { "companies": [unique_property("ext")] } }));
    let input = json!({ "id": "k1", "idProperty": "ext", "properties": { "name": "One" } });
    let made = account.post("/crm/v3/objects/companies/batch/upsert", json!({ "inputs": [input] })).await;
    assert_eq!((made.status, &made.results()[0]["properties"]["ext"]), (200, &json!("k1")));
    let updated = account.post("/crm/v3/objects/companies/batch/update", json!({ "inputs": [input] })).await;
    assert_eq!((updated.status, updated.results().len()), (200, 1));
}

#[tokio::test]
async fn item_12_upsert_by_a_secondary_email_updates_its_contact() {
    let account = Account::unlimited();
    let id = account
        .make(
            "contacts",
            json!({ "email": "a@example.com", "hs_additional_emails": "second@example.com;Third@example.com" }),
        )
        .await;
    for key in ["second@example.com", "third@example.com"] {
        let input = json!({ "id": key, "idProperty": "email", "properties": { "city": key } });
        let answer = account.post(UPSERT, json!({ "inputs": [input] })).await;
        assert_eq!((answer.status, &answer.results()[0]["new"]), (200, &json!(false)));
        assert_eq!(answer.results()[0]["id"], json!(id));
    }
    assert_eq!(account.count("contacts").await, 1);
}

#[tokio::test]
async fn item_15_a_merged_away_id_reads_as_the_survivor() {
    let account = Account::unlimited();
    let one = account.make("contacts", json!({ "email": "a@example.com" })).await;
    let two = account.make("contacts", json!({ "email": "b@example.com", "city": "Ulm" })).await;
    let merged =
        account.post("/crm/v3/objects/contacts/merge", json!({ "primaryObjectId": one, "objectIdToMerge": two })).await;
    let survivor = text(&merged.body["id"]);
    assert!(survivor != one && survivor != two);
    for old in [&one, &two] {
        let read = account.get(&format!("/crm/v3/objects/contacts/{old}?properties=city,hs_merged_object_ids")).await;
        assert_eq!((read.status, &read.body["id"]), (200, &json!(survivor)));
        assert_eq!(read.body["properties"]["hs_merged_object_ids"], json!(format!("{one};{two}")));
        assert_eq!(read.body["properties"]["city"], "Ulm");
    }
    let patched =
        account.patch(&format!("/crm/v3/objects/contacts/{two}"), json!({ "properties": { "city": "Bern" } })).await;
    assert_eq!((patched.status, &patched.body["id"]), (200, &json!(survivor)));
    // what was loaded as merged away behaves alike
    account.load(json!({ "records": { "contacts": [{ "id": 7, "properties": { "email": "x@example.com" } }, { "id": 8, "merged_into": 7 }] } }));
    assert_eq!(account.get("/crm/v3/objects/contacts/8").await.body["id"], "7");
}

#[tokio::test]
async fn item_23_ids_are_strings_in_objects_and_numbers_in_association_results() {
    let account = Account::unlimited();
    let contact = account.make("contacts", json!({ "email": "a@example.com" })).await;
    let company = account.make("companies", json!({ "name": "One" })).await;
    let types = json!([{ "associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279 }]);
    let inputs = json!([{ "from": { "id": contact }, "to": { "id": company }, "types": types }]);
    let answer =
        account.post("/crm/associations/2026-09/contacts/companies/batch/create", json!({ "inputs": inputs })).await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.results()[0]["fromObjectId"].to_string(), contact);
    assert_eq!(answer.results()[0]["toObjectId"].to_string(), company);
    let read = account.get(&format!("/crm/v3/objects/contacts/{contact}?associations=companies")).await;
    assert_eq!(
        read.body["associations"]["companies"]["results"][0],
        json!({ "id": company, "type": "contact_to_company" })
    );
}

#[tokio::test]
async fn a_create_may_carry_associations_and_refuses_a_target_that_is_not_there() {
    let account = Account::unlimited();
    let company = account.make("companies", json!({ "name": "One" })).await;
    let create = |to: &str, id: u32| {
        json!({ "properties": { "firstname": "A" }, "associations": [{ "to": { "id": to },
            "types": [{ "associationCategory": "HUBSPOT_DEFINED", "associationTypeId": id }] }] })
    };
    assert_eq!(account.post("/crm/v3/objects/contacts", create(&company, 279)).await.status, 201);
    let answer = account.post("/crm/v3/objects/contacts", create("424242", 279)).await;
    assert_eq!((answer.status, answer.message()), (400, "One or more associations are invalid"));
    assert_eq!(answer.body["context"]["INVALID_OBJECT_IDS"], json!(["COMPANY=424242 is not valid"]));
    let answer = account.post("/crm/v3/objects/contacts", create(&company, 280)).await;
    assert_eq!(answer.status, 400, "a type of the other direction");
    assert_eq!(account.count("contacts").await, 1);
}
