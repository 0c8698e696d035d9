//! A tiny server with a log, in memory. By default it behaves as our gateway; switches make it like others.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use yjs_provider_native::protocol::channel::Channel;
use yjs_provider_native::protocol::envelope::{self, Envelope, Metadata};
use yjs_provider_native::protocol::socket_io::{self, Arg, Decoder, Namespace, Packet};
use yjs_provider_native::protocol::update::is_empty_update;
use yjs_provider_native::protocol::y_message::{self, Message};
use yjs_provider_native::session::Frame;
use yrs::updates::decoder::Decode;
use yrs::updates::encoder::Encode;
use yrs::{Doc, ReadTxn, StateVector, Transact, Update};

pub(crate) const ROOM: &str = "room";

pub(crate) type ConnectionId = usize;

/// What makes a server different from our gateway.
#[derive(Debug, Clone)]
pub(crate) struct Switches {
    /// Answers updates with an ack.
    pub(crate) acks: bool,
    /// Answers step 1 and asks with its own; otherwise step 1 goes through the log to everyone, as updates do.
    pub(crate) answers: bool,
    /// Sends records of the log to their sender as well, as `protocol-message`.
    pub(crate) echoes: bool,
    /// Ignores the first messages of a connection, as if its handlers came late.
    pub(crate) deaf_for: usize,
    /// Sends every record twice.
    pub(crate) duplicates: bool,
    /// The JSON of the refusal that answers every update.
    pub(crate) refusal: Option<String>,
    /// The same, only for that many updates.
    pub(crate) refusals_left: usize,
    /// The `maxPayload` of OPEN.
    pub(crate) max_payload: Option<usize>,
    /// Answers to CONNECT with this instead.
    pub(crate) connect_error: Option<String>,
}

impl Switches {
    pub(crate) fn gateway() -> Self {
        Self {
            acks: true,
            answers: true,
            echoes: false,
            deaf_for: 0,
            duplicates: false,
            refusal: None,
            refusals_left: usize::MAX,
            max_payload: None,
            connect_error: None,
        }
    }

    /// The published server, with a fan-out that works.
    pub(crate) fn published() -> Self {
        Self { acks: false, answers: false, echoes: true, ..Self::gateway() }
    }
}

#[derive(Default)]
struct Connection {
    sid: String,
    decoder: Decoder,
    is_joined: bool,
    heard: usize,
    /// Documents with a step 1, also an ignored one.
    asked: BTreeSet<String>,
    documents: BTreeSet<String>,
    /// Frames on their way to the client.
    outgoing: VecDeque<Frame>,
}

pub(crate) struct Server {
    pub(crate) switches: Switches,
    /// Step 1 messages that came, also ignored ones.
    pub(crate) step_ones: usize,
    /// Update and step 2 messages that came, also refused ones.
    pub(crate) updates: usize,
    /// Awareness messages that came: document, clock, state.
    pub(crate) presence: Vec<(String, u32, String)>,
    /// Step 2 messages that came.
    pub(crate) answers: usize,
    /// The offsets that came with step 1 messages.
    pub(crate) offsets: Vec<Option<String>>,
    /// Bytes of the largest envelope that came.
    pub(crate) largest_envelope: usize,
    connections: BTreeMap<ConnectionId, Connection>,
    next_connection: ConnectionId,
    documents: BTreeMap<String, Doc>,
    offset: i64,
}

impl Server {
    pub(crate) fn new(switches: Switches) -> Self {
        Self {
            switches,
            step_ones: 0,
            updates: 0,
            presence: Vec::new(),
            answers: 0,
            offsets: Vec::new(),
            largest_envelope: 0,
            connections: BTreeMap::new(),
            next_connection: 0,
            documents: BTreeMap::new(),
            offset: 0,
        }
    }

    /// What is in the log of a document.
    pub(crate) fn document(&mut self, id: &str) -> Doc {
        self.documents.entry(id.to_owned()).or_default().clone()
    }

    pub(crate) fn accept(&mut self) -> ConnectionId {
        let id = self.next_connection;
        self.next_connection += 1;
        let mut connection = Connection { sid: format!("s{id}"), ..Connection::default() };
        let max_payload = self
            .switches
            .max_payload
            .map_or(String::new(), |max| format!(r#","maxPayload":{max}"#));
        connection.outgoing.push_back(Frame::Text(format!(
            r#"0{{"sid":"e{id}","upgrades":[],"pingInterval":25000,"pingTimeout":20000{max_payload}}}"#
        )));
        self.connections.insert(id, connection);
        id
    }

    pub(crate) fn close(&mut self, id: ConnectionId) {
        self.connections.remove(&id);
    }

    /// Pings everyone who is there.
    pub(crate) fn ping(&mut self) {
        for connection in self.connections.values_mut() {
            connection.outgoing.push_back(Frame::Text("2".into()));
        }
    }

    /// The next frame for a client.
    pub(crate) fn poll(&mut self, id: ConnectionId) -> Option<Frame> {
        self.connections.get_mut(&id)?.outgoing.pop_front()
    }

    pub(crate) fn has_outgoing(&self, id: ConnectionId) -> bool {
        self.connections.get(&id).is_some_and(|connection| !connection.outgoing.is_empty())
    }

    /// Puts a frame on its way to a client.
    pub(crate) fn push(&mut self, id: ConnectionId, frame: Frame) {
        self.connections.get_mut(&id).unwrap().outgoing.push_back(frame);
    }

    /// Sends a message of the server's own to a client.
    pub(crate) fn send(
        &mut self,
        id: ConnectionId,
        channel: Channel,
        sender: Option<&str>,
        doc: &str,
        message: &Message,
    ) {
        self.send_payload(id, channel, sender, doc, &message.encode());
    }

    pub(crate) fn send_payload(
        &mut self,
        id: ConnectionId,
        channel: Channel,
        sender: Option<&str>,
        doc: &str,
        body: &[u8],
    ) {
        let metadata = metadata(doc, sender.unwrap_or("server"));
        let envelope = envelope::encode(&metadata, body).unwrap();
        self.emit(id, channel, envelope.into(), None);
    }

    pub(crate) fn handle(&mut self, id: ConnectionId, frame: Frame) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let packet = match frame {
            Frame::Text(text) if text == "3" => return,
            Frame::Text(text) => {
                connection.decoder.handle_text(text.strip_prefix('4').unwrap()).unwrap()
            }
            Frame::Binary(bytes) => connection.decoder.handle_binary(bytes).unwrap(),
        };
        match packet {
            Some(Packet::Connect { .. }) => {
                let answer = match &self.switches.connect_error {
                    Some(error) => format!("44{error}"),
                    None => format!(r#"40{{"sid":"{}"}}"#, connection.sid),
                };
                connection.is_joined = self.switches.connect_error.is_none();
                connection.outgoing.push_back(Frame::Text(answer));
            }
            Some(Packet::Event(event)) => self.handle_event(id, &event),
            Some(other) => panic!("the client must not send {other:?}"),
            None => {}
        }
    }

    fn handle_event(&mut self, id: ConnectionId, event: &socket_io::Event) {
        let connection = self.connections.get_mut(&id).unwrap();
        assert!(connection.is_joined, "an event before CONNECT was answered");
        let bytes = event.args.bytes(0).unwrap().into_owned();
        self.largest_envelope = self.largest_envelope.max(bytes.len());
        let Envelope { metadata, payload } = envelope::decode(&bytes).unwrap();
        assert_eq!(metadata.room_id, ROOM);
        assert_eq!(metadata.sender_id.as_deref(), Some(connection.sid.as_str()));
        let messages = y_message::decode_all(&payload).unwrap();
        connection.heard += 1;
        let [message] = &messages[..] else { panic!("one message at a time") };
        let is_step_one = matches!(message, Message::SyncStep1(_));
        assert!(
            is_step_one || connection.asked.contains(&*metadata.doc_id),
            "step 1 comes first, it subscribes"
        );
        let is_deaf = connection.heard <= self.switches.deaf_for;
        match message {
            Message::SyncStep1(_) => {
                connection.asked.insert(metadata.doc_id.to_string());
                self.step_ones += 1;
                let offset = event.args.text(1);
                self.offsets.push(offset.and_then(|json| serde_json::from_str(json).ok()));
            }
            Message::SyncStep2(_) | Message::Update(_) => {
                self.updates += 1;
                self.answers += usize::from(matches!(message, Message::SyncStep2(_)));
            }
            _ => {}
        }
        if !is_deaf {
            self.handle_message(id, &metadata.doc_id, message, event.id, &bytes);
        }
    }

    fn handle_message(
        &mut self,
        id: ConnectionId,
        doc: &str,
        message: &Message,
        ack: Option<u64>,
        record: &Bytes,
    ) {
        self.connections.get_mut(&id).unwrap().documents.insert(doc.to_owned());
        match message {
            Message::SyncStep1(vector) if self.switches.answers => {
                let vector = StateVector::decode_v1(vector).unwrap();
                let (update, own) = {
                    let document = self.document(doc);
                    let txn = document.transact();
                    (txn.encode_state_as_update_v1(&vector), txn.state_vector().encode_v1())
                };
                self.send(id, Channel::Sync, None, doc, &Message::SyncStep2(update.into()));
                self.send(id, Channel::Sync, None, doc, &Message::SyncStep1(own.into()));
                self.answer(id, ack, r#"{"ok":true}"#);
            }
            Message::SyncStep1(_) => {
                self.offset += 1;
                self.fan_out(id, doc, record);
            }
            Message::SyncStep2(update) | Message::Update(update) => {
                self.append(id, doc, update, ack, record);
            }
            Message::Awareness(update) => {
                for entry in yjs_provider_native::protocol::awareness::decode(update).unwrap() {
                    self.presence.push((doc.to_owned(), entry.clock, entry.state));
                }
                self.relay(id, doc, record);
            }
            Message::QueryAwareness => self.relay(id, doc, record),
            Message::PermissionDenied(_) => panic!("not for clients"),
        }
    }

    fn append(
        &mut self,
        id: ConnectionId,
        doc: &str,
        update: &Bytes,
        ack: Option<u64>,
        record: &Bytes,
    ) {
        if let Some(refusal) =
            self.switches.refusal.clone().filter(|_| self.switches.refusals_left > 0)
        {
            self.switches.refusals_left -= 1;
            return self.answer(id, ack, &refusal);
        }
        assert!(!is_empty_update(update), "an update without content");
        let document = self.document(doc);
        document.transact_mut().apply_update(Update::decode_v1(update).unwrap()).unwrap();
        self.offset += 1;
        let offset = self.offset;
        self.answer(
            id,
            ack,
            &format!(r#"{{"ok":true,"topic":"t","partition":0,"offset":"{offset}"}}"#),
        );
        self.fan_out(id, doc, record);
    }

    fn answer(&mut self, id: ConnectionId, ack: Option<u64>, json: &str) {
        if let Some(ack) = ack.filter(|_| self.switches.acks) {
            self.push(id, Frame::Text(format!("43{ack}[{json}]")));
        }
    }

    /// Sends a record of the gateway's log to one client.
    pub(crate) fn send_at(&mut self, id: ConnectionId, doc: &str, message: &Message, offset: i64) {
        let record = envelope::encode(&metadata(doc, "peer"), &message.encode()).unwrap();
        self.emit(id, Channel::Sync, record.into(), Some(&offset.to_string()));
    }

    /// Takes a record of somebody's to one client, as if it came out of the log now.
    pub(crate) fn push_record(
        &mut self,
        id: ConnectionId,
        metadata: &Metadata,
        message: &Message,
        offset: i64,
    ) {
        let record = envelope::encode(metadata, &message.encode()).unwrap();
        self.push_fanned_out(id, &record.into(), offset);
    }

    fn push_fanned_out(&mut self, id: ConnectionId, record: &Bytes, offset: i64) {
        let slot = r#"{"_placeholder":true,"num":0}"#;
        let json = format!(r#"{{"topic":"y-sync-r","offset":"{offset}","message":{slot}}}"#);
        self.push(id, Frame::Text(format!(r#"451-["protocol-message",{json}]"#)));
        self.push(id, Frame::Binary(record.clone()));
    }

    /// A record goes to everyone who has the document.
    fn fan_out(&mut self, from: ConnectionId, doc: &str, record: &Bytes) {
        let readers: Vec<ConnectionId> =
            self.readers(doc).filter(|&id| self.switches.echoes || id != from).collect();
        for id in readers {
            for _ in 0..if self.switches.duplicates { 2 } else { 1 } {
                let offset = self.offset;
                if self.switches.echoes {
                    self.push_fanned_out(id, record, offset);
                } else {
                    self.emit(id, Channel::Sync, record.clone(), Some(&offset.to_string()));
                }
            }
        }
    }

    fn relay(&mut self, from: ConnectionId, doc: &str, record: &Bytes) {
        let readers: Vec<ConnectionId> = self.readers(doc).filter(|&id| id != from).collect();
        for id in readers {
            self.emit(id, Channel::Awareness, record.clone(), None);
        }
    }

    fn readers(&self, doc: &str) -> impl Iterator<Item = ConnectionId> {
        let has = move |(id, connection): (&ConnectionId, &Connection)| {
            connection.documents.contains(doc).then_some(*id)
        };
        self.connections.iter().filter_map(has)
    }

    fn emit(&mut self, id: ConnectionId, channel: Channel, envelope: Bytes, offset: Option<&str>) {
        let mut args = vec![Arg::Binary(envelope)];
        if let Some(offset) = offset {
            args.push(Arg::json(offset).unwrap());
            args.push(Arg::json(&serde_json::json!({"topic": "t", "partition": 0})).unwrap());
        }
        let encoded =
            socket_io::encode_event(&Namespace::MAIN, channel.event_name(), &args, None).unwrap();
        self.push(id, Frame::Text(encoded.header));
        for attachment in encoded.attachments {
            self.push(id, Frame::Binary(attachment));
        }
    }
}

pub(crate) fn metadata(doc: &str, sender: &str) -> Metadata<'static> {
    Metadata {
        room_id: ROOM.into(),
        doc_id: doc.to_owned().into(),
        sender_id: Some(sender.to_owned().into()),
        ..Metadata::default()
    }
}
