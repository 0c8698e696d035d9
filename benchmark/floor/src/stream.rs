//! From a socket into a document: one thread reads frames of y-websocket, another one applies what they carry.

use crate::Outcome;
use crate::apply::{GROUP, apply};
use crate::report::Meter;
use std::net::TcpStream;
use std::sync::mpsc;
use std::thread;
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Bytes, Message, client};
use yrs::Doc;

/// Step 1 of a document that holds nothing.
const STEP_ONE: &[u8] = &[0, 0, 1, 0];

pub(crate) fn run(port: u16, total: usize) -> Outcome {
    let meter = Meter::start();
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
    let url = format!("ws://127.0.0.1:{port}/doc");
    let (mut socket, _) = client::client_with_config(url, stream, Some(config))?;
    socket.send(Message::binary(STEP_ONE))?;

    let (sender, receiver) = mpsc::channel::<Vec<Bytes>>();
    let applier = thread::spawn(move || {
        let doc = Doc::new();
        for group in receiver {
            apply(&doc, &group).map_err(|error| error.to_string())?;
        }
        Ok::<_, String>(doc)
    });
    let mut group = Vec::with_capacity(GROUP);
    let mut received = 0;
    while received < total {
        let Message::Binary(frame) = socket.read()? else { continue };
        received += 1;
        group.push(update_of(&frame).ok_or("no message of y-websocket")?);
        if group.len() == GROUP || received == total {
            // The other end is gone only when applying failed, which `join` tells.
            let _ = sender.send(std::mem::replace(&mut group, Vec::with_capacity(GROUP)));
        }
    }
    drop(sender);
    let doc = applier.join().map_err(|_| "the thread that applies panicked")??;
    Ok(meter.report(&doc))
}

/// The update in a step 2 or update message.
fn update_of(frame: &Bytes) -> Option<Bytes> {
    let mut at = 2;
    let mut length = 0;
    for shift in (0..32).step_by(7) {
        let byte = *frame.get(at)?;
        at += 1;
        length |= usize::from(byte & 127) << shift;
        if byte < 128 {
            return (at + length <= frame.len()).then(|| frame.slice(at..at + length));
        }
    }
    None
}
