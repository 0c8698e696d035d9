//! Options of a provider: checked here, once, with the path of the option in the message.

use std::sync::Arc;
use std::time::Duration;

use napi::Env;
use napi::bindgen_prelude::Unknown;

use super::auth::{Auth, AuthFunctions};
use super::error::{OrThrow, Result};
use super::fields::Fields;
use super::socket_options;
use crate::net::{TransportConfig, TransportOptions};
use crate::protocol::envelope::check_ids;
use crate::session::SessionConfig;

/// What a provider is made from.
pub(super) struct ProviderOptions<'env> {
    pub(super) url: String,
    pub(super) session: Arc<SessionConfig>,
    pub(super) transport: TransportConfig,
    pub(super) auth: Auth,
    pub(super) auth_functions: AuthFunctions<'env>,
    pub(super) auto_connect: bool,
    /// Whether the provider does not keep the process alive.
    pub(super) auto_unref: bool,
}

impl<'env> ProviderOptions<'env> {
    pub(super) fn parse(env: &'env Env, options: Unknown<'env>) -> Result<Self> {
        let options = Fields::new(*env, "options", options)?;
        let url = options.required_string("url")?;
        let room_id = options.required_string("roomId")?;
        check_ids(&room_id, "", None)
            .map_err(|error| options.refuse("roomId", &error.to_string()))?;
        let mut session = SessionConfig::new(room_id);
        if let Some(interval) = options.number("resyncInterval")? {
            // As in y-websocket: zero and below turn it off.
            session.resync_interval = (interval > 0.0).then(|| milliseconds(interval));
        }
        if let Some(timeout) = options.number("connectionTimeout")? {
            session.connection_timeout = Some(milliseconds(timeout));
        }
        session.read_only = options.boolean("readOnly")?.unwrap_or(false);

        let mut transport = TransportOptions::default();
        let socket = options.fields("socketOptions")?;
        let mut auto_unref = false;
        if let Some(socket) = &socket {
            socket_options::read(socket, &mut session, &mut transport)?;
            auto_unref = socket.boolean("autoUnref")?.unwrap_or(false);
        }
        if let Some(params) = options.fields("params")? {
            set_all(&mut transport.query, params.strings()?);
        }
        let (auth, auth_functions) = Auth::parse(env, &options, socket.as_ref())?;
        session.has_fresh_auth = !auth_functions.is_empty;
        let transport = TransportConfig::parse(&url, &transport).or_throw(*env)?;
        session.namespace = transport.namespace().clone();
        let auto_connect = options.boolean("autoConnect")?.unwrap_or(true);
        let session = session.shared();
        Ok(Self { url, session, transport, auth, auth_functions, auto_connect, auto_unref })
    }
}

/// Sets every pair as a JavaScript object does.
pub(super) fn set_all(query: &mut Vec<(String, String)>, pairs: Vec<(String, String)>) {
    for (key, value) in pairs {
        match query.iter_mut().find(|(other, _)| *other == key) {
            Some(pair) => pair.1 = value,
            None => query.push((key, value)),
        }
    }
}

/// A time as JavaScript gives it: below zero it is zero, and `Infinity` is so long that nobody sees its end.
pub(super) fn milliseconds(value: f64) -> Duration {
    /// What is added to a moment must be one still, also a few times doubled.
    const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);
    Duration::try_from_secs_f64(value.max(0.0) / 1000.0).map_or(LONGEST, |time| time.min(LONGEST))
}
