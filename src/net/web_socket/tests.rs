use std::future::poll_fn;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::*;

/// Our end, and the server's as tungstenite has it, over a pipe that holds this many bytes each way.
async fn pair(capacity: usize) -> (WebSocket<DuplexStream>, WebSocketStream<DuplexStream>) {
    let (client, server) = duplex(capacity);
    let server = WebSocketStream::from_raw_socket(server, Role::Server, None).await;
    (WebSocket::new(client, None), server)
}

async fn flush(socket: &mut WebSocket<DuplexStream>) {
    poll_fn(|cx| socket.poll_flush(cx)).await.unwrap();
}

async fn read(socket: &mut WebSocket<DuplexStream>) -> Result<Message, Error> {
    poll_fn(|cx| socket.poll_read(cx)).await
}

#[tokio::test]
async fn carries_messages_of_every_size_both_ways() {
    let (mut client, mut server) = pair(1000).await;
    for len in [0, 1, 2, 3, 4, 125, 126, 65_535, 65_536, 300_000] {
        let payload = Bytes::from((0..len).map(|i| i as u8).collect::<Vec<_>>());
        client.send(&Frame::Text("t".repeat(len)));
        client.send(&Frame::Binary(payload.clone()));
        let both = async { (server.next().await, server.next().await) };
        let ((), (text, bytes)) = tokio::join!(flush(&mut client), both);
        assert_eq!(text.unwrap().unwrap().into_text().unwrap().len(), len);
        assert!(bytes.unwrap().unwrap().into_data() == payload, "{len} bytes");

        let message = tungstenite::Message::Binary(payload.clone());
        let (sent, received) = tokio::join!(server.send(message), read(&mut client));
        sent.unwrap();
        assert!(received.unwrap() == Message::Binary(payload), "{len} bytes");
    }
}

#[tokio::test]
async fn answers_the_last_ping_between_messages() {
    let (mut client, mut server) = pair(1000).await;
    for ping in ["one", "two"] {
        server.send(tungstenite::Message::Ping(ping.into())).await.unwrap();
    }
    server.send(tungstenite::Message::text("after")).await.unwrap();
    assert_eq!(read(&mut client).await.unwrap(), Message::Text("after".into()));
    client.send(&Frame::Text("hello".to_owned()));
    flush(&mut client).await;
    let received = [server.next().await.unwrap().unwrap(), server.next().await.unwrap().unwrap()];
    let expected = [tungstenite::Message::text("hello"), tungstenite::Message::Pong("two".into())];
    assert_eq!(received, expected);
}

#[tokio::test]
async fn is_full_while_the_peer_does_not_read() {
    let (mut client, mut server) = pair(1000).await;
    let mut sent = 0;
    while poll_fn(|cx| Poll::Ready(client.poll_ready(cx).is_ready())).await {
        client.send(&Frame::Binary(vec![7; 10_000].into()));
        sent += 1;
    }
    assert_eq!(sent, 7, "one more than fits");
    let (mut received, mut is_ready) = (0, false);
    while received < sent {
        tokio::select! {
            message = server.next() => {
                assert_eq!(message.unwrap().unwrap().len(), 10_000);
                received += 1;
            }
            room = poll_fn(|cx| client.poll_ready(cx)), if !is_ready => {
                room.unwrap();
                is_ready = true;
            }
        }
    }
    assert!(is_ready);
}

#[tokio::test]
async fn says_good_bye_after_what_was_taken_and_hears_it() {
    let (mut client, mut server) = pair(1000).await;
    client.send(&Frame::Text("last".to_owned()));
    poll_fn(|cx| client.poll_close(cx)).await.unwrap();
    assert_eq!(server.next().await.unwrap().unwrap(), tungstenite::Message::text("last"));
    assert_eq!(server.next().await.unwrap().unwrap(), tungstenite::Message::Close(None));
    // Answers; whether it has an error for that is its own affair.
    let _: Result<(), Error> = server.flush().await;
    drop(server);
    assert_eq!(read(&mut client).await.unwrap(), Message::Close(None));
    let end = read(&mut client).await.unwrap_err();
    assert!(matches!(end, Error::ConnectionClosed), "{end:?}");
}

#[tokio::test]
async fn a_close_frame_is_answered_and_is_the_last_one() {
    // Close with 4001 and "why", an empty text.
    let (client, mut server) = duplex(1000);
    let mut client = WebSocket::new(client, None);
    server.write_all(b"\x88\x05\x0f\xa1why\x81\x00").await.unwrap();
    let Ok(Message::Close(Some(frame))) = read(&mut client).await else { panic!("no close frame") };
    assert_eq!((u16::from(frame.code), frame.reason.as_str()), (4001, "why"));
    flush(&mut client).await;
    let mut server = WebSocketStream::from_raw_socket(server, Role::Server, None).await;
    assert_eq!(server.next().await.unwrap().unwrap(), tungstenite::Message::Close(Some(frame)));
    let end = read(&mut client).await.unwrap_err();
    assert!(matches!(end, Error::Protocol(ProtocolError::ReceivedAfterClosing)), "{end:?}");
}

#[tokio::test]
async fn a_code_that_nobody_may_send_is_a_violation() {
    let (client, mut server) = duplex(1000);
    let mut client = WebSocket::new(client, None);
    server.write_all(b"\x88\x02\x03\xee").await.unwrap();
    let Ok(Message::Close(Some(frame))) = read(&mut client).await else { panic!("no close frame") };
    assert_eq!((u16::from(frame.code), frame.reason.as_str()), (1002, "Protocol violation"));
}

#[tokio::test]
async fn an_end_without_a_close_frame_is_an_error() {
    let (client, server) = duplex(1000);
    drop(server);
    let end = read(&mut WebSocket::new(client, None)).await.unwrap_err();
    let expected = ProtocolError::ResetWithoutClosingHandshake;
    assert!(matches!(&end, Error::Protocol(it) if *it == expected), "{end:?}");
}

#[tokio::test]
async fn nothing_is_allocated_while_nothing_is_under_way() {
    let (mut client, mut server) = pair(100_000).await;
    client.send(&Frame::Text("out".to_owned()));
    server.send(tungstenite::Message::text("in")).await.unwrap();
    flush(&mut client).await;
    read(&mut client).await.unwrap();
    assert_eq!((client.reader.capacity(), client.writer.capacity()), (0, 0));
}

#[tokio::test]
async fn bytes_that_came_with_the_answer_are_part_of_the_connection() {
    let request = tungstenite::handshake::client::Request::builder()
        .uri("ws://server/")
        .header("Host", "server")
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
        .body(())
        .unwrap();
    // The example of RFC 6455, and an empty text.
    let answer =
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\x81\x00";
    for cut in [1, 30, answer.len() - 4, answer.len() - 1, answer.len()] {
        let (client, mut server) = duplex(1000);
        let answer = async {
            server.write_all(&answer[..cut]).await.unwrap();
            tokio::task::yield_now().await;
            server.write_all(&answer[cut..]).await.unwrap();
        };
        let (socket, ()) = tokio::join!(upgrade(client, request.clone(), None), answer);
        let message = read(&mut socket.unwrap()).await.unwrap();
        assert_eq!(message, Message::Text("".into()), "cut at {cut}");
    }
    let (client, mut server) = duplex(1000);
    let half_an_answer = async move {
        server.read_u8().await.unwrap();
        server.write_all(&answer[..100]).await.unwrap();
    };
    let (socket, ()) = tokio::join!(upgrade(client, request, None), half_an_answer);
    let error = socket.unwrap_err();
    let expected = ProtocolError::HandshakeIncomplete;
    assert!(matches!(&error, Error::Protocol(it) if *it == expected), "{error:?}");
}
