//! The list itself: found by id or by name, compared with what the sync remembers.

use hubward_core::RowKeys;
use hubward_core::membership::{FoundList, KnownList, Misfit, fits};
use hubward_core::spec::{ListMode, ListSync, ListTarget, Location};
use hubward_hubspot::{CallMeta, List};
use hubward_store::{Ledger, LedgerMeta};
use serde_json::json;

use crate::engine::Engine;
use crate::error::EngineError;
use crate::metadata::Trust;
use crate::object_type::ObjectType;
use crate::ready::located;

/// Where the ledger's meta keeps the list.
const EXTRA: &str = "list";

/// The list as the ledger remembers it.
pub(crate) fn remembered(meta: &LedgerMeta) -> Option<KnownList> {
    let kept = meta.extra.get(EXTRA)?;
    Some(KnownList { id: kept.get("id")?.as_u64()?, name: kept.get("name")?.as_str()?.to_owned() })
}

/// A ledger that holds anything but memberships is not this sync's.
///
/// # Errors
/// `other-sync-kind`.
pub(crate) fn is_of_list(ledger: &Ledger, sync: &ListSync) -> Result<(), EngineError> {
    if ledger.is_empty() || holds_memberships(ledger.meta()) {
        return Ok(());
    }
    Err(other_kind(&sync.name, &sync.at))
}

/// Whether the ledger is that of a list sync.
pub(crate) fn holds_memberships(meta: &LedgerMeta) -> bool {
    meta.extra.contains_key(EXTRA)
}

/// A sync that was of another kind in earlier runs.
pub(crate) fn other_kind(name: &str, at: &Location) -> EngineError {
    EngineError::new(
        "other-sync-kind",
        format!("sync {name:?} was of another kind before, and its ledger is of that kind"),
    )
    .help("give the sync another name, so that it begins anew")
    .at(at)
}

/// Remembers the list durably, with whatever else the meta holds.
pub(crate) fn remember(ledger: &mut Ledger, list: &KnownList, meta: LedgerMeta) -> Result<(), EngineError> {
    let mut meta = meta;
    meta.extra.insert(EXTRA.to_owned(), json!({"id": list.id, "name": list.name}));
    if *ledger.meta() != meta {
        ledger.set_meta(meta)?;
    }
    Ok(())
}

/// A list as the rules see it.
pub(crate) fn seen(list: List) -> FoundList {
    FoundList {
        id: list.id,
        name: list.name,
        object_type_id: list.object_type_id,
        processing: list.processing_type.name().to_owned(),
        deleted: list.deleted,
    }
}

impl Engine {
    /// Asks for the list that the sync means: by id where one is known, else by name. None: it has to be made.
    ///
    /// # Errors
    /// The list that is there is not the one that is meant; object type or list unknown; HubSpot's refusal.
    pub(crate) async fn find_list(
        &self,
        sync: &ListSync,
        known: Option<&KnownList>,
        trust: Trust,
    ) -> Result<(ObjectType, Option<FoundList>), EngineError> {
        let misfit = |misfit| refused(sync, misfit);
        let meta = meta(sync);
        let id = match (known, &sync.list) {
            (Some(known), ListTarget::Id(id)) if known.id != *id => {
                return Err(misfit(Misfit::Other { known: known.clone() }));
            }
            (Some(known), _) => Some(known.id),
            (None, ListTarget::Id(id)) => Some(*id),
            (None, ListTarget::Name(_)) => None,
        };
        let object = match (&sync.object, &sync.list) {
            (Some(object), _) => Some(object.as_str()),
            (None, ListTarget::Name(_)) => Some("contacts"),
            (None, ListTarget::Id(_)) => None,
        };
        let object = match object {
            Some(name) => {
                Some(self.known_object_type(name, trust).await.map_err(|error| located(error, &sync.list_at))?.0)
            }
            None => None,
        };
        let client = self.client();
        let found = match (id, &sync.list, &object) {
            (Some(id), ..) => client.list(id, &meta).await?,
            (None, ListTarget::Name(name), Some(object)) => client.list_by_name(&object.id, name, &meta).await?,
            _ => None,
        };
        let found = found.map(seen);
        if found.is_none() && id.is_none() {
            if sync.mode == ListMode::Remove {
                return Err(misfit(Misfit::Gone { known: None }));
            }
        } else {
            fits(&sync.list, known, found.as_ref(), object.as_ref().map(|object| object.id.as_str()))
                .map_err(misfit)?;
        }
        let object = match (object, &found) {
            (Some(object), _) => object,
            (None, Some(found)) => self.known_object_type(&found.object_type_id, trust).await?.0,
            (None, None) => return Err(misfit(Misfit::Gone { known: None })),
        };
        Ok((object, found))
    }
}

/// What requests about the list itself are counted under.
pub(crate) fn meta(sync: &ListSync) -> CallMeta {
    CallMeta { sync: Some(sync.name.as_str().into()), rows: RowKeys::default() }
}

/// The misfit as an error, with what to do.
pub(crate) fn refused(sync: &ListSync, misfit: Misfit) -> EngineError {
    let name = &sync.name;
    let shown = |list: &KnownList| format!("{:?} (id {})", list.name, list.id);
    let error = match misfit {
        Misfit::Other { known } => EngineError::new(
            "other-list",
            format!("sync {name:?} has written to list {} before and now names {}", shown(&known), declared(sync)),
        )
        .help("give the sync another name, so that it begins anew; or name the list that it has written to"),
        Misfit::Gone { known: Some(known) } => EngineError::new(
            "list-gone",
            format!("list {} is not in the account any more; nothing was written", shown(&known)),
        )
        .help(
            "restore it in HubSpot (for 90 days after it was deleted), and the sync goes on where it was; or give the sync \
             another name, so that it begins anew",
        ),
        Misfit::Gone { known: None } => {
            EngineError::new("unknown-list", format!("the account has no list {}", declared(sync))).help(
                "`hubward describe` lists what the account has; a list that does not exist yet is given by `name`, and \
                 mode mirror or add makes it",
            )
        }
        Misfit::Renamed { known, now } => EngineError::new(
            "list-renamed",
            format!("list {} is now called {now:?} in HubSpot; nothing was written", shown(&known)),
        )
        .help(format!(
            "write `name: {now:?}` or `id: {}` in the sync if it is still the list that is meant; or rename it back",
            known.id
        )),
        Misfit::NotManual { name, id, processing } => EngineError::new(
            "list-not-manual",
            format!("list {name:?} (id {id}) is {processing}: HubSpot decides its members; nothing was written"),
        )
        .help("use a manual list, or turn this one into a manual list in HubSpot, and the sync goes on where it was"),
        Misfit::OtherType { name, id, object_type_id } => EngineError::new(
            "list-object-type",
            format!("list {name:?} (id {id}) holds records of object type {object_type_id}, which is not what the sync names"),
        )
        .help("write the list's type as `object:` beside its name or id, or use another list"),
    };
    error.at(&sync.list_at)
}

fn declared(sync: &ListSync) -> String {
    match &sync.list {
        ListTarget::Name(name) => format!("{name:?}"),
        ListTarget::Id(id) => format!("with id {id}"),
    }
}
