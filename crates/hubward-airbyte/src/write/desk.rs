//! Rejected records on their way into the bucket, stream by stream.

use std::sync::Arc;

use hubward_core::Reason;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::accounts::Window;
use crate::dead_letter::{Bucket, Moment, Place, Rejected, Sheet};
use crate::failure::Failure;
use crate::line::{self, Line};
use crate::write::input::Origin;
use crate::write::prepare::Prepared;

/// A sheet of this size goes into the bucket without waiting for a STATE.
const SHEET_BYTES: usize = 8 * 1024 * 1024;
/// Sheets on their way; whoever rejects faster than the bucket takes waits.
const UPLOADS_MAX: usize = 4;

/// Where rejected records are gathered and from where they are stored.
pub(crate) struct Desk {
    bucket: Option<Bucket>,
    moment: Moment,
    streams: Vec<Arc<Prepared>>,
    sheets: Vec<Open>,
    uploads: JoinSet<Result<Stored, Failure>>,
    rejected: u64,
}

#[derive(Default)]
struct Open {
    sheet: Option<Sheet>,
    windows: Vec<(Window, u64)>,
    parts: u32,
}

/// Rejected records that are in the bucket now, by window.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) windows: Vec<(Window, u64)>,
}

impl Desk {
    pub(crate) fn new(bucket: Option<Bucket>, moment: Moment, streams: &[Arc<Prepared>]) -> Self {
        let sheets = streams.iter().map(|_| Open::default()).collect();
        Self { bucket, moment, streams: streams.to_vec(), sheets, uploads: JoinSet::new(), rejected: 0 }
    }

    /// Takes one rejected record.
    pub(crate) fn take(&mut self, window: Window, origin: &Origin, status: &'static str, reason: &Reason) {
        let Some(bucket) = &self.bucket else { return };
        let stream = &self.streams[window.stream].stream;
        let open = &mut self.sheets[window.stream];
        let storage = &bucket.storage;
        let columns = stream.columns.as_deref().unwrap_or_default();
        let sheet = open.sheet.get_or_insert_with(|| Sheet::new(storage.format, storage.gzip, columns));
        let Ok(Line::Record(record)) = line::read(origin.line()) else {
            unreachable!("the line was read as a record before");
        };
        self.rejected += 1;
        sheet.push(&Rejected {
            raw_id: Uuid::new_v5(&self.moment.run, &self.rejected.to_be_bytes()),
            emitted_at: record.emitted_at,
            generation_id: stream.generation_id,
            sync_id: stream.sync_id,
            changes: record.changes,
            data: record.data,
            status,
            reason,
        });
        match open.windows.last_mut() {
            Some((last, records)) if *last == window => *records += 1,
            _ => open.windows.push((window, 1)),
        }
        if sheet.len() >= SHEET_BYTES {
            self.store(window.stream);
        }
    }

    /// Stores what is gathered, of every stream.
    pub(crate) fn store_all(&mut self) {
        for stream in 0..self.sheets.len() {
            self.store(stream);
        }
    }

    fn store(&mut self, stream: usize) {
        let Some(bucket) = self.bucket.clone() else { return };
        let open = &mut self.sheets[stream];
        let Some(sheet) = open.sheet.take() else { return };
        let windows = std::mem::take(&mut open.windows);
        let part = open.parts;
        open.parts += 1;
        let prepared = &self.streams[stream].stream;
        let place = Place { stream: &prepared.name, sync_id: prepared.sync_id, moment: self.moment, part };
        let key = place.key(&bucket.storage);
        self.uploads.spawn(async move {
            bucket.put(&key, sheet.end()).await?;
            Ok(Stored { windows })
        });
    }

    /// The bucket has failed: nothing more is stored, and nothing that should be is acknowledged.
    pub(crate) fn close(&mut self) {
        self.bucket = None;
        self.sheets.iter_mut().for_each(|open| *open = Open::default());
    }

    pub(crate) fn is_storing(&self) -> bool {
        !self.uploads.is_empty()
    }

    pub(crate) fn is_crowded(&self) -> bool {
        self.uploads.len() >= UPLOADS_MAX
    }

    /// The next sheet that the bucket took or refused; waits for ever where none is on its way.
    pub(crate) async fn next(&mut self) -> Result<Stored, Failure> {
        match self.uploads.join_next().await {
            Some(Ok(stored)) => stored,
            Some(Err(error)) => std::panic::resume_unwind(error.into_panic()),
            None => std::future::pending().await,
        }
    }
}
