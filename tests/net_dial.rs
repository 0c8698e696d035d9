//! From a URL to an open WebSocket, or to an error that says what is wrong.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod net_support;

use net_support::within;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use yjs_provider_native::net::{Dialer, Handshake, TransportConfig, TransportOptions};
use yjs_provider_native::{ErrorCode, ProviderError};

fn handshake() -> Handshake {
    Handshake { room_id: "room".into(), doc_id: Some("a doc".into()), parent_id: None }
}

async fn dial(url: &str, options: &TransportOptions) -> Result<(), ProviderError> {
    let config = TransportConfig::parse(url, options).unwrap();
    within("the attempt", config.dial(handshake())).await.map(drop)
}

/// Reads the request up to its empty line.
async fn read_request(stream: &mut TcpStream) -> String {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(request).unwrap()
}

/// Dials a server that reads the request, answers with these bytes and hangs up.
async fn dial_server(answer: &'static [u8]) -> (Result<(), ProviderError>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://127.0.0.1:{}", listener.local_addr().unwrap().port());
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let request = read_request(&mut stream).await;
        stream.write_all(answer).await.unwrap();
        request
    });
    let options = TransportOptions {
        query: vec![("token".into(), "a b".into())],
        extra_headers: vec![("X-Foo".into(), "bar".into()), ("Authorization".into(), "x".into())],
        ..TransportOptions::default()
    };
    (dial(&url, &options).await, server.await.unwrap())
}

#[tokio::test]
async fn says_why_an_upgrade_failed() {
    let rows: [(&str, &[u8], &str); 7] = [
        (
            "refused with a reason",
            b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 11\r\n\r\nBad request",
            "Unexpected server response: 400 (Bad request)",
        ),
        (
            "refused without a reason",
            b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
            "Unexpected server response: 403",
        ),
        (
            "redirected",
            b"HTTP/1.1 301 Moved\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n",
            "Unexpected server response: 301",
        ),
        ("not upgraded", b"HTTP/1.1 200 OK\r\n\r\nhello", "Unexpected server response: 200 (hello)"),
        ("hung up", b"", "socket hang up"),
        ("cut off", b"HTTP/1.1 101 Swi", "socket hang up"),
        (
            "key that does not match",
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
              Sec-WebSocket-Accept: x\r\n\r\n",
            "WebSocket protocol error: Key mismatch in \"Sec-WebSocket-Accept\" header",
        ),
    ];
    for (label, answer, expected) in rows {
        let (result, _) = dial_server(answer).await;
        let error = result.expect_err(label);
        assert_eq!(
            (error.code, error.message.as_str()),
            (ErrorCode::Connection, expected),
            "{label}"
        );
    }
}

#[tokio::test]
async fn does_not_trust_a_server_that_speaks_no_http() {
    let (result, _) = dial_server(b"220 mail.example.com ESMTP\r\n\r\n").await;
    assert_eq!(result.unwrap_err().code, ErrorCode::Connection);
}

#[tokio::test]
async fn asks_for_the_upgrade_as_the_official_client_does() {
    let (_, request) = dial_server(b"").await;
    let mut lines = request.lines();
    assert_eq!(
        lines.next(),
        Some(
            "GET /socket.io/?roomId=room&docId=a%20doc&token=a%20b&EIO=4&transport=websocket HTTP/1.1"
        )
    );
    let mut headers: Vec<String> = lines.map(str::to_ascii_lowercase).collect();
    headers.retain(|line| !line.is_empty() && !line.starts_with("sec-websocket-key: "));
    headers.sort_unstable();
    let host = headers.iter().position(|line| line.starts_with("host: 127.0.0.1:")).unwrap();
    headers.remove(host);
    let expected = [
        "authorization: x",
        "connection: upgrade",
        "sec-websocket-version: 13",
        "upgrade: websocket",
        "x-foo: bar",
    ];
    assert_eq!(headers, expected, "and no origin, user agent or extension");
}

#[tokio::test]
async fn names_the_address_that_can_not_be_reached() {
    // The port was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let error =
        dial(&format!("ws://127.0.0.1:{port}"), &TransportOptions::default()).await.unwrap_err();
    assert_eq!(error.message, format!("connect ECONNREFUSED 127.0.0.1:{port}"));
    assert_eq!(error.code, ErrorCode::Connection);
}

#[tokio::test]
async fn tries_every_address_of_a_name() {
    // `localhost` is ::1 and 127.0.0.1 on many systems; the server listens on the latter only.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://localhost:{}", listener.local_addr().unwrap().port());
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        tokio_tungstenite::accept_async(stream).await.map(drop)
    });
    dial(&url, &TransportOptions::default()).await.unwrap();
    server.await.unwrap().unwrap();
}

#[tokio::test]
async fn stops_an_attempt_that_is_dropped() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://127.0.0.1:{}", listener.local_addr().unwrap().port());
    let config = TransportConfig::parse(&url, &TransportOptions::default()).unwrap();
    let attempt = tokio::spawn(config.dial(handshake()));
    let (mut stream, _) = within("the connection", listener.accept()).await.unwrap();
    read_request(&mut stream).await;
    attempt.abort();
    assert_eq!(within("the end of the connection", stream.read(&mut [0])).await.unwrap(), 0);
}
