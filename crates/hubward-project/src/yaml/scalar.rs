//! Scalars: variables filled in, and the places of those that cannot be.

use serde_saphyr::granit_parser::Span as RawSpan;

use super::Scalar;
use super::interpolate::{self, ProblemKind};
use crate::sink::{Sink, Span, quoted};

/// The file that is being read, and what its variables hold.
pub(super) struct Source<'a> {
    pub(super) file: usize,
    pub(super) text: &'a str,
    pub(super) env: &'a dyn Fn(&str) -> Option<String>,
}

impl Source<'_> {
    /// The scalar with its variables filled in; those that cannot be are reported.
    pub(super) fn scalar(&self, text: String, plain: bool, raw: &RawSpan, span: Span, sink: &mut Sink<'_>) -> Scalar {
        let Some(filled) = interpolate::fill(&text, self.env) else {
            return Scalar { text, written: None, plain, missing: Vec::new() };
        };
        let places = self.places(&text, raw);
        let mut missing = Vec::new();
        for problem in filled.problems {
            let mut at = places.get(problem.nth).copied().unwrap_or(span);
            at.len = problem.len;
            missing.push(at);
            match problem.kind {
                ProblemKind::Missing(name) => sink.error(
                    "missing-variable",
                    at,
                    format!("the environment variable {} is not set", quoted(&name)),
                    format!("set it (`export {name}=…`), or give a default: `${{{name}:-default}}`"),
                ),
                ProblemKind::Malformed(why) => sink.error(
                    "bad-variable",
                    at,
                    why,
                    "write `${VAR}` or `${VAR:-default}`; `$${` stands for a plain `${`",
                ),
            }
        }
        Scalar { text: filled.text, written: Some(text), plain, missing }
    }

    /// Where each `${` of a scalar stands in the file. Empty when escapes in the scalar hide some of them.
    fn places(&self, text: &str, raw: &RawSpan) -> Vec<Span> {
        let slice = raw.slice(self.text).unwrap_or_default();
        let offsets: Vec<usize> = slice.match_indices("${").map(|(at, _)| at).collect();
        if offsets.len() != text.matches("${").count() {
            return Vec::new();
        }
        let mut line = narrow(raw.start.line()).max(1);
        let mut column = narrow(raw.start.col()).saturating_add(1);
        let mut done = 0;
        let mut places = Vec::with_capacity(offsets.len());
        for offset in offsets {
            for c in slice[done..offset].chars() {
                if c == '\n' {
                    line += 1;
                    column = 1;
                } else {
                    column += 1;
                }
            }
            done = offset;
            places.push(Span { file: self.file, line, column, len: 2 });
        }
        places
    }
}

/// A line, column or length that no real file exceeds.
pub(super) fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
