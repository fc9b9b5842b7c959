//! The keys of the rows that go together, as text: of a batch, of a request.

use std::fmt;
use std::sync::Arc;

/// Keys of rows as people see them ([`crate::row::key_text`]), in order. They lie one behind the other in one text, and
/// copies share it: a full request names hundreds of rows, and a log entry names them once more.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct RowKeys(Option<Arc<Keys>>);

#[derive(Clone, Default, PartialEq, Eq)]
struct Keys {
    text: String,
    /// Where each key ends in the text.
    ends: Vec<usize>,
}

impl RowKeys {
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |keys| keys.ends.len())
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a key. Copies made before do not get it.
    pub fn push(&mut self, key: &str) {
        let keys = Arc::make_mut(self.0.get_or_insert_default());
        keys.text.push_str(key);
        keys.ends.push(keys.text.len());
    }

    /// The key at a position; none behind the last.
    #[must_use]
    pub fn get(&self, position: usize) -> Option<&str> {
        let keys = self.0.as_ref()?;
        let end = *keys.ends.get(position)?;
        let start = if position == 0 { 0 } else { keys.ends[position - 1] };
        Some(&keys.text[start..end])
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.len()).map(|position| self.get(position).unwrap_or_default())
    }
}

impl<T: AsRef<str>> FromIterator<T> for RowKeys {
    fn from_iter<I: IntoIterator<Item = T>>(keys: I) -> Self {
        let mut of = Keys::default();
        for key in keys {
            of.text.push_str(key.as_ref());
            of.ends.push(of.text.len());
        }
        Self((!of.ends.is_empty()).then(|| Arc::new(of)))
    }
}

impl fmt::Debug for RowKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::RowKeys;

    #[test]
    fn every_key_comes_back_in_its_place() {
        let keys: RowKeys = ["1", "", "a|b", "Köln"].into_iter().collect();
        assert_eq!(keys.iter().collect::<Vec<_>>(), ["1", "", "a|b", "Köln"]);
        assert_eq!((keys.len(), keys.get(1), keys.get(2), keys.get(4)), (4, Some(""), Some("a|b"), None));
        assert_eq!(format!("{keys:?}"), r#"["1", "", "a|b", "Köln"]"#);
        assert_eq!(keys, keys.iter().map(str::to_owned).collect());
        let mut more = keys.clone();
        more.push("2");
        assert_eq!((keys.len(), more.len(), more.get(4)), (4, 5, Some("2")));
    }

    #[test]
    fn no_keys_are_none() {
        let none: RowKeys = std::iter::empty::<&str>().collect();
        assert!(none.is_empty() && none == RowKeys::default() && none.iter().next().is_none());
        let one: RowKeys = [""].into_iter().collect();
        assert_ne!(none, one, "a row without text in its key is a row");
    }
}
