//! Values read out of a document as plain data: no pointer into it survives.

use std::sync::Arc;

use yrs::branch::{Branch, BranchPtr};
use yrs::types::TypeRef;
use yrs::{Any, BranchID, Out, ReadTxn};

use super::subdocument::Subdocument;
use crate::error::{ErrorCode, ProviderError};

/// Which shared type a branch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TypeKind {
    /// `YText`
    Text,
    /// `YArray`
    Array,
    /// `YMap`
    Map,
    /// `YXmlElement`
    XmlElement,
    /// `YXmlFragment`
    XmlFragment,
    /// `YXmlText`
    XmlText,
    /// `YWeakLink`
    WeakLink,
    /// A type this build does not know, or one whose kind nobody has said yet.
    Unknown,
}

impl TypeKind {
    pub(super) fn of(branch: &Branch) -> Self {
        match branch.type_ref() {
            TypeRef::Text => Self::Text,
            TypeRef::Array => Self::Array,
            TypeRef::Map => Self::Map,
            TypeRef::XmlElement(_) => Self::XmlElement,
            TypeRef::XmlFragment => Self::XmlFragment,
            TypeRef::XmlText => Self::XmlText,
            TypeRef::WeakLink(_) => Self::WeakLink,
            _ => Self::Unknown,
        }
    }
}

/// Names a shared type without pointing into its document: branches are freed by the CRDT, handles are not (T 15).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TypeHandle {
    /// Which type it is.
    pub kind: TypeKind,
    /// Root name or id of the item that holds it.
    pub id: BranchID,
}

impl TypeHandle {
    /// The handle of a root type.
    pub fn root(kind: TypeKind, name: &str) -> Self {
        Self { kind, id: BranchID::Root(Arc::from(name)) }
    }

    /// The root type of this name as it is, if there is one.
    pub fn find_root<T: ReadTxn>(&self, txn: &T) -> Option<Self> {
        self.id.get_branch(txn).map(|branch| Self::of(&branch))
    }

    /// The handle of a branch at hand.
    pub fn of(branch: &Branch) -> Self {
        Self { kind: TypeKind::of(branch), id: branch.id() }
    }

    /// The branch, unless it was deleted.
    pub fn resolve<T: ReadTxn>(&self, txn: &T) -> Option<BranchPtr> {
        self.id.get_branch(txn).filter(|branch| !branch.is_deleted())
    }

    /// The same as [`TypeHandle::resolve`]; fails with `ERR_DELETED_TYPE`.
    pub fn branch<T: ReadTxn>(&self, txn: &T) -> Result<BranchPtr, ProviderError> {
        let deleted = "the shared type was deleted from its document";
        self.resolve(txn).ok_or_else(|| ProviderError::new(ErrorCode::DeletedType, deleted))
    }
}

/// What can be stored in a shared type, as it is read.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A JSON-like value, bigint and bytes included.
    Any(Any),
    /// A nested shared type.
    Type(TypeHandle),
    /// A subdocument.
    Document(Subdocument),
}

impl Value {
    /// About how many bytes it takes.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Any(any) => size_of::<Self>() + any_size(any),
            _ => size_of::<Self>(),
        }
    }
}

fn any_size(any: &Any) -> usize {
    let inside = match any {
        Any::String(text) => text.len(),
        Any::Buffer(bytes) => bytes.len(),
        Any::Array(items) => items.iter().map(any_size).sum(),
        Any::Map(entries) => entries.iter().map(|(key, value)| key.len() + any_size(value)).sum(),
        _ => 0,
    };
    size_of::<Any>() + inside
}

impl From<&Out> for Value {
    fn from(out: &Out) -> Self {
        match out {
            Out::Any(any) => Self::Any(any.clone()),
            Out::YText(it) => Self::Type(TypeHandle::of(it.as_ref())),
            Out::YArray(it) => Self::Type(TypeHandle::of(it.as_ref())),
            Out::YMap(it) => Self::Type(TypeHandle::of(it.as_ref())),
            Out::YXmlElement(it) => Self::Type(TypeHandle::of(it.as_ref())),
            Out::YXmlFragment(it) => Self::Type(TypeHandle::of(it.as_ref())),
            Out::YXmlText(it) => Self::Type(TypeHandle::of(it.as_ref())),
            Out::YWeakLink(it) => Self::Type(TypeHandle::of(it.as_ref())),
            Out::UndefinedRef(it) => Self::Type(TypeHandle::of(it)),
            Out::YDoc(doc) => Self::Document(Subdocument::of(doc)),
        }
    }
}

impl From<Out> for Value {
    fn from(out: Out) -> Self {
        match out {
            Out::Any(any) => Self::Any(any),
            other => Self::from(&other),
        }
    }
}
