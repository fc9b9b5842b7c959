//! The spool on a NATS server: a JetStream stream that several intakes append to and several workers empty.
//!
//! ```text
//! stream NAME            subjects NAME.events.P: events by partition; a message is deleted when it is settled
//! bucket NAME-workers    which workers live, and who holds which partition; entries vanish when they are not renewed
//! bucket NAME-memory     remembered values
//! ```
//!
//! Events of one order key are in one partition, and a partition is handed out by one worker at a time, so their order holds
//! however many workers there are. When a worker dies, its partitions are free after the lease; who takes one over begins at
//! the oldest event that is not settled. What the dead worker had handed out is handed out again, as may have been done.
//!
//! The server knows duplicates for the window by the message's id. It keeps the ids in memory: after a restart of the server
//! only those of events that still wait are known.

mod envelope;
mod lease;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::{Config, DiscardPolicy, Info, RetentionPolicy, StorageType};
use async_nats::jetstream::{Context, ErrorCode, context, kv};
use async_nats::{Client, ConnectOptions};
use futures_util::future::{join_all, try_join_all};
use hubward_core::{ExposeSecret as _, SecretString};
use worker::Worker;
use xxhash_rust::xxh3::xxh3_128;

use super::embedded::Roles;
use crate::spool::{Appended, Depth, NewEvent, Spool, SpoolError, SpoolFuture, Stored};

/// How many workers can share the load. Part of the stream's layout: every intake and worker must agree.
const PARTITIONS: u32 = 16;
/// Values that are written at once.
const WRITES_AT_ONCE: usize = 64;

/// Where the stream is and how it behaves.
#[derive(Clone, Debug)]
pub struct NatsOptions {
    /// `nats://` or `tls://`, with user and password where the server wants them.
    pub url: SecretString,
    /// Name of the stream, and of its subjects and buckets.
    pub stream: String,
    /// Bytes of the stream above which nothing is accepted.
    pub max_bytes: u64,
    /// How long duplicates are recognised.
    pub window: Duration,
    /// How long a worker keeps its partitions without a word of it.
    pub lease: Duration,
    /// How long an answer of the server is waited for.
    pub timeout: Duration,
}

impl NatsOptions {
    #[must_use]
    pub fn new(url: SecretString, stream: String, max_bytes: u64) -> Self {
        Self {
            url,
            stream,
            max_bytes,
            window: Duration::from_secs(24 * 3600),
            lease: Duration::from_secs(10),
            timeout: Duration::from_secs(5),
        }
    }
}

/// A spool in a stream.
#[derive(Debug)]
pub struct NatsSpool {
    options: NatsOptions,
    context: Context,
    memory: kv::Store,
    intake: bool,
    worker: Option<Arc<Worker>>,
}

/// What the server or the connection says.
fn server(doing: &str, error: impl std::fmt::Display) -> SpoolError {
    SpoolError::Server(format!("{doing}: {error}"))
}

impl NatsSpool {
    /// Connects, makes what is missing, and begins to take partitions if the role is to take events. `worker_id` names this
    /// worker among the others: different for each process.
    ///
    /// # Errors
    /// [`SpoolError::Server`] where the server is not there, has no JetStream, or holds a stream of this name that is none of
    /// ours.
    pub async fn open(options: &NatsOptions, roles: Roles, worker_id: &str) -> Result<Self, SpoolError> {
        let client = connect(options).await?;
        let mut context = async_nats::jetstream::new(client);
        context.set_timeout(options.timeout);
        ensure_stream(&context, options).await?;
        let memory = bucket(&context, options, "memory", Duration::ZERO).await?;
        let worker = if roles.worker() {
            let workers = bucket(&context, options, "workers", options.lease).await?;
            Some(Worker::start(context.clone(), workers, options.clone(), worker_id))
        } else {
            None
        };
        Ok(Self { options: options.clone(), context, memory, intake: roles.intake(), worker })
    }

    fn worker(&self) -> Result<&Arc<Worker>, SpoolError> {
        self.worker.as_ref().ok_or(SpoolError::Role("taking events"))
    }

    async fn publish(&self, events: Vec<NewEvent>) -> Result<Appended, SpoolError> {
        if !self.intake {
            return Err(SpoolError::Role("accepting events"));
        }
        let mut acks = Vec::with_capacity(events.len());
        for event in events {
            let partition = envelope::partition(&event.order_key, PARTITIONS);
            let message = PublishMessage::build()
                .payload(envelope::pack(&event))
                .message_id(envelope::duplicate_id(&event))
                .expected_stream(&self.options.stream);
            let subject = subject(&self.options.stream, partition);
            let ack = self.context.send_publish(subject, message).await.map_err(|error| self.refused(&error))?;
            acks.push(ack.into_future());
        }
        // All of them are awaited, also after an error: the order of what comes next depends on it.
        let mut appended = Appended::default();
        let mut failed = None;
        for ack in join_all(acks).await {
            match ack {
                Ok(ack) if ack.duplicate => appended.duplicates += 1,
                Ok(_) => appended.accepted += 1,
                Err(error) => failed = failed.or(Some(self.refused(&error))),
            }
        }
        failed.map_or(Ok(appended), Err)
    }

    fn refused(&self, error: &context::PublishError) -> SpoolError {
        let told =
            std::error::Error::source(error).and_then(|source| source.downcast_ref::<async_nats::jetstream::Error>());
        let full = told.is_some_and(|told| {
            told.error_code() == ErrorCode::STREAM_STORE_FAILED && told.to_string().contains("maximum bytes")
        });
        let no_room = told.is_some_and(|told| told.error_code() == ErrorCode::STORAGE_RESOURCES_EXCEEDED);
        let max_bytes = self.options.max_bytes;
        match () {
            () if full => SpoolError::Full { bytes: max_bytes, max_bytes },
            () if no_room => SpoolError::DiskFull,
            () => server("an event was not accepted", error),
        }
    }

    async fn look(&self) -> Result<Depth, SpoolError> {
        let asked = |error: &dyn std::fmt::Display| server("the stream does not answer", error);
        let stream = self.context.get_stream(&self.options.stream).await.map_err(|error| asked(&error))?;
        let state = &stream.cached_info().state;
        let mut oldest_received_at_ms = None;
        if state.messages > 0 {
            // It may be settled between the two questions; then the age is told the next time.
            if let Ok(message) = stream.get_raw_message(state.first_sequence).await {
                oldest_received_at_ms =
                    envelope::unpack(&message.payload, message.sequence, 1).map(|event| event.received_at_ms);
            }
        }
        Ok(Depth {
            events: state.messages,
            bytes: state.bytes,
            oldest_received_at_ms,
            max_bytes: self.options.max_bytes,
        })
    }
}

/// A key of the memory: any text becomes one that the server takes.
fn memory_key(key: &str) -> String {
    format!("{:032x}", xxh3_128(key.as_bytes()))
}

fn subject(stream: &str, partition: u32) -> String {
    format!("{stream}.events.{partition:02}")
}

async fn connect(options: &NatsOptions) -> Result<Client, SpoolError> {
    let url = options.url.expose_secret();
    let parsed = url::Url::parse(url).map_err(|error| server("its address cannot be read", error))?;
    let mut connecting = ConnectOptions::new().name("hubward").request_timeout(Some(options.timeout));
    if !parsed.username().is_empty() {
        let text = |part: &str| percent_decode(part);
        connecting = match parsed.password() {
            Some(password) => connecting.user_and_password(text(parsed.username()), text(password)),
            None => connecting.token(text(parsed.username())),
        };
    }
    let mut shown = parsed.clone();
    // Without user and password from here on: the address may stand in an error.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    connecting.connect(shown.as_str()).await.map_err(|error| server(&format!("{shown} cannot be reached"), error))
}

/// User names and passwords stand percent-encoded in an address.
fn percent_decode(text: &str) -> String {
    let form = format!("a={}", text.replace('+', "%2B"));
    url::form_urlencoded::parse(form.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}

async fn ensure_stream(context: &Context, options: &NatsOptions) -> Result<(), SpoolError> {
    let max_bytes = i64::try_from(options.max_bytes).unwrap_or(i64::MAX);
    let subjects = format!("{}.events.*", options.stream);
    let wanted = Config {
        name: options.stream.clone(),
        description: Some(format!("hubward's spool, {PARTITIONS} partitions")),
        subjects: vec![subjects.clone()],
        retention: RetentionPolicy::WorkQueue,
        storage: StorageType::File,
        discard: DiscardPolicy::New,
        max_bytes,
        duplicate_window: options.window,
        ..Config::default()
    };
    let found: Info = match context.get_stream(&options.stream).await {
        Ok(stream) => stream.cached_info().clone(),
        Err(_) => match context.create_stream(wanted).await {
            Ok(stream) => stream.cached_info().clone(),
            Err(error) => return Err(server(&format!("the stream {} cannot be made", options.stream), error)),
        },
    };
    let config = found.config;
    let ours = config.subjects == [subjects]
        && config.retention == RetentionPolicy::WorkQueue
        && config.discard == DiscardPolicy::New
        && config.duplicate_window >= options.window;
    if !ours {
        return Err(SpoolError::Server(format!(
            "the stream {} is not a spool of hubward's: its subjects, retention (work queue), discard (new) or duplicate window differ; choose another name with `stream:`",
            options.stream
        )));
    }
    if config.max_bytes != max_bytes {
        let changed = Config { max_bytes, ..config };
        context.update_stream(changed).await.map_err(|error| server("the stream's size cannot be changed", error))?;
    }
    Ok(())
}

/// A bucket whose entries vanish after `age`; zero keeps them.
async fn bucket(context: &Context, options: &NatsOptions, name: &str, age: Duration) -> Result<kv::Store, SpoolError> {
    let bucket = format!("{}-{name}", options.stream);
    if let Ok(store) = context.get_key_value(&bucket).await {
        return Ok(store);
    }
    // A bucket is a stream of this form. The client's own call for it asks first about the account, in a way that servers
    // before 2.10 answer otherwise than it reads.
    let config = Config {
        name: format!("KV_{bucket}"),
        subjects: vec![format!("$KV.{bucket}.>")],
        storage: StorageType::File,
        max_messages_per_subject: 1,
        discard: DiscardPolicy::New,
        allow_rollup: true,
        deny_delete: true,
        allow_direct: true,
        max_age: age,
        // The server wants it no longer than the age of entries.
        duplicate_window: if age.is_zero() { Duration::ZERO } else { age.min(Duration::from_secs(120)) },
        ..Config::default()
    };
    // Another process may make it in this instant; then it is there.
    let made = context.create_stream(config).await;
    let found = context.get_key_value(&bucket).await;
    found.map_err(|error| {
        let why = made.err().map_or_else(|| error.to_string(), |error| error.to_string());
        server(&format!("the bucket {bucket} cannot be made"), why)
    })
}

impl Spool for NatsSpool {
    fn append(&self, events: Vec<NewEvent>) -> SpoolFuture<'_, Appended> {
        Box::pin(self.publish(events))
    }

    fn take(&self, max_events: usize, max_wait: Duration) -> SpoolFuture<'_, Vec<Stored>> {
        Box::pin(async move { self.worker()?.take(max_events, max_wait).await })
    }

    fn settle(&self, seqs: Vec<u64>) -> SpoolFuture<'_, ()> {
        Box::pin(async move { self.worker()?.settle(seqs).await })
    }

    fn release(&self, seqs: Vec<u64>) -> SpoolFuture<'_, ()> {
        Box::pin(async move {
            self.worker()?.release(&seqs);
            Ok(())
        })
    }

    fn depth(&self) -> SpoolFuture<'_, Depth> {
        Box::pin(self.look())
    }

    fn remember(&self, pairs: Vec<(String, String)>) -> SpoolFuture<'_, ()> {
        Box::pin(async move {
            for some in pairs.chunks(WRITES_AT_ONCE) {
                let writes = some.iter().map(|(key, value)| self.memory.put(memory_key(key), value.clone().into()));
                try_join_all(writes).await.map_err(|error| server("a value cannot be remembered", error))?;
            }
            Ok(())
        })
    }

    fn recall(&self, keys: Vec<String>) -> SpoolFuture<'_, Vec<Option<String>>> {
        Box::pin(async move {
            let mut values = Vec::with_capacity(keys.len());
            for some in keys.chunks(WRITES_AT_ONCE) {
                let reads = some.iter().map(|key| self.memory.get(memory_key(key)));
                let found = try_join_all(reads).await.map_err(|error| server("a value cannot be recalled", error))?;
                values.extend(
                    found.into_iter().map(|value| value.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())),
                );
            }
            Ok(values)
        })
    }

    fn close(&self) -> SpoolFuture<'_, ()> {
        Box::pin(async move {
            match &self.worker {
                Some(worker) => worker.close().await,
                None => Ok(()),
            }
        })
    }
}
