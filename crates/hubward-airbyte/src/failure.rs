//! What ends a verb, in the protocol's three kinds.

use hubward_core::ErrorKind;
use hubward_hubspot::ApiError;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::catalog::StreamName;

/// What the platform does about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureType {
    /// A person must change something; the platform does not try again by itself.
    ConfigError,
    /// The platform tries again.
    TransientError,
    /// A fault of this program, or of the platform.
    SystemError,
}

/// A failure with its words: one set for the user, one for whoever looks closer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    pub failure_type: FailureType,
    /// What, where, and what to do.
    pub message: String,
    pub internal_message: Option<String>,
    pub stream: Option<StreamName>,
}

impl Failure {
    fn new(failure_type: FailureType, message: impl Into<String>) -> Self {
        Self { failure_type, message: message.into(), internal_message: None, stream: None }
    }

    pub fn config(message: impl Into<String>) -> Self {
        Self::new(FailureType::ConfigError, message)
    }

    pub fn transient(message: impl Into<String>) -> Self {
        Self::new(FailureType::TransientError, message)
    }

    pub fn system(message: impl Into<String>) -> Self {
        Self::new(FailureType::SystemError, message)
    }

    #[must_use]
    pub(crate) fn of_stream(mut self, stream: &StreamName) -> Self {
        self.stream = Some(stream.clone());
        self
    }

    #[must_use]
    pub(crate) fn internally(mut self, message: impl Into<String>) -> Self {
        self.internal_message = Some(message.into());
        self
    }

    /// The `error` object of a TRACE.
    pub(crate) fn error(&self) -> Value {
        let mut error = Map::new();
        error.insert("message".to_owned(), json!(self.message));
        if let Some(internal) = &self.internal_message {
            error.insert("internal_message".to_owned(), json!(internal));
        }
        error.insert("failure_type".to_owned(), json!(self.failure_type));
        if let Some(stream) = &self.stream {
            error.insert("stream_descriptor".to_owned(), stream.descriptor());
        }
        Value::Object(error)
    }
}

/// Which kind a failed request of HubSpot's is: one that a person must act on, or one that passes.
pub(crate) fn failure_type(kind: ErrorKind) -> FailureType {
    use ErrorKind as Kind;
    match kind {
        Kind::InvalidToken
        | Kind::ExpiredToken
        | Kind::GrantRefused
        | Kind::MissingScope
        | Kind::MissingPermission
        | Kind::NotInEdition
        | Kind::Forbidden
        | Kind::UnknownObjectType
        | Kind::NonUniqueKey
        | Kind::NoSuchPath => FailureType::ConfigError,
        Kind::BurstLimit
        | Kind::SecondlyLimit
        | Kind::DailyLimit
        | Kind::MonthlyLimit
        | Kind::Locked
        | Kind::Migrating
        | Kind::Server
        | Kind::Unknown
        | Kind::NotSent
        | Kind::Unreadable => FailureType::TransientError,
        Kind::Validation | Kind::DuplicateIds | Kind::Malformed | Kind::Conflict | Kind::NotFound | Kind::Other => {
            FailureType::SystemError
        }
    }
}

impl From<&ApiError> for Failure {
    fn from(error: &ApiError) -> Self {
        let mut message = match error.status {
            // The official connector's own words begin so, and its tests look for them.
            Some(status) => format!("Response from server is {status}: {}", error.message),
            None => error.message.clone(),
        };
        if let Some(remedy) = error.remedy() {
            message.push_str(". What to do: ");
            message.push_str(&remedy);
        }
        let mut failure = Self::new(failure_type(error.kind), message);
        let mut internal = format!("{:?}", error.kind);
        if let Some(category) = &error.category {
            internal.push_str(&format!(" category={category}"));
        }
        if let Some(id) = &error.correlation_id {
            internal.push_str(&format!(" correlationId={id}"));
        }
        if !error.required_scopes.is_empty() {
            internal.push_str(&format!(" requiredScopes={}", error.required_scopes.join(",")));
        }
        failure.internal_message = Some(internal);
        failure
    }
}
