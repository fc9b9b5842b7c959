//! The bucket itself: whole objects are put into it, and a check writes, lists and deletes one.

use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use hubward_core::ExposeSecret as _;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::path::Path;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, ObjectStoreExt as _, PutPayload, RetryConfig};

use super::Storage;
use super::path::joined;
use crate::failure::Failure;

/// A store that is not Amazon's has no regions, and a signature needs one.
const REGION_DEFAULT: &str = "us-east-1";
const CHECK_NAME: &str = "_check_test";
const CHECK_CONTENT: &str = "{\"data\":1}";
/// Objects are small; a store that takes longer than this for one is not there.
const TIMEOUT: Duration = Duration::from_secs(60);
const RETRY: RetryConfig = RetryConfig {
    backoff: BackoffConfig {
        init_backoff: Duration::from_millis(200),
        max_backoff: Duration::from_secs(10),
        base: 2.0,
    },
    max_retries: 6,
    retry_timeout: Duration::from_secs(120),
};

/// An opened bucket.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    store: Arc<dyn ObjectStore>,
    pub(crate) storage: Arc<Storage>,
}

impl Bucket {
    /// Opens the bucket; nothing is sent yet. `environment` are the machine's `AWS_…` variables, which count where the
    /// configuration is silent.
    ///
    /// # Errors
    /// A configuration that names no bucket that could be reached.
    pub(crate) fn open(storage: &Storage, environment: &[(String, String)]) -> Result<Self, Failure> {
        let mut builder = AmazonS3Builder::new();
        for (name, value) in environment {
            if let Ok(key) = name.to_lowercase().parse::<AmazonS3ConfigKey>() {
                builder = builder.with_config(key, value);
            }
        }
        // Stores that are not Amazon's often lack the call that deletes many objects at once.
        builder = builder.with_bucket_name(&storage.bucket).with_retry(RETRY).with_disable_bulk_delete(true);
        match (
            &storage.region,
            environment.iter().any(|(name, _)| name == "AWS_REGION" || name == "AWS_DEFAULT_REGION"),
        ) {
            (Some(region), _) => builder = builder.with_region(region),
            (None, true) => {}
            (None, false) => builder = builder.with_region(REGION_DEFAULT),
        }
        if let Some((id, secret)) = &storage.keys {
            builder = builder.with_access_key_id(id.expose_secret()).with_secret_access_key(secret.expose_secret());
        }
        let mut options = ClientOptions::new().with_timeout(TIMEOUT);
        if let Some(endpoint) = &storage.endpoint {
            let plain = endpoint.starts_with("http://");
            options = options.with_allow_http(plain);
            builder = builder.with_endpoint(endpoint).with_virtual_hosted_style_request(false);
        }
        let store = builder
            .with_client_options(options)
            .build()
            .map_err(|error| Failure::config(format!("the bucket of the configuration cannot be opened: {error}")))?;
        Ok(Self { store: Arc::new(store), storage: Arc::new(storage.clone()) })
    }

    /// Puts one object; it is durable when this returns.
    ///
    /// # Errors
    /// The store refuses it or cannot be reached, after it was tried several times.
    pub(crate) async fn put(&self, key: &str, content: Vec<u8>) -> Result<(), Failure> {
        let payload = PutPayload::from(content);
        self.store.put(&Path::from(key), payload).await.map(drop).map_err(|error| self.failed("written to", &error))
    }

    /// Writes an object, finds it, and deletes it.
    ///
    /// # Errors
    /// Whatever the bucket does not let us do.
    pub(crate) async fn check(&self) -> Result<(), Failure> {
        let prefix = Path::from(joined(&[&self.storage.prefix]));
        let key = Path::from(joined(&[&self.storage.prefix, CHECK_NAME]));
        let written = self.store.put(&key, PutPayload::from_static(CHECK_CONTENT.as_bytes())).await;
        written.map_err(|error| self.failed("written to", &error))?;
        let listed: Vec<_> = self
            .store
            .list(Some(&prefix).filter(|prefix| !prefix.as_ref().is_empty()))
            .try_filter(|object| std::future::ready(object.location == key))
            .try_collect()
            .await
            .map_err(|error| self.failed("listed", &error))?;
        let deleted = self.store.delete(&key).await;
        if listed.is_empty() {
            return Err(Failure::config(format!(
                "the bucket {} does not list what was just written to it ({key})",
                self.storage.bucket
            )));
        }
        deleted.map_err(|error| self.failed("deleted from", &error))
    }

    /// A store's answer repeats the id of the key that it refuses.
    fn masked(&self, mut words: String) -> String {
        if let Some((id, secret)) = &self.storage.keys {
            for known in [id, secret] {
                words = words.replace(known.expose_secret(), "***");
            }
        }
        words
    }

    /// `done` as in "cannot be written to".
    fn failed(&self, done: &str, error: &object_store::Error) -> Failure {
        use object_store::Error as E;
        let bucket = &self.storage.bucket;
        match error {
            E::PermissionDenied { .. } | E::Unauthenticated { .. } => Failure::config(format!(
                "the bucket {bucket} cannot be {done}: the store refuses the credentials; they need PutObject, \
                 ListBucket and DeleteObject below {:?}",
                self.storage.prefix
            )),
            E::NotFound { .. } => Failure::config(format!(
                "the bucket {bucket} cannot be {done}: there is no such bucket; make it, or correct its name"
            )),
            _ => Failure::transient(format!(
                "the bucket {bucket} cannot be {done}: the store did not answer as it should"
            )),
        }
        .internally(self.masked(cause(error)))
    }
}

/// The innermost cause; the outer ones repeat addresses.
fn cause(error: &object_store::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
