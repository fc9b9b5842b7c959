//! HubSpot's standard object types by the names that people use for them.

/// HubSpot's standard types: singular, plural, type id (api.md 3.4).
pub const STANDARD: [(&str, &str, &str); 31] = [
    ("contact", "contacts", "0-1"),
    ("company", "companies", "0-2"),
    ("deal", "deals", "0-3"),
    ("ticket", "tickets", "0-5"),
    ("product", "products", "0-7"),
    ("line_item", "line_items", "0-8"),
    ("quote", "quotes", "0-14"),
    ("communication", "communications", "0-18"),
    ("feedback_submission", "feedback_submissions", "0-19"),
    ("task", "tasks", "0-27"),
    ("note", "notes", "0-46"),
    ("meeting", "meetings", "0-47"),
    ("call", "calls", "0-48"),
    ("email", "emails", "0-49"),
    ("invoice", "invoices", "0-53"),
    ("marketing_event", "marketing_events", "0-54"),
    ("subscription", "subscriptions", "0-69"),
    ("goal_target", "goal_targets", "0-74"),
    ("discount", "discounts", "0-84"),
    ("fee", "fees", "0-85"),
    ("tax", "taxes", "0-86"),
    ("commerce_payment", "commerce_payments", "0-101"),
    ("user", "users", "0-115"),
    ("postal_mail", "postal_mail", "0-116"),
    ("order", "orders", "0-123"),
    ("lead", "leads", "0-136"),
    ("cart", "carts", "0-142"),
    ("service", "services", "0-162"),
    ("course", "courses", "0-410"),
    ("listing", "listings", "0-420"),
    ("appointment", "appointments", "0-421"),
];

/// Plural name and type id of the standard type that `name` means: singular, plural, label or id.
#[must_use]
pub fn standard(name: &str) -> Option<(&'static str, &'static str)> {
    let folded = folded(name);
    let known =
        STANDARD.iter().find(|(singular, plural, id)| folded == *singular || folded == *plural || folded == *id);
    known.map(|(_, plural, id)| (*plural, *id))
}

/// Whether two names mean one type, as far as the names alone tell: a custom type has a label and an id besides its name.
#[must_use]
pub fn same(one: &str, other: &str) -> bool {
    match (standard(one), standard(other)) {
        (Some(one), Some(other)) => one == other,
        (None, None) => folded(one) == folded(other),
        _ => false,
    }
}

fn folded(name: &str) -> String {
    name.trim().to_lowercase().replace(' ', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_names_of_one_type_are_the_same() {
        assert!(same("company", "Companies") && same("0-2", "companies") && same("Line items", "line_item"));
        assert!(same("p1_machine", "P1_Machine") && !same("machine", "contacts") && !same("contacts", "companies"));
    }
}
