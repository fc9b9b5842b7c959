//! Owns what `load.settings` chooses: switches of the account, and the reading taken where HubSpot's behaviour is not known.

use serde::Deserialize;

/// The object of `load.settings`; what it leaves out stays as it is.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SettingsInput {
    pub(crate) merge_keeps_primary_id: Option<bool>,
    pub(crate) gdpr_blocks_emails: Option<bool>,
}

#[derive(Debug)]
pub(crate) struct Settings {
    /// "Primary ID preservation": the survivor of a merge keeps the primary's id instead of getting a new one (api.md 3.10).
    pub(crate) merge_keeps_primary_id: bool,
    /// An e-mail that was permanently deleted can't be used again (api.md 3.10).
    pub(crate) gdpr_blocks_emails: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { merge_keeps_primary_id: false, gdpr_blocks_emails: true }
    }
}

impl Settings {
    pub(crate) fn take(&mut self, input: SettingsInput) {
        if let Some(on) = input.merge_keeps_primary_id {
            self.merge_keeps_primary_id = on;
        }
        if let Some(on) = input.gdpr_blocks_emails {
            self.gdpr_blocks_emails = on;
        }
    }
}
