//! Accepts every certificate, and remembers what the server sent.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, Error, SignatureScheme};

/// What the server sent.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) certificates: Vec<CertificateDer<'static>>,
    pub(super) has_key: Option<bool>,
}

#[derive(Debug)]
pub(super) struct Accepting {
    seen: Arc<Mutex<Seen>>,
    provider: Arc<CryptoProvider>,
}

impl Accepting {
    pub(super) fn new(provider: Arc<CryptoProvider>) -> (Accepting, Arc<Mutex<Seen>>) {
        let seen = Arc::<Mutex<Seen>>::default();
        (Accepting { seen: seen.clone(), provider }, seen)
    }

    fn remember(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// A signature that is wrong is reported, and not a reason to learn nothing about the certificate.
    fn signed(&self, result: Result<HandshakeSignatureValid, Error>) -> Result<HandshakeSignatureValid, Error> {
        self.remember(|seen| seen.has_key = Some(result.is_ok()));
        Ok(HandshakeSignatureValid::assertion())
    }
}

impl ServerCertVerifier for Accepting {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let all = std::iter::once(end_entity).chain(intermediates);
        let most = crate::MOST_CERTIFICATES;
        self.remember(|seen| seen.certificates = all.take(most).map(|one| one.clone().into_owned()).collect());
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signed(verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signed(verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms))
    }

    /// Old ones too: else an old server would only say that there is no common one.
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let mut schemes = self.provider.signature_verification_algorithms.supported_schemes();
        schemes.extend([
            SignatureScheme::ECDSA_NISTP521_SHA512,
            SignatureScheme::RSA_PKCS1_SHA1,
            SignatureScheme::ECDSA_SHA1_Legacy,
        ]);
        schemes
    }
}
