//! The tables themselves, from the outside in.

use super::{Form, Key, Table};

const fn must(name: &'static str, form: Form, doc: &'static str) -> Key {
    Key {
        name,
        required: true,
        form,
        doc,
    }
}

const fn may(name: &'static str, form: Form, doc: &'static str) -> Key {
    Key {
        name,
        required: false,
        form,
        doc,
    }
}

pub(crate) static PROJECT: Table = Table {
    name: "project",
    what: "hubward.yml",
    doc: "hubward.yml: the account, the sources, the models.",
    keys: &[
        may(
            "name",
            Form::Text,
            "Name of the project; the folder's name when left out.",
        ),
        must(
            "hubspot",
            Form::AnyOf(&[Form::Table(&ACCOUNT), Form::Named(&Form::Table(&ACCOUNT))]),
            "The HubSpot account, or a map of named accounts.",
        ),
        may(
            "sources",
            Form::Named(&SOURCE),
            "Places that rows are read from, by name.",
        ),
        may(
            "models",
            Form::Named(&Form::Table(&MODEL)),
            "Queries with a primary key, by name.",
        ),
        may("intake", Form::Open, "The event door."),
        may(
            "removal_limit",
            Form::Share,
            "Share of a sync's known rows that may leave its model in one run before the run stops and asks.",
        ),
    ],
    one_of: &[],
};

pub(crate) static ACCOUNT: Table = Table {
    name: "account",
    what: "an account",
    doc: "One HubSpot account that is written to.",
    keys: &[
        may(
            "token",
            Form::Secret,
            "A private-app token or service key, as `${VAR}`.",
        ),
        may(
            "oauth",
            Form::Table(&OAUTH),
            "An OAuth app's credentials. With `token` too, the token is used.",
        ),
        may(
            "base_url",
            Form::Text,
            "Where HubSpot's API answers: https://api.hubapi.com, or a sandbox.",
        ),
        may(
            "api_version",
            Form::Words(&API_VERSIONS),
            "The version of HubSpot's API that is spoken.",
        ),
        may(
            "portal_id",
            Form::Whole,
            "Guard: a token of any other account stops the run before it starts.",
        ),
        may(
            "limits",
            Form::Table(&LIMITS),
            "What may be used of the account's limits.",
        ),
    ],
    one_of: &[],
};

pub(crate) const API_VERSIONS: [&str; 3] = ["2026-09", "2026-03", "v3"];

pub(crate) static OAUTH: Table = Table {
    name: "oauth",
    what: "oauth",
    doc: "An OAuth app's credentials.",
    keys: &[
        must("client_id", Form::Text, "The app's id."),
        must(
            "client_secret",
            Form::Secret,
            "The app's secret, as `${VAR}`.",
        ),
        must(
            "refresh_token",
            Form::Secret,
            "The refresh token of the account, as `${VAR}`.",
        ),
    ],
    one_of: &[],
};

pub(crate) static LIMITS: Table = Table {
    name: "limits",
    what: "limits",
    doc: "What may be used of the account's limits.",
    keys: &[
        may(
            "share",
            Form::Share,
            "Share of every limit: `80%` or `0.8`.",
        ),
        may("daily", Form::Whole, "Requests per day."),
    ],
    one_of: &[],
};

pub(crate) const SOURCE_TYPES: [&str; 4] = ["sqlite", "postgres", "files", "adbc"];

static SOURCE: Form = Form::AnyOf(&[
    Form::Table(&SQLITE),
    Form::Table(&POSTGRES),
    Form::Table(&FILES),
    Form::Table(&ADBC),
]);

pub(crate) static SQLITE: Table = Table {
    name: "source_sqlite",
    what: "a source of type sqlite",
    doc: "A SQLite database file.",
    keys: &[
        must("type", Form::Words(&["sqlite"]), "sqlite"),
        must(
            "path",
            Form::Text,
            "The database file, relative to the project.",
        ),
    ],
    one_of: &[],
};

pub(crate) static POSTGRES: Table = Table {
    name: "source_postgres",
    what: "a source of type postgres",
    doc: "A PostgreSQL database.",
    keys: &[
        must("type", Form::Words(&["postgres"]), "postgres"),
        must(
            "url",
            Form::Secret,
            "A connection URL (postgres://user:password@host/database), as `${VAR}`.",
        ),
    ],
    one_of: &[],
};

pub(crate) static FILES: Table = Table {
    name: "source_files",
    what: "a source of type files",
    doc: "A folder of CSV, Parquet and JSON-lines files; each is a table by its stem.",
    keys: &[
        must("type", Form::Words(&["files"]), "files"),
        must("root", Form::Text, "The folder, relative to the project."),
    ],
    one_of: &[],
};

pub(crate) static ADBC: Table = Table {
    name: "source_adbc",
    what: "a source of type adbc",
    doc: "Any database with an ADBC driver.",
    keys: &[
        must("type", Form::Words(&["adbc"]), "adbc"),
        must(
            "driver",
            Form::Text,
            "The driver, by the name of its manifest or by the path of its library.",
        ),
        may(
            "entrypoint",
            Form::Text,
            "The driver's initialisation function, where it is not the usual one.",
        ),
        may(
            "options",
            Form::Named(&Form::Secret),
            "The driver's own options; `path` is relative to the project.",
        ),
    ],
    one_of: &[],
};

const QUERY: [&str; 3] = ["sql", "sql_file", "table"];

pub(crate) static MODEL: Table = Table {
    name: "model",
    what: "a model",
    doc: "A named query on a source, with a primary key.",
    keys: &[
        must("source", Form::Text, "Name of the source."),
        may("sql", Form::Text, "The query."),
        may(
            "sql_file",
            Form::Text,
            "A file with the query, relative to the project.",
        ),
        may("table", Form::Text, "A whole table or file."),
        must(
            "primary_key",
            Form::OneOrMany,
            "The column, or columns, that name a row.",
        ),
    ],
    one_of: &[&QUERY],
};

/// A file of `models/` with one model: the same keys and its name.
pub(crate) static MODEL_FILE: Table = Table {
    name: "model_file",
    what: "a model file",
    doc: "A file with one model.",
    keys: &[
        must("model", Form::Text, "Name of the model."),
        must("source", Form::Text, "Name of the source."),
        may("sql", Form::Text, "The query."),
        may(
            "sql_file",
            Form::Text,
            "A file with the query, relative to the project.",
        ),
        may("table", Form::Text, "A whole table or file."),
        must(
            "primary_key",
            Form::OneOrMany,
            "The column, or columns, that name a row.",
        ),
    ],
    one_of: &[&QUERY],
};

/// A file of `models/` with several.
pub(crate) static MODELS_FILE: Table = Table {
    name: "models_file",
    what: "a model file",
    doc: "A file with several models.",
    keys: &[must(
        "models",
        Form::Named(&Form::Table(&MODEL)),
        "Queries with a primary key, by name.",
    )],
    one_of: &[],
};

pub(crate) static OBJECT_SYNC: Table = Table {
    name: "object_sync",
    what: "an object sync",
    doc: "Rows of a model become records of one object type.",
    keys: &[
        must("sync", Form::Text, "Name of the sync."),
        must("model", Form::Text, "Name of the model."),
        must("to", Form::Table(&TO), "The object type that is written."),
        may(
            "mode",
            Form::Words(&MODES),
            "upsert (default), update or insert.",
        ),
        must("match", Form::Table(&MATCH), "How a row finds its record."),
        may(
            "map",
            Form::Named(&MAP_VALUE),
            "Property: column, or one of column, value, template.",
        ),
        may(
            "associations",
            Form::List(&Form::Table(&ASSOCIATION)),
            "Associations to records of other types.",
        ),
        may(
            "on_removed",
            Form::Words(&ON_REMOVED),
            "What a row that left the model does to its record; keep (default).",
        ),
        may(
            "nulls",
            Form::Words(&NULLS),
            "What NULL does to a property; auto (default).",
        ),
        may(
            "split_retries",
            Form::Bool,
            "Find the guilty rows of a refused batch and send the rest; true (default).",
        ),
        may(
            "compare",
            Form::Words(&COMPARE),
            "hubspot: read before writing and write only what differs; ledger (default).",
        ),
        may(
            "on_conflict",
            Form::Words(&ON_CONFLICT),
            "What to do when the record exists already; adopt (default).",
        ),
        may(
            "schedule",
            Form::Table(&SCHEDULE),
            "When `hubward serve` runs it.",
        ),
        may("after", Form::OneOrMany, "Syncs that go first."),
    ],
    one_of: &[],
};

pub(crate) const MODES: [&str; 3] = ["upsert", "update", "insert"];
pub(crate) const ON_REMOVED: [&str; 3] = ["keep", "clear", "delete"];
pub(crate) const NULLS: [&str; 3] = ["auto", "keep", "clear"];
pub(crate) const COMPARE: [&str; 2] = ["ledger", "hubspot"];
pub(crate) const ON_CONFLICT: [&str; 2] = ["adopt", "reject"];

pub(crate) static TO: Table = Table {
    name: "to",
    what: "the target of a sync",
    doc: "What a sync writes to.",
    keys: &[
        may("object", Form::Text, "An object type by name, label or id."),
        may(
            "event",
            Form::AnyOf(&[Form::Text, Form::Table(&EVENT_COLUMN)]),
            "A custom event by its full name, or the column that holds it.",
        ),
        may(
            "list",
            Form::Table(&LIST),
            "A list by name or id; without either, by the model's name.",
        ),
    ],
    one_of: &[&["object", "event", "list"]],
};

pub(crate) static EVENT_COLUMN: Table = Table {
    name: "event_column",
    what: "the event of a sync",
    doc: "The event's name comes with the row.",
    keys: &[must(
        "column",
        Form::Text,
        "The column that holds the event's full name.",
    )],
    one_of: &[],
};

pub(crate) static LIST: Table = Table {
    name: "list",
    what: "the list of a sync",
    doc: "A list.",
    keys: &[
        may(
            "name",
            Form::Text,
            "Name of the list, which is made if missing.",
        ),
        may("id", Form::Whole, "Id of a list that exists."),
    ],
    one_of: &[],
};

pub(crate) static MATCH: Table = Table {
    name: "match",
    what: "a match",
    doc: "How a row finds a record.",
    keys: &[
        must("column", Form::Text, "The row's column."),
        must(
            "property",
            Form::Text,
            "HubSpot's property by internal name, or id for the record id.",
        ),
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
        may(
            "template",
            Form::Text,
            "A Liquid template; `row` is the row.",
        ),
        may(
            "type",
            Form::Words(&CONVERSIONS),
            "How the value is converted; auto (default).",
        ),
        may(
            "write",
            Form::Words(&WRITE_RULES),
            "always (default), if_empty, or append to a property with several options.",
        ),
        may(
            "force",
            Form::Bool,
            "Let `lifecyclestage` move back; false (default).",
        ),
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
        may(
            "template",
            Form::Text,
            "A Liquid template; `row` is the row.",
        ),
        may(
            "type",
            Form::Words(&CONVERSIONS),
            "How the value is converted; auto (default).",
        ),
    ],
    one_of: &[&VALUE_SOURCES],
};

pub(crate) static ASSOCIATION: Table = Table {
    name: "association",
    what: "an association",
    doc: "A link from the row's record to a record of another type.",
    keys: &[
        must("to", Form::Text, "The other object type."),
        must(
            "match",
            Form::Table(&MATCH),
            "How the row names the other record; property id needs no look-up.",
        ),
        may(
            "label",
            Form::Text,
            "An association label by name; null for none.",
        ),
        may(
            "overwrite",
            Form::Bool,
            "Remove associations of this kind that the row does not name; false (default).",
        ),
    ],
    one_of: &[],
};

pub(crate) static SCHEDULE: Table = Table {
    name: "schedule",
    what: "a schedule",
    doc: "When a sync runs by itself.",
    keys: &[
        may("every", Form::Text, "A pause such as 30s, 15m, 1h or 1d."),
        may(
            "cron",
            Form::Text,
            "Five fields: minute, hour, day of month, month, day of week.",
        ),
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
        may(
            "occurred_at",
            Form::Text,
            "The column with the time of the event.",
        ),
        may(
            "contact",
            Form::Table(&EVENT_CONTACT),
            "The contact that the event belongs to.",
        ),
        may(
            "record",
            Form::Table(&EVENT_RECORD),
            "The record of another type that the event belongs to.",
        ),
        may(
            "map",
            Form::Named(&EVENT_MAP_VALUE),
            "Event property: column, or one of column, value, template.",
        ),
        may(
            "schedule",
            Form::Table(&SCHEDULE),
            "When `hubward serve` runs it.",
        ),
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
        must(
            "by",
            Form::Words(&CONTACT_KEYS),
            "email, id or utk (the user token).",
        ),
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
        may(
            "mode",
            Form::Words(&LIST_MODES),
            "mirror (default), add, or remove.",
        ),
        may(
            "create_missing",
            Form::Bool,
            "Make a record for a row that has none; false (default).",
        ),
        may(
            "exclusive",
            Form::Bool,
            "Members added by hand leave too; false (default).",
        ),
        may(
            "schedule",
            Form::Table(&SCHEDULE),
            "When `hubward serve` runs it.",
        ),
        may("after", Form::OneOrMany, "Syncs that go first."),
    ],
    one_of: &[],
};
