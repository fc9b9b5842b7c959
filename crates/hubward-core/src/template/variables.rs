//! `assign` and `capture` with a bound on what a variable holds, in place of the standard library's: a loop that doubles a
//! text each turn would else fill the memory long before it writes a byte of output.

use std::io::Write;

use liquid_core::model::{KString, Value, ValueView};
use liquid_core::parser::FilterChain;
use liquid_core::{
    BlockReflection, Error, Language, ParseBlock, ParseTag, Renderable, Result, Runtime, TagBlock, TagReflection,
    TagTokenIter, Template,
};

use super::{Bounded, MAX_OUTPUT_BYTES};

fn too_long(name: &KString) -> Error {
    Error::with_msg(format!("the variable {name} is longer than {MAX_OUTPUT_BYTES} bytes"))
}

fn name(arguments: &mut TagTokenIter<'_>) -> Result<KString> {
    let name = arguments.expect_next("a variable's name is missing")?.expect_identifier().into_result()?;
    Ok(KString::from_ref(name))
}

/// What a value takes, roughly, counted no further than `limit`.
fn size(value: &dyn ValueView, limit: usize) -> usize {
    let mut total = 1;
    if let Some(array) = value.as_array() {
        for item in array.values() {
            total += size(item, limit);
            if total > limit {
                break;
            }
        }
        return total;
    }
    if let Some(object) = value.as_object() {
        for (name, entry) in object.iter() {
            total += name.len() + size(entry, limit);
            if total > limit {
                break;
            }
        }
        return total;
    }
    value.to_kstr().len()
}

#[derive(Clone, Copy, Debug)]
pub(super) struct AssignTag;

impl TagReflection for AssignTag {
    fn tag(&self) -> &'static str {
        "assign"
    }

    fn description(&self) -> &'static str {
        "Gives a variable a value."
    }
}

impl ParseTag for AssignTag {
    fn parse(&self, mut arguments: TagTokenIter<'_>, options: &Language) -> Result<Box<dyn Renderable>> {
        let variable = name(&mut arguments)?;
        arguments.expect_next("\"=\" is missing")?.expect_str("=").into_result_custom_msg("\"=\" expected")?;
        let value =
            arguments.expect_next("a value is missing after \"=\"")?.expect_filter_chain(options).into_result()?;
        arguments.expect_nothing()?;
        Ok(Box::new(Assign { variable, value }))
    }

    fn reflection(&self) -> &dyn TagReflection {
        self
    }
}

#[derive(Debug)]
struct Assign {
    variable: KString,
    value: FilterChain,
}

impl Renderable for Assign {
    fn render_to(&self, _writer: &mut dyn Write, runtime: &dyn Runtime) -> Result<()> {
        let value = self.value.evaluate(runtime)?;
        if size(value.as_view(), MAX_OUTPUT_BYTES) > MAX_OUTPUT_BYTES {
            return Err(too_long(&self.variable));
        }
        runtime.set_global(self.variable.clone(), value.into_owned());
        Ok(())
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct CaptureBlock;

impl BlockReflection for CaptureBlock {
    fn start_tag(&self) -> &'static str {
        "capture"
    }

    fn end_tag(&self) -> &'static str {
        "endcapture"
    }

    fn description(&self) -> &'static str {
        "Gives a variable what its content writes."
    }
}

impl ParseBlock for CaptureBlock {
    fn parse(
        &self,
        mut arguments: TagTokenIter<'_>,
        mut tokens: TagBlock<'_, '_>,
        options: &Language,
    ) -> Result<Box<dyn Renderable>> {
        let variable = name(&mut arguments)?;
        arguments.expect_nothing()?;
        let content = Template::new(tokens.parse_all(options)?);
        tokens.assert_empty();
        Ok(Box::new(Capture { variable, content }))
    }

    fn reflection(&self) -> &dyn BlockReflection {
        self
    }
}

#[derive(Debug)]
struct Capture {
    variable: KString,
    content: Template,
}

impl Renderable for Capture {
    fn render_to(&self, _writer: &mut dyn Write, runtime: &dyn Runtime) -> Result<()> {
        let mut output = Bounded::default();
        match self.content.render_to(&mut output, runtime) {
            Err(_) if output.full => return Err(too_long(&self.variable)),
            result => result?,
        }
        let text = String::from_utf8(output.bytes).expect("Liquid writes text");
        runtime.set_global(self.variable.clone(), Value::scalar(KString::from_string(text)));
        Ok(())
    }
}
