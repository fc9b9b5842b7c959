//! The names that events, properties and labels get.

use hubward_core::association::Kind;

/// The name of a behavioral event: in lower case, with `_` for each run of blanks and dots. None unless it is one that
/// HubSpot gives, `pe<account>_…`, of this account where it is known.
pub(super) fn full_event_name(name: &str, hub_id: Option<u64>) -> Option<String> {
    let mut full = String::with_capacity(name.len());
    let mut in_run = false;
    for c in name.trim().chars() {
        let blank = c.is_whitespace() || c == '.';
        if !blank {
            full.extend(c.to_lowercase());
        } else if !in_run {
            full.push('_');
        }
        in_run = blank;
    }
    let (account, own) = full.strip_prefix("pe")?.split_once('_')?;
    let digits = !account.is_empty() && account.bytes().all(|byte| byte.is_ascii_digit());
    let ours = hub_id.is_none_or(|hub_id| account == hub_id.to_string());
    (digits && ours && !own.is_empty()).then_some(full)
}

/// The account's own name for a custom event: in lower case, with `_` for everything but letters from a to z, digits, `_`
/// and `-`. None where nothing is left but `_`.
pub(super) fn own_event_name(name: &str) -> Option<String> {
    let own = normalised(name, true);
    own.bytes().any(|byte| byte != b'_').then_some(own)
}

/// The internal name of a property: in lower case, with `_` for everything but letters from a to z, digits and `_`. None
/// unless it begins with a letter, as HubSpot wants it.
pub(super) fn property_name(name: &str) -> Option<String> {
    let own = normalised(name, false);
    own.starts_with(|c: char| c.is_ascii_lowercase()).then_some(own)
}

fn normalised(name: &str, dash: bool) -> String {
    let lower = name.trim().to_lowercase();
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || (dash && c == '-');
    let mut name = String::with_capacity(lower.len());
    for c in lower.chars() {
        match c {
            _ if fits(c) => name.push(c),
            // The original goes by UTF-16 units, and the names that it has made stay the same.
            _ => name.extend(std::iter::repeat_n('_', c.len_utf16())),
        }
    }
    name
}

/// The kind of association that a label `<category>:<type id>` says, such as `HUBSPOT_DEFINED:279`.
pub(super) fn kind(label: &str) -> Option<Kind> {
    let (category, type_id) = label.trim().split_once(':')?;
    let category = category.trim().to_ascii_uppercase();
    let known = matches!(category.as_str(), "HUBSPOT_DEFINED" | "USER_DEFINED" | "INTEGRATOR_DEFINED" | "WORK");
    let type_id = type_id.trim().parse().ok().filter(|id| *id > 0)?;
    known.then_some(Kind { category, type_id })
}
