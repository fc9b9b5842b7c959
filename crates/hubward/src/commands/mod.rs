//! One file per subcommand.

mod airbyte;
mod apply_schema;
pub(crate) mod check;
mod demo;
mod describe;
mod explain;
mod init;
mod intake;
mod map;
mod match_;
mod plan;
mod preview;
mod rejected;
mod replay;
mod requests;
mod run;
mod runs;
mod sandbox;
mod schema;
mod status;
mod try_;
mod worker;

pub(crate) use intake::intake_of;
pub(crate) use requests::body;

use crate::args::{Command, Global};
use crate::exit::{Exit, Failure};
use crate::printer::Printer;

/// Carries out a command.
pub(crate) async fn carry_out(command: Command, global: &Global, printer: Printer) -> Result<Exit, Failure> {
    match command {
        Command::Init(args) => init::carry_out(&args, printer),
        Command::Check(args) => check::carry_out(&args, global, printer).await,
        Command::Describe(args) => describe::carry_out(&args, global, printer).await,
        Command::Preview(args) => preview::carry_out(&args, global, printer).await,
        Command::Plan(args) => plan::carry_out(&args, global, printer).await,
        Command::Run(args) => run::carry_out(&args, global, printer).await,
        Command::ApplySchema(args) => apply_schema::carry_out(&args, global, printer).await,
        Command::Status => status::carry_out(global, printer).await,
        Command::Runs(args) => runs::carry_out(&args, global, printer),
        Command::Rejected(args) => rejected::carry_out(&args, global, printer),
        Command::Requests(args) => requests::carry_out(&args, global, printer),
        Command::Sandbox(args) => sandbox::carry_out(&args, printer).await,
        Command::Demo => demo::carry_out(global, printer).await,
        Command::Map(args) => map::carry_out(&args, printer),
        Command::Match(args) => match_::carry_out(&args, printer),
        Command::Explain(args) => explain::carry_out(&args, global, printer).await,
        Command::Try(args) => try_::carry_out(&args, global, printer).await,
        Command::Intake(args) => intake::carry_out(&args, global, printer).await,
        Command::Worker => worker::carry_out(global, printer).await,
        Command::Replay(args) => replay::carry_out(&args, global, printer).await,
        Command::Serve(args) => intake::serve(&args, global, printer).await,
        Command::Airbyte(args) => airbyte::carry_out(args.verb, printer).await,
        Command::Schema => schema::carry_out(printer),
    }
}
