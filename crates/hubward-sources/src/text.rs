//! How table names become SQL, and how doubled names are refused: rules that every SQL source shares.

use std::collections::HashSet;

use arrow_schema::Schema;

use crate::error::{SourceError, SourceErrorKind};

/// `name` as a quoted SQL identifier.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A model finds its columns by name, so two of one name would leave one of them unreachable.
pub(crate) fn refuse_doubled_names(schema: &Schema) -> Result<(), SourceError> {
    let mut seen = HashSet::new();
    for field in schema.fields() {
        if !seen.insert(field.name().as_str()) {
            return Err(SourceError::new(
                SourceErrorKind::Sql,
                format!("two columns of the model are named `{}`", field.name()),
            )
            .help("give one of them another name with `as`"));
        }
    }
    if schema.fields().is_empty() {
        return Err(
            SourceError::new(SourceErrorKind::Sql, "the model gives no columns").help("a model is one `select`")
        );
    }
    Ok(())
}
