//! Fields of options objects, read with their paths for messages.

use napi::bindgen_prelude::{FromNapiValue, JsObjectValue, Object, Uint8Array, Unknown};
use napi::{Env, JsValue, ValueType};

use super::error::{Result, throw};
use crate::error::{ErrorCode, ProviderError};

/// The fields of one options object.
pub(super) struct Fields<'env> {
    env: Env,
    path: String,
    object: Object<'env>,
}

impl<'env> Fields<'env> {
    pub(super) fn new(env: Env, path: &str, value: Unknown<'env>) -> Result<Self> {
        if value.get_type()? != ValueType::Object {
            return Err(throw(env, invalid(path, "expected an object")));
        }
        // SAFETY: it is an object.
        let object = unsafe { Object::from_napi_value(env.raw(), value.raw()) }?;
        // The outermost object has no name that a user would know.
        let path = if path == "options" { String::new() } else { format!("{path}.") };
        Ok(Self { env, path, object })
    }

    pub(super) fn string(&self, key: &str) -> Result<Option<String>> {
        self.string_or(key, "expected a string")
    }

    /// A string, with the message for anything else.
    pub(super) fn string_or(&self, key: &str, message: &str) -> Result<Option<String>> {
        self.typed(key, ValueType::String, message)
    }

    /// A function; `None` for anything else.
    pub(super) fn function(&self, key: &str) -> Result<Option<Unknown<'env>>> {
        let Some(value) = self.value(key)? else { return Ok(None) };
        Ok((value.get_type()? == ValueType::Function).then_some(value))
    }

    pub(super) fn required_string(&self, key: &str) -> Result<String> {
        match self.string(key)? {
            Some(value) if !value.is_empty() => Ok(value),
            Some(_) => Err(self.refuse(key, "must not be empty")),
            None => Err(self.refuse(key, "is required")),
        }
    }

    pub(super) fn boolean(&self, key: &str) -> Result<Option<bool>> {
        self.typed(key, ValueType::Boolean, "expected true or false")
    }

    pub(super) fn number(&self, key: &str) -> Result<Option<f64>> {
        let number: Option<f64> = self.typed(key, ValueType::Number, "expected a number")?;
        match number {
            Some(value) if value.is_nan() => Err(self.refuse(key, "expected a number")),
            other => Ok(other),
        }
    }

    pub(super) fn object(&self, key: &str) -> Result<Option<Object<'env>>> {
        self.typed(key, ValueType::Object, "expected an object")
    }

    pub(super) fn fields(&self, key: &str) -> Result<Option<Self>> {
        let path = format!("{}{key}", self.path);
        self.value(key)?.map(|value| Self::new(self.env, &path, value)).transpose()
    }

    /// The field, unless it is `undefined` or `null`.
    pub(super) fn value(&self, key: &str) -> Result<Option<Unknown<'env>>> {
        let value: Unknown<'env> = self.object.get_named_property_unchecked(key)?;
        let is_absent = matches!(value.get_type()?, ValueType::Undefined | ValueType::Null);
        Ok((!is_absent).then_some(value))
    }

    pub(super) fn refuse(&self, key: &str, message: &str) -> napi::Error {
        throw(self.env, invalid(&format!("{}{key}", self.path), message))
    }

    fn typed<T: FromNapiValue>(
        &self,
        key: &str,
        wanted: ValueType,
        message: &str,
    ) -> Result<Option<T>> {
        let Some(value) = self.value(key)? else { return Ok(None) };
        if value.get_type()? != wanted {
            return Err(self.refuse(key, message));
        }
        // SAFETY: the type was looked at.
        unsafe { T::from_napi_value(self.env.raw(), value.raw()) }.map(Some)
    }

    /// All fields as strings, in their order; numbers and booleans are written out.
    pub(super) fn strings(&self) -> Result<Vec<(String, String)>> {
        let mut pairs = Vec::new();
        for key in Object::keys(&self.object)? {
            let Some(value) = self.value(&key)? else { continue };
            pairs.push((key.clone(), self.text(&key, value)?));
        }
        Ok(pairs)
    }

    /// As `strings`; every item of a list is a value of its own.
    pub(super) fn string_lists(&self) -> Result<Vec<(String, String)>> {
        let mut pairs = Vec::new();
        for key in Object::keys(&self.object)? {
            let Some(value) = self.value(&key)? else { continue };
            if value.is_array()? {
                let items = self.string_list(&key)?.unwrap_or_default();
                pairs.extend(items.into_iter().map(|item| (key.clone(), item)));
            } else {
                pairs.push((key.clone(), self.text(&key, value)?));
            }
        }
        Ok(pairs)
    }

    fn text(&self, key: &str, value: Unknown<'env>) -> Result<String> {
        match value.get_type()? {
            ValueType::String | ValueType::Number | ValueType::Boolean => {
                value.coerce_to_string()?.into_utf8()?.into_owned()
            }
            _ => Err(self.refuse(key, "expected a string")),
        }
    }

    /// PEM text, as a string or as bytes.
    pub(super) fn pem(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let Some(value) = self.value(key)? else { return Ok(None) };
        if value.is_typedarray()? {
            // SAFETY: napi checks that it is a Uint8Array.
            return unsafe { Uint8Array::from_napi_value(self.env.raw(), value.raw()) }
                .map(|it| Some(it.to_vec()));
        }
        Ok(self.string_or(key, "expected PEM text, a string or bytes")?.map(String::into_bytes))
    }

    /// One PEM text of one or of a list of them.
    pub(super) fn pem_list(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let Some(value) = self.value(key)?.filter(|it| it.is_array().unwrap_or(false)) else {
            return self.pem(key);
        };
        let items = Self::new(self.env, &format!("{}{key}", self.path), value)?;
        let mut joined = Vec::new();
        for index in Object::keys(&items.object)? {
            joined.extend(items.pem(&index)?.unwrap_or_default());
            joined.push(b'\n');
        }
        Ok(Some(joined))
    }

    /// A string, or a list of strings.
    pub(super) fn string_list(&self, key: &str) -> Result<Option<Vec<String>>> {
        let Some(value) = self.value(key)? else { return Ok(None) };
        if !value.is_array()? {
            let message = "expected a string or a list of strings";
            return Ok(self.string_or(key, message)?.map(|it| vec![it]));
        }
        let path = format!("{}{key}", self.path);
        let items = Self::new(self.env, &path, value)?;
        let mut list = Vec::new();
        for index in Object::keys(&items.object)? {
            match items.string(&index)? {
                Some(item) => list.push(item),
                None => return Err(items.refuse(&index, "expected a string")),
            }
        }
        Ok(Some(list))
    }

    /// Refuses every field that is present and in no list of names. Those that are refused have reasons.
    pub(super) fn refuse_unknown(&self, known: &[&[&str]], refused: &[(&str, &str)]) -> Result<()> {
        for key in Object::keys(&self.object)? {
            if known.iter().any(|names| names.contains(&key.as_str()))
                || self.value(&key)?.is_none()
            {
                continue;
            }
            let reason = refused.iter().find(|(name, _)| *name == key);
            return Err(self.refuse(&key, reason.map_or("is not supported", |(_, reason)| reason)));
        }
        Ok(())
    }
}

fn invalid(path: &str, message: &str) -> ProviderError {
    ProviderError::new(ErrorCode::InvalidOption, format!("{path}: {message}"))
}
