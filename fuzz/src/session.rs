//! Everything that may happen to a session, in any order.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use arbitrary::{Result, Unstructured};
use bytes::Bytes;
use parking_lot::Mutex;
use yjs_provider_native::error::{ErrorCode, ProviderError};
use yjs_provider_native::protocol::channel::Channel;
use yjs_provider_native::protocol::envelope::{self, Metadata};
use yjs_provider_native::protocol::y_message::Message;
use yjs_provider_native::session::{
    AddDocument, Awareness, Closed, DocKey, SessionConfig, Work, WorkDone,
};

use super::driver::{Cause, Driver};
use super::memory;

const ROOM: &str = "room";
const PLACEHOLDER: &str = r#"{"_placeholder":true,"num":0}"#;

/// An update of client 9, to the text `t`.
const UPDATE: &[u8] = &[1, 1, 9, 0, 4, 1, 1, b't', 1, b'x', 0];

/// Lets a session live through what the bytes say.
pub fn session(data: &[u8]) {
    memory::within((1 << 20) + 4096 * data.len(), || {
        // It ends when the bytes do.
        live(&mut Unstructured::new(data)).ok();
    });
}

fn live(u: &mut Unstructured<'_>) -> Result<()> {
    let config = SessionConfig {
        read_only: u.ratio(1, 16)?,
        force_base64: false,
        has_fresh_auth: u.arbitrary()?,
        outbox_limit: *u.choose(&[0, 40, 1 << 20])?,
        resync_interval: *u.choose(&[None, Some(Duration::from_secs(30))])?,
        ..SessionConfig::new(ROOM)
    };
    let mut life =
        Life { driver: Driver::new(config), clocks: [0; 3], documents: [None; 3], added: 0 };
    life.add_document(u, 0)?;
    life.driver.session.connect(life.driver.now);
    life.driver.settle(Cause::Other);
    while !u.is_empty() {
        let cause = match u.int_in_range(0..=9)? {
            0..=1 => life.user(u)?,
            2 => life.clock(u)?,
            3 => life.socket(u)?,
            4..=5 => life.document(u)?,
            _ => life.server(u)?,
        };
        life.driver.settle(cause);
    }
    Ok(())
}

struct Life {
    driver: Driver,
    /// Of the edits of each document.
    clocks: [u8; 3],
    /// Which documents are there, by their number in the room.
    documents: [Option<DocKey>; 3],
    added: u64,
}

impl Life {
    fn add_document(&mut self, u: &mut Unstructured<'_>, number: usize) -> Result<()> {
        if self.documents[number].is_some() {
            return Ok(());
        }
        self.added += 1;
        let key = DocKey(self.added);
        let awareness = Arc::new(Mutex::new(Awareness::new(number as u64 + 1)));
        self.documents[number] = Some(key);
        let document = AddDocument {
            key,
            doc_id: number.to_string().into(),
            parent_id: None,
            has_content: u.arbitrary()?,
            awareness: u.arbitrary::<bool>()?.then_some(awareness),
        };
        self.driver.session.add_document(self.driver.now, document);
        Ok(())
    }

    fn user(&mut self, u: &mut Unstructured<'_>) -> Result<Cause> {
        let now = self.driver.now;
        let number = u.int_in_range(0..=2)?;
        let key = self.documents[number];
        let id = u.int_in_range(0..=3)?;
        let session = &mut self.driver.session;
        match (u.int_in_range(0..=12)?, key) {
            (0, _) => session.connect(now),
            (1, _) => session.disconnect(now),
            (2, _) if u.ratio(1, 4)? => session.destroy(now, Duration::from_secs(2)),
            (3, None) => self.add_document(u, number)?,
            (4, Some(key)) => {
                session.remove_document(now, key);
                self.documents[number] = None;
                self.driver.works.retain(|work| key_of(work) != key);
                // What it says about the document comes before anything else.
                self.driver.settle(Cause::Other);
                self.driver.forget(key);
            }
            (5, _) => session.flush(now, id, Duration::from_secs(5)),
            (6, _) => session.cancel_flush(id),
            (7, Some(key)) => session.when_synced(now, id, key, Duration::from_secs(5)),
            (8, _) => session.cancel_when_synced(id),
            (9, Some(key)) => session.handle_local_awareness(now, key),
            (10, _) => {
                let payload = Bytes::from_static(&[1, 0]);
                session.send(now, Channel::Awareness, 1, payload, &number.to_string(), None).ok();
            }
            (_, Some(key)) if self.clocks[number] < 127 => {
                let client = number as u8 + 1;
                let clock = self.clocks[number];
                self.clocks[number] += 1;
                let update = vec![1, 1, client, clock, 4, 1, 1, b't', 1, b'x', 0];
                session.handle_local_update(now, key, update.into());
            }
            _ => {}
        }
        Ok(Cause::Other)
    }

    fn clock(&mut self, u: &mut Unstructured<'_>) -> Result<Cause> {
        let millis: u16 = u.arbitrary()?;
        let duration = Duration::from_millis(u64::from(millis) * 4);
        if u.ratio(1, 8)? {
            self.driver.session.handle_sleep(self.driver.now, duration);
        } else {
            self.driver.advance(duration);
        }
        Ok(Cause::Other)
    }

    fn socket(&mut self, u: &mut Unstructured<'_>) -> Result<Cause> {
        let now = self.driver.now;
        let Some(generation) = self.driver.link else { return Ok(Cause::Other) };
        match u.int_in_range(0..=5)? {
            0 => self.driver.is_stuck = u.arbitrary()?,
            1 if self.driver.is_dialed => {
                self.driver.hang_up();
                let closed = Closed {
                    code: u.arbitrary()?,
                    description: String::new(),
                    is_protocol_error: u.arbitrary()?,
                };
                self.driver.session.handle_closed(now, generation, closed);
            }
            1 => {
                self.driver.hang_up();
                let error = ProviderError::new(ErrorCode::Connection, "refused");
                self.driver.session.handle_dial_failed(now, generation, error);
            }
            _ if !self.driver.is_dialed => {
                self.driver.is_dialed = true;
                self.driver.session.handle_dialed(now, generation, Some("{}".into()));
            }
            _ => {}
        }
        Ok(Cause::Other)
    }

    /// A document answers, in its order.
    fn document(&mut self, u: &mut Unstructured<'_>) -> Result<Cause> {
        let Some(work) = self.driver.works.pop_front() else { return Ok(Cause::Other) };
        let doc = key_of(&work);
        let failure = || ProviderError::new(ErrorCode::InvalidUpdate, "no update");
        let done = match work {
            _ if u.ratio(1, 32)? => {
                self.driver.works.push_front(work);
                WorkDone::Overflowed { doc }
            }
            Work::Apply { first, updates, .. } => {
                let through = first + updates.len() as u64 - 1;
                let failed = u.ratio(1, 4)?.then_some(u.int_in_range(first..=through)?);
                WorkDone::Applied {
                    doc,
                    through,
                    is_missing_updates: u.arbitrary()?,
                    failed: failed.map(|token| (token, failure())).into_iter().collect(),
                }
            }
            Work::EncodeStateVector { token, .. } | Work::EncodeDiff { token, .. }
                if u.ratio(1, 8)? =>
            {
                WorkDone::Encoded { doc, token, result: Err(failure()) }
            }
            Work::EncodeStateVector { token, .. } => {
                WorkDone::Encoded { doc, token, result: Ok(Bytes::from_static(&[0])) }
            }
            Work::EncodeDiff { token, .. } => {
                let update: &[u8] = u.choose(&[&[0, 0], UPDATE])?;
                WorkDone::Encoded { doc, token, result: Ok(Bytes::from_static(update)) }
            }
        };
        self.driver.session.handle_work_done(self.driver.now, done);
        Ok(Cause::Server)
    }

    fn server(&mut self, u: &mut Unstructured<'_>) -> Result<Cause> {
        match u.int_in_range(0..=11)? {
            0 => {
                self.text(r#"0{"sid":"e","pingInterval":25000,"pingTimeout":20000}"#);
            }
            1 => {
                let max = *u.choose(&[0, 1, 250, 1_000_000])?;
                self.text(&format!(
                    r#"0{{"sid":"e","pingInterval":25000,"pingTimeout":20000,"maxPayload":{max}}}"#
                ));
                // What was taken before is on its way.
                self.driver.settle(Cause::Server);
                self.driver.max_payload = Some(max).filter(|max| *max > 250);
            }
            2..=3 => self.text(r#"40{"sid":"s","pid":"p"}"#),
            4 => {
                let last =
                    *u.choose(&["2", "41", r#"44{"message":"no","data":{"code":"busy"}}"#])?;
                self.text(last);
            }
            5 => self.text(&u.arbitrary::<String>()?),
            6 => {
                let bytes: Vec<u8> = u.arbitrary()?;
                self.binary(bytes.into());
            }
            7..=8 => self.ack(u)?,
            9 => self.echo(u)?,
            _ => self.message(u)?,
        }
        Ok(Cause::Server)
    }

    fn ack(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let ids: Vec<u64> = self.driver.sent.iter().filter_map(|(id, _)| *id).collect();
        let id = if ids.is_empty() { u.int_in_range(0..=3)? } else { *u.choose(&ids)? };
        let answer = *u.choose(&[
            r#"{"ok":true,"topic":"t","partition":0,"offset":"7"}"#,
            r#"{"ok":true}"#,
            r#"{"ok":false,"code":"busy","retryable":true}"#,
            r#"{"ok":false,"code":"permission-denied","retryable":false}"#,
            r#"{"ok":false,"code":"too-large","retryable":false}"#,
            "null",
        ])?;
        self.text(&format!("43{id}[{answer}]"));
        Ok(())
    }

    /// Something comes back from the log.
    fn echo(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        if self.driver.sent.is_empty() {
            return Ok(());
        }
        let (_, envelope) = u.choose(&self.driver.sent)?.clone();
        let offset: u8 = u.arbitrary()?;
        self.text(&format!(r#"451-["protocol-message",{{"topic":"y","offset":"{offset}","message":{PLACEHOLDER}}}]"#));
        self.binary(envelope);
        Ok(())
    }

    fn message(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let message = match u.int_in_range(0..=6)? {
            0 => Message::SyncStep1(Bytes::from_static(u.choose::<&[u8]>(&[&[0], &[1, 1, 1]])?)),
            1 => Message::SyncStep2(Bytes::from_static(u.choose::<&[u8]>(&[&[0, 0], UPDATE])?)),
            2 => Message::Update(Bytes::from_static(UPDATE)),
            3 => Message::Awareness(u.arbitrary::<Vec<u8>>()?.into()),
            4 => Message::Awareness(Bytes::from_static(&[1, 1, 9, 2, b'{', b'}'])),
            5 => Message::PermissionDenied("no".into()),
            _ => Message::QueryAwareness,
        };
        let payload = if u.ratio(1, 8)? { u.arbitrary()? } else { message.encode() };
        let sender = *u.choose(&["server", "server-hydration-1", "s", "peer", ""])?;
        let reply: &str = u.choose(&["s", "other", ""])?;
        let metadata = Metadata {
            room_id: ROOM.into(),
            doc_id: u.int_in_range(0..=3)?.to_string().into(),
            sender_id: Some(sender.into()).filter(|sender: &Cow<'_, str>| !sender.is_empty()),
            version: u.arbitrary::<bool>()?.then(|| "12".into()),
            in_reply_to: Some(reply.into())
                .filter(|reply: &String| !reply.is_empty())
                .into_iter()
                .collect(),
            ..Metadata::default()
        };
        let Ok(envelope) = envelope::encode(&metadata, &payload) else { return Ok(()) };
        let channel = *u.choose(&[Channel::Sync, Channel::Awareness, Channel::Control])?;
        let offset = *u.choose(&["", r#","1""#, r#","9",{"topic":"t","partition":0}"#])?;
        self.text(&format!(r#"451-["{}",{PLACEHOLDER}{offset}]"#, channel.event_name()));
        self.binary(envelope.into());
        Ok(())
    }

    fn text(&mut self, text: &str) {
        if let Some(generation) = self.driver.link.filter(|_| self.driver.is_dialed) {
            self.driver.session.handle_text(self.driver.now, generation, text);
        }
    }

    fn binary(&mut self, bytes: Bytes) {
        if let Some(generation) = self.driver.link.filter(|_| self.driver.is_dialed) {
            self.driver.session.handle_binary(self.driver.now, generation, bytes);
        }
    }
}

fn key_of(work: &Work) -> DocKey {
    let (Work::Apply { doc, .. }
    | Work::EncodeDiff { doc, .. }
    | Work::EncodeStateVector { doc, .. }) = work;
    *doc
}
