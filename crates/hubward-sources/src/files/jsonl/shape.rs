//! What a JSON value looks like, and how the looks of many values become one column type.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_schema::{DataType, Field};

use super::object::{Object, elements};
use crate::canonical::json_field;

/// A nested object with more different keys than this is a map whose keys are data.
const STRUCT_FIELDS: usize = 256;
/// The largest integer up to which every integer is a float.
const EXACT_FLOAT: u64 = 1 << 53;

/// The narrowest type that has held every value so far.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shape {
    /// Only null.
    Null,
    Bool,
    /// `float_too`: every one of them is a float as well.
    Int {
        float_too: bool,
    },
    Float,
    Text,
    List(Box<Shape>),
    Struct(Fields),
    /// No one type holds them unbent: JSON text.
    Json,
}

impl Shape {
    /// The shape of one value, given as its valid JSON text.
    pub(super) fn of(raw: &str) -> Self {
        match raw.as_bytes().first() {
            Some(b'n') => Self::Null,
            Some(b't' | b'f') => Self::Bool,
            Some(b'"') => Self::Text,
            Some(b'[') => {
                let mut item = Self::Null;
                for element in elements(raw).unwrap_or_default() {
                    item = item.with(Self::of(element));
                }
                Self::List(Box::new(item))
            }
            Some(b'{') => {
                let Ok(object) = Object::parse(raw) else {
                    return Self::Json;
                };
                let mut fields = Fields::default();
                for (name, raw) in &object.0 {
                    fields.see(name, Self::of(raw.get()));
                }
                Self::of_fields(fields)
            }
            _ => Self::of_number(raw),
        }
    }

    fn of_number(raw: &str) -> Self {
        if let Ok(integer) = raw.parse::<i64>() {
            return Self::Int { float_too: integer.unsigned_abs() <= EXACT_FLOAT };
        }
        match raw.parse::<f64>() {
            Ok(float) if float.is_finite() && is_exact(raw, float) => Self::Float,
            _ => Self::Json,
        }
    }

    fn of_fields(fields: Fields) -> Self {
        // Arrow has no column for an object without fields.
        if fields.len() == 0 || fields.len() > STRUCT_FIELDS { Self::Json } else { Self::Struct(fields) }
    }

    /// The shape that holds both.
    pub(super) fn with(self, other: Self) -> Self {
        match (self, other) {
            (Self::Null, shape) | (shape, Self::Null) => shape,
            (Self::Bool, Self::Bool) => Self::Bool,
            (Self::Text, Self::Text) => Self::Text,
            (Self::Int { float_too: a }, Self::Int { float_too: b }) => Self::Int { float_too: a && b },
            (Self::Float, Self::Float | Self::Int { float_too: true })
            | (Self::Int { float_too: true }, Self::Float) => Self::Float,
            (Self::List(a), Self::List(b)) => Self::List(Box::new(a.with(*b))),
            (Self::Struct(mut a), Self::Struct(b)) => {
                for (name, shape) in b.entries {
                    a.see(&name, shape);
                }
                Self::of_fields(a)
            }
            _ => Self::Json,
        }
    }

    pub(super) fn field(&self, name: &str) -> Field {
        match self {
            Self::Json => json_field(name),
            shape => Field::new(name, shape.data_type(), true),
        }
    }

    fn data_type(&self) -> DataType {
        match self {
            Self::Bool => DataType::Boolean,
            Self::Int { .. } => DataType::Int64,
            Self::Float => DataType::Float64,
            Self::Null | Self::Text | Self::Json => DataType::Utf8,
            Self::List(item) => DataType::List(Arc::new(item.field("item"))),
            Self::Struct(fields) => {
                let fields: Vec<_> = fields.iter().map(|(name, s)| s.field(name)).collect();
                DataType::Struct(fields.into())
            }
        }
    }
}

/// Whether the float, written out again, has the very digits of the text.
fn is_exact(raw: &str, float: f64) -> bool {
    digits(raw) == digits(&format!("{float:e}"))
}

/// The significant digits, without sign, point, exponent and zeros at either end.
fn digits(number: &str) -> String {
    let mantissa = number.split(['e', 'E']).next().unwrap_or_default();
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    digits.trim_matches('0').to_owned()
}

/// Named shapes in the order in which the names were first seen.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Fields {
    entries: Vec<(String, Shape)>,
    index: HashMap<String, usize>,
}

impl Fields {
    pub(super) fn see(&mut self, name: &str, shape: Shape) {
        if let Some(&index) = self.index.get(name) {
            let known = &mut self.entries[index].1;
            *known = std::mem::replace(known, Shape::Null).with(shape);
        } else {
            self.index.insert(name.to_owned(), self.entries.len());
            self.entries.push((name.to_owned(), shape));
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.index.contains_key(name)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Shape)> {
        self.entries.iter().map(|(name, s)| (name.as_str(), s))
    }
}
