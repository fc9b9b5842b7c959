//! A plan kept in a file: what `plan --out` writes and `run --plan` holds the world against.

use std::collections::HashMap;
use std::path::Path;

use serde_json::Value;

use crate::exit::Failure;

/// The parts of a plan that a run is held to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PlanFile {
    pub(crate) account: u64,
    pub(crate) full: bool,
    /// Sync to digest.
    pub(crate) digests: HashMap<String, u64>,
    names: Vec<String>,
}

/// A digest as it stands in documents.
pub(crate) fn digest_text(digest: u64) -> String {
    format!("{digest:016x}")
}

impl PlanFile {
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path).map_err(|error| Failure::io("reading", path, &error))?;
        Self::parse(&text).ok_or_else(|| {
            Failure::new("bad-plan", format!("{} is no plan", path.display()))
                .help("make one with `hubward plan --out FILE`")
        })
    }

    fn parse(text: &str) -> Option<Self> {
        let document: Value = serde_json::from_str(text).ok()?;
        let mut digests = HashMap::new();
        let mut names = Vec::new();
        for sync in document["syncs"].as_array()? {
            let name = sync["sync"].as_str()?.to_owned();
            digests.insert(name.clone(), u64::from_str_radix(sync["digest"].as_str()?, 16).ok()?);
            names.push(name);
        }
        Some(Self { account: document["account"].as_u64()?, full: document["full"].as_bool()?, digests, names })
    }

    /// The syncs to run: those of the plan, or those of them that were named.
    pub(crate) fn names(&self, asked: &[String]) -> Result<Vec<String>, Failure> {
        if let Some(missing) = asked.iter().find(|name| !self.digests.contains_key(*name)) {
            return Err(Failure::new("bad-plan", format!("the plan does not hold sync {missing:?}"))
                .help(format!("it holds: {}", self.names.join(", "))));
        }
        Ok(if asked.is_empty() { self.names.clone() } else { asked.to_vec() })
    }

    /// Refuses another account than the plan was made for.
    pub(crate) fn check_account(&self, portal_id: u64) -> Result<(), Failure> {
        if self.account == portal_id {
            return Ok(());
        }
        Err(Failure::new(
            "plan-outdated",
            format!("the plan was made for account {}, this is account {portal_id}", self.account),
        )
        .help("plan again for this account"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: &str = r#"{"digest":"0f","account":7,"full":false,"syncs":[{"sync":"a","digest":"00000000000000ff"}]}"#;

    #[test]
    fn a_plan_names_its_syncs_and_account() {
        let plan = PlanFile::parse(PLAN).unwrap();
        assert_eq!(plan.digests["a"], 255);
        assert_eq!(plan.names(&[]).unwrap(), ["a"]);
        assert_eq!(plan.names(&["b".to_owned()]).unwrap_err().code, "bad-plan");
        assert!(plan.check_account(7).is_ok());
        assert_eq!(plan.check_account(8).unwrap_err().code, "plan-outdated");
    }

    #[test]
    fn what_is_no_plan_is_not_taken_for_one() {
        for text in ["", "{}", "[]", r#"{"account":1,"full":false,"syncs":[{"sync":"a"}]}"#] {
            assert_eq!(PlanFile::parse(text), None, "{text}");
        }
    }
}
