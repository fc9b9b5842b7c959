//! The sync of the measurement: all twelve columns mapped, contacts matched by e-mail.

use hubward_core::spec::{Location, Match, Model, ModelQuery, ObjectSync, SourceSpec};
use hubward_engine::SyncJob;
use serde_json::json;

use crate::data;
use crate::support::{Account, mapped};

/// Property of the contact, column of the model.
const MAPPED: [(&str, &str); 12] = [
    ("shop_id", "id"),
    ("email", "email"),
    ("firstname", "first_name"),
    ("lastname", "last_name"),
    ("company", "company"),
    ("city", "city"),
    ("country", "country"),
    ("phone", "phone"),
    ("score", "score"),
    ("orders", "orders"),
    ("signed_up", "signed_up"),
    ("seen_at", "seen_at"),
];

/// An account without limits that has the properties.
pub(crate) fn account() -> Account {
    let account = Account::start("unlimited", 0);
    let property = |name: &str, kind: &str, field: &str| json!({"name": name, "label": name, "type": kind, "fieldType": field, "groupName": "contactinformation"});
    let document = json!({"properties": {"contacts": [
        property("shop_id", "number", "number"),
        property("score", "number", "number"),
        property("orders", "number", "number"),
        property("signed_up", "datetime", "date"),
        property("seen_at", "datetime", "date"),
    ]}});
    account.control("POST", "load", &document.to_string());
    account
}

pub(crate) fn job(rows: u64) -> SyncJob {
    SyncJob {
        sync: ObjectSync {
            map: MAPPED.map(|(property, column)| mapped(property, column)).to_vec(),
            ..ObjectSync::new("customers", "contacts", Match::new("email", "email"))
        },
        model: Model {
            name: "customers".to_owned(),
            source: "files".to_owned(),
            query: ModelQuery::Table("customers".to_owned()),
            primary_key: vec!["id".to_owned()],
            at: Location::default(),
        },
        source: SourceSpec::Files { root: data::source(rows) },
    }
}
