//! Weak links: references to elements of other shared types.
//!
//! What stands between the ends of a link is looked up here: the CRDT counts characters where it should count UTF-16
//! units, and panics at some ends of texts.

use std::fmt::Write as _;
use std::ops::{Bound, RangeBounds};

use yrs::branch::{Branch, BranchPtr};
use yrs::types::TypeRef;
use yrs::types::text::{Diff, YChange};
use yrs::updates::encoder::Encode;
use yrs::{
    Any, Array, ArrayRef, Assoc, BranchID, ClientID, ID, Map, MapRef, Out, Quotable, ReadTxn,
    StickyIndex, Text, TextRef, WeakPrelim, WeakRef,
};

use super::value::{TypeHandle, TypeKind, Value};
use crate::error::{ErrorCode, ProviderError};
use crate::protocol::lib0::{ReadError, Reader};

/// What a weak link points to, as ids of elements.
#[derive(Debug, Clone)]
pub struct WeakSource {
    prelim: WeakPrelim<BranchPtr>,
    /// Map and key, of a preliminary link to an entry.
    entry: Option<(TypeHandle, String)>,
}

/// One end of a link.
enum End {
    /// On one side of an element.
    Element(StickyIndex),
    /// The end of a whole type.
    Type(BranchID),
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

    /// The elements of a quoted range that are still there; of a text, its runs and embeds.
    pub fn unquote<T: ReadTxn>(&self, txn: &T) -> Vec<Value> {
        let Some((branch, start, end)) = self.range(txn) else { return Vec::new() };
        match TypeKind::of(&branch) {
            // A root that only remote updates named has no kind yet.
            TypeKind::Array | TypeKind::Unknown => {
                let elements = ArrayRef::from(branch).iter(txn).skip(start as usize);
                elements.take((end - start) as usize).map(Value::from).collect()
            }
            TypeKind::Text | TypeKind::XmlText => runs(txn, branch, start, end)
                .into_iter()
                .map(|run| Value::from(run.insert))
                .collect(),
            _ => Vec::new(),
        }
    }

    /// The text of a quoted range, with its formats as tags.
    pub fn text<T: ReadTxn>(&self, txn: &T) -> String {
        match self.range(txn) {
            Some((branch, start, end))
                if matches!(
                    TypeKind::of(&branch),
                    TypeKind::Text | TypeKind::XmlText | TypeKind::Unknown
                ) =>
            {
                runs(txn, branch, start, end).iter().map(tagged).collect()
            }
            _ => String::new(),
        }
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
        let source = Self::of(branch)?;
        let (parent, ..) = source.range(txn)?;
        let is_map = match TypeKind::of(&parent) {
            TypeKind::Map => true,
            TypeKind::Unknown => parent.content_len() == 0,
            _ => false,
        };
        if is_map {
            return WeakRef::<MapRef>::from(branch).try_deref_value(txn).map(Value::from);
        }
        source.unquote(txn).into_iter().next()
    }

    /// The type that the link points into, and from where to where.
    fn range<T: ReadTxn>(&self, txn: &T) -> Option<(BranchPtr, u32, u32)> {
        let (start, end) = self.ends().ok()?;
        let (branch, start) = start.position(txn, false)?;
        let (_, end) = end.position(txn, true)?;
        (!branch.is_deleted()).then_some((branch, start, end.max(start)))
    }

    /// The ends, which the CRDT tells in their encoded form only.
    fn ends(&self) -> Result<(End, End), ReadError> {
        const IS_RANGE: u8 = 0x01;
        const IS_AFTER: [u8; 2] = [0x02, 0x04];
        const IS_TYPE: [u8; 2] = [0x08, 0x10];
        const IS_ROOT: u8 = 0x20;

        let bytes = TypeRef::WeakLink(self.prelim.source().clone()).encode_v1();
        let mut reader = Reader::new(&bytes);
        let id = |reader: &mut Reader<'_>| {
            Ok(ID::new(ClientID::new(reader.var_uint()?), reader.var_u32()?))
        };
        reader.u8()?;
        let flags = reader.u8()?;
        let mut last = None;
        let mut end = |side: usize, is_written: bool| {
            if flags & IS_TYPE[side] != 0 {
                return Ok(End::Type(if flags & IS_ROOT == 0 {
                    BranchID::Nested(id(&mut reader)?)
                } else {
                    BranchID::Root(reader.var_str()?.into())
                }));
            }
            let id = match last {
                Some(id) if !is_written => id,
                _ => id(&mut reader)?,
            };
            last = Some(id);
            // The CRDT names the side on which the range lies for its start, the other one for its end. A position is
            // associated with what follows it.
            let is_after = flags & IS_AFTER[side] != 0;
            let assoc = if is_after { Assoc::Before } else { Assoc::After };
            Ok(End::Element(StickyIndex::from_id(id, assoc)))
        };
        Ok((end(0, true)?, end(1, flags & IS_RANGE != 0)?))
    }
}

impl End {
    fn position<T: ReadTxn>(&self, txn: &T, is_end: bool) -> Option<(BranchPtr, u32)> {
        match self {
            Self::Element(index) => {
                index.get_offset(txn).map(|offset| (offset.branch, offset.index))
            }
            Self::Type(id) => {
                let branch = id.get_branch(txn)?;
                Some((branch, if is_end { branch.content_len() } else { 0 }))
            }
        }
    }
}

/// The runs and embeds of a text between two positions in UTF-16 units.
fn runs<T: ReadTxn>(txn: &T, branch: BranchPtr, start: u32, end: u32) -> Vec<Diff<YChange>> {
    let mut at = 0;
    let mut inside = Vec::new();
    for mut run in TextRef::from(branch).diff(txn, YChange::identity) {
        let from = at;
        if let Out::Any(Any::String(text)) = &run.insert {
            let units: Vec<u16> = text.encode_utf16().collect();
            at += units.len() as u32;
            let range = start.clamp(from, at) - from..end.clamp(from, at) - from;
            let units = &units[range.start as usize..range.end as usize];
            if units.is_empty() {
                continue;
            }
            run.insert = Out::Any(Any::from(String::from_utf16_lossy(units)));
        } else {
            at += 1;
            if from < start || at > end {
                continue;
            }
        }
        inside.push(run);
    }
    inside
}

/// A run with its formats as XML tags around it.
fn tagged(run: &Diff<YChange>) -> String {
    let Out::Any(content) = &run.insert else { return String::new() };
    let mut formats: Vec<_> = run.attributes.iter().flat_map(|it| it.iter()).collect();
    formats.sort_by_key(|(name, _)| *name);
    let mut text = String::new();
    for (name, value) in &formats {
        // Writing to a string can't fail.
        write!(text, "<{name}").ok();
        if let Any::Map(attributes) = value {
            let mut attributes: Vec<_> = attributes.iter().collect();
            attributes.sort_by_key(|(name, _)| *name);
            for (name, value) in attributes {
                write!(text, " {name}=\"{value}\"").ok();
            }
        }
        text.push('>');
    }
    write!(text, "{content}").ok();
    for (name, _) in formats.iter().rev() {
        write!(text, "</{name}>").ok();
    }
    text
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
    // The CRDT subtracts them unchecked, and a range of one element needs that element.
    if let (Some(start), Some(end)) = (index(range.start_bound()), index(range.end_bound())) {
        let is_closed = matches!(range, (Bound::Included(_), Bound::Included(_)));
        if start > end || (start == end && !is_closed) {
            return Err(out_of_range());
        }
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
