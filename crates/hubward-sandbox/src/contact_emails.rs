//! Owns a contact's addresses beyond the primary one: secondary e-mails that are keys as well, and addresses that a
//! permanent deletion has blocked (api.md 3.5 and 3.10).

use std::borrow::Cow;

use crate::account::{Account, ObjectType, emails};
use crate::answers::Invalid;
use crate::record::Record;
use crate::values;
use crate::write::Change;

/// Brings the addresses of one write into the form they are kept in. `hs_additional_emails` holds normalised addresses
/// without the primary one; `;a;b` appends. A primary address that was a secondary one of the same contact trades places
/// with the old primary, so that no identity is lost. Whether an address is free is judged with the unique values.
pub(crate) fn arrange<'a>(
    account: &Account,
    object_type: &ObjectType,
    record: Option<&Record>,
    changes: &mut Vec<Change<'a>>,
) -> Result<(), Invalid> {
    let (Some(email_at), Some(more_at)) = (object_type.email, object_type.additional_emails) else {
        return Ok(());
    };
    let place = |at| changes.iter().position(|change| change.at == at);
    let (primary_place, more_place) = (place(email_at), place(more_at));
    if primary_place.is_none() && more_place.is_none() {
        return Ok(());
    }
    let old_primary = record.and_then(|record| record.get(email_at));
    let held_text = record.and_then(|record| record.get(more_at));
    if more_place.is_none() && held_text.is_none() && account.blocked_emails.is_empty() {
        return Ok(());
    }
    let primary = match primary_place {
        Some(at) => changes[at].value.as_deref().map(str::to_owned),
        None => old_primary.map(str::to_owned),
    };
    let primary = primary.as_deref();
    let held = emails(held_text);
    let mut own = held.clone();
    if let Some(at) = more_place {
        let sent = changes[at].value.as_deref().unwrap_or_default();
        let mut wanted = if sent.starts_with(';') { held.clone() } else { Vec::new() };
        for one in emails(Some(sent)) {
            let kept = values::email(&one).ok_or_else(|| invalid(object_type, more_at, &one, "is invalid"))?;
            if !wanted.iter().any(|other| *other == kept) {
                wanted.push(kept.into_owned());
            }
        }
        own = wanted;
    } else if primary.is_some_and(|primary| held.iter().any(|one| one == primary)) {
        own.extend(old_primary.map(str::to_owned));
    }
    own.retain(|one| Some(&**one) != primary);
    for (at, one) in own.iter().map(|one| (more_at, &**one)).chain(primary.map(|primary| (email_at, primary))) {
        if account.blocked_emails.contains(one) && Some(one) != old_primary && !held.iter().any(|old| old == one) {
            return Err(invalid(object_type, at, one, "was permanently deleted and cannot be used again"));
        }
    }
    if more_place.is_some() || own != held {
        let value = (!own.is_empty()).then(|| Cow::Owned(own.join(";")));
        changes.retain(|change| change.at != more_at);
        changes.push(Change { at: more_at, value, normalized_from: None });
    }
    Ok(())
}

fn invalid(object_type: &ObjectType, at: crate::record::PropertyAt, address: &str, why: &str) -> Invalid {
    Invalid {
        name: object_type.property(at).name.clone(),
        code: "INVALID_EMAIL",
        message: format!("Email address {address} {why}"),
    }
}
