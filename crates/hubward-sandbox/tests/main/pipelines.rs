//! Pipelines and stages: creating, changing, replacing, deleting, their audit (api.md 6.2).

use serde_json::{Value, json};

use crate::harness::{Account, text};

const DEALS: &str = "/crm/pipelines/2026-09/deals";
const TICKETS: &str = "/crm/pipelines/2026-09/tickets";

fn deal_stage(id: &str, probability: &Value) -> Value {
    json!({ "stageId": id, "label": format!("Stage {id}"), "displayOrder": 0, "metadata": { "probability": probability } })
}

async fn second(account: &Account) {
    let stages = [deal_stage("one", &json!(0.5)), deal_stage("won", &json!("1"))];
    let body = json!({ "pipelineId": "second", "label": "Second", "displayOrder": 1, "stages": stages });
    let made = account.post(DEALS, body).await;
    assert_eq!((made.status, &made.body["id"]), (201, &json!("second")), "{made:?}");
    assert_eq!(made.body["stages"][0]["metadata"], json!({ "probability": "0.5", "isClosed": "false" }));
    assert_eq!(made.body["stages"][1]["metadata"], json!({ "probability": "1.0", "isClosed": "true" }));
}

#[tokio::test]
async fn a_pipeline_and_its_stages_are_changed_in_place() {
    let account = Account::unlimited();
    second(&account).await;
    let patched = account.patch(&format!("{DEALS}/second"), json!({ "label": "Renamed", "displayOrder": 7 })).await;
    assert_eq!(
        (patched.status, &patched.body["label"], &patched.body["displayOrder"]),
        (200, &json!("Renamed"), &json!(7))
    );
    assert_eq!(patched.body["stages"].as_array().unwrap().len(), 2);
    let taken = account.patch(&format!("{DEALS}/second"), json!({ "label": "Sales Pipeline" })).await;
    assert_eq!(taken.status, 409);
    let path = format!("{DEALS}/second/stages/one");
    let stage = account.patch(&path, json!({ "metadata": { "probability": "0.25" } })).await;
    assert_eq!((stage.status, &stage.body["metadata"]["probability"]), (200, &json!("0.25")));
    assert_eq!(stage.body["label"], "Stage one");
    let stage =
        account.put(&path, json!({ "label": "Uno", "displayOrder": 3, "metadata": { "probability": 0 } })).await;
    assert_eq!((stage.status, &stage.body["metadata"]["isClosed"]), (200, &json!("true")));
    assert_eq!(account.put(&path, json!({ "displayOrder": 3 })).await.status, 400);
    assert_eq!(account.patch(&path, json!({ "metadata": { "probability": 2 } })).await.status, 400);
    let taken = account.patch(&path, json!({ "label": "Stage won", "metadata": {} })).await;
    assert_eq!((taken.status, &taken.body["subCategory"]), (400, &json!("PipelineError.STAGE_LABEL_EXISTS")));
    assert_eq!(account.get(&path).await.body["label"], "Uno", "a refused change changes nothing");
}

#[tokio::test]
async fn replacing_a_pipeline_removes_the_stages_left_out() {
    let account = Account::unlimited();
    second(&account).await;
    let stages = [deal_stage("won", &json!(1)), deal_stage("lost", &json!(0))];
    let body = json!({ "label": "Second", "displayOrder": 1, "stages": stages });
    let put = account.put(&format!("{DEALS}/second"), body).await;
    assert_eq!(put.status, 200, "{put:?}");
    let ids: Vec<String> = put.body["stages"].as_array().unwrap().iter().map(|stage| text(&stage["id"])).collect();
    assert_eq!(ids, ["won", "lost"]);
    assert_eq!(account.get(&format!("{DEALS}/second/stages/one")).await.status, 404);
}

#[tokio::test]
async fn a_stage_with_records_is_not_deleted_on_2026_09_and_before_it_only_where_asked() {
    let account = Account::unlimited();
    second(&account).await;
    let deal = account.make("deals", json!({ "dealname": "D", "dealstage": "one" })).await;
    let delete = async |path: &str| account.send("DELETE", path, Value::Null).await;
    for path in [
        format!("{DEALS}/second/stages/one"),
        format!("{DEALS}/second"),
        "/crm/v3/pipelines/deals/second/stages/one?validateReferencesBeforeDelete=true".to_owned(),
        "/crm/pipelines/2026-03/deals/second?validateDealStageUsagesBeforeDelete=true".to_owned(),
    ] {
        let refused = delete(&path).await;
        assert_eq!(
            (refused.status, &refused.body["subCategory"]),
            (400, &json!("PipelineError.STAGE_ID_IN_USE")),
            "{path}"
        );
    }
    let put = json!({ "label": "Second", "displayOrder": 1, "stages": [deal_stage("won", &json!(1))] });
    assert_eq!(account.put(&format!("{DEALS}/second"), put).await.status, 400);
    assert_eq!(delete("/crm/v3/pipelines/deals/second/stages/one").await.status, 204);
    let read = account.get(&format!("/crm/v3/objects/deals/{deal}?properties=dealstage")).await;
    assert_eq!(read.body["properties"]["dealstage"], "one", "the record keeps a stage that is no more");
    let again =
        account.post("/crm/v3/objects/deals", json!({ "properties": { "dealname": "E", "dealstage": "one" } })).await;
    assert_eq!(again.embedded()[0]["error"], "INVALID_OPTION");
    assert_eq!(delete(&format!("{DEALS}/second")).await.status, 204);
    assert_eq!(account.get(&format!("{DEALS}/second")).await.status, 404);
}

#[tokio::test]
async fn a_ticket_pipeline_keeps_a_closed_stage() {
    let account = Account::unlimited();
    let refused = account.send("DELETE", &format!("{TICKETS}/0/stages/4"), Value::Null).await;
    assert_eq!((refused.status, &refused.body["subCategory"]), (400, &json!("PipelineError.MISSING_CLOSED_STAGE")));
    let refused =
        account.patch(&format!("{TICKETS}/0/stages/4"), json!({ "metadata": { "ticketState": "OPEN" } })).await;
    assert_eq!(refused.status, 400);
    let shut = json!({ "label": "Shut", "displayOrder": 9, "metadata": { "ticketState": "CLOSED" } });
    assert_eq!(account.post(&format!("{TICKETS}/0/stages"), shut).await.status, 201);
    assert_eq!(account.send("DELETE", &format!("{TICKETS}/0/stages/4"), Value::Null).await.status, 204);
}

#[tokio::test]
async fn changes_are_told_by_the_audit_newest_first() {
    let account = Account::unlimited();
    second(&account).await;
    account.patch(&format!("{DEALS}/second"), json!({ "label": "Renamed" })).await;
    let body = json!({ "stageId": "two", "label": "Two", "displayOrder": 1, "metadata": { "probability": "0.1" } });
    assert_eq!(account.post(&format!("{DEALS}/second/stages"), body).await.status, 201);
    let audit = account.get(&format!("{DEALS}/second/audit")).await;
    let actions: Vec<&Value> = audit.results().iter().map(|entry| &entry["action"]).collect();
    assert_eq!(actions, [&json!("UPDATE"), &json!("CREATE")]);
    assert_eq!(
        (&audit.results()[0]["portalId"], &audit.results()[0]["rawObject"]["label"]),
        (&json!(1_234_567), &json!("Renamed"))
    );
    let audit = account.get(&format!("{DEALS}/second/stages/two/audit")).await;
    assert_eq!((audit.results().len(), &audit.results()[0]["identifier"]), (1, &json!("two")));
    assert_eq!(account.get(&format!("{DEALS}/nope/audit")).await.status, 404);
}

#[tokio::test]
async fn ids_that_are_too_long_are_500_and_a_31st_stage_of_an_order_is_refused() {
    let account = Account::unlimited();
    let body = json!({ "pipelineId": "x".repeat(37), "label": "L", "displayOrder": 0, "stages": [] });
    assert_eq!(account.post(DEALS, body).await.status, 500);
    let stages: Vec<Value> =
        (0..31).map(|at| json!({ "label": format!("S{at}"), "displayOrder": at, "metadata": {} })).collect();
    let body = |stages: &[Value]| json!({ "label": "Long", "displayOrder": 0, "stages": stages });
    assert_eq!(account.post("/crm/pipelines/2026-09/orders", body(&stages)).await.status, 400);
    assert_eq!(account.post("/crm/pipelines/2026-09/orders", body(&stages[..30])).await.status, 201);
}
