//! The names of tables out of ADBC's nested listing: catalogs of schemas of tables.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch, StructArray};
use arrow_cast::cast;
use arrow_schema::DataType;

use crate::error::SourceError;

/// Schemas that need not be named.
const DEFAULT_SCHEMAS: [&str; 3] = ["", "main", "public"];
/// Schemas that hold the database's own tables.
const SYSTEM_SCHEMAS: [&str; 3] = ["information_schema", "pg_catalog", "pg_toast"];

pub(super) fn table_names(batch: &RecordBatch, names: &mut Vec<String>) -> Result<(), SourceError> {
    let malformed = || SourceError::read("the driver lists its tables in an unknown form");
    let catalogs = batch
        .column_by_name("catalog_db_schemas")
        .and_then(|column| column.as_list_opt::<i32>())
        .ok_or_else(malformed)?;
    for catalog in catalogs.iter().flatten() {
        let schemas = catalog.as_struct_opt().ok_or_else(malformed)?;
        let schema_names = texts(schemas, "db_schema_name").ok_or_else(malformed)?;
        let tables = schemas
            .column_by_name("db_schema_tables")
            .and_then(|column| column.as_list_opt::<i32>())
            .ok_or_else(malformed)?;
        for row in 0..schemas.len() {
            let schema_names = schema_names.as_string::<i32>();
            let schema = if schema_names.is_null(row) { "" } else { schema_names.value(row) };
            if SYSTEM_SCHEMAS.contains(&schema) || tables.is_null(row) {
                continue;
            }
            let tables = tables.value(row);
            let tables = tables.as_struct_opt().ok_or_else(malformed)?;
            let table_names = texts(tables, "table_name").ok_or_else(malformed)?;
            for table in table_names.as_string::<i32>().iter().flatten() {
                names.push(if DEFAULT_SCHEMAS.contains(&schema) {
                    table.to_owned()
                } else {
                    format!("{schema}.{table}")
                });
            }
        }
    }
    Ok(())
}

fn texts(row: &StructArray, column: &str) -> Option<ArrayRef> {
    cast(row.column_by_name(column)?, &DataType::Utf8).ok()
}
