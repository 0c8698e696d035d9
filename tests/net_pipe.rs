//! The driver over pipes, with a clock that only the tests and the driver move.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod net_support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use net_support::{Dials, Events, Peer, is_status, pipe_dialer, recorder};
use tokio::io::DuplexStream;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;
use yjs_provider_native::net::{AuthFuture, AuthSource, Handle, StaticAuth, spawn_on};
use yjs_provider_native::protocol::channel::Channel;
use yjs_provider_native::session::{DocKey, Event, SessionConfig, Status};
use yjs_provider_native::{ErrorCode, ProviderError};

const PIPE: usize = 4096;
const LONG: Duration = Duration::from_secs(1000);

struct Driver {
    handle: Handle,
    dials: Dials,
    events: Events,
}

fn start() -> Driver {
    start_with(SessionConfig::new("room"), StaticAuth::default())
}

fn start_with(config: SessionConfig, auth: impl AuthSource) -> Driver {
    let (dialer, dials) = pipe_dialer();
    let (sink, events) = recorder();
    let runtime = tokio::runtime::Handle::current();
    let handle = spawn_on(&runtime, config, dialer, Arc::new(auth), sink);
    Driver { handle, dials, events }
}

impl Driver {
    async fn connected() -> (Self, Peer<DuplexStream>) {
        let mut driver = start();
        driver.handle.connect();
        let peer = driver.accept().await;
        (driver, peer)
    }

    async fn accept(&mut self) -> Peer<DuplexStream> {
        let mut peer = self.dials.next().await.accept(PIPE).await;
        peer.join(LONG, LONG).await;
        self.events.status(Status::Connected).await;
        peer
    }
}

#[tokio::test(start_paused = true)]
async fn answers_heartbeats_while_a_write_is_blocked() {
    const MESSAGES: usize = 100;
    const SIZE: usize = 100_000;
    const PINGS: usize = 30;
    let mut driver = start();
    driver.handle.connect();
    let mut peer = driver.dials.next().await.accept(PIPE).await;
    let (interval, timeout) = (Duration::from_millis(100), Duration::from_millis(50));
    peer.join(interval, timeout).await;
    driver.events.status(Status::Connected).await;

    let payload = Bytes::from(vec![7; SIZE]);
    for _ in 0..MESSAGES {
        driver.handle.send(Channel::Control, 9, payload.clone(), "doc".into(), None);
    }
    for _ in 0..PINGS {
        tokio::time::sleep(interval).await;
        peer.send("2").await;
    }
    let events = driver.events.drain();
    assert!(events.is_empty(), "the connection outlived {PINGS} heartbeats: {events:?}");

    let (mut attachments, mut before_pong) = (0, None);
    while attachments < MESSAGES {
        match peer.receive().await {
            // One may answer them all: a client that can't write must not pile pongs up.
            Some(Ok(Message::Text(text))) if text.as_str() == "3" => {
                before_pong = Some(attachments);
            }
            Some(Ok(Message::Binary(_))) => attachments += 1,
            Some(Ok(Message::Text(_))) => {}
            other => panic!("unexpected {other:?}"),
        }
    }
    let before_pong = before_pong.expect("the heartbeats are answered");
    assert!(before_pong < 5, "{before_pong} messages went before the last pong");
}

#[tokio::test(start_paused = true)]
async fn closes_a_connection_without_heartbeats_and_dials_again() {
    let mut driver = start();
    driver.handle.connect();
    let mut peer = driver.dials.next().await.accept(PIPE).await;
    let (interval, timeout) = (Duration::from_millis(300), Duration::from_millis(200));
    peer.join(interval, timeout).await;
    let opened = Instant::now();
    driver.events.status(Status::Connected).await;

    assert_eq!(driver.events.close().await.0, "ping timeout");
    let waited = opened.elapsed();
    let slack = Duration::from_millis(2);
    assert!(interval + timeout <= waited && waited <= interval + timeout + slack, "{waited:?}");
    driver.events.status(Status::Connecting).await;
    let next = driver.dials.next().await;
    assert!(peer.is_hung_up(), "the dead socket is gone before the next attempt");
    next.accept(PIPE).await.join(LONG, LONG).await;
    driver.events.status(Status::Connected).await;
}

#[tokio::test(start_paused = true)]
async fn reconnects_with_growing_delays_while_the_server_is_down() {
    let mut driver = start();
    driver.handle.connect();
    let mut dialed = driver.dials.next().await;
    for (attempt, range) in
        [(1, 500..=1500), (2, 1000..=3000), (3, 2000..=5000), (4, 4000..=5000), (5, 5000..=5000)]
    {
        let refused = Instant::now();
        dialed.refuse("connect ECONNREFUSED 127.0.0.1:1");
        let error = driver.events.error().await;
        assert_eq!(error, ("connect ECONNREFUSED 127.0.0.1:1".to_owned(), true), "{attempt}");
        dialed = driver.dials.next().await;
        let delay = refused.elapsed().as_millis();
        // The clock of the runtime counts milliseconds and never fires early.
        assert!(range.contains(&delay) || delay == range.end() + 1, "{attempt}: {delay} ms");
    }
    dialed.accept(PIPE).await.join(LONG, LONG).await;
    driver.events.status(Status::Connected).await;
}

#[tokio::test(start_paused = true)]
async fn reconnects_after_the_server_closes() {
    let (mut driver, mut peer) = Driver::connected().await;
    peer.close(1001, "restart").await;
    let (reason, description) = driver.events.close().await;
    assert_eq!(reason, "transport close");
    assert!(description.contains("1001") || description.contains("restart"), "{description}");
    assert!(matches!(peer.receive().await, Some(Ok(Message::Close(_)))), "the close is answered");
    assert!(peer.receive().await.is_none());
    driver.accept().await;
}

#[tokio::test(start_paused = true)]
async fn gives_up_an_attempt_that_takes_too_long() {
    let mut config = SessionConfig::new("room");
    config.connection_timeout = Some(Duration::from_secs(3));
    let mut driver = start_with(config, StaticAuth::default());
    driver.handle.connect();
    let started = Instant::now();
    let dialed = driver.dials.next().await;
    let (message, will_retry) = driver.events.error().await;
    assert!(message.contains("timeout") && will_retry, "{message}");
    dialed.given_up().await;
    assert!(started.elapsed() < Duration::from_millis(3010), "{:?}", started.elapsed());
    driver.accept().await;
}

#[tokio::test(start_paused = true)]
async fn destroy_ends_an_attempt_at_once() {
    let mut driver = start();
    driver.handle.connect();
    let dialed = driver.dials.next().await;
    let started = Instant::now();
    driver.handle.destroy(Duration::from_secs(5));
    driver.events.finished().await;
    dialed.given_up().await;
    assert!(driver.dials.is_over().await);
    assert_eq!(started.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn destroy_ends_the_wait_for_the_next_attempt() {
    let mut driver = start();
    driver.handle.connect();
    driver.dials.next().await.refuse("no");
    driver.events.error().await;
    let started = Instant::now();
    driver.handle.destroy(Duration::from_secs(5));
    driver.events.finished().await;
    assert!(driver.dials.is_over().await, "nobody dials after destroy");
    assert_eq!(started.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn disconnect_ends_an_attempt_and_connect_starts_another() {
    let mut driver = start();
    driver.handle.connect();
    let first = driver.dials.next().await;
    driver.handle.disconnect();
    driver.handle.connect();
    first.given_up().await;
    driver.accept().await;
}

#[tokio::test(start_paused = true)]
async fn destroy_says_goodbye_with_a_close_frame() {
    let (mut driver, mut peer) = Driver::connected().await;
    driver.handle.destroy(Duration::from_secs(5));
    // The server drops what it has queued when `41` comes, so only the close frame says goodbye.
    assert!(matches!(peer.receive().await, Some(Ok(Message::Close(None)))));
    assert!(peer.receive().await.is_none());
    drop(peer);
    driver.events.finished().await;
}

#[tokio::test(start_paused = true)]
async fn destroy_does_not_wait_longer_than_its_linger() {
    let rows = [
        ("no linger", Duration::ZERO, Duration::ZERO),
        ("short linger", Duration::from_millis(300), Duration::from_millis(310)),
        ("long linger", Duration::from_secs(60), Duration::from_millis(1010)),
    ];
    for (label, linger, bound) in rows {
        let (mut driver, peer) = Driver::connected().await;
        let started = Instant::now();
        driver.handle.destroy(linger);
        driver.events.finished().await;
        assert!(started.elapsed() <= bound, "{label}: {:?}", started.elapsed());
        // The server never answered.
        drop(peer);
    }
}

#[tokio::test(start_paused = true)]
async fn never_holds_two_sockets() {
    let (mut driver, mut peer) = Driver::connected().await;
    for round in 0..20 {
        driver.handle.disconnect();
        driver.handle.connect();
        let is_server_answering = round % 2 == 0;
        if is_server_answering {
            let goodbye = peer.receive().await;
            assert!(
                matches!(goodbye, Some(Ok(Message::Close(None)))),
                "round {round}: {goodbye:?}"
            );
            assert!(peer.receive().await.is_none());
        }
        let dialed = driver.dials.next().await;
        assert!(peer.is_hung_up(), "round {round}");
        peer = dialed.accept(PIPE).await;
        peer.join(LONG, LONG).await;
        driver.events.status(Status::Connected).await;
    }
}

#[tokio::test(start_paused = true)]
async fn goes_on_reading_from_a_socket_it_closes() {
    let (driver, mut peer) = Driver::connected().await;
    driver.handle.destroy(Duration::from_secs(5));
    // Far more than the pipe holds: this ends only if somebody reads.
    for _ in 0..100 {
        peer.send(&format!("42[{:?}]", "x".repeat(1000))).await;
    }
    assert!(matches!(peer.receive().await, Some(Ok(Message::Close(None)))));
}

// The flood never lets a paused clock move.
#[tokio::test]
async fn serves_commands_while_the_server_floods() {
    let (mut driver, mut peer) = Driver::connected().await;
    let flood = tokio::spawn(async move {
        // Until the client hangs up.
        while peer.try_send(r#"42["noise"]"#).await {}
    });
    driver.handle.destroy(Duration::from_millis(100));
    driver.events.finished().await;
    flood.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn ends_without_goodbye_when_nobody_holds_it() {
    for is_abandoned in [true, false] {
        let (mut driver, mut peer) = Driver::connected().await;
        if is_abandoned {
            driver.handle.abandon();
        } else {
            drop(driver.handle);
        }
        let events = driver.events.finished().await;
        assert_eq!(events, [], "nobody is there to hear");
        assert!(matches!(peer.receive().await, Some(Err(_)) | None), "no close frame");
    }
}

#[tokio::test(start_paused = true)]
async fn ignores_what_is_said_after_the_end() {
    let mut driver = start();
    driver.handle.destroy(Duration::ZERO);
    driver.events.finished().await;
    let handle = &driver.handle;
    handle.connect();
    handle.disconnect();
    handle.remove_document(DocKey(1));
    handle.handle_local_awareness(DocKey(1));
    handle.flush(1, Duration::ZERO);
    handle.send(Channel::Sync, 0, Bytes::new(), "doc".into(), None);
    handle.destroy(Duration::ZERO);
    handle.abandon();
    assert!(driver.dials.is_over().await);
}

#[tokio::test(start_paused = true)]
async fn takes_any_time_limit() {
    let (mut driver, mut peer) = Driver::connected().await;
    driver.handle.flush(1, Duration::MAX);
    assert_eq!(driver.events.flushed(1).await, Ok(()));
    driver.handle.destroy(Duration::MAX);
    assert!(matches!(peer.receive().await, Some(Ok(Message::Close(None)))));
    drop(peer);
    driver.events.finished().await;
}

#[tokio::test(start_paused = true)]
async fn reports_a_message_that_could_not_be_sent() {
    let mut driver = start();
    driver.handle.send(Channel::Sync, 0, Bytes::new(), "doc".into(), None);
    let code = driver
        .events
        .find("an error", |event| match event {
            Event::Error { error, .. } => Some(error.code),
            _ => None,
        })
        .await;
    assert_eq!(code, ErrorCode::Connection);
}

/// Gives `{"n":1}`, `{"n":2}`, and so on.
#[derive(Clone, Default)]
struct CountingAuth(Arc<AtomicUsize>);

impl AuthSource for CountingAuth {
    fn auth(&self) -> AuthFuture {
        let count = Arc::clone(&self.0);
        Box::pin(async move {
            let n = count.fetch_add(1, Ordering::Relaxed) + 1;
            Ok(Some(format!(r#"{{"n":{n}}}"#)))
        })
    }
}

#[tokio::test(start_paused = true)]
async fn asks_for_auth_whenever_a_connection_is_made() {
    let auth = CountingAuth::default();
    let mut driver = start_with(SessionConfig::new("room"), auth.clone());
    driver.handle.connect();
    driver.dials.next().await.refuse("no");
    assert_eq!(auth.0.load(Ordering::Relaxed), 0, "a server that is down costs no token");
    for expected in [r#"40{"n":1}"#, r#"40{"n":2}"#] {
        let mut peer = driver.dials.next().await.accept(PIPE).await;
        assert_eq!(peer.join(LONG, LONG).await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn fails_the_attempt_when_there_is_no_auth() {
    struct NoAuth;
    impl AuthSource for NoAuth {
        fn auth(&self) -> AuthFuture {
            let error = ProviderError::new(ErrorCode::PermissionDenied, "no token");
            Box::pin(std::future::ready(Err(error)))
        }
    }
    let mut driver = start_with(SessionConfig::new("room"), NoAuth);
    driver.handle.connect();
    let mut peer = driver.dials.next().await.accept(PIPE).await;
    assert_eq!(driver.events.error().await.0, "no token");
    assert!(matches!(peer.receive().await, Some(Err(_)) | None), "the socket is dropped");
}

#[tokio::test(start_paused = true)]
async fn announces_its_end_even_after_a_panic() {
    struct Defect;
    impl AuthSource for Defect {
        fn auth(&self) -> AuthFuture {
            panic!("this panic is part of a test")
        }
    }
    let mut driver = start_with(SessionConfig::new("room"), Defect);
    driver.handle.connect();
    let _peer = driver.dials.next().await.accept(PIPE).await;
    let events = driver.events.finished().await;
    assert!(events.iter().all(|event| is_status(event, Status::Connecting)), "{events:?}");
}
