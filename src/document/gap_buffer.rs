//! UTF-16 text that is edited around one place.

/// Text in two halves with a gap between them, where the last edit was: the next one near by moves few units.
#[derive(Debug, Default)]
pub(super) struct GapBuffer {
    before: Vec<u16>,
    /// What comes after the gap, last unit first.
    after: Vec<u16>,
}

impl GapBuffer {
    pub(super) fn len(&self) -> usize {
        self.before.len() + self.after.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Inserts a chunk. The index must be inside of the text.
    pub(super) fn insert(&mut self, index: usize, chunk: &str) {
        self.move_gap(index);
        self.before.extend(chunk.encode_utf16());
    }

    /// Removes a range, which must be inside of the text.
    pub(super) fn remove(&mut self, index: usize, length: usize) {
        self.move_gap(index);
        self.after.truncate(self.after.len() - length);
    }

    /// Whether an index stands between the two halves of a surrogate pair.
    pub(super) fn is_inside_of_pair(&self, index: usize) -> bool {
        let is = |unit: Option<u16>, range: std::ops::Range<u16>| {
            unit.is_some_and(|unit| range.contains(&unit))
        };
        index > 0
            && is(self.unit(index - 1), 0xD800..0xDC00)
            && is(self.unit(index), 0xDC00..0xE000)
    }

    pub(super) fn into_string(mut self) -> String {
        self.move_gap(self.len());
        String::from_utf16_lossy(&self.before)
    }

    fn unit(&self, index: usize) -> Option<u16> {
        match index.checked_sub(self.before.len()) {
            None => self.before.get(index).copied(),
            Some(index) => self.after.iter().rev().nth(index).copied(),
        }
    }

    fn move_gap(&mut self, index: usize) {
        match index.checked_sub(self.before.len()) {
            None => self.after.extend(self.before.drain(index..).rev()),
            Some(count) => self.before.extend(self.after.drain(self.after.len() - count..).rev()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_what_a_plain_string_would() {
        let seed = fastrand::u64(..);
        let mut rng = fastrand::Rng::with_seed(seed);
        let (mut buffer, mut model) = (GapBuffer::default(), Vec::new());
        for _ in 0..2000 {
            let index = rng.usize(..=model.len());
            if rng.u8(..3) > 0 {
                let chunk = ["a", "bc", "é😀"][rng.usize(..3)];
                buffer.insert(index, chunk);
                model.splice(index..index, chunk.encode_utf16());
            } else {
                let length = rng.usize(..=(model.len() - index).min(9));
                buffer.remove(index, length);
                model.drain(index..index + length);
            }
            assert_eq!(buffer.len(), model.len(), "seed {seed}");
        }
        assert_eq!(buffer.into_string(), String::from_utf16_lossy(&model), "seed {seed}");
    }

    #[test]
    fn knows_where_a_pair_would_be_split() {
        let mut buffer = GapBuffer::default();
        buffer.insert(0, "a😀b😀");
        for gap in 0..=6 {
            buffer.move_gap(gap);
            let inside: Vec<_> = (0..=6).filter(|&it| buffer.is_inside_of_pair(it)).collect();
            assert_eq!(inside, [2, 5], "gap at {gap}");
        }
    }
}
