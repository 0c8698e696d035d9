//! Events that come before the namespace is joined.

use crate::protocol::socket_io::{Arg, Event};

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
        let json = event.args.iter().filter_map(Arg::as_json).map(|json| json.as_str().len());
        let attachments = event.attachments.iter().map(bytes::Bytes::len);
        let size = json.chain(attachments).sum::<usize>() + event.name.len() + OVERHEAD;
        self.size = self.size.saturating_add(size);
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
    use crate::protocol::socket_io::{Attachments, Namespace};

    fn event(name: &str, size: usize) -> Event {
        let bytes = Bytes::from(vec![0; size]);
        Event {
            namespace: Namespace::MAIN,
            id: None,
            name: name.to_owned(),
            args: vec![Arg::Binary(bytes.clone())],
            attachments: Attachments::from_iter([bytes]),
        }
    }

    #[test]
    fn a_flood_is_cut_off_and_leaves_no_gap() {
        let mut early = EarlyEvents::default();
        early.push(event("a", LIMIT / 2));
        early.push(event("b", LIMIT));
        early.push(event("c", 1));
        let names: Vec<_> = early.take().into_iter().map(|event| event.name).collect();
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
