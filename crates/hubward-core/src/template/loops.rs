//! The `for` block with a bound on its turns, in place of the standard library's, which lays a whole range out in memory
//! and knows no end.

use std::collections::HashMap;
use std::fmt;
use std::io::Write;

use liquid_core::model::{KString, KStringRef, Object, Value, ValueView};
use liquid_core::parser::{BlockElement, TryMatchToken};
use liquid_core::runtime::{Interrupt, InterruptRegister, StackFrame};
use liquid_core::{
    BlockReflection, Error, Expression, Language, ParseBlock, Renderable, Result, Runtime, TagBlock, TagTokenIter,
    Template,
};

use super::MAX_LOOP_TURNS;

#[derive(Clone, Copy, Debug)]
pub(super) struct ForBlock;

impl BlockReflection for ForBlock {
    fn start_tag(&self) -> &'static str {
        "for"
    }

    fn end_tag(&self) -> &'static str {
        "endfor"
    }

    fn description(&self) -> &'static str {
        "Repeats its content for each item of a list or a range."
    }
}

impl ParseBlock for ForBlock {
    fn parse(
        &self,
        mut arguments: TagTokenIter<'_>,
        mut tokens: TagBlock<'_, '_>,
        options: &Language,
    ) -> Result<Box<dyn Renderable>> {
        let variable = arguments.expect_next("a name is missing after for")?.expect_identifier().into_result()?;
        let variable = KString::from_ref(variable);
        arguments.expect_next("\"in\" is missing")?.expect_str("in").into_result_custom_msg("\"in\" expected")?;
        let items = arguments.expect_next("a list or a range is missing after in")?;
        let items = match items.expect_value() {
            TryMatchToken::Matches(list) => Items::List(list),
            TryMatchToken::Fails(other) => match other.expect_range() {
                TryMatchToken::Matches((first, last)) => Items::Range(first, last),
                TryMatchToken::Fails(other) => return Err(other.raise_error()),
            },
        };
        let (mut limit, mut offset, mut reversed) = (None, None, false);
        while let Some(token) = arguments.next() {
            match token.as_str() {
                "limit" => limit = Some(attribute(&mut arguments)?),
                "offset" => offset = Some(attribute(&mut arguments)?),
                "reversed" => reversed = true,
                _ => return Err(token.raise_custom_error("limit, offset or reversed expected")),
            }
        }
        let mut body = Vec::new();
        let mut otherwise = None;
        while let Some(element) = tokens.next()? {
            match element {
                BlockElement::Tag(mut tag) if tag.name() == "else" => {
                    tag.tokens().expect_nothing()?;
                    otherwise = Some(Template::new(tokens.parse_all(options)?));
                    break;
                }
                BlockElement::Tag(tag) => body.push(tag.parse(&mut tokens, options)?),
                element => body.push(element.parse(&mut tokens, options)?),
            }
        }
        tokens.assert_empty();
        Ok(Box::new(For { variable, items, limit, offset, reversed, body: Template::new(body), otherwise }))
    }

    fn reflection(&self) -> &dyn BlockReflection {
        self
    }
}

fn attribute(arguments: &mut TagTokenIter<'_>) -> Result<Expression> {
    arguments.expect_next("\":\" is missing")?.expect_str(":").into_result_custom_msg("\":\" expected")?;
    arguments.expect_next("a number is missing")?.expect_value().into_result()
}

#[derive(Debug)]
enum Items {
    List(Expression),
    Range(Expression, Expression),
}

#[derive(Debug)]
struct For {
    variable: KString,
    items: Items,
    limit: Option<Expression>,
    offset: Option<Expression>,
    reversed: bool,
    body: Template,
    otherwise: Option<Template>,
}

impl fmt::Display for For {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "for {} in …", self.variable)
    }
}

/// Turns taken by all loops of one rendering.
#[derive(Default)]
struct Turns(usize);

impl For {
    fn items(&self, runtime: &dyn Runtime) -> Result<Vec<Value>> {
        let limit = self.limit.as_ref().map(|limit| count(limit, runtime)).transpose()?;
        let offset = self.offset.as_ref().map_or(Ok(0), |offset| count(offset, runtime))?;
        let limit = limit.unwrap_or(usize::MAX);
        let mut items: Vec<Value> = match &self.items {
            Items::List(list) => {
                let list = list.evaluate(runtime)?;
                if let Some(array) = list.as_array() {
                    array.values().skip(offset).take(limit).map(ValueView::to_value).collect()
                } else if let Some(object) = list.as_object() {
                    // By name: Liquid's objects have another order each time.
                    let mut entries: Vec<_> = object.iter().collect();
                    entries.sort_by(|left, right| left.0.as_str().cmp(right.0.as_str()));
                    entries
                        .into_iter()
                        .skip(offset)
                        .take(limit)
                        .map(|(name, entry)| {
                            Value::Array(vec![Value::scalar(KString::from_ref(name.as_str())), entry.to_value()])
                        })
                        .collect()
                } else if list.is_nil() {
                    Vec::new()
                } else {
                    return Err(Error::with_msg(format!("{self}: a list is needed, not a {}", list.type_name())));
                }
            }
            Items::Range(first, last) => {
                let first = integer(first, runtime)?;
                let last = integer(last, runtime)?;
                let length = usize::try_from(i128::from(last) - i128::from(first) + 1).unwrap_or(0);
                let taken = length.saturating_sub(offset).min(limit);
                if taken > MAX_LOOP_TURNS {
                    return Err(too_many());
                }
                (first..=last).skip(offset).take(taken).map(Value::scalar).collect()
            }
        };
        if self.reversed {
            items.reverse();
        }
        Ok(items)
    }
}

fn too_many() -> Error {
    Error::with_msg(format!("the loops of the template take more than {MAX_LOOP_TURNS} turns"))
}

fn integer(expression: &Expression, runtime: &dyn Runtime) -> Result<i64> {
    let value = expression.evaluate(runtime)?;
    value
        .as_scalar()
        .and_then(|scalar| scalar.to_integer())
        .ok_or_else(|| Error::with_msg(format!("{expression} is not a whole number")))
}

fn count(expression: &Expression, runtime: &dyn Runtime) -> Result<usize> {
    usize::try_from(integer(expression, runtime)?).map_err(|_| Error::with_msg(format!("{expression} is negative")))
}

impl Renderable for For {
    fn render_to(&self, writer: &mut dyn Write, runtime: &dyn Runtime) -> Result<()> {
        let items = self.items(runtime)?;
        if items.is_empty() {
            return match &self.otherwise {
                Some(otherwise) => otherwise.render_to(writer, runtime),
                None => Ok(()),
            };
        }
        let length = items.len();
        for (position, item) in items.iter().enumerate() {
            {
                let mut turns = runtime.registers().get_mut::<Turns>();
                turns.0 += 1;
                if turns.0 > MAX_LOOP_TURNS {
                    return Err(too_many());
                }
            }
            let forloop = Value::Object(forloop(position, length));
            let mut scope: HashMap<KStringRef<'_>, &dyn ValueView> = HashMap::with_capacity(2);
            scope.insert(KStringRef::from_static("forloop"), &forloop);
            scope.insert(self.variable.as_ref(), item);
            let scope = StackFrame::new(runtime, &scope);
            self.body.render_to(writer, &scope)?;
            let interrupt = scope.registers().get_mut::<InterruptRegister>().reset();
            if let Some(Interrupt::Break) = interrupt {
                break;
            }
        }
        Ok(())
    }
}

fn forloop(position: usize, length: usize) -> Object {
    let number = |number: usize| Value::scalar(i64::try_from(number).expect("a loop's turns are few"));
    let mut object = Object::new();
    object.insert(KString::from_static("length"), number(length));
    object.insert(KString::from_static("index0"), number(position));
    object.insert(KString::from_static("index"), number(position + 1));
    object.insert(KString::from_static("rindex0"), number(length - position - 1));
    object.insert(KString::from_static("rindex"), number(length - position));
    object.insert(KString::from_static("first"), Value::scalar(position == 0));
    object.insert(KString::from_static("last"), Value::scalar(position + 1 == length));
    object
}
