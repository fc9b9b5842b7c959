//! Whatever stands in the files, reading them ends with an answer.

use proptest::prelude::*;

use crate::full::{EVENT, HUBWARD, LIST, OBJECT};
use crate::shown;

const PIECES: [&str; 28] = [
    "\n", "  ", ": ", "- ", "[", "]", "{", "}", ",", "\"", "'", "|\n", "&a ", "*a", "!x ", "#", "${", "${A}", "$${",
    "}", "null", "no", "{{ ", "{% if %}", "---\n", "\u{feff}", "é\u{0}", "? ",
];

fn soup() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => proptest::sample::select(&PIECES[..]).prop_map(str::to_owned),
        2 => proptest::sample::select(vec!["hubspot", "token", "models", "sync", "to", "map", "object", "event", "x"]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

/// A good file with some pieces cut out or put in.
fn mutated(text: &'static str) -> impl Strategy<Value = String> {
    let edits = proptest::collection::vec((0..text.len(), 0_usize..12, proptest::sample::select(&PIECES[..])), 1..6);
    edits.prop_map(move |edits| {
        let mut bytes = text.as_bytes().to_vec();
        for (at, cut, piece) in edits {
            let at = at.min(bytes.len());
            let end = (at + cut).min(bytes.len());
            bytes.splice(at..end, piece.bytes());
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn soup_never_panics(project in soup(), sync in soup()) {
        shown(&[("hubward.yml", &project), ("syncs/a.yml", &sync), ("models/b.yml", &sync)]);
    }

    #[test]
    fn a_mutated_project_never_panics(
        project in mutated(HUBWARD),
        object in mutated(OBJECT),
        event in mutated(EVENT),
        list in mutated(LIST),
    ) {
        shown(&[("hubward.yml", &project), ("syncs/a.yml", &object), ("syncs/b.yml", &event), ("syncs/c.yml", &list)]);
    }
}
