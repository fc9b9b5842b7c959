//! Arguments, and nothing else: what a user may type, and the help that goes with it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use hubward_sandbox::Tier;

use crate::args_airbyte::AirbyteArgs;

/// Brings rows of SQL models to HubSpot: only what changed, in full batches, every row with one counted outcome.
#[derive(Parser, Debug)]
#[command(name = "hubward", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Args, Debug, Clone)]
pub(crate) struct Global {
    /// The project's folder
    #[arg(long, global = true, value_name = "DIR", default_value = ".")]
    pub(crate) project: PathBuf,
    /// Print one JSON document on stdout
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Say nothing on stderr but errors
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say more on stderr; twice for still more
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// The account to use, where the project names several
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) account: Option<String>,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Write a project that runs at once against the sandbox
    Init(InitArgs),
    /// Look at everything that could be wrong; writes nothing
    Check(CheckArgs),
    /// Show what the account has: object types, custom events and lists, or one type's or event's properties
    Describe(DescribeArgs),
    /// Show the first rows of a model, or the requests they would become
    Preview(PreviewArgs),
    /// Show what a run would do; writes nothing
    Plan(PlanArgs),
    /// Run syncs: bring what changed to HubSpot
    Run(RunArgs),
    /// Show, then create, what the project declares and the account lacks: groups, custom objects, properties, options, labels, custom events
    ApplySchema(ApplySchemaArgs),
    /// Show the last run of each sync
    Status,
    /// Show the runs, or one run's report
    Runs(RunsArgs),
    /// Show the rows that are invalid or rejected now, each with its reason
    Rejected(RejectedArgs),
    /// Show requests and answers of past runs
    Requests(RequestsArgs),
    /// Serve a HubSpot account on this machine
    Sandbox(SandboxArgs),
    /// Show the whole job on a sandbox within this process
    Demo,
    /// Resolve a mapping's directives for one event: the JSON that the action would get
    Map(MapArgs),
    /// Show whether a trigger fires for an event, and what Segment's parser would have made of it
    Match(MatchArgs),
    /// Show for each mapping why an event fires it or not, and what it would send; writes nothing
    Explain(ExplainArgs),
    /// Show what one mapping makes of one event, and with --send deliver it
    Try(TryArgs),
    /// Accept events as Segment's tracking API does
    Intake(IntakeArgs),
    /// Deliver the events that wait in the spool
    Worker,
    /// Send rejected events again
    Replay(ReplayArgs),
    /// Accept events; schedules and the web console are not part of this version
    Serve(ServeArgs),
    /// Airbyte's destination: what the platform and PyAirbyte run; needs no project
    Airbyte(AirbyteArgs),
    /// Print the JSON Schema of the project files
    Schema,
}

#[derive(Args, Debug)]
pub(crate) struct InitArgs {
    /// Where to write the project; made if it is missing
    #[arg(value_name = "DIR", default_value = ".")]
    pub(crate) dir: PathBuf,
    /// The kind of example data
    #[arg(long, value_enum, value_name = "T", default_value_t)]
    pub(crate) template: Template,
}

/// The examples that `init` can write.
#[derive(clap::ValueEnum, Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Template {
    /// A small SQLite database and a model in SQL
    #[default]
    Sqlite,
    /// A CSV file and no SQL
    Csv,
}

#[derive(Args, Debug)]
pub(crate) struct CheckArgs {
    /// List the scopes that the project needs; asks nobody and needs no token
    #[arg(long)]
    pub(crate) scopes: bool,
}

#[derive(Args, Debug)]
pub(crate) struct DescribeArgs {
    /// An object type by name, label or id, a custom event by name, `events` or `lists`; without it, all of them in short
    #[arg(value_name = "TYPE|EVENT|events|lists")]
    pub(crate) object_type: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct PreviewArgs {
    #[arg(value_name = "MODEL")]
    pub(crate) model: String,
    /// Rows at most
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub(crate) limit: u64,
    /// Show the requests that this sync would make of the rows
    #[arg(long, value_name = "SYNC")]
    pub(crate) sync: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct PlanArgs {
    /// Syncs to plan; without names, all
    #[arg(value_name = "SYNC")]
    pub(crate) syncs: Vec<String>,
    /// Plan as if no row had ever been sent
    #[arg(long)]
    pub(crate) full: bool,
    /// Keep the plan in a file for `run --plan`
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Args, Debug, Clone, Default)]
pub(crate) struct RunArgs {
    /// Syncs to run; without names, all
    #[arg(value_name = "SYNC")]
    pub(crate) syncs: Vec<String>,
    /// Disregard fingerprints and send every row; record ids are kept
    #[arg(long)]
    pub(crate) full: bool,
    /// Read no more than N rows of each model
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: Option<u64>,
    /// Carry out this plan; refuse if rows, project or ledger have moved since
    #[arg(long, value_name = "FILE", conflicts_with_all = ["full", "limit"])]
    pub(crate) plan: Option<PathBuf>,
    /// Clear or delete the records of as many rows as left the model
    #[arg(long)]
    pub(crate) allow_removals: bool,
    /// Run although a model that had rows returns none
    #[arg(long)]
    pub(crate) allow_empty: bool,
}

#[derive(Args, Debug)]
pub(crate) struct ApplySchemaArgs {
    /// Create without asking; needed where no terminal is there to answer
    #[arg(long, short)]
    pub(crate) yes: bool,
}

#[derive(Args, Debug)]
pub(crate) struct RunsArgs {
    /// A run's id, or the beginning of it
    #[arg(value_name = "ID")]
    pub(crate) id: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct RejectedArgs {
    #[arg(value_name = "SYNC")]
    pub(crate) sync: Option<String>,
    /// Print CSV
    #[arg(long, conflicts_with = "json")]
    pub(crate) csv: bool,
}

#[derive(Args, Debug)]
pub(crate) struct RequestsArgs {
    /// Only those of one run
    #[arg(long, value_name = "ID")]
    pub(crate) run: Option<String>,
    /// Only those that carried the row with this primary key
    #[arg(long, value_name = "K")]
    pub(crate) key: Option<String>,
    /// Only those that failed, or in which a row failed
    #[arg(long)]
    pub(crate) failed: bool,
}

#[derive(Args, Debug)]
pub(crate) struct SandboxArgs {
    /// Port to listen on; 0 picks a free one
    #[arg(long, value_name = "P", default_value_t = 8089)]
    pub(crate) port: u16,
    /// Whose limits: free, professional, enterprise, addon, oauth or unlimited
    #[arg(long, value_name = "T", default_value_t)]
    pub(crate) tier: Tier,
    /// How long every answer takes, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub(crate) latency: u64,
    /// Rules record ids, order of results and search delays
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// A JSON document to load first, as for POST /_sandbox/load
    #[arg(long, value_name = "FILE")]
    pub(crate) load: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct MapArgs {
    /// The mapping as JSON or YAML; - reads standard input
    #[arg(value_name = "MAPPING")]
    pub(crate) mapping: PathBuf,
    /// The event as JSON; - reads standard input
    #[arg(value_name = "EVENT")]
    pub(crate) event: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct MatchArgs {
    /// The trigger, such as 'type = "track"'
    #[arg(value_name = "FQL", allow_hyphen_values = true)]
    pub(crate) fql: String,
    /// A file with one event as JSON; - for stdin
    #[arg(value_name = "EVENT.json")]
    pub(crate) event: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct ExplainArgs {
    /// A file with one event as JSON; - for stdin
    #[arg(value_name = "EVENT.json")]
    pub(crate) event: PathBuf,
    /// The name of the write key that it comes by; without it, as if it came by every one
    #[arg(long, value_name = "NAME")]
    pub(crate) source: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct TryArgs {
    /// A mapping of the project, by its name or by its file
    #[arg(value_name = "MAPPING")]
    pub(crate) mapping: String,
    /// A file with one event as JSON; - for stdin
    #[arg(value_name = "EVENT.json")]
    pub(crate) event: PathBuf,
    /// Deliver the event, and show HubSpot's answers
    #[arg(long)]
    pub(crate) send: bool,
}

#[derive(Args, Debug)]
pub(crate) struct IntakeArgs {
    /// Address and port to listen on, instead of the project's; port 0 picks a free one
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<String>,
    /// Accept only; another process delivers
    #[arg(long)]
    pub(crate) no_worker: bool,
}

#[derive(Args, Debug)]
pub(crate) struct ReplayArgs {
    /// Only events that this mapping could not carry out
    #[arg(long, value_name = "M")]
    pub(crate) mapping: Option<String>,
    /// Only events that were rejected then or later: 2026-11-22 or 2026-11-22T10:00:00Z
    #[arg(long, value_name = "T")]
    pub(crate) since: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct ServeArgs {
    /// Address and port to listen on, instead of the project's; port 0 picks a free one
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<String>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_arguments_do_not_contradict_each_other() {
        super::Cli::command().debug_assert();
    }
}
