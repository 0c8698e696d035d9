//! Maps by numbers that we gave out ourselves.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A map by numbers of our own, or by enums of such. Nobody outside can choose the keys so that they collide, so they
/// need no hash that resists it.
pub(crate) type KeyMap<K, V> = HashMap<K, V, BuildHasherDefault<KeyHasher>>;

/// Spreads consecutive numbers over all 64 bits. Any odd factor does; this one is 2^64 divided by the golden ratio.
const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;

/// The hasher of a [`KeyMap`].
#[derive(Default)]
pub(crate) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(byte.into());
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(5) ^ number).wrapping_mul(FACTOR);
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }

    fn write_isize(&mut self, number: isize) {
        self.write_u64(number.cast_unsigned() as u64);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::hash::BuildHasher;

    use super::*;

    #[test]
    fn keys_that_follow_each_other_differ_where_a_table_looks() {
        let hasher = KeyMap::<u64, u64>::default().hasher().clone();
        let spread: Vec<u64> = (0..4096_u64).map(|key| hasher.hash_one(key)).collect();
        let places: HashSet<u64> = spread.iter().map(|hash| hash % 4096).collect();
        assert_eq!(places.len(), 4096, "each has its own place");
        let tags: HashSet<u64> = spread.iter().map(|hash| hash >> 57).collect();
        assert_eq!(tags.len(), 128, "and all tags are used");
    }
}
