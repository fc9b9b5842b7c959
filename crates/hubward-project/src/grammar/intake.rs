//! `intake:` of `hubward.yml`.

use super::{Form, Table, may, must};

pub(crate) static INTAKE: Table = Table {
    name: "intake",
    what: "intake",
    doc: "The event door: where events are accepted, and by which write keys.",
    keys: &[
        may("listen", Form::Text, "Address and port to listen on; 127.0.0.1:8790 when left out."),
        must(
            "write_keys",
            Form::Named(&Form::Secret),
            "Write keys by name, as `${VAR}`; an event's source is the name.",
        ),
        may("spool", SPOOL, "Where accepted events wait; a folder under .hubward/ when left out."),
        may("window", Form::Text, "How long events are gathered before they are sent: 1s (default), at most 1m."),
        may("max_age", Form::Text, "Age from which events that still wait are reported: 1d (default)."),
    ],
    one_of: &[],
};

pub(crate) const SPOOL_TYPES: [&str; 2] = ["embedded", "nats"];

const SPOOL: Form = Form::AnyOf(&[Form::Table(&SPOOL_EMBEDDED), Form::Table(&SPOOL_NATS)]);

const MAX: &str = "What may wait: 10GiB (default), 500MiB and the like; beyond it events are refused with 503.";

pub(crate) static SPOOL_EMBEDDED: Table = Table {
    name: "spool_embedded",
    what: "a spool of type embedded",
    doc: "Events wait in a folder of this machine.",
    keys: &[must("type", Form::Words(&["embedded"]), "embedded"), may("max", Form::Text, MAX)],
    one_of: &[],
};

pub(crate) static SPOOL_NATS: Table = Table {
    name: "spool_nats",
    what: "a spool of type nats",
    doc: "Events wait in a stream of NATS JetStream, which several intakes and workers share.",
    keys: &[
        must("type", Form::Words(&["nats"]), "nats"),
        must("url", Form::Secret, "The server: nats://127.0.0.1:4222; tls:// for an encrypted connection."),
        may("stream", Form::Text, "Name of the stream; hubward when left out."),
        may("max", Form::Text, MAX),
    ],
    one_of: &[],
};
