//! The fields of each action: what they hold, and which of them an event must fill.

use hubward_core::spec::Action;

/// A field of an action, or of an object in one.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) required: bool,
    pub(super) holds: Holds,
}

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Holds {
    /// Text that may be empty, which clears.
    Text,
    /// Text that names something; empty, it is missing.
    Name,
    /// An e-mail address; empty, it is missing.
    Email,
    Flag,
    /// A whole number; empty text clears.
    Whole,
    /// A record id.
    Id,
    Time,
    /// One of some words.
    Word(&'static [&'static str]),
    /// An object with these fields.
    Object(&'static [Field]),
    /// A list of such objects.
    List(&'static [Field]),
    /// An object with free names.
    Free,
    /// Read by nobody, or by the action itself.
    Any,
}

/// Fields of every action that change nothing: batching is always on.
pub(super) const WITHOUT_MEANING: [&str; 3] = ["enable_batching", "batch_size", "batch_keys"];

const fn may(name: &'static str, holds: Holds) -> Field {
    Field { name, required: false, holds }
}

const fn must(name: &'static str, holds: Holds) -> Field {
    Field { name, required: true, holds }
}

/// The fields of an action.
pub(super) fn of(action: Action) -> &'static [Field] {
    match action {
        Action::SendCustomBehavioralEvent => BEHAVIORAL_EVENT,
        Action::UpsertContact => CONTACT,
        Action::UpsertCompany => COMPANY,
        Action::UpsertCustomObjectRecord => CUSTOM_OBJECT,
        Action::UpsertObject => OBJECT,
        Action::CustomEvent => CUSTOM_EVENT,
    }
}

const BEHAVIORAL_EVENT: &[Field] = &[
    must("eventName", Holds::Name),
    may("occurredAt", Holds::Time),
    may("email", Holds::Email),
    may("utk", Holds::Name),
    may("objectId", Holds::Id),
    may("properties", Holds::Free),
];

/// The named fields of a contact that are properties of the same name, in the order in which they are written.
pub(super) const CONTACT_PROPERTIES: [&str; 10] =
    ["company", "firstname", "lastname", "phone", "address", "city", "state", "country", "zip", "website"];

const CONTACT: &[Field] = &[
    must("email", Holds::Email),
    may("company", Holds::Text),
    may("firstname", Holds::Text),
    may("lastname", Holds::Text),
    may("phone", Holds::Text),
    may("address", Holds::Text),
    may("city", Holds::Text),
    may("state", Holds::Text),
    may("country", Holds::Text),
    may("zip", Holds::Text),
    may("website", Holds::Text),
    may("lifecyclestage", Holds::Text),
    may("properties", Holds::Free),
];

/// As [`CONTACT_PROPERTIES`].
pub(super) const COMPANY_PROPERTIES: [&str; 10] =
    ["name", "description", "address", "city", "state", "zip", "domain", "phone", "numberofemployees", "industry"];

const COMPANY: &[Field] = &[
    must("groupid", Holds::Name),
    must("createNewCompany", Holds::Flag),
    must("associateContact", Holds::Flag),
    may("companysearchfields", Holds::Free),
    may("name", Holds::Text),
    may("description", Holds::Text),
    may("address", Holds::Text),
    may("city", Holds::Text),
    may("state", Holds::Text),
    may("zip", Holds::Text),
    may("domain", Holds::Text),
    may("phone", Holds::Text),
    may("numberofemployees", Holds::Whole),
    may("industry", Holds::Text),
    may("lifecyclestage", Holds::Text),
    may("properties", Holds::Free),
];

const CUSTOM_OBJECT: &[Field] = &[
    may("createNewCustomRecord", Holds::Flag),
    may("customObjectSearchFields", Holds::Free),
    must("objectType", Holds::Name),
    must("properties", Holds::Free),
    may("searchFieldsToAssociateCustomObjects", Holds::Free),
    may("toObjectType", Holds::Name),
    may("associationLabel", Holds::Name),
];

const OBJECT: &[Field] = &[
    must(
        "object_details",
        Holds::Object(&[
            must("object_type", Holds::Name),
            must("id_field_name", Holds::Name),
            must("id_field_value", Holds::Name),
            may("property_group", Holds::Name),
        ]),
    ),
    may("properties", Holds::Free),
    may("sensitive_properties", Holds::Free),
    must("association_sync_mode", Holds::Word(&["upsert", "read"])),
    may("associations", Holds::List(LINK)),
    may("dissociations", Holds::List(LINK)),
    may(
        "list_details",
        Holds::Object(&[
            may("connected_to_engage_audience", Holds::Flag),
            may("list_name", Holds::Name),
            may("list_action", Holds::Flag),
            may("should_create_list", Holds::Flag),
        ]),
    ),
    may("timestamp", Holds::Any),
    may("traits_or_props", Holds::Any),
    may("computation_key", Holds::Name),
    may("computation_class", Holds::Name),
];

/// None is required: a link of which something is missing is not made.
const LINK: &[Field] = &[
    may("object_type", Holds::Name),
    may("association_label", Holds::Name),
    may("id_field_name", Holds::Name),
    may("id_field_value", Holds::Name),
];

const CUSTOM_EVENT: &[Field] = &[
    must("event_name", Holds::Name),
    must(
        "record_details",
        Holds::Object(&[
            must("object_type", Holds::Name),
            may("object_id", Holds::Id),
            may("email", Holds::Email),
            may("utk", Holds::Name),
        ]),
    ),
    may("properties", Holds::Free),
    may("occurred_at", Holds::Time),
];
