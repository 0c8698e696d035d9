//! Yjs updates in format V2: read with care, and translated to V1, the only format that the other layers know.
//!
//! V2 keeps each field of all blocks in a run-length coded column of its own, so that a walk like that over V1 would be
//! a second decoder. The decoder of `yrs` is used instead, through a guard that refuses what would make it recurse or
//! allocate without end. Its result is written as V1, and that is scanned like anything else that comes in.

use std::panic::catch_unwind;

use bytes::Bytes;
use yrs::Update;
use yrs::encoding::read::Error;
use yrs::updates::decoder::Decode;
use yrs::updates::encoder::{Encode, Encoder};

use super::v2_decoder::GuardedDecoder;
use super::{MergeError, ScanError, V2Encoder, merge, scan_v1};

/// Why bytes are no update in format V2, or not one that is safe to decode.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum V2Error {
    /// `yrs` refused it, or the guard did.
    #[error("malformed update: {0}")]
    Malformed(String),
    /// Its content is not supported.
    #[error(transparent)]
    Content(#[from] ScanError),
    /// `yrs` panicked.
    #[error("decoding the update failed inside of yrs")]
    Panicked,
    /// Several updates could not be merged.
    #[error(transparent)]
    Merge(#[from] MergeError),
}

/// The same update in format V1, whichever of the two formats it has. One in format V1 comes back as it is, and unread if
/// its first byte tells.
///
/// Every V2 update begins with a zero. A V1 update does if it has deletions only; and none of format V2 is also one of
/// format V1 to its last byte. Read as the wrong format it would seem to be empty, so nothing is guessed.
pub fn any_to_v1(update: Bytes) -> Result<Bytes, V2Error> {
    if update.first() != Some(&0) || scan_v1(&update).is_ok() {
        return Ok(update);
    }
    v2_to_v1(&update).map(Bytes::from)
}

/// The same update in format V1, scanned.
pub fn v2_to_v1(update: &[u8]) -> Result<Vec<u8>, V2Error> {
    let v1 = catch_unwind(|| decode(update).map(|update| update.encode_v1()))
        .map_err(|_| V2Error::Panicked)?
        .map_err(|error| V2Error::Malformed(error.to_string()))?;
    scan_v1(&v1)?;
    Ok(v1)
}

/// The same update in format V2.
pub fn v1_to_v2(update: &[u8]) -> Result<Vec<u8>, V2Error> {
    scan_v1(update)?;
    let encode = |update: Update| {
        let mut encoder = V2Encoder::new();
        update.encode(&mut encoder);
        encoder.to_vec()
    };
    catch_unwind(|| Update::decode_v1(update).map(encode))
        .map_err(|_| V2Error::Panicked)?
        .map_err(|error| V2Error::Malformed(error.to_string()))
}

/// One V2 update with the content of all.
pub fn merge_v2<B: AsRef<[u8]>>(updates: &[B]) -> Result<Vec<u8>, V2Error> {
    let updates: Vec<Vec<u8>> =
        updates.iter().map(|update| v2_to_v1(update.as_ref())).collect::<Result<_, _>>()?;
    v1_to_v2(&merge(&updates)?)
}

fn decode(update: &[u8]) -> Result<Update, Error> {
    let mut decoder = GuardedDecoder::new(update)?;
    let content = Update::decode(&mut decoder)?;
    match decoder.remaining()? {
        0 => Ok(content),
        left => Err(Error::Custom(ScanError::TrailingBytes(left).to_string())),
    }
}

#[cfg(test)]
mod tests;
