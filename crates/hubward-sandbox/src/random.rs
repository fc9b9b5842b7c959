//! Owns the seeded randomness: order of batch results, jitter of the search index, gaps between record ids.

/// SplitMix64: small, fast and the same on every machine for one seed. Nothing here needs to be unguessable.
#[derive(Debug, Clone)]
pub(crate) struct SplitMix(u64);

impl SplitMix {
    pub(crate) fn new(seed: u64) -> SplitMix {
        SplitMix(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        if high <= low {
            return low;
        }
        low + self.next() % (high - low + 1)
    }

    /// Shuffles so that two or more items never keep the order they came in: a caller that correlates by position must fail.
    pub(crate) fn disorder<T>(&mut self, items: &mut [T]) {
        if items.len() < 2 {
            return;
        }
        let mut order: Vec<usize> = (0..items.len()).collect();
        for at in (1..order.len()).rev() {
            let other = (self.next() % (at as u64 + 1)) as usize;
            order.swap(at, other);
            items.swap(at, other);
        }
        if order.is_sorted() {
            items.rotate_left(1);
        }
    }

    /// A correlation id in the shape of a version 4 UUID.
    pub(crate) fn correlation_id(&mut self) -> String {
        let (a, b) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            a >> 32,
            (a >> 16) & 0xffff,
            a & 0xfff,
            0x8000 | ((b >> 48) & 0x3fff),
            b & 0xffff_ffff_ffff
        )
    }
}

#[cfg(test)]
mod tests {
    use super::SplitMix;

    #[test]
    fn a_shuffle_never_keeps_the_order_and_loses_nothing() {
        for seed in 0..500 {
            for len in 2..6_u32 {
                let mut items: Vec<u32> = (0..len).collect();
                SplitMix::new(seed).disorder(&mut items);
                assert!(!items.is_sorted(), "seed {seed} kept {items:?}");
                items.sort_unstable();
                assert_eq!(items, (0..len).collect::<Vec<_>>());
            }
        }
    }
}
