//! Which contact a user was last written as: remembered for all workers, so that a company finds the contact of its event.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};

use hubward_store::{Spool, SpoolError};

use crate::actions::User;

/// What a call of the memory returns.
pub type MemoryFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, SpoolError>> + Send + 'a>>;

/// A durable map of texts.
pub trait UserMemory: Send + Sync {
    /// The values of these keys, in their order.
    fn recall(&self, keys: Vec<String>) -> MemoryFuture<'_, Vec<Option<String>>>;

    /// Replaces values; durable when it returns.
    fn remember(&self, pairs: Vec<(String, String)>) -> MemoryFuture<'_, ()>;
}

/// The memory that a spool keeps for all its workers.
#[derive(Clone, Debug)]
pub struct SpoolMemory(pub Arc<dyn Spool>);

impl UserMemory for SpoolMemory {
    fn recall(&self, keys: Vec<String>) -> MemoryFuture<'_, Vec<Option<String>>> {
        self.0.recall(keys)
    }

    fn remember(&self, pairs: Vec<(String, String)>) -> MemoryFuture<'_, ()> {
        self.0.remember(pairs)
    }
}

/// A memory that ends with the process: for trying mappings, and for tests.
#[derive(Debug, Default)]
pub struct MapMemory(Mutex<HashMap<String, String>>);

impl MapMemory {
    fn held(&self) -> MutexGuard<'_, HashMap<String, String>> {
        match self.0.lock() {
            Ok(held) => held,
            Err(poisoned) => poisoned.into_inner(),
        }
    }
}

impl UserMemory for MapMemory {
    fn recall(&self, keys: Vec<String>) -> MemoryFuture<'_, Vec<Option<String>>> {
        Box::pin(async move {
            let held = self.held();
            Ok(keys.iter().map(|key| held.get(key).cloned()).collect())
        })
    }

    fn remember(&self, pairs: Vec<(String, String)>) -> MemoryFuture<'_, ()> {
        Box::pin(async move {
            self.held().extend(pairs);
            Ok(())
        })
    }
}

/// The keys under which a user's address stands, the better first.
pub(super) fn keys_of(user: &User) -> Vec<String> {
    let user_id = user.user_id.iter().map(|id| format!("user/{id}"));
    user_id.chain(user.anonymous_id.iter().map(|id| format!("anonymous/{id}"))).collect()
}
