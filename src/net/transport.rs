//! Where and how to connect: the URL and the options of a connection, checked once.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use rustls::ClientConfig;

use super::proxy::Proxy;
use super::request::UpgradeRequest;
use super::tcp::{Family, TcpOptions};
use super::tls::TlsOptions;
use super::url::ServerUrl;
use crate::error::{ErrorCode, ProviderError};
use crate::latest::Latest;
use crate::protocol::socket_io::Namespace;

/// As the `ws` package; tungstenite's own limits are below what a Node server may send as one frame.
pub(super) const MAX_PAYLOAD: usize = 100 * 1024 * 1024;

/// The options of a connection that are not part of its URL, as the user gave them.
#[derive(Clone)]
pub struct TransportOptions {
    /// `socketOptions.path`: path of the HTTP request.
    pub path: String,
    /// `socketOptions.addTrailingSlash`: whether the path is sent with a slash at its end.
    pub add_trailing_slash: bool,
    /// `params`: added to the handshake query; a value given here wins over the provider's own.
    pub query: Vec<(String, String)>,
    /// `socketOptions.timestampRequests`: whether a query parameter makes every request another.
    pub timestamp_requests: bool,
    /// `socketOptions.timestampParam`: name of that parameter.
    pub timestamp_param: String,
    /// `socketOptions.forceBase64`: tells the server to send binary messages as text.
    pub force_base64: bool,
    /// `socketOptions.extraHeaders`.
    pub extra_headers: Vec<(String, String)>,
    /// `socketOptions.origin`: the `Origin` header.
    pub origin: Option<String>,
    /// `socketOptions.protocols`: subprotocols, of which the server must choose one.
    pub protocols: Vec<String>,
    /// `socketOptions.maxPayload`: the largest message that is taken, in bytes; `None` takes any.
    pub max_payload: Option<usize>,
    /// `socketOptions.localAddress`: where the connection comes from.
    pub local_address: Option<IpAddr>,
    /// `socketOptions.family`: the only kind of address that is tried.
    pub family: Option<Family>,
    /// `socketOptions.proxy`: URL of an HTTP proxy.
    pub proxy: Option<String>,
    /// TLS settings; without effect on an unencrypted connection.
    pub tls: TlsOptions,
}

impl Default for TransportOptions {
    fn default() -> Self {
        Self {
            path: "/socket.io".to_owned(),
            add_trailing_slash: true,
            query: Vec::new(),
            timestamp_requests: false,
            timestamp_param: "t".to_owned(),
            force_base64: false,
            extra_headers: Vec::new(),
            origin: None,
            protocols: Vec::new(),
            max_payload: Some(MAX_PAYLOAD),
            local_address: None,
            family: None,
            proxy: None,
            tls: TlsOptions::default(),
        }
    }
}

/// Where and how to connect. Parsed, checked and defaulted once, then trusted.
#[derive(Clone)]
pub struct TransportConfig(Arc<Parts>);

pub(super) struct Parts {
    pub(super) url: ServerUrl,
    /// `None` for an unencrypted connection.
    pub(super) tls: Option<Arc<ClientConfig>>,
    pub(super) tcp: TcpOptions,
    pub(super) proxy: Option<Proxy>,
    pub(super) max_payload: Option<usize>,
    pub(super) request: UpgradeRequest,
}

impl TransportConfig {
    /// Checks a URL (`http`, `https`, `ws` or `wss`) and options.
    ///
    /// User name and password in the URL are dropped, and its fragment too, as socket.io-client does. Pairs of its query
    /// are used like `options.query` and win over it. Its path is the Socket.IO namespace.
    ///
    /// Fails with [`ErrorCode::InvalidOption`]; the message begins with the path of the option, as in `url: ...`.
    pub fn parse(url: &str, options: &TransportOptions) -> Result<Self, ProviderError> {
        static LATEST: Latest<Parts> = Latest::new();

        let url = ServerUrl::parse(url)?;
        let tls = if url.is_secure { Some(options.tls.build()?) } else { None };
        let proxy = options.proxy.as_deref().map(Proxy::parse).transpose()?;
        let request = UpgradeRequest::new(&url, options)?;
        let tcp = TcpOptions::new(options.local_address, options.family)?;
        let max_payload = options.max_payload;
        Ok(Self(LATEST.share(Parts { url, tls, tcp, proxy, max_payload, request })))
    }

    /// The Socket.IO namespace that the URL names.
    pub fn namespace(&self) -> &Namespace {
        &self.0.url.namespace
    }

    pub(super) fn parts(&self) -> &Arc<Parts> {
        &self.0
    }
}

impl PartialEq for Parts {
    fn eq(&self, other: &Self) -> bool {
        let is_same_tls = match (&self.tls, &other.tls) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (None, None) => true,
            _ => false,
        };
        is_same_tls
            && self.url == other.url
            && self.tcp == other.tcp
            && self.proxy == other.proxy
            && self.max_payload == other.max_payload
            && self.request == other.request
    }
}

pub(super) fn invalid(option: impl fmt::Display, reason: impl fmt::Display) -> ProviderError {
    ProviderError::new(ErrorCode::InvalidOption, format!("{option}: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn providers_share_what_is_the_same_and_nothing_else() {
        let parse = |url, options: &TransportOptions| TransportConfig::parse(url, options).unwrap();
        let headers = |value: &str| TransportOptions {
            extra_headers: vec![("Authorization".to_owned(), value.to_owned())],
            ..TransportOptions::default()
        };
        let none = TransportOptions::default();
        let rows = [
            ("same", "wss://host/a", none.clone(), true),
            ("another namespace", "wss://host/b", none.clone(), false),
            ("without TLS", "ws://host/a", none.clone(), false),
            ("a query", "wss://host/a?token=x", none.clone(), false),
            ("a header", "wss://host/a", headers("x"), false),
            (
                "a proxy",
                "wss://host/a",
                TransportOptions { proxy: Some("http://p".to_owned()), ..none.clone() },
                false,
            ),
            (
                "a limit",
                "wss://host/a",
                TransportOptions { max_payload: None, ..none.clone() },
                false,
            ),
            (
                "a family",
                "wss://host/a",
                TransportOptions { family: Some(Family::Ipv6), ..none.clone() },
                false,
            ),
        ];
        for (label, url, options, is_shared) in rows {
            let one = parse("wss://host/a", &none);
            let other = parse(url, &options);
            // Not compared by pointer alone: tests run side by side, and each may have made the last one.
            assert_eq!(one.0 == other.0, is_shared, "{label}");
            assert!(is_shared || !Arc::ptr_eq(&one.0, &other.0), "{label}");
        }
        assert!(parse("ws://h", &headers("x")).0 != parse("ws://h", &headers("y")).0);
    }
}
