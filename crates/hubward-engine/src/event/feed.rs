//! The spill, handed out in chunks that are built side by side; rows that the last run deferred go first.

use std::collections::HashSet;
use std::sync::Arc;

use arrow_array::RecordBatch;

use crate::error::EngineError;
use crate::event::build::{Builder, Built};
use crate::event::row::First;
use crate::spill::{Mark, Spill, SpillReader};
use crate::tally::Tally;

/// Rows built at once: large enough that handing them over costs nothing, small enough to be held several times.
const CHUNK_ROWS: usize = 4_000;

/// Reads the spill, once for each turn.
pub(crate) struct Feed {
    spill: Spill,
    first: First,
    /// The keys of sendings of earlier runs without an outcome.
    doubtful: Arc<HashSet<u128>>,
    builder: Arc<Builder>,
    tally: Arc<Tally>,
    reader: Option<SpillReader>,
    turn: Turn,
    /// What is left of the batch that was read last.
    left: Option<(RecordBatch, Vec<(usize, Mark)>)>,
    /// Spilled rows of this turn's pass that were handed out or passed over.
    position: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    First,
    Main,
    Over,
}

/// Rows of one chunk, to be built on any thread.
pub(crate) struct Chunk {
    batch: RecordBatch,
    rows: Vec<(usize, Mark)>,
    doubtful: Arc<HashSet<u128>>,
    builder: Arc<Builder>,
    tally: Arc<Tally>,
}

impl Chunk {
    /// Blocking.
    pub(crate) fn build(self) -> Built {
        self.builder.build(&self.batch, &self.rows, |key| self.doubtful.contains(&key), &self.tally)
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows.len()
    }
}

impl Feed {
    pub(crate) fn new(
        spill: Spill,
        first: First,
        doubtful: Arc<HashSet<u128>>,
        builder: Arc<Builder>,
        tally: Arc<Tally>,
    ) -> Self {
        let turn = if first.is_empty() { Turn::Main } else { Turn::First };
        Self { spill, first, doubtful, builder, tally, reader: None, turn, left: None, position: 0 }
    }

    /// The next rows; none at the end. Blocking.
    pub(crate) fn next(&mut self) -> Result<Option<Chunk>, EngineError> {
        loop {
            if let Some((batch, mut rows)) = self.left.take() {
                let rest = rows.split_off(rows.len().min(CHUNK_ROWS));
                self.position += rows.len() as u64;
                let handed = Chunk {
                    batch: batch.clone(),
                    rows,
                    doubtful: Arc::clone(&self.doubtful),
                    builder: Arc::clone(&self.builder),
                    tally: Arc::clone(&self.tally),
                };
                self.left = (!rest.is_empty()).then_some((batch, rest));
                return Ok(Some(handed));
            }
            if self.turn == Turn::Over {
                return Ok(None);
            }
            let reader = match &mut self.reader {
                Some(reader) => reader,
                None => self.reader.insert(self.spill.read()?),
            };
            match reader.next_batch()? {
                Some((batch, marks)) => {
                    let due = self.due(marks);
                    self.left = (!due.is_empty()).then_some((batch, due));
                }
                None => {
                    self.reader = None;
                    self.position = 0;
                    self.turn = if self.turn == Turn::First { Turn::Main } else { Turn::Over };
                }
            }
        }
    }

    /// Those of a batch's rows that have their turn.
    fn due(&self, marks: Vec<Mark>) -> Vec<(usize, Mark)> {
        let turn = self.turn;
        let is_due = |mark: &Mark| (turn == Turn::First) == self.first.contains(&mark.key);
        marks.into_iter().enumerate().filter(|(_, mark)| is_due(mark)).collect()
    }

    /// Rows that were never handed out, and the first of their keys. Blocking.
    pub(crate) fn remaining(&mut self, keys_max: usize) -> Result<(u64, Vec<u128>), EngineError> {
        let (mut rows, mut keys) = (0, Vec::new());
        let mut handed = self.position;
        loop {
            if self.turn == Turn::Over {
                return Ok((rows, keys));
            }
            let mut reader = self.spill.read()?;
            while let Some((_, marks)) = reader.next_batch()? {
                for (_, mark) in self.due(marks) {
                    if handed > 0 {
                        handed -= 1;
                        continue;
                    }
                    rows += 1;
                    if keys.len() < keys_max {
                        keys.push(mark.key);
                    }
                }
            }
            handed = 0;
            self.turn = if self.turn == Turn::First { Turn::Main } else { Turn::Over };
        }
    }
}

/// The keys of a spill that are among `wanted`. Blocking.
pub(crate) fn met(spill: &Spill, wanted: &HashSet<u128>) -> Result<HashSet<u128>, EngineError> {
    let mut found = HashSet::new();
    if wanted.is_empty() {
        return Ok(found);
    }
    let mut reader = spill.read()?;
    while let Some((_, marks)) = reader.next_batch()? {
        found.extend(marks.iter().map(|mark| mark.key).filter(|key| wanted.contains(key)));
    }
    Ok(found)
}
