//! `hubward demo`: the whole job on a sandbox within this process, told step by step.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hubward_core::WallClock as _;
use hubward_engine::{Engine, Progress, RunOptions};
use hubward_sandbox::{Sandbox, SandboxConfig};
use hubward_store::StateDb;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::rejected::document;
use crate::args::{Global, Template};
use crate::clock::SystemClock;
use crate::example::{self, Customer, customer};
use crate::exit::{Exit, Failure};
use crate::in_process::InProcess;
use crate::printer::Printer;
use crate::progress::Terminal;
use crate::project_files::{Credentials, Opened, open_with};
use crate::report::RunReport;
use crate::runner::{Run, choose, new_id};
use crate::session::{Network, connect, database, lock, make_state_dir};
use crate::signals::cancel_on_signal;
use crate::summary;

const CUSTOMERS: u32 = 2_000;
/// As HubSpot takes for a batch on a good day, shortened: nobody wants to wait for a demonstration.
const LATENCY: Duration = Duration::from_millis(50);

pub(crate) async fn carry_out(global: &Global, printer: Printer) -> Result<Exit, Failure> {
    let folder = tempfile::tempdir().map_err(|error| Failure::io("making", &std::env::temp_dir(), &error))?;
    let root = folder.path();
    example::write(root, Template::Sqlite, CUSTOMERS)?;
    // The demonstration writes to its own sandbox, whatever account the environment names.
    let opened = open_with(root, Credentials::Needed, &|_| None)?;
    let sandbox = Sandbox::new(SandboxConfig { latency: LATENCY, ..SandboxConfig::new(SystemClock.now()) });

    let state = make_state_dir(root)?;
    let _lock = lock(&state, "hubward demo")?;
    let db = database(&state)?;
    let terminal = Arc::new(Terminal::new(printer));
    let progress: Arc<dyn Progress> = Arc::<Terminal>::clone(&terminal);
    let network = Network::InProcess(Arc::new(InProcess(sandbox)));
    let engine = connect(opened.account(None)?, root, Some(db.clone()), progress, network, "").await?;
    let options = RunOptions { cancel: cancel_on_signal(printer)?, ..RunOptions::default() };
    let demo = Demo { printer, opened: &opened, engine: &engine, db: &db, terminal: &terminal, options };

    demo.tell(&format!(
        "A demonstration. It needs no HubSpot account: a sandbox in this process stands for one, with HubSpot's limits\n\
         of tier professional. The project is the one that `hubward init` writes, with {} customers in a SQLite file.",
        summary::grouped(u64::from(CUSTOMERS))
    ));
    let mut runs = Vec::new();
    demo.tell("\n1. The first run. HubSpot holds nothing yet, so every row is sent, 100 to a request.\n");
    runs.push(demo.run().await?);

    change(&root.join("data/shop.sqlite"))
        .map_err(|error| Failure::new("io", format!("changing the example data failed: {error}")))?;
    demo.tell(
        "\n2. Now the data changes: three customers get another phone number, one customer is new, and one more is new\n   \
         whose e-mail address is none. The second run sends what changed, and nothing else.\n",
    );
    runs.push(demo.run().await?);

    demo.tell("\n3. `hubward rejected` shows the row that did not arrive, and why:\n");
    let rejected = demo.rejected()?;

    demo.tell("\n4. A third run, with nothing changed, sends nothing. The bad row waits until it is mended.\n");
    runs.push(demo.run().await?);

    demo.tell(
        "\nThat is all there is to it. To try it yourself:\n  \
         hubward init shop && cd shop     a small project of your own\n  \
         hubward sandbox                  the sandbox, in a second terminal\n  \
         hubward run",
    );
    if global.json {
        let runs: Vec<Value> = runs.iter().map(RunReport::to_json).collect();
        printer.document(&json!({ "runs": runs, "rejected": rejected }));
    }
    let worst = runs.iter().map(RunReport::exit).find(|exit| !matches!(exit, Exit::Ok | Exit::SomeRows));
    Ok(worst.unwrap_or(Exit::Ok))
}

struct Demo<'a> {
    printer: Printer,
    opened: &'a Opened,
    engine: &'a Engine,
    db: &'a StateDb,
    terminal: &'a Terminal,
    options: RunOptions,
}

impl Demo<'_> {
    fn tell(&self, text: &str) {
        if !self.printer.is_json() {
            self.printer.data(text);
        }
    }

    async fn run(&self) -> Result<RunReport, Failure> {
        let project = &self.opened.project;
        let id = new_id();
        self.engine.recorder().set_run(&id);
        let run = Run {
            id,
            command: "hubward demo".to_owned(),
            engine: self.engine,
            db: self.db,
            project,
            syncs: choose(project, &[])?,
            options: self.options.clone(),
            digests: HashMap::new(),
        };
        let report = run.carry_out().await?;
        self.terminal.finish();
        super::run::tell_errors(&report, self.printer);
        self.tell(&summary::of_run(&report, self.db, None)?);
        Ok(report)
    }

    fn rejected(&self) -> Result<Vec<Value>, Failure> {
        let issues = self.db.issues(None)?;
        for issue in &issues {
            self.tell(&format!(
                "   row {} of sync {}, {}\n   property {}, value {:?}\n   {}",
                issue.key,
                issue.sync,
                issue.outcome.name(),
                issue.property.as_deref().unwrap_or("-"),
                issue.value.as_deref().unwrap_or_default(),
                issue.reason
            ));
        }
        Ok(issues.iter().map(document).collect())
    }
}

/// Three rows changed, one added, one added that is wrong.
fn change(path: &Path) -> rusqlite::Result<()> {
    let connection = Connection::open(path)?;
    connection.execute("update customers set phone = '+41 44 555 99 0' || id where id <= 3", [])?;
    example::insert(&connection, &customer(CUSTOMERS + 1))?;
    let wrong = Customer { email: "not an address".to_owned(), ..customer(CUSTOMERS + 2) };
    example::insert(&connection, &wrong)
}
