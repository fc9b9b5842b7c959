//! A HubSpot account on your machine: the same paths, limits and refusals, with scripted faults and a request log.
//!
//! Written from HubSpot's own specification and from what others have captured of it, never from our client's needs: a
//! shared type would make the same mistake on both sides and hide it. Tags such as `[LIVE-AMP]` or `[SPEC]` in the
//! documentation name the source of a rule.
//!
//! A request goes through [`Sandbox::handle`], with or without a socket. The order is: route (404, 405), scripted fault, token (401),
//! limits (429), scope, user's right and edition (403), the operation's work, latency, log.
//!
//! What `load` takes, and the control API around it, is described in this crate's README.

mod account;
mod account_info;
mod answers;
mod apps;
mod association_api;
mod association_create;
mod association_labels;
mod association_limits;
mod association_reads;
mod association_types;
mod associations;
mod auth;
mod auto_company;
mod batch;
mod call;
mod cardinality;
mod catalogue_activities;
mod catalogue_commerce;
mod catalogue_crm;
mod clock;
mod computed;
mod consent;
mod contact_emails;
mod control;
mod event_definition_api;
mod event_definitions;
mod event_input;
mod event_properties;
mod event_reads;
mod event_send;
mod faults;
mod filter;
mod history;
mod input;
mod introspection;
mod limits;
mod limits_tracking;
mod list_api;
mod list_filters;
mod list_load;
mod list_members;
mod list_memberships;
mod list_roll;
mod list_search;
mod lists;
mod load;
mod log;
mod merge;
mod oauth;
mod objects;
mod occurrences;
mod owners;
mod pipeline_api;
mod pipelines;
mod properties;
mod property;
mod property_groups;
mod random;
mod record;
mod render;
mod required;
mod route;
mod rules;
mod sandbox;
mod schema_api;
mod schemas;
mod search;
mod secrets;
mod server;
mod settings;
mod standard;
mod validation_api;
mod validations;
mod values;
mod write;

pub use load::LoadError;
pub use sandbox::{Cut, Sandbox, SandboxConfig, TOKEN, Tier, UnknownTier};
