//! Owns the sending of events, one or a batch (api.md 9.2): all of a request is good or nothing of it is stored, and the
//! answer says nothing of what becomes of an event afterwards.

use std::sync::Arc;

use crate::account::Account;
use crate::answers::{Refusal, Reply};
use crate::call::Call;
use crate::event_input::{EventInput, Identifier, Judged, judge};
use crate::input::{self, Batch, Properties, Text};
use crate::objects::key_value;
use crate::occurrences::{TextWriter, id_in};
use crate::route::Version;
use crate::values;
use crate::write::{self, Writing};

/// Events of one batch `[DOC-SEND]`.
const MOST_INPUTS: usize = 500;

pub(crate) fn one(call: &Call<'_>) -> Result<Reply, Refusal> {
    let wanted: EventInput<'_> = input::parse(call.body)?;
    take(call, &[wanted])
}

pub(crate) fn batch(call: &Call<'_>) -> Result<Reply, Refusal> {
    let wanted: Batch<EventInput<'_>> = input::parse(call.body)?;
    input::at_most(wanted.inputs.len(), MOST_INPUTS)?;
    take(call, &wanted.inputs)
}

fn take(call: &Call<'_>, inputs: &[EventInput<'_>]) -> Result<Reply, Refusal> {
    let mut account = call.account();
    let mut random = account.random.clone();
    let mut judged = Vec::with_capacity(inputs.len());
    let mut text = TextWriter::default();
    for input in inputs {
        judged.push(judge(&account, input, || random.correlation_id(), &mut text, call.now_ms)?);
    }
    let text = text.finish();
    account.random = random;
    call.inner.meter().draw_events(judged.len() as u64, call.now_ms)?;
    for one in judged {
        store(&mut account, &one, &text, call.now_ms);
    }
    Ok(Reply::empty(204))
}

/// Stores one event whether or not a record is found for it; an id that is known already is passed over.
fn store(account: &mut Account, judged: &Judged<'_>, text: &Arc<str>, now_ms: i64) {
    let Judged { draft, identifiers, id_was_sent } = judged;
    if account.settings.events_deduplicate
        && *id_was_sent
        && account.events.occurrences.knows(draft.definition, id_in(text, draft.place), now_ms)
    {
        account.events.occurrences.repeated += 1;
        return;
    }
    let count = if account.settings.events_try_next_identifier { identifiers.len() } else { 1 };
    let mut record = None;
    for identifier in identifiers.iter().take(count) {
        record = find(account, draft.definition, identifier, now_ms);
        if record.is_some() {
            break;
        }
    }
    let (least, most) = account.settings.event_lag_ms;
    let lag = i64::try_from(account.random.between(least, most)).unwrap_or(i64::MAX / 4);
    account.events.occurrences.store(draft, text, record, *id_was_sent, now_ms, now_ms + lag);
}

/// The record that an identifier leads to. E-mails and user tokens are those of contacts, whatever the event happens to.
fn find(account: &mut Account, definition: usize, identifier: &Identifier<'_>, now_ms: i64) -> Option<u64> {
    let definition = &account.events.definitions[definition];
    let object_type = &account.types[definition.primary];
    let id = match identifier {
        Identifier::Matching(value) => {
            let rule = definition.matching.as_ref()?;
            let at = object_type.defined(&rule.target_object_property_name)?;
            object_type.holder(at, &key_value(object_type, at, value))?
        }
        Identifier::Record(id) => object_type.surviving(id.parse().ok()?)?,
        Identifier::Email(_) | Identifier::Visitor(_) if object_type.id != "0-1" => return None,
        Identifier::Email(address) => {
            let address = values::email(address)?;
            match object_type.email.and_then(|at| object_type.holder(at, &address)) {
                Some(id) => id,
                None => return contact(account, &address, now_ms),
            }
        }
        Identifier::Visitor(token) => object_type.surviving(*account.events.visitors.get(*token)?)?,
    };
    object_type.live(id)?;
    Some(id)
}

/// An unknown e-mail is reported to make a contact (api.md 9.2).
fn contact(account: &mut Account, address: &str, now_ms: i64) -> Option<u64> {
    if !account.settings.events_create_contacts {
        return None;
    }
    let type_at = account.find("0-1")?;
    let properties = Properties(vec![(Text("email".into()), Some(Text(address.into())))]);
    // an admin's rules of 2026-09 are for those who write records
    let writing = Writing { type_at, existing: None, version: Version::V3, now_ms };
    let changes = write::judge(account, &writing, None, &properties, None).ok()?;
    Some(write::store(account, &writing, &changes))
}
