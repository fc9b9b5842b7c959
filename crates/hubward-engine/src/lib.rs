//! The corridor, and the sync door on it.
//!
//! A run of a sync has two halves. First the model is read to its end and compared with the ledger; rows that differ wait
//! in a spill file, are mapped and checked, and by then it is known what the run will send. Then the corridor resolves,
//! batches, sends and settles until every row has its one outcome, and the ledger records what HubSpot confirmed.
//!
//! The engine never talks to a person and never reads the environment, the wall clock or the home folder: those are
//! passed in.

mod analyze;
mod association;
mod blame;
mod cancel;
mod check;
mod compare;
mod compare_step;
mod corridor;
mod deferred;
pub mod door;
mod doubt;
mod duplicates;
mod engine;
mod error;
mod event;
mod feed;
mod issues;
mod ledger_writer;
mod list;
mod lookup;
mod memory;
mod metadata;
mod object_type;
mod plan;
mod preflight;
mod prepared;
mod preview;
mod progress;
mod quota;
mod reading;
mod ready;
mod recorder;
mod refuse;
mod removal;
mod removal_batch;
mod removal_catch;
mod replaced;
mod report;
mod row;
mod run;
mod scan;
mod schema;
mod scopes;
mod search;
mod settle;
mod shared;
mod sight;
mod single;
mod sought;
mod spill;
mod spilled;
mod strategy;
mod tally;
mod unique_values;
mod words;
mod write;
mod written;

pub use analyze::Sample;
pub use association::AssociationCounts;
pub use cancel::Cancel;
pub use check::{Problem, Severity};
pub use engine::{EVENTS_SETTLE_AFTER, Engine, EngineConfig, SEARCH_SETTLES_AFTER, SyncJob, state_dir};
pub use error::EngineError;
pub use object_type::{ObjectType, standard, standard_names};
pub use plan::SyncPlan;
pub use preview::{Preview, RequestPreview, preview_model};
pub use progress::{Phase, Progress, Silent};
pub use recorder::Recorder;
pub use report::{Changes, RequestCounts, Status, SyncReport};
pub use run::RunOptions;
pub use schema::{
    Applied, Change, ChangeKind, Ending, Proposal, SchemaPlan, declares, declares_event, event_refused, schema_scopes,
};
pub use scopes::{is_granted, needed, needed_for_event, needed_for_list};
