//! When a document asks what it lacks, and when it says everything again.

use std::time::Instant;

use super::super::context::Context;
use super::super::outbox::Outbox;
use super::super::timers::{DocumentTimer, Timer};
use super::super::work::Work;
use super::DocumentSync;

impl DocumentSync {
    /// Wants a step 1, damped: causes may come in a burst, and a corrupt record in the log would repeat for ever.
    pub(crate) fn ask(&mut self, now: Instant, cx: &mut Context) {
        let is_scheduled = cx.timers.is_set(Timer::Document(self.key, DocumentTimer::StepOne));
        if self.started_at.is_none() || is_scheduled {
            return;
        }
        match self.step_one.admit(now) {
            Ok(()) => self.encode_vector(cx),
            Err(at) => cx.set_timer(self.key, DocumentTimer::StepOne, at),
        }
    }

    /// There is no telling from which moment on a server listens: everything is repeated until it shows that it does.
    pub(super) fn handle_silence(&mut self, now: Instant, cx: &mut Context) {
        if self.step_one.is_heard() {
            return;
        }
        let is_listening = self.step_one.sent_as().is_some_and(|id| cx.acks.is_listening_since(id));
        if is_listening && self.step_one.wait_patiently() {
            let at = now + cx.jittered(cx.config.ack_timeout);
            cx.set_timer(self.key, DocumentTimer::Retransmit, at);
        } else {
            self.repeat(cx);
        }
    }

    /// Says everything again, as soon as there is a step 1 to begin with.
    pub(super) fn repeat(&mut self, cx: &mut Context) {
        self.step_one.repeat();
        self.encode_vector(cx);
    }

    /// A repeated step 1 goes out: whoever hears it hears what follows, and may not have heard what came before.
    pub(super) fn repeat_what_follows(&mut self, now: Instant, cx: &mut Context) {
        if let Some(outbox) = self.outbox.used() {
            let ids = outbox.recall_unheard(|id| cx.acks.is_listening_since(id));
            cx.forget_acks(&ids);
        }
        let replies = self.replies.used();
        if let Some(id) =
            replies.and_then(|it| it.take_unheard(|id| cx.acks.is_listening_since(id)))
        {
            self.outbox.used().map(Outbox::renew_difference);
            cx.forget_acks(&[id]);
        }
        if !cx.is_silent {
            self.presence.repeat();
        }
        self.pursue(now, cx);
    }

    /// Something was confirmed: step 1 was heard, too, if the server listened by then.
    pub(super) fn note_listening(&mut self, cx: &mut Context) {
        if self.step_one.sent_as().is_some_and(|id| cx.acks.is_listening_since(id)) {
            self.hear(cx);
        }
    }

    /// The server listens: nothing need be said again.
    pub(super) fn hear(&mut self, cx: &mut Context) {
        if self.step_one.hear() {
            cx.stop_timer(self.key, DocumentTimer::Retransmit);
        }
    }

    fn encode_vector(&mut self, cx: &mut Context) {
        let token = self.next_token();
        if self.step_one.begin(token) {
            cx.work(Work::EncodeStateVector { doc: self.key, token });
        }
    }
}
