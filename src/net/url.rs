//! The URL of a server, read as socket.io-client reads it: by its own rules, not by those of WHATWG.

use std::net::Ipv6Addr;

use tokio_tungstenite::tungstenite::http::uri::Authority;

use super::percent;
use super::transport::invalid;
use crate::error::ProviderError;
use crate::protocol::socket_io::Namespace;

/// What socket.io-client accepts.
const MAX_URL_LENGTH: usize = 8000;

/// The parts of a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ServerUrl {
    pub(super) is_secure: bool,
    /// Name or address, in lower case, without the brackets of IPv6.
    pub(super) host: String,
    pub(super) port: u16,
    /// The path: not where HTTP asks, but the Socket.IO namespace to join.
    pub(super) namespace: Namespace,
    /// Decoded pairs.
    pub(super) query: Vec<(String, String)>,
}

impl ServerUrl {
    /// Reads a URL. User name and password are dropped, and the fragment too.
    pub(super) fn parse(url: &str) -> Result<Self, ProviderError> {
        let (is_secure, rest) = split_scheme(url)?;
        let rest = rest.split('#').next().unwrap_or_default();
        let (location, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) =
            location.find('/').map_or((location, "/"), |at| location.split_at(at));
        let namespace = Namespace::new(path).ok_or_else(|| {
            invalid("url", "a comma ends the name of a namespace: the path must have none")
        })?;
        let (host, port) = parse_authority(authority)?;
        let port = port.unwrap_or(default_port(is_secure));
        Ok(Self { is_secure, host, port, namespace, query: percent::decode_query(query) })
    }

    /// Host and port as in a `Host` header: without the port when it is the default of the scheme.
    pub(super) fn authority(&self) -> String {
        if self.port == default_port(self.is_secure) {
            self.bracketed_host()
        } else {
            self.host_and_port()
        }
    }

    /// Host and port as a proxy wants them.
    pub(super) fn host_and_port(&self) -> String {
        format!("{}:{}", self.bracketed_host(), self.port)
    }

    fn bracketed_host(&self) -> String {
        if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() }
    }
}

fn default_port(is_secure: bool) -> u16 {
    if is_secure { 443 } else { 80 }
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

/// Host in lower case without brackets, and the port if there is one. Messages begin with the name of the option.
pub(super) fn parse_host_and_port(
    option: &str,
    text: &str,
) -> Result<(String, Option<u16>), ProviderError> {
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let (host, port) = rest.split_once(']').ok_or_else(|| invalid(option, "] is missing"))?;
        let host: Ipv6Addr = host.parse().map_err(|e| invalid(option, format!("{host}: {e}")))?;
        (host.to_string(), port)
    } else {
        let (host, port) = text.find(':').map_or((text, ""), |at| text.split_at(at));
        if host.is_empty() {
            return Err(invalid(option, "has no host"));
        }
        if Authority::try_from(host).is_err() {
            return Err(invalid(option, format!("{host} is no host name")));
        }
        (host.to_ascii_lowercase(), port)
    };
    Ok((host, parse_port(option, port)?))
}

fn parse_authority(authority: &str) -> Result<(String, Option<u16>), ProviderError> {
    let authority = authority.rsplit_once('@').map_or(authority, |(_user_info, rest)| rest);
    parse_host_and_port("url", authority)
}

/// What follows a host: nothing, or a colon and digits.
fn parse_port(option: &str, text: &str) -> Result<Option<u16>, ProviderError> {
    if matches!(text, "" | ":") {
        return Ok(None);
    }
    let digits = text.strip_prefix(':').filter(|it| it.bytes().all(|byte| byte.is_ascii_digit()));
    let port = digits.and_then(|digits| digits.parse().ok()).filter(|port| *port > 0);
    port.map(Some).ok_or_else(|| invalid(option, format!("{text} is no port")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;

    #[test]
    fn reads_urls_as_the_official_client_does() {
        let rows = [
            ("ws", "ws://localhost", "localhost", 80, false, "localhost"),
            ("http", "http://localhost:80/", "localhost", 80, false, "localhost"),
            ("wss", "wss://example.com", "example.com", 443, true, "example.com"),
            ("https", "https://host:3000", "host", 3000, true, "host:3000"),
            ("upper case", "WS://LocalHost:3000", "localhost", 3000, false, "localhost:3000"),
            ("user info is dropped", "ws://user:p@ss@host:1", "host", 1, false, "host:1"),
            ("IPv4", "ws://127.0.0.1:3000", "127.0.0.1", 3000, false, "127.0.0.1:3000"),
            ("IPv6", "ws://[::1]", "::1", 80, false, "[::1]"),
            ("IPv6 with a port", "wss://[0:0::1]:3000", "::1", 3000, true, "[::1]:3000"),
            ("empty port", "ws://host:", "host", 80, false, "host"),
            ("query and fragment", "ws://host?a=/b@c:d#/e?f", "host", 80, false, "host"),
            ("the other default port", "ws://host:443", "host", 443, false, "host:443"),
        ];
        for (label, text, host, port, is_secure, authority) in rows {
            let url = ServerUrl::parse(text).expect(label);
            assert_eq!((url.host.as_str(), url.port), (host, port), "{label}");
            assert_eq!(url.is_secure, is_secure, "{label}");
            assert_eq!(url.authority(), authority, "{label}");
        }
        let url = ServerUrl::parse("wss://[::1]").unwrap();
        assert_eq!(url.host_and_port(), "[::1]:443", "a proxy wants the port in any case");
    }

    #[test]
    fn takes_the_path_for_the_namespace_as_it_is() {
        let rows = [
            ("none", "ws://host", "/"),
            ("root", "ws://host/", "/"),
            ("a name", "ws://host:1/admin", "/admin"),
            ("a slash at the end counts", "ws://host/foo/", "/foo/"),
            ("several parts", "ws://host/a/b", "/a/b"),
            ("query and fragment are cut", "ws://host/foo?a=1#b", "/foo"),
            ("only a query", "ws://host?/foo", "/"),
            ("no decoding", "ws://host/a%2Cb%20c", "/a%2Cb%20c"),
            ("no encoding", "ws://host/yjs|room \u{e9}", "/yjs|room \u{e9}"),
            ("user info", "ws://a/b@host", "/b@host"),
        ];
        for (label, url, namespace) in rows {
            assert_eq!(
                ServerUrl::parse(url).expect(label).namespace.as_str(),
                namespace,
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
            ("comma in the namespace", "ws://localhost/a,b"),
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
            let error = ServerUrl::parse(url).expect_err(label);
            assert_eq!(error.code, ErrorCode::InvalidOption, "{label}");
            assert!(error.message.starts_with("url: "), "{label}: {}", error.message);
        }
    }
}
