//! How remote updates get into a document: checked, joined, decoded, and applied unless something is missing before them.

use std::fmt::Display;
use std::panic::catch_unwind;

use bytes::Bytes;
use smallvec::{SmallVec, smallvec};
use yrs::updates::decoder::Decode;
use yrs::{ClientID, StateVector, TransactionMut, Update};

use super::fence::Fence;
use super::pending::{Extents, Part, missing_before};
use super::shared::{Shared, invalid};
use crate::error::ProviderError;
use crate::protocol::update::{Inspection, inspect_v1, join, sort_deletions, split_at_gaps};

/// A V1 update that was checked and decoded, and is not in a document yet.
pub struct DecodedUpdate {
    pub(super) parts: SmallVec<[Part; 1]>,
    /// Bytes it had.
    pub(super) len: usize,
}

impl Shared {
    /// Applies updates joined, because that is faster; one by one if that fails, because one bad update must not take its
    /// neighbours with it, or if something is missing among them. Applying one again does nothing.
    pub(super) fn apply_group(
        &self,
        txn: &mut TransactionMut<'_>,
        state: &mut StateVector,
        group: Vec<(u64, Bytes)>,
        failed: &mut Vec<(u64, ProviderError)>,
    ) {
        let mut valid: Vec<(u64, Bytes, Inspection)> = Vec::with_capacity(group.len());
        for (token, bytes) in group {
            match inspect(&bytes) {
                Ok(seen) => valid.push((token, bytes, seen)),
                Err(error) => failed.push((token, error)),
            }
        }
        if valid.len() > 1 && self.apply_joined(txn, state, &valid) {
            return;
        }
        for (token, bytes, seen) in valid {
            if let Err(error) = self.apply_update(txn, state, &bytes, &seen) {
                failed.push((token, error));
            }
        }
    }

    /// Applies updates as one, if they leave no gap, and returns whether that went well.
    fn apply_joined(
        &self,
        txn: &mut TransactionMut<'_>,
        state: &mut StateVector,
        updates: &[(u64, Bytes, Inspection)],
    ) -> bool {
        let Some(joined) = join(updates.iter().map(|(_, bytes, seen)| (&bytes[..], seen))) else {
            return false;
        };
        // What was checked in parts is checked as a whole: nothing else comes to the CRDT.
        inspect(&joined).is_ok_and(|seen| {
            missing_before(&extents(&seen), state).is_empty()
                && self.apply_update(txn, state, &joined, &seen).is_ok()
        })
    }

    fn apply_update(
        &self,
        txn: &mut TransactionMut<'_>,
        state: &mut StateVector,
        bytes: &[u8],
        seen: &Inspection,
    ) -> Result<(), ProviderError> {
        self.fence.check()?;
        let parts = decode(&self.fence, bytes, seen)?;
        let mut pending = self.pending.lock();
        let applied = self
            .fence
            .run(|| parts.into_iter().try_for_each(|part| pending.apply(txn, part, state)))?;
        applied.map_err(|error| invalid(format!("the update can't be applied: {error}")))
    }
}

/// Checks a V1 update before anything of it comes to the CRDT.
pub(super) fn inspect(bytes: &[u8]) -> Result<Inspection, ProviderError> {
    inspect_v1(bytes).map_err(not_v1)
}

/// A V1 update that was inspected, as the CRDT takes it: in parts where it has gaps. Decoding touches no document, so a panic
/// in it poisons none.
pub(super) fn decode(
    fence: &Fence,
    bytes: &[u8],
    seen: &Inspection,
) -> Result<SmallVec<[Part; 1]>, ProviderError> {
    fence.add_types(seen.types);
    let sorted;
    let bytes = if seen.has_unsorted_deletions {
        sorted = sort_deletions(bytes).map_err(not_v1)?;
        &sorted
    } else {
        bytes
    };
    if !seen.has_gaps {
        return Ok(smallvec![Part { update: decode_part(bytes)?, extents: extents(seen) }]);
    }
    let parts = split_at_gaps(bytes).map_err(not_v1)?;
    let decode = |bytes: &Vec<u8>| {
        Ok(Part { update: decode_part(bytes)?, extents: extents(&inspect(bytes)?) })
    };
    parts.iter().map(decode).collect()
}

fn decode_part(bytes: &[u8]) -> Result<Update, ProviderError> {
    match catch_unwind(|| Update::decode_v1(bytes)) {
        Ok(Ok(update)) => Ok(update),
        Ok(Err(error)) => Err(not_v1(error)),
        Err(_) => Err(not_v1("decoding it failed inside the CRDT")),
    }
}

fn extents(seen: &Inspection) -> Extents {
    seen.spans.iter().map(|it| (ClientID::new(it.client), it.start..it.end)).collect()
}

fn not_v1(error: impl Display) -> ProviderError {
    invalid(format!("not a V1 update: {error}"))
}

#[cfg(test)]
mod tests {
    use yrs::{Doc, Text, Transact};

    use super::*;
    use crate::document::{Document, DocumentOptions};

    /// The text of a document that knows the first three of eight typed characters, after these.
    fn applied(indices: &[usize]) -> (String, bool) {
        use yrs::{GetString, ReadTxn};
        let doc = Doc::with_client_id(1);
        let text = doc.get_or_insert_text("text");
        let type_one = |char: char| {
            let mut txn = doc.transact_mut();
            text.push(&mut txn, char.encode_utf8(&mut [0; 4]));
            Bytes::from(txn.encode_update_v1())
        };
        let typed: Vec<_> = "abcdefgh".chars().map(type_one).collect();
        let Document(shared) = Document::new(DocumentOptions::default());
        let mut txn = shared.content().doc.transact_mut();
        let (mut state, mut failed) = (StateVector::default(), Vec::new());
        let mut apply = |indices: &[usize]| {
            let group = indices.iter().map(|index| (0, typed[*index].clone())).collect();
            shared.apply_group(&mut txn, &mut state, group, &mut failed);
        };
        apply(&[0, 1, 2]);
        apply(indices);
        assert_eq!(failed, []);
        let text = txn.get_text("text").expect("it is there").get_string(&txn);
        let is_waiting = !shared.pending.lock().is_empty();
        (text, is_waiting)
    }

    #[test]
    fn a_group_is_applied_as_far_as_nothing_is_missing() {
        for (label, indices, text, is_waiting) in [
            ("what follows", &[3, 4, 5, 6, 7][..], "abcdefgh", false),
            ("in any order", &[5, 3, 4], "abcdef", false),
            ("known ones before", &[0, 1, 2, 3, 4], "abcde", false),
            ("known ones again", &[2, 3, 2, 3], "abcd", false),
            ("one missing before", &[4, 5], "abc", true),
            ("one missing between", &[3, 5, 6], "abcd", true),
        ] {
            assert_eq!(applied(indices), (text.to_owned(), is_waiting), "{label}");
        }
    }

    #[test]
    fn what_one_author_lacks_does_not_hold_up_another() {
        let deleted = |client: u8, clock: u8| {
            Bytes::copy_from_slice(&[1, 1, client, clock, 1, 1, 1, b't', 1, 0])
        };
        let Document(shared) = Document::new(DocumentOptions::default());
        let mut txn = shared.content().doc.transact_mut();
        let (mut state, mut failed) = (StateVector::default(), Vec::new());
        let group = vec![(1, deleted(5, 0)), (2, deleted(6, 3))];
        shared.apply_group(&mut txn, &mut state, group, &mut failed);
        assert_eq!(failed, []);
        assert_eq!(state, StateVector::from_iter([(ClientID::new(5), 1)]));
        assert!(!shared.pending.lock().is_empty(), "the other one's waits");
    }
}
