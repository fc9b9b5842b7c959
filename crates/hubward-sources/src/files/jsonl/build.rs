//! JSON texts of one shape become an Arrow column.

use std::sync::Arc;

use arrow_array::builder::{BooleanBuilder, Float64Builder, Int64Builder, StringBuilder};
use arrow_array::{ArrayRef, ListArray, StructArray};
use arrow_buffer::{NullBuffer, OffsetBuffer};

use super::object::{Object, elements};
use super::shape::{Fields, Shape};

/// A value that is not of the shape that the first pass found.
#[derive(Debug)]
pub(super) struct Unfit;

pub(super) fn array(shape: &Shape, values: &[Option<&str>]) -> Result<ArrayRef, Unfit> {
    let values: Vec<Option<&str>> = values.iter().map(|v| v.filter(|t| *t != "null")).collect();
    Ok(match shape {
        Shape::Null => {
            let mut column = StringBuilder::new();
            for value in values {
                if value.is_some() {
                    return Err(Unfit);
                }
                column.append_null();
            }
            Arc::new(column.finish())
        }
        Shape::Bool => {
            let mut column = BooleanBuilder::with_capacity(values.len());
            for value in values {
                column.append_option(parsed(value)?);
            }
            Arc::new(column.finish())
        }
        Shape::Int { .. } => {
            let mut column = Int64Builder::with_capacity(values.len());
            for value in values {
                column.append_option(parsed(value)?);
            }
            Arc::new(column.finish())
        }
        Shape::Float => {
            let mut column = Float64Builder::with_capacity(values.len());
            for value in values {
                column.append_option(parsed(value)?);
            }
            Arc::new(column.finish())
        }
        Shape::Text => {
            let mut column = StringBuilder::new();
            for value in values {
                let text = value.map(serde_json::from_str::<String>).transpose();
                column.append_option(text.map_err(|_| Unfit)?);
            }
            Arc::new(column.finish())
        }
        Shape::Json => {
            let mut column = StringBuilder::new();
            for value in values {
                column.append_option(value);
            }
            Arc::new(column.finish())
        }
        Shape::List(item) => list(shape, item, &values)?,
        Shape::Struct(fields) => object(fields, &values)?,
    })
}

fn parsed<T: std::str::FromStr>(value: Option<&str>) -> Result<Option<T>, Unfit> {
    value.map(str::parse).transpose().map_err(|_| Unfit)
}

fn list(shape: &Shape, item: &Shape, values: &[Option<&str>]) -> Result<ArrayRef, Unfit> {
    let mut items = Vec::new();
    let mut lengths = Vec::with_capacity(values.len());
    for value in values {
        let elements = match value {
            Some(text) => elements(text).ok_or(Unfit)?,
            None => Vec::new(),
        };
        lengths.push(elements.len());
        items.extend(elements.into_iter().map(Some));
    }
    debug_assert!(matches!(shape, Shape::List(_)));
    let list = ListArray::try_new(
        Arc::new(item.field("item")),
        OffsetBuffer::from_lengths(lengths),
        array(item, &items)?,
        Some(present(values)),
    );
    Ok(Arc::new(list.map_err(|_| Unfit)?))
}

fn object(fields: &Fields, values: &[Option<&str>]) -> Result<ArrayRef, Unfit> {
    let mut members = vec![Vec::with_capacity(values.len()); fields.len()];
    for value in values {
        let object = match value {
            Some(text) => Some(Object::parse(text).map_err(|_| Unfit)?),
            None => None,
        };
        if let Some(object) = &object
            && object.0.iter().any(|(name, _)| !fields.has(name))
        {
            return Err(Unfit);
        }
        for ((name, _), members) in fields.iter().zip(&mut members) {
            members.push(object.as_ref().and_then(|object| object.get(name)));
        }
    }
    let mut arrow_fields = Vec::new();
    let mut columns = Vec::new();
    for ((name, shape), members) in fields.iter().zip(&members) {
        arrow_fields.push(shape.field(name));
        columns.push(array(shape, members)?);
    }
    let column = StructArray::try_new(arrow_fields.into(), columns, Some(present(values)));
    Ok(Arc::new(column.map_err(|_| Unfit)?))
}

fn present(values: &[Option<&str>]) -> NullBuffer {
    values.iter().map(Option::is_some).collect()
}
