//! Which columns a template reads, found in its text without running it.

use super::TemplateError;

/// The row's columns that a template may read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Columns {
    /// These, sorted.
    Known(Vec<String>),
    /// Any: the template reads the row as a whole, or a column whose name is made as it runs.
    All,
}

/// Reads the tags and outputs of `text`. Comments and raw blocks do not count.
pub(super) fn read(text: &str) -> Result<Columns, TemplateError> {
    let mut names: Vec<String> = Vec::new();
    let mut all = false;
    // The block whose content is not Liquid, until its end tag.
    let mut verbatim: Option<&'static str> = None;
    let mut rest = text;
    while let Some(start) = rest.find("{{").into_iter().chain(rest.find("{%")).min() {
        let is_tag = rest[start..].starts_with("{%");
        let inner = &rest[start + 2..];
        let end = end_of(inner, if is_tag { "%}" } else { "}}" });
        let code = &inner[..end];
        rest = inner.get(end + 2..).unwrap_or("");
        let code = code.strip_prefix('-').unwrap_or(code);
        let code = code.strip_suffix('-').unwrap_or(code);
        if is_tag {
            let tag = code.split_whitespace().next().unwrap_or("");
            if let Some(end_tag) = verbatim {
                if tag == end_tag {
                    verbatim = None;
                }
                continue;
            }
            verbatim = match tag {
                "comment" => Some("endcomment"),
                "raw" => Some("endraw"),
                _ => None,
            };
            check_exists(tag)?;
            check_row_stays(tag, code)?;
        }
        if verbatim.is_none() {
            scan(code, &mut names, &mut all);
        }
    }
    if all {
        return Ok(Columns::All);
    }
    names.sort_unstable();
    names.dedup();
    Ok(Columns::Known(names))
}

/// Where the closing mark begins, outside of quotes; the end of the text if it is missing, which the parser then reports.
fn end_of(code: &str, mark: &str) -> usize {
    let mut quote: Option<char> = None;
    for (position, character) in code.char_indices() {
        match quote {
            Some(open) if character == open => quote = None,
            Some(_) => {}
            None if matches!(character, '\'' | '"') => quote = Some(character),
            None if code[position..].starts_with(mark) => return position,
            None => {}
        }
    }
    // An unclosed quote: look again without regard to quotes.
    code.find(mark).unwrap_or(code.len())
}

/// The standard library's tags that a property has no use for: a table is HTML and knows no bound, other templates there
/// are none.
fn check_exists(tag: &str) -> Result<(), TemplateError> {
    let instead = match tag {
        "tablerow" => "use `for`",
        "include" | "render" => "write the other template out here",
        _ => return Ok(()),
    };
    Err(TemplateError { message: format!("{{% {tag} %}} does not exist here; {instead}"), line: None })
}

/// `row` means the row everywhere in a template.
fn check_row_stays(tag: &str, code: &str) -> Result<(), TemplateError> {
    if !matches!(tag, "assign" | "capture" | "for" | "increment" | "decrement") {
        return Ok(());
    }
    let name: String = code
        .trim_start()
        .strip_prefix(tag)
        .unwrap_or("")
        .trim_start()
        .chars()
        .take_while(|character| character.is_ascii_alphanumeric() || matches!(character, '_' | '-'))
        .collect();
    if name == "row" {
        return Err(TemplateError {
            message: format!("{{% {tag} row … %}} would hide the row; choose another name"),
            line: None,
        });
    }
    Ok(())
}

/// Finds `row.x`, `row['x']` and `row` alone in one tag or output.
fn scan(code: &str, names: &mut Vec<String>, all: &mut bool) {
    let mut rest = code;
    let mut before = ' ';
    while let Some(character) = rest.chars().next() {
        if matches!(character, '\'' | '"') {
            let quoted = &rest[1..];
            let end = quoted.find(character).map_or(quoted.len(), |end| end + 1);
            rest = &quoted[end..];
            before = character;
            continue;
        }
        if is_name(character) && !is_name(before) {
            let end = rest.find(|c: char| !is_name(c)).unwrap_or(rest.len());
            let word = &rest[..end];
            rest = &rest[end..];
            // `x.row` is a field of x; `row:` is the name of a filter's argument.
            if word == "row" && before != '.' && !rest.trim_start().starts_with(':') {
                rest = column(rest, names, all);
            }
            before = 'a';
            continue;
        }
        before = character;
        rest = &rest[character.len_utf8()..];
    }
}

fn is_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '-')
}

/// What follows `row`: notes the column, gives back the rest of the code.
fn column<'a>(rest: &'a str, names: &mut Vec<String>, all: &mut bool) -> &'a str {
    if let Some(after) = rest.strip_prefix('.') {
        let end = after.find(|c: char| !is_name(c)).unwrap_or(after.len());
        if end > 0 {
            names.push(after[..end].to_owned());
            return &after[end..];
        }
    }
    if let Some(after) = rest.strip_prefix('[') {
        let inner = after.trim_start();
        if let Some(quote) = inner.chars().next().filter(|c| matches!(c, '\'' | '"'))
            && let Some(end) = inner[1..].find(quote)
        {
            let (name, tail) = (&inner[1..=end], &inner[end + 2..]);
            if tail.trim_start().starts_with(']') {
                names.push(name.to_owned());
                return tail;
            }
        }
    }
    *all = true;
    rest
}
