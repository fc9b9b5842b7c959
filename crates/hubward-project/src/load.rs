//! From texts to a project: which file is what, in which order things are read, and when to give up.

use std::path::Path;

use hubward_core::spec::{MappingFinding, MappingSpec};

use crate::cross;
use crate::diagnostic::Diagnostic;
use crate::project::Project;
use crate::read::{self, Names, Reader};
use crate::sink::{Sink, Span};
use crate::yaml;

/// One file of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Relative to the project, with `/` between folders: `hubward.yml`, `syncs/customers.yml`.
    pub path: String,
    pub text: String,
}

/// What a project is read from.
pub struct ProjectInput<'a> {
    /// `hubward.yml`, `models/*.yml`, `schema/*.yml`, `syncs/*.yml` and `mappings/*.yml`. Others are passed over.
    pub files: Vec<SourceFile>,
    /// The project's folder, which relative paths are resolved against.
    pub root: &'a Path,
    /// The environment. A variable that is not valid Unicode counts as not set.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// Reads a file named by `sql_file:` (path as written, relative to the project); the error is for a person.
    pub sql_file: &'a dyn Fn(&str) -> Result<String, String>,
    /// What the event door finds in a mapping of its own: in its trigger, its fields and their directives.
    pub mapping_check: &'a dyn Fn(&MappingSpec) -> Vec<MappingFinding>,
}

/// A project without errors.
#[derive(Debug)]
pub struct Loaded {
    pub project: Project,
    pub warnings: Vec<Diagnostic>,
}

/// Reads and checks a project.
///
/// # Errors
/// Every problem at once, warnings after errors, each group in the order of files, lines and columns.
pub fn load(input: &ProjectInput<'_>) -> Result<Loaded, Vec<Diagnostic>> {
    load_with(input, true)
}

/// As [`load`], for commands that send nothing to HubSpot: an account may lack its credentials, and variables that only
/// they need may be missing.
///
/// # Errors
/// As [`load`].
pub fn load_without_credentials(input: &ProjectInput<'_>) -> Result<Loaded, Vec<Diagnostic>> {
    load_with(input, false)
}

fn load_with(input: &ProjectInput<'_>, credentials: bool) -> Result<Loaded, Vec<Diagnostic>> {
    let mut sink = Sink::new(&input.files);
    let mut reader = Reader::new(input, credentials, &mut sink);
    let mut has_project = false;
    for (index, file) in input.files.iter().enumerate() {
        let Some(role) = role(&file.path) else {
            continue;
        };
        let tree = yaml::parse(index, &file.text, input.env, reader.sink);
        let broken = tree.is_none() && reader.sink.reported_in(index);
        let tree = tree.filter(|tree| !tree.is_null());
        match (role, tree) {
            (Role::Project, tree) => {
                has_project = true;
                match tree {
                    Some(tree) => read::project(&mut reader, &tree),
                    None if broken => reader.lost(role.names()),
                    None => {
                        reader.lost(role.names());
                        empty(
                            &mut reader,
                            index,
                            "hubward.yml",
                            "it needs `hubspot:`, `sources:` and `models:`; `hubward init` writes one that runs",
                        );
                    }
                }
            }
            (Role::Models, Some(tree)) => read::models_file(&mut reader, &tree),
            (Role::Schema, Some(tree)) => read::schema_file(&mut reader, &tree),
            (Role::Sync, Some(tree)) => read::sync_file(&mut reader, &tree),
            (Role::Mapping, Some(tree)) => read::mapping_file(&mut reader, &tree),
            (Role::Models | Role::Schema | Role::Sync | Role::Mapping, None) if broken => reader.lost(role.names()),
            (Role::Models, None) => {
                empty(&mut reader, index, &file.path, "write `models:` with one or more models, or remove the file")
            }
            (Role::Schema, None) => empty(
                &mut reader,
                index,
                &file.path,
                "write `schema:` with one or more object types, or remove the file",
            ),
            (Role::Sync, None) => empty(
                &mut reader,
                index,
                &file.path,
                "write one sync (`sync:`, `model:`, `to:`, …), or remove the file",
            ),
            (Role::Mapping, None) => {
                reader.lost(role.names());
                empty(
                    &mut reader,
                    index,
                    &file.path,
                    "write one mapping (`mapping:`, `action:`, …), or remove the file",
                );
            }
        }
    }
    if !has_project {
        reader.lost(Role::Project.names());
        reader.sink.error(
            "missing-file",
            Span::start_of(Span::NO_FILE),
            "there is no `hubward.yml` in the project's folder",
            "go to the folder of your project, name it with `--project DIR`, or make one with `hubward init`",
        );
    }
    let read = reader.finish();
    cross::check(&read, &mut sink);
    let (mut errors, warnings) = sink.finish();
    if errors.is_empty() {
        Ok(Loaded { project: read.into_project(), warnings })
    } else {
        errors.extend(warnings);
        Err(errors)
    }
}

fn empty(reader: &mut Reader<'_, '_>, file: usize, path: &str, help: &str) {
    reader.sink.error("empty-file", Span::start_of(file), format!("`{path}` holds nothing"), help);
}

#[derive(Clone, Copy)]
enum Role {
    Project,
    Models,
    Schema,
    Sync,
    Mapping,
}

impl Role {
    /// What a file of this role declares.
    fn names(self) -> &'static [Names] {
        match self {
            Self::Project => &[Names::Sources, Names::Models],
            Self::Models => &[Names::Models],
            Self::Schema => &[],
            Self::Sync => &[Names::Syncs],
            Self::Mapping => &[Names::Mappings],
        }
    }
}

fn role(path: &str) -> Option<Role> {
    let stem = path.strip_suffix(".yml").or_else(|| path.strip_suffix(".yaml"))?;
    if stem == "hubward" {
        return Some(Role::Project);
    }
    let (folder, name) = stem.split_once('/')?;
    if name.is_empty() || name.starts_with('.') {
        return None;
    }
    match folder {
        "models" => Some(Role::Models),
        "schema" => Some(Role::Schema),
        "syncs" => Some(Role::Sync),
        "mappings" => Some(Role::Mapping),
        _ => None,
    }
}
