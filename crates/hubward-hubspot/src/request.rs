//! One request to HubSpot, before it is sent: what it is, where it goes, what it carries, and what repeating it would do.

use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use hubward_core::RowKeys;

use crate::limiter::Budget;

/// What a request is for. Reports count requests by it, and it says which budget pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RequestKind {
    Create,
    Update,
    Upsert,
    Read,
    Archive,
    Search,
    /// Associations written or removed.
    Associate,
    /// Associations read.
    AssociationRead,
    /// Events sent.
    Event,
    /// Lists made, their members added or removed. Looking lists up is metadata, reading members is a read.
    List,
    /// Account, properties, schemas, pipelines, owners, labels, event definitions, lists.
    Metadata,
    /// Tokens: refresh and introspection. Its bodies hold secrets and are never shown to an observer.
    Token,
}

impl RequestKind {
    /// The word used in reports (`requests: {total, upsert, associate, search, …}`).
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Upsert => "upsert",
            Self::Read => "read",
            Self::Archive => "archive",
            Self::Search => "search",
            Self::Associate => "associate",
            Self::AssociationRead => "association_read",
            Self::Event => "event",
            Self::List => "list",
            Self::Metadata => "metadata",
            Self::Token => "token",
        }
    }

    /// The budget that pays for it; `None` for token calls, which no limit of the account counts.
    #[must_use]
    pub fn budget(self) -> Option<Budget> {
        match self {
            Self::Search => Some(Budget::Search),
            Self::Associate | Self::AssociationRead => Some(Budget::Associations),
            Self::Event => Some(Budget::Events),
            Self::Token => None,
            _ => Some(Budget::Burst),
        }
    }
}

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Json,
    Form,
}

impl Encoding {
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Form => "application/x-www-form-urlencoded",
        }
    }
}

/// A request, complete but for host and credentials. Made by the pure functions of [`crate::requests`], so that a preview
/// shows the very bytes that would be sent.
#[derive(Clone)]
pub struct ApiRequest {
    pub method: Method,
    /// Path and query, percent-encoded.
    pub path: String,
    pub body: Option<Bytes>,
    pub encoding: Encoding,
    pub kind: RequestKind,
    /// Whether repeating it after an unknown outcome can do harm; false for creates and events only.
    pub idempotent: bool,
    /// How many records (pairs, for associations) it names; 0 for metadata.
    pub inputs: usize,
    /// It addresses one record, so that a 404 speaks of that record and not of the path.
    pub one_record: bool,
}

impl std::fmt::Debug for ApiRequest {
    /// Without the body: a token request carries secrets in it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApiRequest")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("kind", &self.kind)
            .field("inputs", &self.inputs)
            .field("body_bytes", &self.body.as_ref().map(Bytes::len))
            .finish_non_exhaustive()
    }
}

/// Who a request is for; handed to the observer as it is.
#[derive(Clone, Debug, Default)]
pub struct CallMeta {
    pub sync: Option<Arc<str>>,
    /// Keys of the rows that the request carries, as text.
    pub rows: RowKeys,
}
