//! What HubSpot would refuse, found before it is sent, beyond what the conversion of single values finds: stages and their
//! pipelines, properties that a record cannot be without, an admin's validation rules.

use std::sync::Arc;

use hubward_core::mapping::MappedRow;
use hubward_core::pipeline::stage_properties;
use hubward_core::row::value_text;
use hubward_core::spec::{MapSource, Mode, ObjectSync};
use hubward_core::{Pipeline, Pipelines, PropertyDef, Reason, Required, ValidationRule, Validations};
use hubward_store::{Entry, Ledger};

use crate::analyze::{Judged, Rules};
use crate::check::Problem;
use crate::error::EngineError;
use crate::object_type::ObjectType;
use crate::row::Row;
use crate::run::creates;
use crate::scan::Scan;
use crate::spill::Kind;
use crate::strategy::{MatchKind, Step, find};
use crate::written::Written;

/// Codes of invalid rows that no metadata of the account has a say in.
const WITHOUT_METADATA: [&str; 4] = ["MISSING_MATCH", "INVALID_ID", "TEMPLATE_FAILED", "UNREADABLE_VALUE"];

/// The rules of one object type that go beyond a single value.
#[derive(Clone, Debug, Default)]
pub(crate) struct Preflight {
    pipelines: Option<Pipelines>,
    validations: Validations,
    required: Required,
    creates: bool,
}

impl Preflight {
    pub(crate) fn new(object: &ObjectType, mode: Mode, pipelines: Option<Vec<Pipeline>>) -> Self {
        let names = stage_properties(&object.path);
        let pipelines = names.zip(pipelines).map(|(names, all)| Pipelines::new(names, all));
        let required = Required { all_of: object.required.clone(), ..Required::standard(&object.id) };
        Self { pipelines, required, validations: Validations::default(), creates: creates(mode) }
    }

    /// The same, with the account's validation rules.
    pub(crate) fn with(mut self, rules: &[ValidationRule]) -> Self {
        self.validations = Validations::new(rules);
        self
    }

    /// The definitions to convert values by: what pipelines decide is left to them, whatever options are listed.
    pub(crate) fn properties(&self, properties: Arc<Vec<PropertyDef>>) -> Arc<Vec<PropertyDef>> {
        let Some(pipelines) = &self.pipelines else { return properties };
        let mut changed = properties.as_ref().clone();
        for property in changed.iter_mut().filter(|property| pipelines.decide(&property.name)) {
            property.options.clear();
            property.external_options = true;
        }
        Arc::new(changed)
    }

    /// Judges a mapped row, and puts ids where it has labels.
    pub(crate) fn settle(&self, mapped: &mut MappedRow) -> Result<(), Reason> {
        if let Some(pipelines) = &self.pipelines {
            pipelines.settle(&mut mapped.values)?;
        }
        self.validations.check(&mapped.values)
    }

    /// What is wrong with a pipeline and a stage that the mapping gives as constants; nothing where a row decides.
    pub(crate) fn constant_problem(&self, sync: &ObjectSync) -> Option<Problem> {
        let pipelines = self.pipelines.as_ref()?;
        let mut constants = Vec::new();
        let mut at = None;
        for entry in sync.map.iter().filter(|entry| pipelines.decide(&entry.property)) {
            let MapSource::Value(value) = &entry.source else { return None };
            let text = (!value.is_null()).then(|| value_text(value));
            constants.push((Arc::from(entry.property.as_str()), text));
            at.get_or_insert(&entry.at);
        }
        let reason = pipelines.settle(&mut constants).err()?;
        let guilty = sync.map.iter().find(|entry| Some(&entry.property) == reason.property.as_ref());
        let mut problem = Problem::error(EngineError::new("invalid-value", reason.text), at?);
        problem.help = Some("correct the value; `hubward describe` lists pipelines and stages".to_owned());
        if let Some(entry) = guilty {
            problem.at = entry.at.clone();
        }
        Some(problem)
    }

    /// Whether HubSpot requires this property, so that it cannot be emptied.
    pub(crate) fn requires(&self, property: &str) -> bool {
        self.required.emptied(|name| (name == property).then_some("")).is_some()
    }

    /// What has to go with these properties although the mapping does not name it.
    pub(crate) fn complete(&self, properties: &mut Vec<(Arc<str>, String)>) {
        if let Some(pipelines) = &self.pipelines {
            properties.extend(pipelines.implied(properties));
        }
    }

    /// Why no record can be made of this row, if none can.
    pub(crate) fn lacks(&self, properties: &[(Arc<str>, String)], matched: (&str, &str)) -> Option<Box<Reason>> {
        if !self.creates || self.required.is_empty() {
            return None;
        }
        let sent = |name: &str| value_of(properties, name).or_else(|| (name == matched.0).then_some(matched.1));
        self.required.missing(sent).map(Box::new)
    }
}

fn value_of<'a>(properties: &'a [(Arc<str>, String)], name: &str) -> Option<&'a str> {
    properties.iter().find(|(known, _)| known.as_ref() == name).map(|(_, value)| value.as_str())
}

impl Rules<'_> {
    /// Why this row cannot be written to its record, if it cannot: it would empty what HubSpot requires. `known` is what the
    /// ledger holds of the row.
    pub(crate) fn empties(&self, judged: &Judged, known: Option<&Entry>, written: &Written) -> Option<Reason> {
        let required = &self.preflight.required;
        if required.all_of.is_empty() {
            return None;
        }
        let before: &[u8] = known.map_or(&[], |entry| entry.payload.written.as_slice());
        let wrote = |position: usize| written.has(before, &judged.mapped.values[position].0);
        let properties = judged.mapped.properties_to_send(self.nulls, &wrote);
        required.emptied(|name| value_of(&properties, name))
    }

    /// Whether any row of the scan is invalid by what the account says of itself. Blocking.
    pub(crate) fn doubted(&self, scan: &Scan, ledger: &mut Ledger, written: &Written) -> Result<bool, EngineError> {
        let mut reader = scan.spill.read()?;
        while let Some((batch, marks)) = reader.next_batch()? {
            for (row, mark) in marks.iter().enumerate() {
                if mark.kind == Kind::Keyless || scan.duplicates.contains_key(&mark.key) {
                    continue;
                }
                match self.judge(&batch, row)? {
                    Ok(judged) => {
                        let known = if mark.kind == Kind::Added { None } else { ledger.get(mark.key)? };
                        if self.empties(&judged, known.as_ref(), written).is_some() {
                            return Ok(true);
                        }
                    }
                    Err((_, reason)) if WITHOUT_METADATA.contains(&reason.category.as_deref().unwrap_or_default()) => {}
                    Err(_) => return Ok(true),
                }
            }
        }
        Ok(false)
    }
}

/// A row that lacks what its record would need is looked for first: where it has a record, that can be written.
pub(crate) fn instead_of_creating(step: Step, row: &Row, kind: MatchKind) -> Step {
    match step {
        Step::Upsert | Step::Create if row.lacks.is_some() => find(kind),
        step => step,
    }
}
