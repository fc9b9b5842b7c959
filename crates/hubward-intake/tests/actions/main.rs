//! What mappings make of events.

mod checking;
mod company;
mod contact;
mod custom_object;
mod defaults;
mod events;
mod merging;
mod object;

use hubward_core::spec::{Action, Location, MappingFinding, MappingPlace, MappingSpec, SyncMode};
use hubward_intake::actions::{
    ActiveMapping, EventIntent, Intent, ReceivedEvent, RecordIntent, Refusal, Verdict, Wishes, check,
};
use serde_json::{Value, json};

pub(crate) fn spec(action: Action, fields: Value) -> MappingSpec {
    MappingSpec {
        name: "m".to_owned(),
        action,
        enabled: true,
        sources: None,
        trigger: action.default_trigger().is_none().then(|| "type != \"never\"".to_owned()),
        sync_mode: None,
        fields,
        at: Location::default(),
    }
}

pub(crate) fn with_mode(mode: SyncMode, spec: MappingSpec) -> MappingSpec {
    MappingSpec { sync_mode: Some(mode), ..spec }
}

pub(crate) fn verdict(spec: &MappingSpec, event: &Value) -> Verdict {
    let mapping = ActiveMapping::new(spec, Some(1)).unwrap_or_else(|found| panic!("{found:#?}"));
    mapping.decide(&ReceivedEvent::new(event).expect("an event"))
}

pub(crate) fn asked(spec: &MappingSpec, event: &Value) -> Intent {
    match verdict(spec, event) {
        Verdict::Asks(intent) => intent,
        other => panic!("{other:#?}"),
    }
}

pub(crate) fn record(spec: &MappingSpec, event: &Value) -> RecordIntent {
    match asked(spec, event) {
        Intent::Record(record) => *record,
        Intent::Event(event) => panic!("{event:#?}"),
    }
}

pub(crate) fn occurrence(spec: &MappingSpec, event: &Value) -> EventIntent {
    match asked(spec, event) {
        Intent::Event(event) => *event,
        Intent::Record(record) => panic!("{record:#?}"),
    }
}

pub(crate) fn refused(spec: &MappingSpec, event: &Value) -> Vec<Refusal> {
    match verdict(spec, event) {
        Verdict::Refused(refusals) => refusals,
        other => panic!("{other:#?}"),
    }
}

/// `CODE field` of every refusal.
pub(crate) fn refusals(spec: &MappingSpec, event: &Value) -> Vec<String> {
    refused(spec, event).iter().map(|refusal| format!("{} {}", refusal.code, refusal.field)).collect()
}

pub(crate) fn values(wishes: &Wishes) -> Value {
    wishes.iter().map(|(name, wish)| (name.clone(), wish.value.clone())).collect::<serde_json::Map<_, _>>().into()
}

pub(crate) fn warnings(intent: &RecordIntent) -> Vec<String> {
    intent.warnings.iter().map(ToString::to_string).collect()
}

/// `code place` of everything that a check finds.
pub(crate) fn found(spec: &MappingSpec) -> Vec<String> {
    check(spec).iter().map(told).collect()
}

fn told(finding: &MappingFinding) -> String {
    let place = match &finding.at {
        MappingPlace::Mapping => "mapping".to_owned(),
        MappingPlace::Key(path) => format!("key {path}"),
        MappingPlace::Value(path) => format!("value {path}"),
        MappingPlace::Trigger { line, column } => format!("trigger {line}:{column}"),
    };
    format!("{}{} {place}", if finding.is_error { "" } else { "(warning) " }, finding.code)
}

pub(crate) fn path(path: &str) -> Value {
    json!({ "@path": format!("$.{path}") })
}
