//! Event syncs: rows that become occurrences of custom events (api.md 9), each primary key once, ever.
//!
//! HubSpot answers a batch of events without a word about its inputs, takes them in later, and lets nobody change or delete
//! one. So everything that can be known to be wrong with a row is found before it is sent; what is about to be sent stands
//! in the ledger first; and whatever has no clear answer is looked for among the account's occurrences before it is sent
//! once more, with the same uuid. The ledger never forgets a key.
//!
//! `mapping` rules are `hubward_core::event`'s. Here: reading and comparing the model (`read`), rows (`row`, `build`, `feed`),
//! the corridor (`corridor`, `send`, `unknown`), the month's budget (`month`), and what a person asks for (`run`, `plan`,
//! `preview`, `check`).

mod build;
mod check;
mod corridor;
mod feed;
mod fresh;
mod left;
mod month;
mod plan;
mod preview;
mod read;
mod row;
mod run;
mod send;
mod sight;
mod unknown;

pub(crate) use row::{EventBatch, EventRow, Stand, as_sent};
pub(crate) use send::{Done, Sender};
