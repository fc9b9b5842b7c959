//! The original's grammar, if it is one: it walks over the tokens, takes what it knows and passes over the rest.

use std::collections::VecDeque;

use super::lexer::{Kind, Token, lex};
use super::{Condition, Expected, Group, Joined, Node, Subject, numbers};

/// What the original says when it looks into a token or tree that is not there.
const UNDEFINED: &str = "Cannot read properties of undefined (reading 'type')";

/// Names that every object of JavaScript has: the original looks heads of paths up in an object, finds these there too,
/// and takes what follows for a condition that it then forgets.
pub(in crate::fql) const INHERITED: [&str; 12] = [
    "constructor",
    "hasOwnProperty",
    "isPrototypeOf",
    "propertyIsEnumerable",
    "toLocaleString",
    "toString",
    "valueOf",
    "__defineGetter__",
    "__defineSetter__",
    "__lookupGetter__",
    "__lookupSetter__",
    "__proto__",
];

pub(super) fn parse(text: &str) -> Result<Group, String> {
    match level(&mut joined_paths(lex(text)))? {
        None => Err(UNDEFINED.to_owned()),
        Some(Node::Group(group)) => Ok(group),
        Some(condition) => Ok(Group { operator: Joined::And, children: vec![Some(condition)] }),
    }
}

/// Names with dots between them become one token, blanks or not.
fn joined_paths(tokens: Vec<Token>) -> VecDeque<Token> {
    let mut joined: VecDeque<Token> = VecDeque::with_capacity(tokens.len());
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        if token.kind == Kind::Dot
            && let Some(last) = joined.back_mut()
            && last.kind == Kind::Ident
            && let Some(next) = tokens.next_if(|next| next.kind == Kind::Ident)
        {
            last.value.push('.');
            last.value.push_str(&next.value);
        } else {
            joined.push_back(token);
        }
    }
    joined
}

/// The conditions up to the end: none, one by itself, or a group with the word that came last.
fn level(tokens: &mut VecDeque<Token>) -> Result<Option<Node>, String> {
    let mut nodes = Vec::new();
    let mut operator = Joined::And;
    while let Some(token) = tokens.pop_front() {
        match token.kind {
            Kind::End => break,
            Kind::Ident => {
                let head = token.value.split('.').next().unwrap_or_default();
                if let Some(subject) = subject(head, &token.value) {
                    nodes.push(Some(condition(subject, tokens)?));
                } else if INHERITED.contains(&head) {
                    operator_and_value(tokens)?;
                } else if is_function(&token) {
                    function(&token.value, false, &mut nodes, tokens)?;
                }
            }
            Kind::Operator if token.value == "!" => {
                let next = tokens.front().ok_or(UNDEFINED)?;
                if is_function(next) {
                    let name = next.value.clone();
                    tokens.pop_front();
                    function(&name, true, &mut nodes, tokens)?;
                }
            }
            Kind::ParenLeft => {
                let mut inner = VecDeque::new();
                loop {
                    let token = tokens.pop_front().ok_or(UNDEFINED)?;
                    if token.kind == Kind::ParenRight {
                        break;
                    }
                    inner.push_back(token);
                }
                inner.push_back(Token::end());
                nodes.push(level(&mut inner)?);
            }
            Kind::Conditional => operator = if token.value == "or" { Joined::Or } else { Joined::And },
            _ => {}
        }
    }
    if nodes.len() > 1 {
        return Ok(Some(Node::Group(Group { operator, children: nodes })));
    }
    Ok(nodes.pop().flatten())
}

fn subject(head: &str, path: &str) -> Option<Subject> {
    let name = || {
        let rest = path.strip_prefix(head).and_then(|rest| rest.strip_prefix('.'));
        rest.unwrap_or(path).to_owned()
    };
    Some(match head {
        "type" => Subject::Type,
        "event" => Subject::Event,
        "name" => Subject::Name,
        "userId" => Subject::UserId,
        "properties" => Subject::Property(name()),
        "traits" => Subject::Trait(name()),
        "context" => Subject::Context(name()),
        _ => return None,
    })
}

fn operator_and_value(tokens: &mut VecDeque<Token>) -> Result<(Token, Token), String> {
    let operator = tokens.pop_front().ok_or("Operator token is missing")?;
    let value = tokens.pop_front().ok_or("Value token is missing")?;
    Ok((operator, value))
}

fn condition(subject: Subject, tokens: &mut VecDeque<Token>) -> Result<Node, String> {
    let (operator, value) = operator_and_value(tokens)?;
    let nested = matches!(subject, Subject::Property(_) | Subject::Trait(_) | Subject::Context(_));
    let knows_null = nested || matches!(subject, Subject::Name | Subject::UserId);
    let knows_booleans = nested || subject == Subject::UserId;
    let special = match (operator.value.as_str(), value.value.as_str()) {
        ("!=", "null") if knows_null => Some("exists"),
        ("=", "null") if knows_null => Some("not_exists"),
        ("=", "true") if knows_booleans => Some("is_true"),
        ("=", "false") if knows_booleans => Some("is_false"),
        _ => None,
    };
    if let Some(operator) = special {
        return Ok(Node::Condition(Condition { subject, operator: operator.to_owned(), value: None }));
    }
    let expected = expected(&value);
    if !nested {
        let value = Some(Expected::Text(expected.text()));
        return Ok(Node::Condition(Condition { subject, operator: operator.value, value }));
    }
    let operator = match (operator.value.as_str(), value.kind) {
        ("=", Kind::Number) => "number_equals".to_owned(),
        ("!=", Kind::Number) => "number_not_equals".to_owned(),
        _ => operator.value,
    };
    Ok(Node::Condition(Condition { subject, operator, value: Some(expected) }))
}

/// What a token stands for as a value. Single quotes belong to the text.
fn expected(token: &Token) -> Expected {
    match token.kind {
        Kind::Text => {
            let text = token.value.strip_prefix('"').unwrap_or(&token.value);
            Expected::Text(text.strip_suffix('"').unwrap_or(text).to_owned())
        }
        Kind::Number => Expected::Number(numbers::of_text(&token.value)),
        Kind::Ident if token.value == "true" => Expected::Bool(true),
        Kind::Ident if token.value == "false" => Expected::Bool(false),
        _ => Expected::Text(token.value.clone()),
    }
}

fn is_function(token: &Token) -> bool {
    token.kind == Kind::Ident && matches!(token.value.as_str(), "contains" | "match")
}

/// Five tokens, whatever they are, are taken for `(`, a path, `,`, a value and `)`.
fn function(
    name: &str,
    negated: bool,
    nodes: &mut Vec<Option<Node>>,
    tokens: &mut VecDeque<Token>,
) -> Result<(), String> {
    tokens.pop_front();
    let path = tokens.pop_front().ok_or_else(|| format!("{name}() is missing a 1st argument"))?.value;
    tokens.pop_front();
    let value = tokens.pop_front().ok_or_else(|| format!("{name}() is missing a 2nd argument"))?;
    tokens.pop_front();
    let text = expected(&value).text();
    let (operator, text) = if name == "contains" {
        (if negated { "not_contains" } else { "contains" }, text)
    } else if value.value.ends_with("*\"") {
        let mut prefix = text;
        prefix.pop();
        (if negated { "not_starts_with" } else { "starts_with" }, prefix)
    } else {
        let units: Vec<u16> = text.encode_utf16().skip(1).collect();
        (if negated { "not_ends_with" } else { "ends_with" }, String::from_utf16_lossy(&units))
    };
    let subject = match path.as_str() {
        "event" => Subject::Event,
        "name" => Subject::Name,
        "userId" => Subject::UserId,
        path => {
            let name =
                |head: &str| path.strip_prefix(head).and_then(|rest| rest.strip_prefix('.')).unwrap_or(path).to_owned();
            if path.starts_with("properties") {
                Subject::Property(name("properties"))
            } else if path.starts_with("traits") {
                Subject::Trait(name("traits"))
            } else if path.starts_with("context") {
                Subject::Context(name("context"))
            } else {
                return Ok(());
            }
        }
    };
    let value = Some(Expected::Text(text));
    nodes.push(Some(Node::Condition(Condition { subject, operator: operator.to_owned(), value })));
    Ok(())
}
