//! `hubward preview`: the first rows of a model, or the very requests that they would become.

use std::sync::Arc;

use hubward_core::spec::SyncSpec;
use hubward_engine::{Cancel, Preview, RequestPreview, Silent, preview_model};
use hubward_sources::ReadOptions;
use serde_json::{Value, json};

use super::requests::body;
use crate::args::{Global, PreviewArgs};
use crate::environment;
use crate::exit::{Exit, Failure};
use crate::jobs::Job;
use crate::printer::Printer;
use crate::project_files::{Credentials, Opened, open, unknown};
use crate::session::{Network, connect};
use crate::table::Table;

pub(crate) async fn carry_out(args: &PreviewArgs, global: &Global, printer: Printer) -> Result<Exit, Failure> {
    let credentials = if args.sync.is_some() { Credentials::Needed } else { Credentials::NotNeeded };
    let opened = open(&global.project, credentials)?;
    let models: Vec<&str> = opened.project.models.iter().map(|model| model.name.as_str()).collect();
    let model = opened.project.model(&args.model).ok_or_else(|| unknown("model", &args.model, &models))?;
    if let Some(sync) = &args.sync {
        let preview = of_sync(&opened, sync, args, global).await?;
        show_requests(&preview, printer);
        return Ok(if preview.invalid.is_empty() { Exit::Ok } else { Exit::SomeRows });
    }
    let source = opened
        .project
        .source(&model.source)
        .ok_or_else(|| Failure::new("unknown-source", format!("model {:?} has no source", model.name)))?;
    let read = ReadOptions { env: environment::driver_search(), ..ReadOptions::default() };
    let preview = preview_model(model, source, &read, args.limit).await?;
    show_rows(&preview, printer);
    Ok(Exit::Ok)
}

async fn of_sync(opened: &Opened, name: &str, args: &PreviewArgs, global: &Global) -> Result<RequestPreview, Failure> {
    let project = &opened.project;
    let known: Vec<&str> = project.syncs.iter().map(SyncSpec::name).collect();
    let sync = project.sync(name).ok_or_else(|| unknown("sync", name, &known))?;
    // The rows of the named model, mapped as the sync maps its own.
    let model = project.model(&args.model);
    let job = match model.and_then(|model| project.source(&model.source).zip(Some(model))) {
        Some((source, model)) => Job::reading(sync, model.clone(), source.clone()),
        None => Job::of(project, sync)?,
    };
    let account = opened.account(global.account.as_deref())?;
    let engine = connect(account, &global.project, None, Arc::new(Silent), Network::Real, "").await?;
    Ok(job.preview(&engine, args.limit, &Cancel::new()).await?)
}

fn show_rows(preview: &Preview, printer: Printer) {
    if printer.is_json() {
        let columns: Vec<Value> =
            preview.columns.iter().map(|(name, kind)| json!({ "name": name, "type": kind })).collect();
        printer.document(&json!({ "columns": columns, "rows": preview.rows }));
        return;
    }
    let headings: Vec<String> = preview.columns.iter().map(|(name, kind)| format!("{name} ({kind})")).collect();
    let mut table = Table::owned(headings);
    for row in &preview.rows {
        let cells = preview.columns.iter().map(|(name, _)| match row.get(name) {
            None | Some(Value::Null) => "NULL".to_owned(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        });
        table.row(cells.collect());
    }
    printer.data(&table.render(printer.width()));
}

fn show_requests(preview: &RequestPreview, printer: Printer) {
    if printer.is_json() {
        let requests: Vec<Value> = preview
            .requests
            .iter()
            .map(|request| {
                json!({
                    "method": request.method.as_str(), "path": request.path,
                    "body": request.body.as_deref().map_or(Value::Null, body),
                })
            })
            .collect();
        let invalid: Vec<Value> = preview
            .invalid
            .iter()
            .map(|(key, reason)| {
                json!({
                    "key": key, "property": reason.property, "value": reason.value, "reason": reason.text,
                    "category": reason.category,
                })
            })
            .collect();
        printer.document(&json!({ "requests": requests, "invalid": invalid }));
        return;
    }
    let mut text = String::new();
    for request in &preview.requests {
        text.push_str(&format!("{} {}\n", request.method, request.path));
        if let Some(bytes) = &request.body {
            text.push_str(&format!("{:#}\n", body(bytes)));
        }
    }
    for (key, reason) in &preview.invalid {
        let property = reason.property.as_deref().unwrap_or("-");
        text.push_str(&format!("row {key} is invalid and would not be sent: {property}: {}\n", reason.text));
    }
    if text.is_empty() {
        text.push_str("the model has no rows");
    }
    printer.data(&text);
}
