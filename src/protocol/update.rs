//! Yjs updates in format V1, as far as they can be handled without a document.

mod scan;

use std::panic::catch_unwind;

pub use scan::{MAX_DEPTH, ScanError, scan_state_vector, scan_v1};

/// An update without content.
pub const EMPTY: [u8; 2] = [0, 0];

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
    let mut level: Vec<&[u8]> = Vec::with_capacity(updates.len());
    for (index, update) in updates.iter().map(AsRef::as_ref).enumerate() {
        scan_v1(update).map_err(|error| MergeError::Scan { index, error })?;
        if !is_empty_update(update) {
            level.push(update);
        }
    }
    let mut merged = merge_groups(&level)?;
    while merged.len() > 1 {
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
    // yrs has no state that a panic could leave half-written: everything it touches is dropped here.
    catch_unwind(|| yrs::merge_updates_v1(group))
        .map_err(|_| MergeError::Panicked)?
        .map_err(|error| MergeError::Decode(error.to_string()))
}
