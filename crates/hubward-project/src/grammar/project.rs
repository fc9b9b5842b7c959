//! `hubward.yml` and the model files, from the outside in.

use super::declared::{SCHEMA, SCHEMA_DOC};
use super::intake::INTAKE;
use super::{Form, Table, may, must};

pub(crate) static PROJECT: Table = Table {
    name: "project",
    what: "hubward.yml",
    doc: "hubward.yml: the account, the sources, the models.",
    keys: &[
        may("name", Form::Text, "Name of the project; the folder's name when left out."),
        must(
            "hubspot",
            Form::AnyOf(&[Form::Table(&ACCOUNT), Form::Named(&Form::Table(&ACCOUNT))]),
            "The HubSpot account, or a map of named accounts.",
        ),
        may("sources", Form::Named(&SOURCE), "Places that rows are read from, by name."),
        may("models", Form::Named(&Form::Table(&MODEL)), "Queries with a primary key, by name."),
        may("schema", SCHEMA, SCHEMA_DOC),
        may("intake", Form::Table(&INTAKE), "The event door."),
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
        may("token", Form::Secret, "A private-app token or service key, as `${VAR}`."),
        may("oauth", Form::Table(&OAUTH), "An OAuth app's credentials. With `token` too, the token is used."),
        may("base_url", Form::Text, "Where HubSpot's API answers: https://api.hubapi.com, or a sandbox."),
        may("api_version", Form::Words(&API_VERSIONS), "The version of HubSpot's API that is spoken."),
        may("portal_id", Form::Whole, "Guard: a token of any other account stops the run before it starts."),
        may("limits", Form::Table(&LIMITS), "What may be used of the account's limits."),
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
        must("client_secret", Form::Secret, "The app's secret, as `${VAR}`."),
        must("refresh_token", Form::Secret, "The refresh token of the account, as `${VAR}`."),
    ],
    one_of: &[],
};

pub(crate) static LIMITS: Table = Table {
    name: "limits",
    what: "limits",
    doc: "What may be used of the account's limits.",
    keys: &[
        may("share", Form::Share, "Share of every limit: `80%` or `0.8`."),
        may("daily", Form::Whole, "Requests per day."),
    ],
    one_of: &[],
};

pub(crate) const SOURCE_TYPES: [&str; 4] = ["sqlite", "postgres", "files", "adbc"];

static SOURCE: Form =
    Form::AnyOf(&[Form::Table(&SQLITE), Form::Table(&POSTGRES), Form::Table(&FILES), Form::Table(&ADBC)]);

pub(crate) static SQLITE: Table = Table {
    name: "source_sqlite",
    what: "a source of type sqlite",
    doc: "A SQLite database file.",
    keys: &[
        must("type", Form::Words(&["sqlite"]), "sqlite"),
        must("path", Form::Text, "The database file, relative to the project."),
    ],
    one_of: &[],
};

pub(crate) static POSTGRES: Table = Table {
    name: "source_postgres",
    what: "a source of type postgres",
    doc: "A PostgreSQL database.",
    keys: &[
        must("type", Form::Words(&["postgres"]), "postgres"),
        must("url", Form::Secret, "A connection URL (postgres://user:password@host/database), as `${VAR}`."),
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
        must("driver", Form::Text, "The driver, by the name of its manifest or by the path of its library."),
        may("entrypoint", Form::Text, "The driver's initialisation function, where it is not the usual one."),
        may("options", Form::Named(&Form::Secret), "The driver's own options; `path` is relative to the project."),
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
        may("sql_file", Form::Text, "A file with the query, relative to the project."),
        may("table", Form::Text, "A whole table or file."),
        must("primary_key", Form::OneOrMany, "The column, or columns, that name a row."),
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
        may("sql_file", Form::Text, "A file with the query, relative to the project."),
        may("table", Form::Text, "A whole table or file."),
        must("primary_key", Form::OneOrMany, "The column, or columns, that name a row."),
    ],
    one_of: &[&QUERY],
};

/// A file of `models/` with several.
pub(crate) static MODELS_FILE: Table = Table {
    name: "models_file",
    what: "a model file",
    doc: "A file with several models.",
    keys: &[must("models", Form::Named(&Form::Table(&MODEL)), "Queries with a primary key, by name.")],
    one_of: &[],
};
