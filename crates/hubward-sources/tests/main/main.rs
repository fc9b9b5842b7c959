//! Every source from its specification to its rows, as the engine uses it.

mod adbc;
mod files;
mod postgres;
mod server;
mod sqlite;
mod support;
