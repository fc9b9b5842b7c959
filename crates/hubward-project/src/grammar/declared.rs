//! `schema:` in `hubward.yml` and in `schema/*.yml`, from the outside in.

use super::{Form, Table, may, must};

pub(crate) const PROPERTY_TYPES: [&str; 6] = ["string", "number", "bool", "date", "datetime", "enumeration"];
pub(crate) const FIELD_TYPES: [&str; 11] = [
    "text",
    "textarea",
    "html",
    "file",
    "phonenumber",
    "number",
    "booleancheckbox",
    "date",
    "select",
    "radio",
    "checkbox",
];

pub(super) const SCHEMA_DOC: &str = "What the account shall have, by object type, and custom events under `events`; \
                                     `hubward apply-schema` creates what is missing.";

pub(super) const SCHEMA: Form = Form::NamedBeside(&DECLARED_SCHEMA, &Form::Table(&DECLARED_TYPE));

/// The keys of `schema` that are no object types.
pub(crate) static DECLARED_SCHEMA: Table = Table {
    name: "declared_schema",
    what: "the schema",
    doc: "What the account shall have: object types by name, label or id, and custom events.",
    keys: &[may(EVENTS, Form::Named(&Form::Table(&DECLARED_EVENT)), "Custom events, by internal name.")],
    one_of: &[],
};

/// The key of [`DECLARED_SCHEMA`].
pub(crate) const EVENTS: &str = "events";

/// A file of `schema/`.
pub(crate) static SCHEMA_FILE: Table = Table {
    name: "schema_file",
    what: "a schema file",
    doc: "A file with declarations of what the account shall have.",
    keys: &[must("schema", SCHEMA, SCHEMA_DOC)],
    one_of: &[],
};

pub(crate) static DECLARED_TYPE: Table = Table {
    name: "declared_type",
    what: "an object type of the schema",
    doc: "What one object type shall have. Nothing that exists is ever changed or removed; options are added.",
    keys: &[
        may("object", Form::Table(&DECLARED_OBJECT), "The custom object type itself, where the project declares it."),
        may("groups", Form::Named(&Form::Text), "Property groups: internal name and label."),
        may("properties", Form::Named(&PROPERTY), "Properties: internal name, and a type or more."),
        may(
            "labels",
            Form::Named(&Form::List(&Form::Table(&DECLARED_LABEL))),
            "Association labels, by the other object type.",
        ),
    ],
    one_of: &[],
};

static PROPERTY: Form = Form::AnyOf(&[Form::Words(&PROPERTY_TYPES), Form::Table(&DECLARED_PROPERTY)]);

pub(crate) static DECLARED_OBJECT: Table = Table {
    name: "declared_object",
    what: "a custom object type",
    doc: "A custom object type; its name is the key that it stands under.",
    keys: &[
        must("singular", Form::Text, "What people call one of them."),
        must("plural", Form::Text, "What people call several."),
        must("primary", Form::Text, "The property that names a record to people."),
        may("secondary", Form::OneOrMany, "Properties shown beside the primary one."),
        may("required", Form::OneOrMany, "Properties that a new record must have."),
        may("searchable", Form::OneOrMany, "Properties that HubSpot's search box looks into."),
        may("associated", Form::OneOrMany, "Object types that its records can be associated to."),
        may("description", Form::Text, "What it is for."),
    ],
    one_of: &[],
};

pub(crate) static DECLARED_PROPERTY: Table = Table {
    name: "declared_property",
    what: "a property of the schema",
    doc: "A property.",
    keys: &[
        must("type", Form::Words(&PROPERTY_TYPES), "What its values are."),
        may("label", Form::Text, "What people see; made from the name when left out."),
        may("field", Form::Words(&FIELD_TYPES), "How people fill it in; the usual one of its type when left out."),
        may("group", Form::Text, "A property group by internal name; the object type's own when left out."),
        may("description", Form::Text, "What it is for."),
        may(
            "options",
            Form::AnyOf(&[Form::Named(&Form::Text), Form::OneOrMany]),
            "Options of an enumeration: value and label, or a list where both are the same.",
        ),
        may("unique", Form::Bool, "No two records may share a value; only at creation. false (default)."),
    ],
    one_of: &[],
};

pub(crate) static DECLARED_LABEL: Table = Table {
    name: "declared_label",
    what: "an association label",
    doc: "A label of associations to another object type.",
    keys: &[
        must("name", Form::Text, "Its internal name."),
        must("label", Form::Text, "What people see."),
        may("inverse", Form::Text, "What people see from the other end; the same label when left out."),
    ],
    one_of: &[],
};

pub(crate) static DECLARED_EVENT: Table = Table {
    name: "declared_event",
    what: "a custom event",
    doc: "A custom event; its internal name is the key that it stands under, without the account's prefix.",
    keys: &[
        may("label", Form::Text, "What people see; made from the name when left out."),
        may("description", Form::Text, "What it is for."),
        may("object", Form::Text, "The object type whose records it happens to; only at creation. contacts (default)."),
        may("properties", Form::Named(&EVENT_PROPERTY), "Properties: internal name, and a type or more."),
        may(
            "default_properties",
            Form::Bool,
            "HubSpot's own properties of events too; only at creation. true (default).",
        ),
    ],
    one_of: &[],
};

static EVENT_PROPERTY: Form = Form::AnyOf(&[Form::Words(&PROPERTY_TYPES), Form::Table(&DECLARED_EVENT_PROPERTY)]);

pub(crate) static DECLARED_EVENT_PROPERTY: Table = Table {
    name: "declared_event_property",
    what: "a property of a custom event",
    doc: "A property of a custom event.",
    keys: &[
        must("type", Form::Words(&PROPERTY_TYPES), "What its values are."),
        may("label", Form::Text, "What people see; made from the name when left out."),
        may("description", Form::Text, "What it is for."),
        may(
            "options",
            Form::AnyOf(&[Form::Named(&Form::Text), Form::OneOrMany]),
            "Options of an enumeration: value and label, or a list where both are the same.",
        ),
    ],
    one_of: &[],
};
