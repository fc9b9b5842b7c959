//! Properties in bulk: each of a batch is accounted for by its name, a batch that is refused whole is divided, and what is
//! doubtful is read back.

use hubward_core::ErrorKind;
use hubward_core::declared::DeclaredProperty;
use hubward_hubspot::{ApiError, NewProperty};

use super::apply::{Ending, Maker, READABLE_AFTER, new_property};
use super::change::{Change, Work};
use super::refusal::{divides, doubtful};

impl Maker<'_> {
    /// Up to a full batch of properties of one type. A batch that is refused whole is divided until the guilty one is alone.
    pub(super) async fn make_properties(&mut self, path: &str, changes: &[Change], places: &[usize]) {
        let mut wanted: Vec<(usize, &DeclaredProperty)> = Vec::with_capacity(places.len());
        for place in places {
            let Work::Property(property) = &changes[*place].work else { continue };
            let group = property.group.clone().unwrap_or_default();
            if self.lost_groups.contains(&(changes[*place].target.key(), group.clone())) {
                let why = format!("its group {group} was not made");
                self.end(&[*place], &Ending::NotTried(why));
            } else {
                wanted.push((*place, &**property));
            }
        }
        let mut waiting = vec![wanted];
        while let Some(mut batch) = waiting.pop() {
            if batch.is_empty() {
                continue;
            }
            if let Some(why) = self.stopped.clone() {
                let places: Vec<usize> = batch.iter().map(|(place, _)| *place).collect();
                self.end(&places, &Ending::NotTried(why));
                continue;
            }
            let new: Vec<NewProperty> = batch.iter().map(|(_, property)| new_property(property)).collect();
            let divisible = batch.len() > 1;
            match self.engine.client().create_properties(path, &new).await {
                Err(error) if divisible && divides(&error) => {
                    let rest = batch.split_off(batch.len() / 2);
                    waiting.push(rest);
                    waiting.push(batch);
                }
                Err(error) => {
                    let errors = vec![error; batch.len()];
                    self.account(path, changes, &batch, errors).await;
                }
                Ok(reply) => {
                    let unnamed = reply.refused.iter().find(|(names, _)| names.is_empty()).map(|(_, error)| error);
                    let mut open = Vec::new();
                    let mut errors = Vec::new();
                    for (place, property) in batch {
                        if reply.created.iter().any(|made| made.name == property.name) {
                            self.endings[place] = Some(Ending::Made);
                            continue;
                        }
                        let named = reply.refused.iter().find(|(names, _)| names.contains(&property.name));
                        let error = named.map(|(_, error)| error).or(unnamed).cloned().unwrap_or_else(|| {
                            ApiError::new(ErrorKind::Unreadable, "HubSpot's answer does not mention the property")
                        });
                        open.push((place, property));
                        errors.push(error);
                    }
                    // A refusal without a name may speak of one of several: alone, each gets its own.
                    if unnamed.is_some() && open.len() > 1 {
                        waiting.extend(open.into_iter().map(|one| vec![one]));
                    } else {
                        self.account(path, changes, &open, errors).await;
                    }
                }
            }
        }
    }

    /// Properties that HubSpot did not confirm, each with its error: read back where they may be there all the same.
    async fn account(
        &mut self,
        path: &str,
        changes: &[Change],
        open: &[(usize, &DeclaredProperty)],
        errors: Vec<ApiError>,
    ) {
        let mut known = Vec::new();
        if errors.iter().any(doubtful) {
            tokio::time::sleep(READABLE_AFTER).await;
            known = self.engine.client().properties(path).await.unwrap_or_default();
        }
        for ((place, property), error) in open.iter().zip(errors) {
            let there = doubtful(&error)
                && known.iter().any(|held| {
                    held.name == property.name
                        && held.type_ == property.type_
                        && (held.has_unique_value || !property.unique)
                });
            let result = if there { Ok(()) } else { Err(error) };
            self.settle(&changes[*place], *place, result);
        }
    }
}
