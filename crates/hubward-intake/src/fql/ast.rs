//! What a trigger says, as a tree, and the tree as text again.
//!
//! Owns the tree and its printing: reading the printed text gives the same tree. Leaves to its neighbours: reading
//! (`parser`) and deciding (`evaluate`).

use std::fmt::{self, Display, Formatter, Write as _};

use serde_json::Value;

use super::functions::Function;

/// Something that is true or false for an event.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// `a or b or …`: at least two.
    Any(Vec<Condition>),
    /// `a and b and …`: at least two.
    All(Vec<Condition>),
    /// `!a` or `not a`.
    Not(Box<Condition>),
    /// `left = right` and its kin.
    Compare { left: Operand, comparison: Comparison, right: Operand },
    /// `item in list`.
    In { item: Operand, list: Operand },
    /// A value by itself: it holds if the value is `true`.
    Truth(Operand),
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    /// As it is written.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
}

/// Something that has a value for an event.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    /// Text, a number (always as floating point), a boolean or null; never a list or an object.
    Literal(Value),
    /// A field of the event.
    Path(Path),
    /// A function, with as many arguments as it takes.
    Call(Function, Vec<Operand>),
    /// `[a, b, …]`.
    List(Vec<Operand>),
}

/// Names that lead from the event to one of its fields; at least one, none of them empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Path(pub Vec<String>);

/// Words that mean something else than a field where they stand alone.
pub(super) const KEYWORDS: [&str; 11] = ["and", "or", "not", "in", "true", "false", "null", "AND", "OR", "NOT", "IN"];

/// Whether a character may stand in a field's name without a backslash.
pub(super) fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

impl Display for Condition {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any(conditions) => joined(f, conditions, " or ", |inner| matches!(inner, Self::Any(_))),
            Self::All(conditions) => {
                joined(f, conditions, " and ", |inner| matches!(inner, Self::Any(_) | Self::All(_)))
            }
            Self::Not(inner) => match **inner {
                Self::Truth(_) | Self::Not(_) => write!(f, "!{inner}"),
                _ => write!(f, "!({inner})"),
            },
            Self::Compare { left, comparison, right } => write!(f, "{left} {} {right}", comparison.symbol()),
            Self::In { item, list } => write!(f, "{item} in {list}"),
            Self::Truth(operand) => operand.fmt(f),
        }
    }
}

fn joined(
    f: &mut Formatter<'_>,
    conditions: &[Condition],
    word: &str,
    needs_parentheses: fn(&Condition) -> bool,
) -> fmt::Result {
    for (at, condition) in conditions.iter().enumerate() {
        if at > 0 {
            f.write_str(word)?;
        }
        if needs_parentheses(condition) {
            write!(f, "({condition})")?;
        } else {
            condition.fmt(f)?;
        }
    }
    Ok(())
}

impl Display for Operand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(Value::String(text)) => quoted(f, text),
            Self::Literal(Value::Number(number)) => match number.as_f64() {
                // Never with an exponent, which the language does not have.
                Some(number) => number.fmt(f),
                None => number.fmt(f),
            },
            Self::Literal(value) => value.fmt(f),
            Self::Path(path) => path.fmt(f),
            Self::Call(function, arguments) => {
                write!(f, "{}(", function.name())?;
                listed(f, arguments)?;
                f.write_char(')')
            }
            Self::List(items) => {
                f.write_char('[')?;
                listed(f, items)?;
                f.write_char(']')
            }
        }
    }
}

fn listed(f: &mut Formatter<'_>, operands: &[Operand]) -> fmt::Result {
    for (at, operand) in operands.iter().enumerate() {
        if at > 0 {
            f.write_str(", ")?;
        }
        operand.fmt(f)?;
    }
    Ok(())
}

/// Text between double quotes. A backslash is doubled everywhere, so that none can be taken for the escape of what follows.
fn quoted(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            f.write_char('\\')?;
        }
        f.write_char(c)?;
    }
    f.write_char('"')
}

impl Display for Path {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (at, name) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_char('.')?;
            }
            for (place, c) in name.chars().enumerate() {
                // A number or an operator at the very beginning would not be taken for a name, nor a keyword.
                let misleading = at == 0
                    && place == 0
                    && (c.is_ascii_digit() || c == '-' || (self.0.len() == 1 && KEYWORDS.contains(&name.as_str())));
                if !is_name(c) || misleading {
                    f.write_char('\\')?;
                }
                f.write_char(c)?;
            }
        }
        Ok(())
    }
}
