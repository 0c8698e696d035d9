//! Events of a session as the listeners of a provider get them.

use napi::bindgen_prelude::{JsObjectValue, Object, Uint8Array, Unknown};
use napi::{Env, JsValue};

use super::error::{Result, to_object};
use super::raw::to_js as value_to_js;
use super::value::undefined;
use crate::error::ProviderError;
use crate::protocol::channel::Channel;
use crate::protocol::envelope::Metadata;
use crate::protocol::lib0::Reader;
use crate::session::{DocKey, Event, Status};

/// Name and arguments of the calls that follow from an event.
pub(super) type Calls<'env> = Vec<(&'static str, Vec<Unknown<'env>>)>;

/// The words of the `status` event.
pub(super) fn status_name(status: Status) -> &'static str {
    match status {
        Status::Connecting => "connecting",
        Status::Connected => "connected",
        Status::Disconnected => "disconnected",
    }
}

/// Which events an event of the session becomes.
pub(super) fn to_js<'env>(
    env: &'env Env,
    event: &Event,
    doc_id: impl Fn(DocKey) -> Option<String>,
) -> Result<Calls<'env>> {
    let calls = match event {
        Event::Status { status, .. } => {
            let mut payload = Object::new(env)?;
            payload.set("status", status_name(*status))?;
            vec![("status", vec![payload.to_unknown()])]
        }
        Event::Synced { doc, state } => {
            let mut payload = Object::new(env)?;
            payload.set("docId", doc_id(*doc))?;
            payload.set("state", *state)?;
            vec![("synced", vec![payload.to_unknown()])]
        }
        Event::UnsyncedChanges { doc, state } => match doc_id(*doc) {
            Some(doc_id) => {
                let mut payload = Object::new(env)?;
                payload.set("docId", doc_id)?;
                payload.set("state", *state)?;
                vec![("unsyncedChanges", vec![payload.to_unknown()])]
            }
            None => Vec::new(),
        },
        Event::ConnectionClose { reason, description } => {
            vec![(
                "connection-close",
                vec![value_to_js(*env, *reason)?, optional(env, description.clone())?],
            )]
        }
        Event::ConnectionError { error, data, will_retry } => {
            let mut object = error_to_js(env, error)?;
            if let Some(data) =
                data.as_deref().and_then(|it| serde_json::from_str::<serde_json::Value>(it).ok())
            {
                object.set_named_property("data", super::value::any_to_js(env, &any(&data))?)?;
            }
            object.set_named_property("willRetry", *will_retry)?;
            vec![("connection-error", vec![object.to_unknown()])]
        }
        Event::ReconnectFailed { error } => {
            vec![("reconnect-failed", vec![error_to_js(env, error)?.to_unknown()])]
        }
        Event::PermissionDenied { doc, reason } => {
            let doc_id = doc.and_then(doc_id);
            vec![(
                "permission-denied",
                vec![value_to_js(*env, reason.as_str())?, optional(env, doc_id)?],
            )]
        }
        Event::Error { doc, error } => {
            let mut object = error_to_js(env, error)?;
            object.set_named_property("docId", optional(env, doc.and_then(doc_id))?)?;
            vec![("error", vec![object.to_unknown()])]
        }
        Event::Message { channel, payload, metadata, offset, .. } => {
            message(env, *channel, payload, metadata, *offset)?
        }
        Event::Idle { .. }
        | Event::DocLoaded { .. }
        | Event::Offset { .. }
        | Event::Awareness { .. }
        | Event::Flushed { .. }
        | Event::Waited { .. } => Vec::new(),
    };
    Ok(calls)
}

fn message<'env>(
    env: &'env Env,
    channel: Option<Channel>,
    payload: &[u8],
    metadata: &Metadata<'_>,
    offset: Option<i64>,
) -> Result<Calls<'env>> {
    let name = match channel {
        Some(Channel::Sync) => "message-sync",
        Some(Channel::Awareness) => "message-awareness",
        Some(Channel::Control) => "message-control",
        None => "message-auth",
    };
    let bytes = value_to_js(*env, Uint8Array::with_data_copied(payload))?;
    let offset = optional(env, offset.map(|it| it.to_string()))?;
    let mut calls = vec![(name, vec![bytes, metadata_to_js(env, metadata)?.to_unknown(), offset])];
    if let (Some(Channel::Control) | None, Some((message_type, content))) =
        (channel, split_type(payload))
    {
        let content = value_to_js(*env, Uint8Array::with_data_copied(content))?;
        calls.push(("control", vec![value_to_js(*env, message_type as f64)?, content]));
    }
    Ok(calls)
}

pub(super) fn metadata_to_js<'env>(
    env: &'env Env,
    metadata: &Metadata<'_>,
) -> Result<Object<'env>> {
    let mut object = Object::new(env)?;
    object.set("roomId", &*metadata.room_id)?;
    object.set("docId", &*metadata.doc_id)?;
    for (key, value) in [
        ("parentId", &metadata.parent_id),
        ("senderId", &metadata.sender_id),
        ("version", &metadata.version),
    ] {
        if let Some(value) = value {
            object.set(key, &**value)?;
        }
    }
    if let Some(timestamp) = metadata.timestamp {
        object.set("timestamp", timestamp as f64)?;
    }
    Ok(object)
}

fn error_to_js<'env>(env: &'env Env, error: &ProviderError) -> Result<Object<'env>> {
    to_object(*env, error.clone()).coerce_to_object()
}

/// What is not known is `undefined`; napi would make it `null`.
fn optional(env: &Env, value: Option<String>) -> Result<Unknown<'_>> {
    match value {
        Some(value) => value_to_js(*env, value),
        None => undefined(env),
    }
}

/// The type in front of a message, and what follows.
fn split_type(payload: &[u8]) -> Option<(u64, &[u8])> {
    let mut reader = Reader::new(payload);
    let message_type = reader.var_uint().ok()?;
    Some((message_type, reader.take(reader.remaining()).ok()?))
}

fn any(value: &serde_json::Value) -> yrs::Any {
    serde_json::from_value(value.clone()).unwrap_or(yrs::Any::Null)
}
