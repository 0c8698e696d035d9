//! `socketOptions`: every option of socket.io-client is honoured, taken without effect, or refused with a reason.

use std::net::IpAddr;

use napi::bindgen_prelude::{Array, FromNapiValue, Unknown};
use napi::{JsValue, ValueType};

use super::error::Result;
use super::fields::Fields;
use super::options::{milliseconds, set_all};
use crate::net::{Family, TransportOptions};
use crate::session::SessionConfig;

/// Options of the connection as a whole.
const OF_THE_CONNECTION: &[&str] = &[
    "ackTimeout",
    "auth",
    "autoUnref",
    "randomizationFactor",
    "reconnection",
    "reconnectionAttempts",
    "reconnectionDelay",
    "reconnectionDelayMax",
    "timeout",
    "transportOptions",
    "transports",
];

/// Options of the transport. What `transportOptions.websocket` has of them wins.
const OF_THE_TRANSPORT: &[&str] = &[
    "addTrailingSlash",
    "ca",
    "cert",
    "extraHeaders",
    "family",
    "forceBase64",
    "key",
    "localAddress",
    "maxPayload",
    "origin",
    "path",
    "protocols",
    "proxy",
    "query",
    "rejectUnauthorized",
    "timestampParam",
    "timestampRequests",
];

/// Options that make no difference here: taken, so that they need not be removed.
const WITHOUT_EFFECT: &[&str] = &[
    "autoConnect",
    "closeOnBeforeunload",
    "forceNew",
    "multiplex",
    "perMessageDeflate",
    "rememberUpgrade",
    "requestTimeout",
    "retries",
    "tryAllTransports",
    "upgrade",
    "useNativeTimers",
    "withCredentials",
];

/// Options that can't be honoured, and why.
const REFUSED: &[(&str, &str)] = &[
    ("agent", "a native socket has no agent; for an HTTP proxy there is socketOptions.proxy"),
    ("checkServerIdentity", "is not supported; name the certificates to trust in socketOptions.ca"),
    ("ciphers", "is not supported; the cipher suites are those of rustls"),
    ("host", "is part of the url"),
    ("hostname", "is part of the url"),
    ("parser", "is not supported; the messages are those of the default parser"),
    ("passphrase", "is not supported; socketOptions.key must not be encrypted"),
    ("pfx", "is not supported; use socketOptions.cert and socketOptions.key, PEM"),
    ("port", "is part of the url"),
    ("protocolVersion", "is not supported; the WebSocket version is 13"),
    ("secure", "is part of the url"),
    ("transportImplementations", "is not supported; the transport is always WebSocket"),
];

pub(super) fn read(
    socket: &Fields<'_>,
    session: &mut SessionConfig,
    transport: &mut TransportOptions,
) -> Result<()> {
    socket.refuse_unknown(&[OF_THE_CONNECTION, OF_THE_TRANSPORT, WITHOUT_EFFECT], REFUSED)?;
    if let Some(transports) = socket.value("transports")? {
        check_transports(socket, transports)?;
    }
    read_transport(socket, transport)?;
    if let Some(by_transport) = socket.fields("transportOptions")?
        && let Some(websocket) = by_transport.fields("websocket")?
    {
        websocket.refuse_unknown(&[OF_THE_TRANSPORT, WITHOUT_EFFECT], REFUSED)?;
        read_transport(&websocket, transport)?;
    }
    session.force_base64 = transport.force_base64;
    if let Some(timeout) = socket.number("ackTimeout")? {
        if timeout <= 0.0 {
            return Err(socket.refuse("ackTimeout", "expected a number above 0"));
        }
        session.ack_timeout = milliseconds(timeout);
    }
    if let Some(timeout) = socket.value("timeout")? {
        let is_off =
            timeout.get_type()? == ValueType::Boolean && socket.boolean("timeout")? == Some(false);
        session.connection_timeout =
            if is_off { None } else { socket.number("timeout")?.map(milliseconds) };
    }
    read_reconnection(socket, session)
}

fn read_reconnection(socket: &Fields<'_>, session: &mut SessionConfig) -> Result<()> {
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
    Ok(())
}

/// Takes what is there, and leaves the rest as it was.
fn read_transport(fields: &Fields<'_>, transport: &mut TransportOptions) -> Result<()> {
    read_request(fields, transport)?;
    if let Some(limit) = fields.number("maxPayload")? {
        if limit < 0.0 || limit.fract() != 0.0 {
            return Err(fields.refuse("maxPayload", "expected a number of bytes"));
        }
        // As in ws, zero takes messages of any size.
        transport.max_payload = (limit > 0.0).then_some(limit as usize);
    }
    if let Some(address) = fields.string("localAddress")? {
        let address: Option<IpAddr> = address.parse().ok();
        let message = "expected an IP address";
        transport.local_address =
            Some(address.ok_or_else(|| fields.refuse("localAddress", message))?);
    }
    if let Some(family) = fields.number("family")? {
        transport.family = match family {
            0.0 => None,
            4.0 => Some(Family::Ipv4),
            6.0 => Some(Family::Ipv6),
            _ => return Err(fields.refuse("family", "expected 0, 4 or 6")),
        };
    }
    if let Some(proxy) = fields.string("proxy")? {
        transport.proxy = Some(proxy);
    }
    let tls = &mut transport.tls;
    if let Some(ca) = fields.pem_list("ca")? {
        tls.ca = Some(ca);
    }
    if let Some(cert) = fields.pem("cert")? {
        tls.cert = Some(cert);
    }
    if let Some(key) = fields.pem("key")? {
        tls.key = Some(key);
    }
    if let Some(reject) = fields.boolean("rejectUnauthorized")? {
        tls.reject_unauthorized = reject;
    }
    Ok(())
}

fn read_request(fields: &Fields<'_>, transport: &mut TransportOptions) -> Result<()> {
    if let Some(path) = fields.string("path")? {
        transport.path = path;
    }
    if let Some(slash) = fields.boolean("addTrailingSlash")? {
        transport.add_trailing_slash = slash;
    }
    if let Some(query) = fields.fields("query")? {
        set_all(&mut transport.query, query.strings()?);
    }
    if let Some(is_wanted) = fields.boolean("timestampRequests")? {
        transport.timestamp_requests = is_wanted;
    }
    if let Some(param) = fields.string("timestampParam")? {
        transport.timestamp_param = param;
    }
    if let Some(force) = fields.boolean("forceBase64")? {
        transport.force_base64 = force;
    }
    if let Some(headers) = fields.fields("extraHeaders")? {
        transport.extra_headers = headers.string_lists()?;
    }
    if let Some(origin) = fields.string("origin")? {
        transport.origin = Some(origin);
    }
    if let Some(protocols) = fields.string_list("protocols")? {
        transport.protocols = protocols;
    }
    Ok(())
}

fn check_transports<'env>(socket: &Fields<'env>, value: Unknown<'env>) -> Result<()> {
    if value.is_array()? {
        // SAFETY: it is an array.
        let list = unsafe { Array::from_napi_value(value.value().env, value.raw()) }?;
        for index in 0..list.len() {
            if matches!(list.get::<String>(index), Ok(Some(name)) if name == "websocket") {
                return Ok(());
            }
        }
    }
    Err(socket.refuse("transports", "expected a list with 'websocket' in it, the only transport"))
}
