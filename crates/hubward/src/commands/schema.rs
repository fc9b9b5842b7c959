//! `hubward schema`: JSON Schema of the project files.

use hubward_project::json_schema;

use crate::exit::{Exit, Failure};
use crate::printer::Printer;

#[expect(clippy::unnecessary_wraps, reason = "every command has this form")]
pub(crate) fn carry_out(printer: Printer) -> Result<Exit, Failure> {
    printer.data(&format!("{:#}", json_schema()));
    Ok(Exit::Ok)
}
