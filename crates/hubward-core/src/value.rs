//! A single value of a row, freed from the source it came from.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};

/// One value of one row. Sources deliver Arrow columns; a `Value` is made only for rows that go on (changed rows), so the
/// hot path of an unchanged row never builds one.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// SQL NULL, a missing JSON field, or a template that rendered to nothing.
    Null,
    Bool(bool),
    Int(i64),
    UInt(u64),
    Float(f64),
    /// An exact decimal in plain notation (`-12.50`), never in scientific notation.
    Decimal(String),
    Text(String),
    Bytes(Vec<u8>),
    /// A calendar day without a zone.
    Date(Date),
    /// A time of day without a zone.
    Time(Time),
    /// A date and time without a zone; read as UTC where HubSpot needs an instant.
    DateTime(DateTime),
    /// An instant.
    Timestamp(Timestamp),
    /// An Arrow list, a PostgreSQL array or a JSON array.
    List(Vec<Value>),
    /// An Arrow struct or map, or a JSON object; entries keep their order.
    Map(Vec<(String, Value)>),
}

impl Value {
    /// True for NULL only: an empty string is a value (it clears a property).
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }
}
