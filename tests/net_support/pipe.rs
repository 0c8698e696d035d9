//! A network of pipes, on which the test answers every attempt.

use tokio::io::DuplexStream;
use tokio::sync::{mpsc, oneshot};
use yjs_provider_native::net::{DialFuture, Dialer, Handshake, open_raw};
use yjs_provider_native::{ErrorCode, ProviderError};

use super::{Peer, within};

pub struct PipeDialer(mpsc::UnboundedSender<Dialed>);

/// The attempts of a [`PipeDialer`].
pub struct Dials(mpsc::UnboundedReceiver<Dialed>);

/// An attempt that waits for its answer.
pub struct Dialed {
    pub handshake: Handshake,
    answer: oneshot::Sender<Result<DuplexStream, ProviderError>>,
}

pub fn pipe_dialer() -> (PipeDialer, Dials) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (PipeDialer(sender), Dials(receiver))
}

impl Dialer for PipeDialer {
    type Stream = DuplexStream;

    fn dial(&self, handshake: Handshake) -> DialFuture<DuplexStream> {
        let (answer, answered) = oneshot::channel();
        let _ = self.0.send(Dialed { handshake, answer });
        Box::pin(async move {
            let stream = answered.await.expect("the test answers or gives up")?;
            Ok(open_raw(stream).await)
        })
    }
}

impl Dials {
    pub async fn next(&mut self) -> Dialed {
        within("an attempt", self.0.recv()).await.expect("the driver still dials")
    }

    /// Whether the driver is gone and made no attempt that was not seen.
    pub async fn is_over(&mut self) -> bool {
        within("the driver to go", self.0.recv()).await.is_none()
    }
}

impl Dialed {
    /// Lets the attempt succeed, over a pipe that holds this many bytes each way.
    pub async fn accept(self, capacity: usize) -> Peer<DuplexStream> {
        let (client, server) = tokio::io::duplex(capacity);
        self.answer.send(Ok(client)).expect("the attempt was not given up");
        Peer::over(server).await
    }

    pub fn refuse(self, message: &str) {
        let _ = self.answer.send(Err(ProviderError::new(ErrorCode::Connection, message)));
    }

    /// Resolves when the driver has dropped the attempt.
    pub async fn given_up(mut self) {
        within("the attempt to be given up", self.answer.closed()).await;
    }
}
