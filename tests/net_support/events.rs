//! What a driver tells.

use std::sync::Arc;

use tokio::sync::mpsc;
use yjs_provider_native::net::EventSink;
use yjs_provider_native::session::{Event, Status};

use super::within;

/// Passes on what it hears; `None` is the end.
struct Recorder(mpsc::UnboundedSender<Option<Event>>);

impl EventSink for Recorder {
    fn handle_event(&self, event: Event) {
        let _ = self.0.send(Some(event));
    }

    fn handle_finished(&self) {
        let _ = self.0.send(None);
    }
}

/// A sink and what it hears.
pub fn recorder() -> (Arc<dyn EventSink>, Events) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (Arc::new(Recorder(sender)), Events(receiver))
}

pub struct Events(mpsc::UnboundedReceiver<Option<Event>>);

impl Events {
    /// The next event that `select` picks; events before it are passed over.
    pub async fn find<T>(&mut self, what: &str, mut select: impl FnMut(Event) -> Option<T>) -> T {
        within(what, async {
            loop {
                let event = self.0.recv().await.expect("the end is announced");
                let event = event.unwrap_or_else(|| panic!("the driver ended before {what}"));
                if let Some(found) = select(event) {
                    return found;
                }
            }
        })
        .await
    }

    pub async fn status(&mut self, wanted: Status) {
        self.find("a status", |event| is_status(&event, wanted).then_some(())).await;
    }

    /// Reason and description of the next `connection-close`.
    pub async fn close(&mut self) -> (&'static str, String) {
        self.find("connection-close", |event| match event {
            Event::ConnectionClose { reason, description } => {
                Some((reason, description.unwrap_or_default()))
            }
            _ => None,
        })
        .await
    }

    /// Message of the next `connection-error` and whether a retry follows.
    pub async fn error(&mut self) -> (String, bool) {
        self.find("connection-error", |event| match event {
            Event::ConnectionError { error, will_retry, .. } => Some((error.message, will_retry)),
            _ => None,
        })
        .await
    }

    /// Result of the flush with this id.
    pub async fn flushed(&mut self, wanted: u64) -> Result<(), String> {
        self.find("a flush", |event| match event {
            Event::Flushed { id, result } if id == wanted => {
                Some(result.map_err(|error| error.message))
            }
            _ => None,
        })
        .await
    }

    /// Waits for the end of the driver; events on the way are returned.
    pub async fn finished(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        within("the end of the driver", async {
            while let Some(event) = self.0.recv().await.expect("the end is announced") {
                events.push(event);
            }
        })
        .await;
        assert!(within("the sink to be dropped", self.0.recv()).await.is_none(), "nothing follows");
        events
    }

    /// Events that are here already.
    pub fn drain(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        while let Ok(Some(event)) = self.0.try_recv() {
            events.push(event);
        }
        events
    }
}

pub fn is_status(event: &Event, wanted: Status) -> bool {
    matches!(event, Event::Status { status, .. } if *status == wanted)
}
