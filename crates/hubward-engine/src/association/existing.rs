//! What records hold already, read in bulk.

use std::collections::{BTreeMap, HashMap, HashSet};

use hubward_core::association::{HeldKind, Kind};
use hubward_core::{ErrorKind, Verdict};
use hubward_hubspot::requests::ASSOCIATION_READ_MAX;
use hubward_hubspot::{ApiError, CallMeta, Client};

use crate::association::targets::Trouble;

/// Pages of one record's associations that are read: 500 to a page at the least (api.md 7.1), and a record may have some
/// ten thousands (api.md 7.3).
const PAGES_MAX: u32 = 1_000;

/// Other record → the kinds that bind it.
pub(crate) type Held = BTreeMap<u64, Vec<HeldKind>>;

/// The associations of many records with one object type.
#[derive(Default)]
pub(crate) struct Existing {
    pub(crate) held: HashMap<u64, Held>,
    /// Records whose associations are not known, with the reason.
    pub(crate) failed: HashMap<u64, String>,
    pub(crate) trouble: Trouble,
}

/// One record's next page.
type Page = (u64, Option<String>, u32);

/// Reads the associations of these records. One that is in neither map has none.
pub(crate) async fn read(client: &Client, from: &str, to: &str, records: &[u64], meta: &CallMeta) -> Existing {
    let mut existing = Existing::default();
    let mut parts: Vec<Vec<Page>> =
        records.chunks(ASSOCIATION_READ_MAX).map(|part| part.iter().map(|id| (*id, None, 1)).collect()).collect();
    while let Some(mut part) = parts.pop() {
        let ids: Vec<(String, Option<String>)> =
            part.iter().map(|(id, after, _)| (id.to_string(), after.clone())).collect();
        let (results, errors) = match client.associations_read(from, to, &ids, meta).await {
            Ok(read) => read,
            Err(error) => {
                let verdict = error.kind.verdict(true);
                let refused = verdict == Verdict::FixRows || error.kind == ErrorKind::Malformed;
                if refused && part.len() > 1 {
                    let second = part.split_off(part.len() / 2);
                    parts.extend([second, part]);
                    continue;
                }
                for (id, _, _) in part {
                    existing.failed.insert(id, unread(&error));
                }
                match verdict {
                    _ if refused => {}
                    Verdict::Stop => existing.trouble.stop = existing.trouble.stop.or(Some(error)),
                    _ => existing.trouble.exhausted = existing.trouble.exhausted.or(Some(error)),
                }
                continue;
            }
        };
        let mut further: Vec<Page> = Vec::new();
        let by_id: HashMap<&str, &Page> = ids.iter().map(|(id, _)| id.as_str()).zip(&part).collect();
        let mut answered: HashSet<u64> = HashSet::new();
        let mut strangers = false;
        for record in results {
            let named = by_id.get(record.from.as_str()).copied();
            // A record that was merged into another is answered by the other's id; alone it need not be named.
            let Some(&(id, _, page)) = named.or(part.first().filter(|_| part.len() == 1)) else {
                strangers = true;
                continue;
            };
            answered.insert(id);
            let held = existing.held.entry(id).or_default();
            for to in record.to {
                if let Ok(other) = to.id.parse() {
                    let kinds = to.types.into_iter().map(|(category, type_id, label)| HeldKind {
                        kind: Kind { category, type_id },
                        label: label.filter(|label| !label.is_empty()),
                    });
                    held.entry(other).or_default().extend(kinds);
                }
            }
            match record.after {
                Some(_) if page == PAGES_MAX => {
                    existing.failed.insert(id, "HubSpot shows pages of its associations without an end".to_owned());
                }
                Some(after) => further.push((id, Some(after), page + 1)),
                None => {}
            }
        }
        if strangers {
            // They belong to inputs that are not named in the answer.
            let told =
                |id: &u64| answered.contains(id) || errors.iter().any(|error| error.ids.contains(&id.to_string()));
            parts.extend(part.iter().filter(|(id, _, _)| !told(id)).map(|page| vec![page.clone()]));
        }
        for error in errors {
            // A record without any is left out or told as not found (api.md 7.2).
            if error.kind == ErrorKind::NotFound || none_found(&error) {
                continue;
            }
            for (id, _, _) in part.iter().filter(|(id, _, _)| !answered.contains(id)) {
                if error.ids.is_empty() || error.ids.contains(&id.to_string()) {
                    existing.failed.insert(*id, unread(&error));
                }
            }
        }
        if !further.is_empty() {
            parts.push(further);
        }
    }
    existing
}

fn none_found(error: &ApiError) -> bool {
    error.sub_category.as_deref().is_some_and(|sub| sub.contains("NO_ASSOCIATIONS_FOUND"))
        || error.message.starts_with("No ") && error.message.contains(" is associated with ")
}

fn unread(error: &ApiError) -> String {
    format!("its associations could not be read: {error}")
}
