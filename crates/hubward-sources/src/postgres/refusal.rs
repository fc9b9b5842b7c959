//! PostgreSQL's refusals and broken connections in our words.

use std::error::Error as _;

use tokio_postgres::Error;
use tokio_postgres::error::{DbError, ErrorPosition, SqlState};

use crate::error::{SourceError, SourceErrorKind, SqlPosition};

/// The connection could not be made. `shown` is the server's address.
pub(super) fn of_connection(error: &Error, shown: &str) -> SourceError {
    if let Some(refusal) = error.as_db_error() {
        let (kind, help) = match refusal.code() {
            &SqlState::INVALID_PASSWORD | &SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
                (SourceErrorKind::Auth, "correct user and password in the source's `url`")
            }
            &SqlState::INVALID_CATALOG_NAME => {
                (SourceErrorKind::NotFound, "correct the database's name in the source's `url`")
            }
            &SqlState::INSUFFICIENT_PRIVILEGE => {
                (SourceErrorKind::Auth, "give the user the right to connect to the database")
            }
            _ => (SourceErrorKind::Connect, "see the server's log"),
        };
        return SourceError::new(kind, format!("PostgreSQL at {shown} refuses the connection: {}", refusal.message()))
            .help(help);
    }
    SourceError::new(SourceErrorKind::Connect, format!("PostgreSQL at {shown} cannot be reached: {}", causes(error)))
        .help("see whether the server runs, and whether host, port and sslmode of the source's `url` are right")
}

/// A query was refused, or its rows broke off.
pub(super) fn of_query(error: &Error, sql: &str) -> SourceError {
    let Some(refusal) = error.as_db_error() else {
        return SourceError::read(format!("the connection to PostgreSQL broke off: {}", causes(error)))
            .help("run again; the rows that came are not counted as the whole model");
    };
    let position = match refusal.position() {
        Some(ErrorPosition::Original(place)) if !sql.is_empty() => {
            let place = usize::try_from(*place).unwrap_or(1);
            Some(SqlPosition::of_char(sql, place.saturating_sub(1)))
        }
        _ => None,
    };
    let mut error = SourceError::new(kind_of(refusal), refusal.message()).at(position);
    error.help = refusal.hint().map(str::to_owned).or_else(|| own_help(refusal));
    error
}

fn kind_of(refusal: &DbError) -> SourceErrorKind {
    match refusal.code() {
        &SqlState::UNDEFINED_COLUMN => SourceErrorKind::UnknownColumn,
        &SqlState::UNDEFINED_TABLE | &SqlState::INVALID_SCHEMA_NAME => SourceErrorKind::UnknownTable,
        &SqlState::INSUFFICIENT_PRIVILEGE => SourceErrorKind::Auth,
        code => match &code.code()[..2] {
            // Connection lost, resources gone, stopped by an operator, disk trouble.
            "08" | "53" | "57" | "58" | "XX" => SourceErrorKind::Read,
            _ => SourceErrorKind::Sql,
        },
    }
}

fn own_help(refusal: &DbError) -> Option<String> {
    let help = match *refusal.code() {
        SqlState::UNDEFINED_COLUMN => "correct the column's name in the model",
        SqlState::UNDEFINED_TABLE => "correct the table's name in the model",
        SqlState::INSUFFICIENT_PRIVILEGE => "give the user the right to read it: grant select on …",
        SqlState::READ_ONLY_SQL_TRANSACTION => "a model only reads: it runs in a read-only transaction",
        SqlState::SYNTAX_ERROR => "a model is one `select`",
        _ => return None,
    };
    Some(help.to_owned())
}

/// The error and what lies beneath it, which the outer text alone often hides.
fn causes(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
