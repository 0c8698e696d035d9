//! `ProtocolManager`.

use std::rc::Rc;
use std::sync::Arc;

use napi::bindgen_prelude::{Object, PromiseRaw, This, Unknown};
use napi::{Env, JsValue};
use napi_derive::napi;

use super::calls::{CallKind, CallOptions};
use super::deferred::Deferred;
use super::error::{OrThrow, Result};
use super::events::status_name;
use super::hidden::Hidden;
use super::inbox::Message;
use super::js_thread::JsThread;
use super::options::ProviderOptions;
use super::provider_core::{ProviderCore, Sink, or_destroyed};
use super::value::undefined;
use crate::net::{AskedAuth, AuthSource, DriverConfig, StaticAuth, spawn};

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
    pub(super) core: Rc<ProviderCore>,
    url: String,
    pub(super) room_id: String,
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
        core.set_referenced(env, !options.auto_unref);
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
        let id = self.core.socket_id();
        match &id {
            Some(id) => socket.set("id", id.as_ref())?,
            None => socket.set("id", ())?,
        }
        socket.set("connected", id.is_some())?;
        Ok(socket)
    }

    /// Whether a document has edits that are not in the log: made, and not confirmed by the server.
    #[napi(getter)]
    pub fn has_unsynced_changes(&self) -> bool {
        self.core.thread.flush_updates();
        self.core.handle.has_unsynced_changes()
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

    /// Resolves when every edit made before the call is in the log.
    ///
    /// Rejects with `ERR_TIMEOUT` when the server did not confirm in time, `ERR_UNCONFIRMED` when it confirms nothing at
    /// all, neither with acks nor with echoes, `ERR_ABORTED`, `ERR_REFUSED`, `ERR_PERMISSION_DENIED` also when it refuses
    /// the connection for good (`ERR_CONNECTION` when that is a bad request), `ERR_MESSAGE_TOO_LARGE`, `ERR_READ_ONLY`,
    /// `ERR_UNKNOWN_DOC` when a document with such edits is removed meanwhile, or `ERR_DESTROYED`. Whatever else ends it,
    /// edits are kept and sent. Throws `ERR_INVALID_OPTION`.
    #[napi(ts_args_type = "options?: CallOptions", ts_return_type = "Promise<void>")]
    pub fn flush<'env>(
        &self,
        env: &'env Env,
        options: Option<Unknown<'env>>,
    ) -> Result<PromiseRaw<'env, ()>> {
        let options = CallOptions::parse(*env, options)?;
        self.flush_as(env, CallKind::Flush, &options)
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
}
