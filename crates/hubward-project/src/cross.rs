//! Checks across files: names that must be unique, names that must exist, syncs that must not wait in a circle, mappings that
//! must not be too many.

use std::collections::{HashMap, HashSet};

use crate::read::{Declared, Names, Read, Text};
use crate::sink::{Sink, Span, quoted};
use crate::suggest::did_you_mean;

pub(crate) fn check(read: &Read, sink: &mut Sink<'_>) {
    unique(&read.model_names, "model", sink);
    unique(&read.sync_names, "sync", sink);
    unique(&read.mapping_names, "mapping", sink);
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
    mappings(read, sink);
}

/// Most mappings that one write key's events go through.
const MAPPINGS_MAX: usize = 50;

fn mappings(read: &Read, sink: &mut Sink<'_>) {
    if read.knows_all(Names::Mappings) && !read.mapping_uses.iter().any(|mapping| mapping.enabled) {
        let first = read.mapping_uses.first().map(|mapping| mapping.at);
        if let Some(at) = read.intake.or(first) {
            sink.warning(
                "no-mapping",
                at,
                "no mapping is enabled, so events would be accepted and become nothing",
                "write a mapping into `mappings/`, or enable one with `enabled: true`",
            );
        }
    }
    let known = read.write_keys.as_deref().unwrap_or_default();
    // How many are for every write key, and how many more for a single one.
    let (mut everywhere, mut single) = (0, HashMap::<&str, usize>::new());
    for mapping in &read.mapping_uses {
        for source in mapping.sources.iter().flatten() {
            *single.entry(&source.value).or_default() += 1;
            if !known.contains(&source.value) && read.knows_all(Names::Sources) {
                sink.error(
                    "unknown-write-key",
                    source.span,
                    format!("there is no write key {}", quoted(&source.written)),
                    did_you_mean(&source.value, known.iter().map(String::as_str), "write keys under `intake`"),
                );
            }
        }
        everywhere += usize::from(mapping.sources.is_none());
        let fullest = match &mapping.sources {
            None => single.iter().max_by_key(|(_, count)| **count).map(|(name, count)| (Some(*name), *count)),
            Some(sources) => {
                let counts = sources.iter().map(|source| (source.value.as_str(), single[source.value.as_str()]));
                counts.max_by_key(|(_, count)| *count).map(|(name, count)| (Some(name), count))
            }
        };
        let (name, count) = fullest.unwrap_or((None, 0));
        if everywhere + count > MAPPINGS_MAX {
            let whose =
                name.map_or_else(|| "every write key".to_owned(), |name| format!("the write key {}", quoted(name)));
            sink.error(
                "too-many-mappings",
                mapping.at,
                format!("this is mapping number {} for {whose}; at most {MAPPINGS_MAX} are allowed", everywhere + count),
                "join mappings of the same action, remove some (one that is not enabled counts too), or name in `sources` for which write keys they are",
            );
        }
    }
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
