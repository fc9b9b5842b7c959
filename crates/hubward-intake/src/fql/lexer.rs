//! A trigger's text as tokens, each with its place.
//!
//! Owns spelling: quotes, numbers, names with backslashes, operators. Leaves grammar to `parser`.

use std::ops::Range;

use super::FQL_BYTES_MAX;
use super::ast::{Comparison, KEYWORDS, Path, is_name};
use super::error::FqlError;

/// One word or sign.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A path, or the name of a function if `(` follows.
    Path(Path),
    /// One of [`KEYWORDS`], in lower case.
    Keyword(&'static str),
    Text(String),
    Number(f64),
    Comparison(Comparison),
    Bang,
    Comma,
    Open,
    Close,
    OpenList,
    CloseList,
    End,
}

impl Token {
    /// As a message names it.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Path(path) => format!("`{path}`"),
            Self::Keyword(word) => format!("`{word}`"),
            Self::Text(_) => "text".to_owned(),
            Self::Number(number) => format!("`{number}`"),
            Self::Comparison(comparison) => format!("`{}`", comparison.symbol()),
            Self::Bang => "`!`".to_owned(),
            Self::Comma => "`,`".to_owned(),
            Self::Open => "`(`".to_owned(),
            Self::Close => "`)`".to_owned(),
            Self::OpenList => "`[`".to_owned(),
            Self::CloseList => "`]`".to_owned(),
            Self::End => "the end".to_owned(),
        }
    }
}

/// All tokens with the bytes they stand in; the last is [`Token::End`].
pub(super) fn lex(text: &str) -> Result<Vec<(Token, Range<usize>)>, FqlError> {
    if text.len() > FQL_BYTES_MAX {
        let message = format!("the trigger has {} bytes; {FQL_BYTES_MAX} are allowed", text.len());
        return Err(FqlError::at(text, 0, message, None));
    }
    let mut lexer = Lexer { text, at: 0 };
    let mut tokens = Vec::new();
    loop {
        while lexer.peek().is_some_and(|c| matches!(c, ' ' | '\t' | '\n' | '\r')) {
            lexer.at += 1;
        }
        let begin = lexer.at;
        let token = lexer.token()?;
        let ended = token == Token::End;
        tokens.push((token, begin..lexer.at));
        if ended {
            return Ok(tokens);
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    /// The byte that is read next.
    at: usize,
}

impl Lexer<'_> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn accept(&mut self, expected: char) -> bool {
        let found = self.peek() == Some(expected);
        if found {
            self.at += expected.len_utf8();
        }
        found
    }

    fn error(&self, at: usize, message: impl Into<String>, help: Option<&str>) -> FqlError {
        FqlError::at(self.text, at, message, help.map(str::to_owned))
    }

    fn token(&mut self) -> Result<Token, FqlError> {
        let begin = self.at;
        let Some(c) = self.next() else { return Ok(Token::End) };
        Ok(match c {
            '(' => Token::Open,
            ')' => Token::Close,
            '[' => Token::OpenList,
            ']' => Token::CloseList,
            ',' => Token::Comma,
            '=' if self.peek() == Some('=') => {
                return Err(self.error(begin, "`==` is no operator", Some("did you mean `=`?")));
            }
            '=' => Token::Comparison(Comparison::Equal),
            '!' if self.accept('=') => Token::Comparison(Comparison::NotEqual),
            '!' => Token::Bang,
            '<' if self.peek() == Some('>') => {
                return Err(self.error(begin, "`<>` is no operator", Some("did you mean `!=`?")));
            }
            '<' if self.accept('=') => Token::Comparison(Comparison::LessOrEqual),
            '<' => Token::Comparison(Comparison::Less),
            '>' if self.accept('=') => Token::Comparison(Comparison::GreaterOrEqual),
            '>' => Token::Comparison(Comparison::Greater),
            '"' | '\'' => self.quoted(c, begin)?,
            '+' | '-' | '0'..='9' => self.number(begin)?,
            'a'..='z' | 'A'..='Z' | '_' | '\\' => {
                self.at = begin;
                self.word()?
            }
            '&' | '|' => {
                let help = if c == '&' { "did you mean `and`?" } else { "did you mean `or`?" };
                return Err(self.error(begin, format!("`{c}` is no operator"), Some(help)));
            }
            '.' => return Err(self.error(begin, "a path does not begin with `.`", None)),
            _ => {
                let help = (!c.is_control())
                    .then_some("text stands in quotes; in a field's name a backslash goes before such a character");
                return Err(self.error(begin, format!("unexpected character {c:?}"), help));
            }
        })
    }

    /// A quote and a backslash may be had by a backslash before them; before anything else a backslash is itself, so
    /// that the pattern `"\*"` may be written like this.
    fn quoted(&mut self, quote: char, begin: usize) -> Result<Token, FqlError> {
        let mut text = String::new();
        loop {
            match self.next() {
                None => return Err(self.error(begin, "the text has no closing quote", None)),
                Some(c) if c == quote => return Ok(Token::Text(text)),
                Some('\\') => match self.peek() {
                    Some(c @ ('"' | '\'' | '\\')) => {
                        self.at += 1;
                        text.push(c);
                    }
                    _ => text.push('\\'),
                },
                Some(c) => text.push(c),
            }
        }
    }

    fn digits(&mut self) -> bool {
        let begin = self.at;
        while self.peek().is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
        }
        self.at > begin
    }

    fn number(&mut self, begin: usize) -> Result<Token, FqlError> {
        self.at = begin;
        let _sign = self.accept('-') || self.accept('+');
        let whole = self.digits();
        let complete = whole && (!self.accept('.') || self.digits());
        if !complete || self.peek().is_some_and(|c| is_name(c) || c == '.') {
            let help = "a number has digits and at most one point between them; text stands in quotes";
            return Err(self.error(begin, "this is no number", Some(help)));
        }
        match self.text[begin..self.at].parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Token::Number(number)),
            _ => Err(self.error(begin, "the number is too large", None)),
        }
    }

    /// A keyword, or the names of a path with points between them.
    fn word(&mut self) -> Result<Token, FqlError> {
        let begin = self.at;
        let mut names = Vec::new();
        loop {
            let at = self.at;
            let name = self.name()?;
            if name.is_empty() {
                return Err(self.error(at, "a name is missing after `.`", None));
            }
            names.push(name);
            if !self.accept('.') {
                break;
            }
        }
        if self.peek() == Some('[') {
            let help = "a list has no fields: ask `x in list`, or for its length";
            return Err(self.error(self.at, "a path has no brackets", Some(help)));
        }
        let written = &self.text[begin..self.at];
        Ok(match KEYWORDS.into_iter().find(|word| *word == written) {
            Some("AND") => Token::Keyword("and"),
            Some("OR") => Token::Keyword("or"),
            Some("NOT") => Token::Keyword("not"),
            Some("IN") => Token::Keyword("in"),
            Some(word) => Token::Keyword(word),
            None => Token::Path(Path(names)),
        })
    }

    fn name(&mut self) -> Result<String, FqlError> {
        let mut name = String::new();
        while let Some(c) = self.peek() {
            if c == '\\' {
                let begin = self.at;
                self.at += 1;
                match self.next() {
                    Some(c) => name.push(c),
                    None => return Err(self.error(begin, "nothing follows the backslash", None)),
                }
            } else if is_name(c) {
                self.at += 1;
                name.push(c);
            } else {
                break;
            }
        }
        Ok(name)
    }
}
