//! Owns, as data, the standard types of the CRM proper and the HubSpot-defined properties each begins with.
//!
//! A realistic selection, not all of HubSpot's: a contact in a real account has some three hundred properties. What each type
//! needs at creation is api.md 3.4 and, for leads, `[DOC-OBJ]`.

use crate::standard::StandardType;

pub(crate) const TYPES: &[StandardType] = &[
    StandardType {
        id: "0-1",
        plural: "contacts",
        singular: "contact",
        one_of: &["email", "firstname", "lastname"],
        required: &[],
        properties: CONTACT,
    },
    StandardType {
        id: "0-2",
        plural: "companies",
        singular: "company",
        one_of: &["name", "domain"],
        required: &[],
        properties: COMPANY,
    },
    StandardType {
        id: "0-3",
        plural: "deals",
        singular: "deal",
        one_of: &[],
        required: &["dealname", "dealstage"],
        properties: DEAL,
    },
    StandardType {
        id: "0-5",
        plural: "tickets",
        singular: "ticket",
        one_of: &[],
        required: &["subject", "hs_pipeline_stage"],
        properties: TICKET,
    },
    StandardType {
        id: "0-136",
        plural: "leads",
        singular: "lead",
        one_of: &[],
        required: &["hs_lead_name"],
        properties: LEAD,
    },
    StandardType {
        id: "0-162",
        plural: "services",
        singular: "service",
        one_of: &[],
        required: &[],
        properties: SERVICE,
    },
    StandardType { id: "0-410", plural: "courses", singular: "course", one_of: &[], required: &[], properties: COURSE },
    StandardType {
        id: "0-420",
        plural: "listings",
        singular: "listing",
        one_of: &[],
        required: &[],
        properties: LISTING,
    },
    StandardType {
        id: "0-421",
        plural: "appointments",
        singular: "appointment",
        one_of: &[],
        required: &[],
        properties: APPOINTMENT,
    },
];

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
hs_deal_stage_probability|Deal probability|number|c|
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

const LEAD: &str = "hs_lead_name|Lead name|string||
hs_lead_type|Lead type|enumeration||NEW_BUSINESS=New business;RE_ATTEMPTING=Re-attempting;UPSELL=Upsell
hs_lead_label|Lead label|enumeration||HOT=Hot;WARM=Warm;COLD=Cold
hs_lead_disqualification_reason|Disqualification reason|enumeration||BUDGET=Budget;TIMING=Timing;NOT_A_FIT=Not a fit;OTHER=Other
hs_lead_disqualification_note|Disqualification note|string:textarea||
hs_pipeline|Pipeline|enumeration||
hs_pipeline_stage|Pipeline stage|enumeration||
hubspot_owner_id|Owner|enumeration|o|";

const SERVICE: &str = "hs_name|Name|string||
hs_description|Description|string:textarea||
hs_category|Category|enumeration:checkbox||onboarding=Onboarding;implementation=Implementation;consulting=Consulting;maintenance=Maintenance
hs_status|Status|enumeration||on_track=On track;at_risk=At risk;off_track=Off track;blocked=Blocked
hs_start_date|Start date|datetime||
hs_target_end_date|Target end date|datetime||
hs_close_date|Close date|datetime||
hs_total_cost|Total cost|number||
hs_amount_paid|Amount paid|number||
hs_amount_remaining|Amount remaining|number||
hs_pipeline|Pipeline|enumeration||
hs_pipeline_stage|Pipeline stage|enumeration||
hubspot_owner_id|Owner|enumeration|o|";

const COURSE: &str = "hs_course_name|Course name|string||
hs_course_id|Course ID|string||
hs_course_description|Course description|string:textarea||
hs_enrollment_capacity|Enrollment capacity|number||
hs_price|Price|number||
hs_start_date|Start date|datetime||
hs_end_date|End date|datetime||
hs_pipeline|Pipeline|enumeration||
hs_pipeline_stage|Pipeline stage|enumeration||
hubspot_owner_id|Owner|enumeration|o|";

const LISTING: &str = "hs_name|Name|string||
hs_price|Price|number||
hs_address_1|Address 1|string||
hs_address_2|Address 2|string||
hs_city|City|string||
hs_state_province|State/Province|string||
hs_zip|Postal code|string||
hs_neighborhood|Neighborhood|string||
hs_listing_type|Listing type|enumeration||house=House;townhouse=Townhouse;apartment=Apartment;condo=Condo;land=Land
hs_bedrooms|Bedrooms|number||
hs_bathrooms|Bathrooms|number||
hs_square_footage|Square footage|number||
hs_lot_size|Lot size|number||
hs_year_built|Year built|number||
hs_url|URL|string||
hs_pipeline|Pipeline|enumeration||
hs_pipeline_stage|Pipeline stage|enumeration||
hubspot_owner_id|Owner|enumeration|o|";

const APPOINTMENT: &str = "hs_appointment_name|Appointment name|string||
hs_appointment_start|Appointment start|datetime||
hs_appointment_end|Appointment end|datetime||
hs_appointment_status|Appointment status|enumeration||SCHEDULED=Scheduled;COMPLETED=Completed;RESCHEDULED=Rescheduled;CANCELED=Canceled;NO_SHOW=No show
hs_appointment_notes|Notes|string:textarea||
hs_duration|Duration|number||
hs_pipeline|Pipeline|enumeration||
hs_pipeline_stage|Pipeline stage|enumeration||
hubspot_owner_id|Owner|enumeration|o|";
