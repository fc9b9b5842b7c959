//! `hubward init`: writes a project that runs at once against the sandbox.

use serde_json::json;

use crate::args::InitArgs;
use crate::example;
use crate::exit::{Exit, Failure};
use crate::printer::Printer;

/// Enough to see something, few enough to read.
const CUSTOMERS: u32 = 25;

pub(crate) fn carry_out(args: &InitArgs, printer: Printer) -> Result<Exit, Failure> {
    let written = example::write(&args.dir, args.template, CUSTOMERS)?;
    let dir = args.dir.display();
    if printer.is_json() {
        printer.document(&json!({ "dir": dir.to_string(), "files": written }));
        return Ok(Exit::Ok);
    }
    let mut text = format!("wrote a project into {dir}:\n");
    for file in written {
        text.push_str(&format!("  {file}\n"));
    }
    text.push_str("\nnext:\n");
    text.push_str("  hubward sandbox           in a second terminal: a HubSpot account on this machine\n");
    if args.dir != std::path::Path::new(".") {
        text.push_str(&format!("  cd {dir}\n"));
    }
    text.push_str("  hubward check             everything that could be wrong, at once\n");
    text.push_str("  hubward run               sends 25 customers; a second run sends nothing\n");
    printer.data(&text);
    Ok(Exit::Ok)
}
