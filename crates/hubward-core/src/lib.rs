//! The words of Hubward and its pure rules: values, rows, properties, mapping, matching, outcomes, retry decisions.
//!
//! Nothing here does I/O, knows a clock or draws a random number; what needs one takes it as an argument. HubSpot's URLs
//! and JSON live in `hubward-hubspot`, SQL dialects in `hubward-sources`, files and tables in `hubward-store`.

pub mod association;
pub mod bits;
pub mod clock;
pub mod convert;
pub mod declared;
pub mod event;
pub mod fingerprint;
pub mod mapping;
pub mod membership;
pub mod object_types;
pub mod outcome;
pub mod pipeline;
pub mod property;
pub mod required;
pub mod row;
mod row_keys;
pub mod spec;
pub mod suggest;
pub mod template;
pub mod validation;
pub mod value;
pub mod verdict;

pub use clock::WallClock;
pub use outcome::{Outcome, OutcomeCounts, Reason};
pub use pipeline::{Pipeline, Pipelines, Stage};
pub use property::{PropertyDef, PropertyOption, PropertyType};
pub use required::Required;
pub use row_keys::RowKeys;
pub use secrecy::{ExposeSecret, SecretString};
pub use validation::{ValidationRule, Validations};
pub use value::Value;
pub use verdict::{ErrorKind, Verdict};
