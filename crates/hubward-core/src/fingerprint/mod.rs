//! Key hashes and fingerprints of whole record batches, a column at a time.
//!
//! A fingerprint is a 64-bit hash of one row's mapped columns, compared only with the same row's former fingerprint. Each
//! value's hash depends on what it means, not on how a driver delivers it: the width and sign of integers, the scale of
//! decimals, the unit of timestamps, the kind of string array and dictionary encoding make no difference, nor do `-0.0`
//! or the many NaNs. Each value is mixed with its column's name, and the columns are added up: two columns that swap their
//! values are seen, the order of the model's columns is not.
//!
//! A key hash is the XXH3-128 of the key's text (of the parts' hashes, for several columns), so that a key survives a
//! change of its column's type. Left to the caller: the ledger, duplicates, and rows without a key.

mod column;
mod key;
mod value;

#[cfg(test)]
mod tests;

use arrow_array::RecordBatch;
use arrow_schema::Schema;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use crate::suggest::nearest;

/// Changes whenever the same rows hash differently than in the version before; the ledger stores it.
pub const HASH_VERSION: u32 = 1;

/// A column that the project names and the model does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the model has no column {column}{}", .nearest.as_ref().map_or_else(String::new, |near| format!(", did you mean {near}?")))]
pub struct UnknownColumn {
    pub column: String,
    /// The column with the nearest name.
    pub nearest: Option<String>,
}

/// Hashes batches of one model for one sync.
#[derive(Debug)]
pub struct Fingerprinter {
    keys: Vec<Column>,
    mapped: Vec<Column>,
    /// One column's value hashes; kept from batch to batch.
    scratch: Vec<u64>,
    /// One column's null bits and hashes of a composite key.
    key_scratch: Vec<u128>,
}

#[derive(Debug)]
struct Column {
    name: String,
    index: usize,
    seed: u64,
}

impl Fingerprinter {
    /// `mapped_columns` are the columns that decide what is written ([`crate::mapping::Mapping::columns`]); the match
    /// column is added to them. Order and repetition do not matter there; the order of `key_columns` does.
    ///
    /// # Errors
    /// Every named column that the schema lacks.
    pub fn new(
        schema: &Schema,
        key_columns: &[String],
        mapped_columns: &[String],
        match_column: Option<&str>,
    ) -> Result<Self, Vec<UnknownColumn>> {
        let mut unknown = Vec::new();
        let mut find = |name: &str| -> Option<Column> {
            if let Some((index, _)) = schema.column_with_name(name) {
                return Some(Column { name: name.to_owned(), index, seed: xxh3_64(name.as_bytes()) });
            }
            let missing = UnknownColumn {
                column: name.to_owned(),
                nearest: nearest(name, schema.fields().iter().map(|field| field.name().as_str())).map(str::to_owned),
            };
            if !unknown.contains(&missing) {
                unknown.push(missing);
            }
            None
        };
        let keys: Vec<Column> = key_columns.iter().filter_map(|name| find(name)).collect();
        let mut names: Vec<&str> = mapped_columns.iter().map(String::as_str).chain(match_column).collect();
        names.sort_unstable();
        names.dedup();
        let mapped: Vec<Column> = names.into_iter().filter_map(&mut find).collect();
        if unknown.is_empty() {
            Ok(Self { keys, mapped, scratch: Vec::new(), key_scratch: Vec::new() })
        } else {
            Err(unknown)
        }
    }

    /// The columns that the fingerprint covers, sorted.
    pub fn mapped_columns(&self) -> impl Iterator<Item = &str> {
        self.mapped.iter().map(|column| column.name.as_str())
    }

    /// Hashes every row of a batch of the schema that [`Fingerprinter::new`] was given. The three vectors are emptied and
    /// filled with one entry a row; `key_nulls[row]` says that a part of the key is NULL, and the row's key hash then
    /// means nothing.
    ///
    /// # Panics
    /// If the batch has another schema.
    pub fn hash_batch(
        &mut self,
        batch: &RecordBatch,
        keys: &mut Vec<u128>,
        fingerprints: &mut Vec<u64>,
        key_nulls: &mut Vec<bool>,
    ) {
        let rows = batch.num_rows();
        let schema = batch.schema_ref();
        fingerprints.clear();
        fingerprints.resize(rows, 0);
        for column in &self.mapped {
            let field = schema.field(column.index);
            assert_eq!(field.name(), &column.name, "every batch of a model has the model's schema");
            self.scratch.clear();
            column::hash(batch.column(column.index).as_ref(), field, &mut self.scratch);
            debug_assert_eq!(self.scratch.len(), rows);
            for (fingerprint, hash) in fingerprints.iter_mut().zip(&self.scratch) {
                *fingerprint = fingerprint.wrapping_add(value::mix(hash.wrapping_add(column.seed)));
            }
        }
        key_nulls.clear();
        key_nulls.resize(rows, self.keys.is_empty());
        keys.clear();
        keys.resize(rows, 0);
        for (position, column) in self.keys.iter().enumerate() {
            let field = schema.field(column.index);
            assert_eq!(field.name(), &column.name, "every batch of a model has the model's schema");
            self.key_scratch.clear();
            key::hash(batch.column(column.index).as_ref(), field, &mut self.key_scratch, key_nulls);
            debug_assert_eq!(self.key_scratch.len(), rows);
            if position == 0 {
                std::mem::swap(keys, &mut self.key_scratch);
                continue;
            }
            for (key, part) in keys.iter_mut().zip(&self.key_scratch) {
                let mut both = [0u8; 32];
                both[..16].copy_from_slice(&key.to_le_bytes());
                both[16..].copy_from_slice(&part.to_le_bytes());
                *key = xxh3_128(&both);
            }
        }
    }
}

/// The hash by which rows are found that fold to one match value ([`crate::convert::fold_match_value`]).
#[must_use]
pub fn match_hash(folded: &str) -> u64 {
    xxh3_64(folded.as_bytes())
}
