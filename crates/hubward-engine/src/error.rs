//! Why a sync could not go on. A row's own trouble is never one of these: it ends as the row's outcome.

use hubward_core::ErrorKind;
use hubward_core::mapping::MappingProblem;
use hubward_core::spec::Location;

/// One error that stops a sync, with what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EngineError {
    /// Stable code in kebab-case, listed in the reference.
    pub code: &'static str,
    pub message: String,
    /// What to do.
    pub help: Option<String>,
    /// The place in the project that is to blame, where there is one.
    pub at: Option<Location>,
    /// HubSpot's correlation id, where HubSpot answered.
    pub correlation_id: Option<Box<str>>,
    /// What kind of failure HubSpot's answer or the network was, where that stopped it.
    pub kind: Option<ErrorKind>,
}

impl EngineError {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), help: None, at: None, correlation_id: None, kind: None }
    }

    /// Every problem of a mapping in one error; `what` is what cannot be compiled.
    pub(crate) fn of_mapping(problems: Vec<MappingProblem>, what: &str) -> Self {
        let mut problems = problems.into_iter();
        let Some(first) = problems.next() else {
            return Self::new("mapping", format!("{what} cannot be compiled"));
        };
        let mut error = Self::new(first.code, first.message).at(&first.at);
        error.help = Some(first.help).filter(|help| !help.is_empty());
        for other in problems {
            error.message.push_str(&format!("; {} ({}:{})", other.message, other.at.file, other.at.line));
        }
        error
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn at(mut self, at: &Location) -> Self {
        self.at = Some(at.clone());
        self
    }
}

impl From<hubward_store::StoreError> for EngineError {
    fn from(error: hubward_store::StoreError) -> Self {
        Self::new("state", error.to_string())
    }
}

impl From<hubward_sources::SourceError> for EngineError {
    fn from(error: hubward_sources::SourceError) -> Self {
        let help = error.help.clone();
        Self { help, ..Self::new("source", error.to_string()) }
    }
}

impl From<hubward_hubspot::ApiError> for EngineError {
    fn from(error: hubward_hubspot::ApiError) -> Self {
        let help = error.remedy();
        let kind = Some(error.kind);
        // Whoever goes on by itself (a schedule, a worker) pauses at this code until a person has acted.
        let code = if error.kind == ErrorKind::GrantRefused { "grant-refused" } else { "hubspot" };
        Self {
            help,
            kind,
            correlation_id: error.correlation_id.as_deref().map(Box::from),
            ..Self::new(code, error.to_string())
        }
    }
}
