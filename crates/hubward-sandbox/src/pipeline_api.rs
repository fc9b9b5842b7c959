//! Owns the pipelines API: reading, creating, changing, replacing and deleting pipelines and stages (api.md 6.2).
//!
//! A change is made on a copy and put in place when all of it is good, so that a refusal leaves everything as it was.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::account::{Account, ObjectType, TypeAt};
use crate::answers::{Refusal, Reply};
use crate::call::Call;
use crate::input;
use crate::pipelines::{Audit, Pipeline, Stage, StageInput, chosen_id, metadata, most_stages};
use crate::random::SplitMix;
use crate::route::Version;

/// Longest ids, in bytes `[LIVE-KALUP]`.
const MOST_PIPELINE_ID: usize = 36;
const MOST_STAGE_ID: usize = 100;

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

/// A change of a pipeline or a stage; what is left out stays.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Patch {
    label: Option<String>,
    display_order: Option<i64>,
    metadata: Option<Value>,
}

fn find(object_type: &ObjectType, id: &str) -> Result<usize, Refusal> {
    let found = object_type.pipelines.iter().position(|pipeline| pipeline.id == id);
    found.ok_or_else(|| Refusal::new(404, "OBJECT_NOT_FOUND", format!("Pipeline {id} was not found")))
}

fn find_stage(pipeline: &Pipeline, id: &str) -> Result<usize, Refusal> {
    let found = pipeline.stages.iter().position(|stage| stage.id == id);
    found.ok_or_else(|| Refusal::new(404, "OBJECT_NOT_FOUND", format!("Stage {id} was not found")))
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
    Ok(Reply::of(200, &object_type.pipelines[find(object_type, call.param(1))?].shown()))
}

pub(crate) fn stages(call: &Call<'_>) -> Result<Reply, Refusal> {
    let account = call.account();
    let object_type = &account.types[account.resolve(call.param(0))?];
    let pipeline = &object_type.pipelines[find(object_type, call.param(1))?];
    let results: Vec<Value> = pipeline.stages.iter().map(Stage::shown).collect();
    Ok(Reply::of(200, &json!({ "results": results })))
}

pub(crate) fn stage_read(call: &Call<'_>) -> Result<Reply, Refusal> {
    let account = call.account();
    let object_type = &account.types[account.resolve(call.param(0))?];
    let pipeline = &object_type.pipelines[find(object_type, call.param(1))?];
    Ok(Reply::of(200, &pipeline.stages[find_stage(pipeline, call.param(2))?].shown()))
}

/// Changes of a pipeline, or of a stage where the path names one; newest first. Those of what was deleted stay.
pub(crate) fn audit(call: &Call<'_>) -> Result<Reply, Refusal> {
    let account = call.account();
    let object_type = &account.types[account.resolve(call.param(0))?];
    let identifier = call.routed.params.last().map_or("", String::as_str);
    let own = object_type.pipeline_audit.iter().rev().filter(|entry| entry.identifier == identifier);
    let results: Vec<Value> = own.map(|entry| entry.shown(account.portal_id)).collect();
    if results.is_empty() {
        let pipeline = &object_type.pipelines[find(object_type, call.param(1))?];
        if call.routed.params.len() > 2 {
            find_stage(pipeline, identifier)?;
        }
    }
    Ok(Reply::of(200, &json!({ "results": results })))
}

fn note(object_type: &mut ObjectType, action: &'static str, identifier: &str, after: Value, now_ms: i64) {
    object_type.pipeline_audit.push(Audit { identifier: identifier.to_owned(), action, at_ms: now_ms, after });
}

/// A label or id that another pipeline of the type has.
fn free(object_type: &ObjectType, own: Option<usize>, id: Option<&str>, label: &str) -> Result<(), Refusal> {
    let taken = object_type
        .pipelines
        .iter()
        .enumerate()
        .any(|(at, other)| Some(at) != own && (other.label == label || Some(&*other.id) == id));
    if taken {
        return Err(Refusal::new(
            409,
            "CONFLICT",
            format!("A pipeline with the id or label of {label:?} already exists"),
        ));
    }
    Ok(())
}

pub(crate) fn create(call: &Call<'_>) -> Result<Reply, Refusal> {
    let wanted: PipelineInput = input::parse(call.body)?;
    let mut account = call.account();
    let type_at = account.resolve(call.param(0))?;
    let id = chosen_id(wanted.pipeline_id, &mut account.random, MOST_PIPELINE_ID)?;
    free(&account.types[type_at], None, Some(&id), &wanted.label)?;
    let mut pipeline = Pipeline {
        id,
        label: wanted.label,
        stages: Vec::new(),
        display_order: wanted.display_order,
        created_ms: call.now_ms,
        updated_ms: call.now_ms,
    };
    for one in wanted.stages {
        let stage = stage_of(&mut account, type_at, &pipeline, one, call.now_ms)?;
        pipeline.stages.push(stage);
    }
    let shown = pipeline.shown();
    let object_type = &mut account.types[type_at];
    note(object_type, "CREATE", &pipeline.id, shown.clone(), call.now_ms);
    object_type.pipelines.push(pipeline);
    Ok(Reply::of(201, &shown))
}

pub(crate) fn update(call: &Call<'_>) -> Result<Reply, Refusal> {
    let patch: Patch = input::parse(call.body)?;
    let mut account = call.account();
    let type_at = account.resolve(call.param(0))?;
    let object_type = &mut account.types[type_at];
    let at = find(object_type, call.param(1))?;
    if let Some(label) = &patch.label {
        free(object_type, Some(at), None, label)?;
    }
    let pipeline = &mut object_type.pipelines[at];
    if let Some(label) = patch.label {
        pipeline.label = label;
    }
    pipeline.display_order = patch.display_order.unwrap_or(pipeline.display_order);
    pipeline.updated_ms = call.now_ms;
    let shown = pipeline.shown();
    note(object_type, "UPDATE", call.param(1), shown.clone(), call.now_ms);
    Ok(Reply::of(200, &shown))
}

/// `PUT` replaces the stages too: those left out are gone for good.
pub(crate) fn replace(call: &Call<'_>) -> Result<Reply, Refusal> {
    let wanted: PipelineInput = input::parse(call.body)?;
    let mut account = call.account();
    let type_at = account.resolve(call.param(0))?;
    let at = find(&account.types[type_at], call.param(1))?;
    free(&account.types[type_at], Some(at), None, &wanted.label)?;
    let old = account.types[type_at].pipelines[at].clone();
    let mut new = Pipeline { label: wanted.label, stages: Vec::new(), updated_ms: call.now_ms, ..old.clone() };
    new.display_order = wanted.display_order;
    for one in wanted.stages {
        let known = one.stage_id.as_ref().and_then(|id| old.stages.iter().find(|stage| stage.id == *id));
        let stage = match known {
            Some(stage) => {
                label_free(&new, None, &one.label)?;
                let metadata = metadata(&account.types[type_at].id, &one.metadata)?;
                Stage {
                    label: one.label,
                    display_order: one.display_order,
                    metadata,
                    updated_ms: call.now_ms,
                    ..stage.clone()
                }
            }
            None => stage_of(&mut account, type_at, &new, one, call.now_ms)?,
        };
        new.stages.push(stage);
    }
    let object_type = &mut account.types[type_at];
    let gone: Vec<&str> = old
        .stages
        .iter()
        .map(|stage| &*stage.id)
        .filter(|id| !new.stages.iter().any(|stage| stage.id == *id))
        .collect();
    unused(call, object_type, &gone)?;
    still_closes(object_type, &new)?;
    let shown = new.shown();
    object_type.pipelines[at] = new;
    note(object_type, "UPDATE", call.param(1), shown.clone(), call.now_ms);
    Ok(Reply::of(200, &shown))
}

pub(crate) fn delete(call: &Call<'_>) -> Result<Reply, Refusal> {
    let mut account = call.account();
    let type_at = account.resolve(call.param(0))?;
    let object_type = &mut account.types[type_at];
    let at = find(object_type, call.param(1))?;
    let stages: Vec<&str> = object_type.pipelines[at].stages.iter().map(|stage| &*stage.id).collect();
    unused(call, object_type, &stages)?;
    let gone = object_type.pipelines.remove(at);
    note(object_type, "DELETE", &gone.id, gone.shown(), call.now_ms);
    Ok(Reply::empty(204))
}

pub(crate) fn stage_create(call: &Call<'_>) -> Result<Reply, Refusal> {
    let wanted: StageInput = input::parse(call.body)?;
    let mut account = call.account();
    let type_at = account.resolve(call.param(0))?;
    let at = find(&account.types[type_at], call.param(1))?;
    let pipeline = account.types[type_at].pipelines[at].clone();
    let stage = stage_of(&mut account, type_at, &pipeline, wanted, call.now_ms)?;
    let shown = stage.shown();
    let object_type = &mut account.types[type_at];
    note(object_type, "CREATE", &stage.id, shown.clone(), call.now_ms);
    object_type.pipelines[at].stages.push(stage);
    Ok(Reply::of(201, &shown))
}

pub(crate) fn stage_update(call: &Call<'_>) -> Result<Reply, Refusal> {
    change_stage(call, &input::parse(call.body)?)
}

/// `PUT` needs all that `PATCH` may leave out.
pub(crate) fn stage_replace(call: &Call<'_>) -> Result<Reply, Refusal> {
    let patch: Patch = input::parse(call.body)?;
    if patch.label.is_none() || patch.metadata.is_none() {
        return Err(Refusal::validation("Invalid input JSON: a stage needs label, displayOrder and metadata"));
    }
    change_stage(call, &patch)
}

fn change_stage(call: &Call<'_>, patch: &Patch) -> Result<Reply, Refusal> {
    let mut account = call.account();
    let type_at = account.resolve(call.param(0))?;
    let object_type = &mut account.types[type_at];
    let at = find(object_type, call.param(1))?;
    let mut pipeline = object_type.pipelines[at].clone();
    let stage_at = find_stage(&pipeline, call.param(2))?;
    if let Some(label) = &patch.label {
        label_free(&pipeline, Some(stage_at), label)?;
    }
    let stage = &mut pipeline.stages[stage_at];
    if let Some(sent) = patch.metadata.as_ref().filter(|sent| sent.as_object().is_some_and(|map| !map.is_empty())) {
        stage.metadata = metadata(&object_type.id, sent)?;
    }
    if let Some(label) = &patch.label {
        stage.label.clone_from(label);
    }
    stage.display_order = patch.display_order.unwrap_or(stage.display_order);
    stage.updated_ms = call.now_ms;
    let shown = stage.shown();
    still_closes(object_type, &pipeline)?;
    object_type.pipelines[at] = pipeline;
    note(object_type, "UPDATE", call.param(2), shown.clone(), call.now_ms);
    Ok(Reply::of(200, &shown))
}

pub(crate) fn stage_delete(call: &Call<'_>) -> Result<Reply, Refusal> {
    let mut account = call.account();
    let type_at = account.resolve(call.param(0))?;
    let object_type = &mut account.types[type_at];
    let at = find(object_type, call.param(1))?;
    let mut pipeline = object_type.pipelines[at].clone();
    let gone = pipeline.stages.remove(find_stage(&pipeline, call.param(2))?);
    unused(call, object_type, &[&gone.id])?;
    still_closes(object_type, &pipeline)?;
    object_type.pipelines[at] = pipeline;
    note(object_type, "DELETE", &gone.id, gone.shown(), call.now_ms);
    Ok(Reply::empty(204))
}

/// Refuses to take stages away that records are in: always on 2026-09, before it where a flag asks for it `[LIVE-KALUP]`.
fn unused(call: &Call<'_>, object_type: &ObjectType, stages: &[&str]) -> Result<(), Refusal> {
    let asked = call.flag("validateReferencesBeforeDelete") || call.flag("validateDealStageUsagesBeforeDelete");
    if call.version() != Version::September2026 && !asked {
        return Ok(());
    }
    let Some((_, stage_at)) = object_type.stage else {
        return Ok(());
    };
    let used = object_type
        .records
        .values()
        .filter(|record| record.archived_at_ms.is_none())
        .filter_map(|record| record.get(stage_at))
        .find(|stage| stages.contains(stage));
    match used {
        Some(stage) => Err(Refusal::validation(format!("Stage {stage} is in use by records and cannot be deleted"))
            .sub_category("PipelineError.STAGE_ID_IN_USE")
            .context("stageId", vec![stage.to_owned()])),
        None => Ok(()),
    }
}

/// A ticket pipeline keeps at least one closed stage `[LIVE-KALUP]`.
fn still_closes(object_type: &ObjectType, pipeline: &Pipeline) -> Result<(), Refusal> {
    if object_type.id == "0-5" && !pipeline.stages.iter().any(Stage::is_closed) {
        return Err(Refusal::validation("A ticket pipeline needs at least one CLOSED stage")
            .sub_category("PipelineError.MISSING_CLOSED_STAGE"));
    }
    Ok(())
}

fn label_free(pipeline: &Pipeline, own: Option<usize>, label: &str) -> Result<(), Refusal> {
    let taken = pipeline.stages.iter().enumerate().any(|(at, stage)| Some(at) != own && stage.label == label);
    if taken {
        let message = format!("A stage labelled {label:?} already exists in the pipeline");
        return Err(Refusal::validation(message).sub_category("PipelineError.STAGE_LABEL_EXISTS"));
    }
    Ok(())
}

fn stage_of(
    account: &mut Account,
    type_at: TypeAt,
    pipeline: &Pipeline,
    wanted: StageInput,
    now_ms: i64,
) -> Result<Stage, Refusal> {
    let generated = account.random.next();
    let object_type = &account.types[type_at];
    let most = most_stages(object_type);
    if pipeline.stages.len() >= most {
        return Err(Refusal::validation(format!("A pipeline may have at most {most} stages")));
    }
    let id = chosen_id(wanted.stage_id, &mut SplitMix::new(generated), MOST_STAGE_ID)?;
    label_free(pipeline, None, &wanted.label)?;
    // stage ids are unique in the account for deals, so that a stage names its pipeline
    if object_type.pipelines.iter().chain([pipeline]).any(|other| other.stages.iter().any(|stage| stage.id == id)) {
        return Err(Refusal::validation(format!("A stage with the id {id} already exists")));
    }
    Ok(Stage {
        id,
        label: wanted.label,
        display_order: wanted.display_order,
        metadata: metadata(&object_type.id, &wanted.metadata)?,
        created_ms: now_ms,
        updated_ms: now_ms,
    })
}
