//! What does not agree with HubSpot's documents, and how it is told.

use std::fmt;

use crate::exceptions::{Exception, excuse};

/// Who said it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Our client, which does not profit from what HubSpot forgives others.
    Request,
    /// A test of the sandbox in the place of another client, and the sandbox took it.
    Taken,
    /// The sandbox.
    Answer,
}

impl Part {
    /// The word of messages and of the table in `docs/conformance.md`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Taken => "request of another client",
            Self::Answer => "answer",
        }
    }
}

/// One thing that differs from HubSpot's documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disagreement {
    pub part: Part,
    /// Method and path template, as in the documents; method and path where they have no such operation.
    pub operation: String,
    /// The answer's status.
    pub status: Option<u16>,
    /// JSON pointer into the body; `?name` for a query parameter, `{name}` for a path parameter, empty for the whole.
    pub pointer: String,
    pub what: String,
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.operation, self.part.name())?;
        if let Some(status) = self.status {
            write!(f, " {status}")?;
        }
        if !self.pointer.is_empty() {
            write!(f, " {}", self.pointer)?;
        }
        write!(f, ": {}", self.what)
    }
}

/// What came of one comparison.
#[derive(Debug, Default)]
pub struct Verdict {
    /// What no exception covers.
    pub disagreements: Vec<Disagreement>,
    /// The exceptions that covered something.
    pub excused: Vec<&'static Exception>,
}

impl Verdict {
    pub(crate) fn of(found: Vec<Disagreement>) -> Self {
        let mut verdict = Self::default();
        for disagreement in found {
            match excuse(&disagreement) {
                Some(exception) => verdict.excused.push(exception),
                None => verdict.disagreements.push(disagreement),
            }
        }
        verdict
    }

    /// # Panics
    /// With one line for each disagreement.
    pub fn assert_agrees(&self) {
        let lines: Vec<String> = self.disagreements.iter().map(ToString::to_string).collect();
        assert!(lines.is_empty(), "not as HubSpot's OpenAPI documents have it:\n  {}", lines.join("\n  "));
    }
}
