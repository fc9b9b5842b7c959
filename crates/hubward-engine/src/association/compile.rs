//! A sync's `associations:` made ready against the account: object types, match properties, labels.

use std::collections::{BTreeMap, BTreeSet};

use arrow_array::RecordBatch;
use arrow_schema::Schema;
use hubward_core::association::{Kind, Label, LabelSet, Labels, Rule, UnknownLabel, Wanted, targets, wanted_hash};
use hubward_core::row::value_at;
use hubward_core::spec::{AssociationSpec, Location, ObjectSync};
use hubward_core::suggest::nearest;
use hubward_core::{PropertyDef, Reason};
use hubward_hubspot::AssociationLimit;

use crate::association::task::{Target, Want};
use crate::engine::Engine;
use crate::error::EngineError;
use crate::metadata::Trust;
use crate::object_type::ObjectType;
use crate::prepared::Folding;
use crate::ready::located;
use crate::run::blocking;
use crate::strategy::MatchKind;

/// All declarations of one sync.
#[derive(Debug)]
pub(crate) struct Associations {
    pub(crate) declarations: Vec<Declaration>,
    pub(crate) groups: Vec<Group>,
    /// What is removed, for the hash of rows that name nothing.
    removes: Vec<String>,
}

/// One entry of `associations:`.
#[derive(Debug)]
pub(crate) struct Declaration {
    pub(crate) column: String,
    /// The target's match property; `id` for the record id.
    pub(crate) property: String,
    /// Position of its group.
    pub(crate) group: usize,
    pub(crate) way: MatchKind,
    pub(crate) folding: Folding,
    /// The first declaration that finds its targets the same way.
    pub(crate) look_up: usize,
    /// The declaration's own label.
    kind: Option<Kind>,
    overwrite: bool,
    at: Location,
}

/// The declarations that lead to one object type. HubSpot keeps one set of labels for a pair and a create replaces it
/// (api.md 7.3), so they are carried out together.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) object: ObjectType,
    /// Why they could not be read, otherwise.
    pub(crate) labels: Result<LabelSet, String>,
    pub(crate) rule: Rule,
    /// How many records a row may name by each kind.
    limits: Vec<AssociationLimit>,
    /// How often records of this type were replaced, when the run began; see [`crate::replaced`].
    replaced: u64,
}

impl Engine {
    /// The sync's associations, none where it declares none; and whether all they rest on was read since the engine was made.
    ///
    /// # Errors
    /// An object type, a match property or a label that the account does not have.
    pub(crate) async fn associations(
        &self,
        sync: &ObjectSync,
        from: &ObjectType,
        trust: Trust,
    ) -> Result<(Option<Associations>, bool), EngineError> {
        if sync.associations.is_empty() {
            return Ok((None, true));
        }
        let mut fresh = true;
        let mut compiled = Associations { declarations: Vec::new(), groups: Vec::new(), removes: Vec::new() };
        for spec in &sync.associations {
            let declared = self.declare(&mut compiled, spec, from, trust).await;
            fresh &= declared.map_err(|error| located(error, &spec.at))?;
        }
        Ok((Some(compiled), fresh))
    }

    async fn declare(
        &self,
        compiled: &mut Associations,
        spec: &AssociationSpec,
        from: &ObjectType,
        trust: Trust,
    ) -> Result<bool, EngineError> {
        let (object, mut fresh) = self.known_object_type(&spec.to, trust).await?;
        let properties = self.known_properties(&object, trust).await?;
        fresh &= properties.fresh;
        let properties = properties.value;
        let way = way(&spec.match_.property, &object, &properties).map_err(|error| error.at(&spec.match_.at))?;
        let group = match compiled.groups.iter().position(|group| group.object.path == object.path) {
            Some(known) => known,
            None => {
                let key = format!("labels/{}/{}", from.path, object.path);
                let asked = self.client().association_labels(&from.path, &object.path);
                let labels = match self.known(&key, trust, asked).await {
                    Ok(known) => {
                        fresh &= known.fresh;
                        Ok(LabelSet::new(known.value.iter().map(label).collect()))
                    }
                    Err(error) => Err(error.message),
                };
                let key = format!("association-limits/{}/{}", from.path, object.path);
                let asked = self.client().association_limits(&from.path, &object.path);
                let limits = match self.known(&key, trust, asked).await {
                    Ok(known) => {
                        fresh &= known.fresh;
                        known.value.as_ref().clone()
                    }
                    // Without them HubSpot decides.
                    Err(_) => Vec::new(),
                };
                let (account_dir, path) = (self.account_dir(), object.path.clone());
                let replaced = blocking(move || Ok(crate::replaced::count(&account_dir, &path))).await?;
                compiled.groups.push(Group { object: object.clone(), labels, rule: Rule::default(), limits, replaced });
                compiled.groups.len() - 1
            }
        };
        let rule = &mut compiled.groups[group];
        let kind = match &spec.label {
            None => None,
            Some(name) => {
                let labels = rule.labels.as_ref().map_err(|why| {
                    let text = format!("the labels between {} and {} could not be read: {why}", from.name, object.name);
                    EngineError::new("association-labels", text)
                        .help("the token may lack a scope of one of the two object types; `hubward check` names it")
                })?;
                let kind = labels.find(name).map_err(|unknown| unknown_label(&unknown, &from.name, &object.name))?;
                Some(kind.clone())
            }
        };
        match (&kind, spec.overwrite) {
            (None, true) => rule.rule.whole = true,
            (None, false) => {}
            (Some(kind), true) => {
                rule.rule.kinds.insert(kind.clone());
            }
            (Some(kind), false) => {
                rule.rule.spared.insert(kind.clone());
            }
        }
        if spec.overwrite {
            compiled.removes.push(format!("{} {kind:?}", object.path));
        }
        let property = if way == MatchKind::Id { "id".to_owned() } else { spec.match_.property.clone() };
        let known = compiled.declarations.iter().position(|other| other.group == group && other.property == property);
        compiled.declarations.push(Declaration {
            column: spec.match_.column.clone(),
            folding: Folding::new(&property, &properties, way),
            look_up: known.unwrap_or(compiled.declarations.len()),
            property,
            group,
            way,
            kind,
            overwrite: spec.overwrite,
            at: spec.match_.at.clone(),
        });
        Ok(fresh)
    }
}

fn label(label: &hubward_hubspot::AssociationLabel) -> Label {
    Label { kind: Kind { category: label.category.clone(), type_id: label.type_id }, name: label.label.clone() }
}

fn unknown_label(unknown: &UnknownLabel, from: &str, to: &str) -> EngineError {
    let text = format!("there is no label {:?} from {from} to {to}", unknown.name);
    EngineError::new("unknown-label", text).help(unknown.help())
}

/// How a record is found by this property.
fn way(name: &str, object: &ObjectType, properties: &[PropertyDef]) -> Result<MatchKind, EngineError> {
    if matches!(name, "id" | "hs_object_id") {
        return Ok(MatchKind::Id);
    }
    let Some(property) = properties.iter().find(|property| property.name == name) else {
        let near = nearest(name, properties.iter().map(|property| property.name.as_str()));
        let error = EngineError::new("unknown-property", format!("{} have no property {name:?}", object.name));
        return Err(match near {
            Some(near) => error.help(format!("did you mean {near:?}?")),
            None => error.help(format!("`hubward describe {}` lists them", object.path)),
        });
    };
    // Contacts: `email` is a key although its definition may not say so (api.md 3.5).
    if property.has_unique_value || (object.path == "contacts" && name == "email") {
        Ok(MatchKind::Unique)
    } else {
        Ok(MatchKind::Search)
    }
}

impl Associations {
    /// Why labels could not be read, where they could not.
    pub(crate) fn unread_labels(&self) -> impl Iterator<Item = String> {
        self.groups.iter().filter_map(|group| {
            let why = group.labels.as_ref().err()?;
            Some(format!("the labels to {} could not be read: {why}", group.object.name))
        })
    }

    /// The first column that the model does not have.
    pub(crate) fn check_columns(&self, schema: &Schema) -> Result<(), EngineError> {
        for declaration in &self.declarations {
            if schema.column_with_name(&declaration.column).is_none() {
                return Err(unknown_column(&declaration.column, schema).at(&declaration.at));
            }
        }
        Ok(())
    }

    /// Text that changes when the same row may ask for something else.
    pub(crate) fn signature(&self) -> String {
        let mut text = String::new();
        for declaration in &self.declarations {
            let object = &self.groups[declaration.group].object.id;
            let Declaration { column, property, way, kind, overwrite, .. } = declaration;
            text.push_str(&format!("{object} {column:?} {property:?} {way:?} {kind:?} {overwrite}\n"));
        }
        for group in self.groups.iter().filter(|group| group.replaced > 0) {
            text.push_str(&format!("{} {}\n", group.object.id, group.replaced));
        }
        format!("a1:{:016x}", xxhash_rust::xxh3::xxh3_64(text.as_bytes()))
    }

    /// Everything that a row asks for; the error is why the row is invalid.
    pub(crate) fn wants(&self, batch: &RecordBatch, row: usize) -> Result<Vec<Want>, Reason> {
        let mut wants: BTreeMap<(usize, String), Want> = BTreeMap::new();
        for (at, declaration) in self.declarations.iter().enumerate() {
            let group = &self.groups[declaration.group];
            let on = |reason: Reason, value: Option<String>| {
                let text = format!("column {}: {}", declaration.column, reason.text);
                Reason { text, ..reason }.on(&format!("associations.{}", group.object.path), value)
            };
            let index = batch.schema_ref().index_of(&declaration.column).expect("a batch holds the sync's columns");
            let field = batch.schema_ref().field(index);
            let value = value_at(batch.column(index).as_ref(), field, row)
                .map_err(|error| on(Reason::new("UNREADABLE_VALUE", error.to_string()), None))?;
            for target in targets(&value).map_err(|reason| on(reason, None))? {
                let folded = declaration.folding.fold(&target.value);
                let is_id = target.value.bytes().all(|byte| byte.is_ascii_digit()) && folded.parse::<u64>().is_ok();
                if declaration.way == MatchKind::Id && !is_id {
                    let reason = Reason::new("INVALID_ID", "it is no record id; an id is a whole number");
                    return Err(on(reason, Some(target.value)));
                }
                let kinds = declaration
                    .kinds(&target.labels, group)
                    .map_err(|reason| on(reason, Some(target.value.clone())))?;
                let exact = declaration.overwrite && matches!(target.labels, Labels::Said(_));
                let want = wants.entry((at, folded.clone())).or_insert_with(|| Want {
                    declaration: at,
                    value: target.value,
                    folded,
                    kinds: BTreeSet::new(),
                    exact,
                    target: Target::Unknown,
                });
                want.kinds.extend(kinds);
                want.exact |= exact;
            }
        }
        for (at, declaration) in self.declarations.iter().enumerate() {
            self.within_limits(at, declaration, &wants)?;
        }
        Ok(wants.into_values().collect())
    }

    /// What a row names by one declaration is not more than HubSpot allows (api.md 7.3).
    fn within_limits(
        &self,
        at: usize,
        declaration: &Declaration,
        wants: &BTreeMap<(usize, String), Want>,
    ) -> Result<(), Reason> {
        let group = &self.groups[declaration.group];
        // Two e-mail addresses may be those of one contact.
        for limit in group.limits.iter().filter(|_| declaration.property != "email") {
            let kind = Kind { category: limit.category.clone(), type_id: limit.type_id };
            let counts = |want: &&Want| limit.label.is_none() || want.kinds.contains(&kind);
            let named = wants.range((at, String::new())..(at + 1, String::new())).map(|(_, want)| want).filter(counts);
            let named = named.count() as u64;
            if named > limit.most {
                let by = limit.label.as_ref().map(|label| format!(" by label {label:?}")).unwrap_or_default();
                let text = format!(
                    "column {}: it names {named} records of {}{by}, and the account allows {}",
                    declaration.column, group.object.name, limit.most
                );
                let property = format!("associations.{}", group.object.path);
                return Err(Reason::new("ASSOCIATION_LIMIT", text).on(&property, None));
            }
        }
        Ok(())
    }

    /// Hash of what a row asks for; see [`wanted_hash`].
    pub(crate) fn hash(&self, wants: &[Want]) -> u64 {
        let kinds: Vec<Vec<Kind>> = wants.iter().map(|want| want.kinds.iter().cloned().collect()).collect();
        let wanted = wants.iter().zip(&kinds).map(|(want, kinds)| {
            let declaration = &self.declarations[want.declaration];
            Wanted {
                object: &self.groups[declaration.group].object.id,
                property: &declaration.property,
                value: &want.folded,
                kinds,
                exact: want.exact,
            }
        });
        let mut hash = wanted_hash(wanted, &self.removes);
        for (at, group) in self.groups.iter().enumerate() {
            let named = || wants.iter().any(|want| self.declarations[want.declaration].group == at);
            if group.replaced > 0 && named() {
                let text = format!("{} {}", group.object.id, group.replaced);
                hash = hash.wrapping_add(xxhash_rust::xxh3::xxh3_64(text.as_bytes()));
            }
        }
        hash
    }
}

impl Declaration {
    fn kinds(&self, labels: &Labels, group: &Group) -> Result<Vec<Kind>, Reason> {
        let texts = match labels {
            Labels::Unsaid => return Ok(self.kind.iter().cloned().collect()),
            Labels::Said(texts) => texts,
        };
        let mut kinds = Vec::new();
        for text in texts {
            let known = group.labels.as_ref().map_err(|why| {
                let text = format!("the labels to {} could not be read: {why}", group.object.name);
                Reason::new("LABELS_UNREADABLE", text)
            })?;
            kinds.extend(known.resolve(text).map_err(|unknown| {
                let text = format!("there is no label {:?} to {}; {}", unknown.name, group.object.name, unknown.help());
                Reason::new("UNKNOWN_LABEL", text)
            })?);
        }
        Ok(kinds)
    }
}

impl Group {
    /// The names of these labels, for people.
    pub(crate) fn names(&self, kinds: &BTreeSet<Kind>) -> Option<String> {
        let name = |kind: &Kind| {
            let known = self.labels.as_ref().ok().and_then(|labels| labels.name_of(kind));
            known.map_or_else(|| format!("{} {}", kind.category, kind.type_id), str::to_owned)
        };
        (!kinds.is_empty()).then(|| kinds.iter().map(name).collect::<Vec<_>>().join(", "))
    }
}

fn unknown_column(name: &str, schema: &Schema) -> EngineError {
    let known: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let error = EngineError::new("unknown-column", format!("the model has no column {name:?}"));
    match nearest(name, known.iter().copied()) {
        Some(near) => error.help(format!("did you mean {near:?}?")),
        None => error.help(format!("its columns are {}", known.join(", "))),
    }
}
