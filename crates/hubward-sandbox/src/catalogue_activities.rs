//! Owns, as data, the activities and the HubSpot-defined properties each begins with: a realistic selection.
//!
//! What each type needs at creation is api.md 3.4; for communications and postal mail `[DOC-OBJ]`.

use crate::standard::StandardType;

pub(crate) const TYPES: &[StandardType] = &[
    StandardType {
        id: "0-18",
        plural: "communications",
        singular: "communication",
        one_of: &[],
        required: &["hs_timestamp", "hs_communication_channel_type", "hs_communication_logged_from"],
        properties: COMMUNICATION,
    },
    StandardType {
        id: "0-27",
        plural: "tasks",
        singular: "task",
        one_of: &[],
        required: &["hs_timestamp"],
        properties: TASK,
    },
    StandardType {
        id: "0-46",
        plural: "notes",
        singular: "note",
        one_of: &[],
        required: &["hs_timestamp"],
        properties: NOTE,
    },
    StandardType {
        id: "0-47",
        plural: "meetings",
        singular: "meeting",
        one_of: &[],
        required: &["hs_timestamp"],
        properties: MEETING,
    },
    StandardType {
        id: "0-48",
        plural: "calls",
        singular: "call",
        one_of: &[],
        required: &["hs_timestamp"],
        properties: CALL,
    },
    StandardType {
        id: "0-49",
        plural: "emails",
        singular: "email",
        one_of: &[],
        required: &["hs_timestamp", "hs_email_direction"],
        properties: EMAIL,
    },
    StandardType {
        id: "0-116",
        plural: "postal_mail",
        singular: "postal_mail",
        one_of: &[],
        required: &["hs_timestamp"],
        properties: POSTAL_MAIL,
    },
];

const TASK: &str = "hs_timestamp|Due date|datetime||
hs_task_subject|Task Title|string||
hs_task_body|Notes|string:html||
hs_task_status|Task Status|enumeration||NOT_STARTED=Not started;IN_PROGRESS=In progress;COMPLETED=Completed;WAITING=Waiting;DEFERRED=Deferred
hs_task_priority|Priority|enumeration||NONE=None;LOW=Low;MEDIUM=Medium;HIGH=High
hs_task_type|Task Type|enumeration||TODO=To-do;EMAIL=Email;CALL=Call
hs_task_reminders|Reminders|string||
hubspot_owner_id|Assigned to|enumeration|o|";

const NOTE: &str = "hs_timestamp|Activity date|datetime||
hs_note_body|Note body|string:html||
hs_attachment_ids|Attached file IDs|string||
hubspot_owner_id|Activity assigned to|enumeration|o|";

const MEETING: &str = "hs_timestamp|Activity date|datetime||
hs_meeting_title|Meeting name|string||
hs_meeting_body|Meeting description|string:html||
hs_internal_meeting_notes|Internal meeting notes|string:html||
hs_meeting_location|Location|string||
hs_meeting_external_url|External URL|string||
hs_meeting_start_time|Meeting start time|datetime||
hs_meeting_end_time|Meeting end time|datetime||
hs_meeting_outcome|Meeting outcome|enumeration||SCHEDULED=Scheduled;COMPLETED=Completed;RESCHEDULED=Rescheduled;NO_SHOW=No show;CANCELED=Canceled
hs_activity_type|Call and meeting type|string||
hs_attachment_ids|Attached file IDs|string||
hubspot_owner_id|Activity assigned to|enumeration|o|";

const CALL: &str = "hs_timestamp|Activity date|datetime||
hs_call_title|Call Title|string||
hs_call_body|Call notes|string:html||
hs_call_direction|Call direction|enumeration||INBOUND=Inbound;OUTBOUND=Outbound
hs_call_disposition|Call outcome|string||
hs_call_duration|Call duration|number||
hs_call_from_number|From number|string||
hs_call_to_number|To number|string||
hs_call_recording_url|Recording URL|string||
hs_call_status|Call status|enumeration||BUSY=Busy;CALLING_CRM_USER=Calling CRM user;CANCELED=Canceled;COMPLETED=Completed;CONNECTING=Connecting;FAILED=Failed;IN_PROGRESS=In progress;NO_ANSWER=No answer;QUEUED=Queued;RINGING=Ringing
hs_activity_type|Call and meeting type|string||
hs_attachment_ids|Attached file IDs|string||
hubspot_owner_id|Activity assigned to|enumeration|o|";

const EMAIL: &str = "hs_timestamp|Activity date|datetime||
hs_email_direction|Email Direction|enumeration||EMAIL=Email;INCOMING_EMAIL=Incoming Email;FORWARDED_EMAIL=Forwarded Email
hs_email_subject|Email subject|string||
hs_email_text|Text body|string:textarea||
hs_email_html|HTML body|string:html||
hs_email_headers|Email headers|string:textarea||
hs_email_status|Email send status|enumeration||SENT=Sent;SENDING=Sending;SCHEDULED=Scheduled;FAILED=Failed;BOUNCED=Bounced
hs_attachment_ids|Attached file IDs|string||
hubspot_owner_id|Activity assigned to|enumeration|o|";

const COMMUNICATION: &str = "hs_timestamp|Activity date|datetime||
hs_communication_channel_type|Channel type|enumeration||WHATS_APP=WhatsApp;LINKEDIN_MESSAGE=LinkedIn message;SMS=SMS
hs_communication_logged_from|Logged from|enumeration||CRM=CRM
hs_communication_body|Communication body|string:html||
hs_attachment_ids|Attached file IDs|string||
hubspot_owner_id|Activity assigned to|enumeration|o|";

const POSTAL_MAIL: &str = "hs_timestamp|Activity date|datetime||
hs_postal_mail_body|Postal mail body|string:html||
hs_attachment_ids|Attached file IDs|string||
hubspot_owner_id|Activity assigned to|enumeration|o|";
