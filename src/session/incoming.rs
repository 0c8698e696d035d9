//! What the frames of the server mean.

use std::time::Instant;

use bytes::Bytes;
use serde::Deserialize;

use super::connection::{Connection, State};
use super::timers::{Timer, Timers};
use crate::protocol::engine_io::{self, Open};
use crate::protocol::socket_io::{self, Ack, Event, Json, Packet};

/// What a frame meant.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// Nothing the session must know.
    Nothing,
    /// The namespace is joined. These events came before: what a server with connection state recovery had kept for us.
    Joined { early: Vec<Event> },
    /// The server can't be joined by this client.
    Unjoinable { description: String },
    /// CONNECT was refused.
    Refused { message: String, data: Option<Json> },
    /// The server disconnected the socket.
    Disconnected,
    /// An event.
    Event(Event),
    /// An ack.
    Ack(Ack),
    /// The server violated a protocol: close, with socket.io-client's reason.
    Violation { reason: &'static str, description: String },
}

impl Connection {
    pub(crate) fn handle_text(
        &mut self,
        now: Instant,
        timers: &mut Timers,
        text: &str,
    ) -> Incoming {
        match engine_io::decode_text(text) {
            Ok(engine_io::Packet::Open(open)) => self.open(now, timers, &open),
            Ok(engine_io::Packet::Ping(_)) if self.is_open() => {
                // One answer is enough for pings that a full socket has held up.
                if self.urgent.back().is_none_or(|last| last != engine_io::PONG) {
                    self.urgent.push_back(engine_io::PONG.to_owned());
                }
                timers.set(Timer::Heartbeat, now + self.patience);
                Incoming::Nothing
            }
            Ok(engine_io::Packet::Message(message)) if self.is_open() => {
                let packet = self.decoder.handle_text(message);
                self.handle_packet(now, packet)
            }
            Ok(engine_io::Packet::Binary(bytes)) => self.handle_binary(now, bytes),
            Ok(_) => Incoming::Nothing,
            Err(error) => {
                Incoming::Violation { reason: "transport error", description: error.to_string() }
            }
        }
    }

    pub(crate) fn handle_binary(&mut self, now: Instant, bytes: Bytes) -> Incoming {
        if !self.is_open() {
            return Incoming::Nothing;
        }
        let packet = self.decoder.handle_binary(bytes);
        self.handle_packet(now, packet)
    }

    fn open(&mut self, now: Instant, timers: &mut Timers, open: &Open) -> Incoming {
        // A second OPEN would be the server's mistake; the official client ignores its consequences as well.
        if let State::Opening { auth } = &mut self.state {
            let payload = self.recovery.connect_payload(auth.take());
            let connect = socket_io::encode_connect(self.namespace(), payload.as_deref());
            self.urgent.push_back(connect);
            self.state = State::Joining;
            self.max_payload = open.max_payload.or(self.assumed_max_payload);
            self.patience = open.ping_interval + open.ping_timeout;
            timers.set(Timer::Heartbeat, now + self.patience);
        }
        Incoming::Nothing
    }

    fn handle_packet(
        &mut self,
        now: Instant,
        packet: Result<Option<Packet>, socket_io::DecodeError>,
    ) -> Incoming {
        let packet = match packet {
            Ok(Some(packet)) => packet,
            Ok(None) => return Incoming::Nothing,
            Err(error) => {
                let description = error.to_string();
                return Incoming::Violation { reason: "parse error", description };
            }
        };
        if *packet.namespace() != *self.namespace() {
            return Incoming::Nothing;
        }
        match packet {
            Packet::Connect { data, .. } if self.state == State::Joining => {
                self.join(now, data.as_ref())
            }
            Packet::ConnectError { message, data, .. } if self.state == State::Joining => {
                Incoming::Refused { message, data }
            }
            Packet::Disconnect { .. } => Incoming::Disconnected,
            Packet::Event(event) if self.is_joined() => {
                self.recovery.handle_event(&event);
                Incoming::Event(event)
            }
            Packet::Event(event) => {
                self.early.push(event);
                Incoming::Nothing
            }
            Packet::Ack(ack) if self.is_joined() => Incoming::Ack(ack),
            Packet::Connect { .. } | Packet::ConnectError { .. } | Packet::Ack(_) => {
                Incoming::Nothing
            }
        }
    }

    fn join(&mut self, now: Instant, data: Option<&Json>) -> Incoming {
        let Some(ConnectedJson { sid, pid }) = data.and_then(Json::parse) else {
            let description =
                "CONNECT without a socket id: the server speaks an older Socket.IO than version 3";
            return Incoming::Unjoinable { description: description.to_owned() };
        };
        self.handle_joined(now, sid);
        self.recovery.handle_joined(pid);
        let early = self.early.take();
        for event in &early {
            self.recovery.handle_event(event);
        }
        Incoming::Joined { early }
    }
}

#[derive(Deserialize)]
struct ConnectedJson {
    sid: String,
    pid: Option<String>,
}

#[cfg(test)]
mod tests;
