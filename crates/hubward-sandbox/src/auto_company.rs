//! Owns the account's setting "Create and associate companies with contacts" (api.md 3.9): off unless `load.settings` turns it
//! on. It acts after the answer to the request that made the contact, before the next one is looked at.

use std::collections::HashMap;

use crate::account::{Account, TypeAt};
use crate::association_types::{between, find};
use crate::associations::Tag;
use crate::record::{PropertyAt, Record};

/// Free mail: an address there says nothing of a company. A selection, HubSpot's own list is not published in our sources.
const FREE_MAIL: &[&str] = &[
    "aol.com",
    "gmail.com",
    "gmx.com",
    "gmx.de",
    "gmx.net",
    "googlemail.com",
    "hotmail.com",
    "icloud.com",
    "live.com",
    "mail.com",
    "msn.com",
    "outlook.com",
    "proton.me",
    "protonmail.com",
    "web.de",
    "yahoo.com",
    "yandex.com",
    "zoho.com",
];

/// Notes a contact that was created; what follows comes later.
pub(crate) fn created(account: &mut Account, type_at: TypeAt, id: u64) {
    if account.settings.auto_company_association && account.types[type_at].id == "0-1" {
        account.new_contacts.push(id);
    }
}

/// Links the contacts noted to the companies of their domains, making those that are missing.
pub(crate) fn catch_up(account: &mut Account, now_ms: i64) {
    let noted = std::mem::take(&mut account.new_contacts);
    let (Some(contacts), Some(companies)) = (account.find("0-1"), account.find("0-2")) else {
        return;
    };
    let Some(domain_at) = account.types[companies].defined("domain") else {
        return;
    };
    let mut by_domain: HashMap<String, u64> = HashMap::new();
    for (id, record) in &account.types[companies].records {
        if let (Some(domain), None) = (record.get(domain_at), record.archived_at_ms) {
            // of several companies with one domain the oldest
            by_domain.entry(bare(domain)).or_insert(*id);
        }
    }
    let definitions = between(account, contacts, companies);
    let primary = find(account, contacts, &definitions, "HUBSPOT_DEFINED", 1).ok().map(Tag::from);
    for contact in noted {
        let Some(domain) = domain(account, contacts, contact) else {
            continue;
        };
        let company = match by_domain.get(&domain) {
            Some(company) => *company,
            None => {
                let company = make(account, companies, domain_at, &domain, now_ms);
                by_domain.insert(domain, company);
                company
            }
        };
        let (from, to) = ((contacts, contact), (companies, company));
        account.associations.link(from, to);
        // a primary that the contact was created with stays
        if let Some(primary) = primary
            && account.associations.count(from, companies, Some(primary.kind)) == 0
        {
            account.associations.tag(from, to, primary);
        }
    }
}

fn make(account: &mut Account, companies: TypeAt, domain_at: PropertyAt, domain: &str, now_ms: i64) -> u64 {
    let visible_at_ms = account.visible_at_ms(now_ms);
    let id = account.new_record_id();
    let object_type = &mut account.types[companies];
    object_type.records.insert(id, Record::new(now_ms, visible_at_ms));
    object_type.write(id, domain_at, Some(domain));
    if let Some(name) = object_type.defined("name") {
        object_type.write(id, name, Some(domain));
    }
    id
}

/// The domain of a contact's e-mail or, when that is free mail or missing, of its website.
fn domain(account: &Account, contacts: TypeAt, id: u64) -> Option<String> {
    let object_type = &account.types[contacts];
    let record = object_type.live(id)?;
    let value = |name: &str| object_type.defined(name).and_then(|at| record.get(at));
    let counts = |domain: &str| {
        domain.contains('.') && !account.settings.auto_company_excluded_domains.iter().any(|one| one == domain)
    };
    let of_mail = value("email").and_then(|email| email.rsplit_once('@')).map(|(_, domain)| domain.to_lowercase());
    let of_mail = of_mail.filter(|domain| !FREE_MAIL.contains(&&**domain));
    of_mail.or_else(|| value("website").map(bare)).filter(|domain| counts(domain))
}

/// `https://www.example.com/x` is `example.com`.
fn bare(text: &str) -> String {
    let text = text.trim().to_lowercase();
    let text = text.split_once("://").map_or(&*text, |(_, rest)| rest);
    let host = text.split(['/', '?', '#', ':']).next().unwrap_or_default();
    host.strip_prefix("www.").unwrap_or(host).to_owned()
}
