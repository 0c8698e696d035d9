//! Failures as JavaScript sees them: `Error`, `TypeError` or `RangeError` with a stable `code`.

use napi::{Env, JsError, JsRangeError, JsTypeError};

use super::raw;
use crate::error::{ErrorCode, ProviderError};

/// Results of the binding. An error carries the JavaScript value to throw.
pub(crate) type Result<T> = napi::Result<T>;

/// The failure as a JavaScript error object.
pub(super) fn to_object<'env>(env: Env, error: ProviderError) -> napi::Unknown<'env> {
    let inner = napi::Error::new(error.code, error.message);
    match error.code {
        ErrorCode::OutOfRange => JsRangeError::from(inner).into_unknown(env),
        ErrorCode::InvalidOption
        | ErrorCode::InvalidArgument
        | ErrorCode::UnsupportedValue
        | ErrorCode::InvalidUpdate
        | ErrorCode::InvalidEnvelope
        | ErrorCode::InvalidMessage => JsTypeError::from(inner).into_unknown(env),
        _ => JsError::from(inner).into_unknown(env),
    }
}

/// Throws when the binding returns it.
pub(super) fn throw(env: Env, error: ProviderError) -> napi::Error {
    let object = to_object(env, error);
    raw::throw(env, raw::Thrown(napi::JsValue::raw(&object)))
}

/// Turns results of the layers below into what a `#[napi]` function returns.
pub(super) trait OrThrow<T> {
    fn or_throw(self, env: Env) -> Result<T>;
}

impl<T> OrThrow<T> for std::result::Result<T, ProviderError> {
    fn or_throw(self, env: Env) -> Result<T> {
        self.map_err(|error| throw(env, error))
    }
}
