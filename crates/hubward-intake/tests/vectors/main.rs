//! Recorded runs of the original, by their effect: its requests on one account, our delivery of the same events into
//! another, and then both accounts compared – records, properties, associations, events, lists, definitions.
//!
//! Where they differ on purpose stands in [`DIFFERS`], each with its reason, and that they still do is tested too.

mod replay;
mod world;

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hubward_core::Outcome;
use hubward_core::spec::{Action, Location, MappingSpec};
use hubward_engine::Cancel;
use hubward_engine::door::DoorMemory;
use hubward_intake::actions::ActiveMapping;
use hubward_intake::deliver::{Delivered, Delivery, Input, MapMemory, Options, UserMemory};
use serde_json::{Value, json};

use crate::replay::replay;
use crate::world::{PORTAL_ID, World};

const RECORDED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/segment/vectors/hubspot-requests.json");

/// Cases whose effect is another on purpose, and why. `docs/actions.md` tells them too.
const DIFFERS: [(&str, &str); 1] = [(
    "company.searchHit",
    "several search fields must all hold: a company that has the domain and no name is not the one",
)];

/// The contact that the original has in its transaction context.
const CONTACT: &str = "context@example.com";

/// The company that stands for one that the recording server made.
pub(crate) const KNOWN_COMPANY: &str = "500";

fn cases() -> Option<Vec<Value>> {
    if !Path::new(RECORDED).exists() {
        let _ = writeln!(std::io::stderr(), "skipped: there are no recorded requests");
        return None;
    }
    let text = std::fs::read_to_string(RECORDED).expect("the recorded runs can be read");
    let recorded: Value = serde_json::from_str(&text).expect("they are JSON");
    let cases = recorded["cases"].as_array().expect("a list of cases").clone();
    assert!(!cases.is_empty());
    Some(cases)
}

fn mapping(case: &Value) -> MappingSpec {
    let action = Action::ALL.into_iter().find(|action| case["action"] == action.name()).expect("a known action");
    MappingSpec {
        name: "recorded".to_owned(),
        action,
        enabled: true,
        sources: None,
        trigger: case["subscribe"].as_str().map(str::to_owned),
        sync_mode: None,
        fields: case["mapping"].clone(),
        at: Location::default(),
    }
}

/// Delivers the events of a case; none where the mapping is refused before any event comes.
async fn deliver(world: &World, case: &Value) -> Option<Vec<Delivered>> {
    let mapping = ActiveMapping::new(&mapping(case), Some(PORTAL_ID)).ok()?;
    let engine = Arc::new(world.engine().await);
    let door = engine.door("vectors", DoorMemory::None, Cancel::new()).await.expect("a door");
    let memory = MapMemory::default();
    memory.remember(vec![("user/u".to_owned(), CONTACT.to_owned())]).await.expect("remembered");
    let options = Options { contact_grace: Duration::ZERO, ..Options::default() };
    let delivery = Delivery::new(Arc::new(door), vec![Arc::new(mapping)], Arc::new(memory), options);
    let events = case["events"].as_array().expect("events");
    let inputs = events.iter().enumerate().map(|(at, event)| {
        let mut event = event.clone();
        // The transaction context's contact is that of the event's user.
        event["userId"] = json!("u");
        Input {
            message_id: format!("m{at}"),
            source: "web".to_owned(),
            received_at_ms: world.now_ms(),
            event,
            maybe_done: false,
        }
    });
    let inputs: Vec<Input> = inputs.collect();
    let (delivered, stop) = delivery.window(&inputs).await;
    assert_eq!(stop, None);
    Some(delivered.into_iter().flatten().collect())
}

/// A world with the records of a case and the properties that they have.
fn seeded(case: &Value) -> World {
    let world = World::new();
    let property = |name: &str, group: &str, unique: bool| {
        json!({
            "name": name, "label": name, "groupName": group, "type": "string", "fieldType": "text", "hasUniqueValue": unique,
        })
    };
    let mut records = case["seed"].as_object().cloned().unwrap_or_default();
    if let Some(id) = case["transactionContext"]["contact_id"].as_str() {
        records.insert("contacts".to_owned(), json!([{ "id": id, "properties": { "email": CONTACT } }]));
    }
    let mut companies = vec![property("ext_co", "companyinformation", true)];
    let makes = |request: &Value| request["url"].as_str().is_some_and(|url| url.ends_with("/properties/companies"));
    if !case["requests"].as_array().is_some_and(|requests| requests.iter().any(makes)) {
        companies.push(property("segment_group_id", "companyinformation", true));
    }
    if case["name"] == "objectV2.update" {
        // HubSpot makes no company of the property alone by which the recording server made one.
        records.insert(
            "companies".to_owned(),
            json!([{ "id": KNOWN_COMPANY, "properties": { "ext_co": "c1", "name": "Acme" } }]),
        );
    }
    world.load(&json!({
        "properties": {
            "companies": companies,
            "deals": [property("ext_deal", "dealinformation", false)],
        },
        "records": records,
    }));
    world
}

#[tokio::test(start_paused = true)]
async fn our_delivery_has_the_effect_of_the_originals_requests() {
    let Some(cases) = cases() else { return };
    let mut wrong = Vec::new();
    for case in &cases {
        let name = case["name"].as_str().expect("a name");
        let (original, ours) = (seeded(case), seeded(case));
        original.settle().await;
        let before = original.snapshot().await;
        replay(&original, case).await;
        ours.settle().await;
        let delivered = deliver(&ours, case).await;
        let (theirs, own) = (original.snapshot().await, ours.snapshot().await);
        let writes = case["requests"].as_array().is_some_and(|requests| !requests.is_empty());
        assert_eq!(theirs != before, writes, "{name}: the replay has an effect where something was sent");
        let differs = DIFFERS.iter().find(|(differs, _)| *differs == name);
        match (theirs == own, differs) {
            (true, None) | (false, Some(_)) => {}
            (true, Some((_, reason))) => wrong.push(format!("{name} no longer differs: {reason}")),
            (false, None) => {
                wrong.push(format!("{name}:\n  original {theirs:#}\n  ours {own:#}\n  outcomes {delivered:#?}"));
            }
        }
        let refused = case["result"].get("throws").is_some();
        let settled = delivered
            .as_ref()
            .is_none_or(|all| all.iter().all(|one| matches!(one.outcome, Outcome::Invalid | Outcome::Rejected)));
        if refused != settled {
            wrong.push(format!("{name}: the original refuses: {refused}; ours: {delivered:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
