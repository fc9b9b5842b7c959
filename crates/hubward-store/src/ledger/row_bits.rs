//! Two bits for each row of the base: whether the scan has met it, and whether the log holds something newer.

const ROWS_PER_WORD: usize = 32;
const SEEN: u64 = 0b01;
const OVERRIDDEN: u64 = 0b10;
/// The overridden bits of a word.
const ALL_OVERRIDDEN: u64 = 0xAAAA_AAAA_AAAA_AAAA;

#[derive(Debug, Default)]
pub(super) struct RowBits(Vec<u64>);

impl RowBits {
    pub(super) fn new(rows: usize) -> Self {
        Self(vec![0; rows.div_ceil(ROWS_PER_WORD)])
    }

    /// Both bits of a row at one go: (seen, overridden).
    pub(super) fn both(&self, row: usize) -> (bool, bool) {
        let bits = self.0[row / ROWS_PER_WORD] >> (row % ROWS_PER_WORD * 2);
        (bits & SEEN != 0, bits & OVERRIDDEN != 0)
    }

    pub(super) fn is_seen(&self, row: usize) -> bool {
        self.both(row).0
    }

    pub(super) fn is_overridden(&self, row: usize) -> bool {
        self.both(row).1
    }

    pub(super) fn set_seen(&mut self, row: usize) {
        self.0[row / ROWS_PER_WORD] |= SEEN << (row % ROWS_PER_WORD * 2);
    }

    pub(super) fn set_overridden(&mut self, row: usize) {
        self.0[row / ROWS_PER_WORD] |= OVERRIDDEN << (row % ROWS_PER_WORD * 2);
    }

    pub(super) fn forget_seen(&mut self) {
        for word in &mut self.0 {
            *word &= ALL_OVERRIDDEN;
        }
    }
}
