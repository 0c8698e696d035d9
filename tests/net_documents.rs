//! Documents over a real socket, against a scripted server.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod net_support;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use net_support::{Events, Peer, Replica, emitted, recorder, within};
use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::accept_async;
use yjs_provider_native::net::{
    DriverConfig, Handle, StaticAuth, TransportConfig, TransportOptions, spawn,
};
use yjs_provider_native::protocol::awareness;
use yjs_provider_native::protocol::socket_io::Event;
use yjs_provider_native::protocol::y_message::Message;
use yjs_provider_native::session::{Awareness, SessionConfig, SharedAwareness, Status};
use yrs::updates::decoder::Decode;
use yrs::{Doc, GetString, Map, ReadTxn, Transact, Update, WriteTxn};

const LONG: Duration = Duration::from_secs(1000);
const LINGER: Duration = Duration::from_secs(10);

struct Server(TcpListener);

impl Server {
    async fn bind() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    fn start(&self) -> (Handle, Events) {
        let url = format!("ws://{}", self.0.local_addr().unwrap());
        let (sink, events) = recorder();
        let mut session = SessionConfig::new("room");
        session.reconnection.delay = Duration::from_millis(1);
        session.reconnection.delay_max = Duration::from_millis(1);
        let transport = TransportConfig::parse(&url, &TransportOptions::default()).unwrap();
        let auth = Arc::new(StaticAuth::default());
        (spawn(DriverConfig { session: session.into(), transport, auth }, sink).unwrap(), events)
    }

    async fn accept_tcp(&self) -> TcpStream {
        within("a connection", self.0.accept()).await.unwrap().0
    }

    async fn accept(&self) -> Peer<TcpStream> {
        Peer::new(accept_async(self.accept_tcp().await).await.unwrap())
    }

    /// Accepts and joins.
    async fn join(&self) -> Peer<TcpStream> {
        let mut peer = self.accept().await;
        peer.join(LONG, LONG).await;
        peer
    }
}

/// A log that acknowledges everything.
#[derive(Default)]
struct Log {
    offset: u64,
    docs: HashMap<String, Doc>,
    awareness: Vec<awareness::Entry>,
}

impl Log {
    async fn append(&mut self, peer: &mut Peer<TcpStream>, event: &Event) {
        let (metadata, message) = emitted(event);
        match message {
            Message::Update(update) | Message::SyncStep2(update) => {
                let doc = self.docs.entry(metadata.doc_id.into_owned()).or_default();
                let update = Update::decode_v1(&update).unwrap();
                doc.transact_mut().apply_update(update).unwrap();
            }
            Message::Awareness(update) => {
                self.awareness.extend(awareness::decode(&update).unwrap());
            }
            _ => {}
        }
        if let Some(id) = event.id {
            peer.ack(id, self.offset).await;
            self.offset += 1;
        }
    }

    /// Acknowledges until the client closes.
    async fn drain(&mut self, peer: &mut Peer<TcpStream>) {
        while let Some(event) = peer.event().await {
            self.append(peer, &event).await;
        }
    }

    fn text(&self, doc_id: &str) -> Option<String> {
        let txn = self.docs.get(doc_id)?.transact();
        txn.get_text("body").map(|body| body.get_string(&txn))
    }
}

fn shared_awareness(state: &str) -> SharedAwareness {
    let mut awareness = Awareness::new(42);
    awareness.set_local_state(Instant::now(), Some(state.to_owned()));
    Arc::new(Mutex::new(awareness))
}

#[tokio::test]
async fn destroy_delivers_the_last_edit_and_the_departure() {
    let server = Server::bind().await;
    let (handle, mut events) = server.start();
    let replica = Replica::add_to(&handle, "doc", Some(shared_awareness(r#"{"name":"ada"}"#)));
    handle.connect();
    let mut peer = server.join().await;
    events.status(Status::Connected).await;
    let mut log = Log::default();
    while log.awareness.is_empty() {
        let event = peer.event().await.expect("the client stays");
        log.append(&mut peer, &event).await;
    }

    replica.push("the last words");
    handle.destroy(LINGER);
    log.drain(&mut peer).await;
    assert_eq!(log.text("doc").as_deref(), Some("the last words"));
    let last = log.awareness.last().expect("presence was announced");
    assert_eq!((last.client_id, &*last.state), (42, "null"), "and taken back");
    events.finished().await;
}

#[tokio::test]
async fn destroy_before_the_connection_is_made_is_quick() {
    let server = Server::bind().await;
    let (handle, mut events) = server.start();
    let _replica = Replica::add_to(&handle, "doc", None);
    handle.connect();
    let _stream = server.accept_tcp().await;
    let started = Instant::now();
    handle.destroy(LINGER);
    events.finished().await;
    assert!(started.elapsed() < LINGER / 2);
}

#[tokio::test]
async fn an_edit_made_right_after_adding_the_document_is_sent() {
    let server = Server::bind().await;
    let (handle, _events) = server.start();
    handle.connect();
    let mut peer = server.join().await;
    let replica = Replica::add_to(&handle, "doc", None);
    replica.push("first");
    let mut log = Log::default();
    while log.text("doc").as_deref() != Some("first") {
        let event = peer.event().await.expect("the client stays");
        log.append(&mut peer, &event).await;
    }
}

#[tokio::test]
async fn sends_no_edit_of_a_removed_document() {
    let server = Server::bind().await;
    let (handle, mut events) = server.start();
    let replica = Replica::add_to(&handle, "doc", None);
    handle.connect();
    let mut peer = server.join().await;
    events.status(Status::Connected).await;
    replica.push("before");
    handle.remove_document(replica.key);
    replica.push(" and after");
    handle.destroy(LINGER);
    let mut log = Log::default();
    log.drain(&mut peer).await;
    assert_eq!(log.text("doc").as_deref(), Some("before"));
}

#[tokio::test]
async fn edits_made_offline_arrive_after_a_reset() {
    let server = Server::bind().await;
    let (handle, mut events) = server.start();
    let replica = Replica::add_to(&handle, "doc", None);
    handle.connect();
    let peer = server.join().await;
    events.status(Status::Connected).await;

    peer.into_inner().set_zero_linger().unwrap();
    let (reason, description) = events.close().await;
    assert_eq!(reason, "transport close", "{description}");
    replica.push("typed on the train");

    let mut peer = server.join().await;
    handle.flush(1, LINGER);
    let mut log = Log::default();
    while log.text("doc").is_none() {
        let event = peer.event().await.expect("the client stays");
        log.append(&mut peer, &event).await;
    }
    assert_eq!(log.text("doc").as_deref(), Some("typed on the train"));
    assert_eq!(events.flushed(1).await, Ok(()));
}

#[tokio::test]
async fn tells_the_close_code_of_the_server() {
    let server = Server::bind().await;
    let (handle, mut events) = server.start();
    handle.connect();
    let mut peer = server.join().await;
    events.status(Status::Connected).await;
    peer.close(1009, "").await;
    let (reason, description) = events.close().await;
    assert_eq!(reason, "transport close");
    assert!(description.contains("1009"), "{description}");
}

#[tokio::test]
async fn garbage_instead_of_frames_is_an_error_before_and_after_joining() {
    use tokio::io::AsyncWriteExt;
    let server = Server::bind().await;
    let (handle, mut events) = server.start();
    handle.connect();

    // As engine.io does for a wrong protocol version: first the upgrade, then the refusal.
    let mut stream = server.accept().await.into_inner();
    stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
    drop(stream);
    assert_eq!(events.error().await, ("transport close".to_owned(), true));

    let mut stream = server.join().await.into_inner();
    events.status(Status::Connected).await;
    stream.write_all(&[0xff; 200]).await.unwrap();
    let (reason, description) = events.close().await;
    assert_eq!(reason, "transport error", "{description}");
    server.join().await;
}

#[tokio::test]
async fn keeps_headers_and_attachments_together_under_load() {
    const DOCS: usize = 50;
    const EDITS: usize = 1000;
    let server = Server::bind().await;
    let (handle, mut events) = server.start();
    let replicas: Vec<_> =
        (0..DOCS).map(|doc| Replica::add_to(&handle, &doc.to_string(), None)).collect();
    handle.connect();
    let mut peer = server.join().await;
    events.status(Status::Connected).await;

    // The server reads nothing meanwhile, so that the socket fills up.
    for edit in 0..EDITS {
        for replica in &replicas {
            replica.edit(|txn| {
                let map = txn.get_or_insert_map("numbers");
                map.insert(txn, edit.to_string(), edit as u32);
            });
        }
    }
    handle.flush(1, LONG);

    let mut log = Log::default();
    let is_complete = |log: &Log| {
        log.docs.len() == DOCS
            && log.docs.values().all(|doc| {
                let txn = doc.transact();
                txn.get_map("numbers").is_some_and(|map| map.len(&txn) as usize == EDITS)
            })
    };
    while !is_complete(&log) {
        let event = peer.event().await.expect("the client stays");
        log.append(&mut peer, &event).await;
    }
    // What is in the log twice does no harm, but everything must be acknowledged for the flush.
    let flushed = tokio::select! {
        flushed = events.flushed(1) => flushed,
        () = log.drain(&mut peer) => panic!("the client closed"),
    };
    assert_eq!(flushed, Ok(()));
}
