//! Records in one call through the corridor.

use std::collections::HashMap;
use std::sync::Arc;

use hubward_core::fingerprint::match_hash;
use hubward_core::spec::Mode;
use hubward_core::{Outcome, Reason};

use crate::association::Open;
use crate::compare::Comparison;
use crate::corridor::{Corridor, Stopped};
use crate::door::{Answered, Door, Match, Record, Settled, Target, key_of};
use crate::error::EngineError;
use crate::feed::Feed;
use crate::memory::Remembered;
use crate::metadata::disproves;
use crate::row::{Lost, Row, RowIdent, Verdict};
use crate::run::SENT_AFTER_INTENT_MAX;
use crate::sought::{FIELDS_MAX, Foldings, Sought};
use crate::strategy::MatchKind;
use crate::tally::Tally;
use crate::words::{Kept, Words};

impl Door {
    /// Writes records as the target says. Batches of a hundred, many in flight; a refused batch is divided until every
    /// record has its own answer.
    pub async fn write(&self, target: &Target, records: Vec<Record>) -> Answered {
        let mut outcomes: Vec<Option<Settled>> = vec![None; records.len()];
        let tally = Tally::new();
        let sought = target.sought(&records);
        let mut rows = Vec::with_capacity(records.len());
        let mut met = Met::default();
        for (position, record) in records.into_iter().enumerate() {
            match self.row(target, &sought, &mut met, record, position, &tally) {
                Ok(Ready::Row(row)) => rows.push(*row),
                Ok(Ready::Settled(settled)) => outcomes[position] = Some(settled),
                Err(reason) => outcomes[position] = Some(Settled::invalid(reason)),
            }
        }
        let mut stop = None;
        if !rows.is_empty() {
            let kept = Kept::default();
            let corridor = Arc::new(self.corridor(target, sought, &kept));
            // On its own, so that rows under way reach their outcomes even where nobody waits for them any more.
            let run = tokio::spawn(async move {
                let stopped = corridor.run(Feed::Rows(rows), &tally).await;
                debug_assert_eq!(tally.lost(), 0, "what goes into the corridor comes out of it");
                stopped
            });
            let stopped = match run.await {
                Ok(stopped) => stopped,
                Err(error) => std::panic::resume_unwind(error.into_panic()),
            };
            stop = stopped.map(error_of);
            let mut disproved = false;
            for verdict in kept.take() {
                let category = verdict.reason.as_ref().and_then(|reason| reason.category.as_deref());
                disproved |= verdict.outcome == Outcome::Rejected && category.is_some_and(disproves);
                let position = verdict.written.position;
                outcomes[position] = Some(settled(verdict));
            }
            if disproved {
                self.disprove(target.catalogue().object()).await;
            }
        }
        let outcomes = outcomes.into_iter().map(|settled| settled.unwrap_or_else(forgotten)).collect();
        Answered { outcomes, stop }
    }

    /// A record as the corridor takes it, or its outcome where nothing needs to be sent.
    fn row(
        &self,
        target: &Target,
        sought: &Sought,
        met: &mut Met,
        record: Record,
        position: usize,
        tally: &Arc<Tally>,
    ) -> Result<Ready, Reason> {
        let Record { key, match_value, record_id, fields, mut properties } = record;
        met.key(&key, position)?;
        last_of_each(&mut properties);
        let (match_value, folded) = target.name(sought, &match_value, record_id, &fields)?;
        let named = record_id.map(|id| format!("id\u{1}{id}")).unwrap_or_else(|| folded.clone());
        if !matches!(sought, Sought::Nowhere) || record_id.is_some() {
            met.record(&named, &key, &target.match_name(&fields), &match_value)?;
        }
        target.settle(&mut properties)?;
        let lacks = {
            let mut known = properties.clone();
            known.extend(fields.iter().cloned());
            let name = target.match_property(&fields);
            target.preflight.lacks(&known, (&name, &match_value))
        };
        if let (Match::Nothing, None, Some(reason)) = (&target.match_, record_id, &lacks) {
            return Err(reason.as_ref().clone());
        }
        let hashed = key_of(&key);
        let ident = RowIdent {
            key: hashed,
            key_text: key,
            fingerprint: 0,
            mapped: 0,
            match_hash: match_hash(&folded),
            match_value,
            wanted: 0,
            written: Vec::new(),
        };
        let mut record_id = record_id;
        let mut lost = None;
        match self.recalled(hashed) {
            Some(Remembered::Made { record_id: made }) if record_id.is_none() => {
                // Under this key it was made: where nothing finds it, and where a record that exists would be left alone, there
                // is nothing more to do, and it is not somebody else's record.
                if matches!(sought, Sought::Nowhere) || (target.mode == Mode::Insert && target.made_by_key) {
                    let made = Some(made).filter(|id| *id != 0);
                    let settled =
                        Settled { record_id: made, created: Some(true), ..Settled::new(Outcome::Applied, None) };
                    return Ok(Ready::Settled(settled));
                }
                record_id = Some(made).filter(|id| *id != 0);
            }
            Some(Remembered::Intended { since_ms, match_value }) if record_id.is_none() => {
                lost = Some(self.lost(target, &ident, since_ms, match_value));
            }
            _ => {}
        }
        let mut row = Row::new(ident, properties, record_id, tally.ticket());
        row.position = position;
        row.lacks = lacks.filter(|_| record_id.is_none());
        row.fields = fields;
        row.write_match = record_id.is_none();
        row.intent_at_ms = lost.as_ref().map(|lost: &Lost| lost.since_ms);
        row.lost = lost;
        Ok(Ready::Row(Box::new(row)))
    }

    /// A create that an earlier call or process may have sent.
    fn lost(&self, target: &Target, ident: &RowIdent, since_ms: i64, sent_as: Option<String>) -> Lost {
        let config = &self.engine.config;
        let now_ms = config.wall.now().as_millisecond();
        let milliseconds = |time: std::time::Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        // When it was really sent is not known, only that it was after the intent and before now.
        let sent_ms = now_ms.min(since_ms.saturating_add(milliseconds(SENT_AFTER_INTENT_MAX)));
        let settles_at_ms = sent_ms.saturating_add(milliseconds(config.search_settles_after));
        let by_property = matches!(target.match_, Match::Property(_));
        let same = |sent: &String| target.folding.fold(sent) == target.folding.fold(&ident.match_value);
        Lost { since_ms, settles_at_ms, sent_as: sent_as.filter(|sent| by_property && !same(sent)) }
    }

    fn corridor(&self, target: &Target, sought: Sought, kept: &Kept) -> Corridor {
        let config = &self.engine.config;
        let match_property = match &target.match_ {
            Match::Property(name) => name.as_str(),
            Match::Id => "id",
            Match::Fields => "these fields:",
            Match::Nothing => "",
        };
        Corridor {
            client: config.client.clone(),
            object: target.catalogue.object().path.clone(),
            sync: Arc::clone(&self.name),
            mode: if target.kind == MatchKind::Id { Mode::Update } else { target.mode },
            kind: target.kind,
            match_property: Arc::from(match_property),
            sought,
            folding: target.folding.clone(),
            split_retries: true,
            on_conflict: target.on_conflict,
            comparison: target.forced_stage().map(Comparison::of_forced_stage),
            memory: self.memory(),
            replaced: tokio::sync::OnceCell::new(),
            cancel: self.cancel.clone(),
            deferred: Arc::default(),
            words: Words::Kept(kept.clone()),
            open: Arc::new(Open::new(0, &[])),
            wall: Arc::clone(&config.wall),
            progress: Arc::clone(&config.progress),
            search_settles_after: config.search_settles_after,
            sharing: tokio::sync::Mutex::default(),
        }
    }
}

impl Target {
    pub(super) fn sought(&self, records: &[Record]) -> Sought {
        match &self.match_ {
            Match::Id | Match::Property(_) => Sought::ByProperty,
            Match::Fields => {
                let names = records.iter().flat_map(|record| &record.fields).map(|(name, _)| name.as_ref());
                Sought::ByFields(Foldings::new(names, self.catalogue.properties()))
            }
            Match::Nothing => Sought::Nowhere,
        }
    }

    /// What a record is matched by: as it is shown and sent, and as HubSpot compares it.
    fn name(
        &self,
        sought: &Sought,
        match_value: &str,
        record_id: Option<u64>,
        fields: &[(Arc<str>, String)],
    ) -> Result<(String, String), Reason> {
        match (&self.match_, sought) {
            (Match::Id, _) => {
                let Some(id) = record_id else {
                    return Err(Reason::new("MISSING_MATCH", "it names no record id"));
                };
                Ok((id.to_string(), id.to_string()))
            }
            (Match::Property(name), _) => {
                let shown = self.shown(match_value);
                if shown.is_empty() {
                    return Err(
                        Reason::new("MISSING_MATCH", format!("it has no {name} to find its record by")).on(name, None)
                    );
                }
                let folded = self.folding.fold(&shown);
                Ok((shown, folded))
            }
            (Match::Fields, Sought::ByFields(foldings)) => {
                check_fields(fields)?;
                let shown: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
                Ok((shown.join(", "), foldings.fold(fields)))
            }
            _ => Ok((String::new(), String::new())),
        }
    }

    /// A match value as it is sent: e-mail addresses in the form in which HubSpot keeps them, others without blanks around.
    pub(super) fn shown(&self, value: &str) -> String {
        match &self.match_ {
            Match::Property(name) if name == "email" => self.folding.fold(value),
            _ => value.trim().to_owned(),
        }
    }

    fn match_property(&self, fields: &[(Arc<str>, String)]) -> String {
        match &self.match_ {
            Match::Property(name) => name.clone(),
            Match::Fields if fields.len() == 1 => fields[0].0.to_string(),
            _ => String::new(),
        }
    }

    fn match_name(&self, fields: &[(Arc<str>, String)]) -> String {
        match &self.match_ {
            Match::Id => "record id".to_owned(),
            Match::Fields => fields.iter().map(|(name, _)| name.as_ref()).collect::<Vec<_>>().join(" and "),
            _ => self.match_property(fields),
        }
    }
}

/// Fields that a search can be made of.
pub(super) fn check_fields(fields: &[(Arc<str>, String)]) -> Result<(), Reason> {
    if fields.is_empty() {
        return Err(Reason::new("MISSING_MATCH", "it has no field to find its record by"));
    }
    if fields.len() > FIELDS_MAX {
        let text = format!("it names {} fields, and HubSpot's search takes {FIELDS_MAX} at most", fields.len());
        return Err(Reason::new("TOO_MANY_FIELDS", text));
    }
    match fields.iter().find(|(_, value)| value.trim().is_empty()) {
        Some((name, _)) => {
            Err(Reason::new("MISSING_MATCH", format!("it has no {name} to find its record by")).on(name, None))
        }
        None => Ok(()),
    }
}

enum Ready {
    Row(Box<Row>),
    Settled(Settled),
}

/// Keys and records that a call has met.
#[derive(Default)]
struct Met {
    keys: HashMap<String, usize>,
    records: HashMap<String, String>,
}

impl Met {
    fn key(&mut self, key: &str, position: usize) -> Result<(), Reason> {
        match self.keys.insert(key.to_owned(), position) {
            None => Ok(()),
            Some(_) => {
                Err(Reason::new("DUPLICATE_KEY", format!("{key} is also that of an earlier input of the same call")))
            }
        }
    }

    fn record(&mut self, named: &str, key: &str, property: &str, value: &str) -> Result<(), Reason> {
        if let Some(other) = self.records.get(named) {
            let text =
                format!("{property} {value:?} is also that of {other}; one record cannot be written twice at once");
            return Err(Reason::new("DUPLICATE_MATCH", text).on(property, Some(value.to_owned())));
        }
        self.records.insert(named.to_owned(), key.to_owned());
        Ok(())
    }
}

/// Of a property that stands there more than once, the last.
fn last_of_each(properties: &mut Vec<(Arc<str>, String)>) {
    let mut seen: HashMap<Arc<str>, usize> = HashMap::with_capacity(properties.len());
    for (at, (name, _)) in properties.iter().enumerate() {
        seen.insert(Arc::clone(name), at);
    }
    if seen.len() < properties.len() {
        let mut at = 0;
        properties.retain(|(name, _)| {
            at += 1;
            seen.get(name) == Some(&(at - 1))
        });
    }
}

fn settled(verdict: Verdict) -> Settled {
    Settled {
        outcome: verdict.outcome,
        reason: verdict.reason,
        record_id: verdict.written.id,
        created: verdict.written.created,
        attempts: verdict.attempts,
    }
}

/// Cannot be: every row ends in a word. Said so that it would not pass for anything else.
fn forgotten() -> Settled {
    debug_assert!(false, "a row left the corridor without an outcome");
    Settled::deferred("it left the corridor without an outcome; please report this")
}

pub(super) fn error_of(stopped: Stopped) -> EngineError {
    match stopped {
        Stopped::Failed(error) => error,
        Stopped::Interrupted => interrupted(),
    }
}

pub(super) fn interrupted() -> EngineError {
    EngineError::new("interrupted", "interrupted; what was not sent is deferred")
}
