//! What an update is about: whose operations, from which clock to which.

use std::collections::BTreeMap;
use std::ops::Range;

use super::deletions::Deletions;
use super::scan::{Block, ScanError, blocks_v1};
use crate::protocol::lib0::Reader;

/// Clocks of one client, sorted and apart from each other.
type Ranges = Vec<Range<u32>>;

/// The operations and deletions of one V1 update.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Contents {
    blocks: BTreeMap<u64, Ranges>,
    deletions: BTreeMap<u64, Ranges>,
}

impl Contents {
    /// Walks an update.
    pub fn of(update: &[u8]) -> Result<Self, ScanError> {
        let (blocks, end) = blocks_v1(update)?;
        let mut contents = Self::default();
        for Block { client, clock, len, .. } in blocks {
            // The walk has made sure that the sums are clocks.
            contents.blocks.entry(client).or_default().push(clock..clock + len);
        }
        let mut reader = Reader::new(&update[end..]);
        for _ in 0..reader.var_uint()? {
            let client = reader.var_uint()?;
            for _ in 0..reader.var_uint()? {
                let (clock, len) = (reader.var_u32()?, reader.var_u32()?);
                contents.deletions.entry(client).or_default().push(clock..clock + len);
            }
        }
        contents.blocks.values_mut().chain(contents.deletions.values_mut()).for_each(join);
        Ok(contents)
    }

    /// Whether everything of the other one is in here, too.
    pub fn contain(&self, other: &Self) -> bool {
        covers(&self.blocks, &other.blocks) && covers(&self.deletions, &other.deletions)
    }
}

/// The same update with its deletions as Yjs writes them: each client once, its ranges in order and apart. Where they are
/// not, `yrs` loses some when it merges updates, or reads them.
pub fn sort_deletions(update: &[u8]) -> Result<Vec<u8>, ScanError> {
    let (_, end) = blocks_v1(update)?;
    let mut deletions = Deletions::default();
    deletions.read(&update[end..])?;
    let mut sorted = update[..end].to_vec();
    deletions.write(&mut sorted);
    Ok(sorted)
}

fn covers(all: &BTreeMap<u64, Ranges>, some: &BTreeMap<u64, Ranges>) -> bool {
    some.iter().all(|(client, ranges)| {
        let known = all.get(client).map_or(&[][..], Vec::as_slice);
        ranges.iter().all(|range| {
            let after = known.partition_point(|known| known.start <= range.start);
            after.checked_sub(1).is_some_and(|at| known[at].end >= range.end)
        })
    })
}

fn join(ranges: &mut Ranges) {
    // Nothing is in them, and who merges updates leaves them out.
    ranges.retain(|range| !range.is_empty());
    ranges.sort_unstable_by_key(|range| range.start);
    ranges.dedup_by(|next, range| {
        let is_joined = next.start <= range.end;
        if is_joined {
            range.end = range.end.max(next.end);
        }
        is_joined
    });
}

#[cfg(test)]
mod tests {
    use super::super::inspect_v1;
    use super::*;
    use yrs::{Doc, ReadTxn, StateVector, Text, Transact};

    #[test]
    fn a_state_contains_every_update_that_led_to_it_and_none_that_came_later() {
        let doc = Doc::with_client_id(7);
        let text = doc.get_or_insert_text("text");
        let mut edit = |index: u32| {
            let mut txn = doc.transact_mut();
            if index % 3 == 2 {
                text.remove_range(&mut txn, 0, 2);
            } else {
                text.insert(&mut txn, 0, "words");
            }
            Contents::of(&txn.encode_update_v1()).unwrap()
        };
        let before: Vec<Contents> = (0..9).map(&mut edit).collect();
        let state = |since: &StateVector| {
            Contents::of(&doc.transact().encode_state_as_update_v1(since)).unwrap()
        };
        let (all, vector) = (state(&StateVector::default()), doc.transact().state_vector());
        assert!(before.iter().all(|update| all.contain(update)));
        let later: Vec<Contents> = (9..12).map(&mut edit).collect();
        assert!(later.iter().all(|update| !all.contain(update)), "insertions and deletions");
        let difference = state(&vector);
        assert!(later.iter().all(|update| difference.contain(update)));
        assert!(!difference.contain(&before[0]), "a difference lacks what came before");
        assert!(difference.contain(&Contents::default()));
    }

    #[test]
    fn deletions_are_sorted_where_they_are_not() {
        let unsorted = |update: &[u8]| inspect_v1(update).unwrap().has_unsorted_deletions;
        let rows: [(&str, &[u8], &[u8]); 4] = [
            ("ranges", &[0, 1, 9, 3, 5, 1, 1, 2, 2, 2], &[0, 1, 9, 2, 1, 3, 5, 1]),
            ("one client twice", &[0, 2, 9, 1, 5, 1, 9, 1, 1, 1], &[0, 1, 9, 2, 1, 1, 5, 1]),
            (
                "clients",
                &[0, 3, 7, 1, 1, 1, 9, 1, 1, 1, 8, 1, 1, 1],
                &[0, 3, 9, 1, 1, 1, 8, 1, 1, 1, 7, 1, 1, 1],
            ),
            ("one of nothing", &[0, 1, 9, 2, 5, 1, 1, 0], &[0, 1, 9, 1, 5, 1]),
        ];
        for (label, update, expected) in rows {
            assert!(unsorted(update), "{label}");
            let sorted = sort_deletions(update).unwrap();
            assert_eq!(sorted, expected, "{label}");
            assert!(!unsorted(&sorted), "{label}");
        }
        assert!(!unsorted(&[0, 2, 7, 1, 1, 1, 9, 1, 1, 1]), "as yrs writes them");
    }

    #[test]
    fn a_deletion_of_nothing_is_contained_in_everything() {
        let deletes_nothing = Contents::of(&[0, 1, 3, 1, 100, 0]).unwrap();
        assert!(Contents::default().contain(&deletes_nothing));
    }

    #[test]
    fn what_is_no_update_has_no_contents() {
        assert!(Contents::of(&[9, 9, 9]).is_err());
        assert!(Contents::of(&[]).is_err());
    }
}
