//! Pipelines and stages: what they are, and which of them a row means.
//!
//! HubSpot takes ids only (api.md 3.4, 6.2); people write labels. Here a label becomes its id, a stage is looked for in the
//! row's own pipeline, and a pair that does not belong together is refused before HubSpot does it. Reading the account's
//! pipelines is left to the caller.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Reason;
use crate::suggest::nearest;

/// How many pipelines or stages a reason lists.
const MAX_LISTED: usize = 12;

/// A pipeline of an object type; only ids may be written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pipeline {
    pub id: String,
    pub label: String,
    pub archived: bool,
    /// Where it stands among the others; the first is the one that HubSpot takes when none is named.
    pub display_order: i64,
    pub stages: Vec<Stage>,
}

/// A stage of a pipeline.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    pub id: String,
    pub label: String,
    pub archived: bool,
    /// `probability`, `isClosed`, `ticketState`, …
    pub metadata: BTreeMap<String, String>,
}

/// The names of an object type's pipeline and stage properties; none for types whose life-cycle stage is no pipeline that
/// can be written.
#[must_use]
pub fn stage_properties(object: &str) -> Option<(&'static str, &'static str)> {
    match object {
        "deals" => Some(("pipeline", "dealstage")),
        "contacts" | "companies" => None,
        _ => Some(("hs_pipeline", "hs_pipeline_stage")),
    }
}

/// The pipelines of one object type, as rows are judged by them.
#[derive(Clone, Debug)]
pub struct Pipelines {
    pipeline_property: String,
    stage_property: String,
    /// Those in use, the default first.
    all: Vec<Pipeline>,
}

/// Something that has an id and a label.
trait Named {
    fn id(&self) -> &str;
    fn label(&self) -> &str;
}

impl Named for Pipeline {
    fn id(&self) -> &str {
        &self.id
    }
    fn label(&self) -> &str {
        &self.label
    }
}

impl Named for Stage {
    fn id(&self) -> &str {
        &self.id
    }
    fn label(&self) -> &str {
        &self.label
    }
}

/// What a text names among several.
enum Naming<'a, T> {
    One(&'a T),
    Several(Vec<&'a T>),
    None,
}

/// By id; else by label as written; else by label without regard to case and blanks around it.
fn named<'a, T: Named>(among: impl Iterator<Item = &'a T> + Clone, text: &str) -> Naming<'a, T> {
    if let Some(found) = among.clone().find(|one| one.id() == text) {
        return Naming::One(found);
    }
    let wanted = text.trim().to_lowercase();
    let exactly: Vec<&T> = among.clone().filter(|one| one.label() == text).collect();
    let hits = match exactly.is_empty() {
        true => among.filter(|one| one.label().trim().to_lowercase() == wanted).collect(),
        false => exactly,
    };
    match hits.as_slice() {
        [] => Naming::None,
        [one] => Naming::One(one),
        _ => Naming::Several(hits),
    }
}

impl Pipelines {
    /// Of the object type with these two properties; archived pipelines and stages count as gone.
    #[must_use]
    pub fn new(properties: (&str, &str), mut all: Vec<Pipeline>) -> Self {
        all.retain(|pipeline| !pipeline.archived);
        for pipeline in &mut all {
            pipeline.stages.retain(|stage| !stage.archived);
        }
        // HubSpot's own default has a fixed id for deals and tickets (api.md 6.2); elsewhere it is the first.
        let own_default = |pipeline: &Pipeline| !matches!(pipeline.id.as_str(), "default" | "0");
        all.sort_by_key(|pipeline| (own_default(pipeline), pipeline.display_order));
        Self { pipeline_property: properties.0.to_owned(), stage_property: properties.1.to_owned(), all }
    }

    /// Whether this property's values are told by the pipelines, not by its own options.
    #[must_use]
    pub fn decide(&self, property: &str) -> bool {
        property == self.pipeline_property || property == self.stage_property
    }

    /// Puts ids in place of labels, and checks that pipeline and stage belong together. A stage without a pipeline is looked
    /// for in the default pipeline first, by its id in all of them.
    ///
    /// # Errors
    /// `INVALID_OPTION` for a pipeline or stage that there is none of, `STAGE_NOT_IN_PIPELINE` for a pair that does not
    /// belong together, `AMBIGUOUS_LABEL` for a label that several have.
    pub fn settle(&self, values: &mut [(Arc<str>, Option<String>)]) -> Result<(), Reason> {
        let place = |name: &str, values: &[(Arc<str>, Option<String>)]| {
            let at = values.iter().position(|(property, _)| property.as_ref() == name)?;
            let text = values[at].1.clone().filter(|text| !text.is_empty())?;
            Some((at, text))
        };
        let mut pipeline = None;
        if let Some((at, text)) = place(&self.pipeline_property, values) {
            let found = self.pipeline(&text)?;
            values[at].1 = Some(found.id.clone());
            pipeline = Some(found);
        }
        if let Some((at, text)) = place(&self.stage_property, values) {
            let found = match pipeline {
                Some(pipeline) => self.stage_of(pipeline, &text)?,
                None => self.stage(&text)?,
            };
            values[at].1 = Some(found.id.clone());
        }
        Ok(())
    }

    /// The pipeline to be sent with a stage that goes without one, where it is not the default pipeline: some versions of
    /// HubSpot tell it from the stage, others look for the stage in the default pipeline only, and a pair that agrees is
    /// right with both.
    #[must_use]
    pub fn implied(&self, sent: &[(Arc<str>, String)]) -> Option<(Arc<str>, String)> {
        if sent.iter().any(|(name, _)| name.as_ref() == self.pipeline_property) {
            return None;
        }
        let (_, stage) = sent.iter().find(|(name, text)| name.as_ref() == self.stage_property && !text.is_empty())?;
        let holds = |pipeline: &&Pipeline| pipeline.stages.iter().any(|one| one.id == *stage);
        if self.all.first().is_some_and(|default| holds(&default)) {
            return None;
        }
        let holder = self.all.iter().find(holds)?;
        Some((Arc::from(self.pipeline_property.as_str()), holder.id.clone()))
    }

    fn pipeline(&self, text: &str) -> Result<&Pipeline, Reason> {
        match named(self.all.iter(), text) {
            Naming::One(found) => Ok(found),
            Naming::Several(several) => {
                Err(ambiguous("pipelines", text, &several).on(&self.pipeline_property, Some(text.to_owned())))
            }
            Naming::None => {
                let text_of = format!(
                    "{text:?} is no pipeline of this account, by id or by label{}",
                    hint(self.all.iter(), text)
                );
                Err(Reason::new("INVALID_OPTION", text_of).on(&self.pipeline_property, Some(text.to_owned())))
            }
        }
    }

    fn stage_of<'a>(&'a self, pipeline: &'a Pipeline, text: &str) -> Result<&'a Stage, Reason> {
        let at_fault = |reason: Reason| reason.on(&self.stage_property, Some(text.to_owned()));
        match named(pipeline.stages.iter(), text) {
            Naming::One(found) => Ok(found),
            Naming::Several(several) => Err(at_fault(ambiguous("stages", text, &several))),
            Naming::None => {
                let elsewhere = self.all.iter().find(|other| !matches!(named(other.stages.iter(), text), Naming::None));
                let stages = hint(pipeline.stages.iter(), text);
                Err(at_fault(match elsewhere {
                    Some(other) => Reason::new(
                        "STAGE_NOT_IN_PIPELINE",
                        format!(
                            "{text:?} is a stage of the pipeline {:?} ({}), and the row names the pipeline {:?} ({}){stages}",
                            other.label, other.id, pipeline.label, pipeline.id
                        ),
                    ),
                    None => Reason::new(
                        "INVALID_OPTION",
                        format!("{text:?} is no stage of the pipeline {:?} ({}){stages}", pipeline.label, pipeline.id),
                    ),
                }))
            }
        }
    }

    /// A stage of a row that names no pipeline.
    fn stage(&self, text: &str) -> Result<&Stage, Reason> {
        // An id names one stage of all (api.md 6.2); a label only within its pipeline.
        if let Some(found) = self.all.iter().flat_map(|pipeline| &pipeline.stages).find(|stage| stage.id == text) {
            return Ok(found);
        }
        let Some(default) = self.all.first() else {
            let reason = Reason::new("INVALID_OPTION", "the account has no pipeline for this object type");
            return Err(reason.on(&self.stage_property, Some(text.to_owned())));
        };
        self.stage_of(default, text).map_err(|mut reason| {
            if reason.category.as_deref() == Some("STAGE_NOT_IN_PIPELINE") {
                reason.text = format!(
                    "{text:?} is no stage of the default pipeline {:?} ({}), and the row names no other: map {} too, or give the stage's id",
                    default.label, default.id, self.pipeline_property
                );
            }
            reason
        })
    }
}

fn ambiguous<T: Named>(what: &str, text: &str, several: &[&T]) -> Reason {
    let ids: Vec<&str> = several.iter().map(|one| one.id()).collect();
    Reason::new(
        "AMBIGUOUS_LABEL",
        format!("{} {what} have the label {text:?}: give one of the ids {}", ids.len(), ids.join(", ")),
    )
}

fn hint<'a, T: Named + 'a>(among: impl Iterator<Item = &'a T> + Clone, text: &str) -> String {
    let wanted = text.trim();
    if let Some(found) = nearest(wanted, among.clone().flat_map(|one| [one.id(), one.label()])) {
        return format!("; did you mean {found:?}?");
    }
    let mut listed: Vec<String> = among.clone().map(|one| format!("{:?} ({})", one.label(), one.id())).collect();
    let more = listed.len().saturating_sub(MAX_LISTED);
    listed.truncate(MAX_LISTED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("; there are {}{more}", listed.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(id: &str, label: &str) -> Stage {
        Stage { id: id.to_owned(), label: label.to_owned(), ..Stage::default() }
    }

    fn pipelines() -> Pipelines {
        let pipeline = |id: &str, label: &str, display_order, stages| Pipeline {
            id: id.to_owned(),
            label: label.to_owned(),
            archived: false,
            display_order,
            stages,
        };
        let mut old = pipeline("77", "Old", 5, vec![stage("o1", "Open")]);
        old.archived = true;
        Pipelines::new(
            ("pipeline", "dealstage"),
            vec![
                pipeline("900", "Renewals", 0, vec![stage("r1", "Open"), stage("r2", "Closed won")]),
                pipeline("default", "Sales Pipeline", 1, vec![stage("open", "Open"), stage("closedwon", "Closed Won")]),
                pipeline("901", "Twins", 2, vec![stage("t1", "Same"), stage("t2", "Same")]),
                pipeline("902", "Twins", 3, Vec::new()),
                old,
            ],
        )
    }

    fn settle(pipeline: Option<&str>, stage: Option<&str>) -> Result<Vec<Option<String>>, (String, String)> {
        let mut values: Vec<(Arc<str>, Option<String>)> = vec![
            (Arc::from("dealstage"), stage.map(str::to_owned)),
            (Arc::from("pipeline"), pipeline.map(str::to_owned)),
        ];
        match pipelines().settle(&mut values) {
            Ok(()) => Ok(values.into_iter().map(|(_, value)| value).collect()),
            Err(reason) => Err((reason.category.unwrap_or_default(), reason.text)),
        }
    }

    fn pair(stage: &str, pipeline: &str) -> Vec<Option<String>> {
        vec![Some(stage.to_owned()), Some(pipeline.to_owned())]
    }

    #[test]
    fn labels_become_ids_within_the_rows_own_pipeline() {
        assert_eq!(settle(Some("Renewals"), Some("Open")), Ok(pair("r1", "900")));
        assert_eq!(settle(Some("Sales Pipeline"), Some("Open")), Ok(pair("open", "default")));
        assert_eq!(settle(Some(" sales pipeline"), Some("CLOSED WON ")), Ok(pair("closedwon", "default")));
        assert_eq!(settle(Some("900"), Some("r2")), Ok(pair("r2", "900")));
    }

    #[test]
    fn a_stage_without_a_pipeline_is_looked_for_in_the_default_one_and_by_id_in_all() {
        assert_eq!(settle(None, Some("Open")).map(|values| values[0].clone()), Ok(Some("open".to_owned())));
        assert_eq!(settle(None, Some("r2")).map(|values| values[0].clone()), Ok(Some("r2".to_owned())));
        let (code, text) = settle(None, Some("Same")).expect_err("not in the default pipeline");
        assert_eq!(code, "STAGE_NOT_IN_PIPELINE");
        assert!(text.contains("map pipeline too"), "{text}");
    }

    #[test]
    fn what_does_not_belong_together_and_what_there_is_none_of_is_refused() {
        let (code, text) = settle(Some("Renewals"), Some("closedwon")).expect_err("another pipeline's stage");
        assert!(code == "STAGE_NOT_IN_PIPELINE" && text.contains("\"Sales Pipeline\" (default)"), "{text}");
        let (code, text) = settle(Some("Renewal"), Some("r1")).expect_err("no such pipeline");
        assert!(code == "INVALID_OPTION" && text.contains("did you mean \"Renewals\""), "{text}");
        let (code, text) = settle(Some("Renewals"), Some("zzzzzzzz")).expect_err("no such stage");
        assert!(code == "INVALID_OPTION" && text.contains("\"Open\" (r1), \"Closed won\" (r2)"), "{text}");
        assert_eq!(settle(Some("Old"), None).expect_err("archived").0, "INVALID_OPTION");
    }

    #[test]
    fn a_label_of_several_is_refused_with_their_ids() {
        let (code, text) = settle(Some("Twins"), None).expect_err("two pipelines");
        assert!(code == "AMBIGUOUS_LABEL" && text.contains("901, 902"), "{text}");
        let (code, text) = settle(Some("901"), Some("same")).expect_err("two stages");
        assert!(code == "AMBIGUOUS_LABEL" && text.contains("t1, t2"), "{text}");
    }

    #[test]
    fn nothing_and_the_empty_text_name_no_pipeline() {
        assert_eq!(settle(None, None), Ok(vec![None, None]));
        assert_eq!(settle(Some(""), Some("")), Ok(pair("", "")));
    }

    #[test]
    fn a_stage_outside_the_default_pipeline_brings_its_pipeline_along() {
        let sent = |stage: &str| vec![(Arc::from("dealstage"), stage.to_owned())];
        let implied = pipelines().implied(&sent("r1"));
        assert_eq!(implied, Some((Arc::from("pipeline"), "900".to_owned())));
        assert_eq!(pipelines().implied(&sent("open")), None);
        assert_eq!(pipelines().implied(&sent("")), None);
        let mut both = sent("r1");
        both.push((Arc::from("pipeline"), "900".to_owned()));
        assert_eq!(pipelines().implied(&both), None);
    }
}
