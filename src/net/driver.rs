//! The driver task: carries what happens to the session, and what the session wants to the socket and the documents.

mod telling;

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread;

use tokio::time::Instant;

use super::attachments::Attachments;
use super::auth::AuthSource;
use super::commands::Receiver;
use super::counters::Counters;
use super::dial::Dialer;
use super::handle::{Command, Handle};
use super::link::{Happened, Link};
use super::request::Handshake;
use super::runtime;
use super::sleep_watch::SleepWatch;
use super::timer::Timer;
use super::transport::TransportConfig;
use crate::error::ProviderError;
use crate::session::{Event, Frame, Output, Session, SessionConfig, Status};

/// Commands and messages handled before the others get their turn.
const INPUTS_PER_TURN: usize = 512;

/// Bytes handed to the socket before the others get their turn.
const BYTES_PER_TURN: usize = 256 * 1024;

/// Turns in a row before other tasks of the runtime get theirs.
const TURNS_PER_POLL: usize = 4;

/// Everything a driver needs.
pub struct DriverConfig {
    /// Settings of the session.
    pub session: Arc<SessionConfig>,
    /// Where and how to connect.
    pub transport: TransportConfig,
    /// Asked at every attempt.
    pub auth: Arc<dyn AuthSource>,
}

/// Hears what happens. Called on a network thread; must not block.
pub trait EventSink: Send + Sync + 'static {
    /// Something happened; in the order in which listeners must see it. More may follow at once: nobody need be woken for
    /// it before [`Self::handle_turn_end`].
    fn handle_event(&self, event: Event);
    /// A turn is over in which there were events.
    fn handle_turn_end(&self) {}
    /// The task has ended and holds nothing any more. Called once, and nothing follows.
    fn handle_finished(&self);
}

/// Starts a driver task. It does nothing until told to connect.
///
/// Fails with [`crate::ErrorCode::Internal`] when the system gives the process no threads.
pub fn spawn(config: DriverConfig, sink: Arc<dyn EventSink>) -> Result<Handle, ProviderError> {
    let runtime = runtime::handle()?;
    Ok(spawn_on(&runtime, config.session, config.transport, config.auth, sink))
}

/// As [`spawn`], on a runtime and with a dialer of the caller's choice.
pub fn spawn_on<D: Dialer>(
    runtime: &tokio::runtime::Handle,
    session: impl Into<Arc<SessionConfig>>,
    dialer: D,
    auth: Arc<dyn AuthSource>,
    sink: Arc<dyn EventSink>,
) -> Handle {
    let (handle, commands) = Handle::new();
    let counters = Arc::clone(handle.counters());
    let session = Session::new(session, fastrand::u64(..));
    let mut driver = Driver {
        session,
        link: Link::new(dialer, auth),
        timer: Timer::default(),
        sleep_watch: SleepWatch::new(),
        is_finished: false,
        attachments: Attachments::default(),
        counters,
        commands,
        sink,
    };
    // Not an async block: that would have room for the driver twice, before and after its first await.
    runtime.spawn(poll_fn(move |cx| driver.poll(cx)));
    handle
}

struct Driver<D: Dialer> {
    session: Session,
    link: Link<D>,
    timer: Timer,
    sleep_watch: SleepWatch,
    attachments: Attachments,
    counters: Arc<Counters>,
    commands: Receiver<Command>,
    sink: Arc<dyn EventSink>,
    /// Nothing is left to do but to close the socket.
    is_finished: bool,
}

impl<D: Dialer> Driver<D> {
    /// Ready when the task has nothing left to do.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // First, so that an edit made after waking up does not go into a dead socket.
        if let Some(asleep) = self.sleep_watch.look() {
            self.session.handle_sleep(now(), asleep);
        }
        for _ in 0..TURNS_PER_POLL {
            let mut is_busy = self.poll_commands(cx);
            is_busy |= self.poll_link(cx);
            is_busy |= self.poll_timer(cx);
            is_busy |= self.poll_transmit(cx);
            // Last, because the session closes a connection after its last frame was taken.
            is_busy |= self.poll_outputs();
            if self.is_finished && !self.link.is_closing() {
                return Poll::Ready(());
            }
            // Once more, because what was sent and put out may have set another deadline.
            if !is_busy && !self.poll_timer(cx) {
                self.tell_offsets();
                self.session.shrink();
                return Poll::Pending;
            }
        }
        // Not every turn: while a burst comes in, waking the JS thread for each would take longer than handling it.
        self.tell_offsets();
        // As the pool does after a slice: the JS thread may wait for a core.
        thread::yield_now();
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_link(&mut self, cx: &mut Context<'_>) -> bool {
        let now = now();
        for _ in 0..INPUTS_PER_TURN {
            let Poll::Ready(happened) = self.link.poll(cx) else { return false };
            let session = &mut self.session;
            match happened {
                Happened::Dialed(generation, auth) => session.handle_dialed(now, generation, auth),
                Happened::DialFailed(generation, error) => {
                    session.handle_dial_failed(now, generation, error);
                }
                Happened::Text(generation, text) => {
                    self.counters.note_received(text.len());
                    session.handle_text(now, generation, &text);
                }
                Happened::Binary(generation, bytes) => {
                    self.counters.note_received(bytes.len());
                    session.handle_binary(now, generation, bytes);
                }
                Happened::Closed(generation, closed) => {
                    session.handle_closed(now, generation, closed);
                }
            }
        }
        true
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>) -> bool {
        let deadline = self.session.poll_timeout().map(Instant::from_std);
        let is_due = self.timer.poll_due(deadline, cx);
        if is_due {
            self.session.handle_timeout(now());
        }
        is_due
    }

    fn poll_transmit(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(socket) = self.link.socket() else { return false };
        let now = now();
        let mut budget = BYTES_PER_TURN;
        while budget > 0 && socket.poll_ready(cx).is_ready() {
            let Some(frame) = self.session.poll_transmit(now) else { break };
            let length = length(&frame);
            self.counters.note_sent(length);
            budget = budget.saturating_sub(length);
            socket.send(frame, cx);
        }
        // Whether it is done or has to wait for the peer, the waker knows.
        let _: Poll<()> = socket.poll_flush(cx);
        budget == 0
    }

    fn poll_outputs(&mut self) -> bool {
        let now = now();
        let (mut is_busy, mut has_events) = (false, false);
        // Whoever hears that a flush is done must not be told the contrary.
        self.counters.set_waiting_bytes(self.session.waiting_bytes());
        self.counters.set_unsynced_documents(self.session.unsynced_documents());
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Work(work) => {
                    if let Some(done) = self.attachments.request(work) {
                        self.session.handle_work_done(now, done);
                        is_busy = true;
                    }
                }
                Output::Event(event) => {
                    if matches!(event, Event::Status { status: Status::Connected, .. }) {
                        self.counters.note_connected();
                    }
                    self.sink.handle_event(event);
                    has_events = true;
                }
                Output::Dial { generation, document } => {
                    let (doc_id, parent_id) =
                        document.map_or((None, None), |(id, parent)| (Some(id), parent));
                    let room_id = self.session.config().room_id.clone();
                    let handshake = Handshake { room_id, doc_id, parent_id };
                    self.link.dial(generation, handshake);
                    is_busy = true;
                }
                Output::Close { generation } => {
                    self.link.give_up(generation);
                    is_busy = true;
                }
                Output::Finished => self.is_finished = true,
            }
        }
        if has_events {
            self.sink.handle_turn_end();
        }
        is_busy
    }

    fn tell_offsets(&mut self) {
        let mut has_events = false;
        while let Some(offset) = self.session.poll_offset() {
            self.sink.handle_event(offset);
            has_events = true;
        }
        if has_events {
            self.sink.handle_turn_end();
        }
    }
}

impl<D: Dialer> Drop for Driver<D> {
    /// Runs also when the task panicked: a provider must not seem alive for ever.
    fn drop(&mut self) {
        self.link.abandon();
        // An addition that nobody has seen is attached already.
        for command in self.commands.close() {
            if let Command::AddDocument { add, document, attachment } = command {
                self.attachments.insert(add.key, document, attachment);
            }
        }
        self.attachments = Attachments::default();
        self.sink.handle_finished();
    }
}

fn length(frame: &Frame) -> usize {
    match frame {
        Frame::Text(text) => text.len(),
        Frame::Binary(bytes) => bytes.len(),
    }
}

/// The runtime's clock, which tests may stop.
fn now() -> std::time::Instant {
    Instant::now().into_std()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_driver_takes_little_room_because_a_process_may_have_thousands() {
        // 1664 today; not to the byte, because compilers differ.
        assert!(size_of::<Driver<TransportConfig>>() <= 1792);
    }
}
