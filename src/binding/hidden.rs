//! Properties of our objects that users don't see: what keeps what alive is a matter of JavaScript's collector.

use std::ptr;

use napi::bindgen_prelude::{FromNapiValue, Object, Unknown};
use napi::{Env, JsValue, sys};

use super::error::Result;
use super::raw::{Reference, check};

/// Which hidden property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hidden {
    /// Of a shared type, a transaction, an event: the `YDoc` it belongs to. Of a subdocument: its parent.
    /// Of a provider: its documents.
    Owner = 0,
    /// Of a document, a provider: who listens to what.
    Listeners = 1,
    /// Of a transaction: its origin.
    Origin = 2,
    /// Of a provider: the functions that make its auth.
    /// Of an undo manager: what listeners attached to its items, by item. Of an undo event: what they attached to its
    /// item. Of an event of subdocuments: the documents.
    Data = 3,
    /// Of a document: its subdocuments, by guid.
    Subdocs = 4,
}

/// The symbols of the hidden properties of one environment.
pub(super) struct HiddenSymbols([Reference; 5]);

impl HiddenSymbols {
    pub(super) fn new(env: Env) -> Result<Self> {
        let symbol = |name| Reference::strong(env, &env.create_symbol(Some(name))?);
        Ok(Self([
            symbol("owner")?,
            symbol("listeners")?,
            symbol("origin")?,
            symbol("data")?,
            symbol("subdocs")?,
        ]))
    }

    pub(super) fn set<'a, 'b>(
        &self,
        env: Env,
        object: &impl JsValue<'a>,
        hidden: Hidden,
        value: &impl JsValue<'b>,
    ) -> Result<()> {
        let descriptor = sys::napi_property_descriptor {
            utf8name: ptr::null(),
            name: self.symbol(hidden),
            method: None,
            getter: None,
            setter: None,
            value: value.raw(),
            attributes: sys::PropertyAttributes::writable | sys::PropertyAttributes::configurable,
            data: ptr::null_mut(),
        };
        // SAFETY: object and value belong to this environment; one descriptor is passed.
        check(unsafe {
            sys::napi_define_properties(env.raw(), object.raw(), 1, &raw const descriptor)
        })
    }

    pub(super) fn get<'a, 'env>(
        &self,
        env: Env,
        object: &impl JsValue<'a>,
        hidden: Hidden,
    ) -> Result<Unknown<'env>> {
        let mut value = ptr::null_mut();
        // SAFETY: the object belongs to this environment; the out-pointer is valid.
        unsafe {
            check(sys::napi_get_property(
                env.raw(),
                object.raw(),
                self.symbol(hidden),
                &raw mut value,
            ))?;
            Unknown::from_napi_value(env.raw(), value)
        }
    }

    /// The hidden property as an object, if it is set.
    pub(super) fn get_object<'a, 'env>(
        &self,
        env: Env,
        object: &impl JsValue<'a>,
        hidden: Hidden,
    ) -> Result<Option<Object<'env>>> {
        let value = self.get(env, object, hidden)?;
        // SAFETY: the type was looked at.
        let is_object = value.get_type()? == napi::ValueType::Object;
        if is_object {
            unsafe { Object::from_napi_value(env.raw(), value.raw()) }.map(Some)
        } else {
            Ok(None)
        }
    }

    fn symbol(&self, hidden: Hidden) -> sys::napi_value {
        // Strong references keep their value.
        self.0[hidden as usize].value().unwrap_or(ptr::null_mut())
    }
}
