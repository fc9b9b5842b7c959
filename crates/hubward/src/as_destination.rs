//! The same program under the name `destination-hubspot`: Airbyte's verbs stand where a command would, bare or with `--`, and
//! options may come before them.

use std::ffi::{OsStr, OsString};
use std::path::Path;

const NAME: &str = "destination-hubspot";
const VERBS: [&str; 4] = ["spec", "check", "discover", "write"];

/// The arguments as `hubward` takes them.
pub(crate) fn arguments(args: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut args: Vec<OsString> = args.collect();
    let called = args.first().map(Path::new).and_then(Path::file_stem);
    if called != Some(OsStr::new(NAME)) {
        return args;
    }
    let mut rest = args.split_off(1);
    let verb = rest.iter().enumerate().find_map(|(at, arg)| {
        // What follows an option that takes a file is that file, whatever it is called.
        let is_file = at > 0 && ["--config", "--catalog", "--state"].iter().any(|option| rest[at - 1] == *option);
        let word = arg.to_str().filter(|_| !is_file)?;
        let verb = VERBS.iter().find(|verb| word == **verb || word.strip_prefix("--") == Some(**verb))?;
        Some((at, *verb))
    });
    args.push(OsString::from("airbyte"));
    if let Some((at, verb)) = verb {
        rest.remove(at);
        args.push(OsString::from(verb));
    }
    args.append(&mut rest);
    args
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(args: &[&str]) -> Vec<String> {
        let args = args.iter().map(OsString::from);
        arguments(args).into_iter().map(|arg| arg.into_string().expect("text")).collect()
    }

    #[test]
    fn verbs_are_understood_bare_and_with_dashes_wherever_they_stand() {
        let expected = ["/a/destination-hubspot", "airbyte", "write", "--config", "write", "--catalog", "k.txt"];
        assert_eq!(of(&["/a/destination-hubspot", "write", "--config", "write", "--catalog", "k.txt"]), expected);
        assert_eq!(of(&["/a/destination-hubspot", "--write", "--config", "write", "--catalog", "k.txt"]), expected);
        assert_eq!(of(&["/a/destination-hubspot", "--config", "write", "--write", "--catalog", "k.txt"]), expected);
        assert_eq!(of(&["destination-hubspot", "--spec"]), ["destination-hubspot", "airbyte", "spec"]);
        assert_eq!(of(&["destination-hubspot", "--help"]), ["destination-hubspot", "airbyte", "--help"]);
    }

    #[test]
    fn under_its_own_name_nothing_changes() {
        assert_eq!(of(&["hubward", "check"]), ["hubward", "check"]);
    }
}
