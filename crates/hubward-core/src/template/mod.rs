//! Liquid templates over a row: `{{ row.first_name | upcase }}`.
//!
//! The language is the `liquid` crate's standard library, with filters of our own (`to_unix`, `to_unix_s`, `to_date`,
//! `parse_json`, `to_json`) and replacements of some: `date` reads no clock; `for`, `assign`, `capture` and the output are bounded, so that a
//! template always ends and gives the same result for the same row: objects are in the order of their names in `for` and
//! `to_json` (an object printed bare has no fixed order in Liquid). Tags that read other templates do not exist.
//!
//! Left to the caller: which columns the model has, and converting the output to the property's type.

mod columns;
mod event;
mod filters;
mod loops;
mod values;
mod variables;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::{self, Write};

use liquid::model::KString;

use crate::suggest::nearest;
use crate::{Reason, Value};

pub use columns::Columns;
pub use event::EventTemplate;

/// A template's output may be this long, in bytes: a few times what HubSpot takes for the longest property.
pub const MAX_OUTPUT_BYTES: usize = 1 << 20;

/// The turns that all loops of one rendering may take together.
pub const MAX_LOOP_TURNS: usize = 100_000;

/// A template that does not parse.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TemplateError {
    pub message: String,
    /// 1-based line within the template, where known.
    pub line: Option<u32>,
}

/// A row as a template reads it.
pub trait TemplateRow {
    /// The column's value; `None` if the row has no such column.
    fn column(&self, name: &str) -> Option<Value>;

    /// Every column's name. Asked only of templates that read the row as a whole.
    fn names(&self) -> Vec<String>;
}

impl TemplateRow for BTreeMap<String, Value> {
    fn column(&self, name: &str) -> Option<Value> {
        self.get(name).cloned()
    }

    fn names(&self) -> Vec<String> {
        self.keys().cloned().collect()
    }
}

/// A parsed template.
pub struct Template {
    template: liquid::Template,
    columns: Columns,
    text: String,
}

impl std::fmt::Debug for Template {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Template").field(&self.text).finish()
    }
}

impl Template {
    /// # Errors
    /// What does not parse: with Liquid's words and, where they tell it, the line.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let columns = columns::read(text)?;
        let parser = liquid::ParserBuilder::with_stdlib()
            .block(loops::ForBlock)
            .block(variables::CaptureBlock)
            .tag(variables::AssignTag)
            .filter(filters::ToUnix)
            .filter(filters::ToUnixS)
            .filter(filters::ToDate)
            .filter(filters::Date)
            .filter(filters::ParseJson)
            .filter(filters::ToJson)
            .build()
            .map_err(|error| parse_error(&error))?;
        let template = parser.parse(text).map_err(|error| parse_error(&error))?;
        Ok(Self { template, columns, text: text.to_owned() })
    }

    /// The row's columns that the template reads.
    #[must_use]
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// The template as written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The output for one row; `None` where it is empty, which counts as NULL. Output of blanks only is a value: a
    /// template that wants NULL trims with `{%-` and `-%}`.
    ///
    /// # Errors
    /// `TEMPLATE_FAILED` with Liquid's words: an unknown column or variable, a filter that refuses its input, too much
    /// output, too many turns of a loop.
    pub fn render(&self, row: &dyn TemplateRow) -> Result<Option<String>, Reason> {
        let all;
        let names = match &self.columns {
            Columns::Known(names) => names,
            Columns::All => {
                all = row.names();
                &all
            }
        };
        let mut object = liquid::Object::new();
        for name in names {
            if let Some(value) = row.column(name) {
                object.insert(KString::from_ref(name), values::to_liquid(&value));
            }
        }
        let mut globals = liquid::Object::new();
        globals.insert(KString::from_static("row"), liquid::model::Value::Object(object));
        let mut output = Bounded::default();
        match self.template.render_to(&mut output, &globals) {
            Ok(()) => {}
            Err(_) if output.full => {
                return Err(failed(format!("the output is longer than {MAX_OUTPUT_BYTES} bytes")));
            }
            Err(error) => return Err(failed(one_line(&error))),
        }
        let text = String::from_utf8(output.bytes).expect("Liquid writes text");
        Ok(if text.is_empty() { None } else { Some(text) })
    }
}

fn failed(why: String) -> Reason {
    Reason::new("TEMPLATE_FAILED", format!("the template failed: {why}"))
}

/// Liquid's message and what it says about the place, without its frame of blank lines.
fn one_line(error: &liquid::Error) -> String {
    let text = error.to_string();
    let mut parts: Vec<&str> = Vec::new();
    for line in text.lines() {
        let line = line.trim();
        let line = line.strip_prefix("liquid:").unwrap_or(line).trim();
        if !line.is_empty() && line != "with:" && !line.starts_with("from:") {
            parts.push(line);
        }
    }
    parts.join("; ")
}

fn parse_error(error: &liquid::Error) -> TemplateError {
    let text = error.to_string();
    // The parser draws the place as ` --> 2:5` above the guilty line.
    let line = text
        .split_once("-->")
        .and_then(|(_, place)| place.trim_start().split(':').next())
        .and_then(|number| number.trim().parse().ok());
    TemplateError { message: in_short(&text), line }
}

/// A parser's report without its frame: what was asked for and does not exist, else its last remark, else all of it.
fn in_short(report: &str) -> String {
    let lines: Vec<&str> = report.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let requested = lines.iter().find_map(|line| line.strip_prefix("requested "));
    if let Some((what, name)) = requested.and_then(|asked| asked.split_once('=')) {
        let available = lines.iter().find_map(|line| line.strip_prefix("available ")?.split_once('='));
        let known = available.map_or("", |(_, names)| names);
        let meant =
            nearest(name, known.split(", ")).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        return format!("there is no {what} `{name}`{meant}");
    }
    match lines.iter().rev().find_map(|line| line.strip_prefix("= ")) {
        Some(remark) => remark.trim_end_matches('.').to_owned(),
        None => lines.join(" ").trim_start_matches("liquid: ").to_owned(),
    }
}

/// Takes output up to [`MAX_OUTPUT_BYTES`].
#[derive(Default)]
struct Bounded {
    bytes: Vec<u8>,
    full: bool,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > MAX_OUTPUT_BYTES {
            self.full = true;
            return Err(io::Error::other("the output is too long"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
