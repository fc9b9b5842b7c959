//! Owns the judging and storing of one record's write, whatever operation it came by: values, uniqueness, required
//! properties, rules, pipelines.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::account::{Account, ObjectType, TypeAt};
use crate::answers::{Invalid, Refusal};
use crate::clock::iso;
use crate::contact_emails;
use crate::input::Properties;
use crate::record::{PropertyAt, Record};
use crate::required;
use crate::route::Version;
use crate::validations;
use crate::values::{self, Facts};

/// One property's new value; `None` clears.
#[derive(Debug)]
pub(crate) struct Change<'a> {
    pub(crate) at: PropertyAt,
    pub(crate) value: Option<Cow<'a, str>>,
    /// What was sent, when 2026-09 reports that it was normalised.
    pub(crate) normalized_from: Option<&'a str>,
}

/// Why a write of one record is refused.
#[derive(Debug)]
pub(crate) enum Flaw {
    Values(Vec<Invalid>),
    /// Another contact, named when it is known, has the e-mail.
    EmailTaken(Option<u64>),
    Refused(Refusal),
}

impl Flaw {
    pub(crate) fn refusal(self, account: &Account) -> Refusal {
        match self {
            Flaw::Values(invalid) => Refusal::invalid_values(account.portal_id, &invalid),
            Flaw::EmailTaken(Some(id)) => {
                Refusal::new(409, "CONFLICT", format!("Contact already exists. Existing ID: {id}"))
            }
            Flaw::EmailTaken(None) => Refusal::new(409, "CONFLICT", "Contact already exists"),
            Flaw::Refused(refusal) => refusal,
        }
    }
}

/// Unique values that earlier inputs of an all-or-nothing batch have claimed.
pub(crate) type Claims = HashSet<(PropertyAt, String)>;

/// What one write is: against which record, with which API version and at what time.
pub(crate) struct Writing {
    pub(crate) type_at: TypeAt,
    /// `None` creates.
    pub(crate) existing: Option<u64>,
    pub(crate) version: Version,
    pub(crate) now_ms: i64,
}

/// Judges every property sent; nothing is stored. `key` is the id property and value of an upsert that creates.
pub(crate) fn judge<'a>(
    account: &Account,
    writing: &Writing,
    key: Option<(PropertyAt, &'a str)>,
    properties: &'a Properties<'a>,
    claims: Option<&mut Claims>,
) -> Result<Vec<Change<'a>>, Flaw> {
    let object_type = &account.types[writing.type_at];
    let record = writing.existing.and_then(|id| object_type.records.get(&id));
    let mut changes: Vec<Change<'a>> = Vec::with_capacity(properties.0.len() + 2);
    let mut invalid = Vec::new();
    if let Some((at, raw)) = key {
        match value(account, writing, record, at, raw) {
            Ok(change) => changes.push(change),
            Err(one) => invalid.push(one),
        }
    }
    for (name, raw) in &properties.0 {
        let name = name.as_str();
        let Some(at) = object_type.defined(name) else {
            let message = format!("Property \"{name}\" does not exist");
            invalid.push(Invalid { name: name.to_owned(), code: "PROPERTY_DOESNT_EXIST", message });
            continue;
        };
        if object_type.property(at).read_only_value {
            let message = format!("\"{name}\" is a calculated property; its value cannot be set.");
            invalid.push(Invalid { name: name.to_owned(), code: "READ_ONLY_VALUE", message });
            continue;
        }
        let Some(raw) = raw else { continue };
        let change = if raw.as_str().is_empty() {
            Ok(Change { at, value: None, normalized_from: None })
        } else {
            value(account, writing, record, at, raw.as_str())
        };
        match change {
            Ok(change) if goes_back(object_type, record, &change) => {}
            Ok(change) => {
                changes.retain(|earlier| earlier.at != at);
                changes.push(change);
            }
            Err(one) => invalid.push(one),
        }
    }
    if invalid.is_empty() {
        contact_emails::arrange(account, object_type, record, &mut changes).map_err(|one| Flaw::Values(vec![one]))?;
        stage_and_pipeline(account, writing, record, &mut changes).map_err(|one| Flaw::Values(vec![one]))?;
    }
    if !invalid.is_empty() {
        return Err(Flaw::Values(invalid));
    }
    unique(account, writing, &changes, claims)?;
    required::check(object_type, writing, record, &changes)?;
    Ok(changes)
}

fn value<'a>(
    account: &Account,
    writing: &Writing,
    record: Option<&Record>,
    at: PropertyAt,
    raw: &'a str,
) -> Result<Change<'a>, Invalid> {
    let object_type = &account.types[writing.type_at];
    let facts = Facts {
        owners: &account.owners,
        pipelines: &object_type.pipelines,
        pipeline_role: match object_type.stage {
            Some((pipeline, _)) if pipeline == at => 1,
            Some((_, stage)) if stage == at => 2,
            _ => 0,
        },
        is_email: object_type.email == Some(at),
        held: record.and_then(|record| record.get(at)),
        normalizes: writing.version.enforces(),
        now_ms: writing.now_ms,
    };
    let kept = values::check(object_type.property(at), raw, &facts)?;
    if !object_type.property(at).validations.is_empty() {
        validations::check(object_type.property(at), &kept.value, writing.now_ms)?;
    }
    Ok(Change { at, value: Some(kept.value), normalized_from: kept.normalized.then_some(raw) })
}

/// `lifecyclestage` moves forward only, unless it was cleared first `[DOC-CONTACTS]`. A backward write is silently not
/// applied: the sources disagree, and this is the reading that a caller cannot notice without reading back.
fn goes_back(object_type: &ObjectType, record: Option<&Record>, change: &Change<'_>) -> bool {
    if object_type.lifecyclestage != Some(change.at) {
        return false;
    }
    let (Some(new), Some(held)) = (change.value.as_deref(), record.and_then(|record| record.get(change.at))) else {
        return false;
    };
    let options = &object_type.property(change.at).options;
    let place = |value: &str| options.iter().position(|choice| choice.value == value);
    place(new) < place(held)
}

/// A stage names its pipeline; both sent must agree (api.md 6.2). A move to a closed deal stage sets `closedate` to now `[DOC-DEALS]`.
fn stage_and_pipeline<'a>(
    account: &Account,
    writing: &Writing,
    record: Option<&Record>,
    changes: &mut Vec<Change<'a>>,
) -> Result<(), Invalid> {
    let object_type = &account.types[writing.type_at];
    let Some((pipeline_at, stage_at)) = object_type.stage else {
        return Ok(());
    };
    let sent =
        |at: PropertyAt| changes.iter().find(|change| change.at == at).and_then(|change| change.value.as_deref());
    let Some(stage) = sent(stage_at) else {
        begin_in_first_stage(object_type, record, (pipeline_at, stage_at), changes);
        return Ok(());
    };
    let Some(pipeline) = object_type.pipelines.iter().find(|pipeline| match sent(pipeline_at) {
        Some(id) => pipeline.id == id,
        None => pipeline.stages.iter().any(|other| other.id == stage),
    }) else {
        return Ok(());
    };
    let Some(found) = pipeline.stages.iter().find(|other| other.id == stage) else {
        let name = object_type.property(stage_at).name.clone();
        let message = format!("{stage} is not a stage of the pipeline {}", pipeline.id);
        return Err(Invalid { name, code: "INVALID_OPTION", message });
    };
    let closes = found.is_closed() && record.is_some_and(|record| record.get(stage_at) != Some(stage));
    let derived = sent(pipeline_at).is_none().then(|| pipeline.id.clone());
    if let Some(id) = derived {
        changes.push(Change { at: pipeline_at, value: Some(Cow::Owned(id)), normalized_from: None });
    }
    if closes
        && object_type.id == "0-3"
        && let Some(at) = object_type.defined("closedate")
    {
        changes.retain(|change| change.at != at);
        changes.push(Change { at, value: Some(Cow::Owned(iso(writing.now_ms))), normalized_from: None });
    }
    Ok(())
}

/// A record of a type that does not ask for a stage begins in the first one of its pipeline `[DOC-OBJ]`.
fn begin_in_first_stage(
    object_type: &ObjectType,
    record: Option<&Record>,
    (pipeline_at, stage_at): (PropertyAt, PropertyAt),
    changes: &mut Vec<Change<'_>>,
) {
    let asks = object_type
        .standard
        .is_some_and(|standard| standard.required.iter().any(|name| object_type.defined(name) == Some(stage_at)));
    if record.is_some() || asks {
        return;
    }
    let named = changes.iter().find(|change| change.at == pipeline_at).and_then(|change| change.value.as_deref());
    let pipeline = match named {
        Some(id) => object_type.pipelines.iter().find(|pipeline| pipeline.id == id),
        None => object_type.pipelines.first(),
    };
    if let Some(pipeline) = pipeline
        && let Some(stage) = pipeline.stages.first()
    {
        let values = [(pipeline_at, pipeline.id.clone()), (stage_at, stage.id.clone())];
        for (at, value) in values {
            changes.retain(|change| change.at != at);
            changes.push(Change { at, value: Some(Cow::Owned(value)), normalized_from: None });
        }
    }
}

fn unique(
    account: &Account,
    writing: &Writing,
    changes: &[Change<'_>],
    mut claims: Option<&mut Claims>,
) -> Result<(), Flaw> {
    let object_type = &account.types[writing.type_at];
    let mut wanted: Vec<(PropertyAt, PropertyAt, &str)> = Vec::new();
    for change in changes {
        match (change.value.as_deref(), object_type.email) {
            // a secondary address is a key as the primary one is
            (Some(joined), Some(email)) if object_type.additional_emails == Some(change.at) => {
                wanted.extend(joined.split(';').map(|one| (change.at, email, one)));
            }
            (Some(value), _) if object_type.is_unique(change.at) => wanted.push((change.at, change.at, value)),
            _ => {}
        }
    }
    for (at, key, value) in wanted {
        let is_email = object_type.email == Some(at);
        let holder = object_type.holder(key, value).filter(|holder| Some(*holder) != writing.existing);
        let claimed = match &mut claims {
            Some(claims) => !claims.insert((key, value.to_owned())),
            None => false,
        };
        match (holder, writing.existing) {
            (Some(holder), None) if is_email => return Err(Flaw::EmailTaken(Some(holder))),
            (None, None) if is_email && claimed => return Err(Flaw::EmailTaken(None)),
            (None, _) if !claimed => {}
            (holder, existing) => {
                let name = &object_type.property(at).name;
                let coordinates = format!(
                    "Cannot set PropertyValueCoordinates{{portalId={}, objectTypeId={}, propertyName={name}, value={value}}} on {}. {} already has that value.",
                    account.portal_id,
                    type_words(object_type),
                    existing.map_or_else(|| "null".to_owned(), |id| id.to_string()),
                    holder.map_or_else(|| "another record of this request".to_owned(), |id| id.to_string()),
                );
                if existing.is_some() {
                    return Err(Flaw::Refused(Refusal::validation(coordinates)));
                }
                return Err(Flaw::Values(vec![Invalid {
                    name: name.clone(),
                    code: "CONFLICTING_UNIQUE_VALUE",
                    message: coordinates,
                }]));
            }
        }
    }
    Ok(())
}

fn type_words(object_type: &ObjectType) -> String {
    match &object_type.schema {
        Some(_) => object_type.id.clone(),
        None => format!("ObjectTypeId{{legacyObjectType={}}}", object_type.shouted()),
    }
}

/// Stores judged changes; answers with the record's id and the properties that changed.
pub(crate) fn store(account: &mut Account, writing: &Writing, changes: &[Change<'_>]) -> u64 {
    let visible = account.visible_at_ms(writing.now_ms);
    let id = match writing.existing {
        Some(id) => {
            if let Some(record) = account.types[writing.type_at].records.get_mut(&id) {
                record.keep_version(writing.now_ms, visible);
            }
            id
        }
        None => {
            let id = account.new_record_id();
            crate::auto_company::created(account, writing.type_at, id);
            let object_type = &mut account.types[writing.type_at];
            object_type.records.insert(id, Record::new(writing.now_ms, visible));
            // a contact begins as a lead `[LIVE-AMP]`
            if let (Some(stage), "0-1") = (object_type.lifecyclestage, &*object_type.id)
                && !changes.iter().any(|change| change.at == stage)
            {
                object_type.write(id, stage, Some("lead"));
            }
            id
        }
    };
    let object_type = &mut account.types[writing.type_at];
    for change in changes {
        object_type.write(id, change.at, change.value.as_deref());
    }
    id
}
