//! Arguments of `hubward airbyte`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Args, Debug)]
pub(crate) struct AirbyteArgs {
    #[command(subcommand)]
    pub(crate) verb: AirbyteVerb,
}

/// The first four are Airbyte's; stdout carries messages of its protocol and nothing else.
#[derive(Subcommand, Debug)]
pub(crate) enum AirbyteVerb {
    /// Say what a configuration may hold
    Spec,
    /// Try a configuration: the account and, where one is configured, the bucket for rejected records
    Check(AirbyteConfigArgs),
    /// Say what can be done with which object of the account
    Discover(AirbyteConfigArgs),
    /// Write records from stdin, and send every STATE back when all before it is settled
    Write(AirbyteWriteArgs),
    /// Send the records of a dead-letter file again
    Replay(AirbyteReplayArgs),
}

#[derive(Args, Debug)]
pub(crate) struct AirbyteConfigArgs {
    /// The connection's configuration as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct AirbyteWriteArgs {
    /// The connection's configuration as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// The configured catalog as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) catalog: PathBuf,
    /// Taken and not read: a destination has no state of its own
    #[arg(long, value_name = "FILE", hide = true)]
    pub(crate) state: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct AirbyteReplayArgs {
    /// A file of rejected records: CSV or JSON lines, compressed or not
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The connection's configuration as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// The configured catalog that the records were written by
    #[arg(long, value_name = "FILE", required_unless_present = "object", conflicts_with = "object")]
    pub(crate) catalog: Option<PathBuf>,
    /// The stream of the catalog, where it has several
    #[arg(long, value_name = "NAME", requires = "catalog")]
    pub(crate) stream: Option<String>,
    /// Without a catalog: the object to write to
    #[arg(long, value_name = "OBJECT")]
    pub(crate) object: Option<String>,
    /// Without a catalog: what to do with the records
    #[arg(long, value_enum, value_name = "MODE", default_value_t, conflicts_with = "catalog")]
    pub(crate) mode: AirbyteMode,
    /// Without a catalog: the property by which records are found
    #[arg(long, value_name = "PROPERTY", conflicts_with = "catalog")]
    pub(crate) key: Option<String>,
}

/// What a replay does with its records.
#[derive(clap::ValueEnum, Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum AirbyteMode {
    #[value(alias = "append")]
    Insert,
    #[default]
    #[value(alias = "append_dedup")]
    Upsert,
    Update,
    #[value(name = "soft_delete", alias = "soft-delete")]
    SoftDelete,
}
