//! HubSpot properties as the rules need them, whatever API version they were read with.

use serde::{Deserialize, Serialize};

/// `type` of a property definition (api.md 5.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PropertyType {
    String,
    Number,
    Bool,
    Enumeration,
    Date,
    DateTime,
    PhoneNumber,
    /// A type this version does not know, by HubSpot's name; its values are sent as text.
    Other(String),
}

impl PropertyType {
    /// From HubSpot's internal name.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        match name {
            "string" => Self::String,
            "number" => Self::Number,
            "bool" => Self::Bool,
            "enumeration" => Self::Enumeration,
            "date" => Self::Date,
            "datetime" => Self::DateTime,
            "phone_number" => Self::PhoneNumber,
            other => Self::Other(other.to_owned()),
        }
    }

    /// HubSpot's internal name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::String => "string",
            Self::Number => "number",
            Self::Bool => "bool",
            Self::Enumeration => "enumeration",
            Self::Date => "date",
            Self::DateTime => "datetime",
            Self::PhoneNumber => "phone_number",
            Self::Other(name) => name,
        }
    }
}

/// One option of an enumeration property. Only `value` may be written; `label` is what people see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PropertyOption {
    pub label: String,
    pub value: String,
    pub hidden: bool,
}

/// A property definition of one object type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PropertyDef {
    pub name: String,
    pub label: String,
    pub type_: PropertyType,
    /// HubSpot's `fieldType`: `text`, `textarea`, `select`, `radio`, `checkbox`, `booleancheckbox`, `date`, `number`, …
    pub field_type: String,
    pub group: String,
    pub options: Vec<PropertyOption>,
    /// Options live elsewhere (owners, for one): the empty `options` list then says nothing about what is allowed.
    pub external_options: bool,
    /// `OWNER` for owner properties.
    pub referenced_object_type: Option<String>,
    pub has_unique_value: bool,
    pub calculated: bool,
    pub read_only_value: bool,
    pub hubspot_defined: bool,
}

impl PropertyDef {
    /// Whether the API lets us set a value (api.md 5.3: `readOnlyValue` first, then `calculated` and `calculation_equation`).
    #[must_use]
    pub fn is_writable(&self) -> bool {
        !(self.read_only_value || self.calculated || self.field_type == "calculation_equation")
    }

    /// A multiple-checkbox property: several options at once, joined by `;` (api.md 3.4).
    #[must_use]
    pub fn is_multi(&self) -> bool {
        self.type_ == PropertyType::Enumeration && self.field_type == "checkbox"
    }

    /// A property that holds an owner id.
    #[must_use]
    pub fn is_owner(&self) -> bool {
        self.referenced_object_type.as_deref() == Some("OWNER") || self.name == "hubspot_owner_id"
    }
}
