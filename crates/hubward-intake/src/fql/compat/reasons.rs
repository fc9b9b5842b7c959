//! What in a trigger's text the original stumbles over.
//!
//! Looks for what is known to be read differently, in the words and in the tree. Is asked only once the readings are
//! known to differ, so that it need not be exact itself: a trigger without such a place gets no reasons.

use serde_json::Value;

use super::Warning;
use super::formula::{Test, pattern_test};
use crate::fql::ast::{Comparison, Condition, Operand, Path};
use crate::fql::functions::Function;
use crate::fql::lexer::{Token, lex};

/// Heads of paths that the original knows.
const HEADS: [&str; 7] = ["type", "event", "name", "userId", "properties", "traits", "context"];

pub(super) fn reasons(text: &str, condition: &Condition) -> Vec<Warning> {
    let mut found = Found { warnings: Vec::new() };
    found.words(text);
    found.tree(condition);
    found.warnings
}

struct Found {
    warnings: Vec<Warning>,
}

/// What has been opened and not closed.
enum Open {
    Group { and: bool, or: bool },
    Call,
    List,
}

/// What the original wants after a text, `and`, `or`, `null`, `!=`, `<=` and `>=`.
fn terminated(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with([' ', '\t', '\n', ',', ']', ')'])
}

impl Found {
    /// Each code once; the first place stands for all.
    fn add(&mut self, code: &'static str, message: impl Into<String>) {
        if self.warnings.iter().all(|warning| warning.code != code) {
            self.warnings.push(Warning::new(code, message));
        }
    }

    fn words(&mut self, text: &str) {
        let Ok(tokens) = lex(text) else { return };
        let mut open = vec![Open::Group { and: false, or: false }];
        let mut before = 0;
        for (at, (token, place)) in tokens.iter().enumerate() {
            if text[before..place.start].contains('\r') {
                self.add("blanks", "Segment's parser fails at a carriage return");
            }
            before = place.end;
            let written = &text[place.clone()];
            let rest = &text[place.end..];
            match token {
                Token::Open => {
                    let function = match at.checked_sub(1).map(|before| &tokens[before].0) {
                        Some(Token::Path(path)) => Some(path),
                        _ => None,
                    };
                    self.opened(&mut open, function);
                }
                Token::OpenList => open.push(Open::List),
                Token::Close | Token::CloseList => {
                    open.pop();
                }
                Token::Keyword(word) => self.keyword(word, written, rest, &mut open),
                Token::Bang => {
                    let name = tokens.get(at + 1).and_then(|(token, _)| match token {
                        Token::Path(path) => Some(path.to_string()),
                        _ => None,
                    });
                    if name.as_deref().is_some_and(|name| matches!(name, "contains" | "match")) {
                        self.add(
                            "negated-function",
                            format!("Segment's parser takes `!{}(…)` for false where the field is missing or no text; here it is true", name.unwrap_or_default()),
                        );
                    } else {
                        self.add(
                            "negation",
                            "Segment's parser passes over `!` before anything but `contains` and `match`",
                        );
                    }
                    if rest.starts_with([' ', '\t', '\n', '\r']) {
                        self.add("blanks", "Segment's parser fails at a `!` with a blank after it");
                    }
                }
                Token::Comparison(comparison) => {
                    if written.len() == 2 && !terminated(rest) {
                        self.add("blanks", format!("Segment's parser wants a blank after `{}`", comparison.symbol()));
                    }
                }
                Token::Text(value) => self.text(value, written, rest),
                Token::Path(path) => {
                    if rest.starts_with(['<', '>']) {
                        self.add("blanks", format!("Segment's parser wants a blank after `{path}`"));
                    }
                    if tokens.get(at + 1).is_none_or(|(next, _)| *next != Token::Open) {
                        self.path(path, matches!(open.last(), Some(Open::Call)));
                    }
                }
                Token::Number(_) | Token::Comma | Token::End => {}
            }
        }
    }

    fn opened(&mut self, open: &mut Vec<Open>, function: Option<&Path>) {
        // The first is the whole trigger, which is no group.
        let grouped = open.iter().skip(1).any(|open| matches!(open, Open::Group { .. }));
        let Some(function) = function else {
            if grouped {
                self.add(
                    "nested-groups",
                    "Segment's parser ends a group at the first `)`, so that groups within groups fail",
                );
            }
            open.push(Open::Group { and: false, or: false });
            return;
        };
        let function = function.to_string();
        if !matches!(function.as_str(), "contains" | "match") {
            self.add(
                "unknown-function",
                format!("Segment's parser knows `contains` and `match` only, and passes over the name `{function}`"),
            );
        } else if grouped {
            self.add(
                "function-in-group",
                format!("in Segment's parser the `)` of `{function}(…)` ends the parentheses around it"),
            );
        }
        open.push(Open::Call);
    }

    fn keyword(&mut self, word: &str, written: &str, rest: &str, open: &mut [Open]) {
        match word {
            "and" | "or" if written != word => {
                self.add("capitals", format!("Segment's parser passes over `{written}`; it knows `{word}`"));
            }
            "and" | "or" => {
                if let Some(Open::Group { and, or }) = open.last_mut() {
                    *(if word == "and" { &mut *and } else { &mut *or }) = true;
                    if *and && *or {
                        self.add(
                            "mixed-and-or",
                            "`and` and `or` stand side by side: Segment's parser takes the last of them for all the conditions of that level",
                        );
                    }
                }
            }
            "not" => self.add("negation", format!("Segment's parser passes over `{written}`")),
            "in" => self.add("in", "Segment's parser has no `in`, and takes such a condition for false"),
            _ => {}
        }
        if matches!(word, "and" | "or" | "null") && !terminated(rest) {
            self.add("blanks", format!("Segment's parser wants a blank after `{written}`"));
        }
    }

    fn text(&mut self, value: &str, written: &str, rest: &str) {
        if written.starts_with('\'') {
            self.add("single-quotes", format!("Segment's parser takes single quotes for part of the text, {written}"));
        }
        if written.get(1..written.len() - 1) != Some(value) {
            self.add("escapes", format!("Segment's parser knows no backslash within quotes, as in {written}"));
        }
        if !terminated(rest) {
            self.add("blanks", format!("Segment's parser wants a blank after {written}"));
        }
    }

    fn path(&mut self, path: &Path, argument: bool) {
        let head = path.0[0].as_str();
        if !HEADS.contains(&head) || (argument && head == "type") {
            let within = if argument { "functions on" } else { "conditions on" };
            self.add("unknown-field", format!("Segment's parser passes over {within} `{path}`"));
            return;
        }
        let nested = matches!(head, "properties" | "traits" | "context");
        if nested && path.0.len() == 1 {
            self.add("field-names", format!("Segment's parser takes `{path}` for the field `{path}.{path}`"));
        }
        if !nested && path.0.len() > 1 {
            self.add(
                "field-names",
                format!("Segment's parser takes `{path}` for `{head}`, or knows nothing of it in a function"),
            );
        }
        for name in &path.0[1..] {
            if name.contains(['.', '[', ']']) {
                self.add(
                    "field-names",
                    format!("Segment's parser takes the escaped dots and brackets of `{path}` for further fields"),
                );
            }
            if matches!(name.as_str(), "and" | "or" | "null")
                || name.starts_with(|c: char| c.is_ascii_digit() || c == '-')
            {
                self.add("field-names", format!("Segment's parser stumbles over the name `{name}` in `{path}`"));
            }
        }
    }

    fn tree(&mut self, condition: &Condition) {
        match condition {
            Condition::Any(parts) | Condition::All(parts) => parts.iter().for_each(|part| self.tree(part)),
            Condition::Not(inner) => self.tree(inner),
            Condition::Compare { left, comparison, right } => match (left, right) {
                (Operand::Path(path), Operand::Literal(literal)) => {
                    self.comparison(path, *comparison, literal, condition)
                }
                (Operand::Path(_), Operand::Path(other)) => {
                    self.add("value", format!("Segment's parser compares with the text \"{other}\", not with a field"));
                }
                (Operand::Path(_), Operand::List(_) | Operand::Call(..)) => {
                    self.add("value", format!("Segment's parser compares with text, numbers, booleans and null only, not as in `{condition}`"));
                }
                (Operand::Call(..), _) => {
                    self.add(
                        "value",
                        format!(
                            "Segment's parser compares fields only, and passes over the comparison in `{condition}`"
                        ),
                    );
                }
                (Operand::Literal(_) | Operand::List(_), _) => {
                    self.add(
                        "value",
                        format!("Segment's parser wants the field first, and passes over or misreads `{condition}`"),
                    );
                }
            },
            Condition::In { .. } => {}
            Condition::Truth(Operand::Call(function, arguments)) => self.call(*function, arguments, condition),
            Condition::Truth(_) => {
                self.add(
                    "bare-value",
                    format!("Segment's parser takes the two words after `{condition}` for an operator and a value"),
                );
            }
        }
    }

    fn comparison(&mut self, path: &Path, comparison: Comparison, literal: &Value, condition: &Condition) {
        let head = path.0[0].as_str();
        let nested = matches!(head, "properties" | "traits" | "context");
        let equality = matches!(comparison, Comparison::Equal | Comparison::NotEqual);
        if !HEADS.contains(&head) {
            return;
        }
        match literal {
            Value::Number(_) if nested && comparison == Comparison::NotEqual => self.add(
                "not-equal-number",
                format!("Segment's parser takes `{condition}` for false where the field is missing or no number; here it is true"),
            ),
            Value::Bool(truth) if nested && comparison == Comparison::NotEqual => {
                self.add("compared-as-text", format!("for `{condition}` Segment's parser compares with the text \"{truth}\""));
            }
            Value::Number(_) | Value::Bool(_) | Value::Null if equality && !nested => {
                let known = match head {
                    "name" => literal.is_null(),
                    "userId" => literal.is_null() || (literal.is_boolean() && comparison == Comparison::Equal),
                    _ => false,
                };
                if !known {
                    self.add("compared-as-text", format!("for `{condition}` Segment's parser compares with the text \"{literal}\""));
                }
            }
            Value::String(_) | Value::Bool(_) if !equality => {
                self.add("order", format!("for `{condition}` Segment's parser takes {literal} for a number if it can"));
            }
            _ => {}
        }
    }

    fn call(&mut self, function: Function, arguments: &[Operand], condition: &Condition) {
        match (function, arguments) {
            (Function::Match, [Operand::Path(_), Operand::Literal(Value::String(pattern))]) => {
                let plain = match pattern_test(pattern) {
                    Some(Some(Test::Starts(prefix))) => *pattern == format!("{prefix}*"),
                    Some(Some(Test::Ends(suffix))) => *pattern == format!("*{suffix}"),
                    _ => false,
                };
                if !plain {
                    let reading = match pattern.strip_suffix('*') {
                        Some(prefix) => format!("begins with \"{prefix}\""),
                        None => format!("ends with \"{}\"", pattern.chars().skip(1).collect::<String>()),
                    };
                    self.add("glob", format!("Segment's parser knows patterns with one `*` at the beginning or the end; it asks whether the text {reading}"));
                }
            }
            (Function::Contains, [Operand::Path(_), Operand::Literal(Value::String(_))]) => {}
            (Function::Contains | Function::Match, _) => {
                self.add(
                    "value",
                    format!("Segment's parser takes a field and a text in functions, not as in `{condition}`"),
                );
            }
            _ => {}
        }
    }
}
