//! Speaks HubSpot: requests, answers, errors decoded once into an enum, limits, tokens.
//!
//! Only this crate knows HubSpot's URLs and JSON, and it knows nothing of syncs: a caller hands it inputs and gets back
//! what HubSpot said about each of them. Waiting for the account's limits, repeating what may be repeated, refreshing a
//! token and finding the account's region happen in here; deciding what a refused or lost row means is left to the caller.

mod attempt;
mod calls;
mod client;
mod concurrency;
mod config;
mod decode;
pub mod definitions;
mod error;
pub mod event_definitions;
pub mod event_options;
pub mod events;
mod issues;
mod limiter;
pub mod lists;
mod metadata;
mod observe;
mod rehearsal;
mod reply;
mod request;
pub mod requests;
#[cfg(test)]
mod scripted;
mod search;
mod token;
mod transport;
mod transport_http;
mod version;
mod written_events;

pub use client::Client;
pub use config::{Auth, ClientConfig, DEFAULT_BASE_URL, LimitShare, RetryConfig};
pub use decode::{decode_error, decode_part};
pub use definitions::{NewLabel, NewOption, NewProperty, NewSchema, PropertiesReply, PropertyGroup, Sensitivity};
pub use error::{ApiError, ErrorDetail, PropertyIssue};
pub use event_definitions::{EventDefinition, NewEventDefinition, NewEventProperty};
pub use events::{EventInput, EventReply, Occurrence};
pub use hubward_core::{Pipeline, Stage};
pub use limiter::{Budget, BudgetSnapshot, DailySnapshot, Limiter, LimiterSnapshot};
pub use lists::{List, MembershipReply, ProcessingType};
pub use metadata::{Account, AssociationLabel, AssociationLimit, Owner, Schema, SchemaAssociation, TokenInfo};
pub use observe::{Attempt, AttemptOutcome, Observer};
pub use rehearsal::{FIRST_MADE_UP_ID, Rehearsal, Rehearsed};
pub use reply::{
    AssociatedRecords, AssociatedTo, AssociationReply, AssociationResult, BatchReply, RecordResult, SearchReply,
    Warning,
};
pub use request::{ApiRequest, CallMeta, Encoding, RequestKind};
pub use requests::{AssociationInput, AssociationType, Input};
pub use search::{Filter, Operator, SEARCH_BODY_MAX_CHARS, SEARCH_PAGE_MAX, SEARCH_REACH, SearchQuery, Sort};
pub use token::GrantKeeper;
pub use transport::{HttpRequest, HttpResponse, Transport, TransportError, TransportErrorKind};
pub use transport_http::{HttpOptions, HttpTransport};
pub use version::{ApiVersion, UnknownVersion};
pub use written_events::{EventWriter, WrittenEvents};

pub use http::Method;
