//! Which rows of a run have association work, and how each stands: one byte for each row of the spill.

use std::sync::{Mutex, MutexGuard};

/// How a spilled row stands with its associations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stand {
    /// Nothing to do, or nothing yet.
    #[default]
    Nothing,
    /// Its properties are as the ledger has them; only its associations differ.
    Only,
    /// Its properties were confirmed in this run, on a record that may have associations.
    Settled,
    /// Its properties were compared in this run and needed nothing.
    Same,
    /// Its record was made in this run, so it has none.
    Fresh,
    /// Counted as applied in this run; it names records that HubSpot does not have.
    WaitingApplied,
    /// Counted as unchanged in this run; it names records that HubSpot does not have.
    WaitingUnchanged,
}

/// The stands of all rows of one spill.
#[derive(Debug, Default)]
pub(crate) struct Open(Mutex<Vec<Stand>>);

impl Open {
    /// For a spill of so many rows; `only` are the positions of rows with association work only.
    pub(crate) fn new(rows: u64, only: &[u32]) -> Self {
        let mut stands = vec![Stand::Nothing; usize::try_from(rows).unwrap_or(usize::MAX)];
        for position in only {
            stands[*position as usize] = Stand::Only;
        }
        Self(Mutex::new(stands))
    }

    pub(crate) fn set(&self, position: usize, stand: Stand) {
        if let Some(known) = self.stands().get_mut(position) {
            *known = stand;
        }
    }

    pub(crate) fn get(&self, position: usize) -> Stand {
        self.stands().get(position).copied().unwrap_or_default()
    }

    /// How many rows stand so.
    pub(crate) fn count(&self, wanted: impl Fn(Stand) -> bool) -> u64 {
        self.stands().iter().filter(|stand| wanted(**stand)).count() as u64
    }

    fn stands(&self) -> MutexGuard<'_, Vec<Stand>> {
        match self.0.lock() {
            Ok(guard) => guard,
            Err(poisoned) => poisoned.into_inner(),
        }
    }
}

impl Stand {
    /// Work of this run that has not had its turn.
    pub(crate) fn is_due(self) -> bool {
        matches!(self, Self::Only) || self.is_handed_on()
    }

    /// The first part of its way has left its outcome to the stage.
    pub(crate) fn is_handed_on(self) -> bool {
        matches!(self, Self::Settled | Self::Same | Self::Fresh)
    }

    pub(crate) fn is_waiting(self) -> bool {
        matches!(self, Self::WaitingApplied | Self::WaitingUnchanged)
    }
}
