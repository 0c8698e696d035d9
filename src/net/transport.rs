//! Where and how to connect: the URL and the socket options, checked once, and the upgrade request made from them.

use std::fmt;
use std::net::Ipv6Addr;
use std::sync::Arc;

use rustls::ClientConfig;
use tokio_tungstenite::tungstenite::handshake::client::{Request, generate_key};
use tokio_tungstenite::tungstenite::http::header::{HeaderMap, HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::http::uri::Authority;

use super::percent;
use super::tls::TlsOptions;
use crate::error::{ErrorCode, ProviderError};

/// What socket.io-client accepts.
const MAX_URL_LENGTH: usize = 8000;

/// The options of a connection that are not part of its URL, as the user gave them.
#[derive(Clone)]
pub struct TransportOptions {
    /// `socketOptions.path`: path of the HTTP request.
    pub path: String,
    /// `socketOptions.addTrailingSlash`: whether the path is sent with a slash at its end.
    pub add_trailing_slash: bool,
    /// `params`: added to the handshake query; a value given here wins over the provider's own.
    pub query: Vec<(String, String)>,
    /// `socketOptions.extraHeaders`.
    pub extra_headers: Vec<(String, String)>,
    /// TLS settings; without effect on an unencrypted connection.
    pub tls: TlsOptions,
}

impl Default for TransportOptions {
    fn default() -> Self {
        Self {
            path: "/socket.io".to_owned(),
            add_trailing_slash: true,
            query: Vec::new(),
            extra_headers: Vec::new(),
            tls: TlsOptions::default(),
        }
    }
}

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

/// Where and how to connect. Parsed, checked and defaulted once, then trusted.
#[derive(Clone)]
pub struct TransportConfig {
    /// Name or address, without the brackets of IPv6.
    pub(super) host: String,
    pub(super) port: u16,
    /// `None` for an unencrypted connection.
    pub(super) tls: Option<Arc<ClientConfig>>,
    /// As in the `Host` header: without the port when it is the default of the scheme.
    authority: String,
    path: String,
    query: Vec<(String, String)>,
    headers: HeaderMap,
}

impl TransportConfig {
    /// Checks a URL (`http`, `https`, `ws` or `wss`) and options.
    ///
    /// User name and password in the URL are dropped, and its fragment too, as socket.io-client does. Pairs of its query
    /// are used like `options.query` and win over it. Its path would be a Socket.IO namespace: only `/` is supported.
    ///
    /// Fails with [`ErrorCode::InvalidOption`]; the message begins with the path of the option, as in `url: ...`.
    pub fn parse(url: &str, options: &TransportOptions) -> Result<Self, ProviderError> {
        let (is_secure, rest) = split_scheme(url)?;
        let rest = rest.split('#').next().unwrap_or_default();
        let (location, url_query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, namespace) =
            location.find('/').map_or((location, ""), |at| location.split_at(at));
        if !matches!(namespace, "" | "/") {
            return Err(invalid(
                "url",
                format!("namespaces are not supported, the path must be /, not {namespace}"),
            ));
        }

        let (host, port) = parse_authority(authority)?;
        let default_port = if is_secure { 443 } else { 80 };
        let port = port.unwrap_or(default_port);
        let bracketed = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        let authority =
            if port == default_port { bracketed } else { format!("{bracketed}:{port}") };

        let mut query = options.query.clone();
        for (key, value) in percent::decode_query(url_query) {
            set(&mut query, &key, value);
        }

        Ok(Self {
            host,
            port,
            tls: if is_secure { Some(options.tls.build()?) } else { None },
            authority,
            path: parse_path(options)?,
            query,
            headers: parse_headers(&options.extra_headers)?,
        })
    }

    /// The upgrade request of one attempt.
    ///
    /// Fails when the query makes the request longer than HTTP allows.
    pub(super) fn request(&self, handshake: &Handshake) -> Result<Request, ProviderError> {
        let mut query = vec![("roomId".to_owned(), handshake.room_id.clone())];
        for (key, id) in [("docId", &handshake.doc_id), ("parentId", &handshake.parent_id)] {
            query.extend(id.as_ref().map(|id| (key.to_owned(), id.to_string())));
        }
        for (key, value) in &self.query {
            set(&mut query, key, value.clone());
        }
        set(&mut query, "EIO", "4".to_owned());
        set(&mut query, "transport", "websocket".to_owned());

        let scheme = if self.tls.is_some() { "wss" } else { "ws" };
        let uri =
            format!("{scheme}://{}{}?{}", self.authority, self.path, percent::encode_query(&query));
        let mut request = Request::builder()
            .uri(uri)
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

fn split_scheme(url: &str) -> Result<(bool, &str), ProviderError> {
    if url.len() > MAX_URL_LENGTH {
        return Err(invalid("url", format!("is longer than {MAX_URL_LENGTH} characters")));
    }
    let (scheme, rest) = url
        .split_once("://")
        .ok_or_else(|| invalid("url", "needs a scheme, as in ws://localhost:3000".to_owned()))?;
    match scheme.to_ascii_lowercase().as_str() {
        "http" | "ws" => Ok((false, rest)),
        "https" | "wss" => Ok((true, rest)),
        _ => {
            Err(invalid("url", format!("the scheme must be http, https, ws or wss, not {scheme}")))
        }
    }
}

/// Host in lower case without brackets, and the port if there is one.
fn parse_authority(authority: &str) -> Result<(String, Option<u16>), ProviderError> {
    let authority = authority.rsplit_once('@').map_or(authority, |(_user_info, rest)| rest);
    let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
        let (host, port) = rest.split_once(']').ok_or_else(|| invalid("url", "] is missing"))?;
        let host: Ipv6Addr = host.parse().map_err(|e| invalid("url", format!("{host}: {e}")))?;
        (host.to_string(), port)
    } else {
        let (host, port) = authority.find(':').map_or((authority, ""), |at| authority.split_at(at));
        if host.is_empty() {
            return Err(invalid("url", "has no host"));
        }
        if Authority::try_from(host).is_err() {
            return Err(invalid("url", format!("{host} is no host name")));
        }
        (host.to_ascii_lowercase(), port)
    };
    Ok((host, parse_port(port)?))
}

/// What follows a host: nothing, or a colon and digits.
fn parse_port(text: &str) -> Result<Option<u16>, ProviderError> {
    if matches!(text, "" | ":") {
        return Ok(None);
    }
    let digits = text.strip_prefix(':').filter(|it| it.bytes().all(|byte| byte.is_ascii_digit()));
    let port = digits.and_then(|digits| digits.parse().ok()).filter(|port| *port > 0);
    port.map(Some).ok_or_else(|| invalid("url", format!("{text} is no port")))
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

fn parse_headers(extra: &[(String, String)]) -> Result<HeaderMap, ProviderError> {
    let mut headers = HeaderMap::new();
    for (name, value) in extra {
        let option = || format!("socketOptions.extraHeaders.{name}");
        let header: HeaderName = name.parse().map_err(|e| invalid(option(), e))?;
        // These make the upgrade what it is; the official client overwrites them without a word.
        let is_ours = matches!(header.as_str(), "connection" | "upgrade")
            || header.as_str().starts_with("sec-websocket-");
        if is_ours {
            continue;
        }
        // Node writes header values as Latin-1.
        let bytes: Result<Vec<u8>, _> = value.chars().map(u8::try_from).collect();
        let bytes = bytes.map_err(|_| invalid(option(), "has a character outside of Latin-1"))?;
        headers.append(header, HeaderValue::from_bytes(&bytes).map_err(|e| invalid(option(), e))?);
    }
    Ok(headers)
}

/// Sets a key as a JavaScript object does: a known key keeps its place, a new one goes to the end.
fn set(query: &mut Vec<(String, String)>, key: &str, value: String) {
    match query.iter_mut().find(|(known, _)| known == key) {
        Some(pair) => pair.1 = value,
        None => query.push((key.to_owned(), value)),
    }
}

fn invalid(option: impl fmt::Display, reason: impl fmt::Display) -> ProviderError {
    ProviderError::new(ErrorCode::InvalidOption, format!("{option}: {reason}"))
}

#[cfg(test)]
mod tests {
    use tokio_tungstenite::tungstenite::http::uri::PathAndQuery;

    use super::*;

    fn options(change: impl FnOnce(&mut TransportOptions)) -> TransportOptions {
        let mut options = TransportOptions::default();
        change(&mut options);
        options
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn handshake() -> Handshake {
        Handshake { room_id: "a room".into(), doc_id: Some("doc/1".into()), parent_id: None }
    }

    fn uri(url: &str, options: &TransportOptions) -> String {
        let config = TransportConfig::parse(url, options).unwrap();
        config
            .request(&Handshake { room_id: "r".into(), ..Handshake::default() })
            .unwrap()
            .uri()
            .to_string()
    }

    #[test]
    fn reads_urls_as_the_official_client_does() {
        let rows = [
            ("ws", "ws://localhost", "localhost", 80, false, "localhost"),
            ("http", "http://localhost:80/", "localhost", 80, false, "localhost"),
            ("wss", "wss://example.com", "example.com", 443, true, "example.com"),
            (
                "https with a port",
                "https://example.com:3000",
                "example.com",
                3000,
                true,
                "example.com:3000",
            ),
            ("upper case", "WS://LocalHost:3000", "localhost", 3000, false, "localhost:3000"),
            ("user info is dropped", "ws://user:p@ss@host:1", "host", 1, false, "host:1"),
            ("IPv4", "ws://127.0.0.1:3000", "127.0.0.1", 3000, false, "127.0.0.1:3000"),
            ("IPv6", "ws://[::1]", "::1", 80, false, "[::1]"),
            ("IPv6 with a port", "wss://[0:0::1]:3000", "::1", 3000, true, "[::1]:3000"),
            ("empty port", "ws://host:", "host", 80, false, "host"),
            ("query and fragment", "ws://host?a=/b@c:d#/e?f", "host", 80, false, "host"),
            ("the other default port", "ws://host:443", "host", 443, false, "host:443"),
        ];
        for (label, url, host, port, is_secure, authority) in rows {
            let config = TransportConfig::parse(url, &TransportOptions::default()).expect(label);
            assert_eq!((config.host.as_str(), config.port), (host, port), "{label}");
            assert_eq!(config.tls.is_some(), is_secure, "{label}");
            let request = config.request(&handshake()).expect(label);
            assert_eq!(request.headers()["host"], authority, "{label}");
            assert_eq!(
                request.uri().scheme_str(),
                Some(if is_secure { "wss" } else { "ws" }),
                "{label}"
            );
            assert_eq!(
                request.uri().authority().map(ToString::to_string).as_deref(),
                Some(authority),
                "{label}"
            );
        }
    }

    #[test]
    fn refuses_unusable_urls() {
        let long = format!("ws://host/?{}", "a".repeat(MAX_URL_LENGTH));
        let rows = [
            ("empty", ""),
            ("no scheme", "localhost:3000"),
            ("other scheme", "ftp://localhost"),
            ("no host", "ws://"),
            ("no host but a port", "ws://:3000"),
            ("namespace", "ws://localhost/admin"),
            ("port out of range", "ws://localhost:65536"),
            ("port zero", "ws://localhost:0"),
            ("port with a sign", "ws://localhost:+1"),
            ("port of letters", "ws://localhost:http"),
            ("space in the host", "ws://local host"),
            ("other characters in the host", "ws://h\u{f6}st"),
            ("open bracket", "ws://[::1"),
            ("IPv6 that is none", "ws://[::g]"),
            ("text behind the bracket", "ws://[::1]x"),
            ("backslash", "ws://host\\path"),
            ("too long", long.as_str()),
        ];
        for (label, url) in rows {
            let error =
                TransportConfig::parse(url, &TransportOptions::default()).err().expect(label);
            assert_eq!(error.code, ErrorCode::InvalidOption, "{label}");
            assert!(error.message.starts_with("url: "), "{label}: {}", error.message);
        }
    }

    #[test]
    fn names_the_first_document_in_the_query() {
        let config = TransportConfig::parse("ws://host", &TransportOptions::default()).unwrap();
        let rows = [
            (
                "no document",
                Handshake { doc_id: None, ..handshake() },
                "/socket.io/?roomId=a%20room&EIO=4&transport=websocket",
            ),
            (
                "a document",
                handshake(),
                "/socket.io/?roomId=a%20room&docId=doc%2F1&EIO=4&transport=websocket",
            ),
            (
                "a nested document",
                Handshake { parent_id: Some("\u{e9}".into()), ..handshake() },
                "/socket.io/?roomId=a%20room&docId=doc%2F1&parentId=%C3%A9&EIO=4&transport=websocket",
            ),
        ];
        for (label, handshake, expected) in rows {
            let request = config.request(&handshake).expect(label);
            assert_eq!(
                request.uri().path_and_query().map(PathAndQuery::as_str),
                Some(expected),
                "{label}"
            );
        }
    }

    #[test]
    fn lets_params_win_but_not_over_the_protocol() {
        let options = options(|it| {
            it.query = pairs(&[("token", "a b"), ("roomId", "mine"), ("EIO", "3"), ("v", "1")]);
        });
        assert_eq!(
            uri("ws://host/?v=2", &options),
            "ws://host/socket.io/?roomId=mine&token=a%20b&EIO=4&v=2&transport=websocket"
        );
    }

    #[test]
    fn builds_the_path_as_the_official_client_does() {
        let rows = [
            ("default", "/socket.io", true, "/socket.io/"),
            ("one slash at the end", "/socket.io/", true, "/socket.io/"),
            ("only one slash is removed", "/a//", true, "/a//"),
            ("no slash wanted", "/socket.io/", false, "/socket.io"),
            ("root", "/", true, "/"),
            ("spaces are escaped", "/my path", true, "/my%20path/"),
        ];
        for (label, path, add_trailing_slash, expected) in rows {
            let options =
                options(|it| (it.path, it.add_trailing_slash) = (path.into(), add_trailing_slash));
            let expected = format!("ws://host{expected}?roomId=r&EIO=4&transport=websocket");
            assert_eq!(uri("ws://host", &options), expected, "{label}");
        }
    }

    #[test]
    fn refuses_unusable_options_by_their_path() {
        let header = |name, value| options(|it| it.extra_headers = pairs(&[(name, value)]));
        let rows = [
            ("relative path", options(|it| it.path = "socket.io".into()), "socketOptions.path: "),
            ("path with a query", options(|it| it.path = "/a?b".into()), "socketOptions.path: "),
            ("header name", header("a b", "c"), "socketOptions.extraHeaders.a b: "),
            ("header value", header("a", "b\r\nc: d"), "socketOptions.extraHeaders.a: "),
            (
                "header value beyond Latin-1",
                header("a", "\u{20ac}"),
                "socketOptions.extraHeaders.a: ",
            ),
        ];
        for (label, options, path) in rows {
            let error = TransportConfig::parse("ws://host", &options).err().expect(label);
            assert_eq!(error.code, ErrorCode::InvalidOption, "{label}");
            assert!(error.message.starts_with(path), "{label}: {}", error.message);
        }
    }

    #[test]
    fn sends_extra_headers_but_keeps_the_upgrade_intact() {
        let extra = [
            ("Authorization", "Bearer x"),
            ("Cookie", "a=1"),
            ("Cookie", "b=2"),
            ("Host", "other"),
            ("Latin", "\u{e9}"),
            ("Upgrade", "h2c"),
            ("Connection", "close"),
            ("Sec-WebSocket-Key", "mine"),
        ];
        let options = options(|it| it.extra_headers = pairs(&extra));
        let request =
            TransportConfig::parse("ws://host", &options).unwrap().request(&handshake()).unwrap();
        let headers = request.headers();
        assert_eq!(headers["authorization"], "Bearer x");
        assert_eq!(headers.get_all("cookie").iter().collect::<Vec<_>>(), ["a=1", "b=2"]);
        assert_eq!(headers.get_all("host").iter().collect::<Vec<_>>(), ["other"]);
        assert_eq!(headers["latin"].as_bytes(), b"\xe9");
        assert_eq!(headers["upgrade"], "websocket");
        assert_eq!(headers["connection"], "Upgrade");
        assert_ne!(headers["sec-websocket-key"], "mine");
    }

    #[test]
    fn refuses_a_query_longer_than_http_allows() {
        let options = options(|it| it.query = pairs(&[("token", &"x".repeat(70_000))]));
        let config = TransportConfig::parse("ws://host", &options).unwrap();
        assert_eq!(config.request(&handshake()).unwrap_err().code, ErrorCode::InvalidOption);
    }
}
