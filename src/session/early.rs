//! Events that come before the namespace is joined.

use crate::protocol::socket_io::Event;

/// More bytes than this are not kept: a step 1 asks for what is missing.
const LIMIT: usize = 4 * 1024 * 1024;

/// Counted for every event, so that empty ones are not free.
const OVERHEAD: usize = 256;

/// A server with connection state recovery sends what we missed before it answers CONNECT.
#[derive(Debug, Default)]
pub(crate) struct EarlyEvents {
    events: Vec<Event>,
    size: usize,
}

impl EarlyEvents {
    /// Keeps an event; from the first on that doesn't fit, all are dropped.
    pub(crate) fn push(&mut self, event: Event) {
        self.size = self.size.saturating_add(event.args.size() + OVERHEAD);
        if self.size <= LIMIT {
            self.events.push(event);
        }
    }

    /// All events, in their order.
    pub(crate) fn take(&mut self) -> Vec<Event> {
        std::mem::take(self).events
    }

    /// The connection is gone.
    pub(crate) fn clear(&mut self) {
        self.take();
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::protocol::socket_io::{Decoder, Packet};

    fn event(name: &str, size: usize) -> Event {
        let mut decoder = Decoder::default();
        let header = format!(r#"51-["{name}",{{"_placeholder":true,"num":0}}]"#);
        assert_eq!(decoder.handle_text(&header), Ok(None));
        match decoder.handle_binary(Bytes::from(vec![0; size])) {
            Ok(Some(Packet::Event(event))) => event,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_flood_is_cut_off_and_leaves_no_gap() {
        let mut early = EarlyEvents::default();
        early.push(event("a", LIMIT / 2));
        early.push(event("b", LIMIT));
        early.push(event("c", 1));
        let events = early.take();
        let names: Vec<_> = events.iter().map(Event::name).collect();
        assert_eq!(names, ["a"], "what follows a dropped one is dropped, too");
        for _ in 0..LIMIT {
            early.push(event("", 0));
        }
        assert!(early.take().len() <= LIMIT / OVERHEAD, "empty events are not free");
        early.push(event("a", 1));
        early.clear();
        assert!(early.take().is_empty());
    }
}
