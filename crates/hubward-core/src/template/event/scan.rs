//! What a template holds, before it is parsed: whether its outputs, tags and blocks are closed, which tags and filters it
//! uses and where. The parser tells none of this with a place.

use super::super::TemplateError;

/// Tags that are refused, as Segment refuses them.
const DISABLED: [&str; 6] = ["case", "for", "include", "layout", "render", "tablerow"];
/// Tags with content and an end.
const BLOCKS: [&str; 5] = ["if", "unless", "capture", "comment", "raw"];
/// Tags without.
const SINGLE: [&str; 4] = ["assign", "cycle", "increment", "decrement"];
/// Tags that LiquidJS has and we have not.
const NOT_OFFERED: [&str; 6] = ["block", "break", "continue", "echo", "liquid", "#"];

/// A snapshot of text that is not closed is at most so long, in UTF-16 units.
const SNAPSHOT_MAX: usize = 32;

/// A place in a template: 1-based, the column in UTF-16 units.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    line: u32,
    column: u32,
}

impl Place {
    fn of(text: &str, at: usize) -> Self {
        let before = &text[..at];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().encode_utf16().count() + 1;
        let within = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Self { line: within(line), column: within(column) }
    }

    pub(super) fn error(self, message: impl std::fmt::Display) -> TemplateError {
        let Self { line, column } = self;
        TemplateError { message: format!("{message}, line:{line}, col:{column}"), line: Some(line) }
    }
}

/// What was found.
#[derive(Debug)]
pub(super) struct Scanned {
    /// Every filter by name, with the place of the output or tag in which it stands.
    pub(super) filters: Vec<(String, Place)>,
}

/// An output or a tag.
struct Token {
    start: usize,
    end: usize,
    is_tag: bool,
}

impl Token {
    /// What stands between the delimiters, without the signs that trim.
    fn inside<'a>(&self, text: &'a str) -> &'a str {
        let inside = &text[self.start + 2..self.end - 2];
        let inside = inside.strip_prefix('-').unwrap_or(inside);
        inside.strip_suffix('-').unwrap_or(inside).trim()
    }
}

pub(super) fn scan(text: &str) -> Result<Scanned, TemplateError> {
    let tokens = tokens(text)?;
    let mut scanned = Scanned { filters: Vec::new() };
    let mut open: Vec<(&str, &Token)> = Vec::new();
    for token in &tokens {
        let inside = token.inside(text);
        let place = Place::of(text, token.start);
        let within = open.last().map(|(name, _)| *name);
        if !token.is_tag {
            if within != Some("comment") {
                scanned.filters.extend(filters(inside).into_iter().map(|name| (name, place)));
            }
            continue;
        }
        let name = tag_name(inside);
        if within.is_some_and(|within| name.strip_prefix("end") == Some(within)) {
            open.pop();
            continue;
        }
        if within == Some("comment") {
            continue;
        }
        if DISABLED.contains(&name) {
            return Err(place.error(format_args!("tag \"{name}\" is disabled")));
        }
        if NOT_OFFERED.contains(&name) {
            return Err(place.error(format_args!("tag \"{name}\" is not offered here")));
        }
        if BLOCKS.contains(&name) {
            open.push((name, token));
        } else {
            let continues = matches!(name, "elsif" | "else") && matches!(within, Some("if" | "unless"));
            if !continues && !SINGLE.contains(&name) {
                return Err(place.error(format_args!("tag \"{name}\" not found")));
            }
        }
        if name == "assign" {
            scanned.filters.extend(filters(inside).into_iter().map(|name| (name, place)));
        }
    }
    if let Some((_, token)) = open.last() {
        let written = &text[token.start..token.end];
        return Err(Place::of(text, token.start).error(format_args!("tag {written} not closed")));
    }
    Ok(scanned)
}

/// The outputs and tags in their order; what stands in `raw` is text.
fn tokens(text: &str) -> Result<Vec<Token>, TemplateError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(found) = text[at..].find('{') {
        let start = at + found;
        let rest = &text[start..];
        let is_tag = rest.starts_with("{%");
        if !is_tag && !rest.starts_with("{{") {
            at = start + 1;
            continue;
        }
        let end = if is_tag { rest.find("%}").map(|found| found + 2) } else { output_end(rest) };
        let Some(end) = end.map(|length| start + length) else {
            let what = if is_tag { "tag" } else { "output" };
            return Err(Place::of(text, start).error(format_args!("{what} {} not closed", snapshot(rest))));
        };
        let token = Token { start, end, is_tag };
        let begins_raw = is_tag && tag_name(token.inside(text)) == "raw";
        tokens.push(token);
        at = end;
        if begins_raw {
            let Some((length, end_tag)) = end_of_raw(&text[end..]) else {
                return Err(Place::of(text, end).error(format_args!("raw {} not closed", snapshot(rest))));
            };
            tokens.push(Token { start: end + length, end: end + length + end_tag, is_tag: true });
            at = end + length + end_tag;
        }
    }
    Ok(tokens)
}

/// How long the raw text is, and how long the tag that ends it.
fn end_of_raw(text: &str) -> Option<(usize, usize)> {
    let mut at = 0;
    loop {
        let start = at + text[at..].find("{%")?;
        let length = text[start..].find("%}")? + 2;
        if (Token { start, end: start + length, is_tag: true }).inside(text) == "endraw" {
            return Some((start, length));
        }
        at = start + 2;
    }
}

/// Where an output ends: at the first closing braces that are not within quotes.
fn output_end(text: &str) -> Option<usize> {
    let mut quote = None;
    let mut escaped = false;
    for (at, own) in text.char_indices().skip(2) {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if own == '\\' => escaped = true,
            Some(opening) if own == opening => quote = None,
            Some(_) => {}
            None if own == '"' || own == '\'' => quote = Some(own),
            None if own == '}' && at > 2 && text[..at].ends_with('}') => return Some(at + 1),
            None => {}
        }
    }
    None
}

fn snapshot(rest: &str) -> String {
    let units: Vec<u16> = rest.encode_utf16().collect();
    let shown = if units.len() > SNAPSHOT_MAX {
        format!("{}...", String::from_utf16_lossy(&units[..SNAPSHOT_MAX - 3]))
    } else {
        rest.to_owned()
    };
    serde_json::Value::from(shown).to_string()
}

fn is_word(own: char) -> bool {
    own.is_alphanumeric() || own == '_' || own == '-'
}

fn tag_name(inside: &str) -> &str {
    if inside.starts_with('#') {
        return "#";
    }
    inside.split(|own: char| !is_word(own)).next().unwrap_or_default()
}

/// The names behind bars that do not stand within quotes.
fn filters(inside: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut quote = None;
    for (at, own) in inside.char_indices() {
        match quote {
            Some(opening) if own == opening => quote = None,
            Some(_) => {}
            None if own == '"' || own == '\'' => quote = Some(own),
            None if own == '|' => {
                let name: String = inside[at + 1..].trim_start().chars().take_while(|own| is_word(*own)).collect();
                if !name.is_empty() {
                    found.push(name);
                }
            }
            None => {}
        }
    }
    found
}
