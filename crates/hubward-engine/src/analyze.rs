//! The second look at what a scan set aside: mapping, conversion, duplicate match values. Afterwards it is decided for
//! every spilled row whether it is sent, and every row that cannot be sent has its reason.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow_array::RecordBatch;
use hubward_core::convert::ConvertContext;
use hubward_core::mapping::{MappedRow, Mapping};
use hubward_core::spec::{Mode, Model, Nulls};
use hubward_core::{Outcome, Reason};
use hubward_store::{Change, Entry, Ledger};

use crate::association::{Associations, Links, Want};
use crate::cancel::Cancel;
use crate::doubt::DOUBTED;
use crate::duplicates::{duplicate_key, reject_duplicate_matches};
use crate::error::EngineError;
use crate::issues::Sink;
use crate::preflight::Preflight;
use crate::prepared::Folding;
use crate::progress::Progress;
use crate::row::{Verdict, WrittenRecord};
use crate::scan::{Scan, shown_key};
use crate::shared::NOT_ITS_OWN;
use crate::spill::{Kind, Mark};
use crate::strategy::MatchKind;
use crate::tally::Tally;
use crate::unique_values::UniqueValues;
use crate::written::Written;

/// Refingerprints that are made durable in one frame.
const REFINGERPRINTS_MAX: usize = 10_000;

/// What a spilled row is to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Send,
    /// Sent before the others: the last run deferred it.
    First,
    /// Sent after the others: its match value is given up by another row in this run.
    Late,
    /// Finished already: invalid, or unchanged in what is mapped.
    Finished,
}

/// The rules a row is mapped by, shared by analysis, sending and preview.
pub(crate) struct Rules<'a> {
    pub(crate) model: &'a Model,
    pub(crate) mapping: &'a Mapping,
    pub(crate) nulls: Nulls,
    pub(crate) kind: MatchKind,
    pub(crate) match_column: &'a str,
    pub(crate) match_property: &'a str,
    pub(crate) folding: &'a Folding,
    pub(crate) mode: Mode,
    /// None where the sync has none.
    pub(crate) associations: Option<&'a Associations>,
    pub(crate) preflight: &'a Preflight,
    /// Mapped properties of which HubSpot gives each value to one record only.
    pub(crate) unique: &'a [Arc<str>],
    pub(crate) context: ConvertContext<'a>,
}

/// A mapped row with what the ledger compares.
pub(crate) struct Judged {
    pub(crate) key_text: String,
    pub(crate) mapped: MappedRow,
    pub(crate) mapped_hash: u64,
    /// As it is sent.
    pub(crate) match_value: String,
    /// As HubSpot compares match values.
    pub(crate) match_folded: String,
    pub(crate) match_hash: u64,
    /// Hash of the associations that the row asks for.
    pub(crate) wanted: u64,
    pub(crate) wants: Vec<Want>,
}

/// The analysis of a scan.
#[derive(Default)]
pub(crate) struct Analysis {
    /// One fate for each row of the spill, in order.
    pub(crate) fates: Vec<Fate>,
    pub(crate) invalid: u64,
    /// What rows with open associations ask for.
    pub(crate) links: Links,
    /// Positions of rows of which only the associations differ.
    pub(crate) associate: Vec<u32>,
    /// Hashes of the match values that rows give up, sorted.
    pub(crate) given_up: Vec<u64>,
    /// Hashes of the match values of rows whose record it does not know, those that cannot be sent among them, sorted.
    pub(crate) without_record: Vec<u64>,
    /// Rows that cannot be sent and of which nobody can say which record is theirs.
    pub(crate) nameless: u64,
    /// Rows to send whose record the ledger knows.
    pub(crate) known: u64,
    /// Rows to send whose record it does not know.
    pub(crate) unknown: u64,
    /// Rows that differ in the source but not in what is mapped.
    pub(crate) same_after_mapping: u64,
    /// Rows that are the same in the source but that a changed mapping makes different.
    pub(crate) differs_after_mapping: u64,
    pub(crate) samples: Vec<Sample>,
    /// Commutative hash of what is to be sent: equal digests mean equal plans, whatever the order of the rows.
    pub(crate) digest: u64,
}

/// One row of a plan, for a person.
#[derive(Clone, Debug)]
pub struct Sample {
    pub key: String,
    /// `added` or `changed`.
    pub change: &'static str,
    pub properties: Vec<(String, String)>,
}

impl Rules<'_> {
    /// Maps and converts one row; the error is every reason why it cannot be written.
    pub(crate) fn judge(
        &self,
        batch: &RecordBatch,
        row: usize,
    ) -> Result<Result<Judged, (String, Reason)>, EngineError> {
        let key_text = shown_key(self.model, batch, row)?;
        let mut mapped = match self.mapping.row(batch, row, &self.context) {
            Ok(mapped) => mapped,
            Err(reasons) => return Ok(Err((key_text, join(reasons)))),
        };
        if let Err(reason) = self.preflight.settle(&mut mapped) {
            return Ok(Err((key_text, reason)));
        }
        let Some(value) = mapped.match_value.clone().filter(|value| !value.is_empty()) else {
            let reason = Reason::new(
                "MISSING_MATCH",
                format!(
                    "column {} is empty in the row with primary key {key_text}; without it no record can be matched by {}",
                    self.match_column, self.match_property
                ),
            );
            return Ok(Err((key_text, reason.on(self.match_property, None))));
        };
        if self.kind == MatchKind::Id && (value.parse::<u64>().is_err() || value.starts_with('+')) {
            let reason =
                Reason::new("INVALID_ID", format!("{value:?} is not a HubSpot record id; an id is a whole number"));
            return Ok(Err((key_text, reason.on("id", Some(value)))));
        }
        let match_folded = self.folding.fold(&value);
        let mapped_hash = mapped_hash(&mapped, self.nulls);
        let match_hash = hubward_core::fingerprint::match_hash(&match_folded);
        let (mut wanted, mut wants) = (0, Vec::new());
        if let Some(associations) = self.associations {
            wants = match associations.wants(batch, row) {
                Ok(wants) => wants,
                Err(reason) => return Ok(Err((key_text, reason))),
            };
            wanted = associations.hash(&wants);
        }
        Ok(Ok(Judged { wanted, wants, key_text, mapped, mapped_hash, match_value: value, match_folded, match_hash }))
    }
}

/// Hash of what a row writes. Commutative, and silent about NULLs that write nothing: an entry added to the mapping changes
/// only rows that have a value for it.
fn mapped_hash(mapped: &MappedRow, nulls: Nulls) -> u64 {
    let mut hash: u64 = 0;
    let mut buffer = Vec::new();
    for (name, value) in &mapped.values {
        let (tag, text) = match value {
            Some(text) => (1, text.as_str()),
            None if nulls == Nulls::Clear => (1, ""),
            None => continue,
        };
        buffer.clear();
        buffer.extend_from_slice(name.as_bytes());
        buffer.extend_from_slice(&[0, tag]);
        buffer.extend_from_slice(text.as_bytes());
        hash = hash.wrapping_add(xxhash_rust::xxh3::xxh3_64(&buffer));
    }
    hash
}

/// Several reasons of one row become one: the first property is named, the others follow in the text.
pub(crate) fn join(mut reasons: Vec<Reason>) -> Reason {
    if reasons.is_empty() {
        return Reason::new("INVALID", "the row cannot be mapped");
    }
    let mut first = reasons.remove(0);
    for other in reasons {
        first.text.push_str("; also ");
        if let Some(property) = &other.property {
            first.text.push_str(property);
            first.text.push_str(": ");
        }
        first.text.push_str(&other.text);
    }
    first
}

/// What the analysis works with beside the rules and the scan.
pub(crate) struct Order<'a> {
    pub(crate) written: &'a Written,
    pub(crate) tally: &'a Arc<Tally>,
    pub(crate) progress: &'a dyn Progress,
    pub(crate) cancel: &'a Cancel,
    /// Keys of rows that the last run deferred.
    pub(crate) deferred: &'a HashSet<u128>,
    pub(crate) samples_max: usize,
    /// Nothing is written to the ledger.
    pub(crate) dry: bool,
    /// Rows have left the model, and their records are to be touched.
    pub(crate) removes: bool,
}

impl Order<'_> {
    /// An error once the run is to stop.
    pub(crate) fn go_on(&self) -> Result<(), EngineError> {
        match self.cancel.is_set() {
            true => Err(EngineError::new("interrupted", "interrupted; nothing was sent")),
            false => Ok(()),
        }
    }
}

/// Decides the fate of every spilled row. Blocking.
pub(crate) fn analyze(
    rules: &Rules<'_>,
    scan: &Scan,
    ledger: &mut Ledger,
    sink: &mut Sink<'_>,
    order: &Order<'_>,
) -> Result<Analysis, EngineError> {
    let Order { written, tally, .. } = *order;
    let mut analysis = Analysis::default();
    let mut candidates: Vec<(u64, u32)> = Vec::new();
    let mut unique_values = UniqueValues::default();
    let mut notes = Notes::new(ledger, order.dry);
    let mut spilled_duplicates: HashMap<u128, u64> = HashMap::new();
    let mut reader = scan.spill.read()?;
    while let Some((batch, marks)) = reader.next_batch()? {
        order.go_on()?;
        for (row, mark) in marks.iter().enumerate() {
            if mark.kind == Kind::Keyless {
                analysis.note_unsendable(rules, order, &batch, row, mark);
                analysis.fates.push(Fate::Finished);
                continue;
            }
            if let Some(duplicate) = scan.duplicates.get(&mark.key) {
                *spilled_duplicates.entry(mark.key).or_default() += 1;
                let key = shown_key(rules.model, &batch, row)?;
                let reason = duplicate_key(&key, mark.ordinal, duplicate);
                analysis.note_unsendable(rules, order, &batch, row, mark);
                notes.doubt(mark)?;
                finish_invalid(&mut analysis, tally, sink, key, reason);
                continue;
            }
            let judged = match rules.judge(&batch, row)? {
                Ok(judged) => judged,
                Err((key, reason)) => {
                    if mark.kind == Kind::Added {
                        analysis.note_unsendable(rules, order, &batch, row, mark);
                    }
                    notes.doubt(mark)?;
                    finish_invalid(&mut analysis, tally, sink, key, reason);
                    continue;
                }
            };
            let known = if mark.kind == Kind::Added { None } else { notes.ledger.get(mark.key)? };
            let same = known.as_ref().is_some_and(|entry| {
                let wrote = |position: usize| written.has(&entry.payload.written, &judged.mapped.values[position].0);
                !matches!(entry.mapped, NOT_ITS_OWN | DOUBTED)
                    && entry.match_hash == judged.match_hash
                    && (entry.mapped == judged.mapped_hash
                        // A doubted row is written even where all that can be written is its match value.
                        || (entry.mapped != !judged.mapped_hash
                            && judged.mapped.properties_to_send(rules.nulls, &wrote).is_empty()))
            });
            if let Some(entry) = &known
                && ((same && mark.kind != Kind::Full) || rules.leaves_alone(entry))
                && let Some(associations) = rules.associates(entry, &judged)
            {
                analysis.links.note(associations, &judged.wants, false);
                // A row that only waits for the other ends of its associations has not changed.
                if mark.kind == Kind::Changed && entry.fingerprint == !mark.fingerprint {
                    analysis.same_after_mapping += 1;
                }
                analysis.digest = analysis.digest.wrapping_add(mix(mark.key, judged.mapped_hash, judged.wanted));
                analysis.associate.push(position_of(&analysis)?);
                analysis.fates.push(Fate::Finished);
                continue;
            }
            if same && mark.kind != Kind::Full {
                let moved = known
                    .as_ref()
                    .is_none_or(|entry| (entry.fingerprint, entry.mapped) != (mark.fingerprint, judged.mapped_hash));
                if moved {
                    notes.push(Change::Refingerprint {
                        key: mark.key,
                        fingerprint: mark.fingerprint,
                        mapped: judged.mapped_hash,
                    })?;
                }
                tally.many(Outcome::Unchanged, 1);
                if mark.kind == Kind::Changed {
                    analysis.same_after_mapping += 1;
                }
                analysis.fates.push(Fate::Finished);
                continue;
            }
            if let Some(reason) = rules.empties(&judged, known.as_ref(), written) {
                if order.removes && known.is_none() {
                    analysis.without_record.push(judged.match_hash);
                }
                notes.doubt(mark)?;
                finish_invalid(&mut analysis, tally, sink, judged.key_text, reason);
                continue;
            }
            if mark.kind == Kind::Recheck {
                analysis.differs_after_mapping += 1;
            }
            if let Some(associations) = rules.associations
                && (mark.kind == Kind::Full || known.as_ref().is_none_or(|entry| entry.associated != judged.wanted))
                && judged.wanted != 0
            {
                analysis.links.note(associations, &judged.wants, known.is_none());
            }
            if known.as_ref().is_some_and(|entry| entry.record_id != 0) {
                analysis.known += 1;
            } else {
                analysis.unknown += 1;
                if order.removes {
                    analysis.without_record.push(judged.match_hash);
                }
            }
            if let Some(entry) = &known
                && entry.match_hash != judged.match_hash
                && rules.kind != MatchKind::Id
            {
                analysis.given_up.push(entry.match_hash);
            }
            if analysis.samples.len() < order.samples_max {
                analysis.samples.push(sample(&judged, known.is_some()));
            }
            let what = judged.mapped_hash ^ judged.wanted.rotate_left(17);
            analysis.digest = analysis.digest.wrapping_add(mix(mark.key, what, judged.match_hash));
            let position = position_of(&analysis)?;
            candidates.push((judged.match_hash, position));
            // Of two rows that have a record, the one that holds the value is innocent, and only HubSpot knows which it is.
            if mark.kind == Kind::Added {
                unique_values.note(rules, &judged, position);
            }
            let first = order.deferred.contains(&mark.key);
            analysis.fates.push(if first { Fate::First } else { Fate::Send });
        }
        order.progress.advance(marks.len() as u64);
    }
    notes.flush()?;
    for (key, duplicate) in &scan.duplicates {
        let spilled = spilled_duplicates.get(key).copied().unwrap_or_default();
        if duplicate.in_ledger && spilled == duplicate.ordinals.len() as u64 {
            // The first row of this key was counted as unchanged before its double turned up.
            tally.uncount_unchanged(1);
            tally.many(Outcome::Invalid, 1);
            analysis.invalid += 1;
        }
    }
    analysis.given_up.sort_unstable();
    analysis.given_up.dedup();
    analysis.without_record.sort_unstable();
    for (hash, position) in &candidates {
        if analysis.given_up.binary_search(hash).is_ok() {
            analysis.fates[*position as usize] = Fate::Late;
        }
    }
    reject_duplicate_matches(rules, scan, ledger, sink, order, &mut analysis, candidates)?;
    unique_values.reject_doubles(rules, scan, ledger, sink, order, &mut analysis)?;
    sink.flush();
    Ok(analysis)
}

impl Rules<'_> {
    /// Mode insert writes nothing more to a record that it has made, whatever becomes of its row; only associations that
    /// it could not make with it are still owed.
    fn leaves_alone(&self, entry: &Entry) -> bool {
        self.mode == Mode::Insert && entry.record_id != 0
    }

    /// The associations, where a row whose properties are as the ledger has them has some to be written.
    fn associates(&self, entry: &Entry, judged: &Judged) -> Option<&Associations> {
        // Mode insert makes records with their associations and leaves them alone from then on.
        let ours = (self.mode != Mode::Insert || entry.associated == 0) && entry.mapped != NOT_ITS_OWN;
        self.associations.filter(|_| ours && entry.associated != judged.wanted && entry.record_id != 0)
    }
}

impl Analysis {
    /// Takes down what a row is matched by that is in the model, cannot be sent, and whose key names no record of its own:
    /// a record under another key may be its own, and must not go because that key left the model. A row with a key and
    /// without a match value names no record.
    fn note_unsendable(&mut self, rules: &Rules<'_>, order: &Order<'_>, batch: &RecordBatch, row: usize, mark: &Mark) {
        if !order.removes {
            return;
        }
        match rules.mapping.match_value_of(batch, row, &rules.context) {
            Ok(Some(value)) => {
                let folded = rules.folding.fold(&value);
                self.without_record.push(hubward_core::fingerprint::match_hash(&folded));
            }
            Ok(None) if mark.kind != Kind::Keyless => {}
            Ok(None) | Err(_) => self.nameless += 1,
        }
    }
}

fn position_of(analysis: &Analysis) -> Result<u32, EngineError> {
    u32::try_from(analysis.fates.len())
        .map_err(|_| EngineError::new("too-many-rows", "more than 4 294 967 295 rows differ in one run"))
}

/// Changes of fingerprints on their way into the ledger, many in one frame.
pub(crate) struct Notes<'a> {
    pub(crate) ledger: &'a mut Ledger,
    dry: bool,
    waiting: Vec<Change>,
}

impl<'a> Notes<'a> {
    /// With `dry` nothing is written.
    pub(crate) fn new(ledger: &'a mut Ledger, dry: bool) -> Self {
        Self { ledger, dry, waiting: Vec::new() }
    }

    fn push(&mut self, change: Change) -> Result<(), EngineError> {
        if !self.dry {
            self.waiting.push(change);
            if self.waiting.len() >= REFINGERPRINTS_MAX {
                self.flush()?;
            }
        }
        Ok(())
    }

    /// A row that the next scan would take for unchanged but that could not be written: it must be looked at again.
    pub(crate) fn doubt(&mut self, mark: &Mark) -> Result<(), EngineError> {
        if matches!(mark.kind, Kind::Recheck | Kind::Full)
            && let Some(head) = self.ledger.lookup(mark.key)?
        {
            self.push(Change::Refingerprint { key: mark.key, fingerprint: !mark.fingerprint, mapped: head.mapped })?;
        }
        Ok(())
    }

    /// Makes durable what is waiting.
    pub(crate) fn flush(&mut self) -> Result<(), EngineError> {
        Ok(self.ledger.append(&std::mem::take(&mut self.waiting))?)
    }
}

fn finish_invalid(analysis: &mut Analysis, tally: &Arc<Tally>, sink: &mut Sink<'_>, key_text: String, reason: Reason) {
    tally.ticket().finish(Outcome::Invalid);
    analysis.invalid += 1;
    sink.push(invalid(key_text, reason));
    analysis.fates.push(Fate::Finished);
}

pub(crate) fn invalid(key_text: String, reason: Reason) -> Verdict {
    Verdict {
        key_text,
        outcome: Outcome::Invalid,
        reason: Some(reason),
        attempts: 0,
        key: None,
        unsettle: None,
        handed_on: None,
        written: WrittenRecord::default(),
    }
}

fn sample(judged: &Judged, known: bool) -> Sample {
    let properties = judged
        .mapped
        .values
        .iter()
        .filter_map(|(name, value)| value.as_ref().map(|value| (name.to_string(), value.clone())))
        .collect();
    Sample { key: judged.key_text.clone(), change: if known { "changed" } else { "added" }, properties }
}

pub(crate) fn mix(key: u128, mapped: u64, match_hash: u64) -> u64 {
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(&key.to_le_bytes());
    bytes[16..24].copy_from_slice(&mapped.to_le_bytes());
    bytes[24..].copy_from_slice(&match_hash.to_le_bytes());
    xxhash_rust::xxh3::xxh3_64(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(values: &[(&str, Option<&str>)], nulls: Nulls) -> u64 {
        let values = values.iter().map(|(name, value)| (Arc::from(*name), value.map(str::to_owned))).collect();
        mapped_hash(&MappedRow { match_value: None, match_folded: None, values }, nulls)
    }

    #[test]
    fn the_order_of_entries_is_no_difference_and_who_has_which_value_is() {
        let one = hash(&[("a", Some("1")), ("b", Some("2"))], Nulls::Auto);
        assert_eq!(one, hash(&[("b", Some("2")), ("a", Some("1"))], Nulls::Auto));
        assert_ne!(one, hash(&[("a", Some("2")), ("b", Some("1"))], Nulls::Auto));
        assert_ne!(hash(&[("ab", Some("c"))], Nulls::Auto), hash(&[("a", Some("bc"))], Nulls::Auto));
    }

    #[test]
    fn null_is_silent_unless_it_clears_and_the_empty_text_always_speaks() {
        for nulls in [Nulls::Auto, Nulls::Keep] {
            assert_eq!(hash(&[("a", Some("1")), ("b", None)], nulls), hash(&[("a", Some("1"))], nulls));
            assert_ne!(hash(&[("a", Some("1")), ("b", Some(""))], nulls), hash(&[("a", Some("1"))], nulls));
        }
        assert_eq!(hash(&[("a", None)], Nulls::Clear), hash(&[("a", Some(""))], Nulls::Clear));
        assert_ne!(hash(&[("a", None)], Nulls::Clear), hash(&[], Nulls::Clear));
    }
}
