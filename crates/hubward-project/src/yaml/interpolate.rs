//! `${VAR}`, `${VAR:-default}` and the escape `$${`, in one scalar. What a variable holds is put in as it is and never read
//! again, neither as YAML nor for further variables.

/// What became of one scalar.
pub(super) struct Filled {
    pub(super) text: String,
    pub(super) problems: Vec<Problem>,
}

/// A place that could not be filled in: the how-manieth `${` of the scalar (escaped ones count), and why.
pub(super) struct Problem {
    pub(super) nth: usize,
    pub(super) kind: ProblemKind,
    /// Length in characters of what was written.
    pub(super) len: u32,
}

pub(super) enum ProblemKind {
    Missing(String),
    Malformed(&'static str),
}

/// `None` when the text holds no `${` at all.
pub(super) fn fill(text: &str, env: &dyn Fn(&str) -> Option<String>) -> Option<Filled> {
    let mut at = text.find("${")?;
    let mut filled = String::with_capacity(text.len());
    let mut problems = Vec::new();
    let mut done = 0;
    let mut nth = 0;
    loop {
        if at > done && text.as_bytes()[at - 1] == b'$' {
            filled.push_str(&text[done..at - 1]);
            filled.push_str("${");
            done = at + 2;
        } else {
            filled.push_str(&text[done..at]);
            let body = &text[at + 2..];
            let end = body.find('}');
            let inside = &body[..end.unwrap_or(body.len())];
            done = end.map_or(text.len(), |end| at + 2 + end + 1);
            match resolve(inside, end.is_some(), env) {
                Ok(value) => filled.push_str(&value),
                Err(kind) => {
                    let written = text[at..done].lines().next().unwrap_or_default();
                    let len = u32::try_from(written.chars().count()).unwrap_or(u32::MAX);
                    problems.push(Problem { nth, kind, len });
                }
            }
        }
        // `done` may have passed over a `${` inside a malformed default; places are counted in the text as written.
        let Some(next) = text[done..].find("${") else {
            break;
        };
        nth += text[at + 2..done].matches("${").count() + 1;
        at = done + next;
    }
    filled.push_str(&text[done..]);
    Some(Filled { text: filled, problems })
}

fn resolve(inside: &str, closed: bool, env: &dyn Fn(&str) -> Option<String>) -> Result<String, ProblemKind> {
    if !closed {
        return Err(ProblemKind::Malformed("`${` has no closing `}`"));
    }
    let (name, default) = match inside.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (inside, None),
    };
    let mut letters = name.chars();
    let starts_well = letters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    if !starts_well || !letters.all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(ProblemKind::Malformed("what stands between `${` and `}` is no name of a variable"));
    }
    if default.is_some_and(|default| default.contains("${")) {
        return Err(ProblemKind::Malformed("a default may not hold another variable"));
    }
    match (env(name), default) {
        (Some(value), None) => Ok(value),
        // As in a shell: `:-` also stands in for a variable that is set to nothing.
        (Some(value), Some(_)) if !value.is_empty() => Ok(value),
        (_, Some(default)) => Ok(default.to_owned()),
        (None, None) => Err(ProblemKind::Missing(name.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::fill;

    fn text(input: &str) -> String {
        let env = |name: &str| match name {
            "A" => Some("${B}".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        fill(input, &env).map_or_else(|| "-".to_owned(), |filled| filled.text)
    }

    #[test]
    fn variables_defaults_and_escapes_are_filled_in_once() {
        assert_eq!(text("plain $1 $$"), "-");
        assert_eq!(text("x${A}y"), "x${B}y");
        assert_eq!(text("${EMPTY}|${EMPTY:-d}|${NONE:-d}|${NONE:-}"), "|d|d|");
        assert_eq!(text("$${A} ${A} $$${A}"), "${A} ${B} $${A}");
    }

    #[test]
    fn every_problem_knows_which_of_the_places_it_is() {
        let filled = fill("$${X} ${NONE} ${A:-${B}} ${1} ${open", &|_| None).expect("it has `${`");
        let places: Vec<usize> = filled.problems.iter().map(|problem| problem.nth).collect();
        assert_eq!(places, [1, 2, 4, 5]);
        assert_eq!(filled.problems[0].len, 7);
    }
}
