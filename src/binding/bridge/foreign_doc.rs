//! A document of another implementation of Yjs, as far as a bridge needs it.

use bytes::Bytes;
use napi::bindgen_prelude::{JsObjectValue, Object, Unknown};
use napi::{Env, JsValue, ValueType, sys};

use crate::binding::arguments::Argument;
use crate::binding::error::{Result, throw};
use crate::binding::raw;
use crate::document::DocumentOptions;
use crate::error::{ErrorCode, ProviderError};

/// What a module must have. Two copies of one break each other, so it is the user who says which it is.
const FUNCTIONS: [&str; 3] = ["applyUpdate", "encodeStateAsUpdate", "encodeStateVector"];

/// The document, and the module that it is of.
pub(in crate::binding) struct ForeignDoc<'env> {
    env: Env,
    object: Object<'env>,
    /// Without one the document is asked through transactions, which those of `ywasm` can do.
    module: Option<Object<'env>>,
}

impl<'env> ForeignDoc<'env> {
    /// Throws `ERR_INVALID_ARGUMENT` when the value is no document, or the module not its own.
    pub(super) fn parse(
        env: Env,
        value: &Unknown<'env>,
        module: Option<Unknown<'env>>,
    ) -> Result<Self> {
        let refuse = |message: &str| {
            throw(env, ProviderError::new(ErrorCode::InvalidArgument, message.to_owned()))
        };
        let Some(object) = as_document(value)? else {
            return Err(refuse(
                "doc: expected a YDoc of this package, a Doc of yjs with its module, or a YDoc of ywasm",
            ));
        };
        let has_transactions = has_function(&object, "beginTransaction")?;
        let Some(module) = module else {
            if has_transactions {
                return Ok(Self { env, object, module: None });
            }
            return Err(refuse(
                "crdt: is required with a Doc of yjs: addDoc(doc, { crdt: Y }) after import * as Y from 'yjs'",
            ));
        };
        let class = if has_transactions { "YDoc" } else { "Doc" };
        let module = as_object(&module)?;
        let is_module = module.map_or(Ok(false), |module| {
            let mut names = FUNCTIONS.iter().chain([&class]);
            names.try_fold(true, |all, name| {
                Ok::<_, napi::Error>(all & has_function(&module, name)?)
            })
        })?;
        let (Some(module), true) = (module, is_module) else {
            return Err(refuse(&format!(
                "crdt: expected the module of the document, with {} and {class}",
                FUNCTIONS.join(", ")
            )));
        };
        let class: Unknown<'env> = module.get_named_property_unchecked(class)?;
        if !raw::is_instance_of(env, &object, &class)? {
            return Err(refuse(
                "crdt: the document is of another copy of this module. Import it once, the same way everywhere",
            ));
        }
        Ok(Self { env, object, module: Some(module) })
    }

    /// As [`ForeignDoc::store`] keeps it.
    pub(super) fn restore(env: Env, held: &Object<'env>) -> Result<Option<Self>> {
        let object: Unknown<'env> = held.get_named_property_unchecked("doc")?;
        let module: Unknown<'env> = held.get_named_property_unchecked("module")?;
        let Some(object) = as_object(&object)? else { return Ok(None) };
        Ok(Some(Self { env, object, module: as_object(&module)? }))
    }

    /// Keeps the document and its module alive with an object.
    pub(super) fn store(&self, held: &mut Object<'_>) -> Result<()> {
        held.set_named_property("doc", self.object)?;
        self.module.map_or(Ok(()), |module| held.set_named_property("module", module))
    }

    pub(super) fn object(&self) -> Object<'env> {
        self.object
    }

    /// Whether what this document can't do now, because a transaction is open, is told by a string.
    pub(super) fn is_busy(&self, thrown: raw::Thrown) -> Result<bool> {
        // SAFETY: the value belongs to this environment and to an open handle scope.
        let thrown = unsafe { Unknown::from_raw_unchecked(self.env.raw(), thrown.0) };
        Ok(has_function(&self.object, "beginTransaction")?
            && thrown.get_type()? == ValueType::String)
    }

    pub(super) fn guid(&self) -> Result<String> {
        self.object.get_named_property("guid")
    }

    /// What its mirror should be like. It makes no edits of its own, so it may have the same client id, which makes that
    /// of an awareness right.
    pub(super) fn mirror_options(&self) -> Result<DocumentOptions> {
        let number = |name: &str| -> Result<Option<u64>> {
            let value: Unknown<'env> = self.object.get_named_property_unchecked(name)?;
            let is_number = value.get_type()? == ValueType::Number;
            Ok(if is_number {
                Argument::new(self.env, name, &value).whole_number().map(Some)?
            } else {
                None
            })
        };
        let client_id = match number("clientID")? {
            Some(id) => Some(id),
            None => number("id")?,
        };
        let gc: Unknown<'env> = self.object.get_named_property_unchecked("gc")?;
        let is_off = gc.get_type()? == ValueType::Boolean
            && !self.object.get_named_property::<bool>("gc")?;
        Ok(DocumentOptions {
            client_id,
            guid: Some(self.guid()?),
            is_gc_enabled: !is_off,
            should_load: true,
            ..DocumentOptions::default()
        })
    }

    /// All it holds, as a V1 update.
    pub(super) fn state(&self) -> Result<Bytes> {
        let state = match self.module {
            Some(module) => {
                raw::call_method(self.env, &module, "encodeStateAsUpdate", &[self.object.raw()])
            }
            None => self.in_transaction(None, "diffV1", &[]),
        }?;
        Argument::new(self.env, "encodeStateAsUpdate", &state).bytes()
    }

    /// Its state vector, V1.
    pub(super) fn state_vector(&self) -> Result<Bytes> {
        let vector = match self.module {
            Some(module) => {
                raw::call_method(self.env, &module, "encodeStateVector", &[self.object.raw()])
            }
            None => self.in_transaction(None, "stateVectorV1", &[]),
        }?;
        Argument::new(self.env, "encodeStateVector", &vector).bytes()
    }

    /// Applies a V1 update in a transaction of this origin.
    pub(super) fn apply(&self, update: &[u8], origin: &Object<'env>) -> Result<()> {
        let update =
            raw::to_js(self.env, napi::bindgen_prelude::Uint8Array::with_data_copied(update))?;
        match self.module {
            Some(module) => {
                let args = [self.object.raw(), update.raw(), origin.raw()];
                raw::call_method(self.env, &module, "applyUpdate", &args)
            }
            None => self.in_transaction(Some(origin), "applyV1", &[update.raw()]),
        }
        .map(drop)
    }

    /// Starts listening. Returns what [`ForeignDoc::off`] needs to end that.
    pub(super) fn on(&self, event: &str, listener: &Unknown<'env>) -> Result<Unknown<'env>> {
        if has_function(&self.object, "on")? {
            let name = self.env.create_string(event)?;
            raw::call_method(self.env, &self.object, "on", &[name.raw(), listener.raw()])?;
            return Ok(*listener);
        }
        let older = if event == "destroy" { "onDestroy" } else { "onUpdate" };
        raw::call_method(self.env, &self.object, older, &[listener.raw()])
    }

    /// Ends what [`ForeignDoc::on`] began.
    pub(super) fn off(&self, event: &str, listening: &Unknown<'env>) -> Result<()> {
        if listening.get_type()? == ValueType::Function {
            let name = self.env.create_string(event)?;
            let args = [name.raw(), listening.raw()];
            return raw::call_method(self.env, &self.object, "off", &args).map(drop);
        }
        match as_object(listening)? {
            Some(observer) => raw::call_method(self.env, &observer, "free", &[]).map(drop),
            None => Ok(()),
        }
    }

    fn in_transaction(
        &self,
        origin: Option<&Object<'env>>,
        method: &str,
        args: &[sys::napi_value],
    ) -> Result<Unknown<'env>> {
        let origin: Vec<_> = origin.iter().map(|it| it.raw()).collect();
        let txn = raw::call_method(self.env, &self.object, "beginTransaction", &origin)?;
        let txn = txn.coerce_to_object()?;
        let result = raw::call_method(self.env, &txn, method, args);
        // Whatever was thrown is thrown to whoever asked; but the transaction must not stay open.
        let caught = raw::caught(self.env, result);
        let ended = raw::call_method(self.env, &txn, "commit", &[])
            .and_then(|_| raw::call_method(self.env, &txn, "free", &[]));
        match caught {
            Ok(value) => ended.map(|_| value),
            Err(thrown) => {
                raw::caught(self.env, ended).ok();
                let undefined = raw::to_js(self.env, ())?;
                Err(raw::throw(self.env, thrown.unwrap_or(raw::Thrown(undefined.raw()))))
            }
        }
    }
}

/// The value, if it looks like a document of another implementation.
pub(super) fn as_document<'env>(value: &Unknown<'env>) -> Result<Option<Object<'env>>> {
    let Some(object) = as_object(value)? else { return Ok(None) };
    let guid: Unknown<'env> = object.get_named_property_unchecked("guid")?;
    let emits = has_function(&object, "on")? && has_function(&object, "off")?;
    let is_yjs = emits && has_function(&object, "transact")?;
    let is_ywasm =
        has_function(&object, "beginTransaction")? && (emits || has_function(&object, "onUpdate")?);
    let is_document = guid.get_type()? == ValueType::String && (is_yjs || is_ywasm);
    Ok(is_document.then_some(object))
}

fn as_object<'env>(value: &Unknown<'env>) -> Result<Option<Object<'env>>> {
    // Not for functions, for which it would be another object.
    let is_object = value.get_type()? == ValueType::Object;
    is_object.then(|| value.coerce_to_object()).transpose()
}

fn has_function(object: &Object<'_>, name: &str) -> Result<bool> {
    let value: Unknown<'_> = object.get_named_property_unchecked(name)?;
    Ok(value.get_type()? == ValueType::Function)
}
