//! Options of a `YDoc`.

use napi::bindgen_prelude::{FromNapiValue, Unknown};
use napi::{Env, JsValue, ValueType};
use napi_derive::napi;

use crate::binding::error::{OrThrow, Result, throw};
use crate::document::DocumentOptions;
use crate::error::{ErrorCode, ProviderError};

/// What a document is told at its birth.
#[napi(object, object_to_js = false)]
#[derive(Default)]
pub(super) struct YDocOptions {
    /// Client id of this replica, a whole number below 2^53. Default: random.
    #[napi(js_name = "clientID")]
    pub client_id: Option<f64>,
    /// Globally unique id of the document. Default: a random UUID.
    pub guid: Option<String>,
    /// Name of a collection of documents, for providers that know such.
    pub collectionid: Option<String>,
    /// Whether deleted content is freed. Default: `true`.
    pub gc: Option<bool>,
    /// Whether a subdocument loads without being asked to. Default: `false`.
    pub auto_load: Option<bool>,
    /// Whether the document should be synced now. Default: `true`.
    pub should_load: Option<bool>,
}

/// Options as JavaScript gave them. Throws `ERR_INVALID_OPTION`.
pub(super) fn document_options(env: Env, options: Option<Unknown<'_>>) -> Result<DocumentOptions> {
    let options = options.map_or_else(|| Ok(YDocOptions::default()), |it| parse(env, it))?;
    Ok(DocumentOptions {
        client_id: options.client_id.map(client_id).transpose().or_throw(env)?,
        guid: options.guid,
        collection_id: options.collectionid,
        is_gc_enabled: options.gc.unwrap_or(true),
        auto_load: options.auto_load.unwrap_or(false),
        should_load: options.should_load.unwrap_or(true),
    })
}

fn parse(env: Env, options: Unknown<'_>) -> Result<YDocOptions> {
    let invalid = |message: &str| {
        throw(env, ProviderError::new(ErrorCode::InvalidOption, format!("options: {message}")))
    };
    match options.get_type()? {
        ValueType::Undefined | ValueType::Null => Ok(YDocOptions::default()),
        // SAFETY: it is an object.
        ValueType::Object => unsafe { YDocOptions::from_napi_value(env.raw(), options.raw()) }
            .map_err(|error| invalid(&error.reason)),
        _ => Err(invalid("expected an object")),
    }
}

fn client_id(value: f64) -> std::result::Result<u64, ProviderError> {
    if value.fract() == 0.0 && (0.0..9_007_199_254_740_992.0).contains(&value) {
        return Ok(value as u64);
    }
    let message = format!("clientID: expected a whole number from 0 to 2^53 - 1, got {value}");
    Err(ProviderError::new(ErrorCode::InvalidOption, message))
}
