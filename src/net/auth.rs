//! What the client says about itself when it joins the namespace.

use std::future::Future;
use std::pin::Pin;

use tokio::sync::oneshot;

use crate::error::{ErrorCode, ProviderError};

/// The answer of an [`AuthSource`]: the JSON text of an object, or `None` for no auth.
pub type AuthFuture = Pin<Box<dyn Future<Output = Result<Option<String>, ProviderError>> + Send>>;

/// Gives the `auth` object of a connection. It is asked once per attempt, as soon as the WebSocket is open, so that a
/// token is fresh and a server that can't be reached costs none. An error fails the attempt.
pub trait AuthSource: Send + Sync + 'static {
    /// The object for this attempt. Dropped when the attempt is given up.
    fn auth(&self) -> AuthFuture;
}

/// The same object at every attempt.
#[derive(Clone, Default)]
pub struct StaticAuth(
    /// JSON text of the object; `None` sends none.
    pub Option<String>,
);

impl AuthSource for StaticAuth {
    fn auth(&self) -> AuthFuture {
        Box::pin(std::future::ready(Ok(self.0.clone())))
    }
}

/// Asks another thread at every attempt.
pub struct AskedAuth(
    /// Called on a network thread; must not block. The answer may be given at any time, or dropped.
    pub Box<dyn Fn(AuthAnswer) + Send + Sync>,
);

/// The answer to one attempt. If that is over by now, nobody hears it.
#[derive(Debug)]
pub struct AuthAnswer(oneshot::Sender<Result<Option<String>, ProviderError>>);

impl AuthAnswer {
    /// Gives the JSON text of an object, or `None` for no auth.
    pub fn give(self, auth: Result<Option<String>, ProviderError>) {
        // The attempt is over when this fails.
        let _ = self.0.send(auth);
    }
}

impl AuthSource for AskedAuth {
    fn auth(&self) -> AuthFuture {
        let (sender, answer) = oneshot::channel();
        (self.0)(AuthAnswer(sender));
        Box::pin(async {
            answer.await.unwrap_or_else(|_| {
                Err(ProviderError::new(ErrorCode::Connection, "nobody made the auth"))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parking_lot::Mutex;
    use std::sync::Arc;

    #[tokio::test]
    async fn every_attempt_hears_its_own_answer_only() {
        let asked: Arc<Mutex<Vec<AuthAnswer>>> = Arc::default();
        let answers = Arc::clone(&asked);
        let source = AskedAuth(Box::new(move |answer| answers.lock().push(answer)));
        let stale = source.auth();
        let current = source.auth();
        drop(stale);
        let mut answers = std::mem::take(&mut *asked.lock()).into_iter();
        answers.next().unwrap().give(Ok(Some("stale".to_owned())));
        answers.next().unwrap().give(Ok(Some("current".to_owned())));
        assert_eq!(current.await, Ok(Some("current".to_owned())));
    }

    #[tokio::test]
    async fn an_answer_that_never_comes_fails_the_attempt() {
        let source = AskedAuth(Box::new(drop));
        assert_eq!(source.auth().await.unwrap_err().code, ErrorCode::Connection);
    }
}
