//! Options of a provider: checked here, once, with the path of the option in the message.

use std::time::Duration;

use napi::bindgen_prelude::{Array, FromNapiValue, JsObjectValue, Object, Uint8Array, Unknown};
use napi::{Env, JsValue, ValueType};

use super::auth::{Auth, AuthFunctions};
use super::error::{OrThrow, Result, throw};
use crate::error::{ErrorCode, ProviderError};
use crate::net::{TlsOptions, TransportConfig, TransportOptions};
use crate::session::SessionConfig;

/// Options of socket.io-client that make no difference here: taken, so that they need not be removed.
const WITHOUT_EFFECT: &[&str] = &[
    "autoConnect",
    "autoUnref",
    "closeOnBeforeunload",
    "forceNew",
    "multiplex",
    "perMessageDeflate",
    "rememberUpgrade",
    "requestTimeout",
    "tryAllTransports",
    "upgrade",
    "useNativeTimers",
    "withCredentials",
];

/// What a provider is made from.
pub(super) struct ProviderOptions<'env> {
    pub(super) url: String,
    pub(super) session: SessionConfig,
    pub(super) transport: TransportConfig,
    pub(super) auth: Auth,
    pub(super) auth_functions: AuthFunctions<'env>,
    pub(super) auto_connect: bool,
}

impl<'env> ProviderOptions<'env> {
    pub(super) fn parse(env: &'env Env, options: Unknown<'env>) -> Result<Self> {
        let options = Fields::new(*env, "options", options)?;
        let url = options.required_string("url")?;
        let room_id = options.required_string("roomId")?;
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
        if let Some(socket) = &socket {
            socket.refuse_unknown()?;
            socket_options(socket, &mut session, &mut transport)?;
        }
        if let Some(params) = options.fields("params")? {
            set_all(&mut transport.query, params.strings()?);
        }
        let (auth, auth_functions) = Auth::parse(env, &options, socket.as_ref())?;
        session.has_fresh_auth = !auth_functions.is_empty;
        let transport = TransportConfig::parse(&url, &transport).or_throw(*env)?;
        let auto_connect = options.boolean("autoConnect")?.unwrap_or(true);
        Ok(Self { url, session, transport, auth, auth_functions, auto_connect })
    }
}

fn socket_options(
    socket: &Fields<'_>,
    session: &mut SessionConfig,
    transport: &mut TransportOptions,
) -> Result<()> {
    if let Some(path) = socket.string("path")? {
        transport.path = path;
    }
    if let Some(slash) = socket.boolean("addTrailingSlash")? {
        transport.add_trailing_slash = slash;
    }
    if let Some(query) = socket.fields("query")? {
        set_all(&mut transport.query, query.strings()?);
    }
    if let Some(headers) = socket.fields("extraHeaders")? {
        transport.extra_headers = headers.strings()?;
    }
    if let Some(transports) = socket.value("transports")? {
        socket.check_transports(transports)?;
    }
    let reconnection = &mut session.reconnection;
    reconnection.is_enabled = socket.boolean("reconnection")?.unwrap_or(true);
    // As in socket.io-client, zero stands for the default.
    let positive =
        |key: &str| -> Result<Option<f64>> { Ok(socket.number(key)?.filter(|it| *it > 0.0)) };
    reconnection.attempts =
        positive("reconnectionAttempts")?.filter(|it| it.is_finite()).map(|it| it as u32);
    if let Some(delay) = positive("reconnectionDelay")? {
        reconnection.delay = milliseconds(delay);
    }
    if let Some(delay) = positive("reconnectionDelayMax")? {
        reconnection.delay_max = milliseconds(delay);
    }
    if let Some(factor) = socket.number("randomizationFactor")? {
        if !(0.0..=1.0).contains(&factor) {
            return Err(socket.refuse("randomizationFactor", "expected a number from 0 to 1"));
        }
        reconnection.randomization_factor = factor;
    }
    if let Some(timeout) = socket.value("timeout")? {
        session.connection_timeout = match timeout.get_type()? {
            ValueType::Boolean => None,
            _ => socket.number("timeout")?.map(milliseconds),
        };
    }
    transport.tls = TlsOptions {
        ca: socket.pem("ca")?,
        cert: socket.pem("cert")?,
        key: socket.pem("key")?,
        reject_unauthorized: socket.boolean("rejectUnauthorized")?.unwrap_or(true),
    };
    Ok(())
}

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

    fn fields(&self, key: &str) -> Result<Option<Self>> {
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
    fn strings(&self) -> Result<Vec<(String, String)>> {
        let mut pairs = Vec::new();
        for key in Object::keys(&self.object)? {
            let Some(value) = self.value(&key)? else { continue };
            if !matches!(
                value.get_type()?,
                ValueType::String | ValueType::Number | ValueType::Boolean
            ) {
                return Err(self.refuse(&key, "expected a string"));
            }
            pairs.push((key, value.coerce_to_string()?.into_utf8()?.into_owned()?));
        }
        Ok(pairs)
    }

    /// PEM text, as a string or as bytes.
    fn pem(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let Some(value) = self.value(key)? else { return Ok(None) };
        if value.is_typedarray()? {
            // SAFETY: napi checks that it is a Uint8Array.
            return unsafe { Uint8Array::from_napi_value(self.env.raw(), value.raw()) }
                .map(|it| Some(it.to_vec()));
        }
        Ok(self.string(key)?.map(String::into_bytes))
    }

    fn check_transports(&self, value: Unknown<'env>) -> Result<()> {
        if value.is_array()? {
            // SAFETY: it is an array.
            let list = unsafe { Array::from_napi_value(self.env.raw(), value.raw()) }?;
            for index in 0..list.len() {
                if matches!(list.get::<String>(index), Ok(Some(name)) if name == "websocket") {
                    return Ok(());
                }
            }
        }
        Err(self.refuse("transports", "expected a list with 'websocket' in it, the only transport"))
    }

    /// What can't be honoured is refused, not ignored.
    fn refuse_unknown(&self) -> Result<()> {
        const KNOWN: &[&str] = &[
            "path",
            "addTrailingSlash",
            "query",
            "extraHeaders",
            "transports",
            "reconnection",
            "reconnectionAttempts",
            "reconnectionDelay",
            "reconnectionDelayMax",
            "randomizationFactor",
            "timeout",
            "ca",
            "cert",
            "key",
            "rejectUnauthorized",
            "auth",
        ];
        for key in Object::keys(&self.object)? {
            if !KNOWN.contains(&key.as_str())
                && !WITHOUT_EFFECT.contains(&key.as_str())
                && self.value(&key)?.is_some()
            {
                return Err(self.refuse(&key, "is not supported"));
            }
        }
        Ok(())
    }
}

fn invalid(path: &str, message: &str) -> ProviderError {
    ProviderError::new(ErrorCode::InvalidOption, format!("{path}: {message}"))
}

fn set_all(query: &mut Vec<(String, String)>, pairs: Vec<(String, String)>) {
    for (key, value) in pairs {
        match query.iter_mut().find(|(other, _)| *other == key) {
            Some(pair) => pair.1 = value,
            None => query.push((key, value)),
        }
    }
}

/// A time as JavaScript gives it; below zero it is zero.
pub(super) fn milliseconds(value: f64) -> Duration {
    Duration::try_from_secs_f64(value.max(0.0) / 1000.0).unwrap_or(Duration::MAX)
}
