//! Airbyte's door: a destination that Airbyte's platform and PyAirbyte run as it is.
//!
//! Turns the protocol's lines into records for the corridor and the corridor's outcomes back into acknowledgements. A
//! STATE goes out only when everything before it is settled: accepted by HubSpot, or rejected, counted, and stored where
//! the configuration names a bucket.
//!
//! The crate reads no environment, no clock and no files: the binary hands it what the machine has ([`Host`]).

mod accounts;
mod catalog;
mod check;
mod config;
mod dead_letter;
mod discover;
mod entries;
mod failure;
mod grants;
mod host;
mod line;
mod out;
mod replay;
mod spec;
mod state;
mod text;
mod write;

pub use catalog::{Catalog, Operation, Stream, StreamName};
pub use check::check;
pub use config::Config;
pub use dead_letter::{Format, Storage};
pub use discover::discover;
pub use failure::{Failure, FailureType};
pub use host::Host;
pub use out::{Level, Out};
pub use replay::{Aim, replay};
pub use spec::specification;
pub use write::{StreamCounts, Written, write};
