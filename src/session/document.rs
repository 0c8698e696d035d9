//! One document's sync: its parts, when a connection begins and ends, and when it asks.

mod answering;
mod asking;
mod confirming;
mod origin;
mod present;
mod receiving;
mod sending;
mod unsendable;

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::context::Context;
use super::event::{Event, Position};
use super::offsets::Offsets;
use super::outbox::Outbox;
use super::presence::Presence;
use super::rare::Rare;
use super::replies::Replies;
use super::step_one::StepOne;
use super::synced::Synced;
use super::timers::DocumentTimer;
use super::work::{AddDocument, DocKey};
use crate::error::ProviderError;

pub(crate) use origin::{Origin, Sender};
pub(crate) use sending::Outgoing;

/// What the server refuses on this connection.
#[derive(Debug, Default)]
struct Denial {
    /// Why it will not sync the document.
    error: Option<Box<ProviderError>>,
    /// Servers say it twice, as an ack and as a message, and for every message.
    is_reported: bool,
}

/// One document of the session.
#[derive(Debug)]
pub(crate) struct DocumentSync {
    key: DocKey,
    doc_id: Arc<str>,
    parent_id: Option<Arc<str>>,
    presence: Presence,
    outbox: Rare<Outbox>,
    offsets: Offsets,
    synced: Synced,
    last_token: u64,
    /// What the context has counted of the outbox.
    counted_bytes: usize,
    // What follows begins anew with every connection.
    started_at: Option<Instant>,
    step_one: StepOne,
    replies: Rare<Replies>,
    /// The server was busy, that often in a row.
    busy: u32,
    /// The server acks what we send.
    is_acked: bool,
    denial: Denial,
    has_sync_turn: bool,
    has_presence_turn: bool,
}

impl DocumentSync {
    pub(crate) fn new(document: AddDocument, cx: &mut Context) -> Self {
        let AddDocument { key, doc_id, parent_id, has_content, awareness } = document;
        let mut outbox = Rare::default();
        if has_content && !cx.config.read_only {
            make_outbox(&mut outbox, cx).push_content();
            cx.note_unconfirmed(key);
        }
        Self {
            key,
            doc_id,
            parent_id,
            presence: Presence::new(awareness),
            outbox,
            offsets: Offsets::default(),
            synced: Synced::default(),
            last_token: 0,
            counted_bytes: 0,
            started_at: None,
            step_one: StepOne::default(),
            replies: Rare::default(),
            busy: 0,
            is_acked: false,
            denial: Denial::default(),
            has_sync_turn: false,
            has_presence_turn: false,
        }
    }

    pub(crate) fn key(&self) -> DocKey {
        self.key
    }

    pub(crate) fn doc_id(&self) -> &Arc<str> {
        &self.doc_id
    }

    pub(crate) fn parent_id(&self) -> Option<&Arc<str>> {
        self.parent_id.as_ref()
    }

    pub(crate) fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    pub(crate) fn offsets(&self) -> &Offsets {
        &self.offsets
    }

    pub(crate) fn is_synced(&self) -> bool {
        self.synced.is_synced()
    }

    /// Whether the document is part of the connection for this long.
    pub(crate) fn has_waited(&self, now: Instant, duration: Duration) -> bool {
        self.started_at.is_some_and(|started_at| now >= started_at + duration)
    }

    /// Why the server will not sync the document on this connection.
    pub(crate) fn denial(&self) -> Option<&ProviderError> {
        self.denial.error.as_deref()
    }

    pub(crate) fn take_moved(&mut self) -> Option<Position> {
        self.offsets.take_moved()
    }

    /// The namespace is joined: ask for what is missing, send what is not confirmed, and say who we are.
    pub(crate) fn start(&mut self, now: Instant, cx: &mut Context) {
        self.started_at = Some(now);
        self.step_one = StepOne::default();
        self.replies = Rare::default();
        self.busy = 0;
        self.is_acked = false;
        self.denial = Denial::default();
        self.has_sync_turn = false;
        self.has_presence_turn = false;
        self.outbox.used().map(Outbox::restart);
        self.count_bytes(cx);
        self.ask(now, cx);
        if let Some(interval) = cx.config.resync_interval {
            let at = now + cx.jittered(interval);
            cx.set_timer(self.key, DocumentTimer::Resync, at);
        }
        if !cx.is_silent {
            self.presence.start(now);
        }
        self.watch_awareness(now, cx);
        self.pursue(now, cx);
        self.take_sync_turn(cx);
    }

    /// The connection is lost, as far as the user sees.
    pub(crate) fn report_lost(&mut self, cx: &mut Context) {
        if self.synced.lose() {
            cx.event(Event::Synced { doc: self.key, state: false });
        }
        let change = self.presence.lose();
        self.report_awareness(cx, change);
    }

    /// The connection is gone: nothing of it is waited for any more.
    pub(crate) fn stop(&mut self, cx: &mut Context) {
        self.started_at = None;
        self.replies = Rare::default();
        self.step_one = StepOne::default();
        cx.timers.stop_document(self.key);
    }

    /// The document is removed, and what it has to send is not waited for any more.
    pub(crate) fn discount_bytes(&self, cx: &mut Context) {
        cx.waiting_bytes -= self.counted_bytes;
    }

    /// One of the document's deadlines has come.
    pub(crate) fn handle_timer(&mut self, now: Instant, cx: &mut Context, timer: DocumentTimer) {
        match timer {
            DocumentTimer::Retransmit => self.handle_silence(now, cx),
            DocumentTimer::StepOne => self.ask(now, cx),
            DocumentTimer::Resync => {
                self.ask(now, cx);
                if let Some(interval) = cx.config.resync_interval {
                    let at = now + cx.jittered(interval);
                    cx.set_timer(self.key, DocumentTimer::Resync, at);
                }
            }
            DocumentTimer::Solo => self.complete(cx),
            DocumentTimer::Answer => self.answer(now, cx),
            DocumentTimer::Difference => self.pursue(now, cx),
            DocumentTimer::Ack => self.handle_missing_acks(now, cx),
            DocumentTimer::Resume => self.settle(now, cx),
            DocumentTimer::Awareness => self.renew_awareness(now, cx),
        }
    }

    fn count_bytes(&mut self, cx: &mut Context) {
        let bytes = self.outbox.waiting_bytes();
        cx.waiting_bytes = cx.waiting_bytes + bytes - self.counted_bytes;
        self.counted_bytes = bytes;
    }

    fn outbox_mut(&mut self, cx: &Context) -> &mut Outbox {
        make_outbox(&mut self.outbox, cx)
    }

    fn replies_mut(&mut self) -> &mut Replies {
        self.replies.make(Replies::default)
    }

    fn next_token(&mut self) -> u64 {
        self.last_token += 1;
        self.last_token
    }
}

fn make_outbox<'a>(outbox: &'a mut Rare<Outbox>, cx: &Context) -> &'a mut Outbox {
    outbox.make(|| Outbox::new(cx.config.outbox_limit))
}
