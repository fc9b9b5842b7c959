//! Finding and loading a driver's library.
//!
//! A name is looked for as a manifest (`NAME.toml`) in the folders of `ADBC_DRIVER_PATH`, then in the user's and the
//! system's driver folders, then as a library by the loader's own rules, then in the `site-packages` of the active Python
//! environment. A path goes to a library or a manifest. Libraries are never unloaded: drivers with a runtime of their own
//! do not survive it.

use std::path::{Path, PathBuf};

use adbc_core::options::AdbcVersion;
use adbc_core::{LOAD_FLAG_ALLOW_RELATIVE_PATHS, LOAD_FLAG_SEARCH_SYSTEM};
use adbc_driver_manager::ManagedDriver;

use crate::error::{SourceError, SourceErrorKind};
use crate::options::DriverSearch;

/// DuckDB's library is its driver, under a name of its own.
const DUCKDB_ENTRYPOINT: &str = "duckdb_adbc_init";

pub(super) fn load(
    driver: &str,
    entrypoint: Option<&str>,
    search: &DriverSearch,
) -> Result<ManagedDriver, SourceError> {
    let path = Path::new(driver);
    if is_path(driver) {
        if !path.exists() {
            return Err(SourceError::new(SourceErrorKind::NotFound, format!("no ADBC driver at {driver}"))
                .help("correct `driver` of the source: a name, or the path of a library or a manifest (.toml)"));
        }
        return load_path(path, entrypoint).map_err(|error| {
            SourceError::new(
                SourceErrorKind::Driver,
                format!("the ADBC driver {driver} cannot be loaded: {}", told(&error)),
            )
            .help("a manifest must name an absolute path of a library for this platform; a library must be whole and for this platform")
        });
    }
    let name = if driver == "postgres" { "postgresql" } else { driver };
    let by_manifest = ManagedDriver::load_from_name(
        name,
        entrypoint_of(name, entrypoint).map(str::as_bytes),
        AdbcVersion::V110,
        LOAD_FLAG_SEARCH_SYSTEM | LOAD_FLAG_ALLOW_RELATIVE_PATHS,
        Some(manifest_folders(search)),
    );
    let error = match by_manifest {
        Ok(driver) => return Ok(driver),
        Err(error) => error,
    };
    if let Some(library) = search.venv.as_deref().and_then(|venv| in_site_packages(venv, name)) {
        return load_path(&library, entrypoint).map_err(|error| {
            SourceError::new(
                SourceErrorKind::Driver,
                format!("the ADBC driver {} cannot be loaded: {}", library.display(), told(&error)),
            )
        });
    }
    Err(SourceError::new(
        SourceErrorKind::Driver,
        format!("the ADBC driver `{driver}` is not to be had: {}", told(&error)),
    )
    .help(format!(
        "install it with `dbc install {name}`, or with `pip install adbc-driver-{name}` in an active Python environment, or \
         give the path of its library as `driver`"
    )))
}

fn load_path(path: &Path, entrypoint: Option<&str>) -> adbc_core::error::Result<ManagedDriver> {
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    // A manifest names its entry point itself.
    let entrypoint = if path.extension().is_some_and(|ending| ending == "toml") {
        entrypoint
    } else {
        entrypoint_of(stem.trim_start_matches("lib"), entrypoint)
    };
    // The loader searches its own folders for a name without a folder: make it a path.
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    ManagedDriver::load_from_name(
        path,
        entrypoint.map(str::as_bytes),
        AdbcVersion::V110,
        LOAD_FLAG_ALLOW_RELATIVE_PATHS,
        None,
    )
}

fn entrypoint_of<'a>(name: &str, given: Option<&'a str>) -> Option<&'a str> {
    given.or_else(|| (name == "duckdb").then_some(DUCKDB_ENTRYPOINT))
}

fn is_path(driver: &str) -> bool {
    let endings = [".so", ".dylib", ".dll", ".toml"];
    driver.contains(['/', '\\']) || endings.iter().any(|ending| driver.ends_with(ending))
}

fn manifest_folders(search: &DriverSearch) -> Vec<PathBuf> {
    let mut folders = search.driver_paths.clone();
    if let Some(venv) = &search.venv {
        folders.push(venv.join("etc/adbc/drivers"));
    }
    if let Some(home) = &search.home {
        folders.push(home.join(if cfg!(target_os = "macos") {
            "Library/Application Support/ADBC/Drivers"
        } else {
            ".config/adbc/drivers"
        }));
    }
    folders
}

/// `lib/python3.x/site-packages/adbc_driver_NAME/libadbc_driver_NAME.so`, where pip puts it.
fn in_site_packages(venv: &Path, name: &str) -> Option<PathBuf> {
    let package = format!("adbc_driver_{}", name.replace('-', "_"));
    let pythons = std::fs::read_dir(venv.join("lib")).ok()?;
    for python in pythons.flatten() {
        let folder = python.path().join("site-packages").join(&package);
        // The wheels of macOS use the same ending.
        let library = folder.join(format!("lib{package}.so"));
        if library.is_file() {
            return Some(library);
        }
    }
    None
}

/// The manager's words with its details: "not found" alone hides a manifest that was found and did not fit.
fn told(error: &adbc_core::error::Error) -> String {
    let mut text = error.message.trim().to_owned();
    for (_, detail) in error.details.iter().flatten() {
        let detail = String::from_utf8_lossy(detail);
        for line in detail.lines().filter(|line| !line.trim().is_empty()) {
            text.push_str("; ");
            text.push_str(line.trim());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_driver_that_is_nowhere_is_told_with_both_ways_to_install_it() {
        let Err(error) = load("nosuchdb", None, &DriverSearch::default()) else {
            panic!("there is no such driver");
        };
        assert_eq!(error.kind, SourceErrorKind::Driver);
        let help = error.help.expect("it says what to do");
        assert!(help.contains("dbc install nosuchdb"), "{help}");
        assert!(help.contains("pip install adbc-driver-nosuchdb"), "{help}");
        let Err(error) = load("/nowhere/libx.so", None, &DriverSearch::default()) else {
            panic!("there is no such file");
        };
        assert_eq!(error.kind, SourceErrorKind::NotFound);
    }

    #[test]
    fn a_manifest_that_does_not_fit_is_told_with_its_reason() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let manifest = "name = 'Other'\n[Driver.shared]\nplan9_mips = '/lib/x.so'\n";
        std::fs::write(folder.path().join("other.toml"), manifest).expect("written");
        let search = DriverSearch { driver_paths: vec![folder.path().to_owned()], ..DriverSearch::default() };
        let Err(error) = load("other", None, &search) else {
            panic!("the manifest has no library for this platform");
        };
        assert!(error.message.contains("Driver.shared."), "{error}");
    }
}
