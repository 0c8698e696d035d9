//! Weak links: references to elements of other shared types.

use std::ops::{Bound, RangeBounds};

use yrs::branch::{Branch, BranchPtr};
use yrs::{
    ArrayRef, GetString, Map, MapRef, Quotable, ReadTxn, TextRef, WeakPrelim, WeakRef, XmlTextRef,
};

use super::value::{TypeHandle, TypeKind, Value};
use crate::error::{ErrorCode, ProviderError};

/// What a weak link points to, as ids of elements.
#[derive(Debug, Clone)]
pub struct WeakSource {
    prelim: WeakPrelim<BranchPtr>,
    /// Map and key, of a link to an entry.
    entry: Option<(TypeHandle, String)>,
}

impl WeakSource {
    /// What an integrated weak link points to.
    pub fn of(branch: BranchPtr) -> Option<Self> {
        let link = WeakRef::<BranchPtr>::from(branch);
        link.try_source()?;
        Some(Self { prelim: WeakPrelim::from(link), entry: None })
    }

    pub(super) fn prelim(&self) -> WeakPrelim<BranchPtr> {
        self.prelim.clone()
    }

    /// The elements of a quoted range that are still there.
    pub fn unquote<T: ReadTxn>(&self, txn: &T) -> Vec<Value> {
        WeakPrelim::<ArrayRef>::from(self.prelim()).unquote(txn).map(Value::from).collect()
    }

    /// The text of a quoted range, with its formats as tags.
    pub fn text<T: ReadTxn>(&self, txn: &T) -> String {
        WeakPrelim::<XmlTextRef>::from(self.prelim()).get_string(txn)
    }

    /// The entry or the first element that a preliminary link points to.
    pub fn target<T: ReadTxn>(&self, txn: &T) -> Option<Value> {
        match &self.entry {
            Some((map, key)) => MapRef::from(map.resolve(txn)?).get(txn, key).map(Value::from),
            None => self.unquote(txn).into_iter().next(),
        }
    }

    /// The entry or the first element that an integrated link points to.
    pub fn target_of<T: ReadTxn>(txn: &T, branch: BranchPtr) -> Option<Value> {
        let first = Self::of(branch)?.unquote(txn).into_iter().next();
        let link = WeakRef::<MapRef>::from(branch);
        // Only elements of sequences can be unquoted.
        first.or_else(|| {
            let is_single = link.start_id() == link.end_id();
            link.try_deref_value(txn).filter(|_| is_single).map(Value::from)
        })
    }
}

/// A link to a range of an array or text. Throws `ERR_OUT_OF_RANGE`: both ends must be elements, even if left out.
pub fn quote<T: ReadTxn>(
    txn: &T,
    kind: TypeKind,
    branch: BranchPtr,
    range: (Bound<u32>, Bound<u32>),
) -> Result<WeakSource, ProviderError> {
    let out_of_range =
        || ProviderError::new(ErrorCode::OutOfRange, "the ends of a quotation must be elements");
    let index = |bound: Bound<&u32>| match bound {
        Bound::Included(index) | Bound::Excluded(index) => Some(*index),
        Bound::Unbounded => None,
    };
    // The CRDT subtracts them unchecked.
    if let (Some(start), Some(end)) = (index(range.start_bound()), index(range.end_bound()))
        && start > end
    {
        return Err(out_of_range());
    }
    let prelim = match kind {
        TypeKind::Array => ArrayRef::from(branch).quote(txn, range).map(WeakPrelim::upcast),
        _ => TextRef::from(branch).quote(txn, range).map(WeakPrelim::upcast),
    };
    prelim.map(|prelim| WeakSource { prelim, entry: None }).map_err(|_| out_of_range())
}

/// A link to an entry of a map, if there is one.
pub fn map_link<T: ReadTxn>(txn: &T, branch: BranchPtr, key: &str) -> Option<WeakSource> {
    let map = MapRef::from(branch);
    // An entry that was deleted is still there for the CRDT.
    map.get(txn, key)?;
    let prelim = map.link(txn, key)?.upcast();
    let branch: &Branch = &branch;
    Some(WeakSource { prelim, entry: Some((TypeHandle::of(branch), key.to_owned())) })
}
