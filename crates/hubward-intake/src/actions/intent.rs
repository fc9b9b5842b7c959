//! What one event asks of the account by one mapping: everything decided except what only the account knows (the types
//! of properties, the ids of records).
//!
//! Owns the words between the actions, which make an intent of an event without any I/O, and the delivery, which
//! carries it out. An intent leaves no choice open: what it does not say is not done.

use hubward_core::association::Kind;
use indexmap::IndexMap;
use serde_json::Value;

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Intent {
    Record(Box<RecordIntent>),
    Event(Box<EventIntent>),
}

impl Intent {
    /// What is worth saying of it, though it is carried out.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        match self {
            Self::Record(intent) => &intent.warnings,
            Self::Event(intent) => &intent.warnings,
        }
    }
}

/// A record to write, and what hangs on it.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordIntent {
    /// The object type as written in the mapping: name, label, type id or fully qualified name.
    pub object: String,
    pub find: Find,
    pub on_missing: OnMissing,
    pub on_found: OnFound,
    /// The property that the record is found by is not among them; it is written where the record is created.
    pub properties: Wishes,
    /// Written as `properties`; one that is missing is created as a sensitive property.
    pub sensitive: Wishes,
    /// Missing properties are created in this group. None: an unknown property is treated as its [`Origin`] says.
    pub property_group: Option<String>,
    /// `lifecyclestage` among the properties may move back: it is cleared first where HubSpot would not move it
    /// (api.md 3.4).
    pub moves_stage: bool,
    /// Without repetition.
    pub associations: Vec<Link>,
    /// Without repetition. Their other ends are never created.
    pub dissociations: Vec<Link>,
    /// The contacts that the record, a company, is associated to: one of each event. It must be found before anything of
    /// that event is written.
    pub contacts: Vec<ContactLink>,
    /// One of each name.
    pub lists: Vec<ListWish>,
    /// The users whose e-mail address the record's is. The record is a contact that is found by its address.
    pub users: Vec<User>,
    pub warnings: Vec<Warning>,
}

impl RecordIntent {
    /// A record that is created where it is missing, with nothing to write to it yet.
    #[must_use]
    pub fn new(object: &str, find: Find) -> Self {
        Self {
            object: object.to_owned(),
            find,
            on_missing: OnMissing::Create,
            on_found: OnFound::Update,
            properties: Wishes::new(),
            sensitive: Wishes::new(),
            property_group: None,
            moves_stage: false,
            associations: Vec::new(),
            dissociations: Vec::new(),
            contacts: Vec::new(),
            lists: Vec::new(),
            users: Vec::new(),
            warnings: Vec::new(),
        }
    }
}

/// Properties by internal name, in the order of the mapping.
pub type Wishes = IndexMap<String, Wish>;

/// A value for a property.
#[derive(Clone, Debug, PartialEq)]
pub struct Wish {
    /// As the event had it: a text, a number, a flag, a list or an object; never null. The empty text clears.
    pub value: Value,
    pub origin: Origin,
}

/// Where the name of a property comes from, which decides what happens when the account does not have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The mapping names it: the event is rejected.
    Mapping,
    /// It is a key of an object of the event that was given as a whole: it is left out, and a warning names it.
    Event,
}

/// How a record is found.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Find {
    /// By the value of a unique property. A contact's e-mail address is in lower case and finds secondary addresses too.
    Unique { property: String, value: String },
    /// By its id. Nothing can be created by an id.
    Id(u64),
    /// A company by `segment_group_id`, a property that is made where it is missing ([`super::GROUP_ID`]); where there is
    /// none, by the fields, which must all hold the value.
    Group { value: String, fields: Vec<SearchField> },
    /// By fields that must all hold the value. Several records are too many: the event is rejected. Without a field
    /// nothing is searched for, and every event makes a record.
    Fields(Vec<SearchField>),
}

/// A field of a search; the fields of one search are sorted by property.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SearchField {
    pub property: String,
    /// Not empty.
    pub value: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OnMissing {
    Create,
    /// The event is skipped.
    Skip,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OnFound {
    Update,
    /// The record stays as it is, with everything that hangs on it; the event is skipped.
    Leave,
}

/// One association of the record, to make or to remove.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Link {
    /// The other end's object type as written in the mapping.
    pub object: String,
    pub kind: Kind,
    /// [`Find::Unique`], [`Find::Id`] or [`Find::Fields`] with at least one field.
    pub find: Find,
    /// Whether the other end is created where it is missing, with nothing but the property it is found by. One that needs
    /// more than that is not created: the target is missing. False with any other way to find than [`Find::Unique`].
    pub create: bool,
}

/// The contact of a company: that of the event's own contact mapping, else by the address, else the one that was last
/// written for the user, else for the anonymous id. None of them known: the event is rejected.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ContactLink {
    /// `context.traits.email` of the event, in lower case.
    pub email: Option<String>,
    pub user: User,
}

/// Who an event is of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct User {
    pub user_id: Option<String>,
    pub anonymous_id: Option<String>,
}

/// A list that the record joins or leaves. Its object type is the record's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListWish {
    pub name: String,
    /// False: the record leaves.
    pub member: bool,
    /// Whether the list is made where it is missing. One that is made by HubSpot's own rules (not MANUAL) counts as
    /// missing, and cannot be made.
    pub create: bool,
}

/// An occurrence of a custom event.
#[derive(Clone, Debug, PartialEq)]
pub struct EventIntent {
    pub event: EventName,
    pub subject: Subject,
    /// ISO 8601 in UTC with milliseconds. None: the time at which the event was received.
    pub occurred_at: Option<String>,
    pub properties: Wishes,
    pub warnings: Vec<Warning>,
}

/// Which event definition an occurrence belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum EventName {
    /// Fully qualified, `pe<account>_name`; the definition must be there, and unknown properties are treated as their
    /// [`Origin`] says.
    Full(String),
    /// The account's own name for it, without the prefix.
    Own {
        name: String,
        /// The type of record whose events these are, as written in the mapping; the definition is created for it.
        object: String,
        /// Whether the definition is created where it is missing. False: the event is rejected.
        create: bool,
        /// Whether properties that the definition lacks are added. False: they are treated as their [`Origin`] says.
        extend: bool,
    },
}

/// Whose event it is: at least one is there. HubSpot takes the first of id, address and user token (api.md 9.2).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Subject {
    pub object_id: Option<u64>,
    /// In lower case.
    pub email: Option<String>,
    pub utk: Option<String>,
}

/// Something worth saying of an event that is carried out all the same.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct Warning {
    /// The field of the mapping, with dots: `associations.0.id_field_value`.
    pub field: String,
    pub message: String,
}

/// Why an event cannot be carried out by a mapping. It never can, unless the mapping changes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// Stable, in capitals: `MISSING_FIELD`, `INVALID_EMAIL`, …
    pub code: &'static str,
    /// The field of the mapping, with dots.
    pub field: String,
    /// The guilty value, cut where it is long.
    pub value: Option<String>,
    pub message: String,
}

/// What a mapping makes of an event.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// The trigger does not fire.
    NotFired,
    Asks(Intent),
    /// At least one refusal: everything that is wrong.
    Refused(Vec<Refusal>),
}
