//! `hubward apply-schema`: shows, then creates, what the project declares and the account lacks.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::sync::Arc;

use hubward_engine::{Applied, Cancel, Ending, Engine, Proposal, SchemaPlan, Silent};
use serde_json::{Map, Value, json};

use super::check::of_engine;
use super::run::account_text;
use crate::args::{ApplySchemaArgs, Global};
use crate::declared;
use crate::exit::{Exit, Failure};
use crate::printer::Printer;
use crate::project_files::{Credentials, Opened, open};
use crate::report::error_json;
use crate::session::{Network, connect, database, lock, make_state_dir, remember_daily_calls};
use crate::signals::cancel_on_signal;

/// What the request log calls the requests of this command.
const LOGGED_AS: &str = "apply-schema";

/// What is told at the end.
struct Told<'a> {
    engine: &'a Engine,
    opened: &'a Opened,
    plan: &'a SchemaPlan,
    proposal: &'a Proposal,
    printer: Printer,
}

pub(crate) async fn carry_out(args: &ApplySchemaArgs, global: &Global, printer: Printer) -> Result<Exit, Failure> {
    let opened = open(&global.project, Credentials::Needed)?;
    printer.diagnostics(&opened.warnings, &opened.files);
    let account = opened.account(global.account.as_deref())?;
    let state = make_state_dir(&global.project)?;
    let db = database(&state)?;
    let cancel = cancel_on_signal(printer)?;
    let connecting = connect(account, &global.project, Some(db.clone()), Arc::new(Silent), Network::Real, LOGGED_AS);
    let engine = tokio::select! {
        engine = connecting => engine?,
        () = cancel.wait() => return Ok(Exit::Interrupted),
    };
    let called = account_text(engine.account(), &account.name);
    printer.say(&format!("comparing with {called}"));
    let comparing = async {
        let plan = engine.compare_schema(&opened.project.schema).await?;
        let proposal = declared::proposal(&opened.project, &engine).await?;
        Ok::<_, Failure>((plan, proposal))
    };
    let (plan, proposal) = tokio::select! {
        found = comparing => found?,
        () = cancel.wait() => return Ok(Exit::Interrupted),
    };
    let told = Told { engine: &engine, opened: &opened, plan: &plan, proposal: &proposal, printer };
    told.show();
    let exit = told.go_on(args, &state, &called, &cancel).await?;
    remember_daily_calls(&engine, account, &db)?;
    db.flush()?;
    Ok(exit)
}

impl Told<'_> {
    async fn go_on(
        &self,
        args: &ApplySchemaArgs,
        state: &std::path::Path,
        called: &str,
        cancel: &Cancel,
    ) -> Result<Exit, Failure> {
        let printer = self.printer;
        if !self.plan.is_sound() {
            let failure = Failure::new("schema-conflict", "the declaration and the account contradict each other")
                .help("mend the places above; nothing was created");
            return Ok(self.refuse(&failure));
        }
        if self.plan.changes.is_empty() {
            self.end(&[], None);
            return Ok(Exit::Ok);
        }
        if !args.yes {
            if printer.is_json() || !std::io::stdin().is_terminal() {
                let failure = Failure::new("needs-yes", "nothing was created: there is no terminal to ask on")
                    .help("look at the changes, then run `hubward apply-schema --yes`");
                return Ok(self.refuse(&failure));
            }
            let question = format!("create this in {called}? [y/N] ");
            let agreed = tokio::select! {
                agreed = ask(question) => agreed?,
                () = cancel.wait() => return Ok(Exit::Interrupted),
            };
            if !agreed {
                printer.say("nothing was created");
                return Ok(Exit::Wrong);
            }
        }
        let _lock = lock(state, "hubward apply-schema")?;
        let applied = self.engine.apply_schema(self.plan, cancel).await;
        self.end(&applied, None);
        Ok(exit(&applied, cancel))
    }

    /// What would be done, for people.
    fn show(&self) {
        let problems: Vec<_> = self.plan.problems.iter().cloned().map(of_engine).collect();
        if self.printer.is_json() {
            return;
        }
        self.printer.diagnostics(&problems, &self.opened.files);
        for note in &self.plan.notes {
            self.printer.say(&format!("note: {note}"));
        }
        let mut text = String::new();
        for change in &self.plan.changes {
            text.push_str(&format!("+ {}\n", declared::line(change)));
        }
        if !text.is_empty() {
            self.printer.data(&text);
        } else if self.opened.project.schema.is_empty() {
            self.printer.data("the project declares no schema: nothing to do");
        } else if self.plan.is_sound() {
            self.printer.data("nothing to do: the account has all that the project declares");
        }
        if !self.proposal.is_empty() {
            self.printer.data(&format!(
                "\nmapped by syncs, not in the account and not declared; look the types over before you declare them:\n\n{}",
                self.proposal.yaml()
            ));
        }
    }

    fn refuse(&self, failure: &Failure) -> Exit {
        if !self.printer.is_json() {
            self.printer.failure_for_people(failure);
        }
        self.end(&[], Some(failure));
        Exit::Wrong
    }

    /// How it ended: the document, or a line for each change.
    fn end(&self, applied: &[Applied], failure: Option<&Failure>) {
        if self.printer.is_json() {
            self.printer.document(&self.document(applied, failure));
            return;
        }
        let mut text = String::new();
        for one in applied {
            let what = declared::what(&one.change);
            match &one.ending {
                Ending::Made => text.push_str(&format!("created    {what}\n")),
                Ending::NotTried(why) => text.push_str(&format!("not tried  {what}: {why}\n")),
                Ending::Failed(error) => {
                    text.push_str(&format!("failed     {what}: {error}\n"));
                    if let Some(at) = error.at.as_ref().filter(|at| !at.file.is_empty()) {
                        text.push_str(&format!("             at: {}:{}:{}\n", at.file, at.line, at.column));
                    }
                    if let Some(id) = &error.correlation_id {
                        text.push_str(&format!("             HubSpot's correlation id: {id}\n"));
                    }
                    if let Some(help) = &error.help {
                        text.push_str(&format!("             help: {help}\n"));
                    }
                }
            }
        }
        if applied.iter().any(|one| one.ending != Ending::Made) {
            text.push_str("not everything was created; run `hubward apply-schema` again to go on from here\n");
        }
        if !text.is_empty() {
            self.printer.data(&text);
        }
    }

    fn document(&self, applied: &[Applied], failure: Option<&Failure>) -> Value {
        let changes: Vec<Value> = self
            .plan
            .changes
            .iter()
            .enumerate()
            .map(|(at, change)| {
                let mut json = declared::change_json(change);
                let (outcome, error) = match applied.get(at).map(|one| &one.ending) {
                    None => (Value::Null, Value::Null),
                    Some(Ending::Made) => (json!("created"), Value::Null),
                    Some(Ending::Failed(error)) => (json!("failed"), error_json(error)),
                    Some(Ending::NotTried(why)) => (json!("not_tried"), json!({ "code": "not-tried", "message": why })),
                };
                json["outcome"] = outcome;
                json["error"] = error;
                json
            })
            .collect();
        let problems: Vec<Value> =
            self.plan.problems.iter().cloned().map(|problem| of_engine(problem).to_json()).collect();
        let mut document = Map::new();
        document.insert("account".to_owned(), json!(self.engine.account().portal_id));
        document.insert("changes".to_owned(), json!(changes));
        let all = !applied.is_empty() && applied.iter().all(|one| one.ending == Ending::Made);
        document.insert("applied".to_owned(), json!(all));
        document.insert("problems".to_owned(), json!(problems));
        document.insert("notes".to_owned(), json!(self.plan.notes));
        let proposal = (!self.proposal.is_empty()).then(|| self.proposal.yaml());
        document.insert("proposal".to_owned(), json!(proposal));
        document.insert("error".to_owned(), failure.map_or(Value::Null, Failure::to_json));
        Value::Object(document)
    }
}

fn exit(applied: &[Applied], cancel: &Cancel) -> Exit {
    let made = |one: &Applied| one.ending == Ending::Made;
    let refused = |one: &Applied| match &one.ending {
        Ending::Made => false,
        Ending::Failed(error) => error.code != "schema-unknown",
        Ending::NotTried(_) => true,
    };
    if applied.iter().all(made) {
        Exit::Ok
    } else if cancel.is_set() {
        Exit::Interrupted
    } else if applied.iter().all(refused) {
        // HubSpot refused everything, so nothing is other than it was.
        Exit::Wrong
    } else {
        Exit::Failed
    }
}

/// Asks on the terminal; anything but y or yes is a no.
async fn ask(question: String) -> Result<bool, Failure> {
    let answer = tokio::task::spawn_blocking(move || {
        let mut stderr = std::io::stderr().lock();
        let _ = write!(stderr, "{question}");
        let _ = stderr.flush();
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer).map(|_| answer)
    });
    let answer = answer.await.map_err(|error| Failure::new("internal", error.to_string()))?;
    let answer = answer.map_err(|error| Failure::new("io", format!("reading the answer failed: {error}")))?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}
