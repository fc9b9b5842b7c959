//! Owns the account's standard equipment: what every object type has, and which properties answers show.
//!
//! The types and their own properties are data in `catalogue_crm`, `catalogue_commerce` and `catalogue_activities`.

use crate::property::{Choice, Computed, Hints, Kind, Property};
use crate::{catalogue_activities, catalogue_commerce, catalogue_crm};

/// A standard object type `[DOC-OBJ]`.
pub(crate) struct StandardType {
    pub(crate) id: &'static str,
    pub(crate) plural: &'static str,
    pub(crate) singular: &'static str,
    /// Properties of which one must have a value at creation.
    pub(crate) one_of: &'static [&'static str],
    /// Properties that must have a value at creation.
    pub(crate) required: &'static [&'static str],
    /// One line a property: name | label | type or type:fieldType | flags | options `value=Label;…`.
    /// Flags: u unique, r read-only, c calculated, o refers to an owner.
    pub(crate) properties: &'static str,
}

/// Every standard type, in the order of the catalogues.
pub(crate) fn types() -> impl Iterator<Item = &'static StandardType> {
    catalogue_crm::TYPES.iter().chain(catalogue_commerce::TYPES).chain(catalogue_activities::TYPES)
}

/// The stages of a life cycle, which several types share.
pub(crate) const LIFECYCLE: &str = "subscriber=Subscriber;lead=Lead;marketingqualifiedlead=Marketing Qualified Lead;salesqualifiedlead=Sales Qualified Lead;opportunity=Opportunity;customer=Customer;evangelist=Evangelist;other=Other";

/// What a custom object type has besides: a selection of the 32 that HubSpot makes with it `[LIVE-KALUP]`.
pub(crate) const CUSTOM: &str = "hubspot_owner_id|Owner|enumeration|o|
hubspot_owner_assigneddate|Owner assigned date|datetime|r|
hubspot_team_id|HubSpot team|string|r|
hs_all_owner_ids|All owner IDs|string|r|
hs_all_team_ids|All team IDs|string|r|
hs_all_accessible_team_ids|All accessible team IDs|string|r|
hs_created_by_user_id|Created by user ID|number|r|
hs_updated_by_user_id|Updated by user ID|number|r|
hs_user_ids_of_all_owners|User IDs of all owners|string|r|
hs_was_imported|Performed in an import|bool|r|
hs_read_only|Read only object|bool|r|
hs_unique_creation_key|Unique creation key|string|r|
hs_pinned_engagement_id|Pinned engagement ID|number||
hs_pipeline|Pipeline|enumeration||
hs_pipeline_stage|Pipeline stage|enumeration||";

/// What every type has, custom objects included.
const EVERY: &str = "hs_object_id|Record ID|number|r|
createdate|Create Date|datetime|r|
hs_createdate|Object create date/time|datetime|r|
hs_lastmodifieddate|Last Modified Date|datetime|r|
hs_object_source|Record source|string|r|
hs_object_source_id|Record source id|string|r|
hs_object_source_label|Record source label|string|r|
hs_merged_object_ids|Merged record IDs|enumeration|r|";

/// The definitions a type begins with; `plural` is empty for a custom object.
pub(crate) fn properties_of(plural: &str, own: &str, now_ms: i64) -> Vec<Property> {
    let group = match plural {
        "contacts" => "contactinformation".to_owned(),
        "companies" => "companyinformation".to_owned(),
        "deals" => "dealinformation".to_owned(),
        "tickets" => "ticketinformation".to_owned(),
        other => format!("{other}_information"),
    };
    let mut all = Vec::new();
    for line in own.lines().chain(EVERY.lines()) {
        if let Some(property) = property(line, &group, now_ms) {
            all.push(property);
        }
    }
    if plural == "contacts" {
        all.extend(property("lastmodifieddate|Last Modified Date|datetime|r|", &group, now_ms));
        for property in &mut all {
            if property.name == "hs_pipeline" {
                property.computed = Some(Computed::Always("contacts-lifecycle-pipeline"));
            }
        }
    }
    all
}

fn property(line: &str, group: &str, now_ms: i64) -> Option<Property> {
    let mut parts = line.splitn(5, '|');
    let (name, label, kind) = (parts.next()?, parts.next()?, parts.next()?);
    let (flags, options) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let (kind, field_type) = kind.split_once(':').unwrap_or((kind, ""));
    let kind = match kind {
        "number" => Kind::Number,
        "bool" => Kind::Bool,
        "datetime" => Kind::Datetime,
        "date" => Kind::Date,
        "enumeration" => Kind::Enumeration,
        _ => Kind::String,
    };
    let options = if options == "@lifecycle" { LIFECYCLE } else { options };
    let mut choices: Vec<Choice> = Vec::new();
    for (at, pair) in options.split(';').filter(|pair| !pair.is_empty()).enumerate() {
        let (value, label) = pair.split_once('=').unwrap_or((pair, pair));
        choices.push(choice(value, label, at));
    }
    if kind == Kind::Bool {
        choices = vec![choice("true", "True", 0), choice("false", "False", 1)];
    }
    let owner = flags.contains('o');
    // a deal's amount is given, a line item's calculated
    let line_amount = name == "amount" && flags.contains('c');
    Some(Property {
        name: name.to_owned(),
        label: label.to_owned(),
        kind,
        field_type: if field_type.is_empty() { kind.usual_field_type().to_owned() } else { field_type.to_owned() },
        group_name: group.to_owned(),
        description: String::new(),
        options: choices,
        display_order: -1,
        hidden: false,
        form_field: !flags.contains(['r', 'c']),
        has_unique_value: flags.contains('u'),
        external_options: owner,
        referenced_object_type: owner.then(|| "OWNER".to_owned()),
        data_sensitivity: "non_sensitive".to_owned(),
        calculated: flags.contains('c'),
        read_only_value: flags.contains(['r', 'c']),
        hubspot_defined: true,
        computed: if line_amount { Some(Computed::LineAmount { discounted: true }) } else { computed(name) },
        archived_at_ms: None,
        created_ms: now_ms,
        updated_ms: now_ms,
        calculation_formula: None,
        hints: Hints::default(),
        validations: Vec::new(),
    })
}

fn choice(value: &str, label: &str, at: usize) -> Choice {
    Choice {
        label: label.to_owned(),
        value: value.to_owned(),
        description: None,
        display_order: i64::try_from(at).unwrap_or(-1),
        hidden: false,
    }
}

fn computed(name: &str) -> Option<Computed> {
    Some(match name {
        "createdate" | "hs_createdate" => Computed::Created,
        "lastmodifieddate" | "hs_lastmodifieddate" => Computed::Modified,
        "hs_object_id" | "hs_ticket_id" | "hs_all_contact_vids" => Computed::ObjectId,
        "hs_full_name_or_email" => Computed::FullNameOrEmail,
        "hs_email_domain" => Computed::EmailDomain,
        "hs_merged_object_ids" => Computed::MergedIds,
        "hs_is_closed" => Computed::StageClosed,
        "hs_is_closed_won" => Computed::StageWon,
        "hs_deal_stage_probability" => Computed::StageProbability,
        "amount_in_home_currency" => Computed::Copy("amount"),
        "hs_pre_discount_amount" => Computed::LineAmount { discounted: false },
        "hs_is_contact" | "hs_is_unworked" => Computed::Always("true"),
        "num_notes" => Computed::Always("0"),
        "hs_object_source" => Computed::Always("INTEGRATION"),
        "hs_object_source_id" | "hs_object_source_label" => Computed::Always("sandbox"),
        _ => return None,
    })
}

/// Properties that a read, list or search answers with when none are asked for `[DOC-SEARCH]`.
pub(crate) fn default_properties(plural: &str) -> &'static [&'static str] {
    match plural {
        "contacts" => &["createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"],
        "companies" => &["name", "domain", "createdate", "hs_lastmodifieddate", "hs_object_id"],
        "deals" => &[
            "dealname",
            "amount",
            "closedate",
            "pipeline",
            "dealstage",
            "createdate",
            "hs_lastmodifieddate",
            "hs_object_id",
        ],
        "tickets" => &[
            "content",
            "hs_pipeline",
            "hs_pipeline_stage",
            "hs_ticket_category",
            "hs_ticket_priority",
            "subject",
            "createdate",
            "hs_lastmodifieddate",
            "hs_object_id",
        ],
        _ => &["hs_createdate", "hs_lastmodifieddate", "hs_object_id"],
    }
}

/// Where the free-text `query` of a search looks `[DOC-SEARCH]`; empty for other types.
pub(crate) fn searchable(plural: &str) -> &'static [&'static str] {
    match plural {
        "contacts" => {
            &["firstname", "lastname", "email", "phone", "hs_additional_emails", "fax", "mobilephone", "company"]
        }
        "companies" => &["website", "phone", "name", "domain"],
        "deals" => &["dealname", "pipeline", "dealstage", "description", "dealtype"],
        "tickets" => &["subject", "content", "hs_pipeline_stage", "hs_ticket_category", "hs_ticket_id"],
        _ => &[],
    }
}

/// What the answer to a create holds besides the properties sent `[LIVE-AMP]`.
pub(crate) fn computed_in_answers(plural: &str) -> &'static [&'static str] {
    match plural {
        "contacts" => &[
            "createdate",
            "hs_all_contact_vids",
            "hs_email_domain",
            "hs_full_name_or_email",
            "hs_is_contact",
            "hs_is_unworked",
            "hs_object_id",
            "hs_object_source",
            "hs_object_source_id",
            "hs_object_source_label",
            "hs_pipeline",
            "lastmodifieddate",
            "lifecyclestage",
            "num_notes",
        ],
        "companies" | "deals" | "tickets" => &[
            "createdate",
            "hs_lastmodifieddate",
            "hs_object_id",
            "hs_object_source",
            "hs_object_source_id",
            "hs_object_source_label",
        ],
        _ => &[
            "hs_createdate",
            "hs_lastmodifieddate",
            "hs_object_id",
            "hs_object_source",
            "hs_object_source_id",
            "hs_object_source_label",
        ],
    }
}
