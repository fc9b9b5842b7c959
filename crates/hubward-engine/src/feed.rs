//! Where the corridor's rows come from: a spill that is read piece by piece, or rows that a caller hands in at once.

use crate::error::EngineError;
use crate::row::Row;
use crate::spilled::{Handed, Spilled, Then};

pub(crate) enum Feed {
    Spilled(Box<Spilled>),
    Rows(Vec<Row>),
}

impl Feed {
    /// At least `rows_wanted` rows unless a turn ends before; rows of a call all at once, for they are in memory already.
    pub(crate) async fn read(self, rows_wanted: usize) -> (Self, Handed) {
        match self {
            Self::Spilled(mut spilled) => {
                let read = tokio::task::spawn_blocking(move || {
                    let handed = spilled.next(rows_wanted);
                    (spilled, handed)
                });
                match read.await {
                    Ok((spilled, handed)) => (Self::Spilled(spilled), handed),
                    Err(panic) => std::panic::resume_unwind(panic.into_panic()),
                }
            }
            Self::Rows(rows) => (Self::Rows(Vec::new()), Handed { rows, then: Then::End, ..Handed::default() }),
        }
    }

    /// Rows in memory that were not read.
    pub(crate) fn take_rows(&mut self) -> Vec<Row> {
        match self {
            Self::Spilled(_) => Vec::new(),
            Self::Rows(rows) => std::mem::take(rows),
        }
    }

    /// Rows that were never built.
    pub(crate) fn remaining_rows(&self) -> u64 {
        match self {
            Self::Spilled(spilled) => spilled.remaining_rows(),
            Self::Rows(_) => 0,
        }
    }

    /// The keys of the first of those rows. Blocking.
    pub(crate) fn remaining_keys(&self, keys_max: usize) -> Result<Vec<u128>, EngineError> {
        match self {
            Self::Spilled(spilled) => spilled.remaining_keys(keys_max),
            Self::Rows(_) => Ok(Vec::new()),
        }
    }
}
