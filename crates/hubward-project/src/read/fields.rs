//! Maps: known keys, required keys, exclusive groups and repeated keys, all from the tables of the grammar.

use crate::grammar::Table;
use crate::read::{Declared, Reader};
use crate::sink::{Span, quoted};
use crate::suggest::{did_you_mean, nearest};
use crate::yaml::{Key, Kind, Node};

/// The entries of a map that has been held against its table.
pub(crate) struct Fields<'n> {
    table: &'static Table,
    entries: Vec<(&'n Key, &'n Node)>,
    /// Keys of the table that an unknown key was probably meant to be.
    meant: Vec<&'static str>,
}

impl<'n> Fields<'n> {
    /// The value of a key of the table; a key with nothing after it counts as left out, unless that means something.
    pub(crate) fn get(&self, name: &'static str) -> Option<&'n Node> {
        let (_, node) = self.entry(name)?;
        let form = self.table.key(name).map(|key| &key.form);
        (!node.is_null() || form.is_some_and(|form| form.takes_null())).then_some(node)
    }

    /// The place of a key.
    pub(crate) fn key_span(&self, name: &'static str) -> Option<Span> {
        self.entry(name).map(|(key, _)| key.span)
    }

    /// Whether an unknown key was probably meant to be this one: then its absence is the same mistake, told already.
    pub(crate) fn meant(&self, name: &'static str) -> bool {
        self.meant.contains(&name)
    }

    pub(crate) fn has(&self, name: &'static str) -> bool {
        self.entry(name).is_some()
    }

    fn entry(&self, name: &'static str) -> Option<(&'n Key, &'n Node)> {
        debug_assert!(self.table.key(name).is_some(), "{name} must be a key of {}", self.table.name);
        self.entries.iter().find(|(key, _)| key.text == name).copied()
    }
}

impl Reader<'_, '_> {
    /// A map by its table. `None` when it is no map at all; a map with problems is still given, for what it has.
    pub(crate) fn table<'n>(&mut self, node: &'n Node, table: &'static Table) -> Option<Fields<'n>> {
        let empty: &[(Key, Node)] = &[];
        let entries = match &node.kind {
            Kind::Map(entries) => entries.as_slice(),
            _ if node.is_null() => empty,
            _ => {
                self.sink.error(
                    "wrong-type",
                    node.span,
                    format!("{} must be a map, not {}", table.what, node.kind_name()),
                    format!("write it as `key: value` lines; it takes {}", listed(table.names())),
                );
                return None;
            }
        };
        let mut fields = Fields { table, entries: Vec::with_capacity(entries.len()), meant: Vec::new() };
        for (key, value) in entries {
            if table.key(&key.text).is_none() {
                self.sink.error(
                    "unknown-key",
                    key.span,
                    format!("{} has no key {}", table.what, quoted(&key.text)),
                    did_you_mean(&key.text, table.names(), "keys"),
                );
                fields.meant.extend(nearest(&key.text, table.names()));
            } else if let Some((first, _)) = fields.entries.iter().find(|(known, _)| known.text == key.text) {
                self.duplicate("duplicate-key", key, first.span, "the key");
            } else {
                fields.entries.push((key, value));
            }
        }
        self.required(&fields, node.span);
        self.groups(&fields, node.span);
        Some(fields)
    }

    fn required(&mut self, fields: &Fields<'_>, at: Span) {
        let table = fields.table;
        for key in table.keys.iter().filter(|key| key.required) {
            match fields.entry(key.name) {
                None if fields.meant(key.name) => {}
                None => self.sink.error(
                    "missing-key",
                    at,
                    format!("{} needs the key `{}`", table.what, key.name),
                    format!("add `{}:` — {}", key.name, key.doc),
                ),
                Some((written, node)) if node.is_null() && !key.form.takes_null() => self.sink.error(
                    "empty-value",
                    written.span,
                    format!("`{}` has no value", key.name),
                    format!("give it one: {}", key.doc),
                ),
                Some(_) => {}
            }
        }
    }

    fn groups(&mut self, fields: &Fields<'_>, at: Span) {
        for group in fields.table.one_of {
            let given: Vec<&'static str> = group.iter().copied().filter(|name| fields.has(name)).collect();
            let what = fields.table.what;
            match given.as_slice() {
                [] if group.iter().any(|name| fields.meant(name)) => {}
                [] => self.sink.error(
                    "choose-one",
                    at,
                    format!("{what} needs one of {}", listed(group.iter().copied())),
                    "add exactly one of them",
                ),
                [only] => {
                    if let (Some(span), None) = (fields.key_span(only), fields.get(only)) {
                        self.sink.error("empty-value", span, format!("`{only}` has no value"), "give it one");
                    }
                }
                [first, second, ..] => {
                    let (Some(first_at), Some(second_at)) = (fields.key_span(first), fields.key_span(second)) else {
                        continue;
                    };
                    let (earlier, later) = (first_at.min(second_at), first_at.max(second_at));
                    self.sink.error_beside(
                        "choose-one",
                        later,
                        (earlier, "the other one"),
                        format!("{what} takes only one of {}", listed(group.iter().copied())),
                        "keep one of them",
                    );
                }
            }
        }
    }

    /// A map from free names. Repeated names are reported under `code` and left out.
    pub(crate) fn named<'n>(
        &mut self,
        node: &'n Node,
        label: &str,
        code: &'static str,
        what: &str,
    ) -> Vec<(&'n Key, &'n Node)> {
        let Some(map) = node.map() else {
            self.sink.error(
                "wrong-type",
                node.span,
                format!("`{label}` must be a map from names, not {}", node.kind_name()),
                format!("write it as `name: …` lines, one for each {what}"),
            );
            return Vec::new();
        };
        let mut kept: Vec<(&Key, &Node)> = Vec::with_capacity(map.len());
        let mut seen = std::collections::HashMap::new();
        for (key, value) in map {
            match seen.get(key.text.as_str()) {
                Some(first) => self.duplicate(code, key, *first, what),
                None => {
                    seen.insert(key.text.as_str(), key.span);
                    kept.push((key, value));
                }
            }
        }
        kept
    }

    /// Declares a name that others may refer to; `None` when it cannot be one.
    pub(crate) fn name(&mut self, value: &str, written: &str, span: Span, what: &str) -> Option<Declared> {
        let good = value.chars().count() <= 100
            && value.starts_with(|c: char| c.is_alphanumeric() || c == '_')
            && value.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
        if good {
            return Some(Declared { name: value.to_owned(), span });
        }
        self.sink.error(
            "bad-name",
            span,
            format!("{} cannot be the name of {what}", quoted(written)),
            "use letters, digits, `_`, `-` and `.`, starting with a letter, a digit or `_`, at most 100 of them",
        );
        None
    }

    fn duplicate(&mut self, code: &'static str, key: &Key, first: Span, what: &str) {
        self.sink.error_beside(
            code,
            key.span,
            (first, "first given here"),
            format!("{what} {} is given a second time; the first is on line {}", quoted(&key.text), first.line),
            "keep one of the two",
        );
    }
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    names.join(", ")
}
