//! `intake:`: what it holds, and every way to get it wrong.

use std::time::Duration;

use hubward_core::ExposeSecret as _;
use hubward_project::SpoolSpec;

use crate::{BASE, SECRET, loaded, places, shown};

fn with(intake: &str) -> String {
    format!("{BASE}intake:\n{intake}")
}

/// What is wrong, that there is no mapping apart.
fn wrong(intake: &str) -> Vec<String> {
    let mut found = places(&[("hubward.yml", &with(intake))]);
    found.retain(|place| !place.starts_with("no-mapping"));
    found
}

const KEYS: &str = "  write_keys: { web: \"${TOKEN}\" }\n";

#[test]
fn what_is_left_out_has_a_default() {
    let project = loaded(&[("hubward.yml", &with(KEYS))]).project;
    let intake = project.intake.expect("there is one");
    assert_eq!(intake.listen, "127.0.0.1:8790");
    assert!(matches!(intake.spool, SpoolSpec::Embedded { max_bytes } if max_bytes == 10 << 30));
    assert_eq!((intake.window, intake.max_age), (Duration::from_secs(1), Duration::from_secs(86_400)));
    assert_eq!(intake.at.line, 11);
}

#[test]
fn everything_that_is_given_arrives_and_keys_are_not_shown() {
    let text = with(
        "  listen: \"[::1]:0\"\n  write_keys: { web: \"${TOKEN}\", app: \"a${TOKEN}\" }\n  window: 250ms\n  max_age: 3d\n  \
         spool: { type: nats, url: \"nats://me:${TOKEN}@nats:4222\", stream: events-2, max: 500MiB }\n",
    );
    let project = loaded(&[("hubward.yml", &text)]).project;
    assert!(!format!("{project:?}").contains(SECRET));
    let intake = project.intake.expect("there is one");
    assert_eq!(intake.listen, "[::1]:0");
    let names: Vec<&str> = intake.write_keys.iter().map(|key| key.name.as_str()).collect();
    assert_eq!(names, ["web", "app"]);
    assert_eq!(intake.write_keys[0].key.expose_secret(), SECRET);
    assert_eq!((intake.window, intake.max_age), (Duration::from_millis(250), Duration::from_secs(3 * 86_400)));
    let SpoolSpec::Nats { url, stream, max_bytes } = intake.spool else {
        panic!("a spool of type nats");
    };
    assert_eq!(url.expose_secret(), format!("nats://me:{SECRET}@nats:4222"));
    assert_eq!((stream.as_str(), max_bytes), ("events-2", 500 << 20));
}

#[test]
fn every_mistake_is_told_with_its_place() {
    for (intake, expected) in [
        ("  listen: 127.0.0.1:8790\n", "missing-key hubward.yml:11:3"),
        ("  write_keys: {}\n", "empty-value hubward.yml:11:15"),
        ("  write_keys: [a]\n", "wrong-type hubward.yml:11:15"),
        ("  write_keys: { \"a b\": \"${TOKEN}\" }\n", "bad-name hubward.yml:11:17"),
        ("  write_keys: { a: \"${TOKEN}\", b: \"${OTHER}\" }\n", "bad-value hubward.yml:11:35"),
        ("  write_keys: { a: \"${TOKEN}:\" }\n", "bad-value hubward.yml:11:20"),
        ("  write_keys: { a: \"${TOKEN}\" }\n  lisen: x\n", "unknown-key hubward.yml:12:3"),
        ("  write_keys: { a: \"${TOKEN}\" }\n  listen: 8790\n", "bad-value hubward.yml:12:11"),
        ("  write_keys: { a: \"${TOKEN}\" }\n  listen: \"a:99999\"\n", "bad-value hubward.yml:12:11"),
        ("  write_keys: { a: \"${TOKEN}\" }\n  window: 2m\n", "bad-value hubward.yml:12:11"),
        ("  write_keys: { a: \"${TOKEN}\" }\n  max_age: 1 week\n", "bad-value hubward.yml:12:12"),
        ("  write_keys: { a: \"${TOKEN}\" }\n  spool: big\n", "wrong-type hubward.yml:12:10"),
        ("  write_keys: { a: \"${TOKEN}\" }\n  spool: { max: 1GiB }\n", "missing-key hubward.yml:12:10"),
        ("  write_keys: { a: \"${TOKEN}\" }\n  spool: { type: kafka }\n", "unknown-value hubward.yml:12:18"),
        ("  write_keys: { a: \"${TOKEN}\" }\n  spool: { type: embedded, max: 10 }\n", "bad-value hubward.yml:12:33"),
        ("  write_keys: { a: \"${TOKEN}\" }\n  spool: { type: embedded, url: x }\n", "unknown-key hubward.yml:12:28"),
        ("  write_keys: { a: \"${TOKEN}\" }\n  spool: { type: nats }\n", "missing-key hubward.yml:12:10"),
        (
            "  write_keys: { a: \"${TOKEN}\" }\n  spool: { type: nats, url: \"http://x\" }\n",
            "bad-url hubward.yml:12:29",
        ),
        (
            "  write_keys: { a: \"${TOKEN}\" }\n  spool: { type: nats, url: \"nats://x\", stream: a.b }\n",
            "bad-name hubward.yml:12:49",
        ),
    ] {
        assert_eq!(wrong(intake), [expected], "{intake}");
    }
}

#[test]
fn a_write_key_in_the_file_brings_a_warning_that_covers_it() {
    let shown = shown(&[("hubward.yml", &with("  write_keys: { web: abc123 }\n"))]);
    assert!(
        shown.contains("warning[secret-in-file]: `web` is written into the file") && !shown.contains("abc123"),
        "{shown}"
    );
}

#[test]
fn a_variables_value_is_in_no_message() {
    let text = with(
        "  listen: \"${TOKEN}\"\n  write_keys: { a: \"${TOKEN}\", b: \"${OTHER}\" }\n  window: \"${TOKEN}\"\n  \
         spool: { type: nats, url: \"${TOKEN}\", stream: \"${TOKEN} \", max: \"${TOKEN}\" }\n",
    );
    let shown = shown(&[("hubward.yml", &text)]);
    assert!(shown.contains("error[bad-url]") && !shown.contains(SECRET), "{shown}");
}
