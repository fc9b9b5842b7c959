//! What a run tells while it works. The engine never writes to a terminal: it calls this.

/// The parts of a run, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Rows are read from the source and compared with the ledger.
    Reading,
    /// Changed rows are mapped and checked.
    Checking,
    /// Operations are sent.
    Sending,
    /// Records of rows that left the model are emptied or archived.
    Removing,
}

/// Receives progress; called from several threads, must return quickly.
pub trait Progress: Send + Sync {
    /// A phase of a sync begins. `rows` is how many rows it will handle, where that is known.
    fn phase(&self, sync: &str, phase: Phase, rows: Option<u64>);
    /// So many more rows are done in this phase.
    fn advance(&self, rows: u64);
    /// Something a person should know while the run goes on (a wait, a retry that takes long).
    fn note(&self, text: &str);
}

/// Says nothing.
#[derive(Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn phase(&self, _sync: &str, _phase: Phase, _rows: Option<u64>) {}
    fn advance(&self, _rows: u64) {}
    fn note(&self, _text: &str) {}
}
