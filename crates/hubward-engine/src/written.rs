//! Which properties a row has ever been given by us: a bitmap in the ledger, over a list of names that only grows.

use std::collections::HashMap;
use std::sync::Arc;

/// The names behind the bits.
#[derive(Clone, Debug, Default)]
pub(crate) struct Written {
    names: Vec<String>,
    index: HashMap<String, usize>,
}

impl Written {
    pub(crate) fn new(names: &[String]) -> Self {
        let mut written = Self::default();
        for name in names {
            written.add(name);
        }
        written
    }

    /// Makes sure that `name` has a bit.
    pub(crate) fn add(&mut self, name: &str) {
        if !self.index.contains_key(name) {
            self.index.insert(name.to_owned(), self.names.len());
            self.names.push(name.to_owned());
        }
    }

    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    pub(crate) fn has(&self, bits: &[u8], name: &str) -> bool {
        self.index.get(name).is_some_and(|&at| bits.get(at / 8).is_some_and(|byte| byte & (1 << (at % 8)) != 0))
    }

    /// The bitmap after writing `sent` to a record whose bitmap was `before`: a value sets its bit, an empty one clears it.
    pub(crate) fn after(&self, before: &[u8], sent: &[(Arc<str>, String)]) -> Vec<u8> {
        let mut bits = before.to_vec();
        for (name, value) in sent {
            let Some(&at) = self.index.get(name.as_ref()) else { continue };
            if bits.len() <= at / 8 {
                bits.resize(at / 8 + 1, 0);
            }
            if value.is_empty() {
                bits[at / 8] &= !(1 << (at % 8));
            } else {
                bits[at / 8] |= 1 << (at % 8);
            }
        }
        while bits.last() == Some(&0) {
            bits.pop();
        }
        bits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_sets_the_bit_and_an_empty_one_clears_it() {
        let names: Vec<String> = (0..20).map(|at| format!("p{at}")).collect();
        let written = Written::new(&names);
        let bits = written.after(&[], &[(Arc::from("p17"), "x".to_owned()), (Arc::from("p2"), "y".to_owned())]);
        assert!(written.has(&bits, "p17") && written.has(&bits, "p2") && !written.has(&bits, "p3"));
        let bits = written.after(&bits, &[(Arc::from("p17"), String::new())]);
        assert!(!written.has(&bits, "p17") && written.has(&bits, "p2"));
        assert_eq!(bits.len(), 1);
    }
}
