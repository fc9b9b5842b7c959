//! The original's tokens. It reads UTF-16 units, and so does this.
//!
//! What surprises: a quote that closes a text is only eaten where a blank, `,`, `]`, `)` or the end follows; `!=`, `<=`
//! and `>=` want the same after them; and letters that might begin `and` or `null` are lost at the very end.

/// The kinds of tokens that its parser tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Ident,
    Dot,
    Operator,
    Conditional,
    Text,
    Number,
    ParenLeft,
    ParenRight,
    /// Null, brackets and commas.
    Other,
    End,
}

/// A token with what the original calls its value; a text's includes its quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) value: String,
}

impl Token {
    pub(super) fn new(kind: Kind, value: impl Into<String>) -> Self {
        Self { kind, value: value.into() }
    }

    pub(super) fn end() -> Self {
        Self::new(Kind::End, "eos")
    }
}

/// From this many UTF-16 units on, the original refuses a name, number or text.
const UNITS_MAX: usize = 100_000;

/// The tokens of a text; none at all where the original's lexer gives up, for it swallows its own error.
pub(super) fn lex(text: &str) -> Vec<Token> {
    let mut lexer = Lexer { units: text.encode_utf16().collect(), at: 0 };
    lexer.tokens().unwrap_or_default()
}

struct Lexer {
    units: Vec<u16>,
    at: usize,
}

fn is(unit: Option<u16>, c: char) -> bool {
    unit == Some(c as u16)
}

fn ascii(unit: Option<u16>) -> Option<char> {
    unit.and_then(|unit| u8::try_from(unit).ok()).filter(u8::is_ascii).map(char::from)
}

fn is_alpha(unit: Option<u16>) -> bool {
    ascii(unit).is_some_and(|c| c.is_ascii_alphabetic())
}

fn is_digit(unit: Option<u16>) -> bool {
    ascii(unit).is_some_and(|c| c.is_ascii_digit())
}

fn is_ident(unit: Option<u16>) -> bool {
    ascii(unit).is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '\\'))
}

/// The end is one too.
fn is_terminator(unit: Option<u16>) -> bool {
    unit.is_none() || ascii(unit).is_some_and(|c| matches!(c, ' ' | '\t' | '\n' | ',' | ']' | ')'))
}

impl Lexer {
    fn peek(&self) -> Option<u16> {
        self.units.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u16> {
        let unit = self.peek()?;
        self.at += 1;
        Some(unit)
    }

    /// Goes past `expected` if a terminator follows it. What was read before the end came stays read.
    fn accept(&mut self, expected: &str) -> bool {
        let begin = self.at;
        for _ in expected.chars() {
            let Some(unit) = self.next() else { return false };
            if is_terminator(Some(unit)) {
                break;
            }
        }
        let read = &self.units[begin..self.at];
        if expected.encode_utf16().eq(read.iter().copied()) && is_terminator(self.peek()) {
            return true;
        }
        self.at = begin;
        false
    }

    fn tokens(&mut self) -> Option<Vec<Token>> {
        let mut tokens = Vec::new();
        while let Some(unit) = self.next() {
            let c = ascii(Some(unit))?;
            let token = match c {
                ' ' | '\t' | '\n' => continue,
                '!' if is_alpha(self.peek()) || is(self.peek(), '(') => Token::new(Kind::Operator, "!"),
                '!' if self.accept("=") => Token::new(Kind::Operator, "!="),
                '!' => return None,
                '=' => Token::new(Kind::Operator, "="),
                '<' | '>' => {
                    let equal = if self.accept("=") { "=" } else { "" };
                    Token::new(Kind::Operator, format!("{c}{equal}"))
                }
                'a' if self.accept("nd") => Token::new(Kind::Conditional, "and"),
                'o' if self.accept("r") => Token::new(Kind::Conditional, "or"),
                'n' if self.accept("ull") => Token::new(Kind::Other, "null"),
                'a'..='z' | 'A'..='Z' | '\\' | '_' => self.ident(unit)?,
                '0'..='9' | '-' | '+' => self.number(c)?,
                '"' | '\'' => self.quoted(c)?,
                '.' => Token::new(Kind::Dot, "."),
                '[' | ']' | ',' => Token::new(Kind::Other, c),
                '(' => Token::new(Kind::ParenLeft, "("),
                ')' => Token::new(Kind::ParenRight, ")"),
                _ => return None,
            };
            tokens.push(token);
        }
        tokens.push(Token::end());
        Some(tokens)
    }

    fn ident(&mut self, first: u16) -> Option<Token> {
        let mut name = Vec::new();
        let mut unit = first;
        loop {
            if is(Some(unit), '\\') {
                unit = self.next()?;
            }
            name.push(unit);
            if name.len() >= UNITS_MAX {
                return None;
            }
            if !is_ident(self.peek()) {
                break;
            }
            unit = self.next()?;
        }
        let follows = self.peek();
        let ends = is_terminator(follows) || ascii(follows).is_some_and(|c| matches!(c, '.' | '(' | '=' | '!'));
        ends.then(|| Token::new(Kind::Ident, String::from_utf16_lossy(&name)))
    }

    fn number(&mut self, first: char) -> Option<Token> {
        let mut number = first.to_string();
        let mut point = false;
        while is_digit(self.peek()) || is(self.peek(), '.') {
            let c = ascii(self.next())?;
            number.push(c);
            if c == '.' {
                if point || is_terminator(self.peek()) {
                    return None;
                }
                point = true;
            }
            if number.len() > UNITS_MAX {
                return None;
            }
        }
        Some(Token::new(Kind::Number, number))
    }

    fn quoted(&mut self, quote: char) -> Option<Token> {
        let begin = self.at;
        while !is(self.peek(), quote) {
            self.next()?;
            if self.at - begin >= UNITS_MAX {
                return None;
            }
        }
        let text = String::from_utf16_lossy(&self.units[begin..self.at]);
        self.accept(quote.encode_utf8(&mut [0; 4]));
        Some(Token::new(Kind::Text, format!("{quote}{text}{quote}")))
    }
}
