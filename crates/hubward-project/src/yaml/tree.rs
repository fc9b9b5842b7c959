//! Builds the located tree from parser events, under limits: size of a file, depth, number of nodes.

use std::collections::HashMap;

use serde_saphyr::granit_parser::{Event, Options, Parser, ScalarStyle, Span as RawSpan, Tag};

use super::malformed::malformed;
use super::scalar::{Source, narrow};
use super::{Key, Kind, Node};
use crate::sink::{Sink, Span, quoted};

/// Longest project file, in bytes.
const MAX_FILE_BYTES: usize = 4 * 1024 * 1024;
/// Deepest nesting of lists and maps.
const MAX_DEPTH: usize = 64;
/// Most nodes of one file, those repeated by aliases included.
const MAX_NODES: usize = 200_000;

/// Reads one file. `None` when there is nothing to read on with: the file is not YAML (which has then been reported) or
/// holds no document.
pub(crate) fn parse(
    file: usize,
    text: &str,
    env: &dyn Fn(&str) -> Option<String>,
    sink: &mut Sink<'_>,
) -> Option<Node> {
    if text.len() > MAX_FILE_BYTES {
        sink.error(
            "file-too-large",
            Span::start_of(file),
            format!("the file has {} bytes, more than the {MAX_FILE_BYTES} a project file may have", text.len()),
            "keep data out of project files; SQL may live in a file of its own (`sql_file:`)",
        );
        return None;
    }
    let mut builder = Builder {
        source: Source { file, text, env },
        open: Vec::new(),
        anchors: HashMap::new(),
        nodes: 0,
        root: None,
        documents: 0,
    };
    let mut options = Options::default();
    options.set_emit_comments(false);
    for event in Parser::new_from_str_with_options(text, options) {
        match event {
            Ok((event, span)) => {
                if builder.take(event, &span, sink).is_err() {
                    return None;
                }
            }
            Err(error) => {
                malformed(file, text, &error, sink);
                return None;
            }
        }
    }
    builder.root
}

/// Reading cannot go on; the reason has been reported.
struct Stop;

enum Open {
    List { span: Span, anchor: usize, items: Vec<Node> },
    Map { span: Span, anchor: usize, entries: Vec<(Key, Node)>, key: Option<Key> },
}

struct Builder<'a> {
    source: Source<'a>,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    root: Option<Node>,
    documents: usize,
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, raw: &RawSpan, sink: &mut Sink<'_>) -> Result<(), Stop> {
        let span = self.span(raw);
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    sink.error(
                        "several-documents",
                        span,
                        "the file holds more than one YAML document",
                        "remove the `---` line and keep one model file or one sync a file",
                    );
                    return Err(Stop);
                }
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.count(1, span, sink)?;
                let plain = style == ScalarStyle::Plain && self.leaves_plain(tag.as_deref(), span, sink);
                if self.wants_key() {
                    return self.key(text.into_owned(), span, sink);
                }
                let scalar = self.source.scalar(text.into_owned(), plain, raw, span, sink);
                let node = Node { span, kind: Kind::Scalar(scalar) };
                self.close(node, anchor, sink)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.leaves_plain(tag.as_deref(), span, sink);
                self.open(Open::List { span, anchor, items: Vec::new() }, span, sink)
            }
            Event::MappingStart(_, anchor, tag) => {
                self.leaves_plain(tag.as_deref(), span, sink);
                let map = Open::Map { span, anchor, entries: Vec::new(), key: None };
                self.open(map, span, sink)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let (node, anchor) = match self.open.pop() {
                    Some(Open::List { span, anchor, items }) => (Node { span, kind: Kind::List(items) }, anchor),
                    Some(Open::Map { span, anchor, entries, .. }) => (Node { span, kind: Kind::Map(entries) }, anchor),
                    None => return Ok(()),
                };
                self.close(node, anchor, sink)
            }
            Event::Alias(anchor) => {
                if self.wants_key() {
                    return self.bad_key(span, sink);
                }
                let Some(node) = self.anchors.get(&anchor).cloned() else {
                    sink.error(
                        "malformed-yaml",
                        span,
                        "this alias stands inside the very value it repeats",
                        "write the value out",
                    );
                    return Err(Stop);
                };
                self.count(size(&node), span, sink)?;
                if self.open.len() + depth(&node) > MAX_DEPTH {
                    return too_deep(span, sink);
                }
                self.close(node, 0, sink)
            }
            _ => Ok(()),
        }
    }

    fn span(&self, raw: &RawSpan) -> Span {
        let start = raw.start;
        let slice = raw.slice(self.source.text).unwrap_or_default();
        let first = slice.lines().next().unwrap_or_default();
        Span {
            file: self.source.file,
            line: narrow(start.line()).max(1),
            column: narrow(start.col()).saturating_add(1),
            len: narrow(first.trim_end().chars().count()),
        }
    }

    fn count(&mut self, more: usize, span: Span, sink: &mut Sink<'_>) -> Result<(), Stop> {
        self.nodes += more;
        if self.nodes <= MAX_NODES {
            return Ok(());
        }
        sink.error(
            "file-too-large",
            span,
            format!("the file has more than {MAX_NODES} values"),
            "keep data out of project files, and aliases of aliases too",
        );
        Err(Stop)
    }

    /// Whether a tag leaves a plain scalar open to YAML's own reading; a tag that means nothing here is reported.
    fn leaves_plain(&self, tag: Option<&Tag>, span: Span, sink: &mut Sink<'_>) -> bool {
        let Some(tag) = tag else {
            return true;
        };
        match tag.core_suffix() {
            Some("str") => false,
            Some(_) => true,
            None => {
                sink.error(
                    "unknown-tag",
                    span,
                    format!("the YAML tag {} means nothing in a project file", quoted(&tag.original())),
                    "remove the tag; for a variable write ${VAR}",
                );
                true
            }
        }
    }

    fn wants_key(&self) -> bool {
        matches!(self.open.last(), Some(Open::Map { key: None, .. }))
    }

    fn key(&mut self, text: String, span: Span, sink: &mut Sink<'_>) -> Result<(), Stop> {
        if text.is_empty() {
            return self.bad_key(span, sink);
        }
        if text.contains("${") {
            sink.error(
                "bad-variable",
                span,
                format!("variables are filled in in values, not in the key {}", quoted(&text)),
                "write the name itself",
            );
        }
        if let Some(Open::Map { key, .. }) = self.open.last_mut() {
            *key = Some(Key { text, span });
        }
        Ok(())
    }

    fn bad_key(&self, span: Span, sink: &mut Sink<'_>) -> Result<(), Stop> {
        sink.error(
            "bad-key",
            span,
            "the key of a map must be a name",
            "write `name: value`; put quotes around a text that starts with `{`, `[` or `*`",
        );
        Err(Stop)
    }

    fn open(&mut self, frame: Open, span: Span, sink: &mut Sink<'_>) -> Result<(), Stop> {
        self.count(1, span, sink)?;
        if self.wants_key() {
            return self.bad_key(span, sink);
        }
        if self.open.len() == MAX_DEPTH {
            return too_deep(span, sink);
        }
        self.open.push(frame);
        Ok(())
    }

    fn close(&mut self, node: Node, anchor: usize, sink: &mut Sink<'_>) -> Result<(), Stop> {
        if anchor != 0 {
            // The copy counts: a file could anchor every level of a deep nest.
            self.count(size(&node), node.span, sink)?;
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut() {
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Map { entries, key, .. }) => {
                if let Some(key) = key.take() {
                    entries.push((key, node));
                }
            }
            None => self.root = Some(node),
        }
        Ok(())
    }
}

fn too_deep(span: Span, sink: &mut Sink<'_>) -> Result<(), Stop> {
    sink.error(
        "file-too-large",
        span,
        format!("lists and maps are nested more than {MAX_DEPTH} deep"),
        "nothing in a project file needs that; look for a bracket that is not closed",
    );
    Err(Stop)
}

fn depth(node: &Node) -> usize {
    match &node.kind {
        Kind::Scalar(_) => 0,
        Kind::List(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Kind::Map(entries) => 1 + entries.iter().map(|(_, node)| depth(node)).max().unwrap_or(0),
    }
}

fn size(node: &Node) -> usize {
    match &node.kind {
        Kind::Scalar(_) => 1,
        Kind::List(items) => 1 + items.iter().map(size).sum::<usize>(),
        Kind::Map(entries) => 1 + entries.iter().map(|(_, node)| size(node)).sum::<usize>(),
    }
}
