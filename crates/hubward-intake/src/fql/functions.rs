//! The functions of the language: their names and how many arguments they take.

/// A function that a trigger may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    Contains,
    Match,
    Length,
    Lowercase,
    Uppercase,
    Snakecase,
    Kebabcase,
    Titlecase,
    Typeof,
    Bool,
    String,
    Number,
}

impl Function {
    /// Every function there is.
    pub const ALL: [Self; 12] = [
        Self::Contains,
        Self::Match,
        Self::Length,
        Self::Lowercase,
        Self::Uppercase,
        Self::Snakecase,
        Self::Kebabcase,
        Self::Titlecase,
        Self::Typeof,
        Self::Bool,
        Self::String,
        Self::Number,
    ];

    /// As it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Contains => "contains",
            Self::Match => "match",
            Self::Length => "length",
            Self::Lowercase => "lowercase",
            Self::Uppercase => "uppercase",
            Self::Snakecase => "snakecase",
            Self::Kebabcase => "kebabcase",
            Self::Titlecase => "titlecase",
            Self::Typeof => "typeof",
            Self::Bool => "bool",
            Self::String => "string",
            Self::Number => "number",
        }
    }

    /// How many arguments it takes.
    #[must_use]
    pub const fn arity(self) -> usize {
        match self {
            Self::Contains | Self::Match => 2,
            _ => 1,
        }
    }

    /// What it gives where it is true or false by itself: it may stand as a condition.
    pub(super) const fn is_condition(self) -> bool {
        matches!(self, Self::Contains | Self::Match | Self::Bool)
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|function| function.name() == name)
    }
}
