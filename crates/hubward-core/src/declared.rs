//! What a project declares of an account's schema: properties, groups, options, custom object types, association labels and
//! event definitions that shall exist there. `hubward-project` reads these from `schema:`, the engine compares them with the
//! account. Says nothing about what the account has.

use crate::property::PropertyType;
use crate::spec::Location;

/// Everything that a project declares, in the order of its files.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeclaredSchema {
    /// Each object type once as written.
    pub types: Vec<DeclaredType>,
    /// Each event once.
    pub events: Vec<DeclaredEvent>,
}

impl DeclaredSchema {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.types.is_empty() && self.events.is_empty()
    }

    /// The declared event of this internal name.
    #[must_use]
    pub fn event(&self, name: &str) -> Option<&DeclaredEvent> {
        self.events.iter().find(|event| event.name == name)
    }

    /// The place of the first declaration.
    #[must_use]
    pub fn at(&self) -> Option<&Location> {
        self.types.first().map(|section| &section.at).or_else(|| self.events.first().map(|event| &event.at))
    }
}

/// Everything declared for one object type.
#[derive(Clone, Debug, PartialEq)]
pub struct DeclaredType {
    /// As written: a name, label or id of a type that exists; with `object`, the name of the custom type itself.
    pub name: String,
    /// What the custom type is, where the project declares the type itself.
    pub object: Option<DeclaredObject>,
    pub groups: Vec<DeclaredGroup>,
    pub properties: Vec<DeclaredProperty>,
    pub labels: Vec<DeclaredLabel>,
    pub at: Location,
}

impl DeclaredType {
    /// The declared property of this name.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&DeclaredProperty> {
        self.properties.iter().find(|property| property.name == name)
    }

    /// The properties that HubSpot must know before it can make the custom type (api.md 6.1): the primary one first, then the
    /// secondary, required and searchable ones, each once.
    #[must_use]
    pub fn founding(&self) -> Vec<&DeclaredProperty> {
        let Some(object) = &self.object else { return Vec::new() };
        let mut names: Vec<&str> = vec![&object.primary];
        for name in object.secondary.iter().chain(&object.required).chain(&object.searchable) {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        names.into_iter().filter_map(|name| self.property(name)).collect()
    }
}

/// A custom object type (api.md 6.1). Its property names are among the declared properties.
#[derive(Clone, Debug, PartialEq)]
pub struct DeclaredObject {
    pub singular: String,
    pub plural: String,
    pub description: Option<String>,
    /// Names a record to people.
    pub primary: String,
    pub secondary: Vec<String>,
    /// Required when a record is created.
    pub required: Vec<String>,
    pub searchable: Vec<String>,
    /// Object types that its records can be associated to, as written.
    pub associated: Vec<(String, Location)>,
    pub at: Location,
}

/// A group that properties are shown in.
#[derive(Clone, Debug, PartialEq)]
pub struct DeclaredGroup {
    pub name: String,
    pub label: String,
    pub at: Location,
}

/// A property (api.md 5.2). `field_type` fits `type_`; `options` are there for enumerations and bools only.
#[derive(Clone, Debug, PartialEq)]
pub struct DeclaredProperty {
    pub name: String,
    pub label: String,
    pub type_: PropertyType,
    /// HubSpot's `fieldType`.
    pub field_type: String,
    /// By name; the object type's own group when left out.
    pub group: Option<String>,
    pub description: Option<String>,
    /// In the order in which people shall see them.
    pub options: Vec<DeclaredOption>,
    /// No two records may share a value. HubSpot takes this at creation only.
    pub unique: bool,
    pub at: Location,
}

/// A custom event (api.md 9.3).
#[derive(Clone, Debug, PartialEq)]
pub struct DeclaredEvent {
    /// The internal name without the account's prefix (`pe1234567_`), never changed by HubSpot.
    pub name: String,
    pub label: String,
    pub description: Option<String>,
    /// The object type whose records the event happens to, as written; HubSpot takes this at creation only.
    pub object: String,
    /// Where `object` is written; the event's own place when it is left out.
    pub object_at: Location,
    pub properties: Vec<DeclaredEventProperty>,
    /// Whether HubSpot's own properties of events come with it; at creation only.
    pub default_properties: bool,
    pub at: Location,
}

impl DeclaredEvent {
    /// The declared property of this name.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&DeclaredEventProperty> {
        self.properties.iter().find(|property| property.name == name)
    }
}

/// A property of a custom event: HubSpot chooses its field, and there are no groups and no unique values.
#[derive(Clone, Debug, PartialEq)]
pub struct DeclaredEventProperty {
    pub name: String,
    pub label: String,
    pub type_: PropertyType,
    pub description: Option<String>,
    /// Of enumerations only, in the order in which people shall see them.
    pub options: Vec<DeclaredOption>,
    pub at: Location,
}

/// Longest internal name of a custom event or of a property of one, in characters (api.md 9.2, 9.3).
pub const EVENT_NAME_MAX: usize = 50;
/// Longest label of a custom event, in characters (api.md 9.3).
pub const EVENT_LABEL_MAX: usize = 100;
/// Longest label of a property of a custom event, in characters (HubSpot's guide to defining custom events).
pub const EVENT_PROPERTY_LABEL_MAX: usize = 50;
/// The most own properties of one custom event (api.md 9.3).
pub const EVENT_PROPERTIES_MAX: usize = 50;

/// The standard object types that events happen to, by type id, each with HubSpot's word for it (api.md 9.3). Any other is a
/// custom type.
pub const EVENT_OBJECTS: [(&str, &str); 4] =
    [("0-1", "CONTACT"), ("0-2", "COMPANY"), ("0-3", "DEAL"), ("0-5", "TICKET")];

/// One option: what is stored, and what people see.
#[derive(Clone, Debug, PartialEq)]
pub struct DeclaredOption {
    pub value: String,
    pub label: String,
    pub at: Location,
}

/// A label of associations from the declaring type to another (api.md 7.3).
#[derive(Clone, Debug, PartialEq)]
pub struct DeclaredLabel {
    /// The other object type, as written.
    pub to: String,
    /// HubSpot's internal name, which it never shows again.
    pub name: String,
    pub label: String,
    /// How the same association is called from the other end; without it both ends see `label`.
    pub inverse: Option<String>,
    pub at: Location,
}

/// The types that a property may be declared with, each with the field types that HubSpot takes for it, the usual one first
/// (api.md 5.2). Calculated fields need a formula and cannot be declared.
pub const FIELDS: [(&str, &[&str]); 6] = [
    ("string", &["text", "textarea", "html", "file", "phonenumber"]),
    ("number", &["number"]),
    ("bool", &["booleancheckbox"]),
    ("date", &["date"]),
    ("datetime", &["date"]),
    ("enumeration", &["select", "radio", "checkbox", "booleancheckbox"]),
];

/// The field types that a property of this type may have, the usual one first; none for a type that cannot be declared.
#[must_use]
pub fn fields_of(type_: &str) -> &'static [&'static str] {
    FIELDS.iter().find(|(name, _)| *name == type_).map_or(&[], |(_, fields)| fields)
}
