//! Checks across files: names that must be unique, names that must exist, syncs that must not wait in a circle.

use std::collections::{HashMap, HashSet};

use crate::read::{Declared, Names, Read, Text};
use crate::sink::{Sink, Span, quoted};
use crate::suggest::did_you_mean;

pub(crate) fn check(read: &Read, sink: &mut Sink<'_>) {
    unique(&read.model_names, "model", sink);
    unique(&read.sync_names, "sync", sink);
    // Where not all names could be read, one that is not among them is no mistake yet.
    if read.knows_all(Names::Sources) {
        let known = &read.source_names;
        exist(&read.source_uses, known, "source", "unknown-source", sink);
    }
    if read.knows_all(Names::Models) {
        let known = &read.model_names;
        exist(&read.model_uses, known, "model", "unknown-model", sink);
    }
    if read.knows_all(Names::Syncs) {
        for (_, after) in &read.after {
            exist(after, &read.sync_names, "sync", "unknown-sync", sink);
        }
    }
    cycles(read, sink);
}

fn unique(names: &[Declared], what: &str, sink: &mut Sink<'_>) {
    let mut seen: HashMap<&str, Span> = HashMap::new();
    for declared in names {
        match seen.get(declared.name.as_str()) {
            // A repetition within one map has been reported where it was read.
            Some(first) => {
                let place = sink.location(*first);
                sink.error_beside(
                    "duplicate-name",
                    declared.span,
                    (*first, "first declared here"),
                    format!(
                        "there is another {what} {}, in {} on line {}",
                        quoted(&declared.name),
                        place.file,
                        place.line
                    ),
                    "rename one of the two",
                );
            }
            None => {
                seen.insert(&declared.name, declared.span);
            }
        }
    }
}

fn exist(uses: &[Text], names: &[Declared], what: &str, code: &'static str, sink: &mut Sink<'_>) {
    for text in uses {
        if !names.iter().any(|declared| declared.name == text.value) {
            let known = names.iter().map(|declared| declared.name.as_str());
            sink.error(
                code,
                text.span,
                format!("there is no {what} {}", quoted(&text.written)),
                // A variable's value must not be guessed at in a message.
                if text.written == text.value {
                    did_you_mean(&text.value, known, &format!("{what}s"))
                } else {
                    did_you_mean("", known, &format!("{what}s"))
                },
            );
        }
    }
}

/// Reports each circle once, at the `after` that closes it.
fn cycles(read: &Read, sink: &mut Sink<'_>) {
    let graph: HashMap<&str, &[Text]> =
        read.after.iter().map(|(name, after)| (name.as_str(), after.as_slice())).collect();
    let mut done: HashSet<&str> = HashSet::new();
    for (start, _) in &read.after {
        // Depth first with a path of its own, so that a long chain of syncs cannot exhaust the stack.
        let mut path: Vec<(&str, usize)> = vec![(start, 0)];
        while let Some((name, next)) = path.last().copied() {
            let edge = graph.get(name).and_then(|after| after.get(next));
            let Some(edge) = edge.filter(|_| !done.contains(name)) else {
                done.insert(name);
                path.pop();
                continue;
            };
            if let Some(last) = path.last_mut() {
                last.1 += 1;
            }
            let Some((target, _)) = graph.get_key_value(edge.value.as_str()) else {
                continue;
            };
            if let Some(from) = path.iter().position(|(known, _)| known == target) {
                let mut names: Vec<&str> = path[from..].iter().map(|(name, _)| *name).collect();
                names.push(target);
                report(&names, edge, sink);
            } else if !done.contains(target) {
                path.push((target, 0));
            }
        }
    }
}

fn report(names: &[&str], edge: &Text, sink: &mut Sink<'_>) {
    let message = if names.len() == 2 {
        format!("the sync {} waits for itself", quoted(names[0]))
    } else {
        let shown: Vec<String> = names.iter().map(|name| quoted(name)).collect();
        format!("syncs wait for each other in a circle: {}", shown.join(" after "))
    };
    sink.error("sync-cycle", edge.span, message, "remove one of these `after`");
}
