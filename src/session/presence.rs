//! What a document has to say about who is here.

use std::time::Instant;

use super::awareness::{AwarenessChange, SharedAwareness};
use crate::protocol::awareness::DecodeError;
use crate::protocol::y_message::Message;

/// The awareness messages of one document, each kind coalesced to one.
#[derive(Debug, Default)]
pub(crate) struct Presence {
    awareness: Option<SharedAwareness>,
    /// Our state is to be sent.
    is_due: bool,
    /// Everybody is to be asked for theirs.
    is_query_due: bool,
    /// That we left is to be sent, and nothing else.
    farewell: Option<Box<[u8]>>,
}

impl Presence {
    /// Without an awareness nothing is ever sent.
    pub(crate) fn new(awareness: Option<SharedAwareness>) -> Self {
        Self { awareness, ..Self::default() }
    }

    /// A new connection. Others may hold our old state with the clock we had: only a newer one is accepted.
    pub(crate) fn start(&mut self, now: Instant) {
        self.farewell = None;
        if let Some(awareness) = &self.awareness {
            self.is_due = awareness.lock().renew(now);
            self.is_query_due = true;
        }
    }

    /// Says everything again.
    pub(crate) fn repeat(&mut self) {
        self.is_due = self.awareness.is_some();
        self.is_query_due = self.awareness.is_some();
    }

    /// Our state changed, or somebody asked for it.
    pub(crate) fn announce(&mut self) {
        self.is_due = self.awareness.is_some() && self.farewell.is_none();
    }

    /// We leave: others shall see it at once, and not only when our state expires.
    pub(crate) fn leave(&mut self, now: Instant) {
        let departure =
            self.awareness.as_ref().and_then(|awareness| awareness.lock().encode_departure(now));
        self.is_due = false;
        self.is_query_due = false;
        self.farewell = departure.map(Vec::into_boxed_slice);
    }

    /// Applies a remote awareness update.
    pub(crate) fn apply(
        &mut self,
        now: Instant,
        update: &[u8],
    ) -> Result<AwarenessChange, DecodeError> {
        let Some(awareness) = &self.awareness else { return Ok(AwarenessChange::default()) };
        let mut awareness = awareness.lock();
        let change = awareness.apply(now, update)?;
        // Somebody took us for dead.
        self.is_due |= change.updated.contains(&awareness.client_id());
        Ok(change)
    }

    /// The connection is lost, and with it everybody else.
    pub(crate) fn lose(&mut self) -> AwarenessChange {
        self.awareness.as_ref().map(|awareness| awareness.lock().clear_remote()).unwrap_or_default()
    }

    /// Renews our state and expires others.
    pub(crate) fn renew(&mut self, now: Instant) -> AwarenessChange {
        let Some(awareness) = &self.awareness else { return AwarenessChange::default() };
        let mut awareness = awareness.lock();
        self.is_due |= awareness.is_renewal_due(now) && awareness.renew(now);
        awareness.expire(now)
    }

    /// When to renew or expire next.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.awareness.as_ref()?.lock().next_deadline()
    }

    /// Whether something is to be sent.
    pub(crate) fn has_message(&self) -> bool {
        self.is_due || self.is_query_due || self.farewell.is_some()
    }

    /// Takes the next message.
    pub(crate) fn take_message(&mut self) -> Option<Message> {
        if let Some(farewell) = self.farewell.take() {
            return Some(Message::Awareness(farewell.into()));
        }
        let awareness = self.awareness.as_ref()?.lock();
        let own = awareness.client_id();
        if std::mem::take(&mut self.is_due) && awareness.meta().contains_key(&own) {
            return Some(Message::Awareness(awareness.encode(&[own]).into()));
        }
        std::mem::take(&mut self.is_query_due).then_some(Message::QueryAwareness)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parking_lot::Mutex;

    use super::*;
    use crate::protocol::awareness::{GONE, decode};
    use crate::session::{Awareness, RENEWAL};

    fn presence(now: Instant) -> (Presence, SharedAwareness) {
        let awareness = Arc::new(Mutex::new(Awareness::new(1)));
        awareness.lock().set_local_state(now, Some("{}".into()));
        (Presence::new(Some(Arc::clone(&awareness))), awareness)
    }

    /// Clock and state of the only entry.
    fn entry(message: Option<Message>) -> (u32, String) {
        let Some(Message::Awareness(update)) = message else { panic!("no awareness message") };
        let entry = decode(&update).unwrap().remove(0);
        (entry.clock, entry.state)
    }

    #[test]
    fn many_changes_are_one_message() {
        let now = Instant::now();
        let (mut presence, awareness) = presence(now);
        for name in ["a", "b", "c"] {
            awareness.lock().set_local_state(now, Some(format!("{name:?}")));
            presence.announce();
        }
        assert_eq!(entry(presence.take_message()), (4, r#""c""#.to_owned()));
        assert!(!presence.has_message());
        assert_eq!(presence.take_message(), None);
    }

    #[test]
    fn a_new_connection_announces_a_newer_clock_and_asks_for_the_others() {
        let now = Instant::now();
        let (mut presence, _awareness) = presence(now);
        presence.start(now);
        assert_eq!(entry(presence.take_message()), (2, "{}".to_owned()));
        assert_eq!(presence.take_message(), Some(Message::QueryAwareness));
        assert_eq!(presence.take_message(), None);
    }

    #[test]
    fn leaving_says_so_and_nothing_else_and_the_state_comes_back_later() {
        let now = Instant::now();
        let (mut presence, awareness) = presence(now);
        presence.start(now);
        presence.leave(now);
        assert_eq!(entry(presence.take_message()), (3, GONE.to_owned()));
        assert!(!presence.has_message());
        assert_eq!(awareness.lock().local_state(), Some("{}"));
        presence.start(now);
        assert_eq!(entry(presence.take_message()), (4, "{}".to_owned()));
    }

    #[test]
    fn our_state_is_renewed_in_time() {
        let now = Instant::now();
        let (mut presence, _awareness) = presence(now);
        assert_eq!(presence.next_deadline(), Some(now + RENEWAL));
        presence.renew(now + RENEWAL / 2);
        assert!(!presence.has_message());
        presence.renew(now + RENEWAL);
        assert_eq!(entry(presence.take_message()), (2, "{}".to_owned()));
    }

    #[test]
    fn without_awareness_nothing_is_sent() {
        let now = Instant::now();
        let mut presence = Presence::new(None);
        presence.start(now);
        presence.announce();
        presence.repeat();
        presence.leave(now);
        assert!(!presence.has_message());
        assert_eq!(presence.take_message(), None);
    }
}
