-- Associations whose target HubSpot does not have yet, as the last run met them.
CREATE TABLE waiting (
    sync     TEXT NOT NULL,
    key      TEXT NOT NULL,
    object   TEXT NOT NULL,
    property TEXT NOT NULL,
    value    TEXT NOT NULL,
    label    TEXT,
    run      TEXT NOT NULL,
    since    INTEGER NOT NULL,
    PRIMARY KEY (sync, key, object, property, value)
) STRICT, WITHOUT ROWID;
