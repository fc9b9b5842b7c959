//! Owns the batch operations on records and their partial failure (api.md 3.6): all or nothing without unique trace ids,
//! input by input with them; batch update is all or nothing for values and partial for unknown ids.

use std::collections::HashSet;

use crate::account::{Account, TypeAt};
use crate::answers::{Refusal, Reply, comma};
use crate::association_create::at_create;
use crate::associations;
use crate::call::{Call, select, select_history};
use crate::cardinality::Pending;
use crate::clock::iso;
use crate::input::{self, Batch, BatchRead, IdInput, ObjectInput, Text};
use crate::objects;
use crate::record::PropertyAt;
use crate::render::{self, Extras};
use crate::rules::association_needed;
use crate::write::{self, Change, Claims, Flaw, Writing};

/// Most records in one batch `[DOC-CONTACTS]`.
pub(crate) const MOST_INPUTS: usize = 100;

/// One record that was written, before its answer is.
struct Done<'a> {
    id: u64,
    created: bool,
    trace_id: Option<&'a str>,
    shown: Vec<PropertyAt>,
    warnings: Vec<render::Warning<'a>>,
}

/// Where an input leads to.
enum Target<'a> {
    New(Option<(PropertyAt, &'a str)>),
    Existing(u64),
    Missing,
    /// Merged into another record: batch update leaves such an id out of results and errors alike `[LIVE-RUD-REPO]`.
    MergedAway,
}

pub(crate) fn create(call: &Call<'_>) -> Result<Reply, Refusal> {
    let batch: Batch<ObjectInput<'_>> = input::parse(call.body)?;
    input::at_most(batch.inputs.len(), MOST_INPUTS)?;
    let mut account = call.account();
    let type_at = account.resolve(call.param(0))?;
    let targets = batch.inputs.iter().map(|_| (None, Target::New(None))).collect();
    let run = Run { call, type_at, verb: Verb::Create };
    run.go(&mut account, &batch.inputs, targets)
}

pub(crate) fn update(call: &Call<'_>) -> Result<Reply, Refusal> {
    let batch: Batch<ObjectInput<'_>> = input::parse(call.body)?;
    input::at_most(batch.inputs.len(), MOST_INPUTS)?;
    let mut account = call.account();
    let type_at = account.resolve(call.param(0))?;
    let mut seen = Seen::default();
    let mut targets = Vec::with_capacity(batch.inputs.len());
    for input in &batch.inputs {
        let id = required_id(input)?;
        let object_type = &account.types[type_at];
        let target = match &input.id_property {
            None => {
                seen.check(None, id);
                match id.parse::<u64>() {
                    Ok(id) if object_type.live(id).is_some() => Target::Existing(id),
                    Ok(id) if object_type.merged.contains_key(&id) => Target::MergedAway,
                    _ => Target::Missing,
                }
            }
            Some(property) => {
                // an e-mail is no key here, though it is one for upsert `[ISSUE-548]`
                let at = key(&account, type_at, property.as_str(), false)?;
                let normal = objects::key_value(object_type, at, id);
                seen.check(Some(at), &normal);
                object_type.holder(at, &normal).map_or(Target::Missing, Target::Existing)
            }
        };
        targets.push((None, target));
    }
    seen.verdict()?;
    Run { call, type_at, verb: Verb::Update }.go(&mut account, &batch.inputs, targets)
}

pub(crate) fn upsert(call: &Call<'_>) -> Result<Reply, Refusal> {
    let batch: Batch<ObjectInput<'_>> = input::parse(call.body)?;
    input::at_most(batch.inputs.len(), MOST_INPUTS)?;
    let mut account = call.account();
    let type_at = account.resolve(call.param(0))?;
    let mut seen = Seen::default();
    let mut targets = Vec::with_capacity(batch.inputs.len());
    for input in &batch.inputs {
        let id = required_id(input)?;
        let object_type = &account.types[type_at];
        let target = match &input.id_property {
            None => {
                seen.check(None, id);
                let known = id.parse().ok().filter(|id| object_type.live(*id).is_some());
                (None, known.map_or(Target::Missing, Target::Existing))
            }
            Some(property) => {
                let at = key(&account, type_at, property.as_str(), true)?;
                let normal = objects::key_value(object_type, at, id);
                seen.check(Some(at), &normal);
                (Some(at), object_type.holder(at, &normal).map_or(Target::New(Some((at, id))), Target::Existing))
            }
        };
        targets.push(target);
    }
    seen.verdict()?;
    Run { call, type_at, verb: Verb::Upsert }.go(&mut account, &batch.inputs, targets)
}

fn required_id<'i>(input: &'i ObjectInput<'_>) -> Result<&'i str, Refusal> {
    match &input.id {
        Some(id) if !id.as_str().trim().is_empty() => Ok(id.as_str()),
        _ => Err(Refusal::validation("Invalid input JSON: every input needs an id")),
    }
}

/// The id property of a batch, if it is dependable (api.md 3.5).
fn key(account: &Account, type_at: TypeAt, name: &str, email_counts: bool) -> Result<PropertyAt, Refusal> {
    let object_type = &account.types[type_at];
    let usable = object_type.defined(name).filter(|at| {
        let is_email = object_type.email == Some(*at);
        if is_email { email_counts } else { object_type.property(*at).has_unique_value }
    });
    usable.ok_or_else(|| {
        Refusal::validation(format!(
            "Unable to perform update/upsert by non-unique {} property {name} in portal ID {}",
            object_type.id, account.portal_id
        ))
    })
}

/// Ids met in a request, and those met twice.
#[derive(Default)]
struct Seen {
    met: HashSet<(Option<PropertyAt>, String)>,
    twice: Vec<String>,
}

impl Seen {
    fn check(&mut self, at: Option<PropertyAt>, id: &str) {
        if !self.met.insert((at, id.to_owned())) && !self.twice.iter().any(|other| other == id) {
            self.twice.push(id.to_owned());
        }
    }

    /// Trace ids do not soften this refusal `[LIVE-PROBE]`.
    fn verdict(self) -> Result<(), Refusal> {
        if self.twice.is_empty() {
            return Ok(());
        }
        let message = format!("Duplicate IDs found in batch input: [{}]. IDs must be unique", self.twice.join(", "));
        Err(Refusal::validation(message).context("ids", self.twice))
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Verb {
    Create,
    Update,
    Upsert,
}

struct Run<'c, 'a> {
    call: &'c Call<'a>,
    type_at: TypeAt,
    verb: Verb,
}

impl<'c> Run<'c, '_> {
    fn go<'b>(
        &self,
        account: &mut Account,
        inputs: &'b [ObjectInput<'b>],
        targets: Vec<(Option<PropertyAt>, Target<'b>)>,
    ) -> Result<Reply, Refusal> {
        let partial = self.verb != Verb::Update && unique_traces(inputs);
        let mut done: Vec<Done<'b>> = Vec::with_capacity(inputs.len());
        let mut errors: Vec<Refusal> = Vec::new();
        let mut missing: (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
        let mut planned = Vec::new();
        let mut claims = Claims::default();
        let mut pending = Pending::default();
        let mut invalid = Vec::new();
        for (input, (key, target)) in inputs.iter().zip(targets) {
            let (existing, key_value) = match target {
                Target::New(key_value) => (None, key_value),
                Target::Existing(id) => (Some(id), None),
                Target::MergedAway => continue,
                Target::Missing => {
                    missing.0.extend(input.id.iter().map(|id| id.as_str().to_owned()));
                    missing.1.extend(render::trace(input.object_write_trace_id.as_ref()).map(str::to_owned));
                    continue;
                }
            };
            let writing =
                Writing { type_at: self.type_at, existing, version: self.call.version(), now_ms: self.call.now_ms };
            let judged =
                write::judge(account, &writing, key_value, &input.properties, (!partial).then_some(&mut claims));
            let judged = judged.and_then(|changes| {
                if partial {
                    // what is judged good is made at once, so that nothing is pending
                    pending = Pending::default();
                }
                let links = self.links(account, input, &mut pending).map_err(Flaw::Refused)?;
                if existing.is_none() {
                    association_needed(account, self.type_at, &links).map_err(Flaw::Refused)?;
                }
                Ok((changes, links))
            });
            match judged {
                Ok((changes, links)) if partial => {
                    done.push(self.apply(account, input, &writing, key, &changes, links));
                }
                Ok((changes, links)) => planned.push((input, writing, key, changes, links)),
                Err(flaw) if partial => {
                    let existing = match &flaw {
                        Flaw::EmailTaken(Some(id)) => Some(id.to_string()),
                        _ => None,
                    };
                    let trace = render::trace(input.object_write_trace_id.as_ref()).unwrap_or_default().to_owned();
                    let mut entry = flaw.refusal(account).context("objectWriteTraceId", vec![trace]);
                    if let Some(id) = existing {
                        entry = entry.context("existingId", vec![id]);
                    }
                    errors.push(entry);
                }
                // values of all records are listed together; anything else answers for itself
                Err(Flaw::Values(more)) => invalid.extend(more),
                Err(Flaw::EmailTaken(_)) if self.verb == Verb::Create => {
                    return Err(Flaw::EmailTaken(None).refusal(account));
                }
                Err(Flaw::EmailTaken(id)) => {
                    return Err(Flaw::EmailTaken(id).refusal(account).with(|body| {
                        body.status = 400;
                        body.category = Some("VALIDATION_ERROR");
                    }));
                }
                Err(flaw) => return Err(flaw.refusal(account)),
            }
        }
        if !invalid.is_empty() {
            return Err(Refusal::invalid_values(account.portal_id, &invalid));
        }
        if !missing.0.is_empty() {
            let entry = not_found(account, self.type_at, missing.0);
            errors.push(if missing.1.is_empty() { entry } else { entry.context("objectWriteTraceId", missing.1) });
            if self.verb == Verb::Upsert && !partial {
                return Err(errors.remove(0).with(|body| body.status = 404));
            }
        }
        for (input, writing, key, changes, links) in planned {
            done.push(self.apply(account, input, &writing, key, &changes, links));
        }
        account.random.disorder(&mut done);
        let status = match (self.verb, errors.is_empty()) {
            (_, false) => 207,
            (Verb::Create, true) => 201,
            (Verb::Update | Verb::Upsert, true) => 200,
        };
        Ok(Reply::json(status, self.answer(account, &done, &errors)))
    }

    fn links(
        &self,
        account: &Account,
        input: &ObjectInput<'_>,
        pending: &mut Pending,
    ) -> Result<Vec<associations::New>, Refusal> {
        // an upsert has no associations field `[SPEC]`, so that one sent there is not looked at
        match (&input.associations, self.verb) {
            (Some(wanted), Verb::Create) => at_create(account, self.call, self.type_at, wanted, pending),
            _ => Ok(Vec::new()),
        }
    }

    fn apply<'b>(
        &self,
        account: &mut Account,
        input: &'b ObjectInput<'b>,
        writing: &Writing,
        key: Option<PropertyAt>,
        changes: &[Change<'b>],
        links: Vec<associations::New>,
    ) -> Done<'b> {
        let id = write::store(account, writing, changes);
        associations::add_all(account, (self.type_at, id), links);
        let created = writing.existing.is_none();
        Done {
            id,
            created,
            trace_id: render::trace(input.object_write_trace_id.as_ref()),
            shown: render::shown_after_write(&account.types[self.type_at], id, created, changes, key),
            warnings: render::warnings(changes),
        }
    }

    fn answer(&self, account: &Account, done: &[Done<'_>], errors: &[Refusal]) -> Vec<u8> {
        let mut out = begin(done.len() * 700 + 200);
        for (at, one) in done.iter().enumerate() {
            comma(&mut out, at);
            let extras = Extras {
                new: (self.verb == Verb::Upsert).then_some(one.created),
                trace_id: one.trace_id,
                warnings: &one.warnings,
                ..Extras::default()
            };
            render::record(&mut out, account, self.type_at, one.id, &one.shown, &extras);
        }
        end(&mut out, errors, self.call.now_ms);
        out
    }
}

/// Partial only when every input has a trace id and no two are the same.
fn unique_traces(inputs: &[ObjectInput<'_>]) -> bool {
    let mut met = HashSet::with_capacity(inputs.len());
    inputs.iter().all(|input| input.object_write_trace_id.as_ref().is_some_and(|trace| met.insert(trace.as_str())))
}

fn not_found(account: &Account, type_at: TypeAt, ids: Vec<String>) -> Refusal {
    let kind = account.types[type_at].shouted();
    let message =
        format!("Could not get some {kind} objects, they may be deleted or not exist. Check that ids are valid.");
    Refusal::new(207, "OBJECT_NOT_FOUND", message).context("ids", ids)
}

/// Begins a batch answer, up to and with the bracket of its results.
pub(crate) fn begin(capacity: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(capacity);
    out.extend_from_slice(b"{\"status\":\"COMPLETE\",\"results\":[");
    out
}

/// Ends a batch answer: errors, if any, and times.
pub(crate) fn end(out: &mut Vec<u8>, errors: &[Refusal], now_ms: i64) {
    out.push(b']');
    if !errors.is_empty() {
        out.extend_from_slice(format!(",\"numErrors\":{},\"errors\":[", errors.len()).as_bytes());
        for (at, error) in errors.iter().enumerate() {
            comma(out, at);
            error.write(out, None);
        }
        out.push(b']');
    }
    let now = iso(now_ms);
    out.extend_from_slice(format!(",\"startedAt\":\"{now}\",\"completedAt\":\"{now}\"}}").as_bytes());
}

pub(crate) fn read(call: &Call<'_>) -> Result<Reply, Refusal> {
    let batch: BatchRead<'_> = input::parse(call.body)?;
    let past: Vec<&str> = batch.properties_with_history.iter().map(Text::as_str).collect();
    input::at_most(batch.inputs.len(), if past.is_empty() { MOST_INPUTS } else { objects::MOST_WITH_HISTORY })?;
    let archived = call.flag("archived");
    let account = call.account();
    let type_at = account.resolve(call.param(0))?;
    let object_type = &account.types[type_at];
    let by = match &batch.id_property {
        Some(property) => Some(key(&account, type_at, property.as_str(), true)?),
        None => None,
    };
    let names: Vec<&str> = batch.properties.iter().map(Text::as_str).collect();
    let selection = select(object_type, Some(&names));
    let history = select_history(object_type, Some(&past));
    let extras = Extras { history: history.as_deref(), ..Extras::default() };
    let mut found: Vec<u64> = Vec::with_capacity(batch.inputs.len());
    let mut missing = Vec::new();
    for input in &batch.inputs {
        let text = input.id.as_str();
        let id = match by {
            Some(at) => object_type.holder(at, &objects::key_value(object_type, at, text)),
            None => text.parse().ok().and_then(|id| object_type.surviving(id)),
        };
        match id.filter(|id| object_type.records[id].archived_at_ms.is_some() == archived) {
            Some(id) if found.contains(&id) => {}
            Some(id) => found.push(id),
            None => missing.push(text.to_owned()),
        }
    }
    let mut out = begin(found.len() * 500 + 200);
    for (at, id) in found.iter().enumerate() {
        comma(&mut out, at);
        render::record(&mut out, &account, type_at, *id, &selection, &extras);
    }
    let errors = if missing.is_empty() { Vec::new() } else { vec![not_found(&account, type_at, missing)] };
    end(&mut out, &errors, call.now_ms);
    Ok(Reply::json(if errors.is_empty() { 200 } else { 207 }, out))
}

/// Unknown ids are passed over: no capture tells otherwise (api.md 3.6).
pub(crate) fn archive(call: &Call<'_>) -> Result<Reply, Refusal> {
    let batch: Batch<IdInput<'_>> = input::parse(call.body)?;
    input::at_most(batch.inputs.len(), MOST_INPUTS)?;
    let mut account = call.account();
    let type_at = account.resolve(call.param(0))?;
    for input in &batch.inputs {
        if let Ok(id) = input.id.as_str().parse() {
            account.archive(type_at, id, call.now_ms);
        }
    }
    Ok(Reply::empty(204))
}
