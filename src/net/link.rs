//! The way to the server.

use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::auth::{AuthFuture, AuthSource};
use super::dial::{DialFuture, Dialer};
use super::request::Handshake;
use super::socket::{Closing, Inbound, Socket};
use crate::error::ProviderError;
use crate::session::Closed;

/// How long a socket that is being closed may take to send the rest and to hear the peer hang up.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Makes and ends connections, one at a time.
pub(super) struct Link<D: Dialer> {
    dialer: D,
    auth: Arc<dyn AuthSource>,
    state: State<D::Stream>,
    leave_by: Option<Instant>,
}

/// What happened to the connection with this generation.
pub(super) enum Happened {
    /// The WebSocket is open, and this is the auth for it.
    Dialed(u64, Option<String>),
    /// The attempt failed.
    DialFailed(u64, ProviderError),
    Text(u64, Utf8Bytes),
    Binary(u64, Bytes),
    /// The WebSocket ended.
    Closed(u64, Closed),
}

/// One value, so that there can't be two sockets.
enum State<S> {
    Idle,
    Dialing {
        generation: u64,
        dial: DialFuture<S>,
    },
    /// The WebSocket is open, and waits for its auth.
    Authorizing {
        socket: Socket<S>,
        auth: AuthFuture,
    },
    Open(Socket<S>),
    /// `next` waits until the old socket is gone.
    Closing {
        socket: Closing<S>,
        next: Option<(u64, Handshake)>,
    },
}

impl<D: Dialer> Link<D> {
    pub(super) fn new(dialer: D, auth: Arc<dyn AuthSource>) -> Self {
        Self { dialer, auth, state: State::Idle, leave_by: None }
    }

    /// Begins an attempt, as soon as the socket before it is gone.
    pub(super) fn dial(&mut self, generation: u64, handshake: Handshake) {
        if let State::Closing { next, .. } = &mut self.state {
            *next = Some((generation, handshake));
            return;
        }
        self.state = State::Dialing { generation, dial: self.dialer.dial(handshake) };
    }

    /// Ends the attempt or closes the connection of this generation, if it has not ended itself.
    pub(super) fn give_up(&mut self, generation: u64) {
        match &mut self.state {
            State::Dialing { generation: current, .. } if *current == generation => {
                self.state = State::Idle;
            }
            State::Authorizing { socket, .. } if socket.generation == generation => {
                self.state = State::Idle;
            }
            State::Open(socket) if socket.generation == generation => self.close(),
            State::Closing { next, .. } => {
                next.take_if(|(waiting, _)| *waiting == generation);
            }
            _ => {}
        }
    }

    /// Drops whatever there is.
    pub(super) fn abandon(&mut self) {
        self.state = State::Idle;
    }

    /// No socket may take longer than this to close. Only the first call counts.
    pub(super) fn set_leave_by(&mut self, deadline: Instant) {
        self.leave_by.get_or_insert(deadline);
    }

    pub(super) fn is_closing(&self) -> bool {
        matches!(self.state, State::Closing { .. })
    }

    /// The open socket, to send.
    pub(super) fn socket(&mut self) -> Option<&mut Socket<D::Stream>> {
        match &mut self.state {
            State::Open(socket) => Some(socket),
            _ => None,
        }
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Happened> {
        loop {
            match &mut self.state {
                State::Idle => return Poll::Pending,
                State::Dialing { generation, dial } => {
                    let generation = *generation;
                    match ready!(dial.as_mut().poll(cx)) {
                        Ok(stream) => {
                            let socket = Socket::new(generation, stream);
                            self.state = State::Authorizing { socket, auth: self.auth.auth() };
                        }
                        Err(error) => return Poll::Ready(self.fail(generation, error)),
                    }
                }
                State::Authorizing { socket, auth } => {
                    let generation = socket.generation;
                    return Poll::Ready(match ready!(auth.as_mut().poll(cx)) {
                        Ok(auth) => {
                            self.open();
                            Happened::Dialed(generation, auth)
                        }
                        Err(error) => self.fail(generation, error),
                    });
                }
                State::Open(socket) => {
                    let generation = socket.generation;
                    let Poll::Ready(inbound) = socket.poll_read(cx) else { return Poll::Pending };
                    return Poll::Ready(match inbound {
                        Inbound::Text(text) => Happened::Text(generation, text),
                        Inbound::Binary(bytes) => Happened::Binary(generation, bytes),
                        Inbound::Closed(closed) => {
                            self.close();
                            Happened::Closed(generation, closed)
                        }
                    });
                }
                State::Closing { socket, next } => {
                    if socket.poll_closed(cx).is_pending() {
                        return Poll::Pending;
                    }
                    let next = next.take();
                    self.state = State::Idle;
                    if let Some((generation, handshake)) = next {
                        self.dial(generation, handshake);
                    }
                }
            }
        }
    }

    fn fail(&mut self, generation: u64, error: ProviderError) -> Happened {
        self.state = State::Idle;
        Happened::DialFailed(generation, error)
    }

    fn open(&mut self) {
        if let State::Authorizing { socket, .. } = std::mem::replace(&mut self.state, State::Idle) {
            self.state = State::Open(socket);
        }
    }

    fn close(&mut self) {
        if let State::Open(socket) = std::mem::replace(&mut self.state, State::Idle) {
            let timeout = Instant::now() + CLOSE_TIMEOUT;
            let deadline = self.leave_by.map_or(timeout, |leave_by| timeout.min(leave_by));
            self.state = State::Closing { socket: socket.close(deadline), next: None };
        }
    }
}
