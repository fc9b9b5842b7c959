//! Where readers and checks leave the problems they find, and the places they are found at.

use hubward_core::spec::Location;

use crate::codes;
use crate::diagnostic::{Diagnostic, Related, Severity};
use crate::load::SourceFile;

/// A place in one of the files: 1-based line and column in characters, `len` characters on that line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    /// Index into the files of the input; [`Span::NO_FILE`] for a file that is not there.
    pub(crate) file: usize,
    pub(crate) line: u32,
    pub(crate) column: u32,
    pub(crate) len: u32,
}

impl Span {
    pub(crate) const NO_FILE: usize = usize::MAX;

    pub(crate) fn start_of(file: usize) -> Self {
        Self { file, line: 1, column: 1, len: 0 }
    }
}

/// Collects problems.
pub(crate) struct Sink<'a> {
    files: &'a [SourceFile],
    found: Vec<(Span, Diagnostic)>,
}

impl<'a> Sink<'a> {
    pub(crate) fn new(files: &'a [SourceFile]) -> Self {
        Self { files, found: Vec::new() }
    }

    pub(crate) fn location(&self, span: Span) -> Location {
        Location { file: self.path(span.file).to_owned(), line: span.line, column: span.column }
    }

    pub(crate) fn path(&self, file: usize) -> &'a str {
        self.files.get(file).map_or("hubward.yml", |file| file.path.as_str())
    }

    pub(crate) fn error(
        &mut self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(Severity::Error, code, span, None, message, help);
    }

    pub(crate) fn warning(
        &mut self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(Severity::Warning, code, span, None, message, help);
    }

    /// An error with a second place, such as the first of two definitions.
    pub(crate) fn error_beside(
        &mut self,
        code: &'static str,
        span: Span,
        beside: (Span, &str),
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(Severity::Error, code, span, Some(beside), message, help);
    }

    fn push(
        &mut self,
        severity: Severity,
        code: &'static str,
        span: Span,
        beside: Option<(Span, &str)>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        debug_assert!(codes().iter().any(|(known, _)| *known == code), "the code {code} must be in the table of codes");
        let diagnostic = Diagnostic {
            severity,
            code,
            file: self.path(span.file).to_owned(),
            line: span.line,
            column: span.column,
            span_len: span.len,
            message: message.into(),
            help: Some(help.into()),
            related: beside.map(|(other, label)| Related {
                file: self.path(other.file).to_owned(),
                line: other.line,
                column: other.column,
                span_len: other.len,
                label: label.to_owned(),
            }),
        };
        self.found.push((span, diagnostic));
    }

    /// Whether an error was found in this file.
    pub(crate) fn reported_in(&self, file: usize) -> bool {
        self.found.iter().any(|(span, found)| span.file == file && found.severity == Severity::Error)
    }

    /// Takes back the missing variables among `holes`: the caller found that nobody needs them.
    pub(crate) fn forgive_missing(&mut self, holes: &[Span]) {
        self.found.retain(|(span, found)| found.code != "missing-variable" || !holes.contains(span));
    }

    /// Errors and warnings in the order of files, lines and columns.
    pub(crate) fn finish(mut self) -> (Vec<Diagnostic>, Vec<Diagnostic>) {
        self.found.sort_by_key(|(span, _)| *span);
        let all = self.found.into_iter().map(|(_, diagnostic)| diagnostic);
        all.partition(|diagnostic| diagnostic.severity == Severity::Error)
    }
}

/// A name as it may stand in a message: in backticks, without control characters, cut when long.
pub(crate) fn quoted(text: &str) -> String {
    let mut shown = String::from("`");
    for (index, c) in text.chars().enumerate() {
        if index == 60 {
            shown.push('…');
            break;
        }
        if c.is_control() {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown.push('`');
    shown
}
