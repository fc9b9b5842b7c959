//! What can go wrong with a source, in words for the person who wrote the project. Owns the error type; which kind a
//! failure is, each reader decides. No error carries a secret.

/// What kind of failure it was; the caller decides by this, never by text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SourceErrorKind {
    /// A file, folder, database or driver is not there.
    NotFound,
    /// It is there, or should be, but cannot be opened or reached.
    Connect,
    /// The source refuses the user or the password, or the right to read.
    Auth,
    /// The source refuses the SQL.
    Sql,
    /// The query names a column that the source does not have.
    UnknownColumn,
    /// The query names a table that the source does not have.
    UnknownTable,
    /// Reading failed after it had begun: a broken file, a lost connection, a value that does not fit.
    Read,
    /// A driver cannot be loaded or misbehaves.
    Driver,
    /// The source has something that is not supported; the help says the way round.
    Unsupported,
    /// The caller cancelled.
    Cancelled,
}

/// Where in the model's SQL the database found fault; both 1-based, columns counted in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SqlPosition {
    pub line: u32,
    pub column: u32,
}

/// Why a source could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SourceError {
    pub kind: SourceErrorKind,
    /// What and where, as a lowercase fragment.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// Where in the model's SQL, when the database says so.
    pub position: Option<SqlPosition>,
}

impl SourceError {
    pub(crate) fn new(kind: SourceErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), help: None, position: None }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn at(mut self, position: Option<SqlPosition>) -> Self {
        self.position = position;
        self
    }

    pub(crate) fn read(message: impl Into<String>) -> Self {
        Self::new(SourceErrorKind::Read, message)
    }

    pub(crate) fn cancelled() -> Self {
        Self::new(SourceErrorKind::Cancelled, "the reading was cancelled")
    }
}

impl SqlPosition {
    /// The position of the character that begins at byte `offset` of `sql`; an offset past the end gives the end.
    pub(crate) fn of_byte(sql: &str, offset: usize) -> Self {
        let mut offset = offset.min(sql.len());
        while !sql.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = &sql[..offset];
        let line = before.matches('\n').count() + 1;
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = before[line_start..].chars().count() + 1;
        Self { line: u32::try_from(line).unwrap_or(u32::MAX), column: u32::try_from(column).unwrap_or(u32::MAX) }
    }

    /// The position of the `index`-th character (0-based) of `sql`.
    pub(crate) fn of_char(sql: &str, index: usize) -> Self {
        let byte = sql.char_indices().nth(index).map_or(sql.len(), |(byte, _)| byte);
        Self::of_byte(sql, byte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_counts_lines_and_characters_from_one() {
        let sql = "select é,\n  nope\nfrom t";
        let byte = sql.find("nope").expect("the word is in the text");
        assert_eq!(SqlPosition::of_byte(sql, byte), SqlPosition { line: 2, column: 3 });
        assert_eq!(SqlPosition::of_char(sql, 12), SqlPosition { line: 2, column: 3 });
        assert_eq!(SqlPosition::of_char(sql, 8), SqlPosition { line: 1, column: 9 });
        assert_eq!(SqlPosition::of_byte(sql, 999), SqlPosition { line: 3, column: 7 });
    }
}
