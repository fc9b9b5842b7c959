//! Owns the values that HubSpot fills in itself: times, ids, and what it calculates from other properties.

use std::borrow::Cow;

use crate::account::ObjectType;
use crate::clock::iso;
use crate::pipelines::Stage;
use crate::property::Computed;
use crate::record::{PropertyAt, Record, Values};

impl ObjectType {
    /// A value as answers and search see it: stored, or filled in by HubSpot. `values` and `updated_ms` are those of the version looked at.
    pub(crate) fn value<'a>(
        &self,
        id: u64,
        record: &'a Record,
        values: &'a Values,
        updated_ms: i64,
        at: PropertyAt,
    ) -> Option<Cow<'a, str>> {
        let Some(computed) = self.property(at).computed else {
            return crate::record::get(values, at).map(Cow::Borrowed);
        };
        let stored = |name: &str| self.known(name).and_then(|at| crate::record::get(values, at));
        match computed {
            Computed::Created => Some(Cow::Owned(iso(record.created_ms))),
            Computed::Modified => Some(Cow::Owned(iso(updated_ms))),
            Computed::ObjectId => Some(Cow::Owned(id.to_string())),
            Computed::Always(text) => Some(Cow::Borrowed(text)),
            Computed::EmailDomain => stored("email")?.rsplit_once('@').map(|(_, domain)| Cow::Borrowed(domain)),
            Computed::FullNameOrEmail => match (stored("firstname"), stored("lastname")) {
                (Some(first), Some(last)) => Some(Cow::Owned(format!("{first} {last}"))),
                (Some(one), None) | (None, Some(one)) => Some(Cow::Borrowed(one)),
                (None, None) => stored("email").map(Cow::Borrowed),
            },
            Computed::StageClosed => {
                Some(Cow::Borrowed(if self.stage_of(values)?.is_closed() { "true" } else { "false" }))
            }
            Computed::StageWon => {
                let won = self.stage_of(values)?.metadata.probability.as_deref() == Some("1.0");
                Some(Cow::Borrowed(if won { "true" } else { "false" }))
            }
            Computed::StageProbability => self.stage_of(values)?.metadata.probability.clone().map(Cow::Owned),
            Computed::Copy(name) => stored(name).map(Cow::Borrowed),
            Computed::LineAmount { discounted } => {
                let number = |name: &str| stored(name).and_then(|text| text.parse::<f64>().ok());
                let full = number("price")? * number("quantity")?;
                if !discounted {
                    return Some(Cow::Owned(full.to_string()));
                }
                let unit = number("discount").unwrap_or(0.0) * number("quantity")?;
                let share = number("hs_discount_percentage").unwrap_or(0.0) / 100.0;
                Some(Cow::Owned(((full - unit) * (1.0 - share)).to_string()))
            }
            Computed::MergedIds => {
                let ids: Vec<String> = record.merged_ids.iter().map(u64::to_string).collect();
                (!ids.is_empty()).then(|| Cow::Owned(ids.join(";")))
            }
        }
    }

    /// The pipeline stage that a record is in.
    fn stage_of(&self, values: &Values) -> Option<&Stage> {
        let (_, stage_at) = self.stage?;
        let id = crate::record::get(values, stage_at)?;
        self.pipelines.iter().flat_map(|pipeline| &pipeline.stages).find(|stage| stage.id == id)
    }
}
