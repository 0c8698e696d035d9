//! TLS as Node does it: option names, defaults and what is accepted.

use std::fmt;
use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, ConfigBuilder, DigitallySignedStruct, Error, RootCertStore,
    SignatureScheme, WantsVerifier,
};

use crate::error::{ErrorCode, ProviderError};

/// TLS settings of a connection; all keys and certificates are PEM text, as in Node's `tls.connect`.
#[derive(Clone)]
pub struct TlsOptions {
    /// Trusted certificates, in place of the default roots.
    pub ca: Option<Vec<u8>>,
    /// Whether a server that can't be verified is refused.
    pub reject_unauthorized: bool,
    /// The client's certificate chain; needs `key`.
    pub cert: Option<Vec<u8>>,
    /// The client's private key, not encrypted; needs `cert`.
    pub key: Option<Vec<u8>>,
}

impl Default for TlsOptions {
    fn default() -> Self {
        Self { ca: None, reject_unauthorized: true, cert: None, key: None }
    }
}

impl TlsOptions {
    /// Checks the options and builds what rustls needs of them.
    pub(super) fn build(&self) -> Result<Arc<ClientConfig>, ProviderError> {
        let is_default = self.ca.is_none()
            && self.reject_unauthorized
            && self.cert.is_none()
            && self.key.is_none();
        if is_default {
            // Shared, so that a thousand providers hold the roots and the session tickets once.
            static DEFAULT: OnceLock<Arc<ClientConfig>> = OnceLock::new();
            return Ok(Arc::clone(DEFAULT.get_or_init(|| Arc::new(default_config()))));
        }

        let builder = builder();
        let builder = if !self.reject_unauthorized {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(AcceptAny))
        } else if let Some(ca) = &self.ca {
            let ca = certificates("ca", ca)?;
            builder.dangerous().with_custom_certificate_verifier(Arc::new(TrustCa::new(ca)?))
        } else {
            builder.with_root_certificates(default_roots())
        };

        let config = match (&self.cert, &self.key) {
            (Some(cert), Some(key)) => {
                let chain = certificates("cert", cert)?;
                let key = PrivateKeyDer::from_pem_slice(key).map_err(|e| invalid("key", e))?;
                builder.with_client_auth_cert(chain, key).map_err(|e| invalid("cert", e))?
            }
            (None, None) => builder.with_no_client_auth(),
            (Some(_), None) => return Err(invalid("cert", "needs socketOptions.key")),
            (None, Some(_)) => return Err(invalid("key", "needs socketOptions.cert")),
        };
        Ok(Arc::new(config))
    }
}

/// Trusts what the user's certificates signed, and these certificates themselves.
#[derive(Debug)]
struct TrustCa {
    certificates: Vec<CertificateDer<'static>>,
    webpki: Arc<WebPkiServerVerifier>,
}

impl TrustCa {
    fn new(certificates: Vec<CertificateDer<'static>>) -> Result<Self, ProviderError> {
        let mut roots = RootCertStore::empty();
        for certificate in &certificates {
            roots.add(certificate.clone()).map_err(|e| invalid("ca", e))?;
        }
        let webpki = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
            .build()
            .map_err(|e| invalid("ca", e))?;
        Ok(Self { certificates, webpki })
    }

    /// `openssl req -x509` makes certificates that are a CA and a server at once. Node accepts such a server when its
    /// very certificate is in `ca`; webpki, which checks the dates first, accepts it in no role but CA.
    fn is_trusted_itself(&self, end_entity: &CertificateDer<'_>, error: &Error) -> bool {
        let is_ca = matches!(error, Error::InvalidCertificate(CertificateError::Other(other))
            if other.to_string() == "CaUsedAsEndEntity");
        is_ca && self.certificates.iter().any(|trusted| trusted == end_entity)
    }
}

impl ServerCertVerifier for TrustCa {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.webpki.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        ) {
            Err(error) if self.is_trusted_itself(end_entity, &error) => {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            result => result,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.webpki.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.webpki.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.webpki.supported_verify_schemes()
    }
}

/// `rejectUnauthorized: false`. Signatures are not checked either: without an identity they prove nothing, and the check
/// would refuse the old certificate formats that this option is used for.
#[derive(Debug)]
struct AcceptAny;

impl ServerCertVerifier for AcceptAny {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}

fn default_config() -> ClientConfig {
    builder().with_root_certificates(default_roots()).with_no_client_auth()
}

fn default_roots() -> RootCertStore {
    RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }
}

fn builder() -> ConfigBuilder<ClientConfig, WantsVerifier> {
    ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("ring supports the default protocol versions")
}

/// Named here: a process-wide default would depend on which other addon was loaded first.
fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    Arc::clone(PROVIDER.get_or_init(|| Arc::new(ring::default_provider())))
}

fn certificates(option: &str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, ProviderError> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|e| invalid(option, e))?;
    if certificates.is_empty() {
        return Err(invalid(option, "has no certificate in PEM format"));
    }
    Ok(certificates)
}

fn invalid(option: &str, reason: impl fmt::Display) -> ProviderError {
    ProviderError::new(ErrorCode::InvalidOption, format!("socketOptions.{option}: {reason}"))
}

#[cfg(test)]
mod tests;
