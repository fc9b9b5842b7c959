//! Which scopes a sync needs (api.md 10.5).

use hubward_core::spec::{EventSubject, EventSync, ListSync, ObjectSync};

use crate::object_type::{ObjectType, standard};

/// The scopes that the sync takes, each once: reading and writing records of its type and of every type that it associates
/// with (an association is written to both records), and the owners where it names any. Custom types need not be known to
/// the account.
#[must_use]
pub fn needed(sync: &ObjectSync, object: Option<&ObjectType>, owners: bool) -> Vec<String> {
    let resolved = object.cloned().or_else(|| standard(&sync.object));
    let mut scopes = of_type(resolved.as_ref());
    for association in &sync.associations {
        scopes.extend(of_type(standard(&association.to).as_ref()));
    }
    if owners {
        scopes.push("crm.objects.owners.read".to_owned());
    }
    let mut once: Vec<String> = Vec::with_capacity(scopes.len());
    for scope in scopes {
        if !once.contains(&scope) {
            once.push(scope);
        }
    }
    once
}

/// The scopes that an event sync takes, each once.
#[must_use]
pub fn needed_for_event(sync: &EventSync) -> Vec<String> {
    let mut scopes = vec![
        "analytics.behavioral_events.send".to_owned(),
        "behavioral_events.event_definitions.read_write".to_owned(),
    ];
    // Events of a custom type's records: the type is looked up by its name.
    if let EventSubject::Record { object, .. } = &sync.subject
        && standard(object).is_none()
    {
        scopes.push("crm.schemas.custom.read".to_owned());
    }
    scopes
}

/// The scopes that a list sync takes, each once: its list, and the records that it finds or makes.
#[must_use]
pub fn needed_for_list(sync: &ListSync, object: Option<&ObjectType>) -> Vec<String> {
    let declared = sync.object.as_deref().unwrap_or("contacts");
    let resolved = object.cloned().or_else(|| standard(declared));
    let mut scopes = vec!["crm.lists.read".to_owned(), "crm.lists.write".to_owned()];
    scopes.extend(
        of_type(resolved.as_ref()).into_iter().filter(|scope| sync.create_missing || !scope.ends_with(".write")),
    );
    scopes
}

/// What records of one type take; none stands for a custom type.
fn of_type(object: Option<&ObjectType>) -> Vec<String> {
    match object {
        // Tickets have one scope for everything.
        Some(object) if object.path == "tickets" => vec!["tickets".to_owned()],
        Some(object) if object.id.starts_with("0-") => {
            let path = &object.path;
            let mut scopes = vec![format!("crm.objects.{path}.read"), format!("crm.objects.{path}.write")];
            if matches!(path.as_str(), "contacts" | "companies" | "deals" | "quotes" | "line_items") {
                scopes.push(format!("crm.schemas.{path}.read"));
            }
            scopes
        }
        _ => vec![
            "crm.objects.custom.read".to_owned(),
            "crm.objects.custom.write".to_owned(),
            "crm.schemas.custom.read".to_owned(),
        ],
    }
}

/// Whether a token with `granted` scopes has `scope`. Owners are readable with any object scope on many apps, and the
/// schema scopes are implied by the object scopes on older ones, so only object scopes are taken as decisive.
#[must_use]
pub fn is_granted(scope: &str, granted: &[String]) -> bool {
    granted.iter().any(|held| held == scope)
}
