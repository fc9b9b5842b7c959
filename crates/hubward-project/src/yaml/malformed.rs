//! The one diagnostic of a file that is not YAML: the parser's place and words, and the remedy for the usual causes.

use serde_saphyr::granit_parser::ScanError;

use super::scalar::narrow;
use crate::sink::{Sink, Span};

pub(super) fn malformed(file: usize, text: &str, error: &ScanError, sink: &mut Sink<'_>) {
    let mark = error.marker();
    let mut span =
        Span { file, line: narrow(mark.line()).max(1), column: narrow(mark.col()).saturating_add(1), len: 1 };
    // The parser finds a tab only once it has read on from an earlier place.
    let near = text.lines().enumerate().skip(span.line as usize - 1).take(2);
    for (index, line) in near {
        let indentation = line.len() - line.trim_start().len();
        if let Some(tab) = line[..indentation].find('\t') {
            span.line = narrow(index + 1);
            span.column = narrow(line[..tab].chars().count() + 1);
            sink.error(
                "malformed-yaml",
                span,
                "this is not well-formed YAML: a tab stands in the indentation",
                "indent with spaces",
            );
            return;
        }
    }
    let line = text.lines().nth(span.line as usize - 1).unwrap_or_default();
    let help = if line.contains("${") {
        "inside `{ … }` and `[ … ]` a variable needs quotes: `{ path: \"${DATA}\" }`"
    } else {
        "look at this line and the one before it: indentation by spaces, a blank after every `:`, closed quotes and brackets; put quotes around text that holds `: ` or ` #`, or that starts with one of `@ * & { [ % |`"
    };
    sink.error("malformed-yaml", span, format!("this is not well-formed YAML: {}", error.info()), help);
}
