//! Owns what `load.settings` chooses: switches of the account, and the reading taken where HubSpot's behaviour is not known.

use serde::Deserialize;

/// One entry of `association_ceilings`: how many records of a type one record may have associated in all.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CeilingInput {
    pub(crate) from: String,
    pub(crate) to: String,
    /// `null` lifts it.
    pub(crate) most: Option<u32>,
}

/// The object of `load.settings`; what it leaves out stays as it is.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SettingsInput {
    pub(crate) auto_company_association: Option<bool>,
    #[serde(default)]
    pub(crate) auto_company_excluded_domains: Option<Vec<String>>,
    pub(crate) first_company_is_primary: Option<bool>,
    pub(crate) association_read_omits_empty: Option<bool>,
    #[serde(default, deserialize_with = "present")]
    pub(crate) association_archive_from_ids: Option<Option<usize>>,
    #[serde(default)]
    pub(crate) association_ceilings: Vec<CeilingInput>,
    pub(crate) merge_keeps_primary_id: Option<bool>,
    pub(crate) gdpr_blocks_emails: Option<bool>,
    pub(crate) sensitive_data: Option<bool>,
    pub(crate) leads_need_association: Option<bool>,
    pub(crate) snapshot_lists_take_members: Option<bool>,
    pub(crate) list_resolves_merged_ids: Option<bool>,
    pub(crate) list_answers_omit_empty: Option<bool>,
    pub(crate) deleted_lists_readable: Option<bool>,
    #[serde(default, deserialize_with = "present")]
    pub(crate) list_membership_ids: Option<Option<usize>>,
    pub(crate) list_bulk_members: Option<usize>,
    pub(crate) list_lag_ms: Option<u32>,
    pub(crate) events_need_enterprise: Option<bool>,
    pub(crate) event_reads_need_enterprise: Option<bool>,
    pub(crate) events_deduplicate: Option<bool>,
    pub(crate) events_create_contacts: Option<bool>,
    pub(crate) events_try_next_identifier: Option<bool>,
    pub(crate) events_refuse_undefined_properties: Option<bool>,
    pub(crate) events_refuse_invalid_values: Option<bool>,
    pub(crate) event_lag_ms: Option<(u64, u64)>,
    /// Of the apps, not of the account: `load` hands it to them.
    pub(crate) rotate_refresh_tokens: Option<bool>,
}

/// Tells `null` from a key left out.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<usize>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

#[derive(Debug)]
pub(crate) struct Settings {
    /// "Create and associate companies with contacts" (api.md 3.9).
    pub(crate) auto_company_association: bool,
    /// Domains that the setting above leaves alone, beside those of free mail.
    pub(crate) auto_company_excluded_domains: Vec<String>,
    /// A record's first company becomes its primary whatever type was sent. An older page of HubSpot's says so, the present
    /// ones are silent.
    pub(crate) first_company_is_primary: bool,
    /// A batch read leaves records without associations out, instead of naming each in `errors` (api.md 7.2).
    pub(crate) association_read_omits_empty: bool,
    /// Most distinct `from` ids of an association archive (api.md 7.4).
    pub(crate) association_archive_from_ids: Option<usize>,
    /// "Primary ID preservation": the survivor of a merge keeps the primary's id instead of getting a new one (api.md 3.10).
    pub(crate) merge_keeps_primary_id: bool,
    /// An e-mail that was permanently deleted can't be used again (api.md 3.10).
    pub(crate) gdpr_blocks_emails: bool,
    /// Properties may hold sensitive data (api.md 5.4).
    pub(crate) sensitive_data: bool,
    /// A lead is refused at creation without an association to a contact `[DOC-OBJ]`.
    pub(crate) leads_need_association: bool,
    /// Requests may change the members of a SNAPSHOT list, as HubSpot's documents say (api.md 8.2).
    pub(crate) snapshot_lists_take_members: bool,
    /// An id that was merged away stands for its survivor in a membership request, instead of being missing.
    pub(crate) list_resolves_merged_ids: bool,
    /// The answer to a membership request leaves out its empty arrays (api.md 8.2).
    pub(crate) list_answers_omit_empty: bool,
    /// A deleted list can still be read by its id and has `deletedAt`.
    pub(crate) deleted_lists_readable: bool,
    /// Most ids of one membership request; HubSpot documents none (api.md 15).
    pub(crate) list_membership_ids: Option<usize>,
    /// A list with as many members can't be copied into another nor cleared `[SPEC]`.
    pub(crate) list_bulk_members: usize,
    /// Milliseconds until a page of members shows a change (api.md 8.2, unverified).
    pub(crate) list_lag_ms: u32,
    /// Custom events are not for Professional; sources differ (api.md 9.2).
    pub(crate) events_need_enterprise: bool,
    /// Occurrences are read on Enterprise only (api.md 9.4).
    pub(crate) event_reads_need_enterprise: bool,
    /// An event whose `uuid` is known is not stored again. The documents say so; nobody has shown it.
    pub(crate) events_deduplicate: bool,
    /// An event of an unknown e-mail makes a contact (api.md 9.2). Sources differ.
    pub(crate) events_create_contacts: bool,
    /// An identifier that leads nowhere gives way to the next one. HubSpot states an order, and not this.
    pub(crate) events_try_next_identifier: bool,
    /// A property that the event does not have is refused, instead of dropped.
    pub(crate) events_refuse_undefined_properties: bool,
    /// A value that does not fit its property is refused, instead of dropped.
    pub(crate) events_refuse_invalid_values: bool,
    /// Least and most milliseconds until an event is processed and can be read.
    pub(crate) event_lag_ms: (u64, u64),
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            merge_keeps_primary_id: false,
            gdpr_blocks_emails: true,
            sensitive_data: false,
            leads_need_association: true,
            snapshot_lists_take_members: true,
            list_resolves_merged_ids: false,
            list_answers_omit_empty: false,
            deleted_lists_readable: false,
            list_membership_ids: Some(100_000),
            list_bulk_members: 100_000,
            list_lag_ms: 0,
            events_need_enterprise: false,
            event_reads_need_enterprise: true,
            events_deduplicate: true,
            events_create_contacts: true,
            events_try_next_identifier: false,
            events_refuse_undefined_properties: false,
            events_refuse_invalid_values: false,
            event_lag_ms: (1_000, 5_000),
            auto_company_association: false,
            auto_company_excluded_domains: Vec::new(),
            first_company_is_primary: false,
            association_read_omits_empty: false,
            association_archive_from_ids: Some(100),
        }
    }
}

impl Settings {
    pub(crate) fn take(&mut self, input: SettingsInput) {
        if let Some(on) = input.auto_company_association {
            self.auto_company_association = on;
        }
        if let Some(domains) = input.auto_company_excluded_domains {
            self.auto_company_excluded_domains = domains.iter().map(|domain| domain.to_lowercase()).collect();
        }
        if let Some(on) = input.first_company_is_primary {
            self.first_company_is_primary = on;
        }
        if let Some(on) = input.association_read_omits_empty {
            self.association_read_omits_empty = on;
        }
        if let Some(most) = input.association_archive_from_ids {
            self.association_archive_from_ids = most;
        }
        if let Some(on) = input.merge_keeps_primary_id {
            self.merge_keeps_primary_id = on;
        }
        if let Some(on) = input.gdpr_blocks_emails {
            self.gdpr_blocks_emails = on;
        }
        if let Some(on) = input.sensitive_data {
            self.sensitive_data = on;
        }
        if let Some(on) = input.leads_need_association {
            self.leads_need_association = on;
        }
        if let Some(on) = input.snapshot_lists_take_members {
            self.snapshot_lists_take_members = on;
        }
        if let Some(on) = input.list_resolves_merged_ids {
            self.list_resolves_merged_ids = on;
        }
        if let Some(on) = input.list_answers_omit_empty {
            self.list_answers_omit_empty = on;
        }
        if let Some(on) = input.deleted_lists_readable {
            self.deleted_lists_readable = on;
        }
        if let Some(most) = input.list_membership_ids {
            self.list_membership_ids = most;
        }
        if let Some(most) = input.list_bulk_members {
            self.list_bulk_members = most;
        }
        if let Some(lag_ms) = input.list_lag_ms {
            self.list_lag_ms = lag_ms;
        }
        for (own, sent) in [
            (&mut self.events_need_enterprise, input.events_need_enterprise),
            (&mut self.event_reads_need_enterprise, input.event_reads_need_enterprise),
            (&mut self.events_deduplicate, input.events_deduplicate),
            (&mut self.events_create_contacts, input.events_create_contacts),
            (&mut self.events_try_next_identifier, input.events_try_next_identifier),
            (&mut self.events_refuse_undefined_properties, input.events_refuse_undefined_properties),
            (&mut self.events_refuse_invalid_values, input.events_refuse_invalid_values),
        ] {
            *own = sent.unwrap_or(*own);
        }
        self.event_lag_ms = input.event_lag_ms.unwrap_or(self.event_lag_ms);
    }
}
