//! The HTTP request that asks for a WebSocket.

use std::fmt::Display;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio_tungstenite::tungstenite::handshake::client::{Request, generate_key};
use tokio_tungstenite::tungstenite::http::header::{
    HeaderMap, HeaderName, HeaderValue, ORIGIN, SEC_WEBSOCKET_PROTOCOL,
};

use super::percent;
use super::transport::{TransportOptions, invalid};
use super::url::ServerUrl;
use crate::error::ProviderError;

/// What the handshake query names, for servers that read it there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Handshake {
    /// Room of the provider.
    pub room_id: String,
    /// The first document, if there is one yet.
    pub doc_id: Option<Arc<str>>,
    /// The parent of that document.
    pub parent_id: Option<Arc<str>>,
}

/// What the requests of all attempts have in common.
#[derive(PartialEq)]
pub(super) struct UpgradeRequest {
    /// Scheme, host and path.
    base: String,
    authority: String,
    query: Vec<(String, String)>,
    timestamp_param: Option<String>,
    force_base64: bool,
    headers: HeaderMap,
}

impl UpgradeRequest {
    pub(super) fn new(url: &ServerUrl, options: &TransportOptions) -> Result<Self, ProviderError> {
        let mut query = options.query.clone();
        for (key, value) in &url.query {
            set(&mut query, key, value.clone());
        }
        let authority = url.authority();
        let scheme = if url.is_secure { "wss" } else { "ws" };
        Ok(Self {
            base: format!("{scheme}://{authority}{}", parse_path(options)?),
            authority,
            query,
            timestamp_param: options.timestamp_requests.then(|| options.timestamp_param.clone()),
            force_base64: options.force_base64,
            headers: parse_headers(options)?,
        })
    }

    /// The request of one attempt.
    ///
    /// Fails when the query makes the request longer than HTTP allows.
    pub(super) fn build(&self, handshake: &Handshake) -> Result<Request, ProviderError> {
        let mut query = vec![("roomId".to_owned(), handshake.room_id.clone())];
        for (key, id) in [("docId", &handshake.doc_id), ("parentId", &handshake.parent_id)] {
            query.extend(id.as_ref().map(|id| (key.to_owned(), id.to_string())));
        }
        for (key, value) in &self.query {
            set(&mut query, key, value.clone());
        }
        set(&mut query, "EIO", "4".to_owned());
        set(&mut query, "transport", "websocket".to_owned());
        if let Some(param) = &self.timestamp_param {
            set(&mut query, param, timestamp());
        }
        if self.force_base64 {
            set(&mut query, "b64", "1".to_owned());
        }

        let mut request = Request::builder()
            .uri(format!("{}?{}", self.base, percent::encode_query(&query)))
            .header("Host", &self.authority)
            .header("Connection", "Upgrade")
            .header("Upgrade", "websocket")
            .header("Sec-WebSocket-Version", "13")
            .header("Sec-WebSocket-Key", generate_key())
            .body(())
            .map_err(|e| invalid("params", e))?;
        // Extending replaces what is there, so that the user's `Host` wins, and keeps repeated headers.
        request.headers_mut().extend(self.headers.clone());
        Ok(request)
    }
}

fn parse_path(options: &TransportOptions) -> Result<String, ProviderError> {
    let path = options.path.as_str();
    if !path.starts_with('/') {
        return Err(invalid("socketOptions.path", "must begin with /"));
    }
    if path.contains(['?', '#']) {
        return Err(invalid("socketOptions.path", "must be a path without query and fragment"));
    }
    let path = path.strip_suffix('/').unwrap_or(path);
    let slash = if options.add_trailing_slash { "/" } else { "" };
    Ok(format!("{}{slash}", percent::encode_path(path)))
}

fn parse_headers(options: &TransportOptions) -> Result<HeaderMap, ProviderError> {
    let mut headers = HeaderMap::new();
    for (name, value) in &options.extra_headers {
        let option = format!("socketOptions.extraHeaders.{name}");
        let header: HeaderName = name.parse().map_err(|e| invalid(&option, e))?;
        // These make the upgrade what it is; the official client overwrites them without a word.
        let is_ours = matches!(header.as_str(), "connection" | "upgrade")
            || header.as_str().starts_with("sec-websocket-");
        if !is_ours {
            headers.append(header, parse_value(&option, value)?);
        }
    }
    if let Some(origin) = &options.origin {
        headers.insert(ORIGIN, parse_value("socketOptions.origin", origin)?);
    }
    if !options.protocols.is_empty() {
        for (index, protocol) in options.protocols.iter().enumerate() {
            // Names of subprotocols are what HTTP calls a token, and so are those of headers.
            let is_name = HeaderName::from_bytes(protocol.as_bytes()).is_ok();
            if !is_name || options.protocols[..index].contains(protocol) {
                let message = format!("{protocol:?} is no subprotocol, or is given twice");
                return Err(invalid("socketOptions.protocols", message));
            }
        }
        let protocols = parse_value("socketOptions.protocols", &options.protocols.join(", "))?;
        headers.insert(SEC_WEBSOCKET_PROTOCOL, protocols);
    }
    Ok(headers)
}

/// Node writes header values as Latin-1.
fn parse_value(option: impl Display, value: &str) -> Result<HeaderValue, ProviderError> {
    let bytes: Result<Vec<u8>, _> = value.chars().map(u8::try_from).collect();
    let bytes = bytes.map_err(|_| invalid(&option, "has a character outside of Latin-1"))?;
    HeaderValue::from_bytes(&bytes).map_err(|e| invalid(option, e))
}

/// Eight characters that differ from request to request, made as engine.io-client makes them.
fn timestamp() -> String {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
    let of_time = [4, 3, 2, 1, 0].map(|place| now / 36_u64.pow(place) % 36);
    let random = [0; 3].map(|_| fastrand::u64(..36));
    of_time.into_iter().chain(random).map(|digit| char::from(DIGITS[digit as usize])).collect()
}

/// Sets a key as a JavaScript object does: a known key keeps its place, a new one goes to the end.
fn set(query: &mut Vec<(String, String)>, key: &str, value: String) {
    match query.iter_mut().find(|(known, _)| known == key) {
        Some(pair) => pair.1 = value,
        None => query.push((key.to_owned(), value)),
    }
}

#[cfg(test)]
mod tests;
