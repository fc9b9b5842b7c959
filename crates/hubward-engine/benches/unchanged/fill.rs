//! Fills a ledger with what a first run would have recorded, without sending ten million rows.
//!
//! That it is the same is checked: a first run of a few rows is made on the sandbox, and its ledger compared with one that
//! was filled.

use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use hubward_core::PropertyDef;
use hubward_core::convert::{ConvertContext, Owners, fold_match_value};
use hubward_core::fingerprint::{Fingerprinter, match_hash};
use hubward_core::mapping::{MappedRow, Mapping};
use hubward_core::row::{key_text, value_at};
use hubward_core::spec::Nulls;
use hubward_engine::{Engine, RunOptions, Status, SyncJob};
use hubward_sources::ReadOptions;
use hubward_store::{Change, Entry, Ledger, LedgerMeta, LedgerOptions, Payload};
use xxhash_rust::xxh3::xxh3_64;

use crate::support::Account;
use crate::{data, support, sync};

/// Rows of the first run that the filling is checked by.
const CHECKED_ROWS: u64 = 2_000;
/// Rows that become durable together.
const FRAME_ROWS: usize = 20_000;
/// The filled ledger's state lies here, below the folder of the measurement.
pub(crate) const STATE: &str = "state";
const FILLED: &str = "filled";

/// Makes file and ledger of a measurement unless they are there.
pub(crate) fn prepare(rows: u64) {
    let folder = data::folder(rows);
    data::write(rows);
    let head = check();
    if folder.join(FILLED).exists() && holds(&folder.join(STATE), &head) {
        return;
    }
    let _ = std::fs::remove_dir_all(folder.join(STATE));
    let account = sync::account();
    support::runtime().block_on(fill(&account, &folder.join(STATE), &sync::job(rows), head));
    std::fs::write(folder.join(FILLED), []).expect("the folder can be written");
}

/// Whether a ledger filled before is one that this version would write.
fn holds(state: &Path, head: &LedgerMeta) -> bool {
    Ledger::open(&ledger_folder(state), LedgerOptions::default()).is_ok_and(|ledger| ledger.meta() == head)
}

/// Panics unless a filled ledger has the entries of a first run, record ids apart. Returns the head that the run wrote.
fn check() -> LedgerMeta {
    data::write(CHECKED_ROWS);
    let job = sync::job(CHECKED_ROWS);
    let folder = tempfile::tempdir_in(support::data_folder()).expect("a temporary folder");
    let account = sync::account();
    let (ran, filled) = (folder.path().join("ran"), folder.path().join("filled"));
    support::runtime().block_on(async {
        let engine = support::engine(&account, &ran).await;
        let report = engine.run_sync(&job, "check", &RunOptions::default()).await;
        assert!(report.status == Status::Ok && report.changes.added == CHECKED_ROWS, "{report:?}");
    });
    let (head, expected) = entries(&ran);
    assert_eq!(expected.len() as u64, CHECKED_ROWS);
    support::runtime().block_on(fill(&account, &filled, &job, head.clone()));
    let (_, found) = entries(&filled);
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected, "a filled ledger is that of a first run");
    }
    head
}

/// The folder of the one ledger in a state folder.
fn ledger_folder(state: &Path) -> PathBuf {
    let mut folder = state.join("ledger");
    for _ in 0..2 {
        let mut items = std::fs::read_dir(folder).expect("a ledger was written");
        folder = items.next().expect("one account, one sync").expect("it can be listed").path();
    }
    folder
}

/// Head and entries of the one ledger in a state folder, without record ids, by key.
fn entries(state: &Path) -> (LedgerMeta, Vec<Entry>) {
    let ledger = Ledger::open(&ledger_folder(state), LedgerOptions::default()).expect("the ledger opens");
    let mut entries: Vec<Entry> = ledger.iter().map(|entry| entry.expect("the entry can be read")).collect();
    for entry in &mut entries {
        assert!(entry.record_id != 0);
        entry.record_id = 0;
    }
    entries.sort_unstable_by_key(|entry| entry.key);
    (ledger.meta().clone(), entries)
}

/// Records every row of the job's model as confirmed, and `head` beside them.
async fn fill(account: &Account, state: &Path, job: &SyncJob, head: LedgerMeta) {
    let engine = support::engine(account, state).await;
    let object = engine.object_type(&job.sync.object).await.expect("contacts exist");
    let properties = engine.properties(&object).await.expect("the account has properties");
    let folder = state.join("ledger").join(engine.account().portal_id.to_string()).join(&job.sync.name);
    std::fs::create_dir_all(&folder).expect("the folder can be written");
    let mut ledger = Ledger::open(&folder, LedgerOptions::default()).expect("a new ledger");

    let source = hubward_sources::open(&job.source).expect("the folder exists");
    let mut stream = source.read(&job.model.query, &ReadOptions::default()).expect("the file can be read");
    let schema = stream.schema();
    let (map, match_) = (&job.sync.map, &job.sync.match_);
    let mapping = Mapping::compile(map, match_, job.sync.mode, job.sync.nulls, &properties, &schema).expect("it fits");
    let mut fingerprinter =
        Fingerprinter::new(&schema, &job.model.primary_key, &mapping.columns(), None).expect("the columns exist");
    let recording =
        Recording { job, mapping: &mapping, properties: &properties, normalises_dates: normalises(&engine) };
    let (mut keys, mut fingerprints, mut nulls) = (Vec::new(), Vec::new(), Vec::new());
    let mut changes = Vec::new();
    while let Some(batch) = stream.next_batch().expect("the file can be read") {
        fingerprinter.hash_batch(&batch, &mut keys, &mut fingerprints, &mut nulls);
        for row in 0..batch.num_rows() {
            changes.push(Change::Confirmed(recording.entry(&batch, row, keys[row], fingerprints[row])));
        }
        if changes.len() >= FRAME_ROWS {
            ledger.append(&changes).expect("the ledger takes it");
            ledger.compact_if_due().expect("the ledger is compacted");
            changes.clear();
        }
    }
    ledger.append(&changes).expect("the ledger takes it");
    ledger.compact().expect("the ledger is compacted");
    ledger.set_meta(head).expect("the ledger takes its head");
}

/// The sandbox of the measurement speaks the newest version, which takes dates as they are.
fn normalises(engine: &Engine) -> bool {
    engine.client().version() == hubward_hubspot::ApiVersion::V2026_09
}

/// What entries are made from.
struct Recording<'a> {
    job: &'a SyncJob,
    mapping: &'a Mapping,
    properties: &'a [PropertyDef],
    normalises_dates: bool,
}

impl Recording<'_> {
    fn entry(&self, batch: &RecordBatch, row: usize, key: u128, fingerprint: u64) -> Entry {
        let owners = Owners::unknown();
        let context = ConvertContext { owners: &owners, version_normalises_dates: self.normalises_dates };
        let mapped = self.mapping.row(batch, row, &context).expect("the row can be written");
        let match_value = mapped.match_value.clone().expect("the row has its e-mail");
        let property = &self.job.sync.match_.property;
        let kind = &self.properties.iter().find(|known| known.name == *property).expect("contacts have e-mails").type_;
        let id = batch.schema_ref().index_of(&self.job.model.primary_key[0]).expect("the key is a column");
        let value = value_at(batch.column(id).as_ref(), batch.schema_ref().field(id), row).expect("a number");
        Entry {
            key,
            fingerprint,
            mapped: mapped_hash(&mapped),
            match_hash: match_hash(&fold_match_value(property, kind, &match_value)),
            record_id: u64::try_from(key >> 65).expect("63 bits") + 1,
            associated: 0,
            payload: Payload {
                key_text: key_text(std::slice::from_ref(&value)).expect("the key is not NULL"),
                match_value: Some(match_value),
                written: written(&mapped),
            },
        }
    }
}

/// The engine's hash of what a row writes, where NULLs write nothing.
fn mapped_hash(mapped: &MappedRow) -> u64 {
    let mut hash: u64 = 0;
    for (name, value) in &mapped.values {
        if let Some(text) = value {
            hash = hash.wrapping_add(xxh3_64(format!("{name}\0\u{1}{text}").as_bytes()));
        }
    }
    hash
}

/// Bits of the properties that a first write gives a value, in the order of the mapping.
fn written(mapped: &MappedRow) -> Vec<u8> {
    let mut bits = vec![0; mapped.values.len().div_ceil(8)];
    for (at, (name, _)) in mapped.values.iter().enumerate() {
        let sent = mapped.properties_to_send(Nulls::Auto, &|_| false);
        if sent.iter().any(|(property, value)| property == name && !value.is_empty()) {
            bits[at / 8] |= 1 << (at % 8);
        }
    }
    while bits.last() == Some(&0) {
        bits.pop();
    }
    bits
}
