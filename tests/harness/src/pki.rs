//! Authorities and certificates, made for a test.

use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, date_time_ymd,
};

/// Seconds since the epoch: from when until when.
pub type Validity = (u64, u64);

/// From 2020 to 2100.
pub const LONG: Validity = (1_577_836_800, 4_102_444_800);

/// An authority.
pub struct Authority {
    /// Its certificate.
    pub pem: String,
    params: CertificateParams,
    key: KeyPair,
}

/// A certificate with its key.
#[derive(Clone)]
pub struct Issued {
    /// The certificate.
    pub pem: String,
    /// The key, in PKCS#8.
    pub key: String,
    /// The certificate in DER.
    pub der: Vec<u8>,
    /// The key in DER.
    pub key_der: Vec<u8>,
}

impl Authority {
    /// One that trusts itself.
    pub fn root(name: &str, validity: Validity) -> Authority {
        let (params, key) = (authority(name, validity), KeyPair::generate().unwrap());
        Authority { pem: params.self_signed(&key).unwrap().pem(), params, key }
    }

    /// One that this one trusts.
    pub fn intermediate(&self, name: &str, validity: Validity) -> Authority {
        let (params, key) = (authority(name, validity), KeyPair::generate().unwrap());
        Authority { pem: params.signed_by(&key, &self.issuer()).unwrap().pem(), params, key }
    }

    /// Issues a certificate for a server.
    pub fn issue(&self, names: &[&str], validity: Validity) -> Issued {
        self.issue_with(names, validity, |_| ())
    }

    /// The same, with where the certificate of the authority can be fetched, as public authorities say it.
    pub fn issue_publicly(&self, names: &[&str], validity: Validity) -> Issued {
        self.issue_with(names, validity, |params| {
            // SEQUENCE { SEQUENCE { caIssuers, [6] "http://a/" } }
            let content = b"\x30\x17\x30\x15\x06\x08\x2b\x06\x01\x05\x05\x07\x30\x02\x86\x09http://a/".to_vec();
            params.custom_extensions.push(CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], content));
        })
    }

    fn issue_with(&self, names: &[&str], validity: Validity, change: impl FnOnce(&mut CertificateParams)) -> Issued {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let (mut params, key) = (CertificateParams::new(names).unwrap(), KeyPair::generate().unwrap());
        within(&mut params, validity);
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer()).unwrap();
        Issued {
            pem: certificate.pem(),
            key: key.serialize_pem(),
            der: certificate.der().to_vec(),
            key_der: key.serialize_der(),
        }
    }

    fn issuer(&self) -> Issuer<'_, &KeyPair> {
        Issuer::from_params(&self.params, &self.key)
    }
}

fn authority(name: &str, validity: Validity) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    within(&mut params, validity);
    params
}

fn within(params: &mut CertificateParams, (from, until): Validity) {
    let at = |seconds| date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds);
    (params.not_before, params.not_after) = (at(from), at(until));
}

/// A text in PEM as DER.
pub fn der(pem: &str) -> Vec<u8> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap().to_vec()
}
