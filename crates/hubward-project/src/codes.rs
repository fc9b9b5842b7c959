//! The one table of diagnostic codes. Codes are stable: scripts match on them.

/// Every code with a sentence on what it means, in the order of the reference.
#[must_use]
pub fn codes() -> &'static [(&'static str, &'static str)] {
    &[
        // files and YAML
        ("missing-file", "The project has no `hubward.yml`."),
        ("empty-file", "A model, schema, sync or mapping file holds nothing."),
        ("file-too-large", "A file is longer, or nested deeper, than a project file may be."),
        ("malformed-yaml", "The file is not well-formed YAML."),
        ("several-documents", "A file holds more than one YAML document."),
        ("bad-key", "The key of a map is not a name."),
        ("unknown-tag", "A YAML tag (`!…`) that means nothing in a project file."),
        ("duplicate-key", "A key stands twice in one map."),
        // variables
        ("missing-variable", "A variable without a default is not set in the environment."),
        ("bad-variable", "A `${…}` that is not `${VAR}` or `${VAR:-default}`."),
        ("secret-in-file", "A secret is written into a project file instead of coming from a variable (warning)."),
        // keys and values
        ("unknown-key", "A key that is not known at this place."),
        ("missing-key", "A key that is required is not there."),
        ("empty-value", "A key that needs a value has none."),
        ("wrong-type", "A value is of the wrong kind: a list where a name is wanted, for instance."),
        ("unknown-value", "A value is not one of the words that are allowed here."),
        ("bad-value", "A value is of the right kind but cannot be used, such as a share above 100 %."),
        ("bad-name", "A name holds characters that names may not have."),
        ("choose-one", "Exactly one of several keys must be given."),
        // across files
        (
            "duplicate-name",
            "Two models, syncs or mappings, or two object types or events of `schema`, have the same name.",
        ),
        ("unknown-source", "A model names a source that does not exist."),
        ("unknown-model", "A sync names a model that does not exist."),
        ("unknown-sync", "`after` names a sync that does not exist."),
        ("sync-cycle", "Syncs wait for each other in a circle."),
        // account
        ("no-credentials", "An account has neither a token nor oauth."),
        ("token-and-oauth", "An account has both a token and oauth; the token is used (warning)."),
        ("bad-url", "A URL cannot be used here."),
        ("plain-http", "A token would travel unencrypted to another machine (warning)."),
        // models
        ("empty-query", "A model's SQL holds no statement."),
        ("sql-file-unreadable", "The file named by `sql_file` cannot be read."),
        // schema
        (
            "schema-object",
            "A custom object type of `schema` names a property that is not declared, or in a way HubSpot cannot make.",
        ),
        ("schema-event", "A custom event of `schema` is declared in a way that HubSpot cannot make."),
        ("schema-property", "A property of `schema` is declared in a way that HubSpot cannot make."),
        // syncs
        ("duplicate-property", "Two map entries fill the same property."),
        (
            "user-token-match",
            "The user token identifies the contact of an event; it is no key of HubSpot's object API.",
        ),
        ("match-by-id", "A match by record id where a record cannot be found or made by its id."),
        ("write-rule", "`write` or `force` does not fit the mode or the value."),
        ("on-removed", "`on_removed` does not fit the mode."),
        ("nothing-mapped", "Nothing is mapped, so a run could not change anything (warning)."),
        ("template", "A Liquid template cannot be parsed."),
        ("schedule", "A schedule cannot be read."),
        ("duplicate-association", "Two associations would remove each other's work."),
        ("list-option", "An option of a list sync that does not fit its mode or match."),
        // mappings of the event door
        ("unknown-write-key", "A mapping names a write key that the intake does not have."),
        ("too-many-mappings", "More than 50 mappings are for the events of one write key."),
        ("no-mapping", "No mapping is enabled, so events would become nothing (warning)."),
        ("sync-mode", "A sync mode where the action has none (warning), or two that differ."),
        ("mapping-field", "A field of a mapping that is unknown, missing, or holds what it cannot."),
        ("mapping-directive", "A directive of a mapping is written in a way that cannot be resolved."),
        ("trigger", "A trigger cannot be read, or the action needs one."),
        ("trigger-compat", "Segment's own parser would have decided a trigger differently (warning)."),
    ]
}
