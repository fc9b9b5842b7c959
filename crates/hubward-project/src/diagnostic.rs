//! One problem of a project, with its place and its remedy. Says nothing about how it is shown: see `render`.

use serde_json::{Value, json};

/// Whether a problem stops the project from being used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Error,
    Warning,
}

impl Severity {
    /// The word used in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// One problem: what, where, what to do. No text in it ever holds a value that came from a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub severity: Severity,
    /// Stable, in kebab-case; every one is in [`crate::codes`].
    pub code: &'static str,
    /// Relative to the project.
    pub file: String,
    /// 1-based.
    pub line: u32,
    /// 1-based, in characters.
    pub column: u32,
    /// In characters, never reaching over the end of the line; 0 where there is nothing to underline.
    pub span_len: u32,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
    /// Another place that has a part in it, such as the first of two definitions.
    pub related: Option<Related>,
}

/// A second place of a [`Diagnostic`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Related {
    pub file: String,
    pub line: u32,
    pub column: u32,
    pub span_len: u32,
    /// What stands there.
    pub label: String,
}

impl Diagnostic {
    /// The object that `check --json` prints for a problem.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "severity": self.severity.name(),
            "code": self.code,
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "message": self.message,
            "help": self.help,
        })
    }
}
