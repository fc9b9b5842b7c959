//! `hubward worker`: deliver what waits in the spool, until it is told to stop.

use crate::args::Global;
use crate::courier::Courier;
use crate::event_door;
use crate::exit::{Exit, Failure};
use crate::printer::Printer;
use crate::project_files::{Credentials, open};
use crate::session::{database, make_state_dir};
use crate::signals::cancel_on_signal;

use super::intake::intake_of;
use hubward_store::Roles;

pub(crate) async fn carry_out(global: &Global, printer: Printer) -> Result<Exit, Failure> {
    let opened = open(&global.project, Credentials::Needed)?;
    printer.diagnostics(&opened.warnings, &opened.files);
    let spec = intake_of(&opened)?;
    let state = make_state_dir(&global.project)?;
    let db = database(&state)?;
    let courier = Courier::new(&opened, global, &state, db, printer)?;
    let cancel = cancel_on_signal(printer)?;
    let spool = event_door::open_spool(&spec.spool, &state, Roles::Worker, "hubward worker").await?;
    printer.say("delivering events; stop it with Ctrl-C");
    let delivered = courier.deliver(std::sync::Arc::clone(&spool), cancel).await;
    spool.close().await.map_err(|error| event_door::failure(&error))?;
    delivered?;
    printer.say("stopped: what is not delivered waits in the spool");
    Ok(Exit::Ok)
}
