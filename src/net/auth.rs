//! What the client says about itself when it joins the namespace.

use std::future::Future;
use std::pin::Pin;

use crate::error::ProviderError;

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
