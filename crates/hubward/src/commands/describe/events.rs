//! Custom events of the account, with their properties (api.md 9.3).

use hubward_core::PropertyDef;
use hubward_engine::{Engine, event_refused, standard};
use hubward_hubspot::{CallMeta, EventDefinition};
use serde_json::{Value, json};

use super::{options, options_json};
use crate::exit::Failure;
use crate::printer::Printer;
use crate::table::Table;

/// For the overview: the text and the JSON; none where the account does not tell.
pub(super) async fn overview(engine: &Engine, printer: Printer) -> Option<(String, Value)> {
    let events = match engine.client().event_definitions(&CallMeta::default()).await {
        Ok(events) => events,
        // Accounts without custom events refuse the question.
        Err(error) => {
            printer.say(&format!("custom events are not shown: {error}"));
            return None;
        }
    };
    let json = events.iter().map(event_json).collect();
    if events.is_empty() {
        return Some((String::new(), json));
    }
    let mut table = Table::new(&["event", "name to send by", "label", "of", ">properties"]);
    for event in &events {
        table.row(vec![
            event.name.clone(),
            event.full_name.clone(),
            event.label.clone(),
            object(event),
            event.properties.len().to_string(),
        ]);
    }
    Some((format!("\n{}", table.render(printer.width())), json))
}

/// All events with their properties.
pub(super) async fn all(engine: &Engine, printer: Printer) -> Result<(), Failure> {
    let events = engine.client().event_definitions(&CallMeta::default()).await.map_err(event_refused)?;
    if printer.is_json() {
        let events: Vec<Value> = events.iter().map(whole_json).collect();
        printer.document(&json!({ "events": events }));
        return Ok(());
    }
    if events.is_empty() {
        printer.data("the account has no custom events");
        return Ok(());
    }
    let texts: Vec<String> = events.iter().map(|event| text(event, printer)).collect();
    printer.data(&texts.join("\n"));
    Ok(())
}

/// The event of this name, full name or label, if the account has one and tells it.
pub(super) async fn one(engine: &Engine, name: &str, printer: Printer) -> bool {
    let Ok(events) = engine.client().event_definitions(&CallMeta::default()).await else { return false };
    let by_name = events.iter().find(|event| event.name == name || event.full_name == name);
    let Some(event) = by_name.or_else(|| events.iter().find(|event| event.label.eq_ignore_ascii_case(name))) else {
        return false;
    };
    if printer.is_json() {
        printer.document(&whole_json(event));
    } else {
        printer.data(&text(event, printer));
    }
    true
}

fn text(event: &EventDefinition, printer: Printer) -> String {
    let heading = format!("event {} ({}) {:?}, of {}", event.name, event.full_name, event.label, object(event));
    if event.properties.is_empty() {
        return format!("{heading}\n\nno properties\n");
    }
    let mut table = Table::new(&["name", "label", "type", "whose", "options"]);
    for property in sorted(event) {
        table.row(vec![
            property.name.clone(),
            property.label.clone(),
            property.type_.name().to_owned(),
            (if property.hubspot_defined { "HubSpot's" } else { "yours" }).to_owned(),
            options(property),
        ]);
    }
    format!("{heading}\n\n{}", table.render(printer.width()))
}

/// The account's own properties before HubSpot's.
fn sorted(event: &EventDefinition) -> impl Iterator<Item = &PropertyDef> {
    let own = event.properties.iter().filter(|property| !property.hubspot_defined);
    own.chain(event.properties.iter().filter(|property| property.hubspot_defined))
}

/// What it happens to, as a project writes it.
fn object(event: &EventDefinition) -> String {
    standard(&event.primary_object).map_or_else(|| event.primary_object.clone(), |object| object.name)
}

fn event_json(event: &EventDefinition) -> Value {
    json!({
        "name": event.name, "full_name": event.full_name, "label": event.label, "object": object(event),
        "id": event.object_type_id,
    })
}

fn whole_json(event: &EventDefinition) -> Value {
    let properties: Vec<Value> = sorted(event)
        .map(|property| {
            json!({
                "name": property.name, "label": property.label, "type": property.type_.name(),
                "hubspot_defined": property.hubspot_defined, "options": options_json(property),
            })
        })
        .collect();
    json!({ "event": event_json(event), "properties": properties })
}
