//! An HTTP proxy: asked with CONNECT to pass bytes on, whether the server speaks TLS or not.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::percent;
use super::tcp::{TcpOptions, describe_io, failure};
use super::transport::invalid;
use super::url::parse_host_and_port;
use crate::error::ProviderError;
use crate::protocol::base64;

const OPTION: &str = "socketOptions.proxy";

/// A longer answer to CONNECT is none.
const MAX_ANSWER_LENGTH: usize = 16 * 1024;

/// Text of a refusal that goes into the error.
const MAX_REFUSAL_LENGTH: usize = 200;

/// Where the proxy is, and what it wants to know.
#[derive(PartialEq)]
pub(super) struct Proxy {
    host: String,
    port: u16,
    /// User name and password as in the header.
    credentials: Option<String>,
}

impl Proxy {
    /// Reads a URL: `http://host:port` or `http://user:password@host:port`. What is escaped in user name and password is
    /// decoded.
    pub(super) fn parse(url: &str) -> Result<Self, ProviderError> {
        let (scheme, rest) = url.split_once("://").unwrap_or_default();
        if !scheme.eq_ignore_ascii_case("http") {
            return Err(invalid(OPTION, "must be a URL as in http://user:password@proxy:3128"));
        }
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['/', '?', '#']) {
            // Without the text: a slash may be a part of the password that should have been escaped.
            return Err(invalid(OPTION, "must have nothing behind the port"));
        }
        let (user_info, authority) = match rest.rsplit_once('@') {
            Some((user_info, authority)) => (Some(user_info), authority),
            None => (None, rest),
        };
        let (host, port) = parse_host_and_port(OPTION, authority)?;
        let credentials = user_info.map(|user_info| {
            let (user, password) = user_info.split_once(':').unwrap_or((user_info, ""));
            let pair = format!("{}:{}", percent::decode(user), percent::decode(password));
            base64::encode(pair.as_bytes())
        });
        Ok(Self { host, port: port.unwrap_or(80), credentials })
    }

    /// A connection to `target`, a host and a port, by way of the proxy.
    pub(super) async fn connect(
        &self,
        tcp: TcpOptions,
        target: &str,
    ) -> Result<TcpStream, ProviderError> {
        let mut stream = tcp
            .connect(&self.host, self.port)
            .await
            .map_err(|error| failure(format!("proxy: {}", error.message)))?;
        let answer = self.ask(&mut stream, target).await;
        answer.map_err(|message| failure(format!("proxy: {message}")))?;
        Ok(stream)
    }

    async fn ask(&self, stream: &mut TcpStream, target: &str) -> Result<(), String> {
        let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n");
        if let Some(credentials) = &self.credentials {
            request.push_str("Proxy-Authorization: Basic ");
            request.push_str(credentials);
            request.push_str("\r\n");
        }
        request.push_str("\r\n");
        stream.write_all(request.as_bytes()).await.map_err(|error| describe_io(&error))?;

        let mut answer = Vec::new();
        let end = loop {
            if stream.read_buf(&mut answer).await.map_err(|error| describe_io(&error))? == 0 {
                return Err("socket hang up".to_owned());
            }
            if let Some(end) = answer.windows(4).position(|it| it == b"\r\n\r\n") {
                break end + 4;
            }
            if answer.len() > MAX_ANSWER_LENGTH {
                return Err("the answer is too long".to_owned());
            }
        };
        read_status(&String::from_utf8_lossy(&answer[..end]))?;
        // The server says nothing until it is asked: what follows is the proxy's, and would be taken for the server's.
        if answer.len() > end { Err("the answer has a body".to_owned()) } else { Ok(()) }
    }
}

fn read_status(answer: &str) -> Result<(), String> {
    let line = answer.lines().next().unwrap_or_default();
    let status = line
        .strip_prefix("HTTP/1.")
        .and_then(|rest| rest.split_once(' '))
        .map(|(_, status)| status.trim())
        .ok_or("the answer is no HTTP")?;
    if status.starts_with('2') {
        Ok(())
    } else {
        let status: String = status.chars().take(MAX_REFUSAL_LENGTH).collect();
        Err(format!("Unexpected server response: {status}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;

    #[test]
    fn reads_where_the_proxy_is_and_what_it_wants_to_know() {
        let rows = [
            ("host only", "http://proxy", "proxy", 80, None),
            ("port", "HTTP://Proxy:3128/", "proxy", 3128, None),
            ("IPv6", "http://[::1]:1", "::1", 1, None),
            ("credentials", "http://user:pass@host:1", "host", 1, Some("user:pass")),
            ("escaped", "http://us%40er:p%3Aa%2Fs%25s@host", "host", 80, Some("us@er:p:a/s%s")),
            ("no password", "http://user@host", "host", 80, Some("user:")),
            ("@ in the password", "http://user:p@ss@host", "host", 80, Some("user:p@ss")),
        ];
        for (label, url, host, port, credentials) in rows {
            let proxy = Proxy::parse(url).expect(label);
            assert_eq!((proxy.host.as_str(), proxy.port), (host, port), "{label}");
            let credentials = credentials.map(|pair| base64::encode(pair.as_bytes()));
            assert_eq!(proxy.credentials, credentials, "{label}");
        }
    }

    #[test]
    fn refuses_what_is_no_url_of_a_proxy_without_telling_secrets() {
        let rows = [
            ("empty", ""),
            ("no scheme", "user:secret@host:1"),
            ("another scheme", "https://user:secret@host:1"),
            ("socks", "socks5://user:secret@host:1"),
            ("no host", "http://user:secret@"),
            ("a path", "http://user:secret@host/path"),
            ("a slash in the password", "http://user:sec/ret@host"),
            ("a bad port", "http://user:secret@host:x"),
        ];
        for (label, url) in rows {
            let error = Proxy::parse(url).err().expect(label);
            assert_eq!(error.code, ErrorCode::InvalidOption, "{label}");
            assert!(error.message.starts_with("socketOptions.proxy: "), "{label}");
            assert!(!error.message.contains("sec"), "{label}: {}", error.message);
        }
    }

    #[test]
    fn tells_answers_apart() {
        let refused = |text: &str| Err(format!("Unexpected server response: {text}"));
        let rows = [
            ("HTTP/1.1 200 Connection established\r\n\r\n", Ok(())),
            ("HTTP/1.0 200\r\n\r\n", Ok(())),
            (
                "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
                refused("407 Proxy Authentication Required"),
            ),
            ("HTTP/1.1 502\r\nA: b\r\n\r\n", refused("502")),
            ("SSH-2.0-OpenSSH\r\n\r\n", Err("the answer is no HTTP".to_owned())),
            ("\r\n\r\n", Err("the answer is no HTTP".to_owned())),
        ];
        for (answer, expected) in rows {
            assert_eq!(read_status(answer), expected, "{answer}");
        }
    }
}
