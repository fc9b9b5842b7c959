//! Diagnostics as a person reads them in a terminal: the place, the line as written (secrets covered), the remedy.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use crate::diagnostic::{Diagnostic, Severity};
use crate::load::SourceFile;
use crate::redact;

/// Longest part of a line that is shown, in characters.
const MAX_LINE_CHARS: usize = 400;

/// One block of lines for each diagnostic, with a blank line between them. `files` are those the project was read from.
#[must_use]
pub fn render(diagnostics: &[Diagnostic], files: &[SourceFile], colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let mut out = String::new();
    for diagnostic in diagnostics {
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(&one(diagnostic, files, &renderer));
        out.push('\n');
    }
    out
}

fn one(diagnostic: &Diagnostic, files: &[SourceFile], renderer: &Renderer) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let place = Place {
        file: &diagnostic.file,
        line: diagnostic.line,
        column: diagnostic.column,
        span_len: diagnostic.span_len,
    };
    let mut group = level
        .primary_title(diagnostic.message.as_str())
        .id(diagnostic.code)
        .elements(std::iter::empty::<Snippet<'_, annotate_snippets::Annotation<'_>>>());
    group = place.show(group, files, AnnotationKind::Primary, None);
    if let Some(related) = &diagnostic.related {
        let place =
            Place { file: &related.file, line: related.line, column: related.column, span_len: related.span_len };
        group = place.show(group, files, AnnotationKind::Context, Some(&related.label));
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    renderer.render(&[group])
}

struct Place<'a> {
    file: &'a str,
    line: u32,
    column: u32,
    span_len: u32,
}

impl<'a> Place<'a> {
    fn show(&self, group: Group<'a>, files: &[SourceFile], kind: AnnotationKind, label: Option<&'a str>) -> Group<'a> {
        let Some(line) = self.text(files) else {
            let origin = Origin::path(self.file).line(self.line as usize).char_column(self.column as usize);
            return group.element(origin);
        };
        let shown: String = redact::line(line).chars().take(MAX_LINE_CHARS).collect();
        let span = self.bytes(&shown);
        group.element(
            Snippet::source(shown)
                .path(self.file)
                .line_start(self.line as usize)
                .annotation(kind.span(span).label(label)),
        )
    }

    fn text<'f>(&self, files: &'f [SourceFile]) -> Option<&'f str> {
        let file = files.iter().find(|file| file.path == self.file)?;
        // Only the line itself is handed on: what is not shown cannot give a secret away.
        file.text.lines().nth(self.line.checked_sub(1)? as usize)
    }

    fn bytes(&self, shown: &str) -> Range<usize> {
        let byte = |characters: usize| shown.char_indices().nth(characters).map_or(shown.len(), |(byte, _)| byte);
        let start = self.column.saturating_sub(1) as usize;
        byte(start)..byte(start + self.span_len.max(1) as usize)
    }
}
