//! Carries out a mapping for one event. Owns each directive's rule; what text, paths and sizes are, its neighbours know.

use serde_json::{Map, Value};

use super::budget::{Budget, check_depth};
use super::error::{MappingError, ResolveError};
use super::js::{Js, Members, length, number, truthy, type_name};
use super::path::{get, without_root};
use super::{LIQUID_LENGTH_MAX, Templates, flatten, json_text, placeholders, replace, validate, with_root_directive};

type Resolved = Result<Js, ResolveError>;

/// What a valid mapping makes of a payload.
pub(super) fn resolve(mapping: &Map<String, Value>, payload: &Js, templates: &Templates) -> Resolved {
    let mut resolver = Resolver { budget: Budget::new(), templates };
    let resolved = resolver.object(mapping, payload)?;
    check_depth(&resolved)?;
    Ok(resolved.without_undefined())
}

fn fails<T>(message: &str) -> Result<T, ResolveError> {
    Err(ResolveError::new(message))
}

struct Resolver<'t> {
    budget: Budget,
    templates: &'t Templates,
}

impl Resolver<'_> {
    fn value(&mut self, mapping: &Value, payload: &Js) -> Resolved {
        self.budget.take(mapping.as_str().map_or(0, str::len))?;
        Ok(match mapping {
            Value::Null => Js::Null,
            Value::Bool(flag) => Js::Bool(*flag),
            Value::Number(given) => Js::Number(number(given)),
            Value::String(text) => Js::Text(text.clone()),
            Value::Array(items) => {
                let items = items.iter().enumerate();
                Js::Array(
                    items
                        .map(|(position, item)| self.value(item, payload).map_err(|error| error.under(position)))
                        .collect::<Result<_, _>>()?,
                )
            }
            Value::Object(members) => return self.object(members, payload),
        })
    }

    /// Resolves what may be missing.
    fn optional(&mut self, mapping: Option<&Value>, payload: &Js) -> Resolved {
        mapping.map_or(Ok(Js::Undefined), |mapping| self.value(mapping, payload))
    }

    fn object(&mut self, mapping: &Map<String, Value>, payload: &Js) -> Resolved {
        let first = mapping.iter().find(|(name, _)| name.starts_with('@'));
        if let Some((name, argument)) = first
            && mapping.keys().all(|name| name.starts_with('@') || name == "_metadata")
        {
            return self.directive(name, argument, payload).map_err(|error| error.under(name));
        }
        let mut resolved = Members::with_capacity(mapping.len());
        for (name, value) in mapping {
            self.budget.take(name.len())?;
            let value = self.value(value, payload).map_err(|error| error.under(name))?;
            resolved.insert(name.clone(), value);
        }
        Ok(Js::Object(resolved))
    }

    fn directive(&mut self, name: &str, argument: &Value, payload: &Js) -> Resolved {
        let options = |needs: &str| {
            let error = || ResolveError::new(format!("{name} requires an object with {needs}"));
            argument.as_object().ok_or_else(error)
        };
        match name {
            "@path" => {
                let path = self.text_argument(name, argument, payload)?;
                self.budget.copy(get(payload, &without_root(&path)).value())
            }
            "@template" => {
                let template = self.text_argument(name, argument, payload)?;
                placeholders::render(&template, payload, &mut self.budget)
            }
            "@literal" => self.value(argument, payload),
            "@excludeWhenNull" => Ok(match self.value(argument, payload)? {
                Js::Null => Js::Undefined,
                value => value.without_nulls(),
            }),
            "@if" => self.condition(options("an \"exists\" key")?, payload),
            "@case" => self.case(options("a \"operator\" key")?, payload),
            "@replace" => self.replace(options("a \"pattern\" key")?, payload),
            "@arrayPath" => self.array_path(argument, payload),
            "@flatten" => self.flatten(options("a \"separator\" key")?, payload),
            "@json" => self.json(options("a \"value\" key")?, payload),
            "@merge" => self.merge(options("an \"objects\" key and a \"direction\" key")?, payload),
            "@transform" => self.transform(options("an \"apply\" key and a \"mapping\" key")?, payload),
            "@liquid" => self.liquid(argument, payload),
            _ => Err(ResolveError::new(format!("{name} is not a valid directive, got undefined"))),
        }
    }

    fn text_argument(&mut self, name: &str, argument: &Value, payload: &Js) -> Result<String, ResolveError> {
        match self.value(argument, payload)? {
            Js::Text(text) => Ok(text),
            other => Err(ResolveError::new(format!("{name}: expected string, got {}", other.type_name()))),
        }
    }

    fn condition(&mut self, options: &Map<String, Value>, payload: &Js) -> Resolved {
        let (exists, blank) = (options.get("exists"), options.get("blank"));
        if !exists.is_some_and(truthy) && !blank.is_some_and(truthy) {
            return fails("@if requires an \"exists\" key or a \"blank\" key");
        }
        let met = match exists {
            Some(exists) => self.value(exists, payload)?.exists(),
            None => {
                let value = self.optional(blank, payload)?;
                value.exists() && !value.equals_empty_text()
            }
        };
        let chosen = if met { options.get("then") } else { options.get("else").filter(|value| truthy(value)) };
        self.optional(chosen, payload)
    }

    fn case(&mut self, options: &Map<String, Value>, payload: &Js) -> Resolved {
        let Some(operator) = options.get("operator").filter(|value| truthy(value)) else {
            return fails("@case requires a \"operator\" key");
        };
        let value = options.get("value").filter(|value| truthy(value));
        Ok(match (self.optional(value, payload)?, operator.as_str()) {
            (Js::Text(text), Some("lower")) => Js::Text(text.to_lowercase()),
            (Js::Text(text), Some("upper")) => Js::Text(text.to_uppercase()),
            (Js::Text(_), _) => return fails("operator key should have a value of \"lower\" or \"upper\""),
            (other, _) => other,
        })
    }

    fn replace(&mut self, options: &Map<String, Value>, payload: &Js) -> Resolved {
        if !options.get("pattern").is_some_and(truthy) {
            return fails("@replace requires a \"pattern\" key");
        }
        let Some(value) = options.get("value").filter(|value| truthy(value)) else { return Ok(Js::Undefined) };
        let value = match self.value(value, payload)? {
            Js::Text(text) => text,
            other @ (Js::Bool(_) | Js::Number(_)) => {
                let mut text = String::new();
                other.write_text(&mut text)?;
                text
            }
            // Also what the original does where an option is of the wrong type, which only lists can smuggle in.
            _ => return Ok(Js::Text(String::new())),
        };
        let Some(plan) = replace::Plan::read(options) else { return Ok(Js::Text(String::new())) };
        plan.carry_out(&value, &mut self.budget).map(Js::Text)
    }

    fn array_path(&mut self, argument: &Value, payload: &Js) -> Resolved {
        let Value::Array(items) = argument else {
            return Err(ResolveError::new(format!("@arrayPath expected array, got {}", type_name(argument))));
        };
        let root = match items.first() {
            Some(Value::String(path)) => self.budget.copy(get(payload, &without_root(path)).value())?,
            other => self.optional(other, payload)?,
        };
        let Some(Value::Object(shape)) = items.get(1).filter(|shape| shape.as_object().is_some_and(|o| !o.is_empty()))
        else {
            return Ok(root);
        };
        let items = match root {
            Js::Array(items) => items,
            object @ Js::Object(_) => vec![object],
            other => return Ok(other),
        };
        let shaped: Result<Vec<Js>, ResolveError> = items.iter().map(|item| self.object(shape, item)).collect();
        Ok(Js::Array(shaped.map_err(|error| error.under(1))?))
    }

    fn flatten(&mut self, options: &Map<String, Value>, payload: &Js) -> Resolved {
        let Some(separator) = options.get("separator").filter(|value| truthy(value)) else {
            return fails("@flatten requires a \"separator\" key");
        };
        let Js::Text(separator) = self.value(separator, payload)? else {
            return fails("@flatten requires a string separator");
        };
        let value = self.optional(options.get("value"), payload)?;
        let omit_arrays = options.get("omitArrays").is_some_and(truthy);
        flatten::flatten(value, &separator, omit_arrays, &mut self.budget)
    }

    fn json(&mut self, options: &Map<String, Value>, payload: &Js) -> Resolved {
        let Some(mode) = options.get("mode").filter(|value| truthy(value)) else {
            return fails("@json requires a \"mode\" key");
        };
        let Some(value) = options.get("value").filter(|value| truthy(value)) else {
            return fails("@json requires a \"value\" key");
        };
        let value = self.value(value, payload)?;
        match mode.as_str() {
            Some("encode") => json_text::encode(&value, &mut self.budget),
            Some("decode") => json_text::decode(value, &mut self.budget),
            _ => Ok(Js::Undefined),
        }
    }

    fn merge(&mut self, options: &Map<String, Value>, payload: &Js) -> Resolved {
        let Some(direction) = options.get("direction").filter(|value| truthy(value)) else {
            return fails("@merge requires a \"direction\" key");
        };
        let direction = self.value(direction, payload)?;
        let objects = match options.get("objects") {
            Some(Value::Array(objects)) => objects,
            Some(other) if truthy(other) => {
                let kind = type_name(other);
                return Err(ResolveError::new(format!("@merge: expected opts.array, got {kind}")));
            }
            _ => return fails("@merge requires a \"objects\" key"),
        };
        let mut resolved: Vec<Js> =
            objects.iter().map(|object| self.value(object, payload)).collect::<Result<_, _>>()?;
        if direction == Js::Text("left".to_owned()) {
            resolved.reverse();
        }
        let mut merged = Members::new();
        for object in resolved {
            match object {
                Js::Object(members) => merged.extend(members),
                Js::Array(items) => {
                    merged.extend(items.into_iter().enumerate().map(|(position, item)| (position.to_string(), item)));
                }
                // As JavaScript lays out a text: by UTF-16 units.
                Js::Text(text) => {
                    for (position, unit) in text.encode_utf16().enumerate() {
                        self.budget.take(8)?;
                        let unit = char::from_u32(u32::from(unit)).unwrap_or(char::REPLACEMENT_CHARACTER);
                        merged.insert(position.to_string(), Js::Text(unit.to_string()));
                    }
                }
                Js::Undefined | Js::Null | Js::Bool(_) | Js::Number(_) => {}
            }
        }
        Ok(Js::Object(merged))
    }

    fn transform(&mut self, options: &Map<String, Value>, payload: &Js) -> Resolved {
        let Some(mapping) = options.get("mapping").filter(|value| truthy(value)) else {
            return fails("@transform requires a \"mapping\" key");
        };
        let apply = match options.get("apply") {
            Some(Value::Object(apply)) => apply,
            Some(other) if truthy(other) => return fails("@transform \"apply\" key should be an object"),
            _ => return fails("@transform requires a \"apply\" key"),
        };
        let empty = Js::Object(Members::new());
        let payload = match payload {
            Js::Undefined => &empty,
            Js::Object(_) => payload,
            other => return Err(ResolveError::new(format!("data must be an object, got {}", other.type_name()))),
        };
        let apply = with_root_directive(apply).map_err(ResolveError::new)?;
        validate::validate(&apply).map_err(|thrown| ResolveError::new(MappingError::from(thrown).to_string()))?;
        let applied = self.object(&apply, payload).map_err(|error| error.under("apply"))?;
        check_depth(&applied)?;
        let applied = applied.without_undefined();
        self.value(mapping, &applied).map_err(|error| error.under("mapping"))
    }

    fn liquid(&mut self, argument: &Value, payload: &Js) -> Resolved {
        let Value::String(text) = argument else { return fails("liquid template value must be a string") };
        if text.is_empty() {
            return Ok(Js::Text(String::new()));
        }
        if length(text) > LIQUID_LENGTH_MAX {
            return Err(ResolveError::new(format!(
                "liquid template values are limited to {LIQUID_LENGTH_MAX} characters"
            )));
        }
        let template = self.templates.get(text).expect("the mapping's templates were collected when it was checked");
        let template = template.as_ref().map_err(ResolveError::new)?;
        let root = self.budget.copy(payload)?.into_json().unwrap_or_default();
        let output = template.render(&root).map_err(|error| ResolveError::new(error.message))?;
        self.budget.take(output.len())?;
        Ok(Js::Text(output))
    }
}
