//! Whether the list that the account has is the one that a sync means.

use crate::spec::ListTarget;

/// HubSpot's word for lists whose members are written by hand or by the API (api.md 8.2).
pub const MANUAL: &str = "MANUAL";

/// The list that a sync has written to before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownList {
    pub id: u64,
    pub name: String,
}

/// A list of the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundList {
    pub id: u64,
    pub name: String,
    pub object_type_id: String,
    /// HubSpot's `processingType`.
    pub processing: String,
    /// It lies in the recycle bin.
    pub deleted: bool,
}

/// Why a list is not the one that the sync means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// The project names another list than the one that the sync has written to.
    Other { known: KnownList },
    /// It is not there any more; where the sync knows it, as what it knew it.
    Gone { known: Option<KnownList> },
    /// Somebody gave it another name in HubSpot.
    Renamed { known: KnownList, now: String },
    /// Its members are not written by hand: the processing type that it has.
    NotManual { name: String, id: u64, processing: String },
    /// It holds records of another type.
    OtherType { name: String, id: u64, object_type_id: String },
}

/// Compares what the project declares, what the sync remembers and what the account has. `object_type_id` none: whatever
/// the list holds is right.
///
/// # Errors
/// The first thing that does not fit.
pub fn fits(
    declared: &ListTarget,
    known: Option<&KnownList>,
    found: Option<&FoundList>,
    object_type_id: Option<&str>,
) -> Result<(), Misfit> {
    if let (ListTarget::Id(id), Some(known)) = (declared, known)
        && *id != known.id
    {
        return Err(Misfit::Other { known: known.clone() });
    }
    let Some(found) = found.filter(|found| !found.deleted) else {
        return match (declared, known) {
            (ListTarget::Name(name), Some(known)) if !same_name(name, &known.name) => {
                Err(Misfit::Other { known: known.clone() })
            }
            _ => Err(Misfit::Gone { known: known.cloned() }),
        };
    };
    if let (ListTarget::Name(name), Some(known)) = (declared, known)
        && !same_name(name, &found.name)
    {
        let now = found.name.clone();
        return Err(match same_name(name, &known.name) {
            true => Misfit::Renamed { known: known.clone(), now },
            false => Misfit::Other { known: known.clone() },
        });
    }
    let (name, id) = (found.name.clone(), found.id);
    if object_type_id.is_some_and(|wanted| wanted != found.object_type_id) {
        return Err(Misfit::OtherType { name, id, object_type_id: found.object_type_id.clone() });
    }
    if found.processing != MANUAL {
        return Err(Misfit::NotManual { name, id, processing: found.processing.clone() });
    }
    Ok(())
}

/// Blanks around a name and its case are no difference: whether HubSpot keeps them is not documented.
#[must_use]
pub fn same_name(a: &str, b: &str) -> bool {
    a.trim().to_lowercase() == b.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found() -> FoundList {
        FoundList {
            id: 42,
            name: "VIPs".to_owned(),
            object_type_id: "0-1".to_owned(),
            processing: MANUAL.to_owned(),
            deleted: false,
        }
    }

    fn known() -> KnownList {
        KnownList { id: 42, name: "VIPs".to_owned() }
    }

    fn named(name: &str) -> ListTarget {
        ListTarget::Name(name.to_owned())
    }

    #[test]
    fn the_list_that_was_written_to_before_fits_by_name_and_by_id() {
        for declared in [named("VIPs"), ListTarget::Id(42)] {
            assert_eq!(fits(&declared, Some(&known()), Some(&found()), Some("0-1")), Ok(()));
            assert_eq!(fits(&declared, None, Some(&found()), None), Ok(()));
        }
    }

    #[test]
    fn a_renamed_list_is_refused_by_name_until_the_project_says_the_new_name() {
        let now = FoundList { name: "Stars".to_owned(), ..found() };
        let renamed = fits(&named("VIPs"), Some(&known()), Some(&now), Some("0-1"));
        assert_eq!(renamed, Err(Misfit::Renamed { known: known(), now: "Stars".to_owned() }));
        assert_eq!(fits(&named("Stars"), Some(&known()), Some(&now), Some("0-1")), Ok(()));
        assert_eq!(fits(&ListTarget::Id(42), Some(&known()), Some(&now), Some("0-1")), Ok(()));
    }

    #[test]
    fn a_name_that_hubspot_writes_in_its_own_way_is_the_same_name() {
        let kept = KnownList { id: 42, name: "vips".to_owned() };
        let found = FoundList { name: "vips".to_owned(), ..found() };
        assert_eq!(fits(&named(" VIPs "), Some(&kept), Some(&found), Some("0-1")), Ok(()));
        assert!(!same_name("VIPs", "VIP s"));
    }

    #[test]
    fn another_list_than_before_is_refused() {
        let other = Err(Misfit::Other { known: known() });
        assert_eq!(fits(&ListTarget::Id(43), Some(&known()), None, None), other);
        assert_eq!(fits(&named("New"), Some(&known()), Some(&found()), None), other);
        assert_eq!(fits(&named("New"), Some(&known()), None, None), other);
    }

    #[test]
    fn a_list_that_is_gone_of_another_type_or_not_manual_is_refused() {
        let bin = FoundList { deleted: true, ..found() };
        for gone in [None, Some(&bin)] {
            let misfit = fits(&named("VIPs"), Some(&known()), gone, None);
            assert_eq!(misfit, Err(Misfit::Gone { known: Some(known()) }));
        }
        assert_eq!(fits(&ListTarget::Id(42), None, None, None), Err(Misfit::Gone { known: None }));
        let companies = FoundList { object_type_id: "0-2".to_owned(), ..found() };
        let misfit = fits(&named("VIPs"), None, Some(&companies), Some("0-1"));
        assert!(matches!(misfit, Err(Misfit::OtherType { id: 42, .. })), "{misfit:?}");
        for processing in ["DYNAMIC", "SNAPSHOT"] {
            let filtered = FoundList { processing: processing.to_owned(), ..found() };
            let misfit = fits(&ListTarget::Id(42), Some(&known()), Some(&filtered), Some("0-1"));
            assert!(matches!(misfit, Err(Misfit::NotManual { .. })), "{misfit:?}");
        }
    }
}
