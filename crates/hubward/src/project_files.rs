//! Finds and reads the files of a project; what they mean is `hubward-project`'s to say.

use std::path::Path;

use hubward_project::{AccountSpec, Diagnostic, Project, ProjectInput, SourceFile, load, load_without_credentials};

use crate::environment;
use crate::exit::Failure;

/// Largest project file that is read, in bytes; more is not a project file.
const FILE_MAX_BYTES: u64 = 16 * 1024 * 1024;

/// A project without errors, with the files it was read from.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) project: Project,
    pub(crate) files: Vec<SourceFile>,
    pub(crate) warnings: Vec<Diagnostic>,
}

/// Whether a command talks to HubSpot as the project's account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Credentials {
    Needed,
    NotNeeded,
}

impl Opened {
    /// The account that `--account` names, or the only one.
    pub(crate) fn account(&self, name: Option<&str>) -> Result<&AccountSpec, Failure> {
        if let Some(account) = self.project.account(name) {
            return Ok(account);
        }
        let names: Vec<&str> = self.project.accounts.iter().map(|account| account.name.as_str()).collect();
        Err(match name {
            Some(name) => unknown("account", name, &names),
            None => Failure::new("choose-account", "the project names several accounts and none of them is `default`")
                .help(format!("choose one with --account: {}", names.join(", "))),
        })
    }
}

/// A name that the project does not have, with the nearest that it has.
pub(crate) fn unknown(what: &'static str, name: &str, names: &[&str]) -> Failure {
    let code = match what {
        "account" => "unknown-account",
        "model" => "unknown-model",
        "mapping" => "unknown-mapping",
        _ => "unknown-sync",
    };
    let help = match hubward_core::suggest::nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean {near:?}?"),
        None if names.is_empty() => format!("the project has no {what}"),
        None => format!("the project has: {}", names.join(", ")),
    };
    Failure::new(code, format!("there is no {what} {name:?} in the project")).help(help)
}

/// Reads and checks the project in `root`. The error holds every problem with the files they are in.
pub(crate) fn open(root: &Path, credentials: Credentials) -> Result<Opened, Failure> {
    open_with(root, credentials, &environment::variable)
}

/// As [`open`], with other variables than the environment's.
pub(crate) fn open_with(
    root: &Path,
    credentials: Credentials,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Opened, Failure> {
    let files = read_files(root)?;
    let input = ProjectInput {
        files: files.clone(),
        root,
        env,
        sql_file: &|path| read(&root.join(path)).map_err(|failure| failure.message.clone()),
        mapping_check: &hubward_intake::actions::check,
    };
    let loaded = match credentials {
        Credentials::Needed => load(&input),
        Credentials::NotNeeded => load_without_credentials(&input),
    };
    match loaded {
        Ok(loaded) => Ok(Opened { project: loaded.project, files, warnings: loaded.warnings }),
        Err(problems) => {
            let errors = problems.iter().filter(|problem| problem.severity == hubward_project::Severity::Error).count();
            let plural = if errors == 1 { "one error" } else { "errors" };
            let count = if errors == 1 { String::new() } else { format!("{errors} ") };
            let first = problems.first().map(|problem| problem.code).unwrap_or("project");
            let mut failure = Failure::new(
                if errors == 1 { first } else { "project" },
                format!("the project has {count}{plural}; nothing was sent"),
            );
            if errors == 1
                && let Some(problem) = problems.first()
            {
                failure.message = format!("{}; nothing was sent", problem.message);
                failure.help.clone_from(&problem.help);
            }
            failure.problems = problems;
            failure.files = files;
            Err(failure)
        }
    }
}

fn read_files(root: &Path) -> Result<Vec<SourceFile>, Failure> {
    let mut paths = Vec::new();
    for name in ["hubward.yml", "hubward.yaml"] {
        if root.join(name).is_file() {
            paths.push(name.to_owned());
        }
    }
    for folder in ["models", "schema", "syncs", "mappings"] {
        let full = root.join(folder);
        if !full.is_dir() {
            continue;
        }
        let entries = std::fs::read_dir(&full).map_err(|error| Failure::io("reading", &full, &error))?;
        for entry in entries {
            let entry = entry.map_err(|error| Failure::io("reading", &full, &error))?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            if (name.ends_with(".yml") || name.ends_with(".yaml")) && entry.path().is_file() {
                paths.push(format!("{folder}/{name}"));
            }
        }
    }
    // The order of a folder's entries is the file system's; ours is the same everywhere.
    paths.sort_by_key(|path| (path.contains('/'), path.clone()));
    let mut files = Vec::with_capacity(paths.len());
    for path in paths {
        let text = read(&root.join(&path))?;
        files.push(SourceFile { path, text });
    }
    Ok(files)
}

/// A text file of the project.
fn read(path: &Path) -> Result<String, Failure> {
    let metadata = std::fs::metadata(path).map_err(|error| Failure::io("reading", path, &error))?;
    if metadata.len() > FILE_MAX_BYTES {
        return Err(Failure::new(
            "file-too-large",
            format!("{} is larger than {FILE_MAX_BYTES} bytes, which no project file is", path.display()),
        ));
    }
    std::fs::read_to_string(path).map_err(|error| Failure::io("reading", path, &error))
}
