//! Owns a property's definition: what it holds, whether it is writable, and how HubSpot shows it (api.md 5.2).

use serde::{Deserialize, Serialize};

use crate::clock::iso;
use crate::validations::Rule;

/// Type of a property's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    String,
    Number,
    Bool,
    Date,
    Datetime,
    Enumeration,
    PhoneNumber,
    Json,
    ObjectCoordinates,
}

/// One allowed value of an enumeration.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Choice {
    pub(crate) label: String,
    pub(crate) value: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    #[serde(default = "unordered")]
    pub(crate) display_order: i64,
    #[serde(default)]
    pub(crate) hidden: bool,
}

fn unordered() -> i64 {
    -1
}

/// What HubSpot fills in itself; such a property has no stored value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Computed {
    Created,
    Modified,
    ObjectId,
    FullNameOrEmail,
    EmailDomain,
    MergedIds,
    /// Whether the pipeline stage is a closed one.
    StageClosed,
    /// Whether the deal stage's probability is 1.
    StageWon,
    StageProbability,
    /// What another property holds.
    Copy(&'static str),
    /// A line item's price times quantity, less its discounts or before them.
    LineAmount {
        discounted: bool,
    },
    Always(&'static str),
}

#[derive(Debug, Clone)]
pub(crate) struct Property {
    pub(crate) name: String,
    pub(crate) label: String,
    pub(crate) kind: Kind,
    pub(crate) field_type: String,
    pub(crate) group_name: String,
    pub(crate) description: String,
    pub(crate) options: Vec<Choice>,
    pub(crate) display_order: i64,
    pub(crate) hidden: bool,
    pub(crate) form_field: bool,
    pub(crate) has_unique_value: bool,
    pub(crate) external_options: bool,
    pub(crate) referenced_object_type: Option<String>,
    pub(crate) data_sensitivity: String,
    pub(crate) calculated: bool,
    pub(crate) read_only_value: bool,
    pub(crate) hubspot_defined: bool,
    pub(crate) computed: Option<Computed>,
    pub(crate) archived_at_ms: Option<i64>,
    pub(crate) created_ms: i64,
    pub(crate) updated_ms: i64,
    pub(crate) calculation_formula: Option<String>,
    pub(crate) hints: Hints,
    pub(crate) validations: Vec<Rule>,
}

/// How a value is to be displayed; shown as it was given.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Hints {
    #[serde(skip_serializing_if = "Option::is_none")]
    number_display_hint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text_display_hint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    date_display_hint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    show_currency_symbol: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency_property_name: Option<String>,
}

/// HubSpot's create body, also what `load` takes under `properties`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PropertyCreate {
    pub(crate) name: String,
    pub(crate) label: Option<String>,
    #[serde(rename = "type")]
    pub(crate) kind: Option<Kind>,
    pub(crate) field_type: Option<String>,
    pub(crate) group_name: Option<String>,
    #[serde(default)]
    pub(crate) description: Option<String>,
    #[serde(default)]
    pub(crate) options: Option<Vec<Choice>>,
    #[serde(default)]
    pub(crate) display_order: Option<i64>,
    #[serde(default)]
    pub(crate) hidden: Option<bool>,
    #[serde(default)]
    pub(crate) form_field: Option<bool>,
    #[serde(default)]
    pub(crate) has_unique_value: Option<bool>,
    #[serde(default)]
    pub(crate) external_options: Option<bool>,
    #[serde(default)]
    pub(crate) referenced_object_type: Option<String>,
    #[serde(default)]
    pub(crate) data_sensitivity: Option<String>,
    #[serde(default)]
    pub(crate) calculation_formula: Option<String>,
    #[serde(flatten)]
    pub(crate) hints: Hints,
    /// Only in `load`: HubSpot-defined properties may refuse values without being calculated.
    #[serde(default)]
    pub(crate) modification_metadata: Option<ModificationMetadata>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ModificationMetadata {
    #[serde(default)]
    pub(crate) read_only_value: bool,
}

impl Property {
    /// A definition from a create body whose required fields were checked by the caller.
    pub(crate) fn from_create(create: PropertyCreate, now_ms: i64) -> Property {
        let kind = create.kind.unwrap_or(Kind::String);
        let field_type = create.field_type.unwrap_or_else(|| kind.usual_field_type().to_owned());
        let calculated = field_type == "calculation_equation" || create.calculation_formula.is_some();
        let external_options =
            create.external_options.unwrap_or(false) || create.referenced_object_type.as_deref() == Some("OWNER");
        Property {
            label: create.label.unwrap_or_else(|| create.name.clone()),
            name: create.name,
            kind,
            field_type,
            group_name: create.group_name.unwrap_or_else(|| "integrationcreatedproperties".to_owned()),
            description: create.description.unwrap_or_default(),
            options: create.options.unwrap_or_default(),
            display_order: create.display_order.unwrap_or(-1),
            hidden: create.hidden.unwrap_or(false),
            form_field: create.form_field.unwrap_or(false),
            has_unique_value: create.has_unique_value.unwrap_or(false),
            external_options,
            referenced_object_type: create.referenced_object_type,
            data_sensitivity: create.data_sensitivity.unwrap_or_else(|| "non_sensitive".to_owned()),
            calculated,
            read_only_value: calculated
                || create.modification_metadata.is_some_and(|metadata| metadata.read_only_value),
            hubspot_defined: false,
            computed: None,
            archived_at_ms: None,
            created_ms: now_ms,
            updated_ms: now_ms,
            calculation_formula: create.calculation_formula,
            hints: create.hints,
            validations: Vec::new(),
        }
    }

    /// Several values at once, joined by `;`.
    pub(crate) fn is_multiple(&self) -> bool {
        self.kind == Kind::Enumeration && self.field_type == "checkbox"
    }

    pub(crate) fn is_owner(&self) -> bool {
        self.referenced_object_type.as_deref() == Some("OWNER")
    }

    pub(crate) fn shown(&self) -> PropertyShown<'_> {
        PropertyShown {
            name: &self.name,
            label: &self.label,
            kind: self.kind,
            field_type: &self.field_type,
            description: &self.description,
            group_name: &self.group_name,
            options: &self.options,
            display_order: self.display_order,
            calculated: self.calculated,
            external_options: self.external_options,
            has_unique_value: self.has_unique_value,
            hidden: self.hidden,
            hubspot_defined: self.hubspot_defined.then_some(true),
            modification_metadata: Metadata {
                archivable: !self.hubspot_defined,
                read_only_definition: self.hubspot_defined,
                read_only_options: self.hubspot_defined.then_some(false),
                read_only_value: self.read_only_value,
            },
            form_field: self.form_field,
            data_sensitivity: &self.data_sensitivity,
            referenced_object_type: self.referenced_object_type.as_deref(),
            created_at: iso(self.created_ms),
            updated_at: iso(self.updated_ms),
            archived: self.archived_at_ms.is_some(),
            archived_at: self.archived_at_ms.map(iso),
            calculation_formula: self.calculation_formula.as_deref(),
            hints: &self.hints,
        }
    }
}

impl Kind {
    pub(crate) fn usual_field_type(self) -> &'static str {
        match self {
            Kind::String | Kind::Json | Kind::ObjectCoordinates => "text",
            Kind::Number => "number",
            Kind::Bool => "booleancheckbox",
            Kind::Date | Kind::Datetime => "date",
            Kind::Enumeration => "select",
            Kind::PhoneNumber => "phonenumber",
        }
    }

    /// Whether HubSpot lets this type be shown by that field type (api.md 5.2).
    pub(crate) fn takes_field_type(self, field_type: &str) -> bool {
        let allowed: &[&str] = match self {
            Kind::Bool => &["booleancheckbox", "calculation_equation"],
            Kind::Enumeration => &["booleancheckbox", "checkbox", "radio", "select", "calculation_equation"],
            Kind::Date | Kind::Datetime => &["date"],
            Kind::String => &["text", "textarea", "html", "file", "phonenumber", "calculation_equation"],
            Kind::Number => &["number", "calculation_equation"],
            Kind::PhoneNumber => &["phonenumber"],
            Kind::Json | Kind::ObjectCoordinates => &[],
        };
        allowed.contains(&field_type)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    archivable: bool,
    read_only_definition: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    read_only_options: Option<bool>,
    read_only_value: bool,
}

/// A definition as the properties API shows it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PropertyShown<'a> {
    updated_at: String,
    created_at: String,
    name: &'a str,
    label: &'a str,
    #[serde(rename = "type")]
    kind: Kind,
    field_type: &'a str,
    description: &'a str,
    group_name: &'a str,
    options: &'a [Choice],
    display_order: i64,
    calculated: bool,
    external_options: bool,
    has_unique_value: bool,
    hidden: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    hubspot_defined: Option<bool>,
    modification_metadata: Metadata,
    form_field: bool,
    data_sensitivity: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    referenced_object_type: Option<&'a str>,
    archived: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    archived_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    calculation_formula: Option<&'a str>,
    #[serde(flatten)]
    hints: &'a Hints,
}
