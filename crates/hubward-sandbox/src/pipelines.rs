//! Owns pipelines and their stages as the account holds them: the standard ones, what a stage's metadata must be, how both
//! look in answers, and the audit of their changes (api.md 6.2).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::account::ObjectType;
use crate::answers::Refusal;
use crate::clock::iso;
use crate::random::SplitMix;

#[derive(Debug, Clone)]
pub(crate) struct Stage {
    pub(crate) id: String,
    pub(crate) label: String,
    pub(crate) display_order: i64,
    pub(crate) metadata: Metadata,
    pub(crate) created_ms: i64,
    pub(crate) updated_ms: i64,
}

#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Metadata {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) probability: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ticket_state: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lead_state: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) is_closed: Option<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Pipeline {
    pub(crate) id: String,
    pub(crate) label: String,
    pub(crate) stages: Vec<Stage>,
    pub(crate) display_order: i64,
    pub(crate) created_ms: i64,
    pub(crate) updated_ms: i64,
}

/// One change of a pipeline or a stage.
#[derive(Debug)]
pub(crate) struct Audit {
    pub(crate) identifier: String,
    pub(crate) action: &'static str,
    pub(crate) at_ms: i64,
    pub(crate) after: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StageInput {
    pub(crate) label: String,
    #[serde(default, alias = "id")]
    pub(crate) stage_id: Option<String>,
    #[serde(default)]
    pub(crate) display_order: i64,
    #[serde(default)]
    pub(crate) metadata: Value,
}

impl Stage {
    pub(crate) fn is_closed(&self) -> bool {
        self.metadata.is_closed.as_deref() == Some("true")
    }

    pub(crate) fn shown(&self) -> Value {
        json!({
            "id": self.id, "label": self.label, "displayOrder": self.display_order, "metadata": self.metadata,
            "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
            "createdAt": iso(self.created_ms), "updatedAt": iso(self.updated_ms), "archived": false,
        })
    }
}

impl Pipeline {
    pub(crate) fn shown(&self) -> Value {
        let stages: Vec<Value> = self.stages.iter().map(Stage::shown).collect();
        json!({
            "id": self.id, "label": self.label, "displayOrder": self.display_order, "stages": stages,
            "createdAt": iso(self.created_ms), "updatedAt": iso(self.updated_ms), "archived": false,
        })
    }
}

impl Audit {
    pub(crate) fn shown(&self, portal_id: u64) -> Value {
        json!({
            "portalId": portal_id, "identifier": self.identifier, "action": self.action,
            "timestamp": iso(self.at_ms), "rawObject": self.after,
        })
    }
}

/// Id, label, and the stage's probability or state, which for deals and tickets says whether it is closed.
type StandardStage = (&'static str, &'static str, &'static str);

/// The pipeline an account begins with `[DOC-OBJ]`. The ids of services, courses, listings and appointments are ours: no
/// source tells them.
pub(crate) fn standard(plural: &str, now_ms: i64) -> Vec<Pipeline> {
    let (id, label, stages): (&str, &str, &[StandardStage]) = match plural {
        "deals" => (
            "default",
            "Sales Pipeline",
            &[
                ("appointmentscheduled", "Appointment Scheduled", "0.2"),
                ("qualifiedtobuy", "Qualified To Buy", "0.4"),
                ("presentationscheduled", "Presentation Scheduled", "0.6"),
                ("decisionmakerboughtin", "Decision Maker Bought-In", "0.8"),
                ("contractsent", "Contract Sent", "0.9"),
                ("closedwon", "Closed Won", "1.0"),
                ("closedlost", "Closed Lost", "0.0"),
            ],
        ),
        "tickets" => (
            "0",
            "Support Pipeline",
            &[
                ("1", "New", "OPEN"),
                ("2", "Waiting on contact", "OPEN"),
                ("3", "Waiting on us", "OPEN"),
                ("4", "Closed", "CLOSED"),
            ],
        ),
        "leads" => (
            "lead-pipeline-id",
            "Lead pipeline",
            &[
                ("new-stage-id", "New", "NEW"),
                ("attempting-stage-id", "Attempting", "IN_PROGRESS"),
                ("connected-stage-id", "Connected", "IN_PROGRESS"),
                ("qualified-stage-id", "Qualified", "QUALIFIED"),
                ("unqualified-stage-id", "Disqualified", "UNQUALIFIED"),
            ],
        ),
        "orders" => (
            "14a2e10e-5471-408a-906e-c51f3b04369e",
            "Order Pipeline",
            &[
                ("4b27b500-f031-4927-9811-68a0b525cbae", "Open", ""),
                ("937ea84d-0a4f-4dcf-9028-3f9c2aafbf03", "Processed", ""),
                ("3725360f-519b-4b18-a593-494d60a29c9f", "Shipped", ""),
                ("aa99e8d0-c1d5-4071-b915-d240bbb1aed9", "Delivered", ""),
                ("3c85a297-e9ce-400b-b42e-9f16853d69d6", "Cancelled", ""),
            ],
        ),
        "services" => (
            "service-pipeline",
            "Service pipeline",
            &[("service-new", "New", ""), ("service-in-progress", "In progress", ""), ("service-closed", "Closed", "")],
        ),
        "courses" => (
            "course-pipeline",
            "Course pipeline",
            &[("course-open", "Open", ""), ("course-running", "Running", ""), ("course-done", "Done", "")],
        ),
        "listings" => (
            "listing-pipeline",
            "Listing pipeline",
            &[("listing-draft", "Draft", ""), ("listing-active", "Active", ""), ("listing-sold", "Sold", "")],
        ),
        "appointments" => (
            "appointment-pipeline",
            "Appointment pipeline",
            &[("appointment-new", "New", ""), ("appointment-done", "Done", "")],
        ),
        _ => return Vec::new(),
    };
    let mut all = Vec::new();
    for (at, (id, label, state)) in stages.iter().enumerate() {
        let state = |of: &str| (plural == of).then(|| (*state).to_owned());
        let closed = matches!(stages[at].2, "1.0" | "0.0" | "CLOSED");
        all.push(Stage {
            id: (*id).to_owned(),
            label: (*label).to_owned(),
            display_order: i64::try_from(at).unwrap_or(0),
            metadata: Metadata {
                probability: state("deals"),
                ticket_state: state("tickets"),
                lead_state: state("leads"),
                is_closed: matches!(plural, "deals" | "tickets").then(|| closed.to_string()),
            },
            created_ms: now_ms,
            updated_ms: now_ms,
        });
    }
    vec![Pipeline {
        id: id.to_owned(),
        label: label.to_owned(),
        stages: all,
        display_order: 0,
        created_ms: now_ms,
        updated_ms: now_ms,
    }]
}

/// An id chosen by the caller is honoured verbatim; one that is too long is answered with 500 `[LIVE-KALUP]`.
pub(crate) fn chosen_id(wanted: Option<String>, random: &mut SplitMix, most: usize) -> Result<String, Refusal> {
    let id = wanted.unwrap_or_else(|| (random.next() % 1_000_000_000).to_string());
    if id.len() > most {
        return Err(Refusal::bare(500, "internal error"));
    }
    Ok(id)
}

/// Most stages of one pipeline `[LIVE-KALUP]`.
pub(crate) fn most_stages(object_type: &ObjectType) -> usize {
    if object_type.schema.is_some() || matches!(&*object_type.id, "0-3" | "0-5") { 100 } else { 30 }
}

/// What a stage's metadata must say for its type, in HubSpot's canonical form.
pub(crate) fn metadata(type_id: &str, sent: &Value) -> Result<Metadata, Refusal> {
    let mut metadata = Metadata::default();
    let text = |name: &str| sent.get(name).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    match type_id {
        "0-3" => {
            let probability = text("probability").and_then(|text| text.parse::<f64>().ok());
            let Some(probability) = probability.filter(|p| (0.0..=1.0).contains(p)) else {
                return Err(Refusal::validation("metadata.probability must be a number between 0 and 1"));
            };
            metadata.probability = Some(format!("{probability:?}"));
            metadata.is_closed = Some((probability == 0.0 || probability == 1.0).to_string());
        }
        "0-5" => {
            let Some(state) = text("ticketState").filter(|state| matches!(&**state, "OPEN" | "CLOSED")) else {
                return Err(Refusal::validation("metadata.ticketState must be OPEN or CLOSED"));
            };
            metadata.is_closed = Some((state == "CLOSED").to_string());
            metadata.ticket_state = Some(state);
        }
        "0-136" => metadata.lead_state = text("leadState"),
        _ => {}
    }
    Ok(metadata)
}
