//! The frame around every message of the protocol, for programs that speak it themselves.

use std::borrow::Cow;

use bytes::Bytes;
use napi::Env;
use napi::bindgen_prelude::{JsObjectValue, Object, Uint8Array};
use napi_derive::napi;

use super::error::{OrThrow, Result};
use super::events::metadata_to_js;
use crate::error::{ErrorCode, ProviderError};
use crate::protocol::envelope::{self, Metadata};

/// Writes an envelope around a payload.
///
/// Throws `ERR_INVALID_ENVELOPE` when the metadata lacks `roomId` or `docId`, or takes more than 65535 bytes.
#[napi(ts_args_type = "metadata: ProtocolMessageMetadata, payload: Uint8Array")]
pub fn encode_envelope(env: Env, metadata: Object<'_>, payload: Uint8Array) -> Result<Uint8Array> {
    let metadata = metadata_from_js(&metadata).or_throw(env)?;
    envelope::encode(&metadata, &payload)
        .map(Uint8Array::from)
        .map_err(|error| invalid(error.to_string()))
        .or_throw(env)
}

/// Reads an envelope. The payload is a copy.
///
/// Throws `ERR_INVALID_ENVELOPE` when the bytes are none.
#[napi(ts_return_type = "{ metadata: ProtocolMessageMetadata; payload: Uint8Array }")]
pub fn decode_envelope<'env>(env: &'env Env, bytes: Uint8Array) -> Result<Object<'env>> {
    let bytes = Bytes::copy_from_slice(&bytes);
    let envelope =
        envelope::decode(&bytes).map_err(|error| invalid(error.to_string())).or_throw(*env)?;
    let mut object = Object::new(env)?;
    object.set_named_property("metadata", metadata_to_js(env, &envelope.metadata)?)?;
    let payload = Uint8Array::with_data_copied(&envelope.payload);
    object.set_named_property("payload", payload)?;
    Ok(object)
}

fn metadata_from_js(object: &Object<'_>) -> std::result::Result<Metadata<'static>, ProviderError> {
    let text = |key: &str| -> std::result::Result<Option<Cow<'static, str>>, ProviderError> {
        let text = object.get::<String>(key).map(|text| text.map(Cow::Owned));
        text.map_err(|_| invalid(format!("metadata.{key}: expected a string")))
    };
    let required =
        |key: &str| text(key)?.ok_or_else(|| invalid(format!("metadata.{key}: expected a string")));
    let timestamp: Option<f64> = object
        .get("timestamp")
        .map_err(|_| invalid("metadata.timestamp: expected a number".to_owned()))?;
    Ok(Metadata {
        room_id: required("roomId")?,
        doc_id: required("docId")?,
        parent_id: text("parentId")?,
        sender_id: text("senderId")?,
        version: text("version")?,
        timestamp: timestamp.map(|it| it as i64),
        in_reply_to: Vec::new(),
    })
}

fn invalid(message: String) -> ProviderError {
    ProviderError::new(ErrorCode::InvalidEnvelope, message)
}
