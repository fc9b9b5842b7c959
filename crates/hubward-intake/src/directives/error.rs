//! What is wrong with a mapping, and what failed when it was resolved: in the original's words where it has some.

use super::validate::Thrown;

/// What is wrong at one place of a mapping.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path} {message}.")]
pub struct Problem {
    /// The names that lead to the place, each after a slash: `/email/@path`. Of a member of `@merge` it is `/`.
    pub path: String,
    /// What should be there and what is.
    pub message: String,
}

/// A mapping that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// Every problem of the mapping, in its order; at least one. `collected` tells whether the original throws them as a
    /// collection, which changes its message.
    #[error("{}", first_line(.problems, *.collected))]
    Invalid { problems: Vec<Problem>, collected: bool },
    /// The mapping as a whole has the wrong shape.
    #[error("{0}")]
    Shape(String),
}

impl MappingError {
    /// The single problems; empty where the whole is to blame.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Invalid { problems, .. } => problems,
            Self::Shape(_) => &[],
        }
    }
}

impl From<Thrown> for MappingError {
    fn from(thrown: Thrown) -> Self {
        match thrown {
            Thrown::One(problem) => Self::Invalid { problems: vec![problem], collected: false },
            Thrown::Many(problems) => Self::Invalid { problems, collected: true },
        }
    }
}

fn first_line(problems: &[Problem], collected: bool) -> String {
    let prefix = if collected { "ValidationError: " } else { "" };
    problems.first().map(|problem| format!("{prefix}{problem}")).unwrap_or_default()
}

/// An event that a mapping cannot be resolved for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ResolveError {
    pub message: String,
    /// The member of the mapping in which it failed, as in [`Problem::path`]; `/` for the mapping itself.
    pub path: String,
}

impl ResolveError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), path: "/".to_owned() }
    }

    /// The same, from inside a member or an item of this name.
    pub(super) fn under(mut self, name: impl std::fmt::Display) -> Self {
        self.path = if self.path == "/" { format!("/{name}") } else { format!("/{name}{}", self.path) };
        self
    }
}
