//! Arguments of methods, checked here: the checks of napi throw codes of its own.

use bytes::Bytes;
use napi::bindgen_prelude::{Array, FromNapiValue, JsObjectValue, Uint8Array, Unknown};
use napi::{Env, JsValue, ValueType};

use super::error::{Result, throw};
use super::listeners::Listener;
use crate::error::{ErrorCode, ProviderError};

/// One argument, with the name that its error message begins with.
#[derive(Clone, Copy)]
pub(super) struct Argument<'a, 'env> {
    env: Env,
    name: &'a str,
    value: &'a Unknown<'env>,
}

impl<'a, 'env> Argument<'a, 'env> {
    pub(super) fn new(env: Env, name: &'a str, value: &'a Unknown<'env>) -> Self {
        Self { env, name, value }
    }

    pub(super) fn string(self) -> Result<String> {
        self.expect(self.value.get_type()? == ValueType::String, "a string")?;
        self.convert()
    }

    /// A string, unless it is `undefined` or `null`.
    pub(super) fn optional_string(self) -> Result<Option<String>> {
        match self.value.get_type()? {
            ValueType::Undefined | ValueType::Null => Ok(None),
            _ => self.string().map(Some),
        }
    }

    /// A whole number from 0 to 2^53 - 1.
    pub(super) fn whole_number(self) -> Result<u64> {
        const EXPECTED: &str = "a whole number from 0 on";
        self.expect(self.value.get_type()? == ValueType::Number, EXPECTED)?;
        let number: f64 = self.convert()?;
        let is_whole = (0.0..9_007_199_254_740_992.0).contains(&number) && number.fract() == 0.0;
        self.expect(is_whole, EXPECTED)?;
        Ok(number as u64)
    }

    /// A copy of the bytes of a `Uint8Array`: JavaScript may change them at once.
    pub(super) fn bytes(self) -> Result<Bytes> {
        // napi checks the element type when it converts.
        let is_candidate = self.value.is_typedarray()?;
        let bytes = is_candidate.then(|| self.convert::<Uint8Array>().ok()).flatten();
        self.expect(bytes.is_some(), "a Uint8Array")?;
        Ok(bytes.map(|it| Bytes::copy_from_slice(&it)).unwrap_or_default())
    }

    pub(super) fn listener(self) -> Result<Listener<'env>> {
        self.expect(self.value.get_type()? == ValueType::Function, "a function")?;
        self.convert()
    }

    pub(super) fn list(self) -> Result<Vec<Unknown<'env>>> {
        self.expect(self.value.is_array()?, "an array")?;
        let array: Array<'env> = self.convert()?;
        (0..array.len()).map(|index| array.get_element(index)).collect()
    }

    pub(super) fn refuse(self, expected: &str) -> napi::Error {
        let message = format!("{}: expected {expected}", self.name);
        throw(self.env, ProviderError::new(ErrorCode::InvalidArgument, message))
    }

    fn expect(self, is_fine: bool, expected: &str) -> Result<()> {
        if is_fine { Ok(()) } else { Err(self.refuse(expected)) }
    }

    fn convert<T: FromNapiValue>(self) -> Result<T> {
        // SAFETY: the callers have looked at the type, or `T` does.
        unsafe { T::from_napi_value(self.env.raw(), self.value.raw()) }
    }
}
