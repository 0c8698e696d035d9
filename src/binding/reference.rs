//! References to JavaScript values that outlive a call.

use std::ptr;

use napi::bindgen_prelude::{FromNapiValue, JsObjectValue, Object, Unknown};
use napi::{Env, JsValue, Status, sys};

use super::error::Result;
use super::raw::check;

/// A reference to an object, weak (the object may be collected) or strong.
pub(super) struct Reference {
    env: Env,
    raw: sys::napi_ref,
}

impl Reference {
    /// Does not keep the object alive.
    pub(super) fn weak<'env>(env: Env, value: &impl JsValue<'env>) -> Result<Self> {
        Self::new(env, value.raw(), 0)
    }

    /// Keeps the object alive until dropped.
    pub(super) fn strong<'env>(env: Env, value: &impl JsValue<'env>) -> Result<Self> {
        Self::new(env, value.raw(), 1)
    }

    /// Keeps any value alive. Only objects can be referred to, so others sit in one.
    pub(super) fn boxed<'env>(env: Env, value: &impl JsValue<'env>) -> Result<Self> {
        let mut holder = Object::new(&env)?;
        holder.set_named_property("value", value.to_unknown())?;
        Self::strong(env, &holder)
    }

    /// The value given to [`Reference::boxed`].
    pub(super) fn unboxed<'env>(&self) -> Result<Unknown<'env>> {
        match self.object() {
            Some(holder) => holder.get_named_property_unchecked("value"),
            None => Err(napi::Error::from_status(Status::InvalidArg)),
        }
    }

    fn new(env: Env, value: sys::napi_value, count: u32) -> Result<Self> {
        let mut raw = ptr::null_mut();
        // SAFETY: the value belongs to this environment; the out-pointer is valid.
        let status = unsafe { sys::napi_create_reference(env.raw(), value, count, &raw mut raw) };
        check(status)?;
        Ok(Self { env, raw })
    }

    /// The value, unless it was collected.
    pub(super) fn value(&self) -> Option<sys::napi_value> {
        let mut value = ptr::null_mut();
        // SAFETY: the reference is alive until drop.
        let status =
            unsafe { sys::napi_get_reference_value(self.env.raw(), self.raw, &raw mut value) };
        (status == sys::Status::napi_ok && !value.is_null()).then_some(value)
    }

    /// The object, unless it was collected.
    pub(super) fn object<'env>(&self) -> Option<Object<'env>> {
        // SAFETY: only objects are referred to by those who ask for one.
        self.value()
            .and_then(|value| unsafe { Object::from_napi_value(self.env.raw(), value) }.ok())
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        // SAFETY: created by `new`, deleted once.
        unsafe { sys::napi_delete_reference(self.env.raw(), self.raw) };
    }
}
