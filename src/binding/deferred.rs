//! A promise that Rust settles, with an error of ours as the reason (napi-rs would lose its code, T 17).

use std::ptr;

use napi::bindgen_prelude::{FromNapiValue, PromiseRaw, ToNapiValue, Unknown};
use napi::{Env, JsValue, sys};

use super::error::{Result, to_object};
use super::raw::{check, to_js};
use crate::error::ProviderError;

/// The settling end of a promise.
pub(super) struct Deferred(sys::napi_deferred);

impl Deferred {
    pub(super) fn new<'env>(env: &'env Env) -> Result<(Self, PromiseRaw<'env, ()>)> {
        let (mut deferred, mut promise) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: out-pointers are valid; the promise belongs to this environment.
        unsafe {
            check(sys::napi_create_promise(env.raw(), &raw mut deferred, &raw mut promise))?;
            Ok((Self(deferred), PromiseRaw::from_napi_value(env.raw(), promise)?))
        }
    }

    pub(super) fn settle<T: ToNapiValue>(
        self,
        env: Env,
        result: std::result::Result<T, ProviderError>,
    ) {
        // Values are only made while there is memory and an environment; without either nobody hears of it anyway.
        let result = result.map(|value| to_js(env, value));
        // SAFETY: settled once, because `self` is consumed; values belong to this environment.
        unsafe {
            match result {
                Ok(Ok(value)) => {
                    sys::napi_resolve_deferred(env.raw(), self.0, value.raw());
                }
                Ok(Err(_)) => {}
                Err(error) => {
                    self.reject(env, &to_object(env, error));
                }
            }
        }
    }

    /// Rejects the promise with any value.
    pub(super) fn reject(self, env: Env, reason: &Unknown<'_>) {
        // SAFETY: settled once, because `self` is consumed; the value belongs to this environment.
        unsafe { sys::napi_reject_deferred(env.raw(), self.0, reason.raw()) };
    }
}
