//! One record read by itself, with as many of its properties as a sync compares.
//!
//! Owns how the names get to HubSpot; what the answer means is the caller's.

use hubward_core::ErrorKind;
use hubward_hubspot::{ApiError, RecordResult};

use crate::corridor::Corridor;
use crate::row::Row;

/// So many bytes of property names go into a URL; more are too long for HubSpot (`414`, api.md 2.1).
const NAMES_IN_URL_BYTES_MAX: usize = 1_500;

impl Corridor {
    /// Reads the record of one row, by its id or by another property; none where there is no such record. A merged-away id
    /// and a secondary e-mail address lead to the record that is left, so that is asked for its values by its own id where
    /// they are many.
    pub(crate) async fn read_one(
        &self,
        row: &Row,
        id: &str,
        id_property: Option<&str>,
        names: &[String],
    ) -> Result<Option<RecordResult>, ApiError> {
        let meta = self.meta(std::slice::from_ref(row));
        let bytes: usize = names.iter().map(|name| name.len() + 1).sum();
        if bytes <= NAMES_IN_URL_BYTES_MAX {
            return self.client.read_record(&self.object, id, id_property, names, &meta).await;
        }
        let few: Vec<String> = id_property.into_iter().map(str::to_owned).collect();
        let Some(found) = self.client.read_record(&self.object, id, id_property, &few, &meta).await? else {
            return Ok(None);
        };
        let ids = [found.id];
        let mut reply = self.client.batch_read(&self.object, None, &ids, names, &meta).await?;
        match reply.results.into_iter().find(|record| record.id == ids[0]) {
            Some(record) => Ok(Some(record)),
            None => Err(reply.errors.pop().unwrap_or_else(|| {
                ApiError::new(ErrorKind::Unreadable, format!("HubSpot shows record {} and not its values", ids[0]))
            })),
        }
    }
}
