//! What a caller does about an error that stops everything.

use hubward_core::ErrorKind;

use crate::error::EngineError;

/// What the work waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// The token is wrong, revoked or run out: a person must act.
    Grant,
    /// A scope, a right or an edition is lacking: a person must act.
    Permission,
    /// The day's or the month's calls are used up.
    Limit,
    /// HubSpot or the network does not answer.
    Unreachable,
    /// Somebody asked to stop.
    Interrupted,
    /// Our own state cannot be written.
    State,
    /// The request itself, or an object type, is refused.
    Other,
}

impl EngineError {
    /// What the work that met this error waits for.
    #[must_use]
    pub fn pause(&self) -> Pause {
        use ErrorKind as Kind;
        match (self.kind, self.code) {
            (_, "interrupted") => Pause::Interrupted,
            (_, "state") => Pause::State,
            (Some(Kind::InvalidToken | Kind::ExpiredToken | Kind::GrantRefused), _) => Pause::Grant,
            (Some(Kind::MissingScope | Kind::MissingPermission | Kind::NotInEdition | Kind::Forbidden), _) => {
                Pause::Permission
            }
            (Some(Kind::DailyLimit | Kind::MonthlyLimit), _) => Pause::Limit,
            (
                Some(
                    Kind::Server
                    | Kind::Unknown
                    | Kind::NotSent
                    | Kind::Unreadable
                    | Kind::BurstLimit
                    | Kind::SecondlyLimit
                    | Kind::Locked
                    | Kind::Migrating,
                ),
                _,
            ) => Pause::Unreachable,
            _ => Pause::Other,
        }
    }
}
