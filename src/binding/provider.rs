//! `ProtocolManager`.

use std::rc::Rc;
use std::sync::Arc;

use napi::bindgen_prelude::{Object, PromiseRaw, This, Unknown};
use napi::{Env, JsValue, ValueType};
use napi_derive::napi;

use super::arguments::Argument;
use super::calls::{CallKind, CallOptions};
use super::deferred::Deferred;
use super::error::{OrThrow, Result, throw};
use super::events::status_name;
use super::hidden::Hidden;
use super::inbox::Message;
use super::js_thread::JsThread;
use super::options::{Fields, ProviderOptions};
use super::provider_core::{ProviderCore, Sink, new_awareness, or_destroyed};
use super::raw;
use super::types::{Awareness, doc_argument};
use super::value::{instance, undefined};
use crate::error::{ErrorCode, ProviderError};
use crate::net::{AskedAuth, AuthSource, DriverConfig, StaticAuth, spawn};
use crate::protocol::channel::Channel;
use crate::session::Status;

/// What `stats()` returns. Messages are those of the WebSocket, heartbeats included.
#[napi(object, object_from_js = false)]
pub struct ProviderStats {
    /// Documents of the provider.
    pub documents: f64,
    /// Documents with edits that are not in the log.
    pub unsynced_documents: f64,
    /// Bytes of the edits that wait to be sent or to be confirmed. Edits that outgrew 8 MiB per document are not counted:
    /// they are taken from the document when they are sent.
    pub waiting_bytes: f64,
    /// Connections after the first one.
    pub reconnects: f64,
    /// Messages handed to the socket.
    pub messages_sent: f64,
    /// Bytes in them.
    pub bytes_sent: f64,
    /// Messages that came.
    pub messages_received: f64,
    /// Bytes in them.
    pub bytes_received: f64,
}

/// Keeps Yjs documents in sync with a server: one Socket.IO connection, any number of documents.
///
/// ```js
/// const provider = new ProtocolManager({ url: 'ws://localhost:3000', roomId: 'room' })
/// const doc = new YDoc()
/// provider.addDoc(doc, { docId: 'guid' })
/// doc.getText('body').insert(0, 'hello')
/// await provider.flush() // the edit is in the log
/// provider.destroy()
/// ```
#[napi]
pub struct ProtocolManager {
    core: Rc<ProviderCore>,
    url: String,
    room_id: String,
}

#[napi]
impl ProtocolManager {
    /// A provider. With `autoConnect` (the default) it connects when the current tick ends, so that documents added in
    /// this tick are part of the first handshake.
    ///
    /// Throws `ERR_INVALID_OPTION`; the message begins with the path of the option.
    #[napi(constructor, ts_args_type = "options: ProtocolProviderOptions")]
    pub fn new(env: Env, this: This<'_>, options: Unknown<'_>) -> Result<Self> {
        let options = ProviderOptions::parse(&env, options)?;
        let thread = JsThread::current(env)?;
        let id = thread.next_id();
        let room_id = options.session.room_id.clone();
        let auth: Arc<dyn AuthSource> = if options.auth_functions.is_empty {
            Arc::new(StaticAuth(options.auth.to_json()))
        } else {
            let inbox = Arc::clone(&thread.inbox);
            Arc::new(AskedAuth(Box::new(move |answer| inbox.push(Message::Auth(id, answer)))))
        };
        let config = DriverConfig { session: options.session, transport: options.transport, auth };
        let sink = Sink { id, inbox: Arc::clone(&thread.inbox) };
        let handle = spawn(config, Arc::new(sink)).or_throw(env)?;
        // Nobody pays for what nobody listens to; `on` turns them on.
        handle.set_message_events(false);
        let core = ProviderCore::new(id, handle, Rc::clone(&thread), options.auth);
        core.set_wrapper(env, &this)?;
        thread.hidden.set(env, &this, Hidden::Data, &options.auth_functions.object)?;
        if options.auto_connect {
            core.auto_connect(env)?;
        }
        Ok(Self { core, url: options.url, room_id })
    }

    /// The URL as it was given.
    #[napi(getter)]
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// The room of all documents.
    #[napi(getter)]
    pub fn room_id(&self) -> String {
        self.room_id.clone()
    }

    /// State of the connection.
    #[napi(getter, ts_return_type = "ProviderStatus")]
    pub fn status(&self) -> &'static str {
        status_name(self.core.status())
    }

    /// The Socket.IO socket: its id while connected.
    #[napi(
        getter,
        ts_return_type = "{ readonly id: string | undefined; readonly connected: boolean }"
    )]
    pub fn socket<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        let mut socket = Object::new(env)?;
        match self.core.socket_id() {
            Some(id) => socket.set("id", id.as_ref())?,
            None => socket.set("id", ())?,
        }
        socket.set("connected", self.core.status() == Status::Connected)?;
        Ok(socket)
    }

    /// Whether a document has edits that are not in the log: made, and not confirmed by the server.
    #[napi(getter)]
    pub fn has_unsynced_changes(&self) -> bool {
        self.core.thread.flush_updates();
        self.core.handle.has_unsynced_changes()
    }

    /// What the provider has done so far: figures for monitoring, as of this moment.
    #[napi]
    pub fn stats(&self) -> ProviderStats {
        let stats = self.core.handle.stats();
        ProviderStats {
            documents: self.core.document_count() as f64,
            unsynced_documents: stats.unsynced_documents as f64,
            waiting_bytes: stats.waiting_bytes as f64,
            reconnects: stats.connections.saturating_sub(1) as f64,
            messages_sent: stats.sent.messages as f64,
            bytes_sent: stats.sent.bytes as f64,
            messages_received: stats.received.messages as f64,
            bytes_received: stats.received.bytes as f64,
        }
    }

    /// Connects, and stays connected until `disconnect()` or `destroy()`. When connected already: syncs anew.
    ///
    /// Throws `ERR_DESTROYED`.
    #[napi]
    pub fn connect(&self, env: Env) -> Result<()> {
        or_destroyed(env, &self.core)?;
        self.core.thread.flush_updates();
        self.core.connect(env)
    }

    /// Disconnects and stops attempts. Documents stay, and edits are kept for the next connection.
    ///
    /// Throws `ERR_DESTROYED`.
    #[napi]
    pub fn disconnect(&self, env: Env) -> Result<()> {
        or_destroyed(env, &self.core)?;
        self.core.thread.flush_updates();
        self.core.disconnect();
        Ok(())
    }

    /// Ends the provider for good. Returns at once; for at most two seconds more it sends what was said before and keeps
    /// the process alive for it. A second call does nothing.
    ///
    /// With `{ flush }`, waits that many ms at most until every edit is in the log, through reconnects if need be, and
    /// ends the provider then. The promise rejects as that of `flush()` does; the provider is ended all the same. Throws
    /// `ERR_INVALID_OPTION`.
    #[napi(ts_args_type = "", ts_return_type = "void")]
    pub fn destroy<'env>(
        &self,
        env: &'env Env,
        options: Option<Unknown<'env>>,
    ) -> Result<Unknown<'env>> {
        let Some(options) = CallOptions::last_flush(*env, options)? else {
            self.core.destroy(*env)?;
            return undefined(env);
        };
        if self.core.check_alive().is_err() {
            let (deferred, promise) = Deferred::new(env)?;
            deferred.settle(*env, Ok(()));
            return Ok(promise.to_unknown());
        }
        self.flush_as(env, CallKind::LastFlush, &options).map(|it| it.to_unknown())
    }

    /// Adds a document: it is synced from now on. `docId` is the document's guid by default.
    ///
    /// Throws `ERR_DOC_IN_USE` when the provider has a document with this id, `ERR_INVALID_ARGUMENT`, `ERR_DESTROYED`.
    #[napi(ts_args_type = "doc: YDoc, options?: AddDocOptions")]
    pub fn add_doc(&self, env: Env, doc: Unknown<'_>, options: Option<Unknown<'_>>) -> Result<()> {
        or_destroyed(env, &self.core)?;
        let core = doc_argument(env, &doc, "doc")?;
        if self.core.doc_id_of(&core).is_some() {
            return Err(throw(
                env,
                ProviderError::new(ErrorCode::DocInUse, "the document was already added"),
            ));
        }
        let options = options.map(|it| Fields::new(env, "options", it)).transpose()?;
        let field = |key: &str| match &options {
            Some(options) => options.string(key),
            None => Ok(None),
        };
        let doc_id = field("docId")?.unwrap_or_else(|| core.guid());
        if doc_id.is_empty() {
            return Err(throw(
                env,
                ProviderError::new(ErrorCode::InvalidOption, "docId: must not be empty"),
            ));
        }
        let parent_id = field("parentId")?;
        if self.core.key_of(&doc_id).is_some() {
            let message = format!("the provider has a document '{doc_id}' already");
            return Err(throw(env, ProviderError::new(ErrorCode::DocInUse, message)));
        }
        let given = options.as_ref().map(|it| it.value("awareness")).transpose()?.flatten();
        let (awareness, inner) = match given {
            Some(value) => {
                let Some(it) = instance::<Awareness>(env, &value) else {
                    let message = "awareness: expected an Awareness of this package";
                    return Err(throw(env, ProviderError::new(ErrorCode::InvalidOption, message)));
                };
                (it.as_object(&env), Rc::clone(&it.inner))
            }
            None => new_awareness(&env, &core)?,
        };
        self.core.add_document(env, core, awareness, inner, doc_id.clone(), parent_id)?;
        self.emit_or_throw(env, "doc-loaded", &[raw::to_js(env, doc_id)?])
    }

    /// Removes a document. What it has to send is sent before, if connected; one that is not here is no error.
    ///
    /// Throws `ERR_INVALID_ARGUMENT` when it is neither a document nor an id.
    #[napi(ts_args_type = "doc: YDoc | string")]
    pub fn remove_doc(&self, env: Env, doc: Unknown<'_>) -> Result<()> {
        let doc_id = if doc.get_type()? == ValueType::String {
            Some(Argument::new(env, "doc", &doc).string()?)
        } else {
            self.core.doc_id_of(&*doc_argument(env, &doc, "doc")?)
        };
        if let Some(doc_id) = doc_id {
            self.core.remove_document(env, &doc_id)?;
        }
        Ok(())
    }

    /// What the provider knows of a document; the object is kept up to date.
    ///
    /// Throws `ERR_INVALID_ARGUMENT`.
    #[napi(ts_args_type = "docId: string", ts_return_type = "DocState | undefined")]
    pub fn get_doc_state<'env>(
        &self,
        env: &'env Env,
        doc_id: Unknown<'env>,
    ) -> Result<Unknown<'env>> {
        let doc_id = Argument::new(*env, "docId", &doc_id).string()?;
        match self.core.state(*env, &doc_id)? {
            Some(state) => Ok(state.to_unknown()),
            None => undefined(env),
        }
    }

    /// Resolves when every edit made before the call is in the log.
    ///
    /// Rejects with `ERR_TIMEOUT` when the server did not confirm in time, `ERR_UNCONFIRMED` when it confirms nothing at
    /// all, neither with acks nor with echoes, `ERR_ABORTED`, `ERR_REFUSED`, `ERR_PERMISSION_DENIED`,
    /// `ERR_MESSAGE_TOO_LARGE`, `ERR_READ_ONLY` or `ERR_DESTROYED`. Whatever ends it, edits are kept and sent. Throws
    /// `ERR_INVALID_OPTION`.
    #[napi(ts_args_type = "options?: CallOptions", ts_return_type = "Promise<void>")]
    pub fn flush<'env>(
        &self,
        env: &'env Env,
        options: Option<Unknown<'env>>,
    ) -> Result<PromiseRaw<'env, ()>> {
        let options = CallOptions::parse(*env, options)?;
        self.flush_as(env, CallKind::Flush, &options)
    }

    /// Resolves when the document holds everything the server had: at once if it is synced already.
    ///
    /// Rejects with `ERR_TIMEOUT`, `ERR_ABORTED`, `ERR_DESTROYED`, with `ERR_PERMISSION_DENIED` or `ERR_REFUSED` when the
    /// server refuses the document, or `ERR_UNKNOWN_DOC` when the provider has no document with this id, or no longer. Throws `ERR_INVALID_ARGUMENT`, `ERR_INVALID_OPTION`.
    #[napi(ts_args_type = "docId: string, options?: CallOptions", ts_return_type = "Promise<void>")]
    pub fn when_synced<'env>(
        &self,
        env: &'env Env,
        doc_id: Unknown<'env>,
        options: Option<Unknown<'env>>,
    ) -> Result<PromiseRaw<'env, ()>> {
        let doc_id = Argument::new(*env, "docId", &doc_id).string()?;
        let options = CallOptions::parse(*env, options)?;
        self.core.call(env, CallKind::WhenSynced, &options, |id, timeout| {
            let key = self.core.key_of(&doc_id).ok_or_else(|| {
                let message = format!("the provider has no document '{doc_id}'");
                ProviderError::new(ErrorCode::UnknownDoc, message)
            })?;
            self.core.handle.when_synced(id, key, timeout);
            Ok(())
        })
    }

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

    /// Keeps the process alive while it connects or is connected: the default.
    #[napi(js_name = "ref")]
    pub fn reference(&self, env: Env) {
        self.core.set_referenced(env, true);
    }

    /// Lets the process end although the provider is connected.
    #[napi]
    pub fn unref(&self, env: Env) {
        self.core.set_referenced(env, false);
    }

    fn flush_as<'env>(
        &self,
        env: &'env Env,
        kind: CallKind,
        options: &CallOptions<'env>,
    ) -> Result<PromiseRaw<'env, ()>> {
        self.core.call(env, kind, options, |id, timeout| {
            self.core.thread.flush_updates();
            self.core.handle.flush(id, timeout);
            Ok(())
        })
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

    fn emit_or_throw(&self, env: Env, event: &str, args: &[Unknown<'_>]) -> Result<()> {
        match self.core.emit(env, event, args)?.first() {
            Some(thrown) => Err(raw::throw(env, *thrown)),
            None => Ok(()),
        }
    }
}
