//! The one table that decides what an error means.

use std::time::Duration;

/// What kind of failure a request met. `hubward-hubspot` decodes every answer and every broken connection into one of
/// these, once; everything after that decides by kind, never by text. Statuses from api.md 2.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// 400: a value, a required property or a rule of the account refuses one or more rows.
    Validation,
    /// 400 "Duplicate IDs found in batch input": the batch was planned wrongly or two keys fold to one.
    DuplicateIds,
    /// 400: the match property is not unique in HubSpot.
    NonUniqueKey,
    /// 400: HubSpot does not know the object type.
    UnknownObjectType,
    /// 400 without a category, 405, 414, 415: the request itself is malformed.
    Malformed,
    /// 409, or `CONFLICT` in a 207: a record with this unique value exists already.
    Conflict,
    /// 404, or `OBJECT_NOT_FOUND` in a 207: no such record.
    NotFound,
    /// 404 for a path or an API version.
    NoSuchPath,
    /// 401: the token is wrong or revoked.
    InvalidToken,
    /// The token endpoint does not renew the access token: the app was taken out of the account, its refresh token revoked, or
    /// its credentials are wrong (api.md 10.2). Nothing else works until a person has acted.
    GrantRefused,
    /// 401: the access token has run out; a refresh may help.
    ExpiredToken,
    /// 403: the token lacks a scope.
    MissingScope,
    /// 403 (400 for associations on 2026-09): the user behind the token lacks a right.
    MissingPermission,
    /// 403: the account's edition does not have the feature.
    NotInEdition,
    /// 403 of a cause that HubSpot did not name.
    Forbidden,
    /// 429 `TEN_SECONDLY_ROLLING`.
    BurstLimit,
    /// 429 `SECONDLY`: search, events.
    SecondlyLimit,
    /// 429 `DAILY`.
    DailyLimit,
    /// 429 that speaks of a month: the events that an account may have in one (api.md 9.2).
    MonthlyLimit,
    /// 423: the account is locked for about two seconds.
    Locked,
    /// 477: the account is moving between data centres.
    Migrating,
    /// 500, 502, 503, 504, 521, 522, 523, 525, 526: HubSpot had trouble; whether the write happened is not known.
    Server,
    /// 524, a time-out of ours, or a connection that broke after the request was sent: the outcome is unknown.
    Unknown,
    /// The connection could not be made: nothing was sent.
    NotSent,
    /// The answer is a success status with a body that cannot be read.
    Unreadable,
    /// Any other status.
    Other,
}

/// What to do about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The rows named by the error are rejected; the others of the batch are sent again without them.
    FixRows,
    /// Wait at least this long, then repeat the same request: nothing was written.
    Wait(Duration),
    /// Repeat after a pause: the request may have been carried out, and repeating it is harmless.
    Repeat,
    /// The request may have been carried out and must not be repeated blindly: look first.
    LookFirst,
    /// Refresh the token once, then repeat.
    RefreshToken,
    /// Stop this run: a person must act. What was not sent is deferred.
    Stop,
}

impl ErrorKind {
    /// The table. `idempotent` says whether repeating the request can do harm (a create is not idempotent).
    #[must_use]
    pub fn verdict(self, idempotent: bool) -> Verdict {
        match self {
            Self::Validation | Self::DuplicateIds | Self::Conflict | Self::NotFound | Self::Other => Verdict::FixRows,
            Self::BurstLimit => Verdict::Wait(Duration::from_secs(1)),
            Self::SecondlyLimit => Verdict::Wait(Duration::from_millis(300)),
            Self::Locked => Verdict::Wait(Duration::from_secs(2)),
            Self::NotSent => Verdict::Wait(Duration::from_millis(500)),
            Self::Server | Self::Unknown | Self::Unreadable if idempotent => Verdict::Repeat,
            Self::Server | Self::Unknown | Self::Unreadable => Verdict::LookFirst,
            Self::ExpiredToken => Verdict::RefreshToken,
            Self::NonUniqueKey
            | Self::UnknownObjectType
            | Self::Malformed
            | Self::NoSuchPath
            | Self::InvalidToken
            | Self::GrantRefused
            | Self::MissingScope
            | Self::MissingPermission
            | Self::NotInEdition
            | Self::Forbidden
            | Self::DailyLimit
            | Self::MonthlyLimit
            | Self::Migrating => Verdict::Stop,
        }
    }
}
