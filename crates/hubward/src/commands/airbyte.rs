//! `hubward airbyte`: a destination for Airbyte's platform and for PyAirbyte.

use std::path::Path;
use std::sync::Arc;

use hubward_airbyte::{Aim, Failure as AirbyteFailure, Host, Operation, Out, Written};
use hubward_hubspot::{DEFAULT_BASE_URL, HttpOptions, HttpTransport};
use serde_json::{Map, Value, json};

use crate::args_airbyte::{AirbyteMode, AirbyteReplayArgs, AirbyteVerb, AirbyteWriteArgs};
use crate::clock::SystemClock;
use crate::environment;
use crate::exit::{Exit, Failure};
use crate::printer::Printer;
use crate::signals::cancel_on_signal;

pub(crate) async fn carry_out(verb: AirbyteVerb, printer: Printer) -> Result<Exit, Failure> {
    let out = Out::new(Box::new(std::io::stdout()), Arc::new(SystemClock));
    let host = host()?;
    let told = match verb {
        AirbyteVerb::Spec => out.spec(&hubward_airbyte::specification()),
        AirbyteVerb::Check(args) => match read(&args.config) {
            Ok(config) => hubward_airbyte::check(&config, &host, &out).await,
            Err(failure) => return Ok(unreadable(&failure, &out)),
        },
        AirbyteVerb::Discover(args) => match read(&args.config) {
            Ok(config) => hubward_airbyte::discover(&config, &host, &out).await,
            Err(failure) => return Ok(unreadable(&failure, &out)),
        },
        AirbyteVerb::Write(args) => return write(&args, &host, &out, printer).await,
        AirbyteVerb::Replay(args) => return Box::pin(replay(args, &host, printer)).await,
    };
    told.map_err(|error| Failure::new("io", format!("stdout cannot be written: {error}")))?;
    Ok(Exit::Ok)
}

fn host() -> Result<Host, Failure> {
    let base_url = environment::base_url();
    let options = HttpOptions { proxy: environment::proxy(base_url.as_deref().unwrap_or(DEFAULT_BASE_URL)) };
    let transport = HttpTransport::new(&options).map_err(|error| Failure::new("network", error.to_string()))?;
    Ok(Host {
        transport: Arc::new(transport),
        base_url,
        clock: Arc::new(SystemClock),
        seed: uuid::Uuid::new_v4().as_u64_pair().0,
        run: uuid::Uuid::new_v4(),
        aws: environment::aws(),
    })
}

fn read(path: &Path) -> Result<Vec<u8>, AirbyteFailure> {
    std::fs::read(path)
        .map_err(|error| AirbyteFailure::config(format!("the file {} cannot be read: {error}", path.display())))
}

/// A file that the platform did not put where it says.
fn unreadable(failure: &AirbyteFailure, out: &Out) -> Exit {
    let _ = out.failed(failure, "Could not connect with provided configuration.");
    Exit::Failed
}

async fn write(args: &AirbyteWriteArgs, host: &Host, out: &Out, printer: Printer) -> Result<Exit, Failure> {
    let files = read(&args.config).and_then(|config| Ok((config, read(&args.catalog)?)));
    let (config, catalog) = match files {
        Ok(files) => files,
        Err(failure) => {
            out.failure(&failure);
            return Ok(Exit::Failed);
        }
    };
    let cancel = cancel_on_signal(printer)?;
    let stdin = Box::new(std::io::stdin());
    let written = Box::pin(hubward_airbyte::write(&config, &catalog, stdin, host, out, cancel.clone())).await;
    Ok(match written.failure {
        None => Exit::Ok,
        Some(_) if cancel.is_set() => Exit::Interrupted,
        Some(_) => Exit::Failed,
    })
}

async fn replay(args: AirbyteReplayArgs, host: &Host, printer: Printer) -> Result<Exit, Failure> {
    let failed = |failure: AirbyteFailure| Failure::new("airbyte", failure.message);
    let config = read(&args.config).map_err(failed)?;
    let aim = match (&args.catalog, args.object) {
        (Some(catalog), _) => Aim::Catalog { catalog: read(catalog).map_err(failed)?, stream: args.stream },
        (None, object) => Aim::Object {
            object: object.unwrap_or_default(),
            operation: match args.mode {
                AirbyteMode::Insert => Operation::Insert,
                AirbyteMode::Upsert => Operation::Upsert,
                AirbyteMode::Update => Operation::Update,
                AirbyteMode::SoftDelete => Operation::SoftDelete,
            },
            key: args.key,
        },
    };
    let file = std::fs::File::open(&args.file).map_err(|error| Failure::io("reading", &args.file, &error))?;
    let out = Out::plain(Box::new(std::io::stderr()), Arc::new(SystemClock));
    let cancel = cancel_on_signal(printer)?;
    let written = hubward_airbyte::replay(&config, aim, Box::new(file), host, &out, cancel.clone()).await;
    let written = written.map_err(failed)?;
    printer.document(&counted(&written));
    Ok(match written.failure {
        Some(_) if cancel.is_set() => Exit::Interrupted,
        Some(_) => Exit::Failed,
        None if written.streams.iter().any(|(_, counts)| counts.rejected > 0) => Exit::SomeRows,
        None => Exit::Ok,
    })
}

/// `{"records","accepted","rejected","undecided","reasons":{…},"error"}`
fn counted(written: &Written) -> Value {
    let mut reasons = Map::new();
    let (mut records, mut accepted, mut rejected) = (0, 0, 0);
    for (_, counts) in &written.streams {
        records += counts.received;
        accepted += counts.accepted;
        rejected += counts.rejected;
        for (name, count) in &counts.reasons {
            reasons.insert(name.clone(), json!(count));
        }
    }
    json!({
        "records": records,
        "accepted": accepted,
        "rejected": rejected,
        "undecided": records - accepted - rejected,
        "reasons": reasons,
        "error": written.failure.as_ref().map(|failure| failure.message.clone()),
    })
}
