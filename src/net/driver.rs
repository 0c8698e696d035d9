//! The driver task: carries what happens to the session, and what the session wants to the socket and the documents.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep, sleep_until};

use super::attachments::{Attachments, work_done};
use super::auth::AuthSource;
use super::counters::Counters;
use super::dial::Dialer;
use super::handle::{Command, Handle, UserMessage};
use super::link::{Happened, Link};
use super::request::Handshake;
use super::runtime;
use super::sleep_watch::SleepWatch;
use super::transport::TransportConfig;
use crate::error::ProviderError;
use crate::session::{Event, Frame, Output, Session, SessionConfig, Status};

/// Commands and messages handled before the others get their turn.
const INPUTS_PER_TURN: usize = 128;

/// Bytes handed to the socket before the others get their turn.
const BYTES_PER_TURN: usize = 256 * 1024;

/// Turns in a row before other tasks of the runtime get theirs.
const TURNS_PER_POLL: usize = 16;

/// Everything a driver needs.
pub struct DriverConfig {
    /// Settings of the session.
    pub session: SessionConfig,
    /// Where and how to connect.
    pub transport: TransportConfig,
    /// Asked at every attempt.
    pub auth: Arc<dyn AuthSource>,
}

/// Hears what happens. Called on a network thread; must not block.
pub trait EventSink: Send + Sync + 'static {
    /// Something happened; in the order in which listeners must see it.
    fn handle_event(&self, event: Event);
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
    session: SessionConfig,
    dialer: D,
    auth: Arc<dyn AuthSource>,
    sink: Arc<dyn EventSink>,
) -> Handle {
    let (handle, commands) = Handle::new();
    let counters = Arc::clone(handle.counters());
    let room_id = session.room_id.clone();
    let session = Session::new(session, fastrand::u64(..));
    runtime.spawn(async move {
        let mut driver = Driver {
            session,
            room_id,
            link: Link::new(dialer, auth),
            timer: Timer::default(),
            sleep_watch: SleepWatch::new(),
            is_finished: false,
            attachments: Attachments::default(),
            counters,
            commands,
            sink,
        };
        poll_fn(|cx| driver.poll(cx)).await;
    });
    handle
}

struct Driver<D: Dialer> {
    session: Session,
    room_id: String,
    link: Link<D>,
    timer: Timer,
    sleep_watch: SleepWatch,
    attachments: Attachments,
    counters: Arc<Counters>,
    commands: mpsc::UnboundedReceiver<Command>,
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
            if !is_busy {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_commands(&mut self, cx: &mut Context<'_>) -> bool {
        for _ in 0..INPUTS_PER_TURN {
            match self.commands.poll_recv(cx) {
                Poll::Ready(Some(command)) => self.handle_command(command),
                // All handles are gone.
                Poll::Ready(None) => self.handle_command(Command::Abandon),
                Poll::Pending => return false,
            }
            if self.is_finished {
                return true;
            }
        }
        true
    }

    fn handle_command(&mut self, command: Command) {
        let now = now();
        match command {
            Command::Connect => self.session.connect(now),
            Command::Disconnect => self.session.disconnect(now),
            Command::Destroy { linger } => {
                self.link.set_leave_by(Instant::from_std(now) + linger);
                self.session.destroy(now, linger);
            }
            Command::Abandon => {
                self.link.abandon();
                self.is_finished = true;
            }
            Command::AddDocument { add, document, attachment } => {
                self.attachments.insert(add.key, document, attachment);
                let has_content = add.has_content;
                self.session.add_document(now, add);
                if has_content {
                    self.finish_edits();
                }
            }
            Command::RemoveDocument(key) => {
                self.session.remove_document(now, key);
                self.attachments.remove(key);
            }
            Command::LocalAwareness(key) => self.session.handle_local_awareness(now, key),
            Command::Flush { id, timeout } => self.session.flush(now, id, timeout),
            Command::CancelFlush { id } => self.session.cancel_flush(id),
            Command::WhenSynced { id, doc, timeout } => {
                self.session.when_synced(now, id, doc, timeout);
            }
            Command::CancelWhenSynced { id } => self.session.cancel_when_synced(id),
            Command::MessageEvents { is_wanted } => self.session.set_message_events(is_wanted),
            Command::Send(message) => {
                let UserMessage { channel, message_type, payload, doc_id, parent_id } = *message;
                let parent_id = parent_id.as_deref();
                let sent =
                    self.session.send(now, channel, message_type, payload, &doc_id, parent_id);
                if let Err(error) = sent {
                    // What happened before must be heard before.
                    self.poll_outputs();
                    self.sink.handle_event(Event::Error { doc: None, error });
                }
            }
            Command::LocalUpdates { doc, updates } => {
                for update in updates {
                    self.session.handle_local_update(now, doc, update);
                }
                self.finish_edits();
            }
            Command::JobDone { doc, done } => {
                self.session.handle_work_done(now, work_done(doc, done));
            }
        }
    }

    /// The session has taken the edits of a command.
    fn finish_edits(&self) {
        self.counters.set_unsynced_documents(self.session.unsynced_documents());
        self.counters.end_edits();
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
        let mut is_busy = false;
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
                }
                Output::Dial { generation, document } => {
                    let (doc_id, parent_id) =
                        document.map_or((None, None), |(id, parent)| (Some(id), parent));
                    let handshake = Handshake { room_id: self.room_id.clone(), doc_id, parent_id };
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
        is_busy
    }
}

impl<D: Dialer> Drop for Driver<D> {
    /// Runs also when the task panicked: a provider must not seem alive for ever.
    fn drop(&mut self) {
        self.link.abandon();
        self.commands.close();
        // An addition that nobody has seen is attached already.
        while let Ok(command) = self.commands.try_recv() {
            if let Command::AddDocument { add, document, attachment } = command {
                self.attachments.insert(add.key, document, attachment);
            }
        }
        self.attachments = Attachments::default();
        self.sink.handle_finished();
    }
}

/// One timer that is armed anew only when its deadline has changed.
#[derive(Default)]
struct Timer {
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Timer {
    fn poll_due(&mut self, deadline: Option<Instant>, cx: &mut Context<'_>) -> bool {
        // A timer that is not wanted now is kept: it wakes the task once for nothing, and is there for the next time.
        let Some(deadline) = deadline else { return false };
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if sleep.deadline() != deadline {
            sleep.as_mut().reset(deadline);
        }
        sleep.as_mut().poll(cx).is_ready()
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
