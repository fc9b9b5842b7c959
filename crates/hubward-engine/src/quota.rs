//! Whether the day's calls of the account are enough for what a run is about to send.

use crate::engine::Engine;
use crate::plan::estimate;
use crate::ready::Ready;

impl Engine {
    /// A sentence for a person where the account has fewer calls left today than this run needs; none where it has enough
    /// or HubSpot does not say (OAuth tokens, api.md 11.2). Nothing is stopped by it: what cannot be sent is deferred.
    pub(crate) fn short_of_calls(&self, ready: &Ready) -> Option<String> {
        let needed = estimate(ready, ready.prepared.sync.mode).total;
        let left = self.client().limiter().snapshot().daily.remaining?;
        (needed > left).then(|| {
            format!(
                "sync {:?} needs {needed} requests or more and the account has {left} left today; rows that cannot be sent \
                 are deferred and go first after midnight in the account's time zone",
                ready.prepared.sync.name
            )
        })
    }
}
