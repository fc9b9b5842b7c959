//! The association requests of a preview. Record ids are not known there: a record is told by its row or its match value.

use hubward_hubspot::requests::ASSOCIATION_BATCH_MAX;
use hubward_hubspot::{ApiRequest, ApiVersion, AssociationInput, AssociationType, requests};

use crate::association::{Associations, Want};
use crate::object_type::ObjectType;
use crate::strategy::MatchKind;

/// One pair as it is shown.
struct Shown {
    from: String,
    to: String,
    types: Vec<AssociationType>,
}

impl Associations {
    /// The requests that rows (key, what they name) would become if their records and all that they name were there.
    pub(crate) fn preview(
        &self,
        version: ApiVersion,
        from: &ObjectType,
        rows: &[(String, Vec<Want>)],
    ) -> Vec<ApiRequest> {
        let mut found = Vec::new();
        for (at, group) in self.groups.iter().enumerate() {
            let (mut bare, mut labelled) = (Vec::new(), Vec::new());
            for (key, wants) in rows {
                for want in wants.iter().filter(|want| self.declarations[want.declaration].group == at) {
                    let shown = self.shown(key, want);
                    if shown.types.is_empty() { bare.push(shown) } else { labelled.push(shown) }
                }
            }
            for pairs in [bare, labelled] {
                for part in pairs.chunks(ASSOCIATION_BATCH_MAX) {
                    let inputs: Vec<AssociationInput<'_>> = part
                        .iter()
                        .map(|pair| AssociationInput { from: &pair.from, to: &pair.to, types: &pair.types })
                        .collect();
                    found.push(requests::associate(version, &from.path, &group.object.path, &inputs));
                }
            }
        }
        found
    }

    fn shown(&self, key: &str, want: &Want) -> Shown {
        let declaration = &self.declarations[want.declaration];
        let to = match declaration.way {
            MatchKind::Id => want.folded.clone(),
            MatchKind::Unique | MatchKind::Search => format!("(record with {} {})", declaration.property, want.value),
        };
        let types =
            want.kinds.iter().map(|kind| AssociationType { category: kind.category.clone(), type_id: kind.type_id });
        Shown { from: format!("(record of row {key})"), to, types: types.collect() }
    }
}
