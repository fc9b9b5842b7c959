//! For tests only: holds the requests that our client makes and the answers that the sandbox gives against HubSpot's own
//! OpenAPI documents (api.md 1.2, 1.4, 18).
//!
//! Owns the choice of the document for a path and version, the reading of its schemas, and the table of deliberate
//! exceptions. Leaves to the caller which requests and answers are looked at: control paths of the sandbox and answers
//! that a test wrote itself have no place in HubSpot's documents. Where the documents are absent (they are not part of
//! this repository) nothing is checked; [`documents_present`] says so.
//!
//! Stricter than the documents in one point: a property that a schema does not name is a disagreement in both directions,
//! although OpenAPI leaves objects open. A misspelt property would otherwise agree with everything.

mod check;
mod disagreement;
mod documents;
mod exceptions;
mod find;
mod schema;

pub use check::{Body, answer, request, taken};
pub use disagreement::{Disagreement, Part, Verdict};
pub use documents::documents_present;
pub use exceptions::{EXCEPTIONS, Exception, table, unused};

/// What a test prints when it has nothing to compare with.
pub const SKIPPED: &str = "skipped: there is no ../shared/hubspot/openapi beside the project";
