//! Custom Object V2: a record of any type by a unique property, with associations, dissociations and a list.

use hubward_core::spec::SyncMode;

use super::find::{RECORD_ID, by_property, has_stage, is_contact};
use super::intent::{Find, Intent, Link, ListWish, OnFound, OnMissing, RecordIntent, Refusal, User, Warning};
use super::names::kind;
use super::payload::{Payload, flag, shown};
use super::upsert_contact::STAGE;
use super::upsert_custom_object::label_refusal;
use super::wishes::{Form, SpeltOut, found, without_key};

/// Classes of Engage computations that stand for an audience.
const AUDIENCE_CLASSES: [&str; 2] = ["audience", "journey_step"];

/// What an entry of `associations` or `dissociations` must have.
const LINK_PARTS: [&str; 4] = ["object_type", "association_label", "id_field_name", "id_field_value"];

pub(super) fn intent(
    payload: &Payload,
    properties: &SpeltOut,
    sensitive: &SpeltOut,
    mode: SyncMode,
    user: User,
) -> Result<Intent, Vec<Refusal>> {
    let details = payload.object("object_details");
    let text = |name: &str| details.text(name).unwrap_or_default().to_owned();
    let (object, key, value) = (text("object_type"), text("id_field_name"), text("id_field_value"));
    let mut refusals = Vec::new();
    let mut warnings = Vec::new();
    let find = match by_property(&object, &key, &value, "object_details.id_field_value") {
        Ok(find) => find,
        Err(refusal) => {
            refusals.push(refusal);
            Find::Id(0)
        }
    };
    if matches!(find, Find::Id(_)) && mode != SyncMode::Update {
        refusals.push(by_id_refusal(mode));
    }
    let mut wishes = [("properties", properties), ("sensitive_properties", sensitive)].map(|(field, spelt_out)| {
        let free = found(payload, field, Form::Normalised, spelt_out);
        warnings.extend(free.warnings);
        refusals.extend(free.impossible.iter().map(|name| name_refusal(field, name)));
        let mut wishes = free.wishes;
        match &find {
            Find::Unique { property, value } => without_key(&mut wishes, field, property, value, &mut warnings),
            _ => without_key(&mut wishes, field, RECORD_ID, &value, &mut warnings),
        }
        wishes
    });
    let [ordinary, hidden] = &mut wishes;
    ordinary.retain(|name, _| !hidden.contains_key(name));
    let create = payload.text("association_sync_mode") == Some("upsert");
    let associations = links(payload, "associations", create, &mut warnings, &mut refusals);
    let dissociations = links(payload, "dissociations", false, &mut warnings, &mut refusals);
    let mut lists = Vec::new();
    match list(payload) {
        Ok(list) => lists.extend(list),
        Err(refusal) => refusals.push(refusal),
    }
    if !refusals.is_empty() {
        return Err(refusals);
    }
    let by_address = is_contact(&object) && matches!(&find, Find::Unique { property, .. } if property == "email");
    let [properties, sensitive] = wishes;
    Ok(Intent::Record(Box::new(RecordIntent {
        on_missing: if mode == SyncMode::Update { OnMissing::Skip } else { OnMissing::Create },
        on_found: if mode == SyncMode::Add { OnFound::Leave } else { OnFound::Update },
        moves_stage: has_stage(&object) && properties.contains_key(STAGE),
        properties,
        sensitive,
        property_group: details.text("property_group").map(str::to_owned),
        associations,
        dissociations,
        lists,
        users: if by_address { vec![user] } else { Vec::new() },
        warnings,
        ..RecordIntent::new(&object, find)
    })))
}

fn links(
    payload: &Payload,
    field: &str,
    create: bool,
    warnings: &mut Vec<Warning>,
    refusals: &mut Vec<Refusal>,
) -> Vec<Link> {
    let mut links: Vec<Link> = Vec::new();
    for (index, link) in payload.list(field).into_iter().enumerate() {
        let parts = LINK_PARTS.map(|name| link.text(name));
        let [Some(object), Some(label), Some(key), Some(value)] = parts else {
            let missing: Vec<&str> =
                LINK_PARTS.iter().zip(&parts).filter(|(_, part)| part.is_none()).map(|(name, _)| *name).collect();
            let message = format!("left out, for the event has no value for {}", missing.join(", "));
            warnings.push(Warning { field: format!("{field}.{index}"), message });
            continue;
        };
        let Some(kind) = kind(label) else {
            refusals.push(label_refusal(&format!("{field}.{index}.association_label"), label));
            continue;
        };
        match by_property(object, key, value, &format!("{field}.{index}.id_field_value")) {
            Ok(find) => {
                let create = create && matches!(find, Find::Unique { .. });
                let link = Link { object: object.to_owned(), kind, find, create };
                if !links.contains(&link) {
                    links.push(link);
                }
            }
            Err(refusal) => refusals.push(refusal),
        }
    }
    links
}

/// The list that the record joins or leaves: the one that is named, or that of the Engage audience.
fn list(payload: &Payload) -> Result<Option<ListWish>, Refusal> {
    let details = payload.object("list_details");
    let create = details.flag("should_create_list").unwrap_or(true);
    let refuse = |field: &str, value: Option<String>, message: String| {
        Err(Refusal { code: "INVALID_LIST", field: field.to_owned(), value, message })
    };
    let named = details.text("list_name");
    if details.flag("connected_to_engage_audience") != Some(true) {
        let Some(name) = named else { return Ok(None) };
        let Some(member) = details.flag("list_action") else {
            let message = "the list's action has no value: true puts the record on the list, false takes it off";
            return refuse("list_details.list_action", None, message.to_owned());
        };
        return Ok(Some(ListWish { name: name.to_owned(), member, create }));
    }
    let class = payload.text("computation_class");
    if !class.is_some_and(|class| AUDIENCE_CLASSES.contains(&class)) {
        let message = "the event comes from no Engage audience: its class must be audience or journey_step";
        return refuse("computation_class", class.map(str::to_owned), message.to_owned());
    }
    let Some(key) = payload.text("computation_key") else {
        return refuse("computation_key", None, "the event names no Engage audience".to_owned());
    };
    let told = payload.value("traits_or_props").and_then(|given| given.get(key));
    let Some(member) = told.and_then(flag) else {
        let message = format!(
            "whether the record is in the audience {key} is told by the trait or property of that name, true or false"
        );
        return refuse(&format!("traits_or_props.{key}"), told.map(shown), message);
    };
    Ok(Some(ListWish { name: named.unwrap_or(key).to_owned(), member, create }))
}

/// That a name cannot be one of a property.
pub(super) fn name_refusal(field: &str, name: &str) -> Refusal {
    Refusal {
        code: "INVALID_NAME",
        field: format!("{field}.{name}"),
        value: Some(name.to_owned()),
        message: format!("no property can be called {name:?}: names begin with a letter from a to z"),
    }
}

/// That records cannot be created by their id.
pub(super) fn by_id_refusal(mode: SyncMode) -> Refusal {
    Refusal {
        code: "INVALID_FIELD",
        field: "object_details.id_field_name".to_owned(),
        value: Some(RECORD_ID.to_owned()),
        message: format!(
            "`{RECORD_ID}` finds records but creates none, so it does not go with sync mode {}",
            mode.name()
        ),
    }
}
