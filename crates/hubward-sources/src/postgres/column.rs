//! Columns under construction from PostgreSQL's binary values.

use std::sync::Arc;

use arrow_array::builder::{
    BinaryBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, PrimitiveBuilder, StringBuilder,
    Time64MicrosecondBuilder, TimestampMicrosecondBuilder,
};
use arrow_array::types::{Float32Type, Float64Type, Int16Type, Int32Type, Int64Type, UInt32Type};
use arrow_array::{ArrayRef, ListArray};
use arrow_buffer::{NullBufferBuilder, OffsetBuffer};
use arrow_schema::FieldRef;

use super::form::Form;
use super::numeric;
use crate::error::{SourceError, SourceErrorKind};

/// Days and microseconds between 1970 and 2000, where PostgreSQL begins to count.
const EPOCH_DAYS: i32 = 10_957;
const EPOCH_MICROS: i64 = 946_684_800_000_000;

/// Why a value cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bad {
    /// The bytes are not of the announced form.
    Broken,
    /// `infinity`, `-infinity` or `NaN`, in a column that has no such value.
    NotFinite,
    /// An array of arrays.
    Dimensions,
}

impl Bad {
    pub(super) fn in_column(self, name: &str, row: u64) -> SourceError {
        let at = format!("row {row}, column `{name}`");
        match self {
            Self::Broken => {
                SourceError::read(format!("{at}: the server sent a value in a form that its type does not have"))
                    .help("cast the column to text in the model")
            }
            Self::NotFinite => {
                SourceError::new(SourceErrorKind::Unsupported, format!("{at}: the value is infinite or not a number"))
                    .help(format!("replace it in the model, for instance with NULL: nullif({name}, 'infinity')"))
            }
            Self::Dimensions => {
                SourceError::new(SourceErrorKind::Unsupported, format!("{at}: the array has more than one dimension"))
                    .help(format!("make it JSON in the model: to_jsonb({name})"))
            }
        }
    }
}

pub(super) enum Column {
    Bool(BooleanBuilder),
    Int16(PrimitiveBuilder<Int16Type>),
    Int32(PrimitiveBuilder<Int32Type>),
    Int64(PrimitiveBuilder<Int64Type>),
    UInt32(PrimitiveBuilder<UInt32Type>),
    Float32(PrimitiveBuilder<Float32Type>),
    Float64(PrimitiveBuilder<Float64Type>),
    /// Every form that becomes text.
    Text(StringBuilder, Form),
    Decimal(Decimal128Builder, i8),
    Bytes(BinaryBuilder),
    Date(Date32Builder),
    Time(Time64MicrosecondBuilder),
    Timestamp(TimestampMicrosecondBuilder),
    List {
        item: FieldRef,
        items: Box<Column>,
        lengths: Vec<usize>,
        present: NullBufferBuilder,
    },
}

impl Column {
    pub(super) fn new(form: &Form) -> Self {
        match form {
            Form::Bool => Self::Bool(BooleanBuilder::new()),
            Form::Int16 => Self::Int16(PrimitiveBuilder::new()),
            Form::Int32 => Self::Int32(PrimitiveBuilder::new()),
            Form::Int64 => Self::Int64(PrimitiveBuilder::new()),
            Form::UInt32 => Self::UInt32(PrimitiveBuilder::new()),
            Form::Float32 => Self::Float32(PrimitiveBuilder::new()),
            Form::Float64 => Self::Float64(PrimitiveBuilder::new()),
            Form::Text | Form::PaddedText | Form::Json | Form::Jsonb | Form::Uuid | Form::Numeric => {
                Self::Text(StringBuilder::new(), form.clone())
            }
            Form::Decimal128 { scale, .. } => {
                let data_type = form.field("decimal").data_type().clone();
                Self::Decimal(Decimal128Builder::new().with_data_type(data_type), *scale)
            }
            Form::Bytes => Self::Bytes(BinaryBuilder::new()),
            Form::Date => Self::Date(Date32Builder::new()),
            Form::Time => Self::Time(Time64MicrosecondBuilder::new()),
            Form::Timestamp { .. } => {
                let data_type = form.field("timestamp").data_type().clone();
                Self::Timestamp(TimestampMicrosecondBuilder::new().with_data_type(data_type))
            }
            Form::List(element) => Self::List {
                item: Arc::new(element.field("item")),
                items: Box::new(Self::new(element)),
                lengths: Vec::new(),
                present: NullBufferBuilder::new(0),
            },
        }
    }

    pub(super) fn append(&mut self, value: Option<&[u8]>) -> Result<(), Bad> {
        match self {
            Self::Bool(column) => {
                column.append_option(value.map(|v| fixed::<1>(v).map(|v| v[0] != 0)).transpose()?);
            }
            Self::Int16(column) => {
                column.append_option(value.map(fixed).transpose()?.map(i16::from_be_bytes));
            }
            Self::Int32(column) => {
                column.append_option(value.map(fixed).transpose()?.map(i32::from_be_bytes));
            }
            Self::Int64(column) => {
                column.append_option(value.map(fixed).transpose()?.map(i64::from_be_bytes));
            }
            Self::UInt32(column) => {
                column.append_option(value.map(fixed).transpose()?.map(u32::from_be_bytes));
            }
            Self::Float32(column) => {
                column.append_option(value.map(fixed).transpose()?.map(f32::from_be_bytes));
            }
            Self::Float64(column) => {
                column.append_option(value.map(fixed).transpose()?.map(f64::from_be_bytes));
            }
            Self::Text(column, form) => match value {
                Some(value) => append_text(column, form, value)?,
                None => column.append_null(),
            },
            Self::Decimal(column, scale) => {
                let scale = *scale;
                column.append_option(value.map(|v| numeric::scaled(v, scale)).transpose()?);
            }
            Self::Bytes(column) => column.append_option(value),
            Self::Date(column) => column.append_option(value.map(date).transpose()?),
            Self::Time(column) => {
                column.append_option(value.map(fixed).transpose()?.map(i64::from_be_bytes));
            }
            Self::Timestamp(column) => column.append_option(value.map(timestamp).transpose()?),
            Self::List { items, lengths, present, .. } => {
                let length = match value {
                    Some(value) => append_elements(items, value)?,
                    None => 0,
                };
                lengths.push(length);
                present.append(value.is_some());
            }
        }
        Ok(())
    }

    pub(super) fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Bool(column) => Arc::new(column.finish()),
            Self::Int16(column) => Arc::new(column.finish()),
            Self::Int32(column) => Arc::new(column.finish()),
            Self::Int64(column) => Arc::new(column.finish()),
            Self::UInt32(column) => Arc::new(column.finish()),
            Self::Float32(column) => Arc::new(column.finish()),
            Self::Float64(column) => Arc::new(column.finish()),
            Self::Text(column, _) => Arc::new(column.finish()),
            Self::Decimal(column, _) => Arc::new(column.finish()),
            Self::Bytes(column) => Arc::new(column.finish()),
            Self::Date(column) => Arc::new(column.finish()),
            Self::Time(column) => Arc::new(column.finish()),
            Self::Timestamp(column) => Arc::new(column.finish()),
            Self::List { item, items, lengths, present } => Arc::new(ListArray::new(
                Arc::clone(item),
                OffsetBuffer::from_lengths(lengths.drain(..)),
                items.finish(),
                present.finish(),
            )),
        }
    }
}

fn fixed<const N: usize>(value: &[u8]) -> Result<[u8; N], Bad> {
    value.try_into().map_err(|_| Bad::Broken)
}

fn append_text(column: &mut StringBuilder, form: &Form, value: &[u8]) -> Result<(), Bad> {
    let value = match form {
        Form::Uuid => {
            let uuid = uuid::Uuid::from_bytes(fixed(value)?);
            column.append_value(uuid.hyphenated().to_string());
            return Ok(());
        }
        Form::Numeric => {
            column.append_value(numeric::text(value)?);
            return Ok(());
        }
        Form::Jsonb => match value.split_first() {
            Some((1, text)) => text,
            _ => return Err(Bad::Broken),
        },
        _ => value,
    };
    let text = std::str::from_utf8(value).map_err(|_| Bad::Broken)?;
    column.append_value(if *form == Form::PaddedText { text.trim_end_matches(' ') } else { text });
    Ok(())
}

fn date(value: &[u8]) -> Result<i32, Bad> {
    match i32::from_be_bytes(fixed(value)?) {
        i32::MIN | i32::MAX => Err(Bad::NotFinite),
        days => days.checked_add(EPOCH_DAYS).ok_or(Bad::Broken),
    }
}

fn timestamp(value: &[u8]) -> Result<i64, Bad> {
    match i64::from_be_bytes(fixed(value)?) {
        i64::MIN | i64::MAX => Err(Bad::NotFinite),
        micros => micros.checked_add(EPOCH_MICROS).ok_or(Bad::Broken),
    }
}

/// The elements of an array: its dimensions, then length and bytes of each element.
fn append_elements(items: &mut Column, value: &[u8]) -> Result<usize, Bad> {
    let mut rest = value;
    let dimensions = take_int(&mut rest)?;
    let _has_nulls = take_int(&mut rest)?;
    let _element_type = take_int(&mut rest)?;
    match dimensions {
        0 => return Ok(0),
        1 => {}
        _ => return Err(Bad::Dimensions),
    }
    let length = usize::try_from(take_int(&mut rest)?).map_err(|_| Bad::Broken)?;
    let _lower_bound = take_int(&mut rest)?;
    for _ in 0..length {
        let bytes = take_int(&mut rest)?;
        if bytes == -1 {
            items.append(None)?;
            continue;
        }
        let bytes = usize::try_from(bytes).map_err(|_| Bad::Broken)?;
        let (element, after) = rest.split_at_checked(bytes).ok_or(Bad::Broken)?;
        items.append(Some(element))?;
        rest = after;
    }
    Ok(length)
}

fn take_int(rest: &mut &[u8]) -> Result<i32, Bad> {
    let (int, after) = rest.split_at_checked(4).ok_or(Bad::Broken)?;
    *rest = after;
    Ok(i32::from_be_bytes(fixed(int)?))
}
