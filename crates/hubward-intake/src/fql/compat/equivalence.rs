//! Whether two formulas can differ, decided by trying every combination of answers that some event could give.
//!
//! Answers about one field hang together: a text that begins with `ab` contains `b`, and a number above 5 is no text.
//! A combination counts as possible unless it is certain that no value gives it, so that no difference is missed.

use serde_json::Value;

use super::formula::{Formula, Question, Test};

/// More questions than this are not tried out: then only formulas of the same shape count as equal.
const QUESTIONS_MAX: usize = 12;

/// How two readings differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Difference {
    /// Some event makes the original fire and the documented language not.
    pub(super) more: bool,
    /// Some event makes the documented language fire and the original not.
    pub(super) less: bool,
}

impl Difference {
    pub(super) fn none(self) -> bool {
        !self.more && !self.less
    }
}

pub(super) fn difference(documented: &Formula, original: &Formula) -> Difference {
    let mut questions = Vec::new();
    documented.questions(&mut questions);
    original.questions(&mut questions);
    if questions.len() > QUESTIONS_MAX {
        let same = flat(documented) == flat(original);
        return Difference { more: !same, less: !same };
    }
    let fields = by_field(&questions);
    let mut found = Difference::default();
    for answers in 0..1_usize << questions.len() {
        let answer = |question: &Question| {
            questions.iter().position(|other| other == question).is_some_and(|at| answers >> at & 1 == 1)
        };
        let (here, there) = (documented.holds(&answer), original.holds(&answer));
        let news = (there && !here && !found.more) || (here && !there && !found.less);
        if news && fields.iter().all(|tests| possible(tests, answers)) {
            found.more |= there;
            found.less |= here;
        }
    }
    found
}

/// Tests of one field, with the places of their answers.
type Tests<'a> = Vec<(&'a Test, usize)>;

fn by_field(questions: &[Question]) -> Vec<Tests<'_>> {
    let mut fields: Vec<(&[String], Tests<'_>)> = Vec::new();
    for (at, question) in questions.iter().enumerate() {
        let Question::Field(path, test) = question else { continue };
        match fields.iter_mut().find(|(other, _)| other == path) {
            Some((_, tests)) => tests.push((test, at)),
            None => fields.push((path, vec![(test, at)])),
        }
    }
    fields.into_iter().map(|(_, tests)| tests).collect()
}

/// Whether some value could give these answers.
fn possible(tests: &[(&Test, usize)], answers: usize) -> bool {
    let expected = |at: usize| answers >> at & 1 == 1;
    let gives = |value: &Value| tests.iter().all(|(test, at)| test.passes(value) == expected(*at));
    let mut candidates = vec![Value::Null, Value::Bool(true), Value::Bool(false), Value::Array(Vec::new())];
    let mut numbers = vec![0.0];
    for (test, at) in tests {
        match test {
            Test::Number(_, number) if number.is_finite() => numbers.push(*number),
            // The only text that passes; its other answers are certain.
            Test::Text(text) if expected(*at) => return gives(&Value::from(text.as_str())),
            _ => {}
        }
    }
    numbers.sort_by(f64::total_cmp);
    candidates.extend(numbers.iter().map(|number| Value::from(*number)));
    candidates.extend(numbers.windows(2).map(|pair| Value::from(f64::midpoint(pair[0], pair[1]))));
    candidates.extend([numbers[0] - 1.0, numbers[numbers.len() - 1] + 1.0].map(Value::from));
    candidates.push(f64::MAX.into());
    candidates.push(f64::MIN.into());
    candidates.iter().any(gives) || text_possible(tests, expected)
}

/// Whether some text could give these answers, where no test asks for one certain text.
fn text_possible(tests: &[(&Test, usize)], expected: impl Fn(usize) -> bool) -> bool {
    let (yes, no): (Vec<_>, Vec<_>) = tests.iter().partition(|(_, at)| expected(*at));
    let yes: Vec<Test> = yes.iter().flat_map(|(test, _)| test.implied()).collect();
    let impossible = |test: &Test| matches!(test, Test::Is(_) | Test::IsNumber | Test::Number(..));
    if yes.iter().any(impossible) || no.iter().any(|(test, _)| matches!(test, Test::Exists | Test::IsText)) {
        return false;
    }
    for certain in &yes {
        for other in &yes {
            // Of two beginnings, or endings, of one text the shorter is part of the longer.
            let apart = match (certain, other) {
                (Test::Starts(a), Test::Starts(b)) => !a.starts_with(b.as_str()) && !b.starts_with(a.as_str()),
                (Test::Ends(a), Test::Ends(b)) => !a.ends_with(b.as_str()) && !b.ends_with(a.as_str()),
                _ => false,
            };
            if apart {
                return false;
            }
        }
        for (denied, _) in &no {
            let follows = match (certain, denied) {
                (Test::Starts(whole), Test::Starts(part)) => whole.starts_with(part.as_str()),
                (Test::Ends(whole), Test::Ends(part)) => whole.ends_with(part.as_str()),
                (Test::Contains(whole) | Test::Starts(whole) | Test::Ends(whole), Test::Contains(part)) => {
                    whole.contains(part.as_str())
                }
                _ => false,
            };
            if follows {
                return false;
            }
        }
    }
    true
}

/// Without groups of the same word in each other, and without groups of one.
fn flat(formula: &Formula) -> Formula {
    let all = matches!(formula, Formula::All(_));
    match formula {
        Formula::All(parts) | Formula::Any(parts) => {
            let mut flattened = Vec::new();
            for part in parts {
                match flat(part) {
                    Formula::All(inner) if all => flattened.extend(inner),
                    Formula::Any(inner) if !all => flattened.extend(inner),
                    inner => flattened.push(inner),
                }
            }
            if flattened.len() == 1 {
                return flattened.remove(0);
            }
            if all { Formula::All(flattened) } else { Formula::Any(flattened) }
        }
        Formula::Not(inner) => Formula::Not(Box::new(flat(inner))),
        other => other.clone(),
    }
}
