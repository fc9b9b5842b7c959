//! One row through a mapping.

use std::cell::RefCell;
use std::sync::Arc;

use arrow_array::RecordBatch;
use xxhash_rust::xxh3::Xxh3;

use super::{ColumnRef, Mapping, MatchRule, Source};
use crate::convert::{ConvertContext, Converted, append_form, convert, fold_match_value};
use crate::row::{key_text, value_at, value_text};
use crate::spec::{Conversion, Nulls, WriteRule};
use crate::template::TemplateRow;
use crate::{PropertyType, Reason, Value};

/// What a row would write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappedRow {
    /// The match value as sent; `None` where the row has none (NULL or an empty text).
    pub match_value: Option<String>,
    /// The match value as compared.
    pub match_folded: Option<String>,
    /// One entry a mapped property, in the order of [`Mapping::entries`]; `None` is NULL, the empty text clears. A property
    /// that is only filled where it is empty, or added to, has no entry in a row without a value for it: it never clears.
    pub values: Vec<(Arc<str>, Option<String>)>,
}

impl Mapping {
    /// Maps one row of a batch.
    ///
    /// # Errors
    /// Every reason why the row cannot be written, each with its property and value.
    ///
    /// # Panics
    /// If the batch lacks a column that the schema given to [`Mapping::compile`] had, or has no such row.
    pub fn row(&self, batch: &RecordBatch, row: usize, ctx: &ConvertContext<'_>) -> Result<MappedRow, Vec<Reason>> {
        let mut reasons = Vec::new();
        let mut values = Vec::with_capacity(self.entries.len());
        for entry in &self.entries {
            let from = Row::new(batch, row);
            let converted = entry
                .source
                .value(&from)
                .map_err(|reason| reason.on(&entry.name, None))
                .and_then(|value| convert(value.as_value(), &entry.property, entry.conversion, ctx));
            let is_nothing = |converted: &Converted| !matches!(converted, Converted::Text(text) if !text.is_empty());
            match converted {
                Ok(nothing) if entry.write != WriteRule::Always && is_nothing(&nothing) => {}
                Ok(Converted::Null) => values.push((Arc::clone(&entry.name), None)),
                Ok(Converted::Text(text)) if entry.write == WriteRule::Append => {
                    values.push((Arc::clone(&entry.name), Some(append_form(&text))));
                }
                Ok(Converted::Text(text)) => values.push((Arc::clone(&entry.name), Some(text))),
                Err(reason) => reasons.push(reason),
            }
        }
        let matched = self.match_value(&Row::new(batch, row), ctx);
        match matched {
            Ok(found) if reasons.is_empty() => {
                let (match_value, match_folded) = found.unzip();
                Ok(MappedRow { match_value, match_folded, values })
            }
            Ok(_) => Err(reasons),
            Err(reason) => {
                // The match column is often mapped to its own property: one fault, one reason.
                if !reasons.contains(&reason) {
                    reasons.insert(0, reason);
                }
                Err(reasons)
            }
        }
    }

    /// The match value of one row as sent, whatever else is wrong with the row; `None` where it has none.
    ///
    /// # Errors
    /// Why it cannot be read.
    ///
    /// # Panics
    /// As [`Mapping::row`].
    pub fn match_value_of(
        &self,
        batch: &RecordBatch,
        row: usize,
        ctx: &ConvertContext<'_>,
    ) -> Result<Option<String>, Reason> {
        Ok(self.match_value(&Row::new(batch, row), ctx)?.map(|(value, _)| value))
    }

    /// The match value as sent and as compared; `None` where the row has none.
    fn match_value(&self, row: &Row<'_>, ctx: &ConvertContext<'_>) -> Result<Option<(String, String)>, Reason> {
        let (column, property) = match &self.match_ {
            MatchRule::RecordId(column) => return record_id(&row.column_value(column)?),
            MatchRule::Property(column, property) => (column, property),
        };
        let value = row.column_value(column).map_err(|reason| reason.on(&property.name, None))?;
        match convert(&value, property, Conversion::Auto, ctx)? {
            Converted::Null => Ok(None),
            Converted::Text(text) if text.is_empty() => Ok(None),
            Converted::Text(text) => {
                let folded = fold_match_value(&property.name, &property.type_, &text);
                Ok(Some((text, folded)))
            }
        }
    }
}

/// A record id is digits (api.md 2.2).
fn record_id(value: &Value) -> Result<Option<(String, String)>, Reason> {
    let Some(text) = key_text(std::slice::from_ref(value)) else {
        return Ok(None);
    };
    let id = fold_match_value("id", &PropertyType::String, &text);
    if id.is_empty() {
        return Ok(None);
    }
    if !id.bytes().all(|byte| byte.is_ascii_digit()) {
        let reason = Reason::new("INVALID_ID", format!("{id:?} is not a record id: record ids are digits"));
        return Err(reason.on("id", Some(value_text(value))));
    }
    Ok(Some((id.clone(), id)))
}

impl MappedRow {
    /// A hash of everything that the row writes and is matched by: what a changed mapping is compared by.
    #[must_use]
    pub fn mapped_hash(&self) -> u64 {
        let mut hasher = Xxh3::new();
        let mut part = |tag: u8, text: &str| {
            hasher.update(&[tag]);
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        };
        match &self.match_folded {
            Some(folded) => part(1, folded),
            None => part(0, ""),
        }
        for (property, value) in &self.values {
            part(2, property);
            match value {
                Some(text) => part(1, text),
                None => part(0, ""),
            }
        }
        hasher.digest()
    }

    /// The properties of the request body. A text is sent as it is, the empty one clears. NULL by the rule: `auto` clears
    /// what we once wrote (`written`, by the position in [`MappedRow::values`]) and leaves alone what was never ours, `keep` never writes,
    /// `clear` always clears.
    #[must_use]
    pub fn properties_to_send(&self, nulls: Nulls, written: &dyn Fn(usize) -> bool) -> Vec<(Arc<str>, String)> {
        let mut properties = Vec::with_capacity(self.values.len());
        for (position, (property, value)) in self.values.iter().enumerate() {
            let text = match value {
                Some(text) => text.clone(),
                None => {
                    let clears = match nulls {
                        Nulls::Auto => written(position),
                        Nulls::Keep => false,
                        Nulls::Clear => true,
                    };
                    if !clears {
                        continue;
                    }
                    String::new()
                }
            };
            properties.push((Arc::clone(property), text));
        }
        properties
    }
}

/// One row of a batch.
pub(crate) struct Row<'a> {
    batch: &'a RecordBatch,
    row: usize,
    /// Why a column that a template asked for could not be read.
    unreadable: RefCell<Option<Reason>>,
}

impl<'a> Row<'a> {
    pub(crate) fn new(batch: &'a RecordBatch, row: usize) -> Self {
        Self { batch, row, unreadable: RefCell::new(None) }
    }

    pub(crate) fn column_value(&self, column: &ColumnRef) -> Result<Value, Reason> {
        let schema = self.batch.schema_ref();
        // The batch may be a projection of the model's schema.
        let index = match schema.fields().get(column.index) {
            Some(field) if *field.name() == column.name => column.index,
            _ => schema.index_of(&column.name).expect("a batch holds the model's columns"),
        };
        self.value_of(index)
    }

    fn value_of(&self, index: usize) -> Result<Value, Reason> {
        let field = self.batch.schema_ref().field(index);
        value_at(self.batch.column(index).as_ref(), field, self.row)
            .map_err(|error| Reason::new("UNREADABLE_VALUE", error.to_string()))
    }
}

impl TemplateRow for Row<'_> {
    fn column(&self, name: &str) -> Option<Value> {
        let index = self.batch.schema_ref().index_of(name).ok()?;
        match self.value_of(index) {
            Ok(value) => Some(value),
            Err(reason) => {
                *self.unreadable.borrow_mut() = Some(reason);
                None
            }
        }
    }

    fn names(&self) -> Vec<String> {
        self.batch.schema_ref().fields().iter().map(|field| field.name().clone()).collect()
    }
}

/// A value of the row or of the mapping.
pub(crate) enum Found<'a> {
    Own(Value),
    Constant(&'a Value),
}

impl Found<'_> {
    pub(crate) fn as_value(&self) -> &Value {
        match self {
            Found::Own(value) => value,
            Found::Constant(value) => value,
        }
    }
}

impl Source {
    pub(crate) fn value(&self, row: &Row<'_>) -> Result<Found<'_>, Reason> {
        match self {
            Source::Column(column) => row.column_value(column).map(Found::Own),
            Source::Value(value) => Ok(Found::Constant(value)),
            Source::Template(template) => {
                let output = template.render(row);
                // The template only missed a column; the row knows why.
                if let Some(reason) = row.unreadable.take() {
                    return Err(reason);
                }
                let output = output?;
                Ok(Found::Own(output.map_or(Value::Null, Value::Text)))
            }
        }
    }
}
