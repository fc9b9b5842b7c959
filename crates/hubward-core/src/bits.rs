//! A small set of numbers, one bit each: which mapped properties of a record we have written.

/// A growing set of small numbers. Numbers never added are absent, whatever their size.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct BitSet {
    words: Vec<u64>,
}

impl BitSet {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// From the bytes that [`BitSet::to_bytes`] gave; trailing zero bytes may be missing.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut set = Self::new();
        for (position, byte) in bytes.iter().enumerate() {
            for bit in 0..8 {
                if byte & (1 << bit) != 0 {
                    set.insert(position * 8 + bit);
                }
            }
        }
        set
    }

    /// Least significant bit first, without trailing zero bytes: equal sets give equal bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> = self.words.iter().flat_map(|word| word.to_le_bytes()).collect();
        while bytes.last() == Some(&0) {
            bytes.pop();
        }
        bytes
    }

    pub fn insert(&mut self, number: usize) {
        let word = number / 64;
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        self.words[word] |= 1 << (number % 64);
    }

    pub fn remove(&mut self, number: usize) {
        if let Some(word) = self.words.get_mut(number / 64) {
            *word &= !(1 << (number % 64));
        }
        // No trailing zero word, so that equal sets are equal.
        while self.words.last() == Some(&0) {
            self.words.pop();
        }
    }

    #[must_use]
    pub fn contains(&self, number: usize) -> bool {
        self.words.get(number / 64).is_some_and(|word| word & (1 << (number % 64)) != 0)
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// The members in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.words.len() * 64).filter(|number| self.contains(*number))
    }
}

impl Extend<usize> for BitSet {
    fn extend<T: IntoIterator<Item = usize>>(&mut self, numbers: T) {
        for number in numbers {
            self.insert(number);
        }
    }
}

impl FromIterator<usize> for BitSet {
    fn from_iter<T: IntoIterator<Item = usize>>(numbers: T) -> Self {
        let mut set = Self::new();
        set.extend(numbers);
        set
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::BitSet;

    #[test]
    fn removing_the_last_member_leaves_an_empty_set() {
        let mut set: BitSet = [3, 200].into_iter().collect();
        set.remove(200);
        set.remove(3);
        set.remove(9_999);
        assert_eq!(set, BitSet::new());
        assert!(set.to_bytes().is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn bytes_bring_back_the_same_members(numbers in proptest::collection::btree_set(0usize..300, 0..40)) {
            let set: BitSet = numbers.iter().copied().collect();
            let back = BitSet::from_bytes(&set.to_bytes());
            prop_assert_eq!(&back, &set);
            prop_assert_eq!(back.iter().collect::<Vec<_>>(), numbers.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(back.len(), numbers.len());
        }
    }
}
