//! `YText`.

use napi::Env;
use napi::bindgen_prelude::{Array, Object, This, Unknown};
use napi_derive::napi;
use yrs::{GetString, TextRef};

use super::shared_type::SharedType;
use super::text_delta::ComputeChange;
use super::transaction_argument::TransactionArgument as YTransaction;
use crate::binding::error::{OrThrow, Result, throw};
use crate::binding::listeners::Listener;
use crate::binding::types::methods::{quote_methods, shared_type_methods, text_methods};
use crate::document::{Input, TypeKind};
use crate::error::{ErrorCode, ProviderError};

/// A shared text. Positions and lengths count UTF-16 units, as in JavaScript strings.
///
/// ```js
/// const text = doc.getText('body')
/// text.insert(0, 'hello')
/// text.format(0, 5, { bold: true })
/// text.observe((event) => console.log(event.delta))
/// ```
#[napi]
pub struct YText(pub(in crate::binding) SharedType<Vec<u16>>);

impl YText {
    pub(in crate::binding) fn input(&self, env: Env) -> Result<Input> {
        let (content, slot) = self.0.preliminary_parts().or_throw(env)?;
        Ok(Input::Text(slot, String::from_utf16_lossy(&content)))
    }
}

#[napi]
impl YText {
    /// A preliminary text, to be inserted into a `YMap` or `YArray`.
    #[napi(constructor)]
    pub fn new(init: Option<String>) -> Self {
        let content = init.unwrap_or_default().encode_utf16().collect();
        Self(SharedType::preliminary(TypeKind::Text, content))
    }

    /// The text without its formats and embeds.
    #[napi(js_name = "toString")]
    pub fn text(&self, env: Env, txn: Option<YTransaction>) -> Result<String> {
        match self.0.preliminary_text() {
            Some(text) => Ok(text),
            None => {
                self.0.read(env, txn, |reader, branch| TextRef::from(branch).get_string(reader))
            }
        }
    }

    /// The same as `toString()`.
    #[napi]
    pub fn to_json(&self, env: Env, txn: Option<YTransaction>) -> Result<String> {
        self.text(env, txn)
    }
}

shared_type_methods!(YText, 2, "callback: (event: YTextEvent, txn: YTransaction) => void");
text_methods!(YText);
quote_methods!(YText);

/// An index or length as the CRDT counts it.
pub(super) fn position(env: Env, value: f64, name: &str) -> Result<u32> {
    if value.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&value) {
        return Ok(value as u32);
    }
    let code = if value.is_finite() { ErrorCode::OutOfRange } else { ErrorCode::InvalidArgument };
    Err(throw(
        env,
        ProviderError::new(code, format!("{name}: expected a whole number from 0, got {value}")),
    ))
}

/// A range of preliminary content.
pub(super) fn range(
    available: usize,
    index: u32,
    length: u32,
) -> std::result::Result<std::ops::Range<usize>, ProviderError> {
    let (start, end) = (index as usize, index as usize + length as usize);
    if end <= available {
        return Ok(start..end);
    }
    let message =
        format!("range {index}+{length} is outside of the content, which is {available} long");
    Err(ProviderError::new(ErrorCode::OutOfRange, message))
}
