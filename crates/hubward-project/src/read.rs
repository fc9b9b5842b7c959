//! Readers: from a located tree to domain values, one file of this folder per part of the grammar. A reader reports every
//! problem it meets and answers `None` where a value cannot be had; nothing is built from a part that is not whole.

mod declared;
mod events;
mod fields;
mod hubspot;
mod intake;
mod mapping;
mod models;
mod scalars;
mod schedule;
mod sources;
mod syncs;
mod template;

use std::path::{Path, PathBuf};

use hubward_core::declared::DeclaredSchema;
use hubward_core::spec::{Location, MappingFinding, MappingSpec, Model, RemovalLimit, SourceSpec, SyncSpec};

use crate::grammar;
use crate::load::ProjectInput;
use crate::project::{AccountSpec, IntakeSpec, Project, Schedule};
use crate::sink::{Sink, Span};
use crate::yaml::Node;

pub(crate) use declared::schema_file;
pub(crate) use events::{MappingUse, mapping_file};
pub(crate) use models::models_file;
pub(crate) use scalars::Text;
pub(crate) use syncs::sync_file;

/// A name with the place that declares it.
#[derive(Clone, Debug)]
pub(crate) struct Declared {
    pub(crate) name: String,
    pub(crate) span: Span,
}

/// What a name may stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Names {
    Sources,
    Models,
    Syncs,
    Mappings,
}

/// What all files together hold: values that are whole, and the names and references that cross files, which also come
/// from parts that are not whole, so that one mistake does not bring a second message.
#[derive(Default)]
pub(crate) struct Read {
    name: Option<String>,
    accounts: Vec<AccountSpec>,
    sources: Vec<(String, SourceSpec, Location)>,
    models: Vec<Model>,
    syncs: Vec<SyncSpec>,
    mappings: Vec<MappingSpec>,
    schema: DeclaredSchema,
    schedules: Vec<(String, Schedule)>,
    removal_limit: Option<f64>,
    intake_spec: Option<IntakeSpec>,

    /// Object types of `schema:`.
    schema_names: Vec<Declared>,
    /// Custom events of `schema:`.
    event_names: Vec<Declared>,
    pub(crate) source_names: Vec<Declared>,
    pub(crate) model_names: Vec<Declared>,
    pub(crate) sync_names: Vec<Declared>,
    pub(crate) mapping_names: Vec<Declared>,
    pub(crate) mapping_uses: Vec<MappingUse>,
    /// The place of `intake:`.
    pub(crate) intake: Option<Span>,
    /// Names under `write_keys:`; none where the intake has none.
    pub(crate) write_keys: Option<Vec<String>>,
    /// Models' sources.
    pub(crate) source_uses: Vec<Text>,
    /// Syncs' models.
    pub(crate) model_uses: Vec<Text>,
    /// `after:` of each sync, by the sync's name.
    pub(crate) after: Vec<(String, Vec<Text>)>,
    /// Kinds of names of which some could not be read: of these, none can be said to be missing.
    lost: Vec<Names>,
}

impl Read {
    /// Whether every name of this kind is known.
    pub(crate) fn knows_all(&self, names: Names) -> bool {
        !self.lost.contains(&names)
    }

    pub(crate) fn into_project(self) -> Project {
        Project {
            name: self.name.unwrap_or_default(),
            accounts: self.accounts,
            sources: self.sources,
            models: self.models,
            syncs: self.syncs,
            mappings: self.mappings,
            schema: self.schema,
            schedules: self.schedules,
            removal_limit: self.removal_limit,
            intake: self.intake_spec,
        }
    }
}

/// The state of a reading.
pub(crate) struct Reader<'r, 's> {
    pub(crate) sink: &'r mut Sink<'s>,
    root: &'r Path,
    sql_file: &'r dyn Fn(&str) -> Result<String, String>,
    mapping_check: &'r dyn Fn(&MappingSpec) -> Vec<MappingFinding>,
    credentials: bool,
    read: Read,
}

impl<'r, 's> Reader<'r, 's> {
    pub(crate) fn new(input: &'r ProjectInput<'_>, credentials: bool, sink: &'r mut Sink<'s>) -> Self {
        Self {
            sink,
            root: input.root,
            sql_file: input.sql_file,
            mapping_check: input.mapping_check,
            credentials,
            read: Read::default(),
        }
    }

    /// Something that declares such names could not be read.
    pub(crate) fn lost(&mut self, names: &[Names]) {
        self.read.lost.extend(names);
    }

    pub(crate) fn finish(self) -> Read {
        let mut read = self.read;
        if read.name.is_none() {
            let folder = self.root.file_name().and_then(|name| name.to_str());
            read.name = Some(folder.unwrap_or("project").to_owned());
        }
        if let Some(share) = read.removal_limit {
            for sync in &mut read.syncs {
                if let SyncSpec::Object(sync) = sync {
                    sync.max_removals.get_or_insert(RemovalLimit::Share(share));
                }
            }
        }
        read
    }

    fn resolve(&self, path: &str) -> PathBuf {
        // `Path::join` keeps an absolute path as it is.
        self.root.join(path)
    }
}

/// Reads `hubward.yml`.
pub(crate) fn project(reader: &mut Reader<'_, '_>, tree: &Node) {
    let Some(fields) = reader.table(tree, &grammar::PROJECT) else {
        reader.lost(&[Names::Sources, Names::Models]);
        return;
    };
    if let Some(node) = fields.get("name") {
        reader.read.name = reader.text(node, "name").map(|text| text.value);
    }
    if let Some(node) = fields.get("hubspot") {
        reader.read.accounts = hubspot::accounts(reader, node);
    }
    if let Some(node) = fields.get("sources") {
        sources::sources(reader, node);
    }
    if let Some(node) = fields.get("models") {
        models::models(reader, node);
    }
    if let Some(node) = fields.get("schema") {
        declared::types(reader, node);
    }
    if let Some(node) = fields.get("intake") {
        reader.read.intake_spec = intake::intake(reader, node);
        reader.read.intake = fields.key_span("intake");
        events::write_keys(reader, node);
    }
    if let Some(node) = fields.get("removal_limit") {
        reader.read.removal_limit = reader.share(node, "removal_limit");
    }
}
