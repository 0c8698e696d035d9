//! Yjs updates, as far as they can be handled without a document. Format V1, where nothing else is said.

mod contents;
mod deletions;
mod join;
mod scan;
mod snapshot;
mod split;
mod state_vector;
mod v2;
mod v2_decoder;
mod v2_encoder;

use std::borrow::Cow;
use std::panic::{UnwindSafe, catch_unwind};

use smallvec::SmallVec;
use yrs::Update;
use yrs::updates::decoder::Decode;

pub use contents::{Contents, sort_deletions};
pub use join::join;
pub(crate) use scan::scan_value;
pub use scan::{Inspection, MAX_DEPTH, ScanError, Span, Spans, inspect_v1, scan_snapshot, scan_v1};
pub use snapshot::{
    decode_snapshot_v1, decode_snapshot_v2, encode_snapshot_v1, encode_snapshot_v2,
};
pub use split::{split_at_gaps, split_to_size};
pub use state_vector::{advance_state_vector, common_state_vector, scan_state_vector};
pub use v2::{V2Error, any_to_v1, merge_v2, v1_to_v2, v2_to_v1};
pub use v2_encoder::V2Encoder;

/// An update without content.
pub const EMPTY: [u8; 2] = [0, 0];

/// The V1 state vector of a document without content.
pub const EMPTY_STATE_VECTOR: [u8; 1] = [0];

/// `yrs` looks at every input again for every block it writes: beyond this many, merging grows quadratically.
const MAX_MERGE_GROUP: usize = 64;

/// Why updates can't be merged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// One of them is no update, or not one that is safe to decode.
    #[error("update {index}: {error}")]
    Scan {
        /// Its position among the updates.
        index: usize,
        /// What is wrong with it.
        error: ScanError,
    },
    /// `yrs` refused one of them.
    #[error("can't decode an update: {0}")]
    Decode(String),
    /// `yrs` panicked.
    #[error("merging updates failed inside of yrs")]
    Panicked,
}

/// Whether these bytes are an update without content.
pub fn is_empty_update(update: &[u8]) -> bool {
    update == EMPTY
}

/// One update with the content of all. Of several, each is scanned first; a single one is returned as it is, unread.
pub fn merge<B: AsRef<[u8]>>(updates: &[B]) -> Result<Vec<u8>, MergeError> {
    if let [single] = updates {
        return Ok(single.as_ref().to_vec());
    }
    let mut seen: SmallVec<[Inspection; 16]> = SmallVec::new();
    for (index, update) in updates.iter().map(AsRef::as_ref).enumerate() {
        seen.push(inspect_v1(update).map_err(|error| MergeError::Scan { index, error })?);
    }
    let inspected = || updates.iter().map(AsRef::as_ref).zip(&seen);
    let Some(joined) = join(inspected()) else { return merge_decoded(inspected()) };
    for (update, _) in inspected().filter(|(_, seen)| !seen.is_plain) {
        decode(update)?;
    }
    Ok(joined)
}

/// Merges updates that overlap, or have gaps in or between them.
fn merge_decoded<'a, I>(updates: I) -> Result<Vec<u8>, MergeError>
where
    I: Iterator<Item = (&'a [u8], &'a Inspection)>,
{
    let mut level: Vec<Cow<'_, [u8]>> = Vec::new();
    for (index, (update, seen)) in updates.enumerate() {
        let scan_error = |error| MergeError::Scan { index, error };
        let update = if seen.has_unsorted_deletions {
            Cow::Owned(sort_deletions(update).map_err(scan_error)?)
        } else {
            Cow::Borrowed(update)
        };
        if seen.has_gaps {
            // yrs loses track of where a gap ends when another update starts inside of it, and writes lengths that are
            // none. Of updates without gaps it makes one with the right gaps.
            level.extend(split_at_gaps(&update).map_err(scan_error)?.into_iter().map(Cow::Owned));
        } else if !is_empty_update(&update) {
            level.push(update);
        }
    }
    let mut merged = merge_groups(&level)?;
    while merged.len() > 1 {
        if merged.iter().any(|it| inspect_v1(it).is_ok_and(|seen| seen.has_gaps)) {
            // Rare, and slow: what was merged can't be merged again, so all of it is at once.
            return merge_group(&level);
        }
        merged = merge_groups(&merged)?;
    }
    Ok(merged.pop().unwrap_or_else(|| EMPTY.to_vec()))
}

/// One merged update for each group of neighbours.
fn merge_groups<B: AsRef<[u8]>>(updates: &[B]) -> Result<Vec<Vec<u8>>, MergeError> {
    updates.chunks(MAX_MERGE_GROUP).map(merge_group).collect()
}

fn merge_group<B: AsRef<[u8]>>(group: &[B]) -> Result<Vec<u8>, MergeError> {
    if let [single] = group {
        return Ok(single.as_ref().to_vec());
    }
    let group: Vec<&[u8]> = group.iter().map(AsRef::as_ref).collect();
    fenced(|| yrs::merge_updates_v1(group))
}

fn decode(update: &[u8]) -> Result<Update, MergeError> {
    fenced(|| Update::decode_v1(update))
}

/// yrs has no state that a panic could leave half-written: everything it touches is dropped with it.
fn fenced<R>(
    work: impl FnOnce() -> Result<R, yrs::encoding::read::Error> + UnwindSafe,
) -> Result<R, MergeError> {
    catch_unwind(work)
        .map_err(|_| MergeError::Panicked)?
        .map_err(|error| MergeError::Decode(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use yrs::{Doc, GetString, Text, Transact};

    /// One update for each typed character.
    fn typed(text: &str) -> Vec<Vec<u8>> {
        let doc = Doc::with_client_id(1);
        let body = doc.get_or_insert_text("body");
        text.char_indices()
            .map(|(index, char)| {
                let mut txn = doc.transact_mut();
                body.insert(&mut txn, index as u32, char.encode_utf8(&mut [0; 4]));
                txn.encode_update_v1()
            })
            .collect()
    }

    fn text_of(update: &[u8]) -> String {
        let doc = Doc::new();
        let body = doc.get_or_insert_text("body");
        let mut txn = doc.transact_mut();
        txn.apply_update(Update::decode_v1(update).unwrap()).unwrap();
        body.get_string(&txn)
    }

    #[test]
    fn merges_any_number_of_updates() {
        let group = MAX_MERGE_GROUP;
        for len in [2, 3, group - 1, group, group + 1, 2 * group, group * group + 1] {
            let text: String = ('a'..='z').cycle().take(len).collect();
            let updates = typed(&text);
            assert_eq!(text_of(&merge(&updates).unwrap()), text, "{len} in order");
            let reversed: Vec<_> = updates.iter().rev().collect();
            assert_eq!(text_of(&merge(&reversed).unwrap()), text, "{len} reversed");
        }
    }

    #[test]
    fn leaves_alone_what_needs_no_merging() {
        let update = typed("x").remove(0);
        assert_eq!(merge::<&[u8]>(&[]), Ok(EMPTY.to_vec()), "none");
        assert_eq!(merge(&[b"not even an update"]), Ok(b"not even an update".to_vec()), "one");
        assert_eq!(merge(&[EMPTY, EMPTY]), Ok(EMPTY.to_vec()), "empty ones");
        assert_eq!(
            merge(&[&EMPTY[..], &update, &EMPTY]),
            Ok(update.clone()),
            "one among empty ones"
        );
        assert!(is_empty_update(&EMPTY));
        assert!(!is_empty_update(&update));
        assert!(!is_empty_update(&[]));
    }

    #[test]
    fn names_the_update_that_is_none() {
        let update = typed("x").remove(0);
        let cut = &update[..update.len() - 1];
        let result = merge(&[&update, &update, cut]);
        assert!(
            matches!(result, Err(MergeError::Scan { index: 2, error: ScanError::Malformed(_) })),
            "{result:?}"
        );
    }

    #[test]
    fn refuses_what_yrs_would_not_decode() {
        let update = typed("x").remove(0);
        // An embed, whose JSON is none.
        let embed = [1, 1, 9, 0, 5, 1, 1, b'a', 1, b'{', 0];
        let merged = merge(&[&update[..], &embed]);
        assert!(matches!(merged, Err(MergeError::Decode(_))), "{merged:?}");
    }

    #[test]
    fn merges_updates_that_start_and_end_inside_of_each_others_gaps() {
        let text = "abcdefghij";
        let updates = typed(text);
        let pick = |indices: &[usize]| {
            let picked: Vec<_> = indices.iter().map(|&index| &updates[index]).collect();
            merge(&picked).unwrap()
        };
        for (label, parts) in [
            ("one in the middle", [vec![0, 1, 7, 8, 9], vec![2, 3, 4, 5, 6]]),
            ("overlapping both ends", [vec![0, 1, 2, 6, 9], vec![1, 2, 3, 4, 5, 6, 7, 8]]),
            ("gap in gap", [vec![0, 9, 1], vec![2, 3, 6, 7, 4, 5, 8]]),
            ("crossing", [vec![0, 2, 4, 6, 8], vec![1, 3, 5, 7, 9]]),
        ] {
            let merged = merge(&[pick(&parts[0]), pick(&parts[1])]).unwrap();
            assert_eq!(inspect_v1(&merged).map(|it| it.has_gaps), Ok(false), "{label}");
            assert_eq!(text_of(&merged), text, "{label}");
        }
    }

    #[test]
    fn an_update_split_at_its_gaps_is_the_same_update() {
        let updates = typed("abcdefgh");
        let gappy = merge(&[&updates[0], &updates[1], &updates[4], &updates[7]]).unwrap();
        assert_eq!(inspect_v1(&gappy).map(|it| it.has_gaps), Ok(true));
        let parts = split_at_gaps(&gappy).unwrap();
        assert_eq!(parts.len(), 4, "three runs and the deletions");
        assert!(parts.iter().all(|part| inspect_v1(part).is_ok_and(|it| !it.has_gaps)));
        let rest: Vec<_> = [2, 3, 5, 6].iter().map(|&index| updates[index].clone()).collect();
        let all: Vec<_> = parts.into_iter().chain(rest).collect();
        assert_eq!(text_of(&merge(&all).unwrap()), "abcdefgh");
    }

    #[test]
    fn a_state_vector_advances_over_what_follows_on_it() {
        let updates = typed("abcdef");
        let one = [1, 1, 2]; // client 1 up to clock 2
        for (label, picked, expected) in [
            ("nothing", vec![], 2),
            ("the next ones", vec![2, 3], 4),
            ("known ones and the next", vec![0, 1, 2], 3),
            ("not behind a gap", vec![4, 5], 2),
        ] {
            let picked = picked.into_iter().map(|index: usize| updates[index].as_slice());
            let advanced = advance_state_vector(&one, picked).unwrap();
            assert_eq!(advanced, [1, 1, expected], "{label}");
        }
        assert_eq!(advance_state_vector(&[], [updates[0].as_slice()]).unwrap(), [1, 1, 1]);
    }
}
