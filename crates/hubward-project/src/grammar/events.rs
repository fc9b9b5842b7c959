//! The mapping files of the event door.

use super::{Form, Table, may, must};

pub(crate) static EVENT_MAPPING: Table = Table {
    name: "event_mapping",
    what: "a mapping",
    doc: "What events of the event door become.",
    keys: &[
        must("mapping", Form::Text, "Name of the mapping."),
        must("action", Form::Words(&ACTIONS), "What an event becomes."),
        may("enabled", Form::Bool, "Whether events go through it; true (default)."),
        may("sources", Form::OneOrMany, "Names of the write keys whose events it is for; all of them when left out."),
        may("trigger", Form::Text, "For which events it fires, in FQL; the action's own when left out."),
        may(
            "sync_mode",
            Form::Words(&SYNC_MODES),
            "update (default), upsert or add; for upsertObject and customEvent only.",
        ),
        may("fields", Form::Open, "Field: value or directive. A field left out takes the action's default."),
    ],
    one_of: &[],
};

pub(crate) const ACTIONS: [&str; 6] = [
    "sendCustomBehavioralEvent",
    "upsertContact",
    "upsertCompany",
    "upsertCustomObjectRecord",
    "upsertObject",
    "customEvent",
];

pub(crate) const SYNC_MODES: [&str; 3] = ["update", "upsert", "add"];
