//! One thing that the account lacks, and how people read it.

use hubward_core::declared::{
    DeclaredEvent, DeclaredEventProperty, DeclaredGroup, DeclaredLabel, DeclaredOption, DeclaredProperty, DeclaredType,
};
use hubward_core::spec::Location;

use crate::object_type::ObjectType;

/// What of the declaration something belongs to: an object type that the account has, or one that is to be made, or an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Known(ObjectType),
    /// By its declared name.
    New(String),
    /// By its internal name.
    Event(String),
}

impl Target {
    /// Tells types apart; a type that does not exist yet has no id.
    pub(crate) fn key(&self) -> String {
        match self {
            Self::Known(object) => object.id.clone(),
            Self::New(name) => format!("new:{}", name.to_lowercase()),
            Self::Event(name) => format!("event:{name}"),
        }
    }

    /// For people.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Known(object) => &object.name,
            Self::New(name) | Self::Event(name) => name,
        }
    }
}

/// What kind of thing is missing. The order is the one in which things are shown and made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeKind {
    Group,
    Object,
    Property,
    Options,
    Label,
    Event,
    EventProperty,
    EventOptions,
}

impl ChangeKind {
    /// The word used in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::Object => "object",
            Self::Property => "property",
            Self::Options => "options",
            Self::Label => "label",
            Self::Event => "event",
            Self::EventProperty => "event_property",
            Self::EventOptions => "event_options",
        }
    }
}

/// What is to be made.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Work {
    Group(DeclaredGroup),
    /// The type with its founding properties, and the types that it is made associated to.
    Object {
        declared: Box<DeclaredType>,
        associated: Vec<Target>,
    },
    /// `group` is given, whether declared or the type's own.
    Property(Box<DeclaredProperty>),
    Options {
        property: String,
        add: Vec<DeclaredOption>,
    },
    Label {
        to: Target,
        label: DeclaredLabel,
    },
    /// The event with its properties.
    Event {
        declared: Box<DeclaredEvent>,
        /// The object type that it happens to.
        on: Target,
        /// HubSpot's word for that type.
        primary: String,
    },
    EventProperty(Box<DeclaredEventProperty>),
    EventOptions {
        property: String,
        add: Vec<DeclaredOption>,
    },
}

/// One thing that the project declares and the account lacks.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub(crate) target: Target,
    pub(crate) work: Work,
    /// Where it is declared.
    pub at: Location,
}

impl Change {
    #[must_use]
    pub fn kind(&self) -> ChangeKind {
        match self.work {
            Work::Group(_) => ChangeKind::Group,
            Work::Object { .. } => ChangeKind::Object,
            Work::Property(_) => ChangeKind::Property,
            Work::Options { .. } => ChangeKind::Options,
            Work::Label { .. } => ChangeKind::Label,
            Work::Event { .. } => ChangeKind::Event,
            Work::EventProperty(_) => ChangeKind::EventProperty,
            Work::EventOptions { .. } => ChangeKind::EventOptions,
        }
    }

    /// The object type that it belongs to; for parts of an event that is there already, the event.
    #[must_use]
    pub fn object(&self) -> &str {
        match &self.work {
            Work::Event { on, .. } => on.name(),
            _ => self.target.name(),
        }
    }

    /// Its internal name; for options that of their property.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.work {
            Work::Group(group) => &group.name,
            Work::Object { declared, .. } => &declared.name,
            Work::Property(property) => &property.name,
            Work::Options { property, .. } | Work::EventOptions { property, .. } => property,
            Work::Label { label, .. } => &label.name,
            Work::Event { declared, .. } => &declared.name,
            Work::EventProperty(property) => &property.name,
        }
    }

    /// What it will be, in one line.
    #[must_use]
    pub fn detail(&self) -> String {
        match &self.work {
            Work::Group(group) => format!("{:?}", group.label),
            Work::Object { declared, associated } => object_detail(declared, associated),
            Work::Property(property) => property_detail(property),
            Work::Options { add, .. } | Work::EventOptions { add, .. } => format!("add {}", options_text(add)),
            Work::Label { to, label } => {
                let inverse = label.inverse.as_ref().map(|text| format!(", inverse {text:?}")).unwrap_or_default();
                format!("{:?} to {}{inverse}", label.label, to.name())
            }
            Work::Event { declared, on, .. } => event_detail(declared, on),
            Work::EventProperty(property) => {
                format!("{:?}, {}{}", property.label, property.type_.name(), event_options_text(property))
            }
        }
    }
}

fn object_detail(declared: &DeclaredType, associated: &[Target]) -> String {
    let Some(object) = &declared.object else { return String::new() };
    let founding: Vec<String> = declared
        .founding()
        .into_iter()
        .map(|property| {
            let unique = if property.unique { ", unique" } else { "" };
            format!("{} ({}{unique})", property.name, property.type_.name())
        })
        .collect();
    let mut text = format!(
        "{:?}, plural {:?}; primary {}; made with {}",
        object.singular,
        object.plural,
        object.primary,
        founding.join(", ")
    );
    for (word, names) in
        [("required", &object.required), ("searchable", &object.searchable), ("secondary", &object.secondary)]
    {
        if !names.is_empty() {
            text.push_str(&format!("; {word} {}", names.join(", ")));
        }
    }
    if !associated.is_empty() {
        let names: Vec<&str> = associated.iter().map(Target::name).collect();
        text.push_str(&format!("; associated to {}", names.join(", ")));
    }
    text
}

fn property_detail(property: &DeclaredProperty) -> String {
    let mut text = format!("{:?}, {} ({})", property.label, property.type_.name(), property.field_type);
    if property.unique {
        text.push_str(", unique");
    }
    if let Some(group) = &property.group {
        text.push_str(&format!(", group {group}"));
    }
    if !property.options.is_empty() {
        text.push_str(&format!(", options {}", options_text(&property.options)));
    }
    text
}

fn event_detail(declared: &DeclaredEvent, on: &Target) -> String {
    let mut text = format!("{:?}, of {}", declared.label, on.name());
    if !declared.properties.is_empty() {
        let properties: Vec<String> = declared
            .properties
            .iter()
            .map(|property| format!("{} ({}{})", property.name, property.type_.name(), event_options_text(property)))
            .collect();
        text.push_str(&format!(", with {}", properties.join(", ")));
    }
    if !declared.default_properties {
        text.push_str(", without HubSpot's own properties");
    }
    text
}

fn event_options_text(property: &DeclaredEventProperty) -> String {
    match property.options.as_slice() {
        [] => String::new(),
        options => format!(", options {}", options_text(options)),
    }
}

/// Options that a line names.
const OPTIONS_SHOWN: usize = 10;

fn options_text(options: &[DeclaredOption]) -> String {
    let shown: Vec<String> = options
        .iter()
        .take(OPTIONS_SHOWN)
        .map(|option| match option.label == option.value {
            true => option.value.clone(),
            false => format!("{} ({:?})", option.value, option.label),
        })
        .collect();
    let more = options.len().saturating_sub(OPTIONS_SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", shown.join(", "))
}
