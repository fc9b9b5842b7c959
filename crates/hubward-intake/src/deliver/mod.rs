//! The delivery: from events that wait to what the account holds.
//!
//! A window is some events that go together. Every mapping that fires for an event says what it asks for ([`crate::actions`]);
//! what several events ask of one record becomes one write, in the order of the events; writes go out in full batches through
//! the engine's [`hubward_engine::door`]. In a window contacts come first, then everything that may hang on them: companies
//! and other records, custom events, associations, lists. Every mapping that fired for an event ends in one outcome.
//!
//! [`Delivery`] carries out one window and knows no spool. [`Worker`] takes events from a spool, makes windows of them, keeps
//! what was refused for `hubward replay`, and settles an event once all its outcomes are final and durable.

mod account;
mod custom_events;

mod links;
mod lists;
mod memory;
mod names;
mod records;
mod rejected;

mod window;
mod worker;

pub use memory::{MapMemory, MemoryFuture, SpoolMemory, UserMemory};
pub use rejected::Rejections;
pub use window::{Asked, Delivered, Delivery, Input, Options};
pub use worker::{Note, Worker, WorkerOptions, WorkerState};
