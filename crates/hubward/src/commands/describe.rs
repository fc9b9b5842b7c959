//! `hubward describe`: what the account has, by the names that a project uses. Events and lists have their own files.

mod events;
mod lists;

use std::sync::Arc;

use hubward_core::{PropertyDef, PropertyOption};
use hubward_engine::{Engine, ObjectType, Silent, standard, standard_names};
use hubward_hubspot::{AssociationLabel, Pipeline};
use serde_json::{Value, json};

use super::run::account_text;
use crate::args::{DescribeArgs, Global};
use crate::exit::{Exit, Failure};
use crate::printer::Printer;
use crate::project_files::{Credentials, open};
use crate::session::{Network, connect};
use crate::table::Table;

/// Standard types that have pipelines (api.md 6); custom types may have them too.
const WITH_PIPELINES: [&str; 8] =
    ["deals", "tickets", "leads", "orders", "services", "appointments", "courses", "listings"];
/// The types whose labels are told; asking for each of an account's types would cost a request each.
const LABELS_TO: [&str; 4] = ["contacts", "companies", "deals", "tickets"];
/// Options shown to people for one property.
const OPTIONS_SHOWN: usize = 8;

pub(crate) async fn carry_out(args: &DescribeArgs, global: &Global, printer: Printer) -> Result<Exit, Failure> {
    let opened = open(&global.project, Credentials::Needed)?;
    let account = opened.account(global.account.as_deref())?;
    let engine = connect(account, &global.project, None, Arc::new(Silent), Network::Real, "").await?;
    printer.say(&account_text(engine.account(), &account.name));
    match args.object_type.as_deref() {
        None => all(&engine, printer).await,
        Some("events") => events::all(&engine, printer).await?,
        Some("lists") => lists::all(&engine, printer).await?,
        Some(name) => one(&engine, name, printer).await?,
    }
    Ok(Exit::Ok)
}

/// Object types, events and lists; what cannot be told is said, and the rest is shown.
async fn all(engine: &Engine, printer: Printer) {
    let (types, types_json) = types(engine, printer).await;
    let events = events::overview(engine, printer).await;
    let lists = lists::overview(engine, printer).await;
    let (events, events_json) = events.map_or((String::new(), Value::Null), |(text, json)| (text, json));
    let (lists, lists_json) = lists.map_or((String::new(), Value::Null), |(text, json)| (text, json));
    if printer.is_json() {
        printer.document(&json!({ "object_types": types_json, "events": events_json, "lists": lists_json }));
    } else {
        printer.data(&format!("{types}{events}{lists}"));
    }
}

/// The object types, for people and as JSON.
async fn types(engine: &Engine, printer: Printer) -> (String, Vec<Value>) {
    let mut found: Vec<(ObjectType, String, bool)> = standard_names()
        .filter_map(standard)
        .map(|object| {
            let label = object.name.replace('_', " ");
            (object, label, false)
        })
        .collect();
    match engine.schemas().await {
        Ok(schemas) => {
            for schema in schemas.iter() {
                let object = ObjectType {
                    path: schema.object_type_id.clone(),
                    id: schema.object_type_id.clone(),
                    name: schema.name.clone(),
                    required: schema.required_properties.clone(),
                };
                found.push((object, schema.plural.clone(), true));
            }
        }
        // Accounts without custom objects refuse the question; the standard types are there all the same.
        Err(error) => printer.say(&format!("custom object types are not shown: {error}")),
    }
    let types: Vec<Value> = found
        .iter()
        .map(
            |(object, label, custom)| json!({ "name": object.name, "id": object.id, "label": label, "custom": custom }),
        )
        .collect();
    let mut table = Table::new(&["name", "id", "label", "kind"]);
    for (object, label, custom) in found {
        let kind = if custom { "custom" } else { "standard" };
        table.row(vec![object.name, object.id, label, kind.to_owned()]);
    }
    (table.render(printer.width()), types)
}

async fn one(engine: &Engine, name: &str, printer: Printer) -> Result<(), Failure> {
    let object = match engine.object_type(name).await {
        Ok(object) => object,
        Err(unknown) => return if events::one(engine, name, printer).await { Ok(()) } else { Err(unknown.into()) },
    };
    let properties = engine.properties(&object).await?;
    let pipelines = pipelines(engine, &object, printer).await;
    let labels = labels(engine, &object, printer).await;
    if printer.is_json() {
        printer.document(&document(&object, &properties, &pipelines, &labels));
        return Ok(());
    }
    let mut table = Table::new(&["name", "label", "type", "field", "write", "unique", "required", "options"]);
    for property in properties.iter() {
        let yes = |set: bool, word: &str| if set { word.to_owned() } else { String::new() };
        table.row(vec![
            property.name.clone(),
            property.label.clone(),
            property.type_.name().to_owned(),
            property.field_type.clone(),
            (if property.is_writable() { "yes" } else { "read-only" }).to_owned(),
            yes(property.has_unique_value, "unique"),
            yes(object.required.contains(&property.name), "required"),
            options(property),
        ]);
    }
    let mut text = format!("{} ({})\n\n{}", object.name, object.id, table.render(printer.width()));
    for pipeline in &pipelines {
        text.push_str(&format!("\npipeline {} {:?}\n", pipeline.id, pipeline.label));
        for stage in &pipeline.stages {
            text.push_str(&format!("  stage {} {:?}\n", stage.id, stage.label));
        }
    }
    for (to, kinds) in &labels {
        let kinds: Vec<String> = kinds
            .iter()
            .map(|kind| format!("{} ({} {})", kind.label.as_deref().unwrap_or("no label"), kind.category, kind.type_id))
            .collect();
        text.push_str(&format!("\nassociations to {to}: {}\n", kinds.join(", ")));
    }
    printer.data(&text);
    Ok(())
}

async fn pipelines(engine: &Engine, object: &ObjectType, printer: Printer) -> Vec<Pipeline> {
    if !WITH_PIPELINES.contains(&object.path.as_str()) && !object.path.starts_with("2-") {
        return Vec::new();
    }
    engine.client().pipelines(&object.path).await.unwrap_or_else(|error| {
        printer.say(&format!("pipelines are not shown: {error}"));
        Vec::new()
    })
}

async fn labels(engine: &Engine, object: &ObjectType, printer: Printer) -> Vec<(&'static str, Vec<AssociationLabel>)> {
    let mut labels = Vec::new();
    for to in LABELS_TO {
        match engine.client().association_labels(&object.path, to).await {
            Ok(found) if found.is_empty() => {}
            Ok(found) => labels.push((to, found)),
            Err(error) => printer.say(&format!("associations to {to} are not shown: {error}")),
        }
    }
    labels
}

fn options(property: &PropertyDef) -> String {
    if property.is_owner() {
        return "an owner".to_owned();
    }
    let shown: Vec<&str> =
        property.options.iter().filter(|option| !option.hidden).map(|option| option.value.as_str()).collect();
    let mut text = shown.iter().take(OPTIONS_SHOWN).copied().collect::<Vec<_>>().join(", ");
    if shown.len() > OPTIONS_SHOWN {
        text.push_str(&format!(", … {} in all", shown.len()));
    }
    text
}

fn options_json(property: &PropertyDef) -> Vec<Value> {
    let json =
        |option: &PropertyOption| json!({ "value": option.value, "label": option.label, "hidden": option.hidden });
    property.options.iter().map(json).collect()
}

fn document(
    object: &ObjectType,
    properties: &[PropertyDef],
    pipelines: &[Pipeline],
    labels: &[(&'static str, Vec<AssociationLabel>)],
) -> Value {
    let properties: Vec<Value> = properties
        .iter()
        .map(|property| {
            let options = options_json(property);
            json!({
                "name": property.name, "label": property.label, "type": property.type_.name(),
                "field_type": property.field_type, "group": property.group, "writable": property.is_writable(),
                "unique": property.has_unique_value, "required": object.required.contains(&property.name),
                "hubspot_defined": property.hubspot_defined, "options": options,
            })
        })
        .collect();
    let pipelines: Vec<Value> = pipelines
        .iter()
        .map(|pipeline| {
            let stages: Vec<Value> = pipeline
                .stages
                .iter()
                .map(|stage| json!({ "id": stage.id, "label": stage.label, "archived": stage.archived }))
                .collect();
            json!({ "id": pipeline.id, "label": pipeline.label, "archived": pipeline.archived, "stages": stages })
        })
        .collect();
    let associations: Vec<Value> = labels
        .iter()
        .map(|(to, kinds)| {
            let kinds: Vec<Value> = kinds
                .iter()
                .map(|kind| json!({ "category": kind.category, "type_id": kind.type_id, "label": kind.label }))
                .collect();
            json!({ "to": to, "kinds": kinds })
        })
        .collect();
    json!({
        "object_type": { "name": object.name, "id": object.id, "path": object.path },
        "properties": properties,
        "pipelines": pipelines,
        "associations": associations,
    })
}
