//! Where rejected records go: objects of an S3 bucket, each written whole before the STATE that covers its records.

mod path;
mod render;
mod store;

use hubward_core::SecretString;

pub(crate) use path::{Moment, Place};
pub(crate) use render::{REASONS, Rejected, Sheet};
pub(crate) use store::Bucket;

/// How rejected records are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Csv { flattened: bool },
    JsonLines { flattened: bool, stringified: bool },
}

/// The bucket of a configuration.
#[derive(Clone, Debug)]
pub struct Storage {
    /// Access key id and its secret; none: the machine's own.
    pub keys: Option<(SecretString, SecretString)>,
    pub bucket: String,
    pub region: Option<String>,
    /// A store that is not Amazon's; its buckets are addressed by path.
    pub endpoint: Option<String>,
    pub prefix: String,
    pub path_format: String,
    pub file_name_format: String,
    pub format: Format,
    pub gzip: bool,
    /// The configuration names a role, which only Airbyte's own cloud can assume.
    pub names_role: bool,
}
