//! Owns how many associations a record may have: HubSpot's ceilings and an admin's limits by type (api.md 7.3).
//!
//! A limit set while some records are beyond it already only stops further ones: HubSpot does not say otherwise.

use std::collections::{BTreeMap, HashMap};

use crate::account::{Account, TypeAt};
use crate::answers::Refusal;
use crate::association_types::Kind;
use crate::associations::{End, Tag};

/// An admin's limit for one type in one direction.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    pub(crate) kind: Kind,
    pub(crate) most: u32,
}

#[derive(Debug, Default)]
pub(crate) struct Cardinality {
    /// By direction and labelled kind; `None` is the unlabelled default, which every association has.
    pub(crate) limits: BTreeMap<(TypeAt, TypeAt, Option<Kind>), Limit>,
    ceilings: HashMap<(TypeAt, TypeAt), u32>,
}

impl Cardinality {
    /// Sets how many records of `to` one of `from` may have, whatever the label.
    pub(crate) fn set_ceiling(&mut self, from: TypeAt, to: TypeAt, most: Option<u32>) {
        match most {
            Some(most) => self.ceilings.insert((from, to), most),
            None => self.ceilings.remove(&(from, to)),
        };
    }

    fn most(&self, from: TypeAt, to: TypeAt, kind: Option<Kind>) -> Option<u32> {
        let limit = self.limits.get(&(from, to, kind)).map(|limit| limit.most);
        let ceiling = if kind.is_none() { self.ceilings.get(&(from, to)).copied() } else { None };
        match (limit, ceiling) {
            (Some(limit), Some(ceiling)) => Some(limit.min(ceiling)),
            (one, other) => one.or(other),
        }
    }
}

/// Associations that earlier inputs of a request will make once all are judged. A record that is not there yet has the id 0.
#[derive(Debug, Default)]
pub(crate) struct Pending(HashMap<(TypeAt, u64, TypeAt, Option<Kind>), u32>);

impl Pending {
    pub(crate) fn add(&mut self, from: End, to: End, kind: Option<Kind>) {
        *self.0.entry((from.0, from.1, to.0, kind)).or_default() += 1;
    }

    /// The next record to be made has nothing yet.
    pub(crate) fn next_record(&mut self) {
        self.0.retain(|(_, id, _, _), _| *id != 0);
    }
}

/// Refuses an association that would be one too many at either end; `held` are the labels that the two have already.
pub(crate) fn room(
    account: &Account,
    from: End,
    to: End,
    held: Option<&[Tag]>,
    tags: &[Tag],
    pending: &Pending,
) -> Result<(), Refusal> {
    if held.is_none() {
        one_more(account, from, to, None, pending)?;
        one_more(account, to, from, None, pending)?;
    }
    for tag in tags {
        if held.unwrap_or_default().contains(tag) {
            continue;
        }
        one_more(account, from, to, Some(tag.kind), pending)?;
        one_more(account, to, from, Some(tag.reverse), pending)?;
    }
    Ok(())
}

/// The category is HubSpot's; the text is ours, since none was captured.
fn one_more(account: &Account, from: End, to: End, kind: Option<Kind>, pending: &Pending) -> Result<(), Refusal> {
    // one more primary takes the place of the old one
    if kind.is_some_and(Kind::is_exclusive) {
        return Ok(());
    }
    let Some(most) = account.cardinality.most(from.0, to.0, kind) else {
        return Ok(());
    };
    let coming = pending.0.get(&(from.0, from.1, to.0, kind)).copied().unwrap_or(0);
    if account.associations.count(from, to.0, kind) + coming < most {
        return Ok(());
    }
    let (word, other) = (account.types[from.0].shouted(), account.types[to.0].shouted());
    let of_type = kind.map(|kind| format!(" of type {}={}", kind.category(), kind.id)).unwrap_or_default();
    let name = |id: u64| if id == 0 { "(new)".to_owned() } else { id.to_string() };
    Err(Refusal::validation(format!(
        "{word} {} cannot be associated to {other} {}: the limit of {most} associations{of_type} is reached",
        name(from.1),
        name(to.1)
    )))
}

#[cfg(test)]
mod tests {
    use super::{Pending, room};
    use crate::account::Account;

    #[test]
    fn a_company_takes_fifty_thousand_contacts_and_refuses_one_more() {
        let mut account = Account::new(1, crate::Tier::Unlimited, 0, (0, 0), 0);
        let (contacts, companies) = (account.find("contacts").unwrap(), account.find("companies").unwrap());
        let company = (companies, 1);
        for id in 1..=50_000 {
            assert!(room(&account, (contacts, id), company, None, &[], &Pending::default()).is_ok());
            account.associations.link((contacts, id), company);
        }
        for (from, to) in [((contacts, 50_001), company), (company, (contacts, 50_001))] {
            assert!(room(&account, from, to, None, &[], &Pending::default()).is_err(), "from either end");
        }
        let other = (companies, 2);
        assert!(room(&account, (contacts, 1), other, None, &[], &Pending::default()).is_ok());
        account.associations.remove_record(contacts, 1);
        assert!(room(&account, (contacts, 50_001), company, None, &[], &Pending::default()).is_ok());
    }
}
