//! Lists that records join and leave.

use std::sync::Arc;

use hubward_core::{Outcome, Reason};
use hubward_engine::door::{ListChange, Member};

use super::names::folded;
use super::records::{Group, merged};
use super::window::{Place, Window, Word};
use crate::actions::ListWish;

/// Changes of one list.
struct Changes {
    object: String,
    name: String,
    create: bool,
    members: Vec<(Member, Vec<Place>)>,
}

impl Window<'_> {
    /// Puts the records of groups on lists and takes them off.
    pub(super) async fn lists(&mut self, groups: &[Group]) {
        let mut lists: Vec<Changes> = Vec::new();
        for group in groups {
            let Some(record_id) = group.record_id else { continue };
            let object = folded(group.object());
            for wish in merged(&group.good).lists {
                let asks = |known: &ListWish| known.name == wish.name;
                let mine: Vec<Place> = group
                    .good
                    .iter()
                    .filter(|task| task.intent.lists.iter().any(asks))
                    .map(|task| task.place)
                    .collect();
                let key = mine.first().map_or_else(String::new, |place| self.key(*place));
                let change = if wish.member { ListChange::Add } else { ListChange::Remove };
                let member = (Member { key, record_id, change }, mine);
                match lists.iter_mut().find(|known| known.object == object && known.name == wish.name) {
                    Some(known) => {
                        known.create |= wish.create;
                        known.members.push(member);
                    }
                    None => {
                        let (object, name) = (object.clone(), wish.name);
                        lists.push(Changes { object, name, create: wish.create, members: vec![member] });
                    }
                }
            }
        }
        for changes in lists {
            self.change(changes).await;
        }
    }

    async fn change(&mut self, changes: Changes) {
        let list = match self.list(&changes).await {
            Ok(list) => list,
            Err(word) => {
                let reason = word.reason.unwrap_or_default();
                for (_, places) in &changes.members {
                    self.refused(places, word.outcome, &reason);
                }
                return;
            }
        };
        let (members, places): (Vec<Member>, Vec<Vec<Place>>) = changes.members.into_iter().unzip();
        let answered = Arc::clone(&self.delivery.door).memberships(list, members).await;
        self.stopped(answered.stop);
        let mut gone = false;
        for (settled, places) in answered.outcomes.into_iter().zip(places) {
            if matches!(settled.outcome, Outcome::Applied | Outcome::Unchanged | Outcome::Skipped) {
                continue;
            }
            gone |= settled.outcome == Outcome::Rejected;
            self.refused(&places, settled.outcome, &settled.reason.unwrap_or_default());
        }
        if gone {
            // The list may be another by now.
            self.delivery.lists.lock().await.remove(&(changes.object, changes.name));
        }
    }

    async fn list(&mut self, changes: &Changes) -> Result<u64, Word> {
        let named = (changes.object.clone(), changes.name.clone());
        let delivery = self.delivery;
        let mut lists = delivery.lists.lock().await;
        if let Some(id) = lists.get(&named) {
            return Ok(*id);
        }
        match delivery.door.list(&changes.name, &changes.object, changes.create).await {
            Ok(list) => {
                lists.insert(named, list.id);
                Ok(list.id)
            }
            Err(error) => {
                drop(lists);
                let word = self.failed(error);
                Err(match word.outcome {
                    Outcome::Invalid => {
                        let reason = word.reason.clone().unwrap_or_default();
                        Word { outcome: Outcome::Rejected, reason: Some(Reason { property: None, ..reason }), ..word }
                    }
                    _ => word,
                })
            }
        }
    }
}
