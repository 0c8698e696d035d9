//! Against the official Socket.IO server, with yjs behind it (`tests/servers/socketio.mjs`).

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod net_support;

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use net_support::{Events, Replica, recorder, within};
use tokio::sync::mpsc;
use yjs_provider_native::net::{
    DriverConfig, Handle, StaticAuth, TransportConfig, TransportOptions, spawn,
};
use yjs_provider_native::session::{Event, SessionConfig, Status};
use yrs::{Map, ReadTxn, WriteTxn};

const LINGER: Duration = Duration::from_secs(10);

/// The server process. It ends with its standard input.
struct Server {
    process: Child,
    input: ChildStdin,
    lines: mpsc::UnboundedReceiver<String>,
    url: String,
}

impl Server {
    async fn start() -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/servers/socketio.mjs");
        let mut process = Command::new("node")
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node is installed");
        let input = process.stdin.take().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let (sender, lines) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        let mut server = Self { process, input, lines, url: String::new() };
        let port: u16 = server.line().await.parse().expect("the server prints its port");
        server.url = format!("ws://127.0.0.1:{port}");
        server
    }

    async fn line(&mut self) -> String {
        within("the server process", self.lines.recv()).await.expect("the server runs")
    }

    /// Sends a command and returns the JSON it is answered with.
    async fn ask(&mut self, command: &str) -> String {
        writeln!(self.input, "{command}").unwrap();
        self.line().await
    }

    async fn text(&mut self, doc_id: &str) -> String {
        let json = self.ask(&format!("text {doc_id}")).await;
        serde_json::from_str(&json).unwrap()
    }

    fn connect(&self, auth: Option<&str>) -> (Handle, Events) {
        let (sink, events) = recorder();
        let mut session = SessionConfig::new("room");
        session.reconnection.delay = Duration::from_millis(1);
        session.reconnection.delay_max = Duration::from_millis(20);
        let transport = TransportConfig::parse(&self.url, &TransportOptions::default()).unwrap();
        let auth = Arc::new(StaticAuth(auth.map(str::to_owned)));
        let handle =
            spawn(DriverConfig { session: session.into(), transport, auth }, sink).unwrap();
        handle.connect();
        (handle, events)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

async fn synced(events: &mut Events, replica: &Replica) {
    let is_it = |event: Event| {
        matches!(event, Event::Synced { doc, state: true } if doc == replica.key).then_some(())
    };
    events.find("synced", is_it).await;
}

#[tokio::test]
async fn two_clients_and_yjs_converge() {
    let mut server = Server::start().await;
    let (one, mut one_events) = server.connect(None);
    let mut one_doc = Replica::add_to(&one, "doc", None);
    synced(&mut one_events, &one_doc).await;
    let (other, mut other_events) = server.connect(None);
    let mut other_doc = Replica::add_to(&other, "doc", None);
    synced(&mut other_events, &other_doc).await;

    for n in 0..50 {
        one_doc.push(&format!("<{n}>"));
        other_doc.push(&format!("[{n}]"));
    }
    one.flush(1, LINGER);
    other.flush(1, LINGER);
    assert_eq!(one_events.flushed(1).await, Ok(()));
    assert_eq!(other_events.flushed(1).await, Ok(()));

    let is_complete = |text: &str| text.contains("<49>") && text.contains("[49]");
    one_doc.until("the other's edits", is_complete).await;
    other_doc.until("the one's edits", is_complete).await;
    assert_eq!(one_doc.text(), other_doc.text());
    assert_eq!(one_doc.text(), server.text("doc").await);
    assert_eq!(one_doc.text().len(), 2 * (10 * 3 + 40 * 4));
}

#[tokio::test]
async fn survives_heartbeats_kicks_and_dropped_connections() {
    let mut server = Server::start().await;
    let (handle, mut events) = server.connect(None);
    let mut replica = Replica::add_to(&handle, "doc", None);
    synced(&mut events, &replica).await;

    // The server gives a client up that misses one.
    server.ask("heartbeats 3").await;
    for (command, reason) in [
        ("kick", "io server disconnect"),
        ("drop", "transport close"),
        ("kick", "io server disconnect"),
    ] {
        server.ask(command).await;
        assert_eq!(events.close().await.0, reason);
        replica.push(reason);
        events.status(Status::Connected).await;
        handle.flush(7, LINGER);
        assert_eq!(events.flushed(7).await, Ok(()), "{reason}");
    }
    let expected = "io server disconnecttransport closeio server disconnect";
    assert_eq!(server.text("doc").await, expected);
    replica.until("its own edits", |text| text == expected).await;
}

#[tokio::test]
async fn destroy_right_after_an_edit_loses_nothing() {
    let mut server = Server::start().await;
    let (handle, mut events) = server.connect(None);
    let replica = Replica::add_to(&handle, "doc", None);
    synced(&mut events, &replica).await;
    replica.push("last");
    handle.destroy(LINGER);
    events.finished().await;
    assert_eq!(server.text("doc").await, "last");
    assert_eq!(server.ask("sockets").await, "0", "and nobody is left");
}

#[tokio::test]
async fn carries_every_byte_and_large_updates() {
    let server = Server::start().await;
    let (one, mut one_events) = server.connect(None);
    let one_doc = Replica::add_to(&one, "doc", None);
    synced(&mut one_events, &one_doc).await;
    let (other, mut other_events) = server.connect(None);
    let mut other_doc = Replica::add_to(&other, "doc", None);
    synced(&mut other_events, &other_doc).await;

    let bytes: Vec<u8> = (0..=255).cycle().take(3_000_000).collect();
    one_doc.edit(|txn| {
        let map = txn.get_or_insert_map("blobs");
        map.insert(txn, "bytes", bytes.clone());
    });
    one_doc.push("sent");
    other_doc.until("the bytes", |text| text == "sent").await;
    other_doc.local.enter().unwrap();
    let received = other_doc
        .local
        .read(|txn| {
            let value = txn.get_map("blobs").and_then(|map| map.get(txn, "bytes"));
            value.map(|value| value.cast::<Vec<u8>>().unwrap())
        })
        .unwrap();
    other_doc.local.leave();
    assert!(received.as_deref() == Some(&bytes), "the bytes are the same");
}

#[tokio::test]
async fn a_refusal_of_the_server_is_told_with_its_reason() {
    let mut server = Server::start().await;
    let (handle, mut events) = server.connect(Some(r#"{"token":"expired"}"#));
    let _replica = Replica::add_to(&handle, "doc", None);
    let reason = events
        .find("permission-denied", |event| match event {
            Event::PermissionDenied { reason, .. } => Some(reason),
            _ => None,
        })
        .await;
    assert!(reason.contains("token expired"), "{reason}");
    let handshakes = server.ask("handshakes").await;
    assert!(handshakes.contains(r#""roomId":"room""#), "{handshakes}");
    assert!(handshakes.contains(r#""auth":{"token":"expired"}"#), "{handshakes}");
}
