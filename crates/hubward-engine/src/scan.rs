//! Reading a model to its end and comparing every row with the ledger.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::{RecordBatch, UInt32Array};
use arrow_schema::Schema;
use hubward_core::fingerprint::Fingerprinter;
use hubward_core::row::{key_text, value_at};
use hubward_core::spec::Model;
use hubward_core::{Outcome, Reason};
use hubward_sources::RowStream;
use hubward_store::{Ledger, Probe};

use crate::error::EngineError;
use crate::issues::Sink;
use crate::progress::Progress;
use crate::row::{Verdict, WrittenRecord};
use crate::spill::{Kind, Mark, Spill, SpillWriter};
use crate::tally::Tally;

/// What a scan needs to know.
pub(crate) struct ScanOrder<'a> {
    pub(crate) model: &'a Model,
    /// Columns whose values are sent, templates' columns included.
    pub(crate) mapped_columns: &'a [String],
    /// Send unchanged rows too.
    pub(crate) full: bool,
    /// The mapping was changed since the ledger was written: unchanged rows are mapped anew and compared by value.
    pub(crate) recheck: bool,
    pub(crate) spill_folder: PathBuf,
}

/// The model as it stands, compared.
pub(crate) struct Scan {
    pub(crate) spill: Spill,
    /// Rows that the model returned.
    pub(crate) rows: u64,
    pub(crate) added: u64,
    pub(crate) changed: u64,
    pub(crate) unchanged: u64,
    /// Rows of the ledger that the model no longer returns.
    pub(crate) removed: u64,
    /// Keys that more than one row has.
    pub(crate) duplicates: HashMap<u128, Duplicate>,
    /// Rows that are invalid already: their primary key is missing.
    pub(crate) invalid: u64,
}

/// A primary key that several rows have.
#[derive(Debug, Default)]
pub(crate) struct Duplicate {
    /// Positions of its rows in the model, as far as they are known.
    pub(crate) ordinals: Vec<u64>,
    /// The ledger knows the key; the first of its rows may then have been counted as unchanged, and is not in `ordinals`.
    pub(crate) in_ledger: bool,
}

/// Compares the rows of `stream` with `ledger`. Blocking. Unchanged rows are counted in `tally` at once; rows without a
/// key end as verdicts in `sink`; all others are in the spill.
pub(crate) fn scan(
    order: &ScanOrder<'_>,
    stream: &mut dyn RowStream,
    ledger: &mut Ledger,
    tally: &Arc<Tally>,
    sink: &mut Sink<'_>,
    progress: &dyn Progress,
) -> Result<Scan, EngineError> {
    scan_rows(order, stream, ledger, tally, sink, progress, false)
}

/// As [`scan`]; rows without a key are in the spill too, beside their verdicts, so that it can be seen what they are
/// matched by.
pub(crate) fn scan_with_keyless(
    order: &ScanOrder<'_>,
    stream: &mut dyn RowStream,
    ledger: &mut Ledger,
    tally: &Arc<Tally>,
    sink: &mut Sink<'_>,
    progress: &dyn Progress,
) -> Result<Scan, EngineError> {
    scan_rows(order, stream, ledger, tally, sink, progress, true)
}

fn scan_rows(
    order: &ScanOrder<'_>,
    stream: &mut dyn RowStream,
    ledger: &mut Ledger,
    tally: &Arc<Tally>,
    sink: &mut Sink<'_>,
    progress: &dyn Progress,
    spills_keyless: bool,
) -> Result<Scan, EngineError> {
    let schema = stream.schema();
    let wanted = wanted_columns(&schema, order)?;
    let projected = Arc::new(
        schema
            .project(&wanted)
            .map_err(|error| EngineError::new("source", format!("cannot read its columns: {error}")))?,
    );
    let mut fingerprinter = Fingerprinter::new(&projected, &order.model.primary_key, order.mapped_columns, None)
        .map_err(|unknown| {
            let names: Vec<String> = unknown.into_iter().map(|unknown| unknown.column).collect();
            unknown_columns(order.model, &names, &schema)
        })?;
    let mut spill = SpillWriter::create(&order.spill_folder, &projected)?;
    let mut found = Found::default();
    // Halves of the keys of rows that are not in the ledger; the ledger itself marks those that are.
    let mut fresh: Vec<u64> = Vec::new();
    let (mut keys, mut fingerprints, mut key_nulls, mut probes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());

    ledger.begin_scan();
    while let Some(batch) = stream.next_batch()? {
        let batch = batch
            .project(&wanted)
            .map_err(|error| EngineError::new("source", format!("cannot read its columns: {error}")))?;
        keys.clear();
        fingerprints.clear();
        key_nulls.clear();
        fingerprinter.hash_batch(&batch, &mut keys, &mut fingerprints, &mut key_nulls);
        let (probe_keys, probe_fingerprints) = without_nulls(&keys, &fingerprints, &key_nulls);
        probes.clear();
        ledger.probe(&probe_keys, &probe_fingerprints, &mut probes)?;

        let mut take: Vec<u32> = Vec::new();
        let mut marks: Vec<Mark> = Vec::new();
        let mut unchanged = 0;
        let mut answers = probes.iter();
        for row in 0..batch.num_rows() {
            let ordinal = found.rows + row as u64 + 1;
            let key = keys[row];
            let mut mark = |kind| {
                take.push(u32::try_from(row).expect("a batch has fewer than 2^32 rows"));
                marks.push(Mark { key, fingerprint: fingerprints[row], ordinal, kind });
            };
            if key_nulls[row] {
                found.invalid += 1;
                sink.push(missing_key(order.model, tally, ordinal));
                if spills_keyless {
                    mark(Kind::Keyless);
                }
                continue;
            }
            match answers.next() {
                Some(Probe::Added) | None => {
                    fresh.push(half_of(key));
                    mark(Kind::Added);
                }
                Some(Probe::Changed) => {
                    found.changed += 1;
                    mark(if order.full { Kind::Full } else { Kind::Changed });
                }
                Some(Probe::Unchanged) if order.full => {
                    found.unchanged += 1;
                    mark(Kind::Full);
                }
                Some(Probe::Unchanged) if order.recheck => {
                    found.unchanged += 1;
                    mark(Kind::Recheck);
                }
                Some(Probe::Unchanged) => {
                    found.unchanged += 1;
                    unchanged += 1;
                }
                Some(Probe::SeenAgain) => {
                    let duplicate = found.duplicates.entry(key).or_default();
                    duplicate.in_ledger = true;
                    duplicate.ordinals.push(ordinal);
                    mark(Kind::Changed);
                }
            }
        }
        tally.many(Outcome::Unchanged, unchanged);
        if !take.is_empty() {
            let taken = if take.len() == batch.num_rows() { batch.clone() } else { take_rows(&batch, &take)? };
            spill.push(&taken, &marks)?;
        }
        found.rows += batch.num_rows() as u64;
        progress.advance(batch.num_rows() as u64);
    }
    sink.flush();
    let spill = spill.finish()?;
    let mut added = fresh.len() as u64;
    for (key, duplicate) in doubled(&spill, fresh)? {
        added -= duplicate.ordinals.len() as u64 - 1;
        found.duplicates.insert(key, duplicate);
    }
    Ok(Scan {
        spill,
        rows: found.rows,
        added,
        changed: found.changed,
        unchanged: found.unchanged,
        removed: ledger.unseen_count(),
        duplicates: found.duplicates,
        invalid: found.invalid,
    })
}

/// The scan's counts while it goes on.
#[derive(Default)]
struct Found {
    rows: u64,
    changed: u64,
    unchanged: u64,
    invalid: u64,
    duplicates: HashMap<u128, Duplicate>,
}

/// Keys are hashes, so half of one is as good a suspicion; a map of whole keys would take five times the memory.
fn half_of(key: u128) -> u64 {
    key as u64
}

/// The keys that more than one of the added rows has.
fn doubled(spill: &Spill, mut halves: Vec<u64>) -> Result<HashMap<u128, Duplicate>, EngineError> {
    halves.sort_unstable();
    let twice: HashSet<u64> = halves.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
    drop(halves);
    let mut found: HashMap<u128, Duplicate> = HashMap::new();
    if !twice.is_empty() {
        let mut reader = spill.read()?;
        while let Some((_, marks)) = reader.next_batch()? {
            for mark in marks {
                if mark.kind == Kind::Added && twice.contains(&half_of(mark.key)) {
                    found.entry(mark.key).or_default().ordinals.push(mark.ordinal);
                }
            }
        }
        found.retain(|_, duplicate| duplicate.ordinals.len() > 1);
    }
    Ok(found)
}

/// Positions of the columns that the sync reads, in the model's order.
fn wanted_columns(schema: &Schema, order: &ScanOrder<'_>) -> Result<Vec<usize>, EngineError> {
    let mut wanted = Vec::new();
    let mut unknown = Vec::new();
    for name in order.model.primary_key.iter().chain(order.mapped_columns) {
        match schema.index_of(name) {
            Ok(index) if wanted.contains(&index) => {}
            Ok(index) => wanted.push(index),
            Err(_) => unknown.push(name.clone()),
        }
    }
    if unknown.is_empty() {
        wanted.sort_unstable();
        Ok(wanted)
    } else {
        Err(unknown_columns(order.model, &unknown, schema))
    }
}

pub(crate) fn unknown_columns(model: &Model, unknown: &[String], schema: &Schema) -> EngineError {
    let has: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let message = format!("model {:?} has no column {}", model.name, quoted(unknown));
    EngineError::new("unknown-column", message).help(format!("its columns are {}", has.join(", "))).at(&model.at)
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ")
}

/// A row whose primary key is NULL is invalid: nothing could ever find it again.
fn missing_key(model: &Model, tally: &Arc<Tally>, ordinal: u64) -> Verdict {
    tally.ticket().finish(Outcome::Invalid);
    let text = format!(
        "primary key {} is NULL in row {ordinal} of the model; give every row a key",
        model.primary_key.join(", ")
    );
    Verdict {
        key_text: format!("row {ordinal}"),
        outcome: Outcome::Invalid,
        reason: Some(Reason::new("MISSING_KEY", text)),
        attempts: 0,
        key: None,
        unsettle: None,
        handed_on: None,
        written: WrittenRecord::default(),
    }
}

fn without_nulls(keys: &[u128], fingerprints: &[u64], nulls: &[bool]) -> (Vec<u128>, Vec<u64>) {
    if !nulls.contains(&true) {
        return (keys.to_vec(), fingerprints.to_vec());
    }
    let mut kept = (Vec::with_capacity(keys.len()), Vec::with_capacity(keys.len()));
    for (row, null) in nulls.iter().enumerate() {
        if !null {
            kept.0.push(keys[row]);
            kept.1.push(fingerprints[row]);
        }
    }
    kept
}

fn take_rows(batch: &RecordBatch, rows: &[u32]) -> Result<RecordBatch, EngineError> {
    let indices = UInt32Array::from(rows.to_vec());
    arrow_select::take::take_record_batch(batch, &indices)
        .map_err(|error| EngineError::new("spill", format!("cannot set changed rows aside: {error}")))
}

/// The row's key as reports show it.
pub(crate) fn shown_key(model: &Model, batch: &RecordBatch, row: usize) -> Result<String, EngineError> {
    let mut values = Vec::with_capacity(model.primary_key.len());
    for name in &model.primary_key {
        let index = batch
            .schema_ref()
            .index_of(name)
            .map_err(|_| unknown_columns(model, std::slice::from_ref(name), batch.schema_ref()))?;
        let value = value_at(batch.column(index).as_ref(), batch.schema_ref().field(index), row)
            .map_err(|error| EngineError::new("source", format!("cannot read the primary key: {error}")))?;
        values.push(value);
    }
    Ok(key_text(&values).unwrap_or_else(|| "NULL".to_owned()))
}
