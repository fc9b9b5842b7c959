//! `if` and `unless` with LiquidJS's conditions: `and` and `or` group from the right, `not` exists, values of different
//! kinds are never equal, and text is compared with a number by the number it holds.

use std::io::Write;

use liquid::model::{State, ValueViewCmp};
use liquid_core::parser::{BlockElement, TagToken};
use liquid_core::{
    BlockReflection, Expression, Language, ParseBlock, Renderable, Result, Runtime, TagBlock, TagTokenIter, Template,
    ValueView,
};

/// The block `if`, or with `negated` the block `unless`.
#[derive(Clone, Copy, Debug)]
pub(super) struct ConditionBlock {
    pub(super) negated: bool,
}

impl BlockReflection for ConditionBlock {
    fn start_tag(&self) -> &'static str {
        if self.negated { "unless" } else { "if" }
    }

    fn end_tag(&self) -> &'static str {
        if self.negated { "endunless" } else { "endif" }
    }

    fn description(&self) -> &'static str {
        "Writes its content under a condition."
    }
}

impl ParseBlock for ConditionBlock {
    fn parse(
        &self,
        arguments: TagTokenIter<'_>,
        mut tokens: TagBlock<'_, '_>,
        options: &Language,
    ) -> Result<Box<dyn Renderable>> {
        let mut condition = parse(arguments)?;
        if self.negated {
            condition = Condition::Not(Box::new(condition));
        }
        let mut branches = Vec::new();
        let mut body = Vec::new();
        let mut otherwise = None;
        while let Some(element) = tokens.next()? {
            match element {
                BlockElement::Tag(tag) if tag.name() == "elsif" => {
                    let next = parse(tag.into_tokens())?;
                    let finished = std::mem::replace(&mut condition, next);
                    branches.push((finished, Template::new(std::mem::take(&mut body))));
                }
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
        branches.push((condition, Template::new(body)));
        Ok(Box::new(Conditional { branches, otherwise }))
    }

    fn reflection(&self) -> &dyn BlockReflection {
        self
    }
}

#[derive(Debug)]
struct Conditional {
    branches: Vec<(Condition, Template)>,
    otherwise: Option<Template>,
}

impl Renderable for Conditional {
    fn render_to(&self, writer: &mut dyn Write, runtime: &dyn Runtime) -> Result<()> {
        for (condition, body) in &self.branches {
            if condition.holds(runtime)? {
                return body.render_to(writer, runtime);
            }
        }
        self.otherwise.as_ref().map_or(Ok(()), |otherwise| otherwise.render_to(writer, runtime))
    }
}

#[derive(Debug)]
enum Condition {
    Truth(Expression),
    Compare(Expression, Operator, Expression),
    Not(Box<Condition>),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Operator {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Contains,
}

impl Operator {
    fn read(token: &TagToken<'_>) -> Option<Self> {
        Some(match token.as_str() {
            "==" => Self::Equal,
            "!=" => Self::Unequal,
            "<" => Self::Less,
            "<=" => Self::LessOrEqual,
            ">" => Self::Greater,
            ">=" => Self::GreaterOrEqual,
            "contains" => Self::Contains,
            _ => return None,
        })
    }
}

/// Operands joined by `and` and `or`, grouped from the right.
fn parse(mut arguments: TagTokenIter<'_>) -> Result<Condition> {
    let mut before: Vec<(Condition, bool)> = Vec::new();
    loop {
        let token = arguments.expect_next("a condition is missing")?;
        let (condition, joint) = operand(token, &mut arguments)?;
        match joint.as_ref().map(TagToken::as_str) {
            Some("and") => before.push((condition, true)),
            Some("or") => before.push((condition, false)),
            _ => {
                if let Some(other) = joint {
                    return Err(other.raise_custom_error("\"and\" or \"or\" expected"));
                }
                return Ok(before.into_iter().rev().fold(condition, |right, (left, is_and)| {
                    let (left, right) = (Box::new(left), Box::new(right));
                    if is_and { Condition::And(left, right) } else { Condition::Or(left, right) }
                }));
            }
        }
    }
}

/// One operand, and the token behind it.
fn operand<'a>(token: TagToken<'a>, arguments: &mut TagTokenIter<'a>) -> Result<(Condition, Option<TagToken<'a>>)> {
    if token.as_str() == "not" {
        let token = arguments.expect_next("a condition is missing after not")?;
        let (condition, next) = operand(token, arguments)?;
        return Ok((Condition::Not(Box::new(condition)), next));
    }
    let left = token.expect_value().into_result()?;
    let next = arguments.next();
    let Some(operator) = next.as_ref().and_then(Operator::read) else { return Ok((Condition::Truth(left), next)) };
    let right = arguments.expect_next("a value is missing")?.expect_value().into_result()?;
    Ok((Condition::Compare(left, operator, right), arguments.next()))
}

impl Condition {
    fn holds(&self, runtime: &dyn Runtime) -> Result<bool> {
        Ok(match self {
            Self::Truth(value) => value.evaluate(runtime)?.query_state(State::Truthy),
            Self::Compare(left, operator, right) => {
                let (left, right) = (left.evaluate(runtime)?, right.evaluate(runtime)?);
                compare(left.as_view(), *operator, right.as_view())
            }
            Self::Not(condition) => !condition.holds(runtime)?,
            Self::And(left, right) => left.holds(runtime)? && right.holds(runtime)?,
            Self::Or(left, right) => left.holds(runtime)? || right.holds(runtime)?,
        })
    }
}

fn is_text(value: &dyn ValueView) -> bool {
    value.type_name() == "string"
}

fn is_list(value: &dyn ValueView) -> bool {
    value.is_array() && !value.is_nil()
}

fn compare(left: &dyn ValueView, operator: Operator, right: &dyn ValueView) -> bool {
    match operator {
        Operator::Equal => equal(left, right),
        Operator::Unequal => !equal(left, right),
        Operator::Contains => contains(left, right),
        _ => ordered(left, operator, right),
    }
}

fn equal(left: &dyn ValueView, right: &dyn ValueView) -> bool {
    let same = || ValueViewCmp::new(left) == ValueViewCmp::new(right);
    if left.is_state() || right.is_state() {
        return same();
    }
    if left.is_nil() || right.is_nil() {
        // What a template calls nil equals both null and what is missing, which do not equal each other.
        let (left_kind, right_kind) = (left.type_name(), right.type_name());
        let agree = left_kind == right_kind || left_kind == "nil" || right_kind == "nil";
        return left.is_nil() && right.is_nil() && agree;
    }
    if left.is_scalar() && right.is_scalar() {
        let is_number = |value: &dyn ValueView| matches!(value.type_name(), "whole number" | "fractional number");
        let kinds_agree = left.type_name() == right.type_name() || is_number(left) && is_number(right);
        return kinds_agree && same();
    }
    is_list(left) == is_list(right) && left.is_object() == right.is_object() && !left.is_scalar() && same()
}

fn contains(left: &dyn ValueView, right: &dyn ValueView) -> bool {
    if is_list(left) {
        return left.as_array().is_some_and(|items| items.values().any(|item| equal(item, right)));
    }
    is_text(left) && right.is_scalar() && left.to_kstr().contains(right.to_kstr().as_str())
}

fn ordered(left: &dyn ValueView, operator: Operator, right: &dyn ValueView) -> bool {
    let order = if is_text(left) && is_text(right) {
        Some(left.to_kstr().as_str().cmp(right.to_kstr().as_str()))
    } else {
        numeric(left).partial_cmp(&numeric(right))
    };
    order.is_some_and(|order| match operator {
        Operator::Less => order.is_lt(),
        Operator::LessOrEqual => order.is_le(),
        Operator::Greater => order.is_gt(),
        _ => order.is_ge(),
    })
}

/// A value as JavaScript compares it with a number: no number where it holds none.
fn numeric(value: &dyn ValueView) -> f64 {
    if is_text(value) {
        let text = value.to_kstr();
        let text = text.as_str().trim();
        return if text.is_empty() { 0.0 } else { super::own_filters::plain_number(text).unwrap_or(f64::NAN) };
    }
    match value.as_scalar() {
        Some(scalar) => match scalar.to_bool().filter(|_| value.type_name() == "boolean") {
            Some(flag) => f64::from(u8::from(flag)),
            None => scalar.to_float().unwrap_or(f64::NAN),
        },
        None if value.type_name() == "null" => 0.0,
        None if is_list(value) && value.as_array().is_some_and(|items| items.size() == 0) => 0.0,
        None => f64::NAN,
    }
}
