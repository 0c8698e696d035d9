//! Listeners of a provider, and messages of the user's own.

use napi::Env;
use napi::bindgen_prelude::Unknown;
use napi_derive::napi;

use super::arguments::Argument;
use super::error::Result;
use super::provider::ProtocolManager;
use super::provider_core::or_destroyed;
use super::raw;
use crate::protocol::channel::Channel;

#[napi]
impl ProtocolManager {
    /// Sends a message of your own: a type and what follows it. It is not kept for later: when not connected, an
    /// `error` event with `ERR_CONNECTION` says so.
    ///
    /// Throws `ERR_INVALID_ARGUMENT`, `ERR_DESTROYED`.
    #[napi(
        ts_args_type = "channel: Channel, messageType: number, payload: Uint8Array, docId: string, parentId?: string"
    )]
    pub fn send(
        &self,
        env: Env,
        channel: Unknown<'_>,
        message_type: Unknown<'_>,
        payload: Unknown<'_>,
        doc_id: Unknown<'_>,
        parent_id: Unknown<'_>,
    ) -> Result<()> {
        or_destroyed(env, &self.core)?;
        let channel = Argument::new(env, "channel", &channel);
        let channel = match channel.string()?.as_str() {
            "sync" => Channel::Sync,
            "awareness" => Channel::Awareness,
            "control" => Channel::Control,
            _ => return Err(channel.refuse("'sync', 'awareness' or 'control'")),
        };
        let message_type = Argument::new(env, "messageType", &message_type).whole_number()?;
        let payload = Argument::new(env, "payload", &payload).bytes()?;
        let doc_id = Argument::new(env, "docId", &doc_id).string()?;
        let parent_id = Argument::new(env, "parentId", &parent_id).optional_string()?;
        self.core.handle.send(channel, message_type, payload, doc_id, parent_id);
        Ok(())
    }

    /// Adds a listener. Throws `ERR_INVALID_ARGUMENT` when it is no function.
    #[napi(
        ts_generic_types = "K extends keyof ProviderEvents",
        ts_args_type = "event: K, listener: ProviderEvents[K]"
    )]
    pub fn on(&self, env: Env, event: Unknown<'_>, listener: Unknown<'_>) -> Result<()> {
        self.listen(env, &event, &listener, false)
    }

    /// Adds a listener for the next time only.
    #[napi(
        ts_generic_types = "K extends keyof ProviderEvents",
        ts_args_type = "event: K, listener: ProviderEvents[K]"
    )]
    pub fn once(&self, env: Env, event: Unknown<'_>, listener: Unknown<'_>) -> Result<()> {
        self.listen(env, &event, &listener, true)
    }

    /// Removes a listener.
    #[napi(
        ts_generic_types = "K extends keyof ProviderEvents",
        ts_args_type = "event: K, listener: ProviderEvents[K]"
    )]
    pub fn off(&self, env: Env, event: Unknown<'_>, listener: Unknown<'_>) -> Result<()> {
        let event = Argument::new(env, "event", &event).string()?;
        let listener = Argument::new(env, "listener", &listener).listener()?;
        if let Some(mut listeners) = self.core.listeners(env)? {
            listeners.remove(&event, listener)?;
        }
        Ok(())
    }

    /// Calls the listeners of an event with these arguments.
    #[napi(
        ts_generic_types = "K extends keyof ProviderEvents",
        ts_args_type = "event: K, args: Parameters<ProviderEvents[K]>"
    )]
    pub fn emit(&self, env: Env, event: Unknown<'_>, args: Unknown<'_>) -> Result<()> {
        let event = Argument::new(env, "event", &event).string()?;
        let args = Argument::new(env, "args", &args).list()?;
        self.emit_or_throw(env, &event, &args)
    }

    fn listen(
        &self,
        env: Env,
        event: &Unknown<'_>,
        listener: &Unknown<'_>,
        is_once: bool,
    ) -> Result<()> {
        let event = Argument::new(env, "event", event).string()?;
        let listener = Argument::new(env, "listener", listener).listener()?;
        if event == "control" || event.starts_with("message-") {
            self.core.handle.set_message_events(true);
        }
        match self.core.listeners(env)? {
            Some(mut listeners) => listeners.add(&event, listener, is_once).map(drop),
            None => Ok(()),
        }
    }

    pub(super) fn emit_or_throw(&self, env: Env, event: &str, args: &[Unknown<'_>]) -> Result<()> {
        match self.core.emit(env, event, args)?.first() {
            Some(thrown) => Err(raw::throw(env, *thrown)),
            None => Ok(()),
        }
    }
}
