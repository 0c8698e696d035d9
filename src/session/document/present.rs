//! Who is here: our own awareness state, and those of others.

use std::time::Instant;

use super::super::awareness::{AwarenessChange, RENEWAL};
use super::super::context::Context;
use super::super::event::Event;
use super::super::timers::{DocumentTimer, Timer};
use super::DocumentSync;
use crate::error::{ErrorCode, ProviderError};

impl DocumentSync {
    /// Our own awareness state changed.
    pub(crate) fn handle_local_awareness(&mut self, now: Instant, cx: &mut Context) {
        self.presence.announce();
        self.take_presence_turn(cx);
        if self.started_at.is_some() {
            cx.timers
                .set_earlier(Timer::Document(self.key, DocumentTimer::Awareness), now + RENEWAL);
        }
    }

    pub(super) fn handle_awareness(&mut self, now: Instant, cx: &mut Context, update: &[u8]) {
        match self.presence.apply(now, update) {
            Ok(change) => {
                self.take_presence_turn(cx);
                self.report_awareness(cx, change);
                self.watch_awareness(now, cx);
            }
            Err(error) => cx.error(
                Some(self.key),
                ProviderError::new(ErrorCode::InvalidUpdate, error.to_string()),
            ),
        }
    }

    pub(super) fn renew_awareness(&mut self, now: Instant, cx: &mut Context) {
        if !cx.is_silent {
            let change = self.presence.renew(now);
            self.take_presence_turn(cx);
            self.report_awareness(cx, change);
            self.watch_awareness(now, cx);
        }
    }

    /// Arms the awareness timer unless it runs: states only get younger, so a running one is never too late for them.
    pub(super) fn watch_awareness(&mut self, now: Instant, cx: &mut Context) {
        let timer = Timer::Document(self.key, DocumentTimer::Awareness);
        if self.started_at.is_none() || cx.is_silent || cx.timers.is_set(timer) {
            return;
        }
        if let Some(at) = self.presence.next_deadline() {
            cx.timers.set(timer, at.max(now));
        }
    }

    pub(super) fn report_awareness(&self, cx: &mut Context, change: AwarenessChange) {
        if !change.is_empty() {
            cx.event(Event::Awareness { doc: self.key, change: Box::new(change) });
        }
    }
}
