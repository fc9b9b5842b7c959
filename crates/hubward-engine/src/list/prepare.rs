//! A list sync made ready against the account: object type, match property, how a row names its record.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::Schema;
use hubward_core::convert::{ConvertContext, Owners};
use hubward_core::fingerprint::match_hash;
use hubward_core::mapping::Mapping;
use hubward_core::membership::{Matcher, Standing};
use hubward_core::spec::{ListSync, Mode, Model, Nulls, ObjectSync};
use hubward_core::{PropertyDef, Reason};
use hubward_hubspot::ApiVersion;

use crate::engine::{Engine, SyncJob};
use crate::error::EngineError;
use crate::metadata::Trust;
use crate::object_type::ObjectType;
use crate::prepared::{Folding, match_kind};
use crate::ready::compile;
use crate::scan::shown_key;
use crate::strategy::MatchKind;

/// Everything about a list sync that does not change while it runs.
pub(crate) struct Prepared {
    pub(crate) sync: ListSync,
    pub(crate) model: Model,
    pub(crate) object: ObjectType,
    pub(crate) kind: MatchKind,
    pub(crate) folding: Folding,
    pub(crate) matcher: Matcher,
    mapping: Mapping,
    normalises_dates: bool,
}

/// A row's match value.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    /// As it is sent.
    pub(crate) value: String,
    /// As HubSpot compares it.
    pub(crate) folded: String,
    pub(crate) hash: u64,
}

/// The match property of a list's rows, as the account has it.
#[derive(Clone)]
pub(crate) struct Matching {
    pub(crate) object: ObjectType,
    pub(crate) kind: MatchKind,
    pub(crate) properties: Arc<Vec<PropertyDef>>,
}

impl Engine {
    /// The properties of the list's object type and how the match property finds records.
    ///
    /// # Errors
    /// The property does not exist, or `create_missing` asks for what it cannot do.
    pub(crate) async fn list_matching(
        &self,
        sync: &ListSync,
        object: ObjectType,
        trust: Trust,
    ) -> Result<Matching, EngineError> {
        let known = self.known_properties(&object, trust).await?;
        let kind = match match_kind(&sync.match_, Mode::Update, &object, &known.value) {
            Ok(kind) => kind,
            // The property may have been made since.
            Err(_) if !known.fresh => return Box::pin(self.list_matching(sync, object, Trust::Fresh)).await,
            Err(error) => return Err(error),
        };
        let name = &sync.match_.property;
        if sync.create_missing && kind != MatchKind::Unique {
            if !known.fresh {
                return Box::pin(self.list_matching(sync, object, Trust::Fresh)).await;
            }
            let why = match kind {
                MatchKind::Id => "a record gets its id from HubSpot when it is made".to_owned(),
                _ => format!("{name} of {} is not unique in HubSpot, so a record could be made twice", object.name),
            };
            return Err(EngineError::new(
                "create-missing",
                format!("create_missing needs a unique match property: {why}"),
            )
            .help("match on email or on a property with unique values, or remove `create_missing`")
            .at(&sync.match_.at));
        }
        Ok(Matching { object, kind, properties: known.value })
    }
}

impl Prepared {
    /// Puts together what the project declares and what the account says.
    ///
    /// # Errors
    /// The model has no such column.
    pub(crate) fn new(
        job: &SyncJob<ListSync>,
        matching: &Matching,
        schema: &Schema,
        version: ApiVersion,
    ) -> Result<Self, EngineError> {
        let Matching { object, kind, properties } = matching.clone();
        // A row is matched as in an update that writes nothing.
        let finding = ObjectSync {
            mode: Mode::Update,
            nulls: Nulls::Keep,
            ..ObjectSync::new(&job.model.name, &object.path, job.sync.match_.clone())
        };
        let mapping = compile(&finding, &object, &properties, schema)?;
        let property = job.sync.match_.property.as_str();
        Ok(Self {
            matcher: Matcher::new(&object.id, if kind == MatchKind::Id { "id" } else { property }),
            folding: Folding::new(property, &properties, kind),
            sync: job.sync.clone(),
            model: job.model.clone(),
            mapping,
            object,
            kind,
            normalises_dates: version == ApiVersion::V2026_09,
        })
    }

    /// The columns that a row's fingerprint is made of.
    pub(crate) fn columns(&self) -> Vec<String> {
        self.mapping.columns()
    }

    /// Text that changes when rows that are the same in the source may have to be looked at all the same.
    pub(crate) fn signature(&self) -> String {
        let wanted = Standing::wanted(self.sync.mode);
        format!("list1 {wanted:?} {} {:?} {:?}", self.object.id, self.sync.match_.property, self.sync.match_.column)
    }

    /// The row's key as shown, and its match value or why it has none that could be one.
    ///
    /// # Errors
    /// The source's values cannot be read.
    pub(crate) fn judge(
        &self,
        batch: &RecordBatch,
        row: usize,
    ) -> Result<(String, Result<Named, Reason>), EngineError> {
        let key_text = shown_key(&self.model, batch, row)?;
        let owners = Owners::unknown();
        let context = ConvertContext { owners: &owners, version_normalises_dates: self.normalises_dates };
        let (column, property) = (&self.sync.match_.column, &self.sync.match_.property);
        let value = match self.mapping.row(batch, row, &context) {
            Ok(mapped) => mapped.match_value.filter(|value| !value.is_empty()),
            Err(mut reasons) => {
                let unreadable = || Reason::new("INVALID", "the row cannot be mapped");
                let reason = if reasons.is_empty() { unreadable() } else { reasons.remove(0) };
                return Ok((key_text, Err(reason)));
            }
        };
        let Some(value) = value else {
            let text = format!(
                "column {column} is empty in the row with primary key {key_text}; without it no record can be matched by \
                 {property}"
            );
            return Ok((key_text, Err(Reason::new("MISSING_MATCH", text).on(property, None))));
        };
        let folded = self.folding.fold(&value);
        if self.kind == MatchKind::Id && record_id(&folded).is_none() {
            let text = format!("{value:?} is not a HubSpot record id; an id is a whole number");
            return Ok((key_text, Err(Reason::new("INVALID_ID", text).on("id", Some(value)))));
        }
        Ok((key_text, Ok(self.named(value))))
    }

    /// A match value with the forms that it is compared by.
    pub(crate) fn named(&self, value: String) -> Named {
        let folded = self.folding.fold(&value);
        let hash = match_hash(&folded);
        Named { value, folded, hash }
    }
}

/// A record id, where the text is one. The highest bits are not used by any id, and are kept free for our own marks.
pub(crate) fn record_id(text: &str) -> Option<u64> {
    text.parse().ok().filter(|id| (1..1 << 60).contains(id))
}
