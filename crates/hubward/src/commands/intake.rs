//! `hubward intake` and `hubward serve`: accept events.

use std::sync::Arc;

use hubward_core::Outcome;
use hubward_intake::receive::{Intake, IntakeParts, KeepRefused, RefusedCall, WriteKeys};
use hubward_project::{IntakeSpec, SpoolSpec};
use hubward_store::{Issue, Roles, Spool, StateDb};
use jiff::Timestamp;
use serde_json::json;
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::args::{Global, IntakeArgs, ServeArgs};
use crate::clock::SystemClock;
use crate::courier::Courier;
use crate::event_door::{self, Worker};
use crate::exit::{Exit, Failure};
use crate::printer::Printer;
use crate::project_files::{Credentials, Opened, open};
use crate::session::{database, make_state_dir};
use crate::signals::StopSignals;

pub(crate) async fn carry_out(args: &IntakeArgs, global: &Global, printer: Printer) -> Result<Exit, Failure> {
    run(args.listen.as_deref(), args.no_worker, "hubward intake", global, printer).await
}

pub(crate) async fn serve(args: &ServeArgs, global: &Global, printer: Printer) -> Result<Exit, Failure> {
    printer.say("this version of `serve` has the event intake only: no schedules, no web console, no API, no metrics");
    run(args.listen.as_deref(), false, "hubward serve", global, printer).await
}

async fn run(
    listen: Option<&str>,
    no_worker: bool,
    command: &str,
    global: &Global,
    printer: Printer,
) -> Result<Exit, Failure> {
    let opened = open(&global.project, Credentials::NotNeeded)?;
    // Without an intake there is nothing that a token would be needed for.
    intake_of(&opened)?;
    let opened = if no_worker { opened } else { open(&global.project, Credentials::Needed)? };
    printer.diagnostics(&opened.warnings, &opened.files);
    let spec = intake_of(&opened)?;
    let state = make_state_dir(&global.project)?;
    let db = database(&state)?;
    let courier = if no_worker { None } else { Some(Courier::new(&opened, global, &state, db.clone(), printer)?) };
    let roles = if no_worker { Roles::Intake } else { Roles::Both };
    let mut signals = StopSignals::listen()?;
    // The port before the spool: two intakes of one project are told apart by what is wrong.
    let address = listen.unwrap_or(&spec.listen);
    let listener = TcpListener::bind(address).await.map_err(|error| {
        Failure::new("port", format!("listening on {address} failed: {error}"))
            .help("choose another address with --listen, or with `listen:` under `intake:`; port 0 picks a free one")
    })?;
    let bound = listener.local_addr().map_err(|error| Failure::new("port", error.to_string()))?;
    let spool = event_door::open_spool(&spec.spool, &state, roles, command).await?;
    let keys = spec.write_keys.iter().map(|key| (key.name.clone(), key.key.clone())).collect();
    let intake = Intake::new(IntakeParts {
        keys: WriteKeys::new(keys),
        spool: Arc::clone(&spool),
        clock: Arc::new(SystemClock),
        new_id: Arc::new(|| format!("hubward-{}", Uuid::now_v7())),
        refused: Arc::new(Refused(db)),
    });
    let start = |courier| event_door::start_worker(courier, Arc::clone(&spool));
    let worker = courier.map_or(Worker::NONE, start);
    let url = format!("http://{bound}");
    printer.data(&json!({ "url": url, "spool": spool_name(&spec.spool) }).to_string());
    printer.say(&runs(&url, spec, no_worker));
    let served = intake.serve(listener, signals.next()).await;
    printer.say("stopped: every request that was answered with 200 is in the spool");
    worker.stopped().await;
    close(&*spool).await?;
    served.map_err(|error| Failure::new("io", format!("serving {url} failed: {error}")))?;
    Ok(Exit::Ok)
}

/// What runs and what does not, for people.
fn runs(url: &str, spec: &IntakeSpec, no_worker: bool) -> String {
    let sources: Vec<&str> = spec.write_keys.iter().map(|key| key.name.as_str()).collect();
    let what = match no_worker {
        false => "events are accepted and delivered",
        true => "events are accepted and wait in the spool: `hubward worker` delivers them",
    };
    format!("{url} ({}): {what}; stop it with Ctrl-C", sources.join(", "))
}

fn spool_name(spec: &SpoolSpec) -> &'static str {
    match spec {
        SpoolSpec::Embedded { .. } => "embedded",
        SpoolSpec::Nats { .. } => "nats",
    }
}

pub(crate) fn intake_of(opened: &Opened) -> Result<&IntakeSpec, Failure> {
    opened.project.intake.as_ref().ok_or_else(|| {
        Failure::new("no-intake", "the project has no `intake:`, so there is no write key by which events could come")
            .help("add `intake: { write_keys: { web: \"${WEB_WRITE_KEY}\" } }` to hubward.yml")
    })
}

async fn close(spool: &dyn Spool) -> Result<(), Failure> {
    spool.close().await.map_err(|error| event_door::failure(&error))
}

/// Refused calls stand among the rejected rows, under the name `intake`.
struct Refused(StateDb);

/// Their sync, and their run.
pub(crate) const INTAKE: &str = "intake";

impl KeepRefused for Refused {
    fn keep(&self, at: Timestamp, calls: &[RefusedCall]) -> Result<(), String> {
        let issues: Vec<Issue> = calls
            .iter()
            .map(|call| Issue {
                key: call.message_id.clone(),
                outcome: Outcome::Invalid,
                reason: call.reason.clone(),
                attempts: 0,
            })
            .collect();
        self.0.record_issues(INTAKE, INTAKE, at, &issues).map_err(|error| error.to_string())
    }
}
