//! Making a list once, whatever becomes of the answer.

use hubward_core::ErrorKind;
use hubward_core::membership::{FoundList, Misfit, fits, same_name};
use hubward_core::spec::{ListSync, ListTarget};

use crate::engine::Engine;
use crate::error::EngineError;
use crate::list::target::{meta, refused, seen};
use crate::object_type::ObjectType;

/// A list whose making gets no answer is made again this often at most.
const TRIES_MAX: u32 = 3;

impl Engine {
    /// Makes the list that the sync names. A list of that name which turns up meanwhile, by a lost answer of our own or by
    /// somebody else, is taken if it fits: names are unique in an account (api.md 8.2). Tells whether it was made here.
    ///
    /// # Errors
    /// HubSpot's refusal, or a list of that name that does not fit.
    pub(crate) async fn make_list(
        &self,
        sync: &ListSync,
        object: &ObjectType,
    ) -> Result<(FoundList, bool), EngineError> {
        let ListTarget::Name(name) = &sync.list else {
            return Err(refused(sync, Misfit::Gone { known: None }));
        };
        let (client, meta) = (self.client(), meta(sync));
        let mut lost = false;
        let mut tries = 0;
        loop {
            tries += 1;
            let error = match client.create_list(name, &object.id, &meta).await {
                Ok(list) => return Ok((seen(list), true)),
                Err(error) => error,
            };
            use ErrorKind as Kind;
            let unknown = matches!(error.kind, Kind::Unknown | Kind::Server | Kind::Unreadable);
            let taken = matches!(error.kind, Kind::Conflict | Kind::Validation | Kind::Malformed | Kind::Other);
            if !unknown && !taken {
                return Err(error.into());
            }
            lost |= unknown;
            let mut found = client.list_by_name(&object.id, name, &meta).await?.map(seen);
            if found.is_none() && taken {
                // The name may be that of a list of another type.
                let all = client.lists(&meta).await?;
                found = all.into_iter().find(|list| same_name(&list.name, name) && !list.deleted).map(seen);
            }
            if let Some(found) = found {
                fits(&sync.list, None, Some(&found), Some(&object.id)).map_err(|misfit| refused(sync, misfit))?;
                return Ok((found, lost));
            }
            if taken || tries == TRIES_MAX {
                return Err(error.into());
            }
        }
    }
}
