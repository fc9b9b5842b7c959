//! Tokens to a tree: `or` binds loosest, then `and`, then `!` and `not`, then comparisons.
//!
//! Owns the grammar and its limits of depth. Leaves spelling to `lexer` and meaning to `evaluate`.

use std::ops::Range;

use serde_json::Value;

use super::FQL_DEPTH_MAX;
use super::ast::{Condition, Operand};
use super::error::FqlError;
use super::functions::Function;
use super::lexer::{Token, lex};
use super::suggest::nearest;

pub(super) fn parse(text: &str) -> Result<Condition, FqlError> {
    let mut parser = Parser { text, tokens: lex(text)?, at: 0, depth: 0 };
    if *parser.peek() == Token::End {
        return Err(
            parser.error("the trigger is empty", Some("write a condition, such as `type = \"track\"`".to_owned()))
        );
    }
    let condition = parser.any()?;
    if *parser.peek() == Token::End { Ok(condition) } else { Err(parser.left_over()) }
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<(Token, Range<usize>)>,
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> &Token {
        &self.tokens[self.at].0
    }

    /// The token, and on to the next; the end stays.
    fn next(&mut self) -> Token {
        let token = self.tokens[self.at].0.clone();
        if token != Token::End {
            self.at += 1;
        }
        token
    }

    fn accept(&mut self, expected: &Token) -> bool {
        let found = self.peek() == expected;
        if found {
            self.next();
        }
        found
    }

    /// An error at the token that is next.
    fn error(&self, message: impl Into<String>, help: Option<String>) -> FqlError {
        FqlError::at(self.text, self.tokens[self.at].1.start, message, help)
    }

    fn expected(&self, what: &str) -> FqlError {
        self.error(format!("expected {what}, found {}", self.peek().describe()), None)
    }

    fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T, FqlError>) -> Result<T, FqlError> {
        if self.depth == FQL_DEPTH_MAX {
            return Err(self.error(format!("nested deeper than {FQL_DEPTH_MAX} levels"), None));
        }
        self.depth += 1;
        let outcome = inner(self);
        self.depth -= 1;
        outcome
    }

    fn any(&mut self) -> Result<Condition, FqlError> {
        let mut conditions = vec![self.all()?];
        while self.accept(&Token::Keyword("or")) {
            conditions.push(self.all()?);
        }
        Ok(only(conditions, Condition::Any))
    }

    fn all(&mut self) -> Result<Condition, FqlError> {
        let mut conditions = vec![self.negatable()?];
        while self.accept(&Token::Keyword("and")) {
            conditions.push(self.negatable()?);
        }
        Ok(only(conditions, Condition::All))
    }

    fn negatable(&mut self) -> Result<Condition, FqlError> {
        if self.accept(&Token::Bang) || self.accept(&Token::Keyword("not")) {
            let inner = self.deeper(Self::negatable)?;
            return Ok(Condition::Not(Box::new(inner)));
        }
        if self.accept(&Token::Open) {
            let inner = self.deeper(Self::any)?;
            if !self.accept(&Token::Close) {
                return Err(self.left_over_or("`)`"));
            }
            if matches!(self.peek(), Token::Comparison(_) | Token::Keyword("in")) {
                let help = "parentheses go around conditions, which are true or false; leave them away around a value";
                return Err(self.error("a condition in parentheses cannot be compared", Some(help.to_owned())));
            }
            return Ok(inner);
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Result<Condition, FqlError> {
        let begin = self.at;
        let left = self.operand()?;
        match *self.peek() {
            Token::Comparison(comparison) => {
                self.next();
                let right = self.operand()?;
                Ok(Condition::Compare { left, comparison, right })
            }
            Token::Keyword("in") => {
                self.next();
                let at = self.at;
                let list = self.operand()?;
                if matches!(list, Operand::Literal(_)) {
                    self.at = at;
                    return Err(self.error("`in` wants a list", Some("write `[a, b]`, or a path to a list".to_owned())));
                }
                Ok(Condition::In { item: left, list })
            }
            _ if stands_alone(&left) => Ok(Condition::Truth(left)),
            _ => {
                let error = self.left_over_or("a comparison");
                self.at = begin;
                if error.help.is_some() {
                    Err(error)
                } else {
                    Err(self.error("this is neither true nor false", Some("compare it with something".to_owned())))
                }
            }
        }
    }

    fn operand(&mut self) -> Result<Operand, FqlError> {
        let begin = self.at;
        match self.next() {
            Token::Text(text) => Ok(Operand::Literal(Value::String(text))),
            Token::Number(number) => Ok(Operand::Literal(number.into())),
            Token::Keyword("true") => Ok(Operand::Literal(Value::Bool(true))),
            Token::Keyword("false") => Ok(Operand::Literal(Value::Bool(false))),
            Token::Keyword("null") => Ok(Operand::Literal(Value::Null)),
            Token::OpenList => {
                let items = self.deeper(|parser| parser.operands(&Token::CloseList))?;
                Ok(Operand::List(items))
            }
            Token::Path(path) if *self.peek() == Token::Open => {
                self.next();
                let name = path.to_string();
                let Some(function) = Function::named(&name) else {
                    self.at = begin;
                    let help = match nearest(&name, Function::ALL.map(Function::name)) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!("there are {}", Function::ALL.map(Function::name).join(", ")),
                    };
                    return Err(self.error(format!("there is no function `{name}`"), Some(help)));
                };
                let arguments = self.deeper(|parser| parser.operands(&Token::Close))?;
                if arguments.len() != function.arity() {
                    self.at = begin;
                    let wanted = if function.arity() == 1 { "one argument" } else { "two arguments" };
                    return Err(self.error(format!("`{name}` takes {wanted}, not {}", arguments.len()), None));
                }
                Ok(Operand::Call(function, arguments))
            }
            Token::Path(path) => Ok(Operand::Path(path)),
            _ => {
                self.at = begin;
                Err(self.expected("a value"))
            }
        }
    }

    /// Values with commas between them, up to `close`.
    fn operands(&mut self, close: &Token) -> Result<Vec<Operand>, FqlError> {
        let mut operands = Vec::new();
        if self.accept(close) {
            return Ok(operands);
        }
        loop {
            operands.push(self.operand()?);
            if self.accept(close) {
                return Ok(operands);
            }
            if !self.accept(&Token::Comma) {
                return Err(self.expected(&format!("`,` or {}", close.describe())));
            }
        }
    }

    fn left_over(&self) -> FqlError {
        if *self.peek() == Token::Close {
            return self.error("this `)` closes nothing", None);
        }
        self.left_over_or("`and`, `or` or the end")
    }

    /// What comes is not `what`; perhaps it is a slip of an operator.
    fn left_over_or(&self, what: &str) -> FqlError {
        let mut error = self.expected(what);
        match self.peek() {
            Token::Path(path) if path.0.len() == 1 => {
                error.help = match path.0[0].to_lowercase().as_str() {
                    "equals" | "eq" | "is" => Some("did you mean `=`?".to_owned()),
                    "contains" | "match" | "matches" => Some(
                        "functions stand before what they ask: `contains(event, \"x\")`, `match(event, \"x*\")`"
                            .to_owned(),
                    ),
                    word => nearest(word, ["and", "or", "in"]).map(|near| format!("did you mean `{near}`?")),
                };
            }
            Token::Keyword("not") => {
                error.help = Some("`not` stands before the whole condition: `not a in b`".to_owned());
            }
            _ => {}
        }
        error
    }
}

/// One condition is itself; several are joined.
fn only(mut conditions: Vec<Condition>, join: fn(Vec<Condition>) -> Condition) -> Condition {
    if conditions.len() > 1 { join(conditions) } else { conditions.remove(0) }
}

/// Whether a value may be a condition by itself: what could be `true` for some event.
fn stands_alone(operand: &Operand) -> bool {
    match operand {
        Operand::Path(_) => true,
        Operand::Literal(value) => matches!(value, Value::Bool(_) | Value::Null),
        Operand::Call(function, _) => function.is_condition(),
        Operand::List(_) => false,
    }
}
