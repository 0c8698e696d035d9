//! A document as `addDoc` and `removeDoc` take it.

use std::rc::Rc;

use napi::bindgen_prelude::Unknown;
use napi::{Env, JsValue};

use super::foreign_doc::{ForeignDoc, as_document};
use crate::binding::error::{Result, throw};
use crate::binding::js_thread::JsThread;
use crate::binding::types::{DocCore, YDoc};
use crate::binding::value::instance;
use crate::error::{ErrorCode, ProviderError};

/// Which JavaScript object a document of a provider is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::binding) enum DocObject {
    /// A `YDoc` of this package, by the id of its core.
    Native(u64),
    /// One of another implementation, by its number among all objects.
    Foreign(u64),
}

impl DocObject {
    /// The object behind a value; `None` for a document of another implementation that no provider ever had.
    ///
    /// Throws `ERR_INVALID_ARGUMENT` when it is no document.
    pub(in crate::binding) fn find(
        env: Env,
        thread: &JsThread,
        doc: &Unknown<'_>,
    ) -> Result<Option<Self>> {
        if let Some(native) = instance::<YDoc>(env, doc) {
            return Ok(Some(Self::Native(native.core.id())));
        }
        match as_document(doc)? {
            Some(object) => {
                let id = thread.identities.find_id(env, object.to_unknown())?;
                Ok(id.map(Self::Foreign))
            }
            None => Err(throw(
                env,
                ProviderError::new(
                    ErrorCode::InvalidArgument,
                    "doc: expected a document or its id",
                ),
            )),
        }
    }
}

/// A document to be added.
pub(in crate::binding) enum AddedDoc<'env> {
    /// A `YDoc` of this package.
    Native(Rc<DocCore>),
    /// One of another implementation, for which a bridge is needed.
    Foreign(ForeignDoc<'env>),
}

impl<'env> AddedDoc<'env> {
    /// Throws `ERR_INVALID_ARGUMENT` when the value is no document, or the module not its own.
    pub(in crate::binding) fn parse(
        env: Env,
        doc: &Unknown<'env>,
        module: Option<Unknown<'env>>,
    ) -> Result<Self> {
        match instance::<YDoc>(env, doc) {
            Some(native) => Ok(Self::Native(Rc::clone(&native.core))),
            None => ForeignDoc::parse(env, doc, module).map(Self::Foreign),
        }
    }

    pub(in crate::binding) fn object(&self, env: Env, thread: &JsThread) -> Result<DocObject> {
        match self {
            Self::Native(core) => Ok(DocObject::Native(core.id())),
            Self::Foreign(foreign) => {
                let object = foreign.object().to_unknown();
                thread.identities.assign_id(env, object).map(DocObject::Foreign)
            }
        }
    }

    /// Globally unique id of the document.
    pub(in crate::binding) fn guid(&self) -> Result<String> {
        match self {
            Self::Native(core) => Ok(core.guid()),
            Self::Foreign(foreign) => foreign.guid(),
        }
    }
}
