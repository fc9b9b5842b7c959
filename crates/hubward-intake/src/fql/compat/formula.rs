//! Both readings in one form: tests of fields, joined by and, or and not.
//!
//! Owns the translation and the question whether two formulas can ever differ. A test is a question about one field
//! that both readings can ask; what only the documented language can ask is a question of its own, which nothing equals.

use serde_json::Value;

use super::super::ast::{Comparison, Condition, Operand, Path};
use super::super::functions::Function;
use super::super::glob::{self, Step};
use super::super::segment::{self, Group, Joined, Node, Subject, hops};
use super::super::{evaluate, numbers};

/// True or false for an event.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Formula {
    Constant(bool),
    Asks(Question),
    Not(Box<Formula>),
    All(Vec<Formula>),
    Any(Vec<Formula>),
}

/// What may be asked of an event.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Question {
    /// A test of the field that these names lead to.
    Field(Vec<String>, Test),
    /// A condition that the original cannot express, by its text.
    Other(String),
}

/// A test of one value. Null passes none.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Test {
    Exists,
    Is(bool),
    IsText,
    IsNumber,
    Text(String),
    Contains(String),
    Starts(String),
    Ends(String),
    /// A pattern that is none of the above.
    Glob(String),
    Number(Comparison, f64),
}

impl Formula {
    fn field(path: &[String], test: Test) -> Self {
        // Every text contains, begins and ends with the empty one.
        let test = match test {
            Test::Contains(part) | Test::Starts(part) | Test::Ends(part) if part.is_empty() => Test::IsText,
            Test::Number(_, number) if number.is_nan() => return Self::Constant(false),
            test => test,
        };
        Self::Asks(Question::Field(path.to_vec(), test))
    }

    fn not(self) -> Self {
        Self::Not(Box::new(self))
    }

    /// Every question in it, each once, in `questions`.
    pub(super) fn questions(&self, questions: &mut Vec<Question>) {
        match self {
            Self::Constant(_) => {}
            Self::Asks(question) => {
                if !questions.contains(question) {
                    questions.push(question.clone());
                }
            }
            Self::Not(inner) => inner.questions(questions),
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.questions(questions)),
        }
    }

    /// Whether it holds where `answer` tells what is true of each question.
    pub(super) fn holds(&self, answer: &impl Fn(&Question) -> bool) -> bool {
        match self {
            Self::Constant(truth) => *truth,
            Self::Asks(question) => answer(question),
            Self::Not(inner) => !inner.holds(answer),
            Self::All(parts) => parts.iter().all(|part| part.holds(answer)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(answer)),
        }
    }
}

/// The documented reading.
pub(super) fn documented(condition: &Condition) -> Formula {
    match condition {
        Condition::Any(parts) => Formula::Any(parts.iter().map(documented).collect()),
        Condition::All(parts) => Formula::All(parts.iter().map(documented).collect()),
        Condition::Not(inner) => documented(inner).not(),
        Condition::Compare { left, comparison, right } => match (left, right) {
            (Operand::Path(path), Operand::Literal(literal)) => compared(path, *comparison, literal),
            (Operand::Literal(literal), Operand::Path(path)) => compared(path, mirrored(*comparison), literal),
            (Operand::Literal(_), Operand::Literal(_)) => Formula::Constant(evaluate::holds(condition, &Value::Null)),
            _ => other(condition),
        },
        Condition::In { item: Operand::Path(path), list: Operand::List(items) } => {
            let literals: Option<Vec<&Value>> = items
                .iter()
                .map(|item| match item {
                    Operand::Literal(literal) => Some(literal),
                    _ => None,
                })
                .collect();
            match literals {
                Some(literals) => Formula::Any(
                    literals.into_iter().map(|literal| compared(path, Comparison::Equal, literal)).collect(),
                ),
                None => other(condition),
            }
        }
        Condition::Truth(Operand::Path(path)) => Formula::field(&path.0, Test::Is(true)),
        Condition::Truth(Operand::Literal(literal)) => Formula::Constant(*literal == Value::Bool(true)),
        Condition::Truth(Operand::Call(function, arguments)) => match (function, arguments.as_slice()) {
            (Function::Contains, [Operand::Path(path), Operand::Literal(Value::String(part))]) => {
                Formula::field(&path.0, Test::Contains(part.clone()))
            }
            (Function::Match, [Operand::Path(path), Operand::Literal(Value::String(pattern))]) => {
                match pattern_test(pattern) {
                    Some(Some(test)) => Formula::field(&path.0, test),
                    Some(None) => Formula::field(&path.0, Test::Glob(pattern.clone())),
                    None => Formula::Constant(false),
                }
            }
            (Function::Contains | Function::Match, [Operand::Path(_), Operand::Literal(_)]) => Formula::Constant(false),
            _ => other(condition),
        },
        _ => other(condition),
    }
}

fn other(condition: &Condition) -> Formula {
    Formula::Asks(Question::Other(condition.to_string()))
}

fn compared(path: &Path, comparison: Comparison, literal: &Value) -> Formula {
    let equal = match literal {
        Value::Null => Formula::field(&path.0, Test::Exists).not(),
        Value::Bool(truth) => Formula::field(&path.0, Test::Is(*truth)),
        Value::String(text) => Formula::field(&path.0, Test::Text(text.clone())),
        Value::Number(number) => {
            let number = number.as_f64().unwrap_or(f64::NAN);
            let ordered = if comparison == Comparison::NotEqual { Comparison::Equal } else { comparison };
            Formula::field(&path.0, Test::Number(ordered, number))
        }
        Value::Array(_) | Value::Object(_) => Formula::Constant(false),
    };
    match comparison {
        Comparison::NotEqual => equal.not(),
        Comparison::Equal => equal,
        _ if literal.is_number() => equal,
        _ => Formula::Constant(false),
    }
}

const fn mirrored(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Less => Comparison::Greater,
        Comparison::LessOrEqual => Comparison::GreaterOrEqual,
        Comparison::Greater => Comparison::Less,
        Comparison::GreaterOrEqual => Comparison::LessOrEqual,
        same => same,
    }
}

/// The test that a pattern is, if it is one of those that both readings have; none at all where nothing can match it.
pub(super) fn pattern_test(pattern: &str) -> Option<Option<Test>> {
    fn plain(steps: &[Step]) -> Option<String> {
        steps.iter().map(Step::literal).collect()
    }
    let steps = glob::steps(pattern)?;
    Some(match steps.as_slice() {
        [rest @ .., Step::Run] if plain(rest).is_some() => plain(rest).map(Test::Starts),
        [Step::Run, rest @ ..] => plain(rest).map(Test::Ends),
        all => plain(all).map(Test::Text),
    })
}

/// The original's reading; none where it may fail when it decides.
pub(super) fn original(group: &Group) -> Option<Formula> {
    let mut parts = Vec::with_capacity(group.children.len());
    for child in &group.children {
        parts.push(match child.as_ref()? {
            Node::Group(inner) => original(inner)?,
            Node::Condition(inner) => tested(inner)?,
        });
    }
    Some(match group.operator {
        Joined::And => Formula::All(parts),
        Joined::Or => Formula::Any(parts),
    })
}

fn tested(condition: &segment::Condition) -> Option<Formula> {
    let within = |root: &str, name: &str| {
        let mut path = vec![root.to_owned()];
        path.extend(hops(name).map(str::to_owned));
        (path.len() > 1).then_some(path)
    };
    let path = match &condition.subject {
        Subject::Type => vec!["type".to_owned()],
        Subject::Event => vec!["event".to_owned()],
        Subject::Name => vec!["name".to_owned()],
        Subject::UserId => vec!["userId".to_owned()],
        Subject::Property(name) => within("properties", name)?,
        Subject::Trait(name) => within("traits", name)?,
        Subject::Context(name) => within("context", name)?,
    };
    let text = condition.value.as_ref().map_or_else(|| "undefined".to_owned(), segment::Expected::text);
    let number = condition.value.as_ref().map_or(f64::NAN, segment::Expected::number);
    let field = |test: Test| Formula::field(&path, test);
    Some(match condition.operator.as_str() {
        "=" => field(Test::Text(text)),
        "!=" => field(Test::Text(text)).not(),
        "number_equals" => field(Test::Number(Comparison::Equal, number)),
        "number_not_equals" => {
            Formula::All(vec![field(Test::IsNumber), field(Test::Number(Comparison::Equal, number)).not()])
        }
        "<" => field(Test::Number(Comparison::Less, number)),
        "<=" => field(Test::Number(Comparison::LessOrEqual, number)),
        ">" => field(Test::Number(Comparison::Greater, number)),
        ">=" => field(Test::Number(Comparison::GreaterOrEqual, number)),
        "contains" => field(Test::Contains(text)),
        "starts_with" => field(Test::Starts(text)),
        "ends_with" => field(Test::Ends(text)),
        "not_contains" => Formula::All(vec![field(Test::IsText), field(Test::Contains(text)).not()]),
        "not_starts_with" => Formula::All(vec![field(Test::IsText), field(Test::Starts(text)).not()]),
        "not_ends_with" => Formula::All(vec![field(Test::IsText), field(Test::Ends(text)).not()]),
        "exists" => field(Test::Exists),
        "not_exists" => field(Test::Exists).not(),
        "is_true" => field(Test::Is(true)),
        "is_false" => field(Test::Is(false)),
        _ => Formula::Constant(false),
    })
}

impl Test {
    /// Tests that a text passes for certain if it passes this one, itself included.
    pub(super) fn implied(&self) -> Vec<Self> {
        let mut implied = vec![self.clone()];
        let Self::Glob(pattern) = self else { return implied };
        let steps = glob::steps(pattern).unwrap_or_default();
        let mut at = 0;
        for run in steps.split(|step| !matches!(step, Step::Literal(_))) {
            let text: String = run.iter().filter_map(Step::literal).collect();
            if at == 0 {
                implied.push(Self::Starts(text.clone()));
            }
            if at + run.len() == steps.len() {
                implied.push(Self::Ends(text.clone()));
            }
            implied.push(Self::Contains(text));
            at += run.len() + 1;
        }
        implied
    }

    /// Whether a value passes.
    pub(super) fn passes(&self, value: &Value) -> bool {
        let text = || value.as_str().unwrap_or_default();
        match self {
            Self::Exists => !value.is_null(),
            Self::Is(truth) => *value == Value::Bool(*truth),
            Self::IsText => value.is_string(),
            Self::IsNumber => value.is_number(),
            Self::Text(expected) => value.is_string() && text() == expected,
            Self::Contains(part) => value.is_string() && text().contains(part.as_str()),
            Self::Starts(part) => value.is_string() && text().starts_with(part.as_str()),
            Self::Ends(part) => value.is_string() && text().ends_with(part.as_str()),
            Self::Glob(pattern) => value.is_string() && glob::matches(text(), pattern),
            Self::Number(comparison, number) => {
                value.as_f64().is_some_and(|value| numbers::compare(value, *comparison, *number))
            }
        }
    }
}
