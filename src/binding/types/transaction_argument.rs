//! A transaction as methods take it.

use std::rc::Rc;
use std::sync::Arc;

use napi::bindgen_prelude::{ClassInstance, FromNapiValue, TypeName, ValidateNapiValue};
use napi::{Env, ValueType, sys};

use super::doc_core::DocCore;
use super::transaction::YTransaction;
use crate::binding::error::Result;
use crate::binding::js_thread::JsThread;
use crate::document::Record;
use crate::error::{ErrorCode, ProviderError};

/// A transaction: the native object of an explicit one, or a view of one that is over.
///
/// Methods import it `as YTransaction`, because that is what TypeScript is to call it.
#[derive(Clone)]
pub struct TransactionArgument {
    pub(super) core: Rc<DocCore>,
    pub(super) kind: Kind,
}

#[derive(Clone)]
pub(super) enum Kind {
    Explicit { id: u64 },
    View { record: Arc<Record> },
}

impl TransactionArgument {
    /// Reading in any transaction of the document is fine.
    pub(super) fn check_document(
        &self,
        core: &Rc<DocCore>,
    ) -> std::result::Result<(), ProviderError> {
        if Rc::ptr_eq(&self.core, core) {
            Ok(())
        } else {
            Err(ProviderError::new(
                ErrorCode::WrongDocument,
                "the transaction belongs to another document",
            ))
        }
    }

    /// Editing takes one that is open.
    pub(super) fn check_open(&self, core: &Rc<DocCore>) -> std::result::Result<(), ProviderError> {
        self.check_document(core)?;
        match self.kind {
            Kind::Explicit { id } if core.local.is_open(id) => Ok(()),
            Kind::Explicit { .. } => Err(ProviderError::new(
                ErrorCode::TransactionClosed,
                "the transaction was already committed",
            )),
            Kind::View { .. } => Err(ProviderError::new(
                ErrorCode::TransactionClosed,
                "a listener's transaction was already committed: edit without it",
            )),
        }
    }

    /// The document, to be edited in this transaction.
    pub(super) fn open_document(&self) -> std::result::Result<&Rc<DocCore>, ProviderError> {
        self.check_open(&self.core).map(|()| &self.core)
    }
}

impl FromNapiValue for TransactionArgument {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> Result<Self> {
        // SAFETY: the caller's; the conversion checks the type tag of the object.
        let error = match unsafe { ClassInstance::<YTransaction>::from_napi_value(env, value) } {
            Ok(object) => return object.transaction(),
            Err(error) => error,
        };
        let env = Env::from_raw(env);
        JsThread::current(env)?.views(env)?.transaction(env, value)?.ok_or(error)
    }
}

impl TypeName for TransactionArgument {
    fn type_name() -> &'static str {
        "YTransaction"
    }

    fn value_type() -> ValueType {
        ValueType::Object
    }
}

impl ValidateNapiValue for TransactionArgument {}
