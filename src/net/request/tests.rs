//! What is asked for, byte by byte.

use tokio_tungstenite::tungstenite::http::uri::PathAndQuery;

use super::*;
use crate::error::ErrorCode;
use crate::net::TransportConfig;

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
        .parts()
        .request
        .build(&Handshake { room_id: "r".into(), ..Handshake::default() })
        .unwrap()
        .uri()
        .to_string()
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
        let request = config.parts().request.build(&handshake).expect(label);
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
        ("origin", options(|it| it.origin = Some("a\nb".into())), "socketOptions.origin: "),
        (
            "subprotocol that is no token",
            options(|it| it.protocols = vec!["a b".into()]),
            "socketOptions.protocols: ",
        ),
        (
            "empty subprotocol",
            options(|it| it.protocols = vec![String::new()]),
            "socketOptions.protocols: ",
        ),
        (
            "subprotocol that is given twice",
            options(|it| it.protocols = vec!["a".into(), "a".into()]),
            "socketOptions.protocols: ",
        ),
        ("header value", header("a", "b\r\nc: d"), "socketOptions.extraHeaders.a: "),
        ("header value beyond Latin-1", header("a", "\u{20ac}"), "socketOptions.extraHeaders.a: "),
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
    let request = TransportConfig::parse("ws://host", &options)
        .unwrap()
        .parts()
        .request
        .build(&handshake())
        .unwrap();
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
    assert_eq!(
        config.parts().request.build(&handshake()).unwrap_err().code,
        ErrorCode::InvalidOption
    );
}

#[test]
fn marks_every_request_with_a_timestamp_if_wanted() {
    let options = options(|it| {
        it.timestamp_requests = true;
        it.timestamp_param = "ts&".into();
        it.query = pairs(&[("a", "1")]);
    });
    let uri = uri("ws://host", &options);
    let (before, stamp) = uri.rsplit_once('=').unwrap();
    assert_eq!(before, "ws://host/socket.io/?roomId=r&a=1&EIO=4&transport=websocket&ts%26");
    assert_eq!(stamp.len(), 8, "{stamp}");
    assert!(stamp.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase()));
}

#[test]
fn asks_for_base64_after_everything_else() {
    let options = options(|it| {
        it.force_base64 = true;
        it.timestamp_requests = true;
        it.timestamp_param = "roomId".into();
    });
    let uri = uri("ws://host", &options);
    assert!(uri.ends_with("&EIO=4&transport=websocket&b64=1"), "{uri}");
    assert!(!uri.contains("roomId=r&"), "an odd name replaces as in the official client: {uri}");
}

#[test]
fn sends_origin_and_subprotocols() {
    let options = options(|it| {
        it.origin = Some("https://example.com".into());
        it.extra_headers = pairs(&[("origin", "of extraHeaders")]);
        it.protocols = vec!["v1.chat".into(), "B|2".into()];
    });
    let request = TransportConfig::parse("ws://host", &options).unwrap();
    let request = request.parts().request.build(&handshake()).unwrap();
    let headers = request.headers();
    assert_eq!(headers.get_all("origin").iter().collect::<Vec<_>>(), ["https://example.com"]);
    assert_eq!(headers["sec-websocket-protocol"], "v1.chat, B|2");
}
