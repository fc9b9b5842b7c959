//! Lists of the account (api.md 8).

use hubward_engine::{Engine, standard};
use hubward_hubspot::{CallMeta, List};
use serde_json::{Value, json};

use crate::exit::Failure;
use crate::printer::Printer;
use crate::table::Table;

/// Lists that the overview shows to people.
const SHOWN: usize = 20;

/// For the overview: the text, of the first lists, and the JSON, of all; none where the account does not tell.
pub(super) async fn overview(engine: &Engine, printer: Printer) -> Option<(String, Value)> {
    let lists = match engine.client().lists(&CallMeta::default()).await {
        Ok(lists) => named(engine, lists).await,
        Err(error) => {
            printer.say(&format!("lists are not shown: {error}"));
            return None;
        }
    };
    let json = lists.iter().map(list_json).collect();
    if lists.is_empty() {
        return Some((String::new(), json));
    }
    let mut text = format!("\n{}", table(&lists[..lists.len().min(SHOWN)], printer));
    if lists.len() > SHOWN {
        text.push_str(&format!("… {} lists in all: `hubward describe lists`\n", lists.len()));
    }
    Some((text, json))
}

/// All lists.
pub(super) async fn all(engine: &Engine, printer: Printer) -> Result<(), Failure> {
    let lists = engine.client().lists(&CallMeta::default()).await;
    let lists = named(engine, lists.map_err(hubward_engine::EngineError::from)?).await;
    if printer.is_json() {
        let lists: Vec<Value> = lists.iter().map(list_json).collect();
        printer.document(&json!({ "lists": lists }));
    } else if lists.is_empty() {
        printer.data("the account has no lists");
    } else {
        printer.data(&table(&lists, printer));
    }
    Ok(())
}

/// A list with the name of its object type.
struct Named {
    list: List,
    object: String,
}

/// Lists that can be used, with their types as a project writes them; by its id a custom type that is not told.
async fn named(engine: &Engine, lists: Vec<List>) -> Vec<Named> {
    let custom = lists.iter().any(|list| standard(&list.object_type_id).is_none());
    let schemas = if custom { engine.schemas().await.ok() } else { None };
    let object = |id: &str| {
        let known = standard(id).map(|object| object.name);
        let own =
            || schemas.as_ref()?.iter().find(|schema| schema.object_type_id == id).map(|schema| schema.name.clone());
        known.or_else(own).unwrap_or_else(|| id.to_owned())
    };
    let live = lists.into_iter().filter(|list| !list.deleted);
    live.map(|list| Named { object: object(&list.object_type_id), list }).collect()
}

fn table(lists: &[Named], printer: Printer) -> String {
    let mut table = Table::new(&[">list", "name", "of", "members by", ">size"]);
    for Named { list, object } in lists {
        table.row(vec![
            list.id.to_string(),
            list.name.clone(),
            object.clone(),
            list.processing_type.name().to_lowercase(),
            list.size.map(|size| size.to_string()).unwrap_or_default(),
        ]);
    }
    table.render(printer.width())
}

fn list_json(named: &Named) -> Value {
    let Named { list, object } = named;
    json!({
        "id": list.id, "name": list.name, "object": object, "object_type_id": list.object_type_id,
        "processing_type": list.processing_type.name(), "size": list.size,
    })
}
