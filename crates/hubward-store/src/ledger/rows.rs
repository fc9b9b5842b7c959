//! What memory holds of a ledger's rows, and how a record of the log changes it.

use std::path::Path;

use super::base::{Base, BaseRow};
use super::entry::{EntryHead, PayloadRef};
use super::find;
use super::intents::{GroupRow, OpenIntents};
use super::log_table::{LogTable, Slot};
use super::record::{NoRecord, Record, Records};
use super::row_bits::RowBits;
use crate::StoreError;

/// What memory holds of the rows.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// Keys of the log; a key here wins over the base.
    pub(super) table: LogTable,
    /// Seen and overridden rows of the base. A row that is overridden but not in the table was removed.
    pub(super) bits: RowBits,
    /// Rows of the base that were removed without a slot in the table.
    pub(super) dropped: u64,
    /// Live entries.
    pub(super) len: u64,
    /// Live entries that the scan has met.
    pub(super) seen: u64,
    /// A scan has begun since the ledger was opened.
    pub(super) scanning: bool,
    pub(super) intents: OpenIntents,
}

impl Rows {
    /// Takes over the records of a frame's body that lies at `body_at` in the log: the same for a new and for a replayed one.
    pub(super) fn replay(
        &mut self,
        base: Option<&Base>,
        body_at: u64,
        body: &[u8],
        log: &Path,
    ) -> Result<(), StoreError> {
        let mut records = Records::new(body_at, body);
        loop {
            match records.next() {
                Ok(None) => return Ok(()),
                Ok(Some(record)) => self.apply(base, body_at, record, log)?,
                Err(NoRecord) => {
                    return Err(StoreError::corrupt(log, format!("the frame at byte {body_at} holds no records")));
                }
            }
        }
    }

    fn apply(&mut self, base: Option<&Base>, body_at: u64, record: Record, log: &Path) -> Result<(), StoreError> {
        match record {
            Record::Confirmed { head, payload_at, payload_len } => {
                self.intents.end(head.key);
                let payload = PayloadRef::new(body_at + payload_at as u64, payload_len);
                self.confirm(base, head, payload)?;
            }
            Record::Refingerprint { key, fingerprint, mapped } => {
                if let Some(number) = self.slot_for_change(base, key)? {
                    let head = &mut self.table.slot_mut(number).head;
                    head.fingerprint = fingerprint;
                    head.mapped = mapped;
                }
            }
            Record::Associated { key, fingerprint, associated } => {
                if let Some(number) = self.slot_for_change(base, key)? {
                    let head = &mut self.table.slot_mut(number).head;
                    head.fingerprint = fingerprint;
                    head.associated = associated;
                }
            }
            Record::Removed { key } => self.remove(base, key)?,
            Record::Intent(intent) => self.intents.insert(intent),
            Record::Group(group) => self.intents.insert_group(group),
            Record::ConfirmedGroup { first } => {
                let Some(group) = self.intents.end_group(first) else {
                    return Err(StoreError::corrupt(log, format!("the frame at byte {body_at} confirms no intents")));
                };
                for GroupRow { key, fingerprint, payload } in group.rows {
                    self.confirm(base, EntryHead { key, fingerprint, ..EntryHead::default() }, payload)?;
                }
            }
            Record::IntentCleared { key } => {
                self.intents.end(key);
            }
        }
        Ok(())
    }

    fn confirm(&mut self, base: Option<&Base>, head: EntryHead, payload: PayloadRef) -> Result<(), StoreError> {
        let number = match (self.slot_from_base(base, head.key)?, self.table.find(head.key)) {
            (Some(number), _) => number,
            (None, Some(number)) => {
                self.len += u64::from(std::mem::take(&mut self.table.slot_mut(number).removed));
                number
            }
            (None, None) => {
                self.len += 1;
                self.table.insert(Slot { head, ..Slot::default() })
            }
        };
        let slot = self.table.slot_mut(number);
        slot.head = head;
        slot.payload = payload;
        slot.in_heap = false;
        if self.scanning && !slot.seen {
            slot.seen = true;
            self.seen += 1;
        }
        Ok(())
    }

    /// The slot of a live entry, made from the base's row where the log has none yet.
    fn slot_for_change(&mut self, base: Option<&Base>, key: u128) -> Result<Option<u32>, StoreError> {
        if let Some(number) = self.slot_from_base(base, key)? {
            return Ok(Some(number));
        }
        let number = self.table.find(key);
        Ok(number.filter(|&number| !self.table.slot(number).removed))
    }

    /// A slot made from the base's row, where it is the base that knows the key.
    fn slot_from_base(&mut self, base: Option<&Base>, key: u128) -> Result<Option<u32>, StoreError> {
        if let Some((row, BaseRow { head, payload })) = find(base, key)?
            && !self.bits.is_overridden(row)
        {
            self.bits.set_overridden(row);
            return Ok(Some(self.table.insert(Slot {
                head,
                payload,
                in_heap: true,
                removed: false,
                seen: self.bits.is_seen(row),
            })));
        }
        Ok(None)
    }

    fn remove(&mut self, base: Option<&Base>, key: u128) -> Result<(), StoreError> {
        let was_seen;
        if let Some((row, _)) = find(base, key)?
            && !self.bits.is_overridden(row)
        {
            self.bits.set_overridden(row);
            self.dropped += 1;
            was_seen = self.bits.is_seen(row);
        } else {
            let Some(number) = self.table.find(key) else {
                return Ok(());
            };
            let slot = self.table.slot_mut(number);
            if slot.removed {
                return Ok(());
            }
            slot.removed = true;
            was_seen = std::mem::take(&mut slot.seen);
        }
        self.len -= 1;
        self.seen -= u64::from(was_seen);
        Ok(())
    }
}
