//! Positions in a shared type that stay where they are while others edit.

use yrs::branch::BranchPtr;
use yrs::{Assoc, ID, IndexScope, ReadTxn, StickyIndex};

use super::edit::check;
use crate::error::ProviderError;
use crate::protocol::lib0::{ReadError, Reader, write_var_bytes, write_var_uint};

/// What a position holds on to.
pub type PositionScope = IndexScope;

/// A relative position, as Yjs has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// An element, or the begin or end of a type.
    pub scope: PositionScope,
    /// Whether it belongs to the element on its left, and stays behind what is inserted there.
    pub is_before: bool,
}

impl Position {
    /// The position at an index. The end of a type is a position of its own.
    pub fn at<T: ReadTxn>(
        txn: &T,
        branch: BranchPtr,
        index: u32,
        is_before: bool,
    ) -> Result<Self, ProviderError> {
        let length = branch.content_len();
        check(index, 0, length, "shared type")?;
        let found = if !is_before && index == length {
            None
        } else {
            StickyIndex::at(txn, branch, index, assoc(is_before))
        };
        let scope = match found {
            Some(found) => found.scope().clone(),
            None => IndexScope::from_branch(branch),
        };
        Ok(Self { scope, is_before })
    }

    /// The index that it has now; nothing if what it holds on to is unknown or was collected.
    pub fn index<T: ReadTxn>(&self, txn: &T) -> Option<u32> {
        StickyIndex::new(self.scope.clone(), assoc(self.is_before))
            .get_offset(txn)
            .map(|offset| offset.index)
    }

    /// Writes it as Yjs does.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut id = |kind, id: &ID| {
            write_var_uint(&mut out, kind);
            write_var_uint(&mut out, id.client.get());
            write_var_uint(&mut out, id.clock.into());
        };
        match &self.scope {
            IndexScope::Relative(item) => id(0, item),
            IndexScope::Nested(item) => id(2, item),
            IndexScope::Root(name) => {
                write_var_uint(&mut out, 1);
                write_var_bytes(&mut out, name.as_bytes());
            }
        }
        // A signed integer: 0 or -1.
        out.push(if self.is_before { 0x41 } else { 0 });
        out
    }

    /// Reads what Yjs writes. Old versions end without an association.
    pub fn decode(bytes: &[u8]) -> Result<Self, ReadError> {
        let mut reader = Reader::new(bytes);
        let kind = reader.var_uint()?;
        let mut id = || -> Result<ID, ReadError> {
            Ok(ID::new(yrs::ClientID::new(reader.var_uint()?), reader.var_u32()?))
        };
        let scope = match kind {
            0 => IndexScope::Relative(id()?),
            1 => IndexScope::Root(reader.var_str()?.into()),
            2 => IndexScope::Nested(id()?),
            _ => return Err(ReadError::IntegerOutOfRange),
        };
        let is_before = !reader.is_empty() && reader.u8()? & 0x40 != 0;
        Ok(Self { scope, is_before })
    }
}

fn assoc(is_before: bool) -> Assoc {
    if is_before { Assoc::Before } else { Assoc::After }
}

#[cfg(test)]
mod tests {
    use super::*;
    use yrs::branch::Branch;
    use yrs::{Doc, Text, Transact};

    #[test]
    fn positions_stay_with_their_neighbours() {
        let doc = Doc::new();
        let text = doc.get_or_insert_text("text");
        let mut txn = doc.transact_mut();
        text.insert(&mut txn, 0, "abc");
        let branch = BranchPtr::from(AsRef::<Branch>::as_ref(&text));
        let at = |txn: &yrs::TransactionMut<'_>, index, is_before| {
            Position::at(txn, branch, index, is_before).unwrap()
        };
        let positions: Vec<_> = (0..=3)
            .flat_map(|index| [(index, false), (index, true)])
            .map(|(index, is_before)| (index, at(&txn, index, is_before)))
            .collect();
        for (index, position) in &positions {
            assert_eq!(position.index(&txn), Some(*index), "{position:?}");
            assert_eq!(Position::decode(&position.encode()).as_ref(), Ok(position));
        }
        assert!(Position::at(&txn, branch, 4, false).is_err());
        let (after, before) = (at(&txn, 1, false), at(&txn, 1, true));
        text.insert(&mut txn, 1, "--");
        assert_eq!((after.index(&txn), before.index(&txn)), (Some(3), Some(1)));
    }

    #[test]
    fn garbage_is_refused() {
        for bytes in [&[][..], &[3, 0], &[0, 1], &[1, 5, b'a']] {
            assert!(Position::decode(bytes).is_err(), "{bytes:?}");
        }
    }
}
