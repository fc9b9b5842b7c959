//! Which step a row takes next: the pure rules of modes and matching, without I/O.

use hubward_core::spec::Mode;

/// How the match property identifies a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MatchKind {
    /// `property: id`: the value is the record id.
    Id,
    /// HubSpot keeps the property unique: batch upsert, batch read and the answers to a create are decisive at once.
    Unique,
    /// Any other property: found by search only, which lags behind writes (api.md 4.2).
    Search,
}

/// One kind of request that a row waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Step {
    /// Batch upsert by the unique match property.
    Upsert,
    /// Batch read by the unique match property, to learn the record id.
    FindUnique,
    /// Batched search by the match property, to learn the record id.
    FindSearch,
    /// Batch update by record id.
    Update,
    /// Single `PATCH` by record id: what a batch update left unanswered (a merged id resolves here, api.md 3.6).
    UpdateOne,
    /// Batch create; an intent is durable before it is sent.
    Create,
    /// A create of unknown outcome, looked for by the unique match property.
    LookUnique,
    /// A create of unknown outcome, looked for by search after the search index has caught up.
    LookSearch,
    /// Batch read by record id: what the record holds decides what is written.
    Compare,
    /// Batch update that empties the life-cycle stage, so that it can move back.
    ClearStage,
}

/// What follows for a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Go(Step),
    /// Skipped: mode `insert` and the record exists.
    SkipExisting,
    /// Skipped: mode `update` and there is no record.
    SkipMissing,
    /// The record id that the row itself names does not exist.
    RejectUnknownId,
}

/// The first step of a row that has to be written.
///
/// `known` says that the ledger holds its record id, `intent` that an earlier create of this row has no outcome yet.
pub(crate) fn first(mode: Mode, kind: MatchKind, known: bool, intent: bool) -> Next {
    if intent && !known {
        return Next::Go(look(kind));
    }
    match (mode, kind, known) {
        (_, MatchKind::Id, _) => Next::Go(Step::Update),
        (Mode::Insert, _, true) => Next::SkipExisting,
        (Mode::Upsert | Mode::Update, _, true) => Next::Go(Step::Update),
        (Mode::Upsert, MatchKind::Unique, false) => Next::Go(Step::Upsert),
        (Mode::Update, MatchKind::Unique, false) => Next::Go(Step::FindUnique),
        (Mode::Insert, MatchKind::Unique, false) => Next::Go(Step::Create),
        (_, MatchKind::Search, false) => Next::Go(Step::FindSearch),
    }
}

/// A look-up found exactly one record.
pub(crate) fn found(mode: Mode) -> Next {
    match mode {
        Mode::Upsert | Mode::Update => Next::Go(Step::Update),
        Mode::Insert => Next::SkipExisting,
    }
}

/// A look-up found nothing.
pub(crate) fn missing(mode: Mode) -> Next {
    match mode {
        Mode::Upsert | Mode::Insert => Next::Go(Step::Create),
        Mode::Update => Next::SkipMissing,
    }
}

/// HubSpot says that the record to update does not exist.
pub(crate) fn gone(mode: Mode, kind: MatchKind) -> Next {
    match (mode, kind) {
        (_, MatchKind::Id) => Next::RejectUnknownId,
        (Mode::Upsert, MatchKind::Unique) => Next::Go(Step::Upsert),
        (_, kind) => Next::Go(find(kind)),
    }
}

/// How the record of a row is found.
pub(crate) fn find(kind: MatchKind) -> Step {
    match kind {
        MatchKind::Search => Step::FindSearch,
        MatchKind::Unique | MatchKind::Id => Step::FindUnique,
    }
}

/// How a create of unknown outcome is looked for.
pub(crate) fn look(kind: MatchKind) -> Step {
    match kind {
        MatchKind::Search => Step::LookSearch,
        MatchKind::Unique | MatchKind::Id => Step::LookUnique,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_record_is_updated_by_id_whatever_its_match_value_has_become() {
        for kind in [MatchKind::Unique, MatchKind::Search] {
            assert_eq!(first(Mode::Upsert, kind, true, false), Next::Go(Step::Update));
            assert_eq!(first(Mode::Update, kind, true, false), Next::Go(Step::Update));
        }
    }

    #[test]
    fn insert_never_writes_to_a_record_that_exists() {
        assert_eq!(first(Mode::Insert, MatchKind::Unique, true, false), Next::SkipExisting);
        assert_eq!(found(Mode::Insert), Next::SkipExisting);
    }

    #[test]
    fn update_never_creates() {
        for kind in [MatchKind::Id, MatchKind::Unique, MatchKind::Search] {
            for known in [false, true] {
                assert_ne!(first(Mode::Update, kind, known, false), Next::Go(Step::Create));
                assert_ne!(first(Mode::Update, kind, known, false), Next::Go(Step::Upsert));
            }
        }
        assert_eq!(missing(Mode::Update), Next::SkipMissing);
    }

    #[test]
    fn a_create_without_an_outcome_is_looked_for_before_anything_else() {
        assert_eq!(first(Mode::Insert, MatchKind::Unique, false, true), Next::Go(Step::LookUnique));
        assert_eq!(first(Mode::Upsert, MatchKind::Search, false, true), Next::Go(Step::LookSearch));
    }
}
