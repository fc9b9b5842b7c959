//! The sync files, from the outside in.

use super::{Form, Table, may, must};

pub(crate) static OBJECT_SYNC: Table = Table {
    name: "object_sync",
    what: "an object sync",
    doc: "Rows of a model become records of one object type.",
    keys: &[
        must("sync", Form::Text, "Name of the sync."),
        must("model", Form::Text, "Name of the model."),
        must("to", Form::Table(&TO), "The object type that is written."),
        may("mode", Form::Words(&MODES), "upsert (default), update or insert."),
        must("match", Form::Table(&MATCH), "How a row finds its record."),
        may("map", Form::Named(&MAP_VALUE), "Property: column, or one of column, value, template."),
        may("associations", Form::List(&Form::Table(&ASSOCIATION)), "Associations to records of other types."),
        may(
            "on_removed",
            Form::Words(&ON_REMOVED),
            "What a row that left the model does to its record; keep (default).",
        ),
        may(
            "max_removals",
            Form::AnyOf(&[Form::Share, Form::Whole]),
            "How many rows may leave the model in one run before the run stops and asks, with on_removed clear or delete: \
             a share such as 20% (default) or a number of rows.",
        ),
        may("nulls", Form::Words(&NULLS), "What NULL does to a property; auto (default)."),
        may("split_retries", Form::Bool, "Find the guilty rows of a refused batch and send the rest; true (default)."),
        may(
            "compare",
            Form::Words(&COMPARE),
            "hubspot: read before writing and write only what differs; ledger (default).",
        ),
        may("on_conflict", Form::Words(&ON_CONFLICT), "What to do when the record exists already; adopt (default)."),
        may(
            "on_match_change",
            Form::Words(&ON_MATCH_CHANGE),
            "What a row does whose match value changed: keep its record (default), or rematch by the new value.",
        ),
        may("schedule", Form::Table(&SCHEDULE), "When `hubward serve` runs it."),
        may("after", Form::OneOrMany, "Syncs that go first."),
    ],
    one_of: &[],
};

pub(crate) const MODES: [&str; 3] = ["upsert", "update", "insert"];
pub(crate) const ON_REMOVED: [&str; 3] = ["keep", "clear", "delete"];
pub(crate) const NULLS: [&str; 3] = ["auto", "keep", "clear"];
pub(crate) const COMPARE: [&str; 2] = ["ledger", "hubspot"];
pub(crate) const ON_CONFLICT: [&str; 2] = ["adopt", "reject"];
pub(crate) const ON_MATCH_CHANGE: [&str; 2] = ["keep", "rematch"];

pub(crate) static TO: Table = Table {
    name: "to",
    what: "the target of a sync",
    doc: "What a sync writes to.",
    keys: &[
        may("object", Form::Text, "An object type by name, label or id."),
        may(
            "event",
            Form::AnyOf(&[Form::Text, Form::Table(&EVENT_COLUMN)]),
            "A custom event by its full name, short name or label; or the column that holds it.",
        ),
        may("list", Form::Table(&LIST), "A list by name or id; without either, by the model's name."),
    ],
    one_of: &[&["object", "event", "list"]],
};

pub(crate) static EVENT_COLUMN: Table = Table {
    name: "event_column",
    what: "the event of a sync",
    doc: "The event's name comes with the row.",
    keys: &[must("column", Form::Text, "The column that holds the event's full name, short name or label.")],
    one_of: &[],
};

pub(crate) static LIST: Table = Table {
    name: "list",
    what: "the list of a sync",
    doc: "A list.",
    keys: &[
        may("name", Form::Text, "Name of the list, which is made if missing."),
        may("id", Form::Whole, "Id of a list that exists."),
        may(
            "object",
            Form::Text,
            "The object type of its members: contacts (default) for a list by name; checked where the list exists.",
        ),
    ],
    one_of: &[],
};

pub(crate) static MATCH: Table = Table {
    name: "match",
    what: "a match",
    doc: "How a row finds a record.",
    keys: &[
        must("column", Form::Text, "The row's column."),
        must("property", Form::Text, "HubSpot's property by internal name, or id for the record id."),
    ],
    one_of: &[],
};

static MAP_VALUE: Form = Form::AnyOf(&[Form::Text, Form::Table(&MAP_ENTRY)]);
static EVENT_MAP_VALUE: Form = Form::AnyOf(&[Form::Text, Form::Table(&EVENT_MAP_ENTRY)]);

const VALUE_SOURCES: [&str; 3] = ["column", "value", "template"];
pub(crate) const CONVERSIONS: [&str; 4] = ["auto", "date", "datetime", "raw"];
pub(crate) const WRITE_RULES: [&str; 3] = ["always", "if_empty", "append"];

pub(crate) static MAP_ENTRY: Table = Table {
    name: "map_entry",
    what: "a map entry",
    doc: "Where the value of a property comes from, and how it is written.",
    keys: &[
        may("column", Form::Text, "A column of the row."),
        may("value", Form::Constant, "A constant."),
        may("template", Form::Text, "A Liquid template; `row` is the row."),
        may("type", Form::Words(&CONVERSIONS), "How the value is converted; auto (default)."),
        may(
            "write",
            Form::Words(&WRITE_RULES),
            "always (default), if_empty, or append to a property with several options.",
        ),
        may("force", Form::Bool, "Let `lifecyclestage` move back; false (default)."),
    ],
    one_of: &[&VALUE_SOURCES],
};

pub(crate) static EVENT_MAP_ENTRY: Table = Table {
    name: "event_map_entry",
    what: "a map entry of an event sync",
    doc: "Where the value of an event property comes from.",
    keys: &[
        may("column", Form::Text, "A column of the row."),
        may("value", Form::Constant, "A constant."),
        may("template", Form::Text, "A Liquid template; `row` is the row."),
        may("type", Form::Words(&CONVERSIONS), "How the value is converted; auto (default)."),
    ],
    one_of: &[&VALUE_SOURCES],
};

pub(crate) static ASSOCIATION: Table = Table {
    name: "association",
    what: "an association",
    doc: "A link from the row's record to a record of another type.",
    keys: &[
        must("to", Form::Text, "The other object type."),
        must("match", Form::Table(&MATCH), "How the row names the other record; property id needs no look-up."),
        may("label", Form::Text, "An association label by name; null for none."),
        may("overwrite", Form::Bool, "Remove associations of this kind that the row does not name; false (default)."),
    ],
    one_of: &[],
};

pub(crate) static SCHEDULE: Table = Table {
    name: "schedule",
    what: "a schedule",
    doc: "When a sync runs by itself.",
    keys: &[
        may("every", Form::Text, "A pause such as 30s, 15m, 1h or 1d."),
        may("cron", Form::Text, "Five fields: minute, hour, day of month, month, day of week."),
    ],
    one_of: &[&["every", "cron"]],
};

pub(crate) static EVENT_SYNC: Table = Table {
    name: "event_sync",
    what: "an event sync",
    doc: "Rows of a model become occurrences of a custom event, each sent once.",
    keys: &[
        must("sync", Form::Text, "Name of the sync."),
        must("model", Form::Text, "Name of the model."),
        must("to", Form::Table(&TO), "The event that is sent."),
        may("occurred_at", Form::Text, "The column with the time of the event."),
        may(
            "contact",
            Form::AnyOf(&[Form::Table(&EVENT_CONTACT), Form::List(&Form::Table(&EVENT_CONTACT))]),
            "The contact that the event belongs to: one way to name it, or several of which a row has at least one.",
        ),
        may("record", Form::Table(&EVENT_RECORD), "The record of another type that the event belongs to."),
        may("map", Form::Named(&EVENT_MAP_VALUE), "Event property: column, or one of column, value, template."),
        may("schedule", Form::Table(&SCHEDULE), "When `hubward serve` runs it."),
        may("after", Form::OneOrMany, "Syncs that go first."),
    ],
    one_of: &[&["contact", "record"]],
};

pub(crate) const CONTACT_KEYS: [&str; 3] = ["email", "id", "utk"];

pub(crate) static EVENT_CONTACT: Table = Table {
    name: "event_contact",
    what: "the contact of an event",
    doc: "How a row names the contact of its event.",
    keys: &[
        must("by", Form::Words(&CONTACT_KEYS), "email, id or utk (the user token)."),
        must("column", Form::Text, "The row's column."),
    ],
    one_of: &[],
};

pub(crate) static EVENT_RECORD: Table = Table {
    name: "event_record",
    what: "the record of an event",
    doc: "How a row names the record of its event.",
    keys: &[
        must("object", Form::Text, "The object type."),
        must("by", Form::Words(&["id"]), "id: the record id."),
        must("column", Form::Text, "The row's column."),
    ],
    one_of: &[],
};

pub(crate) const LIST_MODES: [&str; 3] = ["mirror", "add", "remove"];

pub(crate) static LIST_SYNC: Table = Table {
    name: "list_sync",
    what: "a list sync",
    doc: "Rows of a model become members of a list.",
    keys: &[
        must("sync", Form::Text, "Name of the sync."),
        must("model", Form::Text, "Name of the model."),
        must("to", Form::Table(&TO), "The list that is filled."),
        must("match", Form::Table(&MATCH), "How a row finds its record."),
        may("mode", Form::Words(&LIST_MODES), "mirror (default), add, or remove."),
        may("create_missing", Form::Bool, "Make a record for a row that has none; false (default)."),
        may("exclusive", Form::Bool, "Members added by hand leave too; false (default)."),
        may("schedule", Form::Table(&SCHEDULE), "When `hubward serve` runs it."),
        may("after", Form::OneOrMany, "Syncs that go first."),
    ],
    one_of: &[],
};
