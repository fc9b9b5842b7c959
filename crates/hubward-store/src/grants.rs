//! Refresh tokens that HubSpot gave in place of configured ones, so that the next run can still let itself in.
//!
//! One small file, readable and writable by its owner alone (mode 0600), replaced whole. The tokens in it are not encrypted:
//! a key would have to lie beside it or stand in the environment, where the app's own secret stands already, and without that
//! secret a refresh token opens nothing. A configured token is known by a hash, so that a new one in the project ends the
//! use of what was kept for the old one.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use hubward_core::{ExposeSecret as _, SecretString};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use crate::StoreError;
use crate::files::sync_dir;

const FORMAT: u32 = 1;
/// Enough for every app and account that a project has had lately; the oldest go first.
const MOST: usize = 50;

#[derive(Default, Serialize, Deserialize)]
struct Document {
    format: u32,
    grants: Vec<Grant>,
}

#[derive(Serialize, Deserialize)]
struct Grant {
    /// Of the app's id and the configured refresh token.
    of: String,
    refresh_token: String,
    /// When it was given, for a person who looks.
    at: String,
}

/// What is kept for one configured refresh token of one app.
#[derive(Clone, Debug)]
pub struct KeptGrant {
    path: PathBuf,
    of: String,
}

impl KeptGrant {
    /// The place of what is kept, in the project's state folder. Nothing is read or made yet.
    #[must_use]
    pub fn new(state_dir: &Path, client_id: &str, configured: &SecretString) -> Self {
        let named = format!("{}:{client_id}:{}", client_id.len(), configured.expose_secret());
        Self { path: state_dir.join("oauth.json"), of: format!("{:032x}", xxh3_128(named.as_bytes())) }
    }

    /// The file that grants are kept in.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The newest refresh token that HubSpot gave in place of the configured one.
    ///
    /// # Errors
    /// The file cannot be read, is damaged, or is of a newer version.
    pub fn current(&self) -> Result<Option<SecretString>, StoreError> {
        let document = self.read()?;
        let grant = document.grants.into_iter().find(|grant| grant.of == self.of);
        Ok(grant.map(|grant| SecretString::from(grant.refresh_token)))
    }

    /// Keeps a refresh token in place of what was kept before; it is durable when this returns.
    ///
    /// # Errors
    /// The file cannot be read or replaced; what was kept before still is.
    pub fn keep(&self, token: &SecretString, now: Timestamp) -> Result<(), StoreError> {
        let _only = self.lock()?;
        let mut document = self.read()?;
        document.format = FORMAT;
        document.grants.retain(|grant| grant.of != self.of);
        let refresh_token = token.expose_secret().to_owned();
        document.grants.insert(0, Grant { of: self.of.clone(), refresh_token, at: now.to_string() });
        document.grants.truncate(MOST);
        let bytes =
            serde_json::to_vec_pretty(&document).map_err(|error| StoreError::corrupt(&self.path, error.to_string()))?;
        self.replace(&bytes)
    }

    fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("."))
    }

    /// Two processes of one project may be given new tokens for different apps at once.
    fn lock(&self) -> Result<File, StoreError> {
        let path = self.path.with_extension("json.lock");
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
        let file = file.map_err(|error| StoreError::io("opening", &path, error))?;
        file.lock().map_err(|error| StoreError::io("locking", &path, error))?;
        Ok(file)
    }

    fn read(&self) -> Result<Document, StoreError> {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Document::default()),
            Err(error) => return Err(StoreError::io("reading", &self.path, error)),
        };
        // The parser's own words could quote a token.
        let document: Document = serde_json::from_slice(&bytes)
            .map_err(|_| StoreError::corrupt(&self.path, "it is not the JSON that was written"))?;
        if document.format > FORMAT {
            return Err(StoreError::NewerFormat { path: self.path.clone(), found: document.format, known: FORMAT });
        }
        Ok(document)
    }

    fn replace(&self, bytes: &[u8]) -> Result<(), StoreError> {
        let temporary = self.path.with_extension("json.new");
        // One that a crash left may have been given other rights since.
        match fs::remove_file(&temporary) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(StoreError::io("removing", &temporary, error));
            }
            _ => {}
        }
        let written =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary).and_then(|mut file| {
                file.write_all(bytes)?;
                file.sync_all()
            });
        written.map_err(|error| StoreError::io("writing", &temporary, error))?;
        fs::rename(&temporary, &self.path).map_err(|error| StoreError::io("replacing", &self.path, error))?;
        sync_dir(self.folder())
    }
}
