//! `apply-schema`: what the project declares of an account's schema, compared with what the account has, and the making of
//! what is missing. Never part of a run.
//!
//! `present` reads the account, `diff` and `event_diff` compare (pure), `apply` and `event_apply` make (`batch`: properties in
//! bulk; `refusal`: what HubSpot's refusals mean), `propose` and
//! `propose_events` suggest declarations for what syncs map and nobody declares. Nothing that exists is changed or removed; options are added.

mod apply;
mod batch;
mod change;
mod diff;
mod event_apply;
mod event_diff;
mod present;
mod propose;
mod propose_events;
mod refusal;

use hubward_core::declared::{DeclaredSchema, DeclaredType};

pub use apply::{Applied, Ending};
pub use change::{Change, ChangeKind};
pub use propose::Proposal;
pub use propose_events::declares_event;
pub use refusal::event_refused;

pub(crate) use apply::READABLE_AFTER;
pub(crate) use refusal::doubtful;

use crate::check::{Problem, Severity};
use crate::engine::Engine;
use crate::error::EngineError;
use crate::object_type::standard;
use crate::scopes::is_granted;

/// What `apply-schema` would do.
#[derive(Clone, Debug, Default)]
pub struct SchemaPlan {
    /// What is missing, in the order in which it is shown and made.
    pub changes: Vec<Change>,
    /// What cannot be reconciled: with an error among them, nothing may be made.
    pub problems: Vec<Problem>,
    /// What differs and is left as it is.
    pub notes: Vec<String>,
}

impl SchemaPlan {
    /// Whether nothing stands in the way of making the changes.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.problems.iter().all(|problem| problem.severity != Severity::Error)
    }
}

impl Engine {
    /// Compares the declaration with the account, which is read anew.
    ///
    /// # Errors
    /// HubSpot refuses to tell what the account has.
    pub async fn compare_schema(&self, declared: &DeclaredSchema) -> Result<SchemaPlan, EngineError> {
        if declared.is_empty() {
            return Ok(SchemaPlan::default());
        }
        let present = self.present(declared).await?;
        let found = diff::diff(declared, &present);
        let mut plan = SchemaPlan { changes: found.changes, problems: found.problems, notes: found.notes };
        if !plan.changes.is_empty()
            && let Ok(token) = self.client().token_info().await
            && !token.scopes.is_empty()
        {
            for section in &declared.types {
                let Ok(target) = present::resolve(&section.name, &declared.types, &present.schemas) else { continue };
                let concerned = plan.changes.iter().any(|change| change.target == target);
                // The last one is that for writing.
                let Some(scope) = scopes_of(section).pop() else { continue };
                let told = plan.problems.iter().any(|problem| problem.message.ends_with(&scope));
                if concerned && !told && !is_granted(&scope, &token.scopes) {
                    plan.problems.push(Problem::warning(
                        "missing-scope",
                        &section.at,
                        format!("the token does not have the scope {scope}"),
                        "add it to the app or service key in HubSpot, or HubSpot will refuse to make what is missing",
                    ));
                }
            }
        }
        Ok(plan)
    }
}

/// The scopes that comparing and making a declaration takes (api.md 5.4, 6.1, 9.3, 10.5), each with the names of the object
/// types or events that need it.
#[must_use]
pub fn schema_scopes(declared: &DeclaredSchema) -> Vec<(String, Vec<&str>)> {
    let mut found: Vec<(String, Vec<&str>)> = Vec::new();
    for section in &declared.types {
        for scope in scopes_of(section) {
            match found.iter_mut().find(|(known, _)| *known == scope) {
                Some((_, names)) => names.push(&section.name),
                None => found.push((scope, vec![&section.name])),
            }
        }
    }
    if !declared.events.is_empty() {
        let names = declared.events.iter().map(|event| event.name.as_str()).collect();
        found.push((EVENT_SCOPE.to_owned(), names));
    }
    // What a custom type is called stands in its schema.
    for event in declared.events.iter().filter(|event| standard(&event.object).is_none()) {
        let scope = "crm.schemas.custom.read";
        match found.iter_mut().find(|(known, _)| known == scope) {
            Some((_, names)) => names.push(&event.name),
            None => found.push((scope.to_owned(), vec![&event.name])),
        }
    }
    found
}

/// Reading and writing definitions of custom events (api.md 9.3).
pub(crate) const EVENT_SCOPE: &str = "behavioral_events.event_definitions.read_write";

/// Object types with scopes of their own for their definitions.
const WITH_SCHEMA_SCOPES: [&str; 14] = [
    "appointments",
    "carts",
    "companies",
    "contacts",
    "courses",
    "deals",
    "invoices",
    "line_items",
    "listings",
    "orders",
    "quotes",
    "services",
    "subscriptions",
    "commerce_payments",
];

/// Reading and writing scope; none where it is not known which one HubSpot asks for.
fn scopes_of(section: &DeclaredType) -> Vec<String> {
    definition_scopes(standard(&section.name).as_ref().map(|object| object.path.as_str()))
}

/// None: a custom type.
fn definition_scopes(path: Option<&str>) -> Vec<String> {
    match path {
        // Tickets have one scope for everything, products that of commerce.
        Some("tickets") => vec!["tickets".to_owned()],
        Some("products") => vec!["e-commerce".to_owned()],
        Some(path) if !WITH_SCHEMA_SCOPES.contains(&path) => Vec::new(),
        path => {
            let word = path.unwrap_or("custom").replace("commerce_payments", "commercepayments");
            vec![format!("crm.schemas.{word}.read"), format!("crm.schemas.{word}.write")]
        }
    }
}

/// The scope that making something of this type takes.
fn scopes_of_target(target: &change::Target) -> Option<String> {
    let path = match target {
        change::Target::Known(object) if object.id.starts_with("0-") => Some(object.path.as_str()),
        change::Target::Event(_) => return Some(EVENT_SCOPE.to_owned()),
        _ => None,
    };
    definition_scopes(path).pop()
}

/// The section that declares what a sync calls `object`, without asking the account.
fn section_of<'a>(declared: &'a [DeclaredType], object: &str) -> Option<&'a DeclaredType> {
    let wanted = standard(object);
    declared.iter().find(|section| match (&wanted, standard(&section.name)) {
        (Some(wanted), Some(found)) => wanted.id == found.id,
        (None, None) => {
            let labels = section.object.iter().flat_map(|object| [&object.singular, &object.plural]);
            [&section.name].into_iter().chain(labels).any(|name| name.eq_ignore_ascii_case(object.trim()))
        }
        _ => false,
    })
}

/// Whether the project declares the property, or, without one, the custom object type itself.
#[must_use]
pub fn declares(declared: &DeclaredSchema, object: &str, property: Option<&str>) -> bool {
    section_of(&declared.types, object).is_some_and(|section| match property {
        Some(name) => section.property(name).is_some(),
        None => section.object.is_some(),
    })
}
