//! The bridge between a reader and its caller: a thread, a channel of a few batches, limit and cancelling. Owns how a
//! stream ends (only an explicit end counts as one); what is read is the reader's business.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};

use crate::RowStream;
use crate::error::SourceError;
use crate::options::{CancelFlag, ReadOptions};
use crate::text::refuse_doubled_names;

/// Batches that may wait between the reader and its caller.
const BATCHES_IN_FLIGHT: usize = 2;
/// A batch ends early when its texts and bytes reach this, so that large values do not make large batches.
pub(crate) const BATCH_BYTES: usize = 16 * 1024 * 1024;
/// How often a waiting caller looks at the cancel flag.
const CANCEL_LOOK_MS: u64 = 50;

enum Message {
    Schema(SchemaRef),
    Batch(RecordBatch),
    End,
}

/// Says whether the reader should stop: the caller cancelled, or is gone.
#[derive(Clone)]
pub(crate) struct StopSignal {
    gone: Arc<AtomicBool>,
    cancel: CancelFlag,
}

impl StopSignal {
    pub(crate) fn is_raised(&self) -> bool {
        self.gone.load(Ordering::Relaxed) || self.cancel.is_cancelled()
    }
}

/// The reader's end: first the schema, then batches.
pub(crate) struct Feed {
    sender: SyncSender<Result<Message, SourceError>>,
    stop: StopSignal,
    left: Option<u64>,
}

impl Feed {
    pub(crate) fn stop_signal(&self) -> StopSignal {
        self.stop.clone()
    }

    /// Announces the columns; must come before the first batch.
    pub(crate) fn schema(&mut self, schema: SchemaRef) -> Result<(), SourceError> {
        refuse_doubled_names(&schema)?;
        self.send(Message::Schema(schema))
    }

    /// Hands over a batch and waits while the channel is full. False: the limit is reached, no more rows are wanted.
    #[must_use = "a reader that goes on after false reads for nobody"]
    pub(crate) fn batch(&mut self, batch: RecordBatch) -> Result<bool, SourceError> {
        if self.stop.is_raised() {
            return Err(SourceError::cancelled());
        }
        let rows = batch.num_rows() as u64;
        if rows == 0 {
            return Ok(self.left != Some(0));
        }
        let Some(left) = self.left else {
            self.send(Message::Batch(batch))?;
            return Ok(true);
        };
        if left == 0 {
            return Ok(false);
        }
        let taken = rows.min(left);
        let length = usize::try_from(taken).expect("no more than the rows of one batch");
        self.send(Message::Batch(batch.slice(0, length)))?;
        self.left = Some(left - taken);
        Ok(left > taken)
    }

    fn send(&self, message: Message) -> Result<(), SourceError> {
        self.sender.send(Ok(message)).map_err(|_| SourceError::cancelled())
    }
}

struct FeedStream {
    receiver: Receiver<Result<Message, SourceError>>,
    schema: SchemaRef,
    stop: StopSignal,
    state: State,
}

enum State {
    Reading,
    Ended,
    Failed(SourceError),
}

/// Runs `produce` in a thread of its own and waits for its schema. What `produce` returns ends the stream.
pub(crate) fn start(
    options: &ReadOptions,
    produce: impl FnOnce(&mut Feed) -> Result<(), SourceError> + Send + 'static,
) -> Result<Box<dyn RowStream>, SourceError> {
    let (sender, receiver) = sync_channel(BATCHES_IN_FLIGHT);
    let stop = StopSignal { gone: Arc::new(AtomicBool::new(false)), cancel: options.cancel.clone() };
    let mut feed = Feed { sender, stop: stop.clone(), left: options.limit };
    thread::Builder::new()
        .name("source".to_owned())
        .spawn(move || {
            let last = produce(&mut feed).map(|()| Message::End);
            // A caller that is gone wants no last word.
            let _ = feed.sender.send(last);
        })
        .map_err(|error| SourceError::read(format!("no thread for the reader: {error}")))?;
    // Made before the schema is known, so that its drop stops the reader when the wait for it fails.
    let mut stream = FeedStream { receiver, schema: Arc::new(Schema::empty()), stop, state: State::Reading };
    match receive(&stream.receiver, &stream.stop)? {
        Message::Schema(schema) => stream.schema = schema,
        Message::Batch(_) | Message::End => return Err(broken()),
    }
    Ok(Box::new(stream))
}

fn receive(receiver: &Receiver<Result<Message, SourceError>>, stop: &StopSignal) -> Result<Message, SourceError> {
    loop {
        if stop.cancel.is_cancelled() {
            return Err(SourceError::cancelled());
        }
        match receiver.recv_timeout(Duration::from_millis(CANCEL_LOOK_MS)) {
            Ok(message) => return message,
            Err(RecvTimeoutError::Timeout) => {}
            // The thread ended without its last word: it panicked. Its rows are not all here.
            Err(RecvTimeoutError::Disconnected) => return Err(broken()),
        }
    }
}

fn broken() -> SourceError {
    SourceError::read("the reader of the source broke down before its end")
        .help("this is a fault of Hubward: please report it with the query")
}

impl RowStream for FeedStream {
    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>, SourceError> {
        match &self.state {
            State::Ended => return Ok(None),
            State::Failed(error) => return Err(error.clone()),
            State::Reading => {}
        }
        let failure = match receive(&self.receiver, &self.stop) {
            Ok(Message::Batch(batch)) => return Ok(Some(batch)),
            Ok(Message::End) => {
                self.state = State::Ended;
                return Ok(None);
            }
            Ok(Message::Schema(_)) => broken(),
            Err(error) => error,
        };
        self.state = State::Failed(failure.clone());
        Err(failure)
    }
}

impl Drop for FeedStream {
    fn drop(&mut self) {
        self.stop.gone.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::Int64Array;
    use arrow_schema::{DataType, Field};

    fn numbers(from: i64, to: i64) -> RecordBatch {
        let schema = Schema::new(vec![Field::new("n", DataType::Int64, true)]);
        let column = Arc::new(Int64Array::from_iter_values(from..to));
        RecordBatch::try_new(Arc::new(schema), vec![column]).expect("one column of the type")
    }

    #[test]
    fn the_limit_cuts_the_last_batch_and_stops_the_reader() {
        let options = ReadOptions { limit: Some(15), ..ReadOptions::default() };
        let mut stream = start(&options, |feed| {
            feed.schema(numbers(0, 1).schema())?;
            assert!(feed.batch(numbers(0, 10))?);
            assert!(!feed.batch(numbers(10, 20))?);
            Ok(())
        })
        .expect("it starts");
        let rows = std::iter::from_fn(|| stream.next_batch().expect("it reads"))
            .map(|batch| batch.num_rows())
            .collect::<Vec<_>>();
        assert_eq!(rows, [10, 5]);
    }

    #[test]
    fn a_reader_that_panics_is_an_error_and_stays_one() {
        let mut stream = start(&ReadOptions::default(), |feed| {
            feed.schema(numbers(0, 1).schema())?;
            let _ = feed.batch(numbers(0, 10))?;
            std::panic::resume_unwind(Box::new("broken on purpose"));
        })
        .expect("it starts");
        assert!(stream.next_batch().expect("the first batch").is_some());
        assert!(stream.next_batch().is_err());
        assert!(stream.next_batch().is_err());
    }

    #[test]
    fn two_columns_of_one_name_are_refused() {
        let field = Field::new("id", DataType::Int64, true);
        let schema = Arc::new(Schema::new(vec![field.clone(), field]));
        let Err(error) = start(&ReadOptions::default(), move |feed| feed.schema(schema)) else {
            panic!("it must be refused");
        };
        assert!(error.message.contains("`id`"), "{error}");
    }
}
