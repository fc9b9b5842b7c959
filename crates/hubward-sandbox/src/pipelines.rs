//! Owns pipelines and their stages: the standard ones, reading, creating (api.md 6.2). Changing and deleting are not here yet.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::account::ObjectType;
use crate::answers::{Refusal, Reply};
use crate::call::Call;
use crate::clock::iso;
use crate::input;

#[derive(Debug, Clone)]
pub(crate) struct Stage {
    pub(crate) id: String,
    pub(crate) label: String,
    display_order: i64,
    metadata: Metadata,
    created_ms: i64,
}

#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    #[serde(skip_serializing_if = "Option::is_none")]
    probability: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ticket_state: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_closed: Option<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Pipeline {
    pub(crate) id: String,
    pub(crate) label: String,
    pub(crate) stages: Vec<Stage>,
    display_order: i64,
    created_ms: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StageInput {
    label: String,
    #[serde(default, alias = "id")]
    stage_id: Option<String>,
    #[serde(default)]
    display_order: i64,
    #[serde(default)]
    metadata: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PipelineInput {
    label: String,
    #[serde(default, alias = "id")]
    pipeline_id: Option<String>,
    #[serde(default)]
    display_order: i64,
    stages: Vec<StageInput>,
}

impl Stage {
    pub(crate) fn is_closed(&self) -> bool {
        self.metadata.is_closed.as_deref() == Some("true")
    }

    fn shown(&self) -> Value {
        json!({
            "id": self.id, "label": self.label, "displayOrder": self.display_order, "metadata": self.metadata,
            "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
            "createdAt": iso(self.created_ms), "updatedAt": iso(self.created_ms), "archived": false,
        })
    }
}

impl Pipeline {
    fn shown(&self) -> Value {
        let stages: Vec<Value> = self.stages.iter().map(Stage::shown).collect();
        json!({
            "id": self.id, "label": self.label, "displayOrder": self.display_order, "stages": stages,
            "createdAt": iso(self.created_ms), "updatedAt": iso(self.created_ms), "archived": false,
        })
    }
}

/// The pipeline an account begins with `[DOC-OBJ]`.
pub(crate) fn standard(plural: &str, now_ms: i64) -> Vec<Pipeline> {
    let (id, label, stages): (&str, &str, &[(&str, &str, &str)]) = match plural {
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
        _ => return Vec::new(),
    };
    let mut all = Vec::new();
    for (at, (id, label, state)) in stages.iter().enumerate() {
        let closed = matches!(*state, "1.0" | "0.0" | "CLOSED");
        let deals = plural == "deals";
        all.push(Stage {
            id: (*id).to_owned(),
            label: (*label).to_owned(),
            display_order: i64::try_from(at).unwrap_or(0),
            metadata: Metadata {
                probability: deals.then(|| (*state).to_owned()),
                ticket_state: (!deals).then(|| (*state).to_owned()),
                is_closed: Some(closed.to_string()),
            },
            created_ms: now_ms,
        });
    }
    vec![Pipeline { id: id.to_owned(), label: label.to_owned(), stages: all, display_order: 0, created_ms: now_ms }]
}

fn find<'t>(object_type: &'t ObjectType, id: &str) -> Result<&'t Pipeline, Refusal> {
    let found = object_type.pipelines.iter().find(|pipeline| pipeline.id == id);
    found.ok_or_else(|| Refusal::new(404, "OBJECT_NOT_FOUND", format!("Pipeline {id} was not found")))
}

pub(crate) fn list(call: &Call<'_>) -> Result<Reply, Refusal> {
    let account = call.account();
    let object_type = &account.types[account.resolve(call.param(0))?];
    let results: Vec<Value> = object_type.pipelines.iter().map(Pipeline::shown).collect();
    Ok(Reply::of(200, &json!({ "results": results })))
}

pub(crate) fn read(call: &Call<'_>) -> Result<Reply, Refusal> {
    let account = call.account();
    let object_type = &account.types[account.resolve(call.param(0))?];
    Ok(Reply::of(200, &find(object_type, call.param(1))?.shown()))
}

pub(crate) fn stages(call: &Call<'_>) -> Result<Reply, Refusal> {
    let account = call.account();
    let object_type = &account.types[account.resolve(call.param(0))?];
    let results: Vec<Value> = find(object_type, call.param(1))?.stages.iter().map(Stage::shown).collect();
    Ok(Reply::of(200, &json!({ "results": results })))
}

pub(crate) fn stage_read(call: &Call<'_>) -> Result<Reply, Refusal> {
    let account = call.account();
    let object_type = &account.types[account.resolve(call.param(0))?];
    let id = call.param(2);
    let found = find(object_type, call.param(1))?.stages.iter().find(|stage| stage.id == id);
    let stage = found.ok_or_else(|| Refusal::new(404, "OBJECT_NOT_FOUND", format!("Stage {id} was not found")))?;
    Ok(Reply::of(200, &stage.shown()))
}

pub(crate) fn create(call: &Call<'_>) -> Result<Reply, Refusal> {
    let wanted: PipelineInput = input::parse(call.body)?;
    let mut account = call.account();
    let type_at = account.resolve(call.param(0))?;
    let id = chosen_id(wanted.pipeline_id, &mut account.random, 36)?;
    let object_type = &mut account.types[type_at];
    if object_type.pipelines.iter().any(|pipeline| pipeline.id == id || pipeline.label == wanted.label) {
        return Err(Refusal::new(
            409,
            "CONFLICT",
            format!("A pipeline with the id or label of {:?} already exists", wanted.label),
        ));
    }
    let mut pipeline = Pipeline {
        id,
        label: wanted.label,
        stages: Vec::new(),
        display_order: wanted.display_order,
        created_ms: call.now_ms,
    };
    for one in wanted.stages {
        let generated = account.random.next();
        let stage = stage_of(one, &account.types[type_at], &pipeline, generated, call.now_ms)?;
        pipeline.stages.push(stage);
    }
    let shown = pipeline.shown();
    account.types[type_at].pipelines.push(pipeline);
    Ok(Reply::of(201, &shown))
}

pub(crate) fn stage_create(call: &Call<'_>) -> Result<Reply, Refusal> {
    let wanted: StageInput = input::parse(call.body)?;
    let mut account = call.account();
    let type_at = account.resolve(call.param(0))?;
    let generated = account.random.next();
    let pipeline = find(&account.types[type_at], call.param(1))?;
    let stage = stage_of(wanted, &account.types[type_at], pipeline, generated, call.now_ms)?;
    let shown = stage.shown();
    let id = call.param(1);
    if let Some(pipeline) = account.types[type_at].pipelines.iter_mut().find(|pipeline| pipeline.id == id) {
        pipeline.stages.push(stage);
    }
    Ok(Reply::of(201, &shown))
}

fn chosen_id(wanted: Option<String>, random: &mut crate::random::SplitMix, most: usize) -> Result<String, Refusal> {
    let id = wanted.unwrap_or_else(|| (random.next() % 1_000_000_000).to_string());
    if id.len() > most {
        // what HubSpot answers to an id that is too long `[LIVE-KALUP]`
        return Err(Refusal::bare(500, "internal error"));
    }
    Ok(id)
}

fn stage_of(
    wanted: StageInput,
    object_type: &ObjectType,
    pipeline: &Pipeline,
    generated: u64,
    now_ms: i64,
) -> Result<Stage, Refusal> {
    let id = chosen_id(wanted.stage_id, &mut crate::random::SplitMix::new(generated), 100)?;
    if pipeline.stages.iter().any(|stage| stage.label == wanted.label) {
        let message = format!("A stage labelled {:?} already exists in the pipeline", wanted.label);
        return Err(Refusal::validation(message).sub_category("PipelineError.STAGE_LABEL_EXISTS"));
    }
    // stage ids are unique in the account for deals, so that a stage names its pipeline
    if object_type.pipelines.iter().chain([pipeline]).any(|other| other.stages.iter().any(|stage| stage.id == id)) {
        return Err(Refusal::validation(format!("A stage with the id {id} already exists")));
    }
    let mut metadata = Metadata::default();
    match &*object_type.id {
        "0-3" => {
            let text = wanted
                .metadata
                .get("probability")
                .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            let probability = text.and_then(|text| text.parse::<f64>().ok()).filter(|p| (0.0..=1.0).contains(p));
            let Some(probability) = probability else {
                return Err(Refusal::validation("metadata.probability must be a number between 0 and 1"));
            };
            metadata.probability = Some(format!("{probability:?}"));
            metadata.is_closed = Some((probability == 0.0 || probability == 1.0).to_string());
        }
        "0-5" => {
            let state = wanted
                .metadata
                .get("ticketState")
                .and_then(Value::as_str)
                .filter(|state| matches!(*state, "OPEN" | "CLOSED"));
            let Some(state) = state else {
                return Err(Refusal::validation("metadata.ticketState must be OPEN or CLOSED"));
            };
            metadata.ticket_state = Some(state.to_owned());
            metadata.is_closed = Some((state == "CLOSED").to_string());
        }
        _ => {}
    }
    Ok(Stage { id, label: wanted.label, display_order: wanted.display_order, metadata, created_ms: now_ms })
}
