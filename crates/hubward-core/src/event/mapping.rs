//! An event sync compiled against the account's definitions and the model's columns: from a row to one occurrence.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::Schema;
use xxhash_rust::xxh3::xxh3_128;

use super::names::{Catalogue, EventDef, Meaning, SubjectType};
use super::subject::{Subject, SubjectRule};
use super::time::occurred_at;
use super::{PROPERTIES_MAX, URL_CHARS_MAX, VALUE_CHARS_MAX};
use crate::convert::{ConvertContext, Converted, MAX_TEXT_UTF16, convert, keeps_text, quoted};
use crate::mapping::{ColumnRef, Compiler, Found, MappingProblem, Row, Source};
use crate::row::value_text;
use crate::spec::{Conversion, EventName, EventSubject, EventSync, Location};
use crate::suggest::nearest;
use crate::{PropertyDef, Reason, Value};

/// How many names a problem lists.
const MAX_LISTED: usize = 5;

/// A compiled event sync.
#[derive(Debug)]
pub struct EventMapping {
    definitions: Vec<EventDef>,
    name: NameRule,
    subject: SubjectRule,
    subject_type: SubjectType,
    occurred_at: Option<ColumnRef>,
    entries: Vec<MappedProperty>,
    columns: Vec<String>,
    signature: String,
}

#[derive(Debug)]
enum NameRule {
    Fixed(usize),
    Column(ColumnRef, Catalogue),
}

#[derive(Debug)]
struct MappedProperty {
    name: Arc<str>,
    conversion: Conversion,
    source: Source,
    /// Its definition in each event, by the event's position; none where the event has no such property.
    definitions: Vec<Option<PropertyDef>>,
    /// Characters that a value may have.
    chars_max: usize,
}

/// What a row would send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappedEvent {
    /// Fully qualified.
    pub event: Arc<str>,
    pub object_id: Option<String>,
    pub email: Option<String>,
    pub utk: Option<String>,
    /// None: the time of arrival.
    pub occurred_at: Option<String>,
    /// Sorted by property. A property without a value is left out.
    pub properties: Vec<(Arc<str>, String)>,
}

impl EventMapping {
    /// The columns that the sync reads beside the primary key, sorted; needs no account.
    ///
    /// # Errors
    /// Every unknown column and every template that does not parse.
    pub fn columns_of(sync: &EventSync, schema: &Schema) -> Result<Vec<String>, Vec<MappingProblem>> {
        let mut compiler = Compiler::of_columns(schema);
        if let EventName::Column { column, at } = &sync.event {
            compiler.column(column, at);
        }
        subject(&mut compiler, sync);
        if let Some(column) = &sync.occurred_at {
            compiler.column(column, &sync.at);
        }
        for entry in &sync.map {
            compiler.source(entry, None);
        }
        if compiler.problems.is_empty() { Ok(sorted(compiler.columns)) } else { Err(compiler.problems) }
    }

    /// Compiles a sync. `definitions` are the account's, `subject_type` is the type that the sync's subject names.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its place and a suggestion: unknown columns, an event that the account does
    /// not have or that is not of the subject's type, properties that it does not have, constants that do not fit.
    pub fn compile(
        sync: &EventSync,
        definitions: Vec<EventDef>,
        subject_type: SubjectType,
        schema: &Schema,
    ) -> Result<Self, Vec<MappingProblem>> {
        let mut compiler = Compiler::of_columns(schema);
        let catalogue = Catalogue::new(&definitions);
        let mut fixed = None;
        let mut name = None;
        match &sync.event {
            EventName::Name { name: wanted, at } => match named(&catalogue, &definitions, &subject_type, wanted) {
                Ok(index) => {
                    fixed = Some(&definitions[index]);
                    name = Some(NameRule::Fixed(index));
                }
                Err(refusal) => compiler.problems.push(refusal.problem(at)),
            },
            EventName::Column { column, at } => {
                name = compiler.column(column, at).map(|column| NameRule::Column(column, catalogue));
            }
        }
        let subject = subject(&mut compiler, sync);
        let occurred_at = sync.occurred_at.as_ref().and_then(|column| compiler.column(column, &sync.at));
        // Without its definition nothing can be said of a fixed event's properties.
        let judged = fixed.is_some() || matches!(sync.event, EventName::Column { .. });
        let mut entries: Vec<MappedProperty> = Vec::with_capacity(sync.map.len());
        for entry in &sync.map {
            let of = |definition: &EventDef| definition.properties.iter().find(|p| p.name == entry.property).cloned();
            // A constant is checked at once where it is known what for.
            let source = compiler.source(entry, fixed.and_then(of).as_ref());
            let found: Vec<Option<PropertyDef>> = match fixed {
                Some(fixed) => {
                    definitions.iter().map(|one| if std::ptr::eq(one, fixed) { of(one) } else { None }).collect()
                }
                None => definitions.iter().map(|one| if subject_type.fits(one) { of(one) } else { None }).collect(),
            };
            if judged && found.iter().all(Option::is_none) {
                compiler.problems.push(unknown_property(&entry.property, fixed, &definitions, &entry.at));
            }
            if entries.iter().any(|other| *other.name == *entry.property) {
                compiler.problems.push(MappingProblem::new(
                    &entry.at,
                    "duplicate-property",
                    format!("{} is mapped twice", entry.property),
                    "keep one of the entries".to_owned(),
                ));
            }
            if let Some(source) = source {
                entries.push(MappedProperty {
                    name: Arc::from(entry.property.as_str()),
                    conversion: entry.conversion,
                    source,
                    definitions: found,
                    chars_max: chars_max(&entry.property),
                });
            }
        }
        entries.sort_by(|left, right| left.name.cmp(&right.name));
        match (name, subject) {
            (Some(name), Some(subject)) if compiler.problems.is_empty() => Ok(Self {
                signature: signature(sync, fixed),
                columns: sorted(compiler.columns),
                definitions,
                name,
                subject,
                subject_type,
                occurred_at,
                entries,
            }),
            _ => Err(compiler.problems),
        }
    }

    /// The columns that the sync reads beside the primary key, sorted.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Text that changes when a row may become another occurrence.
    #[must_use]
    pub fn signature(&self) -> &str {
        &self.signature
    }

    /// The one event of every row; `None` where a column names it.
    #[must_use]
    pub fn event(&self) -> Option<&EventDef> {
        match &self.name {
            NameRule::Fixed(index) => self.definitions.get(*index),
            NameRule::Column(..) => None,
        }
    }

    /// Maps one row of a batch.
    ///
    /// # Errors
    /// Every reason why the row cannot be sent, each with its property and value.
    ///
    /// # Panics
    /// If the batch lacks a column that the schema given to [`EventMapping::compile`] had, or has no such row.
    pub fn row(&self, batch: &RecordBatch, row: usize, ctx: &ConvertContext<'_>) -> Result<MappedEvent, Vec<Reason>> {
        let from = Row::new(batch, row);
        let mut reasons = Vec::new();
        let event = match &self.name {
            NameRule::Fixed(index) => Some(*index),
            NameRule::Column(column, catalogue) => {
                self.named_by(&from, column, catalogue).map_err(|reason| reasons.push(reason)).ok()
            }
        };
        let subject = self.subject.read(&from).map_err(|reason| reasons.push(reason)).unwrap_or_default();
        let occurred_at = self.occurred_at.as_ref().and_then(|column| {
            let at = from.column_value(column).map_err(|reason| reason.on("occurredAt", None));
            at.and_then(|value| occurred_at(&value)).unwrap_or_else(|reason| {
                reasons.push(reason);
                None
            })
        });
        let mut properties = Vec::with_capacity(self.entries.len());
        // Which properties there are hangs on the event.
        if let Some(event) = event {
            for entry in &self.entries {
                match self.property(entry, event, &from, ctx) {
                    Ok(None) => {}
                    Ok(Some(text)) => properties.push((Arc::clone(&entry.name), text)),
                    Err(reason) => reasons.push(reason),
                }
            }
        }
        if properties.len() > PROPERTIES_MAX {
            reasons.push(Reason::new(
                "TOO_MANY_PROPERTIES",
                format!("{} properties have a value, and an occurrence takes {PROPERTIES_MAX}", properties.len()),
            ));
        }
        match event {
            Some(event) if reasons.is_empty() => {
                let Subject { object_id, email, utk } = subject;
                let event = Arc::clone(&self.definitions[event].full_name);
                Ok(MappedEvent { event, object_id, email, utk, occurred_at, properties })
            }
            _ => Err(reasons),
        }
    }

    fn named_by(&self, row: &Row<'_>, column: &ColumnRef, catalogue: &Catalogue) -> Result<usize, Reason> {
        let value = row.column_value(column)?;
        let name = match &value {
            Value::Text(text) => text.as_str(),
            Value::Null => "",
            other => &value_text(other),
        };
        if name.trim().is_empty() {
            let text = format!("column {} is empty: it is not said which event this is", column.name());
            return Err(Reason::new("MISSING_EVENT", text).on("eventName", None));
        }
        named(catalogue, &self.definitions, &self.subject_type, name).map_err(|refusal| refusal.reason(quoted(&value)))
    }

    /// The text of one property; `None` where the row has no value for it.
    fn property(
        &self,
        entry: &MappedProperty,
        event: usize,
        row: &Row<'_>,
        ctx: &ConvertContext<'_>,
    ) -> Result<Option<String>, Reason> {
        let value = entry.source.value(row).map_err(|reason| reason.on(&entry.name, None))?;
        if value.as_value().is_null() {
            return Ok(None);
        }
        let Some(definition) = &entry.definitions[event] else {
            let event = &self.definitions[event];
            let text = format!("event {:?} has no property {}; leave it NULL for this event", event.label, entry.name);
            return Err(Reason::new("PROPERTY_DOESNT_EXIST", text).on(&entry.name, Some(quoted(value.as_value()))));
        };
        let value = match value {
            // Most columns are texts, and go as they are.
            Found::Own(Value::Text(text))
                if text.len() <= entry.chars_max.min(MAX_TEXT_UTF16) && keeps_text(definition, entry.conversion) =>
            {
                return Ok(Some(text).filter(|text| !text.is_empty()));
            }
            value => value,
        };
        let value = value.as_value();
        match convert(value, definition, entry.conversion, ctx)? {
            Converted::Null => Ok(None),
            // There is nothing that the empty text could clear.
            Converted::Text(text) if text.is_empty() => Ok(None),
            Converted::Text(text) => {
                if text.len() > entry.chars_max {
                    let chars = text.chars().count();
                    if chars > entry.chars_max {
                        let most = entry.chars_max;
                        let reason = format!(
                            "the text has {chars} characters, HubSpot takes at most {most} here: shorten it in the model"
                        );
                        return Err(Reason::new("VALUE_TOO_LONG", reason).on(&entry.name, Some(quoted(value))));
                    }
                }
                Ok(Some(text))
            }
        }
    }
}

/// Why a name is no event of the sync.
struct Refusal {
    problem: &'static str,
    reason: &'static str,
    text: String,
    help: String,
}

impl Refusal {
    fn problem(self, at: &Location) -> MappingProblem {
        MappingProblem::new(at, self.problem, self.text, self.help)
    }

    fn reason(self, name: String) -> Reason {
        let text = if self.help.is_empty() { self.text } else { format!("{}; {}", self.text, self.help) };
        Reason::new(self.reason, text).on("eventName", Some(name))
    }
}

fn named(
    catalogue: &Catalogue,
    definitions: &[EventDef],
    subject_type: &SubjectType,
    name: &str,
) -> Result<usize, Refusal> {
    match catalogue.find(name) {
        Meaning::One(index) if subject_type.fits(&definitions[index]) => Ok(index),
        Meaning::One(index) => Err(Refusal {
            problem: "event-object",
            reason: "EVENT_OBJECT",
            text: format!(
                "event {:?} is one of {} records, and the sync names {}",
                definitions[index].label, definitions[index].primary_object, subject_type.name
            ),
            help: "use `contact:` for events of contacts and `record:` with its object type for others".to_owned(),
        }),
        Meaning::Several(indices) => {
            let names: Vec<&str> =
                indices.iter().take(MAX_LISTED).map(|i| definitions[*i].full_name.as_ref()).collect();
            Err(Refusal {
                problem: "ambiguous-event",
                reason: "AMBIGUOUS_EVENT",
                text: format!("{name:?} is the label of {} events", indices.len()),
                help: format!("use one of their names: {}", names.join(", ")),
            })
        }
        Meaning::Nothing => {
            let make = "`hubward apply-schema` makes an event that the project declares";
            let help = match catalogue.near(name) {
                Some(near) => format!("did you mean {near:?}? {make}"),
                None => make.to_owned(),
            };
            Err(Refusal {
                problem: "unknown-event",
                reason: "UNKNOWN_EVENT",
                text: format!("the account has no event {name:?}"),
                help,
            })
        }
    }
}

fn subject(compiler: &mut Compiler<'_>, sync: &EventSync) -> Option<SubjectRule> {
    match &sync.subject {
        EventSubject::Record { column, at, .. } => compiler.column(column, at).map(SubjectRule::Record),
        EventSubject::Contact { keys } => {
            let mut found = Vec::with_capacity(keys.len());
            for key in keys {
                found.push((key.by, compiler.column(&key.column, &key.at)?));
            }
            Some(SubjectRule::Contact(found))
        }
    }
}

fn unknown_property(name: &str, event: Option<&EventDef>, all: &[EventDef], at: &Location) -> MappingProblem {
    let known: Vec<&PropertyDef> = match event {
        Some(event) => event.properties.iter().collect(),
        None => all.iter().flat_map(|event| &event.properties).collect(),
    };
    let of = event.map_or_else(|| "no event of the account".to_owned(), |event| format!("event {:?}", event.label));
    let text = match event {
        Some(_) => format!("{of} has no property {name}"),
        None => format!("{of} has a property {name}"),
    };
    let make = "`hubward apply-schema` makes a property that the project declares";
    let help = if let Some(property) = known.iter().find(|property| property.label == name) {
        format!("that is a label; the internal name is {}", property.name)
    } else {
        match nearest(name, known.iter().map(|property| property.name.as_str())) {
            Some(near) => format!("did you mean {near}? {make}"),
            None => make.to_owned(),
        }
    };
    MappingProblem::new(at, "unknown-property", text, help)
}

/// Which of the default properties are addresses is not listed; a name that speaks of one is given the larger limit, and
/// what HubSpot takes for too long all the same it refuses with the row rejected.
fn chars_max(property: &str) -> usize {
    let folded = property.to_lowercase();
    if ["url", "referrer", "href"].iter().any(|part| folded.contains(part)) { URL_CHARS_MAX } else { VALUE_CHARS_MAX }
}

fn sorted(mut columns: Vec<String>) -> Vec<String> {
    columns.sort_unstable();
    columns.dedup();
    columns
}

fn signature(sync: &EventSync, fixed: Option<&EventDef>) -> String {
    let mut text = match (&sync.event, fixed) {
        (_, Some(event)) => format!("event {}\n", event.full_name),
        (EventName::Column { column, .. }, None) => format!("event column {column:?}\n"),
        (EventName::Name { name, .. }, None) => format!("event {name:?}\n"),
    };
    match &sync.subject {
        EventSubject::Contact { keys } => {
            for key in keys {
                text.push_str(&format!("contact {:?} {:?}\n", key.by, key.column));
            }
        }
        EventSubject::Record { object, column, .. } => text.push_str(&format!("record {object:?} {column:?}\n")),
    }
    text.push_str(&format!("at {:?}\n", sync.occurred_at));
    let mut entries: Vec<String> = sync
        .map
        .iter()
        .map(|entry| format!("{:?} {:?} {:?}\n", entry.property, entry.source, entry.conversion))
        .collect();
    entries.sort_unstable();
    text.extend(entries);
    format!("e1:{:032x}", xxh3_128(text.as_bytes()))
}
