//! Checking a mapping against properties and columns; every problem at once.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_schema::Schema;
use xxhash_rust::xxh3::xxh3_128;

use super::problem::MappingProblem;
use super::{ColumnRef, MappedProperty, Mapping, MatchRule, Source};
use crate::PropertyDef;
use crate::convert::{ConvertContext, Owners, convert};
use crate::spec::{Location, MapEntry, MapSource, Match, Mode, Nulls, WriteRule};
use crate::template::{Columns, Template};

impl Mapping {
    /// Compiles `map:` and `match:` of a sync.
    ///
    /// # Errors
    /// Every unknown or read-only property, unknown column, template that does not parse and constant that does not fit its
    /// property, each with its place and a suggestion. Whether the match property is unique is for the caller to ask.
    pub fn compile(
        entries: &[MapEntry],
        match_: &Match,
        mode: Mode,
        nulls: Nulls,
        properties: &[PropertyDef],
        schema: &Schema,
    ) -> Result<Self, Vec<MappingProblem>> {
        let mut compiler = Compiler {
            properties: properties.iter().map(|property| (property.name.as_str(), property)).collect(),
            schema,
            problems: Vec::new(),
            columns: Vec::new(),
        };
        let rule = compiler.match_rule(match_, mode);
        let mut compiled: Vec<MappedProperty> = Vec::new();
        for entry in entries {
            if let Some(property) = compiler.entry(entry) {
                compiled.push(property);
            }
        }
        compiled.sort_by(|left, right| left.name.cmp(&right.name));
        for pair in compiled.windows(2) {
            if pair[0].name == pair[1].name {
                let second = entries.iter().rfind(|entry| entry.property == *pair[1].name);
                compiler.problems.push(MappingProblem::new(
                    second.map_or(&match_.at, |entry| &entry.at),
                    "duplicate-property",
                    format!("{} is mapped twice", pair[1].name),
                    "keep one of the entries".to_owned(),
                ));
            }
        }
        let mut columns = compiler.columns;
        columns.sort_unstable();
        columns.dedup();
        match rule {
            Some(match_) if compiler.problems.is_empty() => {
                let signature = signature(&compiled, &match_, nulls);
                Ok(Self { entries: compiled, match_, columns, signature })
            }
            _ => Err(compiler.problems),
        }
    }
}

impl Mapping {
    /// The columns that a mapping reads, sorted: what [`Mapping::columns`] gives once it is compiled, but without a look at
    /// any property.
    ///
    /// # Errors
    /// Every unknown column and every template that does not parse.
    pub fn columns_of(
        entries: &[MapEntry],
        match_: &Match,
        schema: &Schema,
    ) -> Result<Vec<String>, Vec<MappingProblem>> {
        let mut compiler = Compiler::of_columns(schema);
        compiler.column(&match_.column, &match_.at);
        for entry in entries {
            compiler.source(entry, None);
        }
        if !compiler.problems.is_empty() {
            return Err(compiler.problems);
        }
        let mut columns = compiler.columns;
        columns.sort_unstable();
        columns.dedup();
        Ok(columns)
    }
}

/// Reads columns, templates and constants against a model's schema, and keeps every fault.
pub(crate) struct Compiler<'a> {
    properties: HashMap<&'a str, &'a PropertyDef>,
    schema: &'a Schema,
    pub(crate) problems: Vec<MappingProblem>,
    /// Every column that was asked for.
    pub(crate) columns: Vec<String>,
}

impl<'a> Compiler<'a> {
    /// One that knows the model's columns and no properties.
    pub(crate) fn of_columns(schema: &'a Schema) -> Self {
        Self { properties: HashMap::new(), schema, problems: Vec::new(), columns: Vec::new() }
    }
}

impl Compiler<'_> {
    fn match_rule(&mut self, match_: &Match, mode: Mode) -> Option<MatchRule> {
        let column = self.column(&match_.column, &match_.at);
        if matches!(match_.property.as_str(), "id" | "hs_object_id") {
            if mode != Mode::Update {
                self.problems.push(MappingProblem::new(
                    &match_.at,
                    "match-by-id",
                    "records can be matched by id only in mode update: HubSpot gives the id when it creates the record"
                        .to_owned(),
                    "set `mode: update`, or match by a unique property".to_owned(),
                ));
                return None;
            }
            return column.map(MatchRule::RecordId);
        }
        let property = self.property(&match_.property, &match_.at)?;
        // In mode update the property is only looked up, never written.
        if mode != Mode::Update && !property.is_writable() {
            self.read_only(&property, &match_.at);
            return None;
        }
        column.map(|column| MatchRule::Property(column, property))
    }

    fn entry(&mut self, entry: &MapEntry) -> Option<MappedProperty> {
        let property = self.property(&entry.property, &entry.at);
        let source = self.source(entry, property.as_ref());
        let property = property?;
        if !property.is_writable() {
            self.read_only(&property, &entry.at);
            return None;
        }
        if entry.write == WriteRule::Append && !property.is_multi() {
            self.problems.push(MappingProblem::new(
                &entry.at,
                "append-not-multi",
                format!("{} holds one value, and `write: append` adds to properties of several options", property.name),
                "take `write: append` out, or make the property a multiple checkbox in HubSpot".to_owned(),
            ));
            return None;
        }
        Some(MappedProperty {
            name: Arc::from(property.name.as_str()),
            conversion: entry.conversion,
            write: entry.write,
            force: entry.force,
            source: source?,
            property,
        })
    }

    pub(crate) fn source(&mut self, entry: &MapEntry, property: Option<&PropertyDef>) -> Option<Source> {
        match &entry.source {
            MapSource::Column(name) => self.column(name, &entry.at).map(Source::Column),
            MapSource::Template(text) => self.template(text, &entry.at).map(Source::Template),
            MapSource::Value(value) => {
                // A constant that cannot be converted would make every row invalid. Owners are not known here.
                if let Some(property) = property.filter(|property| !property.is_owner()) {
                    let owners = Owners::unknown();
                    let ctx = ConvertContext { owners: &owners, version_normalises_dates: false };
                    if let Err(reason) = convert(value, property, entry.conversion, &ctx) {
                        self.problems.push(MappingProblem::new(
                            &entry.at,
                            "invalid-value",
                            format!("{}: {}", property.name, reason.text),
                            "correct the value".to_owned(),
                        ));
                        return None;
                    }
                }
                Some(Source::Value(value.clone()))
            }
        }
    }

    fn template(&mut self, text: &str, at: &Location) -> Option<Template> {
        let template = match Template::parse(text) {
            Ok(template) => template,
            Err(error) => {
                let line = error.line.map_or_else(String::new, |line| format!(" (line {line} of the template)"));
                self.problems.push(MappingProblem::new(
                    at,
                    "bad-template",
                    format!("the template does not parse: {}{line}", error.message),
                    String::new(),
                ));
                return None;
            }
        };
        match template.columns() {
            Columns::Known(names) => {
                let mut known = true;
                for name in names {
                    known &= self.column(name, at).is_some();
                }
                known.then_some(template)
            }
            Columns::All => {
                self.columns.extend(self.schema.fields().iter().map(|field| field.name().clone()));
                Some(template)
            }
        }
    }

    pub(crate) fn column(&mut self, name: &str, at: &Location) -> Option<ColumnRef> {
        match self.schema.column_with_name(name) {
            Some((index, _)) => {
                self.columns.push(name.to_owned());
                Some(ColumnRef { name: name.to_owned(), index })
            }
            None => {
                let known = self.schema.fields().iter().map(|field| field.name().as_str());
                self.problems.push(MappingProblem::unknown_column(at, name, known));
                None
            }
        }
    }

    fn property(&mut self, name: &str, at: &Location) -> Option<PropertyDef> {
        if let Some(property) = self.properties.get(name) {
            return Some((*property).clone());
        }
        // Sorted, so that of equally near names the same is suggested each time.
        let mut known: Vec<&str> = self.properties.keys().copied().collect();
        known.sort_unstable();
        let mut problem = MappingProblem::unknown_property(at, name, known);
        if let Some(property) = self.properties.values().find(|property| property.label == name) {
            problem.help = format!("that is a label; the internal name is {}", property.name);
        }
        self.problems.push(problem);
        None
    }

    fn read_only(&mut self, property: &PropertyDef, at: &Location) {
        self.problems.push(MappingProblem::new(
            at,
            "read-only-property",
            format!("{} cannot be written: HubSpot sets or calculates it", property.name),
            "map another property or take the entry out".to_owned(),
        ));
    }
}

/// Everything that decides what a row becomes, hashed; readable in its first part, for a person who compares two ledgers.
fn signature(entries: &[MappedProperty], match_: &MatchRule, nulls: Nulls) -> String {
    let mut text = format!("nulls={nulls:?}\n");
    match match_ {
        MatchRule::RecordId(column) => text.push_str(&format!("match id {:?}\n", column.name)),
        MatchRule::Property(column, property) => {
            text.push_str(&format!("match {:?} {} {:?}\n", property.name, property.type_.name(), column.name))
        }
    }
    for entry in entries {
        let source = match &entry.source {
            Source::Column(column) => format!("column {:?}", column.name),
            Source::Value(value) => format!("value {value:?}"),
            Source::Template(template) => format!("template {:?}", template.text()),
        };
        text.push_str(&format!(
            "{:?} {} {:?} {:?} {:?} {} {source}\n",
            entry.name,
            entry.property.type_.name(),
            entry.property.field_type,
            entry.conversion,
            entry.write,
            entry.force
        ));
    }
    format!("m1:{:032x}", xxh3_128(text.as_bytes()))
}
