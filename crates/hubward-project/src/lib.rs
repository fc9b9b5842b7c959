//! Project files (text) → a checked [`Project`], or diagnostics that point at line and column.
//!
//! Owns the grammar of `hubward.yml`, `models/*.yml`, `schema/*.yml`, `syncs/*.yml` and `mappings/*.yml`, the
//! interpolation of `${VAR}` and every rule that can be checked without a connection; what a mapping of the event door means
//! is checked by the door, through [`ProjectInput::mapping_check`]. Leaves to the caller: finding and reading files, the environment, and everything
//! that has to be asked of a source or of HubSpot (columns, properties, scopes).
//!
//! The way through: `yaml` makes a tree in which every node knows its place; `grammar` declares every key once, for
//! the readers and for the JSON Schema alike; `read` walks the trees and collects every problem; `cross` checks what
//! spans files.

mod codes;
mod cross;
mod diagnostic;
mod grammar;
mod load;
mod order;
mod project;
mod read;
mod redact;
mod render;
mod schema;
mod sink;
mod suggest;
mod yaml;

pub use codes::codes;
pub use diagnostic::{Diagnostic, Related, Severity};
pub use load::{Loaded, ProjectInput, SourceFile, load, load_without_credentials};
pub use project::{AccountSpec, IntakeSpec, OAuthSpec, Project, Schedule, SpoolSpec, WriteKey};
pub use render::render;
pub use schema::json_schema;
