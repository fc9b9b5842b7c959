//! Stdin in pieces of whole lines: one thread reads, many tasks parse and convert, and what they made comes back in order.
//!
//! A piece counts against the budget of bytes until its last record is settled, so that memory is bounded by what is in
//! flight however fast the source is.

use std::collections::HashMap;
use std::io::{self, Read};
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use crate::catalog::StreamName;
use crate::failure::Failure;
use crate::line::{self, Line};
use crate::state::{Scope, State};
use crate::write::convert::{Refused, Row};
use crate::write::prepare::Prepared;

/// What is read at once. A pipe gives less; what it gives is handed on.
const PIECE_BYTES: usize = 128 * 1024;
/// A longer line is no message: Airbyte's own limit of a record is far below.
const LINE_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Pieces between the thread that reads and whoever takes them.
const PIECES_WAITING: usize = 2;

/// Lines of stdin, and the share of the budget that they hold.
#[derive(Debug)]
pub(crate) struct Piece {
    bytes: Bytes,
    _permit: OwnedSemaphorePermit,
}

impl Piece {
    pub(crate) fn new(bytes: Bytes, permit: OwnedSemaphorePermit) -> Self {
        Self { bytes, _permit: permit }
    }
}

/// Where a record stands in its piece.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    piece: Arc<Piece>,
    start: usize,
    end: usize,
}

impl Origin {
    /// The record's line.
    pub(crate) fn line(&self) -> &str {
        std::str::from_utf8(&self.piece.bytes[self.start..self.end]).expect("only lines of UTF-8 become records")
    }

    pub(crate) fn len(&self) -> usize {
        self.end - self.start
    }
}

/// What a line brings.
pub(crate) enum Incoming {
    Record {
        stream: usize,
        origin: Origin,
        /// Or why it is invalid.
        row: Result<Row, Box<Refused>>,
    },
    State(Option<usize>, State),
    Complete(usize),
    Incomplete(usize),
    /// Nothing after this line can be trusted.
    Unreadable(Failure),
}

/// Reads to the end on a thread of its own.
pub(crate) fn start(mut input: Box<dyn Read + Send>) -> mpsc::Receiver<io::Result<Bytes>> {
    let (sender, receiver) = mpsc::channel(PIECES_WAITING);
    std::thread::spawn(move || {
        let mut scratch = vec![0; PIECE_BYTES];
        let mut buffer: Vec<u8> = Vec::new();
        loop {
            let held = buffer.len();
            let read = match input.read(&mut scratch) {
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    let _ = sender.blocking_send(Err(error));
                    return;
                }
            };
            buffer.extend_from_slice(&scratch[..read]);
            if read == 0 {
                if !buffer.is_empty() {
                    let _ = sender.blocking_send(Ok(Bytes::from(buffer)));
                }
                return;
            }
            if let Some(last) = buffer[held..].iter().rposition(|byte| *byte == b'\n') {
                // A copy, so that a piece keeps no more memory than its share of the budget says: a source that flushes each
                // line would have every line keep a whole buffer.
                let whole = held + last + 1;
                let piece = Bytes::copy_from_slice(&buffer[..whole]);
                // The memory of a long line is given back with it.
                buffer = buffer.split_off(whole);
                // Nobody takes them any more: there is no point in reading on.
                if sender.blocking_send(Ok(piece)).is_err() {
                    return;
                }
            } else if buffer.len() > LINE_BYTES_MAX {
                let _ = sender.blocking_send(Err(io::Error::other("a line is longer than any message may be")));
                return;
            }
        }
    });
    receiver
}

/// Parses lines and converts records.
pub(crate) struct Parser {
    pub(crate) streams: Vec<Arc<Prepared>>,
    pub(crate) index: HashMap<StreamName, usize>,
}

impl Parser {
    /// What the lines of a piece bring, in order; nothing after a line that cannot be read. `first` is the number of its
    /// first line.
    pub(crate) fn parse(&self, piece: &Arc<Piece>, first: u64) -> Vec<Incoming> {
        let mut incoming = Vec::with_capacity(piece.bytes.len() / 256);
        let mut number = first;
        let mut start = 0;
        while start < piece.bytes.len() {
            let rest = &piece.bytes[start..];
            let length = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
            let origin = trimmed(piece, start, start + length);
            start += length + 1;
            if origin.len() > 0 {
                match self.one(&origin) {
                    Ok(Some(one)) => incoming.push(one),
                    Ok(None) => {}
                    Err(why) => {
                        let message = format!("line {number} of the input cannot be used: {why}");
                        incoming.push(Incoming::Unreadable(Failure::system(message)));
                        break;
                    }
                }
            }
            number += 1;
        }
        incoming
    }

    fn one(&self, origin: &Origin) -> Result<Option<Incoming>, String> {
        let bytes = &origin.piece.bytes[origin.start..origin.end];
        let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
        Ok(match line::read(text)? {
            Line::Record(record) => {
                let stream = self.stream(&StreamName::new(&record.stream, record.namespace.as_deref()))?;
                let row = self.streams[stream].row(record.data);
                Some(Incoming::Record { stream, origin: origin.clone(), row })
            }
            Line::State(state) => {
                let stream = match &state.scope {
                    Scope::Stream(name) => Some(self.stream(name)?),
                    Scope::All => None,
                };
                Some(Incoming::State(stream, state))
            }
            // A status of a stream that nobody asked for changes nothing.
            Line::Complete(name) => self.index.get(&name).copied().map(Incoming::Complete),
            Line::Incomplete(name) => self.index.get(&name).copied().map(Incoming::Incomplete),
            Line::Other => None,
        })
    }

    fn stream(&self, name: &StreamName) -> Result<usize, String> {
        self.index.get(name).copied().ok_or_else(|| format!("the catalog has no stream {name}"))
    }
}

/// The lines that a piece holds.
pub(crate) fn lines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}

fn trimmed(piece: &Arc<Piece>, mut start: usize, mut end: usize) -> Origin {
    while start < end && piece.bytes[start].is_ascii_whitespace() {
        start += 1;
    }
    while start < end && piece.bytes[end - 1].is_ascii_whitespace() {
        end -= 1;
    }
    Origin { piece: Arc::clone(piece), start, end }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a few bytes at a time, as a source does that flushes each line.
    struct Drops(io::Cursor<Vec<u8>>, usize);

    impl Read for Drops {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let most = buffer.len().min(self.1);
            self.0.read(&mut buffer[..most])
        }
    }

    #[test]
    fn a_piece_keeps_no_more_memory_than_its_bytes() {
        let text: String = (0..500).map(|number| format!("{{\"line\":{number:>20}}}\n")).collect();
        for at_once in [7, 31, 64, 1 << 20] {
            let mut pieces = start(Box::new(Drops(io::Cursor::new(text.clone().into_bytes()), at_once)));
            let mut read = Vec::new();
            let mut kept = Vec::new();
            while let Some(piece) = pieces.blocking_recv() {
                let piece = piece.expect("read");
                assert!(piece.ends_with(b"\n"), "whole lines");
                read.extend_from_slice(&piece);
                kept.push(piece);
            }
            assert_eq!(read, text.as_bytes());
            for piece in kept {
                let length = piece.len();
                let memory = piece.try_into_mut().expect("nothing shares its memory").capacity();
                assert!(memory <= length * 2, "{memory} bytes are kept for {length}");
            }
        }
    }
}
