//! Exit codes, and the failures that end a command.

use std::ops::{Deref, DerefMut};
use std::process::ExitCode;

use hubward_core::spec::Location;
use hubward_engine::EngineError;
use hubward_project::{Diagnostic, SourceFile};
use hubward_store::{LockError, StoreError};
use serde_json::{Map, Value, json};

/// How a command ended, as its exit code says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All rows applied, unchanged or skipped; or the command did what it was asked.
    Ok = 0,
    /// A run failed after something was sent.
    Failed = 1,
    /// The command or the project is wrong; nothing was sent.
    Wrong = 2,
    /// Finished, but some rows are invalid, rejected or deferred.
    SomeRows = 3,
    /// Interrupted; what HubSpot confirmed is recorded.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// What a [`Failure`] tells.
#[derive(Clone, Debug)]
pub(crate) struct Detail {
    /// Stable, in kebab-case.
    pub(crate) code: &'static str,
    pub(crate) message: String,
    /// What to do.
    pub(crate) help: Option<String>,
    /// The place in the project that is to blame, where there is one.
    pub(crate) at: Option<Location>,
    pub(crate) correlation_id: Option<String>,
    /// Problems of the project's files, with the files they are in; empty for every other failure.
    pub(crate) problems: Vec<Diagnostic>,
    pub(crate) files: Vec<SourceFile>,
}

/// Why a command could not do its work. Nothing was sent. Boxed, so that results stay small; its fields are reached by
/// dereference.
#[derive(Clone, Debug)]
pub(crate) struct Failure(Box<Detail>);

impl Deref for Failure {
    type Target = Detail;

    fn deref(&self) -> &Detail {
        &self.0
    }
}

impl DerefMut for Failure {
    fn deref_mut(&mut self) -> &mut Detail {
        &mut self.0
    }
}

impl Failure {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self(Box::new(Detail {
            code,
            message: message.into(),
            help: None,
            at: None,
            correlation_id: None,
            problems: Vec::new(),
            files: Vec::new(),
        }))
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Names the place in the project.
    pub(crate) fn at(mut self, at: &Location) -> Self {
        self.at = Some(at.clone());
        self
    }

    /// What a check of the engine has found.
    pub(crate) fn from_problem(problem: &hubward_engine::Problem) -> Self {
        let mut failure = Self::new(problem.code, problem.message.clone()).at(&problem.at);
        failure.help.clone_from(&problem.help);
        failure
    }

    /// A file or folder that the operating system refuses; `doing` as in "reading".
    pub(crate) fn io(doing: &str, path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::new("io", format!("{doing} {} failed: {error}", path.display()))
    }

    /// `{code, message, help}` and whatever else is known.
    pub(crate) fn to_json(&self) -> Value {
        let mut object = Map::new();
        object.insert("code".to_owned(), json!(self.code));
        object.insert("message".to_owned(), json!(self.message));
        object.insert("help".to_owned(), json!(self.help));
        if let Some(at) = self.at.as_ref().filter(|at| !at.file.is_empty()) {
            object.insert("file".to_owned(), json!(at.file));
            object.insert("line".to_owned(), json!(at.line));
            object.insert("column".to_owned(), json!(at.column));
        }
        if let Some(id) = &self.correlation_id {
            object.insert("correlation_id".to_owned(), json!(id));
        }
        if !self.problems.is_empty() {
            let problems: Vec<Value> = self.problems.iter().map(Diagnostic::to_json).collect();
            object.insert("problems".to_owned(), json!(problems));
        }
        Value::Object(object)
    }

    /// As a sync reports it.
    pub(crate) fn to_engine_error(&self) -> EngineError {
        EngineError {
            code: self.code,
            message: self.message.clone(),
            help: self.help.clone(),
            at: self.at.clone(),
            correlation_id: self.correlation_id.as_deref().map(Box::from),
            kind: None,
        }
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        let mut failure = Self::new(error.code, error.message);
        failure.help = error.help;
        failure.at = error.at;
        failure.correlation_id = error.correlation_id.map(String::from);
        failure
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::new("state", error.to_string())
    }
}

impl From<LockError> for Failure {
    fn from(error: LockError) -> Self {
        match error {
            LockError::Store(error) => error.into(),
            held => Self::new("locked", held.to_string()),
        }
    }
}
