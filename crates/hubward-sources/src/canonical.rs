//! The small set of Arrow types that leaves this crate, and how every other type is brought down to it.
//!
//! What leaves: Boolean, Int8–64, UInt8–64, Float32/64, Decimal128/256, Utf8 (with the extension name `arrow.json` where the
//! text is JSON), Binary, Date32, Time64(µs), Timestamp(µs) without a zone or with the zone `UTC`, and List, Struct and Map
//! of these. So a driver that turns from Utf8 to Utf8View, or from milliseconds to nanoseconds, changes nothing for the caller.

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::{Array, ArrayRef, FixedSizeBinaryArray, RecordBatch, RecordBatchOptions};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_json::writer::{EncoderOptions, make_encoder};
use arrow_schema::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};

use crate::error::{SourceError, SourceErrorKind};

/// The value of a field's `ARROW:extension:name` that says that its text is JSON.
pub const JSON_EXTENSION: &str = "arrow.json";
const EXTENSION_NAME: &str = "ARROW:extension:name";

/// Whether the text of this column is JSON.
#[must_use]
pub fn is_json(field: &Field) -> bool {
    field.metadata().get(EXTENSION_NAME).is_some_and(|name| name == JSON_EXTENSION)
}

/// A column of JSON text.
pub(crate) fn json_field(name: &str) -> Field {
    let metadata = [(EXTENSION_NAME.to_owned(), JSON_EXTENSION.to_owned())];
    Field::new(name, DataType::Utf8, true).with_metadata(metadata)
}

/// Casts the batches of one stream to the canonical types.
pub(crate) struct Canonical {
    schema: SchemaRef,
    /// Per column: what to do.
    steps: Vec<Step>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Keep,
    Cast,
    Uuid,
}

impl Canonical {
    /// # Errors
    /// A column has a type that cannot be brought down (a union, opaque bytes of a database's own type).
    pub(crate) fn of(schema: &Schema) -> Result<Self, SourceError> {
        let mut fields = Vec::with_capacity(schema.fields().len());
        let mut steps = Vec::with_capacity(schema.fields().len());
        for field in schema.fields() {
            let (canonical, step) = canonical_column(field)?;
            fields.push(canonical);
            steps.push(step);
        }
        Ok(Self { schema: Arc::new(Schema::new(fields)), steps })
    }

    pub(crate) fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    /// # Errors
    /// A value does not fit (a date beyond what microseconds can hold); the error names the column.
    pub(crate) fn batch(&self, batch: &RecordBatch) -> Result<RecordBatch, SourceError> {
        let mut columns = Vec::with_capacity(self.steps.len());
        for (index, step) in self.steps.iter().enumerate() {
            let column = batch.column(index);
            let field = self.schema.field(index);
            columns.push(match step {
                Step::Keep => Arc::clone(column),
                Step::Cast => cast(column, field)?,
                Step::Uuid => uuids_as_text(column, field)?,
            });
        }
        // The count is given because a batch may have rows and no columns: SQL that only counts.
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(self.schema(), columns, &options)
            .map_err(|error| SourceError::read(format!("the source sent a broken batch: {error}")))
    }
}

fn canonical_column(field: &FieldRef) -> Result<(Field, Step), SourceError> {
    let name = field.name();
    let extension = field.metadata().get(EXTENSION_NAME).map(String::as_str);
    if extension == Some("arrow.opaque") && is_bytes(field.data_type()) {
        return Err(opaque(name));
    }
    if extension == Some("arrow.uuid") && field.data_type() == &DataType::FixedSizeBinary(16) {
        return Ok((Field::new(name, DataType::Utf8, true), Step::Uuid));
    }
    let data_type = canonical_type(field.data_type()).ok_or_else(|| unsupported(field))?;
    let step = if &data_type == field.data_type() { Step::Keep } else { Step::Cast };
    let canonical = if is_json(field) && data_type == DataType::Utf8 {
        json_field(name)
    } else {
        // Whether a source promises "never NULL" is not worth a batch that is refused for it.
        Field::new(name, data_type, true)
    };
    Ok((canonical, step))
}

fn is_bytes(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_))
}

fn canonical_type(data_type: &DataType) -> Option<DataType> {
    Some(match data_type {
        DataType::Boolean
        | DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::UInt64
        | DataType::Float32
        | DataType::Float64
        | DataType::Utf8
        | DataType::Binary
        | DataType::Date32
        | DataType::Decimal128(_, _)
        | DataType::Decimal256(_, _) => data_type.clone(),
        DataType::Float16 => DataType::Float32,
        DataType::Decimal32(precision, scale) | DataType::Decimal64(precision, scale) => {
            DataType::Decimal128(*precision, *scale)
        }
        DataType::Null | DataType::LargeUtf8 | DataType::Utf8View | DataType::Duration(_) | DataType::Interval(_) => {
            DataType::Utf8
        }
        DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => DataType::Binary,
        DataType::Date64 => DataType::Date32,
        DataType::Time32(_) | DataType::Time64(_) => DataType::Time64(TimeUnit::Microsecond),
        // With a zone the numbers count from the epoch in UTC, whatever the zone's name: a cast changes only the label.
        DataType::Timestamp(_, zone) => DataType::Timestamp(TimeUnit::Microsecond, zone.as_ref().map(|_| "UTC".into())),
        DataType::Dictionary(_, values) => canonical_type(values)?,
        DataType::RunEndEncoded(_, values) => canonical_type(values.data_type())?,
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _) => DataType::List(canonical_item(item)?),
        DataType::Struct(fields) => {
            DataType::Struct(fields.iter().map(canonical_item).collect::<Option<Vec<_>>>()?.into())
        }
        DataType::Map(entries, sorted) => {
            let DataType::Struct(fields) = entries.data_type() else {
                return None;
            };
            let fields = fields
                .iter()
                .map(|field| {
                    let data_type = canonical_type(field.data_type())?;
                    Some(field.as_ref().clone().with_data_type(data_type))
                })
                .collect::<Option<Vec<_>>>()?;
            let entries = entries.as_ref().clone().with_data_type(DataType::Struct(fields.into()));
            DataType::Map(Arc::new(entries), *sorted)
        }
        DataType::Union(_, _) => return None,
    })
}

fn canonical_item(field: &FieldRef) -> Option<FieldRef> {
    // Within lists and structs no step turns such bytes into text, so the whole column is refused.
    let extension = field.metadata().get(EXTENSION_NAME).map(String::as_str);
    if matches!(extension, Some("arrow.opaque" | "arrow.uuid")) && is_bytes(field.data_type()) {
        return None;
    }
    let data_type = canonical_type(field.data_type())?;
    if is_json(field) && data_type == DataType::Utf8 {
        return Some(Arc::new(json_field(field.name())));
    }
    Some(Arc::new(Field::new(field.name(), data_type, true)))
}

pub(crate) fn cast(column: &ArrayRef, field: &Field) -> Result<ArrayRef, SourceError> {
    // Not the default, which turns what does not fit into NULL.
    let options = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(column, field.data_type(), &options).map_err(|error| {
        SourceError::read(format!("column `{}`: a value does not fit: {error}", field.name()))
            .help("cast the column to text in the model")
    })
}

fn uuids_as_text(column: &ArrayRef, field: &Field) -> Result<ArrayRef, SourceError> {
    let bytes = column.as_any().downcast_ref::<FixedSizeBinaryArray>().ok_or_else(|| {
        SourceError::read(format!("column `{}`: the source sent another type than it announced", field.name()))
    })?;
    let mut text = StringBuilder::with_capacity(bytes.len(), bytes.len() * 36);
    for value in bytes {
        match value.and_then(|value| uuid::Uuid::from_slice(value).ok()) {
            Some(uuid) => text.append_value(uuid.hyphenated().to_string()),
            None => text.append_null(),
        }
    }
    Ok(Arc::new(text.finish()))
}

/// A column as text: dates and times in ISO form, nested values as JSON with NULL members written out.
pub(crate) fn as_text(column: &ArrayRef, field: &Field) -> Result<ArrayRef, SourceError> {
    let printable = Field::new(field.name(), printable_type(field.data_type()), true);
    let column =
        if printable.data_type() == field.data_type() { Arc::clone(column) } else { cast(column, &printable)? };
    if printable.data_type().is_nested() {
        as_json_text(&column, &Arc::new(printable))
    } else {
        cast(&column, &Field::new(field.name(), DataType::Utf8, true))
    }
}

fn as_json_text(column: &ArrayRef, field: &FieldRef) -> Result<ArrayRef, SourceError> {
    let options = EncoderOptions::default().with_explicit_nulls(true);
    let mut encoder = make_encoder(field, column, &options)
        .map_err(|error| SourceError::read(format!("column `{}` cannot be written as JSON: {error}", field.name())))?;
    let mut text = StringBuilder::new();
    let mut buffer = Vec::new();
    for row in 0..column.len() {
        if column.is_null(row) {
            text.append_null();
            continue;
        }
        buffer.clear();
        encoder.encode(row, &mut buffer);
        text.append_value(std::str::from_utf8(&buffer).expect("JSON is written as UTF-8"));
    }
    Ok(Arc::new(text.finish()))
}

/// The same type with `+00:00` for `UTC`: the printer knows zones only as offsets.
fn printable_type(data_type: &DataType) -> DataType {
    let printable_field = |field: &FieldRef| field.as_ref().clone().with_data_type(printable_type(field.data_type()));
    match data_type {
        DataType::Timestamp(unit, Some(_)) => DataType::Timestamp(*unit, Some("+00:00".into())),
        DataType::List(item) => DataType::List(Arc::new(printable_field(item))),
        DataType::Map(entries, sorted) => DataType::Map(Arc::new(printable_field(entries)), *sorted),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(printable_field).collect::<Vec<_>>().into()),
        other => other.clone(),
    }
}

pub(crate) fn opaque(column: &str) -> SourceError {
    SourceError::new(
        SourceErrorKind::Unsupported,
        format!("column `{column}` comes as bytes in a form that only its database understands"),
    )
    .help(format!("cast it to text in the model: cast({column} as text)"))
}

fn unsupported(field: &Field) -> SourceError {
    SourceError::new(
        SourceErrorKind::Unsupported,
        format!("column `{}` has the type {}, which has no counterpart here", field.name(), field.data_type()),
    )
    .help("cast it to text in the model")
}

#[cfg(test)]
mod tests;
