//! `hubward requests`: what was sent to HubSpot and what it answered.

use hubward_store::{RequestFilter, RequestRecord};
use serde_json::{Value, json};

use crate::args::{Global, RequestsArgs};
use crate::exit::{Exit, Failure};
use crate::printer::Printer;
use crate::session::existing_database;
use crate::table::cut;

/// Bodies shown to people are cut to this, in characters; `--json` shows them whole.
const BODY_MAX: usize = 2_000;

pub(crate) fn carry_out(args: &RequestsArgs, global: &Global, printer: Printer) -> Result<Exit, Failure> {
    let db = existing_database(&global.project)?;
    let filter = RequestFilter {
        run: args.run.clone(),
        key: args.key.clone(),
        failed_only: args.failed,
        ..RequestFilter::default()
    };
    let each = |visit: &mut dyn FnMut(RequestRecord)| match &db {
        Some(db) => db.for_each_request(&filter, visit),
        None => Ok(()),
    };
    if printer.is_json() {
        printer.results(|results| each(&mut |record| results.add(&document(&record))))?;
        return Ok(Exit::Ok);
    }
    let mut any = false;
    printer.lines(|lines| {
        each(&mut |record| {
            any = true;
            lines.add(&text(&record));
        })
    })?;
    if !any {
        printer.data("no such request is kept");
    }
    Ok(Exit::Ok)
}

fn document(record: &RequestRecord) -> Value {
    let request = &record.request;
    json!({
        "seq": record.seq,
        "run": request.run,
        "sync": request.sync,
        "at": request.at.to_string(),
        "ms": request.ms,
        "method": request.method,
        "path": request.path,
        "status": if request.status == 0 { Value::Null } else { json!(request.status) },
        "attempt": request.attempt,
        "rows": request.rows.iter().collect::<Vec<_>>(),
        "request": body(&request.request),
        "response": body(&request.response),
        "failed": request.failed,
    })
}

/// A body as JSON where it is JSON, else as text; null for none.
pub(crate) fn body(bytes: &[u8]) -> Value {
    if bytes.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(bytes).unwrap_or_else(|_| json!(String::from_utf8_lossy(bytes)))
}

fn text(record: &RequestRecord) -> String {
    let request = &record.request;
    let status = if request.status == 0 { "no answer".to_owned() } else { request.status.to_string() };
    let mut text = format!(
        "#{} {} {} {} → {status} in {} ms",
        record.seq,
        request.at.strftime("%F %T%.3f"),
        request.method,
        request.path,
        request.ms
    );
    if request.attempt > 1 {
        text.push_str(&format!(", attempt {}", request.attempt));
    }
    if !request.sync.is_empty() {
        text.push_str(&format!("  [sync {}, {} rows]", request.sync, request.rows.len()));
    }
    for (arrow, body) in [("  > ", &request.request), ("  < ", &request.response)] {
        if !body.is_empty() {
            let body = String::from_utf8_lossy(body);
            let line: String = body.chars().map(|c| if c.is_control() { ' ' } else { c }).take(BODY_MAX + 1).collect();
            text.push_str(&format!("\n{arrow}{}", cut(&line, BODY_MAX)));
        }
    }
    text
}
