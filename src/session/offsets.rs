//! How far a document is in the log.

use std::sync::Arc;

use smallvec::SmallVec;

use super::event::Position;

/// Nobody has more partitions; a hostile server must not fill memory with them.
const MAX_PARTITIONS: usize = 256;

/// The highest offset per (topic, partition). A document normally lives in one partition.
#[derive(Debug, Clone, Default)]
pub(crate) struct Offsets {
    positions: SmallVec<[Position; 1]>,
    latest: u16,
    is_moved: bool,
}

impl Offsets {
    /// Notes an offset; true if it is higher than what was known of its partition and not reported yet. `share` makes the
    /// name of a topic that was not known.
    pub(crate) fn record(
        &mut self,
        topic: &str,
        partition: i32,
        offset: i64,
        share: impl FnOnce(&str) -> Arc<str>,
    ) -> bool {
        let known = self
            .positions
            .iter()
            .position(|at| at.partition == partition && is_same(&at.topic, topic));
        match known {
            Some(index) if self.positions[index].offset >= offset => return false,
            Some(index) => {
                self.positions[index].offset = offset;
                self.latest = index as u16;
            }
            None if self.positions.len() >= MAX_PARTITIONS => return false,
            None => {
                self.latest = self.positions.len() as u16;
                self.positions.push(Position { topic: share(topic), partition, offset });
            }
        }
        !std::mem::replace(&mut self.is_moved, true)
    }

    /// The position that moved last, once per move.
    pub(crate) fn take_moved(&mut self) -> Option<Position> {
        if std::mem::take(&mut self.is_moved) {
            self.positions.get(usize::from(self.latest)).cloned()
        } else {
            None
        }
    }

    /// The highest offset, if it says anything without its partition: only if there is no other.
    pub(crate) fn resume_at(&self) -> Option<i64> {
        match self.positions.as_slice() {
            [position] => Some(position.offset),
            _ => None,
        }
    }

    /// The highest offset of every partition seen.
    pub(crate) fn positions(&self) -> &[Position] {
        &self.positions
    }
}

/// Whether two texts are the same. Nothing is read where there is nothing: the `memcmp` of glibc reads with a mask, also at
/// the dangling address of an empty text, and that the processor forgives this fault takes it a tenth of what a message
/// takes. Servers that name no topic are not rare.
fn is_same(a: &str, b: &str) -> bool {
    a.len() == b.len() && (a.is_empty() || a == b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_maximum_of_each_partition_and_reports_a_move_once() {
        let mut offsets = Offsets::default();
        // (label, partition, offset, whether it is news)
        let table = [
            ("first", 0, 5, true),
            ("same", 0, 5, false),
            ("older", 0, 4, false),
            ("higher, while the first move is unreported", 0, 9, false),
        ];
        for (label, partition, offset, expected) in table {
            assert_eq!(
                offsets.record("t", partition, offset, |topic| topic.into()),
                expected,
                "{label}"
            );
        }
        assert_eq!(
            offsets.take_moved(),
            Some(Position { topic: "t".into(), partition: 0, offset: 9 })
        );
        assert_eq!(offsets.take_moved(), None);
        assert_eq!(offsets.resume_at(), Some(9));
        assert!(
            offsets.record("t", 1, 2, |topic| topic.into()),
            "another partition has its own maximum"
        );
        assert_eq!(offsets.take_moved().unwrap().partition, 1);
        assert!(
            offsets.record("awareness", 0, 1, |topic| topic.into()),
            "another topic has its own maximum"
        );
        assert_eq!(offsets.positions().len(), 3);
        assert_eq!(offsets.resume_at(), None, "an offset alone would be ambiguous");
    }
}
