//! From a host name to an open TCP connection.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::task::JoinSet;

use super::transport::invalid;
use crate::error::{ErrorCode, ProviderError};

/// The next address is tried this long after the one before it, if that has not failed earlier. Node waits as long.
const ADDRESS_STAGGER: Duration = Duration::from_millis(250);

/// A kind of IP addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// `4`.
    Ipv4,
    /// `6`.
    Ipv6,
}

/// From where to connect, and to which addresses.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct TcpOptions {
    local_address: Option<IpAddr>,
    family: Option<Family>,
}

impl TcpOptions {
    pub(super) fn new(
        local_address: Option<IpAddr>,
        family: Option<Family>,
    ) -> Result<Self, ProviderError> {
        let own = local_address.map(family_of);
        if own.is_some() && family.is_some() && own != family {
            let message = "is no address of the kind that socketOptions.family asks for";
            return Err(invalid("socketOptions.localAddress", message));
        }
        Ok(Self { local_address, family: family.or(own) })
    }

    /// Tries all addresses of a name.
    pub(super) async fn connect(self, host: &str, port: u16) -> Result<TcpStream, ProviderError> {
        let addresses = lookup_host((host, port))
            .await
            .map_err(|error| failure(format!("getaddrinfo {host}: {error}")))?
            .filter(|address| self.family.is_none_or(|family| family_of(address.ip()) == family))
            .collect();
        let open = |address| open(address, self.local_address);
        match race(alternate_families(addresses), open).await {
            Ok(stream) => {
                // Updates are small and wait for nothing: without this each could wait for the ack of the one before.
                stream.set_nodelay(true).map_err(|error| failure(describe_io(&error)))?;
                Ok(stream)
            }
            Err(Some((address, error))) => {
                Err(failure(format!("connect {} {address}", describe_io(&error))))
            }
            Err(None) => Err(failure(format!("getaddrinfo {host}: no address"))),
        }
    }
}

/// The code Node gives this kind of error, or the system's text.
pub(super) fn describe_io(error: &io::Error) -> String {
    // rustls reports through an io::Error; what it says is more useful than the kind it chose.
    if let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return format!("TLS: {tls}");
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "ECONNREFUSED".to_owned(),
        io::ErrorKind::ConnectionReset => "ECONNRESET".to_owned(),
        io::ErrorKind::ConnectionAborted => "ECONNABORTED".to_owned(),
        io::ErrorKind::BrokenPipe => "EPIPE".to_owned(),
        io::ErrorKind::TimedOut => "ETIMEDOUT".to_owned(),
        io::ErrorKind::HostUnreachable => "EHOSTUNREACH".to_owned(),
        io::ErrorKind::NetworkUnreachable => "ENETUNREACH".to_owned(),
        io::ErrorKind::AddrNotAvailable => "EADDRNOTAVAIL".to_owned(),
        _ => error.to_string(),
    }
}

fn family_of(address: IpAddr) -> Family {
    if address.is_ipv4() { Family::Ipv4 } else { Family::Ipv6 }
}

async fn open(address: SocketAddr, from: Option<IpAddr>) -> io::Result<TcpStream> {
    let socket = match family_of(address.ip()) {
        Family::Ipv4 => TcpSocket::new_v4()?,
        Family::Ipv6 => TcpSocket::new_v6()?,
    };
    if let Some(from) = from {
        socket.bind(SocketAddr::new(from, 0))?;
    }
    socket.connect(address).await
}

/// The first connection that is made, or the first failure when all fail. Dropping the future stops all attempts.
async fn race<S, F>(
    addresses: Vec<SocketAddr>,
    connect: impl Fn(SocketAddr) -> F,
) -> Result<S, Option<(SocketAddr, io::Error)>>
where
    S: Send + 'static,
    F: Future<Output = io::Result<S>> + Send + 'static,
{
    if let [address] = *addresses {
        // Without a task: a thousand providers may connect at once.
        return connect(address).await.map_err(|error| Some((address, error)));
    }
    let mut attempts = JoinSet::new();
    let mut first_failure = None;
    let mut addresses = addresses.into_iter();
    loop {
        if let Some(address) = addresses.next() {
            let attempt = connect(address);
            attempts.spawn(async move { (address, attempt.await) });
        }
        tokio::select! {
            attempt = attempts.join_next() => match attempt {
                Some(Ok((_, Ok(stream)))) => return Ok(stream),
                Some(Ok((address, Err(error)))) => {
                    first_failure.get_or_insert((address, error));
                }
                Some(Err(_cancelled)) => {}
                None => return Err(first_failure),
            },
            () = tokio::time::sleep(ADDRESS_STAGGER), if addresses.len() > 0 => {}
        }
    }
}

/// The families take turns, beginning with the one the resolver prefers: when one of them leads nowhere, every second
/// attempt is of the other.
fn alternate_families(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let is_ipv6_first = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (preferred, other): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == is_ipv6_first);
    let mut alternating = Vec::with_capacity(preferred.len() + other.len());
    let (mut preferred, mut other) = (preferred.into_iter(), other.into_iter());
    loop {
        let before = alternating.len();
        alternating.extend(preferred.next());
        alternating.extend(other.next());
        if alternating.len() == before {
            return alternating;
        }
    }
}

pub(super) fn failure(message: String) -> ProviderError {
    ProviderError::new(ErrorCode::Connection, message)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use tokio::time::Instant;

    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    /// Runs a race in which every address answers as the table says; yields the winner and the time it took.
    async fn run_race(
        table: &[(&str, Duration, Result<(), io::ErrorKind>)],
    ) -> (Result<SocketAddr, Option<SocketAddr>>, Duration) {
        let answers: HashMap<_, _> =
            table.iter().map(|(text, delay, answer)| (address(text), (*delay, *answer))).collect();
        let start = Instant::now();
        let addresses = table.iter().map(|(text, ..)| address(text)).collect();
        let result = race(addresses, |address| {
            let (delay, answer) = answers[&address];
            async move {
                tokio::time::sleep(delay).await;
                answer.map(|()| address).map_err(io::Error::from)
            }
        })
        .await;
        (result.map_err(|failure| failure.map(|(address, _)| address)), start.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn tries_the_next_address_when_one_fails_or_hangs() {
        const NEVER: Duration = Duration::from_secs(3600);
        let ms = Duration::from_millis;
        let refused = Err(io::ErrorKind::ConnectionRefused);
        let (first, second, third) = ("[::1]:1", "127.0.0.1:1", "127.0.0.2:1");
        let rows = [
            (
                "the first answers",
                vec![(first, ms(10), Ok(())), (second, ms(0), Ok(()))],
                Ok(first),
                ms(10),
            ),
            (
                "the first fails",
                vec![(first, ms(5), refused), (second, ms(10), Ok(()))],
                Ok(second),
                ms(15),
            ),
            (
                "the first hangs",
                vec![(first, NEVER, Ok(())), (second, ms(10), Ok(()))],
                Ok(second),
                ms(260),
            ),
            (
                "the first is slow but wins",
                vec![(first, ms(300), Ok(())), (second, NEVER, Ok(()))],
                Ok(first),
                ms(300),
            ),
            (
                "all fail: the first failure counts",
                vec![(first, ms(5), refused), (second, ms(5), refused), (third, ms(5), refused)],
                Err(first),
                ms(15),
            ),
        ];
        for (label, table, expected, time) in rows {
            let (result, elapsed) = run_race(&table).await;
            assert_eq!(
                result,
                expected.map(address).map_err(|text| Some(address(text))),
                "{label}"
            );
            assert_eq!(elapsed, time, "{label}");
        }
        assert_eq!(run_race(&[]).await.0, Err(None), "no address");
    }

    #[test]
    fn lets_address_families_take_turns() {
        let addresses = ["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1"].map(address).to_vec();
        let expected = ["[::1]:1", "1.1.1.1:1", "[::2]:1", "[::3]:1"].map(address);
        assert_eq!(alternate_families(addresses), expected);
    }

    #[test]
    fn the_local_address_decides_the_family() {
        let (v4, v6) = (Some("127.0.0.1".parse().unwrap()), Some("::1".parse().unwrap()));
        let family = |local, family| TcpOptions::new(local, family).map(|it| it.family);
        assert_eq!(family(None, None), Ok(None));
        assert_eq!(family(None, Some(Family::Ipv6)), Ok(Some(Family::Ipv6)));
        assert_eq!(family(v4, None), Ok(Some(Family::Ipv4)));
        assert_eq!(family(v6, Some(Family::Ipv6)), Ok(Some(Family::Ipv6)));
        let error = family(v4, Some(Family::Ipv6)).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidOption);
        assert!(error.message.starts_with("socketOptions.localAddress: "));
    }
}
