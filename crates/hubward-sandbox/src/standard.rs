//! Owns the account's standard equipment as data: object types and the HubSpot-defined properties each begins with.
//!
//! A realistic selection, not all of HubSpot's: a contact in a real account has some three hundred properties.

use crate::property::{Choice, Computed, Kind, Property};

/// A standard object type `[DOC-OBJ]`.
pub(crate) struct StandardType {
    pub(crate) id: &'static str,
    pub(crate) plural: &'static str,
    pub(crate) singular: &'static str,
    /// One line a property: name | label | type or type:fieldType | flags | options `value=Label;…`.
    /// Flags: u unique, r read-only, c calculated, o refers to an owner.
    pub(crate) properties: &'static str,
}

macro_rules! types {
    ($(($id:literal, $plural:literal, $singular:literal, $properties:expr)),* $(,)?) => {
        &[$(StandardType { id: $id, plural: $plural, singular: $singular, properties: $properties }),*]
    };
}

pub(crate) const TYPES: &[StandardType] = types![
    ("0-1", "contacts", "contact", CONTACT),
    ("0-2", "companies", "company", COMPANY),
    ("0-3", "deals", "deal", DEAL),
    ("0-5", "tickets", "ticket", TICKET),
    ("0-7", "products", "product", PRODUCT),
    ("0-8", "line_items", "line_item", LINE_ITEM),
    ("0-14", "quotes", "quote", "hs_title|Title|string||\nhs_status|Status|string||"),
    ("0-27", "tasks", "task", TASK),
    ("0-46", "notes", "note", NOTE),
    ("0-47", "meetings", "meeting", MEETING),
    ("0-48", "calls", "call", CALL),
    ("0-49", "emails", "email", EMAIL),
    ("0-123", "orders", "order", ORDER),
    ("0-136", "leads", "lead", "hs_lead_name|Lead name|string||\nhs_lead_label|Lead label|string||"),
    ("0-162", "services", "service", "hs_name|Name|string||\nhs_description|Description|string:textarea||"),
    ("0-410", "courses", "course", "hs_course_name|Course name|string||\nhs_course_id|Course id|string||"),
    ("0-420", "listings", "listing", "hs_name|Name|string||\nhs_price|Price|number||"),
    (
        "0-421",
        "appointments",
        "appointment",
        "hs_appointment_name|Name|string||\nhs_appointment_start|Start|datetime||"
    ),
];

const LIFECYCLE: &str = "subscriber=Subscriber;lead=Lead;marketingqualifiedlead=Marketing Qualified Lead;salesqualifiedlead=Sales Qualified Lead;opportunity=Opportunity;customer=Customer;evangelist=Evangelist;other=Other";

const CONTACT: &str = "email|Email|string|u|
firstname|First Name|string||
lastname|Last Name|string||
phone|Phone Number|string:phonenumber||
mobilephone|Mobile Phone Number|string:phonenumber||
fax|Fax Number|string:phonenumber||
company|Company Name|string||
website|Website URL|string||
address|Street Address|string||
city|City|string||
state|State/Region|string||
zip|Postal Code|string||
country|Country/Region|string||
jobtitle|Job Title|string||
salutation|Salutation|string||
date_of_birth|Date of Birth|string||
gender|Gender|string||
industry|Industry|string||
annualrevenue|Annual Revenue|string||
numemployees|Number of Employees|enumeration||1-5=1-5;5-25=5-25;25-50=25-50;50-100=50-100;100-500=100-500;500-1000=500-1000;1000+=1000+
message|Message|string:textarea||
closedate|Close Date|datetime||
lifecyclestage|Lifecycle Stage|enumeration:radio||@lifecycle
hs_lead_status|Lead Status|enumeration:radio||NEW=New;OPEN=Open;IN_PROGRESS=In Progress;OPEN_DEAL=Open Deal;UNQUALIFIED=Unqualified;ATTEMPTED_TO_CONTACT=Attempted to Contact;CONNECTED=Connected;BAD_TIMING=Bad Timing
hs_buying_role|Buying Role|enumeration:checkbox||BLOCKER=Blocker;BUDGET_HOLDER=Budget Holder;CHAMPION=Champion;DECISION_MAKER=Decision Maker;END_USER=End User;INFLUENCER=Influencer;OTHER=Other
hs_language|Preferred language|enumeration||en=English;de=German;fr=French;es=Spanish;pt=Portuguese;nl=Dutch
hs_persona|Persona|enumeration||persona_1=Persona 1
hs_marketable_until_renewal|Marketing contact until next update|bool|r|
hubspot_owner_id|Contact owner|enumeration|o|
hs_additional_emails|Additional email addresses|string||
hs_full_name_or_email|Full name or email|string|c|
hs_email_domain|Email Domain|string|c|
hs_is_contact|Is a contact|bool|c|
hs_is_unworked|Is unworked|bool|c|
hs_pipeline|Pipeline|enumeration|r|contacts-lifecycle-pipeline=Lifecycle Stage Pipeline
num_notes|Number of sales activities|number|r|
num_associated_deals|Number of Associated Deals|number|c|
hs_email_optout|Unsubscribed from all email|bool|r|
hs_all_contact_vids|All vids for a contact|enumeration|r|";

const COMPANY: &str = "name|Company name|string||
domain|Company Domain Name|string||
website|Website URL|string||
phone|Phone Number|string:phonenumber||
address|Street Address|string||
address2|Street Address 2|string||
city|City|string||
state|State/Region|string||
zip|Postal Code|string||
country|Country/Region|string||
description|Description|string:textarea||
about_us|About Us|string:textarea||
industry|Industry|enumeration||ACCOUNTING=Accounting;AIRLINES_AVIATION=Airlines/Aviation;AUTOMOTIVE=Automotive;BANKING=Banking;COMPUTER_SOFTWARE=Computer Software;CONSUMER_GOODS=Consumer Goods;EDUCATION_MANAGEMENT=Education Management;FINANCIAL_SERVICES=Financial Services;HOSPITAL_HEALTH_CARE=Hospital & Health Care;INFORMATION_TECHNOLOGY_AND_SERVICES=Information Technology and Services;INTERNET=Internet;LOGISTICS_AND_SUPPLY_CHAIN=Logistics and Supply Chain;MUSIC=Music;REAL_ESTATE=Real Estate;RETAIL=Retail;TELECOMMUNICATIONS=Telecommunications
type|Type|enumeration||PROSPECT=Prospect;PARTNER=Partner;RESELLER=Reseller;VENDOR=Vendor;OTHER=Other
numberofemployees|Number of Employees|number||
annualrevenue|Annual Revenue|number||
founded_year|Year Founded|string||
is_public|Is Public|bool||
timezone|Time Zone|string||
linkedin_company_page|LinkedIn Company Page|string||
lifecyclestage|Lifecycle Stage|enumeration:radio||@lifecycle
hs_lead_status|Lead Status|enumeration:radio||NEW=New;OPEN=Open;IN_PROGRESS=In Progress;OPEN_DEAL=Open Deal;UNQUALIFIED=Unqualified;CONNECTED=Connected
hs_additional_domains|Additional Domains|string||
hubspot_owner_id|Company owner|enumeration|o|
num_associated_contacts|Number of Associated Contacts|number|c|
num_notes|Number of sales activities|number|r|";

const DEAL: &str = "dealname|Deal Name|string||
amount|Amount|number||
closedate|Close Date|datetime||
pipeline|Pipeline|enumeration||
dealstage|Deal Stage|enumeration:radio||
dealtype|Deal Type|enumeration:radio||newbusiness=New Business;existingbusiness=Existing Business
description|Deal Description|string:textarea||
hs_priority|Priority|enumeration||low=Low;medium=Medium;high=High
hs_next_step|Next step|string||
deal_currency_code|Currency|enumeration||USD=US Dollar;EUR=Euro;GBP=Pound Sterling
hubspot_owner_id|Deal owner|enumeration|o|
amount_in_home_currency|Amount in company currency|number|c|
hs_is_closed|Is deal closed?|bool|c|
hs_is_closed_won|Is closed won|bool|c|
num_associated_contacts|Number of Associated Contacts|number|c|
num_notes|Number of sales activities|number|r|";

const TICKET: &str = "subject|Ticket name|string||
content|Ticket description|string:textarea||
hs_pipeline|Pipeline|enumeration||
hs_pipeline_stage|Ticket status|enumeration||
hs_ticket_priority|Priority|enumeration||LOW=Low;MEDIUM=Medium;HIGH=High;URGENT=Urgent
hs_ticket_category|Category|enumeration:checkbox||PRODUCT_ISSUE=Product Issue;BILLING_ISSUE=Billing Issue;FEATURE_REQUEST=Feature Request;GENERAL_INQUIRY=General Inquiry
source_type|Source|enumeration||CHAT=Chat;EMAIL=Email;FORM=Form;PHONE=Phone
hs_ticket_id|Ticket ID|number|r|
hs_resolution|Resolution|enumeration||ISSUE_FIXED=Issue Fixed;WONT_FIX=Won't Fix
hubspot_owner_id|Ticket owner|enumeration|o|
closed_date|Close date|datetime||
num_notes|Number of sales activities|number|r|";

const PRODUCT: &str = "name|Name|string||
description|Product description|string:textarea||
price|Unit price|number||
hs_sku|SKU|string||
hs_cost_of_goods_sold|Unit cost|number||
hs_recurring_billing_period|Term|string||
hs_url|URL|string||";

const LINE_ITEM: &str = "name|Name|string||
description|Product description|string:textarea||
price|Unit price|number||
quantity|Quantity|number||
hs_sku|SKU|string||
hs_product_id|Product ID|number||
amount|Net price|number|c|
discount|Unit discount|number||";

const TASK: &str = "hs_timestamp|Due date|datetime||
hs_task_subject|Task Title|string||
hs_task_body|Notes|string:textarea||
hs_task_status|Task Status|enumeration||NOT_STARTED=Not started;IN_PROGRESS=In progress;COMPLETED=Completed;WAITING=Waiting;DEFERRED=Deferred
hs_task_priority|Priority|enumeration||NONE=None;LOW=Low;MEDIUM=Medium;HIGH=High
hubspot_owner_id|Assigned to|enumeration|o|";

const NOTE: &str = "hs_timestamp|Activity date|datetime||
hs_note_body|Note body|string:html||
hubspot_owner_id|Activity assigned to|enumeration|o|";

const MEETING: &str = "hs_timestamp|Activity date|datetime||
hs_meeting_title|Meeting name|string||
hs_meeting_body|Meeting description|string:html||
hs_meeting_start_time|Meeting start time|datetime||
hs_meeting_end_time|Meeting end time|datetime||
hubspot_owner_id|Activity assigned to|enumeration|o|";

const CALL: &str = "hs_timestamp|Activity date|datetime||
hs_call_title|Call Title|string||
hs_call_body|Call notes|string:html||
hs_call_duration|Call duration|number||
hs_call_status|Call status|enumeration||COMPLETED=Completed;BUSY=Busy;NO_ANSWER=No answer;FAILED=Failed
hubspot_owner_id|Activity assigned to|enumeration|o|";

const EMAIL: &str = "hs_timestamp|Activity date|datetime||
hs_email_direction|Email Direction|enumeration||EMAIL=Email;INCOMING_EMAIL=Incoming Email;FORWARDED_EMAIL=Forwarded Email
hs_email_subject|Email subject|string||
hs_email_text|Text body|string:textarea||
hs_email_status|Email send status|enumeration||SENT=Sent;SENDING=Sending;SCHEDULED=Scheduled;FAILED=Failed;BOUNCED=Bounced
hubspot_owner_id|Activity assigned to|enumeration|o|";

const ORDER: &str = "hs_order_name|Order name|string||
hs_total_price|Total price|number||
hs_currency_code|Currency|string||
hs_external_order_id|External order id|string|u|
hs_external_created_date|Order date|datetime||";

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
        computed: computed(name),
        archived_at_ms: None,
        created_ms: now_ms,
        updated_ms: now_ms,
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
