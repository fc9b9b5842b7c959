//! Owns the calls that write associations: batch create with and without a type, archive, labels archive, and the same for
//! one pair (api.md 7.1 to 7.3).
//!
//! Results come in another order than the inputs, as those of objects do: HubSpot promises none.

use serde::Deserialize;

use crate::account::{Account, TypeAt};
use crate::answers::{Refusal, Reply, comma, write_str};
use crate::association_create::may_edit;
use crate::association_types::{Definition, between, find};
use crate::associations::{End, Tag, first_is_primary};
use crate::batch;
use crate::call::Call;
use crate::cardinality::{Pending, room};
use crate::input::{self, AssociationKind, Batch, IdInput, Text};

#[derive(Deserialize)]
struct PairInput<'a> {
    #[serde(borrow)]
    from: IdInput<'a>,
    #[serde(borrow)]
    to: IdInput<'a>,
    #[serde(borrow, default)]
    types: Vec<AssociationKind<'a>>,
}

#[derive(Deserialize)]
struct ArchiveInput<'a> {
    #[serde(borrow)]
    from: IdInput<'a>,
    #[serde(borrow)]
    to: Vec<IdInput<'a>>,
}

/// Most pairs in one batch create `[DOC-ASSOC]`; assumed of the archives too.
const MOST_PAIRS: usize = 2_000;

/// The types of a path's two objects and what may stand between their records.
struct Ends {
    from: TypeAt,
    to: TypeAt,
    definitions: Vec<Definition>,
}

impl Ends {
    fn of(account: &Account, from: &str, to: &str) -> Result<Ends, Refusal> {
        let (from, to) = (account.resolve(from)?, account.resolve(to)?);
        Ok(Ends { from, to, definitions: between(account, from, to) })
    }

    /// The labelled types that an input names, and whether it names the unlabelled default. A type of another direction or
    /// pair refuses the whole request (item 37).
    fn tags(&self, account: &Account, kinds: &[AssociationKind<'_>]) -> Result<(Vec<Tag>, bool), Refusal> {
        if kinds.is_empty() {
            return Err(Refusal::validation("One or more associations are invalid: types must not be empty"));
        }
        let (mut tags, mut default) = (Vec::new(), false);
        for kind in kinds {
            let category = kind.association_category.as_str();
            let definition = find(account, self.from, &self.definitions, category, kind.association_type_id)?;
            if definition.label.is_none() {
                default = true;
            } else {
                tags.push(Tag::from(definition));
            }
        }
        Ok((tags, default))
    }

    fn pair(&self, account: &Account, from: &Text<'_>, to: &Text<'_>) -> Result<(End, End), Refusal> {
        let from = (self.from, live(account, self.from, from.as_str())?);
        let to = (self.to, live(account, self.to, to.as_str())?);
        if from == to {
            let message = format!("Object {} cannot be associated to itself ({})", from.1, to.1);
            return Err(Refusal::validation(message));
        }
        Ok((from, to))
    }

    /// Makes the pair's labels these and no others.
    fn set(&self, account: &mut Account, from: End, to: End, tags: &[Tag]) -> Result<(), Refusal> {
        room(account, from, to, account.associations.tags(from, to), tags, &Pending::default())?;
        account.associations.replace(from, to, tags);
        first_is_primary(account, from, to);
        Ok(())
    }

    /// `LabelsBetweenObjectPair`: the ids are numbers in live captures, whatever the specification says `[LIVE-AMP]`.
    fn write_pair(&self, out: &mut Vec<u8>, account: &Account, from: End, to: End) {
        let (from_type, to_type) = (&account.types[from.0].id, &account.types[to.0].id);
        let head = format!(
            "{{\"fromObjectTypeId\":\"{from_type}\",\"fromObjectId\":{},\"toObjectTypeId\":\"{to_type}\",\"toObjectId\":{},\"labels\":[",
            from.1, to.1
        );
        out.extend_from_slice(head.as_bytes());
        for (at, tag) in account.associations.tags(from, to).unwrap_or_default().iter().enumerate() {
            comma(out, at);
            let definition = self.definitions.iter().find(|definition| definition.kind == tag.kind);
            write_str(out, definition.and_then(|definition| definition.label.as_deref()).unwrap_or_default());
        }
        out.extend_from_slice(b"]}");
    }

    /// `PublicDefaultAssociation`.
    fn write_default(&self, out: &mut Vec<u8>, from: End, to: End) {
        let kind = self.definitions[0].kind;
        let text = format!(
            "{{\"from\":{{\"id\":\"{}\"}},\"to\":{{\"id\":\"{}\"}},\"associationSpec\":{{\"associationCategory\":\"{}\",\"associationTypeId\":{}}}}}",
            from.1,
            to.1,
            kind.category(),
            kind.id
        );
        out.extend_from_slice(text.as_bytes());
    }
}

/// A record that is there, a merged-away id standing for its survivor.
fn live(account: &Account, type_at: TypeAt, text: &str) -> Result<u64, Refusal> {
    let object_type = &account.types[type_at];
    let id = text.parse().ok().and_then(|id| object_type.surviving(id));
    id.filter(|id| object_type.live(*id).is_some()).ok_or_else(|| {
        Refusal::validation(format!("{text} is not a valid ID"))
            .sub_category("crm.associations.INVALID_IDENTIFIER")
            .context("id", vec![text.to_owned()])
    })
}

pub(crate) fn batch_create(call: &Call<'_>) -> Result<Reply, Refusal> {
    let pairs: Batch<PairInput<'_>> = input::parse(call.body)?;
    input::at_most(pairs.inputs.len(), MOST_PAIRS)?;
    may_edit(call)?;
    let mut account = call.account();
    let ends = Ends::of(&account, call.param(0), call.param(1))?;
    let mut wanted = Vec::with_capacity(pairs.inputs.len());
    for pair in &pairs.inputs {
        wanted.push(ends.tags(&account, &pair.types)?.0);
    }
    let mut done = Vec::with_capacity(wanted.len());
    let mut errors = Vec::new();
    for (pair, tags) in pairs.inputs.iter().zip(&wanted) {
        let set = ends
            .pair(&account, &pair.from.id, &pair.to.id)
            .and_then(|(from, to)| ends.set(&mut account, from, to, tags).map(|()| (from, to)));
        match set {
            Ok(pair) => done.push(pair),
            Err(error) => errors.push(error),
        }
    }
    let status = if errors.is_empty() { 201 } else { 207 };
    Ok(written(call, &mut account, done, &errors, status, |out, account, from, to| {
        ends.write_pair(out, account, from, to);
    }))
}

/// The answer to a batch that associates.
fn written(
    call: &Call<'_>,
    account: &mut Account,
    mut done: Vec<(End, End)>,
    errors: &[Refusal],
    status: u16,
    write: impl Fn(&mut Vec<u8>, &Account, End, End),
) -> Reply {
    account.random.disorder(&mut done);
    let mut out = batch::begin(done.len() * 120 + 200);
    for (at, (from, to)) in done.into_iter().enumerate() {
        comma(&mut out, at);
        write(&mut out, account, from, to);
    }
    batch::end(&mut out, errors, call.now_ms);
    Reply::json(status, out)
}

/// Adds the unlabelled type and leaves labels alone. Answers 200 even with `errors` inside: the specification knows no other
/// status here.
pub(crate) fn batch_default(call: &Call<'_>) -> Result<Reply, Refusal> {
    let pairs: Batch<PairInput<'_>> = input::parse(call.body)?;
    input::at_most(pairs.inputs.len(), MOST_PAIRS)?;
    may_edit(call)?;
    let mut account = call.account();
    let ends = Ends::of(&account, call.param(0), call.param(1))?;
    let mut done = Vec::with_capacity(pairs.inputs.len());
    let mut errors = Vec::new();
    for pair in &pairs.inputs {
        match associate(&mut account, &ends, &pair.from.id, &pair.to.id) {
            Ok(pair) => done.push(pair),
            Err(error) => errors.push(error),
        }
    }
    Ok(written(call, &mut account, done, &errors, 200, |out, _, from, to| ends.write_default(out, from, to)))
}

fn associate(account: &mut Account, ends: &Ends, from: &Text<'_>, to: &Text<'_>) -> Result<(End, End), Refusal> {
    let (from, to) = ends.pair(account, from, to)?;
    room(account, from, to, account.associations.tags(from, to), &[], &Pending::default())?;
    account.associations.link(from, to);
    first_is_primary(account, from, to);
    Ok((from, to))
}

fn segment<'c>(call: &'c Call<'_>, at: usize) -> Text<'c> {
    Text(std::borrow::Cow::Borrowed(call.param(at)))
}

pub(crate) fn one_default(call: &Call<'_>) -> Result<Reply, Refusal> {
    may_edit(call)?;
    let mut account = call.account();
    let ends = Ends::of(&account, call.param(0), call.param(2))?;
    let (from, to) = associate(&mut account, &ends, &segment(call, 1), &segment(call, 3))?;
    let mut out = batch::begin(250);
    ends.write_default(&mut out, from, to);
    batch::end(&mut out, &[], call.now_ms);
    Ok(Reply::json(200, out))
}

/// The body is a bare array of types; the pair's labels become these.
pub(crate) fn one_typed(call: &Call<'_>) -> Result<Reply, Refusal> {
    let kinds: Vec<AssociationKind<'_>> = input::parse(call.body)?;
    may_edit(call)?;
    let mut account = call.account();
    let ends = Ends::of(&account, call.param(0), call.param(2))?;
    let (tags, _) = ends.tags(&account, &kinds)?;
    let (from, to) = ends.pair(&account, &segment(call, 1), &segment(call, 3))?;
    ends.set(&mut account, from, to, &tags)?;
    let mut out = Vec::with_capacity(250);
    ends.write_pair(&mut out, &account, from, to);
    Ok(Reply::json(201, out))
}

/// Removing what is not there is 204 too: no capture tells otherwise.
pub(crate) fn one_remove(call: &Call<'_>) -> Result<Reply, Refusal> {
    may_edit(call)?;
    let mut account = call.account();
    let ends = Ends::of(&account, call.param(0), call.param(2))?;
    if let Ok((from, to)) = ends.pair(&account, &segment(call, 1), &segment(call, 3)) {
        account.associations.unlink(from, to);
    }
    Ok(Reply::empty(204))
}

/// All types of the pairs go. Unknown ids and pairs that are not associated are passed over.
pub(crate) fn batch_archive(call: &Call<'_>) -> Result<Reply, Refusal> {
    let wanted: Batch<ArchiveInput<'_>> = input::parse(call.body)?;
    input::at_most(wanted.inputs.len(), MOST_PAIRS)?;
    may_edit(call)?;
    let mut account = call.account();
    let ends = Ends::of(&account, call.param(0), call.param(1))?;
    few_from(&account, wanted.inputs.iter().map(|input| input.from.id.as_str()))?;
    for input in &wanted.inputs {
        for to in &input.to {
            if let Ok((from, to)) = ends.pair(&account, &input.from.id, &to.id) {
                account.associations.unlink(from, to);
            }
        }
    }
    Ok(archived(call))
}

/// Only the labels named go; naming the unlabelled default removes every label of the pair, so that nothing is left of it
/// `[DOC-ASSOC]`.
pub(crate) fn labels_archive(call: &Call<'_>) -> Result<Reply, Refusal> {
    let wanted: Batch<PairInput<'_>> = input::parse(call.body)?;
    input::at_most(wanted.inputs.len(), MOST_PAIRS)?;
    may_edit(call)?;
    let mut account = call.account();
    let ends = Ends::of(&account, call.param(0), call.param(1))?;
    few_from(&account, wanted.inputs.iter().map(|input| input.from.id.as_str()))?;
    let mut named = Vec::with_capacity(wanted.inputs.len());
    for input in &wanted.inputs {
        named.push(ends.tags(&account, &input.types)?);
    }
    for (input, (tags, default)) in wanted.inputs.iter().zip(named) {
        let Ok((from, to)) = ends.pair(&account, &input.from.id, &input.to.id) else {
            continue;
        };
        if default {
            account.associations.unlink(from, to);
        }
        for tag in tags {
            account.associations.untag(from, to, tag.kind);
        }
    }
    Ok(archived(call))
}

/// One source says that an archive takes 100 distinct `from` ids, HubSpot is silent (api.md 7.4): the smaller reading, unless
/// the account's settings lift it.
fn few_from<'t>(account: &Account, ids: impl Iterator<Item = &'t str>) -> Result<(), Refusal> {
    let Some(most) = account.settings.association_archive_from_ids else {
        return Ok(());
    };
    let distinct = ids.collect::<std::collections::HashSet<_>>().len();
    if distinct > most {
        return Err(Refusal::validation(format!(
            "The maximum number of distinct from ids in an association archive is {most}, but {distinct} were sent"
        )));
    }
    Ok(())
}

/// 204 on v4, 200 with a batch body on dated paths `[SPEC]`.
fn archived(call: &Call<'_>) -> Reply {
    if !call.version().is_dated() {
        return Reply::empty(204);
    }
    let mut out = batch::begin(120);
    batch::end(&mut out, &[], call.now_ms);
    Reply::json(200, out)
}
