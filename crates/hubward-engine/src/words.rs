//! Where the final words on rows go: to the issues of a sync, or back to who handed the rows in.

use std::sync::{Arc, Mutex};

use crate::issues::Issues;
use crate::row::Verdict;

pub(crate) enum Words {
    Issues(Arc<Issues>),
    Kept(Kept),
}

/// Words in the order in which they were spoken. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Kept(Arc<Mutex<Vec<Verdict>>>);

impl Words {
    pub(crate) async fn settle(&self, verdicts: Vec<Verdict>) {
        match self {
            Self::Issues(issues) => issues.settle(verdicts).await,
            Self::Kept(kept) => kept.push(verdicts),
        }
    }
}

impl Kept {
    pub(crate) fn push(&self, verdicts: Vec<Verdict>) {
        match self.0.lock() {
            Ok(mut kept) => kept.extend(verdicts),
            Err(poisoned) => poisoned.into_inner().extend(verdicts),
        }
    }

    pub(crate) fn take(&self) -> Vec<Verdict> {
        match self.0.lock() {
            Ok(mut kept) => std::mem::take(&mut *kept),
            Err(poisoned) => std::mem::take(&mut *poisoned.into_inner()),
        }
    }
}
