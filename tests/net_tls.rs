//! Whom a connection trusts, and whom it tells who it is.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod net_support;

use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use net_support::{recorder, within};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use tokio_tungstenite::tungstenite::{self, Message, WebSocket};
use yjs_provider_native::net::{
    Dialer, DriverConfig, Handshake, StaticAuth, TlsOptions, TransportConfig, TransportOptions,
    spawn,
};
use yjs_provider_native::session::{SessionConfig, Status};

/// A certificate and its key, as PEM.
struct Identity {
    cert: String,
    key: String,
}

/// Signed by itself, and not allowed to sign others.
fn self_signed(name: &str) -> Identity {
    let key = KeyPair::generate().unwrap();
    let cert = CertificateParams::new(vec![name.to_owned()]).unwrap().self_signed(&key).unwrap();
    Identity { cert: cert.pem(), key: key.serialize_pem() }
}

/// A server that is its own CA, as `openssl req -x509` makes it.
fn self_signed_ca(name: &str) -> Identity {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let cert = params.self_signed(&key).unwrap();
    Identity { cert: cert.pem(), key: key.serialize_pem() }
}

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "test authority");
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn cert(&self) -> String {
        self.0.pem()
    }

    fn issue(&self, name: &str) -> Identity {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let cert = params.signed_by(&key, &self.0).unwrap();
        Identity { cert: cert.pem(), key: key.serialize_pem() }
    }
}

type TlsSocket = WebSocket<StreamOwned<ServerConnection, TcpStream>>;

/// Accepts one WebSocket over TLS, on a thread because rustls's own stream blocks. Returns whether it was opened.
fn serve(identity: &Identity, clients: Option<&Authority>) -> (u16, JoinHandle<bool>) {
    serve_with(identity, clients, |mut socket| match socket.read() {
        Ok(_) | Err(tungstenite::Error::ConnectionClosed) => {}
        // The client drops a socket that was opened in this test without closing it.
        Err(tungstenite::Error::Io(error)) => assert_eq!(error.kind(), ErrorKind::UnexpectedEof),
        Err(error) => panic!("{error}"),
    })
}

fn serve_with(
    identity: &Identity,
    clients: Option<&Authority>,
    script: impl FnOnce(TlsSocket) + Send + 'static,
) -> (u16, JoinHandle<bool>) {
    let chain = vec![CertificateDer::from_pem_slice(identity.cert.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).unwrap();
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match clients {
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            let root = CertificateDer::from_pem_slice(authority.cert().as_bytes()).unwrap();
            roots.add(root).unwrap();
            let roots = Arc::new(roots);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
        None => builder.with_no_client_auth(),
    };
    let config = Arc::new(builder.with_single_cert(chain, key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let thread = std::thread::spawn(move || {
        let (tcp, _) = listener.accept().unwrap();
        let tls = StreamOwned::new(ServerConnection::new(config).unwrap(), tcp);
        let Ok(socket) = tungstenite::accept(tls) else { return false };
        script(socket);
        true
    });
    (port, thread)
}

async fn dial(host: &str, port: u16, tls: TlsOptions) -> Result<(), String> {
    let options = TransportOptions { tls, ..TransportOptions::default() };
    let config = TransportConfig::parse(&format!("wss://{host}:{port}"), &options).unwrap();
    let socket = within("the attempt", config.dial(Handshake::default())).await;
    socket.map(drop).map_err(|error| error.message)
}

fn ca(pem: &str) -> TlsOptions {
    TlsOptions { ca: Some(pem.into()), ..TlsOptions::default() }
}

#[tokio::test]
async fn trusts_only_whom_it_is_told_to_trust() {
    let authority = Authority::new();
    let issued = authority.issue("localhost");
    let own = self_signed("localhost");
    let own_ca = self_signed_ca("localhost");
    let stranger = self_signed_ca("localhost");
    let other_name = self_signed_ca("example.com");
    let by_address = self_signed("127.0.0.1");
    let any = || TlsOptions { reject_unauthorized: false, ..TlsOptions::default() };
    let bundle = format!("{}{}", stranger.cert, own_ca.cert);

    let rows = [
        (
            "self-signed, by default",
            &own,
            "localhost",
            TlsOptions::default(),
            Some("UnknownIssuer"),
        ),
        ("self-signed, in ca", &own, "localhost", ca(&own.cert), None),
        ("self-signed, anyone is accepted", &own, "localhost", any(), None),
        (
            "self-signed CA, by default",
            &own_ca,
            "localhost",
            TlsOptions::default(),
            Some("invalid peer"),
        ),
        ("self-signed CA, in ca", &own_ca, "localhost", ca(&own_ca.cert), None),
        ("self-signed CA, one of two in ca", &own_ca, "localhost", ca(&bundle), None),
        (
            "self-signed CA, another one in ca",
            &own_ca,
            "localhost",
            ca(&stranger.cert),
            Some("invalid peer"),
        ),
        ("issued, by default", &issued, "localhost", TlsOptions::default(), Some("UnknownIssuer")),
        ("issued, authority in ca", &issued, "localhost", ca(&authority.cert()), None),
        (
            "issued, another one in ca",
            &issued,
            "localhost",
            ca(&stranger.cert),
            Some("UnknownIssuer"),
        ),
        (
            "another name, in ca",
            &other_name,
            "localhost",
            ca(&other_name.cert),
            Some("not valid for name"),
        ),
        ("another name, anyone is accepted", &other_name, "localhost", any(), None),
        ("by address, in ca", &by_address, "127.0.0.1", ca(&by_address.cert), None),
    ];
    for (label, identity, host, tls, refusal) in rows {
        let (port, server) = serve(identity, None);
        let result = dial(host, port, tls).await;
        match refusal {
            None => assert_eq!(result, Ok(()), "{label}"),
            Some(refusal) => {
                let error = result.expect_err(label);
                assert!(error.starts_with("TLS: ") && error.contains(refusal), "{label}: {error}");
            }
        }
        assert_eq!(server.join().unwrap(), refusal.is_none(), "{label}");
    }
}

#[tokio::test]
async fn shows_its_certificate_to_a_server_that_asks() {
    let authority = Authority::new();
    let (server, client) = (authority.issue("localhost"), authority.issue("client"));
    let trusting = || ca(&authority.cert());
    let with_identity = |it: &Identity| TlsOptions {
        cert: Some(it.cert.clone().into()),
        key: Some(it.key.clone().into()),
        ..trusting()
    };
    let rows = [
        ("its certificate", with_identity(&client), true),
        ("a certificate the server does not know", with_identity(&self_signed("client")), false),
        ("none", trusting(), false),
    ];
    for (label, tls, is_accepted) in rows {
        let (port, server) = serve(&server, Some(&authority));
        let result = dial("localhost", port, tls).await;
        assert_eq!(result.is_ok(), is_accepted, "{label}: {result:?}");
        assert_eq!(server.join().unwrap(), is_accepted, "{label}");
    }
}

#[tokio::test]
async fn a_driver_joins_and_leaves_over_tls() {
    let identity = self_signed("localhost");
    let (port, server) = serve_with(&identity, None, |mut socket| {
        let open = r#"0{"sid":"e","upgrades":[],"pingInterval":25000,"pingTimeout":20000}"#;
        socket.send(Message::text(open)).unwrap();
        assert_eq!(socket.read().unwrap(), Message::text("40"));
        socket.send(Message::text("2")).unwrap();
        assert_eq!(socket.read().unwrap(), Message::text("3"));
        socket.send(Message::text(r#"40{"sid":"s"}"#)).unwrap();
        assert!(matches!(socket.read().unwrap(), Message::Close(None)));
    });
    let options = TransportOptions { tls: ca(&identity.cert), ..TransportOptions::default() };
    let transport = TransportConfig::parse(&format!("wss://localhost:{port}"), &options).unwrap();
    let session = SessionConfig::new("room");
    let (sink, mut events) = recorder();
    let auth = Arc::new(StaticAuth::default());
    let handle = spawn(DriverConfig { session: session.into(), transport, auth }, sink).unwrap();
    handle.connect();
    events.status(Status::Connected).await;
    handle.destroy(Duration::from_secs(5));
    events.finished().await;
    assert!(server.join().unwrap());
}
