//! Which scopes a sync needs (api.md 10.5).

use hubward_core::spec::ObjectSync;

use crate::object_type::{ObjectType, standard};

/// The scopes that reading and writing records of this type and associating them with others takes. Custom types need not be known to the account.
#[must_use]
pub fn needed(sync: &ObjectSync, object: Option<&ObjectType>, owners: bool) -> Vec<String> {
    let resolved = object.cloned().or_else(|| standard(&sync.object));
    let mut scopes = of_type(resolved.as_ref());
    for association in &sync.associations {
        let other = standard(&association.to);
        scopes.extend(of_type(other.as_ref()).into_iter().filter(|scope| !scope.starts_with("crm.schemas.")));
    }
    let mut seen = std::collections::HashSet::new();
    scopes.retain(|scope| seen.insert(scope.clone()));
    if owners {
        scopes.push("crm.objects.owners.read".to_owned());
    }
    scopes
}

/// The scopes for records of one type; none is a custom type.
fn of_type(object: Option<&ObjectType>) -> Vec<String> {
    match object.map(|object| object.path.as_str()) {
        // Tickets have one scope for everything.
        Some("tickets") => vec!["tickets".to_owned()],
        Some(path) if !path.starts_with("2-") && object.is_some_and(|object| object.id.starts_with("0-")) => {
            let schemas = match path {
                "contacts" | "companies" | "deals" | "quotes" | "line_items" => {
                    vec![format!("crm.schemas.{path}.read")]
                }
                _ => Vec::new(),
            };
            let mut scopes = vec![format!("crm.objects.{path}.read"), format!("crm.objects.{path}.write")];
            scopes.extend(schemas);
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
